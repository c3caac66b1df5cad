"""Slots of the week: which hours of a tariff a window lies in, by a park's clock."""

import re
from collections.abc import Iterator, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
MINUTES = 24 * 60  # of a day
UNKNOWN = -1  # the slot of what no row of hours is in force for

Slots = NDArray[np.int8]

_FORM = re.compile(rf"(daily|({'|'.join(DAYS)})(?:-({'|'.join(DAYS)}))?) (\d\d):(\d\d)-(\d\d):(\d\d)")


def minutes_of(text: str) -> list[tuple[int, int, int]]:
    """Return the stretches of a week that a text such as `Mon-Sat 17:30-22:30` names: day (Monday 0), first minute, end.

    Raises
    ------
    ValueError
        It is written otherwise, or ends before it begins; only what is daily runs over midnight.
    """
    found = _FORM.fullmatch(text)
    if found is None:
        raise ValueError(f"hours are written like Mon-Sat 17:30-22:30 or daily 22:00-04:00; not {text!r}")
    whole, first, last, *clock = found.groups()
    start, end = (_minute(hour, minute, text) for hour, minute in (clock[:2], clock[2:]))
    days = _days(first, last) if first else list(range(len(DAYS)))
    if start < end:
        return [(day, start, end) for day in days]
    if whole != "daily" or start in (end, MINUTES):
        raise ValueError(f"{text!r} ends before it begins; only daily hours run over midnight")
    return [part for day in days for part in ((day, start, MINUTES), (day, 0, end)) if part[1] < part[2]]


def week(slots: Mapping[str, Sequence[str]], names: Sequence[str]) -> Slots:
    """Return the slot of each minute of a week, shape (7, 1440), as places in `names`; the first is that of the rest.

    Raises
    ------
    ValueError
        A minute lies in two slots.
    """
    found: Slots = np.zeros((len(DAYS), MINUTES), np.int8)
    for name, texts in slots.items():
        for text in texts:
            for day, start, end in minutes_of(text):
                if found[day, start:end].any():
                    raise ValueError(f"{name} {text} overlaps other hours")
                found[day, start:end] = names.index(name)
    return found


def edges(weeks: Slots) -> tuple[int, ...]:
    """Return the minutes of the day at which the slot may change, of any row's week, shape (..., 7, 1440)."""
    changes = (weeks != np.roll(weeks, 1, axis=-1)).reshape(-1, MINUTES).any(axis=0)
    return tuple(np.flatnonzero(changes).tolist())


def _minute(hour: str, minute: str, text: str) -> int:
    found = int(hour) * 60 + int(minute)
    if int(minute) > 59 or found > MINUTES:
        raise ValueError(f"{text!r} names no time of day; the last is 24:00")
    return found


def _days(first: str, last: str | None) -> list[int]:
    start, end = DAYS.index(first), DAYS.index(last or first)
    return list(_from_to(start, end))


def _from_to(start: int, end: int) -> Iterator[int]:
    """Yield days from one to another, over Sunday where the week ends between them."""
    yield from range(start, end + 1) if start <= end else (*range(start, len(DAYS)), *range(end + 1))
