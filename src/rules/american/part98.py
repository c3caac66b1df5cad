"""40 CFR part 98, subpart C: CO2, CH4 and N2O of stationary combustion by tiers 1 to 4, in the units of the rule.

`fuel` is in the unit of the fuel's row in table C-1: standard cubic feet, gallons or short tons; `hhv` is gross, per that
unit. Results are metric tons, t. A divisor from short to metric tons is a property of the paragraph that prescribes it,
not a conversion of units: use `metric_tons`, and convert a mass of anything else by the unit table.

References
----------
.. [1] 40 CFR 98.33. The equations are images there; written from their definitions.
"""

from collections.abc import Mapping

import numpy as np

from plant.arrays import Floats
from rules.examples import Worked
from rules.formulas.stack_gas import Number, dry_of_wet
from rules.validity import not_negative, percent, positive

CO2_PER_CARBON = 44 / 12
TONNES_PER_KG = 1e-3
TONNES_PER_SHORT_TON = 0.91  # of equations C-3 and C-11, as the rule rounds it
MMBTU_PER_THERM = 0.1
CO2_TONNES = 5.18e-7  # [t/scf per %] of equation C-6
MOLAR_VOLUME: Mapping[int, float] = {60: 836.6, 68: 849.5}  # [scf/kg-mol] by reference temperature [degF]

SHORT_TONS_PER_TONNE: Mapping[str, float] = {
    "98.33(a)(5)": 1.1,  # V: combustion units that report under part 75
    "98.43(a)(1)": 1.1023,  # V: electricity generation, subpart D
}


def metric_tons(short_tons: Number, paragraph: str) -> Floats:
    """Return CO2 of part 75 in metric tons, by the divisor of the paragraph that asks for it.

    Parameters
    ----------
    short_tons
        [short tons]
    paragraph
        A key of `SHORT_TONS_PER_TONNE`.

    Returns
    -------
    Floats
        [t]

    Raises
    ------
    ValueError
        Where the paragraph gives no divisor.
    """
    if paragraph not in SHORT_TONS_PER_TONNE:
        raise ValueError(f"{paragraph!r} gives no divisor, only {', '.join(SHORT_TONS_PER_TONNE)}")
    return not_negative(short_tons) / SHORT_TONS_PER_TONNE[paragraph]


def tiers(
    capacity: float, *, gas_or_distillate: bool, listed: bool, monitored: bool, measured_hhv: bool = True
) -> frozenset[int]:
    """Return the tiers that a unit may use for a fuel, 98.33(b) [1]_.

    Parameters
    ----------
    capacity
        Maximum rated heat input. [mmBtu/h]
    gas_or_distillate
        The fuel is natural gas or distillate oil, for which tier 2 has no upper limit.
    listed
        The fuel is in table C-1; tiers 1 and 2 need its factor.
    monitored
        The stack has a flow monitor and a CO2 monitor. O2 instead of CO2 (F-14a, F-14b) will do only for pure products of
        combustion of a fuel in table 1 of appendix F to part 75.
    measured_hhv
        The fuel's HHV is measured as often as tier 2 wants it.
    """
    small = capacity <= 250
    allowed = {
        1: listed and small,
        2: listed and measured_hhv and (small or gas_or_distillate),
        3: True,
        4: monitored,
    }
    return frozenset(tier for tier, may in allowed.items() if may)


def c1(fuel: Number, hhv: Number, ef: Number) -> Floats:
    """Tier 1: CO2 from a default HHV, `0.001 Fuel HHV EF`, equation C-1; C-2a and C-8 are the same product.

    Parameters
    ----------
    fuel, hhv, ef
        [unit], [mmBtu/unit], [kg/mmBtu]

    Returns
    -------
    Floats
        [t]
    """
    return TONNES_PER_KG * not_negative(fuel) * positive(hhv) * not_negative(ef)


def c1a(gas: Number, ef: Number) -> Floats:
    """Tier 1: CO2 from gas billed in therms, `0.001 * 0.1 Gas EF`, equation C-1a; [therm], [kg/mmBtu] → [t]."""
    return TONNES_PER_KG * MMBTU_PER_THERM * not_negative(gas) * not_negative(ef)


def c1b(gas: Number, ef: Number) -> Floats:
    """Tier 1: CO2 from gas billed by energy, `0.001 Gas EF`, equation C-1b; [mmBtu], [kg/mmBtu] → [t]."""
    return TONNES_PER_KG * not_negative(gas) * not_negative(ef)


def c2a(fuel: Number, hhv: Number, ef: Number) -> Floats:
    """Tier 2: CO2 from the measured HHV of `c2b`, equation C-2a; [unit], [mmBtu/unit], [kg/mmBtu] → [t]."""
    return c1(fuel, hhv, ef)


