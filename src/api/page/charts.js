// Charts: bars that are stacked, and curves with their limit.

import { h, scale, ticks } from './draw.js';
import { UNKNOWN, exact, number, say } from './text.js';

const LEFT = 52, BOTTOM = 24, TOP = 14, HIGH = 260;
const MOST_PARTS = 6; // colours that can be told apart; what is smaller is one part together
const STEPS = [1, 2, 3, 4, 6, 8, 10, 12, 15, 20, 24, 30, 60]; // between labels
const isPhone = () => innerWidth < 640;

// A ground with its lines and labels; `low` and `high` are what it must show of the values.
export function ground(low, high, labels, label) {
  const W = isPhone() ? 360 : 960, steps = ticks(high, low), floor = steps[0], top = steps.at(-1) > floor ? steps.at(-1) : floor + 1;
  const wide = (W - LEFT) / Math.max(1, labels.length), y = (value) => TOP + (HIGH - TOP - BOTTOM) * (1 - (value - floor) / (top - floor)), least = (labels.length * (isPhone() ? 46 : 64)) / (W - LEFT), every = STEPS.find((one) => one >= least) ?? Math.ceil(least);
  const svg = (...drawn) => h('svg', { class: 'chart tall', viewBox: `0 0 ${W} ${HIGH}`, role: 'img', 'aria-label': label },
    steps.map((step) => h('g', {}, h('line', { class: 'grid', x1: LEFT, x2: W, y1: y(step), y2: y(step) }), h('text', { class: 'tick', x: LEFT - 6, y: y(step) + 4, 'text-anchor': 'end' }, exact(step)))),
    drawn, labels.map((text, at) => at % every === 0 && h('text', { class: 'tick', x: LEFT + (at + .5) * wide, y: HIGH - 6, 'text-anchor': 'middle' }, text)));
  return { svg, wide, y, floor, x: (at) => LEFT + at * wide };
}

// Bars of parts, the largest at the bottom. `parts` are { name, values }, of which each has a value of each label; `doubtful` says which
// bars are not wholly known, `told` in words how far each is; of what is to come nothing is drawn.
export function bars(labels, parts, { label, unit, doubtful = [], told = [], future = [] }) {
  const sums = labels.map((_, at) => parts.reduce((sum, one) => (one.values[at] === null ? sum : (sum ?? 0) + one.values[at]), null));
  const signed = labels.map((_, at) => [1, -1].map((sign) => parts.reduce((sum, one) => sum + Math.max(0, sign * one.values[at]), 0)));
  const { svg, wide, x, y } = ground(-Math.max(0, ...signed.map(([, down]) => down)), Math.max(0, ...signed.map(([up]) => up)), labels, label), gap = Math.min(4, wide * .15);
  return svg(labels.map((text, at) => {
    if (sums[at] === null && future[at]) return null;
    if (sums[at] === null) return h('g', {}, h('rect', { class: 'gap', x: x(at) + gap, y: y(0) - 18, width: wide - 2 * gap, height: 18 }), h('title', {}, `${text}: ${say('gap')}`));
    let up = 0, down = 0;
    const drawn = parts.map((one, place) => {
      const value = one.values[at];
      if (!value) return null;
      const from = value > 0 ? up : down, to = from + value;
      if (value > 0) up = to; else down = to;
      return h('rect', { class: `part p${place}`, x: x(at) + gap, y: y(Math.max(from, to)), width: wide - 2 * gap, height: Math.max(.5, Math.abs(y(from) - y(to))) });
    });
    return h('g', {}, drawn, doubtful[at] && h('rect', { class: 'doubt', x: x(at) + gap, y: y(up), width: wide - 2 * gap, height: Math.max(1, y(0) - y(up)) }),
      h('title', {}, [`${text}: ${number(sums[at])} ${unit}`, told[at], ...(parts.length > 1 ? parts.map((one) => `${one.name} ${number(one.values[at])}`) : [])].filter(Boolean).join('\n')));
  }));
}

