"""Where parameters of methods usually are, and what they look like in the units in which they are taken for them.

A number outside is not refused: `check` names it, because a plant may be unlike all others. Each range says where it is
from; "practice" is what plants have, wider than tables of typical values on both sides.

References
----------
.. [1] IPCC, "2006 IPCC Guidelines for National Greenhouse Gas Inventories", volume 2, chapter 1, table 1.2: net calorific
   values from 1.2 (blast furnace gas) to 50.6 GJ/t (refinery gas).
.. [2] 40 CFR 98, subpart C, tables C-1 and C-2; the numbers are in docs/defaults.md.
.. [3] 40 CFR 75, appendix F, table 1; likewise.
.. [4] IAPWS-IF97: 2,676 kJ/kg is the enthalpy of dry saturated steam at 1 atm, 3,900 that of 700 degC.
.. [5] EPA, AP-42, section 3.2: engines that burn lean let through up to 0.57 kg CH4/mmBtu.
"""

from plant.catalogue import Range, Slip

FRACTION = Slip("a fraction of 1", 100.0)
PERCENT = Slip("%", 0.01)

_SHARE_SLIPS = (FRACTION,)
_IPCC, _PART_98, _PART_75 = (
    "IPCC 2006, volume 2, table 1.2",
    "40 CFR 98, table C-1",
    "40 CFR 75, appendix F, table 1",
)

NCV_OF_MASS = Range(
    1.0, 55.0, f"{_IPCC}: blast furnace gas to refinery gas", ("kcal/kg", "kJ/kg", "Btu/lb", "kWh/t", "GJ/kg")
)
NCV_OF_GAS = Range(
    2.0, 130.0, "blast furnace gas to butane", ("kcal/Nm3", "kJ/Nm3", "Btu/scf@60F", "GJ/Nm3", "MJ/kNm3")
)
GCV_OF_GAS = Range(2.0, 140.0, "blast furnace gas to butane", NCV_OF_GAS.slips)
DENSITY = Range(0.4, 1.4, "liquefied gas to black liquor", ("kg/m3", "lb/gal", "lb/ft3"))
HHV_OF_VOLUME = Range(0.05, 0.2, f"{_PART_98}: ethane to road oil", ("Btu/gal", "MJ/L", "GJ/m3", "kcal/L"))
HHV_OF_GAS = Range(
    0.05e-3, 4e-3, f"{_PART_98}: blast furnace gas to propane",
    ("Btu/scf@60F", Slip("mmBtu per thousand cubic feet", 1e-3), "MJ/Nm3", "kcal/Nm3"),
)  # fmt: skip
HHV_OF_MASS = Range(3.0, 40.0, f"{_PART_98}: wet biomass to plastics", ("Btu/lb", "kcal/kg", "kJ/kg", "MJ/t"))
HEAT_PER_STEAM = Range(
    0.9e-3, 2e-3, "boilers of any pressure, practice", ("Btu/lb", "mmBtu/short_ton", "GJ/t", "kJ/kg")
)

CO2_PER_HEAT = Range(
    40.0,
    280.0,
    f"{_PART_98}: coke oven gas to blast furnace gas",
    ("t/mmBtu", "kg/TJ", "kg/MWh", "lb/MWh"),
    zero=True,
)
CH4_PER_HEAT = Range(
    1e-6, 0.6, "40 CFR 98, table C-2; engines: AP-42, section 3.2", ("g/mmBtu", "kg/TJ", "mg/MJ"), zero=True
)
N2O_PER_HEAT = Range(1e-6, 0.05, "40 CFR 98, table C-2", ("g/mmBtu", "kg/TJ", "mg/MJ"), zero=True)

