"""The carbon market by the API: movements of who may, positions with what is known, and no tenant's at another's."""

import csv
import json
from collections.abc import Iterator
from pathlib import Path
from shutil import copytree
from typing import Any

import pytest

from store.accounting.closing import Decision
from store.kept_files import digest_of
from store.records.decisions import Entered, RecordDecision
from tests.api.test_records import PDF, Office
from tests.semantics.test_9_movements import CONFIG
from tests.semantics.world import HOUR, ns, reading

GOLDEN = json.loads((Path(__file__).parents[1] / "rules/market/golden.json").read_text(encoding="utf-8"))
R51A = GOLDEN["R51a"]
NOW = ns("2027-02-01T09:00:00+07:00")
WORKS = "park-a/works"
GRANT: dict[str, Any] = {
    "instrument": f"{WORKS}/quota",
    "act": "granted",
    "day": "2026-03-01",
    "amount": 902.0,
    "year": 2025,
    "source": "Decision 699/QD-BNNMT",
    "evidence": digest_of(PDF),
}
CREDITS = GRANT | {
    "instrument": f"{WORKS}/credits",
    "act": "bought",
    "amount": 600.0,
    "year": None,
    "serials": [{"series": "VN-1", "first": 1, "last": 600}],
}


class Market(Office):
    """A world in which people with keys move instruments."""

    def move(self, who: str = "lan", **changes: Any) -> Any:
        return self.call(who, "POST", "/v1/movements", json=GRANT | changes)

    def moved(self, **changes: Any) -> str:
        """Enter a movement by one person and approve it by another."""
        answer = self.move(**changes)
        assert answer.status_code == 200, answer.text
        number = str(answer.json()["movement"]["id"])
        done = self.settle("minh", number, "approve")
        assert done.status_code == 200, done.text
        return number

    def settle(self, who: str, number: str, action: str, language: str = "en", **more: Any) -> Any:
        path = f"/v1/movements/{number}?language={language}"
        return self.call(who, "POST", path, json={"action": action} | more)

    def consume(self, year: int, kwh: float, month: int = 1, end: str = "", facility: str = "works") -> None:
        """Let the works have used electricity, at a tonne for a megawatt-hour."""
        first, last = f"{year}-{month:02}-01", end or f"{year + 1}-01-01"
        said = Entered(
            "park-a", facility, "invoice", ns(f"{first}T00:00:00+07:00"), ns(f"{last}T00:00:00+07:00"), kwh, "kWh",
            f"EVN {first}", digest_of(PDF),
        )  # fmt: skip
        self.decide(RecordDecision(f"use{first}", "lan", "enter", (said,)))  # type: ignore[arg-type]
        [(number, row)] = self.rows("SELECT message, row FROM record ORDER BY message DESC LIMIT 1")
        self.decide(RecordDecision(f"ok{first}", "minh", "approve", records=(f"{number}-{row}",)))  # type: ignore[arg-type]

    def position(self, who: str = "lan", facility: str = "works", **params: Any) -> Any:
        params["facility"] = facility
        answer = self.call(who, "GET", "/v1/position", params=params)
        assert answer.status_code == 200, answer.text
        return answer.json()


@pytest.fixture
def market(tmp_path: Path) -> Iterator[Market]:
    (tmp_path / "state").mkdir()
    one = Market(tmp_path / "state", CONFIG, NOW)
    one.key("lan", "operator")
    one.key("minh", "approver")
    one.key("seer", "viewer")
    one.key("next", "approver", ("park-a", "neighbour"))
    one.hand_in()
    yield one
    one.close()


def test_r51a_through_the_api(market: Market) -> None:
    given, expected = R51A["inputs"], R51A["expected"]
    for year in (2025, 2026):
        market.consume(year, given["inventory_t"][str(year)] * 1000)
        market.moved(amount=float(given["allocated_t"][str(year)]), year=year)
    market.moved(**CREDITS)

    [one] = market.position(years="2025-2026")["positions"]

    assert one["granted_t"] == expected["allocated_t"]
    assert one["credits_t"] == given["credits_held_t"]
    assert one["price"]["price"] == given["price_vnd_per_t"]
    told = one["position"]
    found = {
        "inventory_t": told["inventory_t"],
        "gap_t": told["gap_t"],
        "offset_cap_t": told["offset_cap_t"],
        "offsets_used_t": told["offsets_t"],
        "allowances_to_buy_t": told["to_buy_t"],
        "exposure_without_credits_vnd": told["exposure_without_credits"],
        "allocated_t": one["held_t"],
    }
    assert found == pytest.approx(expected, rel=1e-9)
    assert one["low"] == one["high"] == told  # all of it is known
    assert [(each["rest"], each["final_months"], each["known_months"]) for each in one["inventory"]] == [
        ("known", 0, 12)
    ] * 2
    assert (one["rule"]["status"], one["rule"]["unsure"]) == (
        "provisional",
        ["share_of", "settled", "scopes"],
    )


