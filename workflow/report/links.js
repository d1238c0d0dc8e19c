// One state of the view: a variant may be lit, a run chosen; all of it is in the address's fragment.
const filters = [...document.querySelectorAll(".switches input, .switches select, .sampled .snapshot, .sampled .seed, .sampled .hold, .film .snapshot, .film .seed")];
const initial = new Map(filters.map((control) => [control, control.type === "checkbox" || control.type === "radio" ? control.checked : control.value]));
const nameOf = (control) => control.id || [
  control.closest(".film") ? "densities" : "samples",
  control.closest("[data-dataset]").dataset.dataset,
  control.className.replace(" ", "-"),
].join(".");
const view = { lit: null, run: null, at: location.hash.includes("=") ? null : location.hash.slice(1) || null };
const variantNames = [...document.querySelectorAll(".switches [id^=variant-]")].map((box) => box.parentElement.textContent.trim());

const writeFragment = () => {
  const parts = new URLSearchParams();
  for (const control of filters) {
    const value = control.type === "checkbox" || control.type === "radio" ? control.checked : control.value;
    if (value === initial.get(control)) continue;
    if (control.type === "radio") { if (value) parts.set("by", control.id.slice(3)); } else parts.set(nameOf(control), String(value));
  }
  if (view.run) parts.set("run", view.run); else if (view.lit !== null) parts.set("lit", view.lit);
  const there = view.at ? "#" + view.at : "";
  if (view.at) parts.set("at", view.at);
  const viewed = [...parts.keys()].some((name) => name !== "at");
  if (viewed) history.replaceState(null, "", "#" + parts);
  else if (location.hash !== there) history.replaceState(null, "", location.pathname + location.search + there);
};
const light = (index) => {
  if (index === null) document.body.removeAttribute("data-lit"); else document.body.dataset.lit = index;
};
const bar = document.querySelector(".chosen-run");
const chooseRun = (run) => {
  view.run = run;
  for (const marked of document.querySelectorAll(".of-run")) marked.classList.remove("of-run");
  document.dispatchEvent(new CustomEvent("run", { detail: null }));
  bar.hidden = run === null;
  if (run === null) { view.lit = null; light(null); return; }
  const row = document.querySelector(`table.runs tr[data-run="${CSS.escape(run)}"]`);
  if (!row) { bar.hidden = true; view.run = null; return; }
  const [dataset, place, seed] = JSON.parse(row.dataset.parts);
  view.lit = place;
  light(place);
  document.dispatchEvent(new CustomEvent("run", { detail: { dataset, place, seed } }));
  for (const dot of document.querySelectorAll(`.strip [data-run="${CSS.escape(run)}"]`)) dot.classList.add("of-run");
  for (const part of document.querySelectorAll(`.sampled[data-dataset="${CSS.escape(dataset)}"]`)) {
    const picker = part.querySelector(".seed");
    if (picker && picker.value !== String(seed)) { picker.value = seed; part.dispatchEvent(new Event("show")); }
  }
  bar.querySelector(".words").textContent = `${row.querySelector("th").textContent.trim()} on ${dataset}, seed ${seed}: ${row.querySelector("td.status").textContent.trim()}.`;
  bar.querySelector("code").textContent = row.querySelector("td.command code").textContent;
};
const readFragment = () => {
  if (!location.hash.includes("=")) return;
  const parts = new URLSearchParams(location.hash.slice(1));
  for (const control of filters) {
    const name = control.type === "radio" ? "by" : nameOf(control), value = parts.get(name);
    if (value === null) continue;
    if (control.type === "radio") { if (control.id === "by-" + value) control.checked = true; }
    else if (control.type === "checkbox") control.checked = value === "true";
    else if (control.type === "range" || [...control.options].some((option) => option.value === value)) control.value = value;
  }
  for (const part of document.querySelectorAll(".sampled, .film")) part.dispatchEvent(new Event("show"));
  if (parts.get("lit") in variantNames) { view.lit = parts.get("lit"); light(view.lit); }
  if (parts.has("run")) chooseRun(parts.get("run"));
  const target = parts.has("at") ? document.getElementById(parts.get("at")) : null;
  if (!target) return;
  view.at = target.id;
  for (let folded = target.closest("details"); folded; folded = folded.parentElement.closest("details")) folded.open = true;
  target.scrollIntoView();
};

