"""`scripts/real_data.py` on data like the real ones, and on the real ones where they are: what goes in comes out."""

import json
import os
import subprocess
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
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
    return [int(n) for n in np.random.default_rng(851).integers(0, 15_718, ROWS)]


def write(path: Path, energies: Iterable[int]) -> Path:
    """Write a file of the real one's format."""
    rows = [f"{end},{n / 100:.2f},0.0,Light_Load" for end, n in zip(quarters(), energies, strict=True)]
    path.write_text("\r\n".join([HEADER, *rows, ""]), encoding="utf-8-sig", newline="")
    return path


def prove(file: Path, path: str | None = None, *options: str) -> tuple[int, dict[str, Any]]:
    """Run the script with the programs that are on `path`; return its exit code and what it says."""
    path = path or f"{os.environ.get('PATH', '')}:/usr/sbin"
    command = [sys.executable, str(SCRIPT), str(file), "--json", *options]
    ran = subprocess.run(
        command, capture_output=True, text=True, check=False, env={**os.environ, "PATH": path}
    )
    assert ran.stdout, ran.stderr[-4000:]
    return ran.returncode, json.loads(ran.stdout)


@dataclass(frozen=True)
class Proof:
    """One file, and what the script said of it."""

    file: Path
    code: int
    told: dict[str, Any]

    def column(self, name: str, key: str) -> list[float]:
        """Return one key of all figures of a name."""
        return [figure[key] for figure in self.told["figures"] if figure["name"] == name]


@pytest.fixture(scope="module", params=["generated", *REAL], ids=lambda param: Path(param).stem)
def proof(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Proof:
    for program in ("mosquitto", "influxd", "nginx"):
        required(program)
    file = Path(request.param)
    if request.param == "generated":
        file = write(tmp_path_factory.mktemp("data") / "generated.csv", hundredths())
    return Proof(file, *prove(file))


@pytest.fixture
def without_servers(tmp_path: Path) -> str:
    """Give a PATH on which there is neither Mosquitto nor InfluxDB."""
    (tmp_path / "no programs").mkdir()
    return str(tmp_path / "no programs")


def test_the_proof_succeeds(proof: Proof) -> None:
    assert (proof.code, proof.told["good"], proof.told["unproven"]) == (0, True, []), proof.told


def test_the_script_expects_what_the_file_says(proof: Proof) -> None:
    """959,636.71 kWh and 632.592519 tCO2e are what the real year's source says."""
    rows, kwh = (ROWS, sum(hundredths()) / 100) if proof.file.stem == "generated" else (35_040, 959_636.71)

    assert set(proof.column("readings held", "expected")) == {rows}
    assert set(proof.column("electricity", "expected")) == {kwh}
    assert proof.column("emissions", "expected") == pytest.approx([kwh * 0.6592 / 1000] * 3, rel=1e-15)


@pytest.mark.parametrize("name", ["readings held", "electricity", "emissions"])
def test_every_way_in_gives_the_same_bits(proof: Proof, name: str) -> None:
    """In order, shuffled with duplicates and kills, or through the embedded broker."""
    found = proof.column(name, "found")

    assert len(found) == 3
    assert len(set(found)) == 1


def test_influxdb_sums_are_proven_with_and_without_kills(proof: Proof) -> None:
    assert len(proof.column("emissions in InfluxDB", "good")) == 2


def test_a_reading_that_is_lost_is_noticed(tmp_path: Path, without_servers: str) -> None:
    """The service refuses an energy below 0, and then lacks it."""
    file = write(tmp_path / "negative.csv", [-1, *hundredths()[1:]])

    _, told = prove(file, without_servers)

    assert [figure["good"] for figure in told["figures"]] == [False, False, False]


def test_what_cannot_be_proven_fails_the_proof(tmp_path: Path, without_servers: str) -> None:
    code, told = prove(write(tmp_path / "generated.csv", hundredths()), without_servers)

    assert (code, told["good"]) == (1, False)
    assert all(figure["good"] for figure in told["figures"])
    assert ["InfluxDB" in line for line in told["unproven"]] == [True, False]


def test_influxdb_may_be_left_out_on_request(tmp_path: Path, without_servers: str) -> None:
    _, told = prove(write(tmp_path / "generated.csv", hundredths()), without_servers, "--without-influx")

    assert [line for line in told["unproven"] if "InfluxDB" in line] == []


def test_a_file_of_another_kind_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "other.csv"
    file.write_text("date,kWh\n01/01/2018 00:15,1\n")

    ran = subprocess.run(
        [sys.executable, str(SCRIPT), str(file)], capture_output=True, text=True, check=False
    )

    assert ran.returncode == 2
    assert str(file) in ran.stderr
