// Axes of curves: what range they show, where their ticks are, and how much room text takes.
const quantileOf = (sorted, share) => {
  const at = share * (sorted.length - 1), low = Math.floor(at);
  return sorted[low] + ((sorted[low + 1] ?? sorted[low]) - sorted[low]) * (at - low);
};
// A few values at the ends that would make an axis much longer are left out and counted, as in curves.py.
const findRange = (values, { levels, others, whole }) => {
  const sorted = Float64Array.from(values).sort(), [least, most] = [sorted[0], sorted.at(-1)];
  if (!sorted.length) return { low: 0, high: 1, outside: 0, count: 0 };
  const [low, high] = [quantileOf(sorted, .005), quantileOf(sorted, .995)], margin = .1 * (high - low);
  if (!whole && most - least > 8 * (high - low) && high > low) {
    const outside = sorted.filter((value) => value < low - margin || value > high + margin).length;
    return { low: low - margin, high: high + margin, outside, count: sorted.length };
  }
  const ends = [Math.min(least, ...levels, ...others), Math.max(most, ...levels, ...others)];
  const edge = .05 * (ends[1] - ends[0]) || .05 * Math.abs(ends[0]) || .5;
  return { low: ends[0] - edge, high: ends[1] + edge, outside: 0, count: sorted.length };
};

const withUnit = (value) => {
  const [size, unit] = [[1e9, "G"], [1e6, "M"], [1e3, "k"]].find(([least]) => Math.abs(value) >= least) ?? [1, ""];
  return Number((value / size).toPrecision(6)) + unit;
};
const listTicks = (low, high, most) => {
  const rough = (high - low) / most, power = 10 ** Math.floor(Math.log10(rough));
  const factor = [1, 2, 2.5, 5, 10].find((multiple) => multiple * power >= .999 * rough), step = factor * power;
  const digits = Math.max(0, (factor === 2.5 ? 1 : 0) - Math.floor(Math.log10(step) + 1e-9));
  const ticks = [];
  for (let at = Math.ceil(low / step - 1e-9); at * step <= high + 1e-9 * step; at++)
    ticks.push({ at: at * step, text: Math.abs(at * step) < 1e3 ? (at * step).toFixed(digits) : withUnit(at * step) });
  return ticks;
};
const writePower = (factor, power) => {
  if (Math.abs(power) < 4) return String(Number((factor * 10 ** power).toPrecision(1)));
  const exponent = [...String(power)].map((digit) => (digit === "-" ? "⁻" : "⁰¹²³⁴⁵⁶⁷⁸⁹"[digit])).join("");
  return `${factor === 1 ? "" : `${factor}·`}10${exponent}`;
};
const listLogTicks = (low, high) => {
  const every = Math.max(1, Math.ceil((high - low) / 6)), factors = high - low < 2 ? [1, 2, 5] : [1], ticks = [];
  for (let power = Math.floor(low / every) * every; power <= high; power += every)
    for (const factor of factors) {
      const at = power + Math.log10(factor);
      if (at >= low && at <= high) ticks.push({ at, text: writePower(factor, power) });
    }
  return ticks.length ? ticks : listTicks(low, high, 3).map(({ at }) => ({ at, text: String(Number((10 ** at).toPrecision(2))) }));
};

const ruler = document.createElement("canvas").getContext("2d");
const measureText = (text, size, weight = 400) => {
  ruler.font = `${weight} ${size}px system-ui, "Segoe UI", Helvetica, Arial, sans-serif`;
  return ruler.measureText(text).width;
};
const wrapText = (text, width, size, weight) => text.split(" ").reduce((lines, word) => {
  const longer = lines.length ? `${lines.at(-1)} ${word}` : word;
  if (!lines.length || measureText(longer, size, weight) > width) return [...lines, word];
  return [...lines.slice(0, -1), longer];
}, []);

// Moves names apart, as little as it takes: neighbours that would overlap become a block around their middle.
const spreadNames = (names, gap, top, bottom) => {
  const blocks = [];
  const middle = (block) => block.reduce((sum, name, at) => sum + name.y - gap * at, 0) / block.length;
  for (const name of [...names].sort((first, second) => first.y - second.y)) {
    let block = [name];
    while (blocks.length && middle(blocks.at(-1)) + gap * blocks.at(-1).length > middle(block)) block = [...blocks.pop(), ...block];
    blocks.push(block);
  }
  const ordered = blocks.flatMap((block) => block.map((name, at) => ({ name, at: middle(block) + gap * at })));
  ordered.forEach(({ name, at }, place) => {
    name.at = Math.max(top + gap * place, Math.min(at, bottom - gap * (ordered.length - 1 - place)));
  });
};
