"""What is told beside totals: scope 2 by the market, uncertainty, and the factors that a total rests on."""

import csv
import io
from dataclasses import replace
from math import hypot

import numpy as np
import pytest

from plant.commitments import Certificate, ResidualFactor
from plant.vocabulary import NS_PER_HOUR, Kind
from rules.catalogue import load_catalogue
from tests.api.conftest import Api
from tests.api.state import AS_OF, MIDNIGHT, TOKEN, State, channel, ns, plant, source, windows

FACTORS = """\
zone: Europe/Berlin
factors:
  - name: rhein-grid
    title: Electricity on the Rhine
    basis: electricity
    units: {co2: kg/kWh}
    rows:
      - {valid_from: 2026-01-01, values: {co2: 0.4}, uncertainty: {co2: [0.36, 0.42]}, source: letter, evidence: letter 7}
"""
GRID, BOILER, FOUNDRY, FURNACE, WORKS, SECOND, STACK = range(7)
MARCH, JUNE, NEXT_YEAR = (ns(f"{day}T00:00:00+07:00") for day in ("2026-03-05", "2026-06-05", "2027-01-01"))
ON_THE_RHINE = MIDNIGHT + 6 * NS_PER_HOUR
GAS = 2200 / 56100  # the larger half of 56,100 (54,300 to 58,300) kg/TJ


def certificate(mwh: float, year: int = 2026, retired: int | None = None, **changes) -> Certificate:
    return replace(Certificate(year, "contract", mwh * 1000, 0.0, retired, "contract"), **changes)


def built(directory, *, certificates=(), residual_factors=()):
    """Return an API over a plant of real methods; the mill has the certificates."""
    (directory / "factors.yaml").write_text(FACTORS, encoding="utf-8")
    base = plant()
    hp = "hai-phong"
    gas = {"scope": 1, "method": "fuel-energy", "factor": "ipcc-2006-natural-gas", "activity_unit": "GJ"}
    sources = (
        source(GRID, hp, "mill", "grid", [0], factor="vn-grid"),
        source(BOILER, hp, "mill", "boiler", [1], **gas, uncertainty=0.02),
        source(FOUNDRY, hp, "foundry", "grid", [2], factor="vn-grid", uncertainty=0.01),
        source(FURNACE, hp, "foundry", "furnace", [3], **gas, uncertainty=0.03),
        source(WORKS, "rhein", "works", "grid", [4], factor="rhein-grid", uncertainty=0.01),
        source(SECOND, hp, "mill", "grid-2", [6], factor="vn-grid"),
        source(STACK, hp, "foundry", "stack", [7], scope=1, method="fuel-carbon-content", uncertainty=0.05),
    )
    channels = (
        *base.channels,
        channel(6, hp, "mill", "mdb2", Kind.REGISTER),
        channel(7, hp, "foundry", "coal", Kind.RATE),
    )
    mill, *others = base.facilities
    mill = replace(mill, certificates=tuple(certificates), residual_factors=tuple(residual_factors))
    made = replace(base, sources=sources, channels=channels, facilities=(mill, *others))
    return Api(State(directory / "state.db", made), load_catalogue(directory))


@pytest.fixture
def make(tmp_path):
    made = []

    def make(**given):
        made.append(built(tmp_path, **given))
        return made[-1]

    yield make
    for api in made:
        api.reader.close()
        api.state.close()


def bought(api, index, start, mwh, count=60):
    """Let a source draw electricity for an hour from `start`, by the grid's 0.6592 t/MWh."""
    api.state.begins(index, start)
    api.state.windows(index, start, windows(count, 0.6592 * mwh / count, activity=1000 * mwh / count))


def asked(api, beside, **params):
    return api.get("/v1/totals", with_=beside, **params)["totals"]


def scope2(api, **params):
    [total] = asked(api, "scope2", **params)
    return total["scope2"]


# --- scope 2


