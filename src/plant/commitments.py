"""What parks and facilities are committed to and judged by, beside what is measured and emits: budgets, measures, contracts, limits of the law, balances, exchanges."""

from collections.abc import Mapping
from dataclasses import dataclass
from math import nan
from typing import Literal

Step = Literal["month", "day", "hour"]
Averaging = Literal["hour", "day"]
OWN = "own"  # the status of a row of a permit
GASES = ("co2", "co2e", "ch4", "n2o")  # the values of a factor that tell tonnes


@dataclass(frozen=True, slots=True)
class Budget:
    """What a park or a facility is to emit at most in a calendar year of the park's clock."""

    year: int
    t: float  # t CO2e, all scopes
    source: str  # where the number comes from
    provisional: bool = False
    months: tuple[float, ...] | None = None  # shares of the twelve months; None: by their length


@dataclass(frozen=True, slots=True)
class Target:
    """What a park is to emit in a calendar year; of the first, the base year, what it emitted."""

    year: int
    t: float  # t CO2e, all scopes
    source: str  # where the number comes from
    provisional: bool = False


@dataclass(frozen=True, slots=True)
class Certificate:
    """What conveys the attributes of generation to one facility, for a calendar year of its park's clock."""

    year: int
    kind: str  # certificate, contract, supplier
    energy: float  # kWh
    co2: float  # kg/kWh
    retired: int | None  # ns UTC; None: needs no retirement
    evidence: str


@dataclass(frozen=True, slots=True)
class ResidualFactor:
    """What a kilowatt-hour of a year counts that no certificate covers, where a residual mix is published."""

    year: int
    co2: float  # kg/kWh
    evidence: str


@dataclass(frozen=True, slots=True)
class Quantity:
    """A channel of a measure's effect, in a unit: value = the channel's window value * scale + offset."""

    channel: int
    name: str
    unit: str
    scale: float = 1.0
    offset: float = 0.0


@dataclass(frozen=True, slots=True)
class Effect:
    """How a measure's saving is measured: energy against a baseline by drivers."""

    energy: Quantity
    drivers: tuple[Quantity, ...]
    start: int  # of the baseline, and its end [ns UTC]
    end: int
    step: Step
    factor: str = ""  # "": its energy counts no tonnes
    per_energy: float = nan  # of what the factor is per, in a unit of the energy
    steps: int = 12  # the limits: the least steps, the greatest CV(RMSE), the least |t| of a driver
    cv_rmse: float = 0.15
    t: float = 2.0
    non_routine: tuple[
        Quantity, ...
    ] = ()  # what people entered of events that are neither driver nor measure, in the energy's unit


@dataclass(frozen=True, slots=True)
class Measure:
    """Something that is done to emit less."""

    park: str
    facility: str  # "" where it is the park's
    name: str
    title: tuple[str, str]  # in Vietnamese, in English
    starts: str  # a day of the park's clock, such as 2026-07-01
    begins: int  # its midnight [ns UTC]
    source: str
    expected_t: float | None = None  # a year
    expected_kwh: float | None = None  # a year
    cost: float | None = None  # million VND
    effect: Effect | None = None  # None: nothing measures it


@dataclass(frozen=True, slots=True)
class Battery:
    """A battery behind a facility's billed meter, and the channels (indexes) that count what goes in and out."""

    energy: float  # that can be drawn when it is full [kWh]
    power: float  # in and out, at the meter [kW]
    efficiency: float  # drawn per charged [1]
    charged: int = -1  # -1: nothing counts it
    charged_scale: float = 1.0  # kWh per unit of the channel's windows
    discharged: int = -1
    discharged_scale: float = 1.0


@dataclass(frozen=True, slots=True)
class Billing:
    """By which tariff a facility's electricity is billed, and by which channels (indexes)."""

    tariff: str
    energy: int
    energy_scale: float  # kWh per unit of the channel's windows
    reactive: int  # -1: none
    reactive_scale: float  # kvarh per unit of the channel's windows
    demand_interval: int  # ns over which power is averaged for a peak
    battery: Battery | None = None  # advised by the tariff's prices


InstrumentKind = Literal["allowance", "credit", "energy-certificate", "contract"]


@dataclass(frozen=True, slots=True)
class Instrument:
    """A claim with an account: what it holds is the sum of its movements."""

    park: str
    facility: str  # "" where it is the park's
    name: str
    kind: InstrumentKind
    title: str
    unit: str  # t or MWh
    registry: str = ""  # the tracking system within which a serial counts once
    serials: bool = False  # each unit of it has one
    technology: str = ""
    co2: float = 0.0  # kg/kWh that it conveys
    expires: str = ""  # the last day on which it can be used, such as 2030-12-31; "": never

    @property
    def id(self) -> str:
        """Its full name: park/facility/instrument, or park/instrument."""
        return "/".join(filter(None, (self.park, self.facility, self.name)))