// A curve of readings; more than `bridged` steps without any are a gap. `limit` is a line across, `marks` are { at, name } of labels.
export function curve(labels, values, { label, unit, limit = null, marks = [], bridged = 0 }) {
  const known = values.filter((one) => one !== null), all = limit === null ? known : [...known, limit], low = Math.min(...all), high = Math.max(...all), air = (high - low || Math.abs(high) || 1) * .1;
  const near = low > 0 && low > high / 2; // far from 0 the curve is not pressed into a line
  const { svg, wide, x, y } = near ? ground(low - air, high + air, labels, label) : ground(Math.min(0, ...all), Math.max(0, ...all), labels, label);
  let path = '', last = -Infinity;
  const alone = [];
  values.forEach((value, at) => {
    if (value === null) return;
    const goesOn = at - last <= bridged + 1;
    path += `${goesOn ? 'L' : 'M'}${(x(at) + wide / 2).toFixed(1)} ${y(value).toFixed(1)}`;
    if (!goesOn && !values.slice(at + 1, at + bridged + 2).some((one) => one !== null)) alone.push(at);
    last = at;
  });
  const dots = alone.map((at) => h('circle', { class: 'dotted', cx: x(at) + wide / 2, cy: y(values[at]), r: 2.5 }, h('title', {}, `${labels[at]}: ${exact(values[at])} ${unit}`)));
  return svg(marks.map(({ at, name }) => h('g', {}, h('line', { class: 'mark', x1: x(at) + wide / 2, x2: x(at) + wide / 2, y1: TOP, y2: HIGH - BOTTOM }), h('text', { class: 'tick', x: x(at) + wide / 2 + 4, y: TOP + 8 }, name))),
    limit !== null && h('g', {}, h('line', { class: 'limit', x1: LEFT, x2: x(labels.length), y1: y(limit), y2: y(limit) }), h('text', { class: 'tick over-limit', x: x(labels.length) - 4, y: y(limit) - 5, 'text-anchor': 'end' }, say('limit', { limit: exact(limit), unit }))),
    h('path', { class: 'curve', d: path }), dots);
}

// The largest parts, and the others as one; colours stay with the order.
export function largest(parts) {
  const size = (one) => one.values.reduce((sum, value) => sum + Math.abs(value ?? 0), 0), sorted = [...parts].sort((a, b) => size(b) - size(a));
  if (sorted.length <= MOST_PARTS) return sorted;
  const rest = sorted.slice(MOST_PARTS - 1), values = rest[0].values.map((_, at) => rest.reduce((sum, one) => (one.values[at] === null ? sum : (sum ?? 0) + one.values[at]), null));
  return [...sorted.slice(0, MOST_PARTS - 1), { name: say('rest', { n: rest.length }), values }];
}

export const legend = (parts) => h('ul', { class: 'legend parts' }, parts.map((one, place) => h('li', {}, h('svg', { viewBox: '0 0 14 10', 'aria-hidden': 'true' }, h('rect', { class: `part p${place}`, x: 1, y: 1, width: 12, height: 8 })), one.node ?? one.name)));

// The numbers of a chart as a table.
export function twin(labels, parts, unit, told = []) {
  const digits = scale(parts.flatMap((one) => one.values));
  return h('details', {}, h('summary', {}, say('asTable')), h('table', { class: 'small' },
    h('thead', {}, h('tr', {}, h('th', { scope: 'col' }, say('when')), parts.map((one) => h('th', { scope: 'col' }, one.name, h('span', { class: 'unit' }, unit))), told.length > 0 && h('th', { scope: 'col' }, say('quality')))),
    h('tbody', {}, labels.map((text, at) => h('tr', {}, h('th', { scope: 'row' }, text), parts.map((one) => h('td', {}, one.values[at] === null ? UNKNOWN : number(one.values[at], digits))), told.length > 0 && h('td', { class: 'note' }, told[at]))))));
}
