"""How far the journal went, kept beside it: damage to its write-ahead log hides what came after, and nothing in the file itself would tell.

It is written after each commit and not synced, so it may say less than the journal holds, and never more.
"""

import os
from contextlib import suppress
from hashlib import blake2b
from pathlib import Path
from typing import NamedTuple

_SIGNED = 8  # bytes by which a record that is damaged itself is found out


class JournalHead(NamedTuple):
    """The offset that the next message would get, and when the last one arrived [ns UTC]."""

    end: int
    received: int


def head_file(journal: Path) -> Path:
    """Return the file beside a journal; whoever moves `journal.db*` takes it along."""
    return journal.with_name(f"{journal.name}-head")


def stored_head(journal: Path) -> JournalHead | None:
    """Return what stands beside a journal, None where that is nothing or damaged itself."""
    try:
        content = head_file(journal).read_bytes()
    except OSError:
        return None
    record = content[:-_SIGNED]
    if len(record) != 16 or content[-_SIGNED:] != _signature(record):
        return None
    return JournalHead(int.from_bytes(record[:8]), int.from_bytes(record[8:], signed=True))


class HeadFile:
    """Writes it, over and over in one place."""

    def __init__(self, journal: Path) -> None:
        """Open or make it; raise OSError where that cannot be."""
        self._handle = os.open(head_file(journal), os.O_CREAT | os.O_WRONLY | os.O_CLOEXEC, 0o600)

    def write(self, head: JournalHead) -> None:
        """Write it down; where that fails it says less, which is no harm."""
        record = head.end.to_bytes(8) + head.received.to_bytes(8, signed=True)
        with suppress(OSError):
            os.pwrite(self._handle, record + _signature(record), 0)

    def close(self) -> None:
        """Close the file."""
        os.close(self._handle)


def _signature(record: bytes) -> bytes:
    return blake2b(record, digest_size=_SIGNED).digest()