@dataclass(frozen=True, slots=True)
class CleanEnergy:
    """The channels by which a facility's electricity is clean or not, in kWh."""

    load: Quantity  # all that it consumes
    generated: Quantity | None = None  # its own, which is clean
    exported: Quantity | None = None  # what of that goes out to the grid
    delivered: Quantity | None = None  # clean, by a contract and hour by hour
    factor: str = ""  # of the grid that would have given it; "": nothing is told in tonnes


@dataclass(frozen=True, slots=True)
class MeterBalance:
    """What a main meter and the meters behind it should agree on; all are amounts of one dimension."""

    park: str
    facility: str  # "" where it is the park's
    name: str
    title: str
    main: int  # a channel's index
    parts: tuple[int, ...]
    scales: tuple[float, ...]  # amount in the main meter's unit = a part's amount * scale
    unit: str  # of the main meter's amounts
    tolerance: float  # share of the main amount that may stay unallocated


ExchangeType = Literal["input-output", "shared-infrastructure", "services", "inter-park", "other"]


@dataclass(frozen=True, slots=True)
class ExchangeSide:
    """A facility that sends or receives, and its channels of that, in the exchange's unit; of several the sum counts."""

    park: str
    facility: str
    channels: tuple[Quantity, ...]

    @property
    def site(self) -> tuple[str, str]:
        """Park and facility."""
        return self.park, self.facility


@dataclass(frozen=True, slots=True)
class ReferenceCase:
    """The reference case of an exchange: the primary material or fuel that would have been used without it."""

    reference: str
    amount: float  # of it, per unit received
    unit: str  # of that amount
    co2e: float  # kg CO2e per unit of it
    source: str


@dataclass(frozen=True, slots=True)
class Exchange:
    """What one facility gives to another, by the meters of both."""

    park: str  # which names it; both sides may be of others
    name: str
    title: str
    type: ExchangeType
    unit: str  # of what is sent and received
    sent: ExchangeSide
    received: ExchangeSide
    tolerance: float  # share of what was sent by which both sides may differ
    avoided: ReferenceCase | None = None  # None: nothing is said of it

    @property
    def facility(self) -> str:
        """The park's own, of none of its facilities."""
        return ""


@dataclass(frozen=True, slots=True)
class StandardRow:
    """A dated limit of a channel, in the channel's unit, from one instant to another; `low` is NaN where there is only a most."""

    limit: str
    row: str
    standard: str
    parameter: str
    category: str  # "": of all
    low: float
    high: float
    reference_oxygen: float  # [%]; NaN: none
    start: int  # [ns UTC]
    end: int  # [ns UTC]; `vocabulary.FOREVER`: until further notice
    status: str  # official, provisional, own
    mark: str  # "" of an own row
    source: str
    evidence: str  # "" of one that ships


@dataclass(frozen=True, slots=True)
class Standard:
    """The limits of a channel over one averaging time. Of several that hold at once the first is in force, own ones before all."""

    park: str
    facility: str
    name: str
    channel: int
    averaging: Averaging
    rows: tuple[StandardRow, ...]  # in the order in which they were named
    oxygen: int = -1  # the channel of it; -1: readings are as the limits want them
    oxygen_scale: float = 1.0  # % per unit of that channel
    highest_oxygen: float = 19.0  # [%], from which on nothing is corrected
    running: int = -1  # what tells that the unit runs; -1: it always does
    running_above: float = 0.0  # in the unit of that channel

    def in_force(self, time: int) -> int:
        """Return the place of the row that is in force at a time [ns UTC], -1 where none is."""
        holding = [place for place, row in enumerate(self.rows) if row.start <= time < row.end]
        return min(holding, key=lambda place: (self.rows[place].status != OWN, place), default=-1)


@dataclass(frozen=True, slots=True)
class WasteStream:
    """A stream of waste [t], and what becomes of it."""

    amount: Quantity
    stream: str
    treatment: str


@dataclass(frozen=True, slots=True)
class Indicators:
    """What a place is told by beside tonnes; None, or empty, where it says nothing of it."""

    park: str
    facility: str  # "" the park's
    water: Mapping[str, tuple[Quantity, ...]] | None = None  # fresh, inflow, reused [m3]
    waste: tuple[WasteStream, ...] = ()
    facts: Mapping[str, Quantity] | None = None  # of an eco-park, by name
    load: Mapping[str, tuple[Quantity, ...]] | None = None  # of wastewater: cod_in, cod_out [kg]
