"""Prometheus metrics, read from counters that others keep, at the moment they are asked for."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Literal

from prometheus_client import CollectorRegistry
from prometheus_client.exposition import choose_encoder
from prometheus_client.metrics_core import CounterMetricFamily, GaugeMetricFamily, Metric


@dataclass(frozen=True, slots=True)
class Family:
    """All samples of one metric: its value by the values of its labels; without labels the key is `()`."""

    kind: Literal["counter", "gauge"]
    help: str
    values: Mapping[tuple[str, ...], float]
    labels: tuple[str, ...] = field(default=())


Metrics = Callable[[], Mapping[str, Family]]


def render(metrics: Metrics, accept: str) -> tuple[bytes, str]:
    """Return the exposition of a snapshot and its content type, in the format that `accept` prefers."""
    registry = CollectorRegistry()
    registry.register(_Snapshot(metrics()))
    encode, content_type = choose_encoder(accept)
    return encode(registry), content_type


class _Snapshot:
    def __init__(self, families: Mapping[str, Family]) -> None:
        self._families = families

    def describe(self) -> list[Metric]:
        # Without this, registering would collect once only to learn the names.
        return []

    def collect(self) -> Iterator[Metric]:
        for name, family in self._families.items():
            make = CounterMetricFamily if family.kind == "counter" else GaugeMetricFamily
            metric = make(name, family.help, labels=family.labels)
            for labels, value in family.values.items():
                metric.add_metric(labels, value)
            yield metric
