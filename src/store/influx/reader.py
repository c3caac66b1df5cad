"""Totals and series out of InfluxDB, in InfluxQL, the one query language that its versions 1, 2 and 3 share.

A window with coverage 0 is unknown, whatever its amounts say.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import httpx
import numpy as np

from plant.arrays import Bytes, Floats, Ints, Times
from plant.vocabulary import NS_PER_S
from store.blocks import ACTIVITY, AMOUNTS, CO2E_T
from store.influx.lines import PointNames, tag_text, tag_value

_GASES = slice(CO2E_T + 1, ACTIVITY)
_WINDOW_IS_KNOWN = '"coverage" > 0.0'
_READING_COUNTS = '"quality" <= 1.0'  # good or uncertain


class QueryFailed(Exception):
    """InfluxDB did not answer, refused the query, or answered a part only."""


@dataclass(frozen=True, slots=True)
class EmissionSums:
    """What sources emitted in a period, one row a source, ordered by park, facility and name.

    `values` is [sources, `store.blocks.AMOUNTS`], NaN where nothing is known. `windows` counts the windows with
    coverage above 0; `coverage` and `substituted` are sums of shares over these: divide by the period's windows.
    """

    sources: Sequence[tuple[str, str, str]]
    values: Floats
    windows: Ints
    coverage: Floats
    substituted: Floats


@dataclass(frozen=True, slots=True)
class SeriesSteps:
    """A number for each step of a series, NaN where nothing is known.

    `count` is how many windows with coverage above 0, or readings that count, stand behind it; `coverage` is the
    sum of the shares of these windows (NaN for readings): divide by the step's windows.
    """

    values: Floats
    count: Ints
    coverage: Floats


@dataclass(frozen=True, slots=True)
class ChannelReadings:
    """A channel's readings as they are, in time order."""

    time: Times
    value: Floats
    quality: Bytes