CARBON_OF_MASS = Range(5.0, 100.0, "wet waste to coke", _SHARE_SLIPS)
CARBON_OF_VOLUME = Range(1.0, 4.0, "ethanol to heavy oil", ("kg/L", "lb/gal", "kg/m3"))
MOLAR_MASS = Range(2.0, 150.0, "hydrogen to gasoline, in kg/kmol", (Slip("kg/mol", 1000.0),))
OXIDATION = Range(80.0, 100.0, "grates to gas burners, practice", _SHARE_SLIPS)
NET_SHARE = Range(70.0, 100.0, "wet biomass to coke; gas about 90", _SHARE_SLIPS)
BIOGENIC_SHARE = Range(1.0, 100.0, "all that is not a fraction", _SHARE_SLIPS, zero=True)

BOILER_EFFICIENCY = Range(40.0, 100.0, "practice", _SHARE_SLIPS)
HEAT_EFFICIENCY = Range(40.0, 100.0, "practice; the tool has 66 and 80", _SHARE_SLIPS)
POWER_EFFICIENCY = Range(15.0, 65.0, "practice; the tool has 33 and 35", _SHARE_SLIPS)
STEAM_ENTHALPY = Range(
    2000.0, 4000.0, "wet to superheated steam, IAPWS-IF97", ("kcal/kg", "MJ/kg", "Btu/lb", "kWh/t", "kWh/kg")
)
WATER_ENTHALPY = Range(
    10.0, 1200.0, "water up to 270 degC, IAPWS-IF97", ("MJ/kg", "J/kg", "kWh/kg"), zero=True
)

BAROMETRIC = Range(
    50.0,
    110.0,
    "5,500 m above the sea to the highest at its level",
    ("hPa", "mmHg", "bar", "Pa", "psi", "inHg"),
)
COMPRESSIBILITY = Range(0.5, 1.2, "gases below 100 bar, practice", (PERCENT,))

LIME = Range(50.0, 75.0, "IPCC 2006, volume 3, chapter 2: 60 to 67", _SHARE_SLIPS)
KILN_DUST = Range(1.0, 1.2, "IPCC 2006, volume 3, chapter 2: 1.02 by default", (PERCENT,))

METHANE = Range(5.0, 100.0, "gas of landfills and mines to pure methane", _SHARE_SLIPS, zero=True)
DESTRUCTION = Range(50.0, 100.0, "open flares to enclosed ones", _SHARE_SLIPS, zero=True)
GAS_CONTENT = Range(
    0.1, 60.0, "IPCC 2006, volume 2, chapter 4: 0.3 (surface) to 25 (underground)", ("L/kg", "ft3/short_ton")
)
GWP = Range(0.0, 30000.0, "ammonia to SF6")

F_CARBON = Range(900.0, 2100.0, f"{_PART_75}: natural gas to anthracite", ("Nm3/GJ",))
F_DRY = Range(8000.0, 11500.0, f"{_PART_75}: natural gas to anthracite", ("Nm3/GJ",))

CHARGING_LOSS = Range(
    0.1, 3.0, "IPCC 2006, volume 3, chapter 7, table 7.9: 0.1 to 3", _SHARE_SLIPS, zero=True
)
YEARLY_LEAK = Range(
    0.1, 50.0, "IPCC 2006, volume 3, chapter 7, table 7.9: 0.1 to 50", _SHARE_SLIPS, zero=True
)
REMAINING = Range(1.0, 100.0, "all that is not a fraction", _SHARE_SLIPS, zero=True)
RECOVERED = Range(1.0, 100.0, "all that is not a fraction", _SHARE_SLIPS, zero=True)

DRY_MATTER = Range(10.0, 100.0, "IPCC 2006, volume 5, chapter 2: food waste to plastics", _SHARE_SLIPS)
CARBON_OF_WASTE = Range(5.0, 90.0, "IPCC 2006, volume 5, chapter 2: inert waste to plastics", _SHARE_SLIPS)
FOSSIL_SHARE = Range(1.0, 100.0, "all that is not a fraction", _SHARE_SLIPS, zero=True)
PURITY = Range(50.0, 100.0, "quarries, practice", _SHARE_SLIPS)
