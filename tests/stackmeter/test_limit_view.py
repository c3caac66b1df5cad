"""What the terminal says of limits: the value against each, hours outside, and what is unknown or provisional."""

import io
from datetime import timedelta, timezone
from typing import Any

from rich.console import Console

from api.accounting.limits import LimitsBody
from stackmeter.views import limit_view

ROW = {
    "limit": "vn-19-2009-nox", "row": "vn-19-2009-nox/2010", "standing": "in_force", "standard": "QCVN 19:2009/BTNMT",
    "parameter": "NOx", "category": None, "low": None, "high": 765.0, "reference_oxygen": None, "from": "2009-12-31T17:00:00Z",
    "to": None, "status": "provisional", "mark": "M", "source": "from memory", "evidence": None, "value": 810.25,
    "value_at": "2026-11-24T02:00:00Z", "share": 1.06, "due": 552, "known": 550, "coverage": 550 / 552, "outside": 3,
}  # fmt: skip


def shown(*rows: dict[str, Any], width: int = 120) -> str:
    standard = {
        "park": "deep-c", "facility": "chemicals", "name": "nox", "channel": "stack/nox", "unit": "mg/Nm3@25C",
        "averaging": "hour", "period": {"from": "2026-10-31T17:00:00Z", "to": "2026-11-30T17:00:00Z"}, "not_running": 4,
        "limits": [ROW | row for row in rows],
    }  # fmt: skip
    body = LimitsBody.model_validate({"as_of": "2026-11-24T03:00:00Z", "standards": [standard]})
    page = io.StringIO()
    zone = timezone(timedelta(hours=7))
    Console(file=page, width=width).print(limit_view.limits(body, zone))
    return page.getvalue()


def test_a_line_has_the_value_the_limit_and_the_hours_outside() -> None:
    text = " ".join(shown({}).split())

    assert "810.25 765" in text
    assert "3 of 550 hours" in text
    assert "vn-19-2009-nox/2010 is provisional: from memory" in text


def test_what_is_unknown_is_not_zero() -> None:
    text = shown({"value": None, "outside": None, "known": 0, "coverage": 0.0})

    assert " 0 of" not in text
    assert "765" in text


def test_a_range_and_the_oxygen_of_a_limit_are_said() -> None:
    text = shown({"low": 6.0, "high": 9.0}, {"reference_oxygen": 7.0, "standing": "beside"})

    assert "6 to 9" in text
    assert "at 7 % oxygen" in text
    assert "judged beside" in text


def test_it_fits_a_narrow_terminal() -> None:
    assert max(map(len, shown({}, {}, width=60).splitlines())) <= 60
