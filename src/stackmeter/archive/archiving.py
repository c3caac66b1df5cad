"""Archives what is due while the service runs, in a thread of its own: no number and no message waits for it.

Where the archive is away, or what was read back differs, nothing is decided and nothing is pruned; it says so and tries again.
"""

import logging
import shutil
import threading
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from ingest.line.containment import told
from plant.documents.problems import ConfigurationError, Problem
from plant.park import Plant
from store.archive.archived import archived_months
from store.archive.months import ARCHIVED, DUE, WAITS, ArchiveMonth, final_months
from store.archive.places import EXTRA, ArchiveAway, ArchivePlace, place_of
from store.audit import snapshot
from store.faults import told_of
from store.folder import Folder
from store.messages.journal import Journal, Message
from store.sqlite import StateMismatch
from store.state import REMEDY
from store.upgrade import SCHEMA_VERSION, of_another_schema

if TYPE_CHECKING:
    from store.archive.writing import MonthWriter

FIRST_S = 30.0  # before the first look
EVERY_S = 600.0  # between two looks
LOOK_S = 0.5  # while a decision is taken
TAKEN_S = 600.0  # the longest that is waited for it
WORK = "archiving"  # a folder of the state directory for files that are being made

log = logging.getLogger(__name__)


class Archiver:
    """Writes months that are due, has them decided, and prunes what may go.

    Attributes
    ----------
    trouble
        What keeps it from its work, "" where nothing does.
    months
        How many final months stand how, when it looked last.
    """

    def __init__(
        self,
        place: ArchivePlace,
        folder: Folder,
        plant: Plant,
        journal: Journal,
        decide: Callable[[Message], None],
        crash: Callable[[str], None],
    ) -> None:
        self.trouble = ""
        self.months: Counter[str] = Counter({DUE: 0, ARCHIVED: 0, WAITS: 0})
        self._notice = ""
        self._place, self._folder, self._plant = place, folder, plant
        self._journal, self._decide, self._crash = journal, decide, crash

    def run(self, stop: threading.Event) -> None:
        """Archive and prune now and then, until told to stop; first when the line has taken what was decided before it began."""
        stop.wait(FIRST_S)
        while not stop.is_set():
            self.go(stop)
            stop.wait(EVERY_S)

    def go(self, stop: threading.Event) -> None:
        """Archive all that is due, then prune what may go."""
        from store.archive.writing import ArchiveStopped  # noqa: PLC0415 - an extra

        try:
            work = fresh(self._folder.path / WORK)
            self._archive(work, stop)
            self._prune(work)
            self._look()
        except ArchiveStopped:
            return
        except Exception as error:
            known = isinstance(error, (ArchiveAway, OSError))
            self.trouble = f"archive: {error if known else told(error)}"
            log.warning("%s", self.trouble, exc_info=None if known else error)
        else:
            self.trouble = f"archive: {self._notice}" if self._notice else ""

    def _look(self) -> None:
        with snapshot(self._folder.state) as state:
            found = final_months(state, self._plant, time.time_ns())
        self.months = Counter({DUE: 0, ARCHIVED: 0, WAITS: 0, **Counter(one.status for one in found)})

    def _archive(self, work: Path, stop: threading.Event) -> None:
        from store.archive.writing import Underway  # noqa: PLC0415 - an extra

        writer = writer_of(self._place, self._folder, self._plant, work, self._crash, stop.is_set)
        while not stop.is_set():
            made = writer.write_next(time.time_ns(), Underway())
            if made is None:
                return
            self._notice = writer.notice
            self._crash("archive_before_decision")
            self._decide(made.message(time.time_ns()))
            log.info("archived: %s %s", made.park, made.month)
            if not self._is_taken(made.park, made.start, made.through, stop):
                return

    def _is_taken(self, park: str, start: int, through: int, stop: threading.Event) -> bool:
        """Wait until the state says what was decided; return False where that does not come."""
        until = time.monotonic() + TAKEN_S
        while time.monotonic() < until and not stop.wait(LOOK_S):
            with snapshot(self._folder.state) as state:
                if any(
                    (one.park, one.start, one.through) == (park, start, through)
                    for one in archived_months(state)
                ):
                    return True
        return False

    def _prune(self, work: Path) -> None:
        from store.archive.pruning import JournalPruning  # noqa: PLC0415 - an extra

        files = (self._folder.state, self._journal, self._folder.journal)
        pruning = JournalPruning(self._place, *files, work, self._crash)
        if went := pruning.go():
            log.info("pruned: %d messages of the journal, which the archive has", went)


def service_archiver(
    where: str,
    folder: Folder,
    plant: Plant,
    journal: Journal,
    decide: Callable[[Message], None],
    crash: Callable[[str], None],
) -> Archiver | None:
    """Return what archives for a service, None where the setting `archive` names nothing."""
    return Archiver(checked_place(where), folder, plant, journal, decide, crash) if where else None


def writer_of(
    place: ArchivePlace,
    folder: Folder,
    plant: Plant,
    work: Path,
    crash: Callable[[str], None] = lambda _point: None,
    stopped: Callable[[], bool] = lambda: False,
) -> "MonthWriter":
    """Return what writes months of a state directory."""
    from store.archive.writing import MonthWriter  # noqa: PLC0415 - an extra

    return MonthWriter(place, folder.state, folder.journal, plant, work, crash, stopped)


def archive_now(
    place: ArchivePlace,
    folder: Folder,
    plant: Plant,
    tell: Callable[[str], None],
    crash: Callable[[str], None] = lambda _point: None,
) -> int:
    """Archive what is due of a state directory whose service is stopped; return how many months that was.

    What is decided stands in the journal, and a service takes it when it starts.
    """
    from store.archive.writing import Underway  # noqa: PLC0415 - an extra

    writer, underway = writer_of(place, folder, plant, fresh(folder.path / WORK), crash), Underway()
    journal, done = Journal(folder.journal), 0
    try:
        while (made := writer.write_next(time.time_ns(), underway)) is not None:
            crash("archive_before_decision")
            journal.append([made.message(time.time_ns())])
            crash("archive_after_decision")
            underway.months.add((made.park, made.start))
            underway.through = max([underway.through, *(one.end for one in made.messages)])
            done += 1
            tell(f"{made.park} {made.month}")
    finally:
        journal.close()
    return done


def standing(folder: Path, plant: Plant) -> list[ArchiveMonth]:
    """Return how the final months of a state directory stand.

    Raises
    ------
    store.faults.FileFault
        The state cannot be read.
    StateMismatch
        It is of another version.
    """
    path = folder / "state.db"
    with told_of(path, REMEDY), snapshot(path) as state:
        version = int(state.execute("PRAGMA user_version").fetchone()[0])
        if version != SCHEMA_VERSION:
            raise StateMismatch(f"{path} {of_another_schema(version)}")
        return final_months(state, plant, time.time_ns())


def checked_place(where: str) -> ArchivePlace:
    """Return the place that the setting `archive` names; raise ConfigurationError where nobody here can write an archive."""
    try:
        import pyarrow.parquet  # noqa: F401, PLC0415 - an extra

        return place_of(where)
    except ImportError:
        raise ConfigurationError([Problem("settings", 0, "archive", EXTRA)]) from None
    except ArchiveAway as away:
        raise ConfigurationError([Problem("settings", 0, "archive", str(away))]) from away


def fresh(folder: Path) -> Path:
    """Return a folder with nothing in it."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(mode=0o700, parents=True)
    return folder
