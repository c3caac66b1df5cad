"""Section 5: the shapes and edges of what the outside sees, with the service's real state behind it."""

import json
import sqlite3
import stat
import threading
from contextlib import nullcontext
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from api.health import Health
from stackmeter.health import HealthReport
from stackmeter.threads import Threads
from store import blocks
from store.folder import Folder
from store.influx.lines import emission_lines
from tests.semantics.world import GRID, HOUR, MINUTE, NOON, SITE, TOKEN, World, ns, reading, rfc3339

TOTAL = {
    "park", "facility", "source", "scope", "method", "co2e_t", "co2_kg", "co2_biogenic_kg", "ch4_kg", "n2o_kg", "activity",
    "activity_unit", "now_t_per_h", "now_at", "now_unknown", "coverage", "known_from", "unheard", "shares", "worst_source", "complete_until",
    "stale", "revision",
}  # fmt: skip
OUTCOMES = {"received", "accepted", "late", "duplicate", "quarantined", "rejected"}
DAY = {"from_": "2026-03-10T00:00:00+07:00", "to": "2026-03-11T00:00:00+07:00"}


@pytest.fixture
def busy(world: World) -> World:
    """A service with five minutes of each kind of channel."""
    minutes = [NOON + m * MINUTE for m in range(6)]
    world.now = minutes[-1]
    world.send(
        *[reading("reg", t, 10 + k) for k, t in enumerate(minutes)],
        *[reading("power", t, 60, "kW") for t in minutes],
        *[reading("flow", t, 6_000, "Nm3/h") for t in minutes],
        *[reading("co2", t, 10, "%") for t in minutes],
        reading("quarter", minutes[-1], 15),
        reading("diesel", minutes[1], 10, "L"),
        boot="b",
        seq=1,
    )
    world.send(*[reading("gas", t, 60, "Nm3/h") for t in minutes], gateway="gw2", boot="b", seq=1)
    return world


# --- totals ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("by", ["none", "scope", "method"])
@pytest.mark.parametrize("level", ["all", "park", "facility", "source"])
def test_a_total_has_every_field_at_every_level(busy: World, level: str, by: str) -> None:
    body = busy.get("/v1/totals", level=level, by=by)

    assert set(body) == {"as_of", "period", "gwp", "totals"}
    assert set(body["period"]) == {"from", "to"}
    for total in body["totals"]:
        assert set(total) == TOTAL
        assert [total["park"] is None, total["facility"] is None, total["source"] is None] == {
            "all": [True, True, True],
            "park": [False, True, True],
            "facility": [False, False, True],
            "source": [False, False, False],
        }[level]
        assert (total["scope"] is None) == (level != "source" and by == "none")
        assert (total["method"] is None) == (level != "source" and by != "method")
        assert set(total["shares"] or {"measured", "interpolated", "substituted", "missing"}) == {
            "measured",
            "interpolated",
            "substituted",
            "missing",
        }


@pytest.mark.parametrize("by", ["none", "scope", "method"])
def test_the_parts_of_a_total_add_to_it(busy: World, by: str) -> None:
    [whole] = busy.get("/v1/totals", level="all")["totals"]
    parts = busy.get("/v1/totals", level="all", by=by)["totals"]

    assert sum(part["co2e_t"] or 0 for part in parts) == pytest.approx(whole["co2e_t"], rel=1e-12)
    assert len(parts) == {"none": 1, "scope": 2, "method": 4}[by]


def test_filters_narrow(busy: World) -> None:
    [one] = busy.get("/v1/totals", level="source", park="park-a", facility="works", source="power")["totals"]

    assert one["co2e_t"] == pytest.approx(5 * GRID, rel=1e-12)


def test_the_default_is_today_by_facility_without_split(busy: World) -> None:
    body = busy.get("/v1/totals")

    assert body["as_of"] == "2026-03-10T05:05:00Z"
    assert body["period"] == {"from": "2026-03-09T17:00:00Z", "to": "2026-03-10T17:00:00Z"}
    assert [(t["facility"], t["scope"], t["method"]) for t in body["totals"]] == [("works", None, None)]


@pytest.mark.parametrize(
    ("period", "start", "end"),
    [
        ("2026", "2025-12-31T17:00:00Z", "2026-12-31T17:00:00Z"),
        ("2026-03", "2026-02-28T17:00:00Z", "2026-03-31T17:00:00Z"),
        ("2026-03-10", "2026-03-09T17:00:00Z", "2026-03-10T17:00:00Z"),
        ("today", "2026-03-09T17:00:00Z", "2026-03-10T17:00:00Z"),
        ("month", "2026-02-28T17:00:00Z", "2026-03-31T17:00:00Z"),
        ("year", "2025-12-31T17:00:00Z", "2026-12-31T17:00:00Z"),
    ],
)
def test_every_period_of_now_has_the_same_tonnes(busy: World, period: str, start: str, end: str) -> None:
    body = busy.get("/v1/totals", period=period)

    assert body["period"] == {"from": start, "to": end}
    assert body["totals"][0]["co2e_t"] == busy.get("/v1/totals")["totals"][0]["co2e_t"]


