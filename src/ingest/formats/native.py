"""The native payload format: single, batch and columnar JSON.

Nearly every message takes the hot path: typed structs, then checks of whole lists for what a typed decoder lets
pass. Where it fails or doubts, `strict` and `document` decide; both paths yield the same readings. Nothing that
a payload holds makes `decode` raise.
"""

from collections.abc import Mapping
from typing import Any

import msgspec

from ingest.formats import document, fields, strict
from ingest.formats.columns import WHOLE_MESSAGE, Envelope, RawReadings, Refusal
from ingest.formats.decoder import Decode, no_options
from ingest.formats.messages import Batch, Column, Columnar, Reading, Single
from plant.documents.json_text import MAX_DEPTH
from plant.vocabulary import Code

# Quotation marks of the keys and texts that a form always has; those of what is optional are added as present.
_SINGLE_QUOTES = _READING_QUOTES = 14  # four keys, three texts
_BATCH_QUOTES = 2  # readings
_COLUMNAR_QUOTES = 4  # time, columns
_COLUMN_QUOTES = 8  # channel, unit and its text, values

_SHORT = 256  # bytes of a payload in which no number is too long for `strict`
_LONG_RUN = b"0" * 100  # a number without so long a run of digits is shorter than `strict.MAX_NUMBER`
_DIGITS_AS_0 = bytes.maketrans(b"123456789", b"0" * 9)
_KNOWN_DEPTH = 4  # of the deepest form
_AS_DEFAULT = (None, "good")

_SINGLE = msgspec.json.Decoder(Single)
_BATCH = msgspec.json.Decoder(Batch)
_COLUMNAR = msgspec.json.Decoder(Columnar)
_ANYTHING = msgspec.json.Decoder()
_ENCODER = msgspec.json.Encoder()


class _DoubtError(ValueError):
    """The hot path will not vouch for this message."""


def decode(
    payload: bytes, position: int, gateway_name: str, raw: RawReadings, refusals: list[Refusal]
) -> Envelope:
    """Append the readings of one native message to `raw`, and what is refused of it to `refusals`.

    Parameters
    ----------
    payload
        The message as it came.
    position
        Its position in the micro-batch.
    gateway_name
        The gateway's level of its topic; a payload that names another is refused.

    Returns
    -------
    Envelope
        What the message said of itself. This function never raises: a fault of its own is refused as `decoder`.
    """
    first, earlier = len(raw), len(refusals)
    try:
        try:
            return _hot(payload, position, gateway_name, raw)
        except (ValueError, OverflowError, RecursionError):  # doubt, or what msgspec and float() raise
            raw.roll_back(first)
        return document.read(strict.parse(payload), position, gateway_name, raw, refusals)
    except strict.PayloadError as error:
        refusal = Refusal(position, error.code, error.path, error.detail)
    except Exception as error:  # noqa: BLE001  whatever a payload provokes, the next message must not notice
        refusal = Refusal(position, Code.DECODER, "", f"{type(error).__name__}: {error}; please report this")
    raw.roll_back(first)
    del refusals[earlier:]
    refusals.append(refusal)
    return Envelope(None, None, first, 0, decoded=False, refused=0)


def decoder(options: Mapping[str, Any]) -> Decode:
    """Return the decoder of the native format on topics that are not native; it has no options."""
    no_options(options)
    return lambda payload, origin, raw, refusals: decode(
        payload, origin.position, origin.gateway, raw, refusals
    )


def _hot(payload: bytes, position: int, gateway_name: str, raw: RawReadings) -> Envelope:
    """Append a message's readings where nothing about it is in doubt; else raise, perhaps half way."""
    if len(payload) > _SHORT and _LONG_RUN in payload.translate(_DIGITS_AS_0):
        raise _DoubtError
    if b'"readings"' in payload:
        return _batch(payload, position, gateway_name, raw)
    if b'"columns"' in payload:
        return _columnar(payload, position, gateway_name, raw)
    return _single(payload, position, gateway_name, raw)


def _single(payload: bytes, position: int, gateway_name: str, raw: RawReadings) -> Envelope:
    message = _SINGLE.decode(payload)
    channel, given = message.channel, message.value
    value = float(given)
    if value != given or not channel or not channel.isprintable():
        raise _DoubtError
    options = _option_quotes(message)
    _check_accounted(payload, _SINGLE_QUOTES + _envelope_quotes(message) + options, brackets=1)
    row = len(raw.message)
    raw.message.append(position)
    raw.channel.append(channel)
    raw.time.append(message.time)
    raw.value.append(value if abs(value) >= fields.SMALLEST_NORMAL else 0.0)
    raw.unit.append(message.unit)
    raw.item.append(WHOLE_MESSAGE)
    if options:
        _append_options(raw, row, message)
    return _envelope(message, gateway_name, row, 1)


def _batch(payload: bytes, position: int, gateway_name: str, raw: RawReadings) -> Envelope:
    message = _BATCH.decode(payload)
    readings, first, count = message.readings, len(raw), len(message.readings)
    if count > fields.MAX_READINGS:
        raise _DoubtError
    channels = [reading.channel for reading in readings]
    _check_ids(channels)
    quotes = _BATCH_QUOTES + _envelope_quotes(message) + _READING_QUOTES * count
    plain = payload.count(b'"') == quotes  # no options, and no keys that nobody knows
    if not plain:
        quotes += sum(map(_option_quotes, readings))
    _check_accounted(payload, quotes, brackets=2 + count)
    raw.message.extend([position] * count)
    raw.channel.extend(channels)
    raw.time.extend([reading.time for reading in readings])
    raw.value.extend(_floats([reading.value for reading in readings]))
    raw.unit.extend([reading.unit for reading in readings])
    raw.item.extend(range(count))
    if not plain:
        for row, reading in enumerate(readings, first):
            _append_options(raw, row, reading)
    return _envelope(message, gateway_name, first, count)


