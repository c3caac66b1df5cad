// What pages that look at a place over a time share: their cards, and the place, month and year that are chosen and stay in the address.

import { state } from './beside.js';
import { h, parkOf, titleOf, zoneOf } from './draw.js';
import { ask } from './stream.js';
import { learn, number, say, share, spoken } from './text.js';

const MONTHS = 13, YEARS = 4; // that can be chosen, this one included
const MILLION = 1e6;

learn({
  en: { placeOf: 'Park or facility', wholeOf: '{park}, the whole park', million: 'million {currency}', provisionalRows: 'provisional: {rows}', ofWhich: '{share} known' },
  vi: { placeOf: 'Khu hoặc cơ sở', wholeOf: '{park}, cả khu', million: 'triệu {currency}', provisionalRows: 'tạm thời: {rows}', ofWhich: 'có dữ liệu {share}' },
});

export const known = (value) => value !== null && value !== undefined;
export const card = (key, title, ...parts) => h('section', { class: 'card', 'data-key': key, 'aria-labelledby': key }, h('h2', { id: key }, title), parts);
export const select = (name, label, options, chosen, key = name) => h('label', { 'data-key': key }, say(label), h('select', { name }, options.map(([value, text]) => h('option', { value, selected: value === chosen }, text))));
export const notes = (told) => told.filter(Boolean).map((text) => h('p', { class: 'note' }, text));
export const money = (value, currency) => (known(value) ? `${number(value / MILLION)} ${say('million', { currency })}` : number(null));
// How far it is known, where that is not all of it.
export const covered = (coverage) => coverage < 1 && h('span', { class: 'note' }, ` ${say('ofWhich', { share: share(coverage) })}`);
export const cell = (label, ...content) => h('td', { 'data-label': label }, content);

export function monthText(text) {
  return spoken.language === 'vi' ? text.split('-').reverse().join('/') : new Intl.DateTimeFormat('en-GB', { timeZone: 'UTC', month: 'short', year: 'numeric' }).format(new Date(`${text}-01`));
}

export const local = (parts) => new Intl.DateTimeFormat('en-CA', { timeZone: zoneOf(state, state.asked.park), ...parts }).format(new Date(state.now));
export const thisMonth = () => local({ year: 'numeric', month: '2-digit' });
export const thisYear = () => Number(local({ year: 'numeric' }));

export const placeKey = () => `${state.asked.park}/${state.asked.facility}`;
export const ofPlace = () => (state.asked.facility ? { park: state.asked.park, facility: state.asked.facility } : { park: state.asked.park });

export function places() {
  const options = state.plant.parks.flatMap((one) => [[`${one.name}/`, say('wholeOf', { park: titleOf(state, one.name) })], ...one.facilities.map((inside) => [`${one.name}/${inside.name}`, titleOf(state, one.name, inside.name)])]);
  return select('place', 'placeOf', options, placeKey());
}

// The months until this one, the newest first, and the one that is asked for.
export function months(asked) {
  const found = Array.from({ length: MONTHS }, (_, back) => { const at = new Date(`${thisMonth()}-01T00:00:00Z`); at.setUTCMonth(at.getUTCMonth() - back); return at.toISOString().slice(0, 7); });
  return (!asked || found.includes(asked) ? found : [...found, asked]).map((one) => [one, monthText(one)]);
}

export function years(asked, more = []) {
  const found = Array.from({ length: YEARS }, (_, back) => thisYear() - back);
  return [...new Set([...found, ...more, ...(asked ? [asked] : [])])].sort((a, b) => b - a).map((one) => [String(one), String(one)]);
}

// Takes the place from the address, the first park where it names none; returns what else stands there.
export function chosenPlace() {
  const given = new URLSearchParams(location.search), names = state.plant.parks.map((one) => one.name);
  if (!names.length) throw new Error(say('noFacility'));
  const park = names.includes(given.get('park')) ? given.get('park') : names[0];
  Object.assign(state.asked, { park, facility: parkOf(state, park).facilities.find((one) => one.name === given.get('facility'))?.name ?? '' });
  const year = Number(given.get('year'));
  return { given, month: /^\d{4}-(0[1-9]|1[0-2])$/.test(given.get('month') ?? '') ? given.get('month') : thisMonth(), year: year > 1990 && year < 2260 ? year : thisYear() };
}

// Keeps what is chosen in the address.
export function choose(change) {
  Object.assign(state.asked, change);
  history.replaceState(null, '', `?${new URLSearchParams(Object.entries(state.asked).filter(([, one]) => one))}`);
}

// An answer in the page's language; what is refused is told as `why` in its place, so that the other cards stand.
export const asked = (path, values) => ask(state.key, `${path}?${new URLSearchParams({ ...values, language: spoken.language })}`);
export const orWhy = (answer) => answer.catch((error) => { if (error.status !== 422) throw error; return { why: error.message }; });
