"""How many bytes a reading takes on disk. Prints one JSON line.

The Hai Phong example, simulated without waiting into a real Mosquitto and a real `stackmeter run`: its journal and state are
counted page by page as the service keeps them while it runs. `bytes` parts them by what they hold. Then all of it is written as the
archive would have it (`archived_bytes_per_reading`, `archived_bytes`), whether the months are final or not.

    .venv/bin/python benchmarks/disk.py [--quick] [--hours N] [--keep FOLDER]
"""

import argparse
import json
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections import Counter
from contextlib import closing
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from plant import periods
from plant.configuration.environments import AnySecret
from plant.configuration.load import load
from plant.park import Park
from rules.catalogue import load_catalogue
from store.archive import journal_files
from store.archive.month_tables import tables_of
from store.archive.months import ArchiveMonth, channels_of
from store.archive.parquet import write
from store.audit import snapshot
from store.readings.read import span
from tests.servers import Mosquitto, free_port

CONFIG = Path("config/haiphong")
HOURS, QUICK_HOURS = 72, 6
TOKEN = "token-of-a-benchmark"
IN_MEMORY = "autosave_on_changes false\nautosave_interval 3600"
SETTLED_S = 75.0  # so long nothing changes on disk once the service has done all its work: it looks for days to fold once a minute
KINDS = {
    "journal": "messages",
    "step": "steps",
    "reading": "readings",
    "reading_block": "readings",
    "reading_lost": "readings",
    "emission": "windows",
    "total": "windows",
    "ledger": "ledger",
}


def stackmeter(*words: str) -> list[str]:
    """Return the command that runs Stackmeter with some arguments."""
    return [str(Path(sys.executable).parent / "stackmeter"), *words]


def kept(file: Path) -> dict[str, int]:
    """Return the bytes that each table of a database takes with its indexes, by kind."""
    found: dict[str, int] = {}
    with closing(sqlite3.connect(f"file:{file}?mode=ro", uri=True, timeout=30)) as connection:
        rows = connection.execute(
            "SELECT t.tbl_name, sum(s.pgsize) FROM dbstat AS s JOIN sqlite_schema AS t ON t.name = s.name"
            " WHERE s.aggregate = TRUE GROUP BY 1"
        )
        for table, size in rows:
            kind = KINDS.get(table, "other")
            found[kind] = found.get(kind, 0) + size
    return found


def counted(state: Path) -> int:
    """Return how many readings the state has taken, late ones too."""
    with closing(sqlite3.connect(f"file:{state / 'state.db'}?mode=ro", uri=True, timeout=30)) as connection:
        query = "SELECT sum(accepted + late) FROM balance_ever WHERE book = 'readings'"
        return int(connection.execute(query).fetchone()[0] or 0)


def archived(state: Path) -> dict[str, int]:
    """Return the bytes that the archive's files of all months and all messages take, by what they hold."""
    plant, found = load(CONFIG, load_catalogue(CONFIG), AnySecret()), Counter[str]()
    with (
        tempfile.TemporaryDirectory() as name,
        snapshot(state / "state.db") as rows,
        snapshot(state / "journal.db") as journal,
    ):
        made = Path(name) / "made"
        for park in plant.parks:
            first, last = months_of(rows, park)
            for start in periods.starts(first, last + 1, periods.MONTH, park.zone).tolist():
                end = int(periods.next_month(start, park.zone))
                month = ArchiveMonth(park.name, periods.month_text(start, park.zone), start, end, "due")
                for table in tables_of(rows, plant, month):
                    write(made, table.schema, table.tables())
                    found[table.name] += made.stat().st_size
        [(begin, end)] = journal.execute("SELECT min(first), max(first + count) FROM journal")
        groups = journal_files.stored_groups(journal, begin, end)
        while journal_files.write(made, groups) is not None:
            found["messages"] += made.stat().st_size
    return found


def months_of(state: sqlite3.Connection, park: Park) -> tuple[int, int]:
    """Return the start of a park's first month with readings, and the last time there is one of [ns UTC]."""
    spans = [found for one in channels_of(state, park.name) if (found := span(state, one)) is not None]
    first, last = min(start for start, _ in spans), max(end for _, end in spans)
    return int(periods.month_start(first, park.zone)), last


def fill(broker: Mosquitto, state: Path, hours: int) -> None:
    """Run the service while the example's hours pass, and until it has nothing left to do."""
    service = subprocess.Popen(
        stackmeter(
            "run", "--config", str(CONFIG), "--state", str(state), "--broker", broker.url,
            "--port", str(free_port()), "--log-level", "warning",
        ),
        env={**os.environ, "STACKMETER_TOKEN": TOKEN},
    )  # fmt: skip
    try:
        subprocess.run(
            stackmeter(
                "simulate", "--config", str(CONFIG), "--broker", broker.url, "--speed", "inf",
                "--duration", f"{hours}h", "--json",
            ),
            check=True,
            stdout=subprocess.DEVNULL,
        )  # fmt: skip
        _until_settled(state)
    finally:
        service.send_signal(signal.SIGTERM)
        service.wait(120)


def _until_settled(state: Path) -> None:
    """Wait until the sizes of the tables stand still."""
    before: dict[str, int] = {}
    while (
        now := kept(state / "journal.db") | {"readings ": counted(state)} | kept(state / "state.db")
    ) != before:
        before = now
        time.sleep(SETTLED_S)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help=f"{QUICK_HOURS} hours of the example")
    parser.add_argument("--hours", type=int, help=f"hours of the example, {HOURS} unless told")
    parser.add_argument("--keep", type=Path, help="folder for the state, which is kept")
    options = parser.parse_args()
    hours = options.hours or (QUICK_HOURS if options.quick else HOURS)
    with tempfile.TemporaryDirectory() as name, Mosquitto(extra=IN_MEMORY) as broker:
        state = options.keep or Path(name) / "state"
        shutil.rmtree(state, ignore_errors=True)
        fill(broker, state, hours)
        sizes = kept(state / "journal.db")
        for kind, size in kept(state / "state.db").items():
            sizes[kind] = sizes.get(kind, 0) + size
        readings, copied = counted(state), archived(state)
    print(
        json.dumps(
            {
                "bytes_per_reading": round(sum(sizes.values()) / readings, 1),
                "bytes": {kind: round(size / readings, 2) for kind, size in sorted(sizes.items())},
                "archived_bytes_per_reading": round(sum(copied.values()) / readings, 1),
                "archived_bytes": {kind: round(size / readings, 2) for kind, size in sorted(copied.items())},
                "readings": readings,
                "hours": hours,
            }
        )
    )


if __name__ == "__main__":
    main()
