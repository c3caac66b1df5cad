// Records: what no meter sees is entered by one person, with its evidence, and approved by another.

import { day, open, state } from './beside.js';
import { card, enter, field, item, looked, may, newest, pressed, proof, readBack, waiting } from './decisions.js';
import { h, titleOf, zoneOf } from './draw.js';
import { ask } from './stream.js';
import { exact, say } from './text.js';
import './records_text.js';

const OF = ['/v1/records', 'records', 50];

function content() {
  return h('div', { class: `books${may('approve') && state.waiting.length ? ' waits' : ''}` }, entry(), h('div', { class: 'list' }, waiting(record), newest(record)));
}

function entry() {
  const channel = state.channels.find((one) => one.id === state.form.channel) ?? state.channels[0];
  if (!may('enter')) return card('entry', say('enter'), h('p', { class: 'calm' }, say('notEnter')));
  if (!channel) return card('entry', say('enter'), h('p', { class: 'calm' }, say('noChannel')));
  const level = channel.kind === 'level';
  return card('entry', say('enter'), h('form', { 'data-do': 'enter' },
    h('label', {}, say('what'), h('select', { name: 'channel' }, state.channels.map((one) => h('option', { value: one.id, selected: one === channel }, `${titleOf(state, one.park, one.facility)}: ${one.channel} [${one.unit}]`)))),
    h('div', { class: 'pair' }, field('from', level ? 'at' : 'fromDay', { type: 'date' }), !level && field('to', 'to', { type: 'date' })),
    h('div', { class: 'pair amount' }, field('amount', 'amount', { inputmode: 'decimal', autocomplete: 'off' }), h('label', {}, say('unit'), h('input', { name: 'unit', required: true, maxlength: 40, value: channel.unit }))),
    readBack(state.form.unit || channel.unit), proof('sourceHint')));
}

function record(one) {
  const zone = zoneOf(state, one.park);
  return item(one, {
    name: `${one.channel}, ${exact(one.value)} ${one.unit}`, heading: [titleOf(state, one.park, one.facility), ' · ', one.channel], amount: one.value, unit: one.unit, zone,
    lines: [one.to === null ? say('onFrom', { from: day(one.from, zone) }) : say('span', { from: day(one.from, zone), to: day(one.to, zone) })],
    more: [one.replaces && say('replaces', { id: one.replaces })],
  });
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

const send = (form) => enter(form, OF[0], (given, value) => ({ channel: given.get('channel'), from: given.get('from'), to: given.get('to') || null, value, unit: given.get('unit') }), (answer) => answer.records[0]?.id);

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
  name: 'records', skip: 'skipRecords', every: 20_000, content,
  reload: () => looked(...OF),
  forgotten: { channels: null, waiting: null, newest: null, next: null },
  ready: () => state.channels && state.waiting && state.newest,
  count: () => state.waiting.length,
  load: async () => { state.channels = await entered(); },
  typed: changed,
  sent: { enter: send },
  done: pressed(...OF),
});
