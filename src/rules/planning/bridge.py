"""What moved an amount from one year to another: additive LMDI-I, which leaves no residual (Ang 2005)."""

import math
from collections.abc import Sequence


def effects(base: Sequence[float], now: Sequence[float]) -> list[float]:
    """Return what each term of a product has changed of it; they add up to the whole change.

    `L(E1, E0) ln(x1 / x0)` with the logarithmic mean `L(a, b) = (a - b) / ln(a / b)`. A term that is 0 in one of the years
    has the limit of that as it goes to 0 (Ang and Liu 2007): the whole change, in equal parts where several are 0.

    Parameters
    ----------
    base, now
        The terms of the two years, in one order, such as output, energy per output and tonnes per energy.

    Raises
    ------
    ValueError
        A term is below 0 or not finite: a logarithm has no place for it.
    """
    if not all(math.isfinite(one) and one >= 0 for one in (*base, *now)):
        raise ValueError("a term is below 0 or unknown: a bridge is of amounts from 0 up")
    before, after = math.prod(base), math.prod(now)
    if before == 0 or after == 0:
        ended = base if before == 0 else now
        zeros = [one == 0 for one in ended]
        part = (after - before) / max(sum(zeros), 1)
        return [part if is_zero else 0.0 for is_zero in zeros]
    mean = _logarithmic_mean(after, before)
    return [mean * math.log(x1 / x0) for x0, x1 in zip(base, now, strict=True)]


def _logarithmic_mean(a: float, b: float) -> float:
    relative = (a - b) / b
    return b * relative / math.log1p(relative) if relative else b
