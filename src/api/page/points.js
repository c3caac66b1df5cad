// A channel and a gateway: what they say, since when they say nothing, and what is missing of it.

import { asQuery, periodOf, span } from './address.js';
import { bars, curve, twin } from './charts.js';
import { dashed, fact, grid, h, link, placeLink, skeleton, takeAlong, zoneOf } from './draw.js';
import { channelGrid } from './place.js';
import { UNKNOWN, age, exact, moment, periodName, say, share, stepName } from './text.js';

const MEANS = ['rate', 'level']; // what is told by its readings; of anything else by amounts

const between = (words) => words.filter(Boolean).flatMap((one, at) => (at ? [' · ', one] : [one]));

export const ofChannel = {
  title: (state) => state.at.channel,
  async load(at, state, ask) {
    const { park, facility, channel } = at, zone = zoneOf(state, park), period = periodOf(at.period ?? state.today), asked = span(period, zone, state.now, state.plant.window_s * 1000), of = { park, facility };
    const { channels } = await ask(`/v1/channels?${new URLSearchParams({ ...of, limit: 1000 })}`), one = channels.find((found) => found.channel === channel), isMean = MEANS.includes(one?.kind);
    const path = `/v1/series?${new URLSearchParams({ kind: isMean ? 'reading' : 'activity', every: asked.every === '1h' && isMean ? '15m' : asked.every, ...asQuery(asked), ...of, channel })}`;
    const [series, quality, limits] = await Promise.all([ask(path), one && !one.entered ? ask(`/v1/quality/channels?${new URLSearchParams({ ...of, channel, ...asQuery(asked.known) })}`).catch(() => null) : null,
      one?.kind === 'level' ? ask(`/v1/limits?${new URLSearchParams({ ...of, ...asQuery(asked), means: true })}`).catch(() => null) : null]);
    return { one, period, asked, zone, series, path, isMean, quality: quality?.channels[0], standards: (limits?.standards ?? []).filter((found) => found.channel === channel) };
  },
  draw(state, { one, period, asked, zone, series, path, isMean, quality, standards }) {
    const { park, facility, channel } = state.at, time = (text) => (text ? moment(text, zone, state.now) : say('unknown')), title = `${say(isMean ? 'readings' : 'amount')}, ${periodName(period)}`;
    const labels = series.times.map((text) => stepName(text, asked.every, zone)), told = series.coverage.map((covered) => (covered === null ? '' : say('known', { share: share(covered) }))), parts = [{ name: channel, values: series.values }];
    const label = `${channel}: ${title}`;
    return [
      h('section', { class: 'card facts', 'data-key': 'facts' }, h('p', { class: 'note' }, between([placeLink(state, park, facility), one?.gateway && link(state, { park, facility, gateway: one.gateway }, one.gateway)])),
        !one ? h('p', { class: 'calm' }, say('virtual')) : h('dl', {},
          fact('valueNow', one.latest ? `${exact(one.latest.value)} ${one.unit}` : UNKNOWN, one.latest && h('span', { class: 'note' }, ` ${one.latest.quality}, ${one.latest.verdict}`)),
          fact('standing', one.stale || one.away ? h('span', { class: 'silent' }, one.latest ? say('silentSince', { time: time(one.latest.time), age: age(state.now - new Date(one.latest.time)) }) : say('noReading')) : say('speaks')),
          fact('heard', one.latest ? time(one.latest.time) : say('noReading')), fact('usedBy', one.used_by.length ? between(one.used_by.map((source) => link(state, { park, facility, source, period: period.text }, source))) : '·'),
          fact('kind', `${one.kind}, ${one.quantity}, ${one.unit}`), one.serial && fact('serial', one.serial))),
      h('section', { class: 'card', 'data-key': 'curve', 'aria-labelledby': 'curve' }, h('h2', { id: 'curve' }, title, h('span', { class: 'unit' }, series.unit)),
        isMean ? curve(labels, series.values, { label, unit: series.unit, bridged: (one.max_gap_s * 1000) / (Date.parse(series.times[1]) - Date.parse(series.times[0])) }) : bars(labels, parts, { label, unit: series.unit, told, future: series.times.map((text) => Date.parse(text) > state.now), doubtful: series.coverage.map((covered, at) => Date.parse(series.times[at]) < state.now && covered < 1 - dashed.from) }),
        twin(labels, parts, series.unit, isMean ? [] : told), takeAlong(state, 'curve', { name: [park, facility, channel.replaceAll('/', '-'), period.text].join('_'), title: label, caption: say('zone', { zone }), path }, true)),
      ...standards.flatMap((standard) => limitsOf(state, standard, zone)),
      quality && h('section', { class: 'card facts', 'data-key': 'quality', 'aria-labelledby': 'quality' }, h('h2', { id: 'quality' }, say('quality'), h('span', { class: 'unit' }, periodName(period))),
        h('dl', {}, Object.entries(quality).filter(([name, value]) => typeof value === 'number' && COUNTS[name]).map(([name, value]) => fact(COUNTS[name], name === 'coverage' ? share(value) : exact(value))),
          quality.longest_gap && fact('longestGap', `${time(quality.longest_gap.from)} – ${time(quality.longest_gap.to)}`))),
    ];
  },
  skeleton: () => skeleton('middle', 'tall'),
};

