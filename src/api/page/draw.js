// What pages are made of: made anew from what is known at each change, and laid over what stands there already.

import { href } from './address.js';
import { age, moment, number, say, share, shareUp, sinceOf } from './text.js';

const SVG = new Set(['svg', 'g', 'rect', 'line', 'path', 'text', 'title', 'defs', 'pattern', 'circle']);
const LEAST_SHARE = 0.0005; // below, a share would be shown as 0.0 %
const FEW_NAMES = 3; // that are named where a number lacks them; the others are counted
const DASHES = 'stackmeter.dashes';

// From which unknown share on a number is dashed: of this browser, `?dashes=5` says 5 %.
const asked = new URLSearchParams(location.search).get('dashes');
if (asked !== null && Number(asked) >= 0) localStorage.setItem(DASHES, Number(asked) / 100);
export const dashed = { from: Number(localStorage.getItem(DASHES) ?? 0.01) };

export function h(tag, attributes = {}, ...children) {
  const made = SVG.has(tag) ? document.createElementNS('http://www.w3.org/2000/svg', tag) : document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) if (value !== null && value !== undefined && value !== false) made.setAttribute(name, value === true ? '' : value);
  made.append(...children.flat(Infinity).filter((one) => one !== null && one !== undefined && one !== false && one !== ''));
  return made;
}

// Makes `from` what `to` is, and keeps every node that stays, with its focus. What has a data-key is only ever laid
// over its own, so that no button becomes another one's under a finger.
export function lay(from, to) {
  for (const { name } of [...from.attributes]) if (name !== 'open' && !to.hasAttribute(name)) from.removeAttribute(name);
  for (const { name, value } of to.attributes) if (from.getAttribute(name) !== value) from.setAttribute(name, value);
  const keys = new Set([...to.children].map(keyOf).filter(Boolean));
  for (const one of [...from.children]) if (keyOf(one) && !keys.has(keyOf(one))) one.remove();
  const own = new Map([...from.children].filter(keyOf).map((one) => [keyOf(one), one]));
  let at = from.firstChild;
  for (const wanted of [...to.childNodes]) {
    const key = keyOf(wanted), there = key ? own.get(key) : at && !keyOf(at) ? at : null;
    if (!there || there.nodeName !== wanted.nodeName) {
      from.insertBefore(wanted, at);
      continue;
    }
    if (there === at) at = at.nextSibling;
    else from.insertBefore(there, at);
    if (there.nodeType === Node.TEXT_NODE) {
      if (there.nodeValue !== wanted.nodeValue) there.nodeValue = wanted.nodeValue;
    } else lay(there, wanted);
  }
  while (at) {
    const next = at.nextSibling;
    at.remove();
    at = next;
  }
}

const keyOf = (node) => node.dataset?.key;

// --- what is known of a place

export const parkOf = (state, name) => state.plant.parks.find((one) => one.name === name);
const facilityOf = (state, park, name) => parkOf(state, park)?.facilities.find((one) => one.name === name);
export const titleOf = (state, park, facility) => (facility ? facilityOf(state, park, facility)?.title ?? facility : parkOf(state, park)?.title ?? (park || say('all')));

export function zoneOf(state, park) {
  const zones = new Set((park ? [parkOf(state, park)] : state.plant.parks).map((one) => one.zone));
  return zones.size === 1 ? [...zones][0] : 'UTC';
}

export function rowOf(rows, park, facility = null, scope = null) {
  return rows.find((one) => one.park === park && one.facility === facility && one.scope === scope) ?? null;
}

// The row of a park or of all, made of its facilities where the key shows only those: then quality is the lowest.
export function placeRow(rows, park) {
  const whole = rowOf(rows, park);
  if (whole) return whole;
  const parts = rows.filter((one) => one.facility && one.scope === null && (!park || one.park === park));
  if (parts.length < 2) return parts[0] ?? null;
  const lowest = parts.reduce((a, b) => ((b.coverage ?? 0) < (a.coverage ?? 0) ? b : a));
  return { ...lowest, of: parts.length, co2e_t: sum(parts.map((one) => one.co2e_t)), now_t_per_h: sum(parts.map((one) => one.now_t_per_h)),
    complete_until: parts.map((one) => one.complete_until).filter(Boolean).sort()[0] ?? null, stale: parts.flatMap((one) => one.stale.map((name) => [park ? '' : `${one.park}/`, one.facility, '/', name].join(''))), park: park ?? null, facility: null,
    known_from: parts.map((one) => one.known_from).filter(Boolean).sort().at(-1) ?? null, unheard: parts.flatMap((one) => one.unheard), now_unknown: parts.flatMap((one) => one.now_unknown) };
}

