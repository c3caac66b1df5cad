"""Names a configuration by its content, so that a published number can say which one it came from."""

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import fields, is_dataclass
from itertools import chain
from typing import Any
from zoneinfo import ZoneInfo

from plant.park import Plant, Webhook
from plant.station.feed import FeedAddress
from plant.topics import Subscription
from plant.units import Unit


def fingerprint(plant: Plant, numbers: Iterable[str]) -> str:
    """Return the SHA-256 of a plant in one normal form, and of the numbers it is calculated with, as 64 hexadecimal digits.

    Comments, the order of keys and of files, spelling of durations and whether a channel stands in YAML or CSV make no
    difference. Secrets are left out: a hash that anyone may see must not tell whether one was changed.
    """
    digest = hashlib.sha256()
    for line in chain(_lines(plant), numbers):
        digest.update(line.encode() + b"\n")
    return digest.hexdigest()


def _lines(plant: Plant) -> Iterator[str]:
    """Yield one line of JSON per setting or part; a part at a time, because a plant may be large."""
    encode = json.JSONEncoder(default=_plain, separators=(",", ":"), ensure_ascii=False).encode
    for column in fields(plant):
        value = getattr(plant, column.name)
        if isinstance(value, tuple):
            yield from (f"{column.name} {encode(part)}" for part in value)
        elif column.name != "hash" and not _is_as_before(column.name, value):
            yield f"{column.name} {encode(value)}"


# What came later is left out while it says what held before there was a word for it, so that a configuration keeps its name.
_LATER = {
    "entered": False, "record_approval": "other", "billing": None, "battery": None, "market": None, "clean_energy": None,
    "non_routine": (), "load": None,
}  # fmt: skip


def _is_as_before(name: str, value: Any) -> bool:
    return name in _LATER and value == _LATER[name]


def _plain(value: Any) -> Any:
    """Return what JSON has no word for; floats keep all their digits, NaN stands for no limit."""
    match value:
        case Unit():
            return value.symbol
        case ZoneInfo():
            return value.key
        case Webhook():
            return {"name": value.name, "url": value.url}
        case FeedAddress():
            return {"url": value.shown}
        case Subscription():
            said = {f.name: getattr(value, f.name) for f in fields(value) if f.name != "place"}
            return said | {"options": _in_order(value.options)}
    if is_dataclass(value):
        said = {f.name: getattr(value, f.name) for f in fields(value)}
        return {name: one for name, one in said.items() if not _is_as_before(name, one)}
    raise TypeError(f"{type(value).__name__} has no normal form")


def _in_order(value: Any) -> Any:
    """Return JSON with its keys in order, at every depth."""
    if isinstance(value, Mapping):
        return {key: _in_order(value[key]) for key in sorted(value)}
    return [_in_order(item) for item in value] if isinstance(value, list | tuple) else value
