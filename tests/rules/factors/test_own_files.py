"""Factor files of a configuration: what they may say, and what is refused with file, line and key."""

from pathlib import Path

import numpy as np
import pytest

from plant.documents.documents import ConfigurationError
from rules.catalogue import load_catalogue
from rules.factors.factors import load_factors

GOOD = """\
zone: Asia/Ho_Chi_Minh
factors:
  - name: solar-contract
    title: Rooftop solar of the neighbour
    basis: electricity
    units: {co2: g/kWh}
    rows:
      - valid_from: 2025-01-01
        valid_to: 2025-07-15
        values: {co2: 41}
        source: Supplier's declaration 2025
        evidence: contract 12/2025, annex 3
      - valid_from: 2025-07-15
        valid_to: 2026-01-01
        values: {co2: 38.5}
        uncertainty: {co2: [30, 45]}
        source: Supplier's declaration, revised
        evidence: letter of 1 July 2025
"""

COAL = """\
zone: Asia/Ho_Chi_Minh
factors:
  - name: boiler-coal
    title: Coal 5a.1 as delivered
    basis: net-calorific
    units: {co2: t/TJ, ch4: kg/TJ, n2o: kg/TJ, ncv: kcal/kg}
    rows:
      - valid_from: 2025-01-01
        values: {co2: 98.3, ch4: 10, n2o: 1.5, ncv: 5500}
        source: Laboratory report
        evidence: report 7/2025
"""


def load(directory: Path, text: str, name: str = "factors.yaml") -> None:
    (directory / name).write_text(text, encoding="utf-8")
    load_factors(directory)


def refused(directory: Path, text: str, name: str = "factors.yaml") -> list[str]:
    """Return the problems of a file, without its directory."""
    with pytest.raises(ConfigurationError) as caught:
        load(directory, text, name)
    return [str(problem).replace(f"{directory}/", "") for problem in caught.value.problems]


def local(*times: str) -> np.ndarray:
    """Return instants of Viet Nam's clock. [ns UTC]"""
    return (np.array(times, "datetime64[ns]") - np.timedelta64(7, "h")).astype(np.int64)


def test_an_own_factor_holds_from_its_first_instant_to_before_its_last(tmp_path: Path) -> None:
    load(tmp_path, GOOD)
    times = local("2024-12-31T23:59:59", "2025-01-01", "2025-07-14T23:59:59", "2025-07-15", "2025-12-31T23:59:59", "2026-01-01")  # fmt: skip

    register = load_factors(tmp_path)

    expected = [np.nan, 0.041, 0.041, 0.0385, 0.0385, np.nan]
    np.testing.assert_array_equal(register.at("solar-contract", times)["co2"], expected)


def test_a_row_is_named_by_its_year_or_by_its_first_day(tmp_path: Path) -> None:
    load(tmp_path, GOOD)

    ids = load_factors(tmp_path).row_ids("solar-contract", local("2025-01-01", "2025-08-01", "2026-01-01"))

    assert list(ids) == ["solar-contract/2025", "solar-contract/2025-07-15", ""]


def test_an_own_factor_is_called_own(tmp_path: Path) -> None:
    load(tmp_path, GOOD)
    register = load_factors(tmp_path)

    assert register.factors["solar-contract"].status == "own"
    assert list(register.statuses("solar-contract", local("2025-02-01"))) == ["own"]


def test_units_become_those_of_the_methods(tmp_path: Path) -> None:
    """5,500 kcal/kg are 23.0274 GJ/t by the international table calorie; 98.3 t/TJ are 98.3 kg/GJ."""
    load(tmp_path, COAL, "coal.factors.yaml")

    values = load_factors(tmp_path).at("boiler-coal", local("2026-01-01"))

    assert {k: v.tolist() for k, v in values.items()} == {"co2": [98.3], "co2_biogenic": [0], "ch4": [0.01], "n2o": [0.0015], "ncv": [23.0274]}  # fmt: skip


def test_a_biogenic_factor_gives_its_co2_apart_and_nothing_outside_its_validity(tmp_path: Path) -> None:
    load(tmp_path, COAL.replace("basis:", "biogenic: true\n    basis:"))

    values = load_factors(tmp_path).at("boiler-coal", local("2024-12-31", "2025-01-01"))

    np.testing.assert_array_equal(values["co2"], [np.nan, 0])
    np.testing.assert_array_equal(values["co2_biogenic"], [np.nan, 98.3])


def test_all_factor_files_of_a_directory_are_read_and_no_others(tmp_path: Path) -> None:
    (tmp_path / "factors.yaml").write_text(GOOD)
    (tmp_path / "coal.factors.yaml").write_text(COAL)
    (tmp_path / "park.yaml").write_text("not: ours")

    register = load_factors(tmp_path)

    assert {"solar-contract", "boiler-coal", "vn-grid"} <= set(register.factors)


