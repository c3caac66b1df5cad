"""The committed dashboards and what stands in them, one by one, as parameters for tests."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from grafana.build import FOLDER
from tests.frame.repository import yaml

Json = dict[str, Any]

FILES = sorted(FOLDER.glob("*/*.json"))
DASHBOARDS: dict[str, Json] = {file.stem: json.loads(file.read_text()) for file in FILES}
SOURCES: dict[str, Json] = {
    one["uid"]: one for one in yaml("grafana/provisioning/datasources/stackmeter.yaml")["datasources"]
}
RULES: list[Json] = [
    rule
    for group in yaml("grafana/provisioning/alerting/stackmeter.yaml")["groups"]
    for rule in group["rules"]
]


def panels(dashboard: Json) -> list[Json]:
    """Return what asks and shows; rows only part it."""
    return [panel for panel in dashboard["panels"] if panel["type"] != "row"]


def _panels() -> Iterator[Any]:
    for name, dashboard in DASHBOARDS.items():
        for panel in panels(dashboard):
            yield pytest.param(panel, id=f"{name}-{panel['id']}")


def _targets(kind: str, *, translated: bool) -> Iterator[Any]:
    """Yield what is asked of a kind of data source; with `translated` in every language, else once."""
    for name, dashboard in DASHBOARDS.items():
        if name.endswith("-vi") and not translated:
            continue
        for panel in panels(dashboard):
            for target in panel["targets"]:
                if target["datasource"]["type"] == kind:
                    yield pytest.param(target, id=f"{name}-{panel['id']}-{target['refId']}")


each_dashboard = pytest.mark.parametrize("dashboard", DASHBOARDS.values(), ids=DASHBOARDS)
each_panel = pytest.mark.parametrize("panel", list(_panels()))
INFINITY = "yesoreyeram-infinity-datasource"


def influx_targets() -> list[Any]:
    return list(_targets("influxdb", translated=False))


def prometheus_targets() -> list[Any]:
    return list(_targets("prometheus", translated=False))


def api_targets() -> list[Any]:
    return list(_targets(INFINITY, translated=False))


def variables(kind: str) -> list[Any]:
    """Return the variables that a kind of data source fills."""
    return [
        pytest.param(variable, id=f"{name}-{variable['name']}")
        for name, dashboard in DASHBOARDS.items()
        if not name.endswith("-vi")
        for variable in dashboard["templating"]["list"]
        if variable["datasource"]["type"] == kind
    ]


def annotations(kind: str) -> list[Any]:
    """Return the annotations that a kind of data source fills."""
    return [
        pytest.param(one, id=f"{name}-{one['target']['refId']}")
        for name, dashboard in DASHBOARDS.items()
        if not name.endswith("-vi")
        for one in dashboard["annotations"]["list"]
        if one["datasource"]["type"] == kind
    ]