def test_without_certificates_market_based_is_location_based_and_says_so(make):
    api = make()
    bought(api, GRID, MARCH, 6.0)

    found = scope2(api, facility="mill", period="2026")

    assert found == {
        "location_t": pytest.approx(3.9552, rel=1e-12), "market_t": found["location_t"], "matched_mwh": 0.0,
        "unmatched_mwh": pytest.approx(6.0, rel=1e-12), "certificates_mwh": 0.0, "residual_factor": None,
        "method_note": "electricity from the grid only; no certificates are configured, so market-based is "
        "location-based; no residual mix is known: what no certificate covers counts at the grid's average",
    }  # fmt: skip


def test_certificates_are_taken_off_and_the_total_stays_location_based(make):
    api = make(certificates=[certificate(2.5), certificate(1.0, co2=0.1)])
    bought(api, GRID, MARCH, 10.0)

    [total] = asked(api, "scope2", facility="mill", period="2026")

    assert total["co2e_t"] == total["scope2"]["location_t"] == pytest.approx(6.592, rel=1e-12)
    assert total["scope2"]["market_t"] == pytest.approx(6.5 * 0.6592 + 1.0 * 0.1, rel=1e-12)
    assert (total["scope2"]["matched_mwh"], total["scope2"]["unmatched_mwh"]) == pytest.approx((3.5, 6.5))
    assert total["scope2"]["certificates_mwh"] == 3.5


def test_the_parts_of_a_year_add_up_to_it(make):
    api = make(certificates=[certificate(4.0)])
    for start, mwh in ((MARCH, 1.0), (JUNE, 2.0), (MIDNIGHT, 5.0)):
        bought(api, GRID, start, mwh)

    whole = scope2(api, facility="mill", period="2026")
    months = [scope2(api, facility="mill", period=f"2026-{month:02}") for month in range(1, 13)]
    today = scope2(api, facility="mill", period="today")

    assert whole["market_t"] == pytest.approx(4.0 * 0.6592, rel=1e-12)
    for field in ("location_t", "market_t", "matched_mwh", "unmatched_mwh"):
        assert sum(month[field] or 0.0 for month in months) == pytest.approx(whole[field], rel=1e-12)
    assert today["matched_mwh"] == pytest.approx(5.0 * 4 / 8, rel=1e-12)


@pytest.mark.parametrize("mwh", [6.0, 6.1, 1e6])
def test_certificates_never_cover_more_than_was_consumed(make, mwh):
    api = make(certificates=[certificate(mwh), certificate(3.0)])
    bought(api, GRID, MARCH, 6.0)

    found = scope2(api, facility="mill", period="2026")

    assert (found["market_t"], found["unmatched_mwh"]) == (0.0, 0.0)
    assert found["matched_mwh"] == pytest.approx(6.0, rel=1e-12)


def test_a_facility_does_not_use_what_another_one_bought(make):
    api = make(certificates=[certificate(100.0)])
    bought(api, GRID, MARCH, 6.0)
    bought(api, FOUNDRY, MARCH, 2.0)

    mill, foundry, park = (
        scope2(api, period="2026", **where)
        for where in ({"facility": "mill"}, {"facility": "foundry"}, {"level": "park", "park": "hai-phong"})
    )

    assert (mill["market_t"], foundry["market_t"]) == (0.0, foundry["location_t"])
    assert park["market_t"] == foundry["market_t"] == pytest.approx(2 * 0.6592, rel=1e-12)
    assert park["location_t"] == pytest.approx(8 * 0.6592, rel=1e-12)


