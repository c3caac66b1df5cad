"""Virtual channels and balances as the plant holds them."""

from pathlib import Path

import pytest

from plant.commitments import MeterBalance
from plant.configuration.load import load
from plant.configuration.virtuals import MOST_STOREYS
from plant.documents.problems import ConfigurationError
from plant.park import Input, Plant, Step
from tests.plant.catalogue import SmallCatalogue

PARK = """\
parks:
  - name: north
    title: North
    zone: Asia/Ho_Chi_Minh
    balances:
      - {name: power, title: Power of the park, main: mill/main, parts: [shop/meter, mill/line]}
    facilities:
      - name: mill
        title: Mill
        gateways: [{name: g1}]
        channels:
          - {name: main, gateway: g1, kind: register, unit: kWh, quantity: electricity}
          - {name: line, gateway: g1, kind: rate, unit: MW, quantity: electricity}
          - {name: share, gateway: g1, kind: level, unit: "1", quantity: share}
        virtual:
          - {name: z-mine, unit: MWh, expr: rest * share}
          - {name: rest, unit: kWh, expr: main - line}
        sources:
          - {name: mine, method: electricity-location, inputs: {energy: z-mine}, factor: grid}
      - name: shop
        title: Shop
        gateways: [{name: g1}]
        channels:
          - {name: meter, gateway: g1, kind: interval, unit: MWh, quantity: electricity, period: 15min}
          - {name: second, gateway: g1, kind: register, unit: kWh, quantity: electricity}
        balances:
          - {name: power, main: meter, parts: [second], tolerance: 0.5}
        virtual:
          - {name: double, unit: kWh, expr: 2 * meter}
        sources:
          - {name: all, method: electricity-location, inputs: {energy: meter}, factor: grid, sold_by: mill}
"""


def plant_of(folder: Path, text: str) -> Plant:
    (folder / "park.yaml").write_text(text, encoding="utf-8")
    return load(folder, SmallCatalogue(), {})


@pytest.fixture
def plant(tmp_path: Path) -> Plant:
    return plant_of(tmp_path, PARK)


def test_virtual_channels_are_numbered_behind_the_channels_of_all_facilities(plant: Plant) -> None:
    assert [one.name for one in plant.channels] == ["line", "main", "share", "meter", "second"]
    assert [(one.index, one.facility, one.name) for one in plant.virtuals] == [
        (5, "mill", "rest"),
        (6, "mill", "z-mine"),
        (7, "shop", "double"),
    ]


def test_a_rate_comes_as_its_integral_and_units_are_converted(plant: Plant) -> None:
    assert plant.virtuals[0].steps == (
        Step("channel", channel=1),
        Step("channel", channel=0),
        Step("number", 1000.0),
        Step("*"),
        Step("-"),
    )


def test_a_virtual_channel_may_stand_on_another_one(plant: Plant) -> None:
    mine = plant.virtuals[1]

    assert mine.steps[:2] == (Step("channel", channel=5), Step("channel", channel=2))
    assert plant.measured(mine.index) == (0, 1, 2)
    assert plant.measured(3) == (3,)


def test_a_source_takes_it_in_its_unit(plant: Plant) -> None:
    assert plant.sources[0].inputs == (Input("energy", channel=6, scale=1000.0),)


def test_a_balance_brings_its_parts_to_the_unit_of_the_main_meter(plant: Plant) -> None:
    assert plant.balances == (
        MeterBalance("north", "", "power", "Power of the park", 1, (3, 0), (1000.0, 1000.0), "kWh", 0.05),
        MeterBalance("north", "shop", "power", "power", 3, (4,), (0.001,), "MWh", 0.5),
    )


def test_a_seller_is_known_by_its_full_name(plant: Plant) -> None:
    assert [one.sold_by for one in plant.sources] == ["", "north/mill"]


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("main - line", "main - 2 * line"),
        ("unit: MWh, expr: rest", "unit: kWh, expr: rest"),
        ("expr: 2 * meter", "expr: 3 * meter"),
        ("parts: [shop/meter, mill/line]", "parts: [shop/meter]"),
        ("title: Power of the park, ", "tolerance: 0.04, "),
        (", sold_by: mill", ""),
    ],
)
def test_the_hash_covers_them(tmp_path: Path, old: str, new: str) -> None:
    assert old in PARK

    assert plant_of(tmp_path, PARK.replace(old, new)).hash != plant_of(tmp_path, PARK).hash


def test_blanks_and_the_order_of_declaration_do_not_count(tmp_path: Path) -> None:
    rest = "          - {name: rest, unit: kWh, expr: main - line}\n"
    other = PARK.replace(rest, "").replace(
        "          - {name: z-mine",
        rest.replace("main - line", "'main  -  line'") + "          - {name: z-mine",
    )
    assert other != PARK

    assert plant_of(tmp_path, other).hash == plant_of(tmp_path, PARK).hash


@pytest.mark.parametrize("formula", ["tank - oil", "tank + less"])
@pytest.mark.parametrize("amount", ["kind: register", "kind: interval, period: 15min", "kind: rate"])
def test_bc06_events_are_refused_in_a_difference_with_a_meter_of_any_kind(
    tmp_path: Path, amount: str, formula: str
) -> None:
    symbol = "L/h" if amount == "kind: rate" else "L"
    channels = f"""\
          - {{name: oil, gateway: g1, {amount}, unit: {symbol}, quantity: diesel}}
          - {{name: tank, gateway: g1, kind: event, unit: L, quantity: diesel}}
        virtual:
          - {{name: less, unit: L, expr: -oil}}
          - {{name: kept, unit: L, expr: {formula}}}
"""
    with pytest.raises(ConfigurationError) as error:
        plant_of(tmp_path, PARK.replace("        virtual:\n", channels, 1))

    [problem] = error.value.problems
    assert "tank comes at an instant and " in problem.message


def test_bc11_a_formula_of_a_megabyte_is_refused_and_not_repeated(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError) as error:
        plant_of(tmp_path, PARK.replace("expr: 2 * meter", "expr: meter" + " + meter" * 150_000))

    [problem] = error.value.problems
    assert problem.message.startswith("should have at most 1000 characters")
    assert len(str(problem)) < 500


def storeys(count: int) -> str:
    rows = ["          - {name: v1, unit: kWh, expr: meter}"]
    rows += [f"          - {{name: v{k}, unit: kWh, expr: v{k - 1} + v{k - 1}}}" for k in range(2, count + 1)]
    return PARK.replace("          - {name: double, unit: kWh, expr: 2 * meter}", "\n".join(rows))


def test_the_highest_tower_loads(tmp_path: Path) -> None:
    plant = plant_of(tmp_path, storeys(MOST_STOREYS))

    assert plant.measured(plant.virtuals[-1].index) == (3,)


@pytest.mark.parametrize("count", [MOST_STOREYS + 1, 600])
def test_a_higher_one_is_refused_once(tmp_path: Path, count: int) -> None:
    with pytest.raises(ConfigurationError) as error:
        plant_of(tmp_path, storeys(count))

    [problem] = error.value.problems
    assert problem.message == f"more than {MOST_STOREYS} virtual channels stand upon each other"
