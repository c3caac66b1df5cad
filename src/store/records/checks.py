"""What may be entered and approved as a record: asked when it is entered, and again by the line when it is approved."""

import math
import sqlite3
from collections import defaultdict
from collections.abc import Mapping
from typing import Protocol

from plant.clock import format_time
from plant.park import Channel, Plant
from plant.units import DimensionError, UnknownUnit, conversion, unit
from plant.vocabulary import LONGEST_RECORD, NS_PER_DAY, Kind
from store.accounting.closing import DecisionRefused
from store.records.decisions import Entered
from store.records.table import Record, RecordStanding, Who, beside, evidence_kind, find, place_of, said_of

SLACK = 1e-9  # of a limit, relative, as of readings
SAME = 1e-12  # values closer than this, relative, are the same
MOST_ROWS = 1000  # that are entered together


class EnteredByPeople(Protocol):
    """What one person enters and another approves."""

    @property
    def id(self) -> str:
        """What people call it."""
        ...

    @property
    def entered_by(self) -> str:
        """Who entered it."""
        ...

    def was_entered_by(self, who: Who) -> bool:
        """Whether it was entered by the same person."""
        ...


def check_another(plant: Plant, entered: EnteredByPeople, who: Who) -> None:
    """Refuse an approval by the person who entered it, where the configuration does not let one person do both."""
    if entered.was_entered_by(who) and plant.record_approval != "self":
        key = "" if who.by == entered.entered_by else f", with the key {who.key}, which is one person"
        raise DecisionRefused(
            f"{entered.entered_by} has entered {entered.id}{key}: another person approves it"
        )


def check_rows(refused: Mapping[int, str], count: int) -> None:
    """Refuse rows that are entered together, all of them, where some are refused; one that came alone has no row."""
    if refused:
        row, why = min(refused.items())
        which = f"row {row}: " if count > 1 else ""
        more = f"; and {len(refused) - 1} more rows are refused" if len(refused) > 1 else ""
        raise DecisionRefused(f"{which}{why}{more}")


class RecordRules:
    """Knows the channels that are entered; one instance for the life of a configuration."""

    def __init__(self, plant: Plant) -> None:
        self._plant = plant
        self._entered = {(one.park, one.facility, one.name): one for one in plant.channels if one.entered}

    def refusals(
        self, connection: sqlite3.Connection, entered: Mapping[int, Entered], now: int
    ) -> dict[int, str]:
        """Return why records, given by their rows, cannot be entered together at a time [ns UTC]; nothing where they can."""
        found = dict[int, str]()
        for row, said in entered.items():
            try:
                self._check_entry(connection, said, now)
            except DecisionRefused as refusal:
                found[row] = str(refusal)
        for row, other in _clashes(entered).items():
            found.setdefault(row, f"it overlaps row {other} of the same channel")
        return found

    def check_approval(self, connection: sqlite3.Connection, record: Record, who: Who, now: int) -> float:
        """Return the amount of a record [channel's unit] that somebody may approve at a time [ns UTC].

        Raises
        ------
        DecisionRefused
            It cannot be approved, or not by them.
        """
        said = said_of(record)
        if record.standing is not RecordStanding.ENTERED:
            raise DecisionRefused(f"{record.id} is {record.standing} already")
        check_another(self._plant, record, who)
        amount = self.amount(said)
        _check_stretch(self.channel(said), said, now)
        _check_free(connection, said)
        return amount

    def channel(self, said: Entered) -> Channel:
        """Return the channel that something is entered of; raise DecisionRefused where nothing is entered of it."""
        place = (said.park, said.facility, said.channel)
        if place in self._entered:
            return self._entered[place]
        for one in self._plant.channels:
            if (one.park, one.facility, one.name) == place:
                raise DecisionRefused(
                    f"{place_of(said)} is read by gateway {one.gateway}: only channels with entered: true take records"
                )
        raise DecisionRefused(f"no channel {place_of(said)} is configured")

    def amount(self, said: Entered) -> float:
        """Return what is said in the unit of its channel; raise DecisionRefused where that is no plausible amount of it."""
        channel, amount = self.channel(said), self.converted(said)
        if not math.isfinite(amount):
            raise DecisionRefused(f"{said.value:g} {said.unit} is no amount that can be counted with")
        told = f"{amount:.10g} {channel.unit} is outside:"
        if amount < channel.minimum - SLACK * abs(channel.minimum):
            raise DecisionRefused(f"{told} min is {channel.minimum:g} {channel.unit}")
        if amount > channel.maximum + SLACK * abs(channel.maximum):
            raise DecisionRefused(f"{told} max is {channel.maximum:g} {channel.unit}")
        return amount

    def converted(self, said: Entered) -> float:
        """Return what is said in the unit of its channel, plausible or not; raise DecisionRefused where it has no such unit."""
        channel = self.channel(said)
        try:
            scale, offset = conversion(unit(said.unit), channel.unit)
        except (UnknownUnit, DimensionError) as error:
            raise DecisionRefused(str(error)) from error
        return said.value * scale + offset

    def _check_entry(self, connection: sqlite3.Connection, said: Entered, now: int) -> None:
        amount = self.amount(said)
        _check_stretch(self.channel(said), said, now)
        for other in beside(connection, said):
            if other.standing in (RecordStanding.ENTERED, RecordStanding.APPROVED) and self._is_same(
                said, amount, other
            ):
                raise DecisionRefused(
                    f"it is entered already, as {other.id}: the same stretch, value and evidence"
                )
        _check_free(connection, said)
        if evidence_kind(connection, said.evidence) is None:
            raise DecisionRefused(f"no evidence {said.evidence!r} was handed in: hand in the file first")

    def _is_same(self, said: Entered, amount: float, other: Record) -> bool:
        if (other.start, other.finish, other.evidence) != (said.start, said.finish, said.evidence):
            return False
        try:
            before = self.amount(said_of(other))
        except DecisionRefused:
            return False
        return abs(before - amount) <= SAME * max(abs(before), abs(amount))


