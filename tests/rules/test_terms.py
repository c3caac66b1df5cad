"""The terms that windows keep when the configuration changes: with a date they hold from it on, without one from now on."""

import json
from dataclasses import replace

import pytest

from plant.park import Input, Source, Terms
from plant.units import unit
from plant.vocabulary import FOREVER, SINCE_EVER, Kind
from rules.factors.gwp import gwp_set
from rules.terms import (
    ABSENT,
    FACTOR,
    GWP,
    METHOD,
    PARAMETER,
    Change,
    Content,
    Memory,
    Rows,
    at,
    changes_of,
    content_of,
    from_json,
    inputs_of,
    kept_of,
    numbers_in,
    restated,
    same,
    since,
    to_json,
)
from tests.rules.test_windows_by_set import Identity, channel, plant_of

GASES = {"CO2": 1.0, "CH4": 28.0, "N2O": 265.0}
DENSITY = PARAMETER + "density"
NOTHING: Rows = ((SINCE_EVER, ABSENT, ""),)


def content(*density: tuple[int, float], method: str = "a", **more: Rows) -> Content:
    """Return terms with a parameter whose numbers have dates."""
    rows = tuple((start, value, "") for start, value in density)
    return {METHOD: ((SINCE_EVER, method, ""),), GWP: ((SINCE_EVER, GASES, "AR5"),), DENSITY: rows, **more}


def density(found: Content) -> list[tuple[int, float]]:
    return [(start, value) for start, value, _ in found[DENSITY]]


# --- what is kept ---------------------------------------------------------------------------------------------------------


def test_what_does_not_change_keeps_what_it_had() -> None:
    given = content((SINCE_EVER, 1.0))

    for kept in (content((SINCE_EVER, 0.5), (10, 1.0)), content((SINCE_EVER, 1.0), (50, 3.0))):
        assert kept_of(Memory(given, kept), given, 100) == kept


def test_another_number_without_a_date_holds_from_now_on() -> None:
    before = content((SINCE_EVER, 1.0))

    assert density(kept_of(Memory(before, before), content((SINCE_EVER, 2.0)), 100)) == [
        (SINCE_EVER, 1.0),
        (100, 2.0),
    ]


def test_another_number_on_a_new_date_holds_from_that_date_on_in_the_past_too() -> None:
    before = content((SINCE_EVER, 1.0))
    for start in (50, 100, 150):
        given = content((SINCE_EVER, 1.0), (start, 2.0))
        assert density(kept_of(Memory(before, before), given, 100)) == [(SINCE_EVER, 1.0), (start, 2.0)]


def test_another_number_on_a_date_that_was_there_has_no_date_of_its_own() -> None:
    before = content((SINCE_EVER, 1.0), (50, 2.0))
    given = content((SINCE_EVER, 1.0), (50, 3.0))

    assert density(kept_of(Memory(before, before), given, 100)) == [(SINCE_EVER, 1.0), (50, 2.0), (100, 3.0)]


def test_what_is_no_longer_configured_holds_until_now() -> None:
    before = content((SINCE_EVER, 1.0))
    given = {name: rows for name, rows in before.items() if name != DENSITY}
    kept = kept_of(Memory(before, before), given, 100)

    assert kept[DENSITY] == ((SINCE_EVER, 1.0, ""), (100, ABSENT, ""))
    assert kept_of(Memory(given, given), before, 100)[DENSITY] == ((SINCE_EVER, ABSENT, ""), (100, 1.0, ""))
    assert DENSITY not in kept_of(Memory(given, given), given, 100)


def test_a_stretch_that_is_published_again_has_what_is_given_and_the_rest_what_it_had() -> None:
    kept, given = content((SINCE_EVER, 1.0), (30, 1.5)), content((SINCE_EVER, 2.0), (40, 3.0))

    assert density(restated(kept, given, 20, 60)) == [(SINCE_EVER, 1.0), (20, 2.0), (40, 3.0), (60, 1.5)]
    assert restated(kept, kept, 20, 60) == kept
    without = {name: rows for name, rows in given.items() if name != DENSITY}
    assert DENSITY not in restated(without, without, 20, 60)


