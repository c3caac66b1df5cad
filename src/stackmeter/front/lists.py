"""Lists over shards, in the order and with the cursors of one service: any shard's cursor says where all of them go on."""

import base64
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from fastapi import Request
from starlette.responses import JSONResponse, Response

from api.pages import sealed
from api.times import parse_time
from stackmeter.front.asking import ShardAnswer, ShardAsker
from stackmeter.front.together import refusal
from stackmeter.front.totals import check_parks
from stackmeter.heard import Unheard

DEFAULT_LIMIT = 100

Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Listed:
    """A list: the answer's field, its order, and the cursor after a row; `cursor` None where it comes as a whole."""

    field: str
    key: Callable[[Row], Any]
    cursor: Callable[[Row], str] | None = None
    newest_first: bool = False
    of_parks: bool = True  # each row names its park


def _by_place(field: str, *names: str) -> Listed:
    def key(row: Row) -> tuple[str, ...]:
        return tuple(str(row[name]) for name in names)

    return Listed(field, key, lambda row: sealed(key(row)))


def _alert_place(row: Row) -> tuple[int, str]:
    return parse_time(row["started_at"]), str(row["id"])


def _after_alert(row: Row) -> str:
    started, which = _alert_place(row)
    return base64.urlsafe_b64encode(f"{started}.{which}".encode()).rstrip(b"=").decode()


LISTS = {
    "/v1/parks": Listed("parks", lambda row: row["park"]),
    "/v1/facilities": _by_place("facilities", "park", "facility"),
    "/v1/sources": _by_place("sources", "park", "facility", "source"),
    "/v1/channels": _by_place("channels", "park", "facility", "channel"),
    "/v1/gateways": _by_place("gateways", "park", "facility", "gateway"),
    "/v1/alerts": Listed("alerts", _alert_place, _after_alert, newest_first=True, of_parks=False),
}


async def listed(asking: ShardAsker, request: Request) -> Response:
    """Answer a list over all shards; `away` counts the shards that are away, whose rows are missing."""
    path = request.url.path
    one = LISTS[path]
    said = await asking.each(request, path, request.query_params.multi_items())
    rows, believed = _rows(asking, said, one)
    refused = refusal(request, believed)
    if refused is not None:
        return refused
    rows.sort(key=one.key, reverse=one.newest_first)
    body = next(answer.value for answer in believed if answer.good) | {one.field: rows}
    if one.cursor is not None:
        limit = int(request.query_params.get("limit", DEFAULT_LIMIT))
        page = rows[:limit]
        has_more = len(rows) > limit or any(answer.good and answer.value.get("next") for answer in believed)
        body |= {one.field: page, "next": one.cursor(page[-1]) if has_more and page else None}
    away = sum(answer.away is not None for answer in believed)
    return JSONResponse(body | ({"away": away} if away else {}))


def _rows(asking: ShardAsker, said: list[ShardAnswer], listed: Listed) -> tuple[list[Row], list[ShardAnswer]]:
    """Return the rows of all shards, and what they said, without those that cannot be believed."""
    rows: list[Row] = []
    believed = []
    for one in said:
        try:
            rows += _rows_of(one, listed) if one.good else []
            believed.append(one)
        except Unheard as error:
            believed.append(asking.not_believed(one.shard, str(error)))
    return rows, believed


def _rows_of(said: ShardAnswer, listed: Listed) -> list[Row]:
    try:
        rows: list[Row] = list(said.value[listed.field])
        for row in rows:
            listed.key(row)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise Unheard(f"its list of {listed.field} is none: {type(error).__name__}") from error
    check_parks(said.shard.parks, (row["park"] for row in rows if listed.of_parks))
    return rows
