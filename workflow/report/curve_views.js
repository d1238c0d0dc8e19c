// When curves are drawn, and what a reader can do with them: values, highlights, the chosen run.
const plotPlaces = [...document.querySelectorAll(".plot[data-plot]")];
const drawnPlots = new Map();
const stalePlots = new Set(plotPlaces);
let markedRun = null;

// Widths are those that the browser tells: to ask for one after each drawing would lay out the page each time.
const widths = new Map();
const drawPlot = (place, width = widths.get(place)) => {
  if (!width) return; // hidden, or far from the screen: it is drawn when it gets a width
  const figure = place.closest("figure"), { dataset } = place.closest("[data-dataset]").dataset;
  const plot = curveData.datasets[dataset].plots[place.dataset.plot], budget = budgetOf(plot);
  const lines = collectLines(dataset, plot, budget);
  const xLabel = plot.against ? plot.againstLabel : curveData.datasets[dataset].labels[budget];
  const frame = layOut(width, plot, lines, xLabel), height = Math.round(frame.height);
  const description = `${plot.title}, over ${xLabel}. ${figure.querySelector(".reading").textContent}`;
  place.innerHTML = `<svg viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="img" aria-label="${escapeText(description)}">${writeFigure(plot, lines, frame, `clip-${plotPlaces.indexOf(place)}`)}</svg>`;
  figure.querySelector(".outside").textContent = frame.outside ? `Outside the axis: ${frame.outside.toLocaleString("en")} of ${frame.count.toLocaleString("en")} values.` : "";
  drawnPlots.set(place, { dataset, plot, lines, frame });
  stalePlots.delete(place);
  raiseLit(place);
  markRun(place);
};
const nearPlots = new Set();
let idle = false;
const whenIdle = window.requestIdleCallback ?? ((work) => setTimeout(() => work({ timeRemaining: () => 8 }), 30));
const drawIdly = (deadline) => {
  idle = false;
  for (const place of stalePlots) {
    if (deadline.timeRemaining() < 2) break;
    drawPlot(place);
  }
  if ([...stalePlots].some((place) => widths.get(place))) { idle = true; whenIdle(drawIdly); }
};
const redraw = (places) => {
  for (const place of places) stalePlots.add(place);
  for (const place of nearPlots) if (stalePlots.has(place)) drawPlot(place);
  if (!idle) { idle = true; whenIdle(drawIdly); }
};
const nearness = new IntersectionObserver((entries) => {
  for (const { target, isIntersecting } of entries) {
    if (isIntersecting) nearPlots.add(target); else nearPlots.delete(target);
    if (isIntersecting && stalePlots.has(target)) drawPlot(target);
  }
}, { rootMargin: "50% 0px" });
const sizes = new ResizeObserver((entries) => {
  for (const { target, contentRect } of entries) {
    widths.set(target, Math.round(contentRect.width));
    if (widths.get(target) !== drawnPlots.get(target)?.frame.width) stalePlots.add(target);
  }
  redraw([]);
});
for (const place of plotPlaces) { nearness.observe(place); sizes.observe(place); }
for (const control of document.querySelectorAll(".switches [id^=variant-], .budgets input")) control.addEventListener("change", () => redraw(plotPlaces));
addEventListener("hashchange", () => setTimeout(() => redraw(plotPlaces))); // after the switches have followed it
const drawAll = () => {
  const measured = [...stalePlots].map((place) => [place, Math.round(place.clientWidth)]);
  for (const [place, width] of measured) drawPlot(place, width);
};
addEventListener("beforeprint", drawAll);

// The highlighted variant lies above the others.
const raiseLit = (place) => {
  const { lit } = document.body.dataset, lines = place.querySelector(".lines");
  if (lit !== undefined) lines?.append(...lines.querySelectorAll(`.variant-${lit}`));
};
new MutationObserver(() => { for (const place of drawnPlots.keys()) raiseLit(place); }).observe(document.body, { attributeFilter: ["data-lit"] });

