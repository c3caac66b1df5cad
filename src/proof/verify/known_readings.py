"""Which readings of the journal a state has: in place of the line's evaluation, where the journal is taken again.

What the line asks of its evaluation is which of the new readings were new when they came. A state answers that: whatever
came is stored, as the reading that counts or as one that lost to it, but for what says nothing that is not said already.
"""

import sqlite3
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from ingest.line.evaluate import Evaluated
from plant.arrays import Bools, Floats, Ints, Readings
from plant.park import Plant
from plant.vocabulary import FOREVER, Flag, Kind
from proof.verify.ledger_proof import bits
from rules.engine import Emissions, Engine
from rules.identity import merge
from rules.registers import SAME_VALUE
from store.readings.by_message import StoredReadings, readings_by_message, stored_at, stored_readings

NOT_STORED = -1  # the database id of a channel that no state has
KEYS_AT_ONCE = 5000
SAID = ("value", "quality", "reset", "boot", "correction")


@dataclass(frozen=True, slots=True)
class Settled:
    """What has been found out of some messages: how many stored readings they have, and what does not fit.

    `left` are stored readings that their message does not say; `absent` readings of messages that are not stored, in order
    of arrival, their channels by index of the plant; `whole` says of each whether the state has none of its message's.
    """

    count: int
    left: StoredReadings
    absent: Readings
    whole: Bools


