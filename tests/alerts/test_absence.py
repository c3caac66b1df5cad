"""Which conditions are true only where readings are missing."""

import pytest

from alerts.judging.absence import lacks_readings
from plant.alert_rules.condition_terms import checked
from plant.alert_rules.conditions import Subject, parse
from plant.alert_rules.terms import Fact
from plant.park import Bilingual, Condition
from plant.units import unit
from plant.vocabulary import Kind

PARAMETERS = {"share": 0.8, "dated": (("2026-01-01", 3.0),)}


def condition(text: str) -> Condition:
    facts = [Fact("", unit("%"), Kind.LEVEL), Fact("a", unit("%"), Kind.LEVEL)]
    term = checked(parse(text, Subject.CHANNEL, PARAMETERS), facts)
    return Condition(
        "x", "channel", (), text, term.steps, (), "", (), 0, 0, 0, 0, "info", (), Bilingual(), Bilingual(), Bilingual(), ""
    )  # fmt: skip


@pytest.mark.parametrize(
    "text",
    [
        "absent('5min')",
        "age > 300",
        "300 < age",
        "age >= quantity(5, 'min') and channel('a') > 2",
        "count(value, '1h') < 48",
        "count(value, '1h') * quantity(60, 's') < parameter('share') * quantity(1, 'h')",
        "parameter('dated') > count(value, '1h')",
        "not (count(value, '1h') >= 48)",
        "not (age < 300 or value > 2)",
        "absent('5min') or age > 200",
        "absent('5min') and channel('a') > 9",
    ],
)
def test_solid_b8_3_it_is_of_absence(text: str) -> None:
    assert lacks_readings(condition(text))


@pytest.mark.parametrize(
    "text",
    [
        "value > 9",
        "value > 9 and not absent('5min')",
        "absent('5min') or value > 9",
        "not absent('5min')",
        "age < 60",
        "count(value, '1h') > 100",
        "avg(value, '15min') < 2 and age < 60",
        "spread(value, '1h') == 0",
        "hour_mean(value) > 850 or elapsed('1h') > 0.5",
        "age > 300 or spread(value, '1h') < 1",
        "clip(value, 0, 1) * 2 > 1",
        "count(value, '1h') - count(channel('a'), '1h') < 3",
    ],
)
def test_solid_b8_3_it_may_be_true_though_every_reading_came(text: str) -> None:
    assert not lacks_readings(condition(text))
