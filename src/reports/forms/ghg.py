"""An inventory by the GHG Protocol's Corporate Standard: scopes, both figures of scope 2, the base year and its recalculation policy."""

from collections.abc import Iterator

from reports import drafts
from reports.base_year import base_pieces
from reports.facts import Facts, PeriodFacts, SourceFact
from reports.paper import Cell, Heading, Paper, PaperTable, Paragraph, Piece, Tone, label
from reports.parts import (
    DIGITS,
    classed,
    coverage,
    gas,
    open_pieces,
    scopes_table,
    sources_table,
    sum_of,
    told_or_lacking,
    tonnes,
)
from reports.spec import FormSpec, Takes

SPEC = FormSpec("ghg", Takes.YEAR)


def fill(facts: Facts) -> Paper:
    """Return the inventory."""
    [period] = facts.periods
    pieces: list[Piece] = [
        *open_pieces(facts),
        Heading(label("ghg.boundary")),
        told_or_lacking(facts.about, "boundary"),
        told_or_lacking(facts.about, "consolidation"),
        told_or_lacking(facts.about, "exclusions"),
        Heading(label("ghg.results")),
        scopes_table(facts, label("table.scopes")),
        *_scope2(period),
        _by_class(period),
        Paragraph(label("ghg.biogenic", kg=gas(period.total, "co2_biogenic_kg"))),
        Heading(label("ghg.base")),
        *base_pieces(facts),
        Heading(label("ghg.methods")),
        *drafts.methods(facts),
        Heading(label("ghg.quality")),
        *drafts.quality(facts),
        *drafts.data_system(facts),
        sources_table(facts, label("table.sources"), "sheet.sources"),
    ]
    return Paper(SPEC.name, (label("ghg.title", place=facts.title, year=period.period),), tuple(pieces))


def _scope2(period: PeriodFacts) -> Iterator[Piece]:
    total = period.total
    columns = tuple(label(f"column.{name}") for name in ("location_t", "market_t", "matched_mwh", "coverage"))
    row = (
        tonnes(total, "location_t"),
        tonnes(total, "market_t"),
        total.number("matched_mwh", "MWh", DIGITS),
        coverage(total),
    )
    yield PaperTable(label("ghg.scope2"), columns, (row,))
    yield Paragraph(label("ghg.scope2.note"), Tone.NOTE)


def _by_class(period: PeriodFacts) -> PaperTable:
    """Return the tonnes of each scope, and category of scope 3; of each source sold inside, the seller's hold them."""
    groups: dict[str, list[SourceFact]] = {}
    for one in period.sources:
        groups.setdefault(one.classes.ghg if one.classes else "", []).append(one)
    rows: list[tuple[Cell, ...]] = []
    for key, sources in sorted(groups.items()):
        name = classed(sources[0].classes, "ghg") if key and sources[0].classes else label("unmapped")
        sold = tuple(one.total for one in sources if not one.sold_by)
        rows.append((name, str(len(sources)), sum_of(sold, "co2e_t", period, "tCO2e", DIGITS)))
    columns = tuple(label(f"column.{name}") for name in ("ghg", "sources", "co2e_t"))
    return PaperTable(label("ghg.classes"), columns, tuple(rows))
