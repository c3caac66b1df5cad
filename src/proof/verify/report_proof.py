"""Proves reports: each row says what its decision in the journal says, and each file is as it was when it was issued."""

import sqlite3

import msgspec

from proof.verify.findings import Finding, Report
from store.kept_files import Altered, KeptFiles, NotKept
from store.messages.journal import JournalReader
from store.reports import ReportDecision, row_of

_DONE = "SELECT id, at, message FROM decision WHERE action = 'report' AND outcome = 'done' ORDER BY message"


def prove_reports(state: sqlite3.Connection, journal: JournalReader, report: Report) -> None:
    """Name every report that is otherwise than it was decided."""
    stored = {row[0]: tuple(row) for row in state.execute("SELECT * FROM report")}
    decided = {str(row[0]): row for row in state.execute(_DONE)}
    for number in sorted(stored.keys() | decided.keys()):
        detail = _wrong(stored.get(number), decided.get(number), journal)
        if detail:
            report.add(Finding("messages", "differs", f"report {number}", detail))


def prove_report_files(state: sqlite3.Connection, kept: KeptFiles, report: Report) -> None:
    """Name every file of a report that is not as it was when it was issued."""
    rows = state.execute(
        "SELECT number, revision, kind.key, kind.value FROM report, json_each(files) AS kind"
    )
    for number, revision, kind, digest in rows:
        try:
            kept.read(str(digest))
        except (NotKept, Altered) as error:
            named = f"report {number} revision {revision} {kind}"
            report.add(Finding("messages", "differs", named, str(error)))


def _wrong(
    stored: tuple[object, ...] | None, decided: tuple[object, ...] | None, journal: JournalReader
) -> str:
    if stored is None:
        return "is missing; it was issued"
    if decided is None:
        return "is there, and nobody issued it"
    _, at, message = decided
    found = journal.one(int(str(message)))
    if found is None:
        return ""  # what is gone from the journal is named there
    try:
        made = msgspec.json.decode(found.payload, type=ReportDecision)
    except msgspec.MsgspecError:
        return "is of a message that issued nothing"
    expected = row_of(made, int(str(at)), int(str(message)))
    return "" if stored == expected else "says otherwise than the decision that issued it"
