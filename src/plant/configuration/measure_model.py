"""Measures of parks and facilities as people write them."""

from collections.abc import Iterator
from datetime import date
from typing import Annotated

from pydantic import BeforeValidator, Field, StringConstraints, WithJsonSchema

from plant.commitments import Step
from plant.dated import day
from plant.documents.fields import ChannelName, Evidence, Fault, Name, Part, Positive, Symbol, Word
from plant.documents.texts import TextPart

MOST_DRIVERS = 8

MonthText = Annotated[str, StringConstraints(pattern=r"^[0-9]{4}-(0[1-9]|1[0-2])$")]
DayOf = Annotated[
    date,
    BeforeValidator(day),
    WithJsonSchema({"type": "string", "format": "date", "examples": ["2026-07-01"]}),
]


class ExpectedSavingPart(Part):
    """What a measure is expected to save in a year."""

    t: Annotated[float, Field(ge=0)] | None = None
    """Tonnes of CO2e."""
    kwh: Annotated[float, Field(ge=0)] | None = None
    """Kilowatt-hours of electricity."""


class LimitsPart(Part):
    """What a baseline must keep for its effect to be shown."""

    steps: Annotated[int, Field(ge=3)] = 12
    """The least steps of the baseline that are known."""
    cv_rmse: Positive | None = None
    """The greatest CV(RMSE) [1]; 0.15 for months, 0.30 for days and hours where left out."""
    t: Annotated[float, Field(ge=0)] = 2.0
    """The least t of each driver, up or down."""


class EffectPart(Part):
    """How a saving is measured: energy against a baseline that least squares make of its drivers."""

    energy: ChannelName
    """The channel, virtual or not, of the energy that is saved; of a park with its facility: mill/gas."""
    drivers: Annotated[list[ChannelName], Field(max_length=MOST_DRIVERS)] = Field(default_factory=list)
    """What moves the energy beside the measure: output, degrees; at most 8."""
    non_routine: Annotated[list[ChannelName], Field(max_length=MOST_DRIVERS)] = Field(default_factory=list)
    """What is neither driver nor measure, a new hall, a line shut down: channels with entered: true, whose records say how much more it used."""
    baseline: Annotated[list[MonthText], Field(min_length=2, max_length=2)]
    """The first and the last month of the baseline: [2025-01, 2026-06]."""
    step: Step = "month"
    """What is compared: months, days or hours of the park's clock."""
    units: dict[ChannelName, Symbol] = Field(default_factory=dict)
    """The unit in which a channel is reckoned; its own where left out."""
    factor: Word | None = None
    """What turns the saved energy into tonnes, with the value of the time it was saved; no tonnes where left out."""
    ncv: Positive | None = None
    """The net calorific value of a fuel [MJ per unit that it is reckoned in], for a factor that is per energy."""
    limits: LimitsPart = LimitsPart()
    """What the baseline must keep for its effect to be shown."""

    def faults(self) -> Iterator[Fault]:
        """Yield what is named twice, and a baseline that ends before it begins."""
        named = [self.energy, *self.drivers, *self.non_routine]
        yield from (
            ("drivers", f"{name} is named twice") for place, name in enumerate(named) if name in named[:place]
        )
        if self.baseline[0] > self.baseline[1]:
            yield "baseline", "ends before it begins"
        yield from (
            ("units", f"{name} is no channel of this effect")
            for name in self.units
            if name not in [self.energy, *self.drivers]
        )


class MeasurePart(Part):
    """Something that is done to emit less."""

    name: Name
    """Unique in its park or facility."""
    title: TextPart
    """What people call it."""
    starts: DayOf
    """The day from which on it works."""
    expected: ExpectedSavingPart = ExpectedSavingPart()
    """What it is expected to save in a year."""
    cost: Annotated[float, Field(ge=0)] | None = None
    """What it costs [million VND]."""
    source: Evidence
    """Where these numbers come from: the decision, the offer, the audit."""
    effect: EffectPart | None = None
    """How its saving is measured; it stays expected where left out."""
