"""How fast journal and state grow, told from how many messages came lately and from what a message has taken so far."""

import sqlite3
from contextlib import closing
from pathlib import Path

from plant.vocabulary import NS_PER_DAY
from store.faults import FileFault
from store.messages.steps import StepFailed, StepReader

LATELY = 7 * NS_PER_DAY
SHORTEST = NS_PER_DAY  # a shorter record says nothing of a day


def bytes_per_day(journal: Path, state: Path, now: int) -> float | None:
    """Return by how many bytes a day journal and state grow.

    At the rate of the last week, told from a few steps: what it costs does not depend on how long the record is.

    Parameters
    ----------
    now
        [ns UTC]

    Returns
    -------
    float or None
        None where steps were recorded for less than a day, or nobody can say.
    """
    try:
        with closing(StepReader(journal)) as steps:
            since, before = steps.first_since(now - LATELY)
            ever = steps.last()[1].through - 1
    except (StepFailed, FileFault, sqlite3.Error, OSError):
        return None
    if not ever or now - since < SHORTEST:
        return None
    size = sum(file.stat().st_size for file in (journal, state) if file.exists())
    return size / ever * (ever + 1 - before) / ((now - since) / NS_PER_DAY)


def full_in_days(free: int, per_day: float | None) -> float | None:
    """Return after how many days so many free bytes are used up; None where nothing grows, or nobody can say."""
    return free / per_day if per_day else None
