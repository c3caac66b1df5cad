"""Form B.4 of Decree 35/2022, article 43(2): what measures prove and exchanges tell; what nobody here knows is named, for a person to fill.

The numbers of the fields are those of a portal's specification, not of the printed form.
"""

from collections.abc import Iterable, Sequence
from dataclasses import replace

from reports.facts import Facts, PeriodFacts, SavingFact, T
from reports.paper import Cell, Heading, Number, Paper, PaperTable, Paragraph, Piece, Tone, label
from reports.parts import DIGITS, open_pieces, scopes_table, sources_table
from reports.spec import FormSpec, Takes

SPEC = FormSpec("b4", Takes.YEAR, facility=True, savings=True)
CO2_DIGITS = 2  # as the portal asks
FIELDS = ("P3.3", "P3.7", "P3.10")  # of electricity, of fuels, and the sum of both before it is rounded
_LINK_COLUMNS = ("what", "link_type", "direction", "partner", "amount", "unit")
MILLION = 1e6
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
        Heading(label("b4.others")),
        PaperTable(
            label("b4.others"),
            tuple(label(f"column.{n}") for n in ("what", "amount", "unit")),
            _others(facts, period, proven),
        ),
        Paragraph(label("b4.gaps"), Tone.NOTE),
        Heading(label("b4.links")),
        PaperTable(
            label("b4.links"), tuple(label(f"column.{n}") for n in _LINK_COLUMNS), _links(facts, period)
        ),
        Heading(label("b4.measures")),
        PaperTable(label("b4.measures"), tuple(label(f"column.{n}") for n in _COLUMNS), measures),
        Heading(label("ghg.results")),
        scopes_table(facts, label("table.scopes")),
        sources_table(facts, label("table.sources"), "sheet.sources"),
    ]
    return Paper(SPEC.name, (label("b4.title", place=facts.title, year=period.period),), tuple(pieces))


def _others(facts: Facts, period: PeriodFacts, proven: Sequence[SavingFact]) -> tuple[tuple[Cell, ...], ...]:
    """Return the other fields that follow from measures, and how many links and partners there are."""
    kwh = _whole(*(one.kwh for one in proven if one.is_electricity))
    costs = [one.cost for one in proven if one.cost is not None and one.currency == "VND"]
    cost = sum(costs) / MILLION if costs else None
    links = period.exchanges
    told = (("saved_kwh", kwh, "kWh", DIGITS), ("saved_cost", cost, "mVND", DIGITS))
    fuels = tuple(
        (
            label("b4.saved_fuel", name=one.name),
            _number(facts, period, one.energy, one.unit, DIGITS),
            one.unit,
        )
        for one in proven
        if not one.is_electricity
    )
    counts = (("link_count", len(links)), ("partners", len({one.partner for one in links})))
    return (
        *(
            (label(f"b4.{key}"), _number(facts, period, value, unit, digits), unit)
            for key, value, unit, digits in told
        ),
        *fuels,
        *(
            (label(f"b4.{key}"), _exchanged(facts, period, float(count), "", "", 0), "")
            for key, count in counts
        ),
    )


def _links(facts: Facts, period: PeriodFacts) -> tuple[tuple[Cell, ...], ...]:
    """Return the facility's own side of each exchange."""
    return tuple(
        (
            one.title,
            label(f"b4.type.{one.type}"),
            label("b4.sent" if one.is_sent else "b4.received"),
            one.partner,
            _exchanged(facts, period, one.amount, one.unit, one.name),
            one.unit,
        )
        for one in period.exchanges
    )


def _exchanged(
    facts: Facts, period: PeriodFacts, value: float | None, unit: str, name: str, digits: int = DIGITS
) -> Number:
    """Return a number that follows from exchanges of the year, of one by its name or of all."""
    park, _, exchange = (name or facts.place).partition("/")
    address = f"/v1/exchanges?park={park}&period={period.period}" + (f"&name={exchange}" if name else "")
    origin = replace(period.total.origin(made_of="exchanges"), address=address, command="", coverage=None)
    return Number(value, unit, digits, origin)


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
