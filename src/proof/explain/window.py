"""Explains a window of a source: gathers all that it was made of, and makes it again from that."""

import sqlite3
from importlib.metadata import version

import numpy as np

from ingest.line.recompute import RecomputedChannels
from plant.arrays import number
from plant.clock import format_time
from plant.park import Input, Source
from plant.vocabulary import SINCE_EVER
from proof.explain.again import recomputed
from proof.explain.channel import ChannelTeller
from proof.explain.told import (
    ExplainedChannelBody,
    ExplainedInputBody,
    ExplainedMethodBody,
    ExplainedParameterBody,
    FactorBody,
    GwpBody,
    NumberBody,
    PublishedBody,
    RecomputedBody,
    RevisionBody,
    WindowBody,
)
from rules.catalogue import Register
from rules.factors.factors import Factor
from rules.remembering import known
from rules.terms import since
from store import terms
from store.accounting.ledger import CHANGE
from store.audit import LedgerRow, ledger_rows_of
from store.messages.boots import BootTable
from store.reader import Snapshot


def explain_window(
    state: Snapshot, catalogue: Register, source: int, start: int, *, published: float | None, revision: int
) -> WindowBody:
    """Return all that the window of a source (index) at a time [ns UTC] was made of.

    `published` is the window's number [t CO2e], None where unknown; `revision` is 0 where it was never computed.
    """
    plant, connection = state.plant, state.connection
    found = known(plant, catalogue, terms.read(connection))
    one = found.plant.sources[source]
    own = one.terms_at(start)
    method = catalogue.methods[own.method]
    gwp = found.methods.gwp_set(own.gwp or plant.gwp)
    units = {parameter.name: parameter.unit for parameter in method.parameters}
    teller = ChannelTeller(plant, RecomputedChannels(plant, connection), BootTable(connection), start)
    told = WindowBody(
        method=ExplainedMethodBody.model_validate(method, from_attributes=True),
        gwp=GwpBody(
            name=gwp.name,
            title=gwp.title,
            year=gwp.year,
            source=gwp.source,
            mark=gwp.mark,
            potentials=dict(gwp.gases),
        ),
        factor=_factor(found.methods.factor(own.factor), start) if own.factor else None,
        parameters=[
            ExplainedParameterBody(
                name=name, value=number(value), unit=units.get(name), since=_since(one, name, start)
            )
            for name, value in own.parameters
        ],
        inputs=[_input(teller, catalogue, given, one) for given in one.inputs],
        history=_history(connection, one, start),
        configuration=plant.hash,
        version=version("stackmeter"),
        recomputed=RecomputedBody(co2e_t=None, same_bits=None),
    )
    again = recomputed(told, start, plant.window, catalogue)
    never = revision == 0 and published is None
    told.recomputed = RecomputedBody(co2e_t=again, same_bits=None if never else _same(again, published))
    return told


def _input(teller: ChannelTeller, catalogue: Register, given: Input, source: Source) -> ExplainedInputBody:
    channel = teller.channel(given.channel)
    role = next(r for r in catalogue.methods[source.method].roles if r.name == given.role)
    value = None if channel.value is None else number(channel.value * given.scale + given.offset)
    return ExplainedInputBody(
        **{name: getattr(channel, name) for name in ExplainedChannelBody.model_fields},
        role=given.role,
        role_value=value,
        role_unit=role.unit,
        scale=given.scale,
        offset=given.offset,
    )


def _factor(factor: Factor, start: int) -> FactorBody:
    row = int(factor.rows(np.array([start]))[0])
    there, edges = bool(factor.ids[row]), factor.edges.tolist()
    return FactorBody(
        name=factor.spec.name,
        row=str(factor.ids[row]) or None,
        basis=factor.basis,
        values=[
            NumberBody(name=key, value=number(column[row]), unit=factor.spec.units.get(key))
            for key, column in factor.columns.items()
        ],
        status=str(factor.statuses[row]) or None,
        mark=str(factor.marks[row]) or None,
        source=str(factor.sources[row]) or None,
        valid_from=format_time(edges[row - 1]) if there else None,
        valid_to=format_time(edges[row]) if there and row < len(edges) else None,
    )


def _since(source: Source, name: str, start: int) -> str | None:
    """Return since when a parameter has had the number of a window; None: since ever."""
    found = since(source, name, start)
    return None if found == SINCE_EVER else format_time(found)


def _history(connection: sqlite3.Connection, source: Source, start: int) -> list[RevisionBody]:
    """Return every change of a window, oldest first, back to its first revision."""
    row = connection.execute(
        "SELECT id FROM source WHERE park = ? AND facility = ? AND name = ?",
        (source.park, source.facility, source.name),
    ).fetchone()
    found: list[RevisionBody] = []
    if row is None:
        return found
    for ledger in ledger_rows_of(connection, start):
        records = np.frombuffer(ledger.changes, CHANGE)
        mine = records[(records["source"] == row[0]) & (records["start"] == start)]
        found += [_revision(ledger, change) for change in mine[::-1]]
        if found and found[-1].revision <= 1:
            break
    return found[::-1]


def _revision(ledger: LedgerRow, change: np.void) -> RevisionBody:
    return RevisionBody(
        ledger=ledger.id,
        revision=int(change["revision"]),
        at=format_time(ledger.entry.at),
        cause=ledger.entry.cause,
        actor=ledger.entry.actor,
        configuration=ledger.entry.configuration,
        journal_from=ledger.entry.journal_from,
        journal_to=ledger.entry.journal_to,
        old=_published(change["old_co2e_t"], change["old_activity"]),
        new=_published(change["new_co2e_t"], change["new_activity"]),
    )


def _published(co2e_t: float, activity: float) -> PublishedBody:
    return PublishedBody(co2e_t=number(float(co2e_t)), activity=number(float(activity)))


def _same(one: float | None, other: float | None) -> bool:
    """Whether two numbers have the same bits; an unknown equals an unknown."""
    if one is None or other is None:
        return one is other
    return float(one).hex() == float(other).hex()
