"""What the dashboards ask, asked of a real InfluxDB and of the running service, after hours of simulated readings."""

import csv
import io
import json
import re
import time
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import httpx
import pytest

from grafana.boards import health
from grafana.frame import ZONE
from grafana.sources import KNOWN
from store.influx.sink import InfluxSink
from tests.grafana.built import (
    INFINITY,
    RULES,
    Json,
    annotations,
    api_targets,
    influx_targets,
    prometheus_targets,
    variables,
)
from tests.grafana.conftest import Day
from tests.servers import PATIENCE, wait_until
from tests.service import TOKEN

LABELS = {"park", "facility"}  # that every alert has
# Where hours may pass without any: the description has to have the columns all the same.
MAY_BE_EMPTY = {
    "/v1/regulated", "/v1/silences", "/v1/alerts", "/v1/quarantine", "/v1/month-end", "/v1/reports", "/v1/retroactive",
    "/v1/webhooks", "/v1/webhooks/dead", "/v1/webhooks/deliveries",
}  # fmt: skip
NOW = datetime.now(ZoneInfo(ZONE))
# What is chosen at the top of a dashboard.
CHOSEN = {
    "park": "nam-cau-kien",
    "facility": "mill",
    "source": "reheating-furnace",
    "channel": "stack/co2",
    "gateway": "nam-cau-kien/mill/cems",
    "rule": "stack-is-warm",
    "month": f"{NOW:%Y-%m}",
    # In the formats of moment.js, on a browser's clock.
    **{
        f"__{end}:date:{wanted}": given
        for end, time in (("from", NOW - timedelta(hours=12)), ("to", NOW + timedelta(hours=1)))
        for wanted, given in (("YYYY-MM-DDTHH", f"{time:%Y-%m-%dT%H}"), ("mm", f"{time:%M}"), ("Z", "+07:00"))
    },
}
# Where the mill has none of it.
WATER = {"facility": "wastewater"}
ELSEWHERE = {"solar": {"facility": "plastics"}, "wastewater": WATER, "acidity": WATER}


def as_grafana_asks(text: str, chosen: dict[str, str] = CHOSEN) -> str:
    """Put in what Grafana puts in for its variables: the choice, the last day."""
    text = text.replace("$timeFilter", "time >= now() - 24h").replace("$__interval", "1m")
    # Several values are a regular expression, each escaped.
    text = re.sub(
        r"/\^\$(\w+)\$/", lambda found: f"/^({chosen[found[1]].replace('/', chr(92) + '/')}|-)$/", text
    )
    return re.sub(r"\$(\w+)|\$\{(.*?)\}", lambda found: chosen[found[1] or found[2]], text)


def chosen_for(query: str) -> dict[str, str]:
    return next((CHOSEN | other for word, other in ELSEWHERE.items() if word in query), CHOSEN)


@pytest.mark.parametrize("target", influx_targets())
def test_influxdb_has_what_a_panel_asks(day: Day, target: Json) -> None:
    found = day.influx.query(as_grafana_asks(target["query"], chosen_for(target["query"])))

    assert found or '"quality" > 1' in target["query"], target[
        "query"
    ]  # the simulated meters send no bad readings
    grouped = set(re.findall(r'"(\w+)"', target["query"].rpartition("GROUP BY")[2]))
    assert set(re.findall(r"\$tag_(\w+)", target["alias"])) <= grouped


def test_a_panel_with_a_field_that_nobody_writes_is_found_out(day: Day) -> None:
    query = next(p.values[0]["query"] for p in influx_targets() if '"co2_kg"' in p.values[0]["query"])

    assert day.influx.query(as_grafana_asks(query))
    assert not day.influx.query(as_grafana_asks(query.replace("co2_kg", "co2_lb")))


@pytest.mark.parametrize("variable", variables("influxdb"))
def test_a_variable_finds_its_values(day: Day, variable: Json) -> None:
    assert day.influx.query(as_grafana_asks(variable["query"])), variable["query"]


@pytest.mark.parametrize("annotation", annotations("influxdb"))
def test_an_annotation_finds_its_marks_with_text_and_tags(day: Day, annotation: Json) -> None:
    target = annotation["target"]

    (series,) = day.influx.query(as_grafana_asks(target["query"]))

    assert {"time", target["textColumn"], target["tagsColumn"]} <= set(series["columns"])


