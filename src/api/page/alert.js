// All alerts, and one of them: with its curve, who was told, what was done, and those of before.

import { around, asQuery } from './address.js';
import { acts, badge, severity, standing, summaryOf } from './alerts.js';
import { curve, twin } from './charts.js';
import { fact, grid, h, link, skeleton, takeAlong, where, zoneOf } from './draw.js';
import { age, exact, moment, say, sayText, stepName } from './text.js';

const HOUR_MS = 3_600_000, LONGEST_MS = 24 * HOUR_MS;
const MOST_TOLD = 20; // attempts to deliver that are shown
const KINDS = ['firing', 'resolved', 'acknowledged', 'snoozed', 'assigned', 'commented', 'silenced', 'inhibited', 'escalated'];

// --- the view of all

export const ofAlerts = {
  title: () => say('allAlerts'),
  load: ({ park }, state, ask) => ask(`/v1/alerts?${new URLSearchParams({ limit: 200, ...(park && { park }) })}`),
  draw(state, told) {
    const zone = zoneOf(state, state.at.park), time = (text) => (text ? moment(text, zone, state.now) : say('lasts'));
    return grid(state, 'all-alerts', say('allAlerts'), [
      { name: 'alert', cell: (one) => link(state, { alert: one.id }, summaryOf(one)), raw: summaryOf },
      { name: 'severity', cell: badge, raw: (one) => one.severity },
      { name: 'place', cell: (one) => where(state, one.labels), raw: (one) => Object.values(one.labels).join('/') },
      { name: 'from', cell: (one) => time(one.started_at), raw: (one) => one.started_at },
      { name: 'until', cell: (one) => time(one.ended_at), raw: (one) => one.ended_at },
      { name: 'who_', cell: (one) => one.acknowledged_by ?? '·', raw: (one) => one.acknowledged_by },
    ], told.alerts, { of: (one) => one.id, note: told.next && say('newestOf', { n: told.alerts.length }), sorts: true });
  },
  skeleton: () => skeleton('long'),
};

// --- the view of one

// What a rule compares: of each step of its channel's readings the one nearest to its limit or farthest beyond, else the tonnes an hour of its source or place.
function curveOf({ labels, started_at: start, ended_at: end, comparison }, now) {
  const from = Date.parse(start), until = end ? Date.parse(end) : now, near = around(from, HOUR_MS, Math.min(until - from, LONGEST_MS) + HOUR_MS), long = near.to - near.from;
  const { park, facility, channel, source } = labels, every = channel ? (long > 6 * HOUR_MS ? '15m' : '1m') : '1h';
  if (!park || (!channel && labels.gateway)) return null;
  return `/v1/series?${new URLSearchParams({ kind: channel ? 'reading' : 'emission', every, ...asQuery(near), park, ...(facility && { facility }), ...(channel ? { channel, agg: comparison.startsWith('<') ? 'min' : 'max' } : source && { source }) })}`;
}

