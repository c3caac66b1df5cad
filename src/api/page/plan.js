// The plan: the path and where the year leads, the budget, measures with what they saved, and what moved the tonnes.

import { day, draw, open, refresh, state } from './beside.js';
import { curve, ground, twin } from './charts.js';
import { asked, card, choose, chosenPlace, known, notes, ofPlace, placeKey, places, select, thisYear, years } from './chosen.js';
import { fact, h, titleOf, zoneOf } from './draw.js';
import './plan_text.js';
import { ask } from './stream.js';
import { exact, number, say, share, spoken } from './text.js';

const MILLION = 1e6;
const EFFECTS = [['output_t', 'outputOf'], ['intensity_t', 'intensityOf'], ['factor_t', 'factorOf']];

Object.assign(state, { asked: { park: null, facility: '', year: null, output: null }, told: null });

const range = (amount, low, high) => (known(low) ? say('between', { amount: number(amount), low: number(low), high: number(high) }) : number(amount));
// Both with as many decimals: one and a half digits of the half-width.
function plusMinus(amount, low, unit, size = 1) {
  const width = (amount - low) / size, digits = Math.max(0, Math.min(3, 1 - Math.floor(Math.log10(width || 1))));
  return say('plusMinus', { amount: number(amount / size, digits), width: number(width, digits), unit });
}

function content() {
  const { way } = state.told;
  return h('div', { class: 'month plan' }, choice(),
    h('div', { class: 'side', 'data-key': 'first' }, way && [path(way), budget(way)], bridge()),
    h('div', { class: 'side', 'data-key': 'second' }, measures()));
}

function choice() {
  const { way } = state.told, { year } = state.asked, emitted = (way?.years ?? []).filter((one) => known(one.actual_t)).map((one) => one.year);
  return h('section', { class: 'card choice', 'data-key': 'choice' }, h('form', { class: 'pair' }, places(), select('year', 'yearOf', years(year, emitted), String(year))));
}

// --- the path

function path({ years }) {
  const seen = years.filter((one) => known(one.target_t) || known(one.actual_t) || known(one.budget_t));
  if (!seen.length) return card('path', say('pathTitle'), h('p', { class: 'calm' }, say('noYears')));
  const labels = seen.map((one) => String(one.year)), values = (name) => seen.map((one) => one[name] ?? null);
  const top = Math.max(...['target_t', 'actual_t', 'budget_t', 'projected_t', 'projected_high_t'].flatMap(values).map((one) => one ?? 0));
  const { svg, wide, x, y } = ground(0, top, labels, say('pathLabel')), middle = (at) => x(at) + wide / 2;
  const line = (name) => values(name).reduce((text, value, at, all) => (value === null ? text : `${text}${at && all[at - 1] !== null ? 'L' : 'M'}${middle(at).toFixed(1)} ${y(value).toFixed(1)}`), '');
  const drawn = seen.map((one, at) => h('g', {},
    known(one.actual_t) && h('rect', { class: 'part p0', x: x(at) + wide * .2, y: y(one.actual_t), width: wide * .6, height: Math.max(.5, y(0) - y(one.actual_t)) }, h('title', {}, `${one.year}: ${number(one.actual_t)} t`)),
    known(one.budget_t) && h('line', { class: 'limit', x1: x(at) + wide * .1, x2: x(at) + wide * .9, y1: y(one.budget_t), y2: y(one.budget_t) }),
    known(one.projected_t) && fan(one, middle(at), wide, y)));
  const parts = [['emitted', 'actual_t'], ['target', 'target_t'], ['budgetOf', 'budget_t']].map(([name, of]) => ({ name: say(name), values: values(of) }));
  const present = seen.find((one) => one.year === thisYear());
  return card('path', [say('pathTitle'), h('span', { class: 'unit' }, 't CO₂e')], svg(drawn, h('path', { class: 'curve way', d: line('target_t') })),
    h('p', { class: 'note' }, `▮ ${say('emitted')} · — ${say('target')} · - - ${say('budgetOf')}`),
    present && known(present.projected_t) && h('p', {}, say('leadsTo', { year: present.year, range: range(present.projected_t, present.projected_low_t, present.projected_high_t) })),
    present && notes(present.why), twin(labels, parts, 't', seen.map((one) => (known(one.actual_t) ? share(one.coverage) : ''))));
}

