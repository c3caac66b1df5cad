// The eco-park: what tenants give each other and what that is said to avoid, water that goes round, waste, green land, and the criteria.

import { draw, open, refresh, save, state } from './beside.js';
import { asked, card, cell, choose, chosenPlace, covered, known, monthText, months, notes, ofPlace, orWhy, placeKey, places, select, years } from './chosen.js';
import { fact, h, titleOf, zoneOf } from './draw.js';
import './eco_park_text.js';
import { ask, take } from './stream.js';
import { exact, moment, number, say, share } from './text.js';

const TREATMENTS = ['reuse', 'recycling', 'composting', 'energy', 'incineration', 'landfill', 'hazardous'];
const M2 = 10_000; // of a hectare
const SHARES = ['recp', 'linked_firms', 'land']; // criteria that are shares; the other is a number
const LAND = ['land', 'green_and_infrastructure']; // facts that are areas
const FORM = 'b4';

Object.assign(state, { asked: { park: null, facility: '', period: null }, told: null, said: '' });

const amountOf = (value) => (value === 0 ? '0' : number(value));
const placeOf = (one) => titleOf(state, one.park, one.facility);
const tonnes = (value) => `${amountOf(value)} t CO₂e`;
const water = (value) => `${amountOf(value)} m³`;
const facts = (...told) => h('div', { class: 'facts' }, h('dl', {}, told));
const head = (word, unit) => h('th', { scope: 'col' }, say(word), unit && h('span', { class: 'unit' }, unit));
const factWord = (name) => say(`fact_${name}`);
const periodText = (period) => (period.length > 4 ? monthText(period) : period);
const stateOf = (kind, text) => h('b', { class: `verdict ${kind}` }, text);

function content() {
  const { period } = state.asked, options = [...years(), ...months()], chosen = options.some(([one]) => one === period) ? options : [[period, periodText(period)], ...options];
  return h('div', { class: 'month eco' },
    h('section', { class: 'card choice', 'data-key': 'choice' }, h('form', { class: 'pair' }, places(), select('period', 'periodOf', chosen, period)), state.told.only && notes([say('onlyOwn')])),
    h('div', { class: 'side', 'data-key': 'first' }, criteria(), exchanges(), avoided()), h('div', { class: 'side', 'data-key': 'second' }, waters(), wastes(), form()));
}

// What is told of places, or why it is not.
const ofPlaces = (name, drawn, none) => {
  const { places: all, why } = state.told.indicators;
  if (why) return notes([why]);
  const found = all.filter((one) => one[name]);
  return found.length ? found.map((one) => h('div', { 'data-key': `${name}-${one.facility ?? ''}` }, h('h3', {}, one.facility ? placeOf(one) : say('wholeOf', { park: placeOf(one) })), drawn(one[name], one))) : h('p', { class: 'calm' }, say(none));
};

const told = (name) => state.told.indicators.places?.some((one) => one[name]);

// --- criteria

function criteria() {
  return card('criteria', say('criteria'), ofPlaces('eco_park', park, state.asked.facility ? 'criteriaOfPark' : 'noCriteria'));
}

function park(of, one) {
  const value = (row, name) => (SHARES.includes(row.criterion) ? share(row[name]) : exact(row[name]));
  const met = of.criteria.filter((row) => row.verdict === 'met').length, word = { met: 'isMet', not_met: 'isNotMet', unknown: 'isUnknown' };
  return [h('p', { class: 'note' }, [say('metOf', { n: met, all: of.criteria.length }), say('asOf', { time: moment(one.until, zoneOf(state, one.park), state.now).slice(0, -3) })].join(' · ')),
    h('ul', {}, of.criteria.map((row) => h('li', { class: `todo${row.verdict === 'met' ? '' : ' stops'}`, 'data-key': row.criterion }, h('h3', {}, say(`criterion_${row.criterion}`), ' · ', stateOf(row.verdict, say(word[row.verdict]))),
      h('p', {}, say('valueAgainst', { value: value(row, 'value'), threshold: value(row, 'threshold') })), row.reason && notes([say('lackOf', { facts: lacking(row, of.facts) })])))),
    land(of.facts), notes([`${of.row} (${say(of.status === 'official' ? 'official' : 'provisional')}): ${of.source}`])];
}

// The facts that a reason names, in the page's words.
const lacking = ({ reason }, named) => Object.keys(named).filter((name) => new RegExp(`\\b${name}\\b`).test(reason)).map(factWord).join(', ');

