"""RFC 3339 texts to nanoseconds, a whole column at once; nothing is guessed, every refusal has its code."""

import calendar
import re
from datetime import date

import numpy as np

from plant.arrays import Bools, Bytes, Ints, Times
from plant.vocabulary import NS_PER_DAY, NS_PER_HOUR, NS_PER_MIN, NS_PER_S, Code

FIRST_YEAR, LAST_YEAR = 1678, 2261  # the years that int64 nanoseconds hold as a whole, in any zone

_FEW = 48  # distinct texts below which numpy costs more than it saves
_SHAPE = re.compile(
    r"(\d{4})-(\d\d)-(\d\d)[Tt](\d\d):(\d\d):(\d\d)(?:\.(\d+))?([Zz]|[+-]\d\d:\d\d)?", re.ASCII
)
_SECONDS_END = 19  # characters of YYYY-MM-DDTHH:MM:SS
_MAX_FRACTION = 9  # digits of a second
_UTC, _OFFSET = 1, 6  # characters of Z and of +07:00
_SHORTEST, _LONGEST = _SECONDS_END + _UTC, _SECONDS_END + 1 + _MAX_FRACTION + _OFFSET
_T, _Z, _SIGNS = (np.frombuffer(letters, np.uint8) for letters in (b"Tt", b"Zz", b"+-"))
_EPOCH = date(1970, 1, 1).toordinal()


def parse_times(texts: list[str]) -> tuple[Times, dict[int, Code]]:
    """Return each text as nanoseconds since 1970, and the code of each row that is no acceptable time.

    Parameters
    ----------
    texts
        RFC 3339 with zone, at most nine digits of a second.

    Returns
    -------
    Times, dict
        [ns]; 0 in refused rows. Codes: ts_invalid, ts_naive, ts_precision; ts_old and ts_future only for years
        outside `FIRST_YEAR` to `LAST_YEAR`.
    """
    distinct = list(dict.fromkeys(texts))
    times, refused = _parse_distinct(distinct)
    if len(distinct) == len(texts):
        return times, refused
    place = {text: row for row, text in enumerate(distinct)}
    rows = np.fromiter(map(place.__getitem__, texts), np.intp, len(texts))
    if refused:
        bad = np.flatnonzero(np.isin(rows, list(refused)))
        refused = {int(row): refused[int(rows[row])] for row in bad}
    return times[rows], refused


def _parse_distinct(texts: list[str]) -> tuple[Times, dict[int, Code]]:
    times = np.zeros(len(texts), np.int64)
    doubtful = np.ones(len(texts), np.bool_)
    if len(texts) >= _FEW:
        _parse_blocks(texts, times, doubtful)
    refused: dict[int, Code] = {}
    for row in np.flatnonzero(doubtful).tolist():
        verdict = parse_time(texts[row])
        if isinstance(verdict, Code):
            refused[row] = verdict
        else:
            times[row] = verdict
    return times, refused


def parse_time(text: str) -> int | Code:
    """Return one text as nanoseconds since 1970, or the code of what is wrong with it.

    References
    ----------
    .. [1] RFC 3339, section 5.6. A leap second (:60) is refused: it has no place on the scale.
    """
    shape = _SHAPE.fullmatch(text)
    if shape is None:
        return Code.TS_INVALID
    year, month, day, hour, minute, second = map(int, shape.groups()[:6])
    fraction, zone = shape[7] or "", shape[8]
    offset = _offset(zone)
    if not _is_on_calendar(year, month, day) or hour > 23 or minute > 59 or second > 59 or offset is None:
        return Code.TS_INVALID
    if zone is None:
        return Code.TS_NAIVE
    if len(fraction) > _MAX_FRACTION:
        return Code.TS_PRECISION
    if not FIRST_YEAR <= year <= LAST_YEAR:
        return Code.TS_OLD if year < FIRST_YEAR else Code.TS_FUTURE
    clock = (
        hour * NS_PER_HOUR + minute * NS_PER_MIN + second * NS_PER_S + int(fraction.ljust(_MAX_FRACTION, "0"))
    )
    return (date(year, month, day).toordinal() - _EPOCH) * NS_PER_DAY + clock - offset


def _offset(zone: str | None) -> int | None:
    """Return how far a zone is ahead of UTC [ns]; None where it is no zone of the clock."""
    if zone is None or zone in "Zz":
        return 0
    hours, minutes = int(zone[1:3]), int(zone[4:6])
    if hours > 23 or minutes > 59:
        return None
    ahead = hours * NS_PER_HOUR + minutes * NS_PER_MIN
    return ahead if zone[0] == "+" else -ahead


