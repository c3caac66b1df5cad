"""How many bytes a reading takes on disk. Prints one JSON line.

The Hai Phong example, simulated without waiting into a real Mosquitto and a real `stackmeter run`: its journal and state are
counted page by page as the service keeps them while it runs. `bytes` parts them by what they hold.

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
from contextlib import closing
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

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
        readings = counted(state)
    print(
        json.dumps(
            {
                "bytes_per_reading": round(sum(sizes.values()) / readings, 1),
                "bytes": {kind: round(size / readings, 2) for kind, size in sorted(sizes.items())},
                "readings": readings,
                "hours": hours,
            }
        )
    )


if __name__ == "__main__":
    main()
