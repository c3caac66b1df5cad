"""A state directory that is damaged, foreign or closed to us: each command says in a sentence which file, why, and what to do."""

import random
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner

from stackmeter.cli import app
from stackmeter.service import EXIT_DATA, EXIT_IO, Service
from store.access_log import AccessLog, Entry, make
from store.faults import Damaged
from store.messages.journal import Journal, Message
from store.messages.journal_head import head_file, stored_head
from tests.semantics.world import CONFIGURATION, MINUTE, NOON, World, reading

EXIT_CONFIG = 2
MESSAGES = 60
PAGE = 4096
FILES = ("state.db", "journal.db", "keys.sqlite", "token", "audit.heads", "journal.db-head")
Damage = Callable[[Path], object]


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give a state directory of a service that was stopped in order."""
    folder = tmp_path_factory.mktemp("whole") / "state"
    folder.mkdir(mode=0o700)
    world = World(folder)
    for minute in range(MESSAGES):
        world.send(reading("reg", NOON + minute * MINUTE // 4, 100.0 + minute), boot="b", seq=minute + 1)
    world.close()
    make(folder / "keys.sqlite")
    for number in range(1, 20):
        AccessLog(folder / "keys.sqlite").note(Entry(number, "me", "tried"))
    (folder / "token").write_text("t" * 43 + "\n")
    return folder


@pytest.fixture
def told(
    whole: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Callable[..., tuple[int, str]]]:
    """Give what runs a command on a copy that was damaged, and returns its exit code and its words.

    A service is made as a start makes it, and ended before it would connect.
    """
    monkeypatch.setenv("SEMANTICS_SECRET", "whsec_" + "A" * 40)
    monkeypatch.setattr(Service, "start", lambda service: service.stop())
    folder = tmp_path / "state"

    def run(damage: Damage, command: str) -> tuple[int, str]:
        shutil.copytree(whole, folder)
        damage(folder)
        result = CliRunner().invoke(app, commands(folder)[command])
        if folder.is_dir():
            shutil.rmtree(folder)
        shutil.rmtree(f"{folder}-copy", ignore_errors=True)
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        return result.exit_code, result.output

    return run


def commands(folder: Path) -> dict[str, list[str]]:
    state, config = ["--state", str(folder)], ["--config", str(CONFIGURATION)]
    broker = ["--broker", "mqtt://127.0.0.1:1"]
    return {
        "run": ["run", *config, *state, *broker, "--port", "0"],
        "status": ["status", *state],
        "verify": ["verify", *config, *state],
        "backup": ["backup", f"{folder}-copy", *state],
        "restate": ["restate", "2026-03", *config, *state],
        "publish": ["restate", "2026-03", "--publish", "--by", "me", *config, *state],
        "explain": ["explain", "park-a/works/main", *state, "--at", "2026-03-10T12:00:00+07:00"],
        "doctor": ["doctor", *config, *state, *broker],
        "audit": ["audit", *state],
        "keys": ["keys", "list", *state],
    }


def cut(name: str, size: int) -> Damage:
    return lambda folder: (folder / name).write_bytes((folder / name).read_bytes()[:size])


def replaced(name: str, content: bytes) -> Damage:
    return lambda folder: (folder / name).write_bytes(content)


def a_folder(name: str) -> Damage:
    def damage(folder: Path) -> None:
        (folder / name).unlink()
        (folder / name).mkdir()

    return damage


def no_page(name: str, number: int) -> Damage:
    def damage(folder: Path) -> None:
        content = bytearray((folder / name).read_bytes())
        content[number * PAGE : (number + 1) * PAGE] = bytes(PAGE)
        (folder / name).write_bytes(content)

    return damage


def flipped(name: str, rng: random.Random) -> Damage:
    def damage(folder: Path) -> None:
        content = bytearray((folder / name).read_bytes())
        for _ in range(3):
            content[rng.randrange(len(content))] ^= 1 << rng.randrange(8)
        (folder / name).write_bytes(content)

    return damage


def a_file_in_its_place(folder: Path) -> None:
    shutil.rmtree(folder)
    folder.write_text("a file")


SLOW = ("restate", "publish")  # they start processes of their own
TEXT = b"a text, and not a short one\n" * 300
CASES: dict[str, tuple[Damage, int, str]] = {
    "state.db cut": (cut("state.db", 3 * PAGE), EXIT_DATA, "state.db is damaged"),
    "state.db is a text": (replaced("state.db", TEXT), EXIT_DATA, "state.db is damaged"),
    "state.db is a folder": (a_folder("state.db"), EXIT_IO, "state.db cannot be opened"),
    "journal.db cut": (cut("journal.db", PAGE + 7), EXIT_DATA, "journal.db is damaged"),
    "journal.db is a text": (replaced("journal.db", TEXT), EXIT_DATA, "journal.db is damaged"),
    "journal.db is empty": (
        cut("journal.db", 0),
        EXIT_DATA,
        "journal.db holds no message; what came after it",
    ),
    "journal.db is a folder": (a_folder("journal.db"), EXIT_IO, "journal.db cannot be opened"),
    "token is no text": (replaced("token", b"\xff" * 43), EXIT_CONFIG, "token is damaged: remove it"),
    "the state directory is a file": (a_file_in_its_place, EXIT_CONFIG, "is no directory"),
}


@pytest.mark.parametrize("case", CASES)
def test_solid_a8_a_start_says_in_a_sentence_which_file_why_and_what_to_do(
    told: Callable[..., tuple[int, str]], case: str
) -> None:
    damage, code, words = CASES[case]
    ended, output = told(damage, "run")

    assert (ended, words in output) == (code, True), output
    assert len(output.strip().splitlines()) == 1


@pytest.mark.parametrize("command", ["verify", "restate", "publish"])
def test_solid_a8_a_command_on_a_damaged_state_says_so(
    told: Callable[..., tuple[int, str]], command: str
) -> None:
    ended, output = told(cut("state.db", 3 * PAGE), command)

    assert (ended, "state.db is damaged" in output, "move state.db" in output) == (EXIT_DATA, True, True), (
        output
    )


@pytest.mark.parametrize("command", commands(Path()))
def test_solid_a8_no_damage_of_the_state_directory_is_a_traceback(
    told: Callable[..., tuple[int, str]], command: str
) -> None:
    """The same ones at every run: pages gone, bits flipped, files cut, replaced, turned into folders."""
    rng, damages = random.Random(8), list[Damage]()
    for name in FILES:
        pages = [no_page(name, number) for number in range(6)] if name.endswith(("db", "sqlite")) else []
        cuts = [cut(name, size) for size in (0, 1, 100, 5000)]
        damages += [
            *pages,
            *cuts,
            replaced(name, TEXT),
            a_folder(name),
            flipped(name, rng),
            flipped(name, rng),
        ]
    for damage in damages[:: 3 if command in SLOW else 1]:
        told(damage, command)
    told(a_file_in_its_place, command)


def journalled(folder: Path, groups: int) -> Journal:
    journal = Journal(folder / "journal.db")
    for number in range(groups):
        journal.append([Message(NOON + number * MINUTE, b"sm/v1/a/b/c/readings", b"{}")])
    return journal


def test_solid_a8_an_orderly_end_leaves_nothing_in_the_journals_log(tmp_path: Path) -> None:
    journalled(tmp_path, 20).close()

    log = tmp_path / "journal.db-wal"
    assert not log.exists() or log.stat().st_size == 0
    assert stored_head(tmp_path / "journal.db") == (21, NOON + 19 * MINUTE)


def test_solid_a8_a_flip_in_the_journals_log_is_told_with_how_far_the_journal_is_whole(
    tmp_path: Path,
) -> None:
    """SQLite reads a log up to the first frame whose sum is wrong, and says nothing of those behind it."""
    killed = tmp_path / "killed"
    killed.mkdir()
    journal = journalled(tmp_path, 20)
    for name in ("journal.db", "journal.db-wal", "journal.db-head"):
        shutil.copy(tmp_path / name, killed / name)
    journal.close()
    log = bytearray((killed / "journal.db-wal").read_bytes())
    log[len(log) // 2] ^= 1
    (killed / "journal.db-wal").write_bytes(log)

    with pytest.raises(
        Damaged, match=r"journal.db is whole up to message (\d+) \(2026-03-10T05:\d\d:00Z\)"
    ) as error:
        Journal(killed / "journal.db")
    assert "up to message 20 (2026-03-10T05:19:00Z), is damaged or missing" in str(error.value)

    head_file(killed / "journal.db").unlink()  # as it says, to go on without them
    Journal(killed / "journal.db").close()


@pytest.mark.parametrize("content", [b"", b"x" * 24, bytes(24), b"\xff" * 100])
def test_solid_a8_a_head_that_is_damaged_itself_refuses_no_journal(tmp_path: Path, content: bytes) -> None:
    journalled(tmp_path, 3).close()
    head_file(tmp_path / "journal.db").write_bytes(content)

    assert Journal(tmp_path / "journal.db").next == 4
