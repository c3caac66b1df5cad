// What stands on the page, made anew from what is known at each change, and laid over what stands there already.

import { UNKNOWN, age, exact, hourOf, moment, number, say, sayText, share, shareUp, sinceOf, spoken } from './text.js';

const SVG = new Set(['svg', 'g', 'rect', 'line', 'path', 'text', 'title', 'defs', 'pattern', 'circle']);
const LEAST_SHARE = 0.0005; // below, a share would be shown as 0.0 %
const PAGE_ROWS = 6; // places that fit on a page of a wall display
const FEW = 5; // gateways that are shown at once; those in trouble come first
const MOST_ON_WALL = 60; // alerts, and gateways, for which room is sought on a wall display

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
function placeRow(rows, park) {
  const whole = rowOf(rows, park);
  if (whole) return whole;
  const parts = rows.filter((one) => one.facility && one.scope === null && (!park || one.park === park));
  if (parts.length < 2) return parts[0] ?? null;
  const lowest = parts.reduce((a, b) => ((b.coverage ?? 0) < (a.coverage ?? 0) ? b : a));
  return { ...lowest, of: parts.length, co2e_t: sum(parts.map((one) => one.co2e_t)), now_t_per_h: sum(parts.map((one) => one.now_t_per_h)),
    complete_until: parts.map((one) => one.complete_until).filter(Boolean).sort()[0] ?? null, stale: parts.flatMap((one) => one.stale),
    known_from: parts.map((one) => one.known_from).filter(Boolean).sort().at(-1) ?? null, unheard: parts.flatMap((one) => one.unheard), now_unknown: parts.flatMap((one) => one.now_unknown) };
}

function sum(values) {
  const known = values.filter((one) => one !== null && one !== undefined);
  return known.length ? known.reduce((a, b) => a + b) : null;
}

function hoursRow(state, park) {
  const rows = state.hours?.rows ?? [];
  const whole = rowOf(rows.map((one) => ({ scope: null, ...one })), park || null);
  if (whole) return whole;
  const parts = rows.filter((one) => one.facility && (!park || one.park === park));
  if (!parts.length || parts.some((one) => one.times[0] !== parts[0].times[0])) return null;
  const each = (pick, join) => parts[0].times.map((_, at) => join(parts.map((one) => one[pick][at])));
  const least = (values) => (values.includes(null) ? null : Math.min(...values));
  return { times: parts[0].times, known_from: parts.map((one) => one.known_from).filter(Boolean).sort().at(-1) ?? null, co2e_t: each('co2e_t', sum), coverage: each('coverage', least), substituted: each('substituted', (values) => Math.max(...values.map((one) => one ?? 0))) };
}

// --- how far a number may be trusted: a word, a pattern and a colour, never a colour alone

export function trust(value, shares) {
  if (value === null || value === undefined) return 'unknown';
  if (shares?.substituted > 0) return 'substituted';
  return !shares || shares.missing > LEAST_SHARE ? 'incomplete' : 'measured';
}

// A share, and from when on it speaks where that is not from the period's beginning on: never 99.8 % of a month that was empty.
export function knownText(coverage, from, zone, now) {
  return from ? say('knownSince', { share: share(coverage), from: sinceOf(from, zone, now) }) : say('known', { share: share(coverage) });
}

