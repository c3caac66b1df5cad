"""What stacks and outfalls must keep, as a configuration says it: limits by name, the one in force, and its alerts."""

from math import isnan
from pathlib import Path

import pytest

from plant.clock import parse_instant
from plant.configuration.load import Loaded, load_with_doubts
from plant.documents.problems import ConfigurationError
from plant.vocabulary import FOREVER
from rules.catalogue import load_catalogue

PARK = """\
settings: {window: 60s}
parks:
  - name: north
    title: North Park
    zone: Asia/Ho_Chi_Minh
    facilities:
      - name: mill
        title: The Mill
        gateways: [{name: g1}]
        channels:
          - {name: stack/nox, gateway: g1, kind: level, unit: mg/Nm3, quantity: nox}
          - {name: stack/oxygen, gateway: g1, kind: level, unit: "%", quantity: oxygen}
          - {name: stack/flow, gateway: g1, kind: rate, unit: Nm3/h, quantity: stack-gas}
          - {name: out/ph, gateway: g1, kind: level, unit: pH, quantity: acidity}
          - {name: out/cod, gateway: g1, kind: level, unit: mg/L, quantity: cod}
          - {name: lab/cod, entered: true, kind: level, unit: mg/L, quantity: cod}
          - {name: main, gateway: g1, kind: register, unit: kWh, quantity: electricity, max_rate: 9}
        sources:
          - {name: grid, method: electricity-location, inputs: {energy: main}, factor: vn-grid}
        standards:
"""
NOX = """\
          - name: nox
            channel: stack/nox
            oxygen: stack/oxygen
            running: stack/flow
            running_above: 2000
            rows:
              - {limit: vn-19-2009-nox, column: B, size: 54314, zone: "3", to: 2030-01-01}
              - {limit: vn-19-2024-gas-turbine-nox, column: B, size: 250}
              - {limit: permit-nox}
"""
PERMIT = """\
zone: Asia/Ho_Chi_Minh
limits:
  - name: permit-nox
    title: NOx of the permit
    standard: Environmental licence 12/2026
    parameter: NOx
    medium: stack
    unit: mg/Nm3@25C
    reference_oxygen: 7
    averaging: hour
    rows:
      - {valid_from: 2026-01-01, valid_to: 2027-01-01, value: 300, source: licence, evidence: page 4}
"""
AT_0_DEGC = 298.15 / 273.15  # as much in a cubic metre of 0 degC as in one of 25 degC


def loaded(folder: Path, standards: str, permit: str = PERMIT) -> Loaded:
    (folder / "park.yaml").write_text(PARK + standards, encoding="utf-8")
    (folder / "own.limits.yaml").write_text(permit, encoding="utf-8")
    return load_with_doubts(folder, load_catalogue(folder), {})


def problems(folder: Path, standards: str, permit: str = PERMIT) -> list[str]:
    with pytest.raises(ConfigurationError) as error:
        loaded(folder, standards, permit)
    return [f"{one.path.rpartition('standards')[2]}: {one.message}" for one in error.value.problems]


def test_limits_are_in_the_unit_of_the_channel_and_hold_by_the_clock_of_the_park(tmp_path: Path) -> None:
    [standard] = loaded(tmp_path, NOX).plant.standards

    told = [(one.row, one.reference_oxygen, one.status) for one in standard.rows]
    assert [row for row, _, _ in told] == [
        "vn-19-2009-nox/2010", "vn-19-2009-nox/2025-07-01", "vn-19-2024-gas-turbine-nox/2025-07-01", "permit-nox/2026",
    ]  # fmt: skip
    assert [one.high / AT_0_DEGC for one in standard.rows] == pytest.approx([765, 765, 120, 300])
    assert standard.rows[1].end == parse_instant("2030-01-01T00:00:00+07:00")
    assert standard.rows[2].end == FOREVER
    assert [status for _, _, status in told] == ["provisional", "provisional", "official", "own"]


@pytest.mark.parametrize(
    ("day", "row"),
    [
        ("2009-12-31", None),
        ("2025-06-30", "vn-19-2009-nox/2010"),
        ("2025-12-31", "vn-19-2009-nox/2025-07-01"),
        ("2026-01-01", "permit-nox/2026"),
        ("2027-01-01", "vn-19-2009-nox/2025-07-01"),
        ("2030-01-01", "vn-19-2024-gas-turbine-nox/2025-07-01"),
    ],
)
def test_the_first_named_limit_is_in_force_and_a_permit_before_all(
    tmp_path: Path, day: str, row: str | None
) -> None:
    [standard] = loaded(tmp_path, NOX).plant.standards

    place = standard.in_force(parse_instant(f"{day}T00:00:00+07:00"))

    assert (standard.rows[place].row if place >= 0 else None) == row


def test_only_the_limit_in_force_makes_an_alert(tmp_path: Path) -> None:
    """Each rule of the library has the numbers of the days on which it is the one that judges."""
    conditions = {one.name: one for one in loaded(tmp_path, NOX).plant.conditions}

    assert set(conditions) == {"nox-hour", "nox-hour-corrected"}
    dated = {
        name: [
            (day, None if isnan(value) else round(value / AT_0_DEGC, 6))
            for day, value in dict(one.parameters)["limit"]
        ]
        for name, one in conditions.items()
    }
    assert dated["nox-hour"] == [
        ("2010-01-01", 765), ("2025-07-01", 765), ("2026-01-01", None), ("2027-01-01", 765), ("2030-01-01", None),
    ]  # fmt: skip
    assert dated["nox-hour-corrected"] == [
        ("2010-01-01", None), ("2025-07-01", None), ("2026-01-01", 300), ("2027-01-01", None), ("2030-01-01", 120),
    ]  # fmt: skip
    assert all(one.severity == "critical" for one in conditions.values())
    assert "hour_mean(channel('stack/oxygen')) < quantity(19.0, '%')" in conditions["nox-hour-corrected"].expr


