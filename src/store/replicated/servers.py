"""Whether the servers of a log keep what they are given: each writes to its disk before it says so, and there are enough of them.

A server of JetStream syncs every two minutes unless `sync_interval: always` is set; only its monitoring says which (`/jsz`).
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

import httpx

ANSWER_S = 3.0
MONITOR_PORT = 8222
_ALWAYS = "set `sync_interval: always` in its block `jetstream`, and restart it"


@dataclass(frozen=True, slots=True)
class LogServers:
    """What the monitoring of a log's servers says.

    Attributes
    ----------
    unsafe
        Why the log must not be trusted, in sentences; none where it may be.
    away
        Servers whose monitoring does not answer, each with the reason.
    sound
        How many answer, and sync always.
    """

    unsafe: list[str] = field(default_factory=list)
    away: list[str] = field(default_factory=list)
    sound: int = 0


def look_at(monitors: Sequence[str], replicas: int) -> LogServers:
    """Ask the monitoring (http://host:port) of each server of a log that is to have so many replicas."""
    unsafe, away, sound = [], [], 0
    for monitor in monitors:
        try:
            answer = httpx.get(f"{monitor}/jsz", timeout=ANSWER_S, trust_env=False)
            answer.raise_for_status()
            told = answer.json()
            config, cluster = told.get("config", {}), told.get("meta_cluster", {})
            is_synced, size = bool(config.get("sync_always")), int(cluster.get("cluster_size", 1))
        except (httpx.HTTPError, httpx.InvalidURL, ValueError, AttributeError, TypeError) as error:
            away.append(f"{monitor}/jsz does not say how its server writes ({type(error).__name__}: {error})")
            continue
        sound += is_synced
        if not is_synced:
            unsafe.append(
                f"the NATS server of {monitor} says that something is safe before it is on its disk: {_ALWAYS}"
            )
        if size < replicas:
            unsafe.append(
                f"the NATS server of {monitor} is in a cluster of {size}, and {replicas} replicas are asked for: start servers one"
                " after the other, and see the block `cluster`, or log_replicas"
            )
    if not unsafe and sound < replicas // 2 + 1:
        unsafe.append(
            f"of the log's servers {sound} say how they write, and {replicas // 2 + 1} of {replicas} must: see log_monitors"
        )
    return LogServers(unsafe, away, sound)
