// A place in a period: all parks, a park, a facility or a source, against the period before and the same of the year before.

import { asQuery, href, moved, periodOf, span, yearBefore } from './address.js';
import { summaryOf } from './alerts.js';
import { bars, largest, legend, twin } from './charts.js';
import { bar, dashed, figure, grid, h, link, placed, scale, skeleton, spark, sum, takeAlong, titleOf, trust, trustText, zoneOf } from './draw.js';
import { map } from './map.js';
import { loadMade, product } from './product.js';
import { UNKNOWN, age, change, exact, moment, number, periodName, say, share, stepName } from './text.js';

const GJ_A_KWH = 0.0036;
const KG_A_TONNE = 1000;
const MOST_NAMES = 5;
const NOTHING = { totals: [] };
const FAR = 0.1; // how far two coverages may be from each other, for their tonnes to be compared
const KEYS = { source: ['source', 'gas'], facility: ['source', 'scope', 'gas'], park: ['facility', 'source', 'scope', 'gas'] };

const level = ({ park, facility, source }) => (source ? 'source' : facility ? 'facility' : park ? 'park' : 'all');
const places = ({ park, facility, source }) => ({ ...(park && { park }), ...(facility && { facility }), ...(source && { source }) });
const ways = (at) => KEYS[level(at)] ?? KEYS.park;
export const parted = (at) => (ways(at).includes(at.by) ? at.by : ways(at)[0]);

// --- what is asked

async function load(at, state, ask) {
  const zone = zoneOf(state, at.park), period = periodOf(at.period), asked = span(period, zone, state.now, state.plant.window_s * 1000), by = parted(at), own = level(at);
  const totals = (of, more) => `/v1/totals?${new URLSearchParams({ ...places(at), ...asQuery(of), ...more })}`;
  const series = (more) => ask(`/v1/series?${new URLSearchParams({ kind: 'emission', every: asked.every, ...asQuery(asked), ...places(at), by: by === 'gas' ? 'source' : by, ...more })}`).catch((error) => ({ error }));
  const split = by === 'scope' ? { level: own, by: 'scope' } : { level: by === 'gas' ? own : by }, three = [asked.known, asked.before, asked.year];
  const each = (more) => Promise.all(three.map((of, place) => (of ? ask(totals(of, more)).catch((error) => { if (!place) throw error; return NOTHING; }) : NOTHING)));
  const [whole, rows, sources, steps, co2, channels, spots, made] = await Promise.all([each({ level: own }), by === 'gas' ? null : each(split), ask(totals(asked.known, { level: 'source' })),
    series({}), by === 'gas' ? series({ field: 'co2_kg' }) : null, ask(`/v1/channels?${new URLSearchParams({ ...places({ ...at, source: null }), limit: 1000 })}`),
    by !== 'facility' ? {} : ask(at.park ? `/v1/facilities?${new URLSearchParams({ park: at.park, limit: 1000 })}` : '/v1/parks'), loadMade(at, asked, ask)]);
  return { period, spots: spots.facilities ?? spots.parks ?? [], asked, by, zone, whole: whole.map((one) => mine(one.totals)), rows: rows?.map((one) => one.totals) ?? [], sources: sources.totals, steps, co2, made, channels: channels.channels, path: totals(asked.known, { ...split, with: 'factors,previous' }), series: `/v1/series?${new URLSearchParams({ kind: 'emission', every: asked.every, ...asQuery(asked), ...places(at), by: by === 'gas' ? 'source' : by })}` };
}

const mine = (totals) => totals[0] ?? null;

// By how much one is more than another, null where they are not known alike: what was measured later has not grown.
function grownBy(row, other) {
  const isAlike = row?.shares && other?.shares && !other.known_from && row.unheard.length >= other.unheard.length && Math.abs(row.coverage - other.coverage) <= FAR;
  return isAlike && row.co2e_t !== null && other.co2e_t !== null ? row.co2e_t - other.co2e_t : null;
}
const changed = (row, other) => (grownBy(row, other) === null ? UNKNOWN : change(row.co2e_t, other.co2e_t));

// --- what is shown

function draw(state, found) {
  const { at } = state;
  return [numbers(state, at, found), h('div', { class: 'card parts-chart', 'data-key': 'chart' }, partsChart(state, at, found)), product(state, at, found), found.by === 'gas' ? gases(state, found) : table(state, at, found), found.rows.length > 0 && map(state, found.spots, found.rows[0]), matter(state, at, found)];
}

