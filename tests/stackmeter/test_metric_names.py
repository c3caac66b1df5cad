"""What pages, dashboards and rules call a metric is what /metrics calls it, and docs/operating.md says of each one when to look."""

import re
from pathlib import Path

import pytest

from tests.faults.bench import Bench
from tests.frame.repository import ROOT

FOLDERS = ("docs", "grafana", "deploy")
PAGE = ROOT / "docs" / "operating.md"
NAME = re.compile(r"\bstackmeter_[a-z0-9_]+\b")
NO_METRICS = {"stackmeter_links"}  # a zone of nginx


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> set[str]:
    """Give the names that a service with all that it may have tells, as a scraper keeps them."""
    with Bench(tmp_path_factory.mktemp("metrics"), influx=True) as bench:
        bench.service.start()
        text = bench.service.get("/metrics").text
    return set(re.findall(r"^# TYPE (\S+) ", text, re.MULTILINE))


def files() -> list[Path]:
    found = [ROOT / "README.md", ROOT / "CHANGELOG.md"]
    for folder in FOLDERS:
        found += [
            path
            for path in (ROOT / folder).rglob("*")
            if path.suffix in {".md", ".py", ".json", ".yaml", ".yml", ".conf"}
        ]
    return found


def test_solid_docs_every_metric_that_is_named_is_one_of_metrics(told: set[str]) -> None:
    named = {
        (str(path.relative_to(ROOT)), name) for path in files() for name in NAME.findall(path.read_text())
    }
    wrong = {one for one in named if one[1] not in told | NO_METRICS}

    assert len(told) > 20
    assert wrong == set()


def test_solid_docs_every_metric_is_on_the_page_that_says_when_to_look(told: set[str]) -> None:
    assert told - set(NAME.findall(PAGE.read_text())) == set()
