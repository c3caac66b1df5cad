"""Records: amounts that one person enters and another approves count as readings do, over the stretch that they are of."""

import json
from collections.abc import Iterator
from itertools import count, pairwise
from pathlib import Path
from random import Random
from typing import Any

import pytest
from msgspec.structs import replace

from proof.restate.request import Request
from proof.restate.restate import dry_run
from store.accounting.closing import Decision
from store.blocks import unpack_readings
from store.folder import evidence_folder
from store.kept_files import KeptFiles, digest_of
from store.records.decisions import Entered, EvidenceDecision, RecordAction, RecordDecision
from store.records.table import find
from tests.semantics.world import DAY, GRID, HOUR, World, ns, reading, rfc3339

CONFIG = Path(__file__).with_name("entered")
SCAN_BYTES = b"%PDF-1.7 an invoice"
SCAN = digest_of(SCAN_BYTES)
NOW = ns("2026-12-01T09:00:00+07:00")
ELECTRICITY, DIESEL, COD = "invoice/electricity", "invoice/diesel", "lab/cod"
_number = count()


class Books(World):
    """A world in which people enter records."""

    def hand_in(self, content: bytes = SCAN_BYTES, by: str = "lan") -> str:
        digest = KeptFiles(evidence_folder(self.folder)).put(content)
        self.decide(EvidenceDecision(f"e{next(_number)}", by, digest, "pdf", len(content)))
        return digest

    def say(self, action: RecordAction, *records: str, by: str, reason: str = "") -> tuple[str, str]:
        """Decide of records, and return the outcome."""
        return self._outcome(RecordDecision(f"d{next(_number)}", by, action, records=records, reason=reason))

    def enter(self, *entered: Entered, by: str = "lan") -> str:
        """Enter records and return the id of the first."""
        outcome, detail = self.try_to_enter(*entered, by=by)
        assert outcome == "done", detail
        return detail.split(":")[0].split()[0]

    def try_to_enter(self, *entered: Entered, by: str = "lan") -> tuple[str, str]:
        return self._outcome(RecordDecision(f"d{next(_number)}", by, "enter", entered))

    def approved(self, *entered: Entered) -> str:
        """Enter a record by one person and approve it by another."""
        number = self.enter(*entered)
        outcome, detail = self.say("approve", number, by="minh")
        assert outcome == "done", detail
        return number

    def standing(self, number: str) -> str:
        found = find(self.state.connection, number)
        return "nothing" if found is None else found.standing.value

    def kwh(self, month: str, source: str = "grid") -> Any:
        return self.total(source, period=month)["activity"]

    def _outcome(self, made: RecordDecision) -> tuple[str, str]:
        self.decide(made)
        [(outcome, detail)] = self.rows("SELECT outcome, detail FROM decision WHERE id = ?", made.id)
        return outcome, detail


@pytest.fixture
def world(tmp_path: Path) -> Iterator[Books]:
    (tmp_path / "state").mkdir()
    one = Books(tmp_path / "state", CONFIG, NOW)
    one.hand_in()
    yield one
    one.close()


def at(day: str) -> int:
    return ns(f"{day}T00:00:00+07:00")


def invoice(start: str, end: str, value: float = 310_000, **more: Any) -> Entered:
    """Return a record of a channel, of electricity where nothing else is said."""
    said = {"channel": ELECTRICITY, "unit": "kWh", "source": "EVN invoice 1", "evidence": SCAN} | more
    return Entered("park-a", "works", start=at(start), finish=at(end), value=value, **said)


def test_golden_r00a_an_amount_is_spread_evenly_over_its_stretch(world: Books) -> None:
    """20 of its 31 days fall in October, 11 in November; how much is known, when is not."""
    case = json.loads((Path(__file__).parents[1] / "cases/programme/R00a.json").read_text(encoding="utf-8"))
    record, expected = case["inputs"]["record"], case["expected"]

    world.approved(invoice(record["from"][:10], record["to"][:10], record["kwh"]))

    for month in case["inputs"]["months"]:
        total = world.total("grid", period=month)
        assert total["activity"] == pytest.approx(expected["kwh"][month], abs=case["abs_tol"])
        assert total["co2e_t"] == pytest.approx(expected["kwh"][month] * GRID)
        known = 1.0 if month == "2026-10" else 11 / 30
        assert total["shares"][expected["coverage"]] == pytest.approx(known)
        assert total["shares"]["measured"] == 0
    assert world.total("grid", period="2026-10")["known_from"] == "2026-10-11T17:00:00Z"


