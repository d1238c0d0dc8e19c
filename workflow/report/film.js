// p_data, p_g, D and D* at any snapshot: scrubbed by a slider, or played unless motion is unwanted.
const still = matchMedia("(prefers-reduced-motion: reduce)");
const inflate = async (text) => {
  const bytes = Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate"));
  return new Uint8Array(await new Response(stream).arrayBuffer());
};
// The levels of each run's curves; packed are the differences between neighbours, modulo 256.
const unpackRuns = async (data) => {
  const levels = await inflate(data.packed), runs = data.runs.map((run) => ({ ...run, steps: data.moments[run.moments] }));
  let start = 0;
  for (const { name, values: count } of data.curves) for (const run of runs) {
    run[name] = levels.subarray(start, start + run.steps.length * count);
    for (let place = 0; place < run[name].length; place++) if (place % count) run[name][place] += run[name][place - 1];
    start += run[name].length;
  }
  return runs;
};
const drawCurve = (levels, count, top) => {
  let path = "", pen = "M";
  for (let place = 0; place < count; place++) {
    if (levels[place] > top) { pen = "M"; continue; }
    path += `${pen}${(34 + 322 * (place + 0.5) / count).toFixed(1)} ${(190 - 180 * levels[place] / top).toFixed(1)}`;
    pen = "L";
  }
  return path;
};
const drawCurves = (figure, data, run, moment) => {
  for (const { name, values: count } of data.curves)
    figure.querySelector("." + name).setAttribute("d", moment < 0 ? "" : drawCurve(run[name].subarray(moment * count, (moment + 1) * count), count, data.levels));
};
const drawMap = (canvas, levels, highest, paint) => {
  const context = canvas.getContext("2d"), image = context.createImageData(canvas.width, canvas.height);
  levels.forEach((level, place) => { if (level <= highest) image.data.set(paint(level / highest), 4 * place); });
  context.putImageData(image, 0, 0);
};
const drawMaps = (figure, data, run, moment) => {
  const colour = getComputedStyle(figure.querySelector(".planes")).color.match(/\d+/g).slice(0, 3).map(Number);
  const grey = (share) => Array(3).fill(255 * (data.darkest + (1 - data.darkest) * share));
  for (const { name, values: count } of data.curves) {
    const canvas = figure.querySelector("canvas." + name);
    const paint = name === "generated" ? (share) => [...colour, 255 * share] : (share) => [...grey(share), 255];
    if (canvas) drawMap(canvas, moment < 0 ? [] : run[name].subarray(moment * count, (moment + 1) * count), data.levels[name], paint);
  }
};

const openFilm = async (film) => {
  const data = JSON.parse(film.querySelector(".film-data").textContent), runs = await unpackRuns(data);
  const [slider, picker, play, output] = [".snapshot", ".seed", ".play", "output"].map((name) => film.querySelector(name));
  const figures = [...film.querySelectorAll("figure")], draw = data.side ? drawMaps : drawCurves;

  const show = () => {
    const step = data.steps[slider.value];
    output.textContent = step.toLocaleString("en");
    slider.setAttribute("aria-valuetext", `after ${step} steps`);
    for (const figure of figures) {
      const run = runs.find(({ place, seed }) => place === +figure.dataset.place && String(seed) === picker.value);
      draw(figure, data, run, run ? run.steps.filter((earlier) => earlier <= step).length - 1 : -1);
    }
  };
  let timer = null;
  const stop = () => { clearInterval(timer); timer = null; play.textContent = "play"; };
  const advance = () => {
    if (+slider.value >= +slider.max) { stop(); return; }
    slider.value = +slider.value + 1;
    show();
  };
  play.addEventListener("click", () => {
    if (timer) { stop(); return; }
    if (+slider.value >= +slider.max) slider.value = 0;
    show();
    play.textContent = "pause";
    timer = setInterval(advance, Math.max(120, Math.min(700, 5000 / data.steps.length)));
  });
  const follow = () => { play.hidden = still.matches || data.steps.length < 2; if (still.matches) stop(); };
  still.addEventListener("change", follow);
  slider.addEventListener("input", () => { stop(); show(); });
  picker.addEventListener("change", show);
  film.addEventListener("show", show);
  follow();
  show();
  film.parentElement.querySelector(".stills")?.removeAttribute("open");
};
// A browser too old to unpack them keeps the still pictures.
for (const film of document.querySelectorAll(".film")) {
  film.hidden = !("DecompressionStream" in window);
  if (!film.hidden) openFilm(film);
}