export const ofAlert = {
  title: (state) => (state.found?.data ? summaryOf(state.found.data.one) : say('alert')),
  async load({ alert: id }, state, ask) {
    const one = await ask(`/v1/alerts/${encodeURIComponent(id)}`), { park, facility, channel } = one.labels, path = curveOf(one, state.now);
    const quietly = (asked) => ask(asked).catch(() => null); // what this key may not ask, or is not there, is said to be missing
    const [series, channels, before, sent] = await Promise.all([path && quietly(path), channel && quietly(`/v1/channels?${new URLSearchParams({ park, facility, limit: 1000 })}`),
      quietly(`/v1/alerts?${new URLSearchParams({ rule: one.rule, limit: 11, ...(park && { park }), ...(facility && { facility }) })}`), quietly(`/v1/webhooks/deliveries?${new URLSearchParams({ alert: id })}`)]);
    return { one, path, series, before: (before?.alerts ?? []).filter((other) => other.id !== id), channel: channels?.channels.find((found) => found.channel === channel), sent };
  },
  draw(state, { one: asked, path, series, before, channel, sent }) {
    const one = { ...asked, ...state.alerts?.open.find((open) => open.id === asked.id) }, zone = zoneOf(state, one.labels.park), time = (text) => moment(text, zone, state.now);
    return [
      h('section', { class: `card one-alert alert ${severity(one)}`, 'data-key': 'one' },
        h('p', { class: 'kind' }, badge(one), h('span', { class: 'note' }, standing(state, one))),
        h('p', { class: 'note' }, where(state, one.labels)),
        h('dl', {}, fact('from', time(one.started_at)), fact('until', one.ended_at ? `${time(one.ended_at)} (${age(one.duration_s * 1000)})` : `${say('lasts')}, ${age(state.now - new Date(one.started_at))}`),
          one.value !== null && fact('valueThen', `${exact(one.value)} ${one.unit}`), one.limit !== null && fact('limitOf', `${one.comparison} ${exact(one.limit)} ${one.unit}`),
          channel?.latest && fact('valueNow', `${exact(channel.latest.value)} ${channel.unit}`, h('span', { class: 'note' }, ` ${time(channel.latest.time)}`)),
          one.muted_by && fact('mutedBy', one.muted_by), sayText(one.texts?.first_action) && fact('doFirst', sayText(one.texts.first_action)), one.description && fact('about', one.description)),
        acts(state, one)),
      series && drawnCurve(state, one, series, path, zone, channel),
      h('section', { class: 'card', 'data-key': 'happened', 'aria-labelledby': 'happened' }, h('h2', { id: 'happened' }, say('happened')),
        h('ol', { class: 'steps' }, asked.events.map((event) => h('li', {}, h('b', {}, time(event.at)), ' ', KINDS.includes(event.kind) ? say(`did_${event.kind}`) : event.kind, event.by && ` · ${event.by}`, h('span', { class: 'note' }, ` ${['comment', 'to', 'until', 'silence', 'receiver'].map((name) => event.detail[name]).filter(Boolean).join(' · ')}`))))),
      told(sent, time),
      before.length > 0 && grid(state, 'before', say('earlier'), [
        { name: 'from', cell: (other) => link(state, { alert: other.id }, time(other.started_at)), raw: (other) => other.started_at },
        { name: 'lasted', cell: (other) => (other.ended_at ? age(other.duration_s * 1000) : say('lasts')), raw: (other) => other.duration_s },
        { name: 'who_', cell: (other) => other.acknowledged_by ?? '·', raw: (other) => other.acknowledged_by },
      ], before, { of: (other) => other.id }),
    ];
  },
  skeleton: () => skeleton('middle', 'tall', 'middle'),
};

function drawnCurve(state, one, series, path, zone, channel) {
  const labels = series.times.map((text) => stepName(text, '1h', zone)), step = (Date.parse(series.times[1]) - Date.parse(series.times[0])) / HOUR_MS || 1, isRate = !one.labels.channel;
  const values = isRate ? series.values.map((value) => (value === null ? null : value / step)) : series.values, unit = isRate ? 't/h' : series.unit;
  const place = (text) => series.times.findLastIndex((time) => Date.parse(time) <= Date.parse(text));
  const marks = [{ at: place(one.started_at), name: say('did_firing') }, ...(one.ended_at ? [{ at: place(one.ended_at), name: say('did_resolved') }] : [])].filter(({ at }) => at >= 0), title = say('curveAround');
  return h('section', { class: 'card', 'data-key': 'curve', 'aria-labelledby': 'curve' }, h('h2', { id: 'curve' }, title, h('span', { class: 'unit' }, unit)),
    curve(labels, values, { label: `${title}: ${summaryOf(one)}`, unit, limit: one.unit === unit ? one.limit : null, marks, bridged: channel ? channel.max_gap_s / 3600 / step : 0 }), twin(labels, [{ name: title, values }], unit),
    takeAlong(state, 'curve', { name: `alert-${one.rule}`, title, path }, true));
}

// Who was told of it, alone or with others of its group: the newest attempts to deliver.
function told(sent, time) {
  return h('section', { class: 'card', 'data-key': 'told', 'aria-labelledby': 'told' }, h('h2', { id: 'told' }, say('told')),
    !sent ? h('p', { class: 'calm' }, say('toldNotFor')) : !sent.deliveries.length ? h('p', { class: 'calm' }, say('toldNobody'))
      : h('ul', { class: 'steps' }, sent.deliveries.slice(0, MOST_TOLD).map((one) => h('li', {}, h('b', {}, time(one.at)), ` ${one.endpoint} · `, one.error || say('delivered')))));
}
