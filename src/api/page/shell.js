// The frame around every view: head, what is the matter with the connection, where one is, and the foot.

import { href } from './address.js';
import { brand, h, link, placeLink, signIn, skeleton, titleOf, zoneOf } from './draw.js';
import { live } from './live.js';
import { periodBar } from './periods.js';
import { age, moment, say, spoken } from './text.js';
import { inView } from './wall.js';

export const titled = (state) => (!state.plant ? say('title') : state.shown ? state.shown.title?.(state) ?? '' : titleOf(state, state.view));

// How many alerts are open, where a phone shows it first.
function waiting(state) {
  const open = (state.alerts?.open ?? []).filter((one) => inView(state)({ park: one.labels.park }));
  return open.length > 0 && h('a', { class: `pill waiting ${open.some((one) => one.severity === 'critical') ? 'critical' : 'ill'}`, href: href({ park: state.view, alerts: 'all' }) }, say(open.length === 1 ? 'openOne' : 'openMany', { n: open.length }));
}

function head(state) {
  const { at } = state, parks = state.plant?.parks ?? [], word = state.lostAt ? 'lost' : state.open ? 'live' : 'connecting';
  return h('header', { 'data-key': 'head' },
    brand(),
    h('h1', {}, titled(state)),
    !state.wall && parks.length > 1 && h('nav', { 'aria-label': say('view') }, ['', ...parks.map((one) => one.name)].map((name) => h('a', { href: href({ park: name, period: at.view === 'place' ? at.period : null, by: at.view === 'place' ? at.by : null }), 'aria-current': (at.park ?? '') === name ? 'page' : null }, titleOf(state, name)))),
    h('p', { class: 'tools' }, !state.wall && waiting(state),
      state.wall && state.pages > 1 && h('span', { class: 'note' }, say('page', { n: state.page + 1, all: state.pages })),
      h('span', { class: `pill ${word}` }, h('span', { 'aria-hidden': 'true' }, word === 'live' ? '●' : '○'), ' ', word === 'lost' ? say('connecting') : say(word), state.open && !state.lostAt && state.plant ? h('span', { class: 'clock' }, moment(new Date(state.now).toISOString(), zoneOf(state, state.view), state.now)) : ''),
      !state.wall && h('button', { class: 'plain', 'data-do': 'language', lang: spoken.language === 'vi' ? 'en' : 'vi' }, say('other')),
      !state.wall && state.key && h('button', { class: 'plain', 'data-do': 'sign-out' }, say('signOut'))));
}

function banner(state) {
  if (!state.lostAt) return null;
  return h('div', { class: 'banner', role: 'alert', 'data-key': 'banner' }, h('strong', {}, '⚠ ', state.full ? say('full') : say('lost', { time: moment(new Date(state.lostAt).toISOString(), state.plant ? zoneOf(state, state.view) : undefined, state.lostAt) })), ' ', h('span', { class: 'age', 'aria-hidden': 'true' }, age(state.now - state.lostAt)));
}


// From all parks down to what is shown, each a link.
function crumbs(state) {
  const { at } = state, { period } = at, above = [link(state, { period, ...(at.view === 'alerts' || at.view === 'alert' ? { alerts: 'all' } : {}) }, say(at.view === 'alert' || at.view === 'alerts' ? 'allAlerts' : 'all')),
    at.park && placeLink(state, at.park), at.facility && (at.source || at.channel || at.gateway) && placeLink(state, at.park, at.facility)].filter(Boolean);
  return h('nav', { class: 'crumbs', 'aria-label': say('path'), 'data-key': 'crumbs' }, above.flatMap((one, place) => (place ? [' › ', one] : [one])));
}

function looking(state) {
  const { at, found } = state;
  return [h('div', { class: 'over', 'data-key': 'over' }, crumbs(state), at.period && ['place', 'channel'].includes(at.view) && periodBar(state, at)),
    found?.error && h('p', { class: 'wrong', role: 'alert', 'data-key': 'error' }, say('failed', { why: found.error })),
    h('div', { class: 'looking', 'data-key': `view-${at.view}`, 'aria-busy': String(!found?.data && !found?.error) }, found?.data ? state.shown.draw(state, found.data) : !found?.error && (state.shown.skeleton?.() ?? skeleton('middle', 'tall', 'long')))];
}

function inside(state) {
  if (!state.key) return signIn(state);
  if (!state.plant) return state.lostAt ? null : state.wall ? h('p', { class: 'calm' }, say('loading')) : [h('p', { class: 'aloud' }, say('loading')), h('div', { class: 'hero' }, skeleton('tile', 'tile', 'tile')), skeleton('tall', 'long')];
  if (!state.plant.parks.length) return h('p', { class: 'calm' }, say('noFacility'));
  if (state.shown) return looking(state);
  if (!state.totals) return h('p', { class: 'calm' }, state.lostAt ? '' : say('loading'));
  return [!state.wall && periodBar(state, { view: 'live', park: state.view }), live(state)];
}

export function page(state) {
  const { plant } = state, time = state.totals?.as_of ?? plant?.as_of, zone = () => zoneOf(state, state.view);
  return h('div', { id: 'app', class: state.lostAt ? 'aged' : '', 'data-mode': state.wall ? 'wall' : 'normal', 'data-view': state.at.view },
    !state.wall && h('a', { class: 'skip', href: '#figures', 'data-key': 'skip' }, say('skip')),
    head(state), banner(state),
    h('p', { class: 'announce', role: 'status', 'data-key': 'announce' }, state.announce),
    h('main', { id: 'figures', tabindex: '-1', 'data-key': 'main' }, inside(state)),
    state.key && plant?.parks.length > 0 && h('footer', { 'data-key': 'foot' }, say('legend', { gwp: plant.gwp }), ' ', say('zone', { zone: zone() }), ' ', h('span', {}, say('asOf', { time: moment(time, zone(), state.now) })), ' ', !state.wall && [h('a', { href: '?display=wall' }, say('wall')), ' · ', h('a', { href: '/records' }, say('records')), ' · ', h('a', { href: '/month-end' }, say('monthEnd')), ' · ', h('a', { href: '/plan' }, say('plan')), ' · ', h('a', { href: '/position' }, say('position')), ' · ', h('a', { href: '/energy' }, say('energy')), ' · ', h('a', { href: '/eco-park' }, say('ecoPark'))]));
}
