"""The operator's report of a month: tonnes by scope, facility and source, how they are known, and how the month stands."""

from reports import drafts
from reports.facts import Facts
from reports.paper import Heading, Paper, PaperTable, Paragraph, Piece, label
from reports.parts import (
    coverage,
    months_table,
    open_pieces,
    scopes_table,
    sources_table,
    tonnes,
    totals_table,
)
from reports.spec import FormSpec, Takes

SPEC = FormSpec("monthly", Takes.MONTH)
_COLUMNS = ("facility", "co2e_t", "coverage")


def fill(facts: Facts) -> Paper:
    """Return the report."""
    [period] = facts.periods
    pieces: list[Piece] = [
        *open_pieces(facts),
        Paragraph(
            label(
                "monthly.total",
                month=period.period,
                total=tonnes(period.total),
                coverage=coverage(period.total),
            )
        ),
        Heading(label("monthly.numbers")),
        totals_table(facts, label("table.totals")),
        scopes_table(facts, label("table.scopes")),
    ]
    if len(period.facilities) > 1:
        rows = tuple((one.place, tonnes(one), coverage(one)) for one in period.facilities)
        pieces.append(
            PaperTable(label("table.facilities"), tuple(label(f"column.{name}") for name in _COLUMNS), rows)
        )
    pieces += [
        sources_table(facts, label("table.sources"), "sheet.sources"),
        Heading(label("monthly.known")),
        *drafts.data_system(facts),
        *drafts.quality(facts),
        Heading(label("monthly.standing")),
        months_table(facts, label("table.months")),
    ]
    return Paper(SPEC.name, (label("monthly.title", place=facts.title, month=period.period),), tuple(pieces))
