"""Explains a window: gathers all that it was made of, and makes it again from exactly what it tells.

What is told is also what is computed with: `recomputed` reads nothing but the answer, so that whoever has the answer can
do the same on paper.
"""

import sqlite3
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path

import numpy as np

from api.accounting.explain import (
    ExplainedChannelBody,
    ExplainedGapBody,
    ExplainedInputBody,
    ExplainedMethodBody,
    ExplainedParameterBody,
    FactorBody,
    GwpBody,
    MeterBody,
    NumberBody,
    PublishedBody,
    RecomputedBody,
    ResultBody,
    RevisionBody,
    StepBody,
    SwapBody,
    UsedReadingBody,
    WindowBody,
)
from api.models import PeriodBody, number
from api.times import format_time, parse_time
from ingest.line.recompute import RecomputedChannels
from plant.arrays import Bools, Floats, Readings
from plant.park import Channel, Input, Plant, Source, Step, Swap, Virtual
from plant.units import per_hour_integral, unit
from plant.vocabulary import NS_PER_S, SINCE_EVER, Flag, Kind, Quality, Verdict
from rules.catalogue import Register
from rules.factors.factors import Factor
from rules.factors.gases import tonnes_co2e
from rules.factors.gwp import GwpSet
from rules.pieces import ChannelColumns, Pieces, Runs, pieces_and_verdicts
from rules.remembering import known
from rules.terms import since
from rules.virtuals import Columns, values_at
from rules.windows import Ranges, WindowValues, spread, with_events
from store import terms
from store.accounting.ledger import CHANGE
from store.audit import LedgerRow, ledger_rows_of, snapshot
from store.messages.boots import BootTable
from store.totals.readings import FAR_FUTURE, Stretch

VIRTUAL = "virtual"  # a channel's kind, where it is none of plant.vocabulary.Kind
FIRST_VIRTUAL = (
    1 << 20
)  # a virtual channel's number where an answer is made again; above those of all channels


