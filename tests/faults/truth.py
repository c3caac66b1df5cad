"""What the trial plant really did: seeded readings, the messages that tell of them, and the windows they must become.

Nothing here is computed by code of ours. Windows come from `tests.oracle`; tonnes from the factors as they are
printed, written down again; totals of registers from the ticks that their meters counted.
"""

import json
import random
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime

from tests import oracle

SECOND = 1_000_000_000
MINUTE = 60 * SECOND
START = int(datetime(2026, 1, 5, tzinfo=UTC).timestamp()) * SECOND
STEP = 30 * SECOND
HOT = 400.0  # °C: the limit of the rule flue-hot
SITE = "trial/works"

METERS = {
    "main/energy": oracle.Meter("register", 30 * MINUTE, max_rate=4000.0, modulus=100000.0),
    "hall/energy": oracle.Meter("register", 24 * 60 * MINUTE, max_rate=100.0, modulus=65536.0, ratio=40.0),
    "pump/energy": oracle.Meter("register", 24 * 60 * MINUTE, max_rate=900.0, in_gateway=True),
    "crane/energy": oracle.Meter("register", 24 * 60 * MINUTE, max_rate=900.0, modulus=4294967296.0),
    "office/energy": oracle.Meter("interval", 60 * MINUTE, period=15 * MINUTE),
    "gas/volume": oracle.Meter("register", 24 * 60 * MINUTE, max_rate=900.0, modulus=10000.0),
    "oil/flow": oracle.Meter("rate", 10 * MINUTE),
    "heater/power": oracle.Meter("rate", 10 * MINUTE, hold=True),
    "diesel/filled": oracle.Meter("event", 60 * MINUTE),
    "flue/flow": oracle.Meter("rate", 10 * MINUTE),
    "flue/co2": oracle.Meter("level", 10 * MINUTE),
    "flue/temperature": oracle.Meter("level", 60 * MINUTE),
}
UNITS = {
    "gas/volume": "Nm3",
    "oil/flow": "kg/h",
    "heater/power": "kW",
    "diesel/filled": "L",
    "flue/flow": "Nm3/h",
    "flue/co2": "%",
    "flue/temperature": "°C",
}  # fmt: skip  all others count kWh
GATEWAYS = {
    "meters": ("main/energy", "hall/energy", "pump/energy", "crane/energy", "office/energy"),
    "boiler": ("gas/volume", "oil/flow", "heater/power", "diesel/filled"),
    "stack": ("flue/flow", "flue/co2", "flue/temperature"),
}

# Tonnes of CO2e for one unit of activity: Viet Nam's grid factor; Decision 2626's factors for fuels with the GWPs of
# AR5 (CH4 28, N2O 265) on the net calorific values of IPCC 2006 or of the configuration.
GRID = 0.6592 / 1000
GAS = 36.0 / 1000 * (56.1 + 0.001 * 28 + 0.0001 * 265) / 1000
OIL = 40.4 / 1000 * (77.4 + 0.003 * 28 + 0.0006 * 265) / 1000
DIESEL = 0.84 * 43.0 / 1000 * (74.1 + 0.003 * 28 + 0.0006 * 265) / 1000
FLUE = 44.0095 / (8.314462618 * 273.15 / 101.325) / 100 / 1000  # for 1 Nm3 at 1 %

SOURCES: dict[str, tuple[str, float]] = {
    "main": ("main/energy", GRID),
    "hall": ("hall/energy", GRID),
    "pump": ("pump/energy", GRID),
    "crane": ("crane/energy", GRID),
    "office": ("office/energy", GRID),
    "heater": ("heater/power", GRID),
    "gas": ("gas/volume", GAS),
    "oil": ("oil/flow", OIL),
    "diesel": ("diesel/filled", DIESEL),
}  # fmt: skip  and flue, which has two inputs

Windows = dict[tuple[str, int], tuple[float, float, float, float]]


@dataclass(frozen=True)
class Sent:
    """One message: its topic and its bytes."""

    topic: str
    payload: bytes


@dataclass
class Truth:
    """The messages in the order of their gateways, every channel's readings, and the totals that the meters know."""

    messages: list[Sent] = field(default_factory=list)
    readings: dict[str, list[oracle.Reading]] = field(default_factory=lambda: {name: [] for name in METERS})
    totals: dict[str, float] = field(default_factory=dict)  # by channel, in its unit

    def transitions(self) -> list[tuple[int, bool]]:
        """Return (time, whether it begins) of each alert of the rule flue-hot."""
        firing, found = False, []
        for reading in self.readings["flue/temperature"]:
            if (reading.value > HOT) != firing:
                firing = not firing
                found.append((reading.time, firing))
        return found

    def told(self) -> list[tuple[str, ...]]:
        """Return what a receiver is told of each alert of which it is told at all: nothing of one that begins on the shelf."""
        fired: list[int] = []
        found: list[tuple[str, ...]] = []
        shelved_until = 0
        for time, begins in self.transitions():
            if begins:
                if time >= shelved_until > 0:
                    fired, shelved_until = [], 0
                fired.append(time)
                if not shelved_until and sum(time - one <= 10 * MINUTE for one in fired) >= 3:
                    shelved_until = time + 30 * MINUTE
                found.append(() if shelved_until else ("alert.firing",))
            elif found[-1]:
                found[-1] += ("alert.resolved",)
        return [kinds for kinds in found if kinds]

    def windows(self) -> Windows:
        """Return (source, window number) → tCO2e, activity, measured and interpolated share of what is known."""
        return windows_of(self.readings)


