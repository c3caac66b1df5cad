"""The tables of Circular 38/2023/TT-BCT, annex II, section 1, one set a year, and the results by the classes of its article 16."""

from reports.circular38 import results_table, tables
from reports.facts import Facts
from reports.paper import Heading, Paper, Paragraph, Piece, label
from reports.parts import open_pieces
from reports.spec import FormSpec, Takes

SPEC = FormSpec("circular38", Takes.YEARS)


def fill(facts: Facts) -> Paper:
    """Return the tables of each year."""
    pieces: list[Piece] = [*open_pieces(facts), Paragraph(label("c38.gwp", gwp=facts.gwp))]
    for period in facts.periods:
        pieces += [
            Heading(label("year", year=period.period)),
            *tables(period, empty=True),
            results_table(period),
        ]
    title = label("c38.paper", place=facts.title, periods=", ".join(one.period for one in facts.periods))
    return Paper(SPEC.name, (title,), tuple(pieces))
