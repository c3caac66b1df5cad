"""The windows of virtual channels: their formulas, run over the windows of the channels they stand on."""

from collections.abc import Mapping

import numpy as np

from plant.arrays import Floats, Ints
from plant.park import Virtual
from rules.validity import bounded
from rules.windows import WindowValues

Columns = tuple[Floats, Floats, Floats]  # value, measured and interpolated share


def values_at(channel: Ints, window: Ints, values: WindowValues, virtuals: Mapping[int, Virtual]) -> Columns:
    """Return value, measured and interpolated share of each (channel, window), virtual channels among them.

    Of a virtual channel the shares are those of its least covered channel. Its value is NaN where one of its channels
    is, where it divides by 0, and where it is too large to be added to others.
    """
    columns = values.at(channel, window)
    if not virtuals:
        return columns
    for number in sorted(virtuals.keys() & set(np.unique(channel).tolist())):
        rows = np.flatnonzero(channel == number)
        for column, own in zip(
            columns, _columns(virtuals[number], window[rows], values, virtuals, {}), strict=True
        ):
            column[rows] = own
    return columns


def least_covered(shares: list[tuple[Floats, Floats]]) -> tuple[Floats, Floats]:
    """Return the measured and interpolated shares of each row's least covered column, the first of equals."""
    measured, interpolated = shares[0]
    for other_measured, other_interpolated in shares[1:]:
        less = other_measured + other_interpolated < measured + interpolated
        measured = np.where(less, other_measured, measured)
        interpolated = np.where(less, other_interpolated, interpolated)
    return measured, interpolated


def _columns(
    virtual: Virtual,
    window: Ints,
    values: WindowValues,
    virtuals: Mapping[int, Virtual],
    known: dict[int, Columns],
) -> Columns:
    """Return the columns of one virtual channel; `known` keeps what these windows were asked for already."""
    stack: list[Floats] = []
    shares: dict[int, tuple[Floats, Floats]] = {}
    for step in virtual.steps:
        if step.name == "number":
            stack.append(np.full(len(window), step.number))
        elif step.name == "channel":
            at = step.channel
            if at not in known:
                known[at] = (
                    _columns(virtuals[at], window, values, virtuals, known)
                    if at in virtuals
                    else values.at(np.full(len(window), at), window)
                )
            stack.append(known[at][0])
            shares[at] = known[at][1:]
        else:
            stack.append(applied(step.name, stack))
    return stack.pop(), *least_covered(list(shares.values()))


def applied(name: str, stack: list[Floats]) -> Floats:
    """Take an operation's operands off the stack and return its result, NaN where that is too large; columns or numbers."""
    last = stack.pop()
    with np.errstate(all="ignore"):
        match name:
            case "+":
                result = stack.pop() + last
            case "-":
                result = stack.pop() - last
            case "*":
                result = stack.pop() * last
            case "/":
                result = stack.pop() / last
            case "min":
                result = np.minimum(stack.pop(), last)
            case "max":
                result = np.maximum(stack.pop(), last)
            case "negative":
                result = -last
            case "abs":
                result = np.abs(last)
            case "clip":
                low = stack.pop()
                result = np.minimum(np.maximum(stack.pop(), low), last)
            case _:
                raise ValueError(f"no formula has a step {name}")
    return bounded(result)