def test_today_moves_on_at_midnight_of_the_park(busy: World) -> None:
    busy.now = ns("2026-03-10T23:59:59+07:00")
    assert busy.get("/v1/totals")["period"]["from"] == "2026-03-09T17:00:00Z"
    busy.now += 10**9
    assert busy.get("/v1/totals")["period"]["from"] == "2026-03-10T17:00:00Z"
    assert busy.get("/v1/totals")["totals"][0]["co2e_t"] is None


@pytest.mark.parametrize(
    "wrong",
    [
        {"from_": "2026-03-10T05:00:01Z", "to": "2026-03-10T05:05:00Z"},
        {"from_": "2026-03-10T05:00:00Z", "to": "2026-03-10T05:05:00.000000001Z"},
        {"from_": "2026-03-10T05:00:00Z"},
        {"from_": "2026-03-10T05:00:00", "to": "2026-03-10T05:05:00Z"},
        {"period": "2026-3"},
        {"period": "2026-02-30"},
        {"level": "gateway"},
        {"by": "source"},
        {"park": "nowhere"},
        {"unknown": "1"},
    ],
)
def test_what_cannot_be_answered_is_422(busy: World, wrong: dict[str, str]) -> None:
    assert busy.ask("/v1/totals", **wrong).status_code == 422


def test_from_and_to_may_be_of_any_zone(busy: World) -> None:
    [one] = busy.get(
        "/v1/totals", level="source", source="power", from_="2026-03-10T12:01:00+07:00", to="2026-03-10T05:03:00Z"
    )["totals"]  # fmt: skip

    assert (one["activity"], one["coverage"]) == (pytest.approx(2), 1.0)


def test_revision_counts_the_changes_of_a_window(busy: World) -> None:
    assert busy.total("power")["revision"] == 1
    busy.send(reading("power", NOON, 120, "kW"))

    assert busy.total("power")["revision"] == 2


# --- series ------------------------------------------------------------------------------------------------------

KINDS = [
    *({"kind": kind, "channel": c} for kind in ("reading", "activity") for c in ("reg", "power", "co2", "quarter", "diesel")),
    {"kind": "emission", "source": "flue"},
    {"kind": "emission", "facility": "works"},
    {"kind": "emission", "park": "park-a"},
    {"kind": "emission", "source": "power", "field": "activity"},
    {"kind": "activity", "source": "power"},
]  # fmt: skip


@pytest.mark.parametrize("every", ["1m", "15m", "1h", "1d", "1mo"])
@pytest.mark.parametrize("query", KINDS, ids=lambda q: "-".join(q.values()))
def test_a_series_is_equally_long_lists(busy: World, query: dict[str, str], every: str) -> None:
    body = busy.get("/v1/series", every=every, **query, **DAY)

    of_sources = {"known_from", "unheard"} if query["kind"] == "emission" or "source" in query else set()
    assert set(body) == {"unit", "times", "values", "coverage"} | of_sources
    expected = {"1m": 1440, "15m": 96, "1h": 24, "1d": 1, "1mo": 1}[every]
    assert [len(body[name]) for name in ("times", "values", "coverage")] == [expected] * 3
    assert body["times"][0] == ("2026-02-28T17:00:00Z" if every == "1mo" else "2026-03-09T17:00:00Z")
    assert any(value is not None for value in body["values"])


@pytest.mark.parametrize("every", ["1m", "15m", "1h", "1d", "1mo"])
def test_every_step_has_the_same_sum(busy: World, every: str) -> None:
    for field, whole in (("co2e_t", 5 * GRID), ("activity", 5.0)):
        body = busy.get("/v1/series", kind="emission", source="power", field=field, every=every, **DAY)
        assert sum(value or 0 for value in body["values"]) == pytest.approx(whole, rel=1e-12)


@pytest.mark.parametrize(
    ("channel", "unit", "first"),
    [("reg", "kWh", 1), ("power", "kWh", 1), ("co2", "%", 10), ("quarter", "kWh", 1), ("diesel", "L", 0)],
)
def test_activity_is_amounts_of_windows_or_means_of_levels(
    busy: World, channel: str, unit: str, first: float
) -> None:
    body = busy.get("/v1/series", kind="activity", channel=channel, every="1m", **DAY)

    assert (body["unit"], body["values"][12 * 60]) == (unit, pytest.approx(first))