def test_the_rest_of_a_year_is_projected_and_gives_the_position_two_ends(market: Market) -> None:
    market.now = ns("2026-10-15T09:00:00+07:00")
    for month, kwh in enumerate((90, 95, 85, 90, 100, 95, 90, 85, 95, 100, 90, 85), start=1):
        end = f"2025-{month + 1:02}-01" if month < 12 else "2026-01-01"
        market.consume(2025, kwh * 1000.0, month, end)
    for month in range(1, 10):
        market.consume(2026, (100 + month % 3) * 1000.0, month, f"2026-{month + 1:02}-01")
    close = Decision(
        "c", "minh", "final", "park-a", "2026-01", despite="all is there", overruled=("coverage", "sources")
    )
    market.decide(close)
    market.moved(amount=1000.0)
    market.moved(amount=1052.0, year=2026)

    [one] = market.position()["positions"]
    past, present = one["inventory"]

    assert one["years"] == [2025, 2026]
    assert (past["t"], past["low_t"], past["high_t"], past["rest"]) == (
        pytest.approx(1100),
        pytest.approx(1100),
        pytest.approx(1100),
        "known",
    )
    assert (present["rest"], present["known_months"], present["final_months"]) == ("seasonal", 9, 1)
    assert present["final_t"] == pytest.approx(101)
    assert present["low_t"] < present["t"] < present["high_t"]
    low, told, high = (one[end]["inventory_t"] for end in ("low", "position", "high"))
    assert (low, told, high) == pytest.approx(
        tuple(1100 + present[name] for name in ("low_t", "t", "high_t"))
    )
    assert one["low"]["gap_t"] == pytest.approx(max(low - 2052, 0))
    assert one["high"]["exposure"] == pytest.approx((high - 2052) * 133_000)
    assert one["high"]["exposure"] > one["position"]["exposure"] > one["low"]["exposure"]


def test_what_nobody_knows_is_null_and_never_zero(market: Market) -> None:
    [one] = market.position(years="2026")["positions"]

    assert (one["granted_t"], one["held_t"], one["not_granted"]) == (None, None, [2026])
    assert {name for name, told in one["position"].items() if told is not None} == {"offsets_t"}  # no credits
    assert one["inventory"][0]["rest"] == "not_known"
    market.moved(**CREDITS | {"instrument": "park-a/neighbour/credits"})
    unknown = market.position(facility="neighbour", years="2025-2026")["positions"]
    assert [one["credits_t"] for one in unknown] == [600, None]  # what 2025 takes of them nobody knows
    [later] = market.position(years="2028")["positions"]
    assert later["rule"] is None


def test_who_may_do_what(market: Market) -> None:
    assert market.move("seer").status_code == 403
    assert market.move("next").status_code == 422
    number = market.move().json()["movement"]["id"]
    assert market.settle("lan", number, "approve").status_code == 403
    assert market.settle("next", number, "approve").status_code == 404
    assert market.settle("minh", number, "refuse").status_code == 422  # without a reason
    assert market.settle("minh", number, "approve").json()["movement"]["state"] == "approved"
    own = market.move("minh", amount=5.0).json()["movement"]["id"]
    refused = market.settle("minh", own, "approve", "vi")
    assert (refused.status_code, refused.json()["detail"]) == (
        409,
        f"minh đã nhập {own}: người khác phải duyệt",
    )


def test_a_tenant_sees_and_moves_its_own(market: Market) -> None:
    market.moved()
    theirs = CREDITS | {"instrument": "park-a/neighbour/credits"}

    assert market.call("next", "GET", "/v1/movements").json()["movements"] == []
    told = market.call("next", "GET", "/v1/position").json()
    assert {one["facility"] for one in told["positions"] + told["holdings"]} == {"neighbour"}
    assert market.call("next", "GET", "/v1/position", params={"facility": "works"}).status_code == 422
    unseen = market.call("next", "POST", "/v1/movements", json=theirs)
    assert unseen.status_code == 422  # the file was handed in by another
    assert unseen.json()["errors"][0]["parameter"] == "evidence"
    market.hand_in(who="next")
    assert market.call("next", "POST", "/v1/movements", json=theirs).status_code == 200


