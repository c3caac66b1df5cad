"""Two whole years of an invented works, from meters and invoices to issued papers, by the command that shows it."""

import re
import subprocess
from calendar import isleap
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.reports.files import parts, workbook
from tests.service import CONSOLE_SCRIPT

GAS, DIESEL = 5_200.0, 36_000.0  # Nm3 a day, L a year
AR5 = {"ch4": 28.0, "n2o": 265.0}


def kg_per_gj(co2: float, ch4: float, n2o: float) -> float:
    """Of a fuel in kg/TJ, as kg CO2e."""
    return (co2 + ch4 * AR5["ch4"] + n2o * AR5["n2o"]) / 1000


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("year")
    done = subprocess.run(
        [*CONSOLE_SCRIPT, "demo", "--year", str(made)],
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    (made / "told.txt").write_text(done.stdout, encoding="utf-8")
    return made


def test_every_paper_is_issued_and_whole(folder: Path) -> None:
    told = (folder / "told.txt").read_text(encoding="utf-8")

    assert "40 entered by lan" in told
    assert "40 approved by minh" in told
    assert told.count(", revision 1, issued") == 4
    for name in ("form06.docx", "iso14064.docx", "ghg.docx", "auditor.xlsx"):
        parts((folder / name).read_bytes())


def test_its_tonnes_are_those_of_a_calculator(folder: Path) -> None:
    told = (folder / "told.txt").read_text(encoding="utf-8")
    last = datetime.now(UTC).year - 1
    for year in (last - 1, last):
        days = 365 + isleap(year)
        gas = GAS * days * 36 / 1000 * kg_per_gj(56_100, 1, 0.1)
        diesel = DIESEL * 0.84 / 1000 * 43 * kg_per_gj(74_100, 3.9, 3.9)
        scope1 = (gas + diesel + 18 * 1300) / 1000
        scope3 = (2_600 * 4 * 25 + 310_000 * 4 * 0.08) / 1000
        row = next(
            line for line in told.splitlines() if line.startswith(f"\N{BOX DRAWINGS LIGHT VERTICAL} {year}")
        )
        cells = [cell.strip().replace(",", "") for cell in row.split("\N{BOX DRAWINGS LIGHT VERTICAL}")]
        assert float(cells[2]) == pytest.approx(scope1, abs=0.051)
        assert float(cells[4]) == pytest.approx(scope3, abs=0.051)
        assert cells[5] == "100.0%"


def test_a_measure_that_starts_in_july_is_proven_in_energy_money_and_tonnes(folder: Path) -> None:
    """The compressors take 18 % less of some 5,200 kWh a day."""
    line = re.sub(r"\s+", " ", (folder / "told.txt").read_text(encoding="utf-8"))
    found = re.search(
        r"from \d{4}-07-01: proven, ([\d,.]+) ± ([\d.]+) MWh, ([\d,.]+) ± [\d.]+ million VND, ([\d.]+) ± [\d.]+ t",
        line,
    )

    assert found is not None
    energy, width, money, tonnes = (float(one.replace(",", "")) for one in found.groups())
    assert abs(energy - 0.18 * 5.2 * 184) < 10
    assert width < 0.1 * energy
    assert 1.7 < money / energy < 2.1
    assert 0.6 < tonnes / energy < 0.75


def test_the_auditor_finds_each_number_with_where_it_comes_from(folder: Path) -> None:
    book = workbook((folder / "auditor.xlsx").read_bytes())
    last = list(book.sheets)[-1]

    told = {str(one) for row in book.rows(last) for one in row.values()}
    for factor in ("vn-2626-road-diesel", "scrap-of-supplier", "lorry-of-carrier"):
        assert any(factor in one for one in told), factor
