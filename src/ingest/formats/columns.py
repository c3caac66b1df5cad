"""What every decoder fills: raw readings as columns, refusals, and what a message said of itself.

One `RawReadings` and one list of `Refusal` serve a whole micro-batch of messages; nothing here knows a format.
"""

from collections.abc import Callable
from dataclasses import dataclass, field

from plant.vocabulary import Code, Quality

MAX_SHOWN = 200  # characters of a refusal's path and of its detail
WHOLE_MESSAGE = -1  # item of a reading that is its message


@dataclass(slots=True)
class RawReadings:
    """Readings as they came, one entry a reading in each list, before units and channels are looked up.

    `message` is the position of a reading's message in the batch, `time` its text as it came, `value` finite
    (-0 and denormals are already 0.0), in `unit`. `item` is its place among the readings of its message, or
    `WHOLE_MESSAGE`. The sparse columns have a key only where the payload said something else than the default:
    `quality` other than good, `reset` true, `correction` other than 0, `stamped` a time as ns UTC (its text in
    `time` is then ""), `own_unit` a value in its channel's own unit (its `unit` is then ""). `columnar` holds the
    positions of messages in columnar form, and `paths` of those of other formats how to name a place, for `path_of`; `ahead` of those with readings
    that are not yet how far the last one is ahead [ns].
    """

    message: list[int] = field(default_factory=list)
    channel: list[str] = field(default_factory=list)
    time: list[str] = field(default_factory=list)
    value: list[float] = field(default_factory=list)
    unit: list[str] = field(default_factory=list)
    item: list[int] = field(default_factory=list)
    quality: dict[int, Quality] = field(default_factory=dict)
    reset: set[int] = field(default_factory=set)
    correction: dict[int, int] = field(default_factory=dict)
    stamped: dict[int, int] = field(default_factory=dict)
    own_unit: set[int] = field(default_factory=set)
    columnar: set[int] = field(default_factory=set)
    paths: dict[int, Callable[[int, str], str]] = field(default_factory=dict)
    ahead: dict[int, int] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.message)

    def roll_back(self, first: int) -> None:
        """Forget the readings from row `first` on."""
        for row in range(first, len(self)):
            self.quality.pop(row, None)
            self.reset.discard(row)
            self.correction.pop(row, None)
            self.stamped.pop(row, None)
            self.own_unit.discard(row)
        for column in (self.message, self.channel, self.time, self.value, self.unit, self.item):
            del column[first:]


@dataclass(slots=True)
class Refusal:
    """Why a reading, or a whole message (`path` is ""), does not count.

    `detail` says what was wrong, where, and what to send instead. Both texts are cut to `MAX_SHOWN`
    characters and free of control characters, so that they may be logged and stored as they are.
    """

    message: int
    code: Code
    path: str
    detail: str

    def __post_init__(self) -> None:
        self.path = shown(self.path, MAX_SHOWN)
        self.detail = shown(self.detail, MAX_SHOWN)


@dataclass(slots=True)
class Envelope:
    """What one message said of itself.

    Its readings are the rows `first` to `first + count` of the `RawReadings`; `refused` more of them were
    refused. Where `decoded` is false the payload could not be read at all and its readings are not known.
    `seq` is None where there is no valid one, or no valid `boot` that it could belong to.
    """

    boot: str | None
    seq: int | None
    first: int
    count: int
    decoded: bool
    refused: int


def path_of(raw: RawReadings, row: int, key: str = "") -> str:
    """Return where a reading, or its `channel`, `time`, `value` or `unit`, stands in its payload.

    A reading that is its message stands at "". In columnar form the readings of a column share its unit, and those
    of one row their time.
    """
    item = raw.item[row]
    if (path := raw.paths.get(raw.message[row])) is not None:
        return path(item, key)
    if item == WHOLE_MESSAGE:
        return key
    if raw.message[row] not in raw.columnar:
        return f"readings[{item}].{key}" if key else f"readings[{item}]"
    column = f"columns.{raw.channel[row]}"
    elsewhere = {"channel": column, "unit": f"{column}.unit", "time": f"time[{item}]"}
    return elsewhere.get(key, f"{column}.values[{item}]")


def shown(text: str, limit: int) -> str:
    """Return text fit for a log line: at most `limit` characters, whatever does not print escaped."""
    cut = text[: limit + 1]
    if not cut.isprintable():
        cut = "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in cut)
    return cut if len(cut) <= limit else cut[: limit - 1] + "…"