function trustText(row, zone, now) {
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

function ages(state, time, zone) {
  if (!time) return h('span', { class: 'until' }, say('unknown'));
  return h('span', { class: 'until' }, say('complete', { time: moment(time, zone, state.now) }), ' · ', h('span', { class: 'age' }, say('ago', { age: age(state.now - new Date(time)) })));
}

const silent = (row) => row?.stale?.length > 0 && h('span', { class: 'silent', title: row.stale.join('\n') }, say(row.stale.length === 1 ? 'staleOne' : 'staleMany', { n: row.stale.length }));

// The present rate, and how many sources it lacks: a sum without them is never shown as if it were all.
function present(state, row) {
  const rate = row?.now_t_per_h ?? null;
  return figure(state, rate, rate === null ? 'unknown' : row.stale.length || row.now_unknown.length ? 'incomplete' : 'measured');
}

function lacks(row) {
  const n = row?.now_unknown?.length ?? 0;
  return n > 0 && h('span', { class: 'silent', title: row.now_unknown.join('\n') }, say(n === 1 ? 'lacksOne' : 'lacksMany', { n }));
}

const TRUST_WORDS = { incomplete: 'hatched', substituted: 'dotted', unknown: 'unknown' };

// A number in the look of how far it is known, and the same as a word: seen when pointed at, and read out.
function valued(value, kind) {
  const word = TRUST_WORDS[kind] && say(TRUST_WORDS[kind]);
  return [h('span', { class: 'value', 'data-trust': kind, title: word }, number(value)), word && h('span', { class: 'aloud' }, word)];
}

// A number that explains itself when it is pressed; on a wall nobody presses.
function figure(state, value, kind, path, what) {
  const told = valued(value, kind), [, word] = told;
  if (state.wall || !path || value === null || value === undefined) return told;
  return h('button', { class: 'why', 'data-do': 'explain', 'data-path': path, 'aria-label': [`${say('explain', { what })}: ${number(value)}`, word?.textContent].filter(Boolean).join(', ') }, told[0]);
}

function explainPath(park, facility, period) {
  return park ? `/v1/explain?${new URLSearchParams({ park, ...(facility && { facility }), period })}` : period;
}

// --- parts of the page

function hero(state) {
  const park = state.view || null, zone = zoneOf(state, state.view);
  const today = placeRow(state.totals.today, park), month = placeRow(state.totals.month, park);
  const place = titleOf(state, state.view);
  const path = (period) => (today?.of ? null : explainPath(today?.park, today?.facility, period));
  const tile = (name, unit, content, ...below) => h('section', { class: `tile ${name}`, 'data-key': name }, h('h2', {}, say(name)), h('p', { class: 'figure' }, content, h('span', { class: 'unit' }, unit)), below);
  return h('div', { class: 'hero', 'data-key': 'hero' },
    tile('now', say('perHour'), present(state, today), lacks(today) && h('p', { class: 'note' }, lacks(today)), h('p', { class: 'note' }, ages(state, today?.complete_until, zone)), silent(today) && h('p', { class: 'note' }, silent(today))),
    tile('today', say('tonnes'), figure(state, today?.co2e_t, trust(today?.co2e_t, today?.shares), path('today'), `${place}, ${say('today')}`), bar(today?.shares), h('p', { class: 'note' }, trustText(today, zone, state.now))),
    tile('month', say('tonnes'), figure(state, month?.co2e_t, trust(month?.co2e_t, month?.shares), path('month'), `${place}, ${say('month')}`), bar(month?.shares), h('p', { class: 'note' }, trustText(month, zone, state.now)), budget(month)));
}

// What the place may emit in this month, where it has a budget.
function budget(month) {
  if (!(month?.budget_t > 0) || month.of) return null;
  const part = month.budget_used_share;
  return h('div', { class: 'budget' },
    h('svg', { class: 'bar', viewBox: '0 0 100 8', preserveAspectRatio: 'none', 'aria-hidden': 'true' }, h('rect', { class: 'missing', width: 100, height: 8 }), part !== null && h('rect', { class: part > 1 ? 'over-budget' : 'used', width: Math.min(100, part * 100), height: 8 })),
    h('p', { class: 'note' }, say('budget', { share: part === null ? UNKNOWN : shareUp(part), tonnes: number(month.budget_t) })));
}

export function chart(state) {
  const row = hoursRow(state, state.view);
  if (!row) return null;
  const zone = zoneOf(state, state.view), W = innerWidth < 640 && !state.wall ? 340 : 760, H = state.wall ? 150 : 210, left = 44, bottom = 22, top = 14;
  const known = row.co2e_t.filter((one) => one !== null), most = Math.max(0, ...known), steps = ticks(most), ceiling = steps.at(-1) || 1;
  const x = (at) => left + (at * (W - left)) / row.times.length, y = (value) => top + (H - top - bottom) * (1 - value / ceiling), wide = (W - left) / row.times.length;
  const bars = row.times.map((time, at) => {
    const value = row.co2e_t[at], coverage = row.coverage[at], substituted = row.substituted[at] ?? 0, hour = `${hourOf(time, zone)}:00`;
    if (value === null) return h('g', {}, h('rect', { class: 'gap', x: x(at) + 2, y: y(0) - 26, width: wide - 4, height: 26 }), h('title', {}, `${hour} ${say('gap')}`));
    const kind = coverage === null || coverage < 1 - LEAST_SHARE || time < (row.known_from ?? '') ? 'incomplete' : 'measured', high = y(0) - y(value), part = Math.min(1, substituted) * high;
    return h('g', {},
      h('rect', { class: `hour ${kind}${at === row.times.length - 1 ? ' running' : ''}`, x: x(at) + 2, y: y(value), width: wide - 4, height: Math.max(1, high), rx: 1.5 }),
      part > 0 && h('rect', { class: 'hour substituted', x: x(at) + 2, y: y(value), width: wide - 4, height: part }),
      h('title', {}, `${hour} ${number(value)} t, ${hourText(row, at)}`));
  });
  const every = W < 400 ? 6 : 3;
  const labels = row.times.map((time, at) => Number(hourOf(time, zone)) % every === 0 && h('text', { class: 'tick', x: x(at) + wide / 2, y: H - 6, 'text-anchor': 'middle' }, hourOf(time, zone)));
  return h('section', { class: 'card day', 'data-key': 'day', 'aria-labelledby': 'day' },
    h('h2', { id: 'day' }, say('day'), h('span', { class: 'unit' }, say('perHour'))),
    h('svg', { class: 'chart', viewBox: `0 0 ${W} ${H}`, role: 'img', 'aria-label': say('dayLabel', { known: known.length, most: `${number(known.length ? most : null)} t` }) },
      steps.map((step) => h('g', {}, h('line', { class: 'grid', x1: left, x2: W, y1: y(step), y2: y(step) }), h('text', { class: 'tick', x: left - 6, y: y(step) + 4, 'text-anchor': 'end' }, exact(step)))), bars, labels),
    h('p', { class: 'legend' }, [['measured', 'measuredLegend'], ['incomplete', 'hatched'], ['substituted', 'dotted'], ['gap', 'gapLegend']].map(([kind, word]) => h('span', {}, h('svg', { viewBox: '0 0 14 10', 'aria-hidden': 'true' }, h('rect', { class: kind === 'gap' ? kind : `hour ${kind}`, x: 1, y: 1, width: 12, height: 8 })), say(word)))),
    !state.wall && h('details', {}, h('summary', {}, say('asTable')), h('table', { class: 'small' },
      h('thead', {}, h('tr', {}, ['hour', 'tonnes', 'quality'].map((one) => h('th', { scope: 'col' }, say(one))))),
      h('tbody', {}, row.times.map((time, at) => h('tr', {}, h('th', { scope: 'row' }, `${hourOf(time, zone)}:00`), h('td', {}, number(row.co2e_t[at])), h('td', {}, hourText(row, at))))))));
}

function hourText(row, at) {
  if (row.co2e_t[at] === null) return say('gap');
  const substituted = row.substituted[at] ?? 0;
  return [say('known', { share: share(row.coverage[at]) }), row.times[at] < (row.known_from ?? '') && say('hatched'), substituted > 0 && say('substituted', { share: shareUp(substituted) })].filter(Boolean).join(' · ');
}

function ticks(most) {
  if (!(most > 0)) return [0];
  const rough = most / 3, unit = 10 ** Math.floor(Math.log10(rough)), step = [1, 2, 2.5, 5, 10].find((one) => one * unit >= rough) * unit;
  return Array.from({ length: Math.ceil(most / step - 1e-9) + 1 }, (_, at) => Number((at * step).toPrecision(6)));
}

// The places in the order of the page: each park (where several are shown), then its facilities; on a wall these have a
// page of their own.
function places(state) {
  const shown = state.plant.parks.filter((one) => !state.view || one.name === state.view), of = (park) => park.facilities.map((one) => ({ park: park.name, facility: one.name }));
  return shown.flatMap((park) => (state.view ? of(park) : [{ park: park.name, facility: null }, ...(state.wall && rowOf(state.totals.today, park.name) ? [] : of(park))]))
    .filter(({ park, facility }) => facility || rowOf(state.totals.today, park));
}

export function wallPages(state) {
  const views = state.plant.parks.length > 1 ? [''].concat(state.plant.parks.map((one) => one.name)) : [state.plant.parks[0]?.name ?? ''];
  return views.flatMap((view) => {
    const many = Math.max(1, Math.ceil(places({ ...state, view }).length / PAGE_ROWS));
    return Array.from({ length: many }, (_, part) => ({ view, part }));
  });
}

function table(state) {
  const all = places(state), rows = state.wall ? all.slice(state.part * PAGE_ROWS, (state.part + 1) * PAGE_ROWS) : all;
  const cell = (name, ...content) => h('td', { 'data-label': [say(name), unit[name]].filter(Boolean).join(', ') }, content);
  const columns = ['facility', 'now', 'today', 'month', ...(state.wall ? [] : ['scope1', 'scope2']), 'quality'];
  const unit = { now: say('perHour'), today: 't', month: 't', scope1: 't', scope2: 't' };
  return h('section', { class: 'card places', 'data-key': 'places', 'aria-labelledby': 'places' }, h('h2', { id: 'places' }, say('facilities')),
    h('table', {}, h('thead', {}, h('tr', {}, columns.map((one) => h('th', { scope: 'col' }, say(one), unit[one] && h('span', { class: 'unit' }, unit[one]))))),
      h('tbody', {}, rows.map(({ park, facility }) => {
        const today = rowOf(state.totals.today, park, facility), month = rowOf(state.totals.month, park, facility), name = titleOf(state, park, facility), zone = zoneOf(state, park);
        const scope = (n) => rowOf(state.totals.today, park, facility, n);
        return h('tr', { 'data-key': `${park}/${facility ?? ''}`, class: facility ? '' : 'park' },
          h('th', { scope: 'row' }, facility || state.wall ? name : h('button', { class: 'plain', 'data-do': 'view', 'data-view': park }, name), silent(today)),
          cell('now', present(state, today), lacks(today)),
          cell('today', figure(state, today?.co2e_t, trust(today?.co2e_t, today?.shares), explainPath(park, facility, 'today'), `${name}, ${say('today')}`)),
          cell('month', figure(state, month?.co2e_t, trust(month?.co2e_t, month?.shares), explainPath(park, facility, 'month'), `${name}, ${say('month')}`)),
          !state.wall && [1, 2].map((n) => cell(`scope${n}`, facility ? scopeValue(scope(n)) : '')),
          cell('quality', h('span', { class: 'quality' }, bar(today?.shares), h('span', { class: 'note' }, trustText(today, zone, state.now)), h('span', { class: 'note' }, ages(state, today?.complete_until, zone)))));
      }))));
}

// A facility without sources of a scope has no row of it: nothing is there to be known.
const scopeValue = (row) => (row ? valued(row.co2e_t, trust(row.co2e_t, row.shares)) : h('span', { class: 'note' }, '·'));

export function where(state, labels) {
  return [labels.park && titleOf(state, labels.park), labels.facility && titleOf(state, labels.park, labels.facility), labels.gateway, labels.channel, labels.source].filter(Boolean).join(' · ');
}

const inView = (state) => (one) => !state.view || !one.park || one.park === state.view;

function alerts(state) {
  const open = state.alerts.open.filter((one) => inView(state)({ park: one.labels.park }));
  const order = { critical: 0, warning: 1, info: 2 }, shown = [...open].sort((a, b) => Boolean(a.acknowledged_at) - Boolean(b.acknowledged_at) || order[a.severity] - order[b.severity] || (a.started_at < b.started_at ? 1 : -1));
  return h('section', { class: 'card alerts', 'data-key': 'alerts', 'aria-labelledby': 'alerts' },
    h('h2', { id: 'alerts' }, say('alerts'), h('span', { class: 'count', 'data-some': String(open.length > 0) }, String(open.length))),
    open.length === 0 && h('p', { class: 'calm' }, say('noAlerts')),
    h('ul', {}, (state.wall ? shown.slice(0, MOST_ON_WALL) : shown).map((one) => alert(state, one))),
    state.wall && beyond(shown.length),
    state.alerts.more && h('p', { class: 'note' }, say('moreAlerts')),
    state.missed && h('p', { class: 'note' }, say('missed')));
}

function alert(state, one) {
  const zone = zoneOf(state, one.labels.park), summary = sayText(one.texts?.summary) || one.summary || one.rule, first = sayText(one.texts?.first_action), may = state.plant.you.role !== 'viewer';
  const snoozed = one.snoozed_until && new Date(one.snoozed_until) > state.now, said = state.said.get(one.id);
  return h('li', { 'data-key': one.id, class: `alert ${one.severity}${one.acknowledged_at ? ' taken' : ''}` },
    h('p', { class: 'kind' }, h('span', { class: 'badge' }, { critical: '▲', warning: '◆', info: '●' }[one.severity] ?? '●', ' ', say(one.severity in { critical: 1, warning: 1, info: 1 } ? one.severity : 'info')), h('span', { class: 'note' }, [one.status !== 'firing' && one.status !== 'acknowledged' && say(one.status), one.acknowledged_by && say('by', { who: one.acknowledged_by }), one.assigned_to && say('assigned', { who: one.assigned_to }), snoozed && say('snoozed', { time: moment(one.snoozed_until, zone, state.now) })].filter(Boolean).join(' · '))),
    h('h3', {}, summary),
    h('p', { class: 'note' }, where(state, one.labels)),
    h('p', { class: 'note' }, say('since', { time: moment(one.started_at, zone, state.now) }), ' · ', h('span', { class: 'age' }, age(state.now - new Date(one.started_at))), one.value !== null && [' · ', say('value', { value: number(one.value), unit: one.unit })], one.limit !== null && [' · ', sayText(one.texts?.passed) || say('limit', { limit: number(one.limit), unit: one.unit })]),
    first && h('p', { class: 'first' }, say('first', { text: first })),
    !state.wall && may && h('p', { class: 'actions' },
      !one.acknowledged_at && h('button', { class: 'main', 'data-do': 'acknowledge', 'data-alert': one.id, 'aria-label': `${say('acknowledge')}: ${summary}` }, say('acknowledge')),
      !snoozed && h('details', { class: 'menu' }, h('summary', { 'aria-label': `${say('snooze')}: ${summary}` }, say('snooze')), h('span', {}, [1, 4, 12].map((n) => h('button', { 'data-do': 'snooze', 'data-alert': one.id, 'data-hours': n }, say(`hours${n}`)))))),
    !state.wall && !may && h('p', { class: 'note' }, say('notAllowed')),
    said && h('p', { class: 'said', role: 'status' }, said));
}

// Where a list of a wall display says how many of `all` have no room; `fit` knows how many.
const beyond = (all) => h('p', { class: 'note beyond', 'data-all': String(all), hidden: true });

// On a wall display nothing is cut off, and what has no room is counted.
export function fit(app) {
  for (const note of app.querySelectorAll('.note.beyond')) {
    const list = note.parentElement.querySelector('ul'), items = [...list.children];
    const isOut = (one) => !one.hidden && one.getBoundingClientRect().bottom > list.getBoundingClientRect().bottom + 1;
    const told = (shown) => {
      items.forEach((one, place) => { one.hidden = place >= shown; });
      note.hidden = shown === Number(note.dataset.all);
      note.textContent = say('leftOut', { n: Number(note.dataset.all) - shown });
    };
    told(items.length);
    for (let first = items.findIndex(isOut); first >= 0; first = items.findIndex(isOut)) told(first);
  }
}

function gateways(state) {
  const here = state.gateways.gateways.filter(inView(state)), online = here.filter((one) => one.online === true).length, order = (one) => (one.online === false ? 0 : one.online === null ? 1 : 2);
  const word = (one) => (one.online === null ? 'saysNothing' : one.online ? 'online' : 'offline');
  const sorted = [...here].sort((a, b) => order(a) - order(b) || ((a.newest_at ?? '') < (b.newest_at ?? '') ? -1 : 1));
  const placeOf = (one) => `${one.park}/${one.facility}/${one.gateway}`, may = !state.wall && state.plant.you.role !== 'viewer';
  const line = (one) => h('li', { 'data-key': placeOf(one), class: word(one) },
    h('span', { class: 'dot', 'aria-hidden': 'true' }, one.online === null ? '○' : one.online ? '●' : '✕'),
    h('span', {}, h('b', {}, one.gateway), ' ', h('span', { class: 'note' }, titleOf(state, one.park, one.facility))),
    h('span', { class: 'note state' }, say(word(one)), ' · ', one.newest_at ? h('span', { class: 'age' }, say('lag', { age: age(state.now - new Date(one.newest_at)) })) : say('noReading')),
    one.rebirth && may && h('p', { class: 'actions' }, h('button', { 'data-do': 'rebirth', 'data-gateway': placeOf(one), 'aria-label': `${say('rebirth')}: ${one.gateway}` }, say('rebirth'))),
    state.said.get(placeOf(one)) && h('p', { class: 'said', role: 'status' }, state.said.get(placeOf(one))));
  return h('section', { class: 'card gateways', 'data-key': 'gateways', 'aria-labelledby': 'gateways' },
    h('h2', { id: 'gateways' }, say('gateways'), h('span', { class: 'unit' }, say('ofOnline', { n: online, all: here.length }))),
    h('ul', {}, sorted.slice(0, state.wall ? MOST_ON_WALL : FEW).map(line)),
    state.wall && beyond(sorted.length),
    !state.wall && sorted.length > FEW && h('details', {}, h('summary', {}, say('others', { n: sorted.length - FEW })), h('ul', {}, sorted.slice(FEW).map(line))));
}

function health(state) {
  const { ready, reasons, degradations } = state.health, told = [...reasons, ...degradations];
  return h('section', { class: 'card health', 'data-key': 'health', 'aria-labelledby': 'health' },
    h('h2', { id: 'health' }, say('health'), h('span', { class: `pill ${ready ? 'well' : 'ill'}` }, say(ready ? 'ready' : 'notReady'))),
    told.length ? h('ul', {}, told.map((one) => h('li', {}, one))) : h('p', { class: 'calm' }, say('allWell')));
}

export const brand = () => h('p', { class: 'brand' }, h('svg', { viewBox: '0 0 32 32', 'aria-hidden': 'true' }, h('rect', { width: 32, height: 32, rx: 7, class: 'tile' }), h('path', { d: 'M7 25V15h4v10zm7 0V8h4v17zm7 0v-7h4v7z', class: 'ink' })), 'Stackmeter');

function head(state) {
  const parks = state.plant?.parks ?? [], word = state.lostAt ? 'lost' : state.open ? 'live' : 'connecting';
  return h('header', { 'data-key': 'head' },
    brand(),
    h('h1', {}, state.plant ? titleOf(state, state.view) : say('title')),
    !state.wall && parks.length > 1 && h('nav', { 'aria-label': say('view') }, ['', ...parks.map((one) => one.name)].map((name) => h('button', { 'data-do': 'view', 'data-view': name, 'aria-pressed': String(state.view === name) }, titleOf(state, name)))),
    h('p', { class: 'tools' },
      state.wall && state.pages > 1 && h('span', { class: 'note' }, say('page', { n: state.page + 1, all: state.pages })),
      h('span', { class: `pill ${word}` }, h('span', { 'aria-hidden': 'true' }, word === 'live' ? '●' : '○'), ' ', word === 'lost' ? say('connecting') : say(word), state.open && !state.lostAt && state.plant ? h('span', { class: 'clock' }, moment(new Date(state.now).toISOString(), zoneOf(state, state.view), state.now)) : ''),
      !state.wall && h('button', { class: 'plain', 'data-do': 'language', lang: spoken.language === 'vi' ? 'en' : 'vi' }, say('other')),
      !state.wall && state.key && h('button', { class: 'plain', 'data-do': 'sign-out' }, say('signOut'))));
}

export function banner(state) {
  if (!state.lostAt) return null;
  return h('div', { class: 'banner', role: 'alert', 'data-key': 'banner' }, h('strong', {}, '⚠ ', state.full ? say('full') : say('lost', { time: moment(new Date(state.lostAt).toISOString(), state.plant ? zoneOf(state, state.view) : undefined, state.lostAt) })), ' ', h('span', { class: 'age', 'aria-hidden': 'true' }, age(state.now - state.lostAt)));
}

export function signIn(state) {
  return h('form', { class: 'card sign-in', 'data-key': 'sign-in', 'data-do': 'sign-in' },
    h('h2', {}, say('title')),
    h('label', {}, say('keyLabel'), h('input', { name: 'key', type: 'password', required: true, autocomplete: 'current-password', 'aria-describedby': 'key-hint' })),
    h('p', { class: 'note', id: 'key-hint' }, say('keyHint')),
    state.badKey && h('p', { class: 'wrong', role: 'alert' }, say('badKey')),
    h('label', { class: 'check' }, h('input', { name: 'remember', type: 'checkbox' }), say('remember')),
    h('button', { class: 'main' }, say('signIn')));
}

export function page(state) {
  const has = (...names) => names.every((name) => state[name]);
  const shows = has('plant', 'totals') && state.plant.parks.length > 0;
  return h('div', { id: 'app', class: state.lostAt ? 'aged' : '', 'data-mode': state.wall ? 'wall' : 'normal' },
    !state.wall && h('a', { class: 'skip', href: '#figures', 'data-key': 'skip' }, say('skip')),
    head(state), banner(state),
    h('p', { class: 'announce', role: 'status', 'data-key': 'announce' }, state.announce),
    h('main', { id: 'figures', tabindex: '-1', 'data-key': 'main' },
      !state.key ? signIn(state)
        : has('plant') && !state.plant.parks.length ? h('p', { class: 'calm' }, say('noFacility'))
          : !shows ? h('p', { class: 'calm' }, state.lostAt ? '' : say('loading'))
            : h('div', { class: 'columns' }, h('div', { class: 'left' }, hero(state), chart(state), table(state)),
              h('div', { class: 'right' }, has('alerts') && alerts(state), has('gateways') && gateways(state), has('health') && health(state)))),
    shows && h('footer', { 'data-key': 'foot' }, say('legend', { gwp: state.plant.gwp }), ' ', say('zone', { zone: zoneOf(state, state.view) }), ' ', h('span', {}, say('asOf', { time: moment(state.totals.as_of, zoneOf(state, state.view), state.now) })), ' ', !state.wall && [h('a', { href: '?display=wall' }, say('wall')), ' · ', h('a', { href: '/records' }, say('records'))]));
}
