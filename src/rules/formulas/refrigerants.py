"""Fluorinated gases that leak from cooling and switchgear: kilograms lost, and tonnes of CO2e under a GWP set.

A method of sources gives kilograms of the gases that an emission has apart, none of them fluorinated, and never sees a
GWP set: its methods take the potential as a parameter, which `potential` gives.
"""

from collections.abc import Mapping
from fractions import Fraction
from functools import cache
from importlib import resources
from typing import Annotated, Literal

from pydantic import Field, field_validator

from plant.arrays import Floats
from plant.documents.documents import parse
from plant.documents.fields import Part, Positive
from plant.suggest import did_you_mean
from rules.examples import Worked
from rules.factors.gwp import GwpSet
from rules.validity import not_negative, percent

KG_PER_TONNE = 1000.0


class _Blend(Part):
    parts: dict[str, Positive]
    source: Annotated[str, Field(min_length=1)]
    mark: Literal["V", "V2", "M", "D"]

    @field_validator("parts")
    @classmethod
    def _whole(cls, parts: dict[str, float]) -> dict[str, float]:
        if sum(Fraction(str(share)) for share in parts.values()) != 100:
            raise ValueError("the parts of a blend are 100 % together")
        return parts


class _File(Part):
    blends: dict[str, _Blend]


@cache
def blends() -> Mapping[str, Mapping[str, float]]:
    """Return the parts of every shipped blend, by name [% of mass]."""
    with resources.as_file(resources.files("rules") / "data" / "blends.yaml") as path:
        return {name: blend.parts for name, blend in parse(path, _File).blends.items()}


def potential(substance: str, gwp: GwpSet) -> float:
    """Return the potential of a gas, or of a blend by its mass fractions, under one set [kg CO2e/kg].

    `GWP = sum w_i GWP_i`; nothing is rounded, as printed tables do with blends.

    Raises
    ------
    ValueError
        Where neither the set nor the shipped blends have it, or where the set lacks a part of a blend.
    """
    parts = blends().get(substance, {substance: 100.0})
    missing = [gas for gas in parts if gas not in gwp.gases]
    if missing:
        hint = "" if substance in blends() else did_you_mean(substance, [*gwp.gases, *blends()])
        raise ValueError(f"{gwp.name} has no potential of {', '.join(missing)}{hint}")
    return float(sum(Fraction(str(share)) * Fraction(str(gwp[gas])) for gas, share in parts.items()) / 100)


def tonnes_co2e(lost: Floats, substance: str, gwp: GwpSet) -> Floats:
    """Return what a loss [kg] is worth under one set [tCO2e].

    `TPT = sum AD_j GWP_j / 1000` [1]_, one substance at a time; the loss may be what was topped up (point 2.1),
    `life_cycle_loss` (point 2.2) or `charge_balance`.

    References
    ----------
    .. [1] Circular 38/2023/TT-BCT, Annex II, section 2, points 2.1 and 2.2.
    """
    return lost * potential(substance, gwp) / KG_PER_TONNE


def life_cycle_loss(
    assembled: Floats,
    assembly_loss: Floats,
    operating: Floats,
    operating_loss: Floats,
    disposed: Floats,
    remaining: Floats,
    recovered: Floats,
) -> Floats:
    """Return what equipment loses when it is filled, in a year of operation, and at its end [1]_.

    `E = C_A k/100 + C_O x/100 + C_D y/100 (1 - z/100)`.

    Parameters
    ----------
    assembled, operating, disposed
        Charge of the equipment that was filled, is in operation, was disposed of. NaN below 0. [kg]
    assembly_loss, operating_loss
        Of each charge, k and x. NaN where not within 0 to 100. [%]
    remaining, recovered
        Of the charge, what is still there at disposal, y; and of that, what is recovered, z. [%]

    Returns
    -------
    Floats
        NaN where any is. [kg]

    References
    ----------
    .. [1] Circular 38/2023/TT-BCT, Annex II, section 2, point 2.2.
    """
    filling = not_negative(assembled) * percent(assembly_loss) / 100
    leaking = not_negative(operating) * percent(operating_loss) / 100
    ending = not_negative(disposed) * (percent(remaining) / 100) * (1 - percent(recovered) / 100)
    return filling + leaking + ending


def charge_balance(
    stock_begin: Floats,
    stock_end: Floats,
    purchased: Floats,
    returned: Floats,
    nameplate_new: Floats,
    nameplate_retired: Floats,
) -> Floats:
    """Return what was lost, from stock and trade alone [1]_.

    `loss = (stock_begin - stock_end) + purchases - sales and returns - (nameplate_new - nameplate_retired)`.

    Parameters
    ----------
    stock_begin, stock_end
        In containers, not in equipment, at both ends of the period. NaN below 0. [kg]
    purchased, returned
        Brought to the facility in the period; sold, returned or destroyed in it. NaN below 0. [kg]
    nameplate_new, nameplate_retired
        Full charge of equipment that was put into operation and taken out of it. NaN below 0. [kg]

    Returns
    -------
    Floats
        Below 0 where a bottle was counted wrong; it is not cut off, for the next period has the opposite. [kg]

    References
    ----------
    .. [1] GHG Protocol, HFC tool; US EPA, mass balance method.
    """
    out_of_stock = not_negative(stock_begin) - not_negative(stock_end)
    traded = not_negative(purchased) - not_negative(returned)
    into_equipment = not_negative(nameplate_new) - not_negative(nameplate_retired)
    return out_of_stock + traded - into_equipment


EXAMPLES: Mapping[str, Worked] = {
    "life_cycle_loss": Worked(
        {
            "assembled": 100.0,
            "assembly_loss": 1.0,
            "operating": 500.0,
            "operating_loss": 5.0,
            "disposed": 50.0,
            "remaining": 80.0,
            "recovered": 90.0,
        },
        "kg",
        "assembled * assembly_loss / 100 + operating * operating_loss / 100 + disposed * remaining / 100 * (1 - recovered / 100)",
    ),
    "charge_balance": Worked(
        {
            "stock_begin": 40.0,
            "stock_end": 25.0,
            "purchased": 60.0,
            "returned": 5.0,
            "nameplate_new": 50.0,
            "nameplate_retired": 20.0,
        },
        "kg",
        "(stock_begin - stock_end) + purchased - returned - (nameplate_new - nameplate_retired)",
    ),
}
