"""Where conditions stand in the state: each subject's life, and up to when all were judged; in one transaction."""

import json
import sqlite3
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from store.sqlite import write_rows

_COLUMNS = "condition, subject, state, since, firing, cleared_since, fired, shelved_until, alert, passed"
_JUDGED = "conditions_judged"  # key of the table `meta`


@dataclass(frozen=True, slots=True)
class StoredState:
    """Where one subject of a condition stands, as `alerts.judging.lifecycle.States` has it; `alert` is its open alert's id, or "".

    `passed` is the place of the comparison that the alert fired for among the condition's, or -1. Times are ns UTC.
    """

    condition: str
    subject: str
    state: int
    since: int
    firing: bool
    cleared_since: int
    fired: tuple[int, ...]
    shelved_until: int
    alert: str
    passed: int


@dataclass(frozen=True, slots=True)
class Begun:
    """Since when a condition is judged, and up to which instant it was judged when it was begun or got its grid [ns UTC]."""

    at: int
    judged: int


def condition_states(connection: sqlite3.Connection) -> dict[tuple[str, str], StoredState]:
    """Return where every subject stands, by the condition's name and the subject's id."""
    rows = connection.execute(f"SELECT {_COLUMNS} FROM condition_state")
    states = (
        StoredState(
            name, subject, state, since, bool(firing), cleared, tuple(json.loads(fired)), shelved, *alert
        )
        for name, subject, state, since, firing, cleared, fired, shelved, *alert in rows
    )
    return {(one.condition, one.subject): one for one in states}


def subjects_in(connection: sqlite3.Connection, condition: str, phase: int) -> set[str]:
    """Return the ids of a condition's subjects that are in a phase."""
    rows = connection.execute(
        "SELECT subject FROM condition_state WHERE condition = ? AND state = ?", (condition, phase)
    )
    return {subject for (subject,) in rows}


def save_condition_states(connection: sqlite3.Connection, states: Iterable[StoredState]) -> None:
    """Store where subjects stand."""
    rows = [
        (s.condition, s.subject, s.state, s.since, int(s.firing), s.cleared_since, json.dumps(s.fired), s.shelved_until, s.alert, s.passed)
        for s in states
    ]  # fmt: skip
    write_rows(connection, f"INSERT OR REPLACE INTO condition_state ({_COLUMNS})", rows)


def drop_condition_states(connection: sqlite3.Connection, keys: Iterable[tuple[str, str]]) -> None:
    """Forget subjects, by the condition's name and the subject's id."""
    connection.executemany("DELETE FROM condition_state WHERE condition = ? AND subject = ?", keys)


def begin_conditions(
    connection: sqlite3.Connection, grids: Mapping[str, tuple[int, int]], judged: int, now: int
) -> dict[str, Begun]:
    """Return since when each condition is judged, and keep it; forget those that are configured no longer.

    One that was not configured before begins now. Of one that has another grid no instant is judged a second time.

    Parameters
    ----------
    grids
        By name `every` and `delay` of each condition. [ns]
    judged
        When conditions were judged last. [ns UTC]
    now
        Nothing was begun or judged later. [ns UTC]
    """
    stored = {
        name: row
        for name, *row in connection.execute(
            "SELECT condition, at, every, delay, judged FROM condition_begun"
        )
    }
    rows = []
    for name, grid in grids.items():
        at, *was, until = stored.get(name, (now, *grid, now - 1))
        if tuple(was) != grid:
            until = max(until, (judged - was[1]) // was[0] * was[0])
        rows.append((name, min(at, now), *grid, min(until, now)))
    connection.execute("DELETE FROM condition_begun")
    write_rows(connection, "INSERT INTO condition_begun", rows)
    return {name: Begun(at, until) for name, at, _, _, until in rows}


def conditions_judged(connection: sqlite3.Connection) -> int | None:
    """Return when conditions were judged last [ns UTC], None before the first time."""
    row = connection.execute("SELECT value FROM meta WHERE key = ?", (_JUDGED,)).fetchone()
    return int(row[0]) if row else None


def note_conditions_judged(connection: sqlite3.Connection, now: int) -> None:
    """Remember when conditions were judged last [ns UTC]."""
    connection.execute("INSERT OR REPLACE INTO meta VALUES (?, ?)", (_JUDGED, now))
