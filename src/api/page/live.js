// The live view: what is emitted now, today and this month, the last day hour by hour, each place; and what is the matter. On a wall too.

import { alerts } from './alerts.js';
import { MOST_ON_WALL, beyond, inView } from './wall.js';
import { ages, bar, dashed, explainPath, figure, h, lacks, link, placeLink, placeRow, present, rowOf, scale, silent, spark, sum, takeAlong, ticks, titleOf, trust, trustText, valued, zoneOf } from './draw.js';
import { UNKNOWN, age, exact, hourOf, number, say, share, shareUp } from './text.js';

const PAGE_ROWS = 6; // places that fit on a page of a wall display
const FEW = 5; // gateways that are shown at once; those in trouble come first

function hoursRow(state, park, facility = null) {
  const rows = state.hours?.rows ?? [];
  const whole = rowOf(rows.map((one) => ({ scope: null, ...one })), park || null, facility);
  if (whole || facility) return whole;
  const parts = rows.filter((one) => one.facility && (!park || one.park === park));
  if (!parts.length || parts.some((one) => one.times[0] !== parts[0].times[0])) return null;
  const each = (pick, join) => parts[0].times.map((_, at) => join(parts.map((one) => one[pick][at])));
  const least = (values) => (values.includes(null) ? null : Math.min(...values));
  return { times: parts[0].times, known_from: parts.map((one) => one.known_from).filter(Boolean).sort().at(-1) ?? null, co2e_t: each('co2e_t', sum), coverage: each('coverage', least), substituted: each('substituted', (values) => Math.max(...values.map((one) => one ?? 0))) };
}

