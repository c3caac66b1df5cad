"""What measures saved: shown with an interval, refused, outside of what the baseline has seen, or only expected."""

from dataclasses import replace
from datetime import datetime

import numpy as np
import pytest

from api.reports.saving_facts import saving_facts
from api.times import period_of
from plant.commitments import Billing, Effect, Measure, Quantity
from plant.vocabulary import NS_PER_DAY, NS_PER_HOUR, NS_PER_S, Kind
from rules.catalogue import load_catalogue
from rules.planning.baseline import avoided, fit
from tests.api.conftest import Api
from tests.api.state import HAI_PHONG, State, channel, ns, plant
from tests.api.test_inventory import ALL_OF_HAI_PHONG, MILL, seen_by

CATALOGUE = load_catalogue(None)
TARIFFED = replace(  # slots at half hours do not go with windows of an hour
    CATALOGUE, _tariffs={"by-the-hour": CATALOGUE.tariff("vn-manufacturing-22kv")}
)
ENERGY, OUTPUT = 0, 6  # channels
MONTHS = [f"{year}-{month:02}" for year in (2025, 2026) for month in range(1, 13)]
BEFORE, STARTED = 18, "2026-07-01"
CHANCE = np.random.default_rng(18)
OUTPUTS = CHANCE.uniform(1000, 2000, len(MONTHS)).round()
SCATTER = CHANCE.normal(0, 20_000, len(MONTHS)).round()
SAVED = np.where(np.arange(len(MONTHS)) < BEFORE, 0, 150_000)
ENERGIES = 200_000 + 400 * OUTPUTS + SCATTER - SAVED


def midnight(month):
    return int(datetime.strptime(month, "%Y-%m").replace(tzinfo=HAI_PHONG).timestamp()) * 10**9


EFFECT = Effect(
    energy=Quantity(ENERGY, "mdb1", "kWh"),
    drivers=(Quantity(OUTPUT, "billets", "t"),),
    start=midnight("2025-01"),
    end=midnight("2026-07"),
    step="month",
    factor="vn-grid",
    per_energy=1.0,
)
MEASURE = Measure(
    "hai-phong", "mill", "drives", ("Biến tần", "Drives"), STARTED, midnight("2026-07"), "decision 7", 1200.0, 1.8e6, 4500.0, EFFECT
)  # fmt: skip


def built(
    directory,
    *measures,
    energies=ENERGIES,
    outputs=OUTPUTS,
    read=slice(None),
    events=False,
    billed=None,
    more=(),
    entered=None,
):
    """Return the API of a mill whose meters were read at the beginnings of months, or told of each month's output in its middle."""
    base = plant()
    billets = channel(OUTPUT, "hai-phong", "mill", "product/billets", Kind.EVENT if events else Kind.REGISTER)
    of = replace(base, channels=(*base.channels, billets, *more), measures=measures, window=NS_PER_HOUR)
    if billed is not None:
        mill, *others = base.facilities
        bills = Billing("by-the-hour", billed, 1.0, -1, 1.0, NS_PER_HOUR)
        of = replace(of, facilities=(replace(mill, billing=bills), *others))
    state = State(directory / "state.db", of)
    edges = [*map(midnight, MONTHS), midnight("2027-01")]
    for index, amounts in ((ENERGY, energies), (OUTPUT, outputs)):
        display = np.append(0, np.cumsum(amounts))
        if events and index == OUTPUT:
            edges, display = [time + 14 * NS_PER_DAY for time in edges[:-1]], amounts
        for time, value in list(zip(edges, display.tolist(), strict=True))[read]:
            if time <= ns("2026-11-24T00:00:00+07:00"):
                state.reading(index, time, value)
    for time, value in (entered or {}).items():
        state.reading(more[0].index, time, value)
    return Api(state, CATALOGUE if billed is None else TARIFFED)


@pytest.fixture
def make(tmp_path):
    made = []

    def make(*measures, **given):
        made.append(built(tmp_path, *measures, **given))
        return made[-1]

    yield make
    for api in made:
        api.reader.close()
        api.state.close()


