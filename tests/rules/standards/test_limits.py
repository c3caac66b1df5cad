"""Limits of standards: what ships and how it is seen, products with coefficients, reference oxygen, means and what is outside."""

import random
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pytest

from plant.catalogue import LimitChoice, LimitNumbers
from plant.documents.documents import ConfigurationError
from rules.formulas.stack_gas import at_reference_oxygen
from rules.standards.judged import day_means, kept, means, outside
from rules.standards.register import load_limits

SHIPPED = load_limits(None)
HIGHEST = 19.0


def in_force(rows: list[LimitNumbers], day: date) -> LimitNumbers | None:
    return next(
        (one for one in rows if one.valid_from <= day and (not one.valid_to or day < one.valid_to)), None
    )


def choice(**given: object) -> LimitChoice:
    return LimitChoice(**given)  # type: ignore[arg-type]


# --- golden cases -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("parameter", "cmax"), [("dust", 180), ("so2", 450), ("nox", 765), ("co", 900)])
def test_r61a_limits_of_2009_are_multiplied_by_flow_and_zone(parameter: str, cmax: float) -> None:
    [_, row] = SHIPPED[f"vn-19-2009-{parameter}"].numbers(choice(column="B", size=54_314, zone="3"))

    assert row.high == pytest.approx(cmax, abs=1e-9)


@pytest.mark.parametrize(("flow", "kp"), [(19_999, 1.0), (20_001, 0.9), (99_999, 0.9), (100_001, 0.8)])
def test_r61a_kp_falls_with_the_flow(flow: float, kp: float) -> None:
    row = SHIPPED["vn-19-2009-co"].numbers(choice(column="A", size=flow, zone="3"))[0]

    assert row.high == pytest.approx(1000 * kp, abs=1e-9)


R61B = {
    "dust": (112, 707.6363636363635), "so2": (219, 1383.681818181818),
    "nox": (129, 815.0454545454545), "co": (201, 1269.9545454545453),
}  # fmt: skip


@pytest.mark.parametrize("parameter", R61B)
def test_r61b_a_biomass_boiler_is_judged_at_7_percent_oxygen(parameter: str) -> None:
    limit = {"dust": 40, "so2": 200, "nox": 250, "co": 300}[parameter]
    measured, expected = R61B[parameter]
    table = SHIPPED[f"vn-19-2024-biomass-boiler-{parameter}"]
    size = 20.0 if table.spec.size_unit else None
    [row] = table.numbers(choice(column="B", size=size))

    corrected = at_reference_oxygen(float(measured), 18.7, table.spec.reference_oxygen, HIGHEST)

    assert row.high == limit
    assert float(corrected) == pytest.approx(expected, abs=1e-6)
    assert outside(np.array([corrected]), row.low, row.high).all()


def test_r61c_limits_of_wastewater_are_multiplied_but_for_ph() -> None:
    site = (("kf", 1.0), ("kq", 0.9))
    cod, bod5, tss = (
        SHIPPED[f"vn-40-2011-{name}"].numbers(choice(column="A", coefficients=site))[0].high
        for name in ("cod", "bod5", "tss")
    )
    ph = SHIPPED["vn-40-2011-ph"].numbers(choice(column="A"))[0]

    assert (cod, bod5, tss) == pytest.approx((67.5, 27.0, 45.0), abs=1e-9)
    assert (ph.low, ph.high) == (6, 9)


# --- reference oxygen ---------------------------------------------------------------------------------------------


def test_nothing_is_corrected_where_the_unit_stands_still() -> None:
    oxygen = np.array([0.0, 7.0, 18.999, 19.0, 20.9, 21.0, -0.1, np.nan])

    found = at_reference_oxygen(100.0, oxygen, 7.0, HIGHEST)

    assert np.isfinite(found).tolist() == [True, True, True, False, False, False, False, False]
    assert found[1] == pytest.approx(100.0)
    assert found[0] == pytest.approx(100 * 13.9 / 20.9)


# --- what ships ---------------------------------------------------------------------------------------------------


def site_of(name: str) -> LimitChoice:
    spec = SHIPPED[name].spec
    return choice(
        column=spec.columns[0] if spec.columns else None,
        zone=spec.zones[0] if spec.zones else None,
        size=1.0 if spec.size_unit else None,
        coefficients=tuple((symbol, 1.0) for symbol in spec.coefficients),
    )


