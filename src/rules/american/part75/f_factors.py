"""F-factors of a fuel that is analysed, and of several fuels burned together; listed ones are in `tables`.

References
----------
.. [1] 40 CFR part 75, appendix F, section 3.3.6; the same in Method 19 (40 CFR 60, appendix A), equation 19-13 and 19-15.
"""

from collections.abc import Mapping

import numpy as np

from plant.arrays import Floats
from rules.examples import Worked
from rules.formulas.stack_gas import Number
from rules.validity import percent, positive

SHARE_SLACK = 1e-6  # shares of heat input that miss 1 by more are no shares


def f7a_fd(
    hydrogen: Number, carbon: Number, sulfur: Number, nitrogen: Number, oxygen: Number, gcv: Number
) -> Floats:
    """Dry F-factor from an ultimate analysis, equation F-7a [1]_.

    `Fd = 10^6 (3.64 %H + 1.53 %C + 0.57 %S + 0.14 %N - 0.46 %O) / GCV`.

    Parameters
    ----------
    hydrogen, carbon, sulfur, nitrogen, oxygen
        Of the fuel by mass, on the moisture basis of `gcv`. [%]
    gcv
        Gross calorific value. [Btu/lb]

    Returns
    -------
    Floats
        [dscf/mmBtu]
    """
    made = 3.64 * percent(hydrogen) + 1.53 * percent(carbon) + 0.57 * percent(sulfur)
    return 1e6 * (made + 0.14 * percent(nitrogen) - 0.46 * percent(oxygen)) / positive(gcv)


def f7b_fc(carbon: Number, gcv: Number) -> Floats:
    """Carbon F-factor from an ultimate analysis, `Fc = 321000 %C / GCV`, equation F-7b [1]_.

    Parameters
    ----------
    carbon, gcv
        By mass and gross, on one moisture basis. [%], [Btu/lb]

    Returns
    -------
    Floats
        [scf CO2/mmBtu]
    """
    return 321e3 * percent(carbon) / positive(gcv)


def f8_prorated(share: Floats, factor: Floats) -> Floats:
    """F-factor of fuels burned together, `F = sum X_i F_i`, equation F-8 [1]_; F is Fd or Fc.

    Parameters
    ----------
    share
        Of the heat input, shape (fuels, ...). [1]
    factor
        Of each fuel, shape (fuels,) or (fuels, ...). [scf/mmBtu]

    Returns
    -------
    Floats
        Shape (...); NaN where the shares are not each within 0 to 1 and 1 together. [scf/mmBtu]
    """
    share = np.asarray(share, np.float64)
    factor = np.asarray(factor, np.float64)
    aligned = factor.reshape(factor.shape + (1,) * (share.ndim - factor.ndim))
    whole = (np.abs(share.sum(axis=0) - 1) <= SHARE_SLACK) & (share >= 0).all(axis=0)
    return np.where(whole, (share * positive(aligned)).sum(axis=0), np.nan)


EXAMPLES: Mapping[str, Worked] = {
    "f7a_fd": Worked(
        {"hydrogen": 5.0, "carbon": 70.0, "sulfur": 2.0, "nitrogen": 1.5, "oxygen": 7.0, "gcv": 12.5e3},
        "dscf/mmBtu",
        "1000000 * (3.64 * hydrogen + 1.53 * carbon + 0.57 * sulfur + 0.14 * nitrogen - 0.46 * oxygen) / gcv",
    ),
    "f7b_fc": Worked({"carbon": 70.0, "gcv": 12.5e3}, "scf CO2/mmBtu", "321000 * carbon / gcv"),
    "f8_prorated": Worked(
        {"share": (0.7, 0.3), "factor": (9780.0, 8710.0)}, "scf/mmBtu", "sum(share * factor)"
    ),
}
