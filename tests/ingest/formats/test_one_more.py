"""One more format and one more profile: their own file and their cases, and everything that lists them has them."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[3]
LISTS = (
    "tests/ingest/formats/test_formats.py",
    "tests/ingest/test_profiles.py",
    "tests/stackmeter/test_devices.py",
    "tests/stackmeter/test_formats_page.py",
)
STACKMETER = ("-c", "from stackmeter.cli import app; app()")
FORMAT, PROFILE = "one-more-format", "one-more-profile"


def test_one_more_of_each_needs_nothing_but_its_file_and_its_cases(tmp_path: Path) -> None:
    """In a copy: a format and a profile under new names, with cases; then the tests, commands and benchmark that list all."""
    copy = tmp_path / "copy"
    for folder in ("src", "tests", "docs", "benchmarks", "config"):
        shutil.copytree(
            ROOT / folder, copy / folder, ignore=shutil.ignore_patterns("__pycache__", "node_modules")
        )
    shutil.copy(ROOT / "pyproject.toml", copy)
    formats, profiles = copy / "src/ingest/formats", copy / "src/plant/data/profiles"
    shutil.copy(formats / "station_text.py", formats / f"{FORMAT.replace('-', '_')}.py")
    shutil.copytree(copy / "tests/cases/formats/station-text", copy / "tests/cases/formats" / FORMAT)
    shutil.copy(profiles / "advantech-wise.yaml", profiles / f"{PROFILE}.yaml")
    shutil.copytree(copy / "tests/cases/profiles/advantech-wise", copy / "tests/cases/profiles" / PROFILE)

    about_them = f"{FORMAT} or {PROFILE} or page or list"
    tests = run(copy, "-m", "pytest", "-v", "-p", "no:cacheprovider", *LISTS, "-k", about_them)
    for name in (FORMAT, PROFILE):
        assert f"[{name}/" in tests
        assert f"[{name}]" in tests
    assert FORMAT in run(copy, *STACKMETER, "formats", "--json")
    assert PROFILE in run(copy, *STACKMETER, "profile", "list", "--json")
    assert f'"not_measured": ["{FORMAT}"]' in run(copy, "benchmarks/formats.py", "--quick")


def run(copy: Path, *command: str) -> str:
    """Return what a command of Python says in the copy; it must end well."""
    environment = {**os.environ, "PYTHONPATH": str(copy / "src")}
    environment.pop("PYTEST_ADDOPTS", None)
    done = subprocess.run(
        [sys.executable, *command], cwd=copy, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout
