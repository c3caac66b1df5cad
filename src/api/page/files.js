// What is taken along: the API's own table, a table of the page, or a chart as it stands, as SVG or PNG.

import { files, h } from './draw.js';
import { take } from './stream.js';
import { say } from './text.js';

const TYPES = { csv: 'text/csv', xlsx: 'application/vnd.openxmlformats-officedocument.spreadsheetml.sheet' };
const LOOKS = ['fill', 'stroke', 'stroke-width', 'stroke-dasharray', 'font-size', 'text-anchor', 'opacity'];
const LINE = 22, A_ROW = 3; // of the head of a picture: how high a line is, and how many parts are named in one
const SCALE = 2; // points of a PNG to one of the page

export async function saveFile(key, of, kind) {
  const file = files.get(of), name = `${file.name}.${kind}`;
  if (kind === 'svg' || kind === 'png') return drawn(document.querySelector(`[data-key="${CSS.escape(of)}"] .chart`), file, name, kind);
  return offer(file.path ? await take(key, file.path, TYPES[kind]) : new Blob([table(file.rows)], { type: 'text/csv' }), name);
}

function offer(blob, name) {
  const url = URL.createObjectURL(blob);
  h('a', { href: url, download: name }).click();
  setTimeout(() => URL.revokeObjectURL(url), 1000);
}

// RFC 4180, as the API's own: unknown is an empty cell, and no text is taken for a formula.
export function table(rows) {
  const quoted = (one) => { const text = typeof one === 'number' ? String(one) : String(one ?? '').replace(/^(?= *[=+\-@\t\r\n])/, "'"); return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text; };
  return rows.map((row) => row.map(quoted).join(',')).join('\r\n').concat('\r\n');
}

// A chart with its looks written into it, under its title, zone, address and the names of its parts, so that it says what it is wherever it lies.
function drawn(chart, file, name, kind) {
  const copy = chart.cloneNode(true), [, , wide, high] = chart.getAttribute('viewBox').split(' ').map(Number), ink = getComputedStyle(document.body);
  const own = [...chart.querySelectorAll('*')], theirs = [...copy.querySelectorAll('*')];
  theirs.forEach((one, at) => { const look = getComputedStyle(own[at]); for (const property of LOOKS) { const value = look.getPropertyValue(property); if (value) one.setAttribute(property, value.replace(/url\("?[^#]*(#\w+)"?\)/, 'url($1)')); } });
  const used = [...document.querySelectorAll('.defs pattern')].map((pattern) => { const made = pattern.cloneNode(true); [...made.children].forEach((one, at) => one.setAttribute('fill', getComputedStyle(pattern.children[at]).fill)); return made; });
  const head = LINE * (2 + Math.ceil((file.legend?.length ?? 0) / A_ROW)), line = (text, x, y, size) => h('text', { x, y, 'font-size': size, fill: ink.color }, text);
  const color = (place) => getComputedStyle(document.documentElement).getPropertyValue(`--p${place}`).trim(), at = (place) => [8 + (place % A_ROW) * (wide / A_ROW), LINE * (2 + Math.floor(place / A_ROW)) - head];
  const named = (file.legend ?? []).map((name, place) => { const [x, y] = at(place); return [h('rect', { x, y: y + 6, width: 12, height: 10, fill: color(place) }), line(name, x + 18, y + 15, 11)]; });
  const svg = h('svg', { xmlns: 'http://www.w3.org/2000/svg', viewBox: `0 ${-head} ${wide} ${high + head}`, width: wide, height: high + head, 'font-family': 'sans-serif' },
    h('defs', {}, used), h('rect', { y: -head, width: wide, height: high + head, fill: getComputedStyle(chart.closest('.card')).backgroundColor }), line(file.title, 8, 16 - head, 14), line([file.caption, location.origin].filter(Boolean).join(' '), 8, 34 - head, 11), named, [...copy.childNodes]);
  const text = new XMLSerializer().serializeToString(svg);
  if (kind === 'svg') return offer(new Blob([text], { type: 'image/svg+xml' }), name);
  return new Promise((resolve, reject) => {
    const image = new Image();
    image.onload = () => {
      const canvas = h('canvas', { width: wide * SCALE, height: (high + head) * SCALE });
      canvas.getContext('2d').drawImage(image, 0, 0, canvas.width, canvas.height);
      canvas.toBlob((blob) => { offer(blob, name); resolve(); }, 'image/png');
    };
    image.onerror = () => reject(new Error(say('noPicture')));
    image.src = `data:image/svg+xml,${encodeURIComponent(text)}`;
  });
}
