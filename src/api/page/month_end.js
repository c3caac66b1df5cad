// Month end as a work: what keeps a park's month from being final, its closing, and the papers that are issued of it.

import { day, draw, open, refresh, save, signed, state } from './beside.js';
import { explain } from './dialogs.js';
import { h, parkOf, titleOf, zoneOf } from './draw.js';
import { ask, take } from './stream.js';
import { exact, moment, number, say, share, spoken } from './text.js';
import './month_end_text.js';

const DECIDES = ['approver', 'admin'];
// What a link of the API lists, each row as a line.
const LISTED = {
  quarantine: (body, time) => body.causes.map((one) => `${time(one.last_at)} · ${one.gateway || one.sample.topic} · ${one.sample.detail} (${one.count})`),
  provisional: (body) => body.factors.map((one) => `${one.row} · ${one.source} · ${one.used_by.join(', ')}`),
  imbalance: (body) => body.boundaries.map((one) => `${one.title || one.name}: ${share(one.unallocated_share)}, ${exact(one.unallocated)} ${one.unit} · ${one.worst_channel ?? ''}`),
  exchange: (body) => body.exchanges.map((one) => `${one.title}: ${one.sent.facility} ${exact(one.sent.amount)} ${one.unit} → ${one.received.facility} ${exact(one.received.amount)} ${one.unit} · ${share(one.share)}`),
};

const word = (before, name) => say(before + name.replace(/(^|_)(\w)/g, (_, __, letter) => letter.toUpperCase()));
const decides = () => DECIDES.includes(state.plant.you.role);
const params = (values) => new URLSearchParams({ ...values, language: spoken.language });
const asked = (path) => ask(state.key, path);
// The explanation knows no totals of today here: the newest whole window is of the live page.
Object.assign(state, { totals: { today: [], month: [] }, listed: new Map(), asked: { park: null, month: null }, paper: { form: null, place: null, periods: null, language: null, open: null, said: '', busy: false }, said: '' });

function content() {
  return h('div', { class: 'month' }, choice(),
    state.told.refused ? h('p', { class: 'calm choice' }, say('noMonth', { why: state.told.refused })) : h('div', { class: 'side', 'data-key': 'todo' }, stops(), others(), decisions()),
    h('div', { class: 'side', 'data-key': 'papers' }, papers(), issued(), duties()));
}

const card = (key, title, ...parts) => h('section', { class: 'card', 'data-key': key, 'aria-labelledby': key }, h('h2', { id: key }, title), parts);
const select = (key, name, label, options, chosen) => h('label', { 'data-key': key }, say(label), h('select', { name }, options.map(([value, text]) => h('option', { value, selected: value === chosen }, text))));

function monthText(text) {
  if (spoken.language === 'vi') return text.split('-').reverse().join('/');
  return new Intl.DateTimeFormat('en-GB', { timeZone: 'UTC', month: 'short', year: 'numeric' }).format(new Date(`${text}-01`));
}

function choice() {
  const { park, month } = state.asked, period = state.told.period;
  const told = period && [word('month', period.status), say('reported', { tonnes: number(period.reported_t) }), say('coveredBy', { share: share(period.coverage) }), period.provisional_share > 0 && say('onProvisional', { share: share(period.provisional_share) }), period.closed_by && say('closedBy', { who: period.closed_by }), period.despite && say('despiteOf', { why: period.despite })];
  return h('section', { class: 'card choice', 'data-key': 'choice' },
    h('form', { class: 'pair' },
      select('park', 'park', 'park', state.plant.parks.map((one) => [one.name, titleOf(state, one.name)]), park),
      select(`month-${park}`, 'month', 'chosenMonth', months().map((one) => [one, monthText(one)]), month)),
    period && h('p', { class: 'note', role: 'status' }, told.filter(Boolean).join(' · ')));
}

const monthAt = (count) => new Date(Date.UTC(0, count)).toISOString().slice(0, 7);
const countOf = (text) => (Number(text.slice(0, 4)) - 1900) * 12 + Number(text.slice(5)) - 1;
const lastMonth = () => monthAt(countOf(new Date(state.now).toISOString().slice(0, 7)) - 1);

// Every month from the first that the park has to the last one that is known or over, the newest first.
function months() {
  const known = [...state.periods.map((one) => one.month), state.asked.month, lastMonth()].map(countOf);
  const last = Math.max(...known);
  return Array.from({ length: last - Math.min(...known) + 1 }, (_, back) => monthAt(last - back));
}

