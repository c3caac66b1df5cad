"""Writes a month of a park, and the messages that the archive lacks, into the archive, and reads each file back before it is believed.

Nothing is changed in journal and state. Each file is made here first, copied under a name that no file has, fetched again, and
compared, bit by bit, with what journal and state say.
"""

import sqlite3
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import TypeVar

from plant.park import Plant
from plant.vocabulary import FOREVER
from store.archive import journal_files
from store.archive.archived import (
    ArchivedDecision,
    ArchiveFile,
    MessagesFile,
    archived_months,
    archived_through,
)
from store.archive.month_tables import MonthTable, tables_of
from store.archive.months import DUE, ArchiveMonth, changed_since, final_months, prunable
from store.archive.parquet import NotTheSame, compare, write
from store.archive.places import ArchivePlace, digest_of_file
from store.audit import snapshot
from store.messages.groups import GroupRow
from store.messages.journal import JournalReader

Part = TypeVar("Part")


class ArchiveStopped(Exception):
    """Somebody wanted it to end before it was done; nothing is decided."""


@dataclass(slots=True)
class Underway:
    """What was written and is decided, but not in the state yet: months (park, start), and the first message that no file holds."""

    months: set[tuple[str, int]] = field(default_factory=set)
    through: int = 1


class MonthWriter:
    """Writes months of a state directory.

    Parameters
    ----------
    work
        A folder for files that are being made; whatever is in it is of no worth.
    crash
        Called at the points where a test may end the process.
    stopped
        Asked now and then whether to leave off.

    Attributes
    ----------
    notice
        From where on the journal cannot be archived, "" while it can: it is damaged there. Months are archived all the same.
    """

    def __init__(
        self,
        place: ArchivePlace,
        state: Path,
        journal: Path,
        plant: Plant,
        work: Path,
        crash: Callable[[str], None] = lambda _point: None,
        stopped: Callable[[], bool] = lambda: False,
    ) -> None:
        self._stopped, self.notice = stopped, ""
        self._place, self._plant, self._work, self._crash = place, plant, work, crash
        self._state_file, self._journal_file = state, journal

    def write_next(self, now: int, underway: Underway) -> ArchivedDecision | None:
        """Write the first month that is due at a time [ns UTC] and not underway; return what is to be decided, None where none is due.

        Raises
        ------
        ArchiveAway
            The archive cannot be reached, or has no room.
        NotTheSame
            What was read back differs from what was written.
        ArchiveStopped
            It was told to leave off.
        BlockUnreadable, WindowUnreadable
            The state cannot be read whole: such a month is not archived.
        """
        self._place.check()
        with snapshot(self._state_file) as state:
            until = self._heard_until(state) - self._plant.max_late
            due = (
                one for one in final_months(state, self._plant, now) if one.status == DUE and one.end <= until
            )
            month = next((one for one in due if (one.park, one.start) not in underway.months), None)
            return None if month is None else self._write(state, month, underway)

    def _heard_until(self, state: sqlite3.Connection) -> int:
        """Return when the first message came that the journal has and the state has not [ns UTC], `FOREVER` where there is none."""
        [(cursor,)] = state.execute("SELECT next FROM cursor WHERE name = 'line'")
        with closing(JournalReader(self._journal_file)) as journal:
            message = journal.one(cursor)
        return FOREVER if message is None else message.received

    def _write(self, state: sqlite3.Connection, month: ArchiveMonth, underway: Underway) -> ArchivedDecision:
        [(through,)] = state.execute("SELECT next FROM cursor WHERE name = 'line'")
        files = tuple(self._write_table(month, table) for table in tables_of(state, self._plant, month))
        since = max(archived_through(state), underway.through)
        messages = tuple(self._write_messages(since, through))
        archived = {(one.park, one.start) for one in archived_months(state) if not changed_since(state, one)}
        archived |= {*underway.months, (month.park, month.start)}
        keep = prunable(state, self._plant, self._journal_file, through, archived)
        return ArchivedDecision(
            month.park, month.month, month.start, month.end, through, files, messages, keep
        )

    def _write_table(self, month: ArchiveMonth, table: MonthTable) -> ArchiveFile:
        made = self._work / "made"
        write(made, table.schema, self._each(table.tables()))
        name = f"{month.park}/{table.name}/{month.month}"
        names = (f"{name}{'' if number == 1 else f'-{number}'}.parquet" for number in count(1))
        file, back = self._kept(made, names)
        compare(back, table.schema, self._each(table.tables()))
        return file

    def _write_messages(self, since: int, through: int) -> Iterator[MessagesFile]:
        """Write the messages [since, through), in as many files as they take."""
        if since >= through:
            return
        made = self._work / "made"
        with snapshot(self._journal_file) as journal:
            groups = self._each(self._until_damaged(journal_files.stored_groups(journal, since, through)))
            while (end := journal_files.write(made, groups)) is not None:
                name = journal_files.name_of(since, end).removesuffix(".zst")
                names = (f"{name}{'' if number == 1 else f'-{number}'}.zst" for number in count(1))
                file, back = self._kept(made, names)
                stored = journal_files.stored_groups(journal, since, end)
                at = journal_files.differs(journal_files.read(back, since, end), self._each(stored))
                if at is not None:
                    raise NotTheSame(f"{file.name}: message {at} is not what the journal says")
                yield MessagesFile(file.name, file.sha256, file.size, since, end)
                since = end

    def _until_damaged(self, groups: Iterator[GroupRow]) -> Iterator[GroupRow]:
        """Yield groups up to one that is damaged."""
        try:
            yield from groups
        except journal_files.ArchivedJournalDamaged as error:
            self.notice = f"{error}: from there on the journal is neither archived nor pruned"

    def _each(self, parts: Iterable[Part]) -> Iterator[Part]:
        """Yield parts until somebody wants it to end."""
        for one in parts:
            if self._stopped():
                raise ArchiveStopped
            yield one

    def _kept(self, made: Path, names: Iterator[str]) -> tuple[ArchiveFile, Path]:
        """Put a file into the archive under the first name that is free, or has the same file; return it as it was read back."""
        digest, size, back = digest_of_file(made), made.stat().st_size, self._work / "back"
        for name in names:
            is_new = not self._place.has(name)
            if is_new:
                self._crash("archive_before_put")
                self._place.put(made, name)
                self._crash("archive_after_put")
            self._place.fetch(name, back)
            if digest_of_file(back) == digest:
                return ArchiveFile(name, digest, size), back
            if is_new:
                raise NotTheSame(f"{name} was read back otherwise than it was written")
        raise AssertionError("there is no end of names")
