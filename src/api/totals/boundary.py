"""Boundaries: main meters against the meters behind them, over a period."""

from collections.abc import Callable

import numpy as np
from fastapi import APIRouter
from pydantic import BaseModel, Field

from api.access.caller import Asking
from api.access.guard import GUARDED
from api.access.seen import seen_by
from api.parameters import When, Word
from api.problems import InvalidQuery, documented
from api.totals.totals import PeriodOf, chosen_period
from plant.arrays import number
from plant.clock import PeriodBody, format_time
from plant.commitments import MeterBalance
from plant.park import Plant
from plant.suggest import did_you_mean
from plant.vocabulary import NS_PER_DAY
from proof.channel_windows import ChannelActivity
from rules.boundaries import compared
from store.reader import Reader, Snapshot
from store.totals.sums import Period

MOST_CHANNEL_DAYS = 5000  # each is read anew from its readings


class MeteredBody(BaseModel):
    """What one meter counted, in the boundary's unit."""

    channel: str = Field(description="of a park's boundary, facility/channel", examples=["main"])
    amount: float | None = Field(examples=[1000.0])
    coverage: float = Field(description="known share of the period until now", examples=[0.998])


class BoundaryBody(BaseModel):
    """A main meter and the meters behind it."""

    park: str = Field(examples=["nam-cau-kien"])
    facility: str | None = Field(description="null where it is the park's", examples=["mill"])
    name: str = Field(examples=["electricity"])
    title: str = Field(examples=["Electricity of the mill"])
    period: PeriodBody
    unit: str = Field(examples=["kWh"])
    main: MeteredBody
    parts: list[MeteredBody]
    parts_amount: float | None = Field(description="sum of what is known of the parts", examples=[970.0])
    unallocated: float | None = Field(description="main less parts_amount", examples=[30.0])
    unallocated_share: float | None = Field(description="of the main amount", examples=[0.03])
    tolerance: float = Field(examples=[0.05])
    imbalance: bool | None = Field(
        description="null where an amount is unknown or more of the period is missing than the tolerance",
        examples=[False],
    )
    worst_channel: str = Field(description="the least covered meter", examples=["line_1"])


class BoundariesBody(BaseModel):
    """Boundaries by park, facility and name; those of the park come first."""

    as_of: str = Field(examples=["2026-11-24T05:00:00Z"])
    boundaries: list[BoundaryBody]


def routes(reader: Reader, plant: Plant, clock: Callable[[], int]) -> APIRouter:
    """Return the route; `clock` tells the time [ns UTC]."""
    router = APIRouter(
        prefix="/v1", tags=["emissions"], dependencies=GUARDED, responses=documented(401, 422, 503)
    )

    @router.get("/boundaries")
    def boundaries(
        caller: Asking,
        park: Word = None,
        facility: Word = None,
        name: Word = None,
        period: When = None,
    ) -> BoundariesBody:
        """Return what main meters count and the meters behind them do not (default: today on each park's clock).

        A park's boundary is shown to whoever sees the whole park.
        """
        as_of = clock()
        chosen = chosen_period(plant, period, None, None, as_of)
        balances = _select(
            seen_by(caller, plant.balances), {"park": park, "facility": facility, "name": name}
        )
        with reader.snapshot() as state:
            bodies = boundary_bodies(state, balances, chosen, as_of)
        return BoundariesBody(as_of=format_time(as_of), boundaries=bodies)

    return router


def _select(left: list[MeterBalance], wanted: dict[str, str | None]) -> list[MeterBalance]:
    for parameter, word in wanted.items():
        if word is None:
            continue
        known = dict.fromkeys(getattr(one, parameter) for one in left)
        left = [one for one in left if getattr(one, parameter) == word]
        if not left:
            raise InvalidQuery((parameter, f"unknown: {word[:64]!r}{did_you_mean(word, known)}"))
    return left


def boundary_bodies(
    state: Snapshot, balances: list[MeterBalance], chosen: PeriodOf, as_of: int
) -> list[BoundaryBody]:
    """Return what main meters count and the meters behind them do not; raise InvalidQuery where that is too much at once."""
    parks = {park.name: park for park in state.plant.parks}
    periods = [chosen(parks[one.park]) for one in balances]
    days = sum(
        (period.end - period.start) / NS_PER_DAY * (1 + len(one.parts))
        for one, period in zip(balances, periods, strict=True)
    )
    if days > MOST_CHANNEL_DAYS:
        raise InvalidQuery(
            (
                "period",
                f"more than {MOST_CHANNEL_DAYS:,} days of channels: take a shorter one, or name a boundary",
            )
        )
    activity = ChannelActivity(state)
    pairs = zip(balances, periods, strict=True)
    return [_body(state.plant, one, period, as_of, activity) for one, period in pairs]


def _body(
    plant: Plant, balance: MeterBalance, period: Period, as_of: int, activity: ChannelActivity
) -> BoundaryBody:
    end = max(min(period.end, -(-as_of // plant.window) * plant.window), period.start)
    meters = [
        _meter(plant, balance, channel, scale, (period.start, end), activity)
        for channel, scale in zip((balance.main, *balance.parts), (1.0, *balance.scales), strict=True)
    ]
    amounts = np.array([np.nan if one.amount is None else one.amount for one in meters])
    result = compared(amounts, np.array([one.coverage for one in meters]), balance.tolerance)
    return BoundaryBody(
        park=balance.park,
        facility=balance.facility or None,
        name=balance.name,
        title=balance.title,
        period=PeriodBody.of(period.start, period.end),
        unit=balance.unit,
        main=meters[0],
        parts=meters[1:],
        parts_amount=number(result.parts),
        unallocated=number(result.unallocated),
        unallocated_share=number(result.share),
        tolerance=balance.tolerance,
        imbalance=result.imbalance,
        worst_channel=meters[result.worst].channel,
    )


def _meter(
    plant: Plant,
    balance: MeterBalance,
    channel: int,
    scale: float,
    span: tuple[int, int],
    activity: ChannelActivity,
) -> MeteredBody:
    """Return what a meter counted in [start, end), its coverage of all windows in it."""
    one = plant.channels[channel]
    name = one.name if balance.facility else f"{one.facility}/{one.name}"
    windows = (span[1] - span[0]) // plant.window
    if not windows:
        return MeteredBody(channel=name, amount=None, coverage=0.0)
    found = activity.windows(channel, *span)
    known = ~np.isnan(found.value)
    amount = number(float(found.value[known].sum()) * scale) if known.any() else None
    coverage = float(np.clip(found.coverage[known].sum() / windows, 0, 1))
    return MeteredBody(channel=name, amount=amount, coverage=coverage)
