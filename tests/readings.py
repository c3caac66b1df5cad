"""The readings that a state has, wherever they lie."""

from pathlib import Path
from typing import Any

from plant.vocabulary import SINCE_EVER
from store.audit import snapshot
from store.readings.read import EVER, between, channels_read


def readings_in(database: Path) -> list[tuple[Any, ...]]:
    """Return channel, time, value, quality, flags, verdict, boot, correction and message of each, channel and boot by name, in order."""
    found: list[tuple[Any, ...]] = []
    with snapshot(database) as state:
        channels, boots = (
            dict(state.execute(f"SELECT id, {what}")) for what in ("name FROM channel", "boot FROM boot")
        )
        for number in channels_read(state):
            one = between(state, number, SINCE_EVER, EVER)
            columns = (
                one.time,
                one.value,
                one.quality,
                one.flags,
                one.verdict,
                one.boot,
                one.correction,
                one.message,
            )
            for time, *said, boot, correction, message in zip(
                *(column.tolist() for column in columns), strict=True
            ):
                found.append((channels[number], time, *said, boots.get(boot), correction, message))
    return sorted(found)
