"""Names stored readings that their message does not say, and readings of messages that are not stored.

Most readings never come here: the line said the same of their messages again (`message_proof`). What it said otherwise may
be of another configuration, so a message is decoded once more with no limit in the way before its reading is named.
"""

import json
import sqlite3
from collections import Counter
from dataclasses import dataclass

import numpy as np

from ingest.formats.columns import Envelope, RawReadings
from ingest.line.normalise import Normaliser
from ingest.sparkplug.nodes import Nodes
from ingest.sparkplug.past import Past
from ingest.subscriptions import Subscriptions, hear, most_bytes
from plant.arrays import Floats, Ints, Readings, Times
from plant.park import Plant
from plant.vocabulary import Flag
from proof.verify.configurations import Configurations
from proof.verify.findings import Finding, Kind, Report, when
from proof.verify.journal_again import JournalUpTo, open_to_all
from proof.verify.known_readings import SAID, Settled, paired, said_of
from proof.verify.ledger_proof import bits
from store.messages.backfills import reach
from store.messages.boots import BootTable
from store.messages.clock_steps import corrections
from store.messages.journal import Message
from store.readings.by_message import StoredReadings

NO_CHANNEL = -1


@dataclass(frozen=True, slots=True)
class _Derived:
    """What messages say, one row a reading, in the units of the channels."""

    message: Ints
    channel: Ints  # index in the plant
    time: Times
    said: Floats  # [readings, SAID]