def test_a_source_gets_its_share_and_no_more_where_it_is_asked_for_alone(make):
    api = make(certificates=[certificate(3.0)])
    bought(api, GRID, MARCH, 6.0)
    bought(api, SECOND, MARCH, 2.0)

    first, second = (
        scope2(api, level="source", source=name, facility="mill", period="2026")
        for name in ("grid", "grid-2")
    )
    alone = scope2(api, source="grid-2", facility="mill", period="2026")

    assert (first["matched_mwh"], second["matched_mwh"]) == pytest.approx((2.25, 0.75), rel=1e-12)
    assert first["certificates_mwh"] is None
    assert alone["market_t"] == second["market_t"] == pytest.approx(1.25 * 0.6592, rel=1e-12)


def test_a_certificate_covers_nothing_before_it_is_retired(make):
    api = make(certificates=[certificate(3.0, kind="certificate", retired=AS_OF + 1)])
    bought(api, GRID, MARCH, 6.0)

    api.as_of = AS_OF + 1
    after = scope2(api, facility="mill", period="2026")
    api.as_of = AS_OF  # back, because what is shared for a second is not told of an earlier time
    before = scope2(api, facility="mill", period="2026")

    assert (before["matched_mwh"], before["certificates_mwh"]) == (0.0, 0.0)
    assert (after["matched_mwh"], after["certificates_mwh"]) == (pytest.approx(3.0), 3.0)


def test_a_certificate_is_of_one_calendar_year_of_the_parks_clock(make):
    api = make(certificates=[certificate(100.0)])
    bought(api, GRID, NEXT_YEAR - NS_PER_HOUR, 6.0)
    bought(api, GRID, NEXT_YEAR, 2.0)
    api.as_of = NEXT_YEAR + 2 * NS_PER_HOUR

    found = scope2(
        api, facility="mill", **{"from": "2026-12-31T23:30:00+07:00", "to": "2027-01-01T01:00:00+07:00"}
    )

    assert found["matched_mwh"] == pytest.approx(3.0, rel=1e-12)
    assert found["market_t"] == pytest.approx(2.0 * 0.6592, rel=1e-12)


def test_a_residual_mix_takes_the_place_of_the_grids_average(make):
    api = make(certificates=[certificate(2.0)], residual_factors=[ResidualFactor(2026, 0.75, "mix")])
    bought(api, GRID, MARCH, 6.0)

    found = scope2(api, facility="mill", period="2026")

    assert found["market_t"] == pytest.approx(4.0 * 0.75, rel=1e-12)
    assert found["residual_factor"] == 0.75
    assert "no residual mix" not in found["method_note"]


def test_what_is_unknown_is_null_and_what_draws_nothing_from_the_grid_has_no_scope_2(make):
    api = make(certificates=[certificate(2.0)])

    unknown = scope2(api, facility="mill", period="2026")
    boiler = scope2(api, level="source", source="boiler", period="2026")

    assert {unknown[name] for name in ("location_t", "market_t", "matched_mwh", "unmatched_mwh")} == {None}
    assert boiler is None


# --- uncertainty


def test_a_source_is_off_by_its_activity_and_its_factor(make):
    api = make()
    api.state.windows(BOILER, MIDNIGHT, windows(60, 1.0))

    [total] = asked(api, "uncertainty", level="source", source="boiler")

    width = hypot(0.02, GAS)
    assert total["uncertainty"] == pytest.approx(
        {"low_t": 60 * (1 - width), "high_t": 60 * (1 + width), "share": width, "covered_t": 60.0, "covered_share": 1.0}, rel=1e-12
    )  # fmt: skip


def test_sources_that_share_a_factor_are_off_by_it_together(make):
    api = make()
    api.state.windows(BOILER, MIDNIGHT, windows(60, 1.0))
    api.state.begins(FURNACE, MIDNIGHT)
    api.state.windows(FURNACE, MIDNIGHT, windows(30, 1.0))

    [total] = asked(api, "uncertainty", level="park", park="hai-phong")

    half = hypot(60 * 0.02, 30 * 0.03, 90 * GAS)
    assert total["uncertainty"]["high_t"] - 90 == pytest.approx(half, rel=1e-9)
    assert total["uncertainty"]["share"] == pytest.approx(half / 90, rel=1e-12)


