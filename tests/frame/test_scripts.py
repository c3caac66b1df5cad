"""The scripts: sound bash, from any folder, honest about what they cannot do."""

import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.frame.repository import ROOT
from tests.servers import NODE, required

SCRIPTS = [
    pytest.param(path, id=str(path.relative_to(ROOT)))
    for path in (ROOT / ".ci" / "run", *sorted((ROOT / "scripts").iterdir()))
    if path.is_file() and path.read_bytes().startswith(b"#!/usr/bin/env bash\n")
]
each_script = pytest.mark.parametrize("script", SCRIPTS)


def run(*command: str | Path, **options: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [str(part) for part in command], capture_output=True, text=True, check=False, **options
    )


def test_every_script_is_bash() -> None:
    files = [path for path in (ROOT / "scripts").iterdir() if path.is_file() and path.suffix != ".py"]

    assert len(files) + 1 == len(SCRIPTS)


@each_script
def test_a_script_can_be_executed(script: Path) -> None:
    assert os.access(script, os.X_OK)


@each_script
def test_bash_can_read_a_script(script: Path) -> None:
    assert run("bash", "-n", script).stderr == ""


@each_script
def test_shellcheck_has_nothing_to_say(script: Path) -> None:
    assert run(required("shellcheck"), script).stdout == ""


@each_script
def test_a_script_stops_at_the_first_error(script: Path) -> None:
    assert "\nset -euo pipefail\n" in script.read_text()


@pytest.mark.parametrize("script", SCRIPTS[1:])
def test_a_script_says_how_it_is_used(script: Path, tmp_path: Path) -> None:
    """From any folder, and without doing anything."""
    answer = run(script, "--help", cwd=tmp_path)

    assert answer.stdout.startswith(f"usage: scripts/{script.name}")
    assert (answer.returncode, answer.stderr) == (0, "")


def test_ci_runs_the_same_scripts_as_everybody() -> None:
    calls = [line.partition(" ")[0] for line in (ROOT / ".ci" / "run").read_text().splitlines()[-3:]]

    assert calls == ["scripts/check", "scripts/test", "scripts/test-lowest"]


@pytest.fixture
def bare(tmp_path: Path) -> Path:
    """A folder of programs with bash and little else: no uv, and a Python that the test writes."""
    programs = tmp_path / "programs"
    programs.mkdir()
    for name in ("bash", "env", "dirname"):
        (programs / name).symlink_to(str(shutil.which(name)))
    return programs


def pretend(programs: Path, name: str, body: str) -> None:
    program = programs / name
    program.write_text(f"#!/bin/sh\n{body}\n")
    program.chmod(0o755)


def test_setup_says_what_to_install_where_there_is_no_python(bare: Path) -> None:
    answer = run(ROOT / "scripts" / "setup", env={"PATH": str(bare)})

    assert answer.returncode == 1
    assert "sudo apt-get install python3" in answer.stderr


def test_setup_says_what_to_install_where_python_makes_no_environments(bare: Path, tmp_path: Path) -> None:
    """Debian's python3 comes without; nobody but root can help, and without apt-get not even root."""
    copy = tmp_path / "a clone"
    (copy / "scripts").mkdir(parents=True)
    shutil.copy(ROOT / "scripts" / "setup", copy / "scripts")
    pretend(
        bare,
        "python3",
        "case $2 in *executable*) echo python3 ;; *ensurepip*) exit 1 ;; *venv*) echo python3.13-venv ;; esac",
    )

    answer = run(copy / "scripts" / "setup", env={"PATH": str(bare)})

    assert answer.returncode == 1
    assert "sudo apt-get install python3.13-venv" in answer.stderr
    assert not (copy / ".venv").exists()


def test_field_a6_what_nodejs_gets_is_locked_by_content_and_not_by_who_serves_it() -> None:
    """npm then asks whichever registry a machine is set up for. What is in a bundle is locked with it."""
    locked = json.loads((NODE / "package-lock.json").read_text())["packages"]

    assert all(one["integrity"] for name, one in locked.items() if name and not one.get("inBundle"))
    assert not any("resolved" in one for one in locked.values())
