"""The parameters of methods that a total was calculated with: those that its windows have, since when and until when."""

from collections.abc import Iterator, Sequence
from itertools import groupby

from api.models import ParameterUsedBody
from api.totals.accounts import AskedTotals
from plant.arrays import number
from plant.clock import format_time
from plant.park import Source
from plant.vocabulary import FOREVER, SINCE_EVER
from rules.remembering import as_kept
from store import terms

Span = tuple[int, float, int]  # since when, the number, until when [ns UTC]


def parameters_of(asked: AskedTotals, groups: Sequence[list[int]]) -> list[list[ParameterUsedBody]]:
    """Return the parameters of each total's sources that were in force at any time of its period."""
    rows = sorted({row for group in groups for row in group if asked.sources[row].parameters})
    stored = terms.read(asked.state.connection)
    sources = [asked.sources[row] for row in rows]
    kept = dict(zip(rows, as_kept(asked.state.plant, asked.catalogue, stored, sources), strict=True))
    return [[body for row in group if row in kept for body in _bodies(asked, kept[row])] for group in groups]


def _bodies(asked: AskedTotals, source: Source) -> Iterator[ParameterUsedBody]:
    period = asked.periods[source.park]
    units = {
        one.name: one.unit
        for method in dict.fromkeys(its.method for its in source.terms)
        for one in asked.catalogue.methods[method].parameters
    }
    for name in dict.fromkeys(name for its in source.terms for name, _ in its.parameters):
        for since, value, until in _spans(source, name):
            if since < period.end and until > period.start:
                yield ParameterUsedBody(
                    source=source.id,
                    name=name,
                    value=number(value),
                    unit=units[name],
                    since=None if since == SINCE_EVER else format_time(since),
                    until=None if until == FOREVER else format_time(until),
                )


def _spans(source: Source, name: str) -> Iterator[Span]:
    """Yield the numbers that a parameter has had, each once for as long as it stays."""
    own = [(its.start, dict(its.parameters)[name]) for its in source.terms if name in dict(its.parameters)]
    runs = [list(run) for _, run in groupby(own, key=lambda one: number(one[1]))]
    ends = [*(run[0][0] for run in runs[1:]), FOREVER]
    for run, end in zip(runs, ends, strict=True):
        yield run[0][0], run[0][1], end
