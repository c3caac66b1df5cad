// The position: where each facility stands in its carbon market, what instruments hold, and their movements.

import { day, draw, open, refresh, state } from './beside.js';
import { card, enter, field, item, looked, may, newest, pressed, proof, readBack, waiting } from './decisions.js';
import { fact, grid, h, titleOf, zoneOf } from './draw.js';
import { saveFile } from './files.js';
import { ask } from './stream.js';
import { exact, number, say, share, spoken } from './text.js';
import './position_text.js';

const OF = ['/v1/movements', 'movements', 50];
const MILLION = 1e6, DAY_MS = 86_400_000;
// What can be entered of each kind, and of which of them the year is said: rules.market.holdings.
const ACTS = { allowance: ['granted', 'carried', 'bought', 'sold', 'surrendered'], credit: ['bought', 'sold', 'surrendered', 'cancelled'], 'energy-certificate': ['issued', 'bought', 'sold', 'retired', 'expired'], contract: ['delivered'] };
const HAS_YEAR = { allowance: ACTS.allowance, credit: ['surrendered'], 'energy-certificate': ['issued', 'bought', 'sold', 'retired'], contract: ['delivered'] };
const LINES = [['inventoryOf', 'inventory_t'], ['gapOf', 'gap_t'], ['surplusOf', 'surplus_t'], ['mayCover', 'offset_cap_t'], ['creditsCover', 'offsets_t'], ['toBuy', 'to_buy_t']];

Object.assign(state, { told: null, serialsWrong: false });

const known = (value) => value !== null && value !== undefined;
const amountOf = (value, size = 1) => (value === 0 ? '0' : number(known(value) ? value / size : null));
const idOf = (one) => [one.park, one.facility, one.instrument].filter(Boolean).join('/');
const placeOf = (one) => titleOf(state, one.park, one.facility);
const wordOf = (first, name) => say(`${first}_${name.replaceAll('-', '_')}`);
const calendar = (text) => day(`${text}T12:00:00Z`, 'UTC');
const today = (park) => new Intl.DateTimeFormat('en-CA', { timeZone: zoneOf(state, park), year: 'numeric', month: '2-digit', day: '2-digit' }).format(new Date(state.now));
const yearsOf = (years) => (years.length > 1 ? `${years[0]} – ${years.at(-1)}` : String(years[0]));
const notes = (told) => told.filter(Boolean).map((text) => h('p', { class: 'note' }, text));

function content() {
  const { positions } = state.told;
  const stands = positions.length ? positions.map(position) : card('none', say('stands'), h('p', { class: 'calm' }, say('noMarket')));
  return h('div', { class: 'looking position' }, stands,
    h('div', { class: `books${may('approve') && state.waiting.length ? ' waits' : ''}` }, entry(), h('div', { class: 'list' }, waiting(movement), newest(movement))),
    held());
}

// --- where a facility stands

function position(one) {
  const ends = [one.low, one.position, one.high], heads = ['lowEnd', 'stands', 'highEnd'], currency = say('millionOf', { currency: one.currency });
  const row = (label, unit, values, size = 1) => h('tr', {}, h('th', { scope: 'row' }, label, ' ', h('span', { class: 'unit' }, unit)), values.map((value, at) => h('td', { 'data-label': say(heads[at]) }, amountOf(value, size))));
  const key = `stands-${idOf(one)}-${one.years[0]}`;
  return card(key, [`${placeOf(one)} · ${yearsOf(one.years)}`, h('span', { class: 'unit' }, one.title)],
    h('div', { class: 'facts' }, h('dl', {}, facts(one))),
    h('div', { class: 'grid ends' }, h('table', { class: 'small' }, h('thead', {}, h('tr', {}, h('th', { scope: 'col' }, say('tonnesOf')), heads.map((head) => h('th', { scope: 'col' }, say(head))))),
      h('tbody', {}, LINES.map(([word, of]) => row(say(word), 't', ends.map((end) => end[of]))),
        row(say('exposure'), currency, ends.map((end) => end.exposure), MILLION), row(say('withoutCredits'), currency, ends.map((end) => end.exposure_without_credits), MILLION)))),
    one.inventory.map(inventory), notes([one.not_granted.length && say('notGranted', { years: one.not_granted.join(', ') }), !one.price && say('noPrice'), !one.rule && say('noRule', { market: one.market }), ruled(one)]));
}

function facts(one) {
  const tonnes = (value) => `${amountOf(value)} t`, { rule, price } = one;
  return [
    fact('allocated', tonnes(one.granted_t)), fact('heldOf', tonnes(one.held_t)), fact('creditsOf', tonnes(one.credits_t)),
    price && fact('priceOf', say('perTonne', { price: exact(price.price), currency: one.currency }), h('span', { class: 'note' }, ` ${say('sinceDay', { day: calendar(price.day) })}, ${say(price.status)}`)),
    rule && fact('lastTrading', daysTo(rule.last_trading_day, one.park), h('span', { class: 'note' }, ` ${calendar(rule.last_trading_day)}`)),
    rule && fact('surrenderBy', daysTo(rule.surrender_by, one.park), h('span', { class: 'note' }, ` ${calendar(rule.surrender_by)}`)),
  ];
}

function daysTo(text, park) {
  const n = Math.round((Date.parse(text) - Date.parse(today(park))) / DAY_MS);
  return n < 0 ? say('isOver') : n === 0 ? say('isToday') : say('inDays', { n });
}

const inventory = (one) => h('p', { class: 'note' }, [`${one.year}: ${known(one.low_t) && one.low_t !== one.high_t ? say('betweenOf', { amount: number(one.t), low: number(one.low_t), high: number(one.high_t) }) : number(one.t)} t`, say('monthsOf', { known: one.known_months, final: one.final_months }), wordOf('rest', one.rest)].join(' · '));

