"""The auditor's workbook: every number of a cut, one sheet a subject, each with where it comes from on the last."""

from reports.facts import Facts
from reports.paper import Heading, Paper, Paragraph, Tone, label
from reports.parts import (
    classes_table,
    factors_table,
    months_table,
    open_pieces,
    parameters_table,
    scopes_table,
    sources_table,
    totals_table,
)
from reports.spec import FormSpec, Takes

SPEC = FormSpec("auditor", Takes.YEARS_OR_MONTH)


def fill(facts: Facts) -> Paper:
    """Return the workbook as a paper."""
    return Paper(
        SPEC.name,
        (label("auditor.title", place=facts.title, periods=", ".join(one.period for one in facts.periods)),),
        (
            *open_pieces(facts),
            Heading(label("auditor.totals")),
            totals_table(facts, label("table.totals")),
            scopes_table(facts, label("table.scopes")),
            Paragraph(label("note.sums"), Tone.NOTE),
            sources_table(facts, label("table.sources"), "sheet.sources"),
            months_table(facts, label("table.months"), "sheet.months"),
            factors_table(facts, label("table.factors"), "sheet.factors"),
            parameters_table(facts, label("table.parameters"), "sheet.parameters"),
            classes_table(facts, label("table.classes"), "sheet.classes"),
        ),
    )
