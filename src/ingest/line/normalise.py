"""From raw readings to readings: channels looked up, units converted, times read, limits checked; refusals said."""

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from ingest.formats.columns import MAX_SHOWN, RawReadings, Refusal, path_of
from ingest.formats.document import MAX_REFUSALS
from ingest.formats.fields import LONGEST_UNIT
from ingest.times import parse_times
from plant.arrays import Bools, Bytes, Floats, Ints, Readings, Times
from plant.park import Plant
from plant.units import DimensionError, Unit, UnknownUnit, conversion, unit
from plant.vocabulary import NS_PER_S, Code, Flag
from rules.registers import LIMIT_SLACK

FUTURE = 120 * NS_PER_S  # a reading may be this much later than its arrival
SMALLEST = np.finfo(np.float64).tiny  # anything closer to 0 is 0
_UNKNOWN_UNITS = 4096  # unknown unit texts remembered, so that a flood of them costs no memory


@dataclass(slots=True)
class Normaliser:
    """Knows every channel and unit; one instance for the life of a configuration."""

    plant: Plant
    backfills: Mapping[str, int] = field(
        default_factory=dict
    )  # how far back [ns UTC] gateways may tell that speak for a facility
    _channels: dict[str, dict[str, int]] = field(init=False)
    _of_facility: dict[str, dict[str, int]] = field(init=False)
    _entered: set[str] = field(init=False, default_factory=set)  # names of channels that people enter
    _codes: dict[str, int] = field(init=False)
    _units: list[Unit] = field(init=False)
    _own: Ints = field(init=False)
    _minimum: Floats = field(init=False)
    _maximum: Floats = field(init=False)

    def __post_init__(self) -> None:
        self._channels = {gateway.id: {} for gateway in self.plant.gateways}
        self._of_facility = defaultdict(dict)
        for channel in self.plant.channels:
            facility = f"{channel.park}/{channel.facility}"
            if channel.entered:
                self._entered.add(channel.name)
                continue
            self._channels[f"{facility}/{channel.gateway}"][channel.name] = channel.index
            self._of_facility[facility][channel.name] = channel.index
        self._codes, self._units = {}, []
        self._own = np.array([self._code(c.unit.symbol) for c in self.plant.channels], np.int64)
        self._minimum = np.array([c.minimum for c in self.plant.channels])
        self._maximum = np.array([c.maximum for c in self.plant.channels])

    def knows(self, gateway: str) -> bool:
        """Whether the configuration has this gateway (park/facility/gateway), or a backfill."""
        return gateway in self._channels or gateway in self.backfills

    def channels(self, gateway: str, names: list[str]) -> list[int]:
        """Return the index of each channel of a gateway; -1 where there is none."""
        known = self._channels.get(gateway, {})
        if gateway in self.backfills:
            known = self._of_facility.get(gateway.rpartition("/")[0], {})
        return [known.get(name, -1) for name in names]

    def oldest(self, gateways: Sequence[str], received: Times) -> Times:
        """Return of which time [ns UTC] a reading of each message may be, by its gateway and arrival [ns UTC]."""
        found: Times = received - self.plant.max_late
        for position, gateway in enumerate(gateways if self.backfills else ()):
            if gateway in self.backfills:
                found[position] = min(found[position], self.backfills[gateway])
        return found

    def normalise(
        self,
        raw: RawReadings,
        channel: NDArray[np.int32],
        received: Times,
        refusals: list[Refusal],
        oldest: Times | None = None,
    ) -> tuple[Readings, Ints]:
        """Return the readings that count as come, and the raw row of each; say why of every other one.

        Parameters
        ----------
        raw
            All readings of a micro-batch.
        channel
            The channel of each, -1 where it is unknown.
        received
            When the message of each arrived. [ns]
        oldest
            Of which time each may be, where that is not the same for all gateways. [ns]
        """
        checks = _Checks(raw)
        checks.refuse(
            channel < 0,
            Code.UNMAPPED,
            lambda row: self._unmapped(raw.channel[row]),
            "channel",
        )
        known = np.maximum(channel, 0)
        value = self._convert(raw, known, checks)
        time, unread = _times(raw)
        for row, code in unread.items():
            checks.refuse_one(
                row, code, f"{raw.time[row][:MAX_SHOWN]!r} is no RFC 3339 time with a zone", "time"
            )
        checks.refuse(
            time < (received - self.plant.max_late if oldest is None else oldest),
            Code.TS_OLD,
            lambda row: f"{_told(raw, row)} is too old",
            "time",
        )
        future = time > received + FUTURE
        for row in np.flatnonzero(future).tolist():
            position = raw.message[row]
            raw.ahead[position] = max(int(time[row] - received[row]), raw.ahead.get(position, 0))
        checks.refuse(future, Code.TS_FUTURE, lambda row: f"{_told(raw, row)} is not yet", "time")
        quality, flags = _sparse(raw, len(value))
        low, high = self._minimum[known], self._maximum[known]
        counts = quality <= 1
        checks.refuse(
            counts & (value < low - LIMIT_SLACK * np.abs(low)),
            Code.BELOW_MIN,
            lambda row: self._below(int(known[row]), value[row]),
            "value",
        )
        checks.refuse(
            counts & (value > high + LIMIT_SLACK * np.abs(high)),
            Code.RANGE,
            lambda row: self._above(int(known[row]), value[row]),
            "value",
        )
        good = np.flatnonzero(~checks.refused)
        refusals.extend(checks.found)
        correction = np.zeros(len(value), np.int32)
        correction[list(raw.correction)] = list(raw.correction.values())
        nothing = np.zeros(len(good), np.int32)
        return (
            Readings(
                channel=channel[good],
                time=time[good],
                value=value[good],
                quality=quality[good],
                flags=flags[good],
                verdict=np.zeros(len(good), np.uint8),
                boot=nothing,
                correction=correction[good],
                message=np.zeros(len(good), np.int64),
            ),
            good,
        )

    def _convert(self, raw: RawReadings, channel: NDArray[np.int32], checks: "_Checks") -> Floats:
        """Return the values in their channels' own units."""
        value = np.array(raw.value, np.float64)
        code = np.array([self._codes.get(text, -1) for text in raw.unit], np.int64)
        for row in np.flatnonzero(code < 0).tolist():
            code[row] = self._code(raw.unit[row])
        rows = np.array(list(raw.own_unit), np.int64)
        code[rows] = self._own[channel[rows]]
        checks.refuse(
            code == 0, Code.UNIT_UNKNOWN, lambda row: f"unknown unit {raw.unit[row][:MAX_SHOWN]!r}", "unit"
        )
        own = self._own[channel]
        other = np.flatnonzero((code != own) & ~checks.refused)
        for pair in np.unique(code[other] << 32 | own[other]).tolist():
            rows = other[(code[other] == pair >> 32) & (own[other] == pair & 0xFFFFFFFF)]
            given, wanted = self._units[(pair >> 32) - 1], self._units[(pair & 0xFFFFFFFF) - 1]
            try:
                scale, offset = conversion(given, wanted)
            except DimensionError:
                checks.refuse_rows(
                    rows, Code.DIMENSION, f"{given.symbol} does not convert to {wanted.symbol}", "unit"
                )
                continue
            with np.errstate(over="ignore"):
                value[rows] = value[rows] * scale + offset
        checks.refuse(
            ~np.isfinite(value),
            Code.OUT_OF_RANGE,
            lambda row: f"{raw.value[row]} {raw.unit[row][:MAX_SHOWN]}",
            "value",
        )
        value[np.abs(value) < SMALLEST] = 0.0
        return value

    def _code(self, symbol: str) -> int:
        """Return the number of a unit, from 1 on; 0 for an unknown one."""
        if symbol in self._codes:
            return self._codes[symbol]
        if len(symbol) > LONGEST_UNIT:
            return 0
        try:
            known = unit(symbol)
        except UnknownUnit:
            if len(self._codes) < _UNKNOWN_UNITS:
                self._codes[symbol] = 0
            return 0
        self._units.append(known)
        self._codes[symbol] = len(self._units)
        return self._codes[symbol]

    def _unmapped(self, name: str) -> str:
        told = f"no channel {name[:MAX_SHOWN]!r} of this gateway"
        return (
            f"{told}: people enter one of that name as records, and no gateway sends it"
            if name in self._entered
            else told
        )

    def _below(self, channel: int, value: float) -> str:
        c = self.plant.channels[channel]
        can = "; say signed: true for the channel where it can be negative" if c.minimum == 0 else ""
        return f"{value:g} {c.unit.symbol} is outside: min is {c.minimum:g} {c.unit.symbol}{can}"

    def _above(self, channel: int, value: float) -> str:
        c = self.plant.channels[channel]
        return f"{value:g} {c.unit.symbol} is outside: max is {c.maximum:g} {c.unit.symbol}"


