"""CO2 of metered fuel by appendix G, against its definition."""

import numpy as np
import pytest

from rules.american.part75.appendix_g import g4_co2


def test_g4_gas_makes_the_tons_per_heat_input_of_case_d4() -> None:
    np.testing.assert_allclose(g4_co2(1.0, 1040.0), 0.0594286, atol=5e-8, rtol=0)


@pytest.mark.parametrize(("heat_input", "fc"), [(-1.0, 1040.0), (1.0, 0.0), (np.nan, 1040.0)])
def test_what_cannot_be_is_unknown(heat_input: float, fc: float) -> None:
    assert np.isnan(g4_co2(heat_input, fc))
