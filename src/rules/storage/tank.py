"""A battery as a tank that mixes what charged it: what came in with the charge goes out with what is drawn, once."""

from dataclasses import dataclass

import numpy as np

from plant.arrays import Floats


@dataclass(frozen=True, slots=True)
class TankFlows:
    """What a tank took in and gave over its steps, by column of what came in: `came_in = drawn + lost + stored`.

    `lost` is what the losses hold: it stays with the battery's user, and never goes with what is drawn.
    """

    came_in: Floats  # shape (columns,)
    drawn: Floats
    lost: Floats
    stored: Floats
    stored_kwh: float  # as charged
    uncharged: float  # drawn, and never seen charged [kWh]


def tank(charged: Floats, drawn: Floats, came_in: Floats, efficiency: float, most: float) -> TankFlows:
    """Return what goes where, of a tank that begins empty; in each step it is charged before it is drawn from.

    A drawn kilowatt-hour takes `1 / efficiency` of what was charged: the part `efficiency` of what that holds is drawn with
    it, the rest is lost. What would fill it above `most` is lost too, since a battery holds no more.

    Parameters
    ----------
    charged, drawn
        Of each step, 0 or more. [kWh] Shape (steps,).
    came_in
        What came with the charge: tonnes of a source, or anything else that adds. Shape (steps, columns).
    efficiency
        Of the way in and out, above 0 and at most 1. [1]
    most
        That can be drawn from a full battery. [kWh]

    Raises
    ------
    ValueError
        An amount is below 0 or unknown, or the efficiency is none.
    """
    if not 0 < efficiency <= 1:
        raise ValueError(f"an efficiency of {efficiency:g}: it is above 0 and at most 1")
    if not all(np.isfinite(one).all() and (one >= 0).all() for one in (charged, drawn, came_in)):
        raise ValueError("an amount is below 0 or unknown: a tank is of known amounts from 0 up")
    content, held = 0.0, np.zeros(came_in.shape[1])
    given, lost = np.zeros_like(held), np.zeros_like(held)
    uncharged, full = 0.0, most / efficiency
    for energy, wanted, amounts in zip(charged.tolist(), drawn.tolist(), came_in, strict=True):
        content, held = content + energy, held + amounts
        if content > full:
            over = held * (1 - full / content)
            content, held, lost = full, held - over, lost + over
        if not wanted:
            continue
        used = min(wanted / efficiency, content)
        uncharged += wanted - used * efficiency if used == content else 0.0
        taken = held * (used / content) if used < content else held
        out = taken * efficiency
        content, held = content - used, held - taken
        given, lost = given + out, lost + (taken - out)
    return TankFlows(came_in.sum(axis=0), given, lost, held, content, uncharged)
