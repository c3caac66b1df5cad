"""What is told of positions and holdings."""

from collections.abc import Iterator
from typing import Literal

from pydantic import BaseModel, Field

from api.market.inventories import Rest
from api.tables import Cell, table_csv


class MarketRuleBody(BaseModel):
    """The dated row by which years are settled."""

    row: str = Field(examples=["vn-ets/2025"])
    status: str = Field(description="official, provisional or own", examples=["provisional"])
    mark: str | None = Field(
        description="how a shipped row was seen: V, V2, M or D; null of an own one", examples=["V2"]
    )
    unsure: list[str] = Field(
        description="what of it nobody has read in the original", examples=[["share_of", "settled", "scopes"]]
    )
    source: str = Field(examples=["Decree 06/2022/ND-CP as amended by 119/2025/ND-CP"])
    offset_share: float = Field(description="what credits may cover at most [1]", examples=[0.3])
    share_of: Literal["allocated", "inventory"] = Field(examples=["allocated"])
    settled: Literal["together", "yearly"] = Field(examples=["together"])
    scopes: list[int] = Field(description="that count under a quota", examples=[[1, 2]])
    last_trading_day: str = Field(examples=["2027-12-24"])
    surrender_by: str = Field(examples=["2027-12-31"])
    carried_until: str | None = Field(description="to when a surplus is carried", examples=["2030-12-31"])


class PriceBody(BaseModel):
    """The dated row of the last price until today; one of a later day is not used."""

    row: str = Field(examples=["vn-allowances/2026-09-17"])
    price: float = Field(description="[currency/t]", examples=[133000.0])
    day: str = Field(description="from when on", examples=["2026-09-17"])
    status: str = Field(examples=["provisional"])
    mark: str | None = Field(examples=["V2"])
    source: str = Field(examples=["The middle of 130 to 136 thousand VND"])


class YearInventoryBody(BaseModel):
    """What a year's inventory is, or leads to."""

    year: int = Field(examples=[2026])
    t: float | None = Field(description="known months and where the rest leads [t CO2e]", examples=[1300.0])
    low_t: float | None = Field(
        description="95 % interval [t CO2e]; t itself where all of it is known; null where the rest has no interval",
        examples=[1270.0],
    )
    high_t: float | None = Field(examples=[1330.0])
    final_t: float | None = Field(description="of months that are final [t CO2e]", examples=[1090.0])
    final_months: int = Field(examples=[10])
    known_months: int = Field(description="over and known as a whole, final or not", examples=[11])
    rest: Rest = Field(
        description="how the other months are told: known, there are none; seasonal, by the months of the year before; linear, in"
        " proportion to the days that are known; not_known",
        examples=["seasonal"],
    )


class EndBody(BaseModel):
    """Where a facility stands, with one amount of its inventory; null where unknown, which is never zero."""

    inventory_t: float | None = Field(examples=[2400.0])
    gap_t: float | None = Field(description="inventory above what is held", examples=[446.0])
    surplus_t: float | None = Field(description="what is held above the inventory", examples=[0.0])
    offset_cap_t: float | None = Field(description="what credits may cover at most", examples=[586.2])
    offsets_t: float | None = Field(description="the least of credits, cap and gap", examples=[446.0])
    to_buy_t: float | None = Field(description="gap less offsets", examples=[0.0])
    exposure: float | None = Field(
        description="to_buy_t at the price [currency]; null: no price is known", examples=[0.0]
    )
    exposure_without_credits: float | None = Field(
        description="gap_t at the price [currency]", examples=[59318000.0]
    )


