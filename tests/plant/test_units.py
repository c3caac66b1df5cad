"""The unit table against pint, against exact definitions, and against its own laws."""

import math
from fractions import Fraction

import pint
import pytest
from hypothesis import given
from hypothesis import strategies as st

from plant.units import DimensionError, UnknownUnit, conversion, per_hour_integral, symbols, unit

ORACLE = pint.UnitRegistry()
SAME_NAME = (
    "J kJ MJ GJ TJ Wh kWh MWh GWh W kW MW GW mg g kg lb Gg ug L mL s min h d mm m km Pa hPa kPa MPa mbar bar atm V kV A kA"
    " Hz K toe kWh/h kg/s g/kWh kg/TJ mg/L L/h kg/h kJ/kg m/s kg/kg"
)
OTHER_NAME = {
    "m3": "m**3",
    "m2": "m**2",
    "m3/h": "m**3/h",
    "t": "metric_ton",
    "t/h": "metric_ton/h",
    "short_ton": "US_ton",
    "ft3": "ft**3",
    "gal": "US_liquid_gallon",
    "Btu": "Btu_it",
    "mmBtu": "1e6 * Btu_it",
    "psi": "lbf / inch**2",
    "kgf/cm2": "kilogram_force / cm**2",
    "mmH2O": "kilogram_force / m**2",
    "ktoe": "1000 * toe",
    "W/m2": "W/m**2",
    "%": "0.01",
    "ppm": "1e-6",
    "ppb": "1e-9",
}
SI = {**{symbol: symbol for symbol in SAME_NAME.split()}, **OTHER_NAME}
SAME_DIMENSION = [
    (a, b) for a in symbols() for b in symbols() if a < b and unit(a).dimension == unit(b).dimension
]


@pytest.mark.parametrize("symbol", SI)
def test_a_factor_agrees_with_pint(symbol: str) -> None:
    """The oracle knows the SI; our base units are coherent with it."""
    expected = ORACLE.Quantity(SI[symbol]).to_base_units().magnitude

    assert float(unit(symbol).factor) == pytest.approx(float(expected), rel=1e-9)


@pytest.mark.parametrize(
    ("source", "target", "scale"),
    [
        ("kWh", "MJ", 3.6),
        ("kWh", "MWh", 0.001),
        ("MWh", "GJ", 3.6),
        ("kW", "MJ/h", 3.6),
        ("kvarh", "Mvarh", 0.001),
        ("toe", "GJ", 41.868),
        ("kcal", "kJ", 4.1868),
        ("mmBtu", "GJ", 1.05505585262),
        ("therm", "mmBtu", 0.1),
        ("lb", "kg", 0.45359237),
        ("t/MWh", "kg/kWh", 1.0),
        ("kg/TJ", "kg/GJ", 0.001),
        ("TJ/Gg", "GJ/t", 1.0),
        ("ppm", "%", 0.0001),
        ("kg/kg", "%", 100.0),
        ("bar", "kPa", 100.0),
        ("tCO2e", "kgCO2e", 1000.0),
    ],
)
def test_scales_are_the_nearest_floats_to_the_exact_ones(source: str, target: str, scale: float) -> None:
    assert conversion(unit(source), unit(target)) == (scale, 0.0)


@pytest.mark.parametrize(
    ("target", "amount"),
    [
        ("scf@68F", 37.90),
        ("scf@60F", 37.33),
        ("Nm3@25C", 1.0915),
        ("Sm3", 1 / 0.94794),
        ("m3@20C", 1.0732),
        ("kNm3", 0.001),
    ],
)
def test_gas_volumes_convert_by_the_ideal_gas_law(target: str, amount: float) -> None:
    """What one Nm3 at 0 degC is elsewhere, as published with four digits."""
    assert conversion(unit("Nm3"), unit(target))[0] == pytest.approx(amount, rel=2e-4)


def test_a_concentration_follows_its_reference_conditions() -> None:
    """The same gas at 25 degC fills more, so a cubic metre has less in it: at 0 degC the number is greater."""
    scale, _ = conversion(unit("mg/Nm3@25C"), unit("mg/Nm3"))

    assert scale == pytest.approx(298.15 / 273.15, rel=1e-15)


@pytest.mark.parametrize(
    ("source", "target"),
    [
        ("m3", "Nm3"),
        ("m3/h", "Nm3/h"),
        ("ft3", "scf@60F"),
        ("mg/m3", "mg/Nm3"),
        ("barg", "bar"),
        ("kWh", "kW"),
        ("kWh", "kvarh"),
        ("kVAh", "kWh"),
        ("tCO2e", "t"),
        ("pH", "1"),
        ("kg", "L"),
    ],
)
def test_what_needs_more_than_a_factor_does_not_convert(source: str, target: str) -> None:
    """Actual and reference volumes, gauge and absolute pressure, power and energy."""
    with pytest.raises(DimensionError, match="no conversion"):
        conversion(unit(source), unit(target))


