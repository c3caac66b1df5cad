"""What panels, variables and annotations ask: InfluxDB for history, the API for how things stand.

A target is a query as Grafana keeps it; the SDK knows neither of the two data sources.
"""

from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

from grafana_foundation_sdk.cog.variants import Dataquery
from grafana_foundation_sdk.models.common import DataSourceRef

# As provisioning/datasources names them.
INFLUXDB = DataSourceRef("influxdb", "stackmeter-influxdb")
API = DataSourceRef("yesoreyeram-infinity-datasource", "stackmeter-api")
READINESS = DataSourceRef("yesoreyeram-infinity-datasource", "stackmeter-readiness")
ALERTMANAGER = DataSourceRef("alertmanager", "stackmeter-alertmanager")
PROMETHEUS = DataSourceRef("prometheus", "stackmeter-prometheus")

# A window with coverage 0 is unknown: it holds zeros because InfluxDB cannot hold nothing (docs/vocabulary.md).
KNOWN = '"coverage" > 0'
PARK = "\"park\" = '$park'"
FACILITY = "\"facility\" = '$facility'"
SOURCE = "\"source\" = '$source'"
# Of what several values can be chosen: Grafana escapes each and puts them as (a|b).
FACILITIES = '"facility" =~ /^$facility$/'
SOURCES = '"source" =~ /^$source$/'
CHANNELS = '"channel" =~ /^$channel$/'
RULES = '"rule" =~ /^$rule$/'

# What the time picker says, in whole minutes as the API wants it. A format of Grafana's has no colon, and is of the browser's clock.
RANGE = {
    end: f"${{__{end}:date:YYYY-MM-DDTHH}}:${{__{end}:date:mm}}:00${{__{end}:date:Z}}"
    for end in ("from", "to")
}

ColumnType = Literal["string", "number", "timestamp", "boolean"]
Json = dict[str, object]


def all_chosen(variables: Sequence[str]) -> str:
    """Return the plugin's words for rows whose every value is among those that are chosen: it takes a list of one for no list."""
    return " && ".join(f"{one} IN ('', ${{{one}:singlequote}})" for one in variables)


class Target(Dataquery):
    """A query of ours."""

    @property
    @abstractmethod
    def asked(self) -> DataSourceRef:
        """The data source that it is for."""

    @abstractmethod
    def to_json(self) -> Json:
        """Return it as Grafana keeps it."""


@dataclass(frozen=True)
class InfluxQL(Target):
    """A query in InfluxQL; `alias` names its series, `$tag_…` from their tags."""

    query: str
    alias: str = ""
    ref: str = "A"
    table: bool = False

    @property
    def asked(self) -> DataSourceRef:
        """InfluxDB."""
        return INFLUXDB

    def to_json(self) -> Json:
        """Return it as Grafana keeps it."""
        return {
            "refId": self.ref,
            "datasource": INFLUXDB,
            "rawQuery": True,
            "query": self.query,
            "resultFormat": "table" if self.table else "time_series",
            "alias": self.alias,
        }


@dataclass(frozen=True, slots=True)
class Column:
    """A column of an answer: where it stands in a row (GJSON path), its type, and how it is shown.

    `selector` is also the name of Grafana's field, because the plugin gives a column its type by that name; what
    people read is the override that `panels.table` makes.
    """

    selector: str
    type: ColumnType = "string"
    unit: str = "none"
    decimals: int | None = None
    mapped: bool = False  # its words are in the table of texts
    none: str = ""  # the text that is shown where it is null; "": unknown


@dataclass(frozen=True)
class Answer(Target):
    """Rows of an answer of the API: the object or list at `root`, and its columns."""

    path: str
    columns: Sequence[Column]
    parameters: dict[str, str] = field(default_factory=dict)
    root: str = ""
    source: DataSourceRef = field(default_factory=lambda: API)
    ref: str = "A"
    where: str = ""  # which rows are kept, in the plugin's words

    @property
    def asked(self) -> DataSourceRef:
        """The API, or what asks it whether it is ready."""
        return self.source

    def to_json(self) -> Json:
        """Return it as Grafana keeps it."""
        pairs: list[Json] = [{"key": key, "value": value} for key, value in self.parameters.items()]
        return {
            "refId": self.ref,
            "datasource": self.source,
            "type": "json",
            "source": "url",
            "parser": "backend",
            "format": "table",
            "url": self.path,
            "url_options": {"method": "GET", "data": "", "params": pairs},
            "root_selector": self.root,
            "columns": [{"selector": c.selector, "text": c.selector, "type": c.type} for c in self.columns],
            "filterExpression": self.where,
            "filters": [],
        }


@dataclass(frozen=True)
class PromQL(Target):
    """A question to Prometheus; `legend` names its series, `{{label}}` from their labels."""

    expression: str
    legend: str = ""
    ref: str = "A"

    @property
    def asked(self) -> DataSourceRef:
        """Prometheus."""
        return PROMETHEUS

    def to_json(self) -> Json:
        """Return it as Grafana keeps it."""
        return {
            "refId": self.ref,
            "datasource": PROMETHEUS,
            "expr": self.expression,
            "legendFormat": self.legend,
            "range": True,
            "instant": False,
        }


METRIC_COLUMNS = (Column("metric"), Column("value", "number"))


@dataclass(frozen=True)
class Metrics(Target):
    """The samples of /metrics, one row each: their text is read as a table with a blank between its two columns."""

    ref: str = "A"

    @property
    def asked(self) -> DataSourceRef:
        """The API."""
        return API

    def to_json(self) -> Json:
        """Return it as Grafana keeps it."""
        return Answer("/metrics", METRIC_COLUMNS, ref=self.ref).to_json() | {
            "type": "csv",
            "csv_options": {
                "delimiter": " ",
                "comment": "#",
                "columns": "metric value",
                "relax_column_count": True,
                "skip_lines_with_error": True,
                "skip_empty_lines": True,
            },
        }


def select(
    expression: str, measurement: str, *where: str, by: Sequence[str] = (), every: str = "", zone: str = ""
) -> str:
    """Return InfluxQL over the dashboard's time range, by tags and, with `every`, by time. A gap stays a gap.

    Days need a `zone` to begin at its midnight.
    """
    conditions = " AND ".join(("$timeFilter", *where))
    groups = ", ".join(([f"time({every})"] if every else []) + [f'"{tag}"' for tag in by])
    grouped = f" GROUP BY {groups}" if groups else ""
    fill = " fill(none)" if every else ""
    clock = f" tz('{zone}')" if zone else ""
    return f'SELECT {expression} FROM "{measurement}" WHERE {conditions}{grouped}{fill}{clock}'


def tag_values(measurement: str, tag: str, *where: str) -> str:
    """Return InfluxQL for the values that a tag has."""
    conditions = f" WHERE {' AND '.join(where)}" if where else ""
    return f'SHOW TAG VALUES FROM "{measurement}" WITH KEY = "{tag}"{conditions}'
