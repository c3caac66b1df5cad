"""The route of exchanges: what facilities give each other, by the meters of both sides, and what that is said to avoid.

A caller sees the numbers of the sides that are theirs. Another's number is not told, nor what would tell it by a subtraction.
"""

from collections.abc import Callable, Iterable, Iterator
from typing import Literal

import numpy as np
from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, Field

from api.access.caller import Asking, Caller
from api.access.guard import GUARDED
from api.access.scope import only
from api.access.seen import FacilityPlace, narrowed, seen_by
from api.parameters import From, To, When, Word, time_of
from api.problems import InvalidQuery, documented
from api.tables import CSV, JSON, Cell, documented_as, preferred, table_csv
from api.totals.boundary import MOST_CHANNEL_DAYS
from api.totals.totals import chosen_period
from plant.arrays import number
from plant.clock import PeriodBody, format_time
from plant.commitments import Exchange, ExchangeSide, ExchangeType
from plant.park import Plant
from plant.vocabulary import NS_PER_DAY
from proof.channel_windows import ChannelActivity
from rules.boundaries import compared
from store.reader import Reader, Snapshot
from store.totals.sums import Period

KG_PER_T = 1000.0
Clock = Callable[[], int]  # ns UTC
Reason = Literal["hidden", "unknown"]


class ExchangeSideBody(BaseModel):
    """What one side's meters counted, in the exchange's unit."""

    park: str = Field(examples=["nam-cau-kien"])
    facility: str = Field(examples=["steelworks"])
    channels: list[str] = Field(description="none where the side is another's", examples=[["slag"]])
    amount: float | None = Field(
        description="null, never 0, where a channel is unknown or the side is another's", examples=[1200.0]
    )
    coverage: float | None = Field(
        description="of the least known channel, of the period until now; null where the side is another's",
        examples=[1.0],
    )


class AvoidedBody(BaseModel):
    """What an exchange is said to avoid against its reference case. It is in no sum of an inventory."""

    reference: str = Field(description="what would have been used", examples=["clinker of a kiln"])
    per_received: float = Field(description="of it, per unit received", examples=[0.9])
    unit: str = Field(examples=["t"])
    amount: float | None = Field(
        description="of the reference; null where what was received is", examples=[1058.4]
    )
    kg_co2e_per_unit: float = Field(description="of the reference", examples=[850.0])
    avoided_t: float | None = Field(description="t CO2e; null where what was received is", examples=[899.64])
    source: str = Field(examples=["EPD of the cement works, 2025"])


class ExchangeBody(BaseModel):
    """What one facility gives to another over a period."""

    park: str = Field(examples=["nam-cau-kien"])
    name: str = Field(examples=["slag"])
    title: str = Field(examples=["Slag for cement"])
    type: ExchangeType = Field(examples=["input-output"])
    period: PeriodBody
    until: str = Field(description="the period's end, or now", examples=["2026-11-30T17:00:00Z"])
    unit: str = Field(examples=["t"])
    sent: ExchangeSideBody
    received: ExchangeSideBody
    difference: float | None = Field(description="sent less received", examples=[24.0])
    share: float | None = Field(description="of what was sent", examples=[0.02])
    tolerance: float = Field(examples=[0.03])
    is_imbalance: bool | None = Field(
        description="null where a side is unknown or another's, nothing was sent, or more of the period is missing than the tolerance",
        examples=[False],
    )
    coverage: float | None = Field(description="of the less known side", examples=[1.0])
    avoided: AvoidedBody | None = Field(
        description="null where nothing is said of it, or what was received is another's",
        examples=[None],
    )
    reason: Reason | None = Field(
        description="why nobody says whether they agree: hidden, one side is of a facility that the key is not for; or unknown",
        examples=[None],
    )


