"""Methane as IPCC and Circular 38 weigh it."""

from rules.formulas.stack_gas import KELVIN_AT_0_DEGC

DENSITY_AT_20_DEGC = 0.67  # [kg/m3] at 20 degC, 101.325 kPa; as IPCC rounds it, the ideal gas has 0.667
DENSITY = DENSITY_AT_20_DEGC * (KELVIN_AT_0_DEGC + 20) / KELVIN_AT_0_DEGC  # [kg/Nm3]
CO2_PER_CH4 = 44 / 16  # [kg/kg] burned, as IPCC rounds the molar masses