def test_only_what_another_person_has_approved_counts(world: Books) -> None:
    number = world.enter(invoice("2026-10-01", "2026-11-01"))

    assert (world.standing(number), world.kwh("2026-10")) == ("entered", None)
    assert world.say("approve", number, by="lan") == (
        "refused", f"lan has entered {number}: another person approves it",
    )  # fmt: skip
    assert world.kwh("2026-10") is None
    assert world.say("approve", number, by="minh")[0] == "done"
    assert (world.standing(number), world.kwh("2026-10")) == ("approved", pytest.approx(310_000))
    assert world.say("approve", number, by="minh") == ("refused", f"{number} is approved already")


def test_a_year_spread_over_its_months_adds_up(world: Books) -> None:
    """Whatever the length of a month, each day has its share; Viet Nam sets no clock."""
    world.approved(invoice("2025-01-01", "2026-01-01", 365_000))

    months = [f"2025-{month:02}" for month in range(1, 13)]
    assert [world.kwh(month) for month in months] == pytest.approx(
        [1000 * days for days in (31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)]
    )
    assert world.kwh("2025") == pytest.approx(365_000)
    assert world.total("grid", period="2025")["coverage"] == pytest.approx(1)


def test_records_side_by_side_know_all_of_a_month_and_a_gap_is_missing(world: Books) -> None:
    world.approved(invoice("2026-08-12", "2026-09-12", 31_000))
    world.approved(invoice("2026-09-12", "2026-10-02", 20_000))
    world.approved(invoice("2026-10-12", "2026-11-02", 21_000))

    assert world.kwh("2026-09") == pytest.approx(11_000 + 19_000)
    assert world.total("grid", period="2026-09")["coverage"] == pytest.approx(1)
    assert world.kwh("2026-10") == pytest.approx(21_000)
    assert world.total("grid", period="2026-10")["coverage"] == pytest.approx(21 / 31)


def test_the_order_in_which_records_are_approved_makes_no_difference(world: Books) -> None:
    """An earlier one that comes later begins the source, and changes nothing of what was known."""
    late = world.approved(invoice("2026-10-01", "2026-11-01", 31_000))
    before = world.kwh("2026-10")
    world.approved(invoice("2026-01-01", "2026-02-01", 31_000))

    assert world.standing(late) == "approved"
    assert world.kwh("2026-10") == before
    assert world.total("grid", period="2026-01")["known_from"] is None
    assert world.total("grid", period="2026")["coverage"] == pytest.approx(62 / (334 + 9 / 24))


@pytest.mark.parametrize(
    ("start", "end", "october", "september"),
    [
        ("2026-10-01", "2026-11-01", 62_000, None),
        ("2026-09-16", "2026-11-01", 62_000 * 31 / 46, 62_000 * 15 / 46),
        ("2026-10-01", "2026-10-20", 62_000, None),
        ("2026-10-12", "2026-11-01", 62_000, None),
    ],
)
def test_a_record_that_replaces_another_stands_in_its_place(
    world: Books, start: str, end: str, october: float, september: float | None
) -> None:
    """Nothing of the one before is left, whether it ended at the same time or not."""
    first = world.approved(invoice("2026-10-01", "2026-11-01", 31_000))
    second = world.enter(invoice(start, end, 62_000, replaces=first))
    assert (world.standing(first), world.kwh("2026-10")) == ("approved", pytest.approx(31_000))

    world.say("approve", second, by="minh")

    assert (world.standing(first), world.standing(second)) == ("replaced", "approved")
    assert world.kwh("2026-10") == pytest.approx(october)
    assert world.kwh("2026-09") == (None if september is None else pytest.approx(september))
    days = (at(end) - max(at(start), at("2026-10-01"))) / DAY
    owed = (at("2026-11-01") - max(at(start), at("2026-10-01"))) / DAY
    assert world.total("grid", period="2026-10")["coverage"] == pytest.approx(days / owed)


