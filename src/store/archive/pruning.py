"""Prunes the journal of messages that the archive has, file by file: each is read back and compared before anything is deleted.

The order is from the first message on, and what is deleted was decided before, in the journal and in a state that the disk has. A kill
at any moment leaves a journal that begins somewhere before the first message that it must keep.
"""

import os
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

from store.archive import journal_files
from store.archive.archived import MessagesFile, archived_messages, keep_from
from store.archive.parquet import NotTheSame
from store.archive.places import ArchivePlace, digest_of_file
from store.audit import snapshot
from store.messages.groups import GroupRow
from store.messages.journal import Journal, JournalReader

PAUSE_S = 0.05  # in which whoever appends has the journal


class JournalPruning:
    """Prunes the journal of a state directory; for one thread."""

    def __init__(
        self,
        place: ArchivePlace,
        state: Path,
        journal: Journal,
        path: Path,
        work: Path,
        crash: Callable[[str], None] = lambda _point: None,
    ) -> None:
        """Take the journal that appends, and where its file is; `work` is a folder for files that are fetched."""
        self._crash = crash
        self._place, self._state_file, self._journal = place, state, journal
        self._path, self._work = path, work

    def go(self) -> int:
        """Prune what may go; return how many messages went.

        Raises
        ------
        ArchiveAway, NotInArchive
            A file of the archive cannot be had.
        NotTheSame, ArchivedJournalDamaged
            A file of the archive does not say what the journal says.
        """
        with snapshot(self._state_file) as state:
            keep, files = keep_from(state), archived_messages(state)
        before = begin = self._begin()
        for file in files:
            if file.first <= begin < min(file.end, keep):
                self._prune(file, begin, min(file.end, keep))
                begin = self._begin()
        return begin - before

    def _prune(self, file: MessagesFile, first: int, end: int) -> None:
        """Read a file back, compare it with the messages [first, end) of the journal, and delete these."""
        back = self._work / "back"
        self._place.fetch(file.name, back)
        if (found := digest_of_file(back)) != file.sha256:
            raise NotTheSame(f"{file.name} was altered: its SHA-256 is {found}, and should be {file.sha256}")
        archived = _within(journal_files.read(back, file.first, file.end), first, end)
        with snapshot(self._path) as journal:
            at = journal_files.differs(archived, journal_files.stored_groups(journal, first, end))
        if at is not None:
            raise NotTheSame(f"{file.name}: message {at} is not what the journal says")
        self._settle()
        self._crash("archive_before_prune")
        while self._journal.prune(end):
            self._crash("archive_before_prune")
            time.sleep(PAUSE_S)

    def _settle(self) -> None:
        """Let the disk have the state that says what was decided: its own commits wait for none."""
        for path in (Path(f"{self._state_file}-wal"), self._state_file):
            if path.exists():
                handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
                try:
                    os.fsync(handle)
                finally:
                    os.close(handle)

    def _begin(self) -> int:
        with closing(JournalReader(self._path)) as reader:
            return reader.begin()


def _within(groups: Iterator[GroupRow], first: int, end: int) -> Iterator[GroupRow]:
    """Yield what groups have of the messages [first, end)."""
    for group in groups:
        if group.first < end and group.first + group.size > first:
            yield journal_files.cut(group, first, end)
