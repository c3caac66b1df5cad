// What one person enters, with a file that proves it, and another approves: the same for records and for movements of instruments.

import { draw, refresh, save, signed, state } from './beside.js';
import { reasonFor } from './dialogs.js';
import { h } from './draw.js';
import { ask, hand, take } from './stream.js';
import { exact, learn, moment, say, spoken } from './text.js';

const PICTURES = ['image/png', 'image/jpeg'];
const ENDS = { 'application/pdf': 'pdf', 'text/csv': 'csv', 'application/xml': 'xml' };
const MAY = { operator: ['enter', 'withdraw'], approver: ['enter', 'withdraw', 'approve', 'refuse', 'strike'], admin: ['enter', 'withdraw', 'approve', 'refuse', 'strike'] };
const NEEDS_REASON = ['refuse', 'strike'];

learn({
  en: {
    toApprove: 'To be approved', nothingToApprove: 'Nothing waits for approval.', nothingEntered: 'Nothing was entered yet.', sourceLabel: 'What says so', file: 'Photo or file', fileHint: 'PDF, photo, XML, XLSX or CSV, at most 10 MiB',
    noteLabel: 'Note', notNumber: 'Not a number as this language writes it: 1,234.5', readAs: 'Read as {value} {unit}', send: 'Send', sending: 'Sending …', entered: 'Entered as {id}. It counts once another person has approved it.',
    enteredLater: 'Sent; it is entered in a moment.', refusedBecause: 'Not taken: {why}', approve: 'Approve', refuse: 'Refuse', withdraw: 'Withdraw', strike: 'Strike',
    evidence: 'Show the file', reason: 'Why? It is kept and shown.', doneWith: 'Noted', isEntered: 'waits for approval', isApproved: 'approved', isRefused: 'refused',
    isWithdrawn: 'withdrawn', isReplaced: 'replaced', isStruck: 'struck', enteredBy: 'entered by {who}, {time}', approvedBy: 'approved by {who}', endedBy: 'by {who}: {why}',
    alone: 'nobody else checked it', yours: 'You entered this: another person approves it.', more: 'More', cannotShow: 'The file cannot be shown: {why}', notEnter: 'This key may only look: an operator enters, an approver approves.', newest: 'Entered lately',
  },
  vi: {
    toApprove: 'Chờ duyệt', nothingToApprove: 'Không có gì chờ duyệt.', nothingEntered: 'Chưa nhập gì.', sourceLabel: 'Chứng từ', file: 'Ảnh hoặc tệp', fileHint: 'PDF, ảnh, XML, XLSX hoặc CSV, tối đa 10 MiB',
    noteLabel: 'Ghi chú', notNumber: 'Không phải số viết theo tiếng Việt: 1.234,5', readAs: 'Đọc là {value} {unit}', send: 'Gửi', sending: 'Đang gửi …', entered: 'Đã nhập, số {id}. Số này được tính khi người khác duyệt.',
    enteredLater: 'Đã gửi; sẽ được nhập trong giây lát.', refusedBecause: 'Chưa nhận: {why}', approve: 'Duyệt', refuse: 'Từ chối', withdraw: 'Rút lại', strike: 'Gạch bỏ',
    evidence: 'Xem tệp', reason: 'Vì sao? Lý do được lưu và hiển thị.', doneWith: 'Đã ghi nhận', isEntered: 'chờ duyệt', isApproved: 'đã duyệt', isRefused: 'bị từ chối',
    isWithdrawn: 'đã rút', isReplaced: 'đã thay thế', isStruck: 'đã gạch bỏ', enteredBy: '{who} nhập, {time}', approvedBy: '{who} duyệt', endedBy: '{who}: {why}',
    alone: 'chưa có người thứ hai kiểm tra', yours: 'Bạn đã nhập mục này: người khác sẽ duyệt.', more: 'Xem thêm', cannotShow: 'Không xem được tệp: {why}', notEnter: 'Khóa này chỉ được xem: người vận hành nhập, người duyệt duyệt.', newest: 'Nhập gần đây',
  },
});

Object.assign(state, { form: { said: '', busy: false }, shown: new Map() });

const params = (values) => new URLSearchParams({ ...values, language: spoken.language }); // refusals in the language of the page
export const may = (what) => (MAY[state.plant.you.role] ?? []).includes(what);

export const card = (key, title, ...parts) => h('section', { class: 'card', 'data-key': key, 'aria-labelledby': key }, h('h2', { id: key }, title), parts);

// --- the form

export const field = (name, label, attributes, hint) => h('label', { 'data-key': name }, say(label), h('input', { name, required: true, ...attributes, 'aria-describedby': hint && `${name}-hint` }), hint && h('span', { class: 'note', id: `${name}-hint` }, say(hint)));

// What was typed, as it was read.
export function readBack(unit) {
  const read = typed(state.form.amount ?? '');
  return h('p', { class: 'note', role: 'status' }, state.form.amount ? (read === null ? say('notNumber') : say('readAs', { value: exact(read), unit })) : '');
}

// What says so, the file that proves it, and the button that sends it.
export const proof = (hint) => [
  field('source', 'sourceLabel', { maxlength: 500, autocomplete: 'off' }, hint),
  field('file', 'file', { type: 'file', accept: '.pdf,.png,.jpg,.jpeg,.xml,.xlsx,.csv,image/png,image/jpeg,application/pdf' }, 'fileHint'),
  h('label', { 'data-key': 'note' }, say('noteLabel'), h('input', { name: 'note', maxlength: 500 })),
  h('button', { class: 'main', disabled: state.form.busy }, say('send')),
  h('p', { class: 'said', role: 'status' }, state.form.said)];

