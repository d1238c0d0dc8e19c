"use strict";
// The page is whole without this: it adds sorting by a click and switching variants in all figures.
document.documentElement.classList.add("scripted");
for (const box of document.querySelectorAll("input[data-variant]")) {
  box.addEventListener("change", () => {
    document.body.classList.toggle("hide-" + box.dataset.variant, !box.checked);
    for (const same of document.querySelectorAll(`input[data-variant="${box.dataset.variant}"]`)) same.checked = box.checked;
  });
}
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
