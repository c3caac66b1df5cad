"""Sources of one method run together; each is what it would be alone, whatever its factor and its neighbours."""

from collections.abc import Iterable
from dataclasses import fields
from pathlib import Path

import numpy as np
import pytest

from plant.configuration.load import load
from rules.catalogue import load_catalogue
from rules.engine import Engine
from rules.windows import WindowValues

WINDOW = 1_690_000_000 // 60  # in 2023
FUELS = ("vn-2626-natural-gas", "vn-2626-biomass", "vn-2626-natural-gas")


@pytest.fixture
def engine(tmp_path: Path) -> Engine:
    """Return the engine of a plant whose three boilers have two factors."""
    (tmp_path / "points.csv").write_text(
        "name,gateway,kind,unit,quantity\n" + "".join(f"c{n},g,event,Nm3,gas_volume\n" for n in range(3))
    )
    sources = "".join(
        f"          - {{name: s{n}, method: fuel-gas-volume, factor: {fuel}, inputs: {{volume: c{n}}}, parameters: {{ncv: 36}}}}\n"
        for n, fuel in enumerate(FUELS)
    )
    (tmp_path / "plant.yaml").write_text(
        "parks:\n  - name: park\n    title: Park\n    zone: Asia/Ho_Chi_Minh\n    facilities:\n      - name: plant\n"
        "        title: Plant\n        gateways:\n          - name: g\n        points: points.csv\n"
        f"        sources:\n{sources}"
    )
    catalogue = load_catalogue(None)
    return Engine(load(tmp_path, catalogue), catalogue)


def rows(engine: Engine, source: Iterable[int], window: Iterable[int]) -> np.ndarray:
    """Return the columns of some rows; of the third source the second window is unknown."""
    values = WindowValues(
        channel=np.array([0, 0, 1, 1, 2]),
        window=WINDOW + np.array([0, 1, 0, 1, 0]),
        value=np.array([1.0, 2.0, 3.0, 4.0, 5.0]),
        measured=np.array([1.0, 0.5, 1.0, 0.25, 1.0]),
        interpolated=np.array([0.0, 0.5, 0.0, 0.0, 0.0]),
    )
    found = engine.emissions(np.array(source), WINDOW + np.array(window), values)
    return np.stack([getattr(found, field.name) for field in fields(found)])


def test_a_row_has_the_bits_that_it_has_alone(engine: Engine) -> None:
    source, window = [2, 0, 1, 2, 1, 0], [1, 1, 0, 0, 1, 0]

    together = rows(engine, source, window)

    alone = [rows(engine, [s], [w]) for s, w in zip(source, window, strict=True)]
    assert together.tobytes() == np.concatenate(alone, axis=1).tobytes()


def test_rows_of_two_factors_have_each_its_own(engine: Engine) -> None:
    fossil, biogenic = rows(engine, [0, 1, 2], [0, 0, 0])[3:5]

    assert (fossil > 0).tolist() == [True, False, True]
    assert (biogenic > 0).tolist() == [False, True, False]


def test_an_unknown_row_among_known_ones_is_nan_with_no_coverage(engine: Engine) -> None:
    unknown, known = rows(engine, [2, 2], [1, 0]).T

    assert np.isnan(unknown[2:8]).all()
    assert unknown[8:].tolist() == [0.0, 0.0, 0.0]
    assert not np.isnan(known).any()