WRONG = {
    "a negative value": ("co2: 41}", "co2: -41}", "factors.yaml:10: factors[0].rows[0].values.co2: ", "greater than 0"),
    "a zero": ("co2: 41}", "co2: 0}", "factors.yaml:10: factors[0].rows[0].values.co2: ", "greater than 0"),
    "not a number": ("co2: 41}", "co2: .nan}", "factors.yaml:10: factors[0].rows[0].values.co2: ", "finite"),
    "text as value": ("co2: 41}", "co2: '41'}", "factors.yaml:10: factors[0].rows[0].values.co2: ", "valid number"),
    "an unknown unit": ("g/kWh", "g/kwh", "factors.yaml:6: factors[0].units.co2: ", "did you mean g/kWh?"),
    "a unit of another dimension": ("g/kWh", "kg/t", "factors.yaml:6: factors[0].units.co2: ", "no conversion"),
    "co2e where co2 is said": ("g/kWh", "kgCO2e/kWh", "factors.yaml:6: factors[0].units.co2: ", "no conversion"),
    "a value without unit": ("co2: 41}", "co2: 41, ch4: 1}", "factors.yaml:10: factors[0].rows[0].values: ", "other values"),
    "an overlap": ("valid_from: 2025-07-15", "valid_from: 2025-07-14", "factors.yaml:13: factors[0].rows[1].valid_from: ", "overlaps the row before, which holds until 2025-07-15"),
    "a hole": ("valid_from: 2025-07-15", "valid_from: 2025-07-16", "factors.yaml:13: factors[0].rows[1].valid_from: ", "leaves a hole after the row before, which ends on 2025-07-15"),
    "an open row before another": ("        valid_to: 2025-07-15\n", "", "factors.yaml:12: factors[0].rows[1].valid_from: ", "overlaps the row before, which holds until further notice"),
    "an end before the beginning": ("valid_to: 2026-01-01", "valid_to: 2025-07-15", "factors.yaml:14: factors[0].rows[1].valid_to: ", "a row ends after it begins"),
    "an end a day before the beginning": ("valid_to: 2026-01-01", "valid_to: 2025-07-14", "factors.yaml:14: factors[0].rows[1].valid_to: ", "a row ends after it begins"),
    "a day that does not exist": ("valid_to: 2026-01-01", "valid_to: 2026-02-30", "factors.yaml:14: factors[0].rows[1].valid_to: ", "day"),
    "a time as date": ("valid_to: 2026-01-01", "valid_to: 2026-01-01T00:00:00Z", "factors.yaml:14: factors[0].rows[1].valid_to: ", "written like 2026-01-01"),
    "an interval without its value": ("[30, 45]", "[39, 45]", "factors.yaml:16: factors[0].rows[1].uncertainty.co2: ", "no value of co2 in it"),
    "no evidence": ("        evidence: letter of 1 July 2025\n", "", "factors.yaml:13: factors[0].rows[1].evidence: ", "is required"),
    "empty evidence": ("contract 12/2025, annex 3", "'  '", "factors.yaml:12: factors[0].rows[0].evidence: ", "at least 1 character"),
    "no source": ("        source: Supplier's declaration 2025\n", "", "factors.yaml:8: factors[0].rows[0].source: ", "is required"),
    "a status that only shipped factors have": ("evidence: letter of 1 July 2025", "evidence: x\n        status: official", "factors.yaml:19: factors[0].rows[1].status: ", "'official'"),
    "an unknown key": ("title:", "titel:", "factors.yaml:4: factors[0].titel: ", "did you mean title?"),
    "a shipped name": ("solar-contract", "vn-grid", "factors.yaml:3: factors[0].name: ", "there is a factor vn-grid already"),
    "a name that is no identifier": ("solar-contract", "Solar contract", "factors.yaml:3: factors[0].name: ", "small letters"),
    "both co2 and co2e": ("{co2: g/kWh}", "{co2: g/kWh, co2e: kgCO2e/kWh}", "factors.yaml:6: factors[0].units: ", "gives co2 or co2e"),
    "biogenic electricity": ("basis: electricity", "biogenic: true\n    basis: electricity", "factors.yaml:5: factors[0].biogenic: ", "no biogenic"),
    "an unknown basis": ("electricity", "gross-calorific", "factors.yaml:5: factors[0].basis: ", "did you mean net-calorific?"),
    "an unknown zone": ("Asia/Ho_Chi_Minh", "Asia/Hanoi", "factors.yaml:1: zone: ", "no time zone 'Asia/Hanoi'"),
}  # fmt: skip


@pytest.mark.parametrize(("old", "new", "place", "message"), WRONG.values(), ids=WRONG)
def test_bc07_a_mistake_is_refused_with_its_line(
    tmp_path: Path, old: str, new: str, place: str, message: str
) -> None:
    problems = refused(tmp_path, GOOD.replace(old, new, 1))

    assert [p for p in problems if p.startswith(place) and message in p], problems