def test_the_interval_is_of_the_tonnes_whose_uncertainty_is_known(make):
    """The grid's factor has none; nor have methane and nitrous oxide of gas."""
    api = make()
    bought(api, FOUNDRY, MIDNIGHT, 10.0)
    rows = windows(60, 1.0)
    rows[:, 3] = 0.5  # kg CH4, 14 kg CO2e
    rows[:, 0] += 0.014
    api.state.begins(FURNACE, MIDNIGHT)
    api.state.windows(FURNACE, MIDNIGHT, rows)

    [total] = asked(api, "uncertainty", facility="foundry")

    found = total["uncertainty"]
    assert found["covered_t"] == pytest.approx(60.0, rel=1e-12)
    assert found["covered_share"] == pytest.approx(60 / total["co2e_t"], rel=1e-12)
    assert found["low_t"] == pytest.approx(60 * (1 - hypot(0.03, GAS)), rel=1e-12)


def test_where_no_uncertainty_is_known_it_is_null_and_covers_nothing(make):
    api = make()
    bought(api, GRID, MIDNIGHT, 10.0)

    mill, foundry = (
        asked(api, "uncertainty", facility=name)[0]["uncertainty"] for name in ("mill", "foundry")
    )

    assert mill == {"low_t": None, "high_t": None, "share": None, "covered_t": 0.0, "covered_share": 0.0}
    assert foundry is None


def test_a_method_without_a_factor_is_off_by_what_its_source_says(make):
    api = make()
    api.state.windows(STACK, MIDNIGHT, windows(60, 1.0))

    [total] = asked(api, "uncertainty", level="source", source="stack")

    assert total["uncertainty"]["share"] == pytest.approx(0.05, rel=1e-12)


def test_an_own_factors_interval_counts_with_its_larger_half(make):
    api = make()
    api.state.windows(WORKS, ON_THE_RHINE, windows(60, 1.0))

    [total] = asked(api, "uncertainty", level="source", park="rhein")

    assert total["uncertainty"]["share"] == pytest.approx(hypot(0.01, 0.1), rel=1e-12)


# --- factors


def test_a_total_names_the_rows_it_rests_on_exactly_at_their_boundary(make):
    """The row of 2023 is the year's own, that of 2024 carries it forward: half an hour of each, told apart by minute."""
    api = make()
    new_year = ns("2024-01-01T00:00:00+07:00")
    api.state.begins(GRID, new_year - NS_PER_HOUR)
    api.state.windows(GRID, new_year - NS_PER_HOUR, windows(60, 0.001))
    api.state.windows(GRID, new_year, windows(60, 0.01))
    span = {"from": "2023-12-31T23:30:00+07:00", "to": "2024-01-01T00:01:00+07:00"}

    [total] = asked(api, "factors", level="source", source="grid", facility="mill", **span)

    assert total["factors"] == [
        {"name": "vn-grid", "row": "vn-grid/2023", "status": "official", "mark": "V2", "co2e_t": pytest.approx(0.03)},
        {"name": "vn-grid", "row": "vn-grid/2024", "status": "provisional", "mark": "V2", "co2e_t": 0.01},
    ]  # fmt: skip
    assert total["provisional_t"] == 0.01


def test_at_each_level_the_factors_are_those_of_what_is_below(make):
    api = make()
    bought(api, GRID, MIDNIGHT, 6.0)
    bought(api, FOUNDRY, MIDNIGHT, 2.0)
    api.state.windows(BOILER, MIDNIGHT, windows(60, 1.0))
    api.state.windows(STACK, MIDNIGHT, windows(60, 1.0))
    api.state.windows(WORKS, ON_THE_RHINE, windows(60, 1.0))

    [everything] = asked(api, "factors", level="all")
    mill = asked(api, "factors", facility="mill")[0]

    named = [(one["row"], one["status"], one["mark"]) for one in everything["factors"]]
    assert named == [
        ("ipcc-2006-natural-gas/2006", "official", "V2"),
        ("rhein-grid/2026", "own", None),
        ("vn-grid/2024", "provisional", "V2"),
    ]
    assert everything["provisional_t"] == pytest.approx(8 * 0.6592, rel=1e-12)
    assert sum(one["co2e_t"] for one in mill["factors"]) == pytest.approx(mill["co2e_t"], rel=1e-12)


