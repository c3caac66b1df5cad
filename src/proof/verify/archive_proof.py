"""Proves the archive: that each file is there and is the one that the state names, and that it says what the state says.

What was pruned from the journal is put back for the other proofs, out of files whose digests are right.
"""

import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from plant.park import Plant
from proof.verify.findings import Finding, Kind, Report, Tell
from store.archive.archived import (
    ArchivedMonth,
    ArchiveFile,
    MessagesFile,
    archived_messages,
    archived_months,
)
from store.archive.journal_files import ArchivedJournalDamaged, begin_to_put_back, put_back
from store.archive.months import ArchiveMonth, changed_since
from store.archive.places import ArchivePlace, NotInArchive, digest_of_file

PROVES = (
    "each file of the archive is the one that the ledger names, and says what the state says of its month"
)
_OF_THE_CONFIGURATION = frozenset({"unit", "activity_unit"})  # columns


class ArchiveProof:
    """Fetches each file of an archive; one file is on this machine at a time. Raises ArchiveAway where it cannot be reached."""

    def __init__(self, state: sqlite3.Connection, plant: Plant, place: ArchivePlace, report: Report) -> None:
        self._state, self._plant, self._place, self._report = state, plant, place, report
        report.proofs = report.proofs | {"archive": PROVES}

    def put_back(self, journal: sqlite3.Connection) -> None:
        """Let a connection to the journal see what was pruned from it, as far as its files are what they should be."""
        begin_to_put_back(journal)
        for file in archived_messages(self._state):
            with self._fetched(file) as path:
                if path is not None:
                    self._put_back(journal, file, path)

    def _put_back(self, journal: sqlite3.Connection, file: MessagesFile, path: Path) -> None:
        try:
            self._report.checked["archive"] += put_back(journal, path, file)
        except ArchivedJournalDamaged as error:
            self._add("differs", file.name, str(error))

    def prove(self, tell: Tell) -> None:
        """Prove the files of each month."""
        months = archived_months(self._state)
        for done, month in enumerate(months, start=1):
            changed = changed_since(self._state, month)
            if changed:
                detail = f"{changed}: stackmeter archive writes it again"
                self._add("waiting", f"{month.park} {month.month}", detail)
            for file in month.files:
                with self._fetched(file) as path:
                    if path is not None and not changed:
                        self._compare(month, file, path)
            tell("archive", done, len(months))

    def _compare(self, month: ArchivedMonth, file: ArchiveFile, path: Path) -> None:
        from store.archive.month_tables import table_of  # noqa: PLC0415 - an extra
        from store.archive.parquet import NotTheSame, compare  # noqa: PLC0415 - an extra

        of = ArchiveMonth(month.park, month.month, month.start, month.end, "archived")
        table = table_of(file.name, self._state, self._plant, of)
        try:
            rows = compare(path, table.schema, table.tables(), but=_OF_THE_CONFIGURATION)
            self._report.checked["archive"] += rows
        except NotTheSame as error:
            self._add("differs", file.name, f"the state says otherwise: {error}")

    @contextmanager
    def _fetched(self, file: ArchiveFile) -> Iterator[Path | None]:
        """Give a copy of a file; None where it is missing or altered, which is named."""
        with tempfile.TemporaryDirectory(prefix="stackmeter-archive-") as folder:
            path = Path(folder) / "file"
            try:
                self._place.fetch(file.name, path)
            except NotInArchive:
                self._add("differs", file.name, f"is missing; its SHA-256 is {file.sha256}")
                yield None
                return
            found = digest_of_file(path)
            if found != file.sha256:
                self._add(
                    "differs", file.name, f"was altered: its SHA-256 is {found}, and should be {file.sha256}"
                )
                yield None
                return
            yield path

    def _add(self, kind: Kind, row: str, detail: str) -> None:
        self._report.add(Finding("archive", kind, row, detail))
