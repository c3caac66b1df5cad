"""Guesses what the numbers in a few payloads of an unknown device are: a start for whoever configures it, never more.

Nothing here decides anything: a guess becomes a profile only once somebody has accepted it, and says what it rests on.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import pairwise
from typing import Any, Literal

from plant.devices import paths
from plant.documents.json_text import json_of
from plant.units import UnknownUnit, unit
from plant.vocabulary import NS_PER_DAY, Kind

Steps = tuple[str | int, ...]
UnitFrom = Literal["payload", "name", "guess", ""]
MOST_VALUES = 200  # of a device
DEEPEST = 16
LEAST_TO_ADVANCE = 3  # samples that only ever advance, before a register is guessed

# What a name says, the first that fits: its last words, then quantity, unit, and whether the unit stands in the name.
_NAMES: tuple[tuple[str, str, str, bool], ...] = (
    (r"mwh", "active_energy", "MWh", True),
    (r"kwh", "active_energy", "kWh", True),
    (r"wh", "active_energy", "Wh", True),
    (r"kw", "active_power", "kW", True),
    (r"(power|load|p)_w|watts?", "active_power", "W", True),
    (r"energy|consumption|import|total_act", "active_energy", "kWh", False),
    (r"power|load|demand", "active_power", "kW", False),
    (r"temp|temperature|temp_c|temperature_c", "temperature", "°C", False),
    (r"voltage|volt|volts|u", "voltage", "V", False),
    (r"current|amps?|ampere", "current", "A", False),
    (r"freq|frequency|hz", "frequency", "Hz", False),
    (r"m3_?h|flow|flow_?rate", "flow", "m3/h", False),
    (r"m3|volume", "volume", "m3", False),
)
_RATES = ("active_power", "flow")
_TIMES = re.compile(r"(.*_)?(time|ts|timestamp|datetime|date_?time|at)", re.IGNORECASE)
_EPOCHS = {"s": 10**9, "ms": 10**6, "us": 10**3, "ns": 1}
_UNIT_KEYS = ("unit", "units", "uom", "unit_of_measurement")


@dataclass(frozen=True, slots=True)
class GuessedValue:
    """A number in the payloads: what it is taken for, and where its unit comes from."""

    path: str
    name: str
    sample: float
    quantity: str
    kind: Kind
    unit: str  # "" where nobody can say
    unit_from: UnitFrom
    unit_at: str = ""  # the path of the unit in the payload


@dataclass(frozen=True, slots=True)
class Guess:
    """What the payloads of a device seem to be. `time` is how a profile says it, `arrival` where they have none."""

    values: tuple[GuessedValue, ...] = ()
    time: str = "arrival"
    time_at: str = ""


@dataclass(slots=True)
class _Seen:
    numbers: dict[Steps, list[float]] = field(default_factory=dict)
    texts: dict[Steps, list[str]] = field(default_factory=dict)


def guess(samples: Sequence[tuple[int, bytes]]) -> Guess:
    """Guess what numbers of JSON payloads are; `samples` are (arrival [ns UTC], payload) in order of arrival."""
    seen, arrivals = _Seen(), list[int]()
    for received, payload in samples:
        document = document_of(payload)
        if document is not None:
            arrivals.append(received)
            _look(document, (), seen)
    time, at = _time(seen, arrivals)
    values = [
        _value(steps, numbers, seen)
        for steps, numbers in seen.numbers.items()
        if steps != at and not _is_time(steps)
    ]
    return Guess(tuple(values[:MOST_VALUES]), time, paths.spelled(at) if at else "")


def guess_native(payloads: Iterable[bytes], known: Iterable[str]) -> Guess:
    """Guess what the channels of native payloads are that are not among the known ones."""
    told: dict[str, list[tuple[float, str]]] = {}
    for payload in payloads:
        for name, value, symbol in _native(document_of(payload)):
            told.setdefault(name, []).append((value, symbol))
    left = [name for name in told if name not in set(known)][:MOST_VALUES]
    return Guess(tuple(_channel(name, told[name]) for name in left), "rfc3339")


def document_of(payload: bytes) -> Any:
    """Return a payload's JSON, None where it is none."""
    try:
        return json_of(payload)
    except ValueError:
        return None