def test_the_activity_of_a_source_may_be_asked_for_either_way(busy: World) -> None:
    one = busy.get("/v1/series", kind="activity", source="power", every="1m", **DAY)
    other = busy.get("/v1/series", kind="emission", field="activity", source="power", every="1m", **DAY)

    assert one == other
    wrong = {"kind": "activity", "source": "power", "every": "1m", **DAY}
    assert busy.ask("/v1/series", channel="power", **wrong).status_code == 422
    assert busy.ask("/v1/series", field="co2_kg", **wrong).status_code == 422


# --- balance -----------------------------------------------------------------------------------------------------


def test_the_balance_has_both_books_codes_and_gateways(busy: World) -> None:
    busy.send(reading("power", busy.now, 1, "furlong"))
    body = busy.get("/v1/balance")

    assert set(body) == {"messages", "readings", "codes", "gateways", "from", "to"}
    assert set(body["messages"]) == set(body["readings"]) == OUTCOMES
    assert body["codes"] == {"unit_unknown": 1}
    assert [one["gateway"] for one in body["gateways"]] == [f"{SITE}/gw", f"{SITE}/gw2"]
    assert all({"messages", "readings"} <= set(one) for one in body["gateways"])
    assert body["messages"]["received"] == 3


def test_the_balance_is_of_arrivals_in_from_to(busy: World) -> None:
    arrived = busy.now // MINUTE * MINUTE
    busy.now += HOUR
    busy.send(reading("power", busy.now, 60, "kW"))

    def received(start: int, end: int, **more: str) -> int:
        body = busy.get("/v1/balance", from_=rfc3339(start), to=rfc3339(end), **more)
        return int(body["messages"]["received"])

    assert received(arrived, arrived + MINUTE) == 2
    assert received(arrived, arrived + MINUTE, gateway=f"{SITE}/gw") == 1
    assert received(arrived - MINUTE, arrived) == 0
    assert received(arrived + HOUR, arrived + 2 * HOUR) == 1


# --- alerts and webhooks -----------------------------------------------------------------------------------------


def test_an_alert_has_the_shape_of_the_contract(world: World) -> None:
    world.send(reading("heat", world.now, 500, "°C"))

    [alert] = world.get("/v1/alerts", status="firing")["alerts"]
    assert set(alert) == {
        "id", "rule", "status", "severity", "started_at", "ended_at", "value", "comparison", "limit", "unit", "labels",
        "summary", "description", "texts", "duration_s", "muted_by", "acknowledged_at", "acknowledged_by", "assigned_to",
        "snoozed_until",
    }  # fmt: skip
    assert (alert["rule"], alert["status"], alert["value"], alert["limit"]) == ("hot", "firing", 500, 400)
    assert world.get("/v1/alerts", status="resolved")["alerts"] == []


def test_a_webhook_s_body_is_the_alert_with_its_texts(world: World) -> None:
    world.now += 5 * MINUTE  # since the limit is configured
    for ago, value in ((1, 500), (0, 300)):
        world.send(reading("heat", world.now - ago * MINUTE, value, "°C"))

    bodies = [json.loads(body) for (body,) in world.rows("SELECT body FROM webhook ORDER BY id")]
    assert [body["type"] for body in bodies] == ["alert.firing", "alert.resolved"]
    [alert] = world.alerts()
    for body in bodies:
        assert set(body) == {"type", "timestamp", "data"}
        assert set(body["data"]) - set(alert) == {"links"}
        assert body["data"]["id"] == alert["id"]
    assert {k: alert[k] for k in bodies[1]["data"] if k != "links"} == {
        k: told for k, told in bodies[1]["data"].items() if k != "links"
    }


# --- InfluxDB ----------------------------------------------------------------------------------------------------


def influx_points(world: World) -> dict[int, dict[str, float]]:
    """Return what InfluxDB would be told of the windows that wait, by their start."""
    names = world.point_names()
    found = {}
    query = "SELECT source, hour, dirty, block FROM influx_emission JOIN emission USING (source, hour)"
    for source, hour, dirty, block in world.rows(query):
        rows = blocks.from_bytes(block)
        places = [place for place in range(len(rows)) if dirty >> place & 1]
        start = np.array([hour + place * MINUTE for place in places])
        text = emission_lines(
            [names.emission_prefix(source)], np.zeros(len(start), np.int64), start, rows[places]
        )
        for line in text.decode().splitlines():
            _, fields, time = line.rsplit(" ", 2)
            found[int(time)] = {k: float(v) for k, v in (pair.split("=") for pair in fields.split(","))}
    return found


def test_a_window_that_becomes_unknown_again_is_written_with_zeros(world: World) -> None:
    world.send(reading("power", NOON, 60, "kW"), reading("power", NOON + MINUTE, 60, "kW"))
    assert influx_points(world)[NOON]["coverage"] == 1.0

    world.send(reading("power", NOON, 60, "kW", quality="bad", correction=1))

    point = influx_points(world)[NOON]
    assert point.pop("revision") == 2
    assert set(point) == {
        "co2e_t",
        "co2_kg",
        "co2_biogenic_kg",
        "ch4_kg",
        "n2o_kg",
        "activity",
        "coverage",
        "substituted",
    }
    assert set(point.values()) == {0.0}


