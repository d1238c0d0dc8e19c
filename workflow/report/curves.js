// Curves: drawn from the block of data, at the size of their place, scaled to the variants that are shown.
const DASHES = { solid: ["", ""], dashed: ["8 4", "3 1.6"], dotted: ["2 2.4", "1 1.4"] };
const variantBoxes = curveData.variants.map((_, place) => document.getElementById(`variant-${place}`));
const budgetOf = (plot) => (plot.table === "scores" && document.querySelector(".budgets input:checked")?.id.slice(3)) || "generator_steps";
const escapeText = (text) => text.replace(/[&<>"]/g, (character) => `&#${character.charCodeAt(0)};`);
const round = (number) => String(Math.round(10 * number) / 10);
const between = (value, low, high) => Math.max(low, Math.min(high, value));
const isPoint = ({ x, y }) => Number.isFinite(x) && Number.isFinite(y);
const seedsOf = (lines) => lines.flatMap((line) => line.seeds.flatMap((seed) => seed.points)).filter(isPoint);

const writeText = (text, x, y, size, attributes = "") =>
  `<text x="${round(x)}" y="${round(y)}" font-size="${round(size)}" fill="currentColor"${attributes}>${escapeText(text)}</text>`;
const writeLine = (d, attributes) => `<path d="${d}" fill="none"${attributes}/>`;
const writeCurve = (points, { toX, toY }) => {
  let d = "", pen = "M";
  for (const point of points) {
    if (!isPoint(point)) { pen = "M"; continue; }
    d += `${pen}${round(toX(point.x))} ${round(between(toY(point.y), -5000, 5000))}`;
    pen = "L";
  }
  return d;
};

// The places of everything: text above, ticks on the left, names on the right of a large figure.
const layOut = (width, plot, lines, xLabel) => {
  const shown = lines.filter(({ place }) => variantBoxes[place]?.checked ?? true), seeds = seedsOf(shown);
  const means = shown.flatMap(({ mean, other }) => [...mean, ...other]);
  const range = findRange(seeds.map(({ y }) => y), {
    levels: (plot.levels ?? []).map(([value]) => value), others: means.map(({ y }) => y), whole: plot.log,
  });
  const xs = seeds.length ? seeds : [{ x: 0 }, { x: 1 }];
  const [least, most] = xs.reduce(([low, high], { x }) => [Math.min(low, x), Math.max(high, x)], [Infinity, -Infinity]);
  const edge = .02 * (most - least || Math.abs(most) || 1), [first, last] = [least - edge, most + edge];
  const title = wrapText(plot.title, width, 13.5, 600), label = wrapText(plot.label, width, 12);
  const top = 17 * title.length + 15 * label.length + 9;
  const bottom = top + (plot.large ? between(.46 * width, 200, 420) : between(.56 * width, 170, 270));
  const yTicks = (plot.log ? listLogTicks : listTicks)(range.low, range.high, (bottom - top) / 42);
  const left = 8 + Math.max(8, ...yTicks.map(({ text }) => measureText(text, 11)));
  const named = plot.large && width >= 560 ? shown : [];
  const names = Math.max(0, ...named.map(({ place }) => measureText(curveData.variants[place], 11.5)));
  const right = width - (names ? Math.min(names, .3 * width) + 24 : 10);
  return {
    ...range, width, height: bottom + 40, title, label, xLabel, left, right, top, bottom, named, yTicks,
    xTicks: (plot.against ? listLogTicks : listTicks)(first, last, (right - left) / 66),
    toX: (x) => left + (x - first) / (last - first) * (right - left),
    toY: (y) => bottom - (y - range.low) / (range.high - range.low) * (bottom - top),
  };
};

const writeAxes = (frame) => {
  const { left, right, top, bottom, toX, toY } = frame, rule = ' stroke="currentColor" stroke-width=".8" opacity=".6"';
  return [
    ...frame.title.map((line, at) => writeText(line, 0, 14 + 17 * at, 13.5, ' class="title"')),
    ...frame.label.map((line, at) => writeText(line, 0, 14 + 17 * frame.title.length + 15 * at, 12)),
    ...frame.yTicks.map(({ at, text }) => writeLine(`M${round(left)} ${round(toY(at))}H${round(right)}`, ' stroke="var(--faint)" stroke-width=".7"')
      + writeText(text.replace("-", "−"), left - 6, toY(at) + 4, 11, ' text-anchor="end"')),
    ...frame.xTicks.map(({ at, text }) => writeLine(`M${round(toX(at))} ${round(bottom)}v4`, rule)
      + writeText(text.replace("-", "−"), toX(at), bottom + 16, 11, ' text-anchor="middle"')),
    writeLine(`M${round(left)} ${round(bottom)}H${round(right)}`, rule),
    writeText(frame.xLabel, (left + right) / 2, bottom + 34, 12, ' text-anchor="middle"'),
  ].join("");
};
const writeLevels = (plot, { left, right, top, bottom, toY }) => {
  const levels = (plot.levels ?? []).map(([value, text]) => ({ text, y: toY(value) })).filter(({ y }) => y >= top - 1 && y <= bottom + 1);
  spreadNames(levels, 14, top + 14, bottom + 1); // their names, which curves would make illegible without a ground
  const lines = levels.map(({ y }) => writeLine(`M${round(left)} ${round(y)}H${round(right)}`, ' stroke="currentColor" stroke-width="1.2" stroke-dasharray="1.4 2.4"'));
  const names = levels.map(({ text, at }) => {
    const width = measureText(text, 11) + 6;
    return `<rect x="${round(right - width + 2)}" y="${round(at - 14)}" width="${round(width)}" height="13" fill="var(--paper)" opacity=".85"/>`
      + writeText(text, right, at - 4, 11, ' class="label" text-anchor="end"');
  });
  return [...lines, ...names].join("");
};
const writeVariant = ({ place, seeds, mean, other }, frame, opacity) => {
  const [colour, border] = curveData.lines[place], [thick, thin] = DASHES[border];
  const draw = (kind, d, width, dash) => d && writeLine(d, ` class="variant-${place} ${kind}" stroke="${colour}" stroke-width="${width}"${dash && ` stroke-dasharray="${dash}"`}${kind === "seeds" ? ` opacity="${opacity}"` : ""}`);
  return draw("seeds", seeds.map(({ points }) => writeCurve(points, frame)).join(""), .9, thin)
    + draw("other", writeCurve(other, frame), 1.4, "7 2.4 1.2 2.4") + draw("mean", writeCurve(mean, frame), 2.4, thick);
};
const writeDots = ({ place, seeds }, { toX, toY }, every) => {
  const dots = seeds.flatMap(({ points }) => points).filter(isPoint).filter((_, at) => at % every === 0);
  const d = dots.map(({ x, y }) => `M${round(toX(x))} ${round(toY(y))}h0`).join("");
  return writeLine(d, ` class="variant-${place} dots" stroke="${curveData.lines[place][0]}" stroke-width="4" opacity=".6" style="stroke-linecap:round"`);
};
const writeCrosses = ({ place, seeds }, { toX, toY, top, bottom }) => seeds.map(({ completed, points }) => {
  const end = completed ? null : points.findLast(isPoint);
  return end ? writeLine(`M${round(toX(end.x))} ${round(between(toY(end.y), top, bottom))}m-4-4l8 8m0-8l-8 8`, ` class="variant-${place} cross" stroke="${curveData.lines[place][0]}" stroke-width="2"`) : "";
}).join("");
const writeNames = ({ named, toX, toY, top, bottom, right, width }) => {
  const names = named.flatMap(({ place, mean, seeds }) => {
    const end = mean.at(-1) ?? seeds.flatMap(({ points }) => points).findLast(isPoint);
    return end ? [{ place, x: toX(end.x), y: between(toY(end.y), top, bottom) }] : [];
  });
  const size = Math.min(11.5, (bottom - top + 20) / (1.12 * names.length));
  spreadNames(names, 1.12 * size, top - 8, bottom + 8);
  return names.map(({ place, x, y, at }) => writeLine(`M${round(x + 2)} ${round(y)}H${round(right)}L${round(right + 14)} ${round(at)}`, ` class="variant-${place} lead" stroke="${curveData.lines[place][0]}" stroke-width=".9" opacity=".7"`)
    + writeText(curveData.variants[place], right + 17, at + .35 * size, size, ` class="variant-${place}"`)).join("");
};
const writeFigure = (plot, lines, frame, name) => {
  const { left, right, top, bottom } = frame, every = Math.ceil(seedsOf(lines).length / 1500);
  const opacity = lines.reduce((runs, { seeds }) => runs + seeds.length, 0) > 60 ? .25 : .65; // many hide the means
  const curves = lines.map((line) => (plot.against ? writeDots(line, frame, every) : writeVariant(line, frame, opacity))).join("");
  const clip = `<clipPath id="${name}"><rect x="${round(left - 2)}" y="${round(top - 3)}" width="${round(right - left + 4)}" height="${round(bottom - top + 6)}"/></clipPath>`;
  const crosses = plot.table === "history" && !plot.against ? lines.map((line) => writeCrosses(line, frame)).join("") : "";
  return `${clip}${writeAxes(frame)}<g class="lines" clip-path="url(#${name})">${curves}</g>${writeLevels(plot, frame)}${crosses}${writeNames(frame)}`;
};
