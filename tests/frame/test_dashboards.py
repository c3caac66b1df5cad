"""The Grafana dashboards: as the code builds them, complete, and with queries that find data."""

import json
import re
import time
from collections.abc import Iterator
from itertools import combinations
from typing import Any

import httpx
import pytest

from grafana import build
from tests.frame.repository import ROOT, yaml
from tests.servers import InfluxDB

FILES = sorted((ROOT / "grafana" / "dashboards").glob("*.json"))
PANELS = [
    pytest.param(panel, id=f"{file.stem}: {panel['title']}")
    for file in FILES
    for panel in json.loads(file.read_text())["panels"]
]
VARIABLES = [
    pytest.param(variable, id=f"{file.stem}: {variable['name']}")
    for file in FILES
    for variable in json.loads(file.read_text())["templating"]["list"]
]
DATASOURCES = {
    source["uid"] for source in yaml("grafana/provisioning/datasources/influxdb.yaml")["datasources"]
}


def test_rebuilding_changes_no_file() -> None:
    """Nobody edited a dashboard by hand, and nobody forgot scripts/dashboards."""
    assert build.render() == {file: file.read_text() for file in FILES}


@pytest.mark.parametrize("panel", PANELS)
@pytest.mark.parametrize("key", ["title", "description"])
def test_a_panel_says_what_it_shows(panel: dict[str, Any], key: str) -> None:
    assert panel[key].strip()


@pytest.mark.parametrize("panel", PANELS)
def test_a_panel_has_a_unit(panel: dict[str, Any]) -> None:
    assert panel["fieldConfig"]["defaults"]["unit"].strip()


@pytest.mark.parametrize("panel", PANELS)
def test_a_panel_asks_a_data_source_that_is_provisioned(panel: dict[str, Any]) -> None:
    asked = {panel["datasource"]["uid"], *(target["datasource"]["uid"] for target in panel["targets"])}

    assert asked <= DATASOURCES


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_panels_do_not_overlap(file: Any) -> None:
    for one, other in combinations((p["gridPos"] for p in json.loads(file.read_text())["panels"]), 2):
        apart_x = one["x"] + one["w"] <= other["x"] or other["x"] + other["w"] <= one["x"]
        apart_y = one["y"] + one["h"] <= other["y"] or other["y"] + other["h"] <= one["y"]
        assert apart_x or apart_y, f"{one} and {other}"


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_a_dashboard_is_classic_json_with_an_identity_of_its_own(file: Any) -> None:
    """File provisioning refuses the newer format, and a link to a dashboard needs a uid that stays."""
    dashboard = json.loads(file.read_text())

    assert (dashboard["schemaVersion"], dashboard["uid"].startswith("stackmeter-")) == (42, True)


@pytest.fixture(scope="module")
def filled() -> Iterator[InfluxDB]:
    """An InfluxDB with two windows of one source, one of them unknown, and one reading."""
    known, unknown = (int(time.time()) // 60 * 60 - ago for ago in (60, 120))
    source = "emission,facility=mill,method=electricity-location,park=nam-cau-kien,scope=2,source=grid"
    amounts = "co2e_t=0.5,co2_kg=500.0,co2_biogenic_kg=0.0,ch4_kg=0.0,n2o_kg=0.0,activity=759.0"
    nothing = "co2e_t=0.0,co2_kg=0.0,co2_biogenic_kg=0.0,ch4_kg=0.0,n2o_kg=0.0,activity=0.0"
    lines = (
        f"{source} {amounts},coverage=1.0,substituted=0.0,revision=1.0 {known}",
        f"{source} {nothing},coverage=0.0,substituted=0.0,revision=2.0 {unknown}",
        f"reading,channel=mdb1/active_energy,facility=mill,park=nam-cau-kien,quantity=energy value=1.0,quality=0.0 {known}",
    )
    with InfluxDB() as server:
        answer = httpx.post(
            f"{server.url}/api/v2/write",
            params={"org": server.org, "bucket": server.bucket, "precision": "s"},
            content="\n".join(lines),
        )
        answer.raise_for_status()
        yield server


def as_grafana_asks(query: str) -> str:
    """Put in what Grafana puts in for its variables: everything chosen, the last day."""
    query = query.replace("$timeFilter", "time >= now() - 24h").replace("$__interval", "1m")
    return re.sub(r"\$(park|facility|quantity)", ".*", query)


@pytest.mark.parametrize("panel", PANELS)
def test_a_panels_queries_find_the_emissions_and_readings(filled: InfluxDB, panel: dict[str, Any]) -> None:
    for target in panel["targets"]:
        assert filled.query(as_grafana_asks(target["query"])), target["query"]


@pytest.mark.parametrize("panel", PANELS)
def test_a_panel_names_its_series_by_tags_that_it_groups_by(panel: dict[str, Any]) -> None:
    for target in panel["targets"]:
        grouped = set(re.findall(r'"(\w+)"', target["query"].rpartition("GROUP BY")[2]))
        assert set(re.findall(r"\$tag_(\w+)", target["alias"])) <= grouped


@pytest.mark.parametrize("variable", VARIABLES)
def test_a_variable_finds_its_values(filled: InfluxDB, variable: dict[str, Any]) -> None:
    assert filled.query(as_grafana_asks(variable["query"])), variable["query"]


def test_an_unknown_window_is_no_zero_on_the_graph(filled: InfluxDB) -> None:
    """Its point holds zeros, because InfluxDB cannot hold nothing."""
    query = build.select('sum("co2e_t")', "emission", build.KNOWN, by=("source",), every="1m")

    (series,) = filled.query(as_grafana_asks(query))

    assert [row[1] for row in series["values"]] == [0.5]
