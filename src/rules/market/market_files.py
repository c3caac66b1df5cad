"""The shape of market files: how the years of a carbon market are settled, and what an allowance cost; all with dates."""

from collections.abc import Iterator
from datetime import date
from typing import Annotated, Literal

from pydantic import Field

from plant.documents.documents import Placed, Problem
from plant.documents.fields import Fault, Part, Positive, Word
from rules.dated_files import DatedFile, DatedRow, Day, Mark, Text

OWN = "own"
Unsure = Literal[
    "offset_share", "share_of", "settled", "scopes", "last_trading_day", "surrender_by", "carried_until"
]


class MarketRow(DatedRow):
    """A row of a market file: one that ships says how it was seen, one of a configuration's own has evidence."""

    status: Literal["official", "provisional", "own"] = "own"
    mark: Mark | None = None
    evidence: Text | None = None

    def faults(self) -> Iterator[Fault]:
        """Yield a row that does not say what its status asks for."""
        if self.status == OWN and self.evidence is None:
            yield "evidence", "is required: the decree, the decision or the trade that says so"
        if self.status != OWN and self.mark is None:
            yield "mark", "is required of what ships"


class YearsRow(MarketRow):
    """How the years from `valid_from` to before `valid_to` are settled."""

    offset_share: Annotated[float, Field(ge=0, le=1)]
    share_of: Literal["allocated", "inventory"]
    settled: Literal["together", "yearly"]
    scopes: Annotated[list[Literal[1, 2]], Field(min_length=1)]
    last_trading_day: Day
    surrender_by: Day
    carried_until: Day | None = None
    unsure: list[Unsure] = Field(default_factory=list)

    def faults(self) -> Iterator[Fault]:
        """Yield what is official though somebody is unsure of it, and days that do not follow each other."""
        yield from super().faults()
        if self.unsure and self.status == "official":
            yield "status", f"is not official while {', '.join(self.unsure)} is unsure"
        if self.surrender_by < self.last_trading_day:
            yield "surrender_by", "is on the last trading day or after it"


class TradeRow(MarketRow):
    """What an allowance cost from a day on."""

    price: Positive


class PriceEntry(Part):
    """What an allowance cost through time."""

    name: Word
    title: Text
    currency: Annotated[str, Field(min_length=3, max_length=3)] = "VND"
    of: Word | None = None
    """The market, a shipped one too, that goes by these prices instead of those that it names."""
    rows: Annotated[list[TradeRow], Field(min_length=1)]


class MarketEntry(Part):
    """A carbon market: how its years are settled, and the prices that it goes by."""

    name: Word
    title: Text
    prices: Word
    rows: Annotated[list[YearsRow], Field(min_length=1)]


class MarketFile(DatedFile):
    """A market file, of this package or of a configuration."""

    prices: list[PriceEntry] = Field(default_factory=list)
    markets: list[MarketEntry] = Field(default_factory=list)


def own_row_mistakes(placed: Placed[PriceEntry] | Placed[MarketEntry]) -> Iterator[Problem]:
    """Yield rows of a configuration's entry that say they are not its own."""
    for number, row in enumerate(placed.value.rows):
        if row.status != OWN:
            message = "should be own, as all rows of a configuration are"
            yield placed.problem(message, "rows", number, "status")


def year_mistakes(placed: Placed[MarketEntry]) -> Iterator[Problem]:
    """Yield rows that are not of whole calendar years."""
    for number, row in enumerate(placed.value.rows):
        for key, day in (("valid_from", row.valid_from), ("valid_to", row.valid_to)):
            if day is None or (day.month, day.day) != (1, 1):
                message = "is a 1 January: a row is of whole years, and says where they end"
                yield placed.problem(message, "rows", number, key)


def years_of(row: YearsRow) -> range:
    """Return the calendar years that a row settles."""
    end = row.valid_to or date(row.valid_from.year + 1, 1, 1)
    return range(row.valid_from.year, end.year)