@pytest.mark.parametrize("name", SHIPPED)
def test_each_shipped_row_has_a_source_a_mark_and_dates(name: str) -> None:
    for row in SHIPPED[name].numbers(site_of(name)):
        assert row.source
        assert row.mark in ("V", "V2", "M", "D")
        assert row.valid_from >= date(2010, 1, 1)
        assert row.status == "provisional" or row.mark in ("V", "V2"), "what is from memory is not official"
        assert row.high > 0


TURBINES = {
    "so2": ((50, 80, 90), (50, 70, 80), (50, 60, 70)),
    "nox": ((70, 120, 150), (50, 90, 110), (50, 70, 90)),
    "dust": ((15, 15, 20), (15, 15, 20), (15, 15, 20)),
}
BIOMASS = {"so2": (130, 200, 250), "nox": (150, 250, 350), "co": (200, 300, 350)}
STACKS = {
    "dust": (400, 200), "so2": (1500, 500), "nox": (1000, 850), "co": (1000, 1000), "h2s": (7.5, 7.5), "hcl": (200, 50),
    "nh3": (76, 50), "cl2": (32, 10), "hf": (50, 20), "pb": (10, 5), "cd": (20, 5), "h2so4": (100, 50),
}  # fmt: skip
WATER = {
    "cod": (75, 150), "bod5": (30, 50), "tss": (50, 100), "ammonium": (5, 10), "total-nitrogen": (20, 40),
    "total-phosphorus": (4, 6), "oil": (5, 10), "chlorine": (1, 2),
}  # fmt: skip


def by_hand(name: str, site: LimitChoice, day: date) -> float | None:
    """Return the limit of a day by tables written here, None where none holds."""
    column, size = site.column or "", site.size or 0.0
    if name.startswith("vn-19-2009-"):
        kp = 1.0 if size <= 20_000 else 0.9 if size <= 100_000 else 0.8
        kv = {"1": 0.6, "2": 0.8, "3": 1.0, "4": 1.2, "5": 1.4}[site.zone or ""]
        return (
            STACKS[name.removeprefix("vn-19-2009-")]["AB".index(column)] * kp * kv
            if day >= date(2010, 1, 1)
            else None
        )
    if name.startswith("vn-40-2011-"):
        own = dict(site.coefficients)
        holds = date(2012, 2, 15) <= day < date(2032, 1, 1)
        return (
            WATER[name.removeprefix("vn-40-2011-")]["AB".index(column)] * own["kq"] * own["kf"]
            if holds
            else None
        )
    if day < date(2025, 7, 1):
        return None
    parameter = name.rsplit("-", 1)[1]
    if "turbine" in name:
        band = 0 if size <= 300 else 1 if size <= 1200 else 2
        return TURBINES[parameter][band]["ABC".index(column)]
    if parameter == "dust":
        return ((40, 50, 60), (30, 40, 50))[size >= 20]["ABC".index(column)]
    return BIOMASS[parameter]["ABC".index(column)]


def test_a_thousand_days_sizes_and_zones_agree_with_tables_by_hand() -> None:
    chance = random.Random(61)
    names = [name for name in SHIPPED if not name.endswith(("-ph", "-temperature"))]
    for _ in range(1000):
        name = chance.choice(names)
        spec = SHIPPED[name].spec
        unit = {"": (1, 1), "m3/h": (1_000, 200_000), "MW": (10, 2_000), "t/h": (1, 40)}[spec.size_unit]
        site = choice(
            column=chance.choice(spec.columns),
            zone=chance.choice(spec.zones) if spec.zones else None,
            size=round(chance.uniform(*unit), 1) if spec.size_unit else None,
            coefficients=tuple((one, round(chance.uniform(0.6, 1.3), 1)) for one in spec.coefficients),
        )
        day = date(2008, 1, 1) + timedelta(days=chance.randrange(26 * 365))

        row, expected = in_force(SHIPPED[name].numbers(site), day), by_hand(name, site, day)

        assert (row.high if row else None) == (None if expected is None else pytest.approx(expected)), (
            name,
            site,
            day,
        )


# --- a configuration's own ----------------------------------------------------------------------------------------

GOOD = """\
zone: Asia/Ho_Chi_Minh
coefficients:
  - name: mine
    title: Ours
    rows:
      - {valid_from: 2026-01-01, valid_to: 2027-01-01, value: 0.5, source: s, evidence: e}
      - {valid_from: 2027-01-01, value: 0.4, source: s, evidence: e}
limits:
  - name: permit-nox
    title: NOx of the permit
    standard: Environmental licence 12/2026
    parameter: NOx
    medium: stack
    unit: mg/Nm3@25C
    averaging: hour
    coefficients: {k: mine}
    rows:
      - {valid_from: 2026-01-01, valid_to: 2028-01-01, value: 300, source: licence, evidence: page 4}
"""