export function sum(values) {
  const known = values.filter((one) => one !== null && one !== undefined);
  return known.length ? known.reduce((a, b) => a + b) : null;
}

// --- how far a number may be trusted: a word, a pattern and a colour, never a colour alone

export function trust(value, shares) {
  if (value === null || value === undefined) return 'unknown';
  if (shares?.substituted > 0) return 'substituted';
  return !shares || shares.missing > dashed.from ? 'incomplete' : 'measured';
}

// A share, and from when on it speaks where that is not from the period's beginning on: never 99.8 % of a month that was empty.
export function knownText(coverage, from, zone, now) {
  return from ? say('knownSince', { share: share(coverage), from: sinceOf(from, zone, now) }) : say('known', { share: share(coverage) });
}

export function trustText(row, zone, now) {
  if (!row || !row.shares) return [say('unknown'), ...unheard(row)].join(' · ');
  const told = [knownText(row.coverage, row.known_from, zone, now), ...unheard(row)];
  if (row.shares.substituted > 0) told.push(say('substituted', { share: shareUp(row.shares.substituted) }));
  if (row.shares.interpolated > LEAST_SHARE) told.push(say('interpolated', { share: share(row.shares.interpolated) }));
  if (row.of) told.push(say('lowest', { n: row.of }));
  return told.join(' · ');
}

function unheard(row) {
  const n = row?.unheard?.length ?? 0;
  return n ? [say(n === 1 ? 'unheardOne' : 'unheardMany', { n })] : [];
}

export function bar(shares) {
  const parts = shares ? [['measured', shares.measured], ['interpolated', shares.interpolated], ['substituted', shares.substituted]] : [];
  let x = 0;
  return h('svg', { class: 'bar', viewBox: '0 0 100 8', preserveAspectRatio: 'none', 'aria-hidden': 'true' },
    h('rect', { class: 'missing', width: 100, height: 8 }),
    parts.map(([name, part]) => {
      const made = h('rect', { class: name, x, width: part * 100, height: 8 });
      x += part * 100;
      return made;
    }));
}

export const patterns = () => h('svg', { class: 'defs', width: 0, height: 0, 'aria-hidden': 'true' }, h('defs', {},
  h('pattern', { id: 'hatch', width: 6, height: 6, patternUnits: 'userSpaceOnUse', patternTransform: 'rotate(45)' }, h('rect', { class: 'under', width: 6, height: 6 }), h('rect', { class: 'over', width: 3, height: 6 })),
  h('pattern', { id: 'dots', width: 5, height: 5, patternUnits: 'userSpaceOnUse' }, h('rect', { class: 'under', width: 5, height: 5 }), h('circle', { class: 'over', cx: 2.5, cy: 2.5, r: 1.4 }))));

export function ages(state, time, zone) {
  if (!time) return h('span', { class: 'until' }, say('unknown'));
  return h('span', { class: 'until' }, say('complete', { time: moment(time, zone, state.now) }), ' · ', h('span', { class: 'age' }, say('ago', { age: age(state.now - new Date(time)) })));
}

// --- names, each a link to its own view

export const link = (state, at, ...content) => (state.wall ? content : h('a', { href: href(at) }, content));
export const placeLink = (state, park, facility, period = state.at?.period ?? state.today) => link(state, { park, ...(facility ? { facility, period } : { period: state.at?.period }) }, titleOf(state, park, facility));

// The place of a name that stands in a row of totals, which tells it without what the row is of.
export function placed(row, name) {
  const [park, facility, ...rest] = [row.park, row.facility, ...name.split('/')].filter(Boolean);
  return { park, facility, name: rest.join('/') };
}