def c2b(hhv: Floats, fuel: Floats) -> Floats:
    """Annual HHV weighted by fuel, `sum(HHV_i Fuel_i) / sum(Fuel_i)`, equation C-2b.

    Parameters
    ----------
    hhv, fuel
        Of each month or sample, shape (..., samples). [mmBtu/unit], [unit]

    Returns
    -------
    Floats
        Shape (...); NaN where a sample is unknown or no fuel was burned. [mmBtu/unit]
    """
    burned = not_negative(fuel)
    energy: Floats = (positive(hhv) * burned).sum(axis=-1)
    return energy / positive(burned.sum(axis=-1))


def c2c(steam: Number, ratio: Number, ef: Number) -> Floats:
    """Tier 2: CO2 from steam made of solid fuel, `0.001 Steam B EF`, equation C-2c; C-9b for CH4 and N2O.

    Parameters
    ----------
    steam, ratio, ef
        [lb], [mmBtu/lb steam: rated heat input per rated steam], [kg/mmBtu]

    Returns
    -------
    Floats
        [t]
    """
    return TONNES_PER_KG * not_negative(steam) * positive(ratio) * not_negative(ef)


def c3(fuel: Number, carbon: Number) -> Floats:
    """Tier 3: CO2 from the carbon of a solid fuel, `44/12 Fuel CC 0.91`, equation C-3.

    Parameters
    ----------
    fuel, carbon
        [short tons], [kg C/kg, 0 to 1]

    Returns
    -------
    Floats
        [t]
    """
    return CO2_PER_CARBON * not_negative(fuel) * _fraction(carbon) * TONNES_PER_SHORT_TON


def c4(fuel: Number, carbon: Number) -> Floats:
    """Tier 3: CO2 from the carbon of a liquid, `44/12 Fuel CC 0.001`, equation C-4; [gal], [kg C/gal] → [t]."""
    return CO2_PER_CARBON * not_negative(fuel) * not_negative(carbon) * TONNES_PER_KG


def c5(fuel: Number, carbon: Number, molar_mass: Number, reference: int = 68) -> Floats:
    """Tier 3: CO2 from the carbon of a gas, `44/12 Fuel CC MW/MVC 0.001`, equation C-5.

    Parameters
    ----------
    fuel, carbon, molar_mass
        [scf], [kg C/kg, 0 to 1], [kg/kg-mol]
    reference
        Of the standard cubic foot, 60 or 68. [degF]

    Returns
    -------
    Floats
        [t]
    """
    moles = not_negative(fuel) * positive(molar_mass) / MOLAR_VOLUME[reference]
    return CO2_PER_CARBON * moles * _fraction(carbon) * TONNES_PER_KG


def c6(co2_wet: Number, flow: Number) -> Floats:
    """Tier 4: CO2 mass rate from a wet monitor, `5.18e-7 C Q`, equation C-6; [% wet], [scfh wet] → [t/h]."""
    return CO2_TONNES * percent(co2_wet) * not_negative(flow)


def c7(rate: Number, moisture: Number) -> Floats:
    """Tier 4: `c6` of a dry CO2 concentration corrected for moisture, equation C-7; [t/h], [%] → [t/h]."""
    return not_negative(rate) * dry_of_wet(moisture)


def tier4(rate: Number, hours: Number) -> Floats:
    """Tier 4: CO2 of each hour from its rate, times the part of the hour in operation, (a)(4)(v).

    Parameters
    ----------
    rate, hours
        [t/h], [h, 0 to 1]

    Returns
    -------
    Floats
        Hours add to quarters and these to the year, (a)(4)(vi). [t]
    """
    return not_negative(rate) * _fraction(hours)


def c8(fuel: Number, hhv: Number, ef: Number) -> Floats:
    """CH4 or N2O where tier 1 or 3 gives CO2, equation C-8; with a measured HHV C-9a; [unit], [mmBtu/unit], [kg/mmBtu] → [t]."""
    return c1(fuel, hhv, ef)


def c8a(gas: Number, ef: Number) -> Floats:
    """CH4 or N2O from gas billed in therms, equation C-8a; [therm], [kg/mmBtu] → [t]."""
    return c1a(gas, ef)


def c8b(gas: Number, ef: Number) -> Floats:
    """CH4 or N2O from gas billed by energy, equation C-8b; [mmBtu], [kg/mmBtu] → [t]."""
    return c1b(gas, ef)


def c9a(fuel: Number, hhv: Number, ef: Number) -> Floats:
    """CH4 or N2O where tier 2 gives CO2, equation C-9a; [unit], [mmBtu/unit], [kg/mmBtu] → [t]."""
    return c2a(fuel, hhv, ef)


def c9b(steam: Number, ratio: Number, ef: Number) -> Floats:
    """CH4 or N2O from steam, equation C-9b; [lb], [mmBtu/lb], [kg/mmBtu] → [t]."""
    return c2c(steam, ratio, ef)


