// What opens over the page: why a number is what it is, and who acts.

import { bar, h, knownText, lay, titleOf, trust, zoneOf } from './draw.js';
import { UNKNOWN, exact, moment, number, say, share } from './text.js';

const NAME = 'stackmeter.name';

function open(dialog) {
  document.body.append(dialog);
  dialog.addEventListener('close', () => dialog.remove());
  dialog.showModal();
  return dialog;
}

// Asked once in a browser, where the key is of several people.
export function who() {
  const kept = localStorage.getItem(NAME);
  if (kept) return Promise.resolve(kept);
  return new Promise((resolve) => {
    const field = h('input', { name: 'by', required: true, maxlength: 100, autocomplete: 'name' });
    const form = h('form', { method: 'dialog' }, h('h2', { id: 'who' }, say('who')), h('label', {}, say('whoHint'), field), h('p', { class: 'actions' }, h('button', { class: 'main', value: 'ok' }, say('ok')), h('button', { value: '', formnovalidate: true }, say('cancel'))));
    const dialog = open(h('dialog', { 'aria-labelledby': 'who' }, form));
    field.focus();
    dialog.addEventListener('close', () => {
      const name = field.value.trim();
      if (dialog.returnValue === 'ok' && name) localStorage.setItem(NAME, name);
      resolve(dialog.returnValue === 'ok' ? name : '');
    });
  });
}

// Why something is done; '' where it is not done after all.
export function reasonFor(title, hint) {
  return new Promise((resolve) => {
    const field = h('input', { name: 'reason', required: true, maxlength: 500 });
    const form = h('form', { method: 'dialog' }, h('h2', { id: 'reason' }, title), h('label', {}, hint, field), h('p', { class: 'actions' }, h('button', { class: 'main', value: 'ok' }, title), h('button', { value: '', formnovalidate: true }, say('cancel'))));
    const dialog = open(h('dialog', { 'aria-labelledby': 'reason' }, form));
    field.focus();
    dialog.addEventListener('close', () => resolve(dialog.returnValue === 'ok' ? field.value.trim() : ''));
  });
}

export function explain(state, first, ask) {
  const content = h('div', {}), trail = [first];
  const dialog = open(h('dialog', { class: 'explain', 'aria-labelledby': 'why' }, content));
  const show = async () => {
    const path = trail.at(-1);
    draw(h('p', { class: 'calm' }, say('loading')));
    try {
      const body = path.startsWith('/') ? await ask(path) : ofAll(state, path);
      if (path === trail.at(-1)) draw(told(state, body, path));
    } catch (error) {
      if (path === trail.at(-1)) draw(h('p', { class: 'wrong', role: 'alert' }, say('failed', { why: error.message })));
    }
  };
  const draw = (...parts) => lay(content, h('div', {}, h('div', { class: 'top' }, h('h2', { id: 'why' }, say('why')), trail.length > 1 && h('button', { 'data-to': 'back' }, say('back')), h('button', { 'data-to': 'close', autofocus: true }, say('close'))), parts));
  dialog.addEventListener('click', (event) => {
    const to = event.target.closest('[data-to]')?.dataset.to;
    if (to === 'close' || event.target === dialog) dialog.close();
    else if (to === 'back') trail.pop(), show();
    else if (to) trail.push(to), show();
  });
  show();
}

// All parks are no place that the service explains: their parts are the parks, which it has told of already.
function ofAll(state, period) {
  const rows = period === 'today' ? state.totals.today : state.totals.month;
  const all = rows.find((one) => !one.park), parks = rows.filter((one) => one.park && !one.facility);
  return { result: all, park: null, children: parks.map((one) => ({ ...one, level: 'park', name: one.park, query: `/v1/explain?${new URLSearchParams({ park: one.park, period })}` })) };
}

function told(state, body, path) {
  const zone = zoneOf(state, body.park), time = (text) => moment(text, zone, state.now), result = body.result;
  const place = [titleOf(state, body.park), body.facility && titleOf(state, body.park, body.facility), body.source].filter(Boolean).join(' · ');
  return [
    h('p', { class: 'place' }, place, body.period && h('span', { class: 'note' }, ` ${time(body.period.from)} – ${time(body.period.to)}`)),
    h('p', { class: 'figure' }, h('span', { class: 'value', 'data-trust': trust(result.co2e_t, result.shares) }, exact(result.co2e_t)), h('span', { class: 'unit' }, say('tonnes'))),
    bar(result.shares),
    h('p', { class: 'note' }, knownText(result.coverage, result.known_from, zone, state.now), result.revision !== undefined && ` · ${say('revision')} ${result.revision}`, result.activity !== null && result.activity_unit && ` · ${exact(result.activity)} ${result.activity_unit}`),
    body.children.length > 0 && parts(state, body, zone, path),
    body.window && made(body.window, time),
  ];
}

