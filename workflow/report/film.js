// p_data, p_g, D and D* at any snapshot: scrubbed by a slider, or played unless motion is unwanted.
const still = matchMedia("(prefers-reduced-motion: reduce)");
const unpack = (text) => Uint8Array.from(atob(text), (character) => character.charCodeAt(0));

for (const film of document.querySelectorAll(".film")) {
  const data = JSON.parse(film.querySelector(".film-data").textContent), count = data.data.length;
  const [slider, picker, play, output] = [".snapshot", ".seed", ".play", "output"].map((name) => film.querySelector(name));
  const figures = [...film.querySelectorAll("figure")];
  film.parentElement.querySelector(".stills")?.removeAttribute("open");

  const drawCurve = (levels, snapshot) => {
    let path = "", pen = "M";
    for (let place = 0; place < count; place++) {
      const level = levels[snapshot * count + place];
      if (level > data.levels) { pen = "M"; continue; }
      path += `${pen}${(34 + 322 * place / (count - 1)).toFixed(1)} ${(190 - 180 * level / data.levels).toFixed(1)}`;
      pen = "L";
    }
    return path;
  };
  const show = () => {
    const step = data.steps[slider.value];
    output.textContent = step.toLocaleString("en");
    slider.setAttribute("aria-valuetext", `after ${step} steps`);
    for (const figure of figures) {
      const run = data.runs[figure.dataset.place][picker.value];
      const snapshot = run ? run.steps.filter((earlier) => earlier <= step).length - 1 : -1;
      for (const name of ["generated", "discriminator", "optimal"])
        figure.querySelector("." + name).setAttribute("d", snapshot < 0 ? "" : drawCurve(unpack(run[name]), snapshot));
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
}