for (const control of filters) for (const kind of ["change", "input"]) control.addEventListener(kind, () => writeFragment());
for (const label of document.querySelectorAll(".legend label[for^=variant-]")) {
  label.addEventListener("pointerenter", () => light(label.htmlFor.slice(8)));
  label.addEventListener("pointerleave", () => light(view.lit));
}
const toggleLit = (place) => {
  const lit = view.run === null && view.lit === place ? null : place;
  chooseRun(null);
  view.lit = lit;
  light(lit);
  for (const button of document.querySelectorAll("button.lit")) button.setAttribute("aria-pressed", String(lit !== null && button.closest("tr").dataset.place === lit));
  writeFragment();
};
for (const row of document.querySelectorAll("table.board tbody tr")) {
  const heading = row.cells[0], place = row.dataset.place, button = document.createElement("button");
  button.type = "button";
  button.className = "lit";
  button.setAttribute("aria-pressed", "false");
  button.title = "Highlight this variant in all figures";
  button.append(...heading.childNodes);
  heading.append(button);
  button.addEventListener("click", () => toggleLit(place));
}
document.addEventListener("click", (event) => {
  const target = event.target.closest(".strip [data-run], button.show");
  if (!target) return;
  chooseRun(target.closest("[data-run]").dataset.run);
  writeFragment();
});
bar.querySelector(".close").addEventListener("click", () => { chooseRun(null); writeFragment(); });

// Values on hover: the nearest point of the lines that a figure shows.
const tip = document.querySelector(".tip");
const pointsOf = (path) => {
  const points = [];
  let at = [0, 0];
  for (const part of path.getAttribute("d").match(/[Ml][^MlCQz]*/g) ?? []) {
    const numbers = part.slice(1).match(/-?(?:\d+\.?\d*|\.\d+)/g).map(Number);
    for (let place = 0; place + 1 < numbers.length; place += 2) {
      at = part[0] === "M" ? [numbers[place], numbers[place + 1]] : [at[0] + numbers[place], at[1] + numbers[place + 1]];
      points.push(at);
    }
  }
  return points;
};
const short = (value) => Number(value.toPrecision(3)).toLocaleString("en", { maximumSignificantDigits: 3 }).replace("-", "−");
for (const svg of document.querySelectorAll("svg[data-scale]")) {
  let lines = null;
  svg.addEventListener("pointermove", (event) => {
    lines ??= [...svg.querySelectorAll('path[class*="variant-"]')].map((path) => [path, pointsOf(path)]);
    const box = svg.getBoundingClientRect(), [, , width] = svg.getAttribute("viewBox").split(" ").map(Number);
    const ratio = width / box.width, x = (event.clientX - box.left) * ratio, y = (event.clientY - box.top) * ratio;
    let best = null, nearest = 12 * ratio;
    for (const [path, points] of lines) {
      if (!path.getClientRects().length) continue;
      for (const point of points) {
        const distance = Math.hypot(point[0] - x, point[1] - y);
        if (distance < nearest) [best, nearest] = [[path, point], distance];
      }
    }
    tip.hidden = !best;
    if (!best) return;
    const [x0, dx, y0, dy] = svg.dataset.scale.split(" ").map(Number), [path, point] = best;
    const read = (axis, value) => short(svg.dataset.log?.includes(axis) ? 10 ** value : value);
    const seed = path.getAttribute("class").match(/seed-(\d+)/), place = path.getAttribute("class").match(/variant-(\d+)/)[1];
    tip.textContent = `${variantNames[place] ?? ""}${seed ? `, seed ${seed[1]}` : ", mean"}: ${read("y", y0 + dy * point[1])} at ${read("x", x0 + dx * point[0])}`;
    tip.style.left = `${Math.min(event.clientX + 12, innerWidth - 220)}px`;
    tip.style.top = `${event.clientY + 14}px`;
  });
  svg.addEventListener("pointerleave", () => { tip.hidden = true; });
}

// A link of a heading or a figure leads there, in the view of now.
for (const link of document.querySelectorAll("a.anchor")) link.addEventListener("click", () => {
  view.at = link.hash.slice(1);
  setTimeout(writeFragment); // after the browser has gone there
});
addEventListener("hashchange", readFragment);
readFragment();
