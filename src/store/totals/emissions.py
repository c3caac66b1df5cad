"""Emissions in the state: hour blocks of windows, the chain of sums above them, and what changed.

A changed window gets a new revision, and just its hour, day and month are summed again, each from its children in
time order, so that the bits of every sum depend on the set of readings alone.
"""

import itertools
import sqlite3
from collections import OrderedDict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from zoneinfo import ZoneInfo

import numpy as np

from plant import periods
from plant.arrays import Floats, Ints
from plant.vocabulary import NS_PER_HOUR
from store import blocks
from store.accounting.chain import SumChain
from store.accounting.closing import Closing
from store.messages.set_aside import set_aside
from store.sqlite import write_rows

HOURS_AT_ONCE = 1024  # hour blocks worked on at once, about 5 KiB each and a few copies of it
CACHED = 2048  # hour blocks kept in memory, about 5 KiB each at the most


_IN_PLACE = "ON CONFLICT DO UPDATE SET revision = excluded.revision, block = excluded.block"
_AGAIN = "ON CONFLICT DO UPDATE SET dirty = dirty | excluded.dirty, generation = generation + 1"


@dataclass(frozen=True, slots=True)
class Changes:
    """The windows whose published number changed: database id, start [ns], new revision, fields before and after."""

    source: Ints
    start: Ints
    revision: Ints
    old: Floats  # [changes, 9]
    new: Floats

    def __len__(self) -> int:
        return len(self.start)

    @classmethod
    def concat(cls, parts: list["Changes"]) -> "Changes":
        """Return the changes of all parts."""
        return cls(*(np.concatenate([getattr(part, name) for part in parts]) for name in cls.__slots__))


