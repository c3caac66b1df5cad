"""What the line notes of channels and sources beside their readings: when a source had its first, and where two meters speak."""

import numpy as np

from ingest.line.evaluate import Evaluated
from plant.park import Plant
from plant.vocabulary import FOREVER, Verdict
from store.state import State

CONFLICT_AMONG = 50  # newest readings of a channel, of which
CONFLICT_OUTLIERS = 20  # may be outliers; more are a `channel_conflict`


class FirstReadings:
    """When each source had its first reading."""

    def __init__(self, plant: Plant, state: State) -> None:
        self._state, self._sources_of = state, _sources_of(plant)
        self.forget()

    def forget(self) -> None:
        """Read the state again, as after a rollback."""
        self._first = self._state.first_readings()

    def take(self, evaluated: Evaluated) -> None:
        """Note what new readings say of it."""
        rows = evaluated.written
        if not len(rows):
            return
        earliest = np.full(len(self._sources_of), FOREVER)
        np.minimum.at(earliest, rows.channel, rows.time)
        found: dict[int, int] = {}
        for channel in np.flatnonzero(earliest < FOREVER).tolist():
            for source in self._sources_of[channel]:
                found[source] = min(found.get(source, FOREVER), int(earliest[channel]))
        earlier = {s: t for s, t in found.items() if t < self._first[s]}
        if earlier:
            sources, times = np.array(list(earlier), np.int64), np.array(list(earlier.values()), np.int64)
            self._first[sources] = times
            self._state.note_first_readings(sources, times)


class Conflicts:
    """Channels (by index) with too many outliers among their newest readings: two meters on one channel."""

    def __init__(self, state: State) -> None:
        self._state = state
        self.forget()

    def forget(self) -> None:
        """Read the state again, as after a rollback."""
        stored = list(self._state.readings.conflicts())
        self.channels = set(np.flatnonzero(np.isin(self._state.channel_ids, stored)).tolist())

    def take(self, evaluated: Evaluated) -> None:
        """Note where that has changed."""
        for rows in (evaluated.written, evaluated.rejudged):
            for channel in np.unique(rows.channel[rows.verdict == Verdict.OUTLIER]).tolist():
                number = int(self._state.channel_ids[channel])
                many = self._state.readings.outliers(number, CONFLICT_AMONG) > CONFLICT_OUTLIERS
                if many != (channel in self.channels):
                    self._state.readings.note_conflict(number, lasts=many)
                    (self.channels.add if many else self.channels.discard)(channel)


def _sources_of(plant: Plant) -> list[list[int]]:
    found: list[list[int]] = [[] for _ in plant.channels]
    for source in plant.sources:
        for channel in sorted({k for taken in source.inputs for k in plant.measured(taken.channel)}):
            found[channel].append(source.index)
    return found
