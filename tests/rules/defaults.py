"""What docs/defaults.md says, as numbers: a row a fuel or a blend."""

import re

from tests.frame.repository import text

PAGE = text("docs/defaults.md")


def _rows(title: str) -> dict[str, dict[str, str]]:
    section = PAGE.partition(f"## {title}")[2].partition("\n## ")[0]
    head, _, *lines = [line for line in section.splitlines() if line.startswith("|")]
    names = re.findall(r"\w+", head)
    return {cells[0]: dict(zip(names, cells, strict=True)) for cells in map(_cells, lines)}


def _cells(line: str) -> list[str]:
    return [cell.strip(" `") for cell in line.strip("|").split("|")]


BLENDS = _rows("Refrigerants")
FUELS = _rows("Tables C-1 and C-2 of 40 CFR 98")
F_FACTORS = _rows("F-factors of 40 CFR 75")
RATES = ("hhv", "co2_per_heat", "ch4_per_heat", "n2o_per_heat")


def parameters(fuel: str) -> dict[str, float]:
    """Return what a source of 40 CFR 98 writes for a fuel."""
    return {name: float(FUELS[fuel][name]) for name in RATES}


def f_factors(fuel: str) -> dict[str, float]:
    """Return what a source of 40 CFR 75 writes for a fuel."""
    return {name: float(F_FACTORS[fuel][name]) for name in ("fc", "fd")}