def test_a_replacement_has_a_higher_correction_each_time(world: Books) -> None:
    number = world.approved(invoice("2026-10-01", "2026-11-01", 1000))
    for value in (2000, 3000):
        number = world.approved(invoice("2026-10-01", "2026-11-01", value, replaces=number))

    [(value, correction)] = world.rows("SELECT value, correction FROM reading")
    assert (value, correction) == (3000, 2)
    assert world.kwh("2026-10") == pytest.approx(3000)


def test_what_is_struck_stays_as_a_bad_reading_and_may_be_entered_again(world: Books) -> None:
    number = world.approved(invoice("2026-10-01", "2026-11-01", 31_000))

    assert world.say("strike", number, by="minh")[1].startswith("say why")
    assert world.say("strike", number, by="minh", reason="the invoice is of another plant")[0] == "done"

    assert (world.standing(number), world.kwh("2026-10")) == ("struck", None)
    assert world.rows("SELECT value, quality, correction FROM reading") == [(31_000, 2, 1)]
    world.approved(invoice("2026-10-01", "2026-11-01", 40_000))
    assert world.kwh("2026-10") == pytest.approx(40_000)


def test_a_final_month_waits_for_approval(world: Books) -> None:
    world.approved(invoice("2026-10-01", "2026-11-01", 31_000))
    closed = Decision(
        "c1",
        "minh",
        "final",
        "park-a",
        "2026-10",
        despite="a test",
        overruled=("coverage", "sources", "known_from"),
    )
    world.decide(closed)
    [(outcome, detail)] = world.rows("SELECT outcome, detail FROM decision WHERE id = 'c1'")
    assert outcome == "done", detail

    first = world.rows("SELECT message || '-' || row FROM record")[0][0]
    world.approved(invoice("2026-10-01", "2026-11-01", 62_000, replaces=first))

    assert world.kwh("2026-10") == pytest.approx(31_000)
    [period] = [
        one for one in world.get("/v1/periods", park="park-a")["periods"] if one["month"] == "2026-10"
    ]
    assert period["pending_restatement"]["delta_t"] == pytest.approx(31_000 * GRID)


def test_a_level_holds_from_its_time_to_the_next_one(world: Books) -> None:
    world.approved(invoice("2026-10-01", "2026-10-01", 120, channel=COD, unit="mg/L"))
    assert world.activity(COD, at("2026-10-02"), at("2026-10-02") + HOUR)[0] == (None, 0)

    world.approved(invoice("2026-11-01", "2026-11-01", 200, channel=COD, unit="mg/L"))

    assert world.activity(COD, at("2026-10-02"), at("2026-10-02") + HOUR)[30] == (120, 1)
    assert world.activity(COD, at("2026-11-01") - HOUR, at("2026-11-01"))[59] == (120, 1)
    assert world.activity(COD, at("2026-11-01"), at("2026-11-01") + HOUR)[0] == (None, 0)


def test_any_unit_of_the_quantity_is_converted(world: Books) -> None:
    world.approved(invoice("2026-10-01", "2026-11-01", 31, unit="MWh"))
    world.approved(invoice("2026-10-01", "2026-11-01", 2, unit="m3", channel=DIESEL))

    assert world.kwh("2026-10") == pytest.approx(31_000)
    assert world.kwh("2026-10", "trucks") == pytest.approx(2000)


