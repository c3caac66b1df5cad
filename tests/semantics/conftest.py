"""A fresh service for every test."""

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.semantics.world import World

MEMORY = "/dev/shm" if Path("/dev/shm").is_dir() else None  # commits that no test cuts need no disk


@pytest.fixture
def world() -> Iterator[World]:
    with tempfile.TemporaryDirectory(dir=MEMORY) as folder:
        made = World(Path(folder))
        yield made
        made.close()
