"use strict";
// The page works without this script, which adds sorting by a click and buttons that copy and save.
document.documentElement.classList.add("scripted");

const sortKey = (cell) => {
  const text = cell.dataset.value ?? cell.textContent.trim();
  const number = parseFloat(text.replace(/[,\s]/g, "").replace("−", "-"));
  return cell.classList.contains("number") ? (Number.isNaN(number) ? Infinity : number) : text;
};
for (const table of document.querySelectorAll("table.sortable")) {
  const headings = [...table.tHead.rows[0].cells];
  headings.forEach((heading, column) => {
    if ("fixed" in heading.dataset) return;
    const button = document.createElement("button");
    button.append(...heading.childNodes);
    heading.append(button);
    button.addEventListener("click", () => {
      const ascending = heading.getAttribute("aria-sort") !== "ascending";
      for (const other of headings) other.removeAttribute("aria-sort");
      heading.setAttribute("aria-sort", ascending ? "ascending" : "descending");
      const rows = [...table.tBodies[0].rows].sort((first, second) => {
        const [a, b] = [sortKey(first.cells[column]), sortKey(second.cells[column])];
        return (a < b ? -1 : a > b ? 1 : 0) * (ascending ? 1 : -1);
      });
      table.tBodies[0].append(...rows);
    });
  });
}

const contentOf = (link) => decodeURIComponent(link.href.slice(link.href.indexOf(",") + 1));
const textFor = (button) => {
  const link = button.parentElement.querySelector("a[download]");
  return link ? contentOf(link) : button.parentElement.querySelector("code").textContent;
};
const copy = async (text) => {
  try { await navigator.clipboard.writeText(text); return; } catch { /* a browser may forbid it to a local file */ }
  const area = Object.assign(document.createElement("textarea"), { value: text, ariaHidden: "true" });
  document.body.append(area);
  area.select();
  document.execCommand("copy");
  area.remove();
};
for (const button of document.querySelectorAll(".copy")) {
  button.addEventListener("click", async () => {
    await copy(textFor(button));
    button.textContent = "copied";
    document.querySelector(".announced").textContent = `${button.getAttribute("aria-label").replace("Copy ", "")}: copied`;
    setTimeout(() => { button.textContent = "copy"; }, 1500);
  });
}

// Saves a figure as it is shown now, on light paper, with a legend of its variants.
const makeLegend = (drawing, width, height) => {
  const variants = [...document.querySelectorAll(".switches input[type=checkbox]:checked")]
    .map((box) => [box.id, box.parentElement.textContent.trim(), box.parentElement.querySelector(".key")])
    .filter(([id]) => drawing.querySelector("." + id));
  return variants.map(([, name, mark], place) => {
    const style = getComputedStyle(mark), y = height + 12 + 14 * place;
    const safe = name.replace(/[&<]/g, (character) => `&#${character.charCodeAt(0)};`);
    const dashes = { dashed: "6 3", dotted: "2" }[style.borderTopStyle] ?? "none";
    return `<path d="M8 ${y}h18" stroke="${style.borderTopColor}" stroke-width="2" stroke-dasharray="${dashes}"/><text x="32" y="${y + 3}" font-size="9">${safe}</text>`;
  });
};
for (const button of document.querySelectorAll(".save")) {
  button.addEventListener("click", () => {
    const figure = button.closest("figure");
    const drawing = [...figure.querySelectorAll("svg")].find((svg) => svg.getClientRects().length);
    const saved = drawing.cloneNode(true);
    for (const hidden of document.querySelectorAll(".switches input[type=checkbox]:not(:checked)"))
      for (const line of saved.querySelectorAll("." + hidden.id)) line.remove();
    const [, , width, height] = saved.getAttribute("viewBox").split(" ").map(Number);
    const legend = makeLegend(saved, width, height);
    saved.setAttribute("xmlns", "http://www.w3.org/2000/svg");
    saved.setAttribute("viewBox", `0 0 ${width} ${height + (legend.length ? 14 * legend.length + 8 : 0)}`);
    const style = ":root{--faint:#c6cad1;--paper:#fff;color:#1b1e23;background:#fff}" + document.getElementById("figure-style").textContent;
    saved.insertAdjacentHTML("afterbegin", `<style>${style}</style>`);
    saved.insertAdjacentHTML("beforeend", legend.join(""));
    const text = new XMLSerializer().serializeToString(saved);
    const link = document.createElement("a");
    link.href = URL.createObjectURL(new Blob([text], { type: "image/svg+xml" }));
    link.download = button.dataset.name + ".svg";
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 10000);
  });
}