@pytest.mark.parametrize(
    ("said", "why"),
    [
        (invoice("2026-10-01", "2026-11-01", unit="kg"), "kg is mass, kWh is energy: no conversion"),
        (invoice("2026-10-01", "2026-11-01", unit="kwh"), "unknown unit 'kwh' (did you mean kWh?)"),
        (invoice("2026-10-01", "2026-11-01", 10_001, unit="MWh"), "10001000 kWh is outside: max is 1e+07 kWh"),
        (invoice("2026-10-01", "2026-11-01", -1), "-1 kWh is outside: min is 0 kWh"),
        (invoice("2026-10-01", "2026-11-01", 1e308, unit="GWh"), "1e+308 GWh is no amount that can be counted with"),
        (invoice("2026-11-01", "2026-10-01"), "`to` is the first instant that no longer belongs to it"),
        (invoice("2026-10-01", "2026-10-01"), "`to` is the first instant that no longer belongs to it"),
        (invoice("2025-10-01", "2026-10-03"), "its stretch is longer than 366 days"),
        (invoice("2026-11-02", "2026-12-02"), "it reaches to 2026-12-01T17:00:00Z, and that is not yet"),
        (invoice("2026-10-01", "2026-10-02", 9, channel=COD, unit="mg/L"), "a level holds from its time on"),
        (invoice("2026-10-01", "2026-11-01", channel="meter"), "park-a/works/meter is read by gateway gw"),
        (invoice("2026-10-01", "2026-11-01", channel="no/such"), "no channel park-a/works/no/such is configured"),
        (invoice("2026-10-01", "2026-11-01", evidence=f"sha256:{'b' * 64}"), "was handed in: hand in the file first"),
        (invoice("2026-10-01", "2026-11-01", replaces="1-1"), "there is no record '1-1' of this channel to be replaced"),
    ],
)  # fmt: skip
def test_what_cannot_be_is_not_entered(world: Books, said: Entered, why: str) -> None:
    outcome, detail = world.try_to_enter(said)

    assert outcome == "refused"
    assert why in detail
    assert world.rows("SELECT 1 FROM record") == []


def test_two_approved_records_never_overlap(world: Books) -> None:
    first = world.approved(invoice("2026-09-01", "2026-10-01"))
    waiting = world.enter(invoice("2026-10-01", "2026-11-01", 1000))
    twin = world.enter(invoice("2026-10-15", "2026-11-01", 1000))

    assert (
        f"it overlaps the approved record {first}"
        in world.try_to_enter(invoice("2026-09-30", "2026-10-15"))[1]
    )
    assert world.say("approve", waiting, by="minh")[0] == "done"
    outcome, detail = world.say("approve", twin, by="minh")
    assert (outcome, f"it overlaps the approved record {waiting}" in detail) == ("refused", True)
    assert world.kwh("2026-10") == pytest.approx(1000)


def test_the_same_record_twice_is_a_duplicate(world: Books) -> None:
    number = world.enter(invoice("2026-10-01", "2026-11-01", 31_000))

    again = world.try_to_enter(invoice("2026-10-01", "2026-11-01", 31, unit="MWh"), by="hoa")

    assert again[0] == "refused"
    assert f"it is entered already, as {number}" in again[1]


def test_of_records_that_come_together_all_count_or_none(world: Books) -> None:
    good = invoice("2026-09-01", "2026-10-01", 1000)

    outcome, detail = world.try_to_enter(
        good, invoice("2026-09-30", "2026-11-01"), invoice("2026-11-01", "2027-01-01")
    )
    assert (outcome, detail[:41]) == ("refused", "row 2: it overlaps row 1 of the same chan")
    assert world.rows("SELECT 1 FROM record") == []
    number = world.enter(good, invoice("2026-10-01", "2026-11-01", 2000))
    ids = [row[0] for row in world.rows("SELECT message || '-' || row FROM record ORDER BY row")]
    assert ids == [number, f"{number[:-1]}2"]
    assert world.say("approve", ids[0], "7-7", by="minh")[0] == "refused"
    assert [world.standing(one) for one in ids] == ["entered", "entered"]
    assert world.say("approve", *ids, by="minh")[0] == "done"
    assert (world.kwh("2026-09"), world.kwh("2026-10")) == (pytest.approx(1000), pytest.approx(2000))


