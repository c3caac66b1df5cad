"""Panels: each has a title, a description and a unit, and shows an unknown as a word, never as 0."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import count

from grafana_foundation_sdk.models import barchart, common, geomap, stat, table, timeseries
from grafana_foundation_sdk.models.dashboard import (
    DashboardFieldConfigSourceOverrides,
    DashboardLink,
    DataTransformerConfig,
    DynamicConfigValue,
    FieldColor,
    FieldColorModeId,
    FieldConfig,
    FieldConfigSource,
    GridPos,
    MappingType,
    MatcherConfig,
    Panel,
    RowPanel,
    Threshold,
    ThresholdsConfig,
    ThresholdsMode,
    ValueMap,
    ValueMappingResult,
)

from grafana.sources import ALERTMANAGER, Answer, Column, Json, Metrics, Target
from grafana.texts import MAPPED, Say

WIDTH = 24  # of Grafana's grid
TONNES, TONNES_PER_HOUR, KILOGRAMS_PER_HOUR = "suffix: t CO2e", "suffix: t CO2e/h", "suffix: kg/h"
SHARE = "percentunit"
GREEN, YELLOW, RED, BLUE = "green", "yellow", "red", "blue"

Steps = Sequence[tuple[float, str]]
# Of a share that should be 1.
COVERAGE: Steps = ((0, RED), (0.9, YELLOW), (0.98, GREEN))
# Of a count that should be 0.
NONE_EXPECTED: Steps = ((0, GREEN), (1, RED))
# Of a budget's use.
USED: Steps = ((0, GREEN), (0.9, YELLOW), (1, RED))
PLAIN: Steps = ((0, BLUE),)


@dataclass(frozen=True, slots=True)
class Size:
    """Width, of 24 columns, and height, in Grafana's rows."""

    w: int
    h: int


def number(
    say: Say,
    key: str,
    unit: str,
    target: Target,
    size: Size,
    *,
    steps: Steps = PLAIN,
    decimals: int | None = 2,
    curve: str = "",
) -> Panel:
    """Return large numbers, one for each series, or the columns of an answer's one row: `unit`, steps and decimals are the first's.

    Of a series, `curve` says which of its numbers it is, such as sum or max, and the series is drawn beneath it.
    """
    fields = "/.*/" if isinstance(target, Answer) else ""  # a time too; without it numbers only
    options = stat.Options(
        graph_mode=common.BigValueGraphMode.AREA if curve else common.BigValueGraphMode.NONE,
        color_mode=common.BigValueColorMode.VALUE,
        justify_mode=common.BigValueJustifyMode.AUTO,
        text_mode=common.BigValueTextMode.AUTO,
        reduce_options=common.ReduceDataOptions(values=False, calcs=[curve or "last"], fields=fields),
    )
    config = _config(say, unit, steps=steps, decimals=decimals)
    beside = target.columns[1:] if isinstance(target, Answer) else ()
    config.overrides = [_override(say, column, [], None) for column in beside]
    for column, override in zip(beside, config.overrides, strict=True):
        colours = NONE_EXPECTED if column.type == "number" else PLAIN
        override.properties.append(DynamicConfigValue("thresholds", _thresholds(colours)))
    return _panel(say, key, "stat", options, config, [target], size)


def graph(
    say: Say,
    key: str,
    unit: str,
    targets: Sequence[Target],
    size: Size,
    *,
    stacked: bool = False,
    steps: Steps | None = None,
    share: bool = False,
) -> Panel:
    """Return a graph over time: stacked bars for amounts that add up, lines for everything else.

    A gap in the data stays a gap on the graph. `steps` are drawn as lines; a `share` is drawn from 0 to 1.
    """
    mode = common.GraphThresholdsStyleMode.LINE if steps else common.GraphThresholdsStyleMode.OFF
    drawn = timeseries.FieldConfig(
        draw_style=common.GraphDrawStyle.BARS if stacked else common.GraphDrawStyle.LINE,
        fill_opacity=80 if stacked else 0,
        line_width=1,
        span_nulls=False,
        show_points=common.VisibilityMode.AUTO,
        stacking=common.StackingConfig(
            common.StackingMode.NORMAL if stacked else common.StackingMode.NONE, group="A"
        ),
        thresholds_style=common.GraphThresholdsStyleConfig(mode=mode),
    )
    options = timeseries.Options(
        legend=common.VizLegendOptions(
            display_mode=common.LegendDisplayMode.TABLE,
            placement=common.LegendPlacement.BOTTOM,
            show_legend=True,
            calcs=["sum" if stacked else "lastNotNull"],
        ),
        tooltip=common.VizTooltipOptions(
            mode=common.TooltipDisplayMode.MULTI, sort=common.SortOrder.DESCENDING
        ),
    )
    shown = _shown(say, unit, steps=steps or PLAIN)
    shown.custom = drawn
    shown.color = FieldColor(FieldColorModeId.PALETTE_CLASSIC_BY_NAME)
    if share:
        shown.min_val, shown.max_val = 0, 1
    config = FieldConfigSource(shown, overrides=[])
    return _panel(say, key, "timeseries", options, config, targets, size)


