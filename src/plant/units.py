"""The units of channels, methods and factors: one table, checked by dimension, with exact factors.

A symbol is exact and case-sensitive: one of the table, or a quotient of two such as `kg/TJ` or `mg/Nm3@25C`. A gas
volume carries its reference conditions in its symbol, all at 101.325 kPa, and converts to another by the ideal gas law:

========= ============================ =========================================================================
Nm3       0 degC                       DIN 1343, IPCC, EU; the unit in which methods calculate
Nm3@25C   25 degC                      Viet Nam: QCVN 19:2009, paragraph 1.3.3, and QCVN 19:2024, paragraph 1.3.10
Sm3       15 degC                      ISO 13443
m3@20C    20 degC                      GOST 2939 and GB/T 11062; IPCC's density of methane
scf@60F   60 degF, one cubic foot      gas trade; 40 CFR 98 with 836.6 scf/kg-mol
scf@68F   68 degF, one cubic foot      40 CFR 75; 40 CFR 98 with 849.5 scf/kg-mol
========= ============================ =========================================================================

Other spellings of a symbol, such as `MMBtu`, `TOE`, `tonne`, `bar(g)` or `m3@15C` for Sm3, are read as the symbol itself, in
quotients too.

Plain `scf` is refused, because both are in use and differ by 1.5 %. `m3` is the volume as it flows: without its
pressure and temperature it never becomes a gas volume. Likewise gauge pressure (`barg`, `kPag`, `psig`) never becomes
absolute. `psi` and `kgf/cm2` are absolute, as `bar` and `kPa` are.

References
----------
.. [1] BIPM, "The International System of Units", 9th edition, 2019.
.. [2] International Yard and Pound Agreement, 1959: 1 ft = 0.3048 m, 1 lb = 0.45359237 kg.
.. [3] Fifth International Conference on the Properties of Steam, 1956: 1 kcal(IT) = 4186.8 J, and by it
   1 Btu(IT) = 1055.05585262 J.
.. [4] International Energy Agency: 1 toe = 10^7 kcal(IT) = 41.868 GJ.
.. [5] BIPM, "Comptes rendus de la 3e CGPM", 1901: 1 kgf = 9.80665 N. With it 1 psi = 1 lbf/in2 and 1 mmH2O = 9.80665 Pa.
"""

from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache

from plant.suggest import nearest

SECONDS_PER_HOUR = 3600
PER_TIME = "/time"


@dataclass(frozen=True, slots=True)
class Unit:
    """A unit of a dimension: value in the dimension's base = value in this unit * factor + offset.

    `offset` is for temperatures only. `reference` are the conditions that a gas volume refers to, "" elsewhere.
    """

    symbol: str
    dimension: str
    factor: Fraction
    offset: Fraction = Fraction(0)
    reference: str = ""

    def __str__(self) -> str:
        return self.symbol


class UnknownUnit(ValueError):
    """A symbol that is neither in the table nor a quotient of two that are."""

    def __init__(self, symbol: str) -> None:
        super().__init__(symbol)
        self.symbol = symbol

    def __str__(self) -> str:
        # Searched here and not before: a gateway may send thousands of unknown symbols that nobody prints.
        hint = _AMBIGUOUS.get(self.symbol) or _nearest_symbol(self.symbol)
        return f"unknown unit {self.symbol[:40]!r}" + (f" (did you mean {hint}?)" if hint else "")


class DimensionError(ValueError):
    """Two units of different dimensions, or a unit that is no rate where one is needed."""


@lru_cache(maxsize=4096)
def unit(symbol: str) -> Unit:
    """Return the unit of a symbol.

    Raises
    ------
    UnknownUnit
        Where the table does not have it; the message names the nearest symbol.
    """
    name = "/".join(_ALIASES.get(part, part) for part in _ALIASES.get(symbol, symbol).split("/"))
    found = _TABLE.get(name) or _quotient(name)
    if found is None:
        raise UnknownUnit(symbol)
    return found