def test_who_entered_it_withdraws_it_and_who_approves_refuses_it(world: Books) -> None:
    first, second = (world.enter(invoice("2026-10-01", "2026-11-01", value)) for value in (1000, 2000))

    assert world.say("withdraw", first, by="minh")[0] == "refused"
    assert world.say("withdraw", first, by="lan")[0] == "done"
    assert world.say("refuse", second, by="minh", reason="not legible")[0] == "done"
    assert (world.standing(first), world.standing(second)) == ("withdrawn", "refused")
    assert world.say("approve", first, by="minh")[0] == "refused"
    assert world.say("strike", second, by="minh", reason="why not")[0] == "refused"
    assert world.kwh("2026-10") is None


def test_one_person_may_do_both_where_the_configuration_says_so(tmp_path: Path) -> None:
    (tmp_path / "state").mkdir()
    (tmp_path / "config").mkdir()
    said = (CONFIG / "plant.yaml").read_text(encoding="utf-8")
    (tmp_path / "config/plant.yaml").write_text(
        f"{said}\nsettings: {{record_approval: self}}\n", encoding="utf-8"
    )
    world = Books(tmp_path / "state", tmp_path / "config", NOW)
    world.hand_in()
    number = world.enter(invoice("2026-10-01", "2026-11-01", 1000))

    assert world.say("approve", number, by="lan")[0] == "done"
    found = find(world.state.connection, number)
    assert found is not None
    assert found.is_unchecked
    told = world.total("grid", period="2026-10", with_="records")["records"]
    assert told["self_approved_t"] == pytest.approx(1000 * GRID)
    assert told["self_approved_share"] == pytest.approx(1)
    assert world.kwh("2026-10") == pytest.approx(1000)
    world.close()


def test_no_gateway_sends_what_people_enter(world: Books) -> None:
    world.send(reading(ELECTRICITY, NOW - HOUR, 5))

    assert world.codes() == {"unmapped": 1}
    [(detail,)] = world.rows("SELECT detail FROM quarantine")
    assert "people enter one of that name as records" in detail


def test_a_late_record_is_never_too_old(world: Books) -> None:
    """Two people stand for it."""
    world.approved(invoice("2023-01-01", "2024-01-01", 365_000))

    assert world.kwh("2023") == pytest.approx(365_000)


def test_a_state_goes_on_after_a_restart(world: Books) -> None:
    first = world.approved(invoice("2026-09-01", "2026-10-01", 1000))
    waiting = world.enter(invoice("2026-10-01", "2026-11-01", 2000))

    world.restart()
    world.say("approve", waiting, by="minh")
    world.approved(invoice("2026-09-16", "2026-10-01", 3000, replaces=first))

    assert (world.kwh("2026-09"), world.kwh("2026-10")) == (pytest.approx(3000), pytest.approx(2000))


def test_what_people_enter_owes_nothing_by_silence(world: Books) -> None:
    world.approved(invoice("2026-01-01", "2026-02-01", 31_000))

    total = world.total("grid", period="today")
    assert (total["stale"], total["complete_until"], total["now_t_per_h"]) == ([], None, None)
    [channel] = [one for one in world.get("/v1/channels")["channels"] if one["channel"] == ELECTRICITY]
    assert (channel["stale"], channel["gateway"]) == (False, "")


def test_a_window_is_explained_by_its_record(world: Books) -> None:
    """Whoever has the answer can calculate the window anew."""
    number = world.approved(invoice("2026-10-12", "2026-11-12"))
    told = world.get(
        "/v1/explain", park="park-a", facility="works", source="grid", at="2026-10-20T12:00:00+07:00"
    )["window"]

    [given] = told["inputs"]
    [used] = [one for one in given["readings"] if one["used"]]
    assert used["record"]["id"] == number
    assert used["record"]["from"] == "2026-10-11T17:00:00Z"
    assert (used["record"]["source"], used["record"]["evidence"]) == ("EVN invoice 1", SCAN)
    assert (given["interpolated"], given["meter"]["entered"], given["gateway"]) == (1, True, None)
    assert given["value"] == pytest.approx(310_000 / 31 / 1440)
    assert told["recomputed"]["same_bits"] is True


