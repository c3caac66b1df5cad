"""What the terminal says of indicators: unknown is not zero, and criteria are met, not met or unknown."""

import io

from rich.console import Console

from api.accounting.indicators import IndicatorsBody
from stackmeter.views import indicator_view

BODY = {
    "as_of": "2026-11-24T03:00:00Z",
    "places": [
        {
            "park": "nam", "facility": None, "period": {"from": "2026-10-31T17:00:00Z", "to": "2026-11-30T17:00:00Z"},
            "until": "2026-11-24T03:00:00Z",
            "water": {
                "fresh_m3": None, "inflow_m3": 120000.0, "reused_m3": 30000.0, "reuse_share": 0.25, "circulation_share": None,
                "coverage": 0.5,
            },
            "waste": {
                "streams": [{"channel": "w", "stream": "sludge", "treatment": "landfill", "t": 12.5, "coverage": 1.0}],
                "total_t": 12.5, "diverted_share": 0.0, "with_energy_share": 0.0, "landfill_share": 1.0, "coverage": 1.0,
            },
            "eco_park": {
                "row": "vn-eco-park/2022-07-15", "status": "provisional", "mark": "V2", "source": "a page", "facts": {},
                "criteria": [
                    {"criterion": "recp", "verdict": "not_met", "value": 0.18, "threshold": 0.2, "reason": None},
                    {"criterion": "links", "verdict": "unknown", "value": None, "threshold": 1.0, "reason": "nothing is known of links"},
                ],
            },
        }
    ],
}  # fmt: skip


def shown() -> str:
    page = io.StringIO()
    Console(file=page, width=140).print(indicator_view.indicators(IndicatorsBody.model_validate(BODY)))
    return "\n".join(" ".join(line.split()) for line in page.getvalue().splitlines())


def test_shares_are_in_percent_and_unknown_ones_are_not_zero() -> None:
    text = shown()

    assert "of the wastewater 25.0 %" in text
    assert "fresh water [m3] 0" not in text
    assert "sludge, landfill [t] 12.5" in text


def test_a_criterion_says_its_threshold_and_why_it_is_unknown() -> None:
    text = shown()

    assert "at least 20.0 %: not met" in text
    assert "at least 1: unknown, nothing is known of links" in text
    assert "vn-eco-park/2022-07-15 is provisional: a page" in text
