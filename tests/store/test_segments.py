"""The journal's groups are compressed, and merged into segments, and say the same before and after; damage stays where it is."""

import random
import sqlite3
import threading
from contextlib import closing
from itertools import pairwise
from pathlib import Path

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from store.audit import journal_groups, journal_spans
from store.messages import segments
from store.messages.groups import GroupUnreadable, GroupWriter, array_of, digest_of, joined, size_of
from store.messages.journal import Journal, JournalDamaged, JournalReader, Message
from store.packed import FAST, MAGIC, SMALL, NoFrame, Packer, RowPacker, unpack, unpack_rows

PAYLOAD = b'{"channel": "kiln", "time": "2026-03-10T05:00:00Z", "value": 1234.5, "unit": "kWh"}'


def message(number: int, payload: bytes = PAYLOAD) -> Message:
    return Message(number, b"sm/v1/park/works/g/readings", payload + str(number).encode())


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "journal.db"


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(segments, "SEGMENT_BYTES", 1000)


def written(path: Path, sizes: list[int]) -> list[Message]:
    """Write groups of so many messages, and return all messages."""
    every = [message(number) for number in range(sum(sizes))]
    ends = [sum(sizes[:n]) for n in range(len(sizes) + 1)]
    with closing(Journal(path)) as journal:
        for first, end in pairwise(ends):
            journal.append(every[first:end])
    return every


def merged(path: Path, before: int = 1_000_000) -> int:
    """Merge all that can be, and return how often that was."""
    with closing(Journal(path)) as journal:
        count = 0
        while journal.merge(before):
            count += 1
    return count


def read(path: Path, start: int = 1) -> list[Message]:
    with closing(JournalReader(path)) as reader:
        return [one for _, part in reader.read(start, 1_000_000) for one in part]


def firsts(path: Path) -> list[tuple[int, int]]:
    with closing(sqlite3.connect(path)) as connection:
        return connection.execute("SELECT first, count FROM journal ORDER BY first").fetchall()


@pytest.mark.usefixtures("small")
@given(
    sizes=st.lists(st.integers(1, 30), min_size=1, max_size=20),
    start=st.integers(1, 200),
    before=st.integers(1, 400),
)
@settings(max_examples=60, deadline=None)
def test_whatever_is_merged_every_message_is_read_at_its_offset_as_before(
    tmp_path_factory: pytest.TempPathFactory, sizes: list[int], start: int, before: int
) -> None:
    path = tmp_path_factory.mktemp("journal") / "journal.db"
    every = written(path, sizes)
    spans = firsts(path)
    merged(path, before)
    assert read(path, start) == every[start - 1 :]
    later = [one for one in spans if one[0] >= before]
    assert firsts(path)[len(firsts(path)) - len(later) :] == later  # what is not taken yet is left alone
    with closing(sqlite3.connect(path)) as connection:
        assert all(group.intact for group in journal_groups(connection))
        assert journal_spans(connection) == [(1, len(every) + 1)]


@pytest.mark.usefixtures("small")
def test_small_groups_become_few_and_the_first_stays_for_its_digest_is_the_journals_name(path: Path) -> None:
    every = written(path, [1] * 100)
    with closing(JournalReader(path)) as reader:
        name = reader.identity()
    merged(path)
    found = firsts(path)
    assert found[0] == (1, 1)
    assert len(found) < 20
    with closing(JournalReader(path)) as reader:
        assert reader.identity() == name
        assert [reader.one(offset) for offset in range(1, 101)] == every


@pytest.mark.usefixtures("small")
def test_what_is_merged_is_not_looked_at_again_and_goes_on_after_a_restart(path: Path) -> None:
    every = written(path, [1] * 50)
    assert merged(path, 30) > 0
    before = firsts(path)
    assert merged(path, 30) == 0
    assert merged(path) > 0
    assert firsts(path)[:2] == before[:2]
    with closing(Journal(path)) as journal:
        every.append(message(50))
        assert journal.append(every[-1:]) == 51
    assert read(path) == every


