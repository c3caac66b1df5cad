"""The command rebuild: the state again from the journal, compared with the one that is there, or put in its place."""

import json
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from proof.rebuild import differences
from stackmeter.cli import app
from store.folder import Folder
from tests.semantics.world import CONFIGURATION, HOUR, MINUTE, NOON, World, reading


@pytest.fixture
def config(tmp_path: Path) -> Path:
    return Path(shutil.copytree(CONFIGURATION, tmp_path / "config"))


@pytest.fixture
def folder(tmp_path: Path, config: Path) -> Path:
    """Return a state directory with some readings of a meter in it."""
    (tmp_path / "state").mkdir()
    world = World(tmp_path / "state", config, now=NOON + HOUR)
    for minute in range(0, 60, 10):
        world.send(reading("reg", NOON + minute * MINUTE, 100.0 + minute), boot="b", seq=minute // 10 + 1)
    world.close()
    return world.folder


def run(config: Path, folder: Path, *options: object) -> Any:
    asked = ["rebuild", "--config", str(config), "--state", str(folder), *map(str, options)]
    return CliRunner().invoke(app, asked)


def change(folder: Path, statement: str) -> None:
    with closing(sqlite3.connect(folder / "state.db")) as state:
        state.execute(statement)
        state.commit()


def test_the_same_state_is_said_to_be_the_same_and_nothing_is_written(folder, config):
    before = (folder / "state.db").read_bytes()

    done = run(config, folder)

    assert (done.exit_code, done.stdout.split(": ")[1]) == (0, "the same state, every table\n")
    assert (folder / "state.db").read_bytes() == before
    assert not list(folder.glob("state.db.*"))


def test_what_somebody_changed_is_named_and_stays_without_replace(folder, config):
    change(folder, "UPDATE reading SET value = value + 1 WHERE time = (SELECT max(time) FROM reading)")
    change(folder, "DELETE FROM sequence")

    done = run(config, folder, "--json")

    assert done.exit_code == 1
    assert json.loads(done.stdout)["differences"] == {"reading": 2, "sequence": 1}
    assert "another state" in run(config, folder).stdout


def test_with_replace_it_is_put_in_the_place_of_the_state_which_is_kept(folder, config, tmp_path):
    whole = shutil.copytree(folder, tmp_path / "whole")
    change(folder, "DELETE FROM reading")

    done = run(config, folder, "--replace")

    assert done.exit_code == 0
    assert "reading: 6 rows differ" in done.stdout
    assert differences(whole / "state.db", folder / "state.db") == {}
    assert differences(folder / "state.db", folder / "state.db.before") == {"reading": 6}


def test_a_state_that_is_lost_is_made(folder, config, tmp_path):
    whole = shutil.copytree(folder, tmp_path / "whole")
    (folder / "state.db").unlink()

    done = run(config, folder)

    assert (done.exit_code, done.stdout.split(": ")[1]) == (0, "state.db is made\n")
    assert differences(whole / "state.db", folder / "state.db") == {}


def test_a_configuration_of_before_that_is_not_given_is_named_and_nothing_is_made(folder, config, tmp_path):
    past = Path(shutil.copytree(config, tmp_path / "past"))
    [path] = config.glob("*factors.yaml")
    path.write_text(path.read_text().replace("co2e: 0.5", "co2e: 0.25"))

    lacking = run(config, folder)

    assert lacking.exit_code == 65
    assert "give its directory too, with --past" in lacking.stderr
    assert not list(folder.glob("state.db.again"))
    assert run(config, folder, "--past", past).exit_code == 0


def test_it_says_what_keeps_it_from_its_work(folder, config, tmp_path):
    assert run(config, tmp_path).exit_code == 2
    assert "holds no journal.db" in run(config, tmp_path).stderr
    with closing(Folder(folder)):
        assert run(config, folder).exit_code == 75
    with closing(sqlite3.connect(folder / "journal.db")) as journal:
        journal.execute("DELETE FROM step")
        journal.commit()
    assert (run(config, folder).exit_code, run(config, folder).stdout) == (65, "")
