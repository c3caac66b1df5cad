"""Parts that several forms share: totals, sources, months, what is lacking."""

from collections.abc import Iterator, Sequence

from plant.configuration.about import AboutTexts
from reports.facts import KG, ClassFact, Facts, MonthFact, PeriodFacts, SourceFact, T, TotalFact
from reports.paper import Cell, Label, Number, PaperTable, Paragraph, Tone, label

DIGITS = 3  # of tonnes and of amounts
_ABOUT = "about."  # before the keys of texts that name what people give
SHARES = ("measured", "interpolated", "substituted", "missing")


def tonnes(total: TotalFact, name: str = "co2e_t") -> Number:
    """Return a field of a total in tonnes of CO2e."""
    return total.number(name, T, DIGITS)


def gas(total: TotalFact, name: str) -> Number:
    """Return the mass of a gas."""
    return total.number(name, KG, DIGITS)


def share(value: float | None, origin_of: TotalFact, name: str) -> Number:
    """Return a share as per cent."""
    return Number(None if value is None else value * 100, "%", 1, origin_of.origin(name, 100.0))


def coverage(total: TotalFact) -> Number:
    """Return the coverage as per cent."""
    return share(total.coverage, total, "coverage")


def totals_table(facts: Facts, title: Cell, sheet: str = "") -> PaperTable:
    """Return one row a period: tonnes, gases, coverage, uncertainty."""
    columns = (
        "period",
        "co2e_t",
        "co2_kg",
        "co2_biogenic_kg",
        "ch4_kg",
        "n2o_kg",
        "coverage",
        "uncertainty",
        "uncertain_share",
    )
    rows: tuple[tuple[Cell, ...], ...] = tuple(
        (
            one.period,
            tonnes(one.total),
            *(gas(one.total, name) for name in columns[2:6]),
            coverage(one.total),
            share(one.total.uncertainty, one.total, "uncertainty.share"),
            share(one.total.uncertain_share, one.total, "uncertainty.covered_share"),
        )
        for one in facts.periods
    )
    return PaperTable(title, _columns(columns), rows, sheet)


def scopes_table(facts: Facts, title: Cell, sheet: str = "") -> PaperTable:
    """Return one row for each period and scope."""
    columns = (
        "period",
        "scope",
        "co2e_t",
        "co2_kg",
        "co2_biogenic_kg",
        "ch4_kg",
        "n2o_kg",
        "market_t",
        "coverage",
    )
    rows: tuple[tuple[Cell, ...], ...] = tuple(
        (
            one.period,
            label(f"scope.{total.scope}"),
            tonnes(total),
            *(gas(total, name) for name in columns[3:7]),
            tonnes(total, "market_t") if total.market_t is not None else "",
            coverage(total),
        )
        for one in facts.periods
        for total in one.scopes
    )
    return PaperTable(title, _columns(columns), rows, sheet)


def sources_table(facts: Facts, title: Cell, sheet: str = "") -> PaperTable:
    """Return one row for each period and source, with what it rests on."""
    columns = (
        "source", "period", "facility", "scope", "class", "method", "factors", "activity", "unit", "co2e_t", "co2_kg",
        "co2_biogenic_kg", "ch4_kg", "n2o_kg", "market_t", "coverage", *SHARES, "uncertainty", "provisional_t", "revision",
    )  # fmt: skip
    rows = tuple(_source_row(one, period.period) for period in facts.periods for one in period.sources)
    return PaperTable(title, _columns(columns), rows, sheet)


def _source_row(one: SourceFact, period: str) -> tuple[Cell, ...]:
    total = one.total
    return (
        one.name,
        period,
        one.facility,
        label(f"scope.{total.scope}"),
        classed(one.classes, "circular38") if one.classes else label("unmapped"),
        total.method,
        ", ".join(row.row for row in total.factors),
        total.number("activity", total.activity_unit, DIGITS),
        total.activity_unit,
        tonnes(total),
        *(gas(total, name) for name in ("co2_kg", "co2_biogenic_kg", "ch4_kg", "n2o_kg")),
        tonnes(total, "market_t") if total.market_t is not None else "",
        coverage(total),
        *(share(total.shares.get(name), total, f"shares.{name}") for name in SHARES),
        share(total.uncertainty, total, "uncertainty.share"),
        tonnes(total, "provisional_t"),
        Number(float(total.revision), "", 0, total.origin("revision")),
    )


def months_table(facts: Facts, title: Cell, sheet: str = "") -> PaperTable:
    """Return one row a month: how it stands, tonnes, coverage, who closed it."""
    columns = ("month", "status", "co2e_t", "coverage", "revision", "waiting_t", "closed_by", "despite")
    rows = tuple(_month_row(month) for period in facts.periods for month in period.months)
    return PaperTable(title, _columns(columns), rows, sheet)


