"""The methods beside fuels of known energy, grid electricity and stacks, once more: row by row, in other units.

Each is written from its equation with the units that the equation is printed in, in plain Python.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

Row = Mapping[str, float]
Kilograms = tuple[float, float, float, float]  # CO2, biogenic CO2, CH4, N2O
Range = tuple[float, float]


@dataclass(frozen=True)
class Oracle:
    """A method's equation for one row, and from where to where its numbers are drawn."""

    gases: Callable[[Row, Row, Row], Kilograms]
    factor: Mapping[str, Range] = field(default_factory=dict)
    parameters: Mapping[str, Range] = field(default_factory=dict)
    levels: Mapping[str, Range] = field(default_factory=dict)


FUEL = {"co2": (40.0, 260.0), "co2_biogenic": (0.0, 120.0), "ch4": (0.001, 0.2), "n2o": (0.0001, 0.004)}
FUEL_CO2 = {"co2": FUEL["co2"], "co2_biogenic": FUEL["co2_biogenic"]}
NCV = {"ncv": (2.0, 51.0)}
TREATMENT = {"b0": (0.1, 0.7), "mcf": (0.0, 1.0)}


def co2_by(role: str) -> Callable[[Row, Row, Row], Kilograms]:
    def gases(row: Row, factor: Row, parameters: Row) -> Kilograms:
        return row[role] * factor["co2"], 0.0, 0.0, 0.0

    return gases


def steam(enthalpy: float, row: Row, factor: Row, parameters: Row) -> Kilograms:
    """Circular 38: t steam, kJ/kg, fraction, kg/TJ, divisor 10^9."""
    eta = parameters["boiler_efficiency"] / 100
    per_tonne = [
        (enthalpy / eta) * (kg_per_gj * 1000) / 1e9 for kg_per_gj in (factor["co2"], factor["co2_biogenic"])
    ]
    tonnes = [row["steam"] / 1000 * ef for ef in per_tonne]
    return tonnes[0] * 1000, tonnes[1] * 1000, 0.0, 0.0


def steam_full(row: Row, factor: Row, parameters: Row) -> Kilograms:
    return steam(parameters["enthalpy"], row, factor, parameters)


def steam_useful(row: Row, factor: Row, parameters: Row) -> Kilograms:
    return steam(parameters["enthalpy"] - parameters["water_enthalpy"], row, factor, parameters)


def burned(gigajoules: float, factor: Row) -> Kilograms:
    """Equation 2.1 in TJ and kg/TJ."""
    terajoules = gigajoules / 1000
    co2, biogenic, ch4, n2o = (
        terajoules * (factor[gas] * 1000) for gas in ("co2", "co2_biogenic", "ch4", "n2o")
    )
    return co2, biogenic, ch4, n2o


def actual_volume(kilopascals: float, row: Row, factor: Row, parameters: Row) -> Kilograms:
    """The amount of gas in mol, by n = P V / (K R T), and its volume at reference conditions."""
    pascals, kelvin = kilopascals * 1000, row["temperature"] + 273.15
    mol = pascals * row["volume"] / (parameters["compressibility"] * 8.314462618 * kelvin)
    reference = mol * 8.314462618 * 273.15 / 101325
    return burned(reference * parameters["ncv"] / 1000, factor)


def actual(row: Row, factor: Row, parameters: Row) -> Kilograms:
    return actual_volume(row["pressure"], row, factor, parameters)


def gauge(row: Row, factor: Row, parameters: Row) -> Kilograms:
    return actual_volume(row["pressure"] + parameters["barometric"], row, factor, parameters)


def gross(row: Row, factor: Row, parameters: Row) -> Kilograms:
    return burned(row["volume"] * parameters["gcv"] / 1000 * parameters["net_share"] / 100, factor)


def carbon(row: Row, factor: Row, parameters: Row) -> Kilograms:
    oxidised = row["mass"] * (parameters["carbon"] / 100) * (parameters["oxidation"] / 100)
    total, share = oxidised / 12 * 44, parameters["biogenic_share"] / 100
    return total * (1 - share), total * share, 0.0, 0.0


def mixed(row: Row, factor: Row, parameters: Row) -> Kilograms:
    """MRR article 24(1) for the CO2; the oxidation factor is not of the other gases."""
    co2, biogenic, ch4, n2o = burned(row["mass"] / 1000 * parameters["ncv"], factor)
    of, bf = parameters["oxidation"] / 100, parameters["biogenic_share"] / 100
    return co2 * of * (1 - bf), biogenic * of + co2 * of * bf, ch4, n2o


