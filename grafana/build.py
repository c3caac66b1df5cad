#!/usr/bin/env python3
"""Builds the Grafana dashboards of this folder: classic JSON, which file provisioning takes in every version.

Run as a script it writes `dashboards/*.json`; the same code always writes the same bytes.
"""

import json
from collections.abc import Iterable, Sequence
from itertools import count
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parent / "dashboards"
DATASOURCE = {"type": "influxdb", "uid": "stackmeter-influxdb"}  # as provisioning/datasources says
ZONE = "Asia/Ho_Chi_Minh"  # of the example's parks: a day on the dashboard is a day of theirs
WIDTH = 24  # of Grafana's grid

TONNES, TONNES_PER_HOUR = "suffix: tCO2e", "suffix: tCO2e/h"

# A window with coverage 0 is unknown: it holds zeros because InfluxDB cannot hold nothing (docs/vocabulary.md).
KNOWN = '"coverage" > 0'
CHOSEN = '"park" =~ /^$park$/ AND "facility" =~ /^$facility$/'

Json = dict[str, Any]


def select(expression: str, measurement: str, *where: str, by: Sequence[str] = (), every: str = "") -> str:
    """Return InfluxQL for one field over the dashboard's time range, by tags and, with `every`, by time."""
    conditions = " AND ".join(("$timeFilter", CHOSEN, *where))
    groups = ", ".join(([f"time({every})"] if every else []) + [f'"{tag}"' for tag in by])
    fill = " fill(none)" if every else ""
    return f'SELECT {expression} FROM "{measurement}" WHERE {conditions} GROUP BY {groups}{fill}'


def target(query: str, alias: str) -> Json:
    """Return what a panel asks the data source; `alias` names the series, $tag_… from its tags."""
    return {
        "refId": "A",
        "datasource": DATASOURCE,
        "rawQuery": True,
        "query": query,
        "resultFormat": "time_series",
        "alias": alias,
    }


def panel(kind: str, title: str, description: str, unit: str, asked: Json, *, size: tuple[int, int]) -> Json:
    """Return a panel of `size` (width, height); `lay_out` gives it its place and number."""
    return {
        "type": kind,
        "title": title,
        "description": description,
        "datasource": DATASOURCE,
        "targets": [asked],
        "gridPos": {"w": size[0], "h": size[1]},
        "fieldConfig": {"defaults": {"unit": unit, "custom": {}}, "overrides": []},
        "options": {},
    }


def number(title: str, description: str, unit: str, asked: Json, *, size: tuple[int, int]) -> Json:
    """Return a panel of large numbers, one for each series."""
    made = panel("stat", title, description, unit, asked, size=size)
    made["fieldConfig"]["defaults"] |= {"decimals": 3, "noValue": "unknown"}
    made["options"] = {
        "reduceOptions": {"calcs": ["lastNotNull"], "fields": "", "values": False},
        "colorMode": "value",
        "graphMode": "none",
        "textMode": "value_and_name",
    }
    return made


def graph(
    title: str, description: str, unit: str, asked: Json, *, size: tuple[int, int], stacked: bool = False
) -> Json:
    """Return a graph over time: stacked bars for amounts that add up, lines for everything else.

    A gap in the data stays a gap on the graph.
    """
    made = panel("timeseries", title, description, unit, asked, size=size)
    made["fieldConfig"]["defaults"]["custom"] = {
        "drawStyle": "bars" if stacked else "line",
        "fillOpacity": 80 if stacked else 0,
        "lineWidth": 1,
        "spanNulls": False,
        "stacking": {"mode": "normal" if stacked else "none", "group": "A"},
    }
    made["options"] = {
        "legend": {
            "displayMode": "table",
            "placement": "right",
            "calcs": ["sum" if stacked else "lastNotNull"],
        },
        "tooltip": {"mode": "multi", "sort": "desc"},
    }
    return made


def hourly_emissions() -> Json:
    query = select('sum("co2e_t")', "emission", KNOWN, by=("park", "facility"), every="1h")
    return graph(
        "Emissions per hour by facility",
        "tCO2e of all sources of a facility in each clock hour, under the configured GWP set. The running hour "
        "grows until it is over; an hour of which nothing is known has no bar.",
        TONNES_PER_HOUR,
        target(query, "$tag_park / $tag_facility"),
        size=(16, 9),
        stacked=True,
    )


def tonnes_today() -> Json:
    query = select('sum("co2e_t")', "emission", KNOWN, by=("park", "facility"))
    made = number(
        "Today",
        f"tCO2e since midnight ({ZONE}) by facility, the open window included. What is missing is not in it: see "
        "the coverage.",
        TONNES,
        target(query, "$tag_park / $tag_facility"),
        size=(8, 9),
    )
    return made | {"timeFrom": "now/d"}


