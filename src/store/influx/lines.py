"""InfluxDB's line protocol, rendered from columns.

Every field is written as a float, because a shard never forgets the type that it saw first.
"""

import re
from collections.abc import Iterable, Mapping, Sequence

import msgspec
import numpy as np
from numpy.typing import NDArray

from plant.arrays import Bools, Bytes, Floats, Ints, Times
from plant.park import Plant
from store.blocks import ACTIVITY, AMOUNTS, CO2E_T, REVISION, SUBSTITUTED, coverage

Numbered = tuple[int, str, str, str]

_SPECIAL = re.compile("[,= ]")
_PARTS = 5  # of a reading's line: key, value, quality, time, newline
_QUALITIES = np.array([f",quality={quality}.0 ".encode() for quality in range(256)], object)

# What no version of the line protocol can carry in a tag travels as in a URL, and `%` only where it would be taken
# for such a code: ordinary text stays as it is, and `tag_text` always finds the way back.
_UNSENDABLE = re.compile(r"[\\\n\r\x00]|%(?=0A|0D|00|5C|25)")
_CODE = re.compile(r"%(0A|0D|00|5C|25)")


def tag_value(text: str) -> str:
    """Return the text that InfluxDB holds as the value of a tag; queries compare with this."""
    return _UNSENDABLE.sub(lambda found: f"%{ord(found[0]):02X}", text)


def tag_text(value: str) -> str:
    """Return the text that `tag_value` made `value` of."""
    return _CODE.sub(lambda found: chr(int(found[1], 16)), value)


def series_key(measurement: str, tags: dict[str, str]) -> bytes:
    """Return what a line begins with: the measurement and its tags, sorted; an empty tag is left out.

    Parameters
    ----------
    measurement
        A name without characters that need an escape.
    tags
        By tag key, also without such characters; the values may be any text.
    """
    pairs = (f",{key}={_escaped(tag_value(text))}" for key, text in sorted(tags.items()) if text)
    return f"{measurement}{''.join(pairs)}".encode()


def _escaped(value: str) -> str:
    return _SPECIAL.sub(r"\\\g<0>", value)


def reading_key(park: str, facility: str, channel: str, quantity: str) -> bytes:
    """Return the series key of a channel's readings."""
    return series_key(
        "reading", {"park": park, "facility": facility, "channel": channel, "quantity": quantity}
    )


def emission_key(park: str, facility: str, source: str, scope: str, method: str) -> bytes:
    """Return the series key of a source's emissions."""
    return series_key("emission", _emission_tags(park, facility, source, scope, method))


def _emission_tags(park: str, facility: str, source: str, scope: str, method: str) -> dict[str, str]:
    return {"park": park, "facility": facility, "source": source, "scope": scope, "method": method}


class PointNames:
    """Series keys by the numbers that state.db gave to channels and sources.

    What the plant no longer configures keeps its park, facility and name; its quantity, or its scope and method,
    are then unknown and left out.
    """

    def __init__(self, plant: Plant, channels: Iterable[Numbered], sources: Iterable[Numbered]) -> None:
        """Render all keys.

        Parameters
        ----------
        channels, sources
            The columns id, park, facility, name of the tables `channel` and `source`.
        """
        quantity = {(c.park, c.facility, c.name): c.quantity for c in plant.channels}
        kind = {(s.park, s.facility, s.name): (str(s.scope), s.method) for s in plant.sources}
        self._readings = {
            number: reading_key(*key, quantity.get(key, "")) for number, key in map(_number_and_key, channels)
        }
        self._tags = {
            number: _emission_tags(*key, *kind.get(key, ("", "")))
            for number, key in map(_number_and_key, sources)
        }
        self._emissions = {number: series_key("emission", tags) for number, tags in self._tags.items()}

    def reading_prefix(self, channel_id: int) -> bytes:
        """Return what the lines of a channel begin with; KeyError where it has no such number."""
        return self._readings[channel_id]

    def emission_prefix(self, source_id: int) -> bytes:
        """Return what the lines of a source begin with; KeyError where it has no such number."""
        return self._emissions[source_id]

    def emission_tags(self, source_id: int) -> dict[str, str]:
        """Return the tags of a source's points, "" for those that are left out; KeyError where it has no such number."""
        return self._tags[source_id]