// From what is emitted so far to where the year leads, as wide as its interval.
function fan(one, middle, wide, y) {
  const low = one.projected_low_t ?? one.projected_t, high = one.projected_high_t ?? one.projected_t;
  const from = `M${(middle - wide * .3).toFixed(1)} ${y(one.actual_t ?? 0).toFixed(1)}`, to = (value) => `L${(middle + wide * .3).toFixed(1)} ${y(value).toFixed(1)}`;
  return [h('path', { class: 'doubt', d: `${from}${to(high)}${to(low)}Z` }), h('circle', { class: 'dotted', cx: middle + wide * .3, cy: y(one.projected_t), r: 3 }, h('title', {}, `${one.year}: ${range(one.projected_t, one.projected_low_t, one.projected_high_t)} t`))];
}

function budget({ years }) {
  const one = years.find((year) => year.year === thisYear());
  if (!known(one?.budget_t)) return card('burn', say('burnTitle', { year: thisYear() }), h('p', { class: 'calm' }, say('noBudget')));
  const rates = [1, 7, 28].map((days) => h('div', {}, h('dt', {}, say('burnOver', { days })), h('dd', {}, known(one[`burn_${days}d`]) ? say('timesEven', { n: number(one[`burn_${days}d`], 2) }) : number(null))));
  return card('burn', say('burnTitle', { year: one.year }), h('p', {}, say('usedOf', { used: number(one.actual_t), all: number(one.budget_t) })),
    h('div', { class: 'facts' }, h('dl', {}, rates, fact('lastsFor', known(one.days_to_exhaustion) ? say('daysOf', { n: number(one.days_to_exhaustion, 0) }) : number(null)))));
}

// --- what moved the tonnes

function bridge() {
  if (!state.asked.facility) return card('bridge', say('bridgeTitle'), h('p', { class: 'calm' }, say('bridgeOfFacility')));
  const found = state.told.bridge;
  const options = [['', say('chooseOutput')], ...state.told.outputs.map((name) => [name, name])];
  return card('bridge', [say('bridgeTitle'), found && h('span', { class: 'unit' }, say('bridgeLabel', { base: found.base_year, year: found.year }))],
    h('form', {}, select('output', 'outputChannel', options, state.asked.output ?? '', `output-${placeKey()}`)),
    found && (found.why.length ? notes(found.why) : waterfall(found)));
}

function waterfall(found) {
  const names = [String(found.base_year), ...EFFECTS.map(([, word]) => say(word)), String(found.year)], steps = EFFECTS.map(([name]) => found[name]);
  const after = steps.reduce((all, value) => [...all, all.at(-1) + value], [found.base_t]), bars = [[0, found.base_t], ...steps.map((_, at) => [after[at], after[at + 1]]), [0, found.now_t]];
  // What moved little is seen where the two years are not shown from 0 on.
  const low = Math.min(...after), high = Math.max(...after), least = low > 0 && high - low < high / 3 ? Math.max(0, low - (high - low)) : Math.min(0, low);
  const short = names.map((one, at) => (at % 4 ? String(at) : one)), { svg, wide, floor, x, y } = ground(least, high, short, say('bridgeLabel', { base: found.base_year, year: found.year }));
  const signed = (value) => `${value > 0 ? '+' : ''}${number(value)}`;
  return [svg(bars.map(([from, to]) => [Math.max(from, floor), to]).map(([from, to], at) => h('rect', { class: `part ${at % 4 === 0 ? 'p0' : to > from ? 'p4' : 'p1'}`, x: x(at) + wide * .15, y: y(Math.max(from, to)), width: wide * .7, height: Math.max(.5, Math.abs(y(from) - y(to))) }, h('title', {}, `${names[at]}: ${at % 4 ? signed(to - from) : number(to)} t`)))),
    h('table', { class: 'small' }, h('tbody', {}, names.map((name, at) => h('tr', {}, h('th', { scope: 'row' }, at % 4 ? `${at} ${name}` : name), h('td', {}, at % 4 ? signed(steps[at - 1]) : number(bars[at][1]), ' t')))))];
}

// --- measures

function measures() {
  const { measures: all, shown } = state.told.measures;
  const sum = known(shown.avoided_t) ? say('provenSum', { range: range(shown.avoided_t, shown.low_t, shown.high_t) }) : say('noneProven');
  return card('measures', say('measuresTitle', { year: state.asked.year }), all.length ? [h('p', {}, h('b', {}, sum)), h('ul', {}, all.map(measure))] : h('p', { class: 'calm' }, say('noMeasures')));
}

