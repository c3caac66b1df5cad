// The city: our parks and those that other Stackmeters tell of, on a map and in a table, each with how old its word is.

import { open, state } from './beside.js';
import './city_text.js';
import { saveFile } from './files.js';
import { grid, h, link, scale } from './draw.js';
import { map } from './map.js';
import { ask } from './stream.js';
import { UNKNOWN, age, number, say, share } from './text.js';

Object.assign(state, { told: null, sort: {} });

const named = (one) => (one.own ? link(state, { park: one.park }, one.title) : one.title);
const toTarget = (one) => (one.target_t && one.projected_t !== null ? one.projected_t / one.target_t : null);
const heard = (one) => (one.age_s === null ? say('neverHeard') : say('ago', { age: age(one.age_s * 1000) }));

function content() {
  const { sum, members } = state.told;
  if (!members.length) return h('p', { class: 'calm' }, say('noMembers'));
  return h('div', {},
    h('section', { class: 'card', 'data-key': 'sum', 'aria-labelledby': 'sum' }, h('h2', { id: 'sum' }, say('thisYear')),
      h('p', { class: 'figure' }, h('span', { class: 'value', 'data-trust': sum.all_known ? 'measured' : sum.known_t === null ? 'unknown' : 'incomplete' }, number(sum.known_t)), h('span', { class: 'unit' }, say('tonnes'))),
      h('p', { class: 'note', role: 'status' }, [say(sum.all_known ? 'ofAll' : 'ofSome', { n: sum.known_parks, m: sum.parks }), sum.least_coverage !== null && say('leastCovered', { share: share(sum.least_coverage) })].filter(Boolean).join(' · '))),
    map(state, members.map((one) => ({ ...one, node: named(one) })), members.map((one) => ({ ...one, co2e_t: one.fresh ? one.co2e_t : null }))), table(members));
}

function table(members) {
  const digits = scale(members.map((one) => one.co2e_t)), dim = (one, text) => h('span', { class: one.fresh ? 'value' : 'value silent' }, text);
  return grid(state, 'members', say('parks'), [
    { name: 'park', cell: (one) => [named(one), one.trouble && h('p', { class: 'note silent' }, one.trouble)], raw: (one) => one.title },
    { name: 'sum', unit: 't', cell: (one) => dim(one, number(one.co2e_t, digits)), raw: (one) => one.co2e_t },
    { name: 'covered', unit: '%', cell: (one) => share(one.coverage), raw: (one) => one.coverage },
    { name: 'onTarget', unit: '%', cell: (one) => share(toTarget(one)), raw: toTarget },
    { name: 'monthsClosed', cell: (one) => one.months_closed ?? UNKNOWN, raw: (one) => one.months_closed },
    { name: 'outsideLimits', unit: 'h', cell: (one) => one.limits_outside ?? UNKNOWN, raw: (one) => one.limits_outside },
    { name: 'criteriaMet', cell: (one) => (one.criteria_met === null ? UNKNOWN : `${one.criteria_met}/${one.criteria_met + one.criteria_not_met + one.criteria_unknown}`), raw: (one) => one.criteria_met },
    { name: 'heard', cell: (one) => h('span', { class: one.fresh ? 'note' : 'note silent' }, heard(one)), raw: (one) => one.heard_at },
  ], members, { of: (one) => one.park, sorts: true });
}

open({
  name: 'city', skip: 'skipCity', every: 30_000, content,
  load: async () => {}, reload: async () => { state.told = await ask(state.key, '/v1/members'); },
  forgotten: { told: null }, ready: () => state.told, count: () => state.told.members.filter((one) => !one.fresh).length,
  sent: {},
  done: {
    sort: ({ of, column }) => { state.sort = { key: of, column, down: !(state.sort.key === of && state.sort.column === column && state.sort.down) }; },
    save: ({ of, kind }) => saveFile(state.key, of, kind),
  },
});
