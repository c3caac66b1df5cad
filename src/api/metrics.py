"""Prometheus metrics, read from counters that others keep, at the moment they are asked for."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from time import perf_counter
from typing import Literal

from prometheus_client import CollectorRegistry, Histogram, disable_created_metrics
from prometheus_client.exposition import choose_encoder
from prometheus_client.metrics_core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector
from starlette.types import ASGIApp, Message, Receive, Scope, Send


@dataclass(frozen=True, slots=True)
class Family:
    """All samples of one metric: its value by the values of its labels; without labels the key is `()`."""

    kind: Literal["counter", "gauge"]
    help: str
    values: Mapping[tuple[str, ...], float]
    labels: tuple[str, ...] = field(default=())


Metrics = Callable[[], Mapping[str, Family | Collector]]


def histogram(name: str, text: str, buckets: Sequence[float]) -> Histogram:
    """Return running sums of durations [s], by upper bounds."""
    disable_created_metrics()  # type: ignore[no-untyped-call]  # a gauge more for each, which nobody asks for
    return Histogram(name, text, buckets=buckets, registry=None)


class AnswerTimes:
    """Stands around the app, and counts after which time each answer begins: a stream never ends."""

    def __init__(self, app: ASGIApp, times: Histogram) -> None:
        self._app, self._times = app, times

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass everything on."""
        began = perf_counter()

        async def timed(message: Message) -> None:
            if message["type"] == "http.response.start":
                self._times.observe(perf_counter() - began)
            await send(message)

        await self._app(scope, receive, timed)


def render(metrics: Metrics, accept: str) -> tuple[bytes, str]:
    """Return the exposition of a snapshot and its content type, in the format that `accept` prefers."""
    registry = CollectorRegistry()
    registry.register(_Snapshot(metrics()))
    encode, content_type = choose_encoder(accept)
    return encode(registry), content_type


class _Snapshot:
    def __init__(self, families: Mapping[str, Family | Collector]) -> None:
        self._families = families

    def describe(self) -> list[Metric]:
        # Without this, registering would collect once only to learn the names.
        return []

    def collect(self) -> Iterator[Metric]:
        for name, family in self._families.items():
            if not isinstance(family, Family):
                yield from family.collect()
                continue
            make = CounterMetricFamily if family.kind == "counter" else GaugeMetricFamily
            metric = make(name, family.help, labels=family.labels)
            for labels, value in family.values.items():
                metric.add_metric(labels, value)
            yield metric