@dataclass(frozen=True, slots=True)
class Link:
    """From a cell to a dashboard: the name of the dashboard, and its variables as what stands in them."""

    column: str
    dashboard: str
    variables: dict[str, str]


def rows(
    say: Say,
    key: str,
    target: Answer,
    size: Size,
    *,
    links: Sequence[Link] = (),
    sort: str = "",
    steps: dict[str, Steps] | None = None,
) -> Panel:
    """Return a table of an answer's rows; `sort` names the column that is largest first, `steps` colour columns."""
    options = table.Options(
        sort_by=[common.TableSortByFieldState(display_name=say(f"col.{sort}"), desc=True)] if sort else [],
        cell_height=common.TableCellHeight.SM,
    )
    options.footer = None  # Grafana knows it no more
    config = _table_config(say, "none")
    made = _panel(say, key, "table", options, config, [target], size)
    config.overrides = [
        _override(
            say,
            column,
            [link for link in links if link.column == column.selector],
            (steps or {}).get(column.selector),
        )
        for column in target.columns
    ]
    # The plugin sorts columns by name.
    order = {column.selector: place for place, column in enumerate(target.columns)}
    made.transformations = [
        DataTransformerConfig(
            "organize", options={"indexByName": order, "excludeByName": {}, "renameByName": {}}
        )
    ]
    return made


def years(say: Say, key: str, unit: str, target: Answer, size: Size) -> Panel:
    """Return a group of bars for each row: the first column, a text, names it; each other is a bar."""
    options = barchart.Options(
        x_field=target.columns[0].selector,
        orientation=common.VizOrientation.AUTO,
        show_value=common.VisibilityMode.AUTO,
        stacking=common.StackingMode.NONE,
        legend=common.VizLegendOptions(
            display_mode=common.LegendDisplayMode.LIST,
            placement=common.LegendPlacement.BOTTOM,
            show_legend=True,
            calcs=[],
        ),
        tooltip=common.VizTooltipOptions(mode=common.TooltipDisplayMode.MULTI, sort=common.SortOrder.NONE),
    )
    shown = _shown(say, unit, steps=PLAIN)
    shown.custom = barchart.FieldConfig(line_width=1, fill_opacity=80)
    shown.color = FieldColor(FieldColorModeId.PALETTE_CLASSIC_BY_NAME)
    config = FieldConfigSource(
        shown, overrides=[_override(say, column, [], None) for column in target.columns]
    )
    return _panel(say, key, "barchart", options, config, [target], size)


def metrics(say: Say, key: str, names: Sequence[str], size: Size, *, steps: Steps = PLAIN) -> Panel:
    """Return a table of metrics without labels, or of all samples where a name ends in {."""
    options = table.Options(cell_height=common.TableCellHeight.SM)
    options.footer = None
    config = _table_config(say, "short")
    made = _panel(say, key, "table", options, config, [Metrics()], size)
    spelled = {
        f"{name}": ValueMappingResult(text=say(f"metric.{name}")) for name in names if not name.endswith("{")
    }
    config.overrides = [
        _properties("metric", displayName=say("col.metric"), mappings=[_value_map(spelled)]),
        _properties("value", displayName=say("col.value"), thresholds=_thresholds(steps), **COLOURED),
    ]
    choice = "|".join(name.replace("{", "\\{.*") for name in names)
    made.transformations = [
        DataTransformerConfig(
            "filterByValue",
            options={
                "filters": [
                    {"fieldName": "metric", "config": {"id": "regex", "options": {"value": f"^({choice})$"}}}
                ],
                "type": "include",
                "match": "any",
            },
        )
    ]
    return made


def places(say: Say, key: str, target: Answer, size: Size) -> Panel:
    """Return a map of an answer's rows, which have `coordinates`; those without are not on it."""
    marker = common.MapLayerOptions(
        type_val="markers",
        name=say("col.facility"),
        location=common.FrameGeometrySource(
            common.FrameGeometrySourceMode.COORDS, latitude="coordinates.lat", longitude="coordinates.lon"
        ),
        config={
            "showLegend": False,
            "style": {"size": {"fixed": 8}, "color": {"fixed": GREEN}, "opacity": 0.8},
        },
        tooltip=True,
    )
    options = geomap.Options(
        view=geomap.MapViewConfig(id_val="fit", zoom=10, padding=10, all_layers=True),
        basemap=common.MapLayerOptions(type_val="default", name="Layer 0"),
        layers=[marker],
        tooltip=geomap.TooltipOptions(geomap.TooltipMode.DETAILS),
        controls=geomap.ControlsOptions(show_zoom=True, mouse_wheel_zoom=False, show_attribution=True),
    )
    config = _config(say, "none")
    config.overrides = [_override(say, column, [], None) for column in target.columns]
    return _panel(say, key, "geomap", options, config, [target], size)