def _look(part: Any, steps: Steps, seen: _Seen) -> None:
    """Gather numbers and texts below a part."""
    if isinstance(part, dict | list) and len(steps) < DEEPEST:
        items: Iterable[tuple[Any, Any]] = part.items() if isinstance(part, dict) else enumerate(part)
        for key, value in items:
            if key != "" and '"' not in str(key):
                _look(value, (*steps, key), seen)
    elif _is_number(part) and steps and (steps in seen.numbers or len(seen.numbers) < MOST_VALUES):
        seen.numbers.setdefault(steps, []).append(float(part))
    elif isinstance(part, str) and steps and (steps in seen.texts or len(seen.texts) < MOST_VALUES):
        seen.texts.setdefault(steps, []).append(part)


def _is_number(part: Any) -> bool:
    return isinstance(part, int | float) and not isinstance(part, bool) and abs(part) < 2**63


def _is_time(steps: Steps) -> bool:
    return bool(_TIMES.fullmatch(str(steps[-1])))


def _time(seen: _Seen, arrivals: Sequence[int]) -> tuple[str, Steps]:
    """Return how times are written and where; the nearest to the top."""
    found = sorted(((len(s), s) for s in (*seen.texts, *seen.numbers) if _is_time(s)), key=lambda one: one[0])
    for _, steps in found:
        if steps in seen.texts:
            if all(map(_has_zone, seen.texts[steps])):
                return "rfc3339", steps
            continue
        for way, scale in _EPOCHS.items():
            near = zip(seen.numbers[steps], arrivals, strict=False)
            if all(abs(number * scale - received) < NS_PER_DAY for number, received in near):
                return way, steps
    return "arrival", ()


def _has_zone(text: str) -> bool:
    try:
        return datetime.fromisoformat(text).tzinfo is not None
    except ValueError:
        return False


def _value(steps: Steps, numbers: Sequence[float], seen: _Seen) -> GuessedValue:
    quantity, symbol, where = _named(steps)
    unit_at = ""
    for key in _UNIT_KEYS:
        texts = seen.texts.get((*steps[:-1], key), [])
        if texts and all(map(_is_unit, texts)):
            symbol, where, unit_at = texts[-1], "payload", paths.spelled((*steps[:-1], key))
            break
    name = re.sub(r"[\s#+{}]", "_", "/".join(map(str, steps)))
    return GuessedValue(
        paths.spelled(steps), name, numbers[-1], quantity, _kind(numbers, quantity), symbol, where, unit_at
    )


def _named(steps: Steps) -> tuple[str, str, UnitFrom]:
    """Return quantity, unit and where that comes from, by the names on the way to a number, the last one first."""
    for step in reversed(steps):
        text = re.sub(r"(?<=[a-z])(?=[A-Z])", "_", str(step)).lower()
        for pattern, quantity, symbol, in_name in _NAMES:
            if re.fullmatch(rf"(.*[_\-. ])?({pattern})([_\-. ]\d+)?", text):
                return quantity, symbol, "name" if in_name else "guess"
    return "", "", ""


def _kind(numbers: Sequence[float], quantity: str) -> Kind:
    """Guess a register where the numbers only ever advance, else by what is measured."""
    if quantity in _RATES:
        return Kind.RATE
    steps = [after - before for before, after in pairwise(numbers)]
    if len(numbers) >= LEAST_TO_ADVANCE and all(step >= 0 for step in steps) and any(steps):
        return Kind.REGISTER
    return Kind.LEVEL


def _is_unit(symbol: str) -> bool:
    try:
        unit(symbol)
    except UnknownUnit:
        return False
    return True


def _native(document: Any) -> Iterator[tuple[str, float, str]]:
    """Yield channel, value and unit of the readings of a native message, as far as it has them."""
    if not isinstance(document, dict):
        return
    readings = document.get("readings", [document])
    for one in readings if isinstance(readings, list) else []:
        if isinstance(one, dict) and isinstance(one.get("channel"), str) and _is_number(one.get("value")):
            yield one["channel"], float(one["value"]), str(one.get("unit", ""))
    columns = document.get("columns")
    for name, column in columns.items() if isinstance(columns, dict) else ():
        values = column.get("values") if isinstance(column, dict) else None
        for value in values if isinstance(values, list) else []:
            if _is_number(value):
                yield name, float(value), str(column.get("unit", ""))


def _channel(name: str, told: Sequence[tuple[float, str]]) -> GuessedValue:
    numbers, symbol = [value for value, _ in told], told[-1][1]
    quantity, guessed, where = _named(tuple(name.split("/")))
    if _is_unit(symbol):
        guessed, where = symbol, "payload"
    return GuessedValue(name, name, numbers[-1], quantity, _kind(numbers, quantity), guessed, where)