class InfluxReader:
    """Asks `/query`. Connects with the first question; several threads may ask."""

    def __init__(self, url: str, token: str, bucket: str, *, timeout: float = 30.0) -> None:
        """Keep the settings.

        Parameters
        ----------
        token
            Empty for a server that asks for none.
        bucket
            The database, as versions 2 and 3 name it too.
        timeout
            For one question. [s]
        """
        self._bucket = bucket
        headers = {"Authorization": f"Token {token}"} if token else {}
        self._client = httpx.Client(base_url=url, headers=headers, timeout=timeout, trust_env=False)

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    def retention(self) -> int:
        """Return how long InfluxDB keeps points [ns], 0 for ever; of version 1 by the default retention policy.

        Raises
        ------
        QueryFailed
            It did not say.
        """
        try:
            answer = self._client.get("/api/v2/buckets", params={"name": self._bucket})
            if answer.is_success:
                rules = answer.json()["buckets"][0]["retentionRules"]
                return max((int(rule["everySeconds"]) for rule in rules), default=0) * NS_PER_S
        except (httpx.HTTPError, ValueError, LookupError, TypeError, RecursionError) as error:
            raise QueryFailed(f"no answer of InfluxDB: {type(error).__name__}: {error}") from error
        [policies] = self._ask(f"SHOW RETENTION POLICIES ON {quoted_name(self._bucket)}")
        rows = [dict(zip(policies["columns"], row, strict=True)) for row in policies["values"]]
        return next(_duration(str(row["duration"])) for row in rows if row["default"])

    def emission_sum(self, start: int, end: int, **tags: str) -> EmissionSums:
        """Return the emissions of windows that start in [start, end), summed by source.

        Parameters
        ----------
        start, end
            The period. [ns UTC]
        tags
            Any of park, facility, source, scope, method: what to leave in; empty leaves all.

        Raises
        ------
        QueryFailed
            If there is no whole answer.
        """
        columns = [*_sums(*AMOUNTS, "coverage", "substituted"), 'count("coverage")']
        groups = self._ask(
            f'SELECT {", ".join(columns)} FROM "emission"'
            f' WHERE {_within(start, end)} AND {_WINDOW_IS_KNOWN}{_having(tags)} GROUP BY "park", "facility", "source"'
        )
        by_key = sorted((_source_of(group["tags"]), group["values"][0][1:]) for group in groups)
        rows = _table([row for _, row in by_key], len(columns))
        return EmissionSums(
            sources=[key for key, _ in by_key],
            values=_without_stale_gases(rows[:, : len(AMOUNTS)]),
            windows=rows[:, -1].astype(np.int64),
            coverage=rows[:, -3],
            substituted=rows[:, -2],
        )

    def emission_series(self, field: str, edges: Times, **tags: str) -> SeriesSteps:
        """Return a field summed over windows and over the sources that the tags leave, for each step.

        Parameters
        ----------
        field
            One of `store.blocks.AMOUNTS`.
        edges
            Where the steps begin and end: n + 1 rising times on the window grid for n steps. [ns UTC]
        tags
            As for `emission_sum`.

        Raises
        ------
        QueryFailed
            If there is no whole answer.
        """
        columns = [*_sums(*AMOUNTS, "coverage"), 'count("coverage")']
        rows, step = self._stepped("emission", columns, _WINDOW_IS_KNOWN, edges, tags)
        summed = _added(_without_stale_gases(rows[:, : len(AMOUNTS)]), step, len(edges) - 1)
        shares = _added(rows[:, len(AMOUNTS) :], step, len(edges) - 1)
        return SeriesSteps(
            summed[:, AMOUNTS.index(field)],
            np.nan_to_num(shares[:, 1]).astype(np.int64),
            np.nan_to_num(shares[:, 0]),
        )

    def reading_series(self, edges: Times, **tags: str) -> SeriesSteps:
        """Return the mean of the readings that count, for each step.

        Parameters
        ----------
        edges
            As for `emission_series`; these may lie anywhere. [ns UTC]
        tags
            Any of park, facility, channel, quantity.

        Raises
        ------
        QueryFailed
            If there is no whole answer.
        """
        columns = ['sum("value")', 'count("value")']
        rows, step = self._stepped("reading", columns, _READING_COUNTS, edges, tags)
        sums = _added(rows, step, len(edges) - 1)
        count = np.nan_to_num(sums[:, 1]).astype(np.int64)
        return SeriesSteps(sums[:, 0] / np.maximum(count, 1), count, np.full(len(count), np.nan))

    def readings(self, start: int, end: int, **tags: str) -> ChannelReadings:
        """Return the readings of [start, end), of any quality, in time order.

        Parameters
        ----------
        start, end
            The period. [ns UTC]
        tags
            As for `reading_series`.

        Raises
        ------
        QueryFailed
            If there is no whole answer.
        """
        query = f'SELECT "value", "quality" FROM "reading" WHERE {_within(start, end)}{_having(tags)}'
        times, rows = _columns(self._ask(query), 2)
        return ChannelReadings(times, rows[:, 0], rows[:, 1].astype(np.uint8))

    def revisions(self, start: int, end: int, **tags: str) -> tuple[Times, Floats]:
        """Return start [ns UTC] and revision of each window that starts in [start, end).

        Parameters
        ----------
        start, end
            The period. [ns UTC]
        tags
            As for `emission_sum`.

        Raises
        ------
        QueryFailed
            If there is no whole answer.
        """
        query = f'SELECT "revision" FROM "emission" WHERE {_within(start, end)}{_having(tags)}'
        times, rows = _columns(self._ask(query), 1)
        return times, rows[:, 0]

    def _stepped(
        self, measurement: str, columns: Sequence[str], condition: str, edges: Times, tags: dict[str, str]
    ) -> tuple[Floats, Ints]:
        """Ask for the finest equal steps that all edges lie on; return the rows and the step that each is part of.

        Days of 23 hours and months of any length are made of these, so the server need not know a zone.
        """
        size = int(np.gcd.reduce(np.diff(edges)))
        groups = self._ask(
            f'SELECT {", ".join(columns)} FROM "{measurement}" WHERE {_within(int(edges[0]), int(edges[-1]))} AND {condition}'
            f"{_having(tags)} GROUP BY time({size}ns, {int(edges[0]) % size}ns) fill(none)"
        )
        times, rows = _columns(groups, len(columns))
        return rows, np.searchsorted(edges, times, side="right") - 1

    def _ask(self, query: str) -> list[dict[str, Any]]:
        """Return the series of the answer to one statement."""
        try:
            answer = self._client.post(
                "/query", params={"db": self._bucket, "epoch": "ns"}, data={"q": query}
            )
            document = answer.json()
            result = dict(document["results"][0] if answer.is_success else document)
        except (httpx.HTTPError, ValueError, LookupError, TypeError, RecursionError) as error:
            raise QueryFailed(f"no answer of InfluxDB: {type(error).__name__}: {error}") from error
        if not answer.is_success or "error" in result or result.get("partial"):
            raise QueryFailed(
                f"status {answer.status_code}: {result.get('error') or result.get('message') or 'partial'}"
            )
        series: list[dict[str, Any]] = result.get("series", [])
        return series