function hero(state) {
  const park = state.view || null, zone = zoneOf(state, state.view);
  const today = placeRow(state.totals.today, park), month = placeRow(state.totals.month, park);
  const place = titleOf(state, state.view);
  const path = (period) => (today?.of ? null : explainPath(today?.park, today?.facility, period));
  const tile = (name, unit, content, ...below) => h('section', { class: `tile ${name}`, 'data-key': name }, h('h2', {}, say(name)), h('p', { class: 'figure' }, content, h('span', { class: 'unit' }, unit)), below);
  return h('div', { class: 'hero', 'data-key': 'hero' },
    tile('now', say('perHour'), present(state, today), lacks(state, today) && h('p', { class: 'note' }, lacks(state, today)), h('p', { class: 'note' }, ages(state, today?.complete_until, zone)), silent(state, today) && h('p', { class: 'note' }, silent(state, today))),
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

function chart(state) {
  const row = hoursRow(state, state.view);
  if (!row) return null;
  const zone = zoneOf(state, state.view), W = innerWidth < 640 && !state.wall ? 340 : 760, H = state.wall ? 150 : 210, left = 44, bottom = 22, top = 14;
  const known = row.co2e_t.filter((one) => one !== null), most = Math.max(0, ...known), digits = scale(known), steps = ticks(most), ceiling = steps.at(-1) || 1;
  const x = (at) => left + (at * (W - left)) / row.times.length, y = (value) => top + (H - top - bottom) * (1 - value / ceiling), wide = (W - left) / row.times.length;
  const bars = row.times.map((time, at) => {
    const value = row.co2e_t[at], coverage = row.coverage[at], substituted = row.substituted[at] ?? 0, hour = `${hourOf(time, zone)}:00`;
    if (value === null) return h('g', {}, h('rect', { class: 'gap', x: x(at) + 2, y: y(0) - 26, width: wide - 4, height: 26 }), h('title', {}, `${hour} ${say('gap')}`));
    const kind = coverage === null || coverage < 1 - dashed.from || time < (row.known_from ?? '') ? 'incomplete' : 'measured', high = y(0) - y(value), part = Math.min(1, substituted) * high;
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
      h('tbody', {}, row.times.map((time, at) => h('tr', {}, h('th', { scope: 'row' }, `${hourOf(time, zone)}:00`), h('td', {}, number(row.co2e_t[at], digits)), h('td', {}, hourText(row, at))))))),
    takeAlong(state, 'day', { name: 'day', title: say('day'), rows: [[say('hour'), `${say('tonnes')} [t]`, say('quality')], ...row.times.map((time, at) => [time, row.co2e_t[at], row.coverage[at]])] }, true));
}

function hourText(row, at) {
  if (row.co2e_t[at] === null) return say('gap');
  const substituted = row.substituted[at] ?? 0;
  return [say('known', { share: share(row.coverage[at]) }), row.times[at] < (row.known_from ?? '') && say('hatched'), substituted > 0 && say('substituted', { share: shareUp(substituted) })].filter(Boolean).join(' · ');
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
  const columns = ['facility', 'now', 'today', 'month', ...(state.wall ? [] : ['scope1', 'scope2', 'hours']), 'quality'];
  const told = (rows_, field = 'co2e_t') => scale(rows.map(({ park, facility }) => rowOf(rows_, park, facility)?.[field]));
  const digits = { now: told(state.totals.today, 'now_t_per_h'), today: told(state.totals.today), month: told(state.totals.month), scopes: scale(state.totals.today.filter((one) => one.scope).map((one) => one.co2e_t)) };
  const unit = { now: say('perHour'), today: 't', month: 't', scope1: 't', scope2: 't' };
  return h('section', { class: 'card places', 'data-key': 'places', 'aria-labelledby': 'places' }, h('h2', { id: 'places' }, say('facilities')),
    h('table', {}, h('thead', {}, h('tr', {}, columns.map((one) => h('th', { scope: 'col' }, say(one), unit[one] && h('span', { class: 'unit' }, unit[one]))))),
      h('tbody', {}, rows.map(({ park, facility }) => {
        const today = rowOf(state.totals.today, park, facility), month = rowOf(state.totals.month, park, facility), name = titleOf(state, park, facility), zone = zoneOf(state, park);
        const scope = (n) => rowOf(state.totals.today, park, facility, n);
        return h('tr', { 'data-key': `${park}/${facility ?? ''}`, class: facility ? '' : 'park' },
          h('th', { scope: 'row' }, placeLink(state, park, facility), silent(state, today)),
          cell('now', present(state, today, digits.now), lacks(state, today, false)),
          cell('today', figure(state, today?.co2e_t, trust(today?.co2e_t, today?.shares), explainPath(park, facility, 'today'), `${name}, ${say('today')}`, digits.today)),
          cell('month', figure(state, month?.co2e_t, trust(month?.co2e_t, month?.shares), explainPath(park, facility, 'month'), `${name}, ${say('month')}`, digits.month)),
          !state.wall && [1, 2].map((n) => cell(`scope${n}`, facility ? scopeValue(scope(n), digits.scopes) : '')),
          !state.wall && h('td', { class: 'trend' }, spark(hoursRow(state, park, facility)?.co2e_t ?? [])),
          cell('quality', h('span', { class: 'quality' }, bar(today?.shares), h('span', { class: 'note' }, trustText(today, zone, state.now)), h('span', { class: 'note' }, ages(state, today?.complete_until, zone)))));
      }))),
    takeAlong(state, 'places', { name: 'places', title: say('facilities'), path: `/v1/totals?${new URLSearchParams({ level: 'facility', with: 'factors', ...(state.view && { park: state.view }) })}` }));
}

// A facility without sources of a scope has no row of it: nothing is there to be known.
const scopeValue = (row, digits) => (row ? valued(row.co2e_t, trust(row.co2e_t, row.shares), digits) : h('span', { class: 'note' }, '·'));

function gateways(state) {
  const here = state.gateways.gateways.filter(inView(state)), online = here.filter((one) => one.online === true).length, order = (one) => (one.online === false ? 0 : one.online === null ? 1 : 2);
  const word = (one) => (one.online === null ? 'saysNothing' : one.online ? 'online' : 'offline');
  const sorted = [...here].sort((a, b) => order(a) - order(b) || ((a.newest_at ?? '') < (b.newest_at ?? '') ? -1 : 1));
  const placeOf = (one) => `${one.park}/${one.facility}/${one.gateway}`, may = !state.wall && state.plant.you.role !== 'viewer';
  const line = (one) => h('li', { 'data-key': placeOf(one), class: word(one) },
    h('span', { class: 'dot', 'aria-hidden': 'true' }, one.online === null ? '○' : one.online ? '●' : '✕'),
    h('span', {}, h('b', {}, link(state, { park: one.park, facility: one.facility, gateway: one.gateway }, one.gateway)), ' ', h('span', { class: 'note' }, placeLink(state, one.park, one.facility))),
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


export const live = (state) => h('div', { class: 'columns', 'data-key': 'live' }, h('div', { class: 'left' }, hero(state), chart(state), table(state)),
  h('div', { class: 'right' }, state.alerts && alerts(state), state.gateways && gateways(state), state.health && health(state)));
