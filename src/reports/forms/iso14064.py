"""A report and statement by ISO 14064-1:2018, clause 9.3: categories 1 to 6, direct emissions by gas, biogenic apart, base year, uncertainty."""

from collections.abc import Iterator

from reports import drafts
from reports.base_year import base_pieces
from reports.facts import Facts, PeriodFacts
from reports.paper import Cell, Heading, Paper, PaperTable, Paragraph, Piece, Tone, label
from reports.parts import (
    DIGITS,
    classes_table,
    factors_table,
    gas,
    months_table,
    open_pieces,
    sources_table,
    sum_of,
    told_or_lacking,
    tonnes,
)
from reports.spec import FormSpec, Takes

# Clause 9.3.1 asks for removals where they are quantified, and does not ask who reads the report.
SPEC = FormSpec("iso14064", Takes.YEAR, optional=frozenset({"sinks", "intended_users"}))
CATEGORIES = ("1", "2", "3", "4", "5", "6")


def fill(facts: Facts) -> Paper:
    """Return the report, with the statement before it."""
    [period] = facts.periods
    pieces: list[Piece] = [
        *open_pieces(facts),
        Heading(label("iso.statement")),
        *_statement(facts, period),
        Heading(label("iso.organisation")),
        *(
            told_or_lacking(facts.about, name)
            for name in ("responsible", "intended_users", "boundary", "consolidation")
        ),
        Heading(label("iso.exclusions")),
        told_or_lacking(facts.about, "exclusions"),
        told_or_lacking(facts.about, "sinks"),
        Heading(label("iso.results")),
        _categories(period),
        _direct(period),
        Paragraph(label("iso.biogenic", kg=gas(period.total, "co2_biogenic_kg"))),
        Heading(label("iso.base")),
        *base_pieces(facts),
        Heading(label("iso.methods")),
        *drafts.methods(facts),
        Heading(label("iso.uncertainty")),
        *drafts.quality(facts),
        Heading(label("iso.data")),
        *drafts.data_system(facts),
        sources_table(facts, label("table.sources"), "sheet.sources"),
        classes_table(facts, label("table.classes"), "sheet.classes"),
        factors_table(facts, label("table.factors"), "sheet.factors"),
        months_table(facts, label("table.months"), "sheet.months"),
    ]
    return Paper(SPEC.name, (label("iso.title", place=facts.title, year=period.period),), tuple(pieces))


def _statement(facts: Facts, period: PeriodFacts) -> Iterator[Piece]:
    yield Paragraph(
        label(
            "iso.states",
            name=facts.about.name or facts.title,
            year=period.period,
            total=tonnes(period.total),
            gwp=facts.gwp,
        )
    )
    yield Paragraph(label("iso.prepared"), Tone.DRAFTED)
    yield Paragraph(label("iso.verification"))


def _categories(period: PeriodFacts) -> PaperTable:
    rows: list[tuple[Cell, ...]] = []
    for category in CATEGORIES:
        found = [one for one in period.sources if one.classes and one.classes.iso == category]
        own = tuple(one.total for one in found if not one.sold_by)
        told: Cell = sum_of(own, "co2e_t", period, "tCO2e", DIGITS) if own else label("iso.not_quantified")
        unsure = any(one.classes and "iso" in one.classes.unsure for one in found)
        name: Cell = label(f"class.iso.{category}")
        rows.append((label("class.unsure", name=name) if unsure else name, str(len(found)), told))
    return PaperTable(
        label("iso.categories"),
        tuple(label(f"column.{n}") for n in ("iso", "sources", "co2e_t")),
        tuple(rows),
    )


def _direct(period: PeriodFacts) -> PaperTable:
    """Return direct emissions by gas, as the total of scope 1 has them."""
    columns = tuple(
        label(f"column.{name}")
        for name in ("scope", "co2_kg", "ch4_kg", "n2o_kg", "co2_biogenic_kg", "co2e_t")
    )
    rows: tuple[tuple[Cell, ...], ...] = tuple(
        (
            label("scope.1"),
            *(gas(one, name) for name in ("co2_kg", "ch4_kg", "n2o_kg", "co2_biogenic_kg")),
            tonnes(one),
        )
        for one in period.scopes
        if one.scope == 1
    )
    return PaperTable(label("iso.direct"), columns, rows)