class KnownReadings:
    """Stands for the evaluation of a line that takes messages again, in the order of the journal."""

    def __init__(self, state: sqlite3.Connection, plant: Plant, again: sqlite3.Connection) -> None:
        """Read from `state` what is known; `again` is where the line that is asked numbers boots anew."""
        self._state, self._again = state, again
        self._rows, self._parts = _none(), readings_by_message(state)
        self._matched = np.zeros(0, bool)
        self._claimed: dict[tuple[int, int], Readings] = {}
        self._open: tuple[Readings, Bools] = Readings.empty(), np.zeros(0, bool)
        self._numbers = {
            (gateway, boot): int(number)
            for number, gateway, boot in state.execute("SELECT id, gateway, boot FROM boot")
        }
        self._names = {number: boot for (_, boot), number in self._numbers.items()}
        self._boot = np.zeros(1, np.int64)  # by number in `again`, its number in the state
        self._unpaired = np.zeros(0, bool)
        self.configure(plant)

    def configure(self, plant: Plant) -> None:
        """Know channels by the indexes of a plant from now on."""
        stored = {
            tuple(name): int(number)
            for number, *name in self._state.execute("SELECT id, park, facility, name FROM channel")
        }
        names = [(one.park, one.facility, one.name) for one in plant.channels]
        self._ids = np.array([stored.get(name, NOT_STORED) for name in names], np.int64)
        self._is_register = np.array([one.kind is Kind.REGISTER for one in plant.channels], bool)

    # --- what the line asks -------------------------------------------------------------------------------------------

    def evaluator(self, engine: Engine, position: Callable[[], int]) -> "_Evaluator":
        """Return what a line may have for its evaluation; `position` tells the first message that it has not taken yet."""
        return _Evaluator(self, engine, position)

    def claim_new(self, new: Readings, first: int) -> Bools:
        """Return which readings, in order of arrival, were new when they came, and count them as known; `first` is the line's first message now."""
        fresh, absent = self._look_up(new, first)
        self._open = new, absent
        self._claim(new.take(fresh & self._unpaired))
        return fresh

    def present(self, new: Readings, first: int) -> Bools:
        """Return which readings the state has; nothing is remembered of it."""
        return ~self._look_up(new, first)[1]

    def stored(self, new: Readings) -> Bools:
        """Return which readings, boots aside, are stored as somebody's: each is looked up by itself."""
        if not len(new):
            return np.zeros(0, bool)
        channel = self._ids[new.channel]
        said = self._said(replace(new, boot=np.zeros(len(new), np.int32)))
        return ~self._settle(new, channel, said, np.ones(len(new), bool))[1]

    # --- what is left over --------------------------------------------------------------------------------------------

    def settled(self, first: int) -> Settled:
        """Return what has been found out of all messages before one, since this was asked last."""
        self._fill(first)
        cut = int(np.searchsorted(self._rows.message, first))
        left = self._rows.take(np.flatnonzero(~self._matched[:cut]))
        self._rows = self._rows.take(slice(cut, None))
        self._matched = self._matched[cut:]
        (new, absent), self._open = self._open, (Readings.empty(), np.zeros(0, bool))
        return Settled(cut, left, new.take(absent), _whole(new, absent))

    def _look_up(self, new: Readings, first: int) -> tuple[Bools, Bools]:
        """Return which readings were new when they came, and which the state does not have."""
        fresh, absent = np.ones(len(new), bool), np.zeros(len(new), bool)
        self._unpaired = np.zeros(len(new), bool)
        if not len(new):
            return fresh, absent
        self._fill(int(new.message.max()) + 1)
        low, high = np.searchsorted(self._rows.message, [first, new.message.max() + 1])
        rows = self._rows.take(slice(low, high))
        channel, said = self._ids[new.channel], self._said(new)
        pair = paired(
            (new.message, channel, new.time), said, (rows.message, rows.channel, rows.time), said_of(rows)
        )
        self._matched[low:high] = np.isin(np.arange(high - low), pair)
        self._unpaired = pair < 0
        special = self._unpaired | _repeated(channel, new.time) | self._is_claimed(channel, new.time)
        of_pair = np.maximum(pair, 0)
        if len(rows):
            special |= (rows.lost[of_pair] > 0) | ((rows.flags[of_pair] & Flag.CONFLICT) > 0)
        at = np.flatnonzero(special)
        if len(at):
            fresh[at], absent[at] = self._settle(new.take(at), channel[at], said[at], self._unpaired[at])
        return fresh, absent

    def _settle(self, new: Readings, channel: Ints, said: Floats, unpaired: Bools) -> tuple[Bools, Bools]:
        """Do as `_look_up` for readings of whose channel and time more than one came, or that are not stored as they came."""
        keys, run = np.unique(np.stack([channel, new.time]), axis=1, return_inverse=True)
        run = run.ravel()
        known = self._known(keys)
        run_of_known = _places(keys, known.channel, known.time)
        earliest = np.full(keys.shape[1], FOREVER)
        np.minimum.at(earliest, run, new.message)
        register = self._is_register[new.channel]
        is_register = np.zeros(keys.shape[1], bool)
        is_register[run] = register
        before = np.flatnonzero(known.message < earliest[run_of_known])
        claimed, run_of_claimed = self._claimed_at(keys)
        old = Readings.concat([claimed, _as_readings(known, before)])
        run_of_old = np.concatenate([run_of_claimed, run_of_known[before]])
        standing = merge(run_of_old, old, 0, is_register[run_of_old], self._rank(old.boot)).rows
        everything = Readings.concat([old.take(standing), _with_boots(new, said[:, SAID.index("boot")])])
        runs = np.concatenate([run_of_old[standing], run])
        found = merge(runs, everything, len(standing), is_register[runs], self._rank(everything.boot))
        stored = _says_same(run, said, run_of_known, said_of(known))
        return found.fresh, unpaired & ~stored

    # --- what is stored -----------------------------------------------------------------------------------------------

    def _fill(self, end: int) -> None:
        """Read on until all rows of messages before `end` are at hand."""
        while not len(self._rows) or self._rows.message[-1] < end:
            part = next(self._parts, None)
            if part is None:
                return
            self._rows = StoredReadings.concat([self._rows, part])
            self._matched = np.append(self._matched, np.zeros(len(part), bool))

    def _known(self, keys: Ints) -> StoredReadings:
        """Return all stored readings of (channel, time), [2, keys], those that lost a conflict too, in order of their messages."""
        parts = [
            stored_at(
                self._state,
                [(channel, time) for channel, time in keys[:, low : low + KEYS_AT_ONCE].T.tolist()],
            )
            for low in range(0, keys.shape[1], KEYS_AT_ONCE)
        ]
        found = StoredReadings.concat([stored_readings([]), *parts])
        return found.take(np.argsort(found.message, kind="stable"))

    def _said(self, new: Readings) -> Floats:
        """Return what readings say, [readings, SAID], boots by their numbers in the state."""
        if len(new) and int(new.boot.max()) >= len(self._boot):
            self._boot = self._boot_numbers(int(new.boot.max()))
        reset = (new.flags & Flag.RESET) != 0
        columns = [new.value, new.quality, reset, self._boot[new.boot], new.correction]
        return np.stack(columns, axis=1).astype(np.float64)

    def _boot_numbers(self, most: int) -> Ints:
        numbers = np.full(most + 1, -1, np.int64)
        numbers[0] = 0
        for number, gateway, boot in self._again.execute(
            "SELECT id, gateway, boot FROM boot WHERE id <= ?", (most,)
        ):
            numbers[number] = self._numbers.get((gateway, boot), -1)
        return numbers

    def _rank(self, boot: NDArray[np.int32]) -> Ints:
        """Return the place of boots, by number in the state, in the order of names; none comes last."""
        distinct, inverse = np.unique(boot, return_inverse=True)
        names = [self._names.get(number, "") for number in distinct.tolist()]
        place = {name: rank for rank, name in enumerate(sorted(set(names) - {""}))}
        return np.array([place.get(name, len(place)) for name in names], np.int64)[inverse.ravel()]

    # --- readings that were new, and are not stored as they came ------------------------------------------------------

    def _claim(self, new: Readings) -> None:
        channel, boot = self._ids[new.channel], self._said(new)[:, SAID.index("boot")]
        for row, key in enumerate(zip(channel.tolist(), new.time.tolist(), strict=True)):
            self._claimed.setdefault(key, _with_boots(new.take(slice(row, row + 1)), boot[row : row + 1]))

    def _is_claimed(self, channel: Ints, time: Ints) -> Bools:
        if not self._claimed:
            return np.zeros(len(time), bool)
        keys = zip(channel.tolist(), time.tolist(), strict=True)
        return np.fromiter((key in self._claimed for key in keys), bool, len(time))

    def _claimed_at(self, keys: Ints) -> tuple[Readings, Ints]:
        places = [place for place, key in enumerate(zip(*keys.tolist(), strict=True)) if key in self._claimed]
        found = [self._claimed[int(keys[0, place]), int(keys[1, place])] for place in places]
        return Readings.concat([Readings.empty(), *found]), np.array(places, np.int64)


