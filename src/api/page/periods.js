// The bar of periods: which one, the one before and after, and other units of it.

import { containing, href, moved, periodOf, rangeOf, today, UNITS } from './address.js';
import { h, zoneOf } from './draw.js';
import { periodName, say } from './text.js';

export function periodBar(state, at) {
  const zone = zoneOf(state, at.park), now = today(zone, state.now), chosen = at.view === 'live' ? null : periodOf(at.period ?? ''), of = (period) => href({ ...at, period: period.text });
  // A shorter unit begins where the longer one does, but of what is under way it is the one of today.
  const within = (unit) => containing(unit, !chosen || (chosen.from <= now && now < chosen.to) ? now : chosen.from);
  const step = (word, sign, steps) => { const other = moved(chosen, steps); return other && h('a', { class: 'step', href: of(other), 'data-step': steps, 'aria-label': `${say(word)}: ${periodName(other)}` }, sign); };
  return h('div', { class: 'periods', role: 'group', 'aria-label': say('period'), 'data-key': 'periods' },
    !at.facility && !at.channel && h('a', { href: href({ park: at.park }), 'aria-current': chosen ? null : 'page', 'data-unit': 'now' }, say('nowView')),
    UNITS.map((unit) => h('a', { href: of(within(unit)), 'aria-current': chosen?.unit === unit ? 'page' : null, 'data-unit': unit }, say(`unit_${unit}`))),
    chosen && h('span', { class: 'chosen' }, step('earlierPeriod', '◀', -1), h('b', {}, periodName(chosen)), step('laterPeriod', '▶', 1)),
    chosen?.unit === 'range' && h('form', { class: 'days', 'data-do': 'range' }, ['from', 'until'].map((name) => h('label', {}, say(name), h('input', { type: 'date', name, required: true, value: new Date(name === 'from' ? chosen.from : chosen.to - 1).toISOString().slice(0, 10) }))), h('button', {}, say('show'))));
}

export const chosenRange = (form) => { const { from, until } = Object.fromEntries(new FormData(form)), [first, last] = [from, until].sort().map(Date.parse); return rangeOf(first, last); };