class ExchangesBody(BaseModel):
    """Exchanges by park and name, of which the caller sees a side at least."""

    as_of: str = Field(examples=["2026-12-01T05:00:00Z"])
    exchanges: list[ExchangeBody]
    only: list[str] | None = Field(
        None, description="of a key for some places: these; else not there", examples=[["nam-cau-kien/mill"]]
    )


def routes(reader: Reader, plant: Plant, clock: Clock) -> APIRouter:
    """Return the route."""
    router = APIRouter(
        prefix="/v1", tags=["indicators"], dependencies=GUARDED, responses=documented(401, 422, 503)
    )
    parks = {park.name: park for park in plant.parks}
    places = [FacilityPlace(one.park, one.name) for one in plant.facilities]

    @router.get(
        "/exchanges",
        response_model=ExchangesBody,
        response_model_exclude_unset=True,
        responses=documented_as(CSV),
    )
    def exchanges(
        request: Request,
        caller: Asking,
        park: Word = None,
        name: Word = None,
        period: When = None,
        start: From = None,
        end: To = None,
    ) -> Response:
        """Return what facilities sent and received in a period (default: this month), whether it balances, and what it avoids.

        Whoever may see one side alone sees that one, and nothing that tells the other. As CSV where `Accept` says so.
        """
        as_of = clock()
        word = period or (None if start or end else "month")
        chosen = chosen_period(plant, word, time_of("from", start), time_of("to", end), as_of)
        narrowed(seen_by(caller, places), park=park)
        seen = [one for one in plant.exchanges if park in (None, one.park) and _sees_a_side(caller, one)]
        wanted = [(one, chosen(parks[one.park])) for one in narrowed(seen, name=name)]
        _few_enough(wanted)
        with reader.snapshot() as state:
            asked = _Asked(ChannelActivity(state), plant.window, as_of, caller)
            told = [asked.body(one, span) for one, span in wanted]
        body = ExchangesBody(as_of=format_time(as_of), exchanges=told, **only(caller))
        if preferred(request.headers, (JSON, CSV)) == CSV:
            return Response(exchanges_csv(body), media_type=CSV)
        return Response(body.model_dump_json(by_alias=True, exclude_unset=True), media_type=JSON)

    return router


def exchange_bodies(
    state: Snapshot, exchanges: Iterable[Exchange], span: Period, as_of: int, caller: Caller
) -> list[ExchangeBody]:
    """Return exchanges in a period, as of a time [ns UTC], with what a caller may see of them."""
    asked = _Asked(ChannelActivity(state), state.plant.window, as_of, caller)
    return [asked.body(one, span) for one in exchanges]


def exchanges_csv(body: ExchangesBody) -> bytes:
    """Return exchanges as CSV: a line each."""
    return table_csv(_HEADER, _lines(body))


def _sees_a_side(caller: Caller, of: Exchange) -> bool:
    return _is_seen(caller, of.sent) or _is_seen(caller, of.received)


def _is_seen(caller: Caller, side: ExchangeSide) -> bool:
    return caller.sees(*side.site)


def _few_enough(wanted: list[tuple[Exchange, Period]]) -> None:
    days = sum(
        (span.end - span.start) / NS_PER_DAY * (len(one.sent.channels) + len(one.received.channels))
        for one, span in wanted
    )
    if days > MOST_CHANNEL_DAYS:
        message = f"more than {MOST_CHANNEL_DAYS:,} days of channels: take a shorter one, or name an exchange"
        raise InvalidQuery(("period", message))


