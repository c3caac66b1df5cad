"""The seven tables of annex II, section 1, of Circular 38/2023/TT-BCT, for one year each; their columns are the circular's.

Printed errors of the circular are not repeated: what a table asks in another unit than its formula needs is given in both.
"""

from collections.abc import Callable, Iterator, Sequence

from plant.units import conversion, unit
from reports.facts import OwnPowerFact, PeriodFacts, SourceFact
from reports.paper import Cell, Number, PaperTable, Paragraph, Tone, label
from reports.parts import DIGITS, coverage

TABLES = ("1.1", "1.2", "2.1", "2.2", "3", "4.1", "4.2")
COLUMNS = {"1.1": 6, "1.2": 6, "2.1": 3, "2.2": 9, "3": 4, "4.1": 4, "4.2": 6}
_EMPTY: Cell = None
_TJ = "TJ"
_PER_TJ = {"GJ": 1e3, "MJ": 1e6}
KG_PER_T = 1e3
HEAT_DIGITS = 6
KM_DIGITS, GIVEN_DIGITS = 0, 2
# Units that the circular names, and what the amounts of methods are given in there.
_WANTED = {"kg": "t", "Nm3": "Nm3", "m3": "m3", "L": "L", "GJ": "TJ"}


def tables(period: PeriodFacts, *, empty: bool) -> Iterator[PaperTable | Paragraph]:
    """Yield the tables of a year; those without a source where `empty` ones are wanted, and it is said that they are."""
    for number in TABLES:
        rows = tuple(_numbered(_ROWS[number](period)))
        if not rows and not empty:
            continue
        columns = tuple(label(f"c38.{number}.{place}") for place in range(1, COLUMNS[number] + 1))
        yield PaperTable(
            label("c38.title", number=number, name=label(f"c38.{number}.name"), period=period.period),
            columns,
            rows,
        )
        if not rows:
            yield Paragraph(label("c38.none"), Tone.NOTE)
    yield from _notes(period)
    yield from _waste(period)


def _waste(period: PeriodFacts) -> Iterator[PaperTable]:
    """Yield the amounts of waste by stream and treatment, which the circular has no table for; nothing where there is none."""
    found = [
        one
        for one in period.sources
        if one.classes and (one.classes.circular38 == "1e" or one.classes.ghg == "scope3.5")
    ]
    if found:
        columns = ("no", "stream", "treatment", "activity", "unit", "co2e_t", "source")
        yield PaperTable(
            label("c38.waste", period=period.period),
            tuple(label(f"column.{name}") for name in columns),
            tuple((str(place), *_waste_row(one)) for place, one in enumerate(found, 1)),
        )


def _waste_row(one: SourceFact) -> tuple[Cell, ...]:
    method = label("method", name=one.total.method, title=one.method_title)
    taken = amount(one)
    return (
        one.told.stream or _EMPTY,
        label("c38.treatment", treatment=one.told.treatment, method=method) if one.told.treatment else method,
        taken,
        taken.unit,
        one.total.number("co2e_t", "tCO2e", DIGITS),
        one.name,
    )


def _numbered(rows: Iterator[tuple[Cell, ...]]) -> Iterator[tuple[Cell, ...]]:
    for place, row in enumerate(rows, 1):
        yield (str(place), *row)


def of_class(period: PeriodFacts, *codes: str) -> list[SourceFact]:
    """Return the sources of some classes of article 16."""
    return [one for one in period.sources if one.classes is not None and one.classes.circular38 in codes]


def amount(one: SourceFact, wanted: str | None = None) -> Number:
    """Return a source's amount in the unit of the table."""
    given = one.total.activity_unit
    symbol = wanted or _WANTED.get(given, given)
    scale = conversion(unit(given), unit(symbol))[0] if symbol != given else 1.0
    return one.total.number("activity", symbol, DIGITS, scale=scale)