def only(api, **params):
    [found] = api.get("/v1/measures", **params)["measures"]
    return found


def test_what_a_measure_saved_is_told_with_its_interval_in_energy_and_tonnes(make):
    api = make(MEASURE)
    answer = api.get("/v1/measures")
    [found] = answer["measures"]
    over = slice(BEFORE, BEFORE + 4)  # July to October: November is not over
    baseline = fit(ENERGIES[:BEFORE], OUTPUTS[:BEFORE, None])
    energy = avoided(baseline, ENERGIES[over], OUTPUTS[over, None], 0.9)
    grid = CATALOGUE.factor_at("vn-grid", np.array([midnight("2026-07")]))["co2"][0] / 1000

    assert (found["effect"], found["reasons"], found["year"]) == ("shown", [], 2026)
    assert (found["steps_due"], found["steps_known"], found["unit"], found["confidence"]) == (
        4,
        4,
        "kWh",
        0.9,
    )
    assert [found[name] for name in ("avoided", "avoided_low", "avoided_high")] == pytest.approx(
        [energy.amount, energy.amount - energy.half_width, energy.amount + energy.half_width], rel=1e-9
    )
    assert found["avoided_low"] < 4 * 150_000 < found["avoided_high"]
    assert [found[name] for name in ("avoided_t", "low_t", "high_t")] == pytest.approx(
        [found[name] * grid for name in ("avoided", "avoided_low", "avoided_high")], rel=1e-9
    )
    told = found["baseline"]
    assert (told["steps"], told["left_out"], told["from"], told["to"]) == (
        18, 0, "2024-12-31T17:00:00Z", "2026-06-30T17:00:00Z",
    )  # fmt: skip
    assert [told[name] for name in ("intercept", "r2", "cv_rmse")] == pytest.approx(
        [baseline.coefficients[0], baseline.r2, baseline.cv_rmse], rel=1e-9
    )
    assert told["drivers"] == [
        {
            "channel": "billets", "unit": "t",
            "coefficient": pytest.approx(baseline.coefficients[1], rel=1e-9), "t": pytest.approx(baseline.t[1], rel=1e-9),
            "low": pytest.approx(OUTPUTS[:BEFORE].min()), "high": pytest.approx(OUTPUTS[:BEFORE].max()),
        }
    ]  # fmt: skip
    assert answer["shown"] == {
        "measures": ["hai-phong/mill/drives"], "avoided_t": found["avoided_t"],
        "low_t": pytest.approx(found["low_t"]), "high_t": pytest.approx(found["high_t"]),
    }  # fmt: skip
    assert found["title"] == {"vi": "Biến tần", "en": "Drives"}


@pytest.mark.parametrize(
    ("changes", "given", "effect", "reasons"),
    [
        ({}, {"energies": ENERGIES + SAVED}, "not_shown", ["interval_holds_zero"]),
        ({"cv_rmse": 0.01}, {}, "not_shown", ["cv_rmse_above_limit"]),
        ({"steps": 19}, {}, "not_shown", ["too_few_steps"]),
        ({"t": 1000.0}, {}, "not_shown", ["driver_not_significant"]),
        ({}, {"outputs": np.where(np.arange(24) < BEFORE, 1500.0, OUTPUTS)}, "not_shown", ["constant_driver"]),
        ({}, {"outputs": np.where(np.arange(24) == BEFORE, 2500.0, OUTPUTS)}, "extrapolated", ["outside_the_baseline"]),
        ({"factor": ""}, {}, "shown", ["no_factor"]),
    ],
)  # fmt: skip
def test_what_keeps_a_limit_alone_is_summed(make, changes, given, effect, reasons):
    api = make(replace(MEASURE, effect=replace(EFFECT, **changes)), **given)
    answer = api.get("/v1/measures")
    [found] = answer["measures"]

    assert (found["effect"], found["reasons"]) == (effect, reasons)
    assert answer["shown"] == {"measures": [], "avoided_t": None, "low_t": None, "high_t": None}
    assert (found["avoided"] is None) == (reasons == ["constant_driver"])


