// Energy: how clean the electricity is, what a month of it cost by slot and how its load lay, and what the battery held and should do.

import { day, draw, open, refresh, state } from './beside.js';
import { asked, card, cell, choose, chosenPlace, covered, known, money, monthText, months, notes, ofPlace, orWhy, places, select, years } from './chosen.js';
import { fact, h, titleOf, zoneOf } from './draw.js';
import './energy_text.js';
import { ask } from './stream.js';
import { exact, moment, number, say, share } from './text.js';

const CLAIMS = ['energy-certificate', 'contract']; // instruments that say whose electricity was clean
const MILLION = 1e6;
const KG = 1000; // of a tonne

Object.assign(state, { asked: { park: null, facility: '', month: null, year: null }, told: null });

const amountOf = (value) => (value === 0 ? '0' : number(value));
const placeOf = (one) => titleOf(state, one.park, one.facility);
const energy = (value) => `${amountOf(value)} MWh`;
const tonnes = (value) => `${amountOf(value)} t CO₂e`;
const head = (word, unit) => h('th', { scope: 'col' }, say(word), unit && h('span', { class: 'unit' }, unit));
const labelOf = (word, unit) => [say(word), unit].filter(Boolean).join(', ');
const facts = (...told) => h('div', { class: 'facts' }, h('dl', {}, told));

function content() {
  const { year, month } = state.asked;
  return h('div', { class: 'month energy' },
    h('section', { class: 'card choice', 'data-key': 'choice' }, h('form', { class: 'three' }, places(), select('month', 'monthOfBill', months(month), month), select('year', 'cleanYear', years(year), String(year)))),
    h('div', { class: 'side', 'data-key': 'first' }, clean(), battery()), h('div', { class: 'side', 'data-key': 'second' }, bills()));
}

// --- clean electricity

function clean() {
  const { facilities, why } = state.told.clean, { year } = state.asked;
  return card('clean', [say('cleanTitle'), h('span', { class: 'unit' }, year)],
    why ? notes([why]) : facilities.length ? facilities.map(cleanOf) : h('p', { class: 'calm' }, say('noClean')), scope2(), claimed());
}

function cleanOf(one) {
  const { claims, generation } = one;
  return h('div', { 'data-key': `clean-${one.park}/${one.facility}` }, h('h3', {}, placeOf(one)), matched(one),
    facts(fact('hourlyShare', h('b', {}, share(one.hourly_share))), fact('annualShare', h('b', {}, share(one.annual_share))), fact('loadOf', energy(one.load_mwh)), fact('cleanOf', energy(one.clean_mwh)), fact('unmatchedOf', energy(one.unmatched_mwh)), fact('surplusOf', energy(one.surplus_mwh))),
    notes([say('hoursKnown', { n: exact(one.known_hours), all: exact(one.hours) }), say('claimed', { certificates: amountOf(claims.certificates_mwh), contracts: amountOf(claims.contracts_mwh) })]),
    generation && [h('h3', {}, say('ownGeneration')), facts(fact('generatedOf', energy(generation.generated_mwh)), fact('selfConsumed', energy(generation.self_consumed_mwh), own(generation)), fact('exportedOf', energy(generation.exported_mwh))),
      h('div', { class: 'apart' }, facts(fact('avoidedBySelf', tonnes(generation.avoided_by_self_consumption_t)), fact('avoidedByExport', tonnes(generation.avoided_by_export_t))), notes([say('avoidedApart')])),
      notes([claims.certificates_sold_mwh > 0 && say('withoutClaim', { mwh: number(generation.self_consumed_without_claim_mwh) })])]);
}

const own = (of) => of.generated_mwh > 0 && known(of.self_consumed_mwh) && h('span', { class: 'note' }, ` ${share(of.self_consumed_mwh / of.generated_mwh)}`);