class ReadingProof:
    """Knows the readings of a state by name."""

    def __init__(
        self,
        state: sqlite3.Connection,
        plant: Plant,
        reader: JournalUpTo,
        configurations: Configurations,
        report: Report,
    ) -> None:
        self._state, self._plant, self._reader = state, plant, reader
        self._configurations, self._report = configurations, report
        self._subscriptions = Subscriptions(plant)
        self._past = Past(reader, self._subscriptions)
        self._normaliser = Normaliser(open_to_all(plant), reach(state, closed=True))
        index = {(c.park, c.facility, c.name): c.index for c in plant.channels}
        self._names: dict[int, str] = {}
        self._index: dict[int, int] = {}
        for number, *name in state.execute("SELECT id, park, facility, name FROM channel"):
            self._names[number] = "/".join(name)
            self._index[number] = index.get(tuple(name), NO_CHANNEL)
        self._boots = BootTable(state).numbers()
        self.of_another: set[int] = (
            set()
        )  # refused messages whose readings another configuration explains, or none can

    def say_not_taken(self, rows: StoredReadings, cursor: int) -> None:
        """Name readings of messages that the cursor says are not taken."""
        for row, message in enumerate(rows.message.tolist()):
            detail = (
                f"message {message} brought it, and the cursor, {cursor}, says that this is not taken yet"
            )
            self._name(rows, row, "differs", detail)

    def say_gone(self, rows: StoredReadings, begin: int) -> None:
        """Name readings of messages that the journal, which begins at an offset, does not have."""
        for row, message in enumerate(rows.message.tolist()):
            if message < begin:
                detail = f"the journal no longer has message {message}: it begins at {begin}"
                self._name(rows, row, "unproven", detail)
            else:
                detail = f"message {message} is not in the journal, or cannot be read there"
                self._name(rows, row, "differs", detail)

    def prove(self, rows: StoredReadings) -> None:
        """Compare readings with what their messages say, with no limit in the way."""
        if not len(rows):
            return
        index = np.array([self._index.get(number, NO_CHANNEL) for number in rows.channel.tolist()], np.int64)
        derived = self._derive(np.unique(rows.message).tolist())
        stored = said_of(rows)
        pair = paired(
            (rows.message, index, rows.time),
            stored,
            (derived.message, derived.channel, derived.time),
            derived.said,
        )
        wrong = np.flatnonzero(pair < 0)
        self._note_of_another(rows.message[wrong])
        made_under = self._configurations.of(rows.message[wrong]).tolist()
        for row, configuration in zip(wrong.tolist(), made_under, strict=True):
            if index[row] == NO_CHANNEL:
                self._name(rows, row, "unproven", "its channel is no longer configured")
                continue
            here = (
                (derived.message == rows.message[row])
                & (derived.channel == index[row])
                & (derived.time == rows.time[row])
            )
            detail = _difference(stored[row], derived.said[here], int(rows.message[row]))
            if configuration == self._configurations.today:
                self._name(rows, row, "differs", detail)
            else:
                detail += f"; taken under another configuration ({configuration[:12]})"
                self._name(rows, row, "configuration", detail)

    def _note_of_another(self, message: Ints) -> None:
        """Remember which messages, of readings that are not as today's configuration has them, are kept as refused."""
        earlier = message[self._configurations.of(message) != self._configurations.today]
        query = "SELECT message FROM quarantine WHERE message IN (SELECT value FROM json_each(?))"
        self.of_another.update(
            int(one) for (one,) in self._state.execute(query, (json.dumps(earlier.tolist()),))
        )

    def name_absent(self, settled: Settled) -> None:
        """Name what messages say and the state does not have; a message of which it has nothing at all is named once."""
        told: set[int] = set()
        left, absent = settled.left, settled.absent
        otherwise, counts = set(left.message.tolist()), Counter(absent.message.tolist())
        named = self._keys(left) if len(absent) else set()
        earlier = (self._configurations.of(absent.message) != self._configurations.today).tolist()
        keys = zip(absent.message.tolist(), absent.channel.tolist(), absent.time.tolist(), strict=True)
        for row, (message, index, time) in enumerate(keys):
            if message in told or (message, index, time) in named:
                continue
            channel = self._plant.channels[index]
            name = f"{channel.park}/{channel.facility}/{channel.name} {when(time)}"
            kind: Kind = "configuration" if earlier[row] and message in otherwise else "differs"
            if not settled.whole[row]:
                self._add(kind, f"reading {name}", f"is missing; message {message} brought it")
                continue
            told.add(message)
            detail = f"none of its readings is in the state: {counts[message]:,}, the first of {name}"
            self._add(kind, f"message {message}", detail)

    def _keys(self, rows: StoredReadings) -> set[tuple[int, int, int]]:
        """Return message, channel of the plant and time of stored readings."""
        channel = [self._index.get(number, NO_CHANNEL) for number in rows.channel.tolist()]
        return set(zip(rows.message.tolist(), channel, rows.time.tolist(), strict=True))

    # --- what a message says ------------------------------------------------------------------------------------------

    def _derive(self, offsets: list[int]) -> _Derived:
        """Decode messages, given in order, and return their readings in the units of the channels."""
        raw, channel = RawReadings(), list[int]()
        boots, received = np.zeros(len(offsets), np.int64), np.zeros(len(offsets), np.int64)
        for position, offset in enumerate(offsets):
            message = self._reader.one(offset)
            found = None if message is None else self._hear(message, offset, position, raw)
            if message is None or found is None:
                continue
            gateway, envelope = found
            received[position] = message.received
            names = raw.channel[envelope.first : envelope.first + envelope.count]
            channel += self._normaliser.channels(gateway, names)
            if envelope.boot is not None:
                boots[position] = self._boots.get((gateway, envelope.boot), -1)
        # A replay takes the arrival by our clock as it was set since; what came before that was judged without.
        judged = received + np.maximum(corrections(self._state, np.array(offsets, np.int64), received), 0)
        position_of = np.array(raw.message, np.int64)
        judged = judged[position_of]
        readings, kept = self._normaliser.normalise(raw, np.array(channel, np.int32), judged, [])
        return _derived(readings, np.array(offsets, np.int64), position_of[kept], boots)

    def _hear(
        self, message: Message, offset: int, position: int, raw: RawReadings
    ) -> tuple[str, Envelope] | None:
        route = self._subscriptions.route(message.topic)
        if route is None or len(message.payload) > most_bytes(route):
            return None
        nodes = self._past.before(offset) if route.sparkplug else Nodes()
        spoken = hear(route, message, position, nodes, raw, [])
        return None if spoken is None else (route.id, spoken.envelope)

    def _name(self, rows: StoredReadings, row: int, kind: Kind, detail: str) -> None:
        table = "reading_lost" if rows.lost[row] else "reading"
        number = int(rows.channel[row])
        name = f"{table} {self._names.get(number, number)} {when(int(rows.time[row]))}"
        self._report.add(Finding("readings", kind, name, detail))

    def _add(self, kind: Kind, row: str, detail: str) -> None:
        self._report.add(Finding("messages", kind, row, detail))


def _derived(readings: Readings, offsets: Ints, position: Ints, boots: Ints) -> _Derived:
    reset = (readings.flags & Flag.RESET) != 0
    columns = [readings.value, readings.quality, reset, boots[position], readings.correction]
    return _Derived(
        message=offsets[position],
        channel=readings.channel.astype(np.int64),
        time=readings.time,
        said=np.stack(columns, axis=1).astype(np.float64),
    )


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
