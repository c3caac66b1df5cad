"""Which readings of a channel are asked for, as SQL says it of rows and as numpy says it of columns."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from plant.arrays import Bools, Readings
from plant.vocabulary import BASELINES, Quality, Verdict


@dataclass(frozen=True, slots=True)
class ReadingKind:
    """A kind of readings: `where` in SQL, `of` the same of columns."""

    where: str
    of: Callable[[Readings], Bools]

    def __and__(self, other: "ReadingKind") -> "ReadingKind":
        return ReadingKind(f"{self.where} AND {other.where}", lambda one: self.of(one) & other.of(one))


def is_baseline(readings: Readings) -> Bools:
    """Whether later readings step from each one."""
    return np.isin(readings.verdict, np.array(BASELINES, np.uint8))


ANY = ReadingKind("TRUE", lambda one: np.ones(len(one), bool))
COUNTING = ReadingKind(f"quality <= {int(Quality.UNCERTAIN)}", lambda one: one.counting)
BASELINE = ReadingKind(f"verdict IN ({', '.join(str(int(one)) for one in BASELINES)})", is_baseline)


def verdict_other_than(verdict: Verdict) -> ReadingKind:
    """Return the readings with any other verdict."""
    return ReadingKind(f"verdict != {int(verdict)}", lambda one: one.verdict != verdict)
