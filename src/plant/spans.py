"""Spans, intervals of the clock, hours of the day and days, as conditions write them."""

import re
from collections.abc import Sequence

from plant.clock import parse_duration
from plant.dated import day
from plant.expressions import ExpressionError, short
from plant.suggest import did_you_mean
from plant.vocabulary import NS_PER_DAY, NS_PER_HOUR, NS_PER_MIN

LONGEST_SPAN = 31 * NS_PER_DAY  # of readings that a condition may look back on
LONGEST_DAY = 25 * NS_PER_HOUR  # of a clock that is put back


def look_back(text: str) -> int:
    """Return how long a condition looks back [ns]; ExpressionError where it is no such time."""
    span = duration(text)
    if not 0 < span <= LONGEST_SPAN:
        raise ExpressionError(f"{text} is no time to look back on: it is longer than 0 and at most 31d")
    return span


def duration(text: str) -> int:
    """Return a duration [ns]; `m` is minutes as well, as in the API's steps. ExpressionError where it is none."""
    try:
        return parse_duration(re.sub(r"(?<=[0-9])m$", "min", text))
    except ValueError as error:
        raise ExpressionError(str(error)) from error


def interval(name: str, text: str, calendar: Sequence[str]) -> tuple[str, int]:
    """Return an interval of the clock, and how long it is [ns]: an even part of the hour, or one of `calendar`.

    Of these today has a length. ExpressionError, which calls it what `name` asks for, where it is neither.
    """
    if text in calendar:
        return text, LONGEST_DAY if text == "today" else 0
    try:
        span = look_back(text)
    except ExpressionError:
        span = 0
    if span < NS_PER_MIN or NS_PER_HOUR % span:
        hint = did_you_mean(text, calendar)
        raise ExpressionError(
            f"{name} is of {', '.join(calendar)}, or of what parts the clock's hour evenly, such as 1h, 30min, 15min;"
            f" not {short(text)}{hint}"
        )
    return text, span


def hours(text: str) -> str:
    """Return a stretch of whole hours of the day as it is, such as 22:00-05:00.

    Raises
    ------
    ExpressionError
        It is none, or has no beginning.
    """
    found = re.fullmatch(r"([01][0-9]|2[0-3]):00-([01][0-9]|2[0-4]):00", text)
    if found is None or found[1] == found[2]:
        raise ExpressionError(f"{short(text)} is no stretch of the day, such as 22:00-05:00")
    return text


def iso_day(text: str) -> str:
    """Return a day that is written like 2027-03-01 as it is; ExpressionError where it is none."""
    try:
        return day(text).isoformat()
    except ValueError as error:
        raise ExpressionError(str(error)) from error