class _Evaluator:
    """The part of an evaluation that a line uses."""

    def __init__(self, known: KnownReadings, engine: Engine, position: Callable[[], int]) -> None:
        self._known, self.engine, self._position = known, engine, position

    def take(self, new: Readings, *_around: object) -> Evaluated:
        """Say which of the readings were new; no window comes of it."""
        fresh = self._known.claim_new(new, self._position())
        nothing, empty = Readings.empty(), np.empty(0)
        emissions = Emissions(empty.astype(np.int64), empty.astype(np.int64), *(empty for _ in range(9)))
        return Evaluated(fresh, new.take(fresh), nothing, nothing, emissions)

    def forget(self) -> None:
        """Remember nothing of the line's."""


# --- columns of readings


def _none() -> StoredReadings:
    return stored_readings([])


def said_of(rows: StoredReadings) -> Floats:
    """Return what stored readings say, [readings, SAID]."""
    reset = (rows.flags & Flag.RESET) != 0
    return np.stack([rows.value, rows.quality, reset, rows.boot, rows.correction], axis=1).astype(np.float64)


def _with_boots(new: Readings, boot: Floats) -> Readings:
    return replace(new, boot=boot.astype(np.int32))


def _as_readings(rows: StoredReadings, places: Ints) -> Readings:
    """Return stored readings as the rules know them; channels are ids of the state."""
    part = rows.take(places)
    return Readings(
        channel=part.channel.astype(np.int32),
        time=part.time,
        value=part.value,
        quality=part.quality.astype(np.uint8),
        flags=part.flags.astype(np.uint8),
        verdict=np.zeros(len(part), np.uint8),
        boot=part.boot.astype(np.int32),
        correction=part.correction.astype(np.int32),
        message=part.message,
    )


