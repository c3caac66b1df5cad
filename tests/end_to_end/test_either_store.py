"""An hour of the example's parks: the API, InfluxDB and the simulator's own truth give the same totals and series.

InfluxDB is away for the middle third, and everything is sent twice, late or out of order now and then.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from plant.configuration.load import load
from plant.park import Channel, Source
from plant.vocabulary import NS_PER_DAY, NS_PER_HOUR, NS_PER_MIN, Kind
from rules.catalogue import load_catalogue
from simulators.faults import Faults
from simulators.park import Progress, simulate
from simulators.truth import Total, Truth
from store.blocks import AMOUNTS
from store.influx.reader import EmissionSums, InfluxReader
from tests.end_to_end.asking import ask, rows, wait_for_influx
from tests.servers import InfluxDB, Mosquitto, wait_until
from tests.service import Service

CONFIG = Path(__file__).parents[2] / "config" / "haiphong"
PLANT = load(CONFIG, load_catalogue(CONFIG))
HOUR = 3600.0  # s
CLOSE: dict[str, Any] = {"rel": 1e-9, "abs": 1e-12}
# Nothing is lost, and nothing is refused: the truth is what was sent.
FAULTS = Faults(duplicate=0.05, reorder=0.05, delay=0.05, delay_by=300, resets=3, rollovers=3)
# Yesterday at noon on the parks' clock, so that the hour is one of one local day, whenever this runs.
START = datetime.now(UTC).replace(hour=5, minute=0, second=0, microsecond=0) - timedelta(days=1)
START_NS = int(START.timestamp()) * 1_000_000_000
END_NS = START_NS + NS_PER_HOUR
QUARTERS = np.arange(START_NS, END_NS + 1, 15 * NS_PER_MIN)

each_source = pytest.mark.parametrize("source", PLANT.sources, ids=lambda s: f"{s.facility}-{s.name}")
METERED = [
    channel for channel in PLANT.channels if not channel.entered
]  # what people enter, no simulator sends
each_channel = pytest.mark.parametrize("channel", METERED, ids=lambda c: f"{c.facility}-{c.name}")


@dataclass(frozen=True)
class Hour:
    """The hour is over, and everything has arrived everywhere."""

    service: Service
    reader: InfluxReader
    truth: Truth
    sums: EmissionSums  # of all that InfluxDB has
    waited: float  # readings that waited for InfluxDB when it came back

    def series(self, **query: str) -> dict[str, Any]:
        """Ask the API for the hour, or for another span."""
        span = {"from_": rfc3339(START_NS), "to": rfc3339(END_NS)}
        series: dict[str, Any] = ask(self.service, "/v1/series", **(span | query))
        return series


def rfc3339(ns: int) -> str:
    return np.datetime_as_string(np.datetime64(ns, "ns"), unit="s", timezone="UTC")


def ns_of(text: str) -> int:
    return int(np.datetime64(text.removesuffix("Z"), "ns").astype(np.int64))


def numbers(values: list[float | None]) -> list[float]:
    """Return what JSON says, null as NaN."""
    return [math.nan if value is None else value for value in values]


class Outage:
    """Kills InfluxDB at a third of the hour, and starts it at two thirds."""

    def __init__(self, influx: InfluxDB, service: Service) -> None:
        self._influx, self._service = influx, service
        self._left = [
            (START_NS + NS_PER_HOUR // 3, self._kill),
            (START_NS + NS_PER_HOUR * 2 // 3, self._start),
        ]
        self.waited = 0.0

    def __call__(self, progress: Progress) -> None:
        while self._left and progress.simulated >= self._left[0][0]:
            self._left.pop(0)[1]()

    def _kill(self) -> None:
        wait_for_influx(self._service)
        self._influx.kill()

    def _start(self) -> None:
        wait_until(self._is_waited_for, "no reading waited for InfluxDB")
        self._influx.start()

    def _is_waited_for(self) -> bool:
        self.waited = self._service.metrics()["stackmeter_influx_waiting_readings"]
        return self.waited > 0


@pytest.fixture(scope="module")
def hour(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hour]:
    folder = tmp_path_factory.mktemp("either")
    with (
        Mosquitto() as broker,
        InfluxDB() as influx,
        Service(folder, CONFIG, broker.url, influx=influx.url) as service,
    ):
        service.start()
        outage = Outage(influx, service)
        truth = simulate(
            CONFIG,
            broker.url,
            speed=math.inf,
            duration=HOUR,
            faults=FAULTS,
            start=START,
            progress=outage,
            settle=60.0,
        )
        wait_for_influx(service)
        reader = InfluxReader(influx.url, "", influx.bucket)
        sums = reader.emission_sum(*span_of(truth))
        yield Hour(service, reader, truth, sums, outage.waited)
        reader.close()


def span_of(truth: Truth) -> tuple[int, int]:
    """Return whole days around all there is: a swapped meter counts from the swap on."""
    first = min(ns_of(total.first) for total in truth.totals())
    return first // NS_PER_DAY * NS_PER_DAY, END_NS + NS_PER_DAY


def total_of(hour: Hour, channel: Channel) -> Total | None:
    """Return a channel's true total; None where it sent nothing, which only an event channel may."""
    key = (channel.park, channel.facility, channel.name)
    found = next((t for t in hour.truth.totals() if (t.park, t.facility, t.channel) == key), None)
    assert found or channel.kind is Kind.EVENT
    return found


