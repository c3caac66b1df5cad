"""The alert position-short: told while allowances can still be bought, more urgent as the last trading day comes, and over when they were."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from alerts.tables.actions import AlertAction
from api.market.shortness import ShortTeller
from plant.alert_rules.rule_library import told_rules
from tests.api.test_market import CONFIG, GRANT, NOW, Market
from tests.semantics.world import ns


class Watched(Market):
    """A market in which somebody looks who is short."""

    def look(self, day: str) -> list[tuple[Any, ...]]:
        """Look on a day; return years, stage, severity and status of what was ever told, in order."""
        self.now = ns(f"{day}T09:00:00+07:00")

        def act(told: AlertAction) -> None:
            self.decide(told)  # type: ignore[arg-type]

        ShortTeller(self.reader, self.plant, self.catalogue, act, lambda: self.now).look()
        found = self.call("seer", "GET", "/v1/alerts").json()["alerts"]
        mine = [one for one in found if one["rule"] == "position-short"]
        return sorted((one["labels"]["before"], one["severity"], one["ended_at"] is not None) for one in mine)


@pytest.fixture
def market(tmp_path: Path) -> Iterator[Watched]:
    (tmp_path / "state").mkdir()
    one = Watched(tmp_path / "state", CONFIG, NOW)
    for name, role in (("lan", "operator"), ("minh", "approver"), ("seer", "viewer")):
        one.key(name, role)
    one.hand_in()
    yield one
    one.close()


def test_who_is_short_is_told_at_90_30_and_7_days_and_when_it_is_over(market: Watched) -> None:
    for year in (2025, 2026):
        market.consume(year, 1_000_000.0)
        market.moved(year=year)

    assert market.look("2027-09-24") == []  # 91 days before 24 December
    first = market.look("2027-09-25")
    assert first == [("90d", "info", False)]
    assert market.look("2027-09-26") == first  # and after a start: nothing twice
    assert market.look("2027-11-24") == [("30d", "warning", False), ("90d", "info", True)]
    assert market.look("2027-12-17")[-2:] == [("7d", "critical", False), ("90d", "info", True)]
    told = market.call("seer", "GET", "/v1/alerts").json()["alerts"][0]
    assert told["summary"] == "works is short of 196 t of allowances of 2025-2026"
    assert told["texts"]["summary"]["vi"] == "works thiếu 196 t hạn ngạch của 2025-2026"
    assert (
        told["description"]
        == "95 % interval: 196 to 196 t. Exposure: 26,068,000 VND. Last trading day: 2027-12-24, in 7 days."
    )
    assert "Phải chi: 26.068.000 VND. Ngày giao dịch cuối: 24/12/2027" in told["texts"]["description"]["vi"]
    written = told_rules()["position-short"].first_action
    assert told["texts"]["first_action"] == {"vi": written.vi, "en": written.en}

    market.moved(act="bought", amount=196.0, day="2027-12-17", year=2026)
    assert market.look("2027-12-18")[1] == ("7d", "critical", True)


def test_what_nobody_knows_begins_nothing_and_ends_nothing(market: Watched) -> None:
    market.consume(2025, 1_000_000.0)
    number = market.moved(**GRANT)
    assert market.look("2027-12-20") == []  # 2026 has no grant

    market.consume(2026, 1_000_000.0)
    market.moved(year=2026)
    assert market.look("2027-12-20") == [("7d", "critical", False)]
    market.settle("minh", number, "strike", reason="it was of another works")
    assert market.look("2027-12-21") == [("7d", "critical", False)]
    assert market.look("2028-01-01") == [("7d", "critical", True)]  # surrendered, or not
