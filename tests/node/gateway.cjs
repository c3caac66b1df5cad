// Runs docs/examples/gateway.js as a test tells it on standard input, one word and what it is about a line.
'use strict';

const fs = require('node:fs');
const readline = require('node:readline');

const [example, place, folder, url, clock, options] = process.argv.slice(2);
const { Gateway } = require(example);
const now = Date.now, writeFileSync = fs.writeFileSync;
if (clock === 'unset') Date.now = () => now() % 86_400_000; // some time on the first of January 1970

const gateway = new Gateway(place, folder, url, JSON.parse(options));
const times = { fast: 20, faster: 200 }[clock]; // as fast as any clock
if (times) gateway.clock = () => (times * performance.now()) / 1000;
setInterval(() => gateway.tend(), 20);

const told = {
  send: (readings) => { gateway.send(readings); console.log(`numbered ${gateway.seq}`); },
  set: () => { Date.now = now; },
  full: () => { fs.writeFileSync = (file) => { writeFileSync(file, '{"boot": "'); throw Object.assign(new Error('no space left'), { code: 'ENOSPC' }); }; },
  room: () => { fs.writeFileSync = writeFileSync; },
};
readline.createInterface({ input: process.stdin }).on('line', (line) => {
  const [, word, about] = /^(\w+) ?(.*)$/.exec(line);
  told[word](about && JSON.parse(about));
});
