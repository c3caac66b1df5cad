"""Proves the readings: each against the raw message that brought it, decoded and normalised as the line does it."""

import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass, field, replace

import numpy as np

from api.times import format_time
from ingest.batch import MAX_PAYLOAD
from ingest.formats.columns import Envelope, RawReadings
from ingest.normalise import Normaliser
from ingest.sparkplug.nodes import Nodes
from ingest.subscriptions import Subscriptions, hear
from plant.arrays import Bools, Floats, Ints, Times
from plant.park import Plant
from plant.vocabulary import Flag
from stackmeter.findings import Finding, Report, Tell
from stackmeter.ledger_proof import Span, bits, under
from store import audit
from store.audit import StoredReadings
from store.books import Books
from store.journal import Message
from store.sparkplug import OUT_OF_SIGHT

MESSAGES_AT_ONCE = 20_000
BYTES_AT_ONCE = 12 * 1024 * 1024
EVER = 2**62  # ns: no reading is too old to be proven
SAID = ("value", "quality", "reset", "boot", "correction")
NO_CHANNEL = -1


@dataclass(slots=True)
class _Chunk:
    """Consecutive messages of the journal and their offsets."""

    offset: list[int] = field(default_factory=list)
    messages: list[Message] = field(default_factory=list)
    size: int = 0

    def put(self, first: int, messages: list[Message]) -> None:
        """Add a group."""
        self.offset += range(first, first + len(messages))
        self.messages += messages
        self.size += sum(len(one.payload) for one in messages)

    @property
    def full(self) -> bool:
        """Whether it should be worked on before it grows."""
        return len(self.messages) >= MESSAGES_AT_ONCE or self.size >= BYTES_AT_ONCE


@dataclass(frozen=True, slots=True)
class _Derived:
    """What messages say, one row a reading, in the units of the channels."""

    message: Ints
    channel: Ints  # index in the plant
    time: Times
    said: Floats  # [readings, SAID]


class ReadingProof:
    """Reads the journal once, beside the readings in order of their messages."""

    def __init__(self, state: sqlite3.Connection, plant: Plant, spans: list[Span], report: Report) -> None:
        self._state, self._report, self._spans, self._hash = state, report, spans, plant.hash
        # Limits of a configuration refuse readings at the door; what once came through it is to be proven all the same.
        open_to_all = (replace(channel, minimum=np.nan, maximum=np.nan) for channel in plant.channels)
        self._subscriptions, self._nodes = Subscriptions(plant), Nodes()
        self._normaliser = Normaliser(replace(plant, max_late=EVER, channels=tuple(open_to_all)))
        index = {(c.park, c.facility, c.name): c.index for c in plant.channels}
        self._names: dict[int, str] = {}
        self._index: dict[int, int] = {}
        for number, *name in state.execute("SELECT id, park, facility, name FROM channel"):
            self._names[number] = "/".join(name)
            self._index[number] = index.get(tuple(name), NO_CHANNEL)
        self._boots = {key: number for key, (number, _) in Books(state).boots().items()}

    def prove(self, journal: sqlite3.Connection, tell: Tell) -> None:
        """Prove all readings, and tell how far it is."""
        done, total = 0, audit.count(self._state, "reading") + audit.count(self._state, "reading_lost")
        waiting = _Waiting(audit.readings_by_message(self._state))
        begin = audit.journal_begin(journal)
        for chunk in self._chunks(journal):
            self._absent(waiting.before(chunk.offset[0]), begin)
            derived = self._derive(
                chunk
            )  # each message once and in order: what some say depends on those before
            for rows in waiting.before(chunk.offset[-1] + 1):
                done += len(rows)
                self._prove(rows, derived)
            tell("readings", done, total)
        self._absent(waiting.before(EVER), begin)
        tell("readings", total, total)

    def _chunks(self, journal: sqlite3.Connection) -> Iterator[_Chunk]:
        """Yield the journal in parts of bounded size; a part has no holes."""
        chunk = _Chunk()
        for group in audit.journal_groups(journal):
            if not group.intact:
                row = f"journal group {group.first}"
                self._report.add(
                    Finding("readings", "differs", row, "its messages do not match their digest")
                )
            if chunk.offset and (chunk.full or chunk.offset[-1] + 1 != group.first):
                yield chunk
                chunk = _Chunk()
            chunk.put(group.first, group.messages or [])
        if chunk.offset:
            yield chunk

    def _absent(self, parts: Iterator[StoredReadings], begin: int) -> None:
        """Say that readings name messages that the journal does not have, or that cannot be read there."""
        for rows in parts:
            self._report.checked["readings"] += len(rows)
            for row, number in enumerate(rows.message.tolist()):
                if number < begin:
                    detail = f"the journal no longer has message {number}: it begins at {begin}"
                    self._add(rows, row, "unproven", detail)
                else:
                    detail = f"message {number} is not in the journal, or cannot be read there"
                    self._add(rows, row, "differs", detail)

    def _prove(self, rows: StoredReadings, derived: _Derived) -> None:
        """Compare readings with what their messages say."""
        self._report.checked["readings"] += len(rows)
        index = np.array([self._index.get(number, NO_CHANNEL) for number in rows.channel.tolist()], np.int64)
        reset = (rows.flags & Flag.RESET) != 0
        stored = np.stack([rows.value, rows.quality, reset, rows.boot, rows.correction], axis=1).astype(float)
        keys = (rows.message, index, rows.time)
        proven = _among(keys, stored, derived)
        wrong = np.flatnonzero(~proven)
        configuration = under(self._spans, rows.message[wrong])
        for row, made_under in zip(wrong.tolist(), configuration.tolist(), strict=True):
            if index[row] == NO_CHANNEL:
                self._add(rows, row, "unproven", "its channel is no longer configured")
                continue
            here = (
                (derived.message == rows.message[row])
                & (derived.channel == index[row])
                & (derived.time == rows.time[row])
            )
            detail = _difference(stored[row], derived.said[here], int(rows.message[row]))
            if made_under in {"", self._hash}:
                self._add(rows, row, "differs", detail)
            else:
                detail += f"; taken under another configuration ({made_under[:12]})"
                self._add(rows, row, "configuration", detail)

    def _derive(self, chunk: _Chunk) -> _Derived:
        """Decode messages and return their readings in the units of the channels."""
        raw, channel = RawReadings(), list[int]()
        boots = np.zeros(len(chunk.messages), np.int64)
        for position, message in enumerate(chunk.messages):
            if message.topic == OUT_OF_SIGHT:
                self._nodes.lose_sight(message.received)
            route = self._subscriptions.route(message.topic)
            if route is None or len(message.payload) > MAX_PAYLOAD:
                continue
            spoken = hear(route, message, position, self._nodes, raw, [])
            if spoken is None:
                continue
            envelope = spoken.envelope
            names = raw.channel[envelope.first : envelope.first + envelope.count]
            channel += self._normaliser.channels(route.id, names)
            boots[position] = self._boot(route.id, envelope)
        received = np.array([message.received for message in chunk.messages], np.int64)
        position_of = np.array(raw.message, np.int64)
        readings, kept = self._normaliser.normalise(
            raw, np.array(channel, np.int32), received[position_of], []
        )
        of_reading = position_of[kept]
        reset = (readings.flags & Flag.RESET) != 0
        columns = [readings.value, readings.quality, reset, boots[of_reading], readings.correction]
        return _Derived(
            message=np.array(chunk.offset, np.int64)[of_reading],
            channel=readings.channel.astype(np.int64),
            time=readings.time,
            said=np.stack(columns, axis=1).astype(np.float64),
        )

    def _boot(self, gateway: str, envelope: Envelope) -> int:
        return 0 if envelope.boot is None else self._boots.get((gateway, envelope.boot), -1)

    def _add(self, rows: StoredReadings, row: int, kind: str, detail: str) -> None:
        table = "reading_lost" if rows.lost[row] else "reading"
        number = int(rows.channel[row])
        name = f"{table} {self._names.get(number, number)} {format_time(int(rows.time[row]))}"
        self._report.add(Finding("readings", kind, name, detail))  # type: ignore[arg-type]


