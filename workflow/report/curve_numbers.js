// The block of data behind all curves: what packing.py and curve_data.py have packed, by run and column.
const curveData = JSON.parse(document.getElementById("curve-data")?.textContent ?? '{"variants":[],"datasets":{}}');

const LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
const letterCodes = new Map([...LETTERS].map((letter, code) => [letter, code]));
const unpackNumbers = (text) => {
  const bytes = atob(text), bits = new Uint32Array(bytes.length / 3);
  for (let at = 0; at < bits.length; at++)
    bits[at] = (bytes.charCodeAt(3 * at) << 24) | (bytes.charCodeAt(3 * at + 1) << 16) | (bytes.charCodeAt(3 * at + 2) << 8);
  return [...new Float32Array(bits.buffer)];
};
const unpackLevels = ([low, high, text, others = {}]) => {
  const values = [];
  for (let at = 0; at < text.length; at += 2) {
    const code = 64 * letterCodes.get(text[at]) + letterCodes.get(text[at + 1]);
    values.push(code < 4095 ? low + (high - low) * code / 4094 : others[at / 2] ?? NaN);
  }
  return values;
};

// A table with its runs one after another: the values of a run begin at `start`.
const readTable = (dataset, name) => {
  const table = curveData.datasets[dataset][name];
  if (table.unpacked) return table;
  table.unpacked = {};
  let start = 0;
  table.runs = table.runs.map(([place, seed, completed, list]) => {
    const run = { place, seed, completed, steps: table.steps[list], start };
    start += run.steps.length;
    return run;
  });
  return table;
};
const readColumn = (table, name) => table.unpacked[name] ??=
  Array.isArray(table.columns[name]) ? table.columns[name].flatMap(unpackLevels) : unpackNumbers(table.columns[name]);
const readBudget = (dataset, table, budget) => {
  if (budget === "seconds") return table.unpacked.seconds ??= unpackNumbers(table.seconds);
  const kind = ["images", "updates"].indexOf(budget);
  return table.runs.flatMap(({ place, steps }) => {
    const cost = kind < 0 ? 1 : curveData.datasets[dataset].costs[place][kind];
    return steps.map((step) => step * cost);
  });
};

// From a number of a plot, which is a power of ten where its axis is logarithmic, to its position on the scale of means, and back.
const readScale = ({ log, scale: [name, lowest, highest] = ["identity"] }) => {
  if (name === "log") return log ? [(y) => y, (y) => y] : [Math.log10, (position) => 10 ** position];
  if (name === "angular") return [
    (y) => Math.asin(Math.sqrt(Math.min(1, Math.max(0, (y - lowest) / (highest - lowest))))),
    (position) => lowest + Math.sin(position) ** 2 * (highest - lowest)];
  return log ? [(y) => 10 ** y, Math.log10] : [(y) => y, (y) => y];
};
// The mean over completed runs, as far as all of them got; one without any number does not count.
const averageRuns = (runs, x, y, [toPosition, toNumber]) => {
  const counted = runs.filter((run) => run.completed && run.steps.some((_, at) => Number.isFinite(y[run.start + at])));
  const sums = new Map();
  for (const { steps, start } of counted)
    steps.forEach((step, at) => {
      if (!Number.isFinite(y[start + at])) return;
      const [sumX, sumY, number] = sums.get(step) ?? [0, 0, 0];
      sums.set(step, [sumX + x[start + at], sumY + toPosition(y[start + at]), number + 1]);
    });
  return [...sums].filter(([, sum]) => sum[2] === counted.length).sort(([first], [second]) => first - second)
    .map(([step, [sumX, sumY, number]]) => ({ x: sumX / number, y: toNumber(sumY / number), step }));
};
const collectLines = (dataset, plot, budget) => {
  const table = readTable(dataset, plot.table), y = readColumn(table, plot.column);
  const x = plot.against ? readColumn(table, plot.against) : readBudget(dataset, table, budget);
  const average = (runs, column) => (plot.against || !column ? [] : averageRuns(runs, x, column, readScale(plot)));
  return [...curveData.variants.keys()].flatMap((place) => {
    const runs = table.runs.filter((run) => run.place === place);
    if (!runs.length) return [];
    const seeds = runs.map(({ seed, completed, steps, start }) => (
      { seed, completed, points: steps.map((step, at) => ({ x: x[start + at], y: y[start + at], step })) }));
    return [{ place, seeds, mean: average(runs, y), other: average(runs, plot.other && readColumn(table, plot.other)) }];
  });
};