@lru_cache(maxsize=4096)
def conversion(source: Unit, target: Unit) -> tuple[float, float]:
    """Return (scale, offset) so that value in `target` = value in `source` * scale + offset.

    Both are the floats nearest to the exact numbers.

    Raises
    ------
    DimensionError
        Where the dimensions differ; actual and reference volumes, gauge and absolute pressure do.
    """
    if source.dimension != target.dimension:
        raise DimensionError(
            f"{source.symbol} is {_spelled(source)}, {target.symbol} is {_spelled(target)}: no conversion"
        )
    return float(source.factor / target.factor), float((source.offset - target.offset) / target.factor)


@lru_cache(maxsize=4096)
def per_hour_integral(rate: Unit) -> Unit:
    """Return the unit of a rate's integral over hours: kW gives kWh, m3/h gives m3.

    Where the table has no unit of that size, one is made: kg/s gives `kg/s·h`, which is 3600 kg.

    Raises
    ------
    DimensionError
        Where the unit is not per time.
    """
    if not rate.dimension.endswith(PER_TIME):
        raise DimensionError(f"{rate.symbol} is {_spelled(rate)}, not a rate per time")
    if rate.symbol.endswith("/h"):
        return _TABLE[rate.symbol.removesuffix("/h")]
    dimension, factor = rate.dimension.removesuffix(PER_TIME), rate.factor * SECONDS_PER_HOUR
    same = (
        u
        for u in _TABLE.values()
        if (u.dimension, u.factor, u.reference) == (dimension, factor, rate.reference)
    )
    return next(same, Unit(f"{rate.symbol}·h", dimension, factor, reference=rate.reference))


@lru_cache(maxsize=4096)
def per_second_integral(rate: Unit) -> Unit:
    """Return the unit of the table that a rate's integral over seconds has: W gives J, m3/h none.

    Raises
    ------
    DimensionError
        Where the unit is not per time, or the table has no unit of that size.
    """
    found = (
        u
        for u in _TABLE.values()
        if (f"{u.dimension}{PER_TIME}", u.factor, u.reference)
        == (rate.dimension, rate.factor, rate.reference)
    )
    if (same := next(found, None)) is None:
        raise DimensionError(f"{rate.symbol} times seconds has no unit here")
    return same


def symbols() -> tuple[str, ...]:
    """Return every symbol of the table; quotients of two are units as well."""
    return tuple(_TABLE)


def _quotient(symbol: str) -> Unit | None:
    """Return numerator / denominator where both are in the table and neither has an offset.

    A rate per time is refused: who writes kW/h means kW or kWh.
    """
    upper, slash, lower = symbol.partition("/")
    numerator, denominator = _TABLE.get(upper), _TABLE.get(lower)
    if not slash or numerator is None or denominator is None or numerator.offset or denominator.offset:
        return None
    if "/" in denominator.dimension or ("/" in numerator.dimension and denominator.dimension == "time"):
        return None
    return Unit(
        symbol,
        "1"
        if numerator.dimension == denominator.dimension
        else f"{numerator.dimension}/{denominator.dimension}",
        numerator.factor / denominator.factor,
        reference=numerator.reference or denominator.reference,
    )


def _nearest_symbol(symbol: str) -> str | None:
    """Return the nearest symbol; of a quotient, part by part where that gives a unit."""
    parts = symbol.split("/")
    whole = "/".join(part if part in _TABLE else nearest(part, _TABLE) or "" for part in parts)
    return whole if whole in _TABLE or _quotient(whole) else nearest(symbol, _TABLE)


def _spelled(one: Unit) -> str:
    return f"{one.dimension} at {one.reference}" if one.reference else one.dimension


def _of(dimension: str, **factors: Fraction | int | str) -> dict[str, Unit]:
    return {symbol: Unit(symbol, dimension, Fraction(factor)) for symbol, factor in factors.items()}