function stops() {
  const found = state.told.items.filter((one) => one.stops), { lacks, status } = state.told.period;
  const calm = lacks === null && ['open', 'provisional'].includes(status) ? 'notOver' : 'nothingStops';
  return card('stops', [say('stops'), h('span', { class: 'count', 'data-some': String(found.length > 0) }, String(found.length))], found.length ? h('ul', {}, found.map(item)) : h('p', { class: 'calm' }, say(calm)));
}

function others() {
  const found = state.told.items.filter((one) => !one.stops && !['close', 'restatement'].includes(one.kind));
  return card('others', say('toSee'), found.length ? h('ul', {}, found.map(item)) : h('p', { class: 'calm' }, say('nothingToSee')));
}

function item(one) {
  const key = `${one.kind} ${one.about}`, listed = state.listed.get(key), name = `${word('kind', one.kind)}, ${one.about}`;
  const press = (what, label) => h('button', { 'data-do': what, 'data-link': one.link, 'data-kind': one.kind, 'data-item': key, 'aria-label': `${say(label)}: ${name}` }, say(label));
  return h('li', { class: `todo${one.stops ? ' stops' : ''}`, 'data-key': key },
    h('h3', {}, name), h('p', {}, one.detail),
    h('p', { class: 'actions' }, one.kind === 'record' ? h('a', { class: 'link', href: '/records' }, say('toRecords')) : one.kind in LISTED ? press('list', listed ? 'hide' : 'show') : press('explain', 'show')),
    listed && h('ul', { class: 'note' }, (listed.length ? listed : [say('nothingThere')]).map((line) => h('li', {}, line))),
    h('p', { class: 'note' }, say('orType'), ' ', h('code', {}, one.command)));
}

function decisions() {
  const { lacks, pending_restatement: waits } = state.told.period;
  const said = h('p', { class: 'said', role: 'status' }, state.said);
  const closes = lacks !== null && h('form', { 'data-do': 'close', 'data-key': `close-${state.asked.park}-${state.asked.month}` },
    lacks.length > 0 && h('label', {}, say('whyDespite'), h('input', { name: 'despite', required: true, maxlength: 500, 'aria-describedby': 'despite-hint' }), h('span', { class: 'note', id: 'despite-hint' }, say('despiteHint'))),
    h('button', { class: 'main' }, say('closeMonth')));
  const approves = waits && h('div', { 'data-key': 'approve' }, h('p', {}, say('waits', { delta: exact(waits.delta_t), n: waits.windows }), ' ', waits.approved_by ? say('approvedOnce', { who: waits.approved_by }) : waits.needs_second && say('needsSecond')),
    decides() && h('p', { class: 'actions' }, h('button', { class: 'main', 'data-do': 'approve', 'data-generation': waits.generation }, say('approveChange'))));
  return card('decide', say('decide'), !decides() ? [approves, h('p', { class: 'calm' }, say('mayNot'))] : closes || approves ? [closes, approves] : h('p', { class: 'calm' }, say('nothingToDecide')), said);
}

// --- papers

const formOf = () => state.forms.find((one) => one.form === state.paper.form) ?? state.forms[0];

function places() {
  const { park } = state.asked, { facilities } = parkOf(state, park);
  return [...(formOf().facility ? [] : [['', say('wholePark')]]), ...facilities.map((one) => [one.name, titleOf(state, park, one.name)])];
}

function periodsOf(takes) {
  const years = [...new Set(months().map((one) => one.slice(0, 4)))], pairs = years.map((one) => `${one - 1},${one}`);
  return { 'two years': pairs, 'a year': years, 'one or two years': [...years, ...pairs], 'a month': months(), 'years or a month': [...years, ...pairs, ...months()] }[takes];
}

// What is chosen, or the first of what can be.
function wanted() {
  const { form, takes } = formOf(), among = (options, chosen) => (options.includes(chosen) ? chosen : options[0]);
  return { form, park: state.asked.park, facility: among(places().map(([name]) => name), state.paper.place), periods: among(periodsOf(takes), state.paper.periods), language: state.paper.language ?? spoken.language };
}

const periodText = (text) => text.split(',').map((one) => (one.length > 4 ? monthText(one) : one)).join(', ');

