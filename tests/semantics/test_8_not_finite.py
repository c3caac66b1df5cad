"""Not finite is unknown, for its window alone; and no amount below 0 where nothing can be below 0."""

import json
from pathlib import Path
from typing import Any

import pytest

from plant.vocabulary import NS_PER_S
from tests.semantics.world import CONFIGURATION, GRID, HOUR, MINUTE, NOON, World, reading

HUGE = 1.7e308  # finite, and too much for anything that is done with it
ODD = NOON + 30 * NS_PER_S
LITRE = 0.84 / 1000 * 43.0 * (74.1 + 28 * 0.003 + 265 * 0.0006) / 1000  # tonnes, of diesel
PERIODS = ("2026-03-10", "2026-03", "2026")


def at(minute: float) -> int:
    return NOON + round(minute * MINUTE)


def tonnes_and_coverage(world: World, **params: str) -> dict[str, Any]:
    [one] = world.get("/v1/totals", **params)["totals"]
    return {"co2e_t": one["co2e_t"], "activity": one["activity"], "coverage": one["coverage"]}


def spoil(world: World, kind: str, value: float) -> str:
    """Let three windows be known on each side of one of a value; return the source."""
    match kind:
        case "event":
            for minute in (0.5, 1.5, 3.5):
                world.send(reading("diesel", at(minute), 10, "L"))
            world.send(reading("diesel", at(2.5), value, "L"))
            return "diesel"
        case "interval":
            for quarter in (15, 30, 60):
                world.send(reading("quarter", at(quarter), 100, "kWh"))
            world.send(reading("quarter", at(45), value, "kWh"))
            return "quarter"
        case "rate":
            world.send(*(reading("held", at(minute), 60, "kW") for minute in (0, 1, 3, 4)))
            world.send(reading("held", at(2), value, "kW"))
            return "held"
        case _:
            world.send(*(reading("free", at(minute), 100 + minute, "kWh") for minute in (0, 1)))
            world.send(reading("free", at(2), value, "kWh"))
            return "free"


@pytest.mark.parametrize("kind", ["event", "interval", "rate", "register"])
@pytest.mark.parametrize("value", [HUGE, 1e307, 1e200])
def test_solid_b1_a_huge_amount_is_unknown_for_its_window_alone(
    world: World, kind: str, value: float
) -> None:
    source = spoil(world, kind, value)

    windows = world.windows(source, NOON, NOON + HOUR)
    spoilt = {"event": {2}, "interval": set(range(30, 45)), "rate": {2}, "register": {1}}[kind]
    for minute, (amount, coverage) in enumerate(windows):
        if minute in spoilt:
            assert (amount, coverage) == (None, 0.0)
        elif kind in ("event", "interval"):
            assert amount is not None
            assert coverage == (coverage if kind == "interval" and minute < 15 else 1.0)
    known = sum(amount for amount, _ in windows if amount is not None)
    expected = {"event": 30 * LITRE, "interval": 300 * GRID, "rate": 3 * GRID, "register": GRID}[kind]
    assert known == pytest.approx(expected, rel=1e-12)
    for level, names in (("source", {"source": source}), ("facility", {}), ("park", {}), ("all", {})):
        for period in PERIODS:
            total = tonnes_and_coverage(world, level=level, period=period, **names)
            assert total["co2e_t"] == pytest.approx(expected, rel=1e-12), (level, period)
            assert 0 < total["coverage"] < 1


def test_solid_b1_two_windows_that_overflow_together_spoil_nobody(world: World) -> None:
    """Each of them is finite, and so is its mass; their sum is not."""
    for minute in (15, 30):
        world.send(reading("quarter", at(minute), 1.5e308, "kWh"))
    world.send(reading("quarter", at(45), 100, "kWh"))

    for field in ("co2e_t", "co2_kg", "activity"):
        windows = world.windows("quarter", NOON, NOON + HOUR, field)
        assert [amount for amount, _ in windows[:30]] == [None] * 30
        assert all(amount > 0 for amount, _ in windows[30:45])
    for period in PERIODS:
        total = world.total("quarter", period=period)
        assert total["co2e_t"] == pytest.approx(100 * GRID)
        assert total["activity"] == pytest.approx(100)
        assert total["coverage"] < 1