def heat_per_unit(one: SourceFact, symbol: str) -> tuple[float | None, str]:
    """Return the TJ in a unit [t, Nm3, L, TJ] of a source's fuel, and how that was made; None where it has not one value."""
    known = {p.name: p.value for p in one.total.parameters if p.value is not None}
    units = {p.name: p.unit for p in one.total.parameters}
    of_factor = {row.values["ncv"][0] for row in one.total.factors if "ncv" in row.values}
    if len(units) != len(one.total.parameters) or len(of_factor) > 1:
        return None, ""  # it changed inside the period
    heat = next(iter(of_factor), None)  # GJ/t
    ways: list[tuple[bool, Callable[[], float], str]] = [
        (symbol == _TJ, lambda: known.get("net_share", 100.0) / 100.0, "net_share"),
        ("ncv" in known, lambda: known["ncv"] / _PER_TJ[units["ncv"][:2]], "ncv"),
        (symbol == "t" and heat is not None, lambda: (heat or 0.0) / _PER_TJ["GJ"], "ncv of the factor"),
        (
            symbol == "L" and heat is not None and "density" in known,
            lambda: (heat or 0.0) / _PER_TJ["GJ"] * known["density"] / KG_PER_T,
            "ncv of the factor times density",
        ),
        (
            {"gcv", "net_share"} <= known.keys(),
            lambda: known["gcv"] / _PER_TJ["MJ"] * known["net_share"] / 100.0,
            "gcv times net_share",
        ),
    ]
    return next(((value(), said) for fits, value, said in ways if fits), (None, ""))


def _fuel(one: SourceFact) -> Cell:
    return label("c38.fuel", fuel=one.factor or label("c38.no_fuel"), source=one.name)


def _fuels(period: PeriodFacts) -> Iterator[tuple[Cell, ...]]:
    for one in of_class(period, "1a"):
        taken = amount(one)
        per_unit, made_of = heat_per_unit(one, taken.unit)
        heat = None if taken.value is None or per_unit is None else taken.value * per_unit
        said = f"activity [{taken.unit}] times {made_of}"
        yield (
            _fuel(one),
            taken,
            label(f"unit.{taken.unit}") if f"unit.{taken.unit}" in _SPELLED else taken.unit,
            one.total.made(per_unit, f"TJ/{taken.unit}", HEAT_DIGITS, made_of)
            if per_unit is not None
            else _EMPTY,
            one.total.made(heat, _TJ, HEAT_DIGITS, said) if heat is not None else _EMPTY,
        )


_SPELLED = {"unit.t", "unit.L", "unit.Nm3", "unit.m3"}


def _vehicles(period: PeriodFacts) -> Iterator[tuple[Cell, ...]]:
    for one in of_class(period, "1b"):
        taken = amount(one)
        told: Cell = taken if taken.unit == "L" else label("c38.other_unit", amount=taken)
        driven = one.told.distance_km.get(period.period[:4])
        yield (
            one.told.vehicle or _EMPTY,
            f"{one.told.details} ({one.name})" if one.told.details else one.name,
            one.factor,
            told,
            _EMPTY if driven is None else Number(driven, "km", KM_DIGITS),
        )


def _refrigerants(period: PeriodFacts) -> Iterator[tuple[Cell, ...]]:
    for one in of_class(period, "1đ"):
        substance = f"{one.told.substance} ({one.name})" if one.told.substance else one.name
        yield substance, one.total.number("activity", one.total.activity_unit, DIGITS)


def _equipment(period: PeriodFacts) -> Iterator[tuple[Cell, ...]]:
    for one in of_class(period, "1đ"):
        for piece in one.told.equipment:
            yield (
                piece.details,
                piece.place or _EMPTY,
                piece.since or _EMPTY,
                one.told.substance or _EMPTY,
                _given(piece.capacity_btu_h, "BTU/h"),
                _given(piece.charge_kg, "kg"),
                _given(piece.last_charge_kg, "kg"),
                piece.last_charged or _EMPTY,
            )
        if not one.told.equipment:
            yield one.name, _EMPTY, _EMPTY, one.told.substance or _EMPTY, *[_EMPTY] * 4


def _given(value: float | None, symbol: str) -> Cell:
    return _EMPTY if value is None else Number(value, symbol, GIVEN_DIGITS)


def _minerals(period: PeriodFacts) -> Iterator[tuple[Cell, ...]]:
    for one in of_class(period, "1d"):
        yield one.category, amount(one), one.name


def _electricity(period: PeriodFacts) -> Iterator[tuple[Cell, ...]]:
    for one in of_class(period, "2a"):
        kind = "direct" if one.total.method == "electricity-direct" else "grid"
        yield amount(one, "MWh"), label(f"c38.power.{kind}"), one.told.note or one.name
    for own in period.own_power:
        if own.hours:
            yield own.number(DIGITS), label("c38.power.own"), _hours_known(own)


def _hours_known(own: OwnPowerFact) -> Cell:
    if own.known_hours == own.hours:
        return own.facility
    known, hours = Number(own.known_hours, "", 0), Number(own.hours, "", 0)
    return label("c38.own_known", facility=own.facility, known=known, hours=hours)