function land(of) {
  const names = Object.keys(of);
  return names.length > 0 && [h('h3', {}, say('factsTitle')), facts(names.map((name) => h('div', {}, h('dt', {}, factWord(name)), h('dd', {}, LAND.includes(name) ? `${known(of[name]) ? exact(of[name] / M2) : number(null)} ha` : exact(of[name])))))];
}

// --- exchanges

function shown() {
  const { facility } = state.asked, sides = (one) => [one.sent, one.received].map((side) => `${side.park}/${side.facility}`);
  return (state.told.exchanges.exchanges ?? []).filter((one) => !facility || sides(one).includes(placeKey()));
}

function exchanges() {
  const all = shown(), { why } = state.told.exchanges;
  return card('exchanges', say('exchangesTitle'), why ? notes([why]) : all.length ? h('ul', {}, all.map(exchange)) : h('p', { class: 'calm' }, say('noExchanges')));
}

function exchange(one) {
  const found = one.is_imbalance === null ? ['unknown', one.reason === 'hidden' ? 'isHidden' : 'cannotTell'] : one.is_imbalance ? ['not_met', 'differs'] : ['met', 'agrees'];
  const side = (word, of) => h('tr', {}, h('th', { scope: 'row' }, say(word), ': ', placeOf(of)), cell(say('amount'), amountText(of.amount, one.unit), known(of.amount) && covered(of.coverage)),
    cell(say('measuredBy'), of.channels.length ? of.channels.join(', ') : say(known(of.coverage) ? 'unknown' : 'notYours')));
  return h('li', { class: `todo${one.is_imbalance ? ' stops' : ''}`, 'data-key': `exchange-${one.name}` }, h('h3', {}, one.title, ' · ', stateOf(found[0], say(found[1]))), h('p', { class: 'note' }, say(`type_${one.type.replaceAll('-', '_')}`)),
    h('div', { class: 'grid' }, h('table', { class: 'small' }, h('thead', {}, h('tr', {}, head('sideOf'), head('amount'), head('measuredBy'))), h('tbody', {}, side('sentBy', one.sent), side('receivedBy', one.received)))),
    h('p', {}, known(one.share) ? say('differenceOf', { difference: amountText(one.difference, one.unit), share: share(Math.abs(one.share)), tolerance: share(one.tolerance) }) : say('toleranceOf', { tolerance: share(one.tolerance) })),
    one.reason === 'unknown' && notes([say(whyUnknown(one))]));
}

const amountText = (value, unit) => (known(value) ? `${amountOf(value)} ${unitText(unit)}` : number(null));
const unitText = (unit) => unit.replace('m3', 'm³');
const whyUnknown = ({ sent, received }) => (known(sent.amount) && known(received.amount) ? (sent.amount > 0 ? 'lacksTime' : 'nothingSent') : 'sideUnknown');

function avoided() {
  const all = shown().filter((one) => one.avoided);
  return all.length > 0 && card('avoided', say('avoidedTitle'), h('ul', {}, all.map((one) => h('li', { class: 'todo', 'data-key': `avoided-${one.name}` }, h('h3', {}, one.title, ': ', tonnes(one.avoided.avoided_t)),
    h('p', {}, say('insteadOf', { reference: one.avoided.reference, amount: amountText(one.avoided.amount, one.avoided.unit) })), notes([say('referenceCase', { each: exact(one.avoided.per_received), unit: unitText(one.avoided.unit), received: unitText(one.unit), co2e: exact(one.avoided.kg_co2e_per_unit) }), one.avoided.source])))), notes([say('avoidedApart')]));
}

// --- water and waste

function waters() {
  return card('water', say('waterTitle'), ofPlaces('water', (of) => [
    facts(fact('reuseShare', h('b', {}, share(of.reuse_share))), fact('circulationShare', h('b', {}, share(of.circulation_share))), fact('freshOf', water(of.fresh_m3)), fact('inflowOf', water(of.inflow_m3)), fact('reusedOf', water(of.reused_m3))),
    notes([say('ofWhich', { share: share(of.coverage) })])], 'noWater'), told('load') && ofPlaces('load', cod, 'noWater'), told('water') && notes([say('waterShares')]));
}

const cod = (of) => [facts(fact('codIn', `${amountOf(of.cod_in_kg)} kg`), fact('codOut', `${amountOf(of.cod_out_kg)} kg`), fact('codRemoved', `${amountOf(of.cod_removed_kg)} kg`, h('span', { class: 'note' }, ` ${share(of.cod_removed_share)}`))), notes([say('ofWhich', { share: share(of.coverage) })])];

