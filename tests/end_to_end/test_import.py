"""`stackmeter import`: a file of another year into a running service, by CSV and Parquet, cut off and gone on with."""

import json
import signal
import sqlite3
import subprocess
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pyarrow as pa
import pytest
from pyarrow import parquet

from tests.servers import PATIENCE, Mosquitto, wait_until
from tests.service import CONSOLE_SCRIPT, TOKEN, Service
from tests.warm import console

ROWS = 3000  # of five minutes
START = datetime(2025, 1, 10, 0, 5, tzinfo=UTC)
PLANT = """
parks:
  - name: park
    title: Park
    zone: UTC
    facilities:
      - name: mill
        title: Mill
        gateways: [{name: meters}, {name: others}]
        channels:
          - {name: energy, gateway: meters, kind: interval, unit: kWh, quantity: electricity, period: 5min}
          - {name: heat, gateway: others, kind: level, unit: °C, quantity: temperature, max_gap: 10min}
        sources:
          - {name: power, method: electricity-location, inputs: {energy: energy}, factor: vn-grid}
"""
MAPPING = """
time: {column: when, format: "%Y-%m-%d %H:%M:%S", utc_offset: "+00:00"}
topic: {park: park, facility: mill, gateway: history}
boot: old-system
columns:
  used: {channel: energy, unit: MWh, scale: 0.001}
  "hall temperature": {channel: heat, unit: °C}
"""


@dataclass
class Mill:
    """A broker, a service, and a mapping."""

    folder: Path
    broker: Mosquitto
    service: Service

    def command(self, file: Path, *more: str) -> list[str]:
        return [
            "import", str(file), "--mapping", str(self.folder / "mapping.yaml"), "--by", "lan",
            "--broker", self.broker.url, "--url", f"http://127.0.0.1:{self.service.port}", "--token", TOKEN, *more,
        ]  # fmt: skip

    def bring(self, file: Path, *more: str, code: int = 0) -> dict[str, object]:
        done = console(*self.command(file, "--reason", "exports", "--json", *more))
        assert done.returncode == code, done.stderr + done.stdout
        return dict(json.loads(done.stdout)) if code == 0 else {"said": done.stderr}

    def sums(self) -> tuple[float, int]:
        """Return the source's activity [kWh] of ever, and how many readings there are."""
        with closing(sqlite3.connect(self.service.database)) as state:
            (energy,) = state.execute("SELECT total(activity) FROM total WHERE level = 3").fetchone()
            (taken,) = state.execute(
                "SELECT total(accepted + late) FROM balance_ever WHERE book = 'readings'"
            ).fetchone()
        return energy, int(taken)


def rows() -> list[tuple[datetime, float, float | None]]:
    """Return the file's rows: time, kWh in hundredths, and a temperature in every second row."""
    return [
        (START + n * timedelta(minutes=5), (n * 37 % 1000) / 100, 20.5 if n % 2 else None)
        for n in range(ROWS)
    ]


def csv(folder: Path) -> Path:
    lines = [
        f"{at:%Y-%m-%d %H:%M:%S},{used},{'' if heat is None else heat},note" for at, used, heat in rows()
    ]
    (folder / "old.csv").write_text("\n".join(["when,used,hall temperature,remark", *lines, ""]))
    return folder / "old.csv"


def parquet_file(folder: Path, zone: str | None) -> Path:
    at, used, heat = zip(*rows(), strict=True)
    times = pa.array([one if zone else one.replace(tzinfo=None) for one in at], pa.timestamp("us", zone))
    parquet.write_table(
        pa.table({"when": times, "used": used, "hall temperature": pa.array(heat)}), folder / "old.parquet"
    )
    return folder / "old.parquet"


@pytest.fixture
def mill(tmp_path: Path) -> Iterator[Mill]:
    (tmp_path / "config").mkdir()
    (tmp_path / "config" / "plant.yaml").write_text(PLANT)
    (tmp_path / "mapping.yaml").write_text(MAPPING)
    with Mosquitto() as broker, Service(tmp_path, tmp_path / "config", broker.url) as service:
        service.start()
        yield Mill(tmp_path, broker, service)


READINGS = ROWS + ROWS // 2
ENERGY = sum(used for _, used, _ in rows())


