"""What a channel's readings may be: amounts or levels, and which quantities cannot be below 0."""

from plant.units import Unit
from plant.vocabulary import Kind

AMOUNTS = frozenset({Kind.REGISTER, Kind.RATE, Kind.INTERVAL, Kind.EVENT})

# Dimensions of which there is never less than nothing, neither per time nor per each other (concentrations). Voltage,
# current, charge (of a battery), reactive energy, lengths (levels of water), money (credit notes) and pH are none of them.
_NEVER_BELOW = frozenset(
    {
        "energy",
        "apparent energy",
        "mass",
        "CO2e",
        "volume",
        "gas volume",
        "time",
        "freight",
        "passenger distance",
    }
)

# Those whose values cannot be below 0, while their changes can. `barg` has a dimension of its own; °C and °F begin
# elsewhere than at 0.
_ABSOLUTE = frozenset({"pressure", "temperature"})


def is_never_negative(unit: Unit, kind: Kind) -> bool:
    """Return whether a quantity cannot be below 0: energy, volume, mass, flow, concentration, absolute temperature, counts.

    A number without unit is a count where it is an amount; as a level it may be anything, such as a power factor.
    """
    if unit.symbol == "1" or unit.dimension.startswith("1/"):
        return kind in AMOUNTS
    if unit.dimension in _ABSOLUTE:
        return unit.offset == 0
    return unit.dimension == "1" or _NEVER_BELOW.issuperset(unit.dimension.split("/"))