def _whole(new: Readings, absent: Bools) -> Bools:
    """Whether no reading of its message is stored, of each that is absent."""
    message, of_message = np.unique(new.message, return_inverse=True)
    has_some = np.bincount(of_message.ravel(), ~absent, len(message)) > 0
    return ~has_some[of_message.ravel()][absent]


def _repeated(channel: Ints, time: Ints) -> Bools:
    """Mark readings of whose channel and time there is more than one."""
    order = np.lexsort((time, channel))
    same = (channel[order][1:] == channel[order][:-1]) & (time[order][1:] == time[order][:-1])
    found = np.zeros(len(time), bool)
    found[order[1:][same]] = found[order[:-1][same]] = True
    return found


def _places(keys: Ints, channel: Ints, time: Ints) -> Ints:
    """Return the place of each (channel, time) among keys, [2, keys], in which it is."""
    both = np.concatenate([keys, np.stack([channel, time])], axis=1)
    _, inverse = np.unique(both, axis=1, return_inverse=True)
    return np.asarray(inverse).ravel()[keys.shape[1] :]


def _says_same(run: Ints, said: Floats, run_of_stored: Ints, stored: Floats) -> Bools:
    """Whether anything that is stored of a reading's channel and time says the same, as what loses a conflict is kept."""
    order = np.argsort(run_of_stored, kind="stable")
    first, stop = (np.searchsorted(run_of_stored[order], run, side=side) for side in ("left", "right"))
    count = stop - first
    row = np.repeat(np.arange(len(run)), count)
    other = order[np.arange(len(row)) - np.repeat(np.cumsum(count) - count, count) + np.repeat(first, count)]
    value, quality, correction = (SAID.index(name) for name in ("value", "quality", "correction"))
    a, b = said[row], stored[other]
    near = np.abs(a[:, value] - b[:, value]) <= SAME_VALUE * np.maximum(
        np.abs(a[:, value]), np.abs(b[:, value])
    )
    same = near & (a[:, quality] == b[:, quality]) & (a[:, correction] == b[:, correction])
    return np.bincount(row, same, len(run)) > 0


def paired(
    keys: tuple[Ints, Ints, Ints], said: Floats, others: tuple[Ints, Ints, Ints], stored: Floats
) -> Ints:
    """Return which other row each row equals, by its keys and everything it says; -1 for none."""
    mine, theirs = np.lexsort(keys[::-1]), np.lexsort(others[::-1])
    found = np.full(len(said), -1, np.int64)
    if len(mine) == len(theirs):  # as nearly always
        alike = np.ones(len(mine), bool)
        for a, b in zip(keys, others, strict=True):
            alike &= a[mine] == b[theirs]
        alike &= (bits(said[mine]) == bits(stored[theirs])).all(axis=1)
        found[mine[alike]] = theirs[alike]
        if alike.all():
            return found
    columns = [np.concatenate(pair) for pair in zip(keys, others, strict=True)]
    columns += list(bits(np.concatenate([said, stored])).T)
    order = np.lexsort(columns)
    differs = np.zeros(len(order), bool)
    for column in columns:
        differs[1:] |= column[order][1:] != column[order][:-1]
    group = np.empty(len(order), np.int64)
    group[order] = np.cumsum(differs)
    of_group = np.full(len(order) + 1, -1, np.int64)
    of_group[group[len(said) :]] = np.arange(len(stored))
    return of_group[group[: len(said)]]