class _Checks:
    """Collects, for each raw reading, the first thing that is wrong with it; of one message at most `MAX_REFUSALS` in words."""

    def __init__(self, raw: RawReadings) -> None:
        self._raw = raw
        self.refused = np.zeros(len(raw), bool)
        self.found: list[Refusal] = []
        self._told: dict[int, int] = {}  # of each message

    def refuse(self, rows: Bools, code: Code, say: Callable[[int], str], leaf: str) -> None:
        """Refuse marked rows that are not refused yet; of a message's first ones say why."""
        refused = np.flatnonzero(rows & ~self.refused)
        self.refused[refused] = True
        for row in refused.tolist():
            if self._is_told(self._raw.message[row]):
                self._tell(row, code, say(row), leaf)

    def refuse_rows(self, rows: Ints, code: Code, detail: str, leaf: str) -> None:
        """Refuse rows for one reason."""
        for row in rows.tolist():
            self.refuse_one(row, code, detail, leaf)

    def refuse_one(self, row: int, code: Code, detail: str, leaf: str) -> None:
        """Refuse a row unless it is refused already."""
        if not self.refused[row]:
            self.refused[row] = True
            if self._is_told(self._raw.message[row]):
                self._tell(row, code, detail, leaf)

    def _is_told(self, message: int) -> bool:
        """Whether one more refusal of a message is worth its words: they cost more than a reading that counts."""
        told = self._told.get(message, 0)
        self._told[message] = told + 1
        return told < MAX_REFUSALS

    def _tell(self, row: int, code: Code, detail: str, leaf: str) -> None:
        self.found.append(Refusal(self._raw.message[row], code, path_of(self._raw, row, leaf), detail))


def _times(raw: RawReadings) -> tuple[Times, dict[int, Code]]:
    """Return the times [ns UTC], and the code of each row that has none."""
    time, unread = parse_times(raw.time)
    for row in raw.stamped:
        unread.pop(row, None)
    time[list(raw.stamped)] = list(raw.stamped.values())
    return time, unread


def _told(raw: RawReadings, row: int) -> str:
    """Return a reading's time as text."""
    stamped = raw.stamped.get(row)
    return raw.time[row] if stamped is None else f"{np.datetime64(stamped, 'ns')}Z"


def _sparse(raw: RawReadings, length: int) -> tuple[Bytes, Bytes]:
    """Return the quality and the flags of each raw reading."""
    quality, flags = np.zeros(length, np.uint8), np.zeros(length, np.uint8)
    quality[list(raw.quality)] = list(raw.quality.values())
    flags[list(raw.reset)] = Flag.RESET
    return quality, flags
