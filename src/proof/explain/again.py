"""A window made again from exactly what is told of it.

`recomputed` reads nothing but the answer, so that whoever has the answer can do the same on paper.
"""

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from plant.arrays import Floats, Readings, number
from plant.clock import parse_instant
from plant.park import Channel, Step, Swap, Virtual
from plant.units import unit
from plant.vocabulary import FOREVER, NS_PER_S, Flag, Kind, Quality, Verdict
from proof.explain.told import ExplainedChannelBody, WindowBody
from rules.catalogue import Register
from rules.factors.gases import tonnes_co2e
from rules.factors.gwp import GwpSet
from rules.pieces import ChannelColumns, Pieces, Runs, pieces_and_verdicts
from rules.virtuals import Columns, values_at
from rules.windows import Ranges, WindowValues, spread, with_events
from store.readings.table import Stretch

VIRTUAL = "virtual"  # a channel's kind, where it is none of plant.vocabulary.Kind
FIRST_VIRTUAL = (
    1 << 20
)  # a virtual channel's number where an answer is made again; above those of all channels


def recomputed(told: WindowBody, start: int, window: int, catalogue: Register) -> float | None:
    """Return the tonnes of CO2e that follow from an answer's own numbers; None where unknown.

    Only the method's function is looked up, by its name.
    """
    inputs: dict[str, Floats] = {}
    for given in told.inputs:
        inputs[given.role] = value_of(given, start, window)[0] * given.scale + given.offset
    factor = {one.name: _column(one.value) for one in told.factor.values} if told.factor else {}
    parameters = {one.name: _column(one.value) for one in told.parameters}
    gases = catalogue.emissions(told.method.name)(inputs, factor, parameters)
    gwp = GwpSet(told.gwp.name, "", told.gwp.year, "", "", told.gwp.potentials)
    return number(float(tonnes_co2e(gases, gwp)[0]))


def _column(value: float | None) -> Floats:
    return np.array([np.nan if value is None else value])


def _or_nan(value: float | None) -> float:
    return float("nan") if value is None else value


def value_of(given: ExplainedChannelBody, start: int, window: int) -> Columns:
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
        holes = [(parse_instant(hole.from_), parse_instant(hole.to)) for hole in given.holes]
        begins = {
            parse_instant(one.time): parse_instant(one.record.start)
            for one in given.readings
            if one.record is not None
        }
        values, _ = channel_window(_channel(given), _stretch_of(given), holes, start, window, begins)
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
        entered=meter.entered,
        ratio=meter.first_ratio,
        serial=meter.serial,
        swaps=tuple(
            Swap(
                time=parse_instant(swap.time),
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
        time=np.array([parse_instant(one.time) for one in told], np.int64),
        value=np.array([one.value for one in told], np.float64),
        quality=np.array([qualities[one.quality] for one in told], np.uint8),
        flags=np.array([one.reset * Flag.RESET | one.conflict * Flag.CONFLICT for one in told], np.uint8),
        verdict=np.array([verdicts[one.verdict] for one in told], np.uint8),
        boot=np.array([0 if one.boot is None else boots.index(one.boot) + 1 for one in told], np.int32),
        correction=np.array([one.correction for one in told], np.int32),
        message=np.array([one.message for one in told], np.int64),
    )
    return Stretch(readings, given.whole, FOREVER if given.until is None else parse_instant(given.until))


def channel_window(
    channel: Channel,
    stretch: Stretch,
    holes: list[tuple[int, int]],
    start: int,
    window: int,
    begins: Mapping[int, int],
) -> tuple[WindowValues, Pieces]:
    """Return the window of a channel, as channel 0, and the pieces of its readings; `begins` is of records, by their end."""
    columns = ChannelColumns.of((_at_0(channel),))
    if channel.entered:
        columns.stretches[0] = dict(begins)
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
