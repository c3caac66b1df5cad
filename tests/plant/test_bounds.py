"""What one absurd reading can do, and what cannot be below 0: told by `check`, with file and line."""

import json
import math
from pathlib import Path

import pytest
from typer.testing import CliRunner

from plant.configuration.bounds import is_never_negative
from plant.configuration.load import load_with_doubts
from plant.units import symbols, unit
from plant.vocabulary import Kind
from rules.catalogue import load_catalogue
from stackmeter.cli import app
from tests.frame.repository import ROOT

HEAD = """\
parks:
  - name: north
    title: North
    zone: Asia/Ho_Chi_Minh
    facilities:
      - name: mill
        title: Mill
        gateways: [{name: g}]
        points: points.csv
        channels:
          - {name: e, gateway: g, kind: register, unit: kWh, quantity: electricity, max_rate: 600}
"""
SOURCES = """\
        sources:
          - {name: grid, method: electricity-location, inputs: {energy: e}, factor: vn-grid}
"""
POINTS = """\
name,gateway,kind,unit,quantity,min,max,max_rate,period,signed
a/power,g,rate,kW,electricity,,,,,
b/power,g,rate,kW,electricity,,500,,,TRUE
c/power,g,rate,kW,electricity,-5,500,,,
d/energy,g,register,kWh,electricity,,,,,
f/energy,g,register,kWh,electricity,,,90,,
h/energy,g,interval,kWh,electricity,,90,,15min,false
i/oxygen,g,level,%,oxygen,,,,,
"""
EVENT = "          - {name: diesel, gateway: g, kind: event, unit: L, quantity: diesel}\n"


def written(folder: Path, *, channels: str = EVENT, points: str = POINTS) -> Path:
    (folder / "park.yaml").write_text(HEAD + channels + SOURCES)
    (folder / "points.csv").write_text(points)
    return folder


def test_solid_b1_check_names_every_amount_that_nothing_bounds(tmp_path: Path) -> None:
    result = CliRunner().invoke(app, ["check", str(written(tmp_path))])

    assert result.exit_code == 0
    warnings = [line.replace(f"{tmp_path}/", "") for line in result.stdout.splitlines()[1:]]
    assert warnings == [
        (
            "warning: park.yaml:12: parks[0].facilities[0].channels[1].max: diesel [L] has no max: one absurd reading is"
            " enough to spoil a year"
        ),
        "warning: points.csv:2: max: a/power [kW] has no max: one absurd reading is enough to spoil a year",
        "warning: points.csv:4: min: c/power has min -5 kW: say signed: true where it can be negative",
        (
            "warning: points.csv:5: max: d/energy [kWh] has no max_rate, nor max: one absurd reading is enough to spoil a"
            " year"
        ),
    ]


def test_solid_b1_programs_get_the_same_warnings(tmp_path: Path) -> None:
    result = CliRunner().invoke(app, ["check", str(written(tmp_path)), "--json"])

    told = json.loads(result.stdout)
    assert told["problems"] == []
    assert [(w["line"], w["path"].rpartition(".")[2]) for w in told["warnings"]] == [
        (12, "max"), (2, "max"), (4, "min"), (5, "max"),
    ]  # fmt: skip


def test_solid_b1_a_point_list_says_signed(tmp_path: Path) -> None:
    plant = load_with_doubts(written(tmp_path), load_catalogue(None), {}).plant

    least = {channel.name: channel.minimum for channel in plant.channels}
    assert math.isnan(least.pop("b/power"))
    assert least.pop("c/power") == -5
    assert set(least.values()) == {0.0}


@pytest.mark.parametrize("name", ["haiphong", "steel-2018"])
def test_solid_b1_the_examples_have_no_warnings(name: str) -> None:
    config = ROOT / "config" / name

    assert load_with_doubts(config, load_catalogue(config), {}).doubts == ()


def test_solid_b1_each_unit_is_on_one_side() -> None:
    """The table by dimension, as a reader would say it."""
    below = {s for s in symbols() if not is_never_negative(unit(s), Kind.LEVEL)}

    assert {unit(s).dimension for s in below} == {
        "reactive energy", "reactive energy/time", "length", "area", "gauge pressure", "temperature", "voltage", "current", "charge",
        "frequency", "acidity", "1", "Vietnamese dong",
    }  # fmt: skip
    assert {s for s in below if unit(s).dimension in ("temperature", "1")} == {"°C", "°F", "1"}
    assert not is_never_negative(unit("K/h"), Kind.RATE)
    assert not is_never_negative(unit("bar/h"), Kind.RATE)
    assert is_never_negative(unit("1"), Kind.EVENT)
    assert is_never_negative(unit("1/h"), Kind.RATE)
