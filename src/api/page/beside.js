// What the pages beside the live one share: their frame, the key, who acts, and files that are saved.

import { who } from './dialogs.js';
import { brand, h, lay, signIn } from './draw.js';
import { Refused, follow, forget, keep, takeKey } from './stream.js';
import { chooseLanguage, learn, otherLanguage, say, spoken } from './text.js';

const PAGES = [['/', 'toLive'], ['/records', 'records'], ['/month-end', 'monthEnd'], ['/plan', 'plan'], ['/position', 'position'], ['/energy', 'energy'], ['/eco-park', 'ecoPark'], ['/city', 'city']];

learn({ en: { toLive: 'Live emissions' }, vi: { toLive: 'Phát thải trực tiếp' } });

export const state = { key: null, plant: null, badKey: false, trouble: '', said: new Map(), now: Date.now() };
let own = null;

// Opens a page: `name` is the word for it, `skip` the one for its main part; `ready` says whether `load` (once, with the key) and
// `reload` (`every` so many ms) have brought what `content` draws; `count` is how much waits, `forgotten` what a signed-out page has;
// `done` are the buttons by data-do, `sent` the forms, `typed` what is done where a field changes,
// `spoken` what is asked anew in the other language.
export function open(page) {
  own = page;
  Object.assign(state, page.forgotten);
  document.addEventListener('click', pressed);
  document.addEventListener('submit', submitted);
  document.addEventListener('input', ({ target }) => own.typed?.(target) && draw());
  addEventListener('hashchange', () => { if (location.hash.includes('key=')) begin(); });
  setInterval(refresh, page.every);
  chooseLanguage();
  begin();
}

export function draw() {
  state.now = Date.now();
  const waits = state.plant && own.ready() ? own.count() : 0;
  document.title = `${waits ? `(${waits}) ` : ''}${say(own.name)} · Stackmeter`;
  lay(document.getElementById('app'), frame());
}

function frame() {
  const link = ([path, word]) => word !== own.name && h('a', { href: path }, say(word));
  return h('div', { id: 'app', 'data-mode': 'normal' },
    h('a', { class: 'skip', href: `#${own.name}`, 'data-key': 'skip' }, say(own.skip)),
    h('header', { 'data-key': 'head' }, brand(), h('h1', {}, say(own.name)),
      h('p', { class: 'tools' }, PAGES.map(link),
        h('button', { class: 'plain', 'data-do': 'language', lang: document.documentElement.lang === 'vi' ? 'en' : 'vi' }, say('other')),
        state.key && h('button', { class: 'plain', 'data-do': 'sign-out' }, say('signOut')))),
    state.trouble && h('p', { class: 'banner', role: 'alert', 'data-key': 'trouble' }, say('failed', { why: state.trouble })),
    h('main', { id: own.name, tabindex: '-1', 'data-key': 'main' },
      !state.key ? signIn(state) : !state.plant || !own.ready() ? h('p', { class: 'calm' }, say('loading')) : own.content()));
}

async function begin() {
  Object.assign(state, { key: takeKey(), plant: null, badKey: false, trouble: '' });
  draw();
  if (!state.key) return;
  try {
    state.plant = await plantOf(state.key);
    await own.load();
    await own.reload();
  } catch (error) {
    if (error instanceof Refused) leave(true);
    else state.trouble = error.message;
  }
  draw();
}

// The stream is opened for its first word alone: who this key is, and what the places are called.
function plantOf(key) {
  const stop = new AbortController();
  return new Promise((resolve, reject) => {
    follow(key, stop.signal, { event: (name, told) => { if (name === 'plant') { stop.abort(); resolve(told); } }, open: () => {}, lost: () => { stop.abort(); reject(new Error(say('connecting'))); } }).catch(reject);
  });
}

export async function refresh() {
  if (!state.key || !state.plant) return;
  try {
    await own.reload();
    state.trouble = '';
  } catch (error) {
    state.trouble = error.message;
  }
  draw();
}

function leave(badKey = false) {
  forget();
  Object.assign(state, { key: null, plant: null, badKey, ...own.forgotten });
}

// Who acts: undefined where the key says it, the name that a person gave for a shared one, '' where they gave none.
export const signed = async () => (state.plant.you.shared ? who() : undefined);

// A day on the park's clock, as the language writes it in full.
export function day(text, zone) {
  return new Intl.DateTimeFormat(spoken.language === 'vi' ? 'vi-VN' : 'en-GB', { timeZone: zone, day: '2-digit', month: '2-digit', year: 'numeric' }).format(new Date(text));
}

// What is no picture is saved, and never opened among our own pages.
export function save(file, name) {
  const url = URL.createObjectURL(file);
  h('a', { href: url, download: name }).click();
  URL.revokeObjectURL(url);
}

function pressed({ target }) {
  const button = target.closest('button[data-do]');
  if (!button) return;
  const done = { language: async () => { otherLanguage(); await own.spoken?.(); }, 'sign-out': () => leave(), ...own.done };
  Promise.resolve(done[button.dataset.do](button.dataset)).catch((error) => { state.trouble = error.message; }).finally(draw);
  draw();
}

function submitted(event) {
  const form = event.target, what = form.dataset.do;
  if (!what) return;
  event.preventDefault();
  if (what !== 'sign-in') { own.sent[what](form); return; }
  const given = new FormData(form);
  keep(given.get('key').trim(), given.has('remember'));
  begin();
}
