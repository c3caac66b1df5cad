"""Month end as a work: what is left to do is listed, each with its link and command, and so is what falls due."""

from datetime import date

import pytest

from plant.languages import LANGUAGES
from reports.catalogue import all_forms
from reports.duties import all_duties, due_within
from reports.words import texts
from tests.reports.year import Year


def test_an_open_month_says_what_keeps_it_from_being_final_and_how_to_close_it(years: Year) -> None:
    told = years.get("/v1/month-end", park="port", month="2026-12")
    kinds = [one["kind"] for one in told["items"]]

    assert told["period"]["status"] == "open"
    assert "provisional" in kinds
    assert kinds[-1] == "close"
    assert told["items"][-1]["command"] == 'stackmeter decide port 2026-12 final --by NAME --despite "WHY"'
    for one in told["items"]:
        path, _, query = one["link"].partition("?")
        params = dict(pair.split("=") for pair in query.split("&")) if query else {}
        assert years.ask(path, **params).status_code == 200, one
    assert [one["duty"] for one in told["duties"]][:1] == ["form06"]
    assert told["duties"][0]["due"] == "2027-03-31"


def test_a_final_month_leaves_nothing_to_do(years: Year) -> None:
    told = years.get("/v1/month-end", park="port", month="2026-11", language="vi")

    assert told["period"]["status"] == "final"
    assert told["items"] == []


def test_a_month_without_readings_names_its_sources(years: Year) -> None:
    told = years.get("/v1/month-end", park="port", month="2024-11")

    assert {one["kind"] for one in told["items"] if one["stops"]} >= {"sources"}
    assert years.ask("/v1/month-end", park="prot", month="2024-11").status_code == 422


def test_duties_are_named_in_each_language_and_have_their_forms() -> None:
    for one in all_duties():
        assert all(f"duty.{one.key}" in texts(language) for language in LANGUAGES)
        assert one.form in {"", *all_forms()}
        assert one.source


@pytest.mark.parametrize(
    ("today", "days", "due"),
    [
        ("2027-03-31", 0, ["2027-03-31"]),
        ("2027-04-01", 200, ["2027-09-30"]),
        ("2026-01-01", 365, []),
        ("2027-12-01", 30, ["2027-12-01", "2027-12-24", "2027-12-31"]),
        ("2028-01-01", 365, ["2028-09-30", "2028-12-01"]),
    ],
)
def test_what_falls_due_is_told_by_its_day(today: str, days: int, due: list[str]) -> None:
    assert [one.due.isoformat() for one in due_within(date.fromisoformat(today), days)] == due


@pytest.mark.parametrize("month", ["2026-12", "2024-11"])
def test_what_is_left_to_do_is_said_in_vietnamese_too(years: Year, month: str) -> None:
    told = {
        language: years.get("/v1/month-end", park="port", month=month, language=language)
        for language in LANGUAGES
    }
    pairs = [
        (one, other)
        for key in ("items", "duties")
        for one, other in zip(told["en"][key], told["vi"][key], strict=True)
    ] + list(zip(told["en"]["period"]["lacks"], told["vi"]["period"]["lacks"], strict=True))

    assert pairs
    for english, vietnamese in pairs:
        changed = {name for name in english if english[name] != vietnamese[name]}
        assert changed == ({"title"} if "title" in english else {"detail"})


def test_a_refusal_to_close_is_in_the_language_that_was_asked(years: Year) -> None:
    body = {"park": "port", "month": "2024-11", "action": "final", "by": "lan"}
    english, vietnamese = (years.post(f"/v1/periods?language={language}", body) for language in ("en", "vi"))
    assert english.status_code == vietnamese.status_code == 409
    assert "Say why it is closed all the same (despite)" in english.json()["detail"]
    assert "Hãy nói vì sao vẫn chốt (despite)" in vietnamese.json()["detail"]
