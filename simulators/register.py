"""A register's display through time: it counts, rolls over, is reset, and is replaced when the configuration says so."""

import math
from collections.abc import Callable

import numpy as np

from simulators.clock import NS_PER_DAY, NS_PER_HOUR, Clock, decimals_of
from simulators.configuration import Channel, Swap
from simulators.payload import Bools, Floats, Readings, Times
from simulators.sizes import full_load

LONG = 60 * NS_PER_DAY
Demand = Callable[[Times, Times], Floats]  # hours at full load between pairs of times


class Register:
    """The meters of one register channel. Ask for readings in spans that follow one another.

    Parameters
    ----------
    channel, index
        The channel, and what its readings are to say for it.
    clock
        When it is read.
    demand
        What flows.
    start
        The beginning of the run. [ns UTC]
    share
        Where its display begins, as a share of its range, 0 to 1.
    reset_step
        The reading, counted from 1, at which it starts again from 0; 0 for never.
    rolls
        Whether it begins just below its modulus.
    """

    def __init__(
        self,
        channel: Channel,
        index: int,
        clock: Clock,
        demand: Demand,
        start: int,
        *,
        share: float,
        reset_step: int,
        rolls: bool,
    ) -> None:
        self._channel = channel
        self._index = index
        self._clock = clock
        self._demand = demand
        self._reset_step = reset_step
        self._steps = 0
        self._install(channel.at(start), 0.0, start)
        self._zero = -self._first_display(start, share, rolls=rolls)

    def _install(self, meter: Channel, display: float, time: int) -> None:
        self._meter = meter
        self._full = full_load(meter)
        self._digit = 10.0 ** decimals_of(self._full * self._clock.cadence / NS_PER_HOUR)
        self._counted = 0.0
        self._zero = -display  # the count at which the display was 0
        self._last = time

    def readings(self, after: int, until: int) -> Readings:
        """Return the readings in (after, until] [ns UTC]; a reading at the instant of a swap is the new meter's."""
        parts = []
        for swap in self._channel.swaps:
            if after < swap.time <= until:
                parts.append(self._count(after, swap.time - 1))
                self._install(self._channel.at(swap.time), swap.first_new, swap.time)
                after = swap.time - 1
        return Readings.concat([*parts, self._count(after, until)])

    def _count(self, after: int, until: int) -> Readings:
        times = self._clock.between(after, until)
        if not len(times):
            return Readings.of(self._index, times, np.empty(0))
        amounts = self._full * self._demand(np.append(self._last, times[:-1]), times)
        counted = self._counted + np.cumsum(amounts)
        reset = np.arange(self._steps + 1, self._steps + len(times) + 1) == self._reset_step
        zeros = self._zeros(np.append(self._counted, counted), reset)
        self._counted, self._last, self._steps = float(counted[-1]), int(times[-1]), self._steps + len(times)
        return Readings.of(self._index, times, self._display(counted - zeros), reset)

    def _zeros(self, counted: Floats, reset: Bools) -> Floats:
        """Return the count at which the display was 0, for each reading; a reset falls in the middle of its step."""
        zeros = np.full(len(reset), self._zero)
        if reset.any():
            at = int(np.argmax(reset))
            self._zero = float(counted[at] + counted[at + 1]) / 2
            zeros[at:] = self._zero
        return zeros

    def _display(self, counted: Floats) -> Floats:
        """Return whole steps of the last digit, back to 0 at the modulus."""
        steps = np.floor(counted * self._digit)
        if not math.isnan(self._meter.modulus):
            steps %= round(self._meter.modulus * self._digit)
        return steps / self._digit

    def _first_display(self, start: int, share: float, *, rolls: bool) -> float:
        if rolls:
            ten_steps = self._flow(self._clock.between(start, start + 11 * self._clock.cadence)[:11])
            return self._meter.modulus - ten_steps / 2
        told = [swap for swap in self._channel.swaps if swap.time <= start or not math.isnan(swap.final_old)]
        if told:
            return self._display_by(next((swap for swap in told if swap.time > start), told[-1]), start)
        top = np.nanmin([self._meter.modulus, self._meter.maximum, self._full * 20_000])
        return float(share * top)

    def _display_by(self, swap: Swap, start: int) -> float:
        """Return the display that a swap before or after the start asks for."""
        early, late = sorted([swap.time, start])
        # Over a short span step by step as `_count` does, so that the old meter ends exactly at its final display.
        clock = self._clock if late - early < LONG else Clock(NS_PER_HOUR, 0)
        flow = self._flow(np.concatenate([[early], clock.between(early, late - 1), [late]]))
        return swap.first_new + flow if swap.time <= start else max(0.0, swap.final_old - flow)

    def _flow(self, times: Times) -> float:
        return self._full * float(self._demand(times[:-1], times[1:]).sum())
