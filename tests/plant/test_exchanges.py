"""Exchanges as a configuration says them; what is refused is in cases/exchange-rules."""

import shutil
from pathlib import Path

import numpy as np
import pytest

from plant.configuration.load import Loaded, load_with_doubts
from plant.park import Plant
from rules.catalogue import load_catalogue
from rules.virtuals import values_at
from rules.windows import WindowValues

EXAMPLE = Path(__file__).parents[2] / "docs/examples/symbiosis"


def loaded(folder: Path, before: str = "", after: str = "") -> Loaded:
    """Load the example of docs/symbiosis.md with something in it put otherwise."""
    shutil.copytree(EXAMPLE, folder, dirs_exist_ok=True)
    park = folder / "park.yaml"
    text = park.read_text(encoding="utf-8")
    assert before in text
    park.write_text(text.replace(before, after) if before else text, encoding="utf-8")
    return load_with_doubts(folder, load_catalogue(folder), {})


def test_the_example_of_the_page_says_who_gives_what_to_whom(tmp_path: Path) -> None:
    found = loaded(tmp_path)
    slag, steam, _ = found.plant.exchanges

    assert found.doubts == ()
    assert (slag.type, slag.unit, slag.tolerance) == ("input-output", "t", 0.03)
    assert (slag.sent.facility, slag.received.facility) == ("mill", "cement")
    assert slag.avoided is not None
    assert (slag.avoided.amount, slag.avoided.co2e) == (0.9, 850)
    assert (steam.name, steam.avoided) == ("steam-cement", None)


def test_sides_in_other_units_are_told_in_that_of_what_is_sent(tmp_path: Path) -> None:
    kg = "entered: true, max: 100000}\n        sources:\n          - {name: steam, method: heat-purchased, inputs: {energy: steam}, factor: boilers-of-the-park, sold_by: boilers}\n      - name: cement"
    slag = loaded(tmp_path, "unit: t, quantity: slag, " + kg, "unit: kg, quantity: slag, " + kg)

    [one] = [one for one in slag.plant.exchanges if one.name == "slag"]
    assert one.unit == "kg"
    assert one.received.channels[0].scale == pytest.approx(1000.0)


def test_bought_heat_that_names_no_seller_is_doubted(tmp_path: Path) -> None:
    doubts = loaded(tmp_path, ", sold_by: boilers}\n      - name: cement", "}\n      - name: cement").doubts

    assert [one.message for one in doubts] == [
        "source nam-cau-kien/mill/steam takes it without sold_by: nam-cau-kien/boilers: a sum over both counts it twice"
    ]


def test_an_exchange_is_part_of_what_names_a_configuration(tmp_path: Path) -> None:
    with_it = loaded(tmp_path / "with").plant
    text = (EXAMPLE / "park.yaml").read_text(encoding="utf-8")
    part = text[text.index("    exchanges:") : text.index("    facilities:")]
    without = loaded(tmp_path / "without", part).plant

    assert without.exchanges == ()
    assert with_it.hash != without.hash


@pytest.mark.parametrize(
    ("delivered", "gas"), [((30.0, 10.0), (75.0, 25.0)), ((40.0, 0.0), (100.0, 0.0)), ((0.0, 0.0), None)]
)
def test_a_shared_boilers_gas_is_divided_by_delivered_heat(
    tmp_path: Path, delivered: tuple[float, float], gas: tuple[float, float] | None
) -> None:
    plant = loaded(tmp_path).plant
    given = {"gas": 100.0, "to_mill": delivered[0], "to_cement": delivered[1]}

    found = {name: divided(plant, name, given) for name in ("gas_mill", "gas_cement")}

    if gas is None:
        assert np.isnan(list(found.values())).all()
    else:
        assert (found["gas_mill"], found["gas_cement"]) == pytest.approx(gas)


def divided(plant: Plant, name: str, given: dict[str, float]) -> float:
    """Return a virtual channel of the boilers in one window."""
    own = sorted(
        (one.index, given[one.name])
        for one in plant.channels
        if one.facility == "boilers" and one.name in given
    )
    values = WindowValues(
        channel=np.array([index for index, _ in own]),
        window=np.full(len(own), 7),
        value=np.array([value for _, value in own]),
        measured=np.ones(len(own)),
        interpolated=np.zeros(len(own)),
    )
    [virtual] = [one for one in plant.virtuals if one.name == name]
    value, _, _ = values_at(np.array([virtual.index]), np.array([7]), values, {virtual.index: virtual})
    return float(value[0])
