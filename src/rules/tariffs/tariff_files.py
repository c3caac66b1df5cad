"""The shape of tariff files: hours, taxes, charges of reactive energy, and the tariffs that name them; all with dates."""

from collections.abc import Iterator, Sequence
from typing import Annotated

from pydantic import AfterValidator, Field

from plant.documents.documents import Placed, Problem
from plant.documents.fields import Fault, Part, Positive, Word
from rules.dated_files import DatedFile, EvidencedRow, Text
from rules.tariffs.slots import minutes_of, week


def _hours(text: str) -> str:
    minutes_of(text)
    return text


Hours = Annotated[str, AfterValidator(_hours)]
Percent = Annotated[float, Field(ge=0)]


class HoursRow(EvidencedRow):
    """Which hours of the week lie in which slot; the rest in the slot `rest` of its entry."""

    slots: dict[Word, Annotated[list[Hours], Field(min_length=1)]]


class VatRow(EvidencedRow):
    """A tax on what is charged."""

    rate: Annotated[float, Field(ge=0, lt=1)]


class ReactiveRow(EvidencedRow):
    """What is charged for reactive energy, in percent of the energy charge, by cos phi in hundredths.

    `percents` are of `least_cos_phi` and each hundredth above it; from the first one that has none nothing is charged.
    """

    from_kw: Annotated[float, Field(ge=0)]
    least_cos_phi: Annotated[float, Field(gt=0, lt=1)]
    percents: Annotated[list[Percent], Field(min_length=1)]
    below: Percent

    def faults(self) -> Iterator[Fault]:
        """Yield a table that does not end below 1, or whose percents rise with cos phi."""
        yield from super().faults()
        if round(self.least_cos_phi * 100) + len(self.percents) > 100:
            yield "percents", "go beyond a cos phi of 0.99"
        if sorted([self.below, *self.percents], reverse=True) != [self.below, *self.percents]:
            yield "percents", "rise with cos phi; they fall from below on"


class PriceRow(EvidencedRow):
    """What a kilowatt-hour of each slot costs, before tax."""

    prices: Annotated[dict[Word, Positive], Field(min_length=1)]


class HoursEntry(Part):
    """Slots of the week through time."""

    name: Word
    title: Text
    rest: Word = "normal"
    rows: Annotated[list[HoursRow], Field(min_length=1)]


class VatEntry(Part):
    """A tax through time."""

    name: Word
    title: Text
    rows: Annotated[list[VatRow], Field(min_length=1)]


class ReactiveEntry(Part):
    """A charge for reactive energy through time."""

    name: Word
    title: Text
    rows: Annotated[list[ReactiveRow], Field(min_length=1)]


class TariffEntry(Part):
    """A tariff: its prices through time, and the hours, the tax and the reactive charge that it names."""

    name: Word
    title: Text
    currency: Annotated[str, Field(min_length=3, max_length=3)] = "VND"
    hours: Word
    vat: Word
    reactive: Word | None = None
    rows: Annotated[list[PriceRow], Field(min_length=1)]


class TariffFile(DatedFile):
    """A tariff file, of this package or of a configuration."""

    hours: list[HoursEntry] = Field(default_factory=list)
    vat: list[VatEntry] = Field(default_factory=list)
    reactive: list[ReactiveEntry] = Field(default_factory=list)
    tariffs: list[TariffEntry] = Field(default_factory=list)


def hours_mistakes(placed: Placed[HoursEntry]) -> Iterator[Problem]:
    """Yield hours that lie in two slots, and the slot of the rest among those that have hours."""
    for number, row in enumerate(placed.value.rows):
        if placed.value.rest in row.slots:
            message = f"{placed.value.rest} is the slot of the rest, without hours of its own"
            yield placed.problem(message, "rows", number, "slots", placed.value.rest)
            continue
        try:
            week(row.slots, [placed.value.rest, *row.slots])
        except ValueError as error:
            yield placed.problem(str(error), "rows", number, "slots")


def price_mistakes(placed: Placed[TariffEntry], wanted: Sequence[str]) -> Iterator[Problem]:
    """Yield slots (`wanted`) of a tariff's hours without a price, and prices of slots that its hours do not have."""
    for number, row in enumerate(placed.value.rows):
        if missing := [name for name in wanted if name not in row.prices]:
            message = f"has no price for {', '.join(missing)}, which {placed.value.hours} has hours of"
            yield placed.problem(message, "rows", number, "prices")
        for name in row.prices.keys() - set(wanted):
            message = f"{placed.value.hours} has no slot {name}; its slots are {', '.join(wanted)}"
            yield placed.problem(message, "rows", number, "prices", name)
