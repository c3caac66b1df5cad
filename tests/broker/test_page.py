"""docs/broker.md: its commands do what it says, in its order."""

import re
import shutil
from pathlib import Path

from typer.testing import CliRunner

from stackmeter.cli import app
from tests.frame.repository import ROOT, text
from tests.servers import required

PAGE = text("docs/broker.md")
COMMANDS = [line.split() for line in re.findall(r"^\$ stackmeter (gateway .*|meter .*)$", PAGE, re.MULTILINE)]


def test_every_command_of_the_page_runs(tmp_path: Path) -> None:
    required("openssl")
    shutil.copytree(ROOT / "config/haiphong", tmp_path / "config")
    places = {"/etc/mosquitto/stackmeter": str(tmp_path / "broker"), "config": str(tmp_path / "config")}

    assert len(COMMANDS) >= 7
    for words in COMMANDS:
        done = CliRunner().invoke(
            app, [places.get(word, word) for word in words], env={"STACKMETER_CONFIG": ""}
        )
        assert done.exit_code == 0, (words, done.output)


def test_the_files_that_it_lists_are_the_ones_that_are_made(tmp_path: Path) -> None:
    required("openssl")
    shutil.copytree(ROOT / "config/haiphong", tmp_path / "config")
    given = [
        "gateway",
        "prepare",
        "h",
        "--dir",
        str(tmp_path / "broker"),
        "--config",
        str(tmp_path / "config"),
    ]
    assert CliRunner().invoke(app, given).exit_code == 0

    made = {path.name for path in (tmp_path / "broker").iterdir() if path.is_file()}

    assert made == set(
        re.findall(r"`([\w.]+)`", "".join(PAGE.split("| in the directory")[1].splitlines()[2:4]))
    )
