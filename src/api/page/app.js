// The page's one state, what changes it, and what people do.

import { explain, who } from './dialogs.js';
import { fit, lay, page, patterns, wallPages } from './draw.js';
import { Refused, ask, follow, forget, keep, takeKey } from './stream.js';
import { chooseLanguage, number, otherLanguage, say, sayText } from './text.js';

const PAGE_MS = 15_000, HOUR_MS = 3_600_000;

const state = {
  key: null, wall: new URLSearchParams(location.search).get('display') === 'wall', view: null, page: 0, pages: 1, part: 0, now: Date.now(), ahead: 0,
  open: false, fresh: false, lostAt: null, full: false, badKey: false, missed: false, announce: '', said: new Map(),
};
let drawn = false, stopped = new AbortController(), turned = Date.now();

function draw() {
  if (drawn) return;
  drawn = true;
  requestAnimationFrame(() => {
    drawn = false;
    state.now = Date.now() + state.ahead;
    if (state.wall && state.plant && state.totals) turn();
    lay(document.getElementById('app'), page(state));
    if (state.wall) fit(document.getElementById('app'));
    document.title = titled();
  });
}

function titled() {
  const open = state.alerts?.open.length ?? 0, row = state.totals?.today.find((one) => !one.facility && (one.park ?? '') === state.view);
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
    const names = told.parks.map((one) => one.name), asked = new URLSearchParams(location.search).get('park');
    if (state.view === null || !['', ...names].includes(state.view)) state.view = names.includes(asked) ? asked : names.length > 1 ? '' : names[0] ?? '';
  },
  alerts(told) {
    const before = state.alerts && new Set(state.alerts.open.map((one) => one.id)), fresh = before ? told.open.filter((one) => !before.has(one.id)) : [];
    if (fresh.length) state.announce = fresh.map((one) => `${say(one.severity)}: ${sayText(one.texts?.summary) || one.summary}`).join('. ');
    state.missed = told.missed;
    state.alerts = told;
  },
};

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
  Object.assign(state, { key: null, plant: null, totals: null, hours: null, alerts: null, gateways: null, health: null, view: null, lostAt: null, open: false });
}

async function act(alert, body) {
  const told = (text) => { state.said.set(alert, text); draw(); };
  const by = state.plant.you.shared ? await who() : undefined; // a key of one person says who it is
  if (by === '') return;
  told(say('acting'));
  try {
    const answer = await ask(state.key, `/v1/alerts/${encodeURIComponent(alert)}/actions`, { by, ...body });
    told(say(answer.status === 202 ? 'waiting' : 'acted'));
  } catch (error) {
    told(say('refused', { why: error.message }));
  }
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
  view: ({ view }) => { state.view = view; },
  language: () => otherLanguage(),
  'sign-out': () => { leave(); },
  explain: ({ path }) => explain(state, path, (asked) => ask(state.key, asked)),
  rebirth: ({ gateway }) => rebirth(gateway),
  acknowledge: ({ alert }) => act(alert, { action: 'acknowledge' }),
  snooze: ({ alert, hours }) => act(alert, { action: 'snooze', until: new Date(state.now + hours * HOUR_MS).toISOString() }),
};

document.addEventListener('click', ({ target }) => {
  const pressed = target.closest('button[data-do]');
  if (!pressed) return;
  pressed.closest('details.menu')?.removeAttribute('open');
  done[pressed.dataset.do](pressed.dataset);
  draw();
});

document.addEventListener('submit', (event) => {
  if (event.target.dataset.do !== 'sign-in') return;
  event.preventDefault();
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
setInterval(draw, 1000);
begin();
