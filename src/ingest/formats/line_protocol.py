"""InfluxDB line protocol, as Telegraf and many gateways send it: each field of a line is a reading.

A channel's name is made of measurement, tags and field by the option `name`, by default {measurement}/{field}.

References
----------
.. [1] InfluxData, "Line protocol", InfluxDB OSS v2 documentation.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from ingest.formats.columns import Envelope, RawReadings, Refusal
from ingest.formats.decoder import Decode, OptionError, Origin
from ingest.formats.fields import check_name
from ingest.formats.options import Options
from ingest.formats.rows import NS, Rows, arrival, instant
from ingest.formats.strict import PayloadError
from plant.vocabulary import Code

_HEAD = re.compile(r"(?:[^ \\]|\\.)++")  # measurement and tags, up to a space
_FIELDS = re.compile(r'(?:[^ \\"]|\\.|"(?:[^"\\]|\\.)*+")++')
_TAG = re.compile(r"(?:[^,\\]|\\.)++")
_FIELD = re.compile(r'(?:[^,\\"]|\\.|"(?:[^"\\]|\\.)*+")++')
_PAIR = re.compile(r"((?:[^=\\]|\\.)++)=(.++)", re.DOTALL)
_ESCAPED = re.compile(r"\\([,= \\])")
_FLOAT = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d{1,4})?", re.ASCII)
_INTEGER = re.compile(r"([+-]?\d+)([iu])", re.ASCII)
_RANGES = {"i": range(-(2**63), 2**63), "u": range(2**64)}  # what an integer and an unsigned one can be
_TIME = re.compile(r"-?\d{1,19}", re.ASCII)
_WORD = re.compile(r"\{([^{}]+)\}")
_LONGEST = 64  # characters of a number

_MEASUREMENT, _NAME = "measurement", "field"


@dataclass(frozen=True, slots=True)
class _Line:
    words: dict[str, str]  # measurement and tags
    fields: list[tuple[str, str]]
    time: int | None


def decoder(options: Mapping[str, Any]) -> Decode:
    """Return the decoder; options: `precision` of times (ns, us, ms, s), `name`, `only`, `units`."""
    given = Options(options)
    precision = given.choice("precision", tuple(NS), "ns")
    template = given.text("name", f"{{{_MEASUREMENT}}}/{{{_NAME}}}")
    only, units = given.only(), given.units()
    given.done()
    around = template.split(f"{{{_NAME}}}")  # the texts before, between and after the field's name
    if len(around) == 1:
        raise OptionError("name", "has no {field}, so all fields of a line would be one channel")

    def decode(payload: bytes, origin: Origin, raw: RawReadings, refusals: list[Refusal]) -> Envelope:
        rows = Rows(origin, raw, refusals, _path)
        for item, text in _lines(payload):
            try:
                line = _line(text, item)
                time = _time(line.time, precision, origin, item)
                texts = [_filled(text, line.words, item) for text in around]
            except PayloadError as error:
                rows.refuse(error)
                continue
            known = sum(map(len, texts))
            for field, value in line.fields:
                try:
                    check_name(known + len(field) * (len(texts) - 1), _path(item, "channel"))
                    name = field.join(texts)
                    if only(name):
                        unit, own = units.of(name)
                        rows.add(item, name, time, _number(value, item), unit, own_unit=own)
                except PayloadError as error:
                    if error.code is Code.TOO_LARGE:  # the whole message
                        raise
                    rows.refuse(error)
        return rows.envelope()

    return decode


def _lines(payload: bytes) -> Iterator[tuple[int, str]]:
    """Yield the lines that say something, each with its number from 1 on."""
    if not payload:
        raise PayloadError(Code.EMPTY, "", "the payload has no bytes; send one line a set of fields")
    try:
        text = payload.decode()
    except UnicodeDecodeError as error:
        raise PayloadError(Code.BAD_UTF8, "", f"byte {error.start} is not UTF-8; send UTF-8") from error
    for number, line in enumerate(text.split("\n"), 1):
        stripped = line.strip(" \r")
        if stripped and not stripped.startswith("#"):
            yield number, stripped


def _line(text: str, item: int) -> _Line:
    head = _HEAD.match(text)
    rest = text[head.end() :].lstrip(" ") if head else ""
    found = _FIELDS.match(rest)
    if head is None or found is None or rest[found.end() :][:1] not in ("", " "):
        raise _wrong(item, "expected measurement,tag=value field=value time")
    time = rest[found.end() :].strip(" ")
    if time and not _TIME.fullmatch(time):
        raise PayloadError(Code.TS_INVALID, _path(item, "time"), f"{time[:40]!r} is no whole number")
    measurement, *tags = _TAG.findall(head[0]) or [""]
    if not measurement or head[0].startswith(","):
        raise _wrong(item, "has no measurement before its tags")
    words = {_MEASUREMENT: _plain(measurement), **dict(_pair(tag, item) for tag in tags)}
    return _Line(
        words, [_pair(field, item) for field in _FIELD.findall(found[0])], int(time) if time else None
    )


def _time(time: int | None, precision: str, origin: Origin, item: int) -> int:
    path = _path(item, "time")
    return arrival(origin, path) if time is None else instant(time, precision, path)


def _pair(text: str, item: int) -> tuple[str, str]:
    """Return a key and its value; a quoted value stays as it is."""
    if "\\" not in text:
        key, _, value = text.partition("=")
        if key and value:
            return key, value
    pair = _PAIR.fullmatch(text)
    if pair is None:
        raise _wrong(item, f"{text[:40]!r} is no key=value")
    return _plain(pair[1]), pair[2] if pair[2].startswith('"') else _plain(pair[2])


def _plain(text: str) -> str:
    return _ESCAPED.sub(r"\1", text) if "\\" in text else text


def _number(text: str, item: int) -> int | float:
    if len(text) <= _LONGEST:
        if _FLOAT.fullmatch(text):
            return float(text)
        if whole := _INTEGER.fullmatch(text):
            return _integer(int(whole[1]), whole[2], item)
    detail = f"{text[:40]!r} is no number; name what is to be taken in the option only"
    raise PayloadError(Code.TYPE, _path(item, "value"), detail)


def _integer(number: int, kind: str, item: int) -> int:
    if number not in _RANGES[kind]:
        what = (
            "an integer is from -2^63 to 2^63-1" if kind == "i" else "an unsigned integer is from 0 to 2^64-1"
        )
        raise PayloadError(Code.OUT_OF_RANGE, _path(item, "value"), f"{number}{kind}: {what}; send a float")
    return number


def _filled(template: str, words: Mapping[str, str], item: int) -> str:
    missing = [word for word in _WORD.findall(template) if word not in words]
    if missing:
        raise PayloadError(Code.BAD_ID, _path(item, "channel"), f"no tag {missing[0]}, which the name needs")
    return _WORD.sub(lambda match: words[match[1]], template)


def _wrong(item: int, detail: str) -> PayloadError:
    return PayloadError(Code.SCHEMA, _path(item, ""), detail)


def _path(item: int, key: str) -> str:
    return f"line {item}: {key}" if key else f"line {item}"
