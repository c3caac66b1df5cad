"""The binary columns of state.db: an hour of a source's windows, and readings that wait for InfluxDB."""

import numpy as np
from numpy.typing import NDArray

from plant.arrays import Bytes, Floats, Times
from plant.vocabulary import NS_PER_HOUR
from store.packed import RowPacker, unpack_rows

FIELDS = (
    "co2e_t",
    "co2_kg",
    "co2_biogenic_kg",
    "ch4_kg",
    "n2o_kg",
    "activity",
    "measured",
    "interpolated",
    "substituted",
    "revision",
)
(
    CO2E_T,
    CO2_KG,
    CO2_BIOGENIC_KG,
    CH4_KG,
    N2O_KG,
    ACTIVITY,
    MEASURED,
    INTERPOLATED,
    SUBSTITUTED,
    REVISION,
) = range(len(FIELDS))
AMOUNTS = FIELDS[: ACTIVITY + 1]

_FLOAT = np.dtype("<f8")
_ROW = len(FIELDS) * _FLOAT.itemsize
_MOST_BYTES = 3600 * _ROW  # of an hour
# In SQL, whether the column block is an hour of windows as it is, uncompressed.
IS_HOUR = (
    f"typeof(block) = 'blob' AND coalesce(length(block) = (SELECT {_ROW * NS_PER_HOUR} / value FROM meta"
    f" WHERE key = 'window'), length(block) % {_ROW} = 0)"
)
_READING = 4 + 8 + 8 + 1  # bytes: channel_id, time, value, quality


def empty(windows: int) -> Floats:
    """Return windows that were never computed.

    Returns
    -------
    Floats
        [windows, fields]: amounts NaN, shares 0, revision 0.
    """
    block = np.zeros((windows, len(FIELDS)))
    block[:, : len(AMOUNTS)] = np.nan
    return block


def coverage(block: Floats) -> Floats:
    """Return the covered share of each row of a [..., fields] array: measured, interpolated or substituted."""
    shares: Floats = block[..., MEASURED] + block[..., INTERPOLATED] + block[..., SUBSTITUTED]
    return shares


def hour_packer() -> RowPacker:
    """Return what compresses the bytes of hours; for one thread."""
    return RowPacker(_ROW)


def to_bytes(block: Floats) -> bytes:
    """Return a [windows, fields] array as little-endian float64 in C order.

    Raises
    ------
    ValueError
        If the array has another shape.
    """
    if block.ndim != 2 or block.shape[1] != len(FIELDS):
        raise ValueError(f"a block is [windows, {len(FIELDS)}], not {list(block.shape)}")
    return block.astype(_FLOAT, order="C").tobytes()


def from_bytes(data: bytes) -> Floats:
    """Return the [windows, fields] array, writable, that `to_bytes` made `data` of, compressed or not.

    Raises
    ------
    ValueError
        If `data` is not a whole number of windows.
    """
    rows = unpack_rows(data, _ROW, _MOST_BYTES)
    return np.frombuffer(rows, _FLOAT).reshape(-1, len(FIELDS)).astype(np.float64)


def block_of(data: object, windows: int | None = None) -> Floats | None:
    """Return the [windows, fields] array of a stored block, None where it is no such block; `windows` None: of any length."""
    try:
        block = from_bytes(data) if isinstance(data, bytes) else None
    except ValueError:
        return None
    return block if block is not None and windows in {None, len(block)} else None


def pack_readings(channel_id: NDArray[np.int32], time: Times, value: Floats, quality: Bytes) -> bytes:
    """Return readings as the blob of `influx_reading`: one column after the other, little-endian.

    Parameters
    ----------
    channel_id
        The channel's id in state.db.
    time
        When it was read. [ns UTC]
    value
        In the channel's unit.
    quality
        As `plant.vocabulary.Quality`.

    Raises
    ------
    ValueError
        If the columns differ in length.
    """
    lengths = {len(channel_id), len(time), len(value), len(quality)}
    if len(lengths) != 1:
        raise ValueError(f"columns of different lengths: {sorted(lengths)}")
    columns = (channel_id.astype("<i4"), time.astype("<i8"), value.astype("<f8"), quality.astype("u1"))
    return b"".join(column.tobytes() for column in columns)


def unpack_readings(data: bytes) -> tuple[NDArray[np.int32], Times, Floats, Bytes]:
    """Return channel_id, time, value and quality of a blob of `pack_readings`.

    Raises
    ------
    ValueError
        If `data` is not a whole number of readings.
    """
    count, rest = divmod(len(data), _READING)
    if rest:
        raise ValueError(f"{len(data)} bytes are not a whole number of readings of {_READING} bytes")
    return (
        np.frombuffer(data, "<i4", count),
        np.frombuffer(data, "<i8", count, 4 * count),
        np.frombuffer(data, "<f8", count, 12 * count),
        np.frombuffer(data, "u1", count, 20 * count),
    )
