"""What all dashboards have in common: identity, variables, annotations, and the links between them."""

from collections.abc import Sequence
from typing import TypeVar

from grafana_foundation_sdk.models.dashboard import (
    AnnotationContainer,
    AnnotationEventFieldMapping,
    AnnotationEventFieldSource,
    AnnotationQuery,
    Dashboard,
    DashboardCursorSync,
    DashboardDashboardTemplating,
    DashboardDashboardTime,
    DashboardLink,
    DashboardLinkType,
    Panel,
    RowPanel,
    VariableModel,
    VariableOption,
    VariableRefresh,
    VariableSort,
    VariableType,
)

from grafana.panels import lay_out
from grafana.sources import API, FACILITY, INFLUXDB, PARK, Answer, Column, InfluxQL, Json, select, tag_values
from grafana.texts import Say

_Control = TypeVar("_Control", DashboardLink, AnnotationQuery)

ZONE = "Asia/Ho_Chi_Minh"  # of the example's parks: a day on the dashboard is a day of theirs


def dashboard(
    say: Say,
    name: str,
    panels: Sequence[Panel | RowPanel],
    *,
    variables: Sequence[VariableModel] = (),
    annotations: Sequence[AnnotationQuery] = (),
    since: str = "now/d",
    refresh: str = "30s",
) -> Dashboard:
    """Return the dashboard `name` in one language."""
    return Dashboard(
        uid=say.uid(name),
        title=say(name),
        description=say(f"{name}.about"),
        tags=["stackmeter", f"stackmeter-{say.language}"],
        timezone=ZONE,
        editable=False,
        graph_tooltip=DashboardCursorSync.CROSSHAIR,
        time=DashboardDashboardTime(since, "now"),
        refresh=refresh,
        version=1,
        panels=list(lay_out(panels)),
        templating=DashboardDashboardTemplating(list(variables)),
        annotations=AnnotationContainer(list(annotations)),
        links=_links(say, name),
    )


def _links(say: Say, name: str) -> list[DashboardLink]:
    """Return links to all dashboards of this language, and to this one in the other."""
    others = DashboardLink(
        title=say("dashboards"),
        type_val=DashboardLinkType.DASHBOARDS,
        icon="external link",
        tags=["stackmeter", f"stackmeter-{say.language}"],
        as_dropdown=True,
        include_vars=True,
        keep_time=True,
    )
    translated = DashboardLink(
        title=say("other-language"),
        type_val=DashboardLinkType.LINK,
        icon="external link",
        url=f"/d/{say.other.uid(name)}",
        include_vars=True,
        keep_time=True,
    )
    return [_in_sight(others), _in_sight(translated)]


def _in_sight(control: _Control) -> _Control:
    """Return a link or a switch of marks that stands above the dashboard.

    The SDK puts it into a menu that has to be opened, and in which Grafana leaves out lists of dashboards altogether.
    """
    control.placement = None  # type: ignore[assignment]
    return control


def park(say: Say) -> VariableModel:
    """Return the choice of a park."""
    return _from_influxdb(say, "park", tag_values("emission", "park"))


def facility(say: Say, *, many: bool = False) -> VariableModel:
    """Return the choice of one of its facilities, or of `many`."""
    return _from_influxdb(say, "facility", tag_values("emission", "facility", PARK), many=many)


def source(say: Say, *, many: bool = False) -> VariableModel:
    """Return the choice of one of its sources, or of `many`."""
    return _from_influxdb(say, "source", tag_values("emission", "source", PARK, FACILITY), many=many)


def channel(say: Say, *where: str) -> VariableModel:
    """Return the choice of some of its channels, those for which `where` holds."""
    return _from_influxdb(say, "channel", tag_values("reading", "channel", PARK, FACILITY, *where), many=True)


def rule(say: Say) -> VariableModel:
    """Return the choice of rules that have fired in the park."""
    return _from_influxdb(say, "rule", tag_values("alert", "rule", PARK), many=True)


def gateway(say: Say) -> VariableModel:
    """Return the choice of gateways that have been heard, as park/facility/gateway."""
    asked = Answer("/v1/balance", (Column("gateway"),), root="gateways", ref="variable")
    return _from_api(say, "gateway", asked, many=True)


def month(say: Say) -> VariableModel:
    """Return the choice of a month of the park that has begun."""
    asked = Answer("/v1/periods", (Column("month"),), {"park": "$park"}, root="periods", ref="variable")
    made = _from_api(say, "month", asked)
    made.sort = VariableSort.ALPHABETICAL_DESC
    return made


def restatements(say: Say) -> AnnotationQuery:
    """Return marks where published numbers changed for another cause than readings, as the ledger says."""
    asked = Answer(
        "/v1/ledger",
        (Column("at", "timestamp"), Column("cause"), Column("author")),
        {"park": "$park", "limit": "200"},
        root="entries",
        ref="restatements",
        where='cause != "readings"',
    )
    texts = {"time": "at", "title": "cause", "text": "author"}
    mappings = {
        name: AnnotationEventFieldMapping(AnnotationEventFieldSource.FIELD, value=column)
        for name, column in texts.items()
    }
    return _in_sight(
        AnnotationQuery(
            name=say("annotation.restatements"),
            datasource=API,
            enable=True,
            icon_color="purple",
            target=asked,
            mappings=mappings,
        )
    )


def _from_api(say: Say, name: str, asked: Answer, *, many: bool = False) -> VariableModel:
    made = _variable(say, name, many=many)
    query: Json = {"refId": asked.ref, "queryType": "infinity", "infinityQuery": asked.to_json()}
    made.datasource, made.query, made.definition = API, query, asked.path
    return made


def _from_influxdb(say: Say, name: str, query: str, *, many: bool = False) -> VariableModel:
    made = _variable(say, name, many=many)
    made.datasource, made.query, made.definition = INFLUXDB, query, query
    return made


def _variable(say: Say, name: str, *, many: bool) -> VariableModel:
    """Return a choice of one value, which the API filters by; or of `many`, at first of all."""
    every = VariableOption(selected=True, text=["All"], value=["$__all"]) if many else None
    return VariableModel(
        type_val=VariableType.QUERY,
        name=name,
        label=say(f"col.{name}"),
        refresh=VariableRefresh.ON_DASHBOARD_LOAD,
        sort=VariableSort.ALPHABETICAL_ASC,
        multi=many,
        include_all=many,
        current=every,
    )


class _Marks(InfluxQL):
    """An annotation's query: one mark for each row, its text and tags from these columns."""

    def to_json(self) -> Json:
        columns: Json = {"fromAnnotations": True, "textColumn": "rule", "tagsColumn": "severity"}
        return super().to_json() | columns


def alerts(say: Say, *where: str) -> AnnotationQuery:
    """Return marks where alerts began to fire."""
    query = select('"value", "rule", "severity"', "alert", PARK, '"state" = 1', *where)
    return _in_sight(
        AnnotationQuery(
            name=say("annotation.alerts"),
            datasource=INFLUXDB,
            enable=True,
            icon_color="red",
            target=_Marks(query, ref="alerts", table=True),
        )
    )