// The load as a line: what was clean in its own hour, and what was not.
function matched(one) {
  if (!known(one.hourly_share)) return null;
  return h('svg', { class: 'bar', viewBox: '0 0 100 8', preserveAspectRatio: 'none', 'aria-hidden': 'true' }, h('rect', { class: 'missing', width: 100, height: 8 }), h('rect', { class: 'measured', width: one.hourly_share * 100, height: 8 }));
}

// What certificates and contracts make of scope 2.
function scope2() {
  const rows = (state.told.totals.totals ?? []).filter((one) => one.facility && known(one.scope2?.location_t));
  if (!rows.length) return null;
  return h('div', { class: 'grid', 'data-key': 'scope2' }, h('h3', {}, say('scope2Of')), h('table', {}, h('thead', {}, h('tr', {}, head('facility'), head('byLocation', 't CO₂e'), head('byMarket', 't CO₂e'), head('claimedOf', 'MWh'))),
    h('tbody', {}, rows.map((one) => h('tr', {}, h('th', { scope: 'row' }, placeOf(one)), cell(labelOf('byLocation', 't CO₂e'), number(one.scope2.location_t), covered(one.coverage)), cell(labelOf('byMarket', 't CO₂e'), number(one.scope2.market_t)), cell(labelOf('claimedOf', 'MWh'), amountOf(one.scope2.matched_mwh)))))));
}

function claimed() {
  const rows = state.told.holdings.filter((one) => CLAIMS.includes(one.kind));
  if (!rows.length) return null;
  const word = { 'energy-certificate': 'certificate', contract: 'contract' };
  return h('div', { 'data-key': 'claims' }, h('h3', {}, say('claimsTitle')), h('ul', {}, rows.map((one) => h('li', { class: 'todo' }, h('b', {}, one.title), ` · ${say(word[one.kind])} · ${placeOf(one)}`,
    h('p', { class: 'note' }, [one.kind !== 'contract' && say('heldOf', { mwh: exact(one.held) }), ...Object.entries(one.moved).map(([act, amount]) => `${say(`act_${act}`)} ${exact(amount)} MWh`), one.expires && say('untilDay', { day: day(`${one.expires}T12:00:00Z`, 'UTC') }), one.waiting > 0 && say('waitsOf', { n: one.waiting })].filter(Boolean).join(' · '))))),
    h('p', { class: 'actions' }, h('a', { class: 'link', href: '/position' }, say('toPosition'))));
}

// --- the month's electricity

function bills() {
  const { bills: all, why } = state.told.bills;
  return card('bills', say('billTitle', { month: monthText(state.asked.month) }), why ? notes([why]) : all.length ? all.map(bill) : h('p', { class: 'calm' }, say('noBill')));
}

function bill(one) {
  const rows = [...one.slots, one.whole], zone = zoneOf(state, one.park), currency = say('million', { currency: one.currency }), each = `${one.currency}/kWh`;
  const named = (slot) => (slot ? { normal: say('slot_normal'), low: say('slot_low'), peak: say('slot_peak') }[slot] ?? slot : say('allSlots'));
  const intensity = ({ co2e_t: t, kwh }) => (known(t) && kwh > 0 ? number((t * KG) / kwh, 3) : number(null));
  const peak = (slot) => [number(slot.peak_kw), slot.peak_at && h('span', { class: 'note' }, ` ${moment(slot.peak_at, zone, state.now).slice(0, -3)}`)];
  const columns = [['energyOf', 'kWh', (slot) => [number(slot.kwh, 0), covered(slot.coverage)]], ['chargeOf', currency, (slot) => number(known(slot.energy_charge) ? slot.energy_charge / MILLION : null)], ['priceOf', each, (slot) => number(slot.average_per_kwh, 0)], ['tonnesOf', 't CO₂e', (slot) => number(slot.co2e_t)], ['intensityOf', 'kg/kWh', intensity], ['peakOf', 'kW', peak]];
  const unsettled = one.rows.filter((row) => row.status === 'provisional').map((row) => row.row);
  return h('div', { class: 'grid', 'data-key': `bill-${one.park}/${one.facility}` }, h('h3', {}, placeOf(one)), h('p', { class: 'note' }, [one.title, one.until !== one.period.to && say('untilNow')].filter(Boolean).join(' · ')),
    h('p', {}, h('b', {}, known(one.total) ? say('totalWithTax', { total: money(one.total, one.currency) }) : `${number(null)} ${say(one.unpriced_kwh > 0 ? 'unpriced' : 'totalUnknown', { kwh: number(one.unpriced_kwh, 0) })}`)),
    h('table', {}, h('thead', {}, h('tr', {}, head('slotOf'), columns.map(([word, unit]) => head(word, unit)))), h('tbody', {}, rows.map((slot) => h('tr', {}, h('th', { scope: 'row' }, named(slot.slot)), columns.map(([word, unit, told]) => cell(labelOf(word, unit), told(slot))))))),
    notes([reactive(one), !one.source && say('noSource'), one.unknown_intervals > 0 && say('peaksUnknown', { n: exact(one.unknown_intervals), minutes: one.demand_interval_s / 60 }), unsettled.length > 0 && say('provisionalRows', { rows: unsettled.join(', ') })]), duration(one));
}

