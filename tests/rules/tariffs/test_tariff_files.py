"""Tariff files: what ships, what a configuration may add, and what is refused with file, line and key."""

from pathlib import Path

import pytest

from plant.documents.documents import ConfigurationError
from rules.tariffs.register import load_tariffs
from rules.tariffs.slots import minutes_of

GOOD = """\
zone: Asia/Ho_Chi_Minh
tariffs:
  - name: park-contract
    title: The park's own
    hours: vn-hours
    vat: vn-vat
    rows:
      - valid_from: 2026-01-01
        prices: {normal: 1700, low: 1100, peak: 3100}
        source: Contract of the park
        evidence: contract 7/2026
"""


def refused(directory: Path, text: str) -> list[str]:
    (directory / "park.tariffs.yaml").write_text(text, encoding="utf-8")
    with pytest.raises(ConfigurationError) as caught:
        load_tariffs(directory)
    return [str(problem).replace(f"{directory}/", "") for problem in caught.value.problems]


def test_what_is_not_settled_is_provisional() -> None:
    """Whether bills follow Decision 963, and whether Circular 15/2014 is in force; the rest was read."""
    register = load_tariffs(None)
    rows = [*register.hours["vn-hours"].rows.told, *register.reactive["vn-reactive"].rows.told]

    assert [(one.row, one.status) for one in rows if one] == [
        ("vn-hours/2025-05-10", "official"),
        ("vn-hours/2026-04-22", "provisional"),
        ("vn-reactive/2025-05-10", "provisional"),
    ]


def test_what_is_from_memory_is_not_official() -> None:
    register = load_tariffs(None)
    parts = [*register.hours.values(), *register.vat.values(), *register.reactive.values()]
    rows = [part.rows for part in parts] + [tariff.prices.rows for tariff in register.tariffs.values()]
    told = [one for row in rows for one in row.told if one]

    assert {one.mark for one in told if one.status == "official"} == {"V2"}
    assert all(one.source for one in told)


def test_a_configuration_has_tariffs_of_its_own_that_may_name_shipped_hours(tmp_path: Path) -> None:
    (tmp_path / "park.tariffs.yaml").write_text(GOOD, encoding="utf-8")

    register = load_tariffs(tmp_path)

    tariff = register.tariffs["park-contract"]
    assert tariff.hours is load_tariffs(None).hours["vn-hours"]
    assert tariff.prices.values[1].tolist() == [1700, 1100, 3100]
    assert (tariff.spec.has_reactive, tariff.spec.currency) == (False, "VND")
    assert "vn-manufacturing-6kv" in register.tariffs


@pytest.mark.parametrize(
    ("before", "after", "problem"),
    [
        (", peak: 3100", "", "park.tariffs.yaml:9: tariffs[0].rows[0].prices: has no price for peak, which vn-hours has hours of"),
        ("peak:", "dear: 1, peak:", "vn-hours has no slot dear; its slots are normal, low, peak"),
        ("hours: vn-hours", "hours: vn-hour", "tariffs[0].hours: there is no set of hours vn-hour (did you mean vn-hours?)"),
        ("vat: vn-vat", "vat: vat", "tariffs[0].vat: there is no tax vat"),
        ("        evidence: contract 7/2026\n", "", "evidence: is required"),
        ("        source: Con", "        status: official\n        mark: V\n        source: Con", "should be own, as all rows of a configuration are"),
        ("park-contract", "vn-manufacturing-6kv", "there is a tariff vn-manufacturing-6kv already: use another name"),
        ("tariffs:\n", "hours:\n  - name: mine\n    title: Mine\n    rows:\n      - {valid_from: 2026-01-01, slots: {low: [daily 22:00-04:00], peak: [Mon 03:00-05:00]}, source: s, evidence: e}\ntariffs:\n", "hours[0].rows[0].slots: peak Mon 03:00-05:00 overlaps other hours"),
        ("tariffs:\n", "hours:\n  - name: mine\n    title: Mine\n    rows:\n      - {valid_from: 2026-01-01, slots: {low: [Mon 22:00-04:00]}, source: s, evidence: e}\ntariffs:\n", "only daily hours run over midnight"),
        ("1700", "0", "should be greater than 0"),
    ],
)  # fmt: skip
def test_a_wrong_file_is_refused_where_it_is_wrong(
    tmp_path: Path, before: str, after: str, problem: str
) -> None:
    assert before in GOOD

    problems = refused(tmp_path, GOOD.replace(before, after, 1))

    assert len(problems) == 1
    assert problem in problems[0]


def test_percents_fall_with_cos_phi(tmp_path: Path) -> None:
    rising = """\
zone: Asia/Ho_Chi_Minh
reactive:
  - name: mine
    title: Mine
    rows:
      - {valid_from: 2026-01-01, from_kw: 40, least_cos_phi: 0.8, percents: [5, 6], below: 7, source: s, evidence: e}
"""

    assert "fall from below on" in refused(tmp_path, rising)[0]


@pytest.mark.parametrize(
    ("text", "stretches"),
    [
        ("Mon 09:30-11:30", [(0, 570, 690)]),
        ("Sat-Sun 23:00-24:00", [(5, 1380, 1440), (6, 1380, 1440)]),
        ("Sun-Mon 00:00-01:00", [(6, 0, 60), (0, 0, 60)]),
    ],
)
def test_hours_are_written_with_days(text: str, stretches: list[tuple[int, int, int]]) -> None:
    assert minutes_of(text) == stretches


@pytest.mark.parametrize(
    "text", ["09:30-11:30", "Mon 9:30-11:30", "Mon 09:60-11:30", "Mon 11:00-25:00", "Mon 10:00-10:00"]
)
def test_hours_that_are_no_hours_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match=text):
        minutes_of(text)
