"""A service whose first months are final, and an archive that they may go to."""

from pathlib import Path
from typing import Any

from store.archive.archived import ArchivedDecision
from store.archive.places import ArchivePlace, FolderPlace
from store.archive.pruning import JournalPruning
from store.archive.writing import MonthWriter, Underway
from store.messages.journal import DECISION
from tests.semantics.world import DAY, HOUR, MINUTE, World, ns, reading

JANUARY, FEBRUARY, MARCH = (ns(f"2026-0{month}-10T12:00:00+07:00") for month in (1, 2, 3))
APRIL = ns("2026-04-20T12:00:00+07:00")  # max_late after the end of February, but not of March
DESPITE = {
    "despite": "letter 12",
    "overruled": ["coverage", "sources", "known_from", "provisional", "quarantine"],
}


def a_day(world: World, noon: int, boot: str) -> None:
    """Let readings of every kind come, one that loses a conflict, a duplicate and late ones, over two days around a noon."""
    for seq in range(1, 8):
        at = noon + seq * 7 * HOUR
        world.now = at + HOUR
        message = [
            *[reading("power", at + m * MINUTE, 50 + seq + m / 7, "kW") for m in range(20)],
            *[reading("reg", at + m * MINUTE, 100 + seq * 3 + m * 0.3) for m in range(0, 20, 5)],
            reading("diesel", at, 12.5 + seq, "L"),
        ]
        for _ in range(1 + (seq == 3)):
            world.send(*message, boot=boot, seq=seq)
    world.send(reading("diesel", noon + 7 * HOUR, 11.5, "L"), boot=f"{boot}x", seq=1)
    world.publish(b"x", topic="sm/v1/park-a/nowhere")
    world.send(reading("power", noon + 2 * HOUR, -0.0, "kW", quality="uncertain"), boot=f"{boot}x", seq=2)


def story(world: World, last: int = MARCH) -> None:
    """Live through three months, and close the first two."""
    for boot, noon in (("b1", JANUARY), ("b2", FEBRUARY), ("b3", last)):
        world.now = noon
        a_day(world, noon, boot)
    for number, month in enumerate(("2026-01", "2026-02")):
        decision = {"id": f"d{number}", "by": "lan", "action": "final", "park": "park-a", "month": month}
        world.publish(decision | DESPITE, topic="$stackmeter/decision", flags=DECISION)
    world.tick(APRIL)


class Archive:
    """An archive in a folder, beside the state directory of a world."""

    def __init__(self, folder: Path, world: World, place: ArchivePlace | None = None) -> None:
        self.folder, self.work, self.world = folder / "archive", folder / "work", world
        self.folder.mkdir(exist_ok=True)
        self.work.mkdir(exist_ok=True)
        self.place = place or FolderPlace(self.folder)

    def writer(self, **more: Any) -> MonthWriter:
        w = self.world
        return MonthWriter(
            self.place, w.folder / "state.db", w.folder / "journal.db", w.plant, self.work, **more
        )

    def write(self, **more: Any) -> list[ArchivedDecision]:
        """Write all that is due, and let the line take it."""
        found = []
        while (made := self.writer(**more).write_next(self.world.now, Underway())) is not None:
            self.take(made)
            found.append(made)
        return found

    def take(self, made: ArchivedDecision) -> None:
        self.world.journal.append([made.message(self.world.now)])
        while self.world.line.step():
            pass

    def prune(self) -> int:
        """Prune what may go, once the journal has been put together."""
        self.world.merge()
        w = self.world
        return JournalPruning(
            self.place, w.folder / "state.db", w.journal, w.folder / "journal.db", self.work
        ).go()

    def files(self) -> list[Path]:
        return sorted(file for file in self.folder.rglob("*") if file.is_file())


def late(world: World) -> None:
    """Let a late reading of a final month come, and what comes later be of the month that is open."""
    a_day(world, MARCH + 3 * DAY, "b4")
