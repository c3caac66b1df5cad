"""Scope 2, market-based: certificates and contracts matched with a year's consumption.

A year's certificates decide over each of its windows, so this is no method of a window: it looks at all windows of the
periods it is given, and is run again whenever consumption or a certificate changes.
"""

from dataclasses import dataclass

import numpy as np

from plant.arrays import Floats, Ints, Times

WHOLE = 1 - 1e-12  # from here on a period is covered; what is left of it is rounding


@dataclass(frozen=True, slots=True)
class Certificates:
    """What conveys the attributes of generation to one consumer, as columns; one row is one certificate or contract.

    `rank` is its place in the hierarchy of instruments, the smallest first: certificates, contracts, supplier's rate.
    `period` is the one whose consumption it is claimed for: a calendar year of the park's zone, or an hour where
    certificates are hourly. `energy` is in kWh, `co2` in kg/kWh. `retired` and `expires` are instants; `FOREVER` for what expires never.
    """

    rank: Ints
    period: Ints
    energy: Floats
    co2: Floats
    retired: Times
    expires: Times


@dataclass(frozen=True, slots=True)
class Matched:
    """The outcome of a matching.

    `used` has one number per certificate, `co2` and `uncovered` one per window.
    """

    used: Floats  # [kWh]
    co2: Floats  # [kg], market-based
    uncovered: Floats  # [kWh] that no certificate covers


def claimable(certificates: Certificates, as_of: int) -> Floats:
    """Return what each certificate can cover at an instant.

    Returns
    -------
    Floats
        Its energy where it was retired by `as_of`, and not after it expired; else 0. A certificate of unknown or
        negative energy, or of unknown factor, covers nothing. [kWh]
    """
    retired = (certificates.retired <= as_of) & (certificates.retired <= certificates.expires)
    sound = (certificates.energy > 0) & np.isfinite(certificates.energy) & np.isfinite(certificates.co2)
    return np.where(retired & sound, certificates.energy, 0.0)


def match(
    consumed: Floats, period: Ints, residual: Floats, certificates: Certificates, as_of: int
) -> Matched:
    """Emissions from one consumer's purchased electricity, market-based [1]_.

    `E_MB = sum_k matched_k EF_k + (kWh - sum_k matched_k) EF_residual` per period. Each window gets of its period's
    certificates what its consumption is of the period's, so that windows sum to the period.

    Parameters
    ----------
    consumed
        Drawn from the grid, per window; NaN or negative is unknown. [kWh]
    period
        Of each window, numbered as those of the certificates: a calendar year, or an hour.
    residual
        Factor of the residual mix at each window; of the grid's average where none is published. [kg/kWh]
    certificates
        Of this consumer. Within a rank the one with the higher factor is used first: an inventory errs high.
    as_of
        The instant up to which retirements count. [ns UTC]

    Returns
    -------
    Matched
        Certificates never cover more than the known consumption of their period. Unknown windows stay unknown.

    References
    ----------
    .. [1] GHG Protocol, "Scope 2 Guidance", World Resources Institute, 2015, chapter 6.
    """
    known = np.where(consumed >= 0, consumed, np.nan)
    periods = np.unique(np.concatenate([period, certificates.period]))
    of_window = np.searchsorted(periods, period)
    of_certificate = np.searchsorted(periods, certificates.period)
    total = _sums(np.nan_to_num(known), of_window, len(periods))
    used = _used(claimable(certificates, as_of), certificates, of_certificate, total)
    covered = _sums(used, of_certificate, len(periods))
    mass = _sums(used * np.nan_to_num(certificates.co2), of_certificate, len(periods))
    per_kwh = np.divide(np.stack([covered, mass]), total, out=np.zeros((2, len(periods))), where=total > 0)
    covered_share, co2_per_kwh = per_kwh[:, of_window]
    uncovered = known * np.where(covered_share < WHOLE, 1 - covered_share, 0.0)
    rest = np.where(uncovered == 0, 0.0, uncovered * residual)  # what is not used need not be known
    return Matched(used=used, co2=known * co2_per_kwh + rest, uncovered=uncovered)


def _used(offered: Floats, certificates: Certificates, number: Ints, total: Floats) -> Floats:
    """Return what of each certificate its period's consumption takes, in the order of the hierarchy [kWh]."""
    order = np.lexsort((offered, -np.nan_to_num(certificates.co2), certificates.rank, number))
    sorted_offer, sorted_number = offered[order], number[order]
    through = np.cumsum(sorted_offer)
    first = np.searchsorted(sorted_number, sorted_number)
    before_period = np.where(first > 0, through[first - 1], 0.0)
    taken_before = through - sorted_offer - before_period
    used = np.empty_like(offered)
    used[order] = np.clip(total[sorted_number] - taken_before, 0.0, sorted_offer)
    return used


def _sums(weights: Floats, number: Ints, count: int) -> Floats:
    """Return the sum of the weights of each number, 0 for one that does not occur."""
    return np.bincount(number, weights=weights, minlength=count).astype(np.float64)
