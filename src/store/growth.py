"""How fast journal and state grow, told from what came lately and from what a message has taken so far."""

import sqlite3
from pathlib import Path

from plant.vocabulary import NS_PER_DAY

LATELY = 7 * NS_PER_DAY
SHORTEST = NS_PER_DAY  # a shorter record says nothing of a day


def bytes_per_day(connection: sqlite3.Connection, files: tuple[Path, ...], now: int) -> float | None:
    """Return by how many bytes a day some files of a state directory grow at the rate of the last week.

    Parameters
    ----------
    connection
        To state.db.
    files
        Those that messages make larger; their write-ahead logs are left out.
    now
        [ns UTC]

    Returns
    -------
    float or None
        None where messages have come for less than a day.
    """
    ever, first = connection.execute(
        "SELECT (SELECT sum(received) FROM balance_ever WHERE book = 'messages'), min(start) FROM balance WHERE book = 'messages'"
    ).fetchone()
    if not ever or now - first < SHORTEST:
        return None
    start = max(first, now - LATELY)
    (lately,) = connection.execute(
        "SELECT total(received) FROM balance WHERE book = 'messages' AND start >= ?", (start,)
    ).fetchone()
    size = sum(file.stat().st_size for file in files if file.exists())
    return float(size / ever * lately / ((now - start) / NS_PER_DAY))


def full_in_days(free: int, per_day: float | None) -> float | None:
    """Return after how many days so many free bytes are used up; None where nothing grows, or nobody can say."""
    return free / per_day if per_day else None
