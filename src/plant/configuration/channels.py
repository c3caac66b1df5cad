"""Puts a facility's channels together, from its YAML file and its point list."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from math import nan
from pathlib import Path
from sys import intern

from plant.configuration.bounds import AMOUNTS, is_never_negative
from plant.configuration.channel_model import ChannelPart, NamedSwapPart, SwapPart
from plant.configuration.model import FacilityPart
from plant.configuration.points import PointList
from plant.documents.documents import Placed
from plant.documents.files import inside
from plant.documents.findings import Findings
from plant.documents.problems import ConfigurationError, Problem
from plant.park import Channel, Swap
from plant.suggest import did_you_mean
from plant.units import unit
from plant.vocabulary import LONGEST_RECORD, NS_PER_DAY, NS_PER_HOUR, Kind


@dataclass(frozen=True, slots=True)
class Declared:
    """A channel as it was written, and where; `placed` is None in a point list."""

    part: ChannelPart
    file: str
    line: int
    placed: Placed[ChannelPart] | None = None

    def problem(self, key: str, message: str) -> Problem:
        """Return a problem with one of its keys."""
        if self.placed is not None:
            return self.placed.problem(message, key)
        return Problem(self.file, self.line, key, message)


def channels_of(
    facility: Placed[FacilityPart], park: str, directory: Path, findings: Findings
) -> dict[str, Channel]:
    """Return a facility's channels by name, their `index` still -1; what is wrong with them goes to `findings`."""
    channels: dict[str, Channel] = {}
    gateways = {gateway.value.name for gateway in facility.parts("gateways", facility.value.gateways)}
    swaps = _swaps_by_channel(facility)
    for declared in _declared(facility, directory, findings):
        part = declared.part
        _check_gateway(declared, gateways, findings)
        identity = ("channel", park, facility.value.name, part.name)
        if findings.is_first(declared.file, declared.line, *identity):
            intact = [swap for swap in part.swaps if swap.model_fields_set]
            own = [*intact, *(swap.value for swap in swaps.get(part.name, ()))]
            findings.problems += _swap_problems(declared, own)
            channels[part.name] = _channel(part, park, facility.value.name, own)
            findings.doubts += _doubts(declared)
        else:
            message = f"{part.name} is declared twice (first at {findings.place_of_first(*identity)})"
            findings.problems.append(declared.problem("name", message))
    _check_swaps(swaps, channels, findings)
    return channels


def _doubts(declared: Declared) -> Iterator[Problem]:
    """Yield what one absurd reading could do, and limits that contradict what the quantity can be."""
    part = declared.part
    if part.kind in AMOUNTS and part.max is None and part.max_rate is None:
        wanted = "max_rate, nor max" if part.kind is Kind.REGISTER else "max"
        message = f"{part.name} [{part.unit}] has no {wanted}: one absurd reading is enough to spoil a year"
        yield declared.problem("max", message)
    if (
        part.min is not None
        and part.min < 0
        and not part.signed
        and is_never_negative(unit(part.unit), part.kind)
    ):
        message = f"{part.name} has min {part.min:g} {part.unit}: say signed: true where it can be negative"
        yield declared.problem("min", message)


def _declared(facility: Placed[FacilityPart], directory: Path, findings: Findings) -> Iterator[Declared]:
    for placed in facility.parts("channels", facility.value.channels):
        line = placed.document.line((*placed.path, "name"))
        yield Declared(placed.value, str(placed.document.file), line, placed)
    if facility.value.points is not None:
        yield from _points(facility, facility.value.points, directory, findings)


def _points(
    facility: Placed[FacilityPart], name: str, directory: Path, findings: Findings
) -> Iterator[Declared]:
    """Yield a point list's channels; that it cannot be read is a problem of the key that names it."""
    try:
        points = PointList(inside(directory, name))
    except ValueError as error:
        findings.incomplete = True
        findings.refuse(facility, str(error), "points")
        return
    try:
        for point in points:
            yield Declared(point.part, str(points.file), point.line)
    except ConfigurationError as error:
        findings.incomplete = True
        whole = [facility.problem(f"{name} {p.message}", "points") for p in error.problems if not p.line]
        findings.problems += [*whole, *(p for p in error.problems if p.line)]
    findings.problems += points.problems
    findings.broken |= points.broken


