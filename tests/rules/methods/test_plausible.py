"""Plausible ranges: every parameter has one, the examples and the tables lie within, and what slips look like is told."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from plant.catalogue import Parameter, Slip
from plant.configuration.load import json_schema
from plant.units import conversion, unit
from rules.catalogue import load_catalogue
from rules.factors.factors import load_factors
from scripts.methods_page import modules
from stackmeter.cli import app

CATALOGUE = load_catalogue(None)
EVERY = {(spec.name, one.name): one for spec in CATALOGUE.methods.values() for one in spec.parameters}


@pytest.mark.parametrize(("method", "name"), EVERY)
def test_solid_b6_every_parameter_has_a_unit_and_a_range_with_its_source(method: str, name: str) -> None:
    parameter = EVERY[method, name]

    unit(parameter.unit)
    assert parameter.plausible is not None
    assert parameter.plausible.low < parameter.plausible.high
    assert parameter.plausible.source
    assert parameter.default is None or parameter.plausible.holds(parameter.default)
    for slip in parameter.plausible.slips:
        assert isinstance(slip, Slip) or conversion(unit(slip), unit(parameter.unit))


@pytest.mark.parametrize("module", modules(), ids=lambda module: module.SPEC.name)
def test_solid_b6_the_worked_examples_are_plausible(module: object) -> None:
    spec, example = module.SPEC, module.EXAMPLE  # type: ignore[attr-defined]

    doubts = {
        one.name: one.doubt(example.parameters[one.name])
        for one in spec.parameters
        if one.name in example.parameters
    }
    assert {name: doubt for name, doubt in doubts.items() if doubt} == {}


def test_solid_b6_the_shipped_calorific_values_are_plausible() -> None:
    factors = load_factors(None)
    ncv = {
        name: factors[name].columns["ncv"][1:-1].tolist()
        for name, spec in factors.factors.items()
        if "ncv" in spec.units
    }

    usual = EVERY["fuel-mass-own-ncv", "ncv"]
    assert [name for name, values in ncv.items() if any(usual.doubt(value) for value in values)] == []


@pytest.mark.parametrize(
    ("method", "name", "value", "told"),
    [
        ("fuel-mass-own-ncv", "ncv", 6000, "6000 looks like kcal/kg; ncv is in GJ/t: 25.1"),
        ("fuel-mass-own-ncv", "ncv", 25000, "25000 looks like kJ/kg; ncv is in GJ/t: 25"),
        ("fuel-carbon-content", "oxidation", 0.98, "0.98 looks like a fraction of 1; oxidation is in %: 98"),
        ("fuel-carbon-content", "carbon", 0.7, "0.7 looks like a fraction of 1; carbon is in %: 70"),
        ("clinker-lime-content", "lime", 0.65, "0.65 looks like a fraction of 1; lime is in %: 65"),
        ("clinker-lime-content", "kiln_dust_correction", 102, "102 looks like %; kiln_dust_correction is a plain number"),
        ("part98-gas", "hhv", 1026, "1026 looks like Btu/scf@60F; hhv is in mmBtu/scf@60F: 0.00103"),
        ("part98-gas", "hhv", 1.026, "1.026 looks like mmBtu per thousand cubic feet"),
        ("part98-liquid", "hhv", 138000, "138000 looks like Btu/gal"),
        ("part98-solid", "hhv", 12465, "12465 looks like Btu/lb"),
        ("part98-energy", "ch4_per_heat", 1.0, "1 looks like g/mmBtu; ch4_per_heat is in kg/mmBtu: 0.001"),
        ("fuel-gas-volume", "ncv", 8600, "8600 looks like kcal/Nm3; ncv is in MJ/Nm3: 36"),
        ("fuel-liquid-volume", "density", 840, "840 looks like kg/m3; density is in kg/L: 0.84"),
        ("fuel-gas-actual-volume-gauge", "barometric", 1013, "1013 looks like hPa; barometric is in kPa: 101"),
        ("fuel-mass-mixed", "biogenic_share", 0.27, "0.27 looks like a fraction of 1; biogenic_share is in %: 27"),
        ("steam-full-enthalpy", "boiler_efficiency", 0.85, "0.85 looks like a fraction of 1"),
        ("steam-full-enthalpy", "enthalpy", 2.776, "2.776 looks like MJ/kg; enthalpy is in kJ/kg: 2.78e+03"),
        ("fuel-energy", "net_share", 0.9, "0.9 looks like a fraction of 1"),
        ("fuel-liquid-volume", "density", -1, "-1 kg/L is far from what density usually is: 0.4 to 1.4 kg/L"),
        ("fuel-mass-mixed", "biogenic_share", 150, "150 % is far from what biogenic_share usually is: 0, or 1 to 100 %"),
    ],
)  # fmt: skip
def test_solid_b6_a_slip_is_named(method: str, name: str, value: float, told: str) -> None:
    doubt = EVERY[method, name].doubt(value)

    assert doubt is not None
    assert doubt.startswith(told)


def test_solid_b6_a_parameter_without_a_range_is_never_doubted() -> None:
    assert Parameter("x", "1").doubt(1e30) is None


PLANT = """\
parks:
  - name: north
    title: North
    zone: Asia/Ho_Chi_Minh
    facilities:
      - name: mill
        title: Mill
        gateways: [{name: g}]
        channels:
          - {name: coal, gateway: g, kind: register, unit: t, quantity: coal, max_rate: 60}
        sources:
          - name: boiler
            method: fuel-mass-own-ncv
            inputs: {mass: coal}
            factor: vn-2626-anthracite
            parameters: {ncv: 6000}
"""


def test_solid_b6_check_warns_with_file_line_and_key(tmp_path: Path) -> None:
    (tmp_path / "park.yaml").write_text(PLANT)

    result = CliRunner().invoke(app, ["check", str(tmp_path)])

    assert result.exit_code == 0
    [warning] = [line for line in result.stdout.splitlines() if line.startswith("warning: ")]
    assert warning.startswith(
        f"warning: {tmp_path}/park.yaml:16: parks[0].facilities[0].sources[0].parameters.ncv: 6000 looks like"
    )


def test_solid_b6_the_schema_tells_unit_and_range_of_each_methods_parameters() -> None:
    told = json.loads(CliRunner().invoke(app, ["schema"]).stdout)

    assert told == json_schema(CATALOGUE.methods)
    by_method = {
        one["if"]["properties"]["method"]["const"]: one["then"]
        for one in told["$defs"]["SourcePart"]["allOf"]
    }
    assert by_method.keys() == CATALOGUE.methods.keys()
    parameters = by_method["fuel-mass-own-ncv"]["properties"]["parameters"]
    assert parameters["required"] == ["ncv"]
    assert parameters["properties"]["ncv"]["description"].startswith(
        "[GJ/t]; required; plausible: 1 to 55 GJ/t"
    )
    assert by_method["electricity-location"]["properties"]["parameters"]["maxProperties"] == 0
