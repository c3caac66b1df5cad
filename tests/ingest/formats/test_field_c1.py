"""Field, C1: numbers and times of formats and devices that were read as what they are not."""

from pathlib import Path

import pytest

from plant.units import DimensionError, per_second_integral, unit
from plant.vocabulary import Code
from stackmeter.field.device_cases import run_case
from tests.ingest.formats.test_formats import decoded, readings

CASES = Path(__file__).parents[2] / "cases"


@pytest.mark.parametrize(
    "case",
    [
        "formats/senml-json/sum-and-base-value",
        "formats/line-protocol/beyond-int64",
        "profiles/the-things-stack-v3/simulated",
        "profiles/milesight-ws523/simulated",
    ],
)
def test_field_c1_what_was_read_as_something_else_is_read_as_what_it_is(case):
    assert run_case(CASES / case, None).differences == ()


@pytest.mark.parametrize(
    ("rate", "integral"),
    [("W", "J"), ("kW", "kJ"), ("m3/s", "m3"), ("kg/s", "kg"), ("Nm3/s", "Nm3"), ("kWh/h", "kJ")],
)
def test_field_c1_a_rate_times_seconds_has_a_unit_of_the_table(rate, integral):
    assert per_second_integral(unit(rate)).symbol == integral


@pytest.mark.parametrize("symbol", ["kWh", "°C", "m3/h", "var"])
def test_field_c1_what_has_no_unit_times_seconds_is_told(symbol):
    with pytest.raises(DimensionError, match="times seconds"):
        per_second_integral(unit(symbol))


def test_field_c1_a_sum_without_a_unit_of_its_own_takes_that_of_the_options():
    """By name it is a rate and the sum its integral; in the channel's own unit it is what was agreed."""
    pack = b'[{"n":"p","t":1700000000,"s":5}]'
    _, raw, _ = decoded("senml-json", pack, {"units": {"p": "W"}})
    assert [row[2:4] for row in readings(raw)] == [(5.0, "J")]
    _, raw, _ = decoded("senml-json", pack, {"units": "channel"})
    assert [row[2:4] for row in readings(raw)] == [(5.0, None)]


def test_field_c1_one_field_of_a_line_that_is_no_number_costs_no_other():
    _, raw, refusals = decoded("line-protocol", b'm a=1,s="on",b=2 1700000000000000000', {"units": "channel"})
    assert raw.channel == ["m/a", "m/b"]
    assert [one.code for one in refusals] == [Code.TYPE]
