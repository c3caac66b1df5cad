"""Numbers that nobody can calculate with are unknown; none is moved to the nearest possible one."""

import numpy as np
import pytest

from rules.validity import LARGEST, bounded, not_negative, percent, positive

UNKNOWN = float("nan")


@pytest.mark.parametrize(
    ("of", "values", "expected"),
    [
        (
            bounded,
            [LARGEST, -LARGEST, 2 * LARGEST, -2 * LARGEST, np.inf, 0.0],
            [LARGEST, -LARGEST, *[UNKNOWN] * 3, 0.0],
        ),
        (percent, [0.0, 50.0, 100.0, 100.1, -0.1, 0.5], None),
        (positive, [1e-9, 0.0, -1.0, 7.0], [1e-9, UNKNOWN, UNKNOWN, 7.0]),
        (not_negative, [0.0, 1e-9, -1e-9, 7.0], [0.0, 1e-9, UNKNOWN, 7.0]),
    ],
)
def test_what_cannot_be_is_unknown_and_the_rest_is_as_it_was(of, values, expected) -> None:
    found = of(np.array(values))
    wanted = [0.0, 50.0, 100.0, UNKNOWN, UNKNOWN, 0.5] if expected is None else expected

    np.testing.assert_array_equal(found, wanted)
    assert np.isnan(of(np.array([UNKNOWN]))).all()
    np.testing.assert_array_equal([float(of(np.float64(one))) for one in values], wanted)