function numbers(state, at, found) {
  const { whole: [now, before, year], asked, period, zone, sources } = found, path = at.park ? `/v1/explain?${new URLSearchParams({ ...places(at), ...asQuery(asked.known) })}` : null, name = [placeName(state, at), periodName(period)].join(', ');
  const against = (word, other, of, row) => h('section', { class: 'tile against', 'data-key': word }, h('h2', {}, say(word)),
    h('p', { class: 'figure' }, h('span', { class: 'value', 'data-trust': grownBy(now, row) === null ? 'unknown' : trust(row.co2e_t, row.shares) }, changed(now, row))),
    h('p', { class: 'note' }, h('a', { href: href({ ...places(at), by: at.by, period: other.text }) }, periodName(other)), `: ${number(row?.co2e_t)} t`, asked.running && ` (${say('samePart')})`),
    h('p', { class: 'note' }, trustText(row, zone, state.now)));
  return h('div', { class: 'hero period', 'data-key': 'numbers' },
    h('section', { class: 'tile today', 'data-key': 'sum' }, h('h2', {}, periodName(period)), h('p', { class: 'figure' }, figure(state, now?.co2e_t, trust(now?.co2e_t, now?.shares), path, name), h('span', { class: 'unit' }, say('tonnes'))), bar(now?.shares),
      h('p', { class: 'note' }, trustText(now, zone, state.now), asked.running && ` · ${say('running')}`), silentSince(state, at, now, found), amounts(sources)),
    against('beforeThat', moved(period, -1), asked.before, before), against('yearAgo', yearBefore(period), asked.year, year));
}

const placeName = (state, at) => (at.source ? `${titleOf(state, at.park, at.facility)}: ${at.source}` : titleOf(state, at.park, at.facility));

// The channels that a number lacks: silent since before the end of what it is the sum of.
function lacked(row, { channels, asked }) {
  const heard = (one) => channels.find((other) => other.park === one.park && other.facility === one.facility && other.channel === one.name)?.latest;
  return (row?.stale ?? []).map((name) => placed(row, name)).map((one) => ({ ...one, latest: heard(one) })).filter(({ latest }) => !latest || Date.parse(latest.time) < asked.known.to);
}

function silentSince(state, at, row, found) {
  const all = lacked(row, found), told = (one) => [link(state, { park: one.park, facility: one.facility, channel: one.name, period: at.period }, one.name), one.latest && ` ${say('since', { time: moment(one.latest.time, found.zone, state.now) })}`];
  return all.length > 0 && h('p', { class: 'note silent' }, say(all.length === 1 ? 'staleOne' : 'staleMany', { n: all.length }), ': ', all.slice(0, MOST_NAMES).map((one, place) => [place ? ', ' : '', told(one)]), all.length > MOST_NAMES && ` ${say('leftOut', { n: all.length - MOST_NAMES })}`);
}

// Energy and other amounts, by what is measured and its unit; of kWh also the GJ.
function amounts(sources) {
  const by = new Map();
  for (const one of sources) if (one.activity !== null && one.scope !== 3) by.set(`${one.method} ${one.activity_unit}`, { unit: one.activity_unit, method: one.method, value: (by.get(`${one.method} ${one.activity_unit}`)?.value ?? 0) + one.activity });
  return by.size > 0 && h('ul', { class: 'amounts note' }, [...by.values()].map((one) => h('li', { title: one.method }, `${number(one.value)} ${one.unit}`, one.unit === 'kWh' && ` = ${number(one.value * GJ_A_KWH)} GJ`, ' ', h('span', {}, one.method))));
}

function nodeOf(state, at, name, by) {
  const [park, facility, source] = name.split('/');
  if (by === 'scope') return say('scopeN', { n: name });
  return link(state, by === 'source' ? { park, facility, source, period: at.period } : { park, facility, period: at.period, by: null }, by === 'source' ? (at.facility ? source : `${titleOf(state, park, facility)}: ${source}`) : titleOf(state, park, facility));
}
const textOf = (state, at, name, by) => { const [park, facility, source] = name.split('/'); return by === 'scope' ? say('scopeN', { n: name }) : by === 'source' ? (at.facility ? source : `${titleOf(state, park, facility)}: ${source}`) : titleOf(state, park, facility); };