def _columnar(payload: bytes, position: int, gateway_name: str, raw: RawReadings) -> Envelope:
    message = _COLUMNAR.decode(payload)
    first, times, columns = len(raw), message.time, message.columns
    _check_ids(list(columns))
    if len(times) * len(columns) > fields.MAX_READINGS:  # perhaps; null is none
        raise _DoubtError
    if max(map(len, columns), default=0) > fields.MAX_NAME:  # else each of its values would be told of by it
        raise _DoubtError
    quotes = _COLUMNAR_QUOTES + _envelope_quotes(message) + 2 * len(times)
    quotes += sum(map(_column_quotes, columns.values()))
    _check_accounted(payload, quotes, brackets=3 + 2 * len(columns))
    for channel, column in columns.items():
        _append_column(raw, position, channel, times, column)
    raw.columnar.add(position)
    return _envelope(message, gateway_name, first, len(raw) - first)


def _append_column(raw: RawReadings, position: int, channel: str, times: list[str], column: Column) -> None:
    items: list[int] | range = range(len(times))
    for entries in (column.values, column.quality, column.reset, column.correction):
        if entries is not None and len(entries) != len(times):
            raise _DoubtError
    values = [value for value in column.values if value is not None]
    if len(values) < len(times):
        items = [item for item in items if column.values[item] is not None]
        times = [times[item] for item in items]
    first, count = len(raw), len(values)
    raw.message.extend([position] * count)
    raw.channel.extend([channel] * count)
    raw.time.extend(times)
    raw.value.extend(_floats(values))
    raw.unit.extend([column.unit] * count)
    raw.item.extend(items)
    _append_column_options(raw, column, list(enumerate(items, first)))


def _append_column_options(raw: RawReadings, column: Column, rows: list[tuple[int, int]]) -> None:
    """Append what a column states of (row, item)."""
    if column.quality is not None:
        names = [(row, column.quality[item]) for row, item in rows]
        raw.quality.update((row, fields.QUALITIES[name]) for row, name in names if name not in _AS_DEFAULT)
    if column.reset is not None:
        raw.reset.update(row for row, item in rows if column.reset[item])
    if column.correction is not None:
        ranks = [(row, column.correction[item]) for row, item in rows]
        raw.correction.update((row, rank) for row, rank in ranks if rank)


def _append_options(raw: RawReadings, row: int, reading: Single | Reading) -> None:
    if reading.quality is not None and reading.quality != "good":
        raw.quality[row] = fields.QUALITIES[reading.quality]
    if reading.reset:
        raw.reset.add(row)
    if reading.correction:
        raw.correction[row] = reading.correction


def _envelope(message: Single | Batch | Columnar, gateway_name: str, first: int, count: int) -> Envelope:
    boot = message.boot
    if message.gateway not in (None, gateway_name) or not (boot is None or boot.isprintable()):
        raise _DoubtError
    return Envelope(boot, message.seq if boot is not None else None, first, count, decoded=True, refused=0)


def _floats(values: list[int | float]) -> list[float]:
    """Return the values as float64, -0 and denormals as 0.0; doubt an integer that it does not hold exactly."""
    floats = list(map(float, values))
    if floats != values:
        raise _DoubtError
    if floats and min(map(abs, floats)) < fields.SMALLEST_NORMAL:
        return [value if abs(value) >= fields.SMALLEST_NORMAL else 0.0 for value in floats]
    return floats


def _check_ids(names: list[str]) -> None:
    if not (all(names) and "".join(names).isprintable()):
        raise _DoubtError


def _check_accounted(payload: bytes, quotes: int, brackets: int) -> None:
    """Doubt a payload that holds more than was decoded, unless the rest is known to be harmless.

    A typed decoder keeps the last of twin keys and skips unknown ones without reading them. Both leave more
    quotation marks in the payload than the decoded keys and texts have, and so does an escaped one.
    """
    if payload.count(b'"') != quotes and not _is_harmless(payload, brackets):
        raise _DoubtError


def _is_harmless(payload: bytes, brackets: int) -> bool:
    """Tell whether unknown keys are all that was skipped: no twin keys, no second form, not too deep."""
    opening = payload.count(b"[") + payload.count(b"{")
    if b"\\" in payload or opening - brackets > MAX_DEPTH - _KNOWN_DEPTH:
        return False
    tree = _ANYTHING.decode(payload)
    forms = sum(key in tree for key in document.FORMS)
    return forms == 1 and bool(_ENCODER.encode(tree).count(b'"') == payload.count(b'"'))


def _envelope_quotes(message: Single | Batch | Columnar) -> int:
    return (
        (4 if message.boot is not None else 0)
        + (2 if message.seq is not None else 0)
        + (4 if message.gateway is not None else 0)
    )


def _option_quotes(reading: Single | Reading) -> int:
    return (
        (4 if reading.quality is not None else 0)
        + (2 if reading.reset is not None else 0)
        + (2 if reading.correction is not None else 0)
    )


def _column_quotes(column: Column) -> int:
    quotes = _COLUMN_QUOTES
    if column.quality is not None:
        quotes += 2 + 2 * (len(column.quality) - column.quality.count(None))
    return quotes + 2 * (column.reset is not None) + 2 * (column.correction is not None)
