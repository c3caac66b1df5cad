"""What the terminal says of exchanges: both sides, whether they agree, and what is avoided, apart."""

import io
from typing import Any

from rich.console import Console

from api.accounting.exchanges import ExchangesBody
from stackmeter.views import exchange_view

SLAG: dict[str, Any] = {
    "park": "nam", "name": "slag", "title": "Slag", "type": "input-output",
    "period": {"from": "2026-10-31T17:00:00Z", "to": "2026-11-30T17:00:00Z"}, "until": "2026-11-30T17:00:00Z", "unit": "t",
    "sent": {"park": "nam", "facility": "mill", "channels": ["slag"], "amount": 1200.0, "coverage": 1.0},
    "received": {"park": "nam", "facility": "kiln", "channels": ["slag"], "amount": 1176.0, "coverage": 1.0},
    "difference": 24.0, "share": 0.02, "tolerance": 0.03, "is_imbalance": False, "coverage": 1.0, "reason": None,
    "avoided": {
        "reference": "clinker", "per_received": 0.9, "unit": "t", "amount": 1058.4, "kg_co2e_per_unit": 850.0,
        "avoided_t": 899.64, "source": "EPD, 2025",
    },
}  # fmt: skip
HIDDEN = {"park": "nam", "facility": "kiln", "channels": [], "amount": None, "coverage": None}
ANOTHERS = {"received": HIDDEN, "reason": "hidden", "avoided": None} | dict.fromkeys(
    ("difference", "share", "is_imbalance", "coverage")
)


def shown(**changes: Any) -> str:
    body = {"as_of": "2026-12-01T03:00:00Z", "exchanges": [SLAG | changes]}
    page = io.StringIO()
    Console(file=page, width=160).print(exchange_view.exchanges(ExchangesBody.model_validate(body)))
    return "\n".join(" ".join(line.split()) for line in page.getvalue().splitlines())


def test_both_sides_stand_beside_each_other_and_what_is_avoided_says_against_what() -> None:
    text = shown()

    assert "slag nam/mill nam/kiln 1,200 1,176 t 2.0 % 100.0 % within 3.0 % 899.640" in text
    assert "slag against clinker: EPD, 2025. In no total." in text
    assert "beyond 3.0 %" in shown(is_imbalance=True)


def test_anothers_side_is_not_told_and_what_is_unknown_is_no_zero() -> None:
    assert "slag nam/mill nam/kiln 1,200 - t - - a side is another's -" in shown(**ANOTHERS)
    assert "- - unknown 899.640" in shown(share=None, coverage=None, is_imbalance=None, reason="unknown")