def c10(heat_input: Number, ef: Number) -> Floats:
    """CH4 or N2O where tier 4 gives CO2, `0.001 HI EF`, equation C-10; [mmBtu of the year], [kg/mmBtu] → [t]."""
    return c1b(heat_input, ef)


def c11(sorbent: Number, molar_mass: Number = 100.0, ratio: Number = 1.0) -> Floats:
    """CO2 from the sorbent of a scrubber or fluidised bed, `0.91 S R 44 / MW_S`, equation C-11.

    Parameters
    ----------
    sorbent, molar_mass, ratio
        [short tons], [kg/kg-mol: 100 for CaCO3], [mol CO2/mol sorbent: 1 for CaCO3]

    Returns
    -------
    Floats
        [t]
    """
    moles = not_negative(sorbent) * not_negative(ratio) / positive(molar_mass)
    return TONNES_PER_SHORT_TON * moles * 44


def c12(co2: Number, flow: Number, hours: Number) -> Floats:
    """Volume of CO2 in an hour's stack gas, `(%CO2 / 100) Q t`, equation C-12: for the biogenic share.

    Parameters
    ----------
    co2, flow, hours
        On one moisture basis. [%], [scfh], [h, 0 to 1]

    Returns
    -------
    Floats
        [scf]
    """
    return percent(co2) / 100 * not_negative(flow) * _fraction(hours)


def _fraction(value: Number) -> Floats:
    number = np.asarray(value, np.float64)
    return np.where((number >= 0) & (number <= 1), number, np.nan)


EXAMPLES: Mapping[str, Worked] = {
    "metric_tons: 98.33(a)(5)": Worked(
        {"short_tons": 68.4, "paragraph": "98.33(a)(5)"}, "t", "short_tons / 1.1"
    ),
    "metric_tons: 98.43(a)(1)": Worked(
        {"short_tons": 68.4, "paragraph": "98.43(a)(1)"}, "t", "short_tons / 1.1023"
    ),
    "c1": Worked({"fuel": 1e6, "hhv": 1.026e-3, "ef": 53.06}, "t", "0.001 * fuel * hhv * ef"),
    "c1a": Worked({"gas": 10e3, "ef": 53.06}, "t", "0.001 * 0.1 * gas * ef"),
    "c1b": Worked({"gas": 1000.0, "ef": 53.06}, "t", "0.001 * gas * ef"),
    "c2a": Worked({"fuel": 1e6, "hhv": 1.035e-3, "ef": 53.06}, "t", "0.001 * fuel * hhv * ef"),
    "c2b": Worked(
        {"hhv": (1.03e-3, 1.04e-3), "fuel": (3e6, 1e6)}, "mmBtu/unit", "sum(hhv * fuel) / sum(fuel)"
    ),
    "c2c": Worked({"steam": 1e6, "ratio": 1.25e-3, "ef": 93.28}, "t", "0.001 * steam * ratio * ef"),
    "c3": Worked({"fuel": 100.0, "carbon": 0.637}, "t", "44 / 12 * fuel * carbon * 0.91"),
    "c4": Worked({"fuel": 1000.0, "carbon": 2.78}, "t", "44 / 12 * fuel * carbon * 0.001"),
    "c5": Worked(
        {"fuel": 1e6, "carbon": 0.724, "molar_mass": 17.4},
        "t",
        "44 / 12 * fuel * carbon * molar_mass / 849.5 * 0.001",
    ),
    "c6": Worked({"co2_wet": 12.0, "flow": 10e6}, "t/h", "5.18e-7 * co2_wet * flow"),
    "c7": Worked({"rate": 62.16, "moisture": 8.0}, "t/h", "rate * (100 - moisture) / 100"),
    "tier4": Worked({"rate": 57.1872, "hours": 0.75}, "t", "rate * hours"),
    "c8": Worked({"fuel": 1e6, "hhv": 1.026e-3, "ef": 0.001}, "t", "0.001 * fuel * hhv * ef"),
    "c8a": Worked({"gas": 10e3, "ef": 0.001}, "t", "0.001 * 0.1 * gas * ef"),
    "c8b": Worked({"gas": 1000.0, "ef": 0.001}, "t", "0.001 * gas * ef"),
    "c9a": Worked({"fuel": 1e6, "hhv": 1.035e-3, "ef": 0.001}, "t", "0.001 * fuel * hhv * ef"),
    "c9b": Worked({"steam": 1e6, "ratio": 1.25e-3, "ef": 0.011}, "t", "0.001 * steam * ratio * ef"),
    "c10": Worked({"heat_input": 1e6, "ef": 0.011}, "t", "0.001 * heat_input * ef"),
    "c11": Worked(
        {"sorbent": 10.0, "molar_mass": 100.0, "ratio": 1.0}, "t", "0.91 * sorbent * ratio * 44 / molar_mass"
    ),
    "c12": Worked({"co2": 12.0, "flow": 10e6, "hours": 0.75}, "scf", "co2 / 100 * flow * hours"),
}