class SourceRevisions:
    """Tells of sources by their number in the state which revisions InfluxDB has."""

    def __init__(self, reader: InfluxReader, names: PointNames) -> None:
        self._reader, self._names = reader, names

    def revisions(self, source: int, start: int, end: int) -> tuple[Times, Floats]:
        """Return start [ns UTC] and revision of a source's windows in [start, end); see `InfluxReader.revisions`."""
        return self._reader.revisions(start, end, **self._names.emission_tags(source))


def _duration(text: str) -> int:
    """Return a duration as InfluxDB 1 writes it, such as 240h0m0s [ns]."""
    size = {"h": 3600, "m": 60, "s": 1}
    return sum(int(count) * size[unit] for count, unit in re.findall(r"(\d+)([hms])", text)) * NS_PER_S


def quoted(text: str) -> str:
    """Return a text as InfluxQL's string literal."""
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'").replace("\n", "\\n") + "'"


def quoted_name(name: str) -> str:
    """Return a name as InfluxQL's identifier."""
    return '"' + name.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n") + '"'


def _having(tags: dict[str, str]) -> str:
    return "".join(
        f" AND {quoted_name(key)} = {quoted(tag_value(text))}" for key, text in sorted(tags.items()) if text
    )


def _within(start: int, end: int) -> str:
    return f"time >= {start} AND time < {end}"


def _sums(*fields: str) -> list[str]:
    return [f'sum("{field}")' for field in fields]


def _source_of(tags: dict[str, str]) -> tuple[str, str, str]:
    return tag_text(tags["park"]), tag_text(tags["facility"]), tag_text(tags["source"])


def _table(rows: Sequence[Sequence[float | None]], width: int) -> Floats:
    """Return rows of JSON as [rows, width], null as NaN."""
    return np.array(rows, np.float64).reshape(-1, width)


def _columns(groups: Sequence[dict[str, Any]], width: int) -> tuple[Times, Floats]:
    """Return the times and the [rows, width] of an answer without groups."""
    rows = [row for group in groups for row in group["values"]]
    return np.array([row[0] for row in rows], np.int64), _table([row[1:] for row in rows], width)


def _added(rows: Floats, step: Ints, steps: int) -> Floats:
    """Add up, in order, the rows of each step: [steps, columns], NaN where all are."""
    sums = np.full((steps, rows.shape[1]), np.nan)
    for column, values in enumerate(rows.T):
        known = np.isfinite(values)
        there = np.bincount(step[known], minlength=steps) > 0
        sums[there, column] = np.bincount(step[known], values[known], steps)[there]
    return sums


def _without_stale_gases(amounts: Floats) -> Floats:
    """Return amounts with the gases NaN where all of them are 0 but the CO2e is not.

    A source whose factor is CO2e only writes no gases, except the zeros of a window that was unknown for a while;
    when it is known again these zeros are still there.
    """
    gases = np.nan_to_num(amounts[:, _GASES])
    stale = (gases == 0).all(axis=1) & (np.nan_to_num(amounts[:, CO2E_T]) != 0)
    cleaned = amounts.copy()
    cleaned[stale, _GASES] = np.nan
    return cleaned