def windows_of(readings: dict[str, list[oracle.Reading]]) -> Windows:
    """Return (source, window number) → tCO2e, activity, measured and interpolated share of what is known."""
    found: Windows = {}
    for source, (channel, tonnes) in SOURCES.items():
        for number, (amount, *shares) in oracle.windows(readings[channel], METERS[channel], MINUTE).items():
            found[source, number] = (amount * tonnes, amount, *shares)
    flow, co2 = (oracle.windows(readings[c], METERS[c], MINUTE) for c in ("flue/flow", "flue/co2"))
    for number in flow.keys() & co2.keys():
        shares = min(flow[number][1:], co2[number][1:], key=sum)
        amount = flow[number][0]
        found["flue", number] = (amount * co2[number][0] * FLUE, amount, *shares)
    return found


class Register:
    """A meter that counts ticks and shows them by its modulus; it knows what it counted since its first reading."""

    def __init__(self, first: float, ticks_per_unit: int, most: int, modulus: float | None = None) -> None:
        self._per_unit, self._most = ticks_per_unit, most
        self._modulus = None if modulus is None else round(modulus * ticks_per_unit)
        self._shown = round(first * ticks_per_unit)
        self.counted = 0

    def run(self, steps: int, chance: random.Random) -> float:
        """Count for so many steps and return the display."""
        ticks = sum(chance.randint(0, self._most) for _ in range(steps))
        self.counted += ticks
        self._shown += ticks
        if self._modulus is not None:
            self._shown %= self._modulus
        return self._shown / self._per_unit

    @property
    def amount(self) -> float:
        """What was counted, in units."""
        return self.counted / self._per_unit


def trial(messages: int, seed: int) -> Truth:
    """Return the truth of a run of the trial plant that is told in just so many messages."""
    chance = random.Random(seed)
    truth = Truth()
    steps = messages  # more than enough; what is too much is cut
    sides = [_sent(truth, gateway, _steps(gateway, steps, chance), chance) for gateway in GATEWAYS]
    told: dict[str, list[oracle.Reading]] = {name: [] for name in METERS}
    while len(truth.messages) < messages:
        for side in sides:
            if len(truth.messages) < messages:
                message, readings = next(side)
                truth.messages.append(message)
                for channel, reading in readings:
                    told[channel].append(reading)
    truth.readings = {name: sorted(rows, key=lambda r: r.time) for name, rows in told.items()}
    truth.totals = {name: _counted(name, truth.readings[name]) for name in _REGISTERS}
    return truth


_REGISTERS: dict[str, Callable[[], Register]] = {
    "main/energy": lambda: Register(99_950.0, 10, 300, 100_000.0),
    "hall/energy": lambda: Register(65_530.0, 100, 80, 65_536.0),
    "crane/energy": lambda: Register(4_294_967_200.0, 1, 7, 4_294_967_296.0),
    "gas/volume": lambda: Register(9_990.0, 100, 700, 10_000.0),
}


def _counted(name: str, readings: list[oracle.Reading]) -> float:
    """Return what a register counted from its first to its last reading, as its own ticks have it."""
    ticks = [reading.ticks for reading in readings if isinstance(reading, Counted)]
    return (ticks[-1] - ticks[0]) * METERS[name].ratio if ticks else 0.0


@dataclass
class Counted(oracle.Reading):
    """A register's reading that remembers how much the meter had really counted."""

    ticks: float = 0.0


Step = tuple[int, str, dict[str, oracle.Reading]]  # number, boot, readings by channel


