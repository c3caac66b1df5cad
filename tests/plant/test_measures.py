"""Measures of parks and facilities, as a configuration gives them."""

from pathlib import Path

import pytest

from plant.commitments import Effect, Measure, Quantity
from plant.configuration.load import load
from plant.documents.problems import ConfigurationError
from plant.park import Plant
from plant.periods import month_of
from tests.plant.catalogue import SmallCatalogue

PARK = """\
parks:
  - name: north
    title: North Park
    zone: Asia/Ho_Chi_Minh
    measures:
      - name: lamps
        title: {en: Street lamps}
        starts: 2026-01-01
        source: offer 3
        effect: {energy: mill/main, baseline: [2025-01, 2025-12], step: day}
    facilities:
      - name: mill
        title: The Mill
        measures:
          - name: recuperator
            title: {vi: Thu hồi nhiệt, en: Recuperator}
            starts: 2026-07-01
            expected: {t: 1200, kwh: 0}
            cost: 4500
            source: investment decision 7
            effect:
              energy: ladle/gas
              drivers: [product/billets, air]
              baseline: [2025-01, 2026-06]
              units: {product/billets: kg}
              non_routine: [hall]
              factor: gas
              ncv: 36
              limits: {cv_rmse: 0.2, steps: 15}
        gateways: [{name: g1}]
        channels:
          - {name: main, gateway: g1, kind: register, unit: kWh, quantity: electricity}
          - {name: ladle/gas, gateway: g1, kind: rate, unit: Nm3/h, quantity: gas}
          - {name: product/billets, gateway: g1, kind: event, unit: t, quantity: product}
          - {name: air, gateway: g1, kind: level, unit: °C, quantity: temperature}
          - {name: hall, kind: interval, unit: Nm3, quantity: gas, entered: true, min: -1e9}
        sources:
          - {name: grid, method: electricity-location, inputs: {energy: main}, factor: grid}
"""


def plant_of(directory: Path, park: str = PARK) -> Plant:
    (directory / "park.yaml").write_text(park, encoding="utf-8")
    return load(directory, SmallCatalogue(), {})


def test_they_are_read_with_their_channels_in_their_units(tmp_path: Path) -> None:
    plant = plant_of(tmp_path)
    lamps, recuperator = plant.measures
    zone = plant.parks[0].zone
    number = {one.name: one.index for one in plant.channels}

    assert recuperator == Measure(
        "north",
        "mill",
        "recuperator",
        ("Thu hồi nhiệt", "Recuperator"),
        "2026-07-01",
        month_of("2026-07", zone),
        "investment decision 7",
        expected_t=1200.0,
        expected_kwh=0.0,
        cost=4500.0,
        effect=Effect(
            Quantity(number["ladle/gas"], "ladle/gas", "Nm3"),
            (
                Quantity(number["product/billets"], "product/billets", "kg", 1000.0),
                Quantity(number["air"], "air", "°C"),
            ),
            start=month_of("2025-01", zone),
            end=month_of("2026-07", zone),
            step="month",
            factor="gas",
            per_energy=0.036,  # GJ of an Nm3
            steps=15,
            cv_rmse=0.2,
            t=2.0,
            non_routine=(Quantity(number["hall"], "hall", "Nm3"),),
        ),
    )
    assert (lamps.facility, lamps.title) == ("", ("Street lamps", "Street lamps"))
    assert lamps.effect is not None
    assert (lamps.effect.energy.name, lamps.effect.cv_rmse) == ("mill/main", 0.3)


def test_a_configuration_without_measures_keeps_its_name(tmp_path: Path) -> None:
    bare = PARK.replace(PARK[PARK.index("    measures:") : PARK.index("    facilities:")], "")
    bare = bare.replace(bare[bare.index("        measures:") : bare.index("        gateways:")], "")

    assert plant_of(tmp_path, bare).measures == ()
    assert plant_of(tmp_path, bare).hash != plant_of(tmp_path).hash
    assert plant_of(tmp_path).hash == plant_of(tmp_path).hash


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        ("energy: ladle/gas", "energy: ladle/gaz", "there is no channel ladle/gaz (did you mean ladle/gas?)"),
        ("energy: ladle/gas", "energy: steam", "there is no channel steam"),
        ("energy: mill/main", "energy: main", "there is no channel main"),
        ("product/billets, air]", "product/billets, airs]", "there is no channel airs (did you mean air?)"),
        ("product/billets, air]", "product/billets, product/billets]", "product/billets is named twice"),
        ("product/billets, air]", "product/billets, ladle/gas]", "ladle/gas is named twice"),
        ("energy: ladle/gas", "energy: air", "is named twice"),
        ("billets: kg}", "billets: m3}", "channel product/billets is not in m3: t is "),
        ("{product/billets: kg}", "{main: MWh}", "main is no channel of this effect"),
        ("[2025-01, 2026-06]", "[2026-04, 2026-06]", "has 3 steps, and 3 coefficients need more than that"),
        ("[2025-01, 2026-06]", "[2025-01, 2026-07]", "ends after the measure starts on 2026-07-01"),
        ("[2025-01, 2026-06]", "[2026-06, 2025-01]", "ends before it begins"),
        ("[2025-01, 2026-06]", "[2025-13, 2026-06]", "should be a month such as 2026-10"),
        ("non_routine: [hall]", "non_routine: [hal]", "there is no channel hal (did you mean hall?)"),
        ("non_routine: [hall]", "non_routine: [main]", "main is no amount that people enter"),
        ("unit: Nm3, quantity: gas", "unit: kg, quantity: product", "channel hall is not in Nm3"),
        ("starts: 2026-07-01", "starts: 2026-07", "a day is written like 2027-03-01"),
        ("factor: gas", "factor: gaz", "there is no factor gaz (did you mean gas?)"),
        ("              ncv: 36\n", "", "factor gas is per GJ, and channel ladle/gas is in Nm3: give ncv, the MJ of one Nm3"),
        ("            source: investment decision 7\n", "", "source"),
        ("name: lamps", "name: la mps", "should be a name"),
        ("step: day", "step: week", "is not 'month', 'day' or 'hour'"),
        ("limits: {cv_rmse: 0.2, steps: 15}", "limits: {cv_rmse: 0}", "greater than 0"),
        ("energy: mill/main", "energy: mill/ladle/gas", "channel ladle/gas tells the effect of another measure already"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_refused_with_its_place(tmp_path: Path, old: str, new: str, problem: str) -> None:
    assert PARK.count(old) == 1
    with pytest.raises(ConfigurationError) as refused:
        plant_of(tmp_path, PARK.replace(old, new))

    assert problem in str(refused.value)
    assert "park.yaml:" in str(refused.value)


def test_what_is_saved_is_an_amount(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="channel air is a level; what is saved is an amount"):
        plant_of(tmp_path, PARK.replace("energy: ladle/gas", "energy: air").replace(", air]", "]"))


def test_a_name_is_given_once(tmp_path: Path) -> None:
    lamps = PARK[PARK.index("      - name: lamps") : PARK.index("    facilities:")]
    with pytest.raises(ConfigurationError, match="lamps is declared twice"):
        plant_of(tmp_path, PARK.replace(lamps, lamps + lamps))