// What a channel must keep: each limit beside its newest mean and what was outside, and the means against the one in force.
function limitsOf(state, { name, averaging, unit, limits }, zone) {
  const key = `limits-${name}`, now = limits.find((one) => one.standing === 'in_force'), title = `${say('limits')}: ${name}`, every = averaging === 'day' ? '1d' : '1h';
  return [
    grid(state, key, title, [
      { name: 'limitOf', cell: (one) => [one.row, one.status === 'provisional' && h('span', { class: 'note' }, ` ${say('provisional')}`)], raw: (one) => one.row },
      { name: 'standing', cell: (one) => say(`limit_${one.standing}`), raw: (one) => one.standing },
      { name: 'atMost', unit, cell: (one) => [one.low === null ? exact(one.high) : `${exact(one.low)} – ${exact(one.high)}`, one.reference_oxygen !== null && h('span', { class: 'note' }, ` ${exact(one.reference_oxygen)} % O₂`)], raw: (one) => one.high },
      { name: 'newestMean', unit, cell: (one) => (one.value === null ? UNKNOWN : [exact(one.value), h('span', { class: 'note' }, ` ${moment(one.value_at, zone, state.now)}`)]), raw: (one) => one.value },
      { name: `outside_${averaging}`, cell: (one) => (one.outside === null ? UNKNOWN : one.outside), raw: (one) => one.outside },
      { name: 'quality', cell: (one) => share(one.coverage), raw: (one) => one.coverage },
    ], limits, { of: (one) => one.row }),
    now?.means.values.some((value) => value !== null) && h('section', { class: 'card', 'data-key': `${key}-curve`, 'aria-labelledby': `${key}-curve` }, h('h2', { id: `${key}-curve` }, say('againstLimit', { name: now.row }), h('span', { class: 'unit' }, unit)),
      curve(now.means.times.map((text) => stepName(text, every, zone)), now.means.values, { label: title, unit, limit: now.high })),
  ];
}

const COUNTS = { coverage: 'covered', outliers: 'outliers', anomalies: 'anomalies', conflicts: 'conflicts', gaps: 'gaps' };

export const ofGateway = {
  title: (state) => state.at.gateway,
  async load({ park, facility, gateway }, state, ask) {
    const [found, { channels }] = await Promise.all([ask(`/v1/gateways?${new URLSearchParams({ park, facility, limit: 1000 })}`), ask(`/v1/channels?${new URLSearchParams({ park, facility, gateway, limit: 1000 })}`)]);
    return { one: found.gateways.find((each) => each.gateway === gateway), channels };
  },
  draw(state, { one, channels }) {
    if (!one) return h('p', { class: 'calm' }, say('none'));
    const zone = zoneOf(state, one.park), time = (text) => (text ? moment(text, zone, state.now) : say('unknown')), word = one.online === null ? 'saysNothing' : one.online ? 'online' : 'offline';
    const place = `${one.park}/${one.facility}/${one.gateway}`, missing = one.boots.flatMap((boot) => boot.missing), may = one.sparkplug_nodes.length > 0 && state.plant.you.role !== 'viewer';
    return [
      h('section', { class: `card facts ${word}`, 'data-key': 'facts' }, h('p', { class: 'note' }, placeLink(state, one.park, one.facility)),
        h('dl', {}, fact('standing', h('span', { class: one.online === false ? 'silent' : '' }, say(word)), h('span', { class: 'note' }, ` ${time(one.said_at)}`)), fact('heard', time(one.heard_at), one.silence_s !== null && h('span', { class: 'note' }, ` ${say('ago', { age: age(one.silence_s * 1000) })}`)),
          one.clock_skew_s !== null && fact('skew', `${exact(one.clock_skew_s)} s`), fact('missingMessages', one.source_class === 'A' ? (missing.length ? missing.map((range) => range.join('–')).join(', ') : say('none')) : say('notNumbered')),
          one.absent_devices.length > 0 && fact('absent', one.absent_devices.map((device) => `${device.device} (${say('since', { time: time(device.since) })})`).join(', ')),
          fact('refused24', Object.entries(one.refused_24h).map(([code, n]) => `${code} ${n}`).join(', ') || say('none'))),
        may && h('p', { class: 'actions' }, h('button', { 'data-do': 'rebirth', 'data-gateway': place, 'aria-label': `${say('rebirth')}: ${one.gateway}` }, say('rebirth'))),
        state.said.get(place) && h('p', { class: 'said', role: 'status' }, state.said.get(place))),
      channelGrid(state, channels, zone),
    ];
  },
  skeleton: () => skeleton('middle', 'long'),
};