def test_solid_b1_what_is_asked_beside_a_total_stays_finite(world: World) -> None:
    """Uncertainty squares, budgets divide, the previous period is subtracted, Now is a mean: JSON has a number or null."""
    spoil(world, "interval", HUGE)
    world.now = NOON + HOUR + MINUTE

    for level in ("all", "park", "facility", "source"):
        answer = world.ask(
            "/v1/totals", level=level, period="2026-03-10", with_="scope2,uncertainty,factors,budget,previous"
        )
        assert answer.status_code == 200, answer.text
        json.loads(answer.text, parse_constant=lambda word: pytest.fail(f"{word} is no JSON"))


def test_solid_b1_series_of_a_channel_are_unknown_where_it_is(world: World) -> None:
    spoil(world, "event", HUGE)
    spoil(world, "interval", HUGE)

    assert world.activity("diesel", NOON, NOON + 4 * MINUTE) == {
        0: (10.0, 1.0), 1: (10.0, 1.0), 2: (None, 0.0), 3: (10.0, 1.0)
    }  # fmt: skip
    body = world.get(
        "/v1/series", kind="activity", channel="quarter", every="1h",
        from_="2026-03-10T12:00:00+07:00", to="2026-03-10T13:00:00+07:00",
    )  # fmt: skip
    assert body["values"] == [pytest.approx(300)]
    assert body["coverage"] == [pytest.approx(0.75)]


def test_solid_b1_a_later_correction_brings_the_window_back(world: World) -> None:
    spoil(world, "event", HUGE)
    world.send(reading("diesel", at(2.5), 20, "L", correction=1))

    assert world.total("diesel")["co2e_t"] == pytest.approx(50 * LITRE)
    assert world.total("diesel")["coverage"] == pytest.approx(1.0)


CONDITION = """
alerts:
  - name: mean
    match: {facility: works, channel: held}
    expr: avg(value, "1h") > quantity(100, "kW")
    every: 1min
    severity: warning
    summary: The mean is high
webhooks:
  - {name: receiver, url: "http://127.0.0.1:9/alerts", secret_env: SEMANTICS_SECRET, allow_private: true}
"""


def test_solid_b1_a_condition_on_a_sum_that_overflows_is_unknown_and_stops_nothing(tmp_path: Path) -> None:
    """Its mean is beyond what a float holds, so nobody knows whether it is above; once the readings are gone, it is judged again."""
    config = tmp_path / "config"
    config.mkdir()
    text = (CONFIGURATION / "plant.yaml").read_text()
    (config / "plant.yaml").write_text(text[: text.index("alerts:")] + CONDITION)
    (config / "factors.yaml").write_text((CONFIGURATION / "factors.yaml").read_text())
    world = World(tmp_path, config)
    world.tick(world.now)
    last = world.now
    world.send(*(reading("held", last - minute * MINUTE, HUGE, "kW") for minute in (3, 2, 1)))
    for minute in range(1, 5):
        world.tick(last + minute * MINUTE)

    assert world.alerts() == []
    assert world.line.troubles() == []

    world.tick(last + 71 * MINUTE)
    world.send(reading("held", last + 70 * MINUTE, 200, "kW"), reading("held", last + 71 * MINUTE, 200, "kW"))
    for minute in range(72, 75):
        world.tick(last + minute * MINUTE)
    [alert] = world.alerts()
    assert (alert["rule"], alert["status"], alert["value"], alert["limit"]) == ("mean", "firing", 200, 100)
    assert world.rows("SELECT count(*) FROM webhook") == [(1,)]
    world.close()


# --- below nothing -----------------------------------------------------------------------------------------------

PLANT = """\
parks:
  - name: park-a
    title: Park A
    zone: Asia/Ho_Chi_Minh
    facilities:
      - name: works
        title: Works
        gateways: [{name: gw}]
        channels:
          - {name: c, gateway: gw, kind: KIND, unit: UNIT, quantity: QUANTITY, MORE}
          - {name: e, gateway: gw, kind: register, unit: kWh, quantity: electricity, max_rate: 600}
        sources:
          - {name: grid, method: electricity-location, inputs: {energy: e}, factor: vn-grid}
"""


