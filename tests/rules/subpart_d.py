"""Subpart D of 40 CFR 75 hour by hour in plain Python: the oracle of the vectorised one, slow and literal."""

import math
from dataclasses import dataclass
from fractions import Fraction

from rules.american.part75.missing_data import Procedure
from rules.american.substitution import Rule

THREE_YEARS = 26_280


@dataclass
class Record:
    """One monitor's hours; a value that is not quality-assured is NaN."""

    value: list[float]
    operating: list[bool]
    load_range: list[int]

    def good(self, hour: int) -> bool:
        return self.operating[hour] and not math.isnan(self.value[hour])

    def before(self, hour: int) -> int | None:
        return next((h for h in range(hour - 1, -1, -1) if self.good(h)), None)

    def after(self, hour: int) -> int | None:
        return next((h for h in range(hour + 1, len(self.value)) if self.good(h)), None)

    def looked_back(self, begin: int, length: int, number: int) -> list[float]:
        """Return the latest hours of a load range before the hour in which a gap begins."""
        hours = [
            h
            for h in range(max(begin - THREE_YEARS, 0), begin)
            if self.good(h) and self.load_range[h] == number
        ]
        return [self.value[h] for h in hours[-length:]]


def substituted(
    record: Record, hour: int, procedure: Procedure, potential: float, availability: float
) -> tuple[float, Rule]:
    """Return one hour's value and rule; percentiles by rank."""
    if not record.operating[hour]:
        return math.nan, Rule.NOT_OPERATING
    if record.good(hour):
        return record.value[hour], Rule.MEASURED
    before, after = record.before(hour), record.after(hour)
    if after is None:
        return math.nan, Rule.OPEN
    inside = [h for h in range(0 if before is None else before + 1, after) if record.operating[h]]
    seen = sum(record.good(h) for h in range(inside[0]))
    initial = seen < procedure.look_back and inside[0] < THREE_YEARS
    between = math.nan
    if before is not None:
        between = half_up((record.value[before] + record.value[after]) / 2, procedure.decimals)
    if not initial and availability < 80:
        return potential, Rule.POTENTIAL
    history = history_of(record, inside[0], hour, procedure)
    if not initial and availability < 90:
        extreme = min if procedure.low_is_worse else max
        return (extreme(history), Rule.EXTREME) if history else (potential, Rule.POTENTIAL)
    if initial or len(inside) <= (24 if availability >= 95 else 8):
        if procedure.by_load:
            return (math.fsum(history) / len(history), Rule.MEAN) if history else (potential, Rule.POTENTIAL)
        return (between, Rule.BEFORE_AFTER) if before is not None else (potential, Rule.POTENTIAL)
    if not history:
        return potential, Rule.POTENTIAL
    percent, rule = (90, Rule.PERCENTILE_90) if availability >= 95 else (95, Rule.PERCENTILE_95)
    share = Fraction(100 - percent if procedure.low_is_worse else percent, 100)
    percentile = sorted(history)[math.ceil(share * len(history)) - 1]
    if math.isnan(between):
        return percentile, rule
    return (min if procedure.low_is_worse else max)(percentile, between), rule


def history_of(record: Record, begin: int, hour: int, procedure: Procedure) -> list[float]:
    """Return the look-back in the hour's load range, or in the next higher one that has any."""
    if not procedure.by_load:
        return [
            record.value[h]
            for h in [h for h in range(max(begin - THREE_YEARS, 0), begin) if record.good(h)][
                -procedure.look_back :
            ]
        ]
    for number in range(record.load_range[hour], 11):
        if found := record.looked_back(begin, procedure.look_back, number):
            return found
    return []


def half_up(value: float, decimals: int) -> float:
    """Round half away from zero; a float within 1e-12 of a half is the half."""
    scaled = value * 10.0**decimals
    return math.copysign(math.floor(abs(scaled) * (1 + 1e-12) + 0.5), scaled) / 10.0**decimals
