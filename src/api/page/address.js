// What the address says: which place, which period, parted by what, in which language. And periods: days of a park's clock.

import { spoken } from './text.js';

const DAY_MS = 86_400_000, HOUR_MS = 3_600_000;
const NAMES = ['park', 'facility', 'source', 'channel', 'gateway', 'alert', 'alerts', 'period', 'by', 'per'];
export const UNITS = ['day', 'week', 'month', 'year', 'range'];

// Where the page is: `live` where nothing else is named.
export function where() {
  const given = new URLSearchParams(location.search), at = Object.fromEntries(NAMES.filter((one) => given.get(one)).map((one) => [one, given.get(one)]));
  const view = at.alert ? 'alert' : at.alerts ? 'alerts' : at.gateway ? 'gateway' : at.channel ? 'channel' : at.facility || at.period ? 'place' : 'live';
  return { ...at, view, period: periodOf(at.period ?? '')?.text };
}

export function href(at) {
  return `?${new URLSearchParams([...NAMES.filter((one) => at[one]).map((one) => [one, at[one]]), ['lang', spoken.language]])}`;
}

// --- periods; days are told by their midnight in UTC, whatever the park's clock

const dayText = (day) => new Date(day).toISOString().slice(0, 10);
const monday = (day) => day - ((new Date(day).getUTCDay() + 6) % 7) * DAY_MS;
const parts = (day) => [new Date(day).getUTCFullYear(), new Date(day).getUTCMonth(), new Date(day).getUTCDate()];

function made(unit, from, to, text) {
  return from < to && from >= Date.UTC(1973, 0) && to <= Date.UTC(2260, 0) ? { unit, from, to, text } : null;
}

// A day 2026-11-24, a week 2026-W48, a month 2026-11, a year 2026, or 2026-11-01..2026-11-24, both days included; else null.
export function periodOf(text) {
  const [, first, last] = /^(\d{4}-\d\d-\d\d)\.\.(\d{4}-\d\d-\d\d)$/.exec(text) ?? [], [, year, week] = /^(\d{4})-W(\d\d)$/.exec(text) ?? [];
  if (first) return made('range', Date.parse(first), Date.parse(last) + DAY_MS, text);
  if (year) return containing('week', monday(Date.UTC(year, 0, 4)) + (week - 1) * 7 * DAY_MS);
  if (!/^\d{4}(-\d\d){0,2}$/.test(text) || Number.isNaN(Date.parse(text))) return null;
  return containing(['year', 'month', 'day'][text.split('-').length - 1], Date.parse(text));
}

export function containing(unit, day) {
  const [y, m] = parts(day);
  if (unit === 'year') return made(unit, Date.UTC(y, 0), Date.UTC(y + 1, 0), dayText(day).slice(0, 4));
  if (unit === 'month') return made(unit, Date.UTC(y, m), Date.UTC(y, m + 1), dayText(day).slice(0, 7));
  if (unit === 'day') return made(unit, day, day + DAY_MS, dayText(day));
  const first = monday(day), [ofYear] = parts(first + 3 * DAY_MS); // a week is of the year that its Thursday is in, ISO 8601
  if (unit === 'week') return made(unit, first, first + 7 * DAY_MS, `${ofYear}-W${String(Math.round((first - monday(Date.UTC(ofYear, 0, 4))) / DAY_MS / 7) + 1).padStart(2, '0')}`);
  return rangeOf(day, day);
}

export function rangeOf(first, last) {
  return made('range', first, last + DAY_MS, `${dayText(first)}..${dayText(last)}`);
}

// The period so many of its own length later, or before where `steps` is below 0.
export function moved({ unit, from, to }, steps) {
  const [y, m] = parts(from), long = to - from;
  if (unit === 'year') return containing(unit, Date.UTC(y + steps, 0));
  if (unit === 'month') return containing(unit, Date.UTC(y, m + steps));
  return unit === 'range' ? rangeOf(from + steps * long, to - DAY_MS + steps * long) : containing(unit, from + steps * long);
}

// The same of the year before: of a week the one of the same days of the week, else the same dates.
export function yearBefore(period) {
  const back = (day) => { const [y, m, d] = parts(day); return Date.UTC(y - 1, m, Math.min(d, new Date(Date.UTC(y - 1, m + 1, 0)).getUTCDate())); };
  if (period.unit === 'week') return containing('week', period.from - 52 * 7 * DAY_MS);
  return period.unit === 'range' ? rangeOf(back(period.from), back(period.to - DAY_MS)) : containing(period.unit, back(period.from));
}

function ahead(at, zone) {
  const told = new Intl.DateTimeFormat('en-US', { timeZone: zone, hourCycle: 'h23', year: 'numeric', month: 'numeric', day: 'numeric', hour: 'numeric', minute: 'numeric', second: 'numeric' }).formatToParts(at);
  const { year, month, day, hour, minute, second } = Object.fromEntries(told.map((one) => [one.type, Number(one.value)]));
  return Date.UTC(year, month - 1, day, hour, minute, second) - Math.floor(at / 1000) * 1000;
}

export const today = (zone, now) => Math.floor((now + ahead(now, zone)) / DAY_MS) * DAY_MS;

// The instant at which a day begins on a clock.
export function midnight(day, zone) {
  const near = day - ahead(day, zone);
  return day - ahead(near, zone);
}

// What is asked of a period: its instants; of one that is under way until the last whole window, and of another one, with which it is
// compared, as long a part: null before its first window is over.
export function span(period, zone, now, windowMs) {
  const from = midnight(period.from, zone), to = midnight(period.to, zone), passed = Math.floor((now - from) / windowMs) * windowMs;
  const running = now < to && passed > 0, part = (of) => { const start = midnight(of.from, zone), end = midnight(of.to, zone); return now >= from && now < to && !running ? null : { from: start, to: running ? Math.min(end, start + passed) : end }; };
  const days = (period.to - period.from) / DAY_MS, every = days <= 2 ? '1h' : days <= 92 ? '1d' : '1mo';
  return { from, to, running, every, known: { from, to: running ? from + passed : to }, before: part(moved(period, -1)), year: part(yearBefore(period)) };
}

export const asQuery = ({ from, to }) => ({ from: new Date(from).toISOString(), to: new Date(to).toISOString() });
export const around = (at, before, after) => ({ from: Math.floor((at - before) / HOUR_MS) * HOUR_MS, to: Math.ceil((at + after) / HOUR_MS) * HOUR_MS });