function partsOf(state, at, { steps, co2, by }) {
  if (by !== 'gas') return (steps.parts ?? []).map((one) => ({ key: one.name, name: textOf(state, at, one.name, by), node: nodeOf(state, at, one.name, by), values: one.values }));
  const all = (body, factor) => body.times.map((_, step) => { const told = sum(body.parts.map((one) => one.values[step])); return told === null ? null : told * factor; });
  if (!co2 || co2.error) return [];
  const whole = all(steps, 1), carbon = all(co2, 1 / KG_A_TONNE);
  return [{ key: 'co2', name: 'CO₂', values: carbon }, { key: 'others', name: say('otherGases'), values: whole.map((value, step) => (value === null ? null : value - (carbon[step] ?? 0))) }];
}

function partsChart(state, at, found) {
  const { steps, asked, by, zone, period } = found, title = say('byTitle', { unit: say(`every${asked.every}`) });
  const choose = h('p', { class: 'by', role: 'group', 'aria-label': say('partedBy') }, ways(at).map((way) => h('a', { href: href({ ...places(at), period: period.text, by: way }), 'aria-current': way === by ? 'true' : null }, say(`by_${way}`))));
  if (steps.error) return [h('h2', {}, title), choose, h('p', { class: 'calm' }, say('failed', { why: steps.error.message }))];
  const labels = steps.times.map((time) => stepName(time, asked.every, zone)), parts = largest(partsOf(state, at, found)), future = steps.times.map((time) => Date.parse(time) > state.now);
  const told = steps.coverage.map((covered, place) => (future[place] ? '' : covered === null ? say('unknown') : say('known', { share: share(covered) })));
  const label = `${title}: ${placeName(state, at)}, ${periodName(period)}`;
  return [h('h2', { id: 'parts' }, title, h('span', { class: 'unit' }, say('tonnes'))), choose,
    bars(labels, parts, { label, unit: 't', told, future, doubtful: steps.coverage.map((one, place) => !future[place] && one !== null && one < 1 - dashed.from) }),
    legend(parts), twin(labels, parts, 't', told),
    takeAlong(state, 'chart', { name: fileName(at), title: label, caption: say('zone', { zone }), legend: parts.map((one) => one.name), path: found.series }, true)];
}

const fileName = (at) => [at.park ?? 'all', at.facility, at.source, at.period, at.by].filter(Boolean).join('_');
const keyOf = (row, by) => (by === 'scope' ? String(row.scope) : [row.park, row.facility, by === 'source' && row.source].filter(Boolean).join('/'));

function table(state, at, found) {
  const { rows: [now, before, year], by, steps, path, asked, zone } = found, other = (rows, row) => rows.find((one) => keyOf(one, by) === keyOf(row, by)), all = sum(now.map((one) => (one.scope === 3 ? null : one.co2e_t)));
  const shown = [...now].sort((a, b) => (b.co2e_t ?? -1) - (a.co2e_t ?? -1)), digits = scale(now.map((one) => one.co2e_t)), grown = (row) => grownBy(row, other(before, row));
  const most = shown.filter((one) => grown(one) > 0).sort((a, b) => grown(b) - grown(a))[0], parts = new Map((steps.parts ?? []).map((one) => [one.name, one.values]));
  const compared = (rows) => (row) => [h('span', { class: 'value' }, changed(row, other(rows, row))), h('span', { class: 'note' }, ` ${number(other(rows, row)?.co2e_t, digits)}`)];
  const ratio = (rows) => (row) => { const was = other(rows, row), by_ = grownBy(row, was); return by_ === null || !was.co2e_t ? null : by_ / Math.abs(was.co2e_t); };
  const explained = (row) => (by === 'scope' ? null : `/v1/explain?${new URLSearchParams({ park: row.park, facility: row.facility, ...(by === 'source' && { source: row.source }), ...asQuery(asked.known) })}`);
  return grid(state, 'parts-table', say(`by_${by}`), [
    { name: `by_${by}`, cell: (row) => [nodeOf(state, at, keyOf(row, by), by), silentSince(state, at, row, found)], raw: (row) => keyOf(row, by) },
    { name: 'trend', cell: (row) => spark(parts.get(keyOf(row, by)) ?? []) },
    { name: 'sum', unit: 't', cell: (row) => figure(state, row.co2e_t, trust(row.co2e_t, row.shares), explained(row), textOf(state, at, keyOf(row, by), by), digits), raw: (row) => row.co2e_t },
    { name: 'part', unit: '%', cell: (row) => (row.scope === 3 && by !== 'scope' ? UNKNOWN : share(all ? row.co2e_t / all : null)), raw: (row) => row.co2e_t },
    { name: 'beforeThat', unit: 't', cell: compared(before), raw: ratio(before) },
    { name: 'yearAgo', unit: 't', cell: compared(year), raw: ratio(year) },
    ...(by === 'source' ? [{ name: 'amount', cell: (row) => (row.activity === null ? UNKNOWN : `${number(row.activity)} ${row.activity_unit}`), raw: (row) => row.activity }] : []),
    { name: 'quality', cell: (row) => h('span', { class: 'note' }, trustText(row, zone, state.now)), raw: (row) => row.coverage },
  ], shown, { path, of: (row) => keyOf(row, by), sorts: true, note: most && say('grewMost', { name: textOf(state, at, keyOf(most, by), by), by: number(grown(most)), share: changed(most, other(before, most)) }) });
}

