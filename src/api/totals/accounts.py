"""What a period's amounts were calculated with: each source's, parted by the dated rows of its factor."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from plant.arrays import Floats
from plant.park import Source
from rules.catalogue import Register
from rules.factors.factors import Factor
from store.blocks import AMOUNTS
from store.reader import Snapshot
from store.totals.sums import Period, source_sums

Span = tuple[int, int]


@dataclass(frozen=True, slots=True)
class AskedTotals:
    """The sources that totals are asked for, by park, facility and name, and what is known of them.

    `amounts` has the columns `AMOUNTS`, `periods` the period on each park's clock.
    """

    state: Snapshot
    catalogue: Register
    sources: Sequence[Source]
    amounts: Floats
    periods: Mapping[str, Period]
    as_of: int

    def of(self, sources: Sequence[Source], period: Period) -> Floats:
        """Return the amounts of some sources in another period, with the columns `AMOUNTS`."""
        return source_sums(self.state, [source.index for source in sources], period, self.as_of).amounts


@dataclass(frozen=True, slots=True)
class Account:
    """Amounts of one source while one dated row of its factor was in force; `factor` is None where it takes none."""

    row: int  # of the source among those asked for
    factor: Factor | None
    entry: int  # of the factor's columns
    amounts: Floats  # with the columns `AMOUNTS`


def accounts(asked: AskedTotals) -> list[Account]:
    """Return the accounts of all sources of which something is known, by source and time.

    A window was calculated with the row that is in force at its start. Where no row begins inside the period its
    known sums are taken as they are; else each part is summed from as few stored rows as the whole.
    """
    parts: dict[tuple[str, Span], list[int]] = defaultdict(list)
    spans: dict[tuple[str, str], list[Span]] = {}
    for row, source in enumerate(asked.sources):
        key = source.park, source.factor
        if key not in spans:
            spans[key] = _spans(asked, *key)
        for span in spans[key]:
            parts[source.park, span].append(row)
    found = [
        _account(asked, row, span, amounts)
        for (park, span), rows in parts.items()
        for row, amounts in zip(rows, _amounts(asked, asked.periods[park], span, rows), strict=True)
        if not np.isnan(amounts).all()
    ]
    return sorted(found, key=lambda account: (account.row, account.entry))


def _spans(asked: AskedTotals, park: str, factor: str) -> list[Span]:
    """Return the parts of a park's period between which another row of a factor comes into force."""
    period, window = asked.periods[park], asked.state.plant.window
    edges = -(-asked.catalogue.factor(factor).edges // window) * window if factor else np.empty(0, np.int64)
    inside = np.unique(edges[(edges > period.start) & (edges < period.end)]).tolist()
    return list(zip([period.start, *inside], [*inside, period.end], strict=True))


def _amounts(asked: AskedTotals, period: Period, span: Span, rows: list[int]) -> Floats:
    if span == (period.start, period.end):
        return np.asarray(asked.amounts[rows])
    return asked.of([asked.sources[row] for row in rows], Period(*span, period.zone))


def _account(asked: AskedTotals, row: int, span: Span, amounts: Floats) -> Account:
    name = asked.sources[row].factor
    factor = asked.catalogue.factor(name) if name else None
    entry = int(factor.rows(np.array(span[0]))) if factor else 0
    return Account(row, factor, entry, amounts[: len(AMOUNTS)])