class _Asked:
    """Reckons exchanges as of one moment's state, for one caller."""

    def __init__(self, activity: ChannelActivity, window: int, as_of: int, caller: Caller) -> None:
        self._activity, self._window, self._as_of, self._caller = activity, window, as_of, caller

    def body(self, of: Exchange, span: Period) -> ExchangeBody:
        """Return an exchange in a period, until now where it is not over."""
        until = max(min(span.end, -(-self._as_of // self._window) * self._window), span.start)
        sent, received = (self._side(side, span.start, until) for side in (of.sent, of.received))
        sees_both = sent.coverage is not None and received.coverage is not None
        amounts = [np.nan if one.amount is None else one.amount for one in (sent, received)]
        coverage = [one.coverage or 0.0 for one in (sent, received)]
        found = compared(np.array(amounts), np.array(coverage), of.tolerance)
        return ExchangeBody(
            park=of.park,
            name=of.name,
            title=of.title,
            type=of.type,
            period=PeriodBody.of(span.start, span.end),
            until=format_time(until),
            unit=of.unit,
            sent=sent,
            received=received,
            difference=number(found.unallocated),
            share=number(found.share),
            tolerance=of.tolerance,
            is_imbalance=found.imbalance,
            coverage=min(coverage) if sees_both else None,
            avoided=_avoided(of, received),
            reason=_reason(sees_both=sees_both, is_told=found.imbalance is not None),
        )

    def _side(self, side: ExchangeSide, start: int, until: int) -> ExchangeSideBody:
        """Return what a side counted, nothing of one that the caller may not see."""
        place = {"park": side.park, "facility": side.facility}
        if not _is_seen(self._caller, side):
            return ExchangeSideBody(**place, channels=[], amount=None, coverage=None)
        found = [self._metered(one.channel, one.scale, start, until) for one in side.channels]
        return ExchangeSideBody(
            **place,
            channels=[one.name for one in side.channels],
            amount=number(sum(amount for amount, _ in found)),
            coverage=min(coverage for _, coverage in found),
        )

    def _metered(self, channel: int, scale: float, start: int, until: int) -> tuple[float, float]:
        """Return what is known of a channel's amount, NaN where nothing is, and the share of the time that is known."""
        due = (until - start) // self._window
        if not due:
            return np.nan, 0.0
        windows = self._activity.windows(channel, start, until)
        known = ~np.isnan(windows.value)
        amount = float(windows.value[known].sum()) * scale if known.any() else np.nan
        return amount, float(np.clip(windows.coverage[known].sum() / due, 0, 1))


def _reason(*, sees_both: bool, is_told: bool) -> Reason | None:
    if not sees_both:
        return "hidden"
    return None if is_told else "unknown"


def _avoided(of: Exchange, received: ExchangeSideBody) -> AvoidedBody | None:
    """Return what was avoided by what was received, nothing for a caller who may not see that."""
    if of.avoided is None or received.coverage is None:
        return None
    amount = None if received.amount is None else received.amount * of.avoided.amount
    return AvoidedBody(
        reference=of.avoided.reference,
        per_received=of.avoided.amount,
        unit=of.avoided.unit,
        amount=amount,
        kg_co2e_per_unit=of.avoided.co2e,
        avoided_t=None if amount is None else amount * of.avoided.co2e / KG_PER_T,
        source=of.avoided.source,
    )


_HEADER = [
    "as_of", "from", "to", "until", "only", "park", "exchange", "type", "sent_by", "received_by", "sent", "received", "difference", "unit",
    "share [1]", "tolerance [1]", "is_imbalance", "reason", "coverage [1]", "reference", "avoided [t CO2e]", "source",
]  # fmt: skip


def _lines(body: ExchangesBody) -> Iterator[list[Cell]]:
    for one in body.exchanges:
        line: list[Cell] = [body.as_of, one.period.from_, one.period.to, one.until, " ".join(body.only or [])]
        line += [one.park, one.name, one.type]
        line += [f"{side.park}/{side.facility}" for side in (one.sent, one.received)]
        line += [one.sent.amount, one.received.amount, one.difference, one.unit, one.share, one.tolerance]
        line += ["" if one.is_imbalance is None else str(one.is_imbalance).lower(), one.reason, one.coverage]
        avoided = one.avoided
        line += [avoided.reference, avoided.avoided_t, avoided.source] if avoided else ["", None, ""]
        yield line
