"""The parts of the live stream over shards: what each told of them, checked, and put together."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from api.access.caller import Role
from api.addends import AddendBody
from api.times import parse_time
from plant.shards.shards_file import Shard
from stackmeter.front.asking import ShardAnswer
from stackmeter.front.together import AwayBody
from stackmeter.front.totals import addends_of, check_parks, sum_of, unknown
from stackmeter.heard import model_of

PATH = "/v1/live"
PARTS = ("plant", "totals", "hours", "gateways", "health", "alerts")
PERIODS = ("today", "month")

Body = dict[str, Any]


@dataclass(slots=True)
class ShardTold:
    """What a shard told in this stream; `parts` by name, `refused` where it does not know the key."""

    shard: Shard
    parts: dict[str, Body] = field(default_factory=dict)
    happened: list[Body] = field(default_factory=list)  # to alerts, and not told on yet
    missed: bool = False
    last: str | None = None
    refused: bool = False
    said: ShardAnswer | None = None  # why it is away

    @property
    def is_there(self) -> bool:
        """Whether what it told is of now."""
        return self.said is None and not self.refused and set(PARTS) <= self.parts.keys()

    @property
    def is_settled(self) -> bool:
        """Whether it is known how it stands."""
        return self.refused or self.said is not None or self.is_there


def check_part(shard: Shard, name: str, body: Body) -> None:
    """Raise Unheard, KeyError, TypeError or ValueError where a part of a shard's stream is none, or of others' parks."""
    parse_time(body["as_of"])
    match name:
        case "plant":
            Role(body["you"]["role"])
            check_parks(shard.parks, (park["name"] for park in body["parks"]))
        case "totals":
            rows = [row for period in PERIODS for row in body[period]]
            check_parks([*shard.parks, None], (row["park"] for row in rows))  # type: ignore[list-item]
            check_parks(shard.parks, (part.park for period in PERIODS for part in _parts([body], period)))
            for period in PERIODS:
                addends_of(_parts([body], period))
        case "hours":
            check_parks([*shard.parks, None], (row["park"] for row in body["rows"]))  # type: ignore[list-item]
            for row in body["rows"]:
                if {len(row[name]) for name in _OF_HOURS} != {len(row["times"])}:
                    raise ValueError("its hours are not of one length")
        case "gateways":
            check_parks(shard.parks, (row["park"] for row in body["gateways"]))
        case "health":
            [*body["reasons"], *body["degradations"], body["ready"]]
        case _:
            for row in body["open"]:
                parse_time(row["started_at"]), row["id"]
            for row in body["happened"]:
                parse_time(row["at"])
            body["more"], body["missed"]


def alerts_of(known: Sequence[ShardTold]) -> Body:
    """Return all open alerts, of a shard that is away as they stood, and what happened that was not told yet."""
    rows = [row for one in known for row in one.parts["alerts"]["open"]]
    happened = [row for one in known for row in one.happened]
    missed = any(one.missed for one in known)
    for one in known:
        one.happened, one.missed = [], False
    return {
        "open": sorted(rows, key=lambda row: (parse_time(row["started_at"]), row["id"]), reverse=True),
        "more": any(one.parts["alerts"]["more"] for one in known),
        "happened": sorted(happened, key=lambda row: parse_time(row["at"])),
        "missed": missed,
    }


def sees_all(told: ShardTold) -> bool:
    return any(row["park"] is None for row in told.parts["totals"]["today"])


def _parts(bodies: Sequence[Body], period: str) -> list[AddendBody]:
    rows = [row for body in bodies for row in body["parks"] if row["period"] == period]
    found = [model_of(AddendBody, PATH, row) for row in rows]
    return sorted(found, key=lambda one: one.park)


def totals_of(
    there: Sequence[ShardTold], gone: Sequence[ShardTold], away: Sequence[AwayBody], *, whole: bool
) -> Body:
    bodies = [one.parts["totals"] for one in there]
    found: Body = {}
    for period in PERIODS:
        rows = [row for body in bodies for row in body[period] if row["park"] is not None]
        rows += [_nothing(park, facility) for park, facility in _places(gone, away)]
        if whole:
            parks = [park for one in (*there, *gone) for park in one.shard.parks]
            told = sum_of(_parts(bodies, period), away, budget_of=parks if period == "month" else None)
            rows.insert(0, _row(None, None, told))
        found[period] = rows
    return found


def _places(gone: Sequence[ShardTold], away: Sequence[AwayBody]) -> list[tuple[str, str | None]]:
    """Return the parks and facilities whose shard is away, as far as this stream was told of them."""
    named = dict.fromkeys((park, None) for one in away for park in one.parks or [])
    rows = [row for one in gone for row in one.parts.get("totals", {}).get("today", [])]
    known = dict.fromkeys((row["park"], row["facility"]) for row in rows if row["park"] is not None)
    return list(known | named)


def _nothing(park: str, facility: str | None) -> Body:
    return _row(park, facility, unknown())


def _row(park: str | None, facility: str | None, told: Body) -> Body:
    """Return a row as a page takes it."""
    shares = told["shares"]
    plain = {key: value for key, value in told.items() if key not in _NOT_SHOWN}
    return {
        "park": park, "facility": facility, "scope": None, **plain,
        "shares": None if shares is None else shares.model_dump(),
    }  # fmt: skip


_NOT_SHOWN = {
    "co2_kg", "co2_biogenic_kg", "ch4_kg", "n2o_kg", "activity", "activity_unit", "revision", "away",
}  # fmt: skip


def hours_of(there: Sequence[ShardTold], away: Sequence[AwayBody], *, whole: bool) -> Body:
    """Return the last hours of each place, and of all where their clocks agree: unknown while a shard is away."""
    rows = [row for one in there for row in one.parts["hours"]["rows"]]
    parts = [row for one in there for row in _hours_of(one.parts["hours"]["rows"])]
    told = [row for row in rows if row["park"] is not None]
    if whole and parts and all(row["times"] == parts[0]["times"] for row in parts):
        told.insert(0, _all_hours(parts, is_known=not away))
    return {"rows": told}


def _hours_of(rows: Sequence[Body]) -> list[Body]:
    """Return the row of all that a shard has, else those of its parks."""
    of_all = [row for row in rows if row["park"] is None]
    return of_all or [row for row in rows if row["facility"] is None]


def _all_hours(parts: Sequence[Body], *, is_known: bool) -> Body:
    """Return the sum of several rows; how well it is known is told as the least of them."""
    columns = {name: list(zip(*(row[name] for row in parts), strict=True)) for name in _OF_HOURS}
    known = [[value for value in hour if value is not None] for hour in columns["co2e_t"]]
    sums = [sum(hour) if hour and is_known else None for hour in known]
    coverage = [None if None in hour or not is_known else min(hour) for hour in columns["coverage"]]
    substituted = [max((value or 0.0 for value in hour), default=None) for hour in columns["substituted"]]
    return {
        "park": None, "facility": None, "times": parts[0]["times"], "co2e_t": sums, "coverage": coverage,
        "known_from": max((row["known_from"] for row in parts if row["known_from"]), default=None), "substituted": substituted,
    }  # fmt: skip


_OF_HOURS = ("co2e_t", "coverage", "substituted")
