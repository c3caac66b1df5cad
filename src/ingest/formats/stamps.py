"""How a payload writes its times, as a subscription says it: nothing is guessed, neither a unit nor a zone."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import lru_cache
from itertools import pairwise
from typing import Any
from zoneinfo import ZoneInfo

from ingest.formats.decoder import Origin
from ingest.formats.fields import told
from ingest.formats.rows import NS, arrival, instant
from ingest.formats.strict import PayloadError
from ingest.times import FIRST_YEAR, LAST_YEAR, parse_time
from plant.vocabulary import NS_PER_S, Code

ARRIVAL, RFC3339 = "arrival", "rfc3339"
WAYS = (RFC3339, ARRIVAL, *NS)  # and any pattern of strptime, and units that are added, such as s+ns
ADDED = re.compile(r"(s|ms|us|ns)(\+(s|ms|us|ns))+")
LONGEST = 200  # characters of a time by a pattern
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_DECIMAL = re.compile(r"\d{1,19}\.\d{1,40}", re.ASCII)
_USUAL = 64  # characters; only such texts are remembered, so that a payload cannot fill the memory
_WIDTHS = {"Y": 4, "y": 2, "m": 2, "d": 2, "H": 2, "I": 2, "M": 2, "S": 2, "j": 3}  # digits
_FIRST, _LAST = (
    int((datetime(year, 1, 1, tzinfo=UTC) - _EPOCH).total_seconds()) * NS_PER_S
    for year in (FIRST_YEAR, LAST_YEAR + 1)
)

Read = Callable[[Any, Origin, str], int | str]


class _NoInstantError(PayloadError):
    """A time that is written as agreed, and is none or two of its zone's clock."""


@dataclass(frozen=True, slots=True)
class Stamps:
    """How times are read. `of` returns a time as ns UTC, or as RFC 3339 text that is not read yet.

    `of(given, origin, path)` raises PayloadError where it is not written as agreed, is no instant of its zone or two of them,
    or a retained message is to be dated by its arrival. Several fields of one time come as one text, a space between them.
    """

    of: Read
    is_arrival: bool = False


def stamps(ways: list[tuple[str, ZoneInfo | None]], shift: int = 0) -> Stamps:
    """Return how times are read that are written in one of several ways, the first that fits.

    Parameters
    ----------
    ways
        rfc3339, arrival, a unit of numbers since 1970 (s, ms, us, ns), several that are added (s+ns), or a pattern of
        strptime, with the zone of a pattern without one.
    shift
        What is added to each time [ns].
    """
    reads = [_reader(way, zone) for way, zone in ways]
    read = reads[0] if len(reads) == 1 else _first_of(list(map(_whole, reads)), [way for way, _ in ways])
    is_arrival = [way for way, _ in ways] == [ARRIVAL]
    return Stamps(_shifted(_whole(read), shift) if shift else read, is_arrival)


def _reader(way: str, zone: ZoneInfo | None) -> Read:
    if way == ARRIVAL:
        return lambda _given, origin, path: arrival(origin, path)
    if way in NS:
        return lambda given, _origin, path: _instant(_present(given, path), way, path)
    if ADDED.fullmatch(way):
        return _adder(way.split("+"))
    return _written if way == RFC3339 else _pattern_reader(way, zone)


def _written(given: Any, _origin: Origin, path: str) -> str:
    """Return the text of an RFC 3339 time."""
    return given if given and isinstance(given, str) else _text(_present(given, path), path)


def _pattern_reader(pattern: str, zone: ZoneInfo | None) -> Read:
    width = _width(pattern)

    def read(given: Any, _origin: Origin, path: str) -> int:
        text = given if given and isinstance(given, str) else _digits(_present(given, path), width, path)
        if len(text) > LONGEST or (width and len(text) != width):
            raise PayloadError(Code.TS_INVALID, path, f"{text[:40]!r} is not written like {pattern}")
        try:
            return (_remembered if len(text) <= _USUAL else _by_pattern)(text, pattern, zone)
        except PayloadError as error:
            raise type(error)(error.code, path, error.detail) from error

    return read


def _present(given: Any, path: str) -> Any:
    if given is None or given == "":
        raise PayloadError(Code.TS_INVALID, path, "there is no time")
    return given


def _text(given: Any, path: str) -> str:
    if not isinstance(given, str):
        raise PayloadError(Code.TS_INVALID, path, f"{told(given)} is no text")
    return given


def _adder(units: list[str]) -> Read:
    """Return what adds numbers in several units, such as seconds and the nanoseconds beside them."""

    def read(given: Any, _origin: Origin, path: str) -> int:
        numbers = _present(given, path).split() if isinstance(given, str) else [given]
        if len(numbers) != len(units):
            detail = f"{len(numbers)} numbers, and {'+'.join(units)} are {len(units)}"
            raise PayloadError(Code.TS_INVALID, path, detail)
        parts = zip(numbers, units, strict=True)
        return _meant(sum(_instant(one, unit, path) for one, unit in parts), path)

    return read


