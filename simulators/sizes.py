"""How much a channel shows at full load: from its limits, else what is usual for its unit and quantity."""

import math

from simulators.configuration import NS_PER_HOUR, Channel

LOADED = 0.6  # full load, as a share of what a register or rate can show at most
USUAL = {"kWh": 500.0, "kg": 300.0, "L": 200.0, "GJ": 5.0, "t": 2.0, "MWh": 0.5}  # in an hour
DELIVERY = {"L": 9000.0, "kg": 7000.0, "t": 8.0, "m3": 9.0}
# What a level is about, and how far it follows the load, as a share; the first words that fit hold.
LEVELS = (
    ("cold-store", "°C", -22.0, 0.05),
    ("stack/temperature", "°C", 145.0, 0.2),
    ("furnace", "°C", 1180.0, 0.05),
    ("induction", "°C", 1450.0, 0.05),
    ("frequency", "Hz", 50.0, 0.001),
    ("power-factor", "1", 0.92, 0.05),
    ("acidity", "pH", 7.2, 0.03),
    ("irradiance", "W/m2", 950.0, 1.0),
    ("co2", "%", 9.5, 0.15),
    ("oxygen", "%", 8.0, 0.15),
    ("moisture", "%", 9.0, 0.15),
)
OTHER_LEVEL = 0.1


def full_load(channel: Channel) -> float:
    """Return an amount per hour, a rate's value, a large delivery, or a level's middle [channel's unit]."""
    match channel.kind:
        case "register":
            return _known(LOADED * channel.max_rate, USUAL.get(channel.amount_unit, 100.0))
        case "rate":
            return _known(LOADED * channel.maximum, USUAL.get(channel.amount_unit, 100.0))
        case "interval":
            hourly = channel.maximum * NS_PER_HOUR / channel.period
            return _known(LOADED * hourly, USUAL.get(channel.unit, 100.0))
        case "event":
            return _known(0.9 * channel.maximum, DELIVERY.get(channel.unit, 100.0))
    return _level(channel)[0]


def swing(channel: Channel) -> float:
    """Return how far a level follows the load, as a share of its middle."""
    return _level(channel)[1]


def _level(channel: Channel) -> tuple[float, float]:
    name = f"{channel.name} {channel.quantity}"
    for words, unit, middle, share in LEVELS:
        outside = middle < channel.minimum or middle > channel.maximum
        if words in name and channel.unit == unit and not outside:
            return middle, share
    return _known((channel.minimum + channel.maximum) / 2, 50.0), OTHER_LEVEL


def _known(value: float, otherwise: float) -> float:
    return otherwise if math.isnan(value) else value
