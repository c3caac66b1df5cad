"""40 CFR 98.33: each equation written out."""

import numpy as np
import pytest

from rules.american import part98


def close(found: object, expected: object, rtol: float = 1e-12) -> None:
    np.testing.assert_allclose(found, expected, rtol=rtol, atol=0)


def test_case_d1_by_tier_4() -> None:
    close(part98.c6(12.0, 1e7), 62.16)
    close(part98.c7(part98.c6(12.0, 1e7), 8.0), 57.1872)


def test_tier_3_written_out() -> None:
    close(part98.c3(1000.0, 0.6), 44 / 12 * 1000 * 0.6 * 0.91)
    close(part98.c4(1000.0, 2.78), 44 / 12 * 1000 * 2.78 * 0.001)
    close(part98.c5(1e6, 0.74, 16.8), 44 / 12 * 1e6 * 0.74 * 16.8 / 849.5 * 0.001)
    close(part98.c5(1e6, 0.74, 16.8, 60), 44 / 12 * 1e6 * 0.74 * 16.8 / 836.6 * 0.001)


def test_the_molar_volumes_are_those_of_an_ideal_gas() -> None:
    for fahrenheit, volume in part98.MOLAR_VOLUME.items():
        kelvin = (fahrenheit + 459.67) / 1.8
        close(volume, 8.314462618 * kelvin / 101.325 / 0.3048**3, rtol=4e-4)


@pytest.mark.parametrize(
    "found",
    [
        part98.c1b(np.nan, 1.0),
        part98.c1b(-1.0, 1.0),
        part98.c3(1.0, 1.1),
        part98.c5(1.0, 0.5, 0.0),
        part98.c6(101.0, 1.0),
        part98.c7(1.0, 100.0),
    ],
)
def test_what_is_outside_the_validity_of_an_equation_is_unknown(found: np.ndarray) -> None:
    assert np.isnan(found)
