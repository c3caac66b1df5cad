"""Tables C-1 and C-2 of 40 CFR part 98, found by fuel: reviewed data with its provenance."""

from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Literal

from plant.documents.documents import parse
from plant.documents.fields import Part, Positive, Text, Word
from plant.suggest import did_you_mean


@dataclass(frozen=True, slots=True)
class Fuel:
    """A fuel's defaults. `hhv` is gross [mmBtu per `unit`], the gases are on gross calorific value [kg/mmBtu].

    The CO2 of a `biogenic` one is reported beside the total; waste and tires are so in part, and not marked.
    """

    name: str
    kind: str
    unit: str
    hhv: float
    co2: float
    ch4: float
    n2o: float
    mark: str
    source: str
    biogenic: bool = False


class _Fuel(Part):
    fuel: Word
    kind: Word
    unit: Literal["scf", "gal", "short_ton"]
    hhv: Positive
    co2: Positive
    mark: Literal["V", "V2", "M", "D"]


class _Kind(Part):
    kind: Word
    ch4: Positive
    n2o: Positive
    mark: Literal["V", "V2", "M", "D"]
    biogenic: bool = False


class _Fuels(Part):
    source: Text
    rows: list[_Fuel]


class _Kinds(Part):
    source: Text
    rows: list[_Kind]


class _Tables(Part):
    fuels: _Fuels
    kinds: _Kinds


@cache
def _tables() -> _Tables:
    with resources.as_file(resources.files("rules") / "data" / "part98.yaml") as path:
        return parse(path, _Tables)


@cache
def fuels() -> dict[str, Fuel]:
    """Return all fuels of table C-1 with the CH4 and N2O of their kind in table C-2, by name."""
    found = _tables()
    kinds = {row.kind: row for row in found.kinds.rows}
    source = f"{found.fuels.source}; {found.kinds.source}"
    return {
        row.fuel: Fuel(
            name=row.fuel,
            kind=row.kind,
            unit=row.unit,
            hhv=row.hhv,
            co2=row.co2,
            ch4=kinds[row.kind].ch4,
            n2o=kinds[row.kind].n2o,
            mark=row.mark,
            source=source,
            biogenic=kinds[row.kind].biogenic,
        )
        for row in found.fuels.rows
    }


def fuel(name: str) -> Fuel:
    """Return a fuel's defaults.

    Raises
    ------
    ValueError
        Where table C-1 here has no such fuel; the message names those it has.
    """
    if name not in fuels():
        raise ValueError(
            f"no fuel {name!r} in table C-1, only {', '.join(fuels())}{did_you_mean(name, fuels())}"
        )
    return fuels()[name]


def methane_and_nitrous_oxide(kind: str) -> tuple[float, float]:
    """Return CH4 and N2O of a kind in table C-2, such as `wood`, in kg/mmBtu.

    Raises
    ------
    ValueError
        Where the table has no such kind.
    """
    rows = {row.kind: row for row in _tables().kinds.rows}
    if kind not in rows:
        raise ValueError(f"no kind {kind!r} in table C-2, only {', '.join(rows)}{did_you_mean(kind, rows)}")
    return rows[kind].ch4, rows[kind].n2o