@pytest.mark.parametrize("target", prometheus_targets())
def test_prometheus_has_what_a_panel_asks(day: Day, target: Json) -> None:
    # The example has no receivers.
    expression = (
        re.sub(
            r"stackmeter_webhooks_(delivered|failed)_total", "stackmeter_part_failures_total", target["expr"]
        )
        .replace("$__rate_interval", "1m")
        .replace("by (endpoint)", "by (part)")
    )
    wait_until(lambda: bool(day.prometheus.query(expression)), f"nothing is known of {expression}")

    for series in day.prometheus.query(expression):
        assert set(re.findall(r"{{(\w+)}}", target["legendFormat"])) - {"endpoint"} <= set(series["metric"])


def test_an_unknown_window_is_no_zero_on_a_graph(day: Day) -> None:
    """Its point holds zeros, because InfluxDB cannot hold nothing."""
    key = "emission,facility=mill,method=m,park=nam-cau-kien,scope=1,source=forgotten"
    sink = InfluxSink(day.influx.url, day.influx.token, day.influx.org, day.influx.bucket)
    assert not sink.write(f"{key} co2e_t=0.0,coverage=0.0 {time.time_ns()}\n".encode())
    sink.close()
    query = next(
        p.values[0]["query"]
        for p in influx_targets()
        if 'sum("co2e_t")' in p.values[0]["query"] and '"source" =~' in p.values[0]["query"]
    )
    asked = as_grafana_asks(query, CHOSEN | {"source": "forgotten"})

    assert not day.influx.query(asked)
    assert day.influx.query(asked.replace(KNOWN, '"coverage" >= 0'))


def answer(day: Day, target: Json, chosen: dict[str, str]) -> Any:
    parameters = {
        one["key"]: as_grafana_asks(one["value"], chosen) for one in target["url_options"]["params"]
    }
    told = as_the_plugin_asks(day, target, parameters)
    assert told.status_code == 200, f"{target['url']} {parameters}: {told.text}"
    return told


# pkg/infinity/headers.go of the plugin: what it would like is not always what it can read.
ACCEPTED = {"json": "application/json;q=0.9,text/plain", "csv": "text/csv; charset=utf-8"}


def as_the_plugin_asks(day: Day, target: Json, parameters: dict[str, str]) -> httpx.Response:
    headers = {
        "Authorization": f"Bearer {TOKEN}",
        "Accept": ACCEPTED[target["type"]],
        "Accept-Encoding": "gzip",
    }
    url = f"http://127.0.0.1:{day.service.port}{target['url']}"
    return httpx.get(url, params=parameters, headers=headers, timeout=PATIENCE, trust_env=False)


def rows_of(body: Any, root: str) -> list[Any]:
    """Return the rows at a path; a number in it is a place in a list."""
    for step in filter(None, root.split(".")):
        body = body[int(step)] if step.isdigit() else body[step]
    return body if isinstance(body, list) else [body]


def found_at(row: Any, path: str) -> bool:
    """Tell whether a row has what a path leads to; null has no inside, and ends it."""
    for step in path.split("."):
        if row is None or (step == "#" and isinstance(row, list)):
            return True
        if not isinstance(row, dict) or step not in row:
            return False
        row = row[step]
    return True


def described(schema: Json, components: Json, path: str) -> bool:
    """Tell whether the API's own description has what a path leads to."""
    for step in path.split("."):
        schema = resolved(schema, components)
        if step == "#":
            return schema.get("type") == "array"
        if schema.get("type") == "array":
            schema = resolved(schema["items"], components)
        if step.isdigit():
            continue
        if step not in schema.get("properties", {}):
            return schema.get("additionalProperties") == {"type": "string"} and step in LABELS
        schema = schema["properties"][step]
    return True


def resolved(schema: Json, components: Json) -> Json:
    if "$ref" in schema:
        return resolved(components[schema["$ref"].rpartition("/")[2]], components)
    some = [one for one in schema.get("anyOf", []) if one.get("type") != "null"]
    return resolved(some[0], components) if some else schema


def json_targets() -> list[Any]:
    return [target for target in api_targets() if target.values[0]["type"] == "json"]


