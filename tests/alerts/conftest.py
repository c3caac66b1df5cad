"""A service whose clock a test moves, for tests of alerts."""

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.alerts.clockwork import MIDNIGHT, Clockwork, Started, write
from tests.semantics.conftest import MEMORY
from tests.semantics.world import HOUR, MINUTE


@pytest.fixture
def started() -> Iterator[Started]:
    """Give a function that starts a service at a time of day, under a configuration."""
    made: list[Clockwork] = []
    with tempfile.TemporaryDirectory(dir=MEMORY) as name:

        def start(at: str, written: str) -> Clockwork:
            hour, minute = at.split(":")
            write(Path(name) / "config", written)
            now = MIDNIGHT + int(hour) * HOUR + int(minute) * MINUTE
            made.append(Clockwork(Path(name), Path(name) / "config", now))
            return made[0]

        yield start
        for one in made:
            one.close()
