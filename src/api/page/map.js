// A map of places whose coordinates are given: where they lie to each other, and how much each emits. No ground of others is asked for.

import { h, placeLink, sum } from './draw.js';
import { UNKNOWN, number, say } from './text.js';

const WIDE = 480, HIGH = 260, AIR = 46;
const SMALLEST = 5, LARGEST = 26; // radii; the area of a circle is its tonnes
const KM_A_DEGREE = 111.32; // of latitude

// `spots` are parks or facilities of the API, `rows` facilities' totals.
export function map(state, spots, rows) {
  const known = spots.filter((one) => one.coordinates).map((one) => ({ ...one, t: sum(rows.filter((row) => row.park === one.park && (!one.facility || row.facility === one.facility)).map((row) => row.co2e_t)) }));
  if (known.length < 2) return null;
  const middle = Math.cos((known[0].coordinates.lat * Math.PI) / 180), flat = ({ coordinates: { lat, lon } }) => [lon * middle, -lat], [xs, ys] = [0, 1].map((axis) => known.map((one) => flat(one)[axis]));
  const [left, top] = [Math.min(...xs), Math.min(...ys)], across = Math.max(...xs) - left, down = Math.max(...ys) - top, scale = Math.min((WIDE - 2 * AIR) / (across || 1e-9), (HIGH - 2 * AIR) / (down || 1e-9));
  const most = Math.max(...known.map((one) => one.t ?? 0)) || 1, x = (one) => AIR + (flat(one)[0] - left) * scale + (WIDE - 2 * AIR - across * scale) / 2, y = (one) => AIR + (flat(one)[1] - top) * scale + (HIGH - 2 * AIR - down * scale) / 2;
  const km = [0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50, 100, 200, 500].findLast((one) => (one / KM_A_DEGREE) * scale <= WIDE / 3) ?? 0.1, bar = (km / KM_A_DEGREE) * scale;
  return h('section', { class: 'card', 'data-key': 'map', 'aria-labelledby': 'map' }, h('h2', { id: 'map' }, say('map')),
    h('svg', { class: 'chart map', viewBox: `0 0 ${WIDE} ${HIGH}`, role: 'img', 'aria-label': `${say('map')}: ${known.map((one) => `${one.title} ${number(one.t)} t`).join(', ')}` },
      known.map((one) => h('g', {}, h('circle', { class: one.t === null ? 'gap' : 'spot', cx: x(one), cy: y(one), r: Math.max(SMALLEST, LARGEST * Math.sqrt(Math.max(0, one.t ?? 0) / most)) }), h('text', { class: 'tick', x: x(one), y: y(one) - LARGEST - 4, 'text-anchor': 'middle' }, one.title))),
      h('line', { class: 'mark', x1: 10, x2: 10 + bar, y1: HIGH - 10, y2: HIGH - 10 }), h('text', { class: 'tick', x: 10, y: HIGH - 16 }, `${km} km`)),
    h('ul', { class: 'legend' }, known.map((one) => h('li', {}, one.node ?? placeLink(state, one.park, one.facility), ` ${one.t === null ? UNKNOWN : number(one.t)} t`))));
}
