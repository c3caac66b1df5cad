"""Durations and instants as nanoseconds, and as a configuration and answers write them."""

import re
from datetime import UTC, datetime, timedelta
from typing import Self

import numpy as np
from pydantic import BaseModel, Field

from plant.arrays import Times
from plant.vocabulary import NS_PER_DAY, NS_PER_HOUR, NS_PER_MIN, NS_PER_S

DURATION = r"[0-9]{1,9}(s|min|h|d)"
INSTANT = (
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt][0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,9})?([Zz]|[+-][0-9]{2}:[0-9]{2})"
)
LONGEST = 36_500 * NS_PER_DAY  # a century still fits twice into an int64

_NS_PER = {"s": NS_PER_S, "min": NS_PER_MIN, "h": NS_PER_HOUR, "d": NS_PER_DAY}
EARLIEST_YEAR, LATEST_YEAR = (
    1973,
    2260,
)  # the clock's rules are simple from the one on, int64 ns end after the other
OUTSIDE = f"a time lies between {EARLIEST_YEAR} and {LATEST_YEAR}, not {{!r}}"
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_EARLIEST, _LATEST = datetime(EARLIEST_YEAR, 1, 1, tzinfo=UTC), datetime(LATEST_YEAR + 1, 1, 1, tzinfo=UTC)


def parse_duration(text: object) -> int:
    """Return the nanoseconds of a whole number of s, min, h or d, such as `15min`.

    Raises
    ------
    ValueError
        Where it is written otherwise (a bare number has no unit), or longer than a century.
    """
    if not isinstance(text, str) or not (found := re.fullmatch(DURATION, text)):
        raise ValueError(f"a duration is a whole number with s, min, h or d, like 15min; not {text!r}")
    unit = found[1]
    duration = int(text.removesuffix(unit)) * _NS_PER[unit]
    if duration > LONGEST:
        raise ValueError(f"{text} is longer than a century")
    return duration


def parse_instant(text: object) -> int:
    """Return the nanoseconds since 1970, UTC, of an RFC 3339 time with its zone.

    Raises
    ------
    ValueError
        Where it is no such time: one without a zone is ambiguous and refused; or it lies outside 1973 to 2260.
    """
    if not isinstance(text, str) or not (found := re.fullmatch(INSTANT, text)):
        raise ValueError(f"a time is written with its zone, like 2026-11-24T12:00:00+07:00; not {text!r}")
    fraction = found[1] or ""
    whole = datetime.fromisoformat(text.replace(fraction, "", 1).upper() if fraction else text.upper())
    if not _EARLIEST <= whole < _LATEST:
        raise ValueError(OUTSIDE.format(text))
    seconds = whole - _EPOCH
    return (seconds.days * 86_400 + seconds.seconds) * NS_PER_S + int(fraction[1:].ljust(9, "0") or "0")


def format_time(time: int) -> str:
    """Return ns UTC as RFC 3339, with as many digits of the second as it needs."""
    seconds, fraction = divmod(int(time), NS_PER_S)
    whole = (_EPOCH + timedelta(seconds=seconds)).strftime("%Y-%m-%dT%H:%M:%S")
    return f"{whole}.{fraction:09}".rstrip("0").rstrip(".") + "Z"


def format_times(times: Times) -> list[str]:
    """Return times [ns UTC] as `format_time` does, all at once."""
    if (times % NS_PER_S).any():
        return [format_time(time) for time in times.tolist()]
    found: list[str] = np.datetime_as_string(times.view("datetime64[ns]"), unit="s", timezone="UTC").tolist()
    return found


class PeriodBody(BaseModel):
    """A half-open period; `from` to `to`, RFC 3339 in UTC."""

    from_: str = Field(serialization_alias="from", validation_alias="from", examples=["2026-11-23T17:00:00Z"])
    to: str = Field(examples=["2026-11-24T17:00:00Z"])

    @classmethod
    def of(cls, start: int, end: int) -> Self:
        """Return [start, end) [ns UTC] as answers write it."""
        return cls(**{"from": format_time(start), "to": format_time(end)})


def wrong_pattern(pattern: str) -> str:
    """Return what is wrong with a pattern of strptime, "" where it is one."""
    try:
        datetime.strptime("", pattern)  # noqa: DTZ007  only the pattern is looked at
    except ValueError as error:
        said = str(error)
        return said if "directive" in said or "stray" in said else ""
    except (re.error, IndexError, KeyError) as error:
        return f"a directive stands twice: {error}"
    return ""
