"""What the process that tells InfluxDB is told, once and first, over the connection that it has to the service."""

from dataclasses import dataclass, field
from pathlib import Path

from store.influx.lines import PointNames
from store.influx.sender import Statistics

LOCK = "influx.lock"  # beside the database: held by the one process that sends


@dataclass(frozen=True, slots=True)
class Job:
    """Where InfluxDB is, what its points are called, whose outboxes wait, and what came of it before."""

    url: str
    token: str = field(repr=False)
    org: str
    bucket: str
    database: Path
    names: PointNames
    statistics: Statistics