function papers() {
  const chosen = wanted(), { open: lacks, busy } = state.paper;
  const file = (kind) => h('button', { 'data-do': 'draft', 'data-kind': kind, 'aria-label': say('fileOf', { name: say('draft'), kind }) }, kind);
  return card('papers', say('papers'),
    h('form', { 'data-do': 'look' },
      select(`form-${spoken.language}`, 'form', 'form', state.forms.map((one) => [one.form, one.title]), chosen.form),
      select(`place-${chosen.form}-${chosen.park}`, 'place', 'place', places(), chosen.facility),
      h('div', { class: 'pair' }, select(`periods-${chosen.form}-${chosen.park}`, 'periods', 'periods', periodsOf(formOf().takes).map((one) => [one, periodText(one)]), chosen.periods), select('language', 'paper-language', 'paperLanguage', [['vi', say('vi')], ['en', say('en')]], chosen.language)),
      h('button', { disabled: busy }, say('lookAtDraft'))),
    lacks && [h('p', { role: 'status' }, say(lacks.length ? 'lacksThis' : 'lacksNothing')),
      h('ul', { class: 'lacks' }, lacks.map((one) => h('li', { class: 'todo stops' }, h('b', {}, one.about), ': ', one.why.join(' ')))),
      h('p', { class: 'actions' }, h('span', { class: 'link' }, say('draft')), state.kinds.map(file)),
      !lacks.length && decides() && h('p', { class: 'actions' }, h('button', { class: 'main', 'data-do': 'issue', disabled: busy }, say('issueIt')))],
    h('p', { class: 'said', role: 'status' }, state.paper.said));
}

function issued() {
  const mine = state.reports.filter((one) => one.park === state.asked.park);
  return card('issued', say('allIssued'), mine.length ? h('ul', {}, mine.map(report)) : h('p', { class: 'calm' }, say('noneIssued')));
}

function report(one) {
  const title = state.forms.find((known) => known.form === one.form)?.title ?? one.form, numbered = say('reportNumber', { n: one.number, r: one.revision });
  const stands = say(`report${one.status[0].toUpperCase()}${one.status.slice(1)}`, { months: one.overtaken_months.map(monthText).join(', '), delta: exact(one.overtaken_t) });
  return h('li', { class: `todo${one.status === 'overtaken' ? ' stops' : ''}`, 'data-key': one.id },
    h('h3', {}, title), h('p', {}, titleOf(state, one.park, one.facility), ' · ', periodText(one.periods.join(',')), ' · ', one.language),
    h('p', { class: 'note' }, [numbered, say('issuedBy', { who: one.issued_by, time: moment(one.issued_at, zoneOf(state, one.park), state.now) })].join(' · ')), h('p', {}, h('b', {}, stands)),
    h('p', { class: 'actions' }, Object.keys(one.files).map((kind) => h('button', { 'data-do': 'file', 'data-report': one.id, 'data-kind': kind, 'aria-label': say('fileOf', { name: numbered, kind }) }, kind))),
    h('details', { class: 'digests' }, h('summary', {}, say('digests')), h('ul', {}, Object.entries(one.files).map(([kind, digest]) => h('li', {}, kind, ': ', h('code', {}, digest))))));
}

function duties() {
  const found = state.told.duties ?? [], zone = zoneOf(state, state.asked.park);
  return card('duties', say('duties'), found.length ? h('ul', {}, found.map((one) => h('li', { class: 'todo', 'data-key': `${one.duty} ${one.due}` }, h('p', {}, h('b', {}, day(`${one.due}T12:00:00Z`, zone)), ' · ', one.title, one.unsure.length > 0 && ' [?]'), h('p', { class: 'note' }, one.source)))) : h('p', { class: 'calm' }, say('noDuties')), h('p', { class: 'note' }, say('asOfLaw')));
}

// --- what is asked

async function load() {
  const { forms, kinds } = await asked(`/v1/forms?${params()}`);
  Object.assign(state, { forms, kinds });
  if (state.asked.park) return;
  const given = new URLSearchParams(location.search), names = state.plant.parks.map((one) => one.name);
  if (!names.length) throw new Error(say('noFacility'));
  await choose(names.includes(given.get('park')) ? given.get('park') : names[0], given.get('month'));
}

// The month that is to be closed next, where none is named.
async function choose(park, month) {
  const { periods } = await whole(`/v1/periods?${params({ park })}`, { periods: [] });
  const next = periods.findLast((one) => one.lacks) ?? periods.find((one) => one.lacks === null && one.closed_by);
  Object.assign(state, { periods, asked: { park, month: /^\d{4}-\d{2}$/.test(month ?? '') ? month : next?.month ?? lastMonth() }, listed: new Map(), said: '' });
  Object.assign(state.paper, { place: null, periods: null, open: null, said: '' });
}