@pytest.mark.parametrize(
    ("changes", "year", "reason"),
    [
        ({"effect": None}, 2026, "nothing_measures_it"),
        ({"begins": midnight("2026-12")}, 2026, "not_started"),
        ({"begins": midnight("2026-11")}, 2026, "no_step_is_over"),
        ({}, 2025, "no_step_is_over"),
    ],
)
def test_what_is_not_measured_yet_is_expected_and_no_number(make, changes, year, reason):
    found = only(make(replace(MEASURE, **changes)), year=year)

    assert (found["effect"], found["reasons"]) == ("expected", [reason])
    assert (found["expected_t"], found["avoided"], found["avoided_t"], found["steps_known"]) == (
        1200.0, None, None, None,
    )  # fmt: skip


def test_what_is_neither_driver_nor_measure_is_taken_off_by_its_records(make):
    """A line that stood still in June 2025 used 50,000 kWh less, a new hall in September 2026 uses 90,000 more."""
    hall = replace(channel(OUTPUT + 1, "hai-phong", "mill", "hall", Kind.INTERVAL), period=30 * NS_PER_DAY)
    events = dict(zip(MONTHS, np.zeros(len(MONTHS)), strict=True)) | {
        "2025-06": -50_000.0,
        "2026-09": 90_000.0,
    }
    effect = replace(EFFECT, non_routine=(Quantity(OUTPUT + 1, "hall", "kWh"),))
    api = make(
        replace(MEASURE, effect=effect), energies=ENERGIES + list(events.values()), more=(hall,),
        entered={midnight("2025-07"): -50_000.0, midnight("2026-10"): 90_000.0},
    )  # fmt: skip
    found = only(api)
    over = slice(BEFORE, BEFORE + 4)
    saved = avoided(fit(ENERGIES[:BEFORE], OUTPUTS[:BEFORE, None]), ENERGIES[over], OUTPUTS[over, None], 0.9)

    assert (found["effect"], found["reasons"]) == ("shown", [])
    assert found["avoided"] == pytest.approx(saved.amount, rel=1e-9)
    assert (found["baseline"]["non_routine"], found["non_routine"]) == pytest.approx((-50_000, 90_000))


def test_what_is_unknown_is_left_out_and_never_nothing(make):
    """The meters are read from March 2025 to the end of September 2026."""
    found = only(make(MEASURE, read=slice(2, 22)))

    assert (found["effect"], found["reasons"]) == ("shown", ["steps_left_out"])
    assert (found["steps_due"], found["steps_known"]) == (4, 3)
    assert (found["baseline"]["steps"], found["baseline"]["left_out"]) == (16, 2)
    baseline = fit(ENERGIES[2:BEFORE], OUTPUTS[2:BEFORE, None])
    saved = avoided(baseline, ENERGIES[18:21], OUTPUTS[18:21, None], 0.9)
    assert found["avoided"] == pytest.approx(saved.amount, rel=1e-9)


def test_nothing_known_after_the_start_is_not_shown(make):
    found = only(make(MEASURE, read=slice(0, 19)))

    assert (found["effect"], found["reasons"]) == ("not_shown", ["nothing_known"])
    assert (found["steps_due"], found["steps_known"], found["avoided"]) == (4, 0, None)


def test_a_driver_of_events_is_unknown_before_the_first_and_nothing_where_none_comes_later(make):
    api = make(MEASURE, read=slice(2, None), events=True)
    api.state.db.execute(
        "DELETE FROM reading WHERE channel = 107 AND time = ?", (midnight("2025-10") + 14 * NS_PER_DAY,)
    )
    api.state.db.commit()
    baseline = only(api)["baseline"]

    assert (baseline["steps"], baseline["left_out"], baseline["drivers"][0]["low"]) == (16, 2, 0)


def test_restated_readings_restate_the_effect(make):
    api = make(MEASURE)
    before = only(api)["avoided"]
    end = midnight("2026-11")
    api.state.db.execute("UPDATE reading SET value = value - 1000 WHERE channel = 101 AND time = ?", (end,))
    api.state.db.commit()

    assert only(api)["avoided"] == pytest.approx(before + 1000)


