"""The shipped factors of processes and wastewater, and what own files may say in their bases."""

from importlib import resources
from pathlib import Path

import numpy as np
import pytest

from plant.documents.documents import ConfigurationError, parse
from rules.catalogue import load_catalogue
from rules.factors.factor_files import BASES, FactorEntry, ShippedFactor, ShippedFile
from rules.factors.factors import load_factors

ENTRIES: list[ShippedFactor] = [
    factor
    for entry in (resources.files("rules") / "data").iterdir()
    if entry.name.endswith(".factors.yaml")
    for factor in parse(entry, ShippedFile).factors
]
REGISTER = load_factors(None)
IN_2023 = np.array([np.datetime64("2023-07-01", "ns").astype(np.int64)])

OWN = """\
zone: Asia/Ho_Chi_Minh
factors:
  - name: mine
    title: Invented
    basis: direct-electricity
    units: {co2: kg/kWh}
    rows:
      - valid_from: 2025-01-01
        values: {co2: 0}
        source: The seller's declaration
        evidence: contract 3/2025
"""


def own(directory: Path, basis: str, units: str, values: str) -> None:
    text = (
        OWN.replace("direct-electricity", basis).replace("{co2: kg/kWh}", units).replace("{co2: 0}", values)
    )
    (directory / "factors.yaml").write_text(text, encoding="utf-8")


def values(name: str) -> dict[str, float]:
    return {key: float(column[0]) for key, column in REGISTER.at(name, IN_2023).items()}


def of_basis(*bases: str) -> list[ShippedFactor]:
    return [entry for entry in ENTRIES if entry.basis in bases]


def test_the_bases_that_files_may_name_are_those_that_there_are() -> None:
    assert set(FactorEntry.model_fields["basis"].annotation.__args__) == set(BASES)


@pytest.mark.parametrize("entry", [pytest.param(e, id=e.name) for e in of_basis("product")])
def test_a_tonne_of_product_gives_less_co2_than_the_blast_furnace_route_of_steel(
    entry: ShippedFactor,
) -> None:
    """A unit mistaken by a thousand would be far outside."""
    assert 0.05 <= values(entry.name)["co2"] <= 2.5


def test_nitric_acid_gives_kilograms_of_nitrous_oxide_per_tonne() -> None:
    assert [values(e.name) for e in of_basis("product-n2o")] == [{"n2o": 0.008}]


@pytest.mark.parametrize(
    "entry", [pytest.param(e, id=e.name) for e in of_basis("wastewater-cod", "wastewater-bod")]
)
def test_a_treatment_has_the_capacity_of_its_demand_and_a_correction_factor_from_0_to_1(
    entry: ShippedFactor,
) -> None:
    found = values(entry.name)

    assert found["b0"] == {"wastewater-cod": 0.25, "wastewater-bod": 0.60}[entry.basis]
    assert 0 <= found["mcf"] <= 1
    assert ("industrial" in entry.name) == (entry.basis == "wastewater-cod")


@pytest.mark.parametrize("entry", [pytest.param(e, id=e.name) for e in of_basis("wastewater-nitrogen")])
def test_nitrogen_becomes_nitrous_oxide_by_half_to_two_percent(entry: ShippedFactor) -> None:
    assert 0.005 <= values(entry.name)["n2o_n"] <= 0.016


@pytest.mark.parametrize(
    "entry",
    [pytest.param(e, id=e.name) for e in of_basis("wastewater-cod", "wastewater-bod", "wastewater-nitrogen")],
)
def test_a_factor_of_wastewater_names_the_year_of_its_guideline(entry: ShippedFactor) -> None:
    assert entry.name.startswith(("vn-2626-", "ipcc-2006-", "ipcc-2019-"))
    assert str(entry.rows[0].valid_from.year) in entry.rows[0].source or entry.name.startswith("vn-")


def test_no_factor_of_a_seller_is_shipped() -> None:
    """What a seller delivers is known from the contract alone."""
    assert of_basis("direct-electricity", "heat") == []