def _steam(period: PeriodFacts) -> Iterator[tuple[Cell, ...]]:
    hours = _hours(period)
    for one in of_class(period, "2b"):
        own = {p.name: p for p in one.total.parameters}
        enthalpy = own.get("enthalpy")
        is_mass = one.total.activity_unit == "kg"
        total = amount(one, "t") if is_mass else _EMPTY
        per_hour: Cell = _EMPTY
        if isinstance(total, Number) and total.value is not None and hours:
            per_hour = one.total.made(
                total.value / hours, "t/h", DIGITS, f"activity [t] over {hours:g} h of the period"
            )
        yield (
            one.told.pressure or _EMPTY,
            _given(one.told.temperature_c, "°C"),
            per_hour,
            Number(enthalpy.value, enthalpy.unit, 1) if enthalpy else _EMPTY,
            one.factor,
        )


def _hours(period: PeriodFacts) -> float:
    year = int(period.period[:4])
    return (366 if year % 4 == 0 and (year % 100 != 0 or year % 400 == 0) else 365) * 24.0


def _notes(period: PeriodFacts) -> Iterator[Paragraph]:
    for place, one in enumerate(of_class(period, "2b"), 1):
        wanted = "t" if one.total.activity_unit == "kg" else None
        yield Paragraph(
            label("c38.note.steam", no=str(place), source=one.name, total=amount(one, wanted)), Tone.NOTE
        )
    for code in ("1c", "1e"):
        found = of_class(period, code)
        if found:
            told = ", ".join(one.name for one in found)
            yield Paragraph(
                label("c38.note.no_table", name=label(f"class.circular38.{code}"), sources=told), Tone.NOTE
            )
    unknown = ", ".join(one.facility for one in period.own_power if not one.hours)
    if unknown:
        yield Paragraph(label("c38.note.own_unknown", facilities=unknown), Tone.NOTE)
    unsure = [one.name for one in period.sources if one.classes and "circular38" in one.classes.unsure]
    if unsure:
        yield Paragraph(label("c38.note.unsure", sources=", ".join(unsure)), Tone.NOTE)
    unmapped = [one.name for one in period.sources if one.classes is None]
    if unmapped:
        yield Paragraph(label("c38.note.unmapped", sources=", ".join(unmapped)), Tone.NOTE)
    others = [one.name for one in period.sources if one.classes and not one.classes.circular38]
    if others:
        yield Paragraph(label("c38.note.outside", sources=", ".join(others)), Tone.NOTE)


def results_table(period: PeriodFacts) -> PaperTable:
    """Return the results of a year by source and class of article 16, and the place's own total below them."""
    rows: list[tuple[Cell, ...]] = [
        (str(place), *_result_row(one)) for place, one in enumerate(_ordered(period.sources), 1)
    ]
    whole = period.total
    gases = [whole.number(name, "kg", DIGITS) for name in ("co2_kg", "ch4_kg", "n2o_kg")]
    rows.append(
        ("", label("c38.total"), "", "", *gases, whole.number("co2e_t", "tCO2e", DIGITS), coverage(whole))
    )
    columns = tuple(
        label(f"column.{name}")
        for name in ("no", "source", "class", "method", "co2_kg", "ch4_kg", "n2o_kg", "co2e_t", "coverage")
    )
    return PaperTable(label("c38.results", period=period.period), columns, tuple(rows))


def _ordered(sources: Sequence[SourceFact]) -> list[SourceFact]:
    return sorted(sources, key=lambda one: (one.classes.circular38 if one.classes else "~", one.name))


def _result_row(one: SourceFact) -> tuple[Cell, ...]:
    total = one.total
    code = one.classes.circular38 if one.classes else ""
    said: Cell = (
        label(f"class.circular38.{code}") if code else label("class.none" if one.classes else "unmapped")
    )
    if one.classes and "circular38" in one.classes.unsure:
        said = label("class.unsure", name=said)
    name: Cell = label("c38.sold", source=one.name, seller=one.sold_by) if one.sold_by else one.name
    gases = [total.number(gas, "kg", DIGITS) for gas in ("co2_kg", "ch4_kg", "n2o_kg")]
    return name, said, total.method, *gases, total.number("co2e_t", "tCO2e", DIGITS), coverage(total)


_ROWS = {
    "1.1": _fuels,
    "1.2": _vehicles,
    "2.1": _refrigerants,
    "2.2": _equipment,
    "3": _minerals,
    "4.1": _electricity,
    "4.2": _steam,
}
