"""What each shard weighs, as its owner tells it: readings a second, channels, and bytes that its files grow by."""

import math
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import repeat

from prometheus_client.parser import text_string_to_metric_families
from pydantic import BaseModel

from plant.clock import format_time
from plant.vocabulary import NS_PER_DAY, NS_PER_MIN, NS_PER_S
from stackmeter.client.calls import Client
from stackmeter.cluster.asking import AT_ONCE, UNANSWERED, ShardSeen, key_of
from stackmeter.cluster.kinds import WeighedBy

FREE, FULL_IN = "stackmeter_disk_free_bytes", "stackmeter_disk_full_seconds"


class NoExposition(Exception):
    """What is told as metrics is none; its text says so."""


class ShardWeight(BaseModel):
    """What a shard weighs; None where nobody can say, and `away` tells why where it was asked in vain.

    Attributes
    ----------
    readings
        Received a second, over the last day.
    channels
        Configured.
    bytes
        By which its journal and state grow, a day, over the last week.
    """

    readings: float | None = None
    channels: int | None = None
    bytes: float | None = None
    away: str = ""

    def by(self, what: WeighedBy) -> float | None:
        """Return one of them."""
        found: float | None = getattr(self, what.value)
        return found


def weigh(seen: Sequence[ShardSeen], environment: Mapping[str, str], now: int) -> list[ShardWeight]:
    """Ask the owner of each shard, in their order; `now` is the time [ns UTC]."""
    with ThreadPoolExecutor(AT_ONCE, "cluster") as pool:
        return list(pool.map(_weighed, seen, repeat(environment), repeat(now)))


def _weighed(seen: ShardSeen, environment: Mapping[str, str], now: int) -> ShardWeight:
    try:
        with Client(seen.owners_url, key_of(seen.shard, environment)) as client:
            readings = client.balance(
                since=format_time((now - NS_PER_DAY) // NS_PER_MIN * NS_PER_MIN)
            ).readings.received
            facilities = client.facilities()
            growth = bytes_per_day(client.metrics())
    except (*UNANSWERED, NoExposition) as error:
        return ShardWeight(away=str(error))
    return ShardWeight(
        readings=readings / (NS_PER_DAY / NS_PER_S),
        channels=sum(one.channels for one in facilities.facilities),
        bytes=growth,
    )


def bytes_per_day(metrics: str) -> float | None:
    """Return by how many bytes a day the files of a service grow, None where it cannot say; raise NoExposition where that are no metrics."""
    try:
        samples = [one for family in text_string_to_metric_families(metrics) for one in family.samples]
    except ValueError as error:
        raise NoExposition(f"what it answers at /metrics cannot be read: {str(error)[:100]}") from error
    found = {one.name: one.value for one in samples}
    free, seconds = found.get(FREE, math.nan), found.get(FULL_IN, math.nan)
    growth = free / seconds * (NS_PER_DAY / NS_PER_S) if 0 < seconds < math.inf else math.nan
    return growth if math.isfinite(growth) else None