def test_the_correction_factors_of_decision_2626_are_not_shipped_as_multipliers() -> None:
    assert not [
        e.name for e in ENTRIES for r in e.rows if 1.02 in r.values.values() or 65 in r.values.values()
    ]


@pytest.mark.parametrize(
    ("basis", "units", "given"),
    [
        ("direct-electricity", "{co2: kg/kWh}", "{co2: 0}"),
        ("direct-electricity", "{co2e: kgCO2e/kWh}", "{co2e: 0.0}"),
        ("heat", "{co2: kg/GJ}", "{co2: 0}"),
        ("wastewater-cod", '{b0: kg/kg, mcf: "1"}', "{b0: 0.25, mcf: 0}"),
    ],
)
def test_a_zero_is_a_value_where_the_basis_has_it(tmp_path: Path, basis: str, units: str, given: str) -> None:
    own(tmp_path, basis, units, given)

    assert 0.0 in [float(c[1]) for c in load_factors(tmp_path)["mine"].columns.values()]


@pytest.mark.parametrize(
    ("basis", "units", "given"),
    [
        ("electricity", "{co2: kg/kWh}", "{co2: 0}"),
        ("product", "{co2: t/t}", "{co2: 0}"),
        ("product-n2o", "{n2o: kg/t}", "{n2o: 0}"),
        ("wastewater-cod", '{b0: kg/kg, mcf: "1"}', "{b0: 0, mcf: 0.3}"),
        ("direct-electricity", "{co2: kg/kWh}", "{co2: -0.1}"),
    ],
)
def test_any_other_zero_or_a_negative_value_is_refused_with_its_line(
    tmp_path: Path, basis: str, units: str, given: str
) -> None:
    own(tmp_path, basis, units, given)

    with pytest.raises(ConfigurationError, match=r"factors.yaml:9: .*values\.\w+: should be greater than 0"):
        load_factors(tmp_path)


@pytest.mark.parametrize("basis", [b for b in BASES if b != "net-calorific"])
def test_only_a_fuel_has_biogenic_co2(tmp_path: Path, basis: str) -> None:
    (tmp_path / "factors.yaml").write_text(
        OWN.replace("direct-electricity", f"{basis}\n    biogenic: true"), encoding="utf-8"
    )

    with pytest.raises(ConfigurationError, match=f"a factor of basis {basis} has no biogenic CO2 of its own"):
        load_factors(tmp_path)


MISFITS = {
    ("electricity-direct", "mine"): None,
    ("electricity-direct", "vn-grid"): "electricity-direct takes a factor of basis direct-electricity; vn-grid is of basis electricity",
    ("electricity-location", "mine"): "electricity-location takes a factor of basis electricity; mine is of basis direct-electricity",
    ("steam-full-enthalpy", "vn-2626-diesel"): None,
    ("steam-full-enthalpy", "vn-grid"): "steam-full-enthalpy takes a factor of basis net-calorific; vn-grid is of basis electricity",
    ("process-product", "vn-2626-clinker"): None,
    ("process-product", "vn-2626-nitric-acid"): "process-product takes a factor of basis product; vn-2626-nitric-acid is of basis product-n2o",
    ("nitric-acid", "vn-2626-nitric-acid"): None,
    ("wastewater-cod", "vn-2626-industrial-wastewater-aerobic"): None,
    ("wastewater-cod", "vn-2626-domestic-wastewater-septic"): "wastewater-cod takes a factor of basis wastewater-cod; vn-2626-domestic-wastewater-septic is of basis wastewater-bod",
    ("wastewater-nitrogen", "ipcc-2019-aerobic-plant-nitrogen"): None,
    ("fuel-mass-mixed", "vn-2626-anthracite"): None,
    ("methane-flare", "vn-grid"): "methane-flare takes no factor",
}  # fmt: skip


@pytest.mark.parametrize(("pair", "expected"), MISFITS.items(), ids=map("+".join, MISFITS))
def test_a_factor_fits_a_method_only_by_its_basis(
    tmp_path: Path, pair: tuple[str, str], expected: str | None
) -> None:
    (tmp_path / "factors.yaml").write_text(OWN, encoding="utf-8")

    assert load_catalogue(tmp_path).misfit(*pair) == expected
