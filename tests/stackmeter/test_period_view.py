"""What the terminal says of months: how well they are known, what they lack, and despite what they were closed."""

import io
from datetime import UTC
from typing import Any

from rich.console import Console

from api.accounting.periods import LackBody, PendingBody, PeriodsBody, PeriodStateBody
from plant.languages import Language
from reports.words import Words
from stackmeter.views import period_view
from store.messages.standing import Gate

NOW = "2026-12-03T05:00:00Z"


def month(**given: Any) -> PeriodStateBody:
    plain = {
        "park": "nam", "month": "2026-11", "status": "open", "reported_t": 413.0, "coverage": 0.998, "known_from": None,
        "unknown": [], "provisional_t": 0.0, "provisional_share": 0.0, "lacks": None, "closed_by": None, "despite": None,
        "overruled": [], "pending_restatement": None,
    }  # fmt: skip
    return PeriodStateBody.model_validate(plain | given)


def shown(*months: PeriodStateBody, width: int = 80, language: Language = "en") -> str:
    page = io.StringIO()
    Console(file=page, width=width).print(
        period_view.periods(PeriodsBody(periods=list(months)), NOW, UTC, Words(language))
    )
    return page.getvalue()


def test_solid_b4_coverage_and_the_provisional_share_stand_beside_the_tonnes() -> None:
    text = shown(month(known_from="2026-11-29T17:00:00Z", provisional_share=0.41203))

    row = next(line for line in text.splitlines() if "2026-11" in line)
    assert row.split()[-5:] == ["413.000", "99.8", "%", "41.3", "%"]
    assert "since 29 Nov" in text
    assert max(map(len, text.splitlines())) <= 80


def test_solid_b4_what_keeps_a_month_from_being_closed_is_said_with_what_to_do() -> None:
    lack = LackBody(
        gate=Gate.QUARANTINE,
        detail="3 of its messages are in quarantine: `stackmeter quarantine list` says why",
    )

    text = " ".join(shown(month(lacks=[lack]), month(month="2026-10", lacks=[])).split())

    assert (
        "nam 2026-11 cannot be closed yet, unless with --despite REASON: - 3 of its messages are in quarantine"
        in text
    )
    assert "nam 2026-10" not in text.partition("cannot be closed")[2]


def test_solid_b4_who_closed_it_and_despite_what_is_shown() -> None:
    given = {
        "status": "final",
        "closed_by": "lan",
        "despite": "letter [12]",
        "overruled": ["coverage", "provisional"],
    }

    text = " ".join(shown(month(**given), width=120).split())

    assert "closed by lan, though it lacked coverage, provisional: letter [12]" in text
    assert "closed by minh" in shown(month(status="final", closed_by="minh"))


def test_what_waits_is_said_with_what_it_takes() -> None:
    waits = PendingBody(
        reported_t=413.0, current_t=420.0, delta_t=7.0, windows=1200, regulated_delta_t=-1.5, regulated_hours=3,
        generation=17, needs_second=True, approved_by=None,
    )  # fmt: skip

    text = " ".join(shown(month(status="final", pending_restatement=waits), width=160).split())

    assert (
        "it would be 420.000 t (+7.000 t) in 1,200 windows, and -1.500 t in 3 regulated hours; generation 17"
        in text
    )
    assert "two must approve" in text
    text = " ".join(shown(month(status="final", pending_restatement=waits), width=160, language="vi").split())
    assert (
        "sẽ thành 420,000 t (+7,000 t) trong 1.200 khoảng tính, và -1,500 t trong 3 giờ theo quy định" in text
    )
    assert "đã chốt" in text


def test_what_is_unknown_is_a_dash() -> None:
    text = shown(month(reported_t=None, coverage=None, provisional_share=None))

    assert next(line for line in text.splitlines() if "2026-11" in line).split()[-3:] == ["-", "-", "-"]