def test_a_dimension_error_names_units_dimensions_and_conditions() -> None:
    with pytest.raises(DimensionError) as error:
        conversion(unit("m3"), unit("Sm3"))

    assert str(error.value) == "m3 is volume, Sm3 is gas volume at 15 degC, 101.325 kPa: no conversion"


@pytest.mark.parametrize(
    ("source", "target", "value", "expected"),
    [
        ("°C", "K", 0.0, 273.15),
        ("K", "°C", 0.0, -273.15),
        ("°F", "°C", 212.0, 100.0),
        ("°F", "°C", 32.0, 0.0),
    ],
)
def test_temperatures_have_an_offset(source: str, target: str, value: float, expected: float) -> None:
    scale, offset = conversion(unit(source), unit(target))

    assert value * scale + offset == pytest.approx(expected, abs=1e-12)


@given(st.sampled_from(SAME_DIMENSION), st.floats(-1e9, 1e9))
def test_there_and_back_is_the_same_value(pair: tuple[str, str], value: float) -> None:
    a, b = map(unit, pair)
    forth, forth_offset = conversion(a, b)
    back, back_offset = conversion(b, a)

    assert (value * forth + forth_offset) * back + back_offset == pytest.approx(value, rel=1e-12, abs=1e-9)


@pytest.mark.parametrize("symbol", symbols())
def test_a_unit_is_one_of_itself(symbol: str) -> None:
    assert conversion(unit(symbol), unit(symbol)) == (1.0, 0.0)


@given(st.floats(0, 1e12, allow_subnormal=False))
def test_an_energy_is_the_same_in_kwh_mwh_and_gj(kwh: float) -> None:
    """Whatever unit a meter uses, the method sees the same kilowatt-hours."""
    mwh = kwh * conversion(unit("kWh"), unit("MWh"))[0]
    gj = kwh * conversion(unit("kWh"), unit("GJ"))[0]

    assert mwh * conversion(unit("MWh"), unit("kWh"))[0] == pytest.approx(kwh, rel=1e-15)
    assert gj * conversion(unit("GJ"), unit("kWh"))[0] == pytest.approx(kwh, rel=1e-15)


@pytest.mark.parametrize(
    ("rate", "amount"),
    [
        ("kW", "kWh"),
        ("W", "Wh"),
        ("MW", "MWh"),
        ("kvar", "kvarh"),
        ("kVA", "kVAh"),
        ("m3/h", "m3"),
        ("Nm3/h", "Nm3"),
        ("Nm3@25C/h", "Nm3@25C"),
        ("scf@68F/h", "scf@68F"),
        ("t/h", "t"),
        ("GJ/h", "GJ"),
        ("MJ/s", "MWh"),
    ],
)
def test_the_integral_of_a_rate_over_hours_has_its_own_unit(rate: str, amount: str) -> None:
    assert per_hour_integral(unit(rate)) == unit(amount)


@pytest.mark.parametrize(("rate", "kilograms"), [("kg/s", 3600.0), ("g/min", 0.06), ("t/d", 1000 / 24)])
def test_a_rate_per_second_or_day_keeps_its_size(rate: str, kilograms: float) -> None:
    """One kg/s over one hour are 3600 kg, though no meter shows a unit of that size."""
    assert conversion(per_hour_integral(unit(rate)), unit("kg"))[0] == pytest.approx(kilograms, rel=1e-15)


@pytest.mark.parametrize("symbol", ["kWh", "°C", "m/s2", "%", "pH"])
def test_what_is_no_rate_has_no_integral(symbol: str) -> None:
    with pytest.raises((DimensionError, UnknownUnit)):
        per_hour_integral(unit(symbol))