class _Waiting:
    """Readings in order of their messages, given out up to a message."""

    def __init__(self, parts: Iterator[StoredReadings]) -> None:
        self._parts = parts
        self._left: StoredReadings | None = None

    def before(self, message: int) -> Iterator[StoredReadings]:
        """Yield what is left of the messages before one."""
        while (part := self._left or next(self._parts, None)) is not None:
            cut = int(np.searchsorted(part.message, message))
            self._left = _cut(part, slice(cut, None)) if cut < len(part) else None
            if cut:
                yield _cut(part, slice(0, cut))
            if self._left is not None:
                return


def _cut(rows: StoredReadings, part: slice) -> StoredReadings:
    return StoredReadings(*(getattr(rows, name)[part] for name in StoredReadings.__slots__))


def _among(keys: tuple[Ints, Ints, Ints], said: Floats, derived: _Derived) -> Bools:
    """Whether each row, by its key and everything it says, is among the derived ones."""
    both = zip(keys, (derived.message, derived.channel, derived.time), strict=True)
    columns = [np.concatenate(pair) for pair in both]
    columns += list(bits(np.concatenate([said, derived.said])).T)
    order = np.lexsort(columns)
    differs = np.zeros(len(order), bool)
    for column in columns:
        differs[1:] |= column[order][1:] != column[order][:-1]
    group = np.empty(len(order), np.int64)
    group[order] = np.cumsum(differs)
    known = np.zeros(len(order) + 1, bool)
    known[group[len(said) :]] = True
    return known[group[: len(said)]]


def _difference(stored: Floats, derived: Floats, message: int) -> str:
    """Say what a message says instead."""
    if not len(derived):
        return f"message {message} brings no such reading"
    same = bits(derived) == bits(stored[None])
    closest = int(np.argmax(same.sum(axis=1)))
    name = int(np.flatnonzero(~same[closest])[0])
    return (
        f"{SAID[name]} is {stored[name].item()!r}, message {message} says {derived[closest, name].item()!r}"
    )