def test_a_measure_is_shown_to_those_who_see_its_place(make):
    parks = replace(MEASURE, facility="", name="street-lamps", effect=None)
    api = make(parks, replace(MEASURE, effect=None), replace(MEASURE, facility="foundry", effect=None))

    def places(caller, **params):
        api.as_of += 2 * NS_PER_S  # answers are told again for a second
        return [
            (one["facility"], one["name"])
            for one in seen_by(api, caller).get("/v1/measures", **params)["measures"]
        ]

    assert places(MILL) == [("mill", "drives")]
    assert places(ALL_OF_HAI_PHONG) == [(None, "street-lamps"), ("mill", "drives"), ("foundry", "drives")]
    assert places(ALL_OF_HAI_PHONG, facility="foundry") == [("foundry", "drives")]
    assert places(ALL_OF_HAI_PHONG, name="street-lamps") == [(None, "street-lamps")]
    api.as_of += 2 * NS_PER_S
    assert seen_by(api, MILL).ask("/v1/measures", params={"name": "street-lamps"}).status_code == 422
    assert seen_by(api, MILL).ask("/v1/measures", params={"facility": "foundry"}).status_code == 422
    api.app.dependency_overrides.clear()
    assert api.get("/v1/measures", park="rhein")["measures"] == []


def test_what_was_saved_is_told_in_kilowatt_hours_and_at_the_price_of_the_time(make):
    """A flat load: the mean price of July's energy is that of its bill."""
    found = only(make(MEASURE, billed=ENERGY))
    each = [found[f"{name}_cost"] / found[f"{name}_kwh"] for name in ("avoided", "low", "high")]

    assert [found[name] for name in ("avoided_kwh", "low_kwh", "high_kwh")] == pytest.approx(
        [found[name] for name in ("avoided", "avoided_low", "avoided_high")]
    )
    assert found["currency"] == "VND"
    assert each == pytest.approx([1950] * 3, rel=0.01)
    assert each[0] == pytest.approx(each[1], rel=1e-3)


def test_without_a_tariff_of_its_energy_nothing_is_said_in_money(make):
    found = only(make(MEASURE))

    assert (found["avoided_cost"], found["low_cost"], found["currency"]) == (None, None, None)
    assert found["avoided_kwh"] is not None


def test_the_course_falls_by_what_was_saved(make):
    found = only(make(MEASURE))
    cusum = found["cusum"]

    assert [one["from"] for one in cusum][:: BEFORE + 3] == ["2024-12-31T17:00:00Z", "2026-09-30T17:00:00Z"]
    assert cusum[BEFORE - 1]["cusum"] == pytest.approx(0, abs=1e-3)
    assert cusum[-1]["cusum"] == pytest.approx(-found["avoided"], rel=1e-6)
    assert cusum[0]["measured"] == pytest.approx(ENERGIES[0])


def test_why_is_told_in_the_language_of_the_reader(make):
    api = make(replace(MEASURE, effect=replace(EFFECT, cv_rmse=0.01)))

    assert only(api)["why"] == ["the baseline scatters more than its limit allows: CV(RMSE)"]
    assert only(api, language="vi")["why"] == ["đường cơ sở phân tán quá giới hạn: CV(RMSE)"]


def test_papers_are_told_what_measures_saved(make):
    """As GET /v1/measures has it; what nothing measures is no saving of a paper, and another place has none of it."""
    api = make(MEASURE, replace(MEASURE, name="wished-for", effect=None))
    told = only(api, name=MEASURE.name)
    place, year = (MEASURE.park, MEASURE.facility), period_of("2026", HAI_PHONG, api.as_of)

    with api.reader.snapshot() as state:
        [found] = saving_facts(state, CATALOGUE, place, year, api.as_of)
        elsewhere = list(saving_facts(state, CATALOGUE, (MEASURE.park, "foundry"), year, api.as_of))

    assert (found.name, found.unit, found.outcome, found.is_electricity) == (
        MEASURE.name,
        "kWh",
        "shown",
        True,
    )
    assert (found.energy, found.t) == (told["avoided"], told["avoided_t"])
    assert elsewhere == []
