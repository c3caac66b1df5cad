"""The journal's volume is full."""

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.faults.bench import Bench, Report
from tests.faults.invariants import check_all, journal_end
from tests.faults.truth import Truth, trial
from tests.servers import wait_until

SIZE = 6 * 1024 * 1024


@pytest.fixture
def volume(tmp_path: Path) -> Iterator[Path]:
    """Give an empty volume of a few MiB, mounted for the test."""
    if os.geteuid() != 0:
        pytest.skip("mounting a small volume needs root")
    path = tmp_path / "volume"
    path.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={SIZE},mode=700", "tmpfs", str(path)], check=True)
    yield path
    subprocess.run(["umount", "--lazy", str(path)], check=True)


class Ballast:
    """A file that takes all the room there is."""

    def __init__(self, volume: Path) -> None:
        self._file = volume / "ballast"

    def fill(self) -> None:
        """Leave no room."""
        with self._file.open("ab", buffering=0) as file:
            for size in (65536, 4096, 1):
                try:
                    while True:
                        file.write(b"b" * size)
                except OSError:
                    continue

    def remove(self) -> None:
        """Give the room back."""
        self._file.unlink()


def test_f066_a_full_volume_of_journal_and_state_pauses_the_intake_and_resumes(
    tmp_path: Path, volume: Path, report: Report
) -> None:
    """What comes meanwhile is not acknowledged, so it waits at the broker, and comes exactly once."""
    truth, ballast = trial(900, seed=66), Ballast(volume)
    with Bench(tmp_path) as bench:
        bench.service.state.symlink_to(volume)
        paused_at = _fed_until_paused(bench, truth, ballast)
        ballast.remove()
        wait_until(lambda: not _paused(bench), "never resumed", 60)
        figures = bench.service.drain(900)

        assert figures["stackmeter_broker_connections"] == 1
        assert figures["stackmeter_ready"] == 1
        balance = check_all(bench, truth)
        assert balance["duplicates"] == 0
        report("F-066", full="journal and state", paused_at=paused_at, lost=0, double=0, **balance)


def test_f066_a_kill_while_the_journals_volume_is_full_shows_that_nothing_was_acknowledged(
    tmp_path: Path, volume: Path, report: Report
) -> None:
    """Whatever had been acknowledged and not journalled would be missing now."""
    truth, ballast = trial(900, seed=66), Ballast(volume)
    with Bench(tmp_path) as bench:
        bench.service.state.mkdir(mode=0o700)
        bench.service.journal.symlink_to(volume / "journal.db")
        paused_at = _fed_until_paused(bench, truth, ballast)
        bench.service.kill()
        ballast.remove()
        bench.service.start()
        bench.service.drain(900)

        balance = check_all(bench, truth)
        assert balance["duplicates"] == 0
        report("F-066", full="journal", paused_at=paused_at, lost=0, double=0, **balance)


def _fed_until_paused(bench: Bench, truth: Truth, ballast: Ballast) -> int:
    """Send all messages, two thirds of them to a full volume; return how many were journalled."""
    bench.service.start()
    bench.field.send(truth.messages[:300])
    bench.service.drain(300)
    ballast.fill()
    bench.field.send(truth.messages[300:600])
    wait_until(lambda: _paused(bench), "never paused", 60)
    ballast.fill()  # the room that a rollback gave back
    answer = bench.service.get("/readyz")
    end = journal_end(bench.service.journal)
    bench.field.send(truth.messages[600:])

    assert answer.status_code == 503
    assert "intake paused" in answer.json()["reasons"][0]
    assert journal_end(bench.service.journal) == end
    assert end <= 600, "the volume was not full"
    return end - 1


def _paused(bench: Bench) -> bool:
    return bench.service.metrics()["stackmeter_intake_paused"] == 1
