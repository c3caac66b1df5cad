// The key, questions with it, and the live stream: read by fetch, because EventSource cannot send the key.

const KEY = 'stackmeter.key';
const SILENCE_MS = 40_000; // the service says something every 5 s, if only that it is there
const FIRST_MS = 1_000, LONGEST_MS = 30_000;

export class Refused extends Error {}

// A key in the fragment is never sent to a server; it leaves the address bar and its history entry at once.
export function takeKey() {
  const given = new URLSearchParams(location.hash.slice(1));
  const key = given.get('key');
  if (key) {
    history.replaceState(null, '', location.pathname + location.search);
    keep(key, given.has('remember'));
  }
  return sessionStorage.getItem(KEY) ?? localStorage.getItem(KEY);
}

export function keep(key, remember) {
  forget();
  (remember ? localStorage : sessionStorage).setItem(KEY, key);
}

export function forget() {
  sessionStorage.removeItem(KEY);
  localStorage.removeItem(KEY);
}

export async function ask(key, path, body, method = body ? 'POST' : 'GET') {
  const headers = { Accept: 'application/json', ...(body && { 'Content-Type': 'application/json' }) };
  const answer = await answered(key, path, { method, headers, ...(body && { body: JSON.stringify(body) }) });
  return { ...(await answer.json().catch(() => ({}))), status: answer.status };
}

// Hands in a file as it is.
export function hand(key, path, file) {
  return answered(key, path, { method: 'POST', headers: { 'Content-Type': file.type || 'application/octet-stream' }, body: file }).then((answer) => answer.json());
}

// Takes a file as it is; `type` is the form of an answer that comes in several.
export function take(key, path, type = '*/*') {
  return answered(key, path, { headers: { Accept: type } }).then((answer) => answer.blob());
}

async function answered(key, path, { headers, ...options }) {
  const answer = await fetch(path, { ...options, headers: { Authorization: `Bearer ${key}`, ...headers }, cache: 'no-store', credentials: 'omit' });
  if (!answer.ok) throw await refusal(answer);
  return answer;
}

async function refusal(answer) {
  const told = await answer.json().catch(() => ({}));
  return Object.assign(new Error(told.errors?.map((one) => one.detail).join('; ') || told.detail || String(answer.status)), { status: answer.status });
}

// Follows /v1/live until `stop` is aborted; comes again by itself, later each time, and goes on where it was.
export async function follow(key, stop, { event, open, lost }) {
  let last = null, pause = FIRST_MS;
  while (!stop.aborted) {
    let full = false;
    try {
      await read(key, last, stop, (name, data, id) => {
        if (id !== null) last = id;
        pause = FIRST_MS;
        open();
        event(name, data);
      });
    } catch (error) {
      if (error instanceof Refused) throw error;
      full = error.status === 503;
    }
    if (stop.aborted) return;
    lost(full);
    await sleep(pause * (0.75 + Math.random() / 2), stop);
    pause = Math.min(LONGEST_MS, pause * 2);
  }
}

async function read(key, last, stop, event) {
  const silence = new AbortController();
  let timer;
  const heard = () => {
    clearTimeout(timer);
    timer = setTimeout(() => silence.abort(), SILENCE_MS);
  };
  const end = () => silence.abort();
  stop.addEventListener('abort', end);
  heard();
  try {
    const headers = { Authorization: `Bearer ${key}`, Accept: 'text/event-stream', ...(last !== null && { 'Last-Event-ID': last }) };
    const answer = await fetch('/v1/live', { headers, signal: silence.signal, cache: 'no-store', credentials: 'omit' });
    if (answer.status === 401 || answer.status === 403) throw new Refused();
    if (!answer.ok) throw Object.assign(new Error(), { status: answer.status });
    const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
    let rest = '';
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      heard();
      const whole = (rest + value).split('\n\n');
      rest = whole.pop();
      for (const one of whole) tell(one, event);
    }
  } finally {
    clearTimeout(timer);
    stop.removeEventListener('abort', end);
  }
}

// Our service ends lines with \n alone, and each event has one line of data.
function tell(text, event) {
  const fields = Object.fromEntries(text.split('\n').filter((line) => /^\w/.test(line)).map((line) => [line.slice(0, line.indexOf(':')), line.slice(line.indexOf(':') + 2)]));
  if (fields.data !== undefined) event(fields.event, JSON.parse(fields.data), fields.id ?? null);
}

function sleep(ms, stop) {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, ms);
    stop.addEventListener('abort', () => { clearTimeout(timer); resolve(); }, { once: true });
  });
}
