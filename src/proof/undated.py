"""What a configuration would alter without a date, before the service is started with it."""

import sqlite3
from pathlib import Path

from ingest.known.undated import undated
from plant.park import Plant
from rules.catalogue import Register
from rules.remembering import known
from store import terms
from store.audit import snapshot
from store.sqlite import StateMismatch


def undated_in(folder: Path, plant: Plant, catalogue: Register) -> list[str]:
    """Return, for people, what the published windows of a state directory keep and the configuration has otherwise.

    Raises
    ------
    StateMismatch
        There is no state, or it cannot be read.
    """
    try:
        with snapshot(folder / "state.db") as state:
            return undated(plant, catalogue, known(plant, catalogue, terms.read(state)), state)
    except sqlite3.Error as error:
        raise StateMismatch(f"{folder} holds no state that can be read: {error}") from error
