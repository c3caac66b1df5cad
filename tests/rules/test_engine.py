"""Sources of one method run together; each is what it would be alone, whatever its factor and its neighbours."""

from collections.abc import Iterable
from dataclasses import fields, replace
from pathlib import Path
from types import MappingProxyType

import numpy as np
import pytest

from plant.configuration.load import load
from plant.park import Input, Source, Terms
from plant.vocabulary import Kind
from rules.catalogue import load_catalogue
from rules.engine import Engine
from rules.factors.gases import Gases
from rules.validity import LARGEST
from rules.windows import WindowValues
from tests.rules.test_windows_by_set import MINUTE, Identity, channel, plant_of

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


# --- terms that change on dates, on methods that a test can calculate in its head -------------------------------------------


class Scaled(Identity):
    """Each input times the parameter `k`, or its opposite; and a factor that is provisional wherever it is asked for."""

    methods = MappingProxyType({**Identity.methods, "opposite": Identity.methods["identity"]})

    def emissions(self, method):
        sign = -1 if method == "opposite" else 1
        return lambda inputs, _factor, given: Gases.co2_only(sign * inputs["x"] * given["k"], inputs["x"] * 0)

    def factor_at(self, name, _times):
        raise AssertionError(name)  # none of these methods takes any

    def provisional(self, name, start, end, window):
        yield start, end, f"{name} {window}"


def dated(*starts: int, k: float, index: int, factor: str = "") -> Source:
    """Return a source whose `k` grows by 1 at each of some minutes."""
    later = tuple(
        Terms(start * MINUTE, "identity", factor, (("k", k + n),)) for n, start in enumerate(starts, 1)
    )
    inputs = (Input("x", index, 2.0, 10.0),)
    return Source(
        index, "p", "f", f"s{index}", 1, "", "identity", factor, inputs, (("k", k),), "kWh", later=later
    )


def engine_of(*sources: Source) -> Engine:
    plant = plant_of([channel(one.index, Kind.INTERVAL) for one in sources])
    return Engine(replace(plant, sources=sources), Scaled())


def kg(engine: Engine, source: Iterable[int], window: Iterable[int], amount: float = 1.0) -> list[float]:
    """Return the CO2 of windows in which each channel has one amount."""
    pairs = sorted(set(zip(source, window, strict=True)))
    has, at = np.array(pairs, np.int64).T
    n = len(pairs)
    values = WindowValues(has, at, np.full(n, amount), np.ones(n), np.zeros(n))
    return engine.emissions(np.array(source), np.array(window), values).co2_kg.tolist()


def test_a_window_is_calculated_by_the_terms_in_force_when_it_begins() -> None:
    """Two sources with dates and one without, before 1970 and after; 12 is the amount in the unit of the method."""
    engine = engine_of(dated(5, 8, k=1.0, index=0), dated(k=100.0, index=1), dated(-3, k=50.0, index=2))

    assert kg(engine, [0] * 6, [-9, 4, 5, 7, 8, 900]) == [12, 12, 24, 24, 36, 36]
    assert kg(engine, [1, 1], [-9, 900]) == [1200, 1200]
    assert kg(engine, [2, 2, 2], [-4, -3, 900]) == [600, 612, 612]
    assert kg(engine, [2, 0, 1, 0], [-4, 8, 0, 4]) == [600, 36, 1200, 12]


def test_sources_of_several_methods_stand_in_the_order_in_which_they_were_asked_for() -> None:
    other = replace(dated(k=3.0, index=1), method="opposite")
    engine = engine_of(dated(5, k=1.0, index=0), other, dated(k=5.0, index=2))
    source, window = [2, 1, 0, 1, 0], [7, 4, 5, 9, 4]

    assert kg(engine, source, window) == [60, -36, 24, -36, 12]
    values = WindowValues(np.array([0, 1]), np.array([3, 3]), np.ones(2), np.ones(2), np.zeros(2))
    found = engine.emissions(np.array([1, 0]), np.array([3, 3]), values)
    assert (found.source.tolist(), found.window.tolist()) == ([1, 0], [3, 3])


def test_terms_that_begin_within_a_window_hold_from_the_next_one_on() -> None:
    one = dated(5, k=1.0, index=0)
    within = replace(one, later=(replace(one.later[0], start=5 * MINUTE + 1),))

    assert kg(engine_of(within), [0, 0, 0], [4, 5, 6]) == [12, 12, 24]


def test_inputs_that_are_given_are_calculated_by_the_terms_of_their_time() -> None:
    engine = engine_of(dated(5, k=1.0, index=0), dated(k=100.0, index=1))
    start = np.array([4, 5, 6]) * MINUTE + MINUTE - 1

    assert engine.of_inputs(0, start, {"x": np.array([1.0, 2.0, np.nan])})[:2].tolist() == [0.001, 0.004]
    assert np.isnan(engine.of_inputs(0, start, {"x": np.array([1.0, 2.0, np.nan])})[2])
    assert engine.of_inputs(1, start, {"x": np.array([1.0, 2.0, 3.0])}).tolist() == pytest.approx(
        [0.1, 0.2, 0.3]
    )


def test_a_row_too_large_to_be_added_is_unknown_and_its_neighbours_are_not() -> None:
    engine = engine_of(dated(k=1.0, index=0), dated(k=1.0, index=1))
    values = WindowValues(
        np.array([0, 1]), np.array([3, 3]), np.array([LARGEST, 1.0]), np.ones(2), np.zeros(2)
    )
    found = engine.emissions(np.array([0, 1]), np.array([3, 3]), values)
    assert kg(engine, [0], [3], LARGEST / 2) == [LARGEST]

    np.testing.assert_array_equal(found.co2_kg, [np.nan, 12.0])
    np.testing.assert_array_equal(found.activity, [np.nan, 12.0])
    assert found.measured.tolist() == [0.0, 1.0]


def test_the_provisional_parts_of_a_stretch_are_those_of_the_factor_of_each_time() -> None:
    one = dated(5, 8, k=1.0, index=0, factor="grid")
    parted = replace(one, later=(replace(one.later[0], factor=""), replace(one.later[1], factor="other")))
    engine = engine_of(parted)

    def parts(start: int, end: int) -> list[tuple[float, float, str]]:
        found = engine.provisional(parted, start * MINUTE, end * MINUTE)
        return [(low / MINUTE, high / MINUTE, name) for low, high, name in found]

    assert parts(2, 20) == [(2, 5, f"grid {MINUTE}"), (8, 20, f"other {MINUTE}")]
    assert parts(9, 10) == [(9, 10, f"other {MINUTE}")]
    assert parts(2, 4) == [(2, 4, f"grid {MINUTE}")]
    assert parts(5, 8) == []