def refused(directory: Path, text: str) -> list[str]:
    (directory / "park.limits.yaml").write_text(text, encoding="utf-8")
    with pytest.raises(ConfigurationError) as caught:
        load_limits(directory)
    return [str(problem).replace(f"{directory}/", "") for problem in caught.value.problems]


def test_a_row_is_parted_where_its_coefficient_changes(tmp_path: Path) -> None:
    (tmp_path / "park.limits.yaml").write_text(GOOD, encoding="utf-8")

    rows = load_limits(tmp_path)["permit-nox"].numbers(choice())

    assert [(one.valid_from, one.valid_to, one.high) for one in rows] == [
        (date(2026, 1, 1), date(2027, 1, 1), 150.0),
        (date(2027, 1, 1), date(2028, 1, 1), 120.0),
    ]
    assert {(one.status, one.evidence, one.row) for one in rows} == {("own", "page 4", "permit-nox/2026")}


@pytest.mark.parametrize(
    ("before", "after", "problem"),
    [
        (", evidence: page 4", "", "limits[0].rows[0].evidence: is required"),
        ("value: 300", "status: official, mark: V, value: 300", "should be own, as all rows of a configuration are"),
        ("evidence: page 4}", "evidence: page 4}\n      - {valid_from: 2027-06-01, value: 200, source: s, evidence: e}", "overlaps the row before, which holds until 2028-01-01"),
        ("{k: mine}", "{k: mien}", "limits[0].coefficients.k: there is no coefficient mien (did you mean mine?)"),
        ("permit-nox", "vn-19-2009-nox", "there is a limit vn-19-2009-nox already: use another name"),
        ("value: 300", "value: [9, 6]", "the least, 9, is not below the most, 6"),
        ("value: 300", "value: [6, 9]", "a range is multiplied with nothing"),
        ("value: 300", "columns: {A: 1}, value: 300", "exactly one of value, columns, bands is given"),
        ("value: 300", "bands: [{up_to: 3, value: 1}, {value: 2}]", "limits[0].size_unit: is required where sizes have bands"),
        ("value: 300", "bands: [{up_to: 3, value: 1}]", "the last band has no end"),
        ("value: 300", "bands: [{up_to: 3, value: 1}, {below: 2, value: 1}, {value: 2}]", "later than the one before"),
        ("unit: mg/Nm3@25C", "unit: mg/Nm", "unknown unit 'mg/Nm'"),
    ],
)  # fmt: skip
def test_a_wrong_file_is_refused_where_it_is_wrong(
    tmp_path: Path, before: str, after: str, problem: str
) -> None:
    assert before in GOOD

    problems = refused(tmp_path, GOOD.replace(before, after, 1))

    assert any(problem in one and "park.limits.yaml" in one for one in problems), problems


# --- means, and what is outside -----------------------------------------------------------------------------------


def test_an_hour_is_known_from_80_percent_on_and_weighs_by_what_is_covered() -> None:
    value = np.array([10.0, 20.0, 10.0, np.nan, 30.0])
    coverage = np.array([1.0, 0.6, 1.0, 0.0, 0.5])

    found = means(value, coverage, np.array([0, 0, 1, 1, 2]), 3, np.array([2.0, 2.0, 1.0]))

    assert found[0] == pytest.approx((10 + 12) / 1.6)
    assert np.isnan(found[1:]).all()


def test_a_day_needs_18_valid_hours() -> None:
    hours = np.where(np.arange(48) % 24 < 18, 4.0, np.nan)
    hours[40] = np.nan

    found = day_means(hours, np.arange(48) // 24, 2)

    assert found[0] == 4.0
    assert np.isnan(found[1])


def test_what_is_on_its_limit_keeps_it_and_what_is_unknown_says_nothing() -> None:
    value = np.array([5.4, 5.5, 9.0, 9.1, np.nan, 9.2])
    owed = np.array([True, True, True, True, True, False])

    found = kept(value, owed, 5.5, 9.0)

    assert (found.due, found.known, found.outside) == (5, 4, 2)
    assert outside(value, np.nan, 9.0).tolist() == [False, False, False, True, False, True]
