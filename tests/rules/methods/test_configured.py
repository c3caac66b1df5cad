"""Every method as a source of a configuration: what the engine makes of its example's numbers is the example's result."""

from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from plant.configuration.load import load
from plant.vocabulary import NS_PER_S
from rules.catalogue import load_catalogue
from rules.engine import Engine
from rules.factors.factor_files import BASES
from rules.windows import WindowValues
from scripts import methods_page as made

METHODS = {module.SPEC.name: module for module in made.modules()}
WINDOW = 1_790_000_000 // 60


def configuration(folder: Path, module: ModuleType) -> Path:
    """Write a plant with one source of a method, and the factor of its example."""
    spec, example = module.SPEC, module.EXAMPLE
    points = [
        f"{role.name},g,{'level' if role.level else 'event'},{role.unit},{role.name}" for role in spec.roles
    ]
    (folder / "points.csv").write_text("\n".join(["name,gateway,kind,unit,quantity", *points, ""]))
    inputs = ", ".join(f"{role.name}: {role.name}" for role in spec.roles)
    source = f"name: it, method: {spec.name}, inputs: {{{inputs}}}"
    if example.parameters:
        source += f", parameters: {{{', '.join(f'{k}: {v}' for k, v in example.parameters.items())}}}"
    if example.factor:
        source += ", factor: own"
        values = {k: v for k, v in example.factor.items() if k != "co2_biogenic"}
        units = ", ".join(f"{name}: '{BASES[module.BASIS].units[name]}'" for name in values)
        if set(values) == {"co2"} and module.BASIS == "net-calorific":
            values, units = values | {"ch4": 1.0, "n2o": 1.0}, units + ", ch4: kg/GJ, n2o: kg/GJ"
        (folder / "factors.yaml").write_text(
            f"zone: Asia/Ho_Chi_Minh\nfactors:\n  - name: own\n    title: t\n    basis: {module.BASIS}\n    units: {{{units}}}\n"
            f"    rows:\n      - valid_from: 2020-01-01\n        values: {{{', '.join(f'{k}: {v}' for k, v in values.items())}}}\n"
            "        source: s\n        evidence: e\n"
        )
    (folder / "plant.yaml").write_text(
        "parks:\n  - name: park\n    title: Park\n    zone: Asia/Ho_Chi_Minh\n    facilities:\n      - name: plant\n"
        "        title: Plant\n        gateways:\n          - name: g\n        points: points.csv\n        sources:\n"
        f"          - {{{source}}}\n"
    )
    return folder


@pytest.mark.parametrize("name", METHODS)
def test_the_engine_gives_the_example(name: str, tmp_path: Path) -> None:
    module = METHODS[name]
    catalogue = load_catalogue(configuration(tmp_path, module))
    plant = load(tmp_path, catalogue)
    count = len(plant.channels)
    given = np.array([module.EXAMPLE.inputs[channel.name] for channel in plant.channels])
    assert plant.window == 60 * NS_PER_S
    values = WindowValues(np.arange(count), np.full(count, WINDOW), given, np.ones(count), np.zeros(count))

    found = Engine(plant, catalogue).emissions(np.zeros(1, np.int64), np.array([WINDOW]), values)

    expected = made.kilograms(made.gases_of(module))
    if made.CO2E in expected:
        np.testing.assert_allclose(found.co2e_t, [expected[made.CO2E] / 1000], rtol=1e-12)
    else:
        gases = [getattr(found, gas)[0] for gas in made.GASES]
        np.testing.assert_allclose(gases, list(expected.values()), rtol=1e-12)
    np.testing.assert_allclose(found.activity, [module.EXAMPLE.inputs[module.SPEC.activity]], rtol=1e-15)


def test_heat_and_power_of_one_plant_are_two_sources_of_the_same_channels(tmp_path: Path) -> None:
    """Neither counts the other's activity twice, and together they are the fuel."""
    folder = configuration(tmp_path, METHODS["chp-heat"])
    text = (folder / "plant.yaml").read_text()
    line = next(line for line in text.splitlines() if "name: it" in line)
    other = line.replace("name: it", "name: other").replace("chp-heat", "chp-electricity")
    (folder / "plant.yaml").write_text(f"{text}{other}\n")
    catalogue = load_catalogue(folder)
    plant = load(folder, catalogue)
    inputs = METHODS["chp-heat"].EXAMPLE.inputs
    given = np.array([inputs[channel.name] for channel in plant.channels])
    values = WindowValues(np.arange(3), np.full(3, WINDOW), given, np.ones(3), np.zeros(3))

    found = Engine(plant, catalogue).emissions(np.arange(2), np.full(2, WINDOW), values)

    np.testing.assert_allclose(found.co2_kg.sum(), 900 * 56.1, rtol=1e-14)
    assert sorted(found.activity.tolist()) == [300.0, 450.0]