function named(state, words, names, at) {
  if (!names.length) return null;
  const told = state.wall ? [] : names.slice(0, FEW_NAMES).map((one, place) => [place ? ', ' : ': ', link(state, at(one), one)]);
  return h('span', { class: 'silent', title: names.join('\n') }, say(names.length === 1 ? words[0] : words[1], { n: names.length }), told, told.length > 0 && names.length > FEW_NAMES && ` ${say('leftOut', { n: names.length - FEW_NAMES })}`);
}

export const silent = (state, row) => named(state, ['staleOne', 'staleMany'], row?.stale ?? [], (one) => { const { park, facility, name } = placed(row, one); return { park, facility, channel: name, period: state.at?.period }; });

// The present rate, and how many sources it lacks: a sum without them is never shown as if it were all.
export function present(state, row, digits) {
  const rate = row?.now_t_per_h ?? null;
  return figure(state, rate, rate === null ? 'unknown' : row.stale.length || row.now_unknown.length ? 'incomplete' : 'measured', undefined, undefined, digits);
}

export const lacks = (state, row, isNamed = true) => named(isNamed ? state : { wall: true }, ['lacksOne', 'lacksMany'], row?.now_unknown ?? [], (one) => { const { park, facility, name } = placed({}, one); return { park, facility, source: name, period: state.at?.period ?? state.today }; });

const TRUST_WORDS = { incomplete: 'hatched', substituted: 'dotted', unknown: 'unknown' };

// A number in the look of how far it is known, and the same as a word: seen when pointed at, and read out.
export function valued(value, kind, digits) {
  const word = TRUST_WORDS[kind] && say(TRUST_WORDS[kind]);
  return [h('span', { class: 'value', 'data-trust': kind, title: word }, number(value, digits)), word && h('span', { class: 'aloud' }, word)];
}

// A number that explains itself when it is pressed; on a wall nobody presses.
export function figure(state, value, kind, path, what, digits) {
  const told = valued(value, kind, digits), [, word] = told;
  if (state.wall || !path || value === null || value === undefined) return told;
  return h('button', { class: 'why', 'data-do': 'explain', 'data-path': path, 'aria-label': [`${say('explain', { what })}: ${number(value, digits)}`, word?.textContent].filter(Boolean).join(', ') }, told[0]);
}

export function explainPath(park, facility, period) {
  return park ? `/v1/explain?${new URLSearchParams({ park, ...(facility && { facility }), period })}` : period;
}

export function where(state, { park, facility, gateway, channel, source }) {
  const of = { park, facility }, told = [park && placeLink(state, park), facility && placeLink(state, park, facility), gateway && link(state, { ...of, gateway }, gateway), channel && link(state, { ...of, channel }, channel), source && link(state, { ...of, source, period: state.today }, source)];
  return told.filter(Boolean).flatMap((one, at) => (at ? [' · ', one] : [one]));
}

// --- scales

// As many decimals as tell the largest of a column in four digits and the smallest in two, at most three.
export function scale(values) {
  const sizes = values.filter((one) => Number.isFinite(one) && one !== 0).map((one) => Math.floor(Math.log10(Math.abs(one))));
  if (!sizes.length) return 0;
  const most = Math.max(...sizes);
  return Math.max(0, Math.min(3, Math.max(3 - most, Math.min(1 - Math.min(...sizes), 5 - most))));
}

// Whole steps from below `low` to above `high`.
export function ticks(high, low = 0) {
  if (!(high > low)) return [low];
  const rough = (high - low) / 3, unit = 10 ** Math.floor(Math.log10(rough)), step = [1, 2, 2.5, 5, 10].find((one) => one * unit >= rough) * unit;
  const first = Math.floor(low / step + 1e-9), last = Math.ceil(high / step - 1e-9);
  return Array.from({ length: last - first + 1 }, (_, at) => Number(((first + at) * step).toPrecision(6)));
}

// A line as small as a word; it says nothing that does not stand beside it.
export function spark(values) {
  const known = values.filter((one) => one !== null);
  if (known.length < 2) return null;
  const high = Math.max(...known, 0), low = Math.min(...known, 0), step = 80 / (values.length - 1);
  let path = '';
  values.forEach((value, at) => { if (value !== null) path += `${at && values[at - 1] !== null ? 'L' : 'M'}${(at * step).toFixed(1)} ${(18 - ((value - low) / (high - low || 1)) * 16).toFixed(1)}`; });
  return h('svg', { class: 'spark', viewBox: '0 0 80 20', 'aria-hidden': 'true' }, h('path', { d: path }));
}

