"""The limit that is shown of an alert is the one that was passed, wherever it is shown."""

import io
import json
from datetime import UTC

import pytest
from rich.console import Console

from alerts.tables.views import find_alerts
from api.alerts.acknowledge_page import Around, Said, alert_page
from api.models import AlertsBody
from plant.languages import duration_text, number_text, passed_text
from plant.places import Places
from stackmeter.views.alert_view import alerts
from tests.alerts.clockwork import DESK, Clockwork, Started
from tests.semantics.world import MINUTE, SECOND

ACID = """
alerts:
  - {name: acid, expr: value < 5.5 or value > 9.0, match: {channel: t0}, severity: critical, summary: "{channel} {value} of {limit} {unit}"}
  - {name: mixed, expr: 'value > 1200 or absent("5min") or age > 200', match: {channel: t1}, severity: warning, summary: "{value} of {limit} {unit}"}
"""
LIMIT = """
alerts:
  - {name: low, facility: works, channel: t0, below: 1500.5, severity: warning, summary: "{value} is below {limit}"}
"""


def of(plant: Clockwork, rule: str) -> tuple[object, ...]:
    [row] = plant.rows(
        'SELECT value, comparison, "limit", unit, summary FROM alert WHERE rule = ? ORDER BY started_at DESC LIMIT 1',
        rule,
    )
    return row


def test_solid_b8_1_the_limit_that_was_passed_is_told_everywhere(started: Started) -> None:
    plant = started("09:00", ACID + DESK)
    plant.at("09:00", t0=9.9)
    assert of(plant, "acid") == (9.9, ">", 9.0, "°C", "t0 9.9 of 9 °C")

    [(*_, body)] = [row for row in plant.bodies() if "acid" in json.dumps(row[3])]
    told = body["data"]
    assert (told["value"], told["comparison"], told["limit"]) == (9.9, ">", 9.0)
    passed = {"vi": "trên ngưỡng 9,0 °C", "en": "above 9.0 °C"}
    assert told["texts"]["passed"] == passed
    answer = plant.get("/v1/alerts")
    [one] = [one for one in answer["alerts"] if one["rule"] == "acid"]
    assert (one["value"], one["comparison"], one["limit"], one["texts"]["passed"]) == (9.9, ">", 9.0, passed)
    assert any(
        "rule=acid" in line and "limit=9.0" in line for (line,) in plant.rows("SELECT line FROM influx_alert")
    )
    with plant.reader.snapshot() as state:
        [view] = find_alerts(state.connection, rule="acid").alerts
    assert "9,9 °C, trên ngưỡng 9,0 °C" in alert_page(Places(), view, "vi", Said.NOTHING, plant.now, Around())
    console = Console(file=io.StringIO(), width=160)
    console.print(alerts(AlertsBody.model_validate(answer), UTC))
    assert "9.9 °C (above 9.0)" in console.file.getvalue()  # type: ignore[attr-defined]

    plant.at("09:02", t0=7)
    plant.at("09:03")
    assert of(plant, "acid")[:4] == (7.0, ">", 9.0, "°C")
    plant.at("09:05", t0=4)
    plant.at("09:06")
    assert of(plant, "acid")[:4] == (4.0, "<", 5.5, "°C")


def test_solid_b8_1_what_ends_is_told_by_the_value_that_was_compared(started: Started) -> None:
    """Comparisons of one condition have units of their own; a flag passes no limit."""
    plant = started("09:00", ACID + DESK)
    plant.at("09:00", t1=20)
    plant.at("09:04")
    assert of(plant, "mixed")[:4] == (240.0, ">", 200.0, "s")
    plant.restart()
    plant.at("09:05", t1=30)
    plant.at("09:06")

    assert of(plant, "mixed")[:4] == (60.0, ">", 200.0, "s")


def test_solid_b8_1_a_value_in_another_unit_than_its_alert_is_unknown(started: Started) -> None:
    plant = started("09:00", ACID + DESK)
    plant.at("09:00", t1=20)
    plant.at("09:04")
    plant.configure(ACID.replace("age > 200", "value > 900").replace(' or absent("5min")', "") + DESK)
    plant.at("09:05", t1=30)
    plant.at("09:06")

    assert of(plant, "mixed")[:4] == (None, ">", 200.0, "s")