def clinker(row: Row, factor: Row, parameters: Row) -> Kilograms:
    ef = 0.785 * (parameters["lime"] / 100)
    return row["clinker"] / 1000 * ef * parameters["kiln_dust_correction"] * 1000, 0.0, 0.0, 0.0


def carbonate(row: Row, factor: Row, parameters: Row) -> Kilograms:
    pure = row["carbonate"] * parameters["purity"] / 100
    return pure * parameters["calcination"] / 100 * factor["co2"], 0.0, 0.0, 0.0


def treated(row: Row, factor: Row, parameters: Row) -> Kilograms:
    return 0.0, 0.0, row["waste"] / 1000 * factor["ch4"] * 1000, row["waste"] / 1000 * factor["n2o"] * 1000


def incinerated(row: Row, factor: Row, parameters: Row) -> Kilograms:
    """Equation 5.1 in Gg, by carbon of each origin."""
    gigagrams = row["waste"] / 1e6
    carbon = gigagrams * (parameters["dry_matter"] / 100) * (parameters["carbon"] / 100)
    burned_ = carbon * (parameters["oxidation"] / 100) / 12 * 44 * 1e6
    fossil = parameters["fossil_share"] / 100
    return (
        burned_ * fossil,
        burned_ * (1 - fossil),
        row["waste"] * factor["ch4"],
        row["waste"] * factor["n2o"],
    )


def acid(row: Row, factor: Row, parameters: Row) -> Kilograms:
    return 0.0, 0.0, 0.0, row["acid"] / 1000 * (factor["n2o"] * 1000)


def wastewater(row: Row, demand: float, factor: Row) -> float:
    """CH4 [kg] of a demand in mg/L."""
    organic = row["volume"] * 1000 * (demand * 1000) / 1e6
    return (organic - row.get("sludge", 0.0)) * factor["b0"] * factor["mcf"]


def cod(row: Row, factor: Row, parameters: Row) -> Kilograms:
    return 0.0, 0.0, wastewater(row, row["cod"], factor), 0.0


def bod(row: Row, factor: Row, parameters: Row) -> Kilograms:
    return 0.0, 0.0, wastewater(row, row["bod"], factor), 0.0


def methane(normal_cubic_metres: float, share: float) -> float:
    """CH4 [kg] at 20 degC, where IPCC's density holds."""
    return normal_cubic_metres / 273.15 * 293.15 * (share / 100) * 0.67


def recovery(row: Row, factor: Row, parameters: Row) -> Kilograms:
    made = wastewater(row, row["cod"], factor)
    return 0.0, 0.0, made - methane(row["biogas"], parameters["methane"]), 0.0


def nitrogen(row: Row, factor: Row, parameters: Row) -> Kilograms:
    return 0.0, 0.0, 0.0, row["volume"] * row["nitrogen"] * factor["n2o_n"] / 28 * 44


def flare(row: Row, factor: Row, parameters: Row) -> Kilograms:
    ch4, eta = methane(row["gas"], parameters["methane"]), parameters["destruction"] / 100
    co2, share = ch4 * eta * 44 / 16, parameters["biogenic_share"] / 100
    return co2 * (1 - share), co2 * share, ch4 * (1 - eta), 0.0


def coal(row: Row, factor: Row, parameters: Row) -> Kilograms:
    return 0.0, 0.0, row["coal"] / 1000 * parameters["gas_content"] * 0.67, 0.0


def biogenic(total: float, parameters: Row) -> Kilograms:
    share = parameters["biogenic_share"] / 100
    return total * (1 - share), total * share, 0.0, 0.0


def heat_rated(mmbtu: float, parameters: Row) -> Kilograms:
    """Equations C-1 and C-8 in metric tons."""
    tonnes = [0.001 * mmbtu * parameters[f"{gas}_per_heat"] for gas in ("co2", "ch4", "n2o")]
    fossil, memo, _, _ = biogenic(tonnes[0] * 1000, parameters)
    return fossil, memo, tonnes[1] * 1000, tonnes[2] * 1000


def by_energy(row: Row, factor: Row, parameters: Row) -> Kilograms:
    return heat_rated(row["energy"], parameters)