WRONG: list[tuple[Any, int, str]] = [
    ({"day": "2027-02-02"}, 409, "giao dịch ghi ngày 2027-02-02, là ngày chưa tới"),
    ({"day": "2026-02-30"}, 422, ""),
    ({"act": "retired"}, 409, "loại hạn ngạch không có giao dịch sử dụng (retire): chỉ có"),
    ({"amount": 0}, 422, ""),
    ({"year": None}, 409, "hãy nêu năm (year) của giao dịch"),
    ({"instrument": f"{WORKS}/qota"}, 422, "did you mean"),
    ({"act": "sold", "amount": 903.0}, 409, "bán 903 vào ngày 2026-03-01, trong khi lúc đó chỉ có 902"),
    (CREDITS | {"serials": [{"series": "VN-1", "first": 600, "last": 1}]}, 409, "chạy ngược"),
    (CREDITS, 409, "park-a/works/credits đang giữ dãy sê-ri VN-1 1-600 vào ngày 2026-03-01"),
]


def test_what_cannot_be_is_refused_in_vietnamese(market: Market) -> None:
    market.moved()
    market.moved(**CREDITS)
    for changes, status, why in WRONG:
        answer = market.call("lan", "POST", "/v1/movements?language=vi", json=GRANT | changes)

        assert answer.status_code == status, answer.text
        assert why in answer.text


def test_movements_and_positions_come_as_tables(market: Market) -> None:
    market.moved()
    market.moved(**CREDITS, note="=1+1")
    told = {"Accept": "text/csv"}

    moves = list(csv.DictReader(market.call("lan", "GET", "/v1/movements", headers=told).text.splitlines()))
    assert [(one["instrument"], one["act"], one["amount"], one["unit"], one["serials"]) for one in moves] == [
        (f"{WORKS}/credits", "bought", "600.0", "t", "VN-1 1-600"),
        (f"{WORKS}/quota", "granted", "902.0", "t", ""),
    ]
    assert moves[0]["note"] == "'=1+1"
    lines = list(
        csv.DictReader(
            market.call(
                "lan", "GET", "/v1/position?years=2025&facility=works", headers=told
            ).text.splitlines()
        )
    )
    assert [(one["end"], one["held_t"], one["gap_t"], one["unsure"]) for one in lines] == [
        (end, "902.0", "", "share_of settled scopes") for end in ("position", "low", "high")
    ]


def test_what_the_instruments_of_today_do_not_allow_is_said_in_both_languages(
    market: Market, tmp_path: Path
) -> None:
    number = market.moved()
    config = Path(copytree(CONFIG, tmp_path / "without"))
    plant = config / "plant.yaml"
    text = plant.read_text(encoding="utf-8")
    plant.write_text(text.replace("{name: quota, kind: allowance}", "{name: new, kind: allowance}", 1))

    market.restart(config)

    assert market.position()["impossible"] == [
        {"movement": number, "why": f"no instrument {WORKS}/quota is configured"}
    ]
    [told] = market.position(language="vi")["impossible"]
    assert told["why"] == f"cấu hình không có công cụ {WORKS}/quota"


def test_movements_are_told_a_page_at_a_time(market: Market) -> None:
    numbers = [market.moved(amount=float(n + 1)) for n in range(5)]
    first = market.call("lan", "GET", "/v1/movements", params={"limit": 3}).json()
    second = market.call("lan", "GET", "/v1/movements", params={"limit": 3, "cursor": first["next"]}).json()

    assert [one["id"] for one in first["movements"] + second["movements"]] == numbers[::-1]
    assert second["next"] is None
    one = market.call("lan", "GET", "/v1/movements", params={"state": "entered"}).json()
    assert one["movements"] == []


def test_the_same_question_twice_is_one_movement(market: Market) -> None:
    headers = {"Idempotency-Key": "k1"}
    answers = [
        market.call("lan", "POST", "/v1/movements", json=GRANT, headers=headers).json() for _ in range(2)
    ]

    assert answers[0]["movement"]["id"] == answers[1]["movement"]["id"]
    assert len(market.call("lan", "GET", "/v1/movements").json()["movements"]) == 1