def test_solid_b8_1_a_limit_says_what_it_is_above_or_below(started: Started) -> None:
    plant = started("09:00", LIMIT + DESK)
    plant.at("09:01", t0=1234.5)

    assert of(plant, "low") == (1234.5, "<", 1500.5, "°C", "1,234.5 is below 1,500.5")
    texts = plant.bodies()[0][3]["data"]["texts"]
    assert texts["summary"] == {"vi": "1.234,5 is below 1.500,5", "en": "1,234.5 is below 1,500.5"}
    assert texts["passed"] == {"vi": "dưới ngưỡng 1.500,5 °C", "en": "below 1,500.5 °C"}


BILINGUAL = """
alerts:
  - name: low
    facility: works
    channel: t0
    below: 1500.5
    severity: warning
    summary: {vi: "{channel} quá thấp: {value} {unit}", en: "{channel} is too low: {value} {unit}"}
    description: {en: "At {facility}."}
    first_action: {vi: Kiểm tra lò., en: Look at the furnace.}
    runbook: https://example.com/furnace
"""


def test_solid_c_a_limit_says_what_to_do_first_in_both_languages_as_a_condition_does(
    started: Started,
) -> None:
    plant = started("09:00", BILINGUAL + DESK)
    plant.at("09:01", t0=1234.5)

    texts = plant.bodies()[0][3]["data"]["texts"]
    assert texts["summary"] == {"vi": "t0 quá thấp: 1.234,5 °C", "en": "t0 is too low: 1,234.5 °C"}
    assert texts["description"] == {"vi": "At works.", "en": "At works."}
    assert texts["first_action"] == {"vi": "Kiểm tra lò.", "en": "Look at the furnace."}
    assert texts["runbook"] == "https://example.com/furnace"


@pytest.mark.parametrize(
    ("value", "vi", "en"),
    [
        (0, "0", "0"), (-0.5, "-0,5", "-0.5"), (9.9, "9,9", "9.9"), (1234.5, "1.234,5", "1,234.5"), (12_345_678.9, "12.345.679", "12,345,679"),
        (400, "400", "400"), (1e-7, "1e-07", "1e-07"), (1.5e-7, "1,5e-07", "1.5e-07"), (1.7e308, "1,7e+308", "1.7e+308"), (0.000123456789, "0,000123457", "0.000123457"),
        (999_999.96, "1.000.000", "1,000,000"), (1 / 3, "0,333333", "0.333333"),
    ],
)  # fmt: skip
def test_solid_c_numbers_are_written_as_their_language_writes_them(value: float, vi: str, en: str) -> None:
    assert (number_text(value, "vi"), number_text(value, "en")) == (vi, en)


def test_solid_c_a_limit_is_written_like_the_value_that_passed_it() -> None:
    assert passed_text(9.9, ">", 9.0, "pH", "en") == "above 9.0 pH"
    assert passed_text(10, ">=", 9.0, "pH", "en") == "at or above 9 pH"
    assert passed_text(None, "", 9.25, "", "vi") == "ngưỡng 9,25"
    assert passed_text(520.123, "<", 600, "°C", "vi") == "dưới ngưỡng 600,0 °C"


@pytest.mark.parametrize(
    ("length", "vi", "en"),
    [
        (0, "0 giây", "0 s"), (59 * SECOND, "59 giây", "59 s"), (MINUTE, "1 phút", "1 min"),
        (130 * MINUTE, "2 giờ 10 phút", "2 h 10 min"), (120 * MINUTE + 59 * SECOND, "2 giờ", "2 h"),
        (26 * 60 * MINUTE, "1 ngày 2 giờ", "1 d 2 h"), (24 * 60 * MINUTE + MINUTE, "1 ngày 1 phút", "1 d 1 min"), (-SECOND, "0 giây", "0 s"),
    ],
)  # fmt: skip
def test_solid_c_lengths_of_time_are_said_as_people_say_them(length: int, vi: str, en: str) -> None:
    assert (duration_text(length, "vi"), duration_text(length, "en")) == (vi, en)
