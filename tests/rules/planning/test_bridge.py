"""Bridges from year to year: the golden case, and that nothing is left over."""

import json
import math
from pathlib import Path

import numpy as np
import pytest

from rules.planning.bridge import effects

GOLDEN = json.loads(Path(__file__).with_name("golden.json").read_text(encoding="utf-8"))


def test_r50d_what_moved_the_tonnes():
    given, expected = (GOLDEN["R50d"][name] for name in ("inputs", "expected"))

    def near(value):
        return pytest.approx(value, rel=0, abs=1e-9)

    base, now = (
        [given[year][name] for name in ("output", "energy_per_output", "factor")] for year in ("base", "now")
    )
    found = effects(base, now)

    assert (math.prod(base), math.prod(now)) == near((expected["base_t"], expected["now_t"]))
    assert found == near(
        [expected[name] for name in ("output_effect_t", "intensity_effect_t", "factor_effect_t")]
    )
    assert sum(found) == near(expected["sum_t"])


def test_a_bridge_closes_over_ten_thousand_random_years():
    chance = np.random.default_rng(50)
    base = 10.0 ** chance.uniform(-3, 4, (10_000, 3))
    now = base * 10.0 ** (chance.uniform(-1, 1, (10_000, 3)) * 10.0 ** chance.integers(-12, 1, (10_000, 1)))
    for some in (base, now):
        some[chance.uniform(size=some.shape) < 0.02] = 0.0
    for x0, x1 in zip(base.tolist(), now.tolist(), strict=True):
        before, after = math.prod(x0), math.prod(x1)
        assert sum(effects(x0, x1)) - (after - before) == pytest.approx(
            0, abs=1e-9 * max(before, after, 1e-300)
        )


def test_a_term_that_was_zero_has_the_limit_of_what_is_nearly_zero():
    exact = effects([0.0, 5.0, 0.7], [110.0, 4.5, 0.65])
    nearly = effects([1e-300, 5.0, 0.7], [110.0, 4.5, 0.65])

    assert exact == [110 * 4.5 * 0.65, 0, 0]
    assert nearly == pytest.approx(exact, abs=0.1)
    assert effects([1.0, 2.0], [0.0, 0.0]) == [-1.0, -1.0]
    assert effects([0.0, 2.0], [0.0, 3.0]) == [0.0, 0.0]


@pytest.mark.parametrize("term", [-1.0, math.nan, math.inf])
def test_what_has_no_logarithm_is_refused(term):
    with pytest.raises(ValueError, match="below 0 or unknown"):
        effects([1.0, 2.0], [1.0, term])