# --- rows -----------------------------------------------------------------------------------------------------------------


def test_the_row_in_force_begins_at_its_instant() -> None:
    rows: Rows = ((SINCE_EVER, 1.0, "one"), (50, 2.0, "two"))

    assert [at(rows, time) for time in (49, 50, 51)] == [(49, 1.0, "one"), (50, 2.0, "two"), (51, 2.0, "two")]
    assert numbers_in(rows) == [(SINCE_EVER, 1.0), (50, 2.0)]


def test_contents_are_the_same_where_their_numbers_are_whatever_they_are_called() -> None:
    one = content((SINCE_EVER, 1.0))

    assert same(one, {**one, METHOD: ((SINCE_EVER, "a", "another label"),)})
    assert not same(one, content((SINCE_EVER, 2.0)))
    assert not same(one, content((SINCE_EVER, 1.0), (5, 2.0)))
    assert not same(one, content((SINCE_EVER, 1.0), **{FACTOR: NOTHING}))


# --- as text --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("value", [1.0, 1, None, ABSENT])
def test_a_content_comes_back_from_its_text(value) -> None:
    whole = {**content((SINCE_EVER, value), (5, 2.0)), FACTOR: ((SINCE_EVER, {"co2": 1.0}, "row"),)}

    assert from_json(to_json(whole)) == whole
    assert to_json(whole) == to_json(dict(reversed(whole.items())))
    least = {name: whole[name] for name in (METHOD, GWP)}
    assert from_json(to_json(least)) == least


@pytest.mark.parametrize(
    ("name", "rows"),
    [
        (METHOD, None),
        (GWP, None),
        (METHOD, []),
        (METHOD, [[0, "a", ""]]),
        (METHOD, [[SINCE_EVER, 5, ""]]),
        (METHOD, [[SINCE_EVER, "a"]]),
        (METHOD, "a"),
        (GWP, [[SINCE_EVER, {"CO2": 1}, ""]]),
        (GWP, [[SINCE_EVER, "AR5", ""]]),
        (FACTOR, [[SINCE_EVER, 1.0, ""]]),
        (DENSITY, [[SINCE_EVER, "much", ""]]),
        (DENSITY, [[SINCE_EVER, {}, ""]]),
        (DENSITY, [[SINCE_EVER, 1.0, ""], [5, "much", ""]]),
    ],
)
def test_a_text_of_anything_else_is_no_content(name, rows) -> None:
    document = {**json.loads(to_json(content((SINCE_EVER, 1.0)))), name: rows}

    assert from_json(json.dumps({n: r for n, r in document.items() if r is not None})) is None
    for text in ("", "[]", "5", "null"):
        assert from_json(text) is None


# --- changes --------------------------------------------------------------------------------------------------------------


def test_a_change_says_what_windows_keep_what_is_configured_and_from_when_to_when() -> None:
    kept = content((SINCE_EVER, 1.0), (100, 2.0))

    assert list(changes_of(3, kept, content((SINCE_EVER, 2.0)))) == [
        Change(3, "density", "1", "2", SINCE_EVER, 100)
    ]
    assert list(changes_of(3, kept, kept)) == []
    assert list(changes_of(3, content((SINCE_EVER, 1.0)), content((SINCE_EVER, 1.0), (50, None)))) == [
        Change(3, "density", "1", "unknown", 50, FOREVER)
    ]


def test_what_differs_alike_in_stretches_that_touch_is_one_change_and_else_there_are_several() -> None:
    kept = content((SINCE_EVER, 1.0), method="a")
    relabelled: Rows = (
        (SINCE_EVER, 2.0, ""),
        (10, 3.0, ""),
        (20, 1.0, ""),
        (30, 3.0, ""),
        (40, 3.0, "again"),
    )

    assert list(changes_of(0, kept, {**kept, DENSITY: relabelled})) == [
        Change(0, "density", "1", "2", SINCE_EVER, 10),
        Change(0, "density", "1", "3", 10, 20),
        Change(0, "density", "1", "3", 30, FOREVER),
    ]