def one_channel(tmp_path: Path, kind: str, unit: str, more: str = "") -> World:
    """Return a service with one channel in question."""
    config = tmp_path / "config"
    config.mkdir()
    period = "period: 15min, " if kind == "interval" else ""
    written = PLANT.replace("KIND", kind).replace("UNIT", f'"{unit}"').replace("QUANTITY", "something")
    (config / "plant.yaml").write_text(written.replace("MORE", period + more))
    return World(tmp_path, config)


NEVER_BELOW = [
    ("event", "L"), ("register", "kWh"), ("interval", "kWh"), ("rate", "kW"), ("rate", "kg/h"), ("rate", "Nm3/h"),
    ("rate", "m3/h"), ("event", "t"), ("event", "Nm3"), ("level", "mg/Nm3"), ("level", "%"), ("level", "ppm"),
    ("level", "K"), ("level", "kPa"), ("level", "bar"), ("register", "1"), ("event", "1"), ("level", "kg/m3"),
    ("level", "mg/L"), ("rate", "GJ/h"), ("level", "GJ/t"),
]  # fmt: skip
MAY_BE_BELOW = [
    ("level", "°C"), ("level", "°F"), ("level", "barg"), ("level", "kPag"), ("level", "1"), ("level", "pH"),
    ("level", "V"), ("level", "A"), ("rate", "kvar"), ("level", "m"),
]  # fmt: skip


@pytest.mark.parametrize(("kind", "unit"), NEVER_BELOW)
def test_solid_b1_what_cannot_be_negative_is_refused_below_zero(tmp_path: Path, kind: str, unit: str) -> None:
    world = one_channel(tmp_path, kind, unit)
    world.send(reading("c", NOON, -90, unit), reading("c", NOON + MINUTE, 0, unit))

    assert world.codes() == {"below_min": 1}
    assert [value for value, _, _ in world.stored("c")] == [0.0]
    [(detail,)] = world.rows("SELECT detail FROM quarantine")
    assert "signed: true" in detail
    world.close()


@pytest.mark.parametrize(("kind", "unit"), MAY_BE_BELOW)
def test_solid_b1_what_can_be_negative_is_taken(tmp_path: Path, kind: str, unit: str) -> None:
    world = one_channel(tmp_path, kind, unit)
    world.send(reading("c", NOON, -5, unit))

    assert world.codes() == {}
    world.close()


@pytest.mark.parametrize(("kind", "unit"), NEVER_BELOW)
def test_solid_b1_signed_channels_may_be_below_zero(tmp_path: Path, kind: str, unit: str) -> None:
    world = one_channel(tmp_path, kind, unit, "signed: true")
    world.send(reading("c", NOON, -90, unit))

    assert world.codes() == {}
    world.close()


@pytest.mark.parametrize(
    ("more", "value", "codes"),
    [
        ("min: -5", -4, {}),
        ("min: -5", -6, {"below_min": 1}),
        ("signed: true, min: -5", -6, {"below_min": 1}),
        ("min: 2", 1, {"below_min": 1}),
        ("max: 2", 3, {"range": 1}),
        ("max: 2", -1, {"below_min": 1}),
        ("signed: false", -1, {"below_min": 1}),
    ],
)
def test_solid_b1_a_min_that_is_written_holds(
    tmp_path: Path, more: str, value: float, codes: dict[str, int]
) -> None:
    world = one_channel(tmp_path, "rate", "kW", more)
    world.send(reading("c", NOON, value, "kW"))

    assert world.codes() == codes
    world.close()


def test_solid_b1_ninety_litres_less_of_diesel_are_no_tonnes(world: World) -> None:
    world.send(reading("diesel", ODD, -90, "L"))

    assert world.codes() == {"below_min": 1}
    assert world.total("diesel")["co2e_t"] is None
    assert CONFIGURATION.is_dir()
