// What is open, in groups where it is much.

import { href } from './address.js';
import { h, link, where, zoneOf } from './draw.js';
import { age, moment, number, say, sayText } from './text.js';
import { MOST_ON_WALL, beyond, inView } from './wall.js';

const FEW = 4; // more than so many are told in groups
const ORDER = { critical: 0, warning: 1, info: 2 };

export const summaryOf = (one) => sayText(one.texts?.summary) || one.summary || one.rule;
const mayAct = (state) => state.plant.you.role !== 'viewer';
export const severity = (one) => (one.severity in ORDER ? one.severity : 'info');
export const badge = (one) => h('span', { class: 'badge' }, { critical: '▲', warning: '◆', info: '●' }[severity(one)], ' ', say(severity(one)));
const sorted = (list) => [...list].sort((a, b) => Boolean(a.acknowledged_at) - Boolean(b.acknowledged_at) || ORDER[severity(a)] - ORDER[severity(b)] || (a.started_at < b.started_at ? 1 : -1));

// Many alerts of one facility that are as severe have one cause more often than not.
function grouped(list) {
  if (list.length <= FEW) return list.map((one) => [one]);
  const groups = Map.groupBy ? Map.groupBy(list, groupOf) : list.reduce((found, one) => found.set(groupOf(one), [...(found.get(groupOf(one)) ?? []), one]), new Map());
  return [...groups.values()];
}
const groupOf = (one) => [one.severity, one.labels.park, one.labels.facility].join('/');

export function alerts(state) {
  const open = state.alerts.open.filter((one) => inView(state)({ park: one.labels.park })), shown = sorted(open);
  return h('section', { class: 'card alerts', 'data-key': 'alerts', 'aria-labelledby': 'alerts' },
    h('h2', { id: 'alerts' }, say('alerts'), h('span', { class: 'count', 'data-some': String(open.length > 0) }, String(open.length)), !state.wall && h('a', { class: 'all', href: href({ park: state.view, alerts: 'all' }) }, say('allAlerts'))),
    open.length === 0 && h('p', { class: 'calm' }, say('noAlerts')),
    h('ul', {}, state.wall ? shown.slice(0, MOST_ON_WALL).map((one) => alert(state, one)) : grouped(shown).map((group) => (group.length === 1 ? alert(state, group[0]) : several(state, group)))),
    state.wall && beyond(shown.length),
    state.alerts.more && h('p', { class: 'note' }, say('moreAlerts')),
    state.missed && h('p', { class: 'note' }, say('missed')));
}

function several(state, group) {
  const [first] = group, key = groupOf(first), waiting = group.filter((one) => !one.acknowledged_at), zone = zoneOf(state, first.labels.park);
  const newest = group.map((one) => one.started_at).sort().at(-1);
  return h('li', { class: `alert group ${severity(first)}${waiting.length ? '' : ' taken'}`, 'data-key': key },
    h('p', { class: 'kind' }, badge(first), h('span', { class: 'note' }, where(state, { park: first.labels.park, facility: first.labels.facility }))),
    h('h3', {}, say('groupOf', { n: group.length, newest: moment(newest, zone, state.now) })),
    waiting.length > 0 && mayAct(state) && h('p', { class: 'actions' }, h('button', { class: 'main', 'data-do': 'acknowledge', 'data-alert': waiting.map((one) => one.id).join(' '), 'data-said': key }, say('acknowledgeAll', { n: waiting.length }))),
    state.said.get(key) && h('p', { class: 'said', role: 'status' }, state.said.get(key)),
    h('details', {}, h('summary', {}, say('showThem')), h('ul', {}, group.map((one) => alert(state, one)))));
}

function alert(state, one) {
  const zone = zoneOf(state, one.labels.park), summary = summaryOf(one), first = sayText(one.texts?.first_action);
  return h('li', { 'data-key': one.id, class: `alert ${severity(one)}${one.acknowledged_at ? ' taken' : ''}` },
    h('p', { class: 'kind' }, badge(one), h('span', { class: 'note' }, standing(state, one))),
    h('h3', {}, link(state, { alert: one.id }, summary)),
    h('p', { class: 'note' }, where(state, one.labels)),
    h('p', { class: 'note' }, say('since', { time: moment(one.started_at, zone, state.now) }), ' · ', h('span', { class: 'age' }, age(state.now - new Date(one.started_at))), one.value !== null && [' · ', say('value', { value: number(one.value), unit: one.unit })], one.limit !== null && [' · ', sayText(one.texts?.passed) || say('limit', { limit: number(one.limit), unit: one.unit })]),
    first && h('p', { class: 'first' }, say('first', { text: first })),
    acts(state, one));
}

export function standing(state, one) {
  const time = (text) => moment(text, zoneOf(state, one.labels.park), state.now);
  return [one.status !== 'firing' && one.status !== 'acknowledged' && say(one.status), one.acknowledged_by && say('by', { who: one.acknowledged_by }), one.assigned_to && say('assigned', { who: one.assigned_to }), isSnoozed(state, one) && say('snoozed', { time: time(one.snoozed_until) })].filter(Boolean).join(' · ');
}

const isSnoozed = (state, one) => one.snoozed_until && new Date(one.snoozed_until) > state.now;

export function acts(state, one) {
  const summary = summaryOf(one), said = state.said.get(one.id);
  return [!state.wall && mayAct(state) && !one.ended_at && h('p', { class: 'actions' },
    !one.acknowledged_at && h('button', { class: 'main', 'data-do': 'acknowledge', 'data-alert': one.id, 'aria-label': `${say('acknowledge')}: ${summary}` }, say('acknowledge')),
    !isSnoozed(state, one) && h('details', { class: 'menu' }, h('summary', { 'aria-label': `${say('snooze')}: ${summary}` }, say('snooze')), h('span', {}, [1, 4, 12].map((n) => h('button', { 'data-do': 'snooze', 'data-alert': one.id, 'data-hours': n }, say(`hours${n}`)))))),
  !state.wall && !mayAct(state) && h('p', { class: 'note' }, say('notAllowed')),
  said && h('p', { class: 'said', role: 'status' }, said)];
}
