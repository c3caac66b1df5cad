"""The mark of an amount that rests on a provisional factor, and the line that says which."""

import io
from datetime import UTC

from rich.console import Console

from api.models import BalancesBody, FactorUsedBody, OutcomesBody, ReadyBody, TotalBody
from stackmeter.client.calls import Overview
from stackmeter.views import view

AT = "2026-11-24T05:00:00Z"
OFFICIAL = FactorUsedBody(name="gas", row="gas/2006", status="official", mark="V2", co2e_t=1.0)
PROVISIONAL = FactorUsedBody(name="vn-grid", row="vn-grid/2024", status="provisional", mark="V2", co2e_t=2.0)
NOTHING = OutcomesBody.model_validate(dict.fromkeys(OutcomesBody.model_fields, 0))


def total(facility: str | None, tonnes: float, *factors: FactorUsedBody) -> TotalBody:
    values = dict.fromkeys(TotalBody.model_fields) | {
        "stale": [],
        "unheard": [],
        "now_unknown": [],
        "revision": 1,
    }
    given = {"park": "p", "facility": facility, "co2e_t": tonnes, "factors": list(factors)}
    return TotalBody.model_validate(values | given)


def shown(today: list[TotalBody], month: list[TotalBody]) -> list[str]:
    overview = Overview(
        url="http://x", as_of=AT, gwp="AR5", ready=ReadyBody(ready=True, reasons=[], degradations=[]),
        today=today, month=month, alerts=[],
        balance=BalancesBody(messages=NOTHING, readings=NOTHING, codes={}, gateways=[]),
    )  # fmt: skip
    page = io.StringIO()
    Console(file=page, width=120).print(view.tonnes(overview, UTC))
    return [line.rstrip() for line in page.getvalue().splitlines()]


def test_an_amount_on_a_provisional_factor_has_a_mark_and_so_has_its_park() -> None:
    mill = total("mill", 3.0, PROVISIONAL, OFFICIAL), total("mill", 9.0, PROVISIONAL)
    works = total("works", 1.0, OFFICIAL), total("works", 5.0, OFFICIAL)

    lines = shown([total(None, 99.0), mill[0], works[0]], [mill[1], works[1]])

    rows = {line.split()[0]: line.split() for line in lines if line.split()}
    assert rows["mill"][2:4] == ["3.000*", "9.000*"]
    assert rows["works"][2:4] == ["1.000", "5.000"]
    assert rows["p"][2:4] == ["4.000*", "14.000*"]
    assert lines[-1] == "* rests on provisional factors: vn-grid/2024"


def test_a_mark_is_of_its_own_period() -> None:
    rows = {
        line.split()[0]: line.split()
        for line in shown([total("mill", 3.0, OFFICIAL)], [total("mill", 9.0, PROVISIONAL)])
        if line.split()
    }

    assert rows["mill"][2:4] == ["3.000", "9.000*"]


def test_where_nothing_is_provisional_there_is_neither_mark_nor_line() -> None:
    assert "*" not in "\n".join(shown([total("mill", 3.0, OFFICIAL)], [total("mill", 9.0)]))
