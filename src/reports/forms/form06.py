"""Form 06 of annex II of Decree 06/2022, as 119/2025 left it: three parts, eleven items, the title with both years, no table of its own.

Nothing is added to it: no number line, no place and date, no addressee. Tables of Circular 38 fill items III.2 and III.3, one set a year.
"""

from collections.abc import Iterator

from reports import drafts
from reports.circular38 import results_table, tables
from reports.facts import Facts, PeriodFacts
from reports.paper import Heading, Paper, PaperHead, Paragraph, Piece, Tone, label
from reports.parts import classed, lacking, open_pieces, told_or_lacking, tonnes
from reports.spec import FormSpec, Takes

# Item I.1 names the facility, its address and its licence, and neither of the two that may be left out.
SPEC = FormSpec(
    "form06",
    Takes.TWO_YEARS,
    facility=True,
    prescribed=True,
    optional=frozenset({"tax_code", "listed_as"}),
)
ITEMS = {"I": 3, "II": 4, "III": 4}


def fill(facts: Facts) -> Paper:
    """Return the form."""
    filling = {
        "I": [_identity, _representative, _sector],
        "II": [_boundary, _technology, _sources, _data_system],
        "III": [_methods, _activity, _results, _quality],
    }
    pieces: list[Piece] = [*open_pieces(facts)]  # of a draft only: what is issued has nothing open
    for part, items in filling.items():
        pieces.append(Heading(label(f"f06.{part}")))
        for place, item in enumerate(items, 1):
            pieces += [Heading(label(f"f06.{part}.{place}"), 2), *item(facts)]
    first, second = (one.period for one in facts.periods)
    return Paper(
        SPEC.name,
        (label("f06.title"), label("f06.years", first=first, second=second)),
        tuple(pieces),
        head=PaperHead((facts.about.name or facts.title,), (label("state.name"), label("state.motto"))),
        signature=(label("f06.signature"),),
    )


def _identity(facts: Facts) -> Iterator[Piece]:
    about = facts.about
    for name, text in (
        ("name", about.name or facts.title),
        ("address", about.address),
        ("tax_code", about.tax_code),
        ("licence", about.licence),
        ("listed_as", about.listed_as),
    ):
        yield Paragraph(label("said", what=label(f"about.{name}"), text=text)) if text else lacking(name)


def _representative(facts: Facts) -> Iterator[Piece]:
    about = facts.about
    for name in ("representative", "position"):
        text = getattr(about, name)
        yield Paragraph(label("said", what=label(f"about.{name}"), text=text)) if text else lacking(name)


def _sector(facts: Facts) -> Iterator[Piece]:
    yield told_or_lacking(facts.about, "sector")


def _boundary(facts: Facts) -> Iterator[Piece]:
    yield told_or_lacking(facts.about, "boundary")


def _technology(facts: Facts) -> Iterator[Piece]:
    yield told_or_lacking(facts.about, "technology")


def _sources(facts: Facts) -> Iterator[Piece]:
    seen = {one.name: one for period in facts.periods for one in period.sources}
    for name, one in seen.items():
        of_class = classed(one.classes, "circular38") if one.classes else label("unmapped")
        yield Paragraph(
            label(
                "f06.source",
                source=name,
                of_class=of_class,
                method=label("method", name=one.total.method, title=one.method_title),
            )
        )
    about = facts.about
    yield (
        Paragraph(label("said", what=label("about.sinks"), text=about.sinks))
        if about.sinks
        else lacking("sinks")
    )


def _data_system(facts: Facts) -> Iterator[Piece]:
    if facts.about.data_system:
        yield Paragraph(facts.about.data_system)
    if facts.about.limitations:
        yield Paragraph(facts.about.limitations)
    else:
        yield from drafts.data_system(facts)


def _methods(facts: Facts) -> Iterator[Piece]:
    yield from drafts.methods(facts)


def _activity(facts: Facts) -> Iterator[Piece]:
    for period in facts.periods:
        if period.sources:
            yield Paragraph(label("year", year=period.period))
            yield from tables(period, empty=False)


def _results(facts: Facts) -> Iterator[Piece]:
    for period in facts.periods:
        yield _sentence(period)
        if period.sources:
            yield results_table(period)
    yield Paragraph(label("c38.gwp", gwp=facts.gwp), Tone.NOTE)


def _sentence(period: PeriodFacts) -> Paragraph:
    scopes = {one.scope: tonnes(one) for one in period.scopes}
    return Paragraph(
        label(
            "f06.result",
            year=period.period,
            total=tonnes(period.total),
            direct=scopes.get(1),
            indirect=scopes.get(2),
        )
    )


def _quality(facts: Facts) -> Iterator[Piece]:
    if facts.about.quality:
        yield Paragraph(facts.about.quality)
    else:
        yield from drafts.quality(facts)