def alert_groups(say: Say, key: str, size: Size) -> Panel:
    """Return the open alerts as Alertmanager groups them; this panel takes its data source by name."""
    options: Json = {"alertmanager": "Stackmeter Alertmanager", "labels": "", "expandAll": False}
    made = _panel(say, key, "alertGroups", options, _config(say, "none"), [], size)
    made.datasource = ALERTMANAGER
    return made


def section(say: Say, key: str) -> RowPanel:
    """Return a line with a name, under which what follows can be folded away."""
    return RowPanel(title=say(key), grid_pos=GridPos(h=1, w=WIDTH))


def lay_out(panels: Sequence[Panel | RowPanel]) -> list[Panel | RowPanel]:
    """Give each panel its id and place: left to right, in a new row wherever it has no room."""
    x = y = height = 0
    for identity, panel in zip(count(1), panels, strict=False):
        place = panel.grid_pos or GridPos()
        if x + place.w > WIDTH:
            x, y, height = 0, y + height, 0
        panel.id_val, place.x, place.y = identity, x, y
        x, height = x + place.w, max(height, place.h)
    return list(panels)


COLOURED: Json = {"custom.cellOptions": {"type": "color-text"}}


def _panel(
    say: Say,
    key: str,
    kind: str,
    options: object,
    config: FieldConfigSource,
    targets: Sequence[Target],
    size: Size,
) -> Panel:
    return Panel(
        type_val=kind,
        title=say(key),
        description=say(f"{key}.about"),
        datasource=targets[0].asked if targets else None,
        targets=list(targets),
        grid_pos=GridPos(h=size.h, w=size.w),
        options=options,
        field_config=config,
    )


def _config(say: Say, unit: str, *, steps: Steps = PLAIN, decimals: int | None = None) -> FieldConfigSource:
    shown = _shown(say, unit, steps=steps)
    shown.decimals = decimals
    return FieldConfigSource(shown, overrides=[])


def _table_config(say: Say, unit: str) -> FieldConfigSource:
    shown = _shown(say, unit, steps=PLAIN)
    shown.custom = common.TableFieldOptions(align=common.FieldTextAlignment.AUTO, inspect=False)
    return FieldConfigSource(shown, overrides=[])


def _shown(say: Say, unit: str, *, steps: Steps) -> FieldConfig:
    return FieldConfig(
        unit=unit,
        no_value=say("unknown"),
        thresholds=_thresholds(steps),
        color=FieldColor(FieldColorModeId.THRESHOLDS),
    )


def _thresholds(steps: Steps) -> ThresholdsConfig:
    """Return steps; the first colour also holds below the first."""
    made = [Threshold(None if place == 0 else value, colour) for place, (value, colour) in enumerate(steps)]
    return ThresholdsConfig(ThresholdsMode.ABSOLUTE, made)


def _override(
    say: Say, column: Column, links: Sequence[Link], steps: Steps | None
) -> DashboardFieldConfigSourceOverrides:
    properties: Json = {"displayName": say(f"col.{column.selector}"), "unit": column.unit}
    if column.type == "timestamp":
        properties["unit"] = "dateTimeAsIso"
    if column.decimals is not None:
        properties["decimals"] = column.decimals
    if column.none:
        properties["noValue"] = say(column.none)
    if column.mapped:
        words = {word: ValueMappingResult(text=say(f"value.{word}")) for word in MAPPED}
        properties["mappings"] = [_value_map(words)]
    if steps:
        properties |= {"thresholds": _thresholds(steps), **COLOURED}
    if links:
        properties["links"] = [_data_link(say, link) for link in links]
    return _properties(column.selector, **properties)


def _value_map(words: dict[str, ValueMappingResult]) -> Json:
    return {"type": MappingType.VALUE_TO_TEXT, "options": ValueMap(words).options}


def _properties(field: str, **properties: object) -> DashboardFieldConfigSourceOverrides:
    return DashboardFieldConfigSourceOverrides(
        matcher=MatcherConfig("byName", field),
        properties=[DynamicConfigValue(name, value) for name, value in properties.items()],
    )


def _data_link(say: Say, link: Link) -> DashboardLink:
    values = "&".join(f"var-{name}={value}" for name, value in link.variables.items())
    return DashboardLink(
        title=say(f"{link.dashboard}.open"),
        url=f"/d/{say.uid(link.dashboard)}?{values}&${{__url_time_range}}",
    )


def cell(column: str) -> str:
    """Return what stands for a row's value in a link."""
    return f"${{__data.fields.{column}}}"