class WindowExplainer:
    """Answers from the state database, each time through a connection of its own and as of one moment."""

    def __init__(self, database: Path, plant: Plant, catalogue: Register) -> None:
        self._database, self._plant, self._catalogue = database, plant, catalogue

    def __call__(self, source: int, start: int, published: ResultBody) -> WindowBody:
        """Return all that the window of a source (by index) was made of."""
        with snapshot(self._database) as connection:
            found = known(self._plant, self._catalogue, terms.read(connection))
            one = found.plant.sources[source]
            recompute = RecomputedChannels(self._plant, connection)
            told_of = _Teller(self._plant, recompute, BootTable(connection), start)
            inputs = [self._input(told_of, given, one) for given in one.inputs]
            history = _history(connection, one, start)
        own = one.terms_at(start)
        method = self._catalogue.methods[own.method]
        gwp = found.methods.gwp_set(own.gwp or self._plant.gwp)
        units = {parameter.name: parameter.unit for parameter in method.parameters}
        told = WindowBody(
            method=ExplainedMethodBody(
                name=method.name,
                title=method.title,
                reference=method.reference,
                scope=method.scope,
                activity=method.activity,
            ),
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
            inputs=inputs,
            history=history,
            configuration=self._plant.hash,
            version=version("stackmeter"),
            recomputed=RecomputedBody(co2e_t=None, same_bits=None),
        )
        again = recomputed(told, start, self._plant.window, self._catalogue)
        never = published.revision == 0 and published.co2e_t is None
        told.recomputed = RecomputedBody(
            co2e_t=again, same_bits=None if never else _same(again, published.co2e_t)
        )
        return told

    def _input(self, told_of: "_Teller", given: Input, source: Source) -> ExplainedInputBody:
        channel = told_of.channel(given.channel)
        role = next(r for r in self._catalogue.methods[source.method].roles if r.name == given.role)
        value = _or_nan(channel.value) * given.scale + given.offset
        return ExplainedInputBody(
            **{name: getattr(channel, name) for name in ExplainedChannelBody.model_fields},
            role=given.role,
            role_value=number(value),
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


class _Teller:
    """Tells what the window of a channel that starts at a time was made of."""

    def __init__(self, plant: Plant, recompute: RecomputedChannels, boots: BootTable, start: int) -> None:
        self._plant, self._recompute, self._boots, self._start = plant, recompute, boots, start

    def channel(self, index: int) -> ExplainedChannelBody:
        """Return it; virtual channels are numbered after the channels."""
        own = len(self._plant.channels)
        if index < own:
            return self._metered(self._plant.channels[index])
        return self._virtual(self._plant.virtuals[index - own])

    def _metered(self, channel: Channel) -> ExplainedChannelBody:
        start, window = self._start, self._plant.window
        stretch = self._recompute.stretch(channel.index, start, start + window)
        open_holes = self._recompute.holes(channel.index)
        holes = [hole for hole in open_holes if hole[0] < start + window and hole[1] > start]
        values, pieces = _windows(channel, stretch, holes, start, window)
        value, measured, interpolated = (
            float(column[0]) for column in values.at(np.array([0]), np.array([start // window]))
        )
        is_rate = channel.kind is Kind.RATE
        used = _used(channel, pieces, stretch.readings, start, window)
        return ExplainedChannelBody(
            channel=channel.name,
            gateway=channel.gateway,
            quantity=channel.quantity,
            kind=channel.kind,
            unit=channel.unit.symbol,
            value=number(value),
            value_unit=(per_hour_integral(channel.unit) if is_rate else channel.unit).symbol,
            measured=measured,
            interpolated=interpolated,
            missing=max(1 - measured - interpolated, 0.0),
            gaps=_gaps(channel, pieces, holes, start, window),
            readings=_readings(stretch.readings, used, self._boots),
            whole=stretch.whole,
            until=None if stretch.until >= FAR_FUTURE else format_time(stretch.until),
            holes=[_stretch(*hole) for hole in holes],
            meter=_meter(channel, start),
            formula=None,
            steps=[],
            made_of=[],
        )

    def _virtual(self, virtual: Virtual) -> ExplainedChannelBody:
        below = dict.fromkeys(step.channel for step in virtual.steps if step.name == "channel")
        made_of = {index: self.channel(index) for index in below}
        told = ExplainedChannelBody(
            channel=virtual.name,
            gateway=None,
            quantity=None,
            kind=VIRTUAL,
            unit=virtual.unit.symbol,
            value=None,
            value_unit=virtual.unit.symbol,
            measured=0.0,
            interpolated=0.0,
            missing=1.0,
            gaps=[],
            readings=[],
            whole=True,
            until=None,
            holes=[],
            meter=None,
            formula=virtual.formula,
            steps=[
                StepBody(
                    name=step.name,
                    number=step.number,
                    channel=made_of[step.channel].channel if step.name == "channel" else None,
                )
                for step in virtual.steps
            ],
            made_of=list(made_of.values()),
        )
        value, measured, interpolated = (
            float(column[0]) for column in _value(told, self._start, self._plant.window)
        )
        told.value, told.measured, told.interpolated = number(value), measured, interpolated
        told.missing = max(1 - measured - interpolated, 0.0)
        return told


def recomputed(told: WindowBody, start: int, window: int, catalogue: Register) -> float | None:
    """Return the tonnes of CO2e that follow from an answer's own numbers; None where unknown.

    Only the method's function is looked up, by its name.
    """
    inputs: dict[str, Floats] = {}
    for given in told.inputs:
        inputs[given.role] = _value(given, start, window)[0] * given.scale + given.offset
    factor = {one.name: _column(one.value) for one in told.factor.values} if told.factor else {}
    parameters = {one.name: _column(one.value) for one in told.parameters}
    gases = catalogue.emissions(told.method.name)(inputs, factor, parameters)
    gwp = GwpSet(told.gwp.name, "", told.gwp.year, "", "", told.gwp.potentials)
    return number(float(tonnes_co2e(gases, gwp)[0]))


# --- from the answer back to what rules take --------------------------------------------------------------------------


def _column(value: float | None) -> Floats:
    return np.array([np.nan if value is None else value])


def _or_nan(value: float | None) -> float:
    return float("nan") if value is None else value


def _value(given: ExplainedChannelBody, start: int, window: int) -> Columns:
    """Return the value and both shares of a channel's window, of one row each."""
    leaves: list[WindowValues] = []
    virtuals: dict[int, Virtual] = {}
    top = _numbered(given, start, window, leaves, virtuals)
    columns = (np.concatenate([getattr(leaf, name) for leaf in leaves]) for name in WindowValues.__slots__)
    return values_at(np.array([top]), np.array([start // window]), WindowValues(*columns), virtuals)


def _numbered(
    given: ExplainedChannelBody,
    start: int,
    window: int,
    leaves: list[WindowValues],
    virtuals: dict[int, Virtual],
) -> int:
    """Give a channel and all that it is made of their numbers, and return its own."""
    if given.kind != VIRTUAL:
        holes = [(parse_time(hole.from_), parse_time(hole.to)) for hole in given.holes]
        values, _ = _windows(_channel(given), _stretch_of(given), holes, start, window)
        leaves.append(replace(values, channel=values.channel + len(leaves)))
        return len(leaves) - 1
    below = {one.channel: _numbered(one, start, window, leaves, virtuals) for one in given.made_of}
    mine = FIRST_VIRTUAL + len(virtuals)
    virtuals[mine] = Virtual(
        index=mine,
        park="",
        facility="",
        name=given.channel,
        title="",
        unit=unit(given.unit),
        is_level=False,
        formula=given.formula or "",
        steps=tuple(
            Step(step.name, step.number, -1 if step.channel is None else below[step.channel])
            for step in given.steps
        ),
        channels=(),
    )
    return mine


def _channel(given: ExplainedChannelBody) -> Channel:
    """Return the channel that an answer describes; its places and limits at the door are of no matter here."""
    meter = given.meter
    if meter is None:
        raise ValueError(f"{given.channel} has no meter")
    return Channel(
        index=0,
        park="",
        facility="",
        gateway="",
        name=given.channel,
        kind=Kind(given.kind),
        unit=unit(given.unit),
        quantity="",
        minimum=np.nan,
        maximum=np.nan,
        max_rate=_or_nan(meter.max_rate),
        max_gap=round(meter.max_gap_s * NS_PER_S),
        modulus=_or_nan(meter.modulus),
        period=round(meter.period_s * NS_PER_S),
        hold_last=meter.hold_last,
        counter_in_gateway=meter.counter_in_gateway,
        ratio=meter.first_ratio,
        serial=meter.serial,
        swaps=tuple(
            Swap(
                time=parse_time(swap.time),
                final_old=_or_nan(swap.final_old),
                first_new=swap.first_new,
                serial=swap.serial,
                ratio=swap.ratio,
                max_rate=swap.max_rate,
                modulus=swap.modulus,
            )
            for swap in meter.swaps
        ),
    )


def _stretch_of(given: ExplainedChannelBody) -> Stretch:
    """Return the readings that an answer tells."""
    told = given.readings
    boots = sorted({one.boot for one in told if one.boot is not None})
    verdicts = {verdict.name.lower(): verdict for verdict in Verdict}
    qualities = {quality.name.lower(): quality for quality in Quality}
    readings = Readings(
        channel=np.zeros(len(told), np.int32),
        time=np.array([parse_time(one.time) for one in told], np.int64),
        value=np.array([one.value for one in told], np.float64),
        quality=np.array([qualities[one.quality] for one in told], np.uint8),
        flags=np.array([one.reset * Flag.RESET | one.conflict * Flag.CONFLICT for one in told], np.uint8),
        verdict=np.array([verdicts[one.verdict] for one in told], np.uint8),
        boot=np.array([0 if one.boot is None else boots.index(one.boot) + 1 for one in told], np.int32),
        correction=np.array([one.correction for one in told], np.int32),
        message=np.array([one.message for one in told], np.int64),
    )
    return Stretch(readings, given.whole, FAR_FUTURE if given.until is None else parse_time(given.until))


def _windows(
    channel: Channel, stretch: Stretch, holes: list[tuple[int, int]], start: int, window: int
) -> tuple[WindowValues, Pieces]:
    """Return the window of a channel, as channel 0, and the pieces of its readings."""
    columns = ChannelColumns.of((_at_0(channel),))
    none = np.zeros(1, np.int32)
    readings = stretch.readings
    runs = Runs(
        np.zeros(len(readings), np.int64),
        readings,
        none,
        np.array([stretch.until]),
        np.array([stretch.whole]),
    )
    pieces, _ = pieces_and_verdicts(runs, columns)
    ranges = Ranges(np.zeros(1, np.int64), np.array([start // window]), np.array([start // window + 1]))
    values = spread(pieces, ranges, none, columns, window)
    return with_events(values, ranges, none, columns, {0: holes}, window), pieces


def _at_0(channel: Channel) -> Channel:
    fields = {name: getattr(channel, name) for name in Channel.__slots__}
    return Channel(**{**fields, "index": 0})


# --- from what rules made to the answer -------------------------------------------------------------------------------


def _inside(pieces: Pieces, start: int, window: int) -> Bools:
    return np.asarray((pieces.start < start + window) & (pieces.end > start))


def _used(channel: Channel, pieces: Pieces, readings: Readings, start: int, window: int) -> Bools:
    """Whether each reading is an end of a piece that reaches into the window."""
    inside = _inside(pieces, start, window)
    ends = [pieces.start[inside], pieces.end[inside]]
    if channel.kind is Kind.INTERVAL:
        ends = ends[1:]
    if channel.kind is Kind.EVENT:
        ends = ends[:1]
    return np.isin(readings.time, np.concatenate(ends)) & readings.counting


def _readings(readings: Readings, used: Bools, boots: BootTable) -> list[UsedReadingBody]:
    names = boots.names(np.unique(readings.boot).tolist())
    columns = (
        readings.time, readings.value, readings.quality, readings.verdict, readings.flags, readings.correction,
        readings.boot, readings.message, used,
    )  # fmt: skip
    return [
        UsedReadingBody(
            time=format_time(time),
            value=value,
            quality=Quality(quality).name.lower(),
            verdict=Verdict(verdict).name.lower(),
            reset=bool(flags & Flag.RESET),
            conflict=bool(flags & Flag.CONFLICT),
            correction=correction,
            boot=names.get(boot),
            message=message,
            used=is_used,
        )
        for time, value, quality, verdict, flags, correction, boot, message, is_used in zip(
            *(column.tolist() for column in columns), strict=True
        )
    ]


def _gaps(
    channel: Channel, pieces: Pieces, holes: list[tuple[int, int]], start: int, window: int
) -> list[ExplainedGapBody]:
    """Return the stretches of a window that no reading stands over, in order, and how each was filled."""
    end = start + window
    if channel.kind is Kind.EVENT:
        return [
            _gap(max(a, start), min(b, end), "missing", window)
            for a, b in holes
            if min(b, end) > max(a, start)
        ]
    inside = np.flatnonzero(_inside(pieces, start, window))
    found: list[ExplainedGapBody] = []
    at = start
    for row in inside[np.argsort(pieces.covered_from[inside], kind="stable")].tolist():
        low = max(int(pieces.covered_from[row]), start)
        high = min(int(pieces.end[row]), end)
        if low > at:
            found.append(_gap(at, low, "missing", window))
        if pieces.interpolated[row] and high > max(low, at):
            found.append(_gap(max(low, at), high, "interpolated", window))
        at = max(at, high)
    if at < end:
        found.append(_gap(at, end, "missing", window))
    return found


def _gap(start: int, end: int, how: str, window: int) -> ExplainedGapBody:
    bounds = {"from": format_time(start), "to": format_time(end)}
    return ExplainedGapBody.model_validate({**bounds, "how": how, "share": (end - start) / window})


def _stretch(start: int, end: int) -> PeriodBody:
    return PeriodBody(**{"from": format_time(start), "to": format_time(end)})


def _meter(channel: Channel, start: int) -> MeterBody:
    serial, ratio = channel.serial, channel.ratio
    for swap in channel.swaps:
        if swap.time <= start:
            serial, ratio = swap.serial, ratio if swap.ratio is None else swap.ratio
    return MeterBody(
        serial=serial,
        ratio=ratio,
        first_ratio=channel.ratio,
        max_rate=number(channel.max_rate),
        modulus=number(channel.modulus),
        max_gap_s=channel.max_gap / NS_PER_S,
        period_s=channel.period / NS_PER_S,
        hold_last=channel.hold_last,
        counter_in_gateway=channel.counter_in_gateway,
        swaps=[
            SwapBody(
                time=format_time(swap.time),
                final_old=number(swap.final_old),
                first_new=swap.first_new,
                serial=swap.serial,
                ratio=swap.ratio,
                max_rate=swap.max_rate,
                modulus=swap.modulus,
            )
            for swap in channel.swaps
        ],
    )


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