def _is_on_calendar(year: int, month: int, day: int) -> bool:
    return 1 <= month <= 12 and 1 <= day <= calendar.monthrange(year, month)[1]


def _parse_blocks(texts: list[str], times: Times, doubtful: Bools) -> None:
    """Fill in the rows of the common shapes, and clear their doubt; leave the others as they are."""
    lengths = np.fromiter(map(len, texts), np.intp, len(texts))
    for length in np.unique(lengths[(lengths >= _SHORTEST) & (lengths <= _LONGEST)]).tolist():
        rows = np.flatnonzero(lengths == length)
        joined = "".join(texts if len(rows) == len(texts) else [texts[row] for row in rows.tolist()])
        characters = np.frombuffer(joined.encode("ascii", "replace"), np.uint8).reshape(len(rows), length)
        for zone_width in (_UTC, _OFFSET):
            if _has_fraction_or_none(length - zone_width):
                fitting, parsed = _parse_block(characters, zone_width)
                times[rows[fitting]] = parsed[fitting]
                doubtful[rows[fitting]] = False


def _has_fraction_or_none(end: int) -> bool:
    """Tell whether seconds that end there have no fraction, or one of one to nine digits."""
    return end == _SECONDS_END or _SECONDS_END + 2 <= end <= _SECONDS_END + 1 + _MAX_FRACTION


def _parse_block(characters: Bytes, zone_width: int) -> tuple[Bools, Times]:
    """Parse texts of one length: which of them are acceptable times, and those as [ns]; the others are noise."""
    end = characters.shape[1] - zone_width
    fraction_digits = max(0, end - _SECONDS_END - 1)
    digits = (characters - ord("0")).astype(np.int64)
    year, month, day = _number(digits, 0, 4), _number(digits, 5, 7), _number(digits, 8, 10)
    hour, minute, second = _number(digits, 11, 13), _number(digits, 14, 16), _number(digits, 17, 19)
    fraction = _number(digits, _SECONDS_END + 1, end) * 10 ** (_MAX_FRACTION - fraction_digits)
    first_of_month, days_in_month = _months(year, month)
    zone_fits, offset = _zones(characters, digits, zone_width)
    places = [0, 1, 2, 3, 5, 6, 8, 9, 11, 12, 14, 15, 17, 18, *range(_SECONDS_END + 1, end)]
    fits = (
        zone_fits
        & (digits[:, places] <= 9).all(axis=1)
        & (characters[:, [4, 7, 13, 16]] == np.frombuffer(b"--::", np.uint8)).all(axis=1)
        & np.isin(characters[:, 10], _T)
        & ((characters[:, _SECONDS_END] == ord(".")) if fraction_digits else True)
        & ((year >= FIRST_YEAR) & (year <= LAST_YEAR) & (month >= 1) & (month <= 12))
        & ((day >= 1) & (day <= days_in_month) & (hour <= 23) & (minute <= 59) & (second <= 59))
    )
    clock = hour * NS_PER_HOUR + minute * NS_PER_MIN + second * NS_PER_S + fraction
    return fits, (first_of_month + day - 1) * NS_PER_DAY + clock - offset


def _number(digits: Ints, start: int, end: int) -> Ints:
    """Return the number that stands in these columns; 0 where there are none."""
    number = np.zeros(len(digits), np.int64)
    for column in range(start, end):
        number = number * 10 + digits[:, column]
    return number


def _months(year: Ints, month: Ints) -> tuple[Ints, Ints]:
    """Return the first day of each month, in days since 1970, and how many days it has."""
    months = (year - 1970) * 12 + month - 1
    first = months.astype("M8[M]").astype("M8[D]").astype(np.int64)
    return first, (months + 1).astype("M8[M]").astype("M8[D]").astype(np.int64) - first


def _zones(characters: Bytes, digits: Ints, width: int) -> tuple[Bools, Ints]:
    """Return which texts end in a zone of this width, and how far it is ahead of UTC [ns]."""
    if width == _UTC:
        return np.isin(characters[:, -1], _Z), np.zeros(len(characters), np.int64)
    hours, minutes = _number(digits, -5, -3), _number(digits, -2, 0)
    fits = (
        np.isin(characters[:, -6], _SIGNS)
        & (characters[:, -3] == ord(":"))
        & (digits[:, [-5, -4, -2, -1]] <= 9).all(axis=1)
        & ((hours <= 23) & (minutes <= 59))
    )
    return fits, np.where(characters[:, -6] == ord("-"), -1, 1) * (hours * NS_PER_HOUR + minutes * NS_PER_MIN)
