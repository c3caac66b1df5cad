"""What the measures of a place saved in a year, for papers."""

from collections.abc import Iterator

from api.totals.savings import saving
from plant.arrays import number
from reports.facts import SavingFact
from rules.catalogue import Register
from store.reader import Snapshot
from store.totals.sums import Period

ELECTRICITY = "electricity-location"  # whose factors are those of electricity


def saving_facts(
    state: Snapshot, catalogue: Register, place: tuple[str, str], period: Period, as_of: int
) -> Iterator[SavingFact]:
    """Yield what each measure of a place that something measures saved in a year; `as_of` [ns UTC] is now."""
    for one in state.plant.measures:
        if (one.park, one.facility) != place or one.effect is None:
            continue
        known = saving(state, one, period, as_of, catalogue)
        factor = one.effect.factor
        yield SavingFact(
            name=one.name,
            unit=one.effect.energy.unit,
            energy=number(known.energy.amount) if known.energy else None,
            t=number(known.tonnes.amount) if known.tonnes else None,
            is_electricity=bool(factor) and catalogue.factor(factor).basis == catalogue.basis(ELECTRICITY),
            outcome=known.outcome,
            kwh=number(known.kwh.amount) if known.kwh else None,
            cost=number(known.money.amount) if known.money else None,
            currency=known.currency,
        )