@pytest.mark.parametrize("kind", ["csv", "parquet", "parquet with zone"])
def test_a_file_of_another_year_counts_and_is_not_counted_twice(mill: Mill, kind: str) -> None:
    file = (
        csv(mill.folder)
        if kind == "csv"
        else parquet_file(mill.folder, "Asia/Ho_Chi_Minh" if "zone" in kind else None)
    )
    told = mill.bring(file)
    assert (told["rows"], told["readings"], told["uncovered"], told["held_before"]) == (ROWS, READINGS, 0, 0)
    assert (told["first"], told["gateway"]) == ("2025-01-10T00:05:00Z", "park/mill/history")
    assert told["ended"] == {"counted": READINGS, "known": 0, "refused": 0, "codes": {}}
    energy, taken = mill.sums()
    assert (energy, taken) == (pytest.approx(ENERGY, rel=1e-12), READINGS)
    again = mill.bring(file)
    assert again["held_before"] == again["messages"] == told["messages"]
    assert mill.sums() == (energy, READINGS)
    [one] = mill.service.get("/v1/backfills").json()["backfills"]
    assert (one["oldest"], one["opened_by"], one["reason"]) == ("2025-01-10T00:05:00Z", "lan", "exports")
    assert one["closed_at"] is not None


def test_cut_off_it_goes_on_where_it_was_and_so_does_the_service(mill: Mill) -> None:
    file = csv(mill.folder)
    running = subprocess.Popen(
        [*CONSOLE_SCRIPT, *mill.command(file, "--reason", "exports")],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    wait_until(lambda: mill.sums()[1] > 0 or running.poll() is not None, "nothing came")
    running.send_signal(signal.SIGKILL)
    running.wait()
    mill.service.kill()
    mill.service.start()
    assert mill.bring(file)["uncovered"] == 0
    assert mill.sums() == (pytest.approx(ENERGY, rel=1e-12), READINGS)


def test_a_check_says_what_a_file_holds_and_sends_nothing(mill: Mill) -> None:
    done = console(*mill.command(csv(mill.folder), "--check"))
    assert done.returncode == 0, done.stderr
    assert f"{READINGS:,} readings in {ROWS:,} rows, from 2025-01-10T00:05:00Z to" in done.stdout
    assert mill.service.get("/v1/backfills").json() == {"backfills": []}


@pytest.mark.parametrize(
    ("change", "more", "code", "said"),
    [
        (lambda text: text.replace("old-system", "[1]"), (), 2, "boot: must be a str"),
        (lambda text: text.replace("used:", "eaten:"), (), 2, "no column 'eaten' among when, used"),
        (lambda text: text, ("--gateway", "meters"), 1, "a backfill has a gateway of its own"),
        (lambda text: text.replace("facility: mill", "facility: hall"), (), 1, "hall"),
        (lambda text: text, ("--token", "an-other-token-of-nobody"), 2, "token"),
        (lambda text: text, ("--broker", "mqtt://127.0.0.1:1"), 3, "cannot reach the broker"),
    ],
)
def test_what_does_not_fit_is_said_and_changes_nothing(
    mill: Mill, change: object, more: tuple[str, ...], code: int, said: str
) -> None:
    mapping = mill.folder / "mapping.yaml"
    mapping.write_text(change(MAPPING))  # type: ignore[operator]
    assert said in str(mill.bring(csv(mill.folder), *more, code=code)["said"])
    assert mill.sums()[1] == 0


def test_readings_that_the_service_refuses_are_said_and_the_others_count(mill: Mill) -> None:
    mapping = mill.folder / "mapping.yaml"
    mapping.write_text(MAPPING.replace("channel: heat", "channel: nowhere"))
    done = console(*mill.command(csv(mill.folder), "--reason", "exports"))
    assert done.returncode == 1, done.stderr
    assert f"{ROWS:,} readings of its gateway count" in done.stdout
    assert f"{ROWS // 2:,} were refused (messages by code: unmapped" in done.stdout


def test_a_cell_that_is_no_number_is_named_before_anything_is_sent(mill: Mill) -> None:
    file = csv(mill.folder)
    file.write_text(file.read_text().replace(",0.37,", ",0;37,", 1))
    assert "'0;37' is no number" in str(mill.bring(file, code=2)["said"])
    assert mill.service.get("/v1/backfills").json() == {"backfills": []}


def test_stopped_by_hand_it_closes_what_it_opened(mill: Mill) -> None:
    running = subprocess.Popen([*CONSOLE_SCRIPT, *mill.command(csv(mill.folder), "--reason", "exports")])
    wait_until(lambda: bool(mill.service.get("/v1/backfills").json()["backfills"]), "it was not opened")
    running.send_signal(signal.SIGINT)
    assert running.wait(PATIENCE) in {0, 130}
    until = time.monotonic() + PATIENCE
    while mill.service.get("/v1/backfills").json()["backfills"][0]["closed_at"] is None:
        assert time.monotonic() < until