function measure(one) {
  const word = { shown: 'isShown', not_shown: 'isNotShown', extrapolated: 'isExtrapolated', expected: 'isExpected' }[one.effect];
  const saved = [known(one.avoided_kwh) ? plusMinus(one.avoided_kwh, one.low_kwh, 'kWh') : known(one.avoided) && plusMinus(one.avoided, one.avoided_low, one.unit), known(one.avoided_cost) && plusMinus(one.avoided_cost, one.low_cost, say('million', { currency: one.currency }), MILLION), known(one.avoided_t) && plusMinus(one.avoided_t, one.low_t, 't CO₂e')].filter(Boolean);
  return h('li', { class: `todo${one.effect === 'shown' ? '' : ' stops'}`, 'data-key': `${one.facility}/${one.name}` },
    h('h3', {}, one.title[spoken.language], ' · ', word && say(word)), h('p', { class: 'note' }, [titleOf(state, one.park, one.facility), say('startsOn', { day: day(`${one.starts}T12:00:00Z`, 'UTC') }), known(one.cost_mvnd) && say('costs', { n: exact(one.cost_mvnd) })].filter(Boolean).join(' · ')),
    saved.length > 0 && h('p', {}, h('b', {}, say('savedOf'), ': '), saved.join(' · ')), known(one.expected_t) && h('p', { class: 'note' }, say('expectedOf'), ': ', say('aYear', { t: exact(one.expected_t) })), notes(one.why), course(one));
}

function course(one) {
  if (one.cusum.length < 2) return null;
  const zone = zoneOf(state, one.park), form = new Intl.DateTimeFormat(spoken.language === 'vi' ? 'vi-VN' : 'en-GB', { timeZone: zone, month: '2-digit', year: '2-digit', ...(one.baseline.step === 'day' && { day: '2-digit' }) });
  const labels = one.cusum.map((step) => form.format(new Date(step.from))), begins = labels.length - one.steps_known;
  const values = one.cusum.map((step) => step.cusum);
  return h('details', {}, h('summary', {}, say('cusumOf')), h('p', { class: 'note' }, say('cusumLabel')), curve(labels, values, { label: say('cusumLabel'), unit: one.unit, marks: one.steps_known ? [{ at: begins, name: say('beginsHere') }] : [] }),
    h('p', { class: 'note' }, say('measuredBy', { channel: one.energy, confidence: share(one.confidence), n: one.baseline.steps })));
}

// --- what is asked

async function load() {
  if (state.asked.park) return;
  const { given, year } = chosenPlace();
  Object.assign(state.asked, { year, output: given.get('output') });
}

async function reload() {
  const wanted = { ...state.asked }, { facility, year } = wanted, of = ofPlace();
  const [roads, measuresOf, outputs] = await Promise.all([asked('/v1/roadmap', of), asked('/v1/measures', { ...of, year }), facility ? channels(of) : []]);
  const drivers = measuresOf.measures.flatMap((one) => one.baseline?.drivers ?? []).map((one) => one.channel);
  const output = wanted.output ?? outputs.find((one) => drivers.includes(one)) ?? '';
  const bridgeOf = facility && output ? await asked('/v1/bridge', { ...of, output, base: year - 1, year }) : null;
  if (Object.keys(wanted).some((name) => wanted[name] !== state.asked[name])) return;
  state.asked.output = output || null;
  state.told = { way: roads.roadmap.find((one) => (one.facility ?? '') === facility), measures: measuresOf, outputs, bridge: bridgeOf };
}

// The amounts of a facility: one of them is what it makes.
async function channels(of) {
  const found = await ask(state.key, `/v1/channels?${new URLSearchParams({ ...of, limit: 500 })}`);
  return found.channels.filter((one) => one.kind !== 'level').map((one) => one.channel).sort();
}

function typed({ name, value }) {
  const [park, facility] = value.split('/');
  const change = { place: { park, facility, output: null }, year: { year: Number(value) }, output: { output: value } }[name];
  if (!change) return false;
  choose(change);
  refresh();
  return true;
}

open({
  name: 'plan', skip: 'skipPlan', every: 300_000, content, load, reload, typed, forgotten: { told: null },
  ready: () => state.told, count: () => 0, spoken: async () => { if (state.plant) { await reload(); draw(); } }, sent: {}, done: {},
});
