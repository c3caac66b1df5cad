"""What pages, dashboards and rules call a metric is what /metrics calls it, and docs/operating.md says of each one when to look."""

import re
import subprocess
from pathlib import Path

import pytest

from stackmeter.front.standing import ShardStanding
from tests.faults.bench import Bench
from tests.faults.truth import trial
from tests.frame.repository import ROOT
from tests.servers import required

FOLDERS = ("docs", "grafana", "deploy")
PAGE = ROOT / "docs" / "operating.md"
NAME = re.compile(r"\bstackmeter_[a-z0-9_]+\b")
# A zone of nginx; a name of before, which CHANGELOG.md says.
NO_METRICS = {"stackmeter_links", "stackmeter_influx_waiting_hours"}
OF_A_FRONT = set(ShardStanding(()).metrics())


@pytest.fixture(scope="module")
def exposition(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Give /metrics of a service with all that it may have."""
    with Bench(tmp_path_factory.mktemp("metrics"), influx=True) as bench:
        bench.service.start()
        bench.field.send(trial(40, seed=73).messages)
        bench.service.drain(40)
        return bench.service.get("/metrics").text


@pytest.fixture(scope="module")
def told(exposition: str) -> set[str]:
    """Give the names of the service's own metrics, as a scraper keeps them."""
    return set(re.findall(r"^# TYPE (stackmeter_\S+) ", exposition, re.MULTILINE))


def test_solid_docs_promtool_finds_nothing_in_metrics(exposition: str) -> None:
    checked = subprocess.run(
        [required("promtool"), "check", "metrics"],
        input=exposition,
        capture_output=True,
        text=True,
        check=False,
    )

    assert (checked.returncode, checked.stdout + checked.stderr) == (0, "")
    assert "process_resident_memory_bytes" in exposition


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
        (str(path.relative_to(ROOT)), name.removesuffix("_bucket"))
        for path in files()
        for name in NAME.findall(path.read_text())
    }
    wrong = {one for one in named if one[1] not in told | OF_A_FRONT | NO_METRICS}

    assert len(told) > 20
    assert wrong == set()


def test_solid_docs_every_metric_is_on_the_page_that_says_when_to_look(told: set[str]) -> None:
    assert told - set(NAME.findall(PAGE.read_text())) == set()


def test_metrics_tell_how_gateways_do_and_how_long_steps_and_answers_took(exposition: str) -> None:
    """Of what nobody knows nothing is told: a gateway without a status is not down."""
    told = {
        name: float(value) for name, value in re.findall(r"^(\w+(?:{.*?})?) (\S+)$", exposition, re.MULTILINE)
    }
    silent = {
        name.partition("{")[2] for name in told if name.startswith("stackmeter_gateway_silence_seconds{")
    }
    aged = {
        name.partition("{")[2] for name in told if name.startswith("stackmeter_gateway_reading_age_seconds{")
    }

    assert silent == aged != set()
    assert told["stackmeter_line_step_seconds_count"] > 0
    assert told['stackmeter_api_answer_seconds_bucket{le="+Inf"}'] > 0
