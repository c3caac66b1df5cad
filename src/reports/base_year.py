"""The base year of an inventory, how it compares, and when it is recalculated."""

from collections.abc import Iterator

from reports.facts import Facts
from reports.paper import Number, PaperTable, Paragraph, Piece, label
from reports.parts import lacking, tonnes

THRESHOLD = 0.05  # of the base year's tonnes, common with the GHG Protocol (Corporate Standard, chapter 5); the policy says it


def base_pieces(facts: Facts) -> Iterator[Piece]:
    """Yield the base year, its tonnes beside the year's, and the policy."""
    about, [period] = facts.about, facts.periods
    if about.base_year is None:
        yield lacking("base_year")
    else:
        yield Paragraph(label("base.year", year=str(about.base_year), reason=about.base_year_reason))
        if facts.base is None:
            yield Paragraph(label("base.unknown", year=str(about.base_year)))
        else:
            rows = ((str(about.base_year), tonnes(facts.base)), (period.period, tonnes(period.total)))
            yield PaperTable(label("base.table"), (label("column.period"), label("column.co2e_t")), rows)
            if facts.base.co2e_t and period.total.co2e_t is not None:
                change = (period.total.co2e_t / facts.base.co2e_t - 1) * 100
                made = f"co2e_t over that of {about.base_year}, less 1"
                yield Paragraph(label("base.change", change=period.total.made(change, "%", 1, made)))
    yield Paragraph(label("base.policy", threshold=Number(THRESHOLD * 100, "%", 0)))