def test_totals_tell_what_was_entered_what_waits_and_where_nothing_is(world: Books) -> None:
    world.approved(invoice("2026-10-01", "2026-10-11", 10_000))
    world.approved(invoice("2026-10-16", "2026-11-01", 16_000))
    world.enter(invoice("2026-10-11", "2026-10-16", 5000))
    world.send(reading("meter", at("2026-11-20"), 0.0), reading("meter", at("2026-11-20") + HOUR, 500.0))

    [total] = world.get("/v1/totals", level="facility", period="2026", with_="records")["totals"]

    told = total["records"]
    assert told["entered_t"] == pytest.approx(26_000 * GRID)
    assert told["entered_share"] == pytest.approx(26_000 / 26_500)
    assert (told["self_approved_t"], told["self_approved_share"]) == (0, 0)
    [grid, trucks] = told["sources"]
    assert (grid["source"], grid["records"], grid["waiting"]) == ("park-a/works/grid", 2, 1)
    assert grid["oldest_waiting_at"] == rfc3339(NOW).replace(".000000000", "")
    assert [(gap["from"], gap["to"]) for gap in grid["gaps"]][1] == (
        "2026-10-10T17:00:00Z",
        "2026-10-15T17:00:00Z",
    )
    assert (trucks["records"], len(trucks["gaps"])) == (0, 1)
    assert "records" not in world.get("/v1/totals", level="facility", period="2026")["totals"][0]


def test_the_ledger_says_who_approved_and_influxdb_is_told(world: Books) -> None:
    number = world.approved(invoice("2026-10-01", "2026-11-01", 31_000))
    world.approved(invoice("2026-10-01", "2026-11-01", 62_000, replaces=number))

    entries = world.get("/v1/ledger")["entries"]
    assert [(one["cause"], one["author"], one["changes"]) for one in entries] == [
        ("record", "minh", 31 * 1440)
    ] * 2
    assert entries[0]["sources"][0]["co2e_t_delta"] == pytest.approx(31_000 * GRID)
    told = [
        unpack_readings(blob) for (blob,) in world.rows("SELECT readings FROM influx_reading ORDER BY id")
    ]
    assert [(time.tolist(), value.tolist()) for _, time, value, _ in told] == [
        ([at("2026-11-01")], [31_000]), ([at("2026-11-01")], [62_000]),
    ]  # fmt: skip
    assert world.rows("SELECT count(DISTINCT hour) FROM influx_emission") == [(31 * 24,)]


def test_under_the_same_configuration_a_restatement_changes_nothing(tmp_path: Path) -> None:
    """The line, record by record, and the restatement, a month at once, agree in every bit of every window."""
    (tmp_path / "state").mkdir()
    world = Books(tmp_path / "state", CONFIG, NOW)
    world.hand_in()
    first = world.approved(invoice("2026-09-12", "2026-10-12", 33_333))
    world.approved(invoice("2026-10-12", "2026-11-12", 31_000))
    world.approved(invoice("2026-09-20", "2026-10-12", 12_345, replaces=first))
    world.approved(invoice("2026-09-01", "2026-11-12", 777, channel=DIESEL, unit="L"))
    world.close()

    report = dry_run(Request(CONFIG, world.folder, "2026-09", "2026-11"), world.plant, lambda *_: None)

    assert report.windows == 0


