"""Stack: one source's mass, the concentrations beside it, the limits it passed, and the hours a regulation counts."""

from grafana_foundation_sdk.models.dashboard import Dashboard

from grafana import frame
from grafana.boards import columns as c
from grafana.boards.overview import totals
from grafana.panels import (
    COVERAGE,
    KILOGRAMS_PER_HOUR,
    SHARE,
    TONNES,
    TONNES_PER_HOUR,
    Size,
    graph,
    number,
    rows,
    section,
)
from grafana.sources import CHANNELS, FACILITY, KNOWN, PARK, RULES, SOURCE, Answer, Column, InfluxQL, select
from grafana.texts import Say

# Quantities of channels that say what is in a flue gas, as the example names them; a park may have more.
CONCENTRATIONS = '"quantity" =~ /^(co2|co|nox|so2|dust|hcl|hf|nh3|hg|voc|oxygen|moisture)$/'


def make(say: Say) -> Dashboard:
    """Return the dashboard."""
    here = {"park": "$park", "facility": "$facility", "source": "$source"}
    panels = (
        section(say, "section.emissions"),
        number(say, "now", TONNES_PER_HOUR, totals("today", c.NOW, level="source", **here), Size(6, 5)),
        number(say, "range", TONNES, totals("range", c.TONNES_CO2E, level="source", **here), Size(6, 5)),
        number(
            say, "coverage-range", SHARE, totals("range", c.COVERAGE, level="source", **here), Size(6, 5),
            steps=COVERAGE, decimals=1,
        ),
        number(
            say, "substituted-range", SHARE, totals("range", c.SUBSTITUTED, level="source", **here), Size(6, 5), decimals=1
        ),
        section(say, "section.hours"),
        graph(say, "mass", KILOGRAMS_PER_HOUR, [_of_source('sum("co2_kg")', say("col.co2_kg"), every="1h")], Size(12, 9), stacked=True),
        graph(
            say, "shares", SHARE,
            [
                _of_source('mean("coverage")', say("col.coverage"), ref="A"),
                _of_source('mean("substituted")', say("col.substituted"), ref="B"),
            ],
            Size(12, 9), share=True,
        ),
        section(say, "section.limits"),
        graph(say, "concentration", "none", [_concentration()], Size(12, 9)),
        graph(
            say, "limit", "none",
            [_of_rule('mean("value")', say("col.value"), "A"), _of_rule('mean("limit")', say("col.limit"), "B")],
            Size(12, 9),
        ),
        rows(
            say, "regulated",
            Answer(
                "/v1/regulated",
                [
                    c.SOURCE, Column("rule"), *(Column(kind, "number", decimals=0) for kind in HOURS),
                    c.TONNES_CO2E, Column("live_co2e_t", "number", TONNES, 3), Column("difference_t", "number", TONNES, 3),
                ],
                {"period": "month", "park": "$park", "facility": "$facility"},
                root="sources",
            ),
            Size(24, 7),
        ),
    )  # fmt: skip
    return frame.dashboard(
        say,
        "stack",
        panels,
        variables=[
            frame.park(say),
            frame.facility(say),
            frame.source(say),
            frame.channel(say, CONCENTRATIONS),
            frame.rule(say),
        ],
        annotations=[frame.alerts(say, FACILITY)],
    )


HOURS = ("hours", "valid", "substituted", "pending", "unknown", "not_operating")


def _of_source(expression: str, alias: str, *, every: str = "$__interval", ref: str = "A") -> InfluxQL:
    known = () if "coverage" in expression else (KNOWN,)
    return InfluxQL(select(expression, "emission", PARK, FACILITY, SOURCE, *known, every=every), alias, ref)


def _concentration() -> InfluxQL:
    query = select(
        'mean("value")',
        "reading",
        PARK,
        FACILITY,
        CHANNELS,
        '"quality" <= 1',
        by=["channel"],
        every="$__interval",
    )
    return InfluxQL(query, "$tag_channel")


def _of_rule(expression: str, alias: str, ref: str) -> InfluxQL:
    return InfluxQL(
        select(expression, "alert", PARK, RULES, by=["rule"], every="1m"), f"$tag_rule: {alias}", ref
    )