// What stands in the sum of each gas, as the service tells it: kilograms.
function gases(state, { whole: [now, before, year], path }) {
  const names = [['CO₂', 'co2_kg'], ['CH₄', 'ch4_kg'], ['N₂O', 'n2o_kg'], [say('biogenic'), 'co2_biogenic_kg']], digits = 0;
  const cell = (row, field) => number(row?.[field], digits);
  return grid(state, 'parts-table', say('by_gas'), [
    { name: 'by_gas', cell: ([name]) => name, raw: ([name]) => name },
    { name: 'sum', unit: 'kg', cell: ([, field]) => cell(now, field), raw: ([, field]) => now?.[field] },
    { name: 'beforeThat', unit: 'kg', cell: ([, field]) => [change(now?.[field], before?.[field]), h('span', { class: 'note' }, ` ${cell(before, field)}`)], raw: ([, field]) => before?.[field] },
    { name: 'yearAgo', unit: 'kg', cell: ([, field]) => [change(now?.[field], year?.[field]), h('span', { class: 'note' }, ` ${cell(year, field)}`)], raw: ([, field]) => year?.[field] },
  ], names, { path, of: ([, field]) => field });
}

// Channels of the place with what they said last, and the open alerts.
function matter(state, at, { channels, zone }) {
  const here = channels.filter((one) => !at.source || one.used_by.includes(at.source));
  return [at.facility && channelGrid(state, here, zone, at.period), openHere(state, at)];
}

export function channelGrid(state, channels, zone, period) {
  return grid(state, 'channels', say('channels'), [
    { name: 'channel', cell: (one) => link(state, { park: one.park, facility: one.facility, channel: one.channel, period: period ?? state.today }, one.channel), raw: (one) => one.channel },
    { name: 'valueNow', cell: (one) => (one.latest ? `${exact(one.latest.value)} ${one.unit}` : UNKNOWN), raw: (one) => one.latest?.value },
    { name: 'heard', cell: (one) => (one.latest ? [moment(one.latest.time, zone, state.now), h('span', { class: 'note' }, ` ${age(state.now - new Date(one.latest.time))}`)] : say('noReading')), raw: (one) => one.latest?.time },
    { name: 'standing', cell: (one) => (one.stale ? h('span', { class: 'silent' }, say('isSilent')) : one.away ? h('span', { class: 'silent' }, say('isAway')) : say('speaks')), raw: (one) => (one.stale ? 'silent' : one.away ? 'away' : 'heard') },
    { name: 'gateway', cell: (one) => (one.gateway ? link(state, { park: one.park, facility: one.facility, gateway: one.gateway }, one.gateway) : '·'), raw: (one) => one.gateway },
    { name: 'usedBy', cell: (one) => one.used_by.map((source, place) => [place ? ', ' : '', link(state, { park: one.park, facility: one.facility, source, period: period ?? state.today }, source)]), raw: (one) => one.used_by.join(' ') },
  ], channels, { of: (one) => one.channel, sorts: true });
}

function openHere(state, at) {
  const open = (state.alerts?.open ?? []).filter((one) => (!at.park || one.labels.park === at.park) && (!at.facility || one.labels.facility === at.facility));
  return open.length > 0 && h('section', { class: 'card', 'data-key': 'open', 'aria-labelledby': 'open' }, h('h2', { id: 'open' }, say('alerts'), h('span', { class: 'count', 'data-some': 'true' }, String(open.length))),
    h('ul', { class: 'steps' }, open.slice(0, 10).map((one) => h('li', {}, h('b', {}, moment(one.started_at, zoneOf(state, one.labels.park), state.now)), ' ', link(state, { alert: one.id }, summaryOf(one))))),
    open.length > 10 && h('p', {}, link(state, { park: at.park, alerts: 'all' }, say('allAlerts'))));
}

export const ofPlace = { title: (state) => placeName(state, state.at), load, draw, skeleton: () => [h('div', { class: 'hero' }, skeleton('tile', 'tile', 'tile')), skeleton('tall', 'long')] };
