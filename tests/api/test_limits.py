"""Limits of stacks: in force and beside, the value against each, and the hours outside."""

import csv
import io
from dataclasses import replace
from math import nan

import pytest

from plant.commitments import Standard, StandardRow
from plant.units import unit
from plant.vocabulary import FOREVER, NS_PER_HOUR, NS_PER_MIN, Kind
from tests.api.conftest import Api
from tests.api.state import MIDNIGHT, TOKEN, State, channel, ns, plant
from tests.api.test_inventory import MILL, seen_by

STACK, OXYGEN, FLOW = 5, 6, 7
JULY, YEAR_END = ns("2025-07-01T00:00:00+07:00"), ns("2026-12-31T00:00:00+07:00")
PLACE = ("hai-phong", "mill")
DAY = {"from_": "2026-11-24T00:00:00+07:00", "to": "2026-11-25T00:00:00+07:00"}


def row(limit: str, high: float, **changes) -> StandardRow:
    given = {
        "limit": limit, "row": f"{limit}/2025", "standard": "QCVN", "parameter": "NOx", "category": "", "low": nan,
        "high": high, "reference_oxygen": nan, "start": JULY, "end": FOREVER, "status": "provisional", "mark": "M",
        "source": "s", "evidence": "",
    }  # fmt: skip
    return StandardRow(**(given | changes))


STANDARDS = (
    Standard(
        *PLACE, "nox", STACK, "hour", oxygen=OXYGEN, running=FLOW, running_above=2000.0,
        rows=(
            row("old", 200.0),
            row("new", 250.0, reference_oxygen=7.0),
            row("next", 100.0, start=YEAR_END),
        ),
    ),
    Standard(*PLACE, "nox-day", STACK, "day", rows=(row("day", 150.0),)),
)  # fmt: skip


@pytest.fixture
def judged(tmp_path):
    """The stack of the mill, with its oxygen and flow."""
    base = plant()
    more = (
        channel(OXYGEN, *PLACE, "oxygen", Kind.LEVEL, unit=unit("%")),
        channel(FLOW, *PLACE, "flow", Kind.RATE, unit=unit("Nm3/h")),
    )
    made = replace(base, channels=(*base.channels, *more), standards=STANDARDS)
    api = Api(State(tmp_path / "state.db", made))
    yield api
    api.reader.close()
    api.state.close()


def hours(api, *nox, oxygen=7.0, flow=5000.0, first=MIDNIGHT):
    """Let the stack be at so much in each hour, level within it; None is an hour without readings."""
    for place, value in enumerate(nox):
        start = first + place * NS_PER_HOUR
        for at in (start, start + NS_PER_HOUR - NS_PER_MIN):
            if value is not None:
                api.state.reading(STACK, at, value)
                api.state.reading(OXYGEN, at, oxygen)
                api.state.reading(FLOW, at, flow)


def told(api, name="nox", **asked):
    [found] = api.get("/v1/limits", name=name, **(DAY | asked))["standards"]
    return {one["limit"]: one for one in found["limits"]}, found


def test_both_limits_of_a_transition_are_judged_and_one_is_in_force(judged):
    hours(judged, 190, 190, 260, 190, 190, 190, 190, 190, 190, 190)

    limits, found = told(judged)

    assert {name: one["standing"] for name, one in limits.items()} == {
        "old": "in_force", "new": "beside", "next": "to_come",
    }  # fmt: skip
    assert (limits["old"]["due"], limits["old"]["known"], limits["old"]["outside"]) == (10, 10, 1)
    assert (limits["old"]["coverage"], limits["old"]["high"]) == (1.0, 200.0)
    assert limits["new"]["outside"] == 1
    assert (limits["next"]["due"], limits["next"]["outside"], limits["next"]["coverage"]) == (0, None, None)
    assert (found["averaging"], found["unit"], found["channel"]) == ("hour", "mg/Nm3", "stack")


def test_r61b_a_value_is_brought_to_the_oxygen_of_the_limit(judged):
    """129 mg/Nm3 at 18.7 % oxygen are 815 at 7 %: outside a limit of 250, and within one that refers to none."""
    hours(judged, *[129.0] * 10, oxygen=18.7)

    limits, _ = told(judged)

    assert limits["new"]["value"] == pytest.approx(815.0454545, abs=1e-6)
    assert limits["new"]["share"] == pytest.approx(815.0454545 / 250, abs=1e-6)
    assert limits["new"]["outside"] == 10
    assert (limits["old"]["value"], limits["old"]["outside"]) == (pytest.approx(129.0), 0)
    assert limits["old"]["value_at"] == "2026-11-24T02:00:00Z"


