"""The wiring of the projection to InfluxDB, where the settings name one."""

import logging
from contextlib import closing
from pathlib import Path

from plant.documents.problems import ConfigurationError
from plant.park import Plant
from plant.vocabulary import NS_PER_DAY
from stackmeter.projection.job import Job
from stackmeter.projection.process import InfluxProcess
from stackmeter.settings import Settings
from store.influx.lines import PointNames
from store.influx.reader import InfluxReader, QueryFailed
from store.influx.sender import Statistics
from store.replicated.lease import HeldLease
from store.state import State

log = logging.getLogger(__name__)


def influx_process(
    settings: Settings, plant: Plant, state: State, database: Path, lease: HeldLease | None
) -> InfluxProcess | None:
    """Return what carries the outboxes of a state to InfluxDB while the lease is ours, if there is one; None where there is no InfluxDB.

    Raises
    ------
    ConfigurationError
        InfluxDB forgets sooner than readings may come.
    """
    if settings.influx_url is None:
        return None
    _check_retention(settings, plant)
    names = PointNames(plant, _names(state, "channel"), _names(state, "source"))
    job = Job(
        settings.influx_url,
        settings.influx_token.get_secret_value(),
        settings.influx_org,
        settings.influx_bucket,
        database,
        names,
        Statistics(),
    )
    return InfluxProcess(job) if lease is None else InfluxProcess(job, lease.tells_until)


def _names(state: State, table: str) -> list[tuple[int, str, str, str]]:
    return state.connection.execute(f"SELECT id, park, facility, name FROM {table}").fetchall()


def _reader(settings: Settings) -> InfluxReader:
    token = settings.influx_token.get_secret_value()
    return InfluxReader(str(settings.influx_url), token, settings.influx_bucket, timeout=5.0)


def _check_retention(settings: Settings, plant: Plant) -> None:
    """Refuse an InfluxDB that forgets sooner than readings may come; where it does not say, go on and say so."""
    with closing(_reader(settings)) as reader:
        try:
            kept = reader.retention()
        except QueryFailed as error:
            log.warning("how long InfluxDB keeps points could not be asked: %s", error)
            return
    if 0 < kept < plant.max_late:
        raise ConfigurationError.of(
            settings.config, 0, f"readings may be {plant.max_late / NS_PER_DAY:g} days late, and InfluxDB keeps"
            f" {settings.influx_bucket} for {kept / NS_PER_DAY:g} days: let it keep longer, or shorten max_late",
            "settings.max_late",
        )  # fmt: skip
