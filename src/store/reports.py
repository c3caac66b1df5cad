"""Reports: papers that were issued, each with the digests of its files and the tonnes that it said.

Issued by a decision, which is journalled and taken by the line in its turn, so that a state that is made again has them too. The bytes
are kept by their digests (`store.kept_files`) before the decision is journalled. A report is never changed.
"""

import json
import math
import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import msgspec

from plant.inventory import counted
from plant.park import Plant
from plant.periods import MONTH
from store.messages.journal import DECISION, Message

TOPIC = b"$stackmeter/report"  # no subscription of ours matches it
SLACK = 1e-9  # relative: tonnes that differ by no more are the same

_COLUMNS = "id, number, revision, at, message, actor, form, park, facility, periods, language, gwp, files, tonnes, ledger, configuration, version"


class ReportDecision(msgspec.Struct, frozen=True):
    """What somebody issues: a form in a language, of a place and periods, whose files have these digests by kind.

    `tonnes` are those of each month as the paper was made from them [t CO2e], None where nothing was known. `number` and `revision` stand
    in the paper: the line refuses it where another has them.
    """

    id: str
    by: str
    form: str
    park: str
    facility: str  # "" the whole park
    periods: tuple[str, ...]
    language: str
    gwp: str
    files: dict[str, str]
    tonnes: dict[str, float | None]
    number: int
    revision: int
    ledger: str
    configuration: str
    version: str

    def message(self, now: int) -> Message:
        """Return what is journalled of it at a time [ns UTC]."""
        return Message(now, TOPIC, msgspec.json.encode(self), DECISION)


@dataclass(frozen=True, slots=True)
class IssuedReport:
    """A report: what was decided, when [ns UTC], and the offset of the decision in the journal."""

    made: ReportDecision
    at: int
    message: int


def reports(connection: sqlite3.Connection) -> list[IssuedReport]:
    """Return every report, the newest first."""
    rows = connection.execute(f"SELECT {_COLUMNS} FROM report ORDER BY message DESC")
    return [_report(row) for row in rows]


def report(connection: sqlite3.Connection, number: str) -> IssuedReport | None:
    """Return the report of an id, None where there is none."""
    row = connection.execute(f"SELECT {_COLUMNS} FROM report WHERE id = ?", (number,)).fetchone()
    return None if row is None else _report(row)


def next_number(
    connection: sqlite3.Connection, form: str, place: tuple[str, str], periods: Sequence[str], language: str
) -> tuple[int, int]:
    """Return number and revision of the next report of a form, of a place (park, facility) and periods, in a language."""
    said = (form, *place, json.dumps(list(periods)), language)
    row = connection.execute(
        "SELECT number, max(revision) FROM report WHERE form = ? AND park = ? AND facility = ? AND periods = ? AND language = ?"
        " GROUP BY number",
        said,
    ).fetchone()
    if row is not None:
        return int(row[0]), int(row[1]) + 1
    return int(connection.execute("SELECT coalesce(max(number), 0) + 1 FROM report").fetchone()[0]), 1


def add_report(connection: sqlite3.Connection, made: ReportDecision, at: int, message: int) -> None:
    """Enter a report."""
    connection.execute(
        "INSERT INTO report VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        row_of(made, at, message),
    )


def row_of(made: ReportDecision, at: int, message: int) -> tuple[str | int, ...]:
    """Return the row of a report."""
    return (
        *(made.id, made.number, made.revision, at, message, made.by, made.form, made.park, made.facility),
        *(json.dumps(list(made.periods)), made.language, made.gwp),
        *(json.dumps(made.files, sort_keys=True), json.dumps(made.tonnes, sort_keys=True)),
        *(made.ledger, made.configuration, made.version),
    )


def month_tonnes(
    connection: sqlite3.Connection, plant: Plant, place: tuple[str, str], start: int
) -> float | None:
    """Return the published tonnes of a month of a place, by its first instant [ns UTC]; None where nothing is known.

    It holds what a total of the place does, see `plant.inventory`.
    """
    park, facility = place
    inside = [one for one in plant.sources if one.park == park and facility in ("", one.facility)]
    known = [
        row[0]
        for one in counted(inside, "facility" if facility else "park")
        for row in connection.execute(
            "SELECT co2e_t FROM total JOIN source ON source.id = total.source WHERE park = ? AND facility = ? AND name = ?"
            " AND level = ? AND start = ?",
            (one.park, one.facility, one.name, MONTH, start),
        )
        if row[0] is not None
    ]
    return math.fsum(known) if known else None


def same_tonnes(one: float | None, other: float | None) -> bool:
    """Whether two sums are the same but for the order in which they were added."""
    if one is None or other is None:
        return one is other
    return math.isclose(one, other, rel_tol=SLACK, abs_tol=SLACK)


def _report(row: Sequence[Any]) -> IssuedReport:
    (
        id_,
        number,
        revision,
        at,
        message,
        by,
        form,
        park,
        facility,
        periods,
        language,
        gwp,
        files,
        tonnes,
        *cut,
    ) = row
    made = ReportDecision(
        *(id_, by, form, park, facility, tuple(json.loads(periods)), language, gwp),
        *(json.loads(files), json.loads(tonnes), number, revision, *cut),
    )
    return IssuedReport(made, at, message)