@pytest.mark.parametrize("seed", range(3))
def test_whatever_people_do_the_sum_is_that_of_the_approved_records(tmp_path: Path, seed: int) -> None:
    """And every window follows from them, whatever came before: the world proves that when it closes."""
    (tmp_path / "state").mkdir()
    world, chance = Books(tmp_path / "state", CONFIG, NOW), Random(seed)
    world.hand_in()
    for step in range(25):
        first = chance.randrange(20)
        days = [at("2026-10-01") + day * DAY for day in (first, first + chance.randint(1, 6))]
        standing = {
            name: [
                f"{message}-{row}"
                for message, row in world.rows("SELECT message, row FROM record WHERE standing = ?", name)
            ]
            for name in ("entered", "approved")
        }
        old = chance.choice(standing["approved"]) if standing["approved"] and chance.random() < 0.4 else ""
        said = replace(
            invoice("2026-10-01", "2026-10-02", 1000.0 + step, replaces=old), start=days[0], finish=days[1]
        )
        outcome, detail = world.try_to_enter(said)
        if outcome == "done" and chance.random() < 0.8:
            world.say("approve", detail.split(":")[0], by="minh")
        elif standing["approved"] and chance.random() < 0.5:
            world.say("strike", chance.choice(standing["approved"]), by="minh", reason="wrong")

    approved = world.rows(
        "SELECT value, start, finish FROM record WHERE standing = 'approved' ORDER BY start"
    )
    assert len(approved) > 1
    assert all(one[2] <= other[1] for one, other in pairwise(approved))
    assert world.kwh("2026-10") == pytest.approx(sum(value for value, *_ in approved))
    owed = (at("2026-11-01") - approved[0][1]) / DAY
    known = sum(finish - start for _, start, finish in approved) / DAY
    assert world.total("grid", period="2026-10")["coverage"] == pytest.approx(known / owed)
    world.close()


def test_an_invoice_stands_beside_the_meter(world: Books) -> None:
    world.now = at("2026-11-21")
    for day in range(1, 21):
        world.send(reading("meter", at(f"2026-11-{day:02}"), 100.0 * day))
    world.approved(invoice("2026-11-01", "2026-11-21", 2000))

    [balance] = world.get("/v1/boundaries", period="2026-11-10")["boundaries"]

    assert (balance["main"]["channel"], balance["parts_amount"]) == (ELECTRICITY, pytest.approx(100))
    assert (balance["unallocated"], balance["imbalance"]) == (pytest.approx(0, abs=1e-9), False)


def test_a_level_that_is_too_high_is_told_when_it_is_approved(world: Books) -> None:
    world.approved(invoice("2026-11-01", "2026-11-01", 120, channel=COD, unit="mg/L"))
    assert world.alerts() == []
    world.now = at("2026-12-05")
    number = world.enter(invoice("2026-12-03", "2026-12-03", 200, channel=COD, unit="mg/L"))
    assert world.alerts() == []

    world.say("approve", number, by="minh")

    [alert] = world.alerts()
    assert (alert["rule"], alert["value"]) == ("dirty", 200)
    assert "gateway" not in alert["labels"]


def test_under_another_configuration_what_was_approved_stands(world: Books, tmp_path: Path) -> None:
    """Limits of today do not reach back, and what is struck under them is proven and made again all the same."""
    first = world.approved(invoice("2026-10-01", "2026-11-01", 31_000))
    world.approved(invoice("2026-09-01", "2026-10-01", 30_000))
    (tmp_path / "later").mkdir()
    said = (CONFIG / "plant.yaml").read_text(encoding="utf-8").replace("max: 10000000", "max: 1500")
    (tmp_path / "later/plant.yaml").write_text(said, encoding="utf-8")

    world.restart(tmp_path / "later")

    assert world.kwh("2026-10") == pytest.approx(31_000)
    assert "outside: max is 1500 kWh" in world.try_to_enter(invoice("2026-08-01", "2026-09-01", 1501))[1]
    assert world.say("strike", first, by="minh", reason="too much")[0] == "done"
    assert (world.kwh("2026-10"), world.kwh("2026-09")) == (None, pytest.approx(30_000))


def test_the_month_end_lists_what_waits_for_approval(world: Books) -> None:
    number = world.enter(invoice("2026-11-20", "2026-12-01", 4000))
    world.approved(invoice("2026-11-01", "2026-11-20", 9000))

    items = world.get("/v1/month-end", park="park-a", month="2026-11")["items"]
    [waits] = [one for one in items if one["kind"] == "record"]
    assert waits["about"] == f"park-a/works/{ELECTRICITY} {number}"
    assert waits["detail"].startswith("4000 kWh (")
    assert waits["command"] == f"stackmeter record approve {number} --by NAME"
    october = world.get("/v1/month-end", park="park-a", month="2026-10")["items"]
    assert [one for one in october if one["kind"] == "record"] == []