@pytest.mark.parametrize(
    ("day", "first"),
    [("2026-11-01", "2026-11-01T04:00"), ("2026-03-08", "2026-03-08T05:00")],
    ids=["midnight comes twice", "midnight never comes"],
)
def test_bc16_a_row_holds_from_the_first_instant_of_its_day_whatever_the_clock_does(
    tmp_path: Path, day: str, first: str
) -> None:
    """Havana's clock goes back from 1:00 to 0:00, and forward from 0:00 to 1:00."""
    load(tmp_path, COAL.replace("Asia/Ho_Chi_Minh", "America/Havana").replace("2025-01-01", day))
    begins = np.datetime64(first, "ns").astype(np.int64)

    values = load_factors(tmp_path).at("boiler-coal", np.array([begins - 1, begins]))["co2"]

    np.testing.assert_array_equal(values, [np.nan, 98.3])


def test_a_fuel_without_methane_is_not_whole(tmp_path: Path) -> None:
    problems = refused(tmp_path, COAL.replace("ch4: kg/TJ, ", "").replace("ch4: 10, ", ""))

    assert problems == [
        "factors.yaml:6: factors[0].units: a factor of basis net-calorific gives co2, ch4, n2o or co2, ch4, n2o, ncv"
    ]


def test_the_mistakes_of_all_files_are_reported_at_once(tmp_path: Path) -> None:
    (tmp_path / "coal.factors.yaml").write_text(COAL.replace("kcal/kg", "kcal/L"))

    problems = refused(tmp_path, GOOD.replace("co2: 41}", "co2: -41}").replace("zone", "zoned", 1))

    assert [p.partition(":")[0] for p in problems] == ["coal.factors.yaml", *["factors.yaml"] * 3]


def test_two_own_files_may_not_define_the_same_factor(tmp_path: Path) -> None:
    (tmp_path / "a.factors.yaml").write_text(COAL)

    assert refused(tmp_path, COAL) == [
        "factors.yaml:3: factors[0].name: there is a factor boiler-coal already: use another name"
    ]


def test_a_file_of_the_wrong_syntax_is_refused_beside_the_mistakes_of_others(tmp_path: Path) -> None:
    (tmp_path / "a.factors.yaml").write_text("factors: [")

    problems = refused(tmp_path, COAL.replace("kcal/kg", "kcal/L"))

    assert [p.partition(":")[0] for p in problems] == ["a.factors.yaml", "factors.yaml"]


def test_the_catalogue_of_a_directory_has_its_factors(tmp_path: Path) -> None:
    load(tmp_path, COAL)

    catalogue = load_catalogue(tmp_path)

    np.testing.assert_array_equal(catalogue.factor_at("boiler-coal", local("2026-01-01"))["ncv"], [23.0274])
    assert catalogue.factors["boiler-coal"].units["ncv"] == "GJ/t"


MISFITS = {
    ("electricity-location", "vn-grid"): None,
    ("electricity-location", "residual-mix"): None,
    ("fuel-energy", "boiler-coal"): None,
    ("fuel-mass-own-ncv", "lean-coal"): None,
    ("fuel-mass", "lean-coal"): "lean-coal gives no ncv, which fuel-mass needs",
    ("fuel-energy", "vn-grid"): "fuel-energy takes a factor of basis net-calorific; vn-grid is of basis electricity",
    ("electricity-location", "boiler-coal"): "electricity-location takes a factor of basis electricity; boiler-coal is of basis net-calorific",
    ("stack-co2", "vn-grid"): "stack-co2 takes no factor",
}  # fmt: skip


@pytest.mark.parametrize(("pair", "expected"), MISFITS.items(), ids=map("+".join, MISFITS))
def test_a_factor_fits_a_method_by_basis_and_values(
    tmp_path: Path, pair: tuple[str, str], expected: str | None
) -> None:
    (tmp_path / "factors.yaml").write_text(COAL)
    lean = COAL.replace("boiler-coal", "lean-coal").replace(", ncv: kcal/kg", "").replace(", ncv: 5500", "")
    (tmp_path / "lean.factors.yaml").write_text(lean)
    residual = (
        GOOD.replace("solar-contract", "residual-mix")
        .replace("co2: g/kWh", "co2e: kgCO2e/MWh")
        .replace("co2:", "co2e:")
    )
    (tmp_path / "residual.factors.yaml").write_text(residual)

    assert load_catalogue(tmp_path).misfit(*pair) == expected


def test_the_example_of_the_documentation_is_accepted(tmp_path: Path) -> None:
    page = (Path(__file__).parents[3] / "docs" / "factors.md").read_text(encoding="utf-8")
    example = page.split("```yaml\n")[1].split("```")[0]

    load(tmp_path, example)

    assert load_factors(tmp_path).factors["boiler-coal"].status == "own"
