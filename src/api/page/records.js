// Records: what no meter sees is entered by one person, with its evidence, and approved by another.

import { day, draw, open, refresh, save, signed, state } from './beside.js';
import { reasonFor } from './dialogs.js';
import { h, titleOf, zoneOf } from './draw.js';
import { ask, hand, take } from './stream.js';
import { exact, moment, say, spoken } from './text.js';
import { typed } from './records_text.js';

const SHOWN = 50;
const PICTURES = ['image/png', 'image/jpeg'];
const ENDS = { 'application/pdf': 'pdf', 'text/csv': 'csv', 'application/xml': 'xml' };
const MAY = { operator: ['enter', 'withdraw'], approver: ['enter', 'withdraw', 'approve', 'refuse', 'strike'], admin: ['enter', 'withdraw', 'approve', 'refuse', 'strike'] };
const NEEDS_REASON = ['refuse', 'strike'];

Object.assign(state, { form: { said: '', busy: false }, shown: new Map() });

const params = (values) => new URLSearchParams({ ...values, language: spoken.language }); // refusals in the language of the page
const may = (what) => (MAY[state.plant.you.role] ?? []).includes(what);

function content() {
  return h('div', { class: `books${may('approve') && state.waiting.length ? ' waits' : ''}` }, entry(), h('div', { class: 'list' }, waiting(), newest()));
}

function entry() {
  const channel = state.channels.find((one) => one.id === state.form.channel) ?? state.channels[0];
  const card = (...parts) => h('section', { class: 'card', 'data-key': 'entry', 'aria-labelledby': 'entry' }, h('h2', { id: 'entry' }, say('enter')), parts);
  if (!may('enter')) return card(h('p', { class: 'calm' }, say('notEnter')));
  if (!channel) return card(h('p', { class: 'calm' }, say('noChannel')));
  const level = channel.kind === 'level', read = typed(state.form.amount ?? '');
  const field = (name, label, attributes, hint) => h('label', {}, say(label), h('input', { name, required: true, ...attributes, 'aria-describedby': hint && `${name}-hint` }), hint && h('span', { class: 'note', id: `${name}-hint` }, say(hint)));
  return card(h('form', { 'data-do': 'enter' },
    h('label', {}, say('what'), h('select', { name: 'channel' }, state.channels.map((one) => h('option', { value: one.id, selected: one === channel }, `${titleOf(state, one.park, one.facility)}: ${one.channel} [${one.unit}]`)))),
    h('div', { class: 'pair' }, field('from', level ? 'at' : 'fromDay', { type: 'date' }), !level && field('to', 'to', { type: 'date' })),
    h('div', { class: 'pair amount' }, field('amount', 'amount', { inputmode: 'decimal', autocomplete: 'off' }), h('label', {}, say('unit'), h('input', { name: 'unit', required: true, maxlength: 40, value: channel.unit }))),
    h('p', { class: 'note', role: 'status' }, state.form.amount ? (read === null ? say('notNumber') : say('readAs', { value: exact(read), unit: state.form.unit || channel.unit })) : ''),
    field('source', 'sourceLabel', { maxlength: 500, autocomplete: 'off' }, 'sourceHint'),
    field('file', 'file', { type: 'file', accept: '.pdf,.png,.jpg,.jpeg,.xml,.xlsx,.csv,image/png,image/jpeg,application/pdf' }, 'fileHint'),
    h('label', {}, say('noteLabel'), h('input', { name: 'note', maxlength: 500 })),
    h('button', { class: 'main', disabled: state.form.busy }, say('send')),
    h('p', { class: 'said', role: 'status' }, state.form.said)));
}

function waiting() {
  return h('section', { class: 'card', 'data-key': 'waiting', 'aria-labelledby': 'waiting' },
    h('h2', { id: 'waiting' }, say('toApprove'), h('span', { class: 'count', 'data-some': String(state.waiting.length > 0) }, String(state.waiting.length))),
    state.waiting.length ? h('ul', {}, state.waiting.map(record)) : h('p', { class: 'calm' }, say('nothingToApprove')));
}

function newest() {
  const others = state.newest.filter((one) => one.state !== 'entered');
  return h('section', { class: 'card', 'data-key': 'newest', 'aria-labelledby': 'newest' },
    h('h2', { id: 'newest' }, say('newest')),
    others.length ? h('ul', {}, others.map(record)) : h('p', { class: 'calm' }, say('nothingEntered')),
    state.next && h('button', { 'data-do': 'more' }, say('more')));
}

