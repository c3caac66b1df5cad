// The page's one state, what changes it, and what people do.

import { containing, href, today, where } from './address.js';
import { lay, parkOf, patterns, zoneOf } from './draw.js';
import { wallPages } from './live.js';
import { chosenRange } from './periods.js';
import { page, titled } from './shell.js';
import { Refused, ask, follow, forget, keep, takeKey } from './stream.js';
import { chooseLanguage, number, otherLanguage, say, sayText } from './text.js';
import { fit } from './wall.js';

const PAGE_MS = 15_000, HOUR_MS = 3_600_000, AGAIN_MS = 60_000;
// What is not needed for the first number is loaded when it is looked at.
const dialogs = () => import('./dialogs.js'), points = () => import('./points.js'), alerts = () => import('./alert.js');
const VIEWS = {
  place: async () => (await import('./place.js')).ofPlace, channel: async () => (await points()).ofChannel, gateway: async () => (await points()).ofGateway,
  alert: async () => (await alerts()).ofAlert, alerts: async () => (await alerts()).ofAlerts,
};
const LETTERS = { n: 'now', d: 'day', w: 'week', m: 'month', y: 'year', r: 'range' };

const state = {
  key: null, wall: new URLSearchParams(location.search).get('display') === 'wall', view: null, page: 0, pages: 1, part: 0, now: Date.now(), ahead: 0,
  open: false, fresh: false, lostAt: null, full: false, badKey: false, missed: false, announce: '', said: new Map(),
  at: { view: 'live' }, shown: null, found: null, sort: {}, today: null,
};
let drawn = false, stopped = new AbortController(), turned = Date.now();

function draw() {
  if (drawn) return;
  drawn = true;
  requestAnimationFrame(() => {
    drawn = false;
    state.now = Date.now() + state.ahead;
    if (state.plant) state.today = containing('day', today(zoneOf(state, state.at.park), state.now)).text;
    if (state.wall && state.plant && state.totals) turn();
    lay(document.getElementById('app'), page(state));
    if (state.wall) fit(document.getElementById('app'));
    document.title = tabTitle();
  });
}

function tabTitle() {
  const open = state.alerts?.open.length ?? 0, row = state.totals?.today.find((one) => !one.facility && (one.park ?? '') === state.view);
  if (state.shown) return `${open ? `(${open}) ` : ''}${titled(state)} · Stackmeter`;
  return `${open ? `(${open}) ` : ''}${row ? `${number(row.co2e_t)} t · ` : ''}Stackmeter`;
}

// A wall display shows one page after the other.
function turn() {
  const pages = wallPages(state);
  if (Date.now() - turned >= PAGE_MS) {
    turned = Date.now();
    state.page += 1;
  }
  state.page %= pages.length;
  state.pages = pages.length;
  Object.assign(state, pages[state.page]);
}

const taken = {
  plant(told) {
    // A display that runs for weeks takes a newer page as soon as the service has one.
    if (state.plant && state.plant.page !== told.page && !document.querySelector('dialog')) location.reload();
    state.plant = told;
    if (state.view === null || (state.view && !parkOf(state, state.view))) arrive();
  },
  alerts(told) {
    const before = state.alerts && new Set(state.alerts.open.map((one) => one.id)), fresh = before ? told.open.filter((one) => !before.has(one.id)) : [];
    if (fresh.length) state.announce = fresh.map((one) => `${say(one.severity)}: ${sayText(one.texts?.summary) || one.summary}`).join('. ');
    state.missed = told.missed;
    state.alerts = told;
    if (state.at.view === 'alert' || state.at.view === 'alerts') look();
  },
};

// --- where one is

// Takes what the address says; what it leaves open is said there too, so that it can be sent as it stands.
function arrive() {
  const names = state.plant.parks.map((one) => one.name), only = names.length === 1 ? names[0] : '';
  let at = state.wall ? { view: 'live' } : where();
  if (at.park && !names.includes(at.park)) at = { view: 'live' };
  state.view = at.park ?? (at.view === 'live' || at.view === 'place' ? only : '');
  if (state.view) at.park = state.view;
  if (['place', 'channel'].includes(at.view)) at.period ??= containing('day', today(zoneOf(state, at.park), Date.now() + state.ahead)).text;
  state.at = at;
  state.shown = VIEWS[at.view] ? {} : null; // what it looks like is not loaded yet
  state.found = null;
  if (!state.wall) history.replaceState(null, '', `${href(at)}${location.hash}`);
  look();
}

async function look() {
  const { at, key } = state;
  if (!state.shown) return;
  const loaded = async () => {
    const view = await VIEWS[at.view]();
    if (state.at === at) { state.shown = view; draw(); }
    return view.load(at, state, (path) => ask(key, path));
  };
  const found = await loaded().then((data) => ({ data }), (error) => ({ error: error.message, data: state.at === at ? state.found?.data : null }));
  if (state.at !== at) return;
  if (!state.found && found.data) state.announce = titled({ ...state, found });
  state.found = found;
  draw();
}

function go(address) {
  const before = state.at, [kind, park, facility, source] = [before.view, before.park, before.facility, before.source];
  history.pushState(null, '', address);
  arrive();
  draw();
  if (kind === state.at.view && park === state.at.park && facility === state.at.facility && source === state.at.source) return;
  scrollTo(0, 0);
  document.getElementById('figures').focus({ preventScroll: true });
}