class PositionBody(BaseModel):
    """Where a facility stands with years that are settled together."""

    park: str = Field(examples=["nam-cau-kien"])
    facility: str = Field(examples=["mill"])
    market: str = Field(examples=["vn-ets"])
    title: str = Field(examples=["Carbon market of Viet Nam, pilot"])
    currency: str = Field(examples=["VND"])
    years: list[int] = Field(examples=[[2025, 2026]])
    rule: MarketRuleBody | None = Field(
        description="null where no row settles these years: nothing is told of offsets then"
    )
    price: PriceBody | None = Field(description="null where none is known")
    inventory: list[YearInventoryBody]
    granted_t: float | None = Field(
        description="allocated; null while a year has no approved grant", examples=[1954.0]
    )
    not_granted: list[int] = Field(description="years without an approved grant", examples=[[]])
    carried_t: float = Field(examples=[0.0])
    bought_t: float = Field(examples=[0.0])
    sold_t: float = Field(examples=[0.0])
    held_t: float | None = Field(description="granted, carried and bought, less sold", examples=[1954.0])
    surrendered_t: float = Field(description="allowances of these years, already surrendered", examples=[0.0])
    credits_t: float | None = Field(
        description="bought, less sold, cancelled, expired, and surrendered for other years; null where it is not known how many of"
        " them a year takes that is settled before",
        examples=[600.0],
    )
    position: EndBody
    low: EndBody = Field(description="with the low end of the inventory")
    high: EndBody = Field(description="with the high end")


class HoldingBody(BaseModel):
    """What an instrument's account holds by its approved movements."""

    park: str = Field(examples=["nam-cau-kien"])
    facility: str | None = Field(description="null where it is the park's", examples=["mill"])
    instrument: str = Field(examples=["credits"])
    title: str = Field(examples=["Credits of rice fields"])
    kind: str = Field(examples=["credit"])
    unit: str = Field(examples=["t"])
    registry: str | None = Field(examples=["Verra"])
    technology: str | None = Field(examples=[None])
    expires: str | None = Field(examples=[None])
    held: float = Field(description="in its unit", examples=[600.0])
    moved: dict[str, float] = Field(
        description="the sum of each kind of movement", examples=[{"bought": 600.0}]
    )
    serials: list[str] = Field(
        description="that are held, the first 200 ranges", examples=[["VCS-VN-2024 1-600"]]
    )
    waiting: int = Field(description="movements that nobody has approved yet", examples=[0])


class ImpossibleBody(BaseModel):
    """An approved movement that cannot be as the instruments are configured today: it is in no sum."""

    movement: str = Field(examples=["1042"])
    why: str = Field(examples=["no instrument nam-cau-kien/mill/old is configured"])


class PositionsBody(BaseModel):
    """Positions of facilities with a market, and what all instruments hold."""

    as_of: str = Field(examples=["2026-12-01T05:00:00Z"])
    positions: list[PositionBody]
    holdings: list[HoldingBody]
    impossible: list[ImpossibleBody]


_FIELDS = ("inventory_t", "gap_t", "surplus_t", "offset_cap_t", "offsets_t", "to_buy_t", "exposure", "exposure_without_credits")  # fmt: skip
_HELD = ("granted_t", "carried_t", "bought_t", "sold_t", "held_t", "surrendered_t", "credits_t")
_HEADER = ["as_of", "park", "facility", "market", "years", "end", *_HELD, *_FIELDS, "price", "currency", "price_of", "rule", "unsure"]  # fmt: skip


def positions_csv(body: PositionsBody) -> bytes:
    """Return positions as CSV: a line each for the position and the two ends of its interval."""
    return table_csv(_HEADER, (row for one in body.positions for row in _lines(body.as_of, one)))


def _lines(as_of: str, one: PositionBody) -> Iterator[list[Cell]]:
    years = " ".join(map(str, one.years))
    for name, end in (("position", one.position), ("low", one.low), ("high", one.high)):
        place: list[Cell] = [as_of, one.park, one.facility, one.market, years, name]
        held: list[Cell] = [getattr(one, field) for field in _HELD]
        told: list[Cell] = [getattr(end, field) for field in _FIELDS]
        price: list[Cell] = (
            [one.price.price, one.currency, one.price.day] if one.price else [None, one.currency, None]
        )
        rule: list[Cell] = [one.rule.row, " ".join(one.rule.unsure)] if one.rule else [None, None]
        yield [*place, *held, *told, *price, *rule]
