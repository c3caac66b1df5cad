"""What the simulators need of a service's configuration directory, read on their own and without judging it."""

import csv
import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from yaml import YAMLError

from simulators.message import Address
from simulators.payload import NS_PER_S
from simulators.yaml_text import read_yaml

NS_PER_HOUR = 3600 * NS_PER_S
SECONDS = {"s": 1, "min": 60, "h": 3600, "d": 86_400}
MAX_LATE = "45d"
MAX_GAP = {"register": "24h"}  # other kinds: 1h


class ConfigurationError(ValueError):
    """The directory does not tell what there is to simulate; the message names the file."""


@dataclass(frozen=True, slots=True)
class Swap:
    """A dated change of a register's meter: displays before any ratio; NaN is unknown, or leaves a property as it was."""

    time: int  # ns UTC
    final_old: float
    first_new: float
    ratio: float
    max_rate: float
    modulus: float


@dataclass(frozen=True, slots=True)
class Channel:
    """One measurement point. NaN means no limit; limits are of the display, before `ratio`."""

    park: str
    facility: str
    gateway: str
    name: str
    kind: str
    unit: str
    quantity: str
    zone: ZoneInfo
    minimum: float
    maximum: float
    max_rate: float  # per hour
    modulus: float
    ratio: float
    max_gap: int  # ns
    period: int  # ns; 0 unless interval
    hold_last: bool
    swaps: tuple[Swap, ...] = ()

    @property
    def address(self) -> Address:
        """The gateway that sends it."""
        return Address(self.park, self.facility, self.gateway)

    @property
    def amount_unit(self) -> str:
        """The unit of its total: a rate is integrated over hours."""
        if self.kind != "rate":
            return self.unit
        if self.unit.endswith("W"):
            return f"{self.unit}h"
        return self.unit.removesuffix("/h") if self.unit.endswith("/h") else f"{self.unit}·h"

    def at(self, time: int) -> "Channel":
        """Return the channel with the meter that it has at a time [ns UTC]."""
        channel = self
        for swap in self.swaps:
            if swap.time <= time:
                limits = {key: getattr(swap, key) for key in ("ratio", "max_rate", "modulus")}
                channel = replace(
                    channel, **{key: value for key, value in limits.items() if not math.isnan(value)}
                )
        return channel


@dataclass(frozen=True, slots=True)
class Configuration:
    """All channels of a directory, and how old a reading may be when it arrives [ns]."""

    channels: tuple[Channel, ...]
    max_late: int

    @property
    def addresses(self) -> tuple[Address, ...]:
        """The gateways that send something, in the order of the channels."""
        return tuple(dict.fromkeys(channel.address for channel in self.channels))


def read_configuration(directory: Path) -> Configuration:
    """Return what there is to simulate, from all YAML files of a directory and their point lists.

    Raises
    ------
    ConfigurationError
        If a file cannot be read, or there is no channel in any.
    """
    channels: list[Channel] = []
    max_late = _duration(MAX_LATE)
    for path in sorted([*directory.glob("*.yaml"), *directory.glob("*.yml")]):
        try:
            root = read_yaml(path) or {}
            channels += [_channel(*one) for one in _channels(path, root) if not _is_entered(one[2])]
            settings = root.get("settings") or {}
            max_late = _duration(settings["max_late"]) if "max_late" in settings else max_late
        except (YAMLError, OSError, KeyError, ValueError, TypeError, AttributeError, RecursionError) as error:
            raise ConfigurationError(f"{path}: {type(error).__name__}: {error}") from error
    if not channels:
        raise ConfigurationError(f"{directory}: no channel in any YAML file")
    return Configuration(tuple(channels), max_late)


Entry = Mapping[str, Any]


def _channels(path: Path, root: Entry) -> Iterator[tuple[Entry, Entry, Entry, list[Entry]]]:
    """Yield each channel with its park, its facility and its swaps."""
    for park in root.get("parks") or []:
        for facility in park.get("facilities") or []:
            points = _points(path.parent / facility["points"]) if facility.get("points") else []
            swaps = facility.get("swaps") or []
            for channel in facility.get("channels") or []:
                yield park, facility, channel, channel.get("swaps") or []
            for channel in points:
                yield park, facility, channel, [swap for swap in swaps if swap["channel"] == channel["name"]]


def _points(path: Path) -> list[Entry]:
    text = path.read_text(encoding="utf-8-sig")
    delimiter = ";" if ";" in text.partition("\n")[0] else ","
    rows = csv.DictReader(text.splitlines(), delimiter=delimiter)
    return [{key.strip(): cell.strip() for key, cell in row.items() if cell and cell.strip()} for row in rows]


def _is_entered(channel: Entry) -> bool:
    """Whether people enter a channel, so that no gateway sends it."""
    return str(channel.get("entered", "")).lower() == "true"


def _channel(park: Entry, facility: Entry, channel: Entry, swaps: list[Entry]) -> Channel:
    kind = channel["kind"]
    return Channel(
        park=park["name"],
        facility=facility["name"],
        gateway=channel["gateway"],
        name=channel["name"],
        kind=kind,
        unit=channel["unit"],
        quantity=channel.get("quantity", ""),
        zone=ZoneInfo(park["zone"]),
        minimum=_number(channel, "min"),
        maximum=_number(channel, "max"),
        max_rate=_number(channel, "max_rate"),
        modulus=_number(channel, "modulus"),
        ratio=float(channel.get("ratio", 1.0)),
        max_gap=_duration(channel.get("max_gap", MAX_GAP.get(kind, "1h"))),
        period=_duration(channel["period"]) if kind == "interval" else 0,
        hold_last=channel.get("hold") == "last",
        swaps=tuple(sorted(map(_swap, swaps), key=lambda swap: swap.time)),
    )


def _swap(swap: Entry) -> Swap:
    moment = datetime.fromisoformat(swap["time"])
    return Swap(
        round(moment.timestamp()) * NS_PER_S,
        final_old=_number(swap, "final_old"),
        first_new=_number(swap, "first_new"),
        ratio=_number(swap, "ratio"),
        max_rate=_number(swap, "max_rate"),
        modulus=_number(swap, "modulus"),
    )


def _number(entry: Entry, key: str) -> float:
    value = entry.get(key)
    return math.nan if value is None else float(value)


def _duration(text: object) -> int:
    found = re.fullmatch(r"([0-9]+)(s|min|h|d)", str(text))
    if not found:
        raise ValueError(f"{text!r} is no duration")
    return int(found[1]) * SECONDS[found[2]] * NS_PER_S