def _steps(gateway: str, steps: int, chance: random.Random) -> Iterable[Step]:
    """Yield what a gateway reads, step by step.

    Some readings fail, the main meter is not read for 40 minutes, the gateway that counts the pump's pulses starts
    anew every half hour.
    """
    registers = {name: make() for name, make in _REGISTERS.items() if name in GATEWAYS[gateway]}
    values = {"oil/flow": 200.0, "heater/power": 80.0, "flue/flow": 12_000.0, "flue/co2": 9.0}
    pump, boot, hot = 400.0, f"{gateway}-1", False
    for number in range(steps):
        time = START + number * STEP
        found: dict[str, oracle.Reading] = {}
        if gateway == "meters" and number and number % 60 == 0:
            pump, boot = 0.0, f"{gateway}-{number // 60 + 1}"
        for name, register in registers.items():
            shown = register.run(1, chance)
            if not (name == "main/energy" and 8 <= number < 90) and chance.random() < 0.9:
                found[name] = Counted(time, shown, boot=boot, ticks=register.amount)
        if gateway == "meters":
            pump = round(pump + chance.randint(0, 50) / 10, 1)
            found["pump/energy"] = oracle.Reading(time, pump, boot=boot)
            if number % 30 == 0:
                found["office/energy"] = oracle.Reading(time, chance.randint(0, 400) / 10, boot=boot)
        for name in sorted(values.keys() & set(GATEWAYS[gateway])):
            value = round(values[name] * chance.uniform(0.7, 1.3), 3)
            silent = name == "oil/flow" and number % 100 in range(40, 66)
            if not silent and chance.random() < 0.95:
                found[name] = oracle.Reading(time, value, boot=boot)
        if gateway == "boiler" and chance.random() < 0.2:
            found["diesel/filled"] = oracle.Reading(time, chance.randint(1, 500) / 10, boot=boot)
        if gateway == "stack":
            hot ^= chance.random() < 0.15
            found["flue/temperature"] = oracle.Reading(time, 450.0 if hot else 300.0, boot=boot)
        yield number, boot, found


def _sent(
    truth: Truth, gateway: str, steps: Iterable[Step], chance: random.Random
) -> Iterable[tuple[Sent, list[tuple[str, oracle.Reading]]]]:
    """Yield messages with the readings that each tells: single, batch and columnar ones by turns."""
    sequence: dict[str, int] = {}
    waiting: list[tuple[str, oracle.Reading]] = []
    for _, boot, found in steps:
        if waiting and waiting[0][1].boot != boot:
            yield _message(gateway, sequence, waiting, "batch"), waiting
            waiting = []
        waiting = [*waiting, *found.items()]
        form = chance.choice(("single", "batch", "columnar", "later"))
        if form == "single":
            for one in waiting:
                yield _message(gateway, sequence, [one], form), [one]
        elif form != "later" and waiting:
            yield _message(gateway, sequence, waiting, form), waiting
        if form != "later":
            waiting = []


def _message(
    gateway: str, sequence: dict[str, int], told: list[tuple[str, oracle.Reading]], form: str
) -> Sent:
    boot = told[0][1].boot
    sequence[boot] = sequence.get(boot, 0) + 1
    head = {"boot": boot, "seq": sequence[boot]}
    if form == "columnar":
        body = head | _columnar(told)
    elif form == "batch":
        body = head | {"readings": [_reading(*one) for one in told]}
    else:
        body = head | _reading(*told[0])
    return Sent(f"sm/v1/{SITE}/{gateway}/readings", json.dumps(body).encode())


def _reading(channel: str, reading: oracle.Reading) -> dict[str, object]:
    stated: dict[str, object] = {
        "channel": channel, "time": rfc3339(reading.time), "value": reading.value, "unit": UNITS.get(channel, "kWh"),
    }  # fmt: skip
    return stated | ({"reset": True} if reading.reset else {})


def _columnar(told: list[tuple[str, oracle.Reading]]) -> dict[str, object]:
    times = sorted({reading.time for _, reading in told})
    columns: dict[str, dict[str, object]] = {}
    for channel, reading in told:
        column = columns.setdefault(
            channel, {"unit": UNITS.get(channel, "kWh"), "values": [None] * len(times)}
        )
        column["values"][times.index(reading.time)] = reading.value  # type: ignore[index]  # it is that list
    return {"time": [rfc3339(t) for t in times], "columns": columns}


def rfc3339(time: int) -> str:
    """Return a whole second as a gateway writes it."""
    return f"{datetime.fromtimestamp(time // SECOND, UTC):%Y-%m-%dT%H:%M:%S}Z"


def told_by(gateway: str, readings: Iterable[tuple[str, oracle.Reading]]) -> list[Sent]:
    """Return one message for each reading, numbered in each boot in the order given."""
    sequence: dict[str, int] = {}
    return [_message(gateway, sequence, [one], "single") for one in readings]


def muddled(messages: list[Sent], seed: int, *, repeated: float, moved: float) -> list[Sent]:
    """Return the messages with some sent twice and some out of order.

    The stack's stay in order, for its rule judges by what it knew when: its alerts are then known exactly.
    """
    chance = random.Random(seed)
    order = [
        (
            place + (chance.randint(1, 40) if chance.random() < moved and "/stack/" not in one.topic else 0),
            one,
        )
        for place, one in enumerate(messages)
    ]
    order += [
        (place + chance.randint(1, 60), one)
        for place, one in enumerate(messages)
        if chance.random() < repeated
    ]
    return [one for _, one in sorted(order, key=lambda pair: pair[0])]