function ruled({ rule }) {
  if (!rule) return null;
  const unsure = rule.unsure.map((one) => (['share_of', 'settled', 'scopes'].includes(one) ? wordOf('unsure', one) : one));
  return [say('coverRule', { share: share(rule.offset_share), of: wordOf('of', rule.share_of) }), `${rule.row} (${say(rule.status)})`, unsure.length && say('notSettled', { what: unsure.join(', ') })].filter(Boolean).join(' · ');
}

// --- what is held

function held() {
  const { holdings, impossible } = state.told;
  const moved = (one) => Object.entries(one.moved).map(([act, amount]) => `${wordOf('act', act)} ${exact(amount)}`).join(', ');
  return [
    grid(state, 'holdings', say('holdings'), [
      { name: 'instrumentOf', cell: (one) => [`${placeOf(one)}: ${one.instrument}`, one.expires && h('span', { class: 'note' }, ` ${say('untilDay', { day: calendar(one.expires) })}`)], raw: idOf },
      { name: 'kind', cell: (one) => wordOf('kind', one.kind), raw: (one) => one.kind },
      { name: 'holds', cell: (one) => `${exact(one.held)} ${one.unit}`, raw: (one) => one.held },
      { name: 'waitsOf', cell: (one) => String(one.waiting), raw: (one) => one.waiting },
      { name: 'movedOf', cell: moved, raw: moved },
    ], holdings, { of: (one) => `holding-${idOf(one)}` }),
    impossible.length > 0 && card('impossible', say('impossible'), impossible.map((one) => h('p', { class: 'note' }, `${one.movement}: ${one.why}`))),
  ];
}

// --- movements

const chosen = () => { const all = state.told.holdings; return all.find((one) => idOf(one) === state.form.instrument) ?? all[0]; };

function entry() {
  const one = chosen(), title = say('enterMovement');
  if (!may('enter')) return card('entry', title, h('p', { class: 'calm' }, say('notEnter')));
  if (!one) return card('entry', title, h('p', { class: 'calm' }, say('noInstrument')));
  const acts = ACTS[one.kind], act = acts.includes(state.form.act) ? state.form.act : acts[0];
  return card('entry', title, h('form', { 'data-do': 'enter' },
    h('label', {}, say('instrumentOf'), h('select', { name: 'instrument' }, state.told.holdings.map((each) => h('option', { value: idOf(each), selected: each === one }, `${placeOf(each)}: ${each.instrument} [${each.unit}]`)))),
    h('label', { 'data-key': `act-${idOf(one)}` }, say('actOf'), h('select', { name: 'act' }, acts.map((each) => h('option', { value: each, selected: each === act }, wordOf('act', each))))),
    h('div', { class: 'pair' }, field('day', 'dayOf', { type: 'date', max: today(one.park) }), HAS_YEAR[one.kind].includes(act) && field('year', 'yearOf', { type: 'number', min: 1990, max: 2259, inputmode: 'numeric' })),
    field('amount', 'amount', { inputmode: 'decimal', autocomplete: 'off' }), readBack(one.unit),
    one.kind !== 'contract' && field('serials', 'serialsOf', { required: false, autocomplete: 'off' }, 'serialsHint'),
    state.serialsWrong && h('p', { class: 'wrong', role: 'alert', 'data-key': 'serials-wrong' }, say('serialsWrong')),
    proof('sourceOf')));
}

function movement(one) {
  const ranges = one.serials.map((each) => `${each.series} ${each.first}-${each.last}`).join('; '), act = wordOf('act', one.act);
  return item(one, {
    name: `${one.instrument}, ${act} ${exact(one.amount)} ${one.unit ?? ''}`, heading: [placeOf(one), ' · ', one.instrument, ' · ', act], amount: one.amount, unit: one.unit ?? '', zone: zoneOf(state, one.park),
    lines: [[calendar(one.day), known(one.year) && say('ofYear', { year: one.year })].filter(Boolean).join(' · '), ...(ranges ? [ranges] : [])],
  });
}

// Ranges as the position tells them: `VCS-VN-2024 1-600; VCS-VN-2024 700`. Null where one is none.
function rangesOf(text) {
  const found = text.split(';').map((one) => one.trim()).filter(Boolean).map((one) => /^(.*\S)\s+(\d{1,15})(?:-(\d{1,15}))?$/.exec(one));
  return found.includes(null) ? null : found.map(([, series, first, last]) => ({ series, first: Number(first), last: Number(last ?? first) }));
}

async function send(form) {
  const serials = rangesOf(form.elements.serials?.value ?? '');
  state.serialsWrong = serials === null;
  if (!serials) return refresh();
  const year = Number(form.elements.year?.value) || null;
  return enter(form, OF[0], (given, amount) => ({ instrument: given.get('instrument'), act: given.get('act'), day: given.get('day'), amount, year, serials }), (answer) => answer.movement?.id);
}

// --- what is asked

async function reload() {
  [state.told] = await Promise.all([ask(state.key, `/v1/position?language=${spoken.language}`), looked(...OF)]);
}

function typed({ name, value }) {
  if (!['instrument', 'act', 'amount'].includes(name)) return false;
  state.form[name] = value;
  return true;
}

open({
  name: 'position', skip: 'skipPosition', every: 60_000, content, reload, typed,
  load: async () => {}, forgotten: { told: null, waiting: null, newest: null, next: null },
  spoken: async () => { if (state.plant) { await reload(); draw(); } },
  ready: () => state.told && state.waiting && state.newest, count: () => state.waiting.length,
  sent: { enter: send },
  done: { ...pressed(...OF), save: ({ of, kind }) => saveFile(state.key, of, kind) },
});
