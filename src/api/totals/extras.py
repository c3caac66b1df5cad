"""What is told beside totals where it is asked for (`with`): here scope 2 by the market, uncertainty, factors."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import Any, Literal, get_args

import numpy as np

from api.models import FactorUsedBody, UncertaintyBody
from api.problems import InvalidQuery
from api.totals.accounts import Account, AskedTotals, accounts
from api.totals.parameters import parameters_of
from api.totals.scope2 import market, scope2_body
from plant.arrays import number
from plant.catalogue import MethodSpec
from plant.suggest import did_you_mean
from rules.factors.gases import KG_PER_TONNE
from rules.factors.uncertainty import combine
from store.blocks import CH4_KG, CO2_KG, CO2E_T, N2O_KG

Extra = Literal["scope2", "uncertainty", "factors", "budget", "previous", "records", "parks"]
KNOWN: tuple[Extra, ...] = get_args(Extra)
BY_REGISTER: frozenset[Extra] = frozenset({"scope2", "uncertainty", "factors"})  # what `told_extras` tells

_GASES = (("co2", "CO2", CO2_KG), ("ch4", "CH4", CH4_KG), ("n2o", "N2O", N2O_KG))
_OF_A_GAS = frozenset(
    {"co2", "co2_biogenic", "co2e", "ch4", "n2o"}
)  # other values of a factor multiply every gas

Term = tuple[float, list[tuple[tuple[str, ...], float]]]  # tonnes, and (cause, relative half-width)


def extras_of(text: str | None) -> frozenset[Extra]:
    """Return what the words of a query ask for, which are separated by commas.

    Raises
    ------
    InvalidQuery
        A word is none of them.
    """
    words = [] if text is None else text.split(",")
    for word in words:
        if word not in KNOWN:
            meant = did_you_mean(word, KNOWN) or f"; it takes {', '.join(KNOWN)}"
            raise InvalidQuery(("with", f"unknown: {word[:64]!r}{meant}"))
    return frozenset(word for word in KNOWN if word in words)


def told_extras(
    asked: AskedTotals, wanted: frozenset[Extra], groups: Sequence[list[int]], *, single: bool
) -> list[dict[str, Any]]:
    """Return, for each group of sources that makes a total, the fields of `TotalBody` that are asked for."""
    found: list[dict[str, Any]] = [{} for _ in groups]
    if "scope2" in wanted:
        known = market(asked)
        for told, rows in zip(found, groups, strict=True):
            told["scope2"] = scope2_body(asked, known, rows, single=single)
    if wanted & {"uncertainty", "factors"}:
        total_of = {row: place for place, rows in enumerate(groups) for row in rows}
        # What one facility sold to another is in no total of both.
        kept = [(total_of[one.row], one) for one in accounts(asked) if one.row in total_of]
        if "uncertainty" in wanted:
            for told, body in zip(found, _uncertainties(asked, kept, len(groups)), strict=True):
                told["uncertainty"] = body
        if "factors" in wanted:
            _add_factors(found, kept)
            for told, used in zip(found, parameters_of(asked, groups), strict=True):
                told["parameters"] = used
    return found


def _add_factors(found: list[dict[str, Any]], kept: list[tuple[int, Account]]) -> None:
    tonnes: list[dict[tuple[str, str, str, str], float]] = [defaultdict(float) for _ in found]
    known = [False] * len(found)
    for total, account in kept:
        amount = number(account.amounts[CO2E_T])
        known[total] |= amount is not None
        if account.factor is not None and amount is not None:
            columns = account.factor.ids, account.factor.statuses, account.factor.marks
            row, status, mark = (str(column[account.entry]) for column in columns)
            tonnes[total][account.factor.spec.name, row, status, mark] += amount
    for place, told in enumerate(found):
        used = [
            FactorUsedBody(name=name, row=row, status=status, mark=mark or None, co2e_t=amount)
            for (name, row, status, mark), amount in sorted(tonnes[place].items())
        ]
        told["factors"] = used
        told["provisional_t"] = (
            sum(one.co2e_t for one in used if one.status == "provisional") if known[place] else None
        )


def _uncertainties(
    asked: AskedTotals, kept: list[tuple[int, Account]], count: int
) -> list[UncertaintyBody | None]:
    """Return the uncertainty of each total, None where nothing of it is known or all of it is 0."""
    numbers: dict[tuple[str, ...], int] = {}
    tonnes: list[float] = []
    total: list[int] = []
    term: list[int] = []
    cause: list[int] = []
    relative: list[float] = []
    for place, account in kept:
        for amount, causes in _terms(asked, account):
            term += [len(tonnes)] * len(causes)
            cause += [numbers.setdefault(name, len(numbers)) for name, _ in causes]
            relative += [width for _, width in causes]
            tonnes.append(amount)
            total.append(place)
    found = combine(
        np.array(tonnes, np.float64),
        np.array(total, np.int64),
        count,
        np.array(term, np.int64),
        np.array(cause, np.int64),
        np.array(relative, np.float64),
    )
    columns = zip(found.tonnes.tolist(), found.covered.tolist(), found.half_width.tolist(), strict=True)
    return [_uncertainty(*one) for one in columns]


def _uncertainty(tonnes: float, covered: float, half_width: float) -> UncertaintyBody | None:
    if not tonnes:
        return None
    return UncertaintyBody(
        low_t=number(covered - half_width),
        high_t=number(covered + half_width),
        share=number(half_width / covered) if covered else None,
        covered_t=covered,
        covered_share=covered / tonnes,
    )


def _terms(asked: AskedTotals, account: Account) -> Iterator[Term]:
    """Yield a source's tonnes per gas, and what each is the product of; gases that it has none of are left out."""
    source = asked.sources[account.row]
    activity = ("activity", source.park, source.facility, source.name), source.uncertainty
    factor = account.factor
    if factor is None or "co2e" in factor.columns:
        parts = [(account.amounts[CO2E_T], [] if factor is None else ["co2e"])]
    else:
        spec, gwp = asked.catalogue.methods[source.method], asked.catalogue.gwp_set(asked.state.plant.gwp)
        _, methane = gwp.methane  # no method that takes a factor sets fossil methane free unburnt
        weights = {"CO2": gwp["CO2"], "CH4": methane, "N2O": gwp["N2O"]}
        parts = [
            (account.amounts[column] * weights[gas] / KG_PER_TONNE, _values(spec, value))
            for value, gas, column in _GASES
        ]
    for amount, values in parts:
        if amount != 0 and factor is None:
            yield amount, [activity]
        elif amount != 0 and factor is not None:
            widths = [(("factor", factor.spec.name, v), factor.uncertainty[v][account.entry]) for v in values]
            if not asked.catalogue.is_proportional(source.method):
                widths = [(name, np.nan) for name, _ in widths]
            yield amount, [activity, *widths]


def _values(spec: MethodSpec, gas: str) -> list[str]:
    """Return the values of a factor that a method multiplies to get a gas."""
    return [value for value in spec.factor if value == gas or value not in _OF_A_GAS]