// --- tables and charts that can be taken along

export const files = new Map(); // by key: { name, path } of the API, or { name, rows }; the chart is what has the same data-key

export function takeAlong(state, key, file, isDrawn) {
  if (state.wall) return null;
  files.set(key, file);
  const kinds = ['csv', ...(file.path ? ['xlsx'] : []), ...(isDrawn ? ['svg', 'png'] : [])];
  return h('p', { class: 'take' }, say('take'), kinds.map((kind) => h('button', { class: 'plain', 'data-do': 'save', 'data-kind': kind, 'data-of': key, 'aria-label': `${kind.toUpperCase()}: ${file.title}` }, kind.toUpperCase())), state.said.get(key) && h('span', { class: 'note', role: 'status' }, state.said.get(key)));
}

// A table of { name, unit, cell, raw } over rows; a column with `raw` can be sorted where `sort` says so, and is in the file.
export function grid(state, key, title, columns, rows, { path, of, note, sorts = false } = {}) {
  const by = sorts && state.sort.key === key ? state.sort : null, column = by && columns.find((one) => one.name === by.column);
  const value = (one) => (column.raw(one) ?? null), order = (a, b) => (value(a) === null) - (value(b) === null) || (value(a) < value(b) ? -1 : value(a) > value(b) ? 1 : 0) * (by.down ? -1 : 1);
  const shown = column ? [...rows].sort(order) : rows, label = (one) => [say(one.name), one.unit && h('span', { class: 'unit' }, one.unit)];
  const head = (one) => h('th', { scope: 'col', 'aria-sort': by?.column === one.name ? (by.down ? 'descending' : 'ascending') : null }, sorts && one.raw ? h('button', { class: 'plain', 'data-do': 'sort', 'data-of': key, 'data-column': one.name }, label(one)) : label(one));
  const file = { name: key, title, path, rows: [columns.filter((one) => one.raw).map((one) => [say(one.name), one.unit && `[${one.unit}]`].filter(Boolean).join(' ')), ...rows.map((row) => columns.filter((one) => one.raw).map((one) => one.raw(row)))] };
  return h('section', { class: 'card grid', 'data-key': key, 'aria-labelledby': key }, h('h2', { id: key }, title, note && h('span', { class: 'unit' }, note)),
    rows.length ? h('table', {}, h('thead', {}, h('tr', {}, columns.map(head))),
      h('tbody', {}, shown.map((row) => h('tr', { 'data-key': of(row) }, columns.map((one, at) => (at ? h('td', { 'data-label': [say(one.name), one.unit].filter(Boolean).join(', ') }, one.cell(row)) : h('th', { scope: 'row' }, one.cell(row)))))))) : h('p', { class: 'calm' }, say('none')),
    rows.length > 0 && takeAlong(state, key, file));
}

export const fact = (word, ...content) => h('div', {}, h('dt', {}, say(word)), h('dd', {}, content));
export const skeleton = (...sizes) => sizes.map((size) => h('div', { class: `card skeleton ${size}`, 'aria-hidden': 'true' }));

export const brand = () => h('p', { class: 'brand' }, h('svg', { viewBox: '0 0 32 32', 'aria-hidden': 'true' }, h('rect', { width: 32, height: 32, rx: 7, class: 'tile' }), h('path', { d: 'M7 25V15h4v10zm7 0V8h4v17zm7 0v-7h4v7z', class: 'ink' })), 'Stackmeter');

export function signIn(state) {
  return h('form', { class: 'card sign-in', 'data-key': 'sign-in', 'data-do': 'sign-in' },
    h('h2', {}, say('title')),
    h('label', {}, say('keyLabel'), h('input', { name: 'key', type: 'password', required: true, autocomplete: 'current-password', 'aria-describedby': 'key-hint' })),
    h('p', { class: 'note', id: 'key-hint' }, say('keyHint')),
    state.badKey && h('p', { class: 'wrong', role: 'alert' }, say('badKey')),
    h('label', { class: 'check' }, h('input', { name: 'remember', type: 'checkbox' }), say('remember')),
    h('button', { class: 'main' }, say('signIn')));
}