function wastes() {
  return card('waste', say('wasteTitle'), ofPlaces('waste', waste, 'noWaste'), told('waste') && notes([say('wasteShares')]));
}

function waste(of) {
  const streams = [...of.streams].sort((a, b) => TREATMENTS.indexOf(a.treatment) - TREATMENTS.indexOf(b.treatment));
  return [facts(fact('divertedShare', h('b', {}, share(of.diverted_share))), fact('withEnergyShare', share(of.with_energy_share)), fact('landfillShare', h('b', {}, share(of.landfill_share))), fact('totalOf', `${amountOf(of.total_t)} t`)),
    h('div', {}, h('table', { class: 'small' }, h('thead', {}, h('tr', {}, head('streamOf'), head('treatmentOf'), head('amount', 't'))), h('tbody', {}, streams.map((one) => h('tr', {}, h('th', { scope: 'row' }, one.stream), cell(say('treatmentOf'), say(`treatment_${one.treatment}`)), cell(`${say('amount')}, t`, amountOf(one.t), known(one.t) && covered(one.coverage))))))),
    notes([untreated(streams)])];
}

// Nothing untreated leaves: what goes to the landfill does; what is not known may.
function untreated(streams) {
  const buried = streams.filter((one) => one.treatment === 'landfill');
  if (buried.some((one) => one.t > 0)) return say('untreatedLeaves', { streams: buried.filter((one) => one.t > 0).map((one) => `${one.stream} ${number(one.t)} t`).join(', ') });
  return say(streams.some((one) => !known(one.t) || one.coverage < 1) ? 'untreatedUnknown' : 'nothingUntreated');
}

// --- Form B.4

function form() {
  const { facility, park: name } = state.asked, file = (kind) => h('button', { 'data-do': 'draft', 'data-kind': kind, 'aria-label': `${say('draftOf')}: ${kind}` }, kind);
  return card('b4', say('formTitle'), facility ? [h('p', {}, say('formOf', { place: titleOf(state, name, facility), year: formYear() })), h('p', { class: 'actions' }, h('span', { class: 'link' }, say('draftOf')), state.kinds.map(file))] : h('p', { class: 'calm' }, say('formOfFacility')),
    h('p', { class: 'actions' }, h('a', { class: 'link', href: `/month-end?${new URLSearchParams({ park: name })}` }, say('toPapers'))), h('p', { class: 'said', role: 'status' }, state.said));
}

const formYear = () => state.asked.period.slice(0, 4);

async function draft({ kind }) {
  const { park: name, facility } = state.asked, year = formYear();
  state.said = say('acting');
  draw();
  try {
    save(await take(state.key, `/v1/forms/${FORM}.${kind}?${new URLSearchParams({ park: name, facility, periods: year, language: document.documentElement.lang })}`), `${FORM}-${name}-${facility}-${year}-draft.${kind}`);
    state.said = '';
  } catch (error) {
    state.said = say('failed', { why: error.message });
  }
}

// --- what is asked

async function load() {
  const { kinds } = await asked('/v1/forms', {});
  Object.assign(state, { kinds });
  if (state.asked.park) return;
  const { given } = chosenPlace(), period = given.get('period') ?? '';
  Object.assign(state.asked, { period: /^\d{4}(-(0[1-9]|1[0-2]))?$/.test(period) ? period : months()[0][0] });
}

async function reload() {
  const wanted = { ...state.asked }, { park: name, period } = wanted, plain = (path, values) => orWhy(ask(state.key, `${path}?${new URLSearchParams({ ...values, period })}`));
  const [indicators, given] = await Promise.all([plain('/v1/indicators', ofPlace()), plain('/v1/exchanges', { park: name })]);
  if (Object.keys(wanted).some((one) => wanted[one] !== state.asked[one])) return;
  state.told = { indicators, exchanges: given, only: indicators.only ?? given.only };
}

function typed({ name, value }) {
  const [of, facility] = value.split('/'), change = { place: { park: of, facility }, period: { period: value } }[name];
  if (!change) return false;
  state.said = '';
  choose(change);
  refresh();
  return true;
}

open({
  name: 'ecoPark', skip: 'skipEcoPark', every: 300_000, content, load, reload, typed, forgotten: { told: null },
  ready: () => state.told, count: () => 0, spoken: async () => { if (state.plant) { await reload(); draw(); } }, sent: {}, done: { draft },
});
