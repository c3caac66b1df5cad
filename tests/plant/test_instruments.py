"""Instruments, the market of a facility and its clean electricity, as a configuration gives them."""

from pathlib import Path

import pytest

from plant.commitments import CleanEnergy, Instrument, Quantity
from plant.configuration.load import load
from plant.documents.problems import ConfigurationError
from plant.park import Plant
from tests.plant.catalogue import SmallCatalogue

PARK = """\
parks:
  - name: north
    title: North Park
    zone: Asia/Ho_Chi_Minh
    instruments:
      - {name: irec, kind: energy-certificate, registry: I-REC, serials: true, technology: solar, expires: 2027-06-30}
    facilities:
      - name: mill
        title: The Mill
        market: pilot
        instruments:
          - {name: quota, kind: allowance, unit: t}
          - {name: ppa, kind: contract, title: Direct purchase, technology: wind, factor: 0.01}
        clean_energy: {load: main, generated: roof, exported: out, factor: grid}
        gateways: [{name: g1}]
        channels:
          - {name: main, gateway: g1, kind: register, unit: MWh, quantity: electricity}
          - {name: roof, gateway: g1, kind: rate, unit: kW, quantity: electricity}
          - {name: out, gateway: g1, kind: register, unit: kWh, quantity: electricity}
          - {name: air, gateway: g1, kind: level, unit: °C, quantity: temperature}
        sources:
          - {name: grid, method: electricity-location, inputs: {energy: main}, factor: grid}
"""


def plant_of(directory: Path, park: str = PARK) -> Plant:
    (directory / "park.yaml").write_text(park, encoding="utf-8")
    return load(directory, SmallCatalogue(), {})


def test_they_are_read_with_the_unit_of_their_kind(tmp_path: Path) -> None:
    plant = plant_of(tmp_path)
    [mill] = plant.facilities
    main, out, roof = (
        next(one.index for one in plant.channels if one.name == name) for name in ("main", "out", "roof")
    )

    assert plant.instruments == (
        Instrument("north", "", "irec", "energy-certificate", "irec", "MWh", "I-REC", serials=True, technology="solar", expires="2027-06-30"),
        Instrument("north", "mill", "ppa", "contract", "Direct purchase", "MWh", technology="wind", co2=0.01),
        Instrument("north", "mill", "quota", "allowance", "quota", "t"),
    )  # fmt: skip
    assert [one.id for one in plant.instruments] == ["north/irec", "north/mill/ppa", "north/mill/quota"]
    assert mill.market == "pilot"
    assert mill.clean_energy == CleanEnergy(
        Quantity(main, "main", "kWh", 1000.0),
        Quantity(roof, "roof", "kWh"),
        Quantity(out, "out", "kWh"),
        factor="grid",
    )


def test_a_configuration_without_them_keeps_its_name(tmp_path: Path) -> None:
    """Numbers that were published name the configuration that they came from."""
    lines = [
        line
        for line in PARK.splitlines(keepends=True)
        if not any(word in line for word in ("instruments", "kind: allow", "kind: energy-", "kind: contr", "market:", "clean_"))
    ]  # fmt: skip
    plain = plant_of(tmp_path, "".join(lines))

    assert plain.hash == "47e62ba370076b86189953e8613089a8b3f08a019dbe6da55a68e1237fa865e4"
    assert plain.hash != plant_of(tmp_path).hash


@pytest.mark.parametrize(
    ("old", "new", "why"),
    [
        ("market: pilot", "market: pilt", "there is no market pilt .did you mean pilot"),
        ("kind: allowance, unit: t", "kind: allowance, unit: MWh", "is t of kind allowance"),
        (
            "kind: allowance, unit: t",
            "kind: allowance, technology: wind",
            "is for energy certificates and contracts",
        ),
        ("kind: allowance, unit: t", "kind: quota", "kind"),
        ("kind: contract,", "kind: contract, serials: true,", "is not for kind contract"),
        ("name: ppa", "name: quota", "there is an instrument quota already|quota"),
        ("expires: 2027-06-30", "expires: 2027-06-31", "2027-06-31"),
        ("load: main", "load: mian", "there is no channel mian .did you mean main"),
        ("load: main", "load: air", "channel air is a level; energies are of amounts"),
        ("generated: roof, exported: out", "exported: out", "nothing here is clean"),
        ("generated: roof, exported: out", "delivered: roof, exported: out", "is of own generation"),
        (
            "factor: grid}\n        gateways",
            "factor: gas}\n        gateways",
            "factor gas is no factor of electricity",
        ),
        ("factor: grid}\n        gateways", "factor: gird}\n        gateways", "there is no factor gird"),
    ],
)
def test_what_makes_no_sense_is_refused(tmp_path: Path, old: str, new: str, why: str) -> None:
    assert old in PARK
    with pytest.raises(ConfigurationError, match=why):
        plant_of(tmp_path, PARK.replace(old, new, 1))
