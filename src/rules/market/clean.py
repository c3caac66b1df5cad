"""How much of a load is clean, over a stretch of time and hour by hour, and what own generation avoided, apart from any inventory."""

from dataclasses import dataclass

import numpy as np

from plant.arrays import Floats


@dataclass(frozen=True, slots=True)
class HourlyMatch:
    """What clean electricity is of a load. Energies are of the hours of which both are known; shares are NaN without load."""

    hours: int  # of which both are known
    load: float  # [kWh]
    clean: float  # [kWh]
    annual_share: float  # as if all hours were one [1]
    matched: float  # [kWh], hour by hour
    hourly_share: float  # [1]
    unmatched: float  # load without clean electricity in its hour [kWh]
    surplus: float  # clean electricity without load in its hour [kWh]


def hourly_match(load: Floats, clean: Floats) -> HourlyMatch:
    """Return what of a load is clean in its own hour.

    `share = sum min(load, clean) / sum load`, as 24/7 carbon-free energy scores have it. An hour of which one of both is not
    known (NaN) is in no sum.

    Parameters
    ----------
    load, clean
        Of each hour. [kWh]
    """
    known = ~(np.isnan(load) | np.isnan(clean))
    drawn, given = np.maximum(load[known], 0.0), np.maximum(clean[known], 0.0)
    matched = float(np.minimum(drawn, given).sum())
    total, offered = float(drawn.sum()), float(given.sum())
    is_any = total > 0
    return HourlyMatch(
        hours=int(known.sum()),
        load=total,
        clean=offered,
        annual_share=min(offered / total, 1.0) if is_any else float("nan"),
        matched=matched,
        hourly_share=matched / total if is_any else float("nan"),
        unmatched=total - matched,
        surplus=offered - matched,
    )


@dataclass(frozen=True, slots=True)
class PvStatement:
    """What own generation did [MWh], and what it avoided [t CO2e], which is no part of an inventory."""

    self_consumed: float
    avoided_by_self_consumption: float
    avoided_by_export: float
    self_consumed_without_claim: float
    inventory_change: float = 0.0


def pv_statement(
    generated: Floats, exported: Floats, factor: Floats, certificates_sold: float
) -> PvStatement:
    """Return the statement of own generation [1]_, of the stretches of time in which both energies are known.

    Parameters
    ----------
    generated, exported
        Of each stretch of time, NaN where unknown. [MWh]
    factor
        Of the grid that would have given it, of each stretch; NaN where unknown. [t CO2e/MWh]
    certificates_sold
        For this generation: they are taken from self-consumption first, which whoever sold them may not call clean. [MWh]

    Returns
    -------
    PvStatement
        Energies are NaN where nothing is known, tonnes where the factor of any known stretch is not.

    References
    ----------
    .. [1] GHG Protocol, "Scope 2 Guidance", World Resources Institute, 2015: avoided emissions are no part of an inventory.
    """
    known = ~(np.isnan(generated) | np.isnan(exported))
    out, each = exported[known], factor[known]
    own = generated[known] - out
    total = float(own.sum()) if known.any() else float("nan")
    return PvStatement(
        self_consumed=total,
        avoided_by_self_consumption=float((own * each).sum()) if known.any() else float("nan"),
        avoided_by_export=float((out * each).sum()) if known.any() else float("nan"),
        self_consumed_without_claim=total if np.isnan(total) else min(total, certificates_sold),
    )
