"""How the readings of a channel and a day are written as one block: columns of numbers that are small or alike, under zstd.

The same bits come back. A block names its channel, day and content, so that one that was altered, or lies where another
belongs, is known.
"""

import struct
from dataclasses import dataclass, fields
from functools import lru_cache

import numpy as np

from plant.arrays import Floats, Ints, Readings
from store.packed import Packer, unpack

MOST_DECIMALS = 6
KEPT_DECODED = 8  # blocks: several questions about one stretch follow each other
_HEAD = struct.Struct("<BBqqqqq")  # version, decimals of values, channel, start, count, low, high
_FIRST = struct.Struct("<qq")  # time of the first reading, unit of all steps in time
_HEADS = _HEAD.size + _FIRST.size + 5  # bytes before columns: of the block, and of each that says its width
_MOST_BYTES = 5 * 8 + 3  # of a reading
_VERSION = 1
_NOT_DECIMAL = 255
_EXACT = 2.0**53
_WIDTHS = (0, 1, 2, 4, 8)  # bytes of a number
_ONE = np.uint64(1)
_SMALL = ("quality", "flags", "verdict")
_NAMES = tuple(column.name for column in fields(Readings))


class BlockUnreadable(Exception):
    """A block is not what was written; the text says why."""


@dataclass(frozen=True, slots=True)
class ReadingBlock:
    """A row of `reading_block`: the readings of a channel (database id) on the UTC day from `start` on [ns UTC].

    `low` and `high` are the least and the greatest of their messages.
    """

    channel: int
    start: int
    count: int
    low: int
    high: int
    block: bytes


def encode(readings: Readings, start: int, packer: Packer) -> ReadingBlock:
    """Return readings of one channel and one day, at least one and by time, as a block."""
    named = (
        *(int(readings.channel[0]), start, len(readings)),
        *(int(readings.message.min()), int(readings.message.max())),
    )
    decimals, values = _decimals(readings.value)
    steps = np.diff(readings.time)
    unit = max(1, int(np.gcd.reduce(steps)))
    content = (
        _HEAD.pack(_VERSION, decimals, *named),
        _FIRST.pack(int(readings.time[0]), unit),
        _planes(_steps(steps // unit)),
        _planes(values),
        _planes(_steps(readings.message)),
        _planes(_steps(readings.boot.astype(np.int64))),
        _planes(_steps(readings.correction.astype(np.int64))),
        *(getattr(readings, name).tobytes() for name in _SMALL),
    )
    return ReadingBlock(*named, packer.pack(b"".join(content)))


@lru_cache(maxsize=KEPT_DECODED)
def decode(row: ReadingBlock) -> Readings:
    """Return the readings of a block, by time; their columns are not to be changed.

    Raises
    ------
    BlockUnreadable
        It is damaged, or it is not the block of that channel and day.
    """
    try:
        content = unpack(row.block, _HEADS + _MOST_BYTES * row.count)
        readings = _decoded(row, content)
    except (struct.error, ValueError, TypeError, OverflowError, LookupError) as error:
        raise BlockUnreadable(f"block cannot be read: {error}") from error
    for name in _NAMES:
        getattr(readings, name).flags.writeable = False
    return readings


def _decoded(row: ReadingBlock, content: bytes) -> Readings:
    version, decimals, *named = _HEAD.unpack_from(content)
    if version != _VERSION or named != [row.channel, row.start, row.count, row.low, row.high]:
        raise ValueError("it is of another channel or day, or has other readings, than its row says")
    first, unit = _FIRST.unpack_from(content, _HEAD.size)
    left, count = _Cursor(content, _HEAD.size + _FIRST.size), row.count
    time = np.empty(count, np.int64)
    time[0], time[1:] = first, left.sums(count - 1) * unit
    values = left.planes(count)
    message, boot, correction = (left.sums(count) for _ in range(3))
    quality, flags, verdict = (left.small(count) for _ in _SMALL)
    return Readings(
        channel=np.full(count, row.channel, np.int32),
        time=time.cumsum(),
        value=_floats(decimals, values),
        quality=quality,
        flags=flags,
        verdict=verdict,
        boot=boot.astype(np.int32),
        correction=correction.astype(np.int32),
        message=message,
    )


class _Cursor:
    """Where the next column begins."""

    def __init__(self, content: bytes, at: int) -> None:
        self._content, self._at = content, at

    def planes(self, count: int) -> Ints:
        """Return the next column of `_planes`."""
        width = self._content[self._at]
        found = self._bytes(1, width * count)
        if not width:
            return np.zeros(count, np.int64)
        column = np.ascontiguousarray(found.reshape(width, count).T).view(f"<u{width}").ravel()
        bits = column.astype(np.uint64)
        signed: Ints = (bits >> _ONE).view(np.int64) ^ -(bits & _ONE).view(np.int64)
        return signed

    def sums(self, count: int) -> Ints:
        """Return the column of which the next one says the steps."""
        steps = self.planes(count)
        return steps.cumsum() if steps.any() else steps

    def small(self, count: int) -> np.ndarray[tuple[int], np.dtype[np.uint8]]:
        """Return the next column of bytes."""
        return self._bytes(0, count)

    def _bytes(self, skip: int, length: int) -> np.ndarray[tuple[int], np.dtype[np.uint8]]:
        found = np.frombuffer(self._content, np.uint8, length, self._at + skip)
        self._at += skip + length
        return found


def _steps(column: Ints) -> Ints:
    """Return the first number of a column, and then how far each is from the one before."""
    return np.diff(column, prepend=np.int64(0))


def _planes(column: Ints) -> bytes:
    """Return a column as its width in bytes, then the lowest byte of each number, then the next: the sign is the lowest bit."""
    unsigned = ((column << 1) ^ (column >> 63)).view(np.uint64)
    most = int(unsigned.max(initial=0)).bit_length()
    width = next(width for width in _WIDTHS if most <= 8 * width)
    return bytes([width]) + unsigned.view(np.uint8).reshape(-1, 8)[:, :width].T.tobytes()


def _decimals(values: Floats) -> tuple[int, Ints]:
    """Return with how few decimals values can be written, and the steps between them without the point; else their bits."""
    for decimals in range(MOST_DECIMALS + 1):
        with np.errstate(over="ignore", invalid="ignore"):
            rounded = np.rint(values * 10.0**decimals)
        if not (np.abs(rounded) < _EXACT).all():
            break
        whole = rounded.astype(np.int64)  # which has no -0
        if ((whole / 10.0**decimals).view(np.int64) == values.view(np.int64)).all():
            return decimals, _steps(whole)
    return _NOT_DECIMAL, values.view(np.int64)


def _floats(decimals: int, column: Ints) -> Floats:
    if decimals == _NOT_DECIMAL:
        return column.view(np.float64)
    floats: Floats = column.cumsum() / 10.0**decimals
    return floats
