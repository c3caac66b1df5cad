"""One channel's readings through time, by kind: registers that count, rates, intervals, levels and deliveries."""

import math
from collections.abc import Callable
from datetime import UTC, datetime
from zlib import crc32
from zoneinfo import ZoneInfo

import numpy as np

from simulators.clock import NS_PER_DAY, NS_PER_HOUR, Clock, decimals_of
from simulators.configuration import Channel
from simulators.payload import NS_PER_S, Floats, Readings, Times
from simulators.register import Register
from simulators.shapes import WOBBLES, Local, daylight, shape_of, wobble
from simulators.sizes import full_load, swing


class Meter:
    """One channel's meter. Ask it for readings in spans that follow one another; it remembers its display.

    Parameters
    ----------
    index
        The channel's place in the configuration; with `seed` it fixes every number.
    clock
        When it is read; intervals and events have times of their own.
    reset_step
        The reading, counted from 1, at which a register starts again from 0.
    rolls
        Whether a register starts just below its modulus.
    start
        The beginning of the run. [ns UTC]
    """

    def __init__(
        self,
        channel: Channel,
        index: int,
        seed: int,
        clock: Clock,
        start: int,
        *,
        reset_step: int = 0,
        rolls: bool = False,
    ) -> None:
        self.channel = channel
        self._index = index
        self._seed = seed
        self._clock = clock
        self._rng = np.random.default_rng([seed, index])
        self._full = full_load(channel)
        self._swing = swing(channel)
        self._shape = shape_of(channel.facility, channel.name, channel.quantity)
        self._phases = _phases(channel, seed)
        self._read = self._reader(start, reset_step, rolls=rolls)

    def _reader(self, start: int, reset_step: int, *, rolls: bool) -> Callable[[int, int], Readings]:
        if self.channel.kind == "register":
            share = float(self._rng.uniform(0.1, 0.5))
            return Register(
                self.channel,
                self._index,
                self._clock,
                self._hours,
                start,
                share=share,
                reset_step=reset_step,
                rolls=rolls,
            ).readings
        others = {"rate": self._rate, "interval": self._interval, "level": self._level, "event": self._events}
        return others[self.channel.kind]

    def readings(self, after: int, until: int) -> Readings:
        """Return the readings in (after, until] [ns UTC]."""
        return self._read(after, until)

    def load(self, times: Times) -> Floats:
        """Return the share of full load at times [ns UTC]."""
        offset = _offset(self.channel.zone, int(times[0])) if len(times) else 0.0
        at = Local.of(times, offset)
        return np.clip(self._shape(at), 0, 1) * wobble(at, self._phases)

    def _hours(self, before: Times, until: Times) -> Floats:
        """Return what flows between pairs of times [hours at full load]."""
        return self.load((before + until) // 2) * (until - before) / NS_PER_HOUR

    def _rate(self, after: int, until: int) -> Readings:
        times = self._clock.between(after, until)
        noise = 1 + 0.01 * self._rng.standard_normal(len(times))
        return self._rounded(times, self._full * self.load(times) * noise, self._full)

    def _interval(self, after: int, until: int) -> Readings:
        times = Clock(self.channel.period, 0).between(after, until)
        return self._rounded(
            times,
            self._full * self._hours(times - self.channel.period, times),
            self._full * self.channel.period / NS_PER_HOUR,
        )

    def _level(self, after: int, until: int) -> Readings:
        times = self._clock.between(after, until)
        share = self.load(times)
        if self._shape is not daylight:
            share = 1 + self._swing * (share - 0.7 + 0.1 * self._rng.standard_normal(len(times)))
        return self._rounded(times, self._full * share, self._full * min(1.0, 5 * self._swing))

    def _events(self, after: int, until: int) -> Readings:
        """Return deliveries: one to four on each day but Sunday, between 6 and 18 on the park's clock."""
        offset = round(_offset(self.channel.zone, after)) * NS_PER_S
        days = range((after + offset) // NS_PER_DAY, (until + offset) // NS_PER_DAY + 1)
        parts = [self._deliveries(day, offset) for day in days]
        readings = Readings.concat(parts)
        return readings.take((readings.time > after) & (readings.time <= until))

    def _deliveries(self, day: int, offset: int) -> Readings:
        rng = np.random.default_rng([self._seed, self._index, day])
        number = 0 if day % 7 == 3 else int(rng.integers(1, 4, endpoint=True))  # 1970-01-04 was a Sunday
        seconds = np.unique(rng.integers(6 * 3600, 18 * 3600, number))
        amounts = self._full * rng.uniform(0.4, 1.0, len(seconds))
        return self._rounded(day * NS_PER_DAY + seconds * NS_PER_S - offset, amounts, self._full)

    def _rounded(self, times: Times, values: Floats, size: float) -> Readings:
        """Return readings within the channel's range, with the decimals that suit their `size`."""
        lowest = -math.inf if math.isnan(self.channel.minimum) else self.channel.minimum
        highest = math.inf if math.isnan(self.channel.maximum) else self.channel.maximum
        kept: Floats = np.clip(values, lowest, highest)
        return Readings.of(self._index, times, np.round(kept, decimals_of(size)))


def _phases(channel: Channel, seed: int) -> list[float]:
    """Return the phases of a device's waves [rad]: a device's energy and its power run alike."""
    device = f"{channel.park}/{channel.facility}/{channel.name.partition('/')[0]}"
    rng = np.random.default_rng([seed, crc32(device.encode())])
    return [float(phase) for phase in rng.uniform(0, 2 * math.pi, len(WOBBLES))]


def _offset(zone: ZoneInfo, time: int) -> float:
    """Return how far a zone is ahead of UTC at a time [s]."""
    ahead = datetime.fromtimestamp(time / NS_PER_S, UTC).astimezone(zone).utcoffset()
    return ahead.total_seconds() if ahead is not None else 0.0
