"""The shape of a facility's standards: which limits of standards and permits a channel must keep."""

from collections.abc import Iterator
from datetime import date
from typing import Annotated

from pydantic import BeforeValidator, Field, StringConstraints, WithJsonSchema

from plant.alert_rules.alert_parts import Severity
from plant.commitments import Averaging
from plant.dated import day
from plant.documents.fields import ChannelName, Fault, Part, Positive, Word

LONGEST_NAME = 40  # characters; its alerts add to it

Day = Annotated[date, BeforeValidator(day), WithJsonSchema({"type": "string", "format": "date"})]
ShortName = Annotated[str, StringConstraints(pattern=rf"^[A-Za-z0-9][A-Za-z0-9_.-]{{0,{LONGEST_NAME - 1}}}$")]


class StandardRowPart(Part):
    """A limit that the channel must keep, by its name in a limit file, and what the site says of itself for it."""

    limit: Word
    """A limit of this package, or of a limit file of this configuration: docs/standards.md lists them."""
    column: str | None = None
    """The column of its table, such as A, B or C; required where it has columns."""
    size: Positive | None = None
    """The size of the unit in the limit's unit of sizes, such as MW; required where its numbers differ by size."""
    zone: str | None = None
    """The zone of a coefficient, such as "3" for an industrial zone; required where the limit has one."""
    coefficients: dict[Word, Positive] = Field(default_factory=dict)
    """The site's own coefficients [1], such as {kq: 0.9, kf: 1.0}; required where the limit asks for them."""
    start: Day | None = Field(None, alias="from")
    """The first day on which it holds here; the limit's own where left out."""
    end: Day | None = Field(None, alias="to")
    """The first day on which it holds here no longer; the limit's own where left out."""

    def faults(self) -> Iterator[Fault]:
        """Yield a stretch without a day."""
        if self.start and self.end and self.end <= self.start:
            yield "to", "is after from"


class StandardPart(Part):
    """The limits of one channel over one averaging time."""

    name: ShortName
    """What its alerts begin with; unique among standards and alerts."""
    channel: ChannelName
    """The channel that is judged, of kind level."""
    rows: Annotated[list[StandardRowPart], Field(min_length=1)]
    """Its limits. Of several that hold at once the first is in force, and an own permit before all; the others are judged beside it and page nobody."""
    averaging: Averaging | None = None
    """Over what a mean is taken; as the limits say, where they do, else hour."""
    oxygen: ChannelName | None = None
    """The channel of the oxygen in the same gas, on the same moisture basis; required where a limit refers to an oxygen."""
    corrected: bool = False
    """True where the readings are at the reference oxygen already."""
    highest_oxygen: Annotated[float, Field(gt=0, le=20.9)] = 19.0
    """From this oxygen on [%] nothing is corrected, and the hour is unknown: the unit stands still."""
    running: ChannelName | None = None
    """The channel that tells that the unit runs; where left out, it always does."""
    running_above: float = 0.0
    """The number that the hour's mean of it is above in an hour in which the unit runs [its unit]."""
    severity: Severity | None = None
    """How urgent its alerts are; critical where left out."""

    def faults(self) -> Iterator[Fault]:
        """Yield readings that are corrected already and would be again."""
        if self.corrected and self.oxygen is not None:
            yield "oxygen", "is not needed where the readings are corrected"
