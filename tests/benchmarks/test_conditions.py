"""The benchmark of conditions: that it runs, and that it refuses to time what judges something else."""

from dataclasses import replace

import numpy as np
import pytest

from benchmarks import conditions as benchmark


def test_it_judges_every_channel_by_a_thousand_conditions() -> None:
    found = benchmark.measured(channels=2000, rounds=1)

    assert (found["channels"], found["conditions"]) == (2000, 1000)
    assert set(found) == {"channels", "conditions", "evaluations_per_s", "second_share", "all_s"}


def test_a_condition_that_is_true_of_others_ends_it() -> None:
    made = benchmark.judges(benchmark.plant_of(1000))
    frame = benchmark.Columns(np.full(1000, 99.0))
    benchmark.check(made, frame)

    made[0].condition = replace(made[0].condition, steps=made[0].condition.steps[:1])

    with pytest.raises(SystemExit, match="is not true of what it was made for"):
        benchmark.check(made, frame)
