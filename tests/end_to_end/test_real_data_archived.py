"""A real plant's months through the archive and back: every reading and every window with the same bits, and the same tonnes."""

import csv
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from math import fsum
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

from plant import periods
from proof.verify.verify import verify
from store.accounting.chain import hour_sums, parent_of
from store.messages.journal import DECISION
from tests.end_to_end.test_real_data import REAL, hundredths, write
from tests.proof.archived import DESPITE, Archive
from tests.proof.test_archive import hours_of, same_readings
from tests.semantics.conftest import MEMORY
from tests.semantics.world import HOUR, World, ns, reading

CONFIG = Path(__file__).parents[2] / "config" / "steel-2018"
ZONE = timedelta(hours=9)
END = ns("2019-03-01T00:00:00+09:00")
T_PER_KWH = 0.6592 / 1000


@pytest.fixture(params=["generated", *REAL], ids=lambda param: Path(param).stem)
def file(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    if request.param == "generated":
        return write(tmp_path / "generated.csv", hundredths())
    return Path(request.param)


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    config = Path(shutil.copytree(CONFIG, tmp_path / "config"))
    steel = config / "steel.yaml"
    steel.write_text(
        steel.read_text()
        .replace("max_late: 20000d", "max_late: 45d")
        .replace("allowed_lateness: 20000d", "allowed_lateness: 1d")
    )
    with tempfile.TemporaryDirectory(dir=MEMORY) as folder:
        (Path(folder) / "state").mkdir()
        made = World(Path(folder) / "state", config, ns("2018-01-01T00:00:00+09:00"))
        yield made
        with suppress(Exception):
            made._shut()


def energies(file: Path) -> list[tuple[int, str]]:
    """Return the ends of quarters [ns UTC] and their energy as the file writes it; a day's 00:00 ends it."""
    found = []
    with file.open(encoding="utf-8-sig", newline="") as rows:
        for row in csv.DictReader(rows):
            end = datetime.strptime(row["date"], "%d/%m/%Y %H:%M").replace(tzinfo=UTC) - ZONE
            if row["date"].endswith("00:00"):
                end += timedelta(days=1)
            found.append((int(end.timestamp()) * 10**9, row["Usage_kWh"]))
    return found


def live_through(world: World, rows: list[tuple[int, str]]) -> None:
    """Let each day's quarters come at its end, and close all months."""
    for low in range(0, len(rows), 96):
        day = rows[low : low + 96]
        world.now = day[-1][0] + HOUR
        message = {"boot": "b", "seq": low // 96 + 1}
        message["readings"] = [reading("usage", time, float(kwh)) for time, kwh in day]  # type: ignore[assignment]
        world.publish(message, topic="sm/v1/gwangyang/steel/replay/readings")
    world.tick(END)
    for month in sorted(
        {f"{datetime.fromtimestamp(time // 10**9 - 1, UTC) + ZONE:%Y-%m}" for time, _ in rows}
    ):
        decision = {"id": month, "by": "lan", "action": "final", "park": "gwangyang", "month": month}
        world.publish(decision | DESPITE, topic="$stackmeter/decision", flags=DECISION)


def test_a_real_plant_comes_back_from_the_archive_with_the_same_bits(world: World, file: Path) -> None:
    rows = energies(file)
    live_through(world, rows)
    archive = Archive(world.folder.parent, world)

    months = archive.write()

    assert len(months) == (1 if file.stem == "generated" else 12)
    tables = [[pq.read_table(archive.folder / one.name) for one in month.files[:2]] for month in months]
    count = sum(
        same_readings(world, readings, month.start, month.end)
        for month, (readings, _) in zip(months, tables, strict=True)
    )
    beyond = sum(time >= months[-1].end for time, _ in rows)  # the midnight that ends the year
    assert count + beyond == len(rows)
    for month, (_, windows) in zip(months, tables, strict=True):
        hours = hours_of(windows)
        days = world.rows(
            "SELECT start FROM total WHERE level = 2 AND start >= ? AND start < ?", month.start, month.end
        )
        for (day,) in days:
            mine = {hour: block for (_, hour), block in hours.items() if day <= hour < day + 24 * HOUR}
            sums = [hour_sums(block[None])[0] for _, block in sorted(mine.items())]
            [stored] = world.rows("SELECT co2e_t FROM total WHERE level = 2 AND start = ?", day)
            from_archive = parent_of(periods.DAY, day, np.array(sorted(mine)), np.stack(sums))
            assert from_archive[1] == stored[0]
    told = fsum(
        value for _, windows in tables for value in windows["co2e_t"].to_pylist() if value is not None
    )
    assert told == pytest.approx(fsum(float(kwh) for _, kwh in rows) * T_PER_KWH, rel=1e-12)
    if file.stem != "generated":
        assert round(told, 9) == 632.592519232
    assert archive.prune() > 0
    report = verify(world.plant, world.catalogue, world.folder, archive=archive.place)
    assert report.proven, report.findings[:3]