def test_at_standstill_nothing_is_corrected(judged):
    hours(judged, *[129.0] * 10, oxygen=19.5)

    limits, _ = told(judged)

    assert (limits["new"]["value"], limits["new"]["outside"], limits["new"]["coverage"]) == (None, None, 0.0)
    assert limits["old"]["known"] == 10


def test_what_is_unknown_is_neither_kept_nor_broken(judged):
    hours(judged, *[190.0] * 4)

    limits, _ = told(judged)

    assert (limits["old"]["due"], limits["old"]["known"], limits["old"]["outside"]) == (10, 4, 0)
    assert limits["old"]["coverage"] == pytest.approx(0.4)


def test_of_a_stack_of_which_nothing_is_known_nothing_is_told(judged):
    limits, _ = told(judged)

    assert (limits["old"]["value"], limits["old"]["outside"], limits["old"]["known"]) == (None, None, 0)


def test_hours_without_the_unit_running_are_not_due(judged):
    hours(judged, *[500.0] * 5, flow=100.0)
    hours(judged, *[500.0] * 5, first=MIDNIGHT + 5 * NS_PER_HOUR)

    limits, found = told(judged)

    assert found["not_running"] == 5
    assert (limits["old"]["due"], limits["old"]["outside"]) == (5, 5)


def test_a_day_is_judged_by_the_mean_of_its_hours_once_it_is_over(judged):
    hours(judged, *[160.0] * 24)
    judged.as_of = MIDNIGHT + 23 * NS_PER_HOUR
    before, _ = told(judged, "nox-day")
    judged.as_of = MIDNIGHT + 25 * NS_PER_HOUR

    after, found = told(judged, "nox-day")

    assert (before["day"]["due"], before["day"]["value"]) == (0, None)
    assert (after["day"]["due"], after["day"]["outside"]) == (1, 1)
    assert after["day"]["value"] == pytest.approx(160.0)
    assert found["averaging"] == "day"


def test_means_are_told_where_they_are_asked_for(judged):
    hours(judged, 190, None, 210)

    limits, _ = told(judged, means=True)
    plain, _ = told(judged)

    assert limits["old"]["means"]["values"] == [pytest.approx(190), None, pytest.approx(210), *[None] * 7]
    assert limits["old"]["means"]["times"][0] == "2026-11-23T17:00:00Z"
    assert "means" not in plain["old"]


def test_by_default_the_month_is_told_as_far_as_the_caller_sees_it(judged):
    everything = judged.get("/v1/limits")
    mill = seen_by(judged, MILL).get("/v1/limits")

    assert everything["standards"][0]["period"] == {
        "from": "2026-10-31T17:00:00Z",
        "to": "2026-11-30T17:00:00Z",
    }
    assert [one["name"] for one in everything["standards"]] == ["nox", "nox-day"]
    assert "only" not in everything
    assert mill["only"] == ["hai-phong/mill"]


def test_as_csv_a_line_is_a_dated_limit(judged):
    hours(judged, *[190.0] * 10)

    answer = judged.ask(
        "/v1/limits?name=nox&from=2026-11-24T00:00:00%2B07:00&to=2026-11-25T00:00:00%2B07:00",
        headers={"Authorization": f"Bearer {TOKEN}", "Accept": "text/csv"},
    )
    rows = list(csv.DictReader(io.StringIO(answer.text)))

    assert [one["limit"] for one in rows] == ["old", "new", "next"]
    assert (rows[0]["outside"], rows[0]["standing"], float(rows[0]["value"])) == (
        "0",
        "in_force",
        pytest.approx(190),
    )


@pytest.mark.parametrize(
    ("asked", "parameter", "detail"),
    [
        ({"facility": "mil"}, "facility", "unknown: 'mil' (did you mean mill?)"),
        ({"name": "nix"}, "name", "unknown: 'nix' (did you mean nox?)"),
        ({"to": "2026-11-24T00:00:00+07:00"}, "to", "not after from"),
        ({"from_": "2024-11-24T00:00:00+07:00"}, "from", "more than 367 days"),
    ],
)
def test_what_is_no_place_or_stretch_is_refused(judged, asked, parameter, detail):
    asked = {name.rstrip("_"): value for name, value in (DAY | asked).items()}
    assert detail in judged.refused("/v1/limits", **asked)[parameter]