def test_clean_hours_what_was_avoided_and_what_is_claimed(market: Market) -> None:
    """Two days of a roof that gives by day twice what is drawn: half of the load is clean in its own hour (R52a)."""
    start = ns("2027-01-30T00:00:00+07:00")
    for hour in range(48):
        time = start + hour * HOUR + HOUR // 2
        day = 6 <= hour % 24 < 18
        market.send(
            reading("load", time, 100.0),
            reading("roof", time, 200.0 * day),
            reading("out", time, 100.0 * day),
        )
    market.moved(instrument=f"{WORKS}/roof-irec", act="issued", amount=3.0, day="2027-01-30", year=2027)
    market.moved(instrument=f"{WORKS}/roof-irec", act="sold", amount=2.0, day="2027-01-30", year=2027)
    market.moved(instrument=f"{WORKS}/roof-irec", act="retired", amount=1.0, day="2027-01-31", year=2027)
    market.moved(instrument=f"{WORKS}/ppa", act="delivered", amount=4.0, day="2027-01-31", year=2027)

    [one] = market.call("lan", "GET", "/v1/clean-energy", params={"year": 2027}).json()["facilities"]

    assert one["hourly_share"] == pytest.approx(0.5)
    assert one["annual_share"] == pytest.approx(1.0)
    assert (one["matched_mwh"], one["surplus_mwh"]) == pytest.approx((2.4, 2.4))
    assert one["known_hours"] >= 48
    assert one["claims"] == {"certificates_mwh": 1.0, "contracts_mwh": 4.0, "certificates_sold_mwh": 2.0}
    made = one["generation"]
    assert (made["generated_mwh"], made["exported_mwh"], made["self_consumed_mwh"]) == pytest.approx(
        (4.8, 2.4, 2.4)
    )
    assert made["avoided_by_self_consumption_t"] == pytest.approx(2.4)  # at a tonne for a megawatt-hour
    assert made["self_consumed_without_claim_mwh"] == pytest.approx(2.0)
    assert made["inventory_change_t"] == 0
    of_form = {"park": "park-a", "facility": "works", "periods": "2027", "language": "en"}
    form = market.call("lan", "GET", "/v1/forms/circular38.json", params=of_form)
    [table] = [each for each in form.json()["pieces"] if each.get("table", "").startswith("Table 4.1")]
    [own] = [row for row in table["rows"] if "Own generation" in str(row)]
    assert float(own[1]["value"]) == pytest.approx(made["self_consumed_mwh"])
    assert (made["known_hours"], own[3]) == (one["hours"], "Works (invented)")
    expired = market.move(
        instrument=f"{WORKS}/roof-irec", act="retired", amount=1.0, day="2027-02-01", year=2027
    )
    assert expired.json()["detail"] == "it expired on 2027-01-31: nothing of it is retired on 2027-02-01"


def test_what_is_retired_and_delivered_lowers_scope_2_by_the_market(market: Market) -> None:
    market.consume(2026, 1_000_000)
    place = f"{WORKS}/roof-irec"
    market.moved(instrument=place, act="bought", amount=500.0, day="2026-06-01", year=2026)
    params = {"level": "facility", "facility": "works", "period": "2026", "with": "scope2"}

    def told() -> Any:
        [one] = market.call("lan", "GET", "/v1/totals", params=params).json()["totals"]
        return one["scope2"]

    before = told()
    market.moved(instrument=place, act="retired", amount=300.0, day="2027-01-15", year=2026)
    market.moved(instrument=f"{WORKS}/ppa", act="delivered", amount=100.0, day="2026-12-31", year=2026)
    after = told()

    assert (before["location_t"], before["market_t"]) == pytest.approx((1000, 1000))
    assert (after["location_t"], after["market_t"], after["matched_mwh"]) == pytest.approx((1000, 600, 400))


def test_years_that_are_settled_one_by_one_share_credits_that_have_not_expired(market: Market) -> None:
    for year, used, granted in ((2025, 1100, 900.0), (2026, 1300, 1000.0)):
        market.consume(year, used * 1000, facility="neighbour")
        market.moved(instrument="park-a/neighbour/quota", amount=granted, year=year)
    market.moved(
        **CREDITS
        | {
            "instrument": "park-a/neighbour/credits",
            "amount": 250.0,
            "serials": [{"series": "A", "first": 1, "last": 250}],
        }
    )
    market.moved(instrument="park-a/neighbour/old", act="bought", amount=99.0, year=None)

    first, second = market.position(facility="neighbour", years="2025-2026")["positions"]

    assert ([first["years"], second["years"]], first["credits_t"], second["credits_t"]) == (
        [[2025], [2026]],
        250,
        pytest.approx(50),
    )
    told = [
        [one["position"][name] for name in ("gap_t", "offset_cap_t", "offsets_t", "to_buy_t")]
        for one in (first, second)
    ]
    assert told == [pytest.approx([200, 550, 200, 0]), pytest.approx([300, 650, 50, 250])]
    assert second["position"]["exposure"] == pytest.approx(250 * 100_000)  # the price of tomorrow is not used