def _whole(read: Read) -> Read:
    """Return a reader whose times are all read, RFC 3339 too."""

    def whole(given: Any, origin: Origin, path: str) -> int:
        time = read(given, origin, path)
        found = parse_time(time) if isinstance(time, str) else time
        if isinstance(found, Code):
            raise PayloadError(found, path, f"{told(time)} is not RFC 3339 with a zone")
        return found

    return whole


def _first_of(reads: list[Read], ways: list[str]) -> Read:
    """Return what reads a time in the first of several ways that fits."""

    def read(given: Any, origin: Origin, path: str) -> int | str:
        _present(given, path)
        telling: PayloadError | None = None
        for one in reads:
            try:
                return one(given, origin, path)
            except PayloadError as error:
                if error.code is not Code.TS_INVALID or isinstance(error, _NoInstantError):
                    telling = telling or error
        if telling:
            raise telling
        detail = f"{told(given)} is written in none of these ways: {', '.join(ways)}"
        raise PayloadError(Code.TS_INVALID, path, detail)

    return read


def _shifted(read: Read, shift: int) -> Read:
    return lambda given, origin, path: _meant(int(read(given, origin, path)) + shift, path)


def _meant(time: int, path: str) -> int:
    """Return a time that the years of our times hold."""
    if not _FIRST <= time < _LAST:
        detail = f"it is before {FIRST_YEAR} or after {LAST_YEAR}"
        raise PayloadError(Code.TS_OLD if time < _FIRST else Code.TS_FUTURE, path, detail)
    return time


def _width(pattern: str) -> int:
    """Return how many characters a pattern without separators has, such as %Y%m%dT%H%M; 0 where that is open.

    strptime would take a digit less where two directives meet, and read 2026121 in two ways.
    """
    directives = re.findall(r"%(.)", pattern)
    meets = any(after.start() - before.start() == 2 for before, after in pairwise(re.finditer("%.", pattern)))
    if not meets or not all(one in _WIDTHS for one in directives):
        return 0
    return len(pattern) - 2 * len(directives) + sum(map(_WIDTHS.__getitem__, directives))


def _digits(given: Any, width: int, path: str) -> str:
    """Return a whole number as the text that it would be in a pattern; as a number it has no leading zeros."""
    if isinstance(given, int) and not isinstance(given, bool) and 0 <= given < 10**20:
        return str(given).zfill(width)
    return _text(given, path)


def _by_pattern(text: str, pattern: str, zone: ZoneInfo | None) -> int:
    """Return a time that is written by a pattern of strptime as ns UTC."""
    try:
        moment = datetime.strptime(text, pattern)  # noqa: DTZ007  the zone follows
    except ValueError as error:
        raise PayloadError(Code.TS_INVALID, "", f"{text[:40]!r} is not written like {pattern}") from error
    if not FIRST_YEAR <= moment.year <= LAST_YEAR:  # beyond, a zone may have no clock
        return _meant(_FIRST - 1 if moment.year < FIRST_YEAR else _LAST, "")
    if moment.tzinfo is None:
        moment = _placed(moment, zone)
    return _meant((moment - _EPOCH) // timedelta(microseconds=1) * 1000, "")


_remembered = lru_cache(maxsize=4096)(_by_pattern)  # the readings of a message often have one time


def _placed(moment: datetime, zone: ZoneInfo | None) -> datetime:
    """Return a time of a zone's clock; one that the clock shows twice or never is refused."""
    if zone is None:
        raise PayloadError(Code.TS_NAIVE, "", "has no zone; say which with the option zone")
    first, second = (moment.replace(tzinfo=zone, fold=fold) for fold in (0, 1))
    if first.utcoffset() != second.utcoffset():
        raise _NoInstantError(Code.TS_INVALID, "", f"the clock of {zone.key} shows this twice or never")
    return first


def _instant(given: Any, unit: str, path: str) -> int:
    """Return a number since 1970 as ns UTC; a decimal that is written as text to the nanosecond."""
    if isinstance(given, str) and _DECIMAL.fullmatch(given):
        return _meant(int(Decimal(given) * NS[unit]), path)
    return instant(_number(given, path), unit, path)


def _number(given: Any, path: str) -> int | float:
    """Return a number, also one that is written as text."""
    if not isinstance(given, str):
        return given  # type: ignore[no-any-return]  # `instant` refuses what is none
    try:
        return (
            int(given)
            if given.lstrip("-").isdecimal() and given.isascii() and len(given) <= 20
            else float(given[:40])
        )
    except ValueError as error:
        raise PayloadError(Code.TS_INVALID, path, f"{given[:40]!r} is no number") from error
