"""What a scenario's conditions may ask: its series in memory, as `alerts.judging.conditions.Frame` wants them."""

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from alerts.judging.conditions import GatewayColumns
from alerts.judging.histories import History
from plant.arrays import Floats, Ints, Times
from plant.park import Plant
from plant.vocabulary import NEVER, NS_PER_HOUR

MOST_VALUES = 1_000_000

_NUMBER = r"[-+]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][-+]?[0-9]+)?"
_ITEM = re.compile(
    rf"(?P<first>{_NUMBER}|_)(?:(?P<by>[-+]{_NUMBER.removeprefix('[-+]?')}))?(?:x(?P<more>[0-9]{{1,7}}))?"
)


def series(written: str) -> Floats:
    """Return the values of a series, NaN where there is none.

    `10` is one value, `10x5` is 10 and then five more, `10+2x5` rises by 2 with each of the five, `10-2x5` falls; `_` is
    no reading, and `_x5` five of them: all as in the tests of Prometheus rules.

    Raises
    ------
    ValueError
        Where it is written otherwise, or too long.
    """
    values: list[Floats] = []
    for item in written.split():
        found = _ITEM.fullmatch(item)
        is_gap = item.startswith("_")
        if found is None or (found["by"] and (is_gap or not found["more"])):
            raise ValueError(f"{item[:40]} is no part of a series: write 10, 10x5, 10+2x5, _ or _x5")
        more = int(found["more"] or 0)
        if sum(map(len, values)) + more >= MOST_VALUES:
            raise ValueError(f"a series has at most {MOST_VALUES:,} values")
        if is_gap:
            values.append(np.full(more if found["more"] else 1, np.nan))
        else:
            values.append(float(found["first"]) + float(found["by"] or 0) * np.arange(more + 1.0))
    whole = np.concatenate(values) if values else np.empty(0)
    if np.isinf(whole).any():
        raise ValueError("a number is not finite")
    return whole


@dataclass(frozen=True, slots=True)
class ScenarioGatewayState:
    """What a gateway does from `start` [ns after the scenario's] on; its clock is off by `skew` [s]."""

    start: int
    state: str  # online, offline, silent
    skew: float = math.nan


@dataclass
class ScenarioFrame:
    """A scenario at an instant, which whoever asks sets; readings, rates [t/h] and gateways are by index."""

    plant: Plant
    start: int  # ns UTC
    step: int  # ns
    readings: Mapping[int, Floats]
    rates: Mapping[int, Floats]
    gateways_by_index: Mapping[int, Sequence[ScenarioGatewayState]] = field(default_factory=dict)
    now: int = 0

    def __post_init__(self) -> None:
        """Take the readings apart into times and values."""
        self._known: dict[int, tuple[Times, Floats]] = {}
        for channel, values in self.readings.items():
            rows = np.flatnonzero(~np.isnan(values))
            self._known[channel] = (self.start + rows * self.step, values[rows])
        self._none: tuple[Times, Floats] = (np.empty(0, np.int64), np.empty(0))

    def latest(self, channels: Ints) -> tuple[Times, Floats]:
        """Return time and value of each newest reading."""
        times, values = np.full(len(channels), NEVER, np.int64), np.full(len(channels), np.nan)
        for row, channel in enumerate(channels.tolist()):
            time, value = self._known.get(channel, self._none)
            count = int(np.searchsorted(time, self.now, "right"))
            if count:
                times[row], values[row] = time[count - 1], value[count - 1]
        return times, values

    def history(self, channels: Ints, span: int) -> History:
        """Return the readings in (now - span, now], and of each channel the last one before."""
        runs, times, values = [], [], []
        for row, channel in enumerate(channels.tolist()):
            time, value = self._known.get(channel, self._none)
            first = max(0, int(np.searchsorted(time, self.now - span, "right")) - 1)
            end = int(np.searchsorted(time, self.now, "right"))
            runs.append(np.full(end - first, row, np.int64))
            times.append(time[first:end])
            values.append(value[first:end])
        return History(np.concatenate(runs), np.concatenate(times), np.concatenate(values))

    def emission_rate(self, sources: Ints) -> Floats:
        """Return the rate at the start of the newest complete window."""
        window = self.plant.window
        place = (self.now // window * window - window - self.start) // self.step
        rates = [self.rates.get(source, self._none[1]) for source in sources.tolist()]
        return np.array([of[place] if 0 <= place < len(of) else np.nan for of in rates])

    def tonnes(self, sources: Ints, start: int, end: int) -> Floats:
        """Return the known rates by the time that they lie in [start, end)."""
        return np.array(
            [self._sum(self.rates.get(one, self._none[1]), start, end) for one in sources.tolist()]
        )

    def covered(self, sources: Ints, start: int, end: int) -> tuple[Floats, Floats]:
        """Return the windows in [start, end) from each source's first rate on, and those within steps of a known one."""
        due, covered = np.zeros((2, len(sources)))
        for row, source in enumerate(sources.tolist()):
            rates = self.rates.get(source, self._none[1])
            known = np.flatnonzero(~np.isnan(rates))
            if len(known):
                begun = max(start, self.start + int(known[0]) * self.step)
                due[row] = max(0, end - begun) / self.plant.window
                steps = self.start + known * self.step
                inside = np.minimum(steps + self.step, end) - np.maximum(steps, start)
                covered[row] = np.maximum(inside, 0).sum() / self.plant.window
        return due, covered

    def _sum(self, rates: Floats, start: int, end: int) -> float:
        starts = self.start + np.arange(len(rates)) * self.step
        hours = np.minimum(starts + self.step, end) - np.maximum(starts, start)
        rows = (hours > 0) & ~np.isnan(rates)
        return float(np.sum(rates[rows] * hours[rows]) / NS_PER_HOUR) if rows.any() else math.nan

    def gateways(self, gateways: Ints) -> GatewayColumns:
        """Return what is known of each gateway; one that is online is heard at each step."""
        online, skew = np.full((2, len(gateways)), np.nan)
        heard = np.full(len(gateways), NEVER, np.int64)
        passed = self.now - self.start
        for row, gateway in enumerate(gateways.tolist()):
            states = sorted(self.gateways_by_index.get(gateway, ()), key=lambda one: one.start)
            begun = [one for one in states if one.start <= passed]
            ends = [*(one.start - 1 for one in begun[1:]), passed]
            for one, last in zip(begun, ends, strict=False):
                skew[row] = one.skew
                if one.state == "silent":
                    continue
                online[row] = one.state == "online"
                on_step = last // self.step * self.step if one.state == "online" else one.start
                heard[row] = self.start + max(one.start, on_step)
        return GatewayColumns(online, heard, skew)