def _gas(symbol: str, volume: Fraction | int, kelvin: Fraction, reference: str) -> dict[str, Unit]:
    """Return a gas volume; its factor is the volume at 0 degC of the same amount of ideal gas, in Nm3."""
    return {symbol: Unit(symbol, "gas volume", volume * _KELVIN_AT_0_DEGC / kelvin, reference=reference)}


_KELVIN_AT_0_DEGC = Fraction("273.15")
_RANKINE_AT_0_DEGF = Fraction("459.67")
_CUBIC_FOOT = Fraction("0.3048") ** 3  # [m3]
_US_GALLON = 231 * Fraction("0.0254") ** 3  # 231 cubic inches [m3]
_POUND = Fraction("0.45359237")  # [kg]
_ATMOSPHERE = 101_325  # [Pa]
_KCAL = Fraction("4186.8")  # [J], international table
_BTU = Fraction("1055.05585262")  # [J], international table
_GRAVITY = Fraction("9.80665")  # [m/s2]
_PSI = _POUND * _GRAVITY / Fraction("0.0254") ** 2  # [Pa]
_KGF_PER_CM2 = _GRAVITY * 10**4  # [Pa]
_MM_HG = Fraction(_ATMOSPHERE, 760)  # [Pa]; QCVN: 760 mmHg are one atmosphere


def _kelvin(fahrenheit: int) -> Fraction:
    return (fahrenheit + _RANKINE_AT_0_DEGF) * Fraction(5, 9)


_TABLE: dict[str, Unit] = {
    # The base is the unit with factor 1: J, kg, m3, s, K, Pa and so on.
    **_of("energy", J=1, kJ=10**3, MJ=10**6, GJ=10**9, TJ=10**12),
    **_of("energy", Wh=3600, kWh=3600 * 10**3, MWh=3600 * 10**6, GWh=3600 * 10**9),
    **_of(
        "energy", kcal=_KCAL, Mcal=_KCAL * 10**3, Gcal=_KCAL * 10**6, toe=_KCAL * 10**7, ktoe=_KCAL * 10**10
    ),
    **_of("energy", Btu=_BTU, mmBtu=_BTU * 10**6, therm=_BTU * 10**5),
    **_of("energy/time", W=1, kW=10**3, MW=10**6, GW=10**9),
    **_of("reactive energy", varh=3600, kvarh=3600 * 10**3, Mvarh=3600 * 10**6),
    **_of("reactive energy/time", var=1, kvar=10**3, Mvar=10**6),
    **_of("apparent energy", VAh=3600, kVAh=3600 * 10**3, MVAh=3600 * 10**6),
    **_of("apparent energy/time", VA=1, kVA=10**3, MVA=10**6),
    **_of(
        "mass", ug=Fraction(1, 10**9), mg=Fraction(1, 10**6), g=Fraction(1, 10**3), kg=1, t=10**3, Gg=10**6
    ),
    **_of("mass", lb=_POUND, short_ton=2000 * _POUND, kgCO2=1, tCO2=10**3),
    **_of("CO2e", kgCO2e=1, tCO2e=10**3),
    **_of("volume", mL=Fraction(1, 10**6), L=Fraction(1, 10**3), m3=1, ft3=_CUBIC_FOOT, gal=_US_GALLON),
    **_gas("Nm3", 1, _KELVIN_AT_0_DEGC, "0 degC, 101.325 kPa"),
    **_gas("kNm3", 10**3, _KELVIN_AT_0_DEGC, "0 degC, 101.325 kPa"),
    **_gas("Nm3@25C", 1, _KELVIN_AT_0_DEGC + 25, "25 degC, 101.325 kPa"),
    **_gas("m3@20C", 1, _KELVIN_AT_0_DEGC + 20, "20 degC, 101.325 kPa"),
    **_gas("Sm3", 1, _KELVIN_AT_0_DEGC + 15, "15 degC, 101.325 kPa"),
    **_gas("scf@60F", _CUBIC_FOOT, _kelvin(60), "60 degF, 101.325 kPa"),
    **_gas("scf@68F", _CUBIC_FOOT, _kelvin(68), "68 degF, 101.325 kPa"),
    **_of("time", s=1, min=60, h=3600, d=86400),
    **_of("length", mm=Fraction(1, 10**3), m=1, km=10**3),
    **_of("area", m2=1),
    **_of("freight", tkm=1),  # a tonne carried over a kilometre
    **_of("passenger distance", pkm=1),  # a person carried over a kilometre
    **_of("Vietnamese dong", VND=1, kVND=10**3, MVND=10**6),
    **_of("pressure", Pa=1, mbar=100, hPa=100, kPa=10**3, bar=10**5, MPa=10**6, atm=_ATMOSPHERE),
    **_of("pressure", mmHg=_MM_HG, inHg=Fraction("25.4") * _MM_HG, mmH2O=_GRAVITY, psi=_PSI),
    **_of("pressure", **{"kgf/cm2": _KGF_PER_CM2}),
    **_of("gauge pressure", Pag=1, mbarg=100, kPag=10**3, barg=10**5, MPag=10**6, psig=_PSI),
    **_of("gauge pressure", **{"kgf/cm2g": _KGF_PER_CM2}),
    **_of("temperature", K=1),
    "°C": Unit("°C", "temperature", Fraction(1), _KELVIN_AT_0_DEGC),
    "°F": Unit("°F", "temperature", Fraction(5, 9), _RANKINE_AT_0_DEGF * Fraction(5, 9)),
    **_of("voltage", mV=Fraction(1, 10**3), V=1, kV=10**3),
    **_of("current", mA=Fraction(1, 10**3), A=1, kA=10**3),
    **_of("charge", mAh=Fraction(36, 10), Ah=3600, kAh=3600 * 10**3),
    **_of("frequency", Hz=1),
    **_of("acidity", pH=1),
    "1": Unit("1", "1", Fraction(1)),
    "%": Unit("%", "1", Fraction(1, 100)),
    **_of("1", ppm=Fraction(1, 10**6), ppb=Fraction(1, 10**9)),
}

