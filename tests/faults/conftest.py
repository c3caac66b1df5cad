"""How hard the fault cases try, and the bench that they stand on."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.faults.bench import Bench, Report

KILLS = 20


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add `--kills N`: how often F-001 kills the service; other counts grow with it."""
    parser.addoption("--kills", type=int, default=KILLS, help="how often F-001 kills the service (20)")


@pytest.fixture
def kills(request: pytest.FixtureRequest) -> int:
    """Return how often to kill; the option is unknown where pytest learned of this folder late."""
    return int(request.config.getoption("--kills", KILLS))


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    """Give a bench with an InfluxDB, the service not started."""
    with Bench(tmp_path, influx=True) as one:
        yield one


@pytest.fixture
def small_bench(tmp_path: Path) -> Iterator[Bench]:
    """Give a bench without an InfluxDB, the service not started."""
    with Bench(tmp_path) as one:
        yield one


@pytest.fixture
def report(record_property: Callable[[str, object], None]) -> Report:
    """Give what prints a case's figure as one JSON line (`pytest -rP` shows it), and puts it into a JUnit report."""

    def tell(case: str, **figures: object) -> None:
        record_property(case, json.dumps(figures))
        print(json.dumps({"case": case, **figures}))

    return tell
