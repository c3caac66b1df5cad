"""Proves some messages of a journal, taken at random: that all came is counted, that some are there is looked up.

Counting needs no more of a message than its topic. A message that is looked up is decoded as today's configuration has it,
and its readings and its number must be in the state, unless it says that it refused the message.
"""

import sqlite3
from collections.abc import Iterator
from random import Random

import numpy as np

from ingest.formats.columns import Envelope, RawReadings
from ingest.line.normalise import Normaliser
from ingest.sparkplug.nodes import Nodes
from ingest.subscriptions import Subscriptions, hear, most_bytes
from plant.park import Plant
from proof.verify.configurations import Configurations
from proof.verify.findings import Finding, Report, Tell, when
from proof.verify.journal_proof import Taken
from proof.verify.known_readings import KnownReadings
from store import audit
from store.audit import JournalGroup
from store.messages.backfills import reach
from store.messages.journal import DECISION, Message

ONE_IN = 20  # groups of the journal, of which each is one commit of the intake
AT_LEAST = 50


class SampleProof:
    """Reads the journal once; of most messages only the topics."""

    def __init__(
        self,
        state: sqlite3.Connection,
        journal: sqlite3.Connection,
        plant: Plant,
        taken: Taken,
        configurations: Configurations,
        report: Report,
        chance: Random,
    ) -> None:
        self._state, self._journal, self._plant, self._report = state, journal, plant, report
        self._configurations, self._chance = configurations, chance
        self._subscriptions, self._normaliser = (
            Subscriptions(plant),
            Normaliser(plant, reach(state, closed=True)),
        )
        self._known = KnownReadings(state, plant, state)
        self._taken = taken

    def prove(self, tell: Tell) -> None:
        """Prove the sample, and tell how far it is."""
        groups = audit.count(self._journal, "journal")
        share = max(1 / ONE_IN, AT_LEAST / max(groups, 1))
        counted = 0
        for done, group in enumerate(audit.journal_groups(self._journal), start=1):
            messages = (group.messages or [])[: max(0, self._taken.cursor - group.first)]
            if not group.intact:
                self._add(f"journal group {group.first}", "its messages do not match their digest")
            counted += sum(self._is_balanced(message) for message in messages)
            if self._chance.random() < share:
                self._look_up(group, messages)
            tell("messages", done, groups)
        self._prove_count(counted)

    def _prove_count(self, counted: int) -> None:
        [(balanced,)] = self._state.execute(
            "SELECT coalesce(sum(received), 0) FROM balance WHERE book = 'messages'"
        )
        if counted != balanced and self._taken.begin == 1:
            kind = "differs" if self._configurations.always_today else "earlier"
            detail = f"has {balanced:,} messages, the journal gives {counted:,}"
            self._report.add(Finding("messages", kind, "balance", detail))  # type: ignore[arg-type]

    def _is_balanced(self, message: Message) -> bool:
        """Whether a message is in the balance: decisions and statuses of gateways have counts of their own."""
        if message.flags & DECISION:
            return False
        route = self._subscriptions.route(message.topic)
        if route is None or len(message.payload) > most_bytes(route):
            return True
        return route.decode is not None or route.sparkplug is not None

    def _look_up(self, group: JournalGroup, messages: list[Message]) -> None:
        """Look up the readings and the number of each message of a group that was not refused."""
        self._report.checked["messages"] += len(messages)
        refused = {
            int(message)
            for (message,) in self._state.execute(
                "SELECT message FROM quarantine WHERE message >= ? AND message < ?",
                (group.first, group.first + len(messages)),
            )
        }
        raw, channel = RawReadings(), list[int]()
        whole: list[int] = []
        gateways = [""] * len(messages)
        for position, (gateway, envelope) in self._heard(messages, raw):
            gateways[position] = gateway
            names = raw.channel[envelope.first : envelope.first + envelope.count]
            channel += self._normaliser.channels(gateway, names)
            if group.first + position not in refused:
                whole.append(position)
                self._look_up_number(group.first + position, gateway, envelope)
        received = np.array([message.received for message in messages], np.int64)
        position_of = np.array(raw.message, np.int64)
        oldest = self._normaliser.oldest(gateways, received)
        readings, rows = self._normaliser.normalise(
            raw, np.array(channel, np.int32), received[position_of], [], oldest[position_of]
        )
        readings.message = group.first + position_of[rows]
        readings = readings.take(np.isin(position_of[rows], whole))
        self._report.checked["readings"] += len(readings)
        absent = readings.take(~self._known.stored(readings))
        for place, message in enumerate(absent.message.tolist()):
            one = self._plant.channels[int(absent.channel[place])]
            row = f"reading {one.park}/{one.facility}/{one.name} {when(int(absent.time[place]))}"
            self._add(row, f"is missing, or says otherwise; message {message} brought it", message)

    def _heard(self, messages: list[Message], raw: RawReadings) -> Iterator[tuple[int, tuple[str, Envelope]]]:
        """Yield the position, gateway and envelope of messages that need no other one to be understood."""
        for position, message in enumerate(messages):
            route = self._subscriptions.route(message.topic)
            if (
                route is None
                or route.decode is None
                or len(message.payload) > most_bytes(route)
                or not route.id
            ):
                continue
            spoken = hear(route, message, position, Nodes(), raw, [])
            if spoken is not None:
                yield position, (route.id, spoken.envelope)

    def _look_up_number(self, message: int, gateway: str, envelope: Envelope) -> None:
        if envelope.boot is None or envelope.seq is None:
            return
        row = self._state.execute(
            "SELECT 1 FROM sequence WHERE gateway = ? AND boot = ? AND low <= ? AND high >= ?",
            (gateway, envelope.boot, envelope.seq, envelope.seq),
        ).fetchone()
        if row is None:
            name = f"sequence {gateway} {envelope.boot}"
            self._add(name, f"{envelope.seq} is missing; message {message} had it", message)

    def _add(self, row: str, detail: str, message: int = 0) -> None:
        """Name what differs; of a message that an earlier configuration took, as not proven."""
        earlier = (
            message > 0 and self._configurations.of(np.array([message]))[0] != self._configurations.today
        )
        self._report.add(Finding("messages", "earlier" if earlier else "differs", row, detail))
