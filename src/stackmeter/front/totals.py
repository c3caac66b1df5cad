"""Totals over shards: each park as its shard tells it, and all as the sum of what each park adds, to the bit of one service."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from fastapi import Request
from pydantic import Field
from starlette.responses import Response

from api.addends import AddendBody
from api.adding import Addend, added
from api.answers import totals_answer
from api.models import TotalBody, TotalsBody
from api.problems import InvalidQuery, problem
from api.times import parse_time
from plant.arrays import number
from plant.clock import PeriodBody
from stackmeter.front.asking import Parameters, ShardAnswer, ShardAsker
from stackmeter.front.together import AwayBody, away_bodies, parks_of, refusal
from stackmeter.heard import Unheard, model_of

PATH = "/v1/totals"
OF_ALL = frozenset({"budget", "parks"})  # of `with`: what is told of all parks together
AWAY = "Stackmeter-Away"
AMOUNTS = (
    "co2e_t", "co2_kg", "co2_biogenic_kg", "ch4_kg", "n2o_kg", "activity", "activity_unit", "now_t_per_h", "now_at", "coverage", "shares",
    "known_from", "worst_source", "complete_until",
)  # fmt: skip
_LISTS = ("now_unknown", "unheard", "stale")
_LEFT_OUT = ("excluded_transfers_t", "scope3_t")


class FrontTotalBody(TotalBody):
    """A total over shards."""

    away: list[AwayBody] | None = Field(
        default=None, description="shards of which nothing is in it; absent where there are none"
    )


class FrontTotalsBody(TotalsBody):
    """Totals over shards."""

    totals: list[FrontTotalBody]  # type: ignore[assignment]  # each says more
    away: list[AwayBody] | None = Field(
        default=None, description="shards that are away; absent where there are none"
    )


@dataclass(frozen=True, slots=True)
class _Heard:
    """What all shards said, those that cannot be believed away."""

    said: list[ShardAnswer]
    bodies: list[FrontTotalsBody]  # of those that answered, in their order


async def totals(asking: ShardAsker, request: Request) -> Response:
    """Answer `GET /v1/totals` over all shards; `partial=true` sums what there is where a shard is away."""
    parameters = request.query_params.multi_items()
    partial = _is_partial(parameters)
    parameters = [(name, value) for name, value in parameters if name != "partial"]
    is_of_all = ("level", "all") in parameters
    said = await asking.each(request, PATH, _with_parks(parameters) if is_of_all else parameters)
    heard = _believed(asking, said, is_of_all=is_of_all)
    refused = refusal(request, heard.said)
    if refused is not None:
        return refused
    sets = {one.gwp for one in heard.bodies}
    if len(sets) > 1:
        detail = f"shards count with {' and '.join(sorted(sets))}: their tonnes do not add, so name a park"
        return problem(request.url.path, 409, detail)
    body = _merged(heard, _words(parameters), is_of_all=is_of_all, partial=partial)
    answer = totals_answer(request.headers, body)
    if body.away:
        answer.headers[AWAY] = ", ".join(one.shard for one in body.away)
    return answer


def _is_partial(parameters: Parameters) -> bool:
    given = [value for name, value in parameters if name == "partial"]
    if given not in ([], ["true"], ["false"]):
        raise InvalidQuery(("partial", "write true or false, once"))
    return given == ["true"]


def _words(parameters: Parameters) -> set[str]:
    return {word for name, value in parameters if name == "with" for word in value.split(",")}


def _with_parks(parameters: Parameters) -> Parameters:
    words = _words(parameters)
    if beside := sorted(words - OF_ALL):
        detail = f"{beside[0]} of all parks together is not told over several shards: ask with level=park"
        raise InvalidQuery(("with", detail))
    return [*(one for one in parameters if one[0] != "with"), ("with", ",".join(sorted(words | {"parks"})))]


def _believed(asking: ShardAsker, said: Iterable[ShardAnswer], *, is_of_all: bool) -> _Heard:
    """Return the answers, read; a shard that tells of parks that it does not have is not believed."""
    found, bodies = [], []
    for one in said:
        try:
            if one.good:
                bodies.append(_read(one, is_of_all=is_of_all))
            found.append(one)
        except Unheard as error:
            found.append(asking.not_believed(one.shard, str(error)))
    return _Heard(found, bodies)


def _read(said: ShardAnswer, *, is_of_all: bool) -> FrontTotalsBody:
    body = model_of(FrontTotalsBody, PATH, said.value)
    named = (
        [part.park for one in body.totals for part in one.parks or []]
        if is_of_all
        else [one.park for one in body.totals]
    )
    check_parks(said.shard.parks, named)
    for total in body.totals if is_of_all else []:
        addends_of(total.parks)
    return body


def check_parks(own: Sequence[str], named: Iterable[str | None]) -> None:
    """Raise Unheard where a park is named that a shard does not have."""
    for park in named:
        if park not in own:
            raise Unheard(f"it speaks of park {park}, which is not among its own"[:200])


def addends_of(bodies: Sequence[AddendBody] | None) -> list[Addend]:
    """Return what parks add; raise Unheard where that cannot be."""
    if bodies is None:
        raise Unheard("it does not say what each park adds: is it as new as the front?")
    try:
        return [Addend.of(one) for one in bodies]
    except ValueError as error:
        raise Unheard(str(error)[:200]) from error


def _merged(heard: _Heard, beside: set[str], *, is_of_all: bool, partial: bool) -> FrontTotalsBody:
    only = _only(heard)
    away = away_bodies(heard.said, whole=only is None)
    rows = [row for body in heard.bodies for row in body.totals]
    if is_of_all:
        parks = [park for is_away in (False, True) for park in parks_of(heard.said, away=is_away)]
        budget_of = parks if "budget" in beside else None
        rows = [
            _all(part, away, budget_of, partial=partial, shows_parks="parks" in beside)
            for part in _by_key(rows) or ([[FrontTotalBody(**_nowhere(None), **unknown())]] if away else [])
        ]
    else:
        rows += [unknown_park(park, one) for one in away for park in one.parks or []]
        rows.sort(key=_order)
    starts, ends = ([getattr(body.period, end) for body in heard.bodies] for end in ("from_", "to"))
    return FrontTotalsBody(
        as_of=min((body.as_of for body in heard.bodies), key=parse_time),
        period=PeriodBody(**{"from": min(starts, key=parse_time)}, to=max(ends, key=parse_time)),
        gwp=heard.bodies[0].gwp,
        totals=rows,
        **_told(only=only, away=away or None),
    )


def _all(
    rows: Sequence[FrontTotalBody],
    away: Sequence[AwayBody],
    budget_of: Sequence[str] | None,
    *,
    partial: bool,
    shows_parks: bool,
) -> FrontTotalBody:
    """Return the total that the rows of several shards with one key make."""
    key = {name: getattr(rows[0], name) for name in _nowhere(None)}
    parts = sorted((part for row in rows for part in row.parks or []), key=lambda one: one.park)
    is_of_method = rows[0].method is not None
    told = sum_of(parts, away, budget_of=budget_of, partial=partial, with_activity=is_of_method)
    return FrontTotalBody(**key, **told, **_told(parks=parts if shows_parks else None))


def _told(**fields: Any) -> dict[str, Any]:
    """Return the fields that are not None: others are absent."""
    return {name: value for name, value in fields.items() if value is not None}


def _only(heard: _Heard) -> list[str] | None:
    """Return over which places alone everything is summed: those of each shard, none of one that does not know the key."""
    answered = [one for one in heard.said if one.away is None]
    if all(one.good for one in answered) and not any(body.only for body in heard.bodies):
        return None
    of_shards = zip((one for one in answered if one.good), heard.bodies, strict=True)
    return sorted({place for one, body in of_shards for place in body.only or one.shard.parks})


def _by_key(rows: Sequence[FrontTotalBody]) -> list[list[FrontTotalBody]]:
    found: dict[tuple[str, ...], list[FrontTotalBody]] = {}
    for row in rows:
        found.setdefault(_order(row), []).append(row)
    return [found[key] for key in sorted(found)]


def _order(row: TotalBody) -> tuple[str, ...]:
    return tuple(map(str, (row.park, row.facility, row.source, row.scope, row.method)))


def sum_of(
    parts: Sequence[AddendBody],
    away: Sequence[AwayBody],
    *,
    budget_of: Sequence[str] | None = None,
    partial: bool = False,
    with_activity: bool = False,
) -> dict[str, Any]:
    """Return the fields of a total that parks make.

    Parameters
    ----------
    parts
        What each adds, by park.
    away
        Shards of which nothing is known: unless the sum is to be `partial`, its amounts are null.
    budget_of
        The parks whose budgets make that of all, None where budgets are not asked for.
    """
    told = added([Addend.of(one) for one in parts], with_activity=with_activity)
    if away and not partial:
        told |= dict.fromkeys(AMOUNTS) | {name: None for name in _LEFT_OUT if name in told}
    if budget_of is not None:
        budgets = {one.park: one.budget_t for one in parts}
        known = [budgets[park] for park in sorted(budget_of) if budgets.get(park) is not None]
        of_all = sum(one for one in known if one is not None) if len(known) == len(budget_of) else None
        tonnes = told["co2e_t"]
        share = number(tonnes / of_all) if of_all and tonnes is not None else None
        told |= {"budget_t": of_all, "budget_used_share": share}
    return told | _told(away=list(away) or None)


def unknown_park(park: str, away: AwayBody) -> FrontTotalBody:
    """Return the total of a park whose shard is away."""
    return FrontTotalBody(**_nowhere(park), **unknown(), away=[away])


def unknown() -> dict[str, Any]:
    """Return the fields of a total of which nothing is known."""
    return {**dict.fromkeys(AMOUNTS), **{name: [] for name in _LISTS}, "revision": 0}


def _nowhere(park: str | None) -> dict[str, Any]:
    return {"park": park, "facility": None, "source": None, "scope": None, "method": None}
