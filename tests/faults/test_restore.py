"""F-073: a state and a journal of different backups, of different sites, or swapped."""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from stackmeter.service import EXIT_DATA
from tests.semantics.world import CONFIGURATION, MINUTE, NOON, World, reading
from tests.service import Service

SECRET = {"SEMANTICS_SECRET": "whsec_" + "A" * 40}
FILES = ("journal.db", "state.db")


def backup(world: World, to: Path) -> Path:
    """Copy both files of a service that was stopped."""
    to.mkdir()
    for name in FILES:
        shutil.copy(world.folder / name, to / name)
    return to


def fed(world: World, first: int, last: int) -> None:
    for minute in range(first, last):
        world.send(reading("reg", NOON + minute * MINUTE, 100.0 + minute))


@pytest.fixture
def backups(tmp_path: Path) -> tuple[Path, Path, Path]:
    """Give an old backup and a newer one of a site, and one of another site."""
    made = []
    for name, halves in (("site", ((0, 20), (20, 40))), ("foreign", ((1, 31),))):
        (tmp_path / name).mkdir()
        world = World(tmp_path / name)
        for number, (first, last) in enumerate(halves):
            fed(world, first, last)
            world.close()
            made.append(backup(world, tmp_path / f"{name}-{number}"))
            world = World(tmp_path / name)
        world.close()
    return made[0], made[1], made[2]


def mixed(tmp_path: Path, journal: Path, state: Path) -> Path:
    folder = tmp_path / "state"
    folder.mkdir()
    shutil.copy(journal / "journal.db", folder / "journal.db")
    shutil.copy(state / "state.db", folder / "state.db")
    return folder


def contents(folder: Path) -> list[list[tuple[Any, ...]]]:
    world = World(folder)
    while world.line.step():
        pass
    found = [
        world.rows("SELECT source, hour, block FROM emission ORDER BY 1, 2"),
        world.rows("SELECT * FROM total ORDER BY source, level, start"),
        world.rows("SELECT * FROM balance ORDER BY 1, 2, 3"),
        world.rows("SELECT channel, time, value, verdict FROM reading ORDER BY 1, 2"),
    ]
    world.close()
    return found


def refusal(folder: Path) -> tuple[int, str]:
    """Start the service on a folder that it must refuse; return its exit code and what it says."""
    with Service(folder.parent, CONFIGURATION, "mqtt://127.0.0.1:1", environment=SECRET) as service:
        service.start(ready=False)
        return service.wait_for_end(60), service.log()


def test_f073_an_old_state_with_the_newer_journal_comes_to_the_same(tmp_path, backups):
    old, new, _ = backups

    assert contents(mixed(tmp_path, journal=new, state=old)) == contents(new)


def test_f073_no_state_and_the_journal_come_to_the_same(tmp_path, backups):
    _, new, _ = backups
    folder = tmp_path / "alone"
    folder.mkdir()
    shutil.copy(new / "journal.db", folder / "journal.db")

    assert contents(folder) == contents(new)


@pytest.mark.parametrize(
    ("choose", "reason"),
    [
        (lambda old, new, _foreign: (old, new), "do not belong together"),
        (lambda _old, new, foreign: (foreign, new), "follows another journal"),
        (lambda _old, new, foreign: (new, foreign), "follows another journal"),
    ],
    ids=["newer state, older journal", "foreign journal", "foreign state"],
)
def test_f073_what_does_not_belong_together_is_refused(
    tmp_path: Path, backups: tuple[Path, Path, Path], choose: Callable[..., tuple[Path, Path]], reason: str
) -> None:
    journal, state = choose(*backups)
    folder = mixed(tmp_path, journal, state)

    code, output = refusal(folder)

    assert (code, reason in output) == (EXIT_DATA, True), output


def test_f073_swapped_files_are_refused(tmp_path, backups):
    _, new, _ = backups
    folder = tmp_path / "state"
    folder.mkdir()
    shutil.copy(new / "journal.db", folder / "state.db")
    shutil.copy(new / "state.db", folder / "journal.db")

    code, output = refusal(folder)

    assert (code, "journal.db is a state, not a journal" in output) == (EXIT_DATA, True), output