def by_steam(row: Row, factor: Row, parameters: Row) -> Kilograms:
    """Equations C-2c and C-9b."""
    return heat_rated(row["steam"] * parameters["heat_per_steam"], parameters)


def by_hhv(row: Row, factor: Row, parameters: Row) -> Kilograms:
    return heat_rated(row["fuel"] * parameters["hhv"], parameters)


def gas_carbon(row: Row, factor: Row, parameters: Row) -> Kilograms:
    """Equation C-5."""
    moles = row["fuel"] / 849.5
    return biogenic(44 / 12 * moles * parameters["molar_mass"] * (parameters["carbon"] / 100), parameters)


def liquid_carbon(row: Row, factor: Row, parameters: Row) -> Kilograms:
    """Equation C-4 in metric tons."""
    return biogenic(44 / 12 * row["fuel"] * parameters["carbon"] * 0.001 * 1000, parameters)


def solid_carbon(row: Row, factor: Row, parameters: Row) -> Kilograms:
    """Equation C-3 in metric tons."""
    return biogenic(44 / 12 * row["fuel"] * (parameters["carbon"] / 100) * 0.91 * 1000, parameters)


def c6(row: Row, factor: Row, parameters: Row) -> Kilograms:
    return biogenic(5.18e-7 * row["co2"] * row["flow"] * 1000, parameters)


def c7(row: Row, factor: Row, parameters: Row) -> Kilograms:
    dry = (100 - row["moisture"]) / 100
    return biogenic(5.18e-7 * row["co2"] * row["flow"] * dry * 1000, parameters)


SHORT_TON = 2000 * 0.45359237  # [kg]


def f11(percent: float, flow: float, parameters: Row) -> Kilograms:
    return biogenic(5.7e-7 * percent * flow * SHORT_TON, parameters)


def f11_wet(row: Row, factor: Row, parameters: Row) -> Kilograms:
    return f11(row["co2"], row["flow"], parameters)


def f11_dry(row: Row, factor: Row, parameters: Row) -> Kilograms:
    return f11(row["co2"], row["flow"] * (100 - row["moisture"]) / 100, parameters)


def f14a(row: Row, factor: Row, parameters: Row) -> Kilograms:
    co2 = max(100 * parameters["fc"] / parameters["fd"] * (20.9 - row["o2"]) / 20.9, 0)
    return f11(co2, row["flow"] * (100 - row["moisture"]) / 100, parameters)


def f14b(row: Row, factor: Row, parameters: Row) -> Kilograms:
    air = 20.9 * (100 - row["moisture"]) / 100
    co2 = max(100 / 20.9 * parameters["fc"] / parameters["fd"] * (air - row["o2"]), 0)
    return f11(co2, row["flow"], parameters)


def g4(row: Row, factor: Row, parameters: Row) -> Kilograms:
    pounds = parameters["fc"] * row["energy"] / 385 * 44
    return biogenic(pounds * 0.45359237, parameters)


STEAM = {"enthalpy": (2500.0, 3500.0), "boiler_efficiency": (50.0, 100.0)}
GAS_METER = {"pressure": (80.0, 5000.0), "temperature": (-20.0, 60.0)}
GAS = {**NCV, "compressibility": (0.8, 1.05)}
CARBON = {"oxidation": (80.0, 100.0), "biogenic_share": (0.0, 100.0)}

SHARE = {"biogenic_share": (0.0, 100.0)}
HEAT_RATES = {
    "co2_per_heat": (30.0, 280.0),
    "ch4_per_heat": (0.0, 0.04),
    "n2o_per_heat": (0.0, 0.005),
    **SHARE,
}
F_FACTORS = {"fc": (1000.0, 2000.0), "fd": (8700.0, 10300.0), **SHARE}

