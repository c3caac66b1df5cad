"""What has rotted among old messages and readings costs tidiness alone: the service goes on, and says so."""

import random
import sqlite3
from contextlib import closing
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from stackmeter import tidying
from stackmeter.tidying import Tidying
from store.messages import segments
from store.messages.journal import Journal, Message


class Parts:
    """A journal and the folding of a state, which do as they are told."""

    def __init__(self, merge: Any = None, go: Any = None) -> None:
        self.merged = self.folded = 0
        self._merge_fails, self._go_fails = merge, go
        self.folding = SimpleNamespace(go=self._go)

    def merge(self, _before: int) -> bool:
        self.merged += 1
        if self._merge_fails is not None:
            raise self._merge_fails
        return False

    def _go(self, _now: int) -> int:
        self.folded += 1
        if self._go_fails is not None:
            raise self._go_fails
        return 0


def locked() -> sqlite3.OperationalError:
    error = sqlite3.OperationalError("database is locked")
    error.sqlite_errorcode = sqlite3.SQLITE_BUSY
    return error


@pytest.mark.parametrize(
    "error", [sqlite3.DatabaseError("database disk image is malformed"), ValueError("?"), KeyError(1)]
)
def test_a_failure_of_one_keeps_nothing_from_the_other_and_both_rest(monkeypatch, error: Exception) -> None:
    now = [0.0]
    monkeypatch.setattr(tidying.time, "monotonic", lambda: now[0])
    parts = Parts(merge=error)
    one = Tidying(parts, parts)  # type: ignore[arg-type]  # all of them that it asks
    one.go(1)
    one.go(1)
    assert (parts.merged, parts.folded) == (1, 1)
    assert "stay in small pieces" in one.trouble
    now[0] += tidying.REST_S + 1
    parts._merge_fails = None
    one.go(1)
    assert (parts.merged, parts.folded, one.trouble) == (2, 2, "")


def test_what_passes_by_itself_is_no_trouble() -> None:
    parts = Parts(merge=locked(), go=locked())
    one = Tidying(parts, parts)  # type: ignore[arg-type]  # all of them that it asks
    one.go(1)
    one.go(1)
    assert (parts.merged, parts.folded, one.trouble) == (2, 2, "")


def test_a_rotten_page_among_old_messages_stops_neither_the_journal_nor_the_line(
    tmp_path: Path, monkeypatch
) -> None:
    monkeypatch.setattr(segments, "SEGMENT_BYTES", 2000)
    path = tmp_path / "journal.db"
    with closing(Journal(path)) as journal:
        for number in range(200):
            journal.append([Message(number, b"t", random.Random(number).randbytes(300))])
    size = path.stat().st_size
    with path.open("r+b") as file:
        for page in range(size // 4096 // 3, size // 4096 // 2):
            file.seek(page * 4096)
            file.write(b"\xff" * 4096)
    with closing(Journal(path)) as journal:
        one = Tidying(journal, Parts())  # type: ignore[arg-type]  # all of a state that it asks
        one.go(201)
        assert "malformed" in one.trouble
        assert journal.append([Message(1, b"t", b"more")]) == 201