function reactive({ reactive: of, currency }) {
  return of && [say('reactiveOf', { charge: money(of.charge, currency), cos: number(of.cos_phi, 2) }), known(of.percent) && of.percent > 0 && say('percentOf', { n: exact(of.percent) }), of.coverage < 1 && say('ofWhich', { share: share(of.coverage) })].filter(Boolean).join(' · ');
}

// The load that is reached in at least a share of the time, as a falling line over the whole of it.
function duration(one) {
  const points = one.load_duration.filter((point) => known(point.kw));
  if (points.length < 2) return h('p', { class: 'note' }, say('noDuration'));
  const label = `${say('durationTitle')}: ${placeOf(one)}`;
  return h('div', { 'data-key': `duration-${one.facility}` }, h('h3', {}, say('durationTitle'), ' ', h('span', { class: 'unit' }, 'kW')), falling(points, label),
    h('details', {}, h('summary', {}, say('asTable')), h('table', { class: 'small' }, h('thead', {}, h('tr', {}, head('shareOfTime'), head('loadAtLeast', 'kW'))), h('tbody', {}, points.map((point) => h('tr', {}, h('th', { scope: 'row' }, share(point.share)), h('td', {}, number(point.kw))))))));
}

function falling(points, label) {
  const WIDE = 480, HIGH = 160, LEFT = 52, BOTTOM = 24, TOP = 10, top = points[0].kw || 1, x = (part) => LEFT + (WIDE - LEFT - 8) * part, y = (kw) => TOP + (HIGH - TOP - BOTTOM) * (1 - kw / top);
  const path = points.map((point, at) => `${at ? 'L' : 'M'}${x(point.share).toFixed(1)} ${y(point.kw).toFixed(1)}`).join('');
  return h('svg', { class: 'chart', viewBox: `0 0 ${WIDE} ${HIGH}`, role: 'img', 'aria-label': label },
    [0, top / 2, top].map((kw) => h('g', {}, h('line', { class: 'grid', x1: LEFT, x2: WIDE - 8, y1: y(kw), y2: y(kw) }), h('text', { class: 'tick', x: LEFT - 6, y: y(kw) + 4, 'text-anchor': 'end' }, number(kw, 0)))),
    [0, .25, .5, .75, 1].map((part) => h('text', { class: 'tick', x: x(part), y: HIGH - 6, 'text-anchor': part === 1 ? 'end' : 'middle' }, share(part))),
    h('path', { class: 'curve', d: path }), points.map((point) => h('circle', { class: 'dotted', cx: x(point.share), cy: y(point.kw), r: 2.5 }, h('title', {}, `${share(point.share)}: ${number(point.kw)} kW`))));
}

// --- the battery

function battery() {
  const { advice: all } = state.told.advice;
  return card('battery', say('batteryTitle'), all.length ? all.map(advised) : h('p', { class: 'calm' }, say('noBattery')));
}

