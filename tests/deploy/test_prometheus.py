"""deploy/prometheus: Prometheus' own tool reads it, its alerts fire for their faults, and /metrics is what it likes."""

import shutil
import subprocess
from pathlib import Path

import pytest

from tests.frame.repository import ROOT, yaml
from tests.servers import required

FOLDER = ROOT / "deploy" / "prometheus"
CASES = ROOT / "tests" / "deploy" / "rules_cases.yml"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Give the files where a token is."""
    copy = Path(shutil.copytree(FOLDER, tmp_path / "prometheus"))
    (copy / "token").write_text("secret")
    scrape = copy / "prometheus.yml"
    scrape.write_text(scrape.read_text().replace("/run/secrets/stackmeter-token", str(copy / "token")))
    return copy


def promtool(*arguments: object, told: str = "") -> str:
    """Run it; return what it says, which is an error where it found anything."""
    command = [required("promtool"), *map(str, arguments)]
    done = subprocess.run(command, input=told, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


def test_promtool_finds_nothing_in_scrape_file_and_rules(folder: Path) -> None:
    found = promtool("check", "config", "--lint-fatal", folder / "prometheus.yml")

    assert f"{len(rules())} rules found" in found


def test_each_alert_fires_for_its_fault_and_none_while_all_is_well(folder: Path) -> None:
    shutil.copy(CASES, folder)

    promtool("test", "rules", folder / CASES.name)

    assert all(f'alertname="{rule["alert"]}"' in CASES.read_text() for rule in rules())


def rules() -> list[dict[str, str]]:
    (group,) = yaml("deploy/prometheus/stackmeter.rules.yml")["groups"]
    return group["rules"]
