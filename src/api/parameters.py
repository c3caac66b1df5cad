"""Parameters that many routes take, and how a time among them is read."""

from typing import Annotated, overload

from fastapi import Query

from api.problems import InvalidQuery
from api.times import PERIOD, parse_time
from plant.languages import Language

Word = Annotated[str | None, Query(max_length=200)]
When = Annotated[str | None, Query(pattern=PERIOD, examples=["today", "2026-11"])]
Time = Annotated[str | None, Query(max_length=64, examples=["2026-11-24T00:00:00+07:00"])]
From = Annotated[Time, Query(alias="from", description="RFC 3339 with zone")]
InLanguage = Annotated[Language, Query(description="vi or en")]
To = Annotated[Time, Query(alias="to", description="RFC 3339 with zone; not part of the period")]


@overload
def time_of(parameter: str, text: str) -> int: ...
@overload
def time_of(parameter: str, text: str | None) -> int | None: ...
def time_of(parameter: str, text: str | None) -> int | None:
    """Return a time [ns UTC], None where none is given; raise InvalidQuery, which names the parameter, for what is none."""
    try:
        return None if text is None else parse_time(text)
    except ValueError as error:
        raise InvalidQuery((parameter, str(error))) from error
