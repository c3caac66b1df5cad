"""Keys and the audit log in their file: what is kept of a secret, and that no row can be changed unseen."""

import sqlite3
import stat
import threading
from contextlib import closing

import pytest

from plant.vocabulary import NS_PER_MIN
from store import access_log
from store.access_log import (
    AccessLog,
    Actor,
    Entry,
    append,
    heads_file,
    make,
    opened,
    parse_head,
    writing,
)
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


def cut(file, change):
    with closing(sqlite3.connect(file)) as connection:
        connection.executescript(f"DROP TRIGGER audit_stays; DROP TRIGGER audit_is_kept; {change}")


def noted(file, *names):
    log = AccessLog(file)
    for name in names:
        log.note(Entry(NOW, name, "x"))
    return log


def test_sd03_rows_that_were_cut_off_at_the_end_are_missed(file):
    """Their chain is whole: only what was noted elsewhere tells."""
    log = noted(file, *"abcd")
    assert log.first_lost() is None
    cut(file, "DELETE FROM audit WHERE id > 2")

    assert log.first_broken() is None
    assert log.first_lost().id == 3


def test_rows_that_come_after_a_cut_do_not_hide_it(file):
    log = noted(file, *"abcd")
    cut(file, "DELETE FROM audit WHERE id > 2")
    noted(file, *"xyz")

    assert (log.first_broken(), log.first_lost().id) == (None, 3)


def test_an_older_file_that_is_put_back_is_noticed(file):
    log = noted(file, "a")
    older = file.read_bytes()
    noted(file, "b")
    file.write_bytes(older)

    assert log.first_lost().id == 2


def test_a_head_that_was_kept_elsewhere_is_proof_where_the_file_of_heads_is_cut_too(file):
    log = noted(file, *"abc")
    elsewhere = log.head()
    cut(file, "DELETE FROM audit WHERE id > 1")
    heads_file(file).write_text("")

    assert log.first_lost() is None
    assert log.first_lost([parse_head(str(elsewhere))]) == elsewhere


def test_a_file_of_heads_that_is_gone_is_noticed_until_the_next_row(file):
    """From then on it vouches for what follows, and no more for what was."""
    log = AccessLog(file)
    assert not log.lacks_heads()
    noted(file, "a")
    heads_file(file).unlink()
    assert log.lacks_heads()

    noted(file, "b")
    assert not log.lacks_heads()


def test_a_head_that_a_power_cut_tore_is_none_and_spoils_no_other(file):
    log = noted(file, "a")
    with heads_file(file).open("a") as heads:
        heads.write("2:0123")
    noted(file, "b")

    assert log.first_lost() is None
    cut(file, "DELETE FROM audit WHERE id = 2")
    assert log.first_lost().id == 2


def test_each_change_of_a_key_has_its_head(file, keys):
    key, _ = created(keys)
    keys.rotate(key.id, 0, NOW, ME)
    keys.revoke(key.id, NOW, ME)

    assert [line.partition(":")[0] for line in heads_file(file).read_text().split()] == ["1", "2", "3"]
    assert stat.S_IMODE(heads_file(file).stat().st_mode) == 0o600


def test_what_is_not_committed_has_no_head(file):
    def fail():
        with writing(file) as connection:
            append(connection, Entry(NOW, "lan", "a"))
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert not heads_file(file).exists()


def test_a_row_stands_where_its_head_cannot_be_written_and_the_log_says_so(file, caplog):
    heads_file(file).mkdir()

    noted(file, "a")

    assert len(AccessLog(file).rows()) == 1
    assert "a cut of row 1 would not be seen" in caplog.text


@pytest.mark.parametrize(
    "text", ["", "17", "17:", "0:" + "0" * 64, "17:" + "g" * 64, "17:" + "0" * 63, "-1:" + "0" * 64]
)
def test_what_is_no_head_is_refused(text):
    with pytest.raises(ValueError, match="NUMBER:HASH"):
        parse_head(text)


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
    assert AccessLog(file).first_lost() is None


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
