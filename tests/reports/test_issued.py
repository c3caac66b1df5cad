"""Reports: issued where everything is final, the same bytes for ever, and overtaken where a month is restated."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from api.access.caller import TOKEN as TOKEN_BEARER
from api.access.caller import Caller, Role
from api.problems import InvalidQuery
from api.reports.facts_reader import Cut, checked
from api.reports.issued import told
from plant.configuration.about import AboutTexts
from proof.verify.verify import verify
from reports.catalogue import lacking_texts, paper_of, written
from reports.facts import Facts, Issue, PeriodFacts, TotalFact
from store.accounting.closing import Decision
from store.kept_files import digest_of
from store.reports import ReportDecision
from tests.reports.year import MONTHS, STARTS, Year
from tests.semantics.world import reading

WANTED = {"form": "auditor", "park": "port", "facility": "mill", "periods": "2025-02", "by": "lan"}


@pytest.fixture
def year(tmp_path: Path) -> Iterator[Year]:
    (tmp_path / "state").mkdir()
    made = Year(tmp_path / "state", months=3)
    yield made
    made.close()


def issue(year: Year, **changes: Any) -> dict[str, Any]:
    answer = year.post("/v1/reports", WANTED | changes)
    assert answer.status_code == 200, answer.text
    return answer.json()["report"]


def test_an_issued_paper_is_kept_numbered_and_overtaken_by_a_restatement(year: Year) -> None:
    refused = year.post("/v1/reports", WANTED)
    assert refused.status_code == 409
    assert [one["about"] for one in refused.json()["open"]] == ["port 2025-02"]
    assert year.get("/v1/reports")["reports"] == []

    year.close_months(MONTHS[:2])
    first = issue(year)
    assert (first["number"], first["revision"], first["status"], first["issued_by"]) == (
        1,
        1,
        "issued",
        "lan",
    )
    assert first["files"].keys() == {"docx", "xlsx", "csv", "json", "html"}
    kept = {kind: year.ask(f"/v1/reports/{first['id']}.{kind}").content for kind in first["files"]}
    assert {kind: digest_of(content) for kind, content in kept.items()} == first["files"]
    assert b"DRAFT" not in kept["html"]
    assert b"D\xe1\xbb\xb0 TH\xe1\xba\xa2O" not in kept["html"]

    year.restart()
    again = {kind: year.ask(f"/v1/reports/{first['id']}.{kind}").content for kind in first["files"]}
    assert again == kept
    assert issue(year, form="monthly")["number"] == 2

    # What comes late waits, and is published by an approval.
    year.tell("mill", reading("chiller", STARTS[1] + 60 * 10**9, 4.0, "kg"))
    [period] = [one for one in year.get("/v1/periods")["periods"] if one["month"] == "2025-02"]
    assert year.get("/v1/reports")["reports"][1]["status"] == "issued"
    generation = period["pending_restatement"]["generation"]
    for name in ("minh", "hoa"):
        year.decide(Decision(f"approve-{name}", name, "approve", "port", "2025-02", generation))
    [monthly, first_now] = year.get("/v1/reports")["reports"]
    assert (first_now["status"], first_now["overtaken_months"]) == ("overtaken", ["2025-02"])
    assert first_now["overtaken_t"] == pytest.approx(4.0 * 1300 / 1000)
    assert monthly["status"] == "overtaken"
    assert {kind: year.ask(f"/v1/reports/{first['id']}.{kind}").content for kind in kept} == kept

    second = issue(year)
    assert (second["number"], second["revision"], second["status"]) == (1, 2, "issued")
    assert second["files"]["xlsx"] != first["files"]["xlsx"]
    found = year.get("/v1/reports/verify", digest=first["files"]["docx"])
    assert (found["report"]["revision"], found["kind"], found["report"]["status"]) == (1, "docx", "overtaken")
    assert year.get("/v1/reports/verify", digest=digest_of(b"another"))["report"] is None


def test_a_source_in_no_class_stops_an_issue_and_not_a_draft(tmp_path: Path) -> None:
    config = tmp_path / "config"
    config.mkdir()
    text = (Path(__file__).with_name("config") / "plant.yaml").read_text(encoding="utf-8")
    (config / "plant.yaml").write_text(
        text.replace(
            "factor: vn-grid}\n        certificates", "factor: vn-grid, scope: 3}\n        certificates"
        ),
        encoding="utf-8",
    )
    (tmp_path / "state").mkdir()
    year = Year(tmp_path / "state", config, months=3)
    year.close_months(MONTHS[:2])
    refused = year.post("/v1/reports", WANTED | {"facility": "yard"})
    assert refused.status_code == 409
    assert "The classes have no row for it" in refused.json()["detail"]
    assert (
        year.ask("/v1/forms/auditor.html", park="port", facility="yard", periods="2025-02").status_code == 200
    )
    year.close()


def test_the_line_refuses_what_is_no_longer_so(year: Year) -> None:
    """Between the paper and its turn in the journal a month may change, or another may take the number."""
    year.close_months(MONTHS[:2])

    def made(number: str, **changes: Any) -> ReportDecision:
        given = {
            "id": number, "by": "lan", "form": "auditor", "park": "port", "facility": "mill", "periods": ("2025-01",),
            "language": "vi", "gwp": "AR5", "files": {}, "tonnes": {}, "number": 1, "revision": 1, "ledger": "",
            "configuration": year.plant.hash, "version": "0",
        }  # fmt: skip
        return ReportDecision(**(given | changes))

    cases = {
        "changed": ({"tonnes": {"2025-01": 1.0}}, "2025-01 changed while the paper was made"),
        "open": ({"tonnes": {"2026-01": 1.0}}, "2026-01 is open: close it first"),
        "number": ({"revision": 2}, "another paper was issued meanwhile"),
    }
    for name, (changes, why) in cases.items():
        year.decide(made(name, **changes))
        [(outcome, detail)] = year.rows(f"SELECT outcome, detail FROM decision WHERE id = '{name}'")
        assert outcome == "refused"
        assert why in detail
    assert year.rows("SELECT * FROM report") == []


def test_a_key_for_some_places_has_the_papers_of_these_places_only(year: Year) -> None:
    yard = Caller("yard", Role.APPROVER, (("port", "yard"),))
    for cut in (Cut("port", "mill", ("2025",)), Cut("port", "", ("2025",)), Cut("prot", "yard", ("2025",))):
        with pytest.raises(InvalidQuery):
            checked(year.plant, yard, cut)
    assert checked(year.plant, yard, Cut("port", "yard", ("2025",)))[1] is not None
    year.close_months(MONTHS[:2])
    for facility in ("mill", "yard", None):
        issue(year, facility=facility)
    with year.reader.snapshot() as state:
        seen = {who: [one.facility for one in told(state, year.plant, who)] for who in (yard, TOKEN_BEARER)}
    assert seen == {yard: ["yard"], TOKEN_BEARER: [None, "yard", "mill"]}


def findings(year: Year) -> list[str]:
    return [str(one.detail) for one in verify(year.plant, year.catalogue, year.folder).findings]


def test_verify_names_whatever_is_changed_of_a_report_and_of_its_files(year: Year, tmp_path: Path) -> None:
    year.close_months(MONTHS[:2])
    made = issue(year)
    assert findings(year) == []
    state = year.state.connection
    [row] = state.execute("SELECT * FROM report").fetchall()
    names = [one[1] for one in state.execute("PRAGMA table_info(report)")]
    for name, value in zip(names, row, strict=True):
        changed = value + 1 if isinstance(value, int) else value.replace("1", "2") + " "
        state.execute(f"UPDATE report SET {name} = ?", (changed,))
        assert findings(year), f"{name} is changed, and nobody says so"
        state.execute("DELETE FROM report")
        assert findings(year) == ["is missing; it was issued"]
        state.execute(f"INSERT INTO report VALUES ({', '.join('?' * len(row))})", row)
    file = tmp_path / "state/evidence" / made["files"]["docx"].removeprefix("sha256:")
    content = file.read_bytes()
    file.write_bytes(content[:-1])
    assert ["other bytes" in one for one in findings(year)] == [True]
    assert year.ask(f"/v1/reports/{made['id']}.docx").status_code == 409
    file.write_bytes(content)


def test_what_a_form_needs_and_nobody_has_given_stops_an_issue_and_names_its_keys(year: Year) -> None:
    asked = {"park": "port", "facility": "mill", "periods": "2025,2026"}
    wanted = {**asked, "form": "form06", "by": "lan"}
    refused = year.post("/v1/reports?language=vi", wanted)
    assert refused.status_code == 409
    [texts] = [one for one in refused.json()["open"] if one["what"] == "text"]
    assert texts["about"] == "about.yaml, port/mill"
    assert [why.split("`")[1] for why in texts["why"]] == ["licence", "technology"]
    assert texts["why"][0] == "Hãy điền `licence`: Giấy phép kinh doanh."
    assert "chưa phát hành được" in refused.json()["detail"]
    assert "`technology`" in refused.json()["detail"]
    assert year.get("/v1/forms/open", form="form06", **asked, language="vi")["open"] == refused.json()["open"]


def test_a_text_that_a_form_may_be_without_is_asked_for_in_a_draft_alone() -> None:
    """The tax code stands in no item of Form 06: what is issued says nothing of it."""
    given = AboutTexts(**dict.fromkeys(("address", "licence", "representative", "position", "sector", "boundary", "technology", "sinks"), "x"))  # fmt: skip
    total = TotalFact("port/mill", "", "", *[None] * 6, {}, 1)
    years = tuple(PeriodFacts(year, total, (), (), (), ()) for year in ("2025", "2026"))
    gwp = {"CO2": 1.0, "CH4": 28.0, "N2O": 265.0}
    facts = Facts("port/mill", "Mill", ZoneInfo("UTC"), years, "AR5", gwp, "", "", "", given)
    issued = replace(facts, issue=Issue("1", 1))

    assert lacking_texts("form06", facts) == []
    drafted, made = (written(paper_of("form06", one, "vi"), "html", "vi").decode() for one in (facts, issued))
    assert drafted.count("[Chưa nhập") == 2
    assert "[Chưa nhập" not in made
    assert lacking_texts("form06", replace(facts, about=AboutTexts()))[0] == "address"
