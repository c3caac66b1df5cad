"""What a place is told by beside tonnes, as a configuration says it."""

from pathlib import Path

import pytest

from plant.configuration.load import load
from plant.documents.problems import ConfigurationError
from plant.park import Plant
from tests.plant.catalogue import SmallCatalogue

PARK = """\
parks:
  - name: north
    title: North Park
    zone: Asia/Ho_Chi_Minh
    indicators:
      water: {fresh: [mill/mains], inflow: [mill/inflow], reused: [mill/reused]}
      eco_park: {firms: mill/firms, land: mill/land}
    facilities:
      - name: mill
        title: The Mill
        gateways: [{name: g1}]
        channels:
          - {name: main, gateway: g1, kind: register, unit: kWh, quantity: electricity}
          - {name: mains, gateway: g1, kind: register, unit: m3, quantity: water}
          - {name: inflow, gateway: g1, kind: rate, unit: m3/h, quantity: water}
          - {name: reused, gateway: g1, kind: register, unit: L, quantity: water}
          - {name: scrap, entered: true, kind: interval, unit: kg, quantity: waste}
          - {name: firms, entered: true, kind: level, unit: "1", quantity: firms}
          - {name: cod, entered: true, kind: level, unit: mg/L, quantity: cod}
          - {name: land, entered: true, kind: level, unit: m2, quantity: area}
        virtual: [{name: cod_out, unit: kg, expr: inflow * cod}]
        sources:
          - {name: grid, method: electricity-location, inputs: {energy: main}, factor: grid}
        indicators:
          water: {inflow: [inflow], reused: [reused]}
          load: {cod_out: [cod_out]}
          waste:
            - {channel: scrap, stream: scrap, treatment: recycling}
"""


def loaded(folder: Path, text: str) -> Plant:
    (folder / "park.yaml").write_text(text, encoding="utf-8")
    return load(folder, SmallCatalogue(), {})


def test_a_park_names_channels_of_its_facilities_and_a_facility_its_own(tmp_path: Path) -> None:
    park, mill = loaded(tmp_path, PARK).indicators

    assert (park.facility, mill.facility) == ("", "mill")
    assert park.water is not None
    assert mill.water is not None
    assert [one.name for one in park.water["fresh"]] == ["mill/mains"]
    assert [(one.name, one.scale) for one in mill.water["reused"]] == [("reused", pytest.approx(0.001))]
    assert mill.water["fresh"] == ()
    assert mill.load is not None
    assert [(one.name, one.unit) for one in mill.load["cod_out"]] == [("cod_out", "kg")]
    assert mill.load["cod_in"] == ()
    assert [(one.amount.scale, one.stream, one.treatment) for one in mill.waste] == [
        (pytest.approx(0.001), "scrap", "recycling")
    ]
    assert park.facts is not None
    assert {name: one.unit for name, one in park.facts.items()} == {"firms": "1", "land": "m2"}


@pytest.mark.parametrize(
    ("before", "after", "problem"),
    [
        ("[mill/mains]", "[mains]", "indicators.water.fresh[0]: there is no channel mains"),
        ("[inflow]", "[land]", "indicators.water.inflow[0]: land is a level, no amount"),
        ("[cod_out]", "[inflow]", "indicators.load.cod_out[0]: inflow does not fit"),
        ("[cod_out]", "[cod_out, cod_out]", "indicators.load.cod_out: has a channel twice"),
        ("[inflow]", "[main]", "indicators.water.inflow[0]: main does not fit"),
        ("[inflow]", "[inflow, inflow]", "indicators.water.inflow: has a channel twice"),
        ("{inflow: [inflow], r", "{r", "indicators.water.reused: is a share of something"),
        ("firms: mill/firms", "firms: mill/main", "indicators.eco_park.firms: mill/main is an amount; this is true from a day on"),
        ("treatment: recycling", "treatment: burned", "indicators.waste[0].treatment: "),
        ("treatment: recycling}", "treatment: recycling}\n            - {channel: scrap, stream: more, treatment: reuse}", "indicators.waste[1].channel: scrap is a stream already"),
        ("          waste:\n", "          eco_park: {}\n          waste:\n", "indicators.eco_park: is for a park"),
    ],
)  # fmt: skip
def test_wrong_indicators_are_refused_where_they_are_wrong(
    tmp_path: Path, before: str, after: str, problem: str
) -> None:
    assert before in PARK

    with pytest.raises(ConfigurationError) as error:
        loaded(tmp_path, PARK.replace(before, after, 1))

    assert any(problem in f"{one.path}: {one.message}" for one in error.value.problems), error.value.problems
