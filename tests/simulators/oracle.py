"""A slow, plain second computation of the true totals, from the bytes that were sent."""

import json
from collections.abc import Iterable
from datetime import UTC, datetime
from fractions import Fraction
from itertools import pairwise
from typing import Any

from simulators.configuration import Channel, Configuration
from simulators.message import Fate, Message

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
Reading = tuple[Fraction, Fraction, bool]  # seconds, value, reset


def sent_readings(messages: Iterable[Message]) -> dict[tuple[str, str], list[Reading]]:
    """Return (gateway, channel) -> distinct readings in order of time, as told by every payload that left."""
    found: dict[tuple[str, str], set[Reading]] = {}
    for message in messages:
        if message.fate is not Fate.DROPPED:
            for channel, time, value, reset in flat(json.loads(message.payload)):
                reading = (seconds(time), Fraction(value), reset)
                found.setdefault((message.address.gateway, channel), set()).add(reading)
    return {key: sorted(readings) for key, readings in found.items()}


def flat(payload: dict[str, Any]) -> list[tuple[str, str, float, bool]]:
    """Return a payload's readings, whichever form it has."""
    if "columns" not in payload:
        return [
            (r["channel"], r["time"], r["value"], r.get("reset", False))
            for r in payload.get("readings", [payload])
        ]
    rows = []
    for channel, column in payload["columns"].items():
        resets = column.get("reset") or [False] * len(payload["time"])
        rows += [
            (channel, time, value, reset)
            for time, value, reset in zip(payload["time"], column["values"], resets, strict=True)
            if value is not None
        ]
    return rows


def seconds(text: str) -> Fraction:
    """Return an RFC 3339 time with `Z` as exact seconds."""
    whole, _, fraction = text.removesuffix("Z").partition(".")
    since = datetime.fromisoformat(f"{whole}+00:00") - EPOCH
    return Fraction(round(since.total_seconds())) + Fraction(f"0.{fraction or 0}")


def totals(configuration: Configuration, messages: Iterable[Message]) -> dict[tuple[str, str], float]:
    """Return the total of each (gateway, channel)."""
    readings = sent_readings(messages)
    return {
        (c.gateway, c.name): float(total(c, since_swap(c, readings[c.gateway, c.name])) * ratio(c))
        for c in configuration.channels
        if (c.gateway, c.name) in readings
    }


def since_swap(channel: Channel, readings: list[Reading]) -> list[Reading]:
    """Return the readings with what the new meter showed at a swap that lies before them."""
    virtual = [(Fraction(swap.time, 10**9), Fraction(swap.first_new), False) for swap in channel.swaps]
    return virtual + readings


def ratio(channel: Channel) -> Fraction:
    return Fraction(channel.swaps[-1].ratio if channel.swaps else channel.ratio)


def total(channel: Channel, readings: list[Reading]) -> Fraction:
    if channel.kind in ("interval", "event"):
        return sum((value for _, value, _ in readings), Fraction(0))
    steps = list(pairwise(readings))
    if channel.kind == "register":
        return sum((step(channel, before[1], after) for before, after in steps), Fraction(0))
    gap = Fraction(channel.max_gap, 10**9)
    if channel.hold_last:
        return sum((v * min(u - t, gap) for (t, v, _), (u, _, _) in steps), Fraction(0)) / 3600
    short = [(u - t, (v + w) / 2) for (t, v, _), (u, w, _) in steps if u - t <= gap]
    area = sum((span * mean for span, mean in short), Fraction(0))
    return area / 3600 if channel.kind == "rate" else area / sum(span for span, _ in short)


def step(channel: Channel, before: Fraction, after: Reading) -> Fraction:
    _, value, reset = after
    if reset:
        return value
    return value - before if value >= before else value - before + Fraction(channel.modulus)