function parts(state, body, zone, path) {
  const name = (one) => one.name === null ? `${moment(one.period.from, zone, state.now)}` : one.level === 'facility' ? titleOf(state, body.park, one.name) : one.level === 'park' ? titleOf(state, one.name) : one.name;
  const facility = state.totals.today.find((one) => one.park === body.park && one.facility === body.facility && !one.scope);
  const newest = body.source && facility?.complete_until && newestWindow(state, body, facility.complete_until);
  return h('section', {}, h('h3', {}, say('parts')),
    newest && newest !== path && h('p', {}, h('button', { 'data-to': newest }, say('recent'))),
    h('table', { class: 'small' }, h('tbody', {}, body.children.map((one) => h('tr', {}, h('th', { scope: 'row' }, h('button', { class: 'plain', 'data-to': one.query }, name(one))), h('td', {}, one.co2e_t === null ? UNKNOWN : `${number(one.co2e_t)} t`), h('td', { class: 'note' }, one.co2e_t === null ? say('unknown') : knownText(one.coverage, one.known_from, zone, state.now)))))));
}

function newestWindow(state, body, until) {
  const ms = state.plant.window_s * 1000, start = Math.floor(new Date(until) / ms) * ms - ms;
  return `/v1/explain?${new URLSearchParams({ park: body.park, facility: body.facility, source: body.source, at: new Date(start).toISOString() })}`;
}

function made(window, time) {
  const { method, factor, gwp, parameters, inputs, recomputed, history } = window;
  const fact = (word, ...content) => [h('dt', {}, say(word)), h('dd', {}, content)];
  return h('section', {},
    h('dl', {},
      fact('method', method.title, h('span', { class: 'note' }, ` ${[method.reference, ...parameters.map((one) => `${one.name} ${exact(one.value)} ${one.unit === '1' ? '' : one.unit ?? ''}${one.since ? ` ${say('validFrom', { from: time(one.since) })}` : ''}`.trim())].join(' · ')}`)),
      factor && fact('factor', `${factor.row ?? factor.name} `, factor.values.map((one) => `${one.name} ${exact(one.value)} ${one.unit ?? ''}`).join(', '), h('span', { class: 'note' }, ` ${[factor.status && say(factor.status), factor.valid_from && say('validFrom', { from: time(factor.valid_from) }), factor.valid_to && say('validTo', { to: time(factor.valid_to) }), factor.source].filter(Boolean).join(' · ')}`)),
      fact('gwp', gwp.name, h('span', { class: 'note' }, ` ${gwp.title}: ${Object.entries(gwp.potentials).map(([gas, value]) => `${gas} ${exact(value)}`).join(', ')}`))),
    h('h3', {}, say('inputs')), inputs.map((one) => input(one, time)),
    h('p', { class: 'note' }, recomputed.same_bits === null ? '' : say(recomputed.same_bits ? 'same' : 'notSame')),
    history.length > 0 && [h('h3', {}, say('history')), h('table', { class: 'small' }, h('tbody', {}, history.map((one) => h('tr', {}, h('th', { scope: 'row' }, time(one.at)), h('td', {}, `${number(one.old.co2e_t)} → ${number(one.new.co2e_t)} t`), h('td', { class: 'note' }, one.cause)))))]);
}

function input(one, time) {
  return h('div', { class: 'input' }, h('p', {}, h('b', {}, one.channel), ` ${one.role ?? ''}: ${exact(one.value)} ${one.value_unit} `, h('span', { class: 'note' }, `${say('covered')} ${share(one.measured + one.interpolated)}${one.formula ? ` · ${one.formula}` : ''}`)),
    one.readings.length > 0 && h('table', { class: 'small' }, h('tbody', {}, one.readings.filter((reading) => reading.used).map((reading) => h('tr', {}, h('th', { scope: 'row' }, time(reading.time)), h('td', {}, `${exact(reading.value)} ${one.unit}`), h('td', { class: 'note' }, `${reading.quality}, ${reading.verdict}`))))),
    one.made_of.map((part) => input(part, time)));
}
