"""What the terminal says of totals that are not known from their period's beginning on, or lack sources now."""

import io
from datetime import UTC
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from rich.console import Console

from api.models import BalancesBody, OutcomesBody, ReadyBody, TotalBody
from stackmeter.client.calls import Overview
from stackmeter.views import view

AT = "2026-11-30T05:00:00Z"
NOTHING = OutcomesBody.model_validate(dict.fromkeys(OutcomesBody.model_fields, 0))
HAI_PHONG = ZoneInfo("Asia/Ho_Chi_Minh")


def total(facility: str | None, **given: Any) -> TotalBody:
    values = dict.fromkeys(TotalBody.model_fields) | {
        "stale": [],
        "unheard": [],
        "now_unknown": [],
        "revision": 1,
    }
    return TotalBody.model_validate(
        values | {"park": "p", "facility": facility, "co2e_t": 3.0, "coverage": 0.998} | given
    )


def overview(today: list[TotalBody], month: list[TotalBody]) -> Overview:
    return Overview(
        url="http://x", as_of=AT, gwp="AR5", ready=ReadyBody(ready=True, reasons=[], degradations=[]),
        today=today, month=month, alerts=[],
        balance=BalancesBody(messages=NOTHING, readings=NOTHING, codes={}, gateways=[]),
    )  # fmt: skip


def shown(seen: Overview) -> list[str]:
    page = io.StringIO()
    Console(file=page, width=80).print(view.tonnes(seen, HAI_PHONG))
    return [line.rstrip() for line in page.getvalue().splitlines()]


def test_solid_b3_the_table_says_from_when_on_a_month_and_a_day_are_known() -> None:
    today = [total(None), total("mill", known_from="2026-11-30T03:05:00Z")]
    month = [
        total("mill", known_from="2026-11-29T17:00:00Z"),
        total("works", known_from="2026-11-28T17:00:00Z"),
    ]

    lines = shown(overview(today, month))

    under_mill = lines[next(k for k, line in enumerate(lines) if line.strip().startswith("mill")) + 1]
    assert [one.strip() for one in under_mill.split("since")] == ["", "30 Nov", "10:05"]
    under_park = lines[next(k for k, line in enumerate(lines) if line.strip().startswith("p ")) + 1]
    assert under_park.strip() == "since 30 Nov", "the park's month is known since its last facility is"


def test_solid_b3_one_line_says_it_too() -> None:
    seen = overview(
        [total(None, known_from="2026-11-30T03:05:00Z")], [total("mill", known_from="2026-11-24T17:00:00Z")]
    )

    said = view.plain(seen, HAI_PHONG)

    assert "3.000 t this month since 25 Nov, 99.8 % covered since 10:05" in said


def test_solid_b3_sources_that_are_in_no_sum_are_named_and_many_are_counted() -> None:
    few, many = (["p/mill/grid"], [f"p/mill/{k}" for k in range(12)])

    assert shown(overview([total("mill")], [total("mill", unheard=few)]))[-1] == (
        "in no sum, because nothing was read of them: p/mill/grid"
    )
    assert "and 7 more" in " ".join(shown(overview([total("mill")], [total("mill", unheard=many)])))


@pytest.mark.parametrize(
    ("time", "text"),
    [(None, ""), (AT, "05:00"), ("2026-11-02T05:00:00Z", "2 Nov"), ("2025-11-30T05:00:00Z", "30 Nov 2025")],
)
def test_solid_b3_since_when_is_told_as_short_as_it_can_be(time: str | None, text: str) -> None:
    assert view.since(time, AT, UTC) == text


def test_solid_b2_the_table_says_how_many_sources_the_present_rate_lacks() -> None:
    today = [
        total(None, now_t_per_h=12.5, park=None),
        total("mill", now_t_per_h=12.5, now_unknown=[f"p/mill/{k}" for k in range(4)]),
        total("works", now_unknown=["p/works/grid"]),
    ]
    lines = [*shown(overview(today, [])), ""]

    rows = {
        line.split()[0]: (line.split(), lines[k + 1].split()) for k, line in enumerate(lines) if line.split()
    }
    assert (rows["mill"][0][1], rows["mill"][1]) == ("12.500", ["+4", "unknown"])
    assert (rows["works"][0][1], rows["works"][1]) == ("-", ["+1", "unknown"])
    assert (rows["all"][0][1], rows["all"][1]) == ("12.500", ["+5", "unknown"])
    assert view.plain(overview(today, []), UTC).startswith("12.500 t/h + 5 sources unknown, 6.000 t today")