// The chosen run is drawn once more, thicker.
const markRun = (place) => {
  const { dataset, lines, frame, plot } = drawnPlots.get(place);
  for (const line of place.querySelectorAll(".of-run")) line.remove();
  if (!markedRun || markedRun.dataset !== dataset || plot.against) return;
  const line = lines.find((candidate) => String(candidate.place) === String(markedRun.place));
  const seed = line?.seeds.find((candidate) => String(candidate.seed) === String(markedRun.seed));
  if (!seed) return;
  place.querySelector(".lines").insertAdjacentHTML("beforeend", writeLine(writeCurve(seed.points, frame), ` class="variant-${line.place} seed-${seed.seed} of-run" stroke="${curveData.lines[line.place][0]}"`));
};
document.addEventListener("run", ({ detail }) => {
  markedRun = detail;
  for (const place of drawnPlots.keys()) markRun(place);
});

// Values: of the nearest point on hover, which a click highlights, and in a table for those who cannot hover.
const formatValue = (plot, value) => short(plot.log ? 10 ** value : value);
const findNearest = (place, event) => {
  const { lines, frame } = drawnPlots.get(place), box = place.firstElementChild.getBoundingClientRect(), ratio = frame.width / box.width;
  const [x, y] = [(event.clientX - box.left) * ratio, (event.clientY - box.top) * ratio];
  let best = null, nearest = 14 * ratio;
  for (const line of lines) {
    if (!(variantBoxes[line.place]?.checked ?? true)) continue;
    for (const { points, seed } of [...line.seeds, { points: line.mean }, { points: line.other, seed: "train" }])
      for (const point of points) {
        const distance = Math.hypot(frame.toX(point.x) - x, frame.toY(point.y) - y);
        if (distance < nearest) [best, nearest] = [{ place: line.place, seed, point }, distance];
      }
  }
  return best;
};
const showValue = (place, event) => {
  const best = drawnPlots.has(place) && findNearest(place, event);
  tip.hidden = !best;
  if (!best) return null;
  const { plot } = drawnPlots.get(place), { x, y } = best.point;
  const who = { undefined: "mean", train: "mean against training images" }[best.seed] ?? `seed ${best.seed}`;
  tip.textContent = `${curveData.variants[best.place]}, ${who}: ${formatValue(plot, y)} at ${plot.against ? formatValue(plot, x) : short(x)}`;
  tip.style.left = `${Math.min(event.clientX + 12, innerWidth - 220)}px`;
  tip.style.top = `${event.clientY + 14}px`;
  return best;
};
for (const place of plotPlaces) {
  place.addEventListener("pointermove", (event) => showValue(place, event));
  place.addEventListener("pointerleave", () => { tip.hidden = true; });
  place.addEventListener("click", (event) => {
    const best = showValue(place, event);
    if (best) toggleLit(String(best.place));
  });
}
const tabulate = ({ plot, lines, frame }) => {
  const steps = [...new Set(lines.flatMap(({ mean }) => mean.map(({ step }) => step)))].sort((first, second) => first - second);
  const every = Math.ceil(steps.length / 8), kept = steps.filter((_, at) => (steps.length - 1 - at) % every === 0);
  const drawn = lines.filter(({ seeds }) => seeds.some(({ points }) => points.some(isPoint)));
  const rows = drawn.map(({ place, mean, seeds }) => {
    const cells = kept.map((step) => mean.find((point) => point.step === step)).map((point) => `<td class="number">${point ? formatValue(plot, point.y) : ""}</td>`);
    return `<tr><th scope="row">${escapeText(curveData.variants[place])}</th><td class="number">${seeds.filter(({ completed }) => completed).length}</td>${cells.join("")}</tr>`;
  });
  return `<table><caption>${escapeText(`${plot.title}: means over completed runs after so many steps`)}</caption><thead><tr><th scope="col">variant</th><th scope="col" class="number">runs</th>${kept.map((step) => `<th scope="col" class="number">${step.toLocaleString("en")}</th>`).join("")}</tr></thead><tbody>${rows.join("")}</tbody></table>`;
};
for (const button of document.querySelectorAll("button.values"))
  button.addEventListener("click", () => {
    const figure = button.closest("figure"), open = button.getAttribute("aria-expanded") !== "true";
    button.setAttribute("aria-expanded", String(open));
    figure.querySelector(".tabulated")?.remove();
    if (!open) return;
    const place = figure.querySelector(".plot");
    drawPlot(place);
    figure.insertAdjacentHTML("beforeend", `<div class="tabulated scroll" tabindex="0" role="region" aria-label="Values of ${escapeText(button.dataset.name)}">${tabulate(drawnPlots.get(place))}</div>`);
  });