# Other spellings of the same symbol, as meters and spreadsheets write them, alone and as parts of quotients. None of them
# could be another unit.
_SPELLINGS: dict[str, str] = {
    "°C": "degC",
    "°F": "degF",
    "L": "l litre liter litres liters",
    "t": "tonne tonnes",
    "Nm3": "Nm³ m3@0C m³@0C Nm3@0C Nm³@0C",
    "Sm3": "Sm³ m3@15C m³@15C Sm3@15C Sm³@15C",
    "m3@20C": "m³@20C Nm3@20C Nm³@20C Sm3@20C Sm³@20C",
    "Nm3@25C": "Nm³@25C m3@25C m³@25C",
    "m3": "m³",
    "Btu": "BTU btu",
    "mmBtu": "MMBtu MMBTU mmBTU MMbtu mmbtu",
    "therm": "therms",
    "toe": "TOE",
    "ktoe": "kTOE",
    "bar": "bara bar(a) barA",
    "barg": "bar(g) barG",
    "mbarg": "mbar(g)",
    "kPa": "kPaa kPa(a)",
    "kPag": "kPa(g) kPaG",
    "MPag": "MPa(g) MPaG",
    "psi": "psia psi(a)",
    "psig": "psi(g)",
    "kgf/cm2": "kgf/cm²",
    "kgf/cm2g": "kgf/cm2(g) kgf/cm²g",
    "mmHg": "Torr torr",
    "mmH2O": "mmWC mmH₂O",
    "1": "pulse pulses imp",
}
_ALIASES = {spelling: symbol for symbol, spellings in _SPELLINGS.items() for spelling in spellings.split()}

_AMBIGUOUS = {
    **{f"scf{rate}": f"scf@60F{rate} or scf@68F{rate}" for rate in ("", "/h", "/min")},
    **{f"{name}{rate}": f"t{rate} or short_ton{rate}" for name in ("ton", "tons") for rate in ("", "/h")},
    **dict.fromkeys(("kg/cm2", "kg/cm²"), "kgf/cm2, or kgf/cm2g for gauge pressure"),
}