function record(one) {
  const zone = zoneOf(state, one.park), mine = !state.plant.you.shared && one.entered_by === state.plant.you.name, said = state.said.get(one.id);
  const name = `${one.channel}, ${exact(one.value)} ${one.unit}`;
  const press = (action, main) => h('button', { class: main && 'main', 'data-do': 'act', 'data-action': action, 'data-record': one.id, 'aria-label': `${say(action)}: ${name}` }, say(action));
  const acts = one.state === 'entered' ? [may('approve') && !mine && press('approve', true), may('refuse') && !mine && press('refuse'), mine && press('withdraw')] : one.state === 'approved' ? [may('strike') && press('strike')] : [];
  return h('li', { class: `record ${one.state}`, 'data-key': one.id },
    h('h3', {}, titleOf(state, one.park, one.facility), ' · ', one.channel),
    h('p', {}, h('span', { class: 'value' }, exact(one.value)), ' ', h('span', { class: 'unit' }, one.unit)),
    h('p', {}, one.to === null ? say('onFrom', { from: day(one.from, zone) }) : say('span', { from: day(one.from, zone), to: day(one.to, zone) })),
    h('p', {}, one.source, one.note && h('span', { class: 'note' }, ` · ${one.note}`)),
    h('p', { class: 'note' }, h('span', { class: 'state' }, say(`is${one.state[0].toUpperCase()}${one.state.slice(1)}`)), ' · ', [say('enteredBy', { who: one.entered_by, time: moment(one.entered_at, zone, state.now) }), one.approved_by && say('approvedBy', { who: one.approved_by }), one.self_approved && say('alone'), one.replaces && say('replaces', { id: one.replaces }), one.ended_by && say('endedBy', { who: one.ended_by, why: one.reason ?? '' }), one.id].filter(Boolean).join(' · ')),
    mine && one.state === 'entered' && h('p', { class: 'note' }, say('yours')),
    h('div', { class: 'evidence' }, h('button', { class: 'plain', 'data-do': 'evidence', 'data-record': one.id, 'data-digest': one.evidence, 'aria-label': `${say('evidence')}: ${name}` }, say('evidence')), state.shown.get(one.id) && h('img', { src: state.shown.get(one.id), alt: one.source })),
    h('p', { class: 'actions' }, acts),
    said && h('p', { class: 'said', role: 'status' }, said));
}

async function reload() {
  const [waits, all] = await Promise.all([ask(state.key, `/v1/records?state=entered&limit=${SHOWN}`), ask(state.key, `/v1/records?limit=${SHOWN}`)]);
  Object.assign(state, { waiting: waits.records, newest: all.records, next: all.next });
}

async function entered() {
  const found = [];
  for (let cursor = ''; cursor !== null;) {
    const answer = await ask(state.key, `/v1/channels?entered=true&limit=1000${cursor && `&cursor=${encodeURIComponent(cursor)}`}`);
    found.push(...answer.channels.map((one) => ({ ...one, id: `${one.park}/${one.facility}/${one.channel}` })));
    cursor = answer.next ?? null;
  }
  return found;
}

async function send(form) {
  const given = new FormData(form), value = typed(given.get('amount')), by = await signed();
  if (by === '') return;
  if (value === null) { state.form.said = say('notNumber'); draw(); return; }
  Object.assign(state.form, { busy: true, said: say('sending') });
  draw();
  try {
    const file = await hand(state.key, `/v1/evidence?${params(by ? { by } : {})}`, given.get('file'));
    const answer = await ask(state.key, `/v1/records?${params({})}`, { channel: given.get('channel'), from: given.get('from'), to: given.get('to') || null, value, unit: given.get('unit'), source: given.get('source'), evidence: file.digest, note: given.get('note'), by });
    state.form.said = answer.records.length ? say('entered', { id: answer.records[0].id }) : say('enteredLater');
    Object.assign(state.form, { amount: '' });
    form.reset();
  } catch (error) {
    state.form.said = say('refusedBecause', { why: error.message });
  }
  state.form.busy = false;
  await refresh();
}

async function act({ record: id, action }) {
  const by = await signed();
  if (by === '') return;
  const reason = NEEDS_REASON.includes(action) ? await reasonFor(say(action), say('reason')) : undefined;
  if (reason === '') return;
  state.said.set(id, say('acting'));
  draw();
  try {
    const answer = await ask(state.key, `/v1/records/${encodeURIComponent(id)}?${params({})}`, { action, reason, by });
    state.said.set(id, say(answer.status === 202 ? 'waiting' : 'doneWith'));
  } catch (error) {
    state.said.set(id, say('refusedBecause', { why: error.message }));
  }
  await refresh();
}

async function show({ record: id, digest }) {
  try {
    const file = await take(state.key, `/v1/evidence/${encodeURIComponent(digest)}`);
    if (PICTURES.includes(file.type)) state.shown.set(id, await asUrl(file));
    else save(file, `${digest.slice(7, 23)}.${ENDS[file.type] ?? 'xlsx'}`);
  } catch (error) {
    state.said.set(id, say('cannotShow', { why: error.message }));
  }
  draw();
}

const asUrl = (file) => new Promise((resolve, reject) => {
  const reader = new FileReader();
  reader.onload = () => resolve(reader.result);
  reader.onerror = () => reject(reader.error);
  reader.readAsDataURL(file);
});

async function more() {
  const page = await ask(state.key, `/v1/records?limit=${SHOWN}&cursor=${encodeURIComponent(state.next)}`);
  Object.assign(state, { newest: [...state.newest, ...page.records], next: page.next });
  draw();
}

// What was typed is read again, and a channel brings its unit.
function changed(field) {
  if (!['amount', 'unit', 'channel'].includes(field.name)) return false;
  state.form[field.name] = field.value;
  if (field.name === 'channel') {
    const unit = field.form.elements.unit, chosen = state.channels.find((one) => one.id === field.value);
    unit.value = state.form.unit = chosen.unit;
  }
  return true;
}

open({
  name: 'records', skip: 'skipRecords', every: 20_000, content, reload,
  forgotten: { channels: null, waiting: null, newest: null, next: null },
  ready: () => state.channels && state.waiting && state.newest,
  count: () => state.waiting.length,
  load: async () => { state.channels = await entered(); },
  typed: changed,
  sent: { enter: send },
  done: { act, evidence: show, more },
});