def test_without_a_year_before_there_is_no_interval(market: Market) -> None:
    market.now = ns("2026-05-10T09:00:00+07:00")
    for month in range(1, 5):
        market.consume(2026, 100_000.0, month, f"2026-{month + 1:02}-01")
    market.moved(amount=1000.0, year=2026)

    [one] = market.position(years="2026")["positions"]
    [year] = one["inventory"]

    assert (year["rest"], year["known_months"], year["low_t"], year["high_t"]) == ("linear", 4, None, None)
    assert year["t"] == pytest.approx(400 * 365 / 120)
    assert one["position"]["gap_t"] == pytest.approx(400 * 365 / 120 - 1000)
    known = {name for name, told in one["low"].items() if told is not None}
    assert known == {"offset_cap_t", "offsets_t"}  # of what was granted, and no credits


def test_a_thousand_movements_are_one_decision(market: Market) -> None:
    rows = "".join(
        f"{WORKS}/credits,bought,2026-{1 + n % 12:02}-{1 + n % 28:02},10,,VN-{n % 7} {10 * n}-{10 * n + 9},contract {n},{digest_of(PDF)}\n"
        for n in range(1000)
    )
    table = "instrument,act,day,amount,year,serials,source,evidence\n" + rows
    before = market.line.next

    told = market.call("lan", "POST", "/v1/movements/import", content=table.encode()).json()

    assert (told["rows"], told["outcome"], len(told["movements"])) == (1000, "done", 1000)
    assert market.line.next == before + 1
    assert market.rows("SELECT count(*) FROM movement") == [(1000,)]
    pages = market.call("lan", "GET", "/v1/movements?limit=600").json()
    more = market.call("lan", "GET", f"/v1/movements?limit=600&cursor={pages['next']}").json()
    found = [one["id"] for page in (pages, more) for one in page["movements"]]
    assert found == told["movements"][::-1]


def test_a_year_that_is_longer_than_any_number_is_a_mistake_of_its_row(market: Market) -> None:
    row = f"{WORKS}/quota,granted,2026-03-01,1,{'1' * 5000},,decision,{digest_of(PDF)}\n"
    table = "instrument,act,day,amount,year,serials,source,evidence\n" + row

    told = market.call("lan", "POST", "/v1/movements/import", content=table.encode())

    assert told.status_code == 422
    assert [one["parameter"] for one in told.json()["errors"]] == ["row 1, year"]


def test_a_table_that_is_asked_again_with_its_key_is_entered_once(market: Market) -> None:
    rows = "".join(
        f"{WORKS}/quota,granted,2026-03-0{day},{day},2026,,decision {day},{digest_of(PDF)}\n"
        for day in (1, 2)
    )
    table = "instrument,act,day,amount,year,serials,source,evidence\n" + rows

    def load(content: str = table, **params: str) -> Any:
        return market.call(
            "lan",
            "POST",
            "/v1/movements/import",
            content=content.encode(),
            params=params,
            headers={"Idempotency-Key": "k"},
        )

    first, second = load().json(), load().json()

    one, other = first["movements"]
    assert (
        first["detail"]
        == f"movements {one} to {other}: entered, and counts once another person has approved it"
    )
    assert (other, second) == (one.replace("-1", "-2"), first)
    assert market.rows("SELECT count(*) FROM movement") == [(2,)]
    assert (
        load(table.replace("decision 1", "decision 3")).status_code == 422
    )  # the key was used for something else
    later = table.replace("2026-03-02", "2027-03-02").replace(
        f"{WORKS}/quota,granted,2026", "park-a/no/quota,granted,2026"
    )
    told = market.call(
        "lan", "POST", "/v1/movements/import", content=later.encode(), params={"language": "vi"}
    )
    assert {one["parameter"] for one in told.json()["errors"]} == {"row 1, instrument", "row 2"}
    assert market.call("seer", "POST", "/v1/movements/import", content=table.encode()).status_code == 403