def _check_stretch(channel: Channel, said: Entered, now: int) -> None:
    if channel.kind is Kind.LEVEL:
        if said.start != said.finish:
            raise DecisionRefused("a level holds from its time on: it has no `to`")
    elif said.start >= said.finish:
        raise DecisionRefused(
            "`to` is the first instant that no longer belongs to it, and must be after `from`"
        )
    elif said.finish - said.start > LONGEST_RECORD:
        raise DecisionRefused(
            f"its stretch is longer than {LONGEST_RECORD // NS_PER_DAY} days: enter it year by year"
        )
    if said.finish > now:
        raise DecisionRefused(f"it reaches to {format_time(said.finish)}, and that is not yet")


def _check_free(connection: sqlite3.Connection, said: Entered) -> None:
    """Refuse what overlaps an approved record that it does not replace."""
    if said.replaces:
        _check_replaced(find(connection, said.replaces), said)
    for other in beside(connection, said):
        if other.standing is RecordStanding.APPROVED and other.id != said.replaces:
            until = "on" if other.is_level else f"to {format_time(other.finish)}"
            raise DecisionRefused(
                f"it overlaps the approved record {other.id} (from {format_time(other.start)} {until}, {other.source}):"
                " enter it as one that replaces that, or strike that first"
            )


def _check_replaced(found: Record | None, said: Entered) -> None:
    if found is None or found.place != place_of(said):
        raise DecisionRefused(f"there is no record {said.replaces!r} of this channel to be replaced")
    if found.standing is not RecordStanding.APPROVED:
        raise DecisionRefused(f"{found.id} is {found.standing}: only an approved record is replaced")


def _clashes(entered: Mapping[int, Entered]) -> dict[int, int]:
    """Return the rows of records that overlap one before them on the same channel, and which."""
    of_channel = defaultdict(list)
    for row, said in entered.items():
        of_channel[place_of(said)].append((said.start, said.finish, row))
    found = dict[int, int]()
    for stretches in of_channel.values():
        reach, holder = None, 0
        for start, finish, row in sorted(stretches):
            if reach is not None and (start < reach or start == finish == reach):
                found[max(row, holder)] = min(row, holder)
            if reach is None or finish > reach:
                reach, holder = finish, row
    return found
