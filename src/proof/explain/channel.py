"""What the window of one channel was made of: readings, gaps, the meter; of a virtual channel, the channels below it."""

from collections.abc import Mapping

import numpy as np

from ingest.line.recompute import RecomputedChannels
from plant.arrays import Bools, Readings, number
from plant.clock import PeriodBody, format_time, parse_instant
from plant.park import Channel, Plant, Virtual
from plant.units import per_hour_integral
from plant.vocabulary import FOREVER, NS_PER_S, Flag, Kind, Quality, Verdict
from proof.explain.again import VIRTUAL, channel_window, value_of
from proof.explain.told import (
    ExplainedChannelBody,
    ExplainedGapBody,
    MeterBody,
    StepBody,
    SwapBody,
    UsedReadingBody,
    UsedRecordBody,
)
from rules.pieces import Pieces
from store.messages.boots import BootTable
from store.records.table import Record


class ChannelTeller:
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
        records = self._recompute.records(channel.index)
        begins = {end: one.start for end, one in records.items()}
        values, pieces = channel_window(channel, stretch, holes, start, window, begins)
        value, measured, interpolated = (
            float(column[0]) for column in values.at(np.array([0]), np.array([start // window]))
        )
        is_rate = channel.kind is Kind.RATE
        used = _used(channel, pieces, stretch.readings, start, window)
        return ExplainedChannelBody(
            channel=channel.name,
            gateway=None if channel.entered else channel.gateway,
            quantity=channel.quantity,
            kind=channel.kind,
            unit=channel.unit.symbol,
            value=number(value),
            value_unit=(per_hour_integral(channel.unit) if is_rate else channel.unit).symbol,
            measured=measured,
            interpolated=interpolated,
            missing=max(1 - measured - interpolated, 0.0),
            gaps=_gaps(channel, pieces, holes, start, window),
            readings=_with_records(channel, _readings(stretch.readings, used, self._boots), records),
            whole=stretch.whole,
            until=None if stretch.until >= FOREVER else format_time(stretch.until),
            holes=[PeriodBody.of(*hole) for hole in holes],
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
            float(column[0]) for column in value_of(told, self._start, self._plant.window)
        )
        told.value, told.measured, told.interpolated = number(value), measured, interpolated
        told.missing = max(1 - measured - interpolated, 0.0)
        return told


def _with_records(
    channel: Channel, readings: list[UsedReadingBody], records: Mapping[int, Record]
) -> list[UsedReadingBody]:
    """Let each reading of a channel that people enter say which record it is."""
    if channel.entered:
        for one in readings:
            found = records.get(parse_instant(one.time))
            one.record = None if found is None else _record(found)
    return readings


def _record(one: Record) -> UsedRecordBody:
    names = ("id", "value", "unit", "source", "evidence", "entered_by", "approved_by")
    said = {name: getattr(one, name) for name in names}
    return UsedRecordBody.model_validate(said | {"from": format_time(one.start)})


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


def _meter(channel: Channel, start: int) -> MeterBody:
    serial, ratio = channel.serial, channel.ratio
    for swap in channel.swaps:
        if swap.time <= start:
            serial, ratio = swap.serial, ratio if swap.ratio is None else swap.ratio
    said: dict[str, bool] = {"entered": True} if channel.entered else {}
    return MeterBody(
        **said,
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
