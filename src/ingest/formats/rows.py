"""Where the decoder of any format puts the readings of one message, checked alike whatever it was written in."""

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from ingest.formats import fields
from ingest.formats.columns import Envelope, RawReadings, Refusal
from ingest.formats.decoder import Origin
from ingest.formats.document import MAX_REFUSALS
from ingest.formats.strict import PayloadError
from plant.vocabulary import Code, Quality

NS = {"s": 10**9, "ms": 10**6, "us": 10**3, "ns": 1}  # of a number that is a time, in a unit that is stated
_FINEST = 1000  # ns: a time in seconds as float64 holds no more
_LATEST = 2**63 - 1


@dataclass(slots=True)
class Rows:
    """The readings of one message; one that is wrong is refused by itself, and the others count.

    `path` names a place in the payload, from a reading's number and what of it is meant: channel, time, value or unit.
    With more than `most` readings, refused ones among them, the message is refused as a whole: `add` and `refuse` raise that.
    """

    origin: Origin
    raw: RawReadings
    refusals: list[Refusal]
    path: Callable[[int, str], str]
    most: int = fields.MAX_READINGS
    refused: int = 0
    _first: int = field(init=False)
    _limit: int = field(init=False)
    _end: int = field(init=False)  # rows and refused readings up to which there is room

    def __post_init__(self) -> None:
        self._first, self._limit = len(self.raw), len(self.refusals) + MAX_REFUSALS
        self._end = self._first + self.most
        self.raw.paths[self.origin.position] = self.path

    def add(
        self,
        item: int,
        channel: Any,
        time: int | str,
        value: Any,
        unit: Any,
        *,
        own_unit: bool = False,
        quality: Quality = Quality.GOOD,
    ) -> None:
        """Add a reading, or refuse it.

        Parameters
        ----------
        item
            Its place among the message's readings.
        time
            ns UTC, or RFC 3339 text.
        unit
            What the payload says; without a meaning where `own_unit`, the channel's own, is what was agreed.
        """
        try:
            name = fields.channel(channel, "channel")
            number = fields.value(value, "value")
            symbol = "" if own_unit else fields.unit(unit, "unit")
        except PayloadError as error:  # only now is it worth finding out where
            self.refuse(PayloadError(error.code, self.path(item, error.path), error.detail))
            return
        raw, row = self.raw, len(self.raw)
        raw.message.append(self.origin.position)
        raw.channel.append(name)
        raw.value.append(number)
        raw.unit.append(symbol)
        raw.item.append(item)
        if isinstance(time, str):
            raw.time.append(time)
        else:
            raw.time.append("")
            raw.stamped[row] = time
        if own_unit:
            raw.own_unit.add(row)
        if quality is not Quality.GOOD:
            raw.quality[row] = quality
        if row + self.refused >= self._end:
            self._check_count()

    def refuse(self, error: PayloadError, readings: int = 1) -> None:
        """Refuse readings; beyond `MAX_REFUSALS` of a message they are only counted."""
        if len(self.refusals) < self._limit:
            self.refusals.append(Refusal(self.origin.position, error.code, error.path, error.detail))
        self.refused += readings
        self._check_count()

    def _check_count(self) -> None:
        fields.check_count(len(self.raw) - self._first + self.refused, self.most)

    def envelope(self, boot: str | None = None, seq: int | None = None) -> Envelope:
        """Return what the message said of itself, after its last reading."""
        count = len(self.raw) - self._first
        return Envelope(boot, seq, self._first, count, decoded=True, refused=self.refused)


def arrival(origin: Origin, path: str) -> int:
    """Return when a message arrived [ns UTC], as the time of a reading that has none of its own.

    Raises
    ------
    PayloadError
        The message is retained: it came when we connected, which says nothing of when it was read.
    """
    if origin.retained:
        detail = "a retained message does not say when it was read; publish without retain, or send times"
        raise PayloadError(Code.RETAINED, path, detail)
    return origin.received


def instant(number: Any, unit: str, path: str) -> int:
    """Return a number since 1970 in a stated unit (s, ms, us, ns) as ns UTC; a decimal is rounded to 1 us.

    Raises
    ------
    PayloadError
        It is no number, or outside what int64 holds as ns.
    """
    if isinstance(number, bool) or not isinstance(number, int | float) or not math.isfinite(number):
        raise PayloadError(Code.TS_INVALID, path, f"a time is a number of {unit} since 1970")
    if not 0 <= number <= _LATEST // NS[unit]:
        raise PayloadError(
            Code.TS_INVALID, path, f"{number!r:.40} {unit} since 1970 is no time that can be meant"
        )
    if isinstance(number, int):
        return number * NS[unit]
    return round(number * NS[unit] / _FINEST) * _FINEST
