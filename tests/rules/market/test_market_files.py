"""Market files: what ships, what is refused, and that no price of tomorrow counts today."""

from datetime import date
from pathlib import Path

import pytest

from plant.documents.documents import ConfigurationError
from rules.market.register import load_markets

OWN = """
zone: Asia/Ho_Chi_Minh
prices:
  - name: our-prices
    title: Trades that we have seen
    rows:
      - {valid_from: 2026-10-01, valid_to: 2026-12-02, price: 120000, source: trade, evidence: screen of the exchange}
      - {valid_from: 2026-12-02, price: 150000, source: trade, evidence: screen of the exchange}
markets:
  - name: our-market
    title: As our lawyer reads it
    prices: our-prices
    rows:
      - valid_from: 2025-01-01
        valid_to: 2027-01-01
        offset_share: 0.3
        share_of: inventory
        settled: yearly
        scopes: [1]
        last_trading_day: 2027-12-24
        surrender_by: 2027-12-31
        source: opinion of 3 November 2026
        evidence: opinion.pdf
"""
MORE = "".join(
    f"  - name: {name}\n    title: More\n    of: vn-ets\n"
    "    rows: [{valid_from: 2026-10-01, price: 1, source: trade, evidence: screen}]\n"
    for name in ("more", "most")
)


def test_what_ships_is_never_official_while_somebody_is_unsure():
    market = load_markets(None)["vn-ets"]
    [row] = market.rows

    assert row.status == "provisional"
    assert row.unsure == ["share_of", "settled", "scopes"]
    assert (row.offset_share, row.share_of, row.surrender_by) == (0.3, "allocated", date(2027, 12, 31))
    assert market.of_year(2025) == market.of_year(2026) == ("vn-ets/2025", row)
    assert market.of_year(2027) is None
    assert {one.status for one in market.prices.rows} == {"provisional"}


def test_a_price_of_tomorrow_is_not_used(tmp_path: Path):
    (tmp_path / "our.market.yaml").write_text(OWN)
    prices = load_markets(tmp_path)["our-market"].prices

    assert prices.at(date(2026, 9, 30)) is None
    assert [prices.at(date(2026, 12, day))[1].price for day in (1, 2)] == [120_000, 150_000]
    assert prices.at(date(2026, 12, 1))[0] == "our-prices/2026-10-01"


def test_a_shipped_market_goes_by_prices_of_ones_own(tmp_path: Path):
    (tmp_path / "our.market.yaml").write_text(
        OWN.replace("- name: our-prices", "- name: our-prices\n    of: vn-ets")
    )
    markets, shipped = load_markets(tmp_path), load_markets(None)["vn-ets"]

    assert markets["vn-ets"].prices == markets["our-market"].prices
    assert markets["vn-ets"].rows == shipped.rows
    assert shipped.prices.name == "vn-allowances"


@pytest.mark.parametrize(
    ("old", "new", "why"),
    [
        ("offset_share: 0.3", "offset_share: 1.3", "less than or equal to 1"),
        (
            "prices: our-prices\n",
            "prices: our-price\n",
            "there is no set of prices our-price .did you mean our-prices",
        ),
        ("valid_to: 2027-01-01", "valid_to: 2026-07-01", "is a 1 January"),
        ("surrender_by: 2027-12-31", "surrender_by: 2027-12-01", "is on the last trading day or after it"),
        ("evidence: opinion.pdf", "status: official", "mark is required|should be own|is required"),
        ("name: our-market", "name: vn-ets", "there is a market vn-ets already"),
        ("price: 150000", "price: 0", "greater than 0"),
        (
            "title: Trades",
            "of: vn-etts\n    title: Trades",
            "there is no market vn-etts .did you mean vn-ets",
        ),
        ("markets:\n", f"{MORE}markets:\n", "the market vn-ets goes by more already"),
    ],
)
def test_what_a_file_of_ones_own_says_wrong_is_refused(tmp_path: Path, old: str, new: str, why: str):
    (tmp_path / "market.yaml").write_text(OWN.replace(old, new))

    with pytest.raises(ConfigurationError, match=why):
        load_markets(tmp_path)


def test_what_is_unsure_is_not_official(tmp_path: Path):
    """Neither in a file that ships: the model refuses it."""
    text = OWN.replace(
        "evidence: opinion.pdf", "unsure: [scopes]\n        status: official\n        mark: V2"
    )
    (tmp_path / "market.yaml").write_text(text)

    with pytest.raises(ConfigurationError, match="is not official while scopes is unsure"):
        load_markets(tmp_path)
