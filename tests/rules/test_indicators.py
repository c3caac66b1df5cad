"""Shares of water and waste, and the criteria of an eco-park: met, not met, or unknown and why."""

from datetime import date
from math import isnan, nan

import numpy as np
import pytest

from rules.indicators.criteria import CriteriaRow, in_force, judged, name_of, shipped_criteria
from rules.indicators.shares import waste_shares, water_shares
from rules.methods import wastewater_cod

PARK = {
    "firms": 60.0, "firms_recp": 13.0, "links": 3.0, "firms_in_links": 6.0, "land": 2_680_000.0, "green_and_infrastructure": 830_800.0,
}  # fmt: skip


def today() -> CriteriaRow:
    row = in_force(date(2026, 11, 24))
    assert row is not None
    return row


def test_r55b_shares_of_water() -> None:
    found = water_shares(fresh=180_000, inflow=120_000, reused=30_000)

    assert found.reuse == pytest.approx(0.25, abs=1e-12)
    assert found.circulation == pytest.approx(0.14285714285714285, abs=1e-12)


@pytest.mark.parametrize(
    ("fresh", "inflow", "reuse", "circulation"),
    [(nan, 4.0, 0.25, nan), (3.0, nan, nan, 0.25), (0.0, 0.0, nan, 1.0)],
)
def test_a_share_of_what_is_unknown_or_nothing_is_unknown(
    fresh: float, inflow: float, reuse: float, circulation: float
) -> None:
    found = water_shares(fresh, inflow, reused=1.0)

    assert [found.reuse, found.circulation] == pytest.approx([reuse, circulation], nan_ok=True)


def test_r56a_shares_of_waste() -> None:
    found = waste_shares(
        {
            "reuse": 1200,
            "recycling": 5400,
            "composting": 300,
            "energy": 800,
            "incineration": 0,
            "landfill": 300,
        }
    )

    assert found.total == 8000
    assert found.diverted == pytest.approx(0.8625, abs=1e-12)
    assert found.with_energy == pytest.approx(0.9625, abs=1e-12)
    assert found.landfill == pytest.approx(0.0375, abs=1e-12)


def test_one_unknown_treatment_makes_all_shares_unknown() -> None:
    found = waste_shares({"recycling": 5.0, "landfill": nan})

    assert all(isnan(one) for one in (found.total, found.diverted, found.with_energy, found.landfill))
    assert isnan(waste_shares({}).total)


def test_r56b_criteria_are_met_where_their_threshold_is_reached() -> None:
    found = {one.name: one for one in judged(today(), PARK)}

    assert found["recp"].value == pytest.approx(0.21666666666666667, abs=1e-9)
    assert found["linked_firms"].value == pytest.approx(0.1, abs=1e-9)
    assert found["land"].value == pytest.approx(0.31, abs=1e-9)
    assert {one.verdict for one in found.values()} == {"met"}


@pytest.mark.parametrize(
    ("change", "verdicts"),
    [
        ({"firms_recp": 11.0}, {"recp": "not_met"}),
        ({"links": 0.0, "firms_in_links": 0.0}, {"links": "not_met", "linked_firms": "not_met"}),
        ({"green_and_infrastructure": 600_000.0}, {"land": "not_met"}),
        ({"firms": nan}, {"recp": "unknown", "linked_firms": "unknown"}),
        ({"firms": 0.0}, {"recp": "unknown", "linked_firms": "unknown"}),
        ({"land": nan}, {"land": "unknown"}),
    ],
)
def test_criteria_that_are_not_met_or_unknown(change: dict[str, float], verdicts: dict[str, str]) -> None:
    found = {one.name: one.verdict for one in judged(today(), PARK | change)}

    assert found == dict.fromkeys(("recp", "links", "linked_firms", "land"), "met") | verdicts


def test_what_is_lacking_is_named() -> None:
    found = {one.name: one.lacks for one in judged(today(), {"firms": 60.0})}

    assert found == {
        "recp": ("firms_recp",), "links": ("links",), "linked_firms": ("firms_in_links",),
        "land": ("green_and_infrastructure", "land"),
    }  # fmt: skip


def test_criteria_have_dates_a_source_and_a_mark_and_none_is_official() -> None:
    for rows in shipped_criteria().values():
        assert all(row.source and row.mark in ("V2", "M") and row.status == "provisional" for row in rows)
    assert in_force(date(2018, 7, 9)) is None
    before = in_force(date(2022, 7, 14))
    assert before is not None
    assert name_of(before) == "vn-eco-park/2018-07-10"
    assert name_of(today()) == "vn-eco-park/2022-07-15"


def test_r55a_ch4_of_a_years_wastewater() -> None:
    """The published sheet of a university's green office: 0.2 kg CH4 for each kg COD, of 120 mg/L."""
    volume = np.array([58.4, 68.8, 129.6, 229.6, 74.4, 42.4, 38.4, 133.6])
    inputs = {"volume": volume, "cod": np.full(8, 0.12), "sludge": np.zeros(8)}
    factor = {"b0": np.full(8, 0.25), "mcf": np.full(8, 0.8)}

    ch4 = wastewater_cod.emissions(inputs, factor, {}).ch4_kg

    expected = [1.4016, 1.6512, 3.1104, 5.5104, 1.7856, 1.0176, 0.9216, 3.2064]
    np.testing.assert_allclose(ch4, expected, atol=1e-9)
    assert float(ch4.sum()) == pytest.approx(18.6048, abs=1e-9)