def _month_row(month: MonthFact) -> tuple[Cell, ...]:
    total = month.total
    return (
        month.month,
        label(f"status.{month.status}"),
        tonnes(total),
        coverage(total),
        Number(float(total.revision), "", 0, total.origin("revision")),
        "" if month.waiting_t is None else Number(month.waiting_t, T, DIGITS),
        month.closed_by,
        month.despite,
    )


def factors_table(facts: Facts, title: Cell, sheet: str = "") -> PaperTable:
    """Return the dated rows of factors that tonnes rest on, with their values and where these stand."""
    columns = ("factor_row", "value_name", "value", "unit", "factor_status", "mark", "stands_in")
    seen = {row.row: row for period in facts.periods for one in period.sources for row in one.total.factors}
    rows = tuple(
        (row.row, name, Number(value, unit, 6), unit, label(f"factor.{row.status}"), row.mark, row.source)
        for _, row in sorted(seen.items())
        for name, (value, unit) in row.values.items()
    )
    return PaperTable(title, _columns(columns), rows, sheet)


def parameters_table(facts: Facts, title: Cell, sheet: str = "") -> PaperTable:
    """Return the numbers that sources gave their methods."""
    rows = tuple(
        (one.name, period.period, parameter.name, Number(parameter.value, parameter.unit, 6), parameter.unit)
        for period in facts.periods
        for one in period.sources
        for parameter in one.total.parameters
    )
    return PaperTable(title, _columns(("source", "period", "parameter", "value", "unit")), rows, sheet)


def classes_table(facts: Facts, title: Cell, sheet: str = "") -> PaperTable:
    """Return where each scheme puts each source; what is unsure says so."""
    seen = {one.name: one.classes for period in facts.periods for one in period.sources}
    rows = tuple(
        (
            name,
            *(
                classed(found, scheme) if found else label("unmapped")
                for scheme in ("ghg", "iso", "circular38", "ipcc")
            ),
            found.mark if found else "",
        )
        for name, found in seen.items()
    )
    return PaperTable(title, _columns(("source", "ghg", "iso", "circular38", "ipcc", "mark")), rows, sheet)


def classed(found: ClassFact, scheme: str) -> Cell:
    """Return the class of a scheme, marked where that is unsure."""
    code = getattr(found, scheme)
    if not code:
        return label("class.none")
    text: Cell = code if scheme == "ipcc" else label(f"class.{scheme}.{code}")
    return label("class.unsure", name=text) if scheme in found.unsure else text


def open_table(facts: Facts, title: Cell, sheet: str = "") -> PaperTable:
    """Return what keeps the paper from being issued; months that lack the same stand in one row."""
    groups: dict[tuple[str, tuple[str, ...]], list[str]] = {}
    for one in facts.open:
        groups.setdefault((one.what, one.why), []).append(one.about)
    rows = tuple(
        (label(f"open.{what}"), ", ".join(abouts), reason)
        for (what, why), abouts in groups.items()
        for reason in (label(f"why.{one}") for one in why)
    )
    return PaperTable(title, _columns(("what", "about", "detail")), rows, sheet)


def open_pieces(facts: Facts) -> Iterator[PaperTable]:
    """Yield the list of what is open, nothing where nothing is."""
    if facts.open:
        yield open_table(facts, label("open.title"))


def told_or_lacking(about: AboutTexts, name: str) -> Paragraph:
    """Return what a person gave, or that nobody has."""
    text = getattr(about, name)
    return Paragraph(text) if text else lacking(name)


def lacking(name: str) -> Paragraph:
    """Return that nobody has given what only a person can."""
    return Paragraph(label("lacking", what=label(f"{_ABOUT}{name}")), Tone.LACKING)


def lacking_key(paragraph: Paragraph) -> str:
    """Return the key of about.yaml that a paragraph of `lacking` asks for."""
    match paragraph.text:
        case Label("lacking", (("what", Label(key)),)):
            return key.removeprefix(_ABOUT)
        case _:
            raise ValueError(f"no paragraph of lacking: {paragraph.text}")


def sum_of(
    totals: Sequence[TotalFact], name: str, period: PeriodFacts, unit: str, digits: int, scale: float = 1.0
) -> Number:
    """Return the sum of what is known of some totals, which the API gives one by one."""
    known = [value for one in totals if (value := getattr(one, name)) is not None]
    made = f"sum of {name} of {', '.join(one.place for one in totals)}" + (
        f" times {scale:g}" if scale != 1 else ""
    )
    value = sum(known) * scale if known else None
    return period.total.made(value, unit, digits, made)


def _columns(names: Sequence[str]) -> tuple[Cell, ...]:
    return tuple(label(f"column.{name}") for name in names)