// What is told of a whole park; a key for some of its facilities is told why not.
async function whole(path, otherwise) {
  try {
    return await asked(path);
  } catch (error) {
    if (error.status !== 422) throw error;
    return { ...otherwise, refused: error.message };
  }
}

async function reload() {
  const wantedOf = state.asked;
  const [told, { periods }, { reports }] = await Promise.all([whole(`/v1/month-end?${params(wantedOf)}`, {}), whole(`/v1/periods?${params({ park: wantedOf.park })}`, { periods: [] }), asked('/v1/reports')]);
  if (state.asked === wantedOf) Object.assign(state, { told, periods, reports });
}

async function changed(park, month) {
  await choose(park, month);
  history.replaceState(null, '', `?${new URLSearchParams(state.asked)}`);
  await refresh();
}

function typed({ name, value }) {
  if (name === 'park') changed(value);
  else if (name === 'month') changed(state.asked.park, value);
  else if (['form', 'place', 'periods', 'paper-language'].includes(name)) Object.assign(state.paper, { [name === 'paper-language' ? 'language' : name]: value, open: null, said: '' });
  else return false;
  return true;
}

async function decide(body) {
  const by = await signed();
  if (by === '') return;
  state.said = say('acting');
  draw();
  try {
    const { park, month } = state.asked, answer = await ask(state.key, `/v1/periods?${params()}`, { park, month, by, ...body });
    const isFirst = body.action === 'approve' && answer.period.pending_restatement;
    state.said = say(answer.outcome === 'waiting' ? 'later' : isFirst ? 'approvedFirst' : 'done');
  } catch (error) {
    state.said = say('notTaken', { why: error.message });
  }
  await refresh();
}

async function onPaper(act) {
  Object.assign(state.paper, { busy: true, said: say('acting') });
  draw();
  try {
    state.paper.said = await act();
  } catch (error) {
    state.paper.said = say('notTaken', { why: error.message });
  }
  state.paper.busy = false;
  draw();
}

const look = () => onPaper(async () => {
  const { form, facility, park, periods } = wanted();
  state.paper.open = (await asked(`/v1/forms/open?${params({ form, park, periods, ...(facility && { facility }) })}`)).open;
  return '';
});

const draft = ({ kind }) => onPaper(async () => {
  const { form, facility, park, periods, language } = wanted();
  save(await take(state.key, `/v1/forms/${form}.${kind}?${new URLSearchParams({ park, periods, language, ...(facility && { facility }) })}`), `${form}-${[park, facility].filter(Boolean).join('-')}-${periods.replace(',', '-')}-draft.${kind}`);
  return '';
});

async function issue() {
  const by = await signed();
  if (by === '') return;
  await onPaper(async () => {
    const { facility, ...rest } = wanted();
    const answer = await ask(state.key, `/v1/reports?${params()}`, { ...rest, facility: facility || null, by });
    state.paper.open = null;
    return answer.report ? say('issued', { n: answer.report.number, r: answer.report.revision }) : say('later');
  });
  await refresh();
}

async function file({ report: id, kind }) {
  const one = state.reports.find((known) => known.id === id);
  save(await take(state.key, `/v1/reports/${encodeURIComponent(id)}.${kind}`), `${one.form}-${[one.park, one.facility].filter(Boolean).join('-')}-${one.periods.join('-')}-r${one.revision}.${kind}`);
}

async function list({ kind, link, item: key }) {
  if (state.listed.delete(key)) return;
  state.listed.set(key, LISTED[kind](await asked(link), (text) => moment(text, zoneOf(state, state.asked.park), state.now)));
}

open({
  name: 'monthEnd', skip: 'skipMonthEnd', every: 60_000, content, load, reload, typed,
  forgotten: { told: null, periods: null, reports: null, forms: null },
  ready: () => state.told && state.reports && state.forms,
  count: () => 0,
  spoken: async () => { if (state.plant) { await load(); await reload(); } },
  sent: { look, close: (form) => decide({ action: 'final', ...(form.elements.despite && { despite: form.elements.despite.value.trim() }) }) },
  done: { list, draft, issue, file, explain: ({ link }) => explain(state, link, asked), approve: ({ generation }) => decide({ action: 'approve', generation: Number(generation) }) },
});
