"""Form B.4 of Decree 35/2022, article 43(2): its fields of avoided CO2, as far as measures prove them; all others are for a person.

The numbers of the fields are those of a portal's specification, not of the printed form.
"""

from collections.abc import Iterable
from dataclasses import replace

from reports.facts import Facts, PeriodFacts, SavingFact, T
from reports.paper import Cell, Heading, Number, Paper, PaperTable, Paragraph, Piece, Tone, label
from reports.parts import DIGITS, open_pieces, scopes_table, sources_table
from reports.spec import FormSpec, Takes

SPEC = FormSpec("b4", Takes.YEAR, facility=True, savings=True)
CO2_DIGITS = 2  # as the portal asks
FIELDS = ("P3.3", "P3.7", "P3.10")  # of electricity, of fuels, and the sum of both before it is rounded
_COLUMNS = ("measure", "saved", "unit", "avoided_t", "effect")


def fill(facts: Facts) -> Paper:
    """Return the fields that are known, and what they are made of."""
    [period] = facts.periods
    proven = [one for one in period.savings if one.outcome == "shown"]
    electricity = _sum(one for one in proven if one.is_electricity)
    fuels = _sum(one for one in proven if not one.is_electricity)
    values = (electricity, fuels, _whole(electricity, fuels))
    rows: tuple[tuple[Cell, ...], ...] = tuple(
        (field, label(f"b4.{field}"), _number(facts, period, value, T, CO2_DIGITS))
        for field, value in zip(FIELDS, values, strict=True)
    )
    measures = tuple(
        (
            one.name,
            _number(facts, period, one.energy, one.unit, DIGITS),
            one.unit,
            _number(facts, period, one.t, T, DIGITS),
            label(f"b4.{one.outcome}"),
        )
        for one in period.savings
    )
    pieces: list[Piece] = [
        *open_pieces(facts),
        Heading(label("b4.fields")),
        PaperTable(
            label("b4.recp"), tuple(label(f"column.{n}") for n in ("field", "what", "avoided_t")), rows
        ),
        Paragraph(label("b4.note"), Tone.NOTE),
        Heading(label("b4.measures")),
        PaperTable(label("b4.measures"), tuple(label(f"column.{n}") for n in _COLUMNS), measures),
        Heading(label("ghg.results")),
        scopes_table(facts, label("table.scopes")),
        sources_table(facts, label("table.sources"), "sheet.sources"),
    ]
    return Paper(SPEC.name, (label("b4.title", place=facts.title, year=period.period),), tuple(pieces))


def _sum(savings: Iterable[SavingFact]) -> float | None:
    """Return the tonnes that are known; None where none are."""
    known = [one.t for one in savings if one.t is not None]
    return sum(known) if known else None


def _whole(*parts: float | None) -> float | None:
    known = [one for one in parts if one is not None]
    return sum(known) if known else None


def _number(facts: Facts, period: PeriodFacts, value: float | None, unit: str, digits: int) -> Number:
    """Return a number that follows from the measures of the year."""
    park, _, facility = facts.place.partition("/")
    address = f"/v1/measures?park={park}&facility={facility}&year={period.period}"
    origin = replace(period.total.origin(made_of="measures"), address=address, command="", coverage=None)
    return Number(value, unit, digits, origin)