function event(name, told) {
  // What has not changed for long is told with the time of its last change; the plant, and what comes later, is of now.
  if (name === 'plant' || (name === 'totals' && state.fresh)) state.ahead = Date.parse(told.as_of) - Date.now();
  state.fresh = name === 'plant' ? false : state.fresh || name === 'totals';
  (taken[name] ?? ((body) => { state[name] = body; }))(told);
  draw();
}

async function watch() {
  stopped.abort();
  stopped = new AbortController();
  const { signal } = stopped;
  state.open = false;
  state.badKey = false;
  draw();
  if (!state.key) return;
  try {
    await follow(state.key, signal, { event, open: regained, lost });
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    leave();
    state.badKey = true;
    draw();
  }
}

function regained() {
  if (state.lostAt) state.announce = say('live');
  Object.assign(state, { open: true, lostAt: null, full: false });
}

function lost(full) {
  Object.assign(state, { lostAt: state.lostAt ?? Date.now() + state.ahead, full });
  draw();
}

function leave() {
  forget();
  stopped.abort();
  Object.assign(state, { key: null, plant: null, totals: null, hours: null, alerts: null, gateways: null, health: null, view: null, lostAt: null, open: false, shown: null, found: null });
}

// Does the same with one alert or several; what became of it stands at `at`.
async function act(alerts, body, at = alerts) {
  const told = (text) => { state.said.set(at, text); draw(); };
  const by = state.plant.you.shared ? await (await dialogs()).who() : undefined; // a key of one person says who it is
  if (by === '') return;
  told(say('acting'));
  const answers = await Promise.allSettled(alerts.split(' ').map((alert) => ask(state.key, `/v1/alerts/${encodeURIComponent(alert)}/actions`, { by, ...body })));
  const refused = answers.find((one) => one.status === 'rejected');
  told(refused ? say('refused', { why: refused.reason.message }) : say(answers.some((one) => one.value.status === 202) ? 'waiting' : 'acted'));
}

async function save({ of, kind }) {
  state.said.set(of, say('acting'));
  draw();
  try {
    await (await import('./files.js')).saveFile(state.key, of, kind);
    state.said.delete(of);
  } catch (error) {
    state.said.set(of, say('failed', { why: error.message }));
  }
  draw();
}

async function rebirth(gateway) {
  const told = (text) => { state.said.set(gateway, text); draw(); };
  told(say('acting'));
  try {
    const answer = await ask(state.key, `/v1/gateways/${gateway.split('/').map(encodeURIComponent).join('/')}/rebirth`, null, 'POST');
    told(say('reborn', { nodes: answer.asked.join(', ') }));
  } catch (error) {
    told(say('failed', { why: error.message }));
  }
}

const done = {
  language: () => { otherLanguage(); if (state.plant && !state.wall) history.replaceState(null, '', href(state.at)); },
  sort: ({ of, column }) => { state.sort = { key: of, column, down: !(state.sort.key === of && state.sort.column === column && state.sort.down) }; },
  save,
  'sign-out': () => { leave(); },
  explain: async ({ path }) => (await dialogs()).explain(state, path, (asked) => ask(state.key, asked)),
  rebirth: ({ gateway }) => rebirth(gateway),
  acknowledge: ({ alert, said }) => act(alert, { action: 'acknowledge' }, said),
  snooze: ({ alert, hours }) => act(alert, { action: 'snooze', until: new Date(state.now + hours * HOUR_MS).toISOString() }),
};

document.addEventListener('click', (event) => {
  const { target } = event, followed = target.closest('a[href^="?"]'), pressed = target.closest('button[data-do]');
  if (followed && !followed.search.includes('display=') && state.plant && !(event.ctrlKey || event.metaKey || event.shiftKey || event.altKey)) {
    event.preventDefault();
    go(followed.href);
  }
  if (!pressed) return;
  pressed.closest('details.menu')?.removeAttribute('open');
  done[pressed.dataset.do](pressed.dataset);
  draw();
});

// Arrows go to the period before and after; letters, where the bar of periods has the focus, to another unit.
document.addEventListener('keydown', (event) => {
  const { key, target } = event, inBar = target.closest('.periods');
  if (event.ctrlKey || event.metaKey || event.altKey || state.wall || target.closest('input, select, textarea, dialog, summary') || !(inBar || [document.body, document.getElementById('figures')].includes(target))) return;
  const wanted = { ArrowLeft: '[data-step="-1"]', ArrowRight: '[data-step="1"]' }[key] ?? (inBar && LETTERS[key] && `[data-unit="${LETTERS[key]}"]`), found = wanted && document.querySelector(`.periods ${wanted}`);
  if (!found) return;
  event.preventDefault();
  go(found.href);
});

document.addEventListener('submit', (event) => {
  if (!['sign-in', 'range'].includes(event.target.dataset.do)) return;
  event.preventDefault();
  if (event.target.dataset.do === 'range') {
    go(href({ ...state.at, period: chosenRange(event.target)?.text }));
    return;
  }
  const given = new FormData(event.target);
  keep(given.get('key').trim(), given.has('remember'));
  begin();
});

function begin() {
  state.key = takeKey();
  watch();
}

chooseLanguage();
document.body.append(patterns());
document.body.classList.toggle('wall', state.wall);
addEventListener('hashchange', () => { if (location.hash.includes('key=')) begin(); });
addEventListener('resize', draw);
addEventListener('popstate', () => { if (state.plant) arrive(); draw(); });
setInterval(draw, 1000);
setInterval(() => { if (state.found?.data && !document.hidden) look(); }, AGAIN_MS);
begin();
