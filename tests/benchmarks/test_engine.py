"""The benchmark of the core: that it runs, and that it refuses to time what computes something else."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from benchmarks import engine as benchmark
from plant.configuration.load import load
from rules.catalogue import load_catalogue
from rules.engine import Engine
from rules.pieces import ChannelColumns


def test_it_counts_all_readings_and_windows_of_every_cadence() -> None:
    found = benchmark.core(channels=30, hours=5, rounds=1)

    assert found["readings"] == 10 * 5 * (360 + 60 + 4)
    assert found["windows"] == 30 * 5 * 60
    assert set(found["readings_per_s_by_cadence"]) == {"10s", "60s", "900s"}


def test_an_activity_that_the_readings_were_not_made_of_ends_it(tmp_path: Path) -> None:
    catalogue = load_catalogue(None)
    plant = load(benchmark.configuration(tmp_path, 30), catalogue)
    work = list(benchmark.blocks(plant, 5))
    columns, engine = ChannelColumns.of(plant.channels), Engine(plant, catalogue)
    found = [benchmark.compute(block, columns, engine, plant.window) for block in work]
    benchmark._check(plant, work, found)

    wrong = [
        replace(found[0], activity=np.where(found[0].source == 0, 1.001, 1.0) * found[0].activity),
        *found[1:],
    ]

    with pytest.raises(SystemExit, match="does not give what its readings were made of"):
        benchmark._check(plant, work, wrong)