def _check_gateway(declared: Declared, gateways: set[str], findings: Findings) -> None:
    name = declared.part.gateway
    if name is not None and name not in gateways and name not in findings.broken:
        message = f"the facility has no gateway {name}{did_you_mean(name, gateways) or _has(gateways)}"
        findings.problems.append(declared.problem("gateway", message))


def _has(gateways: set[str]) -> str:
    return f"; it has {', '.join(sorted(gateways))}" if gateways else ""


def _channel(part: ChannelPart, park: str, facility: str, swaps: list[SwapPart]) -> Channel:
    # A plant may have 100,000 channels: the words that they share are kept once.
    longest = LONGEST_RECORD if part.entered else NS_PER_DAY if part.kind is Kind.REGISTER else NS_PER_HOUR
    return Channel(
        index=-1,
        park=park,
        facility=facility,
        gateway=intern(part.gateway or ""),
        name=part.name,
        kind=part.kind,
        unit=unit(part.unit),
        quantity=intern(part.quantity),
        minimum=_minimum(part),
        maximum=_or_nan(part.max),
        max_rate=_or_nan(part.max_rate),
        max_gap=longest if part.max_gap is None else part.max_gap,
        modulus=_or_nan(part.modulus),
        period=LONGEST_RECORD if part.entered and part.kind is Kind.INTERVAL else part.period or 0,
        hold_last=part.hold == "last" or (part.entered and part.kind is Kind.LEVEL),
        counter_in_gateway=part.counter_in_gateway,
        ratio=part.ratio,
        serial=part.serial,
        uncertainty=_or_nan(part.uncertainty),
        cadence=part.cadence or 0,
        entered=part.entered,
        swaps=tuple(_swap(swap) for swap in sorted(swaps, key=lambda swap: swap.time)),
    )


def _minimum(part: ChannelPart) -> float:
    """Return the least possible value: what is written, else 0 of what cannot be negative."""
    if part.min is None and not part.signed and is_never_negative(unit(part.unit), part.kind):
        return 0.0
    return _or_nan(part.min)


def _swap(part: SwapPart) -> Swap:
    return Swap(
        time=part.time,
        final_old=_or_nan(part.final_old),
        first_new=part.first_new,
        serial=part.serial,
        ratio=part.ratio,
        max_rate=part.max_rate,
        modulus=part.modulus,
    )


def _or_nan(value: float | None) -> float:
    return nan if value is None else value


def _swaps_by_channel(facility: Placed[FacilityPart]) -> dict[str, list[Placed[NamedSwapPart]]]:
    swaps: dict[str, list[Placed[NamedSwapPart]]] = {}
    for swap in facility.parts("swaps", facility.value.swaps):
        swaps.setdefault(swap.value.channel, []).append(swap)
    return swaps


def _swap_problems(declared: Declared, swaps: list[SwapPart]) -> Iterator[Problem]:
    """Yield where two swaps share an instant, or a meter can roll over without a known max_rate."""
    times = [swap.time for swap in swaps]
    if len(set(times)) < len(times):
        yield declared.problem("swaps", "two swaps are at the same time")
    max_rate = declared.part.max_rate
    for swap in sorted(swaps, key=lambda swap: swap.time):
        max_rate = swap.max_rate or max_rate
        if swap.modulus is not None and max_rate is None:
            yield declared.problem("swaps", "a swap sets modulus, so max_rate is required")


def _check_swaps(
    swaps: Mapping[str, list[Placed[NamedSwapPart]]], channels: Mapping[str, Channel], findings: Findings
) -> None:
    for name, parts in swaps.items():
        channel = channels.get(name)
        for part in parts:
            if channel is None:
                findings.unknown(part, "channel", name, channels, "channel")
            elif channel.kind is not Kind.REGISTER:
                findings.refuse(part, f"{name} is a {channel.kind}; only registers have swaps", "channel")
