"use strict";
// The page is whole without this: it adds sorting by a click, and buttons that copy and save.
document.documentElement.classList.add("scripted");

const key = (cell) => {
  const text = cell.dataset.value ?? cell.textContent.trim();
  const number = parseFloat(text.replace(/[,\s]/g, "").replace("−", "-"));
  return cell.classList.contains("number") ? (Number.isNaN(number) ? Infinity : number) : text;
};
for (const table of document.querySelectorAll("table.sortable")) {
  const heads = [...table.tHead.rows[0].cells];
  heads.forEach((head, column) => {
    if ("fixed" in head.dataset) return;
    const button = document.createElement("button");
    button.append(...head.childNodes);
    head.append(button);
    button.addEventListener("click", () => {
      const up = head.getAttribute("aria-sort") !== "ascending";
      for (const other of heads) other.removeAttribute("aria-sort");
      head.setAttribute("aria-sort", up ? "ascending" : "descending");
      const rows = [...table.tBodies[0].rows].sort((first, second) => {
        const [a, b] = [key(first.cells[column]), key(second.cells[column])];
        return (a < b ? -1 : a > b ? 1 : 0) * (up ? 1 : -1);
      });
      table.tBodies[0].append(...rows);
    });
  });
}

const content = (link) => decodeURIComponent(link.href.slice(link.href.indexOf(",") + 1));
const toCopy = (button) => {
  const link = button.parentElement.querySelector("a[download]");
  return link ? content(link) : button.parentElement.querySelector("code").textContent;
};
const copied = async (text) => {
  try { await navigator.clipboard.writeText(text); return; } catch { /* a page on disk may not */ }
  const area = Object.assign(document.createElement("textarea"), { value: text, ariaHidden: "true" });
  document.body.append(area);
  area.select();
  document.execCommand("copy");
  area.remove();
};
for (const button of document.querySelectorAll(".copy")) {
  button.addEventListener("click", async () => {
    await copied(toCopy(button));
    button.textContent = "copied";
    setTimeout(() => { button.textContent = "copy"; }, 1500);
  });
}

// A figure as a file: what is shown of it now, on light paper, with a legend of its variants.
const legendOf = (drawing, width, height) => {
  const shown = [...document.querySelectorAll(".switches input[type=checkbox]:checked")]
    .map((box) => [box.id, box.parentElement.textContent.trim(), box.parentElement.querySelector(".key")])
    .filter(([id]) => drawing.querySelector("." + id));
  return shown.map(([, name, mark], place) => {
    const style = getComputedStyle(mark), y = height + 12 + 14 * place;
    const safe = name.replace(/[&<]/g, (each) => `&#${each.charCodeAt(0)};`);
    const dashes = { dashed: "6 3", dotted: "2" }[style.borderTopStyle] ?? "none";
    return `<path d="M8 ${y}h18" stroke="${style.borderTopColor}" stroke-width="2" stroke-dasharray="${dashes}"/><text x="32" y="${y + 3}" font-size="9">${safe}</text>`;
  });
};
for (const button of document.querySelectorAll(".save")) {
  button.addEventListener("click", () => {
    const figure = button.closest("figure");
    const drawing = [...figure.querySelectorAll("svg")].find((each) => each.getClientRects().length);
    const copy = drawing.cloneNode(true);
    for (const hidden of document.querySelectorAll(".switches input[type=checkbox]:not(:checked)"))
      for (const line of copy.querySelectorAll("." + hidden.id)) line.remove();
    const [, , width, height] = copy.getAttribute("viewBox").split(" ").map(Number);
    const legend = legendOf(copy, width, height);
    copy.setAttribute("xmlns", "http://www.w3.org/2000/svg");
    copy.setAttribute("viewBox", `0 0 ${width} ${height + (legend.length ? 14 * legend.length + 8 : 0)}`);
    const style = ":root{--faint:#c6cad1;color:#1b1e23;background:#fff}" + document.getElementById("figure-style").textContent;
    copy.insertAdjacentHTML("afterbegin", `<style>${style}</style>`);
    copy.insertAdjacentHTML("beforeend", legend.join(""));
    const text = new XMLSerializer().serializeToString(copy);
    const link = document.createElement("a");
    link.href = URL.createObjectURL(new Blob([text], { type: "image/svg+xml" }));
    link.download = button.dataset.name + ".svg";
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 10000);
  });
}