ORACLES: Mapping[str, Oracle] = {
    "electricity-direct": Oracle(co2_by("energy"), factor={"co2": (0.0, 1.2)}),
    "heat-purchased": Oracle(co2_by("energy"), factor={"co2": (0.0, 150.0)}),
    "steam-full-enthalpy": Oracle(steam_full, FUEL_CO2, STEAM),
    "steam-useful-heat": Oracle(steam_useful, FUEL_CO2, {**STEAM, "water_enthalpy": (0.0, 800.0)}),
    "fuel-gas-actual-volume": Oracle(actual, FUEL, GAS, GAS_METER),
    "fuel-gas-actual-volume-gauge": Oracle(
        gauge, FUEL, {**GAS, "barometric": (80.0, 105.0)}, {**GAS_METER, "pressure": (0.0, 5000.0)}
    ),
    "fuel-gas-volume-gross": Oracle(gross, FUEL, {"gcv": (2.0, 60.0), "net_share": (80.0, 100.0)}),
    "fuel-carbon-content": Oracle(carbon, {}, {"carbon": (1.0, 100.0), **CARBON}),
    "fuel-mass-mixed": Oracle(mixed, FUEL, {**NCV, **CARBON}),
    "process-product": Oracle(co2_by("product"), factor={"co2": (0.05, 3.0)}),
    "clinker-lime-content": Oracle(clinker, {}, {"lime": (55.0, 70.0), "kiln_dust_correction": (1.0, 1.1)}),
    "carbonate-use": Oracle(
        carbonate, {"co2": (0.3, 0.6)}, {"purity": (50.0, 100.0), "calcination": (80.0, 100.0)}
    ),
    "waste-treatment": Oracle(treated, {"ch4": (1e-4, 0.02), "n2o": (0.0, 0.002)}),
    "waste-incineration": Oracle(
        incinerated,
        {"ch4": (1e-8, 0.01), "n2o": (1e-6, 1e-3)},
        {
            "dry_matter": (10.0, 100.0),
            "carbon": (5.0, 90.0),
            "fossil_share": (0.0, 100.0),
            "oxidation": (50.0, 100.0),
        },
    ),
    "value-chain-mass": Oracle(co2_by("mass"), factor={"co2": (0.01, 20.0)}),
    "value-chain-electricity": Oracle(co2_by("energy"), factor={"co2": (0.01, 1.2)}),
    "nitric-acid": Oracle(acid, {"n2o": (0.001, 0.02)}),
    "wastewater-cod": Oracle(cod, TREATMENT),
    "wastewater-bod": Oracle(bod, TREATMENT),
    "wastewater-cod-recovery": Oracle(recovery, TREATMENT, {"methane": (0.0, 100.0)}),
    "wastewater-nitrogen": Oracle(nitrogen, {"n2o_n": (0.001, 0.05)}),
    "methane-flare": Oracle(
        flare,
        {},
        {"methane": (0.0, 100.0), "destruction": (0.0, 100.0), "biogenic_share": (0.0, 100.0)},
    ),
    "coal-mine": Oracle(coal, {}, {"gas_content": (0.0, 40.0)}),
    "part98-energy": Oracle(by_energy, {}, HEAT_RATES),
    "part98-gas": Oracle(by_hhv, {}, {"hhv": (1e-4, 3e-3), **HEAT_RATES}),
    "part98-liquid": Oracle(by_hhv, {}, {"hhv": (0.05, 0.2), **HEAT_RATES}),
    "part98-solid": Oracle(by_hhv, {}, {"hhv": (5.0, 40.0), **HEAT_RATES}),
    "part98-steam": Oracle(by_steam, {}, {"heat_per_steam": (0.0009, 0.002), **HEAT_RATES}),
    "part98-gas-carbon": Oracle(gas_carbon, {}, {"carbon": (0.0, 100.0), "molar_mass": (2.0, 60.0), **SHARE}),
    "part98-liquid-carbon": Oracle(liquid_carbon, {}, {"carbon": (0.0, 4.0), **SHARE}),
    "part98-solid-carbon": Oracle(solid_carbon, {}, {"carbon": (0.0, 100.0), **SHARE}),
    "part98-stack": Oracle(c6, {}, SHARE),
    "part98-stack-dry": Oracle(c7, {}, SHARE),
    "part75-stack": Oracle(f11_wet, {}, SHARE),
    "part75-stack-dry": Oracle(f11_dry, {}, SHARE),
    "part75-stack-o2": Oracle(f14a, {}, F_FACTORS, {"o2": (0.0, 25.0), "moisture": (0.0, 99.0)}),
    "part75-stack-o2-wet": Oracle(f14b, {}, F_FACTORS, {"o2": (0.0, 25.0), "moisture": (0.0, 90.0)}),
    "part75-heat-input": Oracle(g4, {}, {"fc": (800.0, 2100.0), **SHARE}),
}