def test_nothing_provisional_is_0_and_nothing_known_is_null(make):
    api = make()
    api.state.windows(BOILER, MIDNIGHT, windows(60, 1.0))

    boiler, furnace = (
        asked(api, "factors", level="source", source=name)[0] for name in ("boiler", "furnace")
    )

    assert boiler["provisional_t"] == 0.0
    assert (furnace["factors"], furnace["provisional_t"]) == ([], None)


# --- the question


def test_by_default_a_total_says_nothing_beside(make):
    [total] = make().get("/v1/totals", facility="mill")["totals"]

    assert {"scope2", "uncertainty", "factors", "provisional_t"}.isdisjoint(total)


def test_only_what_is_asked_for_is_told(make):
    [total] = asked(make(), "uncertainty,scope2", facility="mill")

    assert {"scope2", "uncertainty"} <= set(total)
    assert {"factors", "provisional_t"}.isdisjoint(total)


@pytest.mark.parametrize(
    ("text", "words"), [("scope", "did you mean scope2"), ("", "unknown"), ("factors,", "unknown")]
)
def test_an_unknown_word_is_refused(make, text, words):
    assert words in make().refused("/v1/totals", with_=text)["with"]


def test_without_a_catalogue_nothing_is_told_beside(api):
    assert "with" in api.refused("/v1/totals", with_="factors")


def test_what_is_told_beside_changes_no_figure_of_the_total(make):
    api = make(certificates=[certificate(3.0)])
    bought(api, GRID, MARCH, 6.0)
    api.state.windows(BOILER, MIDNIGHT, windows(60, 1.0) * np.pi)

    plain = api.get("/v1/totals", period="2026")["totals"]
    told = asked(api, "scope2,uncertainty,factors", period="2026")

    assert [{name: total[name] for name in plain[0]} for total in told] == plain


# --- as a table


def table(api, **params):
    headers = {"Authorization": f"Bearer {TOKEN}", "Accept": "text/csv"}
    answer = api.ask("/v1/totals", params=params, headers=headers)
    assert answer.status_code == 200, answer.text
    return list(csv.DictReader(io.StringIO(answer.text, newline="")))


def test_solid_b9_csv_has_all_that_with_asks_for(make):
    """Each number and word that JSON has beside a total stands in a cell; nothing is dropped without a word."""
    api = make(certificates=[certificate(1.0)])
    bought(api, GRID, MIDNIGHT, 10)
    bought(api, FOUNDRY, MIDNIGHT, 20)
    asked = {
        "period": "2026-11-24",
        "level": "facility",
        "with": "scope2,uncertainty,factors,budget,previous",
    }

    told = api.get("/v1/totals", **asked)["totals"]
    rows = table(api, **asked)

    assert len(rows) == len(told) == 3
    for row, one in zip(rows, told, strict=True):
        cells = set(row.values())
        for part in ("scope2", "uncertainty", "previous"):
            for field, value in (one[part] or {}).items():
                told = " ".join(value) if isinstance(value, list) else "" if value is None else str(value)
                assert told in cells, (part, field)
        for used in one["factors"]:
            assert f"{used['row']} ({used['status']}): {used['co2e_t']!r} t" in row["factors"]
        assert row["provisional [t]"] == str("" if one["provisional_t"] is None else one["provisional_t"])
    assert float(rows[1]["location [t]"]) == pytest.approx(6.592)
    assert float(rows[1]["market [t]"]) < 6.592
