"""`scripts/real_data.py` on data like the real ones, and on the real ones where they are: what goes in comes out."""

import json
import os
import subprocess
import sys
from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.servers import required

ROOT = Path(__file__).parents[2]
SCRIPT = ROOT / "scripts" / "real_data.py"
HEADER = "date,Usage_kWh,CO2(tCO2),Load_Type"
ROWS = 21 * 96  # the last three weeks of the year, to the midnight that ends it
QUARTER = timedelta(minutes=15)
REAL = [
    path
    for path in (
        Path(os.environ.get("STACKMETER_REAL_DATA", "absent")),
        ROOT.parent / "shared" / "data" / "steel_industry_2018.csv",
    )
    if path.is_file()
][:1]


def quarters() -> Iterator[str]:
    """Give the ends of quarters as the file writes them: 00:00 last in its day, and under the day that it ends."""
    for row in range(1, ROWS + 1):
        end = datetime(2018, 12, 11) + row * QUARTER  # noqa: DTZ001  the file has no zone
        midnight = end.hour == end.minute == 0
        yield f"{end - timedelta(days=1) if midnight else end:%d/%m/%Y} {end:%H:%M}"


def hundredths() -> list[int]:
    """Return energies that are hard to add up in floats: hundredths of a kWh. [0.01 kWh]"""
    return np.random.default_rng(851).integers(0, 15_718, ROWS).tolist()


def write(path: Path, energies: Iterable[int]) -> Path:
    """Write a file of the real one's format."""
    rows = [f"{end},{n / 100:.2f},0.0,Light_Load" for end, n in zip(quarters(), energies, strict=True)]
    path.write_text("\r\n".join([HEADER, *rows, ""]), encoding="utf-8-sig", newline="")
    return path


def prove(file: Path, *options: str) -> tuple[int, dict[str, Any]]:
    """Run the script; return its exit code and what it says."""
    for program in ("mosquitto", "influxd", "nginx"):
        required(program)
    command = [sys.executable, str(SCRIPT), str(file), "--json", *options]
    path = f"{os.environ.get('PATH', '')}:/usr/sbin"
    ran = subprocess.run(
        command, capture_output=True, text=True, check=False, env={**os.environ, "PATH": path}
    )
    assert ran.stdout, ran.stderr[-4000:]
    return ran.returncode, json.loads(ran.stdout)


@pytest.fixture(scope="module")
def proof(tmp_path_factory: pytest.TempPathFactory) -> tuple[int, dict[str, Any]]:
    return prove(write(tmp_path_factory.mktemp("data") / "generated.csv", hundredths()))


def test_the_proof_succeeds(proof: tuple[int, dict[str, Any]]) -> None:
    code, told = proof

    assert (code, told["good"], told["unproven"]) == (0, True, [])


def test_the_script_expects_the_sum_that_was_written(proof: tuple[int, dict[str, Any]]) -> None:
    energies = hundredths()

    expected = {(f["name"], f["expected"]) for f in proof[1]["figures"] if "InfluxDB" not in f["name"]}

    assert expected == {
        ("readings held", ROWS),
        ("electricity", sum(energies) / 100),
        ("emissions", pytest.approx(sum(energies) / 100 * 0.6592 / 1000, rel=1e-15)),
    }


@pytest.mark.parametrize("name", ["readings held", "electricity", "emissions"])
def test_every_way_in_gives_the_same_bits(proof: tuple[int, dict[str, Any]], name: str) -> None:
    """In order, shuffled with duplicates and kills, or through the embedded broker."""
    found = [figure["found"] for figure in proof[1]["figures"] if figure["name"] == name]

    assert len(found) == 3
    assert len(set(found)) == 1


def test_a_reading_that_is_lost_fails_the_proof(tmp_path: Path) -> None:
    """The service refuses an energy below 0, and then lacks it: the script has to notice."""
    code, told = prove(write(tmp_path / "negative.csv", [-1, *hundredths()[1:]]), "--without-influx")

    assert (code, told["good"]) == (1, False)
    assert not any(figure["good"] for figure in told["figures"])


@pytest.mark.parametrize("file", REAL, ids=lambda path: path.name)
def test_the_real_year_is_what_its_source_says(file: Path) -> None:
    code, told = prove(file)

    assert code == 0, told
    figures = {(figure["name"], figure["expected"]) for figure in told["figures"]}
    assert ("electricity", 959_636.71) in figures
    assert ("emissions", pytest.approx(632.592519, abs=5e-7)) in figures