def _number_and_key(row: Numbered) -> tuple[int, tuple[str, str, str]]:
    return row[0], row[1:]


def reading_lines(
    prefixes: Sequence[bytes], channel: NDArray[np.integer], time: Times, value: Floats, quality: Bytes
) -> bytes:
    """Return one line for each reading, each with its newline.

    Parameters
    ----------
    prefixes
        The series key of each channel.
    channel
        Which of the prefixes is the reading's.
    time
        When it was read. [ns UTC]
    value
        In the channel's unit. What is not finite is rendered too: the server refuses it, and that is counted.
    quality
        As `plant.vocabulary.Quality`.
    """
    keys = np.array([prefix + b" value=" for prefix in prefixes], object)
    parts: list[bytes] = [b"\n"] * (_PARTS * len(channel))
    parts[0::_PARTS] = keys[channel].tolist()
    parts[1::_PARTS] = _numerals(value)
    parts[2::_PARTS] = _QUALITIES[quality].tolist()
    parts[3::_PARTS] = _numerals(time)
    return b"".join(parts)


def _numerals(numbers: Floats | Times) -> list[bytes]:
    """Return each number in the fewest digits that read back as it; `null` for what is not finite."""
    return msgspec.json.encode(numbers.tolist())[1:-1].split(b",") if len(numbers) else []


def emission_lines(prefixes: Sequence[bytes], source: Ints, start: Times, rows: Floats) -> bytes:
    """Return one line for each window of a source, each with its newline.

    A window whose co2e_t is NaN is unknown: it is written with amounts 0 and coverage 0, because a number that
    InfluxDB holds cannot be overwritten with nothing. In a known window a gas or an activity that is NaN is left out.

    Parameters
    ----------
    prefixes
        The series key of each source.
    source
        Which of the prefixes is the window's.
    start
        When the window starts. [ns UTC]
    rows
        [windows, fields] as `store.blocks.FIELDS`.
    """
    values = _point_values(rows)
    present = np.isfinite(values)
    patterns = np.unique(present, axis=0)
    return b"".join(
        _lines_with(pattern, prefixes, source[same], start[same], values[same])
        for pattern in patterns
        if (same := (present == pattern).all(axis=1)).any()
    )


_EMISSION_FIELDS = (*AMOUNTS, "coverage", "substituted", "revision")


def _point_values(rows: Floats) -> Floats:
    """Return [windows, _EMISSION_FIELDS], NaN where a field is not written."""
    values = np.column_stack(
        (rows[:, : ACTIVITY + 1], coverage(rows), rows[:, SUBSTITUTED], rows[:, REVISION])
    )
    unknown = np.isnan(rows[:, CO2E_T])
    values[unknown, :-1] = 0.0
    return values


def _lines_with(
    present: Bools, prefixes: Sequence[bytes], source: Ints, start: Times, values: Floats
) -> bytes:
    """Return the lines of windows that all write the same fields."""
    names = [name for name, there in zip(_EMISSION_FIELDS, present.tolist(), strict=True) if there]
    keys = np.array([prefix + b" " for prefix in prefixes], object)
    width = 2 * len(names) + 3
    parts: list[bytes] = [b"\n"] * (width * len(source))
    parts[0::width] = keys[source].tolist()
    for place, (name, column) in enumerate(zip(names, values[:, present].T, strict=True)):
        parts[2 * place + 1 :: width] = [f"{',' * (place > 0)}{name}=".encode()] * len(source)
        parts[2 * place + 2 :: width] = _numerals(column)
    parts[width - 2 :: width] = [b" " + start for start in _numerals(start)]
    return b"".join(parts)


def alert_line(
    rule: str,
    severity: str,
    labels: Mapping[str, str],
    time: int,
    *,
    firing: bool,
    value: float | None,
    limit: float | None,
) -> str:
    """Return the line of an alert that begins or ends at a time [ns UTC], without the numbers that are unknown, and without a newline."""
    tags = {name: labels.get(name, "") for name in ("park", "facility")} | {
        "rule": rule,
        "severity": severity,
    }
    fields = {"state": float(firing), "value": value, "limit": limit}
    known = ",".join(f"{name}={float(number)!r}" for name, number in fields.items() if number is not None)
    return f"{series_key('alert', tags).decode()} {known} {time}"