function advised(one) {
  const zone = zoneOf(state, one.park), at = (text) => moment(text, zone, text).slice(0, 5), saved = { money: money(one.saved, one.currency), t: number(one.extra_t) };
  const works = (part) => h('li', {}, `${at(part.from)} – ${at(part.to)}: ${say(part.action === 'charge' ? 'charge' : 'discharge')} ${number(part.kwh, 0)} kWh, ${number(part.kw, 0)} kW`);
  const told = one.why ? notes([one.why]) : one.stretches.length ? [h('p', {}, h('b', {}, say(known(one.extra_t) ? 'saves' : 'savesMoney', saved))), h('ul', {}, one.stretches.map(works))] : h('p', { class: 'calm' }, say('rests'));
  return h('div', { 'data-key': `advice-${one.park}/${one.facility}` }, h('h3', {}, placeOf(one), ' · ', say('tomorrow', { day: day(`${one.day}T12:00:00Z`, 'UTC') })),
    notes([say('batteryOf', { kwh: number(one.battery.energy_kwh, 0), kw: number(one.battery.power_kw, 0), efficiency: share(one.battery.efficiency) })]), told, notes([say('neverSent'), one.provisional && say('onProvisionalRows')]), tank(one, zone));
}

function tank(one, zone) {
  const of = one.tank;
  if (!of) return notes([say('noTank')]);
  const rows = [['chargedOf', of.charged_kwh, of.in_t], ['drawnOf', of.drawn_kwh, of.drawn_t], ['lostOf', null, of.lost_t], ['storedOf', of.stored_kwh, of.stored_t]];
  return h('div', { 'data-key': `tank-${one.park}/${one.facility}` }, h('h3', {}, say('tankTitle'), covered(of.coverage)), notes([say('tankSince', { from: moment(of.from, zone, state.now).slice(0, -3) })]),
    h('table', { class: 'small' }, h('thead', {}, h('tr', {}, head('tankPart'), head('energyOf', 'kWh'), head('tonnesOf', 't CO₂e'))), h('tbody', {}, rows.map(([word, kwh, t]) => h('tr', {}, h('th', { scope: 'row' }, say(word)), cell(labelOf('energyOf', 'kWh'), word === 'lostOf' ? '' : amountOf(kwh)), cell(labelOf('tonnesOf', 't CO₂e'), amountOf(t)))))),
    notes([say('tankOnce'), of.unknown_kwh > 0 && say('tankUnknown', { kwh: number(of.unknown_kwh, 0) }), of.uncharged_kwh > 0 && say('tankUncharged', { kwh: number(of.uncharged_kwh, 0) })]));
}

// --- what is asked

async function load() {
  if (state.asked.park) return;
  const { month, year } = chosenPlace();
  Object.assign(state.asked, { month, year });
}

async function reload() {
  const wanted = { ...state.asked }, of = ofPlace(), { month, year } = wanted, plain = (path, values) => ask(state.key, `${path}?${new URLSearchParams({ ...of, ...values })}`);
  const [cleanOf, totals, position, billsOf, advice] = await Promise.all([
    orWhy(plain('/v1/clean-energy', { year })), orWhy(plain('/v1/totals', { period: year, level: 'facility', with: 'scope2' })), asked('/v1/position', of), orWhy(plain('/v1/tariff', { period: month })), asked('/v1/advice', of),
  ]);
  if (Object.keys(wanted).some((name) => wanted[name] !== state.asked[name])) return;
  state.told = { clean: cleanOf, totals, holdings: position.holdings, bills: billsOf, advice };
}

function typed({ name, value }) {
  const [park, facility] = value.split('/'), change = { place: { park, facility }, month: { month: value }, year: { year: Number(value) } }[name];
  if (!change) return false;
  choose(change);
  refresh();
  return true;
}

open({
  name: 'energy', skip: 'skipEnergy', every: 300_000, content, load, reload, typed, forgotten: { told: null },
  ready: () => state.told, count: () => 0, spoken: async () => { if (state.plant) { await reload(); draw(); } }, sent: {}, done: {},
});
