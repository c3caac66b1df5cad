"""The whole journal out of what is left of it and the archive, when the journal alone says which files that are.

Messages that were pruned are in files that a later decision names; and that decision is in what is left, or in a file that is named
by a later one still. So the way goes back file by file.
"""

import sqlite3
import tempfile
from collections.abc import Iterator
from pathlib import Path

import msgspec

from store.archive.archived import TOPIC, ArchivedDecision, MessagesFile
from store.archive.journal_files import begin_to_put_back, put_back
from store.archive.places import ArchivePlace, NotInArchive, digest_of_file
from store.audit import journal_groups_from


class ArchiveLacks(Exception):
    """A file of the archive is missing, or is not the one that was decided; the text says which."""


def put_all_back(journal: sqlite3.Connection, place: ArchivePlace) -> None:
    """Let a connection to a journal see all that was pruned from it.

    Raises
    ------
    ArchiveLacks
        A file is missing, or was altered.
    ArchivedJournalDamaged
        It cannot be read.
    ArchiveAway
        The archive cannot be reached.
    """
    begin_to_put_back(journal)
    scanned = None
    while (begin := _begin(journal)) > 1 and begin != scanned:
        files = {file.first: file for file in _named(journal, begin, scanned) if file.first < begin}
        scanned = begin
        for first in sorted(files, reverse=True):
            _put_back(journal, place, files[first])


def _begin(journal: sqlite3.Connection) -> int:
    found = journal.execute("SELECT min(first) FROM journal").fetchone()[0]
    return 1 if found is None else int(found)


def _named(journal: sqlite3.Connection, first: int, end: int | None) -> Iterator[MessagesFile]:
    """Yield the files of messages that decisions from one message to before another name."""
    for group in journal_groups_from(journal, first, end):
        for message in group.messages or ():
            if message.topic == TOPIC:
                yield from msgspec.json.decode(message.payload, type=ArchivedDecision).messages


def _put_back(journal: sqlite3.Connection, place: ArchivePlace, file: MessagesFile) -> None:
    with tempfile.TemporaryDirectory(prefix="stackmeter-archive-") as folder:
        path = Path(folder) / "file"
        try:
            place.fetch(file.name, path)
        except NotInArchive:
            raise ArchiveLacks(
                f"{file.name} is missing from {place.where}; its SHA-256 is {file.sha256}"
            ) from None
        if (found := digest_of_file(path)) != file.sha256:
            raise ArchiveLacks(
                f"{file.name} of {place.where} was altered: its SHA-256 is {found}, and should be {file.sha256}"
            )
        put_back(journal, path, file)