@pytest.mark.usefixtures("small")
def test_a_journal_of_before_groups_were_compressed_reads_and_merges(path: Path) -> None:
    every = written(path, [3] * 20)
    with closing(sqlite3.connect(path)) as connection:
        for first, stored, digest in connection.execute(
            "SELECT first, messages, digest FROM journal"
        ).fetchall():
            array = array_of(stored, digest)
            connection.execute("UPDATE journal SET messages = ? WHERE first = ?", (array, first))
        connection.execute("DROP TABLE merged")
        connection.commit()
    assert read(path) == every
    assert merged(path) > 0
    assert read(path) == every


@pytest.mark.usefixtures("small")
def test_a_damaged_group_is_never_merged_and_costs_no_other(path: Path) -> None:
    every = written(path, [2] * 40)
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("UPDATE journal SET digest = zeroblob(16) WHERE first = 41")
        connection.commit()
    merged(path)
    assert (41, 2) in firsts(path)
    assert read(path, 43) == every[42:]
    with pytest.raises(JournalDamaged, match="from offset 41 on"):
        read(path)
    with closing(sqlite3.connect(path)) as connection:
        assert [group.first for group in journal_groups(connection) if not group.intact] == [41]


@pytest.mark.usefixtures("small")
def test_where_messages_are_missing_nothing_is_put_together_over_the_hole(path: Path) -> None:
    every = written(path, [1] * 60)
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("DELETE FROM journal WHERE first IN (7, 30, 31)")
        connection.commit()
    merged(path)
    for start, end in ((1, 7), (8, 30), (32, 61)):
        assert read(path, start) == every[start - 1 : end - 1]
    with closing(sqlite3.connect(path)) as connection:
        assert journal_spans(connection) == [(1, 7), (8, 30), (32, 61)]


@pytest.mark.usefixtures("small")
@pytest.mark.parametrize("count", [1, 3, 200])
def test_a_group_that_has_other_messages_than_its_row_says_stays_alone(path: Path, count: int) -> None:
    """Its digest is right all the same."""
    every = written(path, [2] * 40)
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("UPDATE journal SET count = ? WHERE first = 21", (count,))
        connection.commit()
    merged(path)
    assert read(path)[:20] == every[:20]
    with closing(sqlite3.connect(path)) as connection:
        assert [group.first for group in journal_groups(connection) if not group.intact] == [21]


@pytest.mark.parametrize("array", [b"", b"\xdc", b"\xdd\0\0", b"\x80", b"text", b"\xc0"])
def test_what_is_no_array_has_no_size(array: bytes) -> None:
    with pytest.raises(GroupUnreadable):
        size_of(array)


@pytest.mark.usefixtures("small")
def test_a_group_as_large_as_a_segment_is_left_alone(path: Path) -> None:
    written(path, [1, 100, 1, 1, 100, 1])
    merged(path)
    assert firsts(path) == [(1, 1), (2, 100), (102, 2), (104, 100), (204, 1)]


@pytest.mark.usefixtures("small")
@pytest.mark.parametrize("statement", range(1, 6))
def test_a_merge_that_is_cut_off_leaves_the_groups_or_the_segment(path: Path, statement: int) -> None:
    """At each of its writes; nothing is closed in order."""
    every = written(path, [1] * 50)
    journal = Journal(path)
    left = [statement]

    def step(action: int, *_: object) -> int:
        if action in {sqlite3.SQLITE_INSERT, sqlite3.SQLITE_DELETE, sqlite3.SQLITE_TRANSACTION}:
            left[0] -= 1
        return sqlite3.SQLITE_DENY if left[0] == 0 else sqlite3.SQLITE_OK

    journal._connection.set_authorizer(step)
    try:
        while journal.merge(1000):
            pass
    except sqlite3.DatabaseError:
        pass
    assert left[0] <= 0
    assert read(path) == every
    journal._connection.set_authorizer(None)
    while journal.merge(1000):
        pass
    assert read(path) == every
    journal.close()