// Hands in the file and enters what `body` makes of the form and its amount; `number` is the id by which the answer names it.
export async function enter(form, path, body, number) {
  const given = new FormData(form), value = typed(given.get('amount')), by = await signed();
  if (by === '') return;
  if (value === null) { state.form.said = say('notNumber'); draw(); return; }
  Object.assign(state.form, { busy: true, said: say('sending') });
  draw();
  try {
    const file = await hand(state.key, `/v1/evidence?${params(by ? { by } : {})}`, given.get('file'));
    const answer = await ask(state.key, `${path}?${params({})}`, { ...body(given, value), source: given.get('source'), evidence: file.digest, note: given.get('note'), by });
    const id = number(answer);
    state.form.said = id ? say('entered', { id }) : say('enteredLater');
    Object.assign(state.form, { amount: '' });
    form.reset();
  } catch (error) {
    state.form.said = say('refusedBecause', { why: error.message });
  }
  state.form.busy = false;
  await refresh();
}

// --- what was entered, and what becomes of it

export function waiting(drawn) {
  return card('waiting', [say('toApprove'), h('span', { class: 'count', 'data-some': String(state.waiting.length > 0) }, String(state.waiting.length))],
    state.waiting.length ? h('ul', {}, state.waiting.map(drawn)) : h('p', { class: 'calm' }, say('nothingToApprove')));
}

export function newest(drawn) {
  const others = state.newest.filter((one) => one.state !== 'entered');
  return card('newest', say('newest'),
    others.length ? h('ul', {}, others.map(drawn)) : h('p', { class: 'calm' }, say('nothingEntered')),
    state.next && h('button', { 'data-do': 'more' }, say('more')));
}

// One of them: `name` tells it apart, `heading` and `lines` say what it is, `more` is what else is told of how it stands.
export function item(one, { name, heading, unit, amount, lines, zone, more = [] }) {
  const mine = !state.plant.you.shared && one.entered_by === state.plant.you.name, said = state.said.get(one.id);
  const press = (action, main) => h('button', { class: main && 'main', 'data-do': 'act', 'data-action': action, 'data-record': one.id, 'aria-label': `${say(action)}: ${name}` }, say(action));
  const acts = one.state === 'entered' ? [may('approve') && !mine && press('approve', true), may('refuse') && !mine && press('refuse'), mine && press('withdraw')] : one.state === 'approved' ? [may('strike') && press('strike')] : [];
  return h('li', { class: `record ${one.state}`, 'data-key': one.id },
    h('h3', {}, heading),
    h('p', {}, h('span', { class: 'value' }, exact(amount)), ' ', h('span', { class: 'unit' }, unit)),
    lines.map((line) => h('p', {}, line)),
    h('p', {}, one.source, one.note && h('span', { class: 'note' }, ` · ${one.note}`)),
    h('p', { class: 'note' }, h('span', { class: 'state' }, say(`is${one.state[0].toUpperCase()}${one.state.slice(1)}`)), ' · ', [say('enteredBy', { who: one.entered_by, time: moment(one.entered_at, zone, state.now) }), one.approved_by && say('approvedBy', { who: one.approved_by }), one.self_approved && say('alone'), ...more, one.ended_by && say('endedBy', { who: one.ended_by, why: one.reason ?? '' }), one.id].filter(Boolean).join(' · ')),
    mine && one.state === 'entered' && h('p', { class: 'note' }, say('yours')),
    h('div', { class: 'evidence' }, h('button', { class: 'plain', 'data-do': 'evidence', 'data-record': one.id, 'data-digest': one.evidence, 'aria-label': `${say('evidence')}: ${name}` }, say('evidence')), state.shown.get(one.id) && h('img', { src: state.shown.get(one.id), alt: one.source })),
    h('p', { class: 'actions' }, acts),
    said && h('p', { class: 'said', role: 'status' }, said));
}

// What the buttons of these do, by data-do; what they are of is at `path`, by `name` in its answers, so many at a time.
export const pressed = (path, name, most) => ({
  act: (told) => act(path, told),
  evidence: show,
  more: async () => {
    const page = await ask(state.key, `${path}?limit=${most}&cursor=${encodeURIComponent(state.next)}`);
    Object.assign(state, { newest: [...state.newest, ...page[name]], next: page.next });
    draw();
  },
});

// What waits, and what was entered lately.
export async function looked(path, name, most) {
  const [waits, all] = await Promise.all([ask(state.key, `${path}?state=entered&limit=${most}`), ask(state.key, `${path}?limit=${most}`)]);
  Object.assign(state, { waiting: waits[name], newest: all[name], next: all.next });
}

async function act(path, { record: id, action }) {
  const by = await signed();
  if (by === '') return;
  const reason = NEEDS_REASON.includes(action) ? await reasonFor(say(action), say('reason')) : undefined;
  if (reason === '') return;
  state.said.set(id, say('acting'));
  draw();
  try {
    const answer = await ask(state.key, `${path}/${encodeURIComponent(id)}?${params({})}`, { action, reason, by });
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

// A number as the language of the page writes it, null where it is none: 1.234,5 in Vietnamese, 1,234.5 in English. Grouped
// wrongly, as 1.234 in English with one group of three, it could be either, so what it was read as is always shown.
export function typed(text) {
  const [group, point] = spoken.language === 'vi' ? ['.', ','] : [',', '.'];
  const form = new RegExp(`^-?(\\d{1,3}(\\${group}\\d{3})+|\\d+)(\\${point}\\d+)?$`);
  const found = text.trim().replace(/[\s\u00a0\u202f]/g, '');
  if (!form.test(found)) return null;
  const value = Number(found.replaceAll(group, '').replace(point, '.'));
  return Number.isFinite(value) ? value : null;
}