def test_wastewater_is_judged_by_its_own_rules(tmp_path: Path) -> None:
    found = loaded(
        tmp_path,
        """\
          - {name: ph, channel: out/ph, rows: [{limit: vn-40-2011-ph, column: A}]}
          - name: cod
            channel: out/cod
            averaging: day
            severity: warning
            rows: [{limit: vn-40-2011-cod, column: A, coefficients: {kq: 0.9, kf: 1.0}}]
          - name: cod-hour
            channel: out/cod
            rows: [{limit: vn-40-2011-cod, column: A, coefficients: {kq: 0.9, kf: 1.0}}]
""",
    ).plant

    conditions = {one.name: one for one in found.conditions}
    assert set(conditions) == {"ph-range", "cod-day", "cod-hour-hour"}
    ends = [("2012-02-15", 6.0), ("2025-09-01", 6.0)]
    assert list(dict(conditions["ph-range"].parameters)["low"][:2]) == ends  # type: ignore[index]
    assert conditions["cod-day"].severity == "warning"
    assert "aeration" in conditions["cod-hour-hour"].first_action.en


def test_what_no_rule_can_judge_is_doubted_and_has_no_alert(tmp_path: Path) -> None:
    lab = "          - {name: lab, channel: lab/cod, rows: [{limit: vn-40-2011-cod, column: A, coefficients: {kq: 0.9, kf: 1.0}}]}\n"
    day = NOX.replace(
        "            running: stack/flow\n            running_above: 2000\n", "            averaging: day\n"
    )
    made = loaded(tmp_path, lab + day.replace("              - {limit: permit-nox}\n", ""))

    assert [one.message for one in made.doubts if "no alert is made" in one.message] == [
        "people enter this channel: no alert is made, GET /v1/limits tells it",
        "no alert is made of a day's mean at a reference oxygen: GET /v1/limits tells it",
    ]
    assert {one.name for one in made.plant.conditions} == {"nox-day"}


@pytest.mark.parametrize(
    ("before", "after", "problem"),
    [
        ("permit-nox", "permit-nx", "rows[2].limit: there is no limit permit-nx (did you mean permit-nox?)"),
        ("column: B, size: 54314, ", "size: 54314, ", "rows[0].column: is required by vn-19-2009-nox: A, B"),
        ("column: B, size: 250", "column: D, size: 250", "rows[1].column: is required by vn-19-2024-gas-turbine-nox: A, B, C"),
        (', zone: "3"', "", "rows[0].zone: is required by vn-19-2009-nox: 1, 2, 3, 4, 5"),
        (", size: 250", "", "rows[1].size: is required by vn-19-2024-gas-turbine-nox, in MW"),
        ("{limit: permit-nox}", "{limit: permit-nox, size: 3}", "rows[2].size: makes no difference"),
        ("{limit: permit-nox}", "{limit: permit-nox, zone: x}", "rows[2].zone: is not asked for by permit-nox: leave it out"),
        ("{limit: permit-nox}", "{limit: permit-nox, coefficients: {kq: 1.0}}", "rows[2].coefficients.kq: is not asked for by permit-nox"),
        ("{limit: permit-nox}", "{limit: permit-nox, from: 2028-01-01}", "rows[2].from: permit-nox holds on no day of these"),
        ("{limit: permit-nox}", "{limit: permit-nox, from: 2026-03-01, to: 2026-03-01}", "rows[2].to: is after from"),
        ("stack/nox", "stack/nix", "channel: there is no channel stack/nix (did you mean stack/nox?)"),
        ("stack/nox", "out/cod", "rows[0].limit: does not fit out/cod: "),
        ("stack/nox", "stack/flow", "channel: stack/flow is of kind rate, not level"),
        ("            oxygen: stack/oxygen\n", "", "oxygen: is required: permit-nox refers to 7 % oxygen; or say corrected: true"),
        ("oxygen: stack/oxygen", "oxygen: out/ph", "oxygen: out/ph is no channel of oxygen"),
        ("            running: ", "            corrected: true\n            running: ", "oxygen: is not needed where the readings are corrected"),
        ("            rows:", "            averaging: day\n            rows:", "averaging: permit-nox is over a mean of the hour"),
        ("running: stack/flow", "running: main", "running: main is of kind register, not level or rate"),
    ],
)  # fmt: skip
def test_a_wrong_standard_is_refused_where_it_is_wrong(
    tmp_path: Path, before: str, after: str, problem: str
) -> None:
    assert before in NOX

    assert any(problem in one for one in problems(tmp_path, NOX.replace(before, after, 1)))


def test_two_permits_at_once_are_refused(tmp_path: Path) -> None:
    second = PERMIT[PERMIT.index("  - name") :].replace("permit-nox", "permit-nox-b")

    [problem] = problems(tmp_path, NOX + "              - {limit: permit-nox-b}\n", PERMIT + second)

    assert (
        problem
        == "[0].rows: permit-nox/2026 and permit-nox-b/2026 are both the site's own and hold at once: end one by to"
    )


def test_an_alert_of_a_limit_has_a_name_of_its_own(tmp_path: Path) -> None:
    alert = (
        "alerts: [{name: nox-hour, use: stack-limit, match: {channel: stack/nox}, parameters: {limit: 3}}]\n"
    )
    (tmp_path / "alerts.yaml").write_text(alert, encoding="utf-8")

    [problem] = problems(tmp_path, NOX)

    assert "nox-hour is declared twice" in problem