@pytest.mark.parametrize("target", json_targets())
def test_the_api_has_what_a_panel_asks(day: Day, target: Json) -> None:
    chosen = CHOSEN | ({"source": "grid-1"} if "scope2" in json.dumps(target["columns"]) else {})
    body = answer(day, target, chosen).json()
    openapi = day.service.get("/openapi.json").json()
    schema = openapi["paths"][target["url"]]["get"]["responses"]["200"]["content"]["application/json"][
        "schema"
    ]

    rows = rows_of(body, target["root_selector"])
    assert rows or target["url"] in MAY_BE_EMPTY, target["url"]

    for column in target["columns"]:
        path = ".".join(filter(None, (target["root_selector"], column["selector"])))
        assert described(schema, openapi["components"]["schemas"], path), path
        assert all(found_at(row, column["selector"]) for row in rows), column["selector"]
    for column, values in re.findall(r"(\w+) IN \((.*?)\)", target["filterExpression"]):
        asked = re.sub(r"\$\{(\w+):singlequote\}", lambda found: f"'{chosen[found[1]]}'", values)
        assert {row[column] for row in rows} & set(re.findall(r"'([^',]+)'", asked)), target[
            "filterExpression"
        ]


def test_a_column_that_the_api_does_not_have_is_found_out(day: Day) -> None:
    openapi = day.service.get("/openapi.json").json()
    schema = openapi["paths"]["/v1/totals"]["get"]["responses"]["200"]["content"]["application/json"][
        "schema"
    ]

    assert described(schema, openapi["components"]["schemas"], "totals.shares.missing")
    assert not described(schema, openapi["components"]["schemas"], "totals.shares.invented")


@pytest.mark.parametrize("annotation", annotations(INFINITY))
def test_an_annotation_of_the_api_finds_its_marks(day: Day, annotation: Json) -> None:
    target, mappings = annotation["target"], annotation["mappings"]
    rows = rows_of(answer(day, target, CHOSEN).json(), target["root_selector"])
    kept = re.fullmatch(r'(\w+) != "readings"', target["filterExpression"])
    columns = {column["selector"] for column in target["columns"]}

    assert kept
    assert {kept[1], *(one["value"] for one in mappings.values())} <= columns
    assert rows
    assert all(column in row for row in rows for column in columns)


@pytest.mark.parametrize("variable", variables(INFINITY))
def test_a_variable_of_the_api_finds_its_values(day: Day, variable: Json) -> None:
    target = variable["query"]["infinityQuery"]
    rows = answer(day, target, CHOSEN).json()[target["root_selector"]]

    assert CHOSEN[variable["name"]] in {row[target["columns"][0]["selector"]] for row in rows}


def metrics(day: Day, target: Json) -> dict[str, str]:
    """Read /metrics as the plugin is told to: a table whose comments begin with #."""
    options = target["csv_options"]
    told = answer(day, target, CHOSEN).text
    lines = [line for line in told.splitlines() if not line.startswith(options["comment"])]
    table = csv.reader(io.StringIO("\n".join([options["columns"], *lines])), delimiter=options["delimiter"])
    header, *rows = table
    assert header == ["metric", "value"]
    return {row[0]: row[1] for row in rows}


def test_the_service_has_the_metrics_that_are_shown(day: Day) -> None:
    target = next(t.values[0] for t in api_targets() if t.values[0]["type"] == "csv")
    found = metrics(day, target)

    assert {*health.STATE, *health.WAITING, *health.TROUBLE} <= set(found)
    assert float(found["stackmeter_ready"]) == 1


@pytest.mark.parametrize(
    "model",
    [
        pytest.param(query["model"], id=f"{rule['uid']}-{query['refId']}")
        for rule in RULES
        for query in rule["data"]
        if query["datasourceUid"] != "__expr__"
    ],
)
def test_an_alert_rule_of_grafana_finds_what_it_judges(day: Day, model: Json) -> None:
    if model["datasource"]["type"] == "influxdb":
        found = day.influx.query(as_grafana_asks(model["query"]))
        assert all(row[1] is not None for series in found for row in series["values"])
        assert found
    else:
        name = re.fullmatch(r'metric == "(\w+)"', model["filterExpression"])
        assert name
        assert name[1] in metrics(day, model)