def test_of_a_factor_or_gwp_set_the_numbers_that_differ_are_told_with_its_name() -> None:
    kept = content((SINCE_EVER, 1.0), **{FACTOR: ((SINCE_EVER, {"ch4": 1.0, "co2": 2.5}, "grid/2023"),)})
    given = {**kept, FACTOR: ((SINCE_EVER, {"ch4": 1.0, "co2": 3.0, "n2o": 0.5}, "grid/2024"),)}

    [change] = changes_of(0, kept, given)
    assert (change.what, change.kept, change.given) == (
        "factor",
        "grid/2023 (co2 2.5, n2o unknown)",
        "grid/2024 (co2 3, n2o 0.5)",
    )
    [gone] = changes_of(0, kept, {name: rows for name, rows in kept.items() if name != FACTOR})
    assert (gone.kept, gone.given) == ("grid/2023", "-")
    [unnamed] = changes_of(
        0, content((SINCE_EVER, 1.0), **{FACTOR: ((SINCE_EVER, {}, ""),)}), content((SINCE_EVER, 1.0))
    )
    assert unnamed.kept == "nothing"
    [other] = changes_of(0, kept, {**kept, METHOD: ((SINCE_EVER, "b", ""),)})
    assert (other.what, other.kept, other.given) == (METHOD, "a", "b")


# --- of a source ----------------------------------------------------------------------------------------------------------


SOURCE = Source(
    0, "p", "f", "s", 1, "", "a", "", (Input("x", 0, 1.0),), (("density", 1.0), ("ncv", float("nan"))), "kWh",
    later=(Terms(50, "a", "", (("density", 2.0), ("ncv", 40.0))), Terms(90, "b", "", (("ncv", 40.0),), "AR6")),
)  # fmt: skip


def test_a_sources_terms_are_a_row_for_each_number_that_another_one_takes_over_from() -> None:
    plant = replace(plant_of([channel(0, Kind.INTERVAL)]), sources=(SOURCE,))
    found = content_of(SOURCE, plant, Identity())

    assert dict(found) == {
        METHOD: ((SINCE_EVER, "a", ""), (90, "b", "")),
        GWP: ((SINCE_EVER, dict(gwp_set("AR5").gases), "AR5"), (90, dict(gwp_set("AR6").gases), "AR6")),
        DENSITY: ((SINCE_EVER, 1.0, ""), (50, 2.0, ""), (90, ABSENT, "")),
        PARAMETER + "ncv": ((SINCE_EVER, None, ""), (50, 40.0, "")),
    }


@pytest.mark.parametrize(
    ("name", "time", "expected"),
    [
        ("density", 49, SINCE_EVER),
        ("density", 50, 50),
        ("ncv", 50, 50),
        ("ncv", 95, 50),
        ("ncv", 10, SINCE_EVER),
    ],
)
def test_a_parameter_has_had_its_number_since_the_first_of_the_rows_that_give_it(
    name, time, expected
) -> None:
    assert since(SOURCE, name, time) == expected


def test_a_parameter_that_was_absent_meanwhile_has_its_number_since_it_came_back() -> None:
    back = replace(SOURCE, later=(*SOURCE.later, Terms(120, "a", "", (("density", 2.0), ("ncv", 40.0)))))

    assert since(back, "density", 130) == 120
    assert since(back, "ncv", 130) == 50


def test_inputs_are_told_with_all_that_decides_their_windows() -> None:
    facts = {
        "max_rate": 5.0,
        "max_gap": 60_000_000_000,
        "modulus": 100.0,
        "period": 900_000_000_000,
        "ratio": 2.0,
    }
    plant = plant_of([channel(0, Kind.INTERVAL, **facts)])
    told = inputs_of(SOURCE, plant)

    assert (
        told
        == "x: c0 [kWh, interval, ratio 2, max_rate 5, modulus 100, max_gap_s 60, period_s 900, False, False]"
    )
    for name, value in {**facts, "hold_last": True, "counter_in_gateway": True, "unit": unit("MWh")}.items():
        other = value * 2 if isinstance(value, int | float) and not isinstance(value, bool) else value
        changed = replace(plant.channels[0], **{name: other})
        assert inputs_of(SOURCE, replace(plant, channels=(changed,))) != told