def only_events(source: Source) -> bool:
    return all(PLANT.channels[given.channel].kind is Kind.EVENT for given in source.inputs)


def known(source: Source, values: Any) -> list[float]:
    """Return values to compare: of events, nothing is 0, for the API knows that, and InfluxDB has no window of it."""
    return np.nan_to_num(values).tolist() if only_events(source) else list(values)


def tags(item: Channel | Source) -> dict[str, str]:
    return {"park": item.park, "facility": item.facility}


def test_nothing_was_lost_or_refused(hour: Hour) -> None:
    told = ask(hour.service, "/v1/balance")

    assert told["codes"] == {}
    assert told["messages"]["duplicate"] > 0
    assert rows(hour.service, "SELECT count(*) FROM reading") == [(hour.truth.readings,)]


def test_influxdb_was_away_and_caught_up(hour: Hour) -> None:
    assert hour.waited > 0
    measured = {(s.park, s.facility, s.name) for s in PLANT.sources if not only_events(s)}
    assert measured <= set(hour.sums.sources)


@each_channel
def test_the_simulators_truth_is_the_pipelines_total(hour: Hour, channel: Channel) -> None:
    """The sum of the channel's windows; of a level, its mean over the hour."""
    total = total_of(hour, channel)
    first, last = (total.first, total.last) if total else (rfc3339(START_NS), rfc3339(END_NS))
    after = rfc3339(ns_of(last) + NS_PER_MIN)

    told = hour.series(
        kind="activity", channel=channel.name, from_=first, to=after, every="1d", **tags(channel)
    )

    values = [value for value in told["values"] if value is not None]
    if channel.kind is Kind.LEVEL:
        assert len(values) == 1
    assert math.fsum(values) == pytest.approx(total.amount if total else 0.0, **CLOSE)


@each_channel
def test_the_simulator_and_the_pipeline_speak_of_the_same_unit(hour: Hour, channel: Channel) -> None:
    total = total_of(hour, channel)

    told = hour.series(kind="activity", channel=channel.name, every="1d", **tags(channel))

    assert total is None or told["unit"] == total.amount_unit


@each_source
def test_a_sources_totals_are_the_same_from_influxdb(hour: Hour, source: Source) -> None:
    start, end = span_of(hour.truth)
    of_source = dict(zip(hour.sums.sources, hour.sums.values, strict=True))
    nothing = np.full(len(AMOUNTS), np.nan)
    expected = of_source.get((source.park, source.facility, source.name), nothing)

    (told,) = ask(
        hour.service, "/v1/totals", level="source", source=source.name, from_=rfc3339(start), to=rfc3339(end),
        **tags(source),
    )["totals"]  # fmt: skip

    found = numbers([told[amount] for amount in AMOUNTS])
    assert known(source, found) == pytest.approx(known(source, expected), nan_ok=True, **CLOSE)


@each_source
def test_a_sources_series_is_the_same_from_influxdb(hour: Hour, source: Source) -> None:
    told = hour.series(kind="emission", source=source.name, every="15m", **tags(source))

    found = hour.reader.emission_series("co2e_t", QUARTERS, source=source.name, **tags(source))
    assert known(source, numbers(told["values"])) == pytest.approx(
        known(source, found.values), nan_ok=True, **CLOSE
    )


@pytest.mark.parametrize("field", AMOUNTS[:-1])
def test_the_series_of_a_facility_is_the_same_from_influxdb(hour: Hour, field: str) -> None:
    facility = {"park": "nam-cau-kien", "facility": "mill"}

    told = hour.series(kind="emission", field=field, every="15m", **facility)

    found = hour.reader.emission_series(field, QUARTERS, **facility)
    assert numbers(told["values"]) == pytest.approx(found.values.tolist(), nan_ok=True, **CLOSE)


@each_channel
def test_a_channels_readings_are_the_same_in_influxdb(hour: Hour, channel: Channel) -> None:
    """Each of them, bit for bit."""
    held = rows(
        hour.service,
        "SELECT time, value, quality FROM reading JOIN channel ON channel.id = channel"
        " WHERE park = ? AND facility = ? AND name = ? ORDER BY time",
        channel.park, channel.facility, channel.name,
    )  # fmt: skip

    found = hour.reader.readings(START_NS, END_NS + NS_PER_MIN, channel=channel.name, **tags(channel))

    assert held or channel.kind is Kind.EVENT
    assert list(zip(found.time.tolist(), found.value.tolist(), found.quality.tolist(), strict=True)) == held


@pytest.mark.parametrize(
    "channel",
    [c for c in METERED if c.kind in {Kind.RATE, Kind.LEVEL}],
    ids=lambda c: f"{c.facility}-{c.name}",
)
def test_a_series_of_readings_is_the_same_from_influxdb(hour: Hour, channel: Channel) -> None:
    told = hour.series(kind="reading", channel=channel.name, every="15m", **tags(channel))

    found = hour.reader.reading_series(QUARTERS, channel=channel.name, **tags(channel))
    expected = np.where(found.count > 0, found.values, np.nan).tolist()
    assert numbers(told["values"]) == pytest.approx(expected, nan_ok=True, **CLOSE)
