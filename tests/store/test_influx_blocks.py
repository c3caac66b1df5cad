"""The binary columns of state.db come back as they went in."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from store import blocks
from store.packed import NoFrame

int32 = st.integers(-(2**31), 2**31 - 1)
int64 = st.integers(-(2**63), 2**63 - 1)
rows = st.lists(st.tuples(int32, int64, st.floats(), st.integers(0, 255)), max_size=20)


def test_windows_never_computed_have_unknown_amounts_and_no_share() -> None:
    block = blocks.empty(2)

    assert np.isnan(block[:, : len(blocks.AMOUNTS)]).all()
    assert (block[:, len(blocks.AMOUNTS) :] == 0).all()


def test_each_constant_is_the_place_of_its_field() -> None:
    for place, name in enumerate(blocks.FIELDS):
        assert getattr(blocks, name.upper()) == place


def test_a_block_comes_back_bit_for_bit_and_may_be_changed() -> None:
    block = np.random.default_rng(1).normal(size=(60, len(blocks.FIELDS)))
    block[3, 2] = np.nan

    back = blocks.from_bytes(blocks.to_bytes(block))

    assert back.tobytes() == block.tobytes()
    assert back.flags.writeable


def test_a_block_is_little_endian_rows() -> None:
    block = blocks.empty(1)
    block[0, blocks.CO2E_T] = 1.0

    assert blocks.to_bytes(block)[:8] == bytes.fromhex("000000000000f03f")


@pytest.mark.parametrize("shape", [(10,), (2, 9), (1, 2, 10)])
def test_another_shape_is_no_block(shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="a block is"):
        blocks.to_bytes(np.zeros(shape))


def test_a_cut_block_is_refused() -> None:
    with pytest.raises(NoFrame):
        blocks.from_bytes(blocks.to_bytes(blocks.empty(2))[:-1])


@given(rows)
def test_readings_come_back_bit_for_bit(columns: list[tuple[int, int, float, int]]) -> None:
    channel, time, value, quality = zip(*columns, strict=True) if columns else ((), (), (), ())
    given_columns = (
        np.array(channel, np.int32),
        np.array(time, np.int64),
        np.array(value, np.float64),
        np.array(quality, np.uint8),
    )

    back = blocks.unpack_readings(blocks.pack_readings(*given_columns))

    assert [c.tobytes() for c in back] == [c.tobytes() for c in given_columns]
    assert [c.dtype for c in back] == [c.dtype for c in given_columns]


def test_columns_of_different_lengths_are_refused() -> None:
    with pytest.raises(ValueError, match="different lengths"):
        blocks.pack_readings(
            np.zeros(2, np.int32), np.zeros(2, np.int64), np.zeros(1, np.float64), np.zeros(2, np.uint8)
        )


def test_a_cut_blob_of_readings_is_refused() -> None:
    with pytest.raises(ValueError, match="whole number of readings"):
        blocks.unpack_readings(bytes(20))


def test_coverage_is_all_that_is_not_missing() -> None:
    block = blocks.empty(2)
    block[0, [blocks.MEASURED, blocks.INTERPOLATED, blocks.SUBSTITUTED]] = 0.5, 0.25, 0.125

    np.testing.assert_array_equal(blocks.coverage(block), [0.875, 0.0])