@pytest.mark.usefixtures("small")
def test_each_bit_that_flips_in_a_segment_is_named_or_harmless(path: Path) -> None:
    every = written(path, [1] * 60)
    merged(path)
    with closing(sqlite3.connect(path)) as connection:
        ((first, stored),) = connection.execute(
            "SELECT first, messages FROM journal WHERE first > 1 ORDER BY first LIMIT 1"
        ).fetchall()
        assert stored.startswith(MAGIC)
        rng = random.Random(4)
        for _ in range(200):
            at = rng.randrange(len(stored) * 8)
            flipped = bytearray(stored)
            flipped[at // 8] ^= 1 << at % 8
            connection.execute("UPDATE journal SET messages = ? WHERE first = ?", (bytes(flipped), first))
            connection.commit()
            try:
                assert read(path, first) == every[first - 1 :]
            except JournalDamaged:
                [bad] = [one for one in journal_groups(connection) if not one.intact]
                assert bad.first == first


def test_messages_of_any_bytes_are_kept_and_small_ones_are_never_made_larger(path: Path) -> None:
    writer = GroupWriter(FAST)
    for array in (b"\x90", b"\x91\xc0", random.Random(1).randbytes(5000), b"\x92" + b"a" * 9000):
        group = writer.group(1, 1, array)
        assert len(group.messages) <= len(array)
        if array[0] != MAGIC[0]:
            assert array_of(group.messages, group.digest) == array


@given(
    parts=st.lists(st.lists(st.integers(0, 300), max_size=70_000 // 1000), max_size=8),
    long=st.sampled_from([0, 20, 70_000]),
)
@settings(max_examples=50, deadline=None)
def test_arrays_of_any_length_are_joined(parts: list[list[int]], long: int) -> None:
    whole = [*parts, list(range(long))]
    count = sum(len(part) for part in whole)
    array = joined([msgspec.msgpack.encode(part) for part in whole], count)
    assert msgspec.msgpack.decode(array) == [one for part in whole for one in part]


def test_a_frame_that_says_to_be_huge_or_does_not_say_how_large_it_is_is_refused() -> None:
    frame = Packer(SMALL).pack(bytes(10_000))
    assert unpack(frame, 10_000) == bytes(10_000)
    with pytest.raises(NoFrame, match="more than 9999 bytes"):
        unpack(frame, 9_999)
    for broken in (b"", MAGIC, frame[:-1], b"text", frame[:6]):
        with pytest.raises(NoFrame):
            unpack(broken, 10_000)
    with pytest.raises(GroupUnreadable):
        array_of(frame[:-3], digest_of(bytes(10_000)))


def test_steps_and_messages_are_written_while_groups_are_merged(path: Path, small: None) -> None:
    """From two threads: nothing is lost, nothing waits for ever."""
    every = written(path, [1] * 300)
    with closing(Journal(path)) as journal:

        def work() -> None:
            while journal.merge(301):
                pass

        thread = threading.Thread(target=work)
        thread.start()
        for number in range(300, 600):
            every.append(message(number))
            journal.append(every[-1:])
            journal.write_step((number, "time", number, number, b""))
        thread.join()
    assert read(path) == every


@given(rows=st.integers(0, 200), width=st.integers(2, 90), seed=st.integers(0, 9), kinds=st.integers(1, 256))
@settings(max_examples=200, deadline=None)
def test_rows_come_back_whatever_their_width_and_are_never_made_larger(
    rows: int, width: int, seed: int, kinds: int
) -> None:
    rng = random.Random(seed)
    raw = bytes(rng.randrange(kinds) for _ in range(rows * width))
    stored = RowPacker(width).pack(raw)
    assert unpack_rows(stored, width, len(raw)) == raw
    assert len(stored) <= len(raw)


def test_rows_that_were_stored_before_they_were_compressed_are_read_and_what_is_none_is_refused() -> None:
    assert unpack_rows(bytes(160), 80, 1000) == bytes(160)
    stored = RowPacker(80).pack(bytes(800))
    for broken in (stored[:-2], b"x" * 81, bytes([*stored[:8], stored[8] ^ 4, *stored[9:]])):
        with pytest.raises(NoFrame):
            unpack_rows(broken, 80, 1000)
    with pytest.raises(NoFrame, match="more than 799 bytes"):
        unpack_rows(stored, 80, 799)
    with pytest.raises(NoFrame, match="not a whole number of rows of 70 bytes"):
        unpack_rows(RowPacker(80).pack(bytes(800)), 70, 1000)
