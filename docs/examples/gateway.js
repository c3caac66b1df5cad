// A gateway of class A: each message is kept on disk, and sent again, until the service's ack covers it.
'use strict';

const { randomUUID } = require('node:crypto');
const fs = require('node:fs');
const mqtt = require('mqtt');

const KEPT = /^[0-9a-f-]{36}\.[0-9]+$/; // boot.seq, the file of one message
const EARLIEST = Date.parse('2026-01-01T00:00:00Z'); // a clock that shows less was not set since the power came

class Gateway {
  constructor(place, folder, url, options = {}) {
    Object.assign(this, { topic: `sm/v1/${place}`, folder, boot: randomUUID(), seq: 0, givenUp: 0, told: '', progress: -Infinity });
    this.clock = () => performance.now() / 1000; // s; steady, whatever becomes of the other one
    this.isClockSet = () => Date.now() >= EARLIEST;
    this.held = []; // readings that are of no message yet, with when they were read
    this.holds = ''; // why
    this.kept = new Map(); // by file
    fs.mkdirSync(folder, { recursive: true });
    fs.readdirSync(folder).filter((name) => KEPT.test(name)).forEach((name) => this.find(name)); // of earlier boots
    const will = { topic: `${this.topic}/status`, payload: '{"online": false}', qos: 1, retain: true };
    this.client = mqtt.connect(url, { username: place, will, ...options });
    this.client.on('connect', () => this.connected());
    this.client.on('message', (_, payload) => this.acknowledged(payload));
    this.client.on('error', (error) => this.complain(error.message || error.code));
  }

  send(readings) { // those without a time are of now
    this.held.push({ readings, at: this.clock() });
    this.number();
  }

  tend() { // every second
    this.number();
    if (!this.client.connected) return;
    const now = this.clock(), isSlow = now - this.progress >= 10;
    const isHopeless = (one) => one.missing && one.resends >= 5 && now >= one.sent + 300;
    const isDue = (one) => (one.missing || isSlow) && now >= one.sent + Math.min(10 * 2 ** one.resends, 300);
    [...this.kept.values()].filter(isHopeless).forEach((one) => this.giveUp(one));
    [...this.kept.values()].filter(isDue).slice(0, 500).forEach((one) => this.publish(one, one.resends + 1));
    const status = JSON.stringify({ online: true, given_up: this.givenUp, holds: this.holds });
    if (status !== this.told) this.client.publish(`${this.topic}/status`, status, { qos: 1, retain: true });
    this.told = status;
  }

  number() { // makes messages of what is held: once there is a time to give it, and room on the disk
    for (this.holds = ''; this.held.length > 0; this.held.shift()) {
      const [{ readings, at }] = this.held, seq = this.seq + 1, name = `${this.boot}.${seq}`;
      if (!this.isClockSet()) this.holds = 'the clock is not set';
      else this.holds = this.write(name, { boot: this.boot, seq, readings: this.dated(readings, at) });
      if (this.holds) return;
      this.seq = seq;
      this.publish(this.find(name), 0);
    }
  }

  dated(readings, at) {
    const time = new Date(Date.now() - 1000 * (this.clock() - at)).toISOString();
    return readings.map((one) => ({ time, ...one }));
  }

  write(name, message) { // on disk before it is on the wire; tells why not
    try {
      const file = fs.openSync(`${this.folder}/${name}`, 'w');
      try {
        fs.writeFileSync(file, JSON.stringify(message));
        fs.fsyncSync(file);
      } finally {
        fs.closeSync(file);
      }
      return '';
    } catch (error) {
      return error.code;
    }
  }

  find(name) {
    const [boot, seq] = name.split('.');
    this.kept.set(name, { name, boot, seq: Number(seq), sent: -Infinity, resends: 0, missing: false });
    return this.kept.get(name);
  }

  publish(one, resends) {
    if (!this.client.connected) return;
    try {
      const payload = fs.readFileSync(`${this.folder}/${one.name}`, 'utf8');
      JSON.parse(payload);
      this.client.publish(`${this.topic}/readings`, payload, { qos: 1 });
      Object.assign(one, { sent: this.clock(), resends });
    } catch (error) { // it was cut short when the power went, before it was ever sent, or the disk has failed
      this.complain(`${one.name}: ${error.message}`);
      this.giveUp(one);
    }
  }

  connected() {
    this.client.subscribe(`${this.topic}/ack`, { qos: 1 });
    Object.assign(this, { progress: -Infinity, told: '' }); // so that everything is sent again
  }

  acknowledged(payload) {
    try {
      const acks = new Map(JSON.parse(payload).acks.map((ack) => [ack.boot, ack]));
      for (const one of [...this.kept.values()].filter(({ boot }) => acks.has(boot))) {
        const { received_through: through, missing } = acks.get(one.boot);
        one.missing = missing.some(([low, high]) => low <= one.seq && one.seq <= high);
        if (one.missing || !(one.seq <= through)) continue;
        this.forget(one);
        this.progress = this.clock();
      }
    } catch (error) { // what cannot be read covers nothing
      this.complain(`ack: ${error.message}`);
    }
  }

  giveUp(one) {
    this.givenUp += 1;
    this.forget(one);
  }

  forget(one) {
    this.kept.delete(one.name);
    fs.rm(`${this.folder}/${one.name}`, { force: true }, (error) => error && this.complain(error.message)); // it comes once more
  }

  complain(text) { // once, however often it is so
    if (text !== this.said) console.error(text);
    this.said = text;
  }
}

module.exports = { Gateway };