@pytest.mark.parametrize(
    ("symbol", "message"),
    [
        ("kwh", "unknown unit 'kwh' (did you mean kWh?)"),
        ("KWH", "unknown unit 'KWH' (did you mean kWh?)"),
        ("m3/hr", "unknown unit 'm3/hr' (did you mean m3/h?)"),
        ("kg/kwh", "unknown unit 'kg/kwh' (did you mean kg/kWh?)"),
        ("NM3", "unknown unit 'NM3' (did you mean Nm3?)"),
        ("kW/h", "unknown unit 'kW/h' (did you mean kWh?)"),
        ("scf", "unknown unit 'scf' (did you mean scf@60F or scf@68F?)"),
        ("scf/h", "unknown unit 'scf/h' (did you mean scf@60F/h or scf@68F/h?)"),
        ("furlong", "unknown unit 'furlong'"),
        ("", "unknown unit ''"),
        ("/", "unknown unit '/'"),
        ("kg/°C", "unknown unit 'kg/°C' (did you mean kgCO2?)"),
    ],
)
def test_an_unknown_symbol_is_answered_with_the_nearest(symbol: str, message: str) -> None:
    with pytest.raises(UnknownUnit) as error:
        unit(symbol)

    assert str(error.value) == message


def test_other_spellings_are_the_same_unit() -> None:
    assert (unit("m³/h"), unit("degC"), unit("l")) == (unit("m3/h"), unit("°C"), unit("L"))


@pytest.mark.parametrize(
    ("spelling", "symbol"),
    [
        ("MMBtu", "mmBtu"), ("MMBTU/h", "mmBtu/h"), ("kg/MMBtu", "kg/mmBtu"), ("BTU", "Btu"), ("TOE", "toe"),
        ("TOE/h", "toe/h"), ("tonne", "t"), ("tonnes/h", "t/h"), ("kg/tonne", "kg/t"), ("bar(g)", "barg"),
        ("bar(a)", "bar"), ("kPa(g)", "kPag"), ("psia", "psi"), ("psi(g)", "psig"), ("m3@0C", "Nm3"), ("m3@15C", "Sm3"),
        ("m3@25C/h", "Nm3@25C/h"), ("mg/m³@20C", "mg/m3@20C"), ("m³@20C/h", "m3@20C/h"), ("Nm3@20C", "m3@20C"),
        ("therms", "therm"), ("l/min", "L/min"), ("litre", "L"), ("kgf/cm²", "kgf/cm2"), ("Torr", "mmHg"),
        ("mg/Nm³", "mg/Nm3"),
    ],
)  # fmt: skip
def test_solid_b9_units_are_read_as_the_field_spells_them(spelling: str, symbol: str) -> None:
    assert unit(spelling) == unit(symbol)


@pytest.mark.parametrize(
    ("source", "target", "scale"),
    [
        ("psi", "Pa", 6894.757293168361),
        ("psig", "barg", 0.06894757293168361),
        ("inHg", "mmHg", 25.4),
        ("inHg", "kPa", 3.386388157894737),
        ("mmH2O", "Pa", 9.80665),
        ("kgf/cm2", "kPa", 98.0665),
        ("m3@20C", "Nm3", 273.15 / 293.15),
        ("m3@20C/h", "Sm3/h", 288.15 / 293.15),
        ("mg/m3@20C", "mg/Nm3", 293.15 / 273.15),
        ("ktoe", "TJ", 41.868),
    ],
)
def test_solid_b9_pressures_and_gas_at_20_degrees_convert(source: str, target: str, scale: float) -> None:
    assert conversion(unit(source), unit(target))[0] == pytest.approx(scale, rel=1e-14)


@pytest.mark.parametrize(
    ("symbol", "hint"),
    [("ton", "t or short_ton"), ("ton/h", "t/h or short_ton/h"), ("kg/cm2", "kgf/cm2, or kgf/cm2g")],
)
def test_solid_b9_what_could_be_two_units_is_asked_back(symbol: str, hint: str) -> None:
    with pytest.raises(UnknownUnit, match=hint):
        unit(symbol)


@pytest.mark.parametrize(("source", "target"), [("psig", "psi"), ("m3", "m3@20C"), ("MPag", "MPa")])
def test_solid_b9_gauge_is_not_absolute_and_a_flowing_volume_has_no_conditions(
    source: str, target: str
) -> None:
    with pytest.raises(DimensionError):
        conversion(unit(source), unit(target))


@given(st.text(max_size=30))
def test_any_text_is_a_unit_or_unknown(text: str) -> None:
    """Gateways send what they like; nothing but UnknownUnit comes out, and its message is short."""
    try:
        answer = unit(text).dimension
    except UnknownUnit as unknown:
        answer = str(unknown)

    assert 0 < len(answer) < 300


def test_factors_are_exact() -> None:
    """A cubic foot and a pound are exact by definition, so nothing is rounded before the last step."""
    assert unit("ft3").factor == Fraction(28316846592, 10**12)
    assert unit("short_ton").factor == Fraction(90718474, 10**5)
    assert math.isclose(float(unit("mmHg").factor), 133.322368421, rel_tol=1e-9)
