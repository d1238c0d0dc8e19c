// Samples: a slider over snapshots, a picker of seeds, and two variants held against each other.
// The pictures of the first seed are on the page; those of the others are files beside it.
const drawBlocks = (picture, { cell, columns, rows }) => {
  const canvas = document.createElement("canvas"), pen = canvas.getContext("2d");
  canvas.className = "block";
  if (!cell) {
    [canvas.width, canvas.height] = [picture.width, picture.height];
    pen.drawImage(picture, 0, 0);
    return canvas;
  }
  const snapshots = Math.round(picture.height / cell);
  [canvas.width, canvas.height] = [columns * cell, snapshots * rows * cell];
  for (let snapshot = 0; snapshot < snapshots; snapshot++)
    for (let place = 0; place < columns * rows; place++)
      pen.drawImage(picture, place * cell, snapshot * cell, cell, cell, (place % columns) * cell,
        (snapshot * rows + Math.floor(place / columns)) * cell, cell, cell);
  return canvas;
};
const loadPicture = (address) => new Promise((resolve, reject) => {
  const picture = new Image();
  picture.onload = () => resolve(picture);
  picture.onerror = reject;
  picture.src = address;
});

for (const part of document.querySelectorAll(".sampled")) {
  const data = JSON.parse(part.querySelector(".sample-files").textContent);
  const [slider, picker] = [".snapshot", ".seed"].map((name) => part.querySelector(name));
  const [first, second] = part.querySelectorAll(".hold");
  const absent = part.querySelector(".absent");
  const figures = [...part.querySelectorAll("figure")];
  const originals = new Map(figures.map((figure) => [figure, {
    block: figure.querySelector(".block"), note: figure.querySelector(".bad")?.textContent,
  }]));
  // where the page has the last snapshots only, the files beside it have the others
  let seed = part.dataset.seed, whole = !data.last;

  const showSnapshot = () => {
    if (!slider) return;
    const steps = slider.dataset.steps.split(" ").map(Number), step = steps[slider.value];
    part.querySelector("output").textContent = step.toLocaleString("en");
    slider.setAttribute("aria-valuetext", `after ${step} steps`);
    for (const figure of figures) {
      const block = figure.querySelector(".block"), own = data.runs[figure.dataset.place]?.[seed]?.steps;
      if (!block || !own || figure.closest(".nearest") || !whole) continue;
      const place = own.filter((earlier) => earlier <= step).length - 1;
      block.style.objectPosition = `0 ${own.length > 1 ? 100 * Math.max(place, 0) / (own.length - 1) : 100}%`;
      block.style.visibility = place < 0 ? "hidden" : "";
    }
  };
  const showSeed = async () => {
    const chosen = picker ? picker.value : seed;
    const lacking = [];
    await Promise.all(figures.map(async (figure) => {
      const run = data.runs[figure.dataset.place]?.[chosen];
      if (!run) return;
      const original = originals.get(figure), nearest = figure.closest(".nearest");
      const address = run.folder && (!nearest || run.nearest) ? `${run.folder}/${nearest ? "nearest" : "samples"}.png` : "";
      let block = original.block;
      if (chosen !== part.dataset.seed || (data.last && whole && !nearest)) {
        try { block = address && drawBlocks(await loadPicture(address), data); } catch { block = null; lacking.push(decodeURIComponent(address)); }
      }
      if (picker && picker.value !== chosen) return;
      figure.querySelector(".block")?.closest(".cells").remove();
      if (block) {
        const cells = document.createElement("div");
        cells.className = "cells";
        if (block !== original.block) {
          block.setAttribute("role", "img");
          block.setAttribute("aria-label", `${nearest ? "Training images nearest to the samples" : "Samples"} of ${figure.querySelector("figcaption").textContent.trim()}, seed ${chosen}`);
          block.style.aspectRatio = part.querySelector("img.block").style.aspectRatio;
        }
        cells.append(block);
        figure.querySelector("figcaption").after(cells);
      }
      const note = figure.querySelector(".bad");
      if (note) note.textContent = run.note ?? "";
    }));
    if (picker && picker.value !== chosen) return;
    seed = chosen;
    whole ||= chosen !== part.dataset.seed;
    absent.hidden = !lacking.length;
    absent.textContent = lacking.length ? `The pictures of seed ${chosen} are not on this page but files beside it, which are missing here: ${lacking[0]}${lacking.length > 1 ? ` and ${lacking.length - 1} more` : ""}. Open the page in the study's results folder to see them.` : "";
    showSnapshot();
  };
  const showPair = () => {
    const held = first?.value ? [first.value, second.value] : null;
    part.classList.toggle("held", held !== null);
    for (const figure of figures) figure.hidden = held !== null && !held.includes(figure.dataset.place);
  };
  slider?.addEventListener("input", () => {
    showSnapshot();
    if (!whole) { whole = true; showSeed(); }
  });
  picker?.addEventListener("change", showSeed);
  first?.addEventListener("change", showPair);
  second?.addEventListener("change", showPair);
  part.addEventListener("show", () => {
    whole ||= Boolean(slider) && slider.value !== slider.max;
    showPair();
    showSeed();
  });
  showSnapshot();
}