def coverage() -> Json:
    query = select('mean("coverage")', "emission", by=("park", "facility"), every="$__interval")
    made = graph(
        "Coverage by facility",
        "Share of the time of a facility's sources that was measured, interpolated or substituted; their plain "
        "mean. Below 1, the tonnes of that time are too few.",
        "percentunit",
        target(query, "$tag_park / $tag_facility"),
        size=(12, 8),
    )
    made["fieldConfig"]["defaults"] |= {"min": 0, "max": 1}
    return made


def carbon_dioxide_by_source() -> Json:
    query = select('sum("co2_kg")', "emission", KNOWN, by=("park", "facility", "source"), every="1h")
    return graph(
        "Fossil CO2 per hour by source",
        "Kilograms of fossil CO2 of each source in each clock hour. Biogenic CO2, CH4 and N2O are fields of their "
        "own; a factor that is given as CO2e only has no kilograms of CO2.",
        "masskg",
        target(query, "$tag_park / $tag_facility / $tag_source"),
        size=(12, 8),
        stacked=True,
    )


def activity() -> Json:
    by = ("park", "facility", "source", "method")
    query = select('sum("activity")', "emission", KNOWN, by=by, every="1h")
    return graph(
        "Activity per hour by source",
        "What each source used in each clock hour, in the unit of the source's activity (kWh of electricity, "
        "Nm3 or kg of fuel or stack gas). Sources of different methods have different units.",
        "short",
        target(query, "$tag_park / $tag_facility / $tag_source ($tag_method)"),
        size=(12, 8),
    )


def readings() -> Json:
    by = ("park", "facility", "channel")
    query = select('mean("value")', "reading", '"quantity" =~ /^$quantity$/', by=by, every="$__interval")
    return graph(
        "Readings: $quantity",
        "Mean of the readings of each channel of the chosen quantity, in the channel's unit, whatever their "
        "quality says. Nothing is computed from it.",
        "short",
        target(query, "$tag_park / $tag_facility / $tag_channel"),
        size=(12, 8),
    )


def variable(name: str, label: str, query: str, *, several: bool) -> Json:
    """Return a choice at the top of the dashboard, filled by a query."""
    every = {"includeAll": True, "allValue": ".*", "current": {"text": ["All"], "value": ["$__all"]}}
    return {
        "type": "query",
        "name": name,
        "label": label,
        "datasource": DATASOURCE,
        "query": query,
        "definition": query,
        "refresh": 2,  # whenever the time range changes
        "sort": 1,
        "multi": several,
    } | (every if several else {"includeAll": False, "current": {}})


def lay_out(panels: Iterable[Json]) -> list[Json]:
    """Give each panel its id and place: left to right, in a new row wherever it has no room."""
    x = y = height = 0
    placed = []
    for identity, made in zip(count(1), panels, strict=False):
        size = made["gridPos"]
        if x + size["w"] > WIDTH:
            x, y, height = 0, y + height, 0
        placed.append({"id": identity} | made | {"gridPos": size | {"x": x, "y": y}})
        x, height = x + size["w"], max(height, size["h"])
    return placed


def emissions() -> Json:
    """Return the starter dashboard."""
    return {
        "uid": "stackmeter-emissions",
        "title": "Stackmeter: emissions",
        "description": "tCO2e of the parks as they happen, and how much of it is known.",
        "tags": ["stackmeter"],
        "schemaVersion": 42,
        "version": 1,
        "editable": False,
        "timezone": ZONE,
        "time": {"from": "now-24h", "to": "now"},
        "refresh": "30s",
        "annotations": {"list": []},
        "links": [],
        "templating": {
            "list": [
                variable("park", "Park", 'SHOW TAG VALUES FROM "emission" WITH KEY = "park"', several=True),
                variable(
                    "facility",
                    "Facility",
                    'SHOW TAG VALUES FROM "emission" WITH KEY = "facility" WHERE "park" =~ /^$park$/',
                    several=True,
                ),
                variable(
                    "quantity",
                    "Quantity",
                    'SHOW TAG VALUES FROM "reading" WITH KEY = "quantity"',
                    several=False,
                ),
            ]
        },
        "panels": lay_out(
            (
                hourly_emissions(),
                tonnes_today(),
                coverage(),
                carbon_dioxide_by_source(),
                activity(),
                readings(),
            )
        ),
    }


def render() -> dict[Path, str]:
    """Return the text of every dashboard file."""
    return {FOLDER / "emissions.json": json.dumps(emissions(), indent=2) + "\n"}


def main() -> None:
    """Write every dashboard file."""
    for path, text in render().items():
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
