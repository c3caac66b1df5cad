"""Where rules stand in the state: each subject's life, and up to when all was judged; in one transaction."""

import json
import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass

from store.sqlite import write_rows

_COLUMNS = "rule, subject, state, since, firing, cleared_since, fired, shelved_until, alert, passed, judged"
_KEPT = ", ".join(f"{name} = excluded.{name}" for name in _COLUMNS.split(", ")[2:])
_JUDGED = "conditions_judged"  # key of the table `meta`


@dataclass(frozen=True, slots=True)
class StoredState:
    """Where one subject of a rule stands, as `alerts.judging.lifecycle.States` has it; `alert` is its open alert's id, or "".

    `passed` is the place of the comparison that the alert fired for among the rule's, or -1. `judged` is the time of a limit's
    newest judged reading, or the end of its newest judged window. Times are ns UTC.
    """

    rule: str
    subject: str
    state: int
    since: int
    firing: bool
    cleared_since: int
    fired: tuple[int, ...]
    shelved_until: int
    alert: str
    passed: int
    judged: int


@dataclass(frozen=True, slots=True)
class Begun:
    """Since when a condition is judged, and up to which instant it was judged when it was begun or got its grid [ns UTC]."""

    at: int
    judged: int


def rule_states(connection: sqlite3.Connection) -> dict[tuple[str, str], StoredState]:
    """Return where every subject stands, by the rule's name and the subject's id."""
    rows = connection.execute(f"SELECT {_COLUMNS} FROM rule_state")
    states = (
        StoredState(name, subject, state, since, bool(firing), cleared, tuple(json.loads(fired)), *others)
        for name, subject, state, since, firing, cleared, fired, *others in rows
    )
    return {(one.rule, one.subject): one for one in states}


def subjects_in(connection: sqlite3.Connection, rule: str, phase: int) -> set[str]:
    """Return the ids of a rule's subjects that are in a phase."""
    rows = connection.execute("SELECT subject FROM rule_state WHERE rule = ? AND state = ?", (rule, phase))
    return {subject for (subject,) in rows}


def save_rule_states(connection: sqlite3.Connection, states: Iterable[StoredState]) -> None:
    """Store where subjects stand."""
    rows = [
        (s.rule, s.subject, s.state, s.since, int(s.firing), s.cleared_since, json.dumps(s.fired), s.shelved_until, s.alert, s.passed, s.judged)
        for s in states
    ]  # fmt: skip
    write_rows(connection, f"INSERT INTO rule_state ({_COLUMNS})", rows, f"ON CONFLICT DO UPDATE SET {_KEPT}")


def drop_rule_states(connection: sqlite3.Connection, keys: Iterable[tuple[str, str]]) -> None:
    """Forget subjects, by the rule's name and the subject's id."""
    connection.executemany("DELETE FROM rule_state WHERE rule = ? AND subject = ?", keys)


def note_limits_told(
    connection: sqlite3.Connection, limits: AbstractSet[str], firing: Sequence[str], now: int
) -> None:
    """Remember of the limits among the rules of alerts (their ids) that a receiver is told that they fire [ns UTC]."""
    rows = connection.execute(
        "SELECT DISTINCT rule FROM alert WHERE id IN (SELECT value FROM json_each(?))", (json.dumps(firing),)
    )
    told = limits & {rule for (rule,) in rows}
    connection.executemany(
        "UPDATE rule_state SET told = ? WHERE rule = ?", [(now, rule) for rule in sorted(told)]
    )


def limit_told(connection: sqlite3.Connection, limit: str) -> int:
    """Return when a receiver was told last that a limit fires [ns UTC; 0: never]."""
    row = connection.execute("SELECT told FROM rule_state WHERE rule = ?", (limit,)).fetchone()
    return int(row[0]) if row else 0


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


def conditions_judged(connection: sqlite3.Connection) -> int:
    """Return when conditions were judged last [ns UTC], 0 before the first time."""
    row = connection.execute("SELECT value FROM meta WHERE key = ?", (_JUDGED,)).fetchone()
    return int(row[0]) if row else 0


def note_conditions_judged(connection: sqlite3.Connection, now: int) -> None:
    """Remember when conditions were judged last [ns UTC]."""
    connection.execute("INSERT OR REPLACE INTO meta VALUES (?, ?)", (_JUDGED, now))
