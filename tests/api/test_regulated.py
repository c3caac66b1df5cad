"""GET /v1/regulated: what it refuses, and hours as they stand in the state."""

import sqlite3
from collections.abc import Iterator
from dataclasses import replace
from math import nan
from pathlib import Path

import pytest

from plant.park import Input, Regulation
from plant.vocabulary import NS_PER_HOUR
from rules.american.regulation import Status
from rules.american.substitution import Rule
from store.accounting.regulated_hours import HourInputs, RoleHour, packed
from tests.api.conftest import Api
from tests.api.state import MIDNIGHT, State, plant

MRR = Regulation("mrr", (), -1, 0.0, nan, 0)


@pytest.fixture
def state(tmp_path: Path) -> Iterator[State]:
    """The plant of the other tests, its second source under the MRR."""
    whole = plant()
    inputs = (Input("co2", 1, 1.0),)
    sources = tuple(
        replace(one, regulation=MRR, inputs=inputs) if one.index == 1 else one for one in whole.sources
    )
    built = State(tmp_path / "state.db", replace(whole, sources=sources))
    yield built
    built.close()


def put(api: Api, status: list[Status], co2e: list[float | None], rule: list[Rule]) -> None:
    """Store hours from midnight on."""
    one = api.state.plant.sources[1]
    connection = sqlite3.connect(api.state.path)
    name = (one.park, one.facility, one.name)
    connection.execute("INSERT OR IGNORE INTO source (park, facility, name) VALUES (?, ?, ?)", name)
    [(number,)] = connection.execute(
        "SELECT id FROM source WHERE park = ? AND facility = ? AND name = ?", name
    )
    for place, (kind, tonnes, made) in enumerate(zip(status, co2e, rule, strict=True)):
        value = nan if made is not Rule.MEASURED else 10.0
        [inputs] = packed([HourInputs(1.0, nan, {"co2": RoleHour(value, 0.5, value, int(made))})])
        row = (number, MIDNIGHT + place * NS_PER_HOUR, 1, int(kind), tonnes, None, inputs)
        connection.execute("INSERT INTO regulated_hour VALUES (?, ?, ?, ?, ?, ?, ?)", row)
    connection.commit()
    connection.close()


def name_of(api: Api) -> str:
    return api.state.plant.sources[1].name


def test_only_sources_under_a_regulation_are_told(api: Api) -> None:
    assert [one["source"] for one in api.get("/v1/regulated")["sources"]] == [name_of(api)]


def test_every_hour_is_of_one_kind(api: Api) -> None:
    kinds = list(Status)
    put(api, kinds, [1.0, 2.0, None, None, 0.0], [Rule.MEASURED, Rule.MRR_EQUATION_4, Rule.OPEN, Rule.NOTHING, Rule.NOT_OPERATING])  # fmt: skip

    [one] = api.get("/v1/regulated", source=name_of(api), period="2026-11-24")["sources"]

    assert one["hours"] == 5
    assert [one[kind.name.lower()] for kind in kinds] == [1] * 5
    assert one["inputs"]["co2"]["availability"] == 25.0  # of the four hours in which the unit ran
    assert (one["co2e_t"], one["live_co2e_t"], one["difference_t"]) == (3.0, None, None)


def test_the_rows_have_null_where_nothing_is_known(api: Api) -> None:
    put(api, [Status.PENDING], [None], [Rule.OPEN])

    [one] = api.get("/v1/regulated", source=name_of(api), period="2026-11", hours="true")["sources"]

    assert one["rows"] == [
        {
            "hour": "2026-11-23T17:00:00Z", "status": "pending", "operating_h": 1.0, "co2e_t": None, "live_co2e_t": None,
            "reported_short_tons_per_h": None, "inputs": {"co2": {"measured": None, "share": 0.5, "counted": None, "rule": "open"}}, "revision": 1,
        }
    ]  # fmt: skip


def test_more_rows_than_a_year_has_are_refused(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("api.accounting.regulated.MOST_ROWS", 1)
    put(api, [Status.PENDING] * 2, [None] * 2, [Rule.OPEN] * 2)

    assert "hours" in api.refused("/v1/regulated", period="2026-11", hours="true")
    assert api.get("/v1/regulated", period="2026-11")["sources"][0]["hours"] == 2


def test_what_is_not_there_is_a_problem(api: Api) -> None:
    assert "source" in api.refused("/v1/regulated", source="nobody")
    other = api.state.plant.sources[0]
    assert api.refused("/v1/regulated", source=other.name, park=other.park) == {
        "source": "stands under no regulation"
    }
    assert "period" in api.refused("/v1/regulated", period="soon")
    assert "hour" in api.refused("/v1/regulated", hour="true")
