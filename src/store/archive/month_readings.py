"""The readings of a park's month as a table: by channel and time, those that lost a conflict behind the one that won it."""

import sqlite3
from collections.abc import Iterator

import numpy as np
import pyarrow as pa

from plant.arrays import Ints, Readings
from plant.park import Plant
from plant.vocabulary import Quality, Verdict
from store.archive.months import ArchiveMonth, channels_of
from store.archive.parquet import known, same_word, schema_of, times, words
from store.readings.lost import lost_between
from store.readings.read import whole_between

_QUALITIES = {int(one): one.name.lower() for one in Quality}
_VERDICTS = {int(one): one.name.lower() for one in Verdict}


class ReadingsOfMonth:
    """Readings of one month; reading them again gives the same tables."""

    name = "readings"

    def __init__(self, state: sqlite3.Connection, plant: Plant, month: ArchiveMonth) -> None:
        self._state, self._month = state, month
        self._units = {(one.park, one.facility, one.name): one.unit.symbol for one in plant.channels}
        self.schema = schema_of(
            [
                *((name, pa.string(), "") for name in ("park", "facility", "channel")),
                ("time", pa.timestamp("ns", tz="UTC"), "UTC"),
                ("value", pa.float64(), ""),
                *((name, pa.string(), "") for name in ("unit", "quality", "verdict")),
                ("flags", pa.uint8(), ""),
                ("lost", pa.bool_(), ""),
                ("gateway", pa.string(), ""),
                ("boot", pa.string(), ""),
                ("correction", pa.int32(), ""),
                ("message", pa.int64(), "1"),
                ("channel_id", pa.int32(), ""),
                ("boot_id", pa.int32(), ""),
            ],
            {"park": month.park, "month": month.month, "table": self.name},
        )

    def tables(self) -> Iterator[pa.Table]:
        """Yield the readings of each channel, by facility and name; raise BlockUnreadable where any cannot be read."""
        for channel in channels_of(self._state, self._month.park):
            span = (channel, self._month.start, self._month.end)
            won = whole_between(self._state, *span)
            lost = lost_between(self._state, *span)
            if len(won) + len(lost):
                yield self._table(channel, won, lost)

    def _table(self, channel: int, won: Readings, lost: Readings) -> pa.Table:
        [(park, facility, name)] = self._state.execute(
            "SELECT park, facility, name FROM channel WHERE id = ?", (channel,)
        )
        is_lost = np.repeat([False, True], [len(won), len(lost)])
        both = Readings.concat([won, lost])
        order = np.lexsort((is_lost, both.time))
        r, count, boot = both.take(order), len(both), both.boot[order].astype(np.int64)
        boots = self._boots(boot)
        columns = {
            "park": same_word(park, count),
            "facility": same_word(facility, count),
            "channel": same_word(name, count),
            "time": times(r.time),
            "value": known(r.value),
            "unit": same_word(self._units.get((park, facility, name)), count),
            "quality": words(r.quality.astype(np.int64), _QUALITIES),
            "verdict": words(r.verdict.astype(np.int64), _VERDICTS),
            "flags": pa.array(r.flags, pa.uint8()),
            "lost": pa.array(is_lost[order]),
            "gateway": words(boot, {number: gateway for number, (gateway, _) in boots.items()}),
            "boot": words(boot, {number: name for number, (_, name) in boots.items()}),
            "correction": pa.array(r.correction, pa.int32()),
            "message": pa.array(r.message, pa.int64()),
            "channel_id": pa.array(r.channel, pa.int32()),
            "boot_id": pa.array(r.boot, pa.int32()),
        }
        return pa.table(columns, schema=self.schema)

    def _boots(self, numbers: Ints) -> dict[int, tuple[str, str]]:
        """Return gateway and boot of each number that names one."""
        found = {}
        for number in np.unique(numbers).tolist():
            row = self._state.execute("SELECT gateway, boot FROM boot WHERE id = ?", (number,)).fetchone()
            if row is not None:
                found[number] = (row[0], row[1])
        return found