class EmissionTable:
    """The tables `emission`, `total` and `influx_emission`, through the line's connection."""

    def __init__(
        self,
        connection: sqlite3.Connection,
        window: int,
        zone_of: Mapping[int, ZoneInfo],
        quiet: Collection[int] = (),
        closing: Closing | None = None,
    ) -> None:
        """Open the tables; of a `quiet` source a window that was never computed counts as 0, not as unknown.

        What `closing` says is frozen is handed to it and not published.
        """
        self._connection, self._closing = connection, closing
        self._window = window
        self._quiet = np.array(sorted(quiet), np.int64)
        self._per_hour = NS_PER_HOUR // window
        self._packer = blocks.hour_packer()
        self._blocks: OrderedDict[tuple[int, int], Floats] = OrderedDict()
        self._chain = SumChain(connection, zone_of)

    def forget(self) -> None:
        """Drop what memory holds: a transaction that had changed it was rolled back."""
        self._blocks.clear()
        self._chain.forget()

    def apply(self, source: Ints, start: Ints, fields: Floats, *, approved: bool = False) -> Changes:
        """Store windows that differ from what is stored, and sum again what stands above them.

        Parameters
        ----------
        source
            Database ids.
        start
            Starts of windows [ns UTC].
        fields
            [rows, 9]: blocks.FIELDS without the revision.
        approved
            Publish also what is of a final month.
        """
        if not len(source):
            return Changes(source, start, source, fields, fields)
        hour = self._chain.starts(source, start, periods.HOUR)
        order = np.lexsort((start, source))
        source, start, hour, fields = source[order], start[order], hour[order], fields[order]
        if self._closing is not None and not approved:
            open_ = ~self._closing.hold(source, hour, start, fields, self.block)
            source, start, hour, fields = source[open_], start[open_], hour[open_], fields[open_]
            if not len(source):
                return Changes(source, start, source, fields, fields)
        heads = np.flatnonzero(np.append(True, (source[1:] != source[:-1]) | (hour[1:] != hour[:-1])))
        cuts = np.append(heads[::HOURS_AT_ONCE], len(source)).tolist()
        return Changes.concat(
            [
                self._apply(source[a:b], start[a:b], hour[a:b], fields[a:b])
                for a, b in itertools.pairwise(cuts)
            ]
        )

    def _apply(self, source: Ints, start: Ints, hour: Ints, fields: Floats) -> Changes:
        """Store the windows of a bounded number of hours, sorted by (source, start)."""
        head = np.append(True, (source[1:] != source[:-1]) | (hour[1:] != hour[:-1]))
        row = np.cumsum(head) - 1
        keys = list(zip(source[head].tolist(), hour[head].tolist(), strict=True))
        stored = np.stack([self.block(*key) for key in keys])
        place = (start - hour) // self._window
        old = stored[row, place]
        differs = (_bits(old[:, : blocks.REVISION]) != _bits(fields)).any(axis=1)
        # That such a window is unknown is news, though its fields are those of one that was never computed.
        differs |= (old[:, blocks.REVISION] == 0) & np.isin(source, self._quiet)
        changed = np.flatnonzero(differs)
        revision = old[changed, blocks.REVISION].astype(np.int64) + 1
        new = np.concatenate([fields[changed], revision[:, None].astype(np.float64)], axis=1)
        stored[row[changed], place[changed]] = new
        self._write(keys, stored, row[changed], place[changed])
        return Changes(
            source[changed], start[changed], revision, old[changed, : blocks.REVISION], fields[changed]
        )

    def _write(self, keys: list[tuple[int, int]], stored: Floats, row: Ints, place: Ints) -> None:
        """Write the hours that changed, tell the InfluxDB outbox, and rebuild the sums above."""
        if not len(row):
            return
        dirty = np.zeros(len(keys), np.uint64)
        np.bitwise_or.at(dirty, row, np.uint64(1) << place.astype(np.uint64))
        changed = np.unique(row).tolist()
        rows, outbox = [], []
        for number in changed:
            key, block = keys[number], stored[number]
            self._remember(key, block.copy())  # a view would keep all hours of the batch
            rows.append(
                (*key, int(block[:, blocks.REVISION].max()), self._packer.pack(blocks.to_bytes(block)))
            )
            outbox.append((*key, int(dirty[number])))
        write_rows(self._connection, "INSERT INTO emission", rows, _IN_PLACE)
        queue_hours(self._connection, outbox)
        source, hour = (np.array([keys[number][part] for number in changed], np.int64) for part in (0, 1))
        self._chain.rebuild(source, hour, stored[changed])

    def block(self, source: int, hour: int) -> Floats:
        """Return the published block of an hour; not to be written to."""
        found = self._blocks.get((source, hour))
        if found is not None:
            self._blocks.move_to_end((source, hour))
            return found
        row = self._connection.execute(
            "SELECT block FROM emission WHERE source = ? AND hour = ?", (source, hour)
        ).fetchone()
        block = blocks.block_of(row[0], self._per_hour) if row else blocks.empty(self._per_hour)
        if block is None:
            key = {"source": source, "hour": hour}
            set_aside(
                self._connection,
                "emission",
                key,
                "block is no hour of windows: restate the month to have it again",
            )
            return blocks.empty(self._per_hour)
        return block

    def _remember(self, key: tuple[int, int], block: Floats) -> None:
        self._blocks[key] = block
        self._blocks.move_to_end(key)
        if len(self._blocks) > CACHED:
            self._blocks.popitem(last=False)


def queue_hours(connection: sqlite3.Connection, hours: Sequence[tuple[int, int, int]]) -> None:
    """Put windows into the InfluxDB outbox, inside a transaction: source (database id), hour [ns UTC], and a bit for each window."""
    write_rows(connection, "INSERT INTO influx_emission", [(*hour, 1) for hour in hours], _AGAIN)


def _bits(fields: Floats) -> Ints:
    """Compare numbers by their bits, so that an unknown equals an unknown."""
    return np.where(np.isnan(fields), np.nan, fields).view(np.int64)
