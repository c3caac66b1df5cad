"""Keys and the audit log in their file: what is kept of a secret, and that no row can be changed unseen."""

import sqlite3
import stat
import threading
from contextlib import closing

import pytest

from plant.vocabulary import NS_PER_MIN
from store import access_log
from store.access_log import AccessLog, Actor, Entry, make, opened
from store.keys import NEVER, KeyRefused, Keys
from store.sqlite import StateMismatch

ME = Actor("me", "command line")
NOW = 1_795_500_000_000_000_000


@pytest.fixture
def file(tmp_path):
    made = tmp_path / "keys.sqlite"
    make(made)
    return made


@pytest.fixture
def keys(file):
    return Keys(file)


def created(keys, name="lan", **changes):
    given = {"shared": False, "expires": NEVER, "now": NOW, "by": ME} | changes
    return keys.create(name, "viewer", [("hai-phong", "")], **given)


def test_the_file_is_its_owners_alone(file):
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_sa11_no_usable_key_is_in_the_file(file, keys):
    texts = [created(keys)[1], keys.rotate("lan", NS_PER_MIN, NOW, ME)[1]]
    content = file.read_bytes()

    for text in texts:
        secret = text.rpartition("_")[2]
        assert secret.encode() not in content
        assert bytes.fromhex(secret) not in content
        assert len(bytes.fromhex(secret)) * 8 == 256
    assert texts[0].startswith("smk_")


def test_a_key_is_found_by_its_text_with_all_that_it_is(keys):
    key, text = created(keys)

    found = keys.bearer(text, NOW)

    assert found is not None
    assert (found.name, found.role, found.places, found.used) == (
        "lan",
        "viewer",
        (("hai-phong", ""),),
        NEVER,
    )
    assert [one.id for one in keys.all()] == [key.id]


def test_last_use_is_written_once_a_minute(keys):
    _, text = created(keys)
    seen = []
    for seconds in (0, 30, 59, 61, 90):
        keys.bearer(text, NOW + seconds * 10**9)
        seen.append((keys.all()[0].used - NOW) // 10**9)

    assert seen == [0, 0, 0, 61, 61]


def test_a_use_that_cannot_be_noted_keeps_nobody_out(file, keys, monkeypatch, caplog):
    monkeypatch.setattr(access_log, "BUSY_S", 0.01)
    key, text = created(keys)
    with opened(file) as writer:
        writer.execute("BEGIN IMMEDIATE")

        assert keys.bearer(text, NOW) is not None

    assert f"key {key.id} was used cannot be noted" in caplog.text
    assert keys.all()[0].used == NEVER


def test_a_key_is_named_by_id_or_by_a_name_of_its_own(keys):
    first, _ = created(keys)
    second, text = created(keys)

    with pytest.raises(KeyRefused, match="2 keys are named"):
        keys.revoke("lan", NOW, ME)
    keys.revoke(first.id, NOW, ME)
    keys.rotate("lan", 0, NOW, ME)

    assert keys.bearer(text, NOW) is None
    assert [bool(one.revoked) for one in keys.all() if one.id == second.id] == [False]
    with pytest.raises(KeyRefused, match="there is no key"):
        keys.revoke("nobody", NOW, ME)
    with pytest.raises(KeyRefused, match="already"):
        keys.revoke(first.id, NOW, ME)
    with pytest.raises(KeyRefused, match="works no more"):
        keys.rotate(first.id, 0, NOW, ME)


@pytest.mark.parametrize("name", ["", " ", "token", "a\x00b", "x" * 101, "a\u202eb"])
def test_a_name_can_stand_in_a_record(keys, name):
    with pytest.raises(KeyRefused):
        created(keys, name)


def test_each_change_of_a_key_is_one_row_of_the_log(file, keys):
    key, _ = created(keys, expires=NOW + 1)
    keys.rotate(key.id, 0, NOW, ME)
    keys.revoke(key.id, NOW, ME)

    told = [(row.entry.what, row.entry.who, row.entry.origin) for row in reversed(AccessLog(file).rows())]
    assert told == [(what, "me", "command line") for what in ("key.created", "key.rotated", "key.revoked")]


def test_the_log_takes_no_change(file):
    AccessLog(file).note(Entry(NOW, "lan", "a"))
    for change in ("UPDATE audit SET who = 'minh'", "DELETE FROM audit"):
        with opened(file) as connection, pytest.raises(sqlite3.IntegrityError, match="append-only"):
            connection.execute(change)


@pytest.mark.parametrize(
    ("change", "broken"),
    [
        ("UPDATE audit SET who = 'minh' WHERE id = 2", 2),
        ("UPDATE audit SET at = at + 1 WHERE id = 3", 3),
        ("DELETE FROM audit WHERE id = 2", 2),
        ("UPDATE audit SET hash = zeroblob(32) WHERE id = 1", 1),
        ("DELETE FROM audit WHERE id = 1; UPDATE audit SET id = id - 1", 1),
    ],
)
def test_a_change_by_other_means_is_found_at_its_row(file, change, broken):
    log = AccessLog(file)
    for name in "abcd":
        log.note(Entry(NOW, name, "x"))
    assert log.first_broken() is None
    with closing(sqlite3.connect(file)) as connection:
        connection.executescript(f"DROP TRIGGER audit_stays; DROP TRIGGER audit_is_kept; {change};")

    assert log.first_broken() == broken


def test_writers_at_the_same_time_make_one_chain(file):
    def write(name):
        for n in range(10):
            AccessLog(file).note(Entry(NOW, name, str(n)))

    threads = [threading.Thread(target=write, args=(name,)) for name in "abcd"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(AccessLog(file).rows()) == 40
    assert AccessLog(file).first_broken() is None


def test_sd05_texts_are_one_line_and_bounded(file):
    AccessLog(file).note(Entry(NOW, "a\r\nb", "\x1b[2J", "x" * 10_000, "\ud800", "ồ é", "\u2028"))

    [row] = AccessLog(file).rows()
    assert (row.entry.who, row.entry.what, row.entry.old, row.entry.new) == (
        "a\\r\\nb",
        "\\x1b[2J",
        "\\ud800",
        "ồ é",
    )
    assert len(row.entry.about) == 500


def test_another_database_is_not_taken_for_keys(tmp_path):
    file = tmp_path / "other.db"
    with closing(sqlite3.connect(file)) as connection:
        connection.executescript("CREATE TABLE t (x)")

    with pytest.raises(StateMismatch, match="a file of keys"):
        make(file)


def test_a_file_that_is_gone_is_not_made_again_by_a_question(file, keys):
    _, text = created(keys)
    file.unlink()

    with pytest.raises(sqlite3.OperationalError):
        keys.bearer(text, NOW)
    assert not file.exists()