def test_a_window_with_an_event_in_a_hole_is_written_as_known(world: World) -> None:
    """Whoever reads InfluxDB treats coverage 0 as unknown, and would lose the filling."""
    for seq, minute in ((1, 0), (3, 2)):
        world.send(reading("diesel", NOON + minute * MINUTE, 10, "L"), boot="b", seq=seq)

    point = influx_points(world)[NOON]
    assert point["activity"] == 10
    assert 0 < point["coverage"] < 1e-9


# --- token -------------------------------------------------------------------------------------------------------


def test_a_token_is_made_at_the_first_run_and_kept_for_its_owner(tmp_path: Path) -> None:
    folder = Folder(tmp_path / "state")
    made = folder.token(None)
    folder.close()

    again = Folder(tmp_path / "state")
    assert (again.token(None), again.token("given")) == (made, "given")
    again.close()
    file = tmp_path / "state" / "token"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert file.read_text().strip() == made


@pytest.mark.parametrize(
    "path", ["/v1/totals", "/v1/series", "/v1/balance", "/v1/alerts", "/readyz", "/metrics"]
)
def test_without_the_token_nothing_is_told(world: World, path: str, monkeypatch: Any) -> None:
    assert world.ask(path).status_code != 401
    monkeypatch.setattr("tests.semantics.world.TOKEN", TOKEN + "x")

    assert world.ask(path).status_code == 401


# --- readiness ---------------------------------------------------------------------------------------------------


def nothing_aside() -> sqlite3.Connection:
    """Return a state in which every row could be read."""
    connection = sqlite3.connect(":memory:")
    connection.execute('CREATE TABLE set_aside ("table", key, reason, at)')
    return connection


def health(**changes: Any) -> Health:
    """Return what is said of a service that is well, but for the changes."""
    well = {
        "intake": SimpleNamespace(waits=""), "line_waits": str, "threads": Threads(threading.Event(), str),
        "line": lambda: SimpleNamespace(conflicts=set(), troubles=list),
        "subscriber": SimpleNamespace(ready=True, where="", last_error="", notices=list), "sparkplug": None, "webhooks": SimpleNamespace(statistics=list),
        "influx": SimpleNamespace(statistics=SimpleNamespace(last_error="", unread=0)), "audit": SimpleNamespace(trouble=""), "tidying": SimpleNamespace(trouble=""), "archiver": None, "strays": None, "feeds": SimpleNamespace(troubles=list),
        "reader": SimpleNamespace(snapshot=lambda: nullcontext(SimpleNamespace(connection=nothing_aside()))),
    }  # fmt: skip
    parts: Any = SimpleNamespace(**(well | changes))  # what it looks at, and no more
    return HealthReport(parts, list).health()


def test_a_service_that_is_well_is_ready() -> None:
    assert health() == Health()


@pytest.mark.parametrize(
    "changes",
    [
        {"intake": SimpleNamespace(waits="no room")},
        {"line_waits": lambda: "no room"},
        {"subscriber": SimpleNamespace(ready=False, where="", last_error="refused", notices=list)},
        {"sparkplug": SimpleNamespace(ready=False, where="", last_error="refused", notices=list)},
    ],
    ids=["journal not writable", "state not advancing", "broker not connected", "Sparkplug not connected"],
)
def test_ready_means_journal_broker_and_state(changes: dict[str, Any]) -> None:
    assert not health(**changes).ready


def test_influxdb_away_is_a_stated_degradation_and_not_unreadiness() -> None:
    away = SimpleNamespace(statistics=SimpleNamespace(last_error="connection refused", unread=0))
    told = health(influx=away)

    assert told.ready
    assert "connection refused" in told.degradations[0]


# --- what came too late ------------------------------------------------------------------------------------------


def test_a_breach_that_came_too_late_is_told_to_who_asks(world: World) -> None:
    world.send(reading("heat", world.now, 300, "°C"))
    world.send(
        reading("heat", world.now - 5 * MINUTE, 500, "°C"), reading("heat", world.now - 4 * MINUTE, 520, "°C")
    )

    assert world.alerts() == []
    [told] = world.ask("/v1/retroactive").json()["retroactive"]
    labels = {"park": "park-a", "facility": "works", "gateway": "gw", "channel": "heat"}
    assert (told["rule"], told["labels"], told["unit"]) == ("hot", labels, "°C")
    assert (told["count"], told["worst"]) == (2, 520.0)
    assert (told["first"], told["last"]) == tuple(
        rfc3339(world.now - ago * MINUTE).split(".")[0] + "Z" for ago in (5, 4)
    )
