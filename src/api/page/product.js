// Tonnes of a facility per unit of what it makes: a channel of an amount that whoever looks chooses.

import { asQuery, href } from './address.js';
import { bars, twin } from './charts.js';
import { dashed, h, sum, takeAlong } from './draw.js';
import { number, periodName, say, stepName } from './text.js';

const MOST_CHOICES = 8;
const DIGITS = 4; // that are told of a quotient

const seriesOf = ({ park, facility, per }, asked) => `/v1/series?${new URLSearchParams({ kind: 'activity', every: asked.every, ...asQuery(asked), park, facility, channel: per })}`;

export const loadMade = (at, asked, ask) => (at.per && at.facility && !at.source ? ask(seriesOf(at, asked)).catch((error) => ({ error })) : null);

// Of each step the tonnes, the amount and their quotient, null where either is not known as a whole.
function perUnit({ steps, made }) {
  const tonnes = steps.times.map((_, step) => sum(steps.parts.map((one) => one.values[step])));
  const isKnown = (body, step) => (body.coverage[step] ?? 0) >= 1 - dashed.from;
  const known = steps.times.map((_, step) => isKnown(steps, step) && isKnown(made, step) && tonnes[step] !== null && made.values[step] !== null);
  const all = (values) => sum(values.filter((_, step) => known[step]));
  const whole = all(made.values);
  return {
    values: tonnes.map((one, step) => (known[step] && made.values[step] > 0 ? one / made.values[step] : null)),
    whole: whole > 0 ? all(tonnes) / whole : null, made: whole, counted: known.filter(Boolean).length,
    due: steps.times.filter((time, step) => made.coverage[step] !== null || steps.coverage[step] !== null).length,
  };
}

// What the facility may be measured by: amounts that no source is calculated from.
function choices(at, channels) {
  const names = channels.filter((one) => one.kind !== 'level' && !one.used_by.length).map((one) => one.channel);
  return at.per && !names.includes(at.per) ? [at.per, ...names] : names;
}

export function product(state, at, found) {
  const names = at.facility && !at.source ? choices(at, found.channels) : [], { steps, made } = found;
  if (!names.length) return false;
  const choose = h('p', { class: 'by', role: 'group', 'aria-label': say('perUnit') }, names.slice(0, MOST_CHOICES).map((name) => h('a', { href: href({ park: at.park, facility: at.facility, period: at.period, by: at.by, per: name === at.per ? null : name }), 'aria-current': name === at.per ? 'true' : null }, name)),
    names.length > MOST_CHOICES && h('span', { class: 'note' }, say('leftOut', { n: names.length - MOST_CHOICES })));
  return h('section', { class: 'card', 'data-key': 'per', 'aria-labelledby': 'per' }, h('h2', { id: 'per' }, say('perUnit'), made && !made.error && h('span', { class: 'unit' }, `t/${made.unit}`)), choose,
    made && (made.error || steps.error ? h('p', { class: 'calm' }, say('failed', { why: (made.error ?? steps.error).message })) : drawn(state, at, found)));
}

function drawn(state, at, { steps, made, asked, zone, period }) {
  const told = perUnit({ steps, made }), labels = steps.times.map((time) => stepName(time, asked.every, zone)), unit = `t/${made.unit}`, label = `${say('perUnit')}: ${at.per}, ${periodName(period)}`;
  const digits = Math.max(0, DIGITS - 1 - Math.floor(Math.log10(told.whole || 1))), parts = [{ name: say('perUnit'), values: told.values }];
  return [
    h('p', { class: 'figure' }, h('span', { class: 'value', 'data-trust': told.whole === null ? 'unknown' : 'measured' }, number(told.whole, digits)), h('span', { class: 'unit' }, unit)),
    h('p', { class: 'note' }, say('perKnown', { made: `${number(told.made)} ${made.unit}`, n: told.counted, m: told.due })),
    told.counted > 0 && bars(labels, parts, { label, unit, told: labels.map(() => ''), future: steps.times.map((time) => Date.parse(time) > state.now), doubtful: labels.map(() => false) }), twin(labels, parts, unit),
    takeAlong(state, 'per', { name: [at.park, at.facility, at.per.replaceAll('/', '-'), at.period].join('_'), title: label, caption: say('zone', { zone }), rows: [[say('when'), `${say('perUnit')} [${unit}]`], ...steps.times.map((time, step) => [time, told.values[step]])] }, true),
  ];
}
