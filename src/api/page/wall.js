// What is of a wall display alone: nothing is cut off there, and what has no room is counted.

import { h } from './draw.js';
import { say } from './text.js';

export const MOST_ON_WALL = 60; // alerts, and gateways, for which room is sought

export const inView = (state) => (one) => !state.view || !one.park || one.park === state.view;

// Where a list of a wall display says how many of `all` have no room; `fit` knows how many.
export const beyond = (all) => h('p', { class: 'note beyond', 'data-all': String(all), hidden: true });

// On a wall display nothing is cut off, and what has no room is counted.
export function fit(app) {
  for (const note of app.querySelectorAll('.note.beyond')) {
    const list = note.parentElement.querySelector('ul'), items = [...list.children];
    const isOut = (one) => !one.hidden && one.getBoundingClientRect().bottom > list.getBoundingClientRect().bottom + 1;
    const told = (shown) => {
      items.forEach((one, place) => { one.hidden = place >= shown; });
      note.hidden = shown === Number(note.dataset.all);
      note.textContent = say('leftOut', { n: Number(note.dataset.all) - shown });
    };
    told(items.length);
    for (let first = items.findIndex(isOut); first >= 0; first = items.findIndex(isOut)) told(first);
  }
}

