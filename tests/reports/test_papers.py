"""Papers of a real state: golden cases R58a and R59a, every number as GET /v1/totals has it, the same bytes twice."""

import csv
import io
import json
from dataclasses import replace
from pathlib import Path
from urllib.parse import parse_qsl, urlsplit
from zoneinfo import ZoneInfo

import pytest

from plant.configuration.about import SourceTexts
from reports import drafts
from reports.catalogue import all_forms
from reports.circular38 import tables as circular38_tables
from reports.classes import class_of
from reports.facts import ExchangeFact, Facts, OwnPowerFact, PeriodFacts, SavingFact, SourceFact, TotalFact
from reports.paper import PaperTable, Paragraph, Tone
from reports.words import UNKNOWN, Words, texts
from tests.reports.files import paragraphs, parts, tables, workbook
from tests.reports.year import Year

GOLDEN = Path(__file__).parents[1] / "cases/programme"
R58A, R59A = (json.loads((GOLDEN / f"{name}.json").read_text(encoding="utf-8")) for name in ("R58a", "R59a"))
ASKED = {
    "auditor": {"periods": "2025,2026"},
    "b4": {"periods": "2025", "facility": "mill"},
    "circular38": {"periods": "2025,2026"},
    "form06": {"periods": "2025,2026", "facility": "mill"},
    "ghg": {"periods": "2025", "facility": "mill"},
    "iso14064": {"periods": "2025"},
    "monthly": {"periods": "2026-03"},
}
KINDS = ("docx", "xlsx", "csv", "json", "html")


def test_all_forms_are_asked() -> None:
    assert ASKED.keys() == all_forms().keys()


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("form", ASKED)
def test_the_same_cut_gives_the_same_bytes(years: Year, form: str, kind: str) -> None:
    assert years.file(form, kind, **ASKED[form]) == years.file(form, kind, **ASKED[form])


@pytest.mark.parametrize("language", ["vi", "en"])
@pytest.mark.parametrize("form", ASKED)
def test_each_number_of_a_workbook_is_that_of_the_totals(years: Year, form: str, language: str) -> None:
    """The last sheet says of each number where it is asked for; numbers that follow from others are made again from the first page."""
    book = workbook(years.file(form, "xlsx", language=language, **ASKED[form]))
    sheet = list(book.sheets)[-1]
    head = next(row for row in book.rows(sheet) if len(row) == 17)
    columns = dict(
        zip(
            [
                "sheet",
                "cell",
                "about",
                "column",
                "value",
                "unit",
                "place",
                "period",
                "field",
                "scale",
                "made_of",
                "method",
                "factors",
                "coverage",
                "revision",
                "address",
                "command",
            ],
            head,
            strict=True,
        )
    )
    rows = book.rows(sheet)
    rows = rows[rows.index(head) + 1 :]
    known = 0
    for row in rows:
        told = {name: row.get(letter, "") for name, letter in columns.items()}
        shown = book.sheets[str(told["sheet"])].get(str(told["cell"]))
        if told["value"] == "":
            assert shown in {UNKNOWN, None}
            continue
        assert shown == told["value"]
        assert told["revision"] != ""
        if told["field"]:
            known += 1
            assert told["value"] == pytest.approx(asked(years, told) * float(told["scale"]), rel=1e-12)
        else:
            assert told["made_of"]
    assert known > 10
    placed = {(row[columns["sheet"]], row[columns["cell"]]) for row in rows}
    assert len(placed) == len(rows)


def asked(years: Year, told: dict[str, float | str]) -> float:
    """Return what the API says of the field that a number names."""
    address = urlsplit(str(told["address"]))
    query = {"from_" if name == "from" else name: value for name, value in parse_qsl(address.query)}
    totals = years.get(address.path, **query)["totals"]
    if address.fragment:
        totals = [one for one in totals if f"scope={one['scope']}" == address.fragment]
    [found] = totals
    for name in str(told["field"]).split("."):
        found = found[name]
    return float(found)


def test_golden_r58a_form_06_has_its_title_parts_and_items_and_nothing_besides(years: Year) -> None:
    expected = R58A["expected"]
    told = [one for one in paragraphs(years.file("form06", "docx", **ASKED["form06"])) if one]
    first = told.index(expected["lines"][0])
    parts_ = [
        one
        for one in told
        if one.split(".")[0] in expected["sections"] and one.split(". ")[0] in {"I", "II", "III"}
    ]
    items = [one for one in told if one[:2] in {"1.", "2.", "3.", "4."}]

    assert told[first + 1] == expected["lines"][1]
    assert [one.split(".")[0] for one in parts_] == expected["sections"]
    assert len(items) == expected["items"]
    assert told[-1] == "ĐẠI DIỆN CỦA CƠ SỞ"
    assert not any(word in " ".join(told) for word in ("Kính gửi", "Số:", "ngày ... tháng"))


def test_golden_r58a_form_06_has_no_table_of_its_own(years: Year) -> None:
    """Of a facility without a source of a year, nothing but the form is left, and the list of what keeps it from being issued."""
    made = tables(years.file("form06", "docx", periods="2019,2020", facility="yard"))

    assert [table[0] for table in made if table[0][0] != "Nội dung"][
        : R58A["expected"]["tables_in_form"]
    ] == []
    assert all(table[0][0] in {"Nội dung", "STT"} for table in made)


def test_golden_r59a_table_1_1_is_the_circulars(years: Year) -> None:
    body = json.loads(years.file("circular38", "json", **ASKED["circular38"]))
    [table, _] = [one for one in body["pieces"] if one.get("table", "").startswith("Bảng 1.1.")]
    row = next(row for row in table["rows"] if "genset" in row[1])
    number, fuel, amount, _, per_unit, total = row

    assert table["columns"] == R59A["expected"]["columns"]
    assert "diesel" in fuel
    assert [number, amount["value"], amount["unit"]] == [
        "2",
        pytest.approx(R59A["expected"]["row"][2], rel=1e-9),
        R59A["expected"]["row"][3],
    ]
    assert per_unit["value"] == pytest.approx(R59A["expected"]["row"][4], abs=1e-12)
    assert total["value"] == pytest.approx(R59A["expected"]["row"][5], rel=1e-9)


def test_circular_38_has_seven_tables_a_year_and_steam_in_both_units(years: Year) -> None:
    body = json.loads(years.file("circular38", "json", periods="2025"))
    named = [one["table"] for one in body["pieces"] if "table" in one]
    steam = next(one for one in body["pieces"] if one.get("table", "").startswith("Bảng 4.2."))
    note = next(one for one in body["pieces"] if "Bảng 4.2, dòng 1" in one.get("paragraph", ""))

    assert [one.split(". ")[0] for one in named[:7]] == [
        f"Bảng {n}" for n in ("1.1", "1.2", "2.1", "2.2", "3", "4.1", "4.2")
    ]
    assert steam["rows"][0][3]["value"] == pytest.approx(60 / 8760)
    assert note["numbers"][0]["value"] == pytest.approx(60)


def test_circular_38_has_what_people_told_of_vehicles_equipment_and_steam(years: Year) -> None:
    body = json.loads(years.file("circular38", "json", facility="mill", periods="2025", language="en"))
    rows = {
        one["table"].removeprefix("Table ").partition(". ")[0]: [
            [cell if isinstance(cell, str) else cell["value"] for cell in row] for row in one["rows"]
        ]
        for one in body["pieces"]
        if "table" in one
    }

    assert rows["1.2"] == [
        [
            "1",
            "ôtô",
            "Hino 500, 15C-123.45 (port/mill/lorries)",
            "ipcc-2006-diesel",
            pytest.approx(840),
            41250,
        ]
    ]
    assert rows["2.1"][0][1] == "R-134a (port/mill/chiller)"
    assert rows["2.2"] == [
        ["1", "Carrier 30XA", "roof", "2019", "R-134a", 1_200_000, 85, 2.5, "04/2025"],
        ["2", "Trane RTAC", UNKNOWN, UNKNOWN, "R-134a", *[UNKNOWN] * 4],
    ]
    assert rows["4.1"][0][3] == "from the 22 kV line"
    assert rows["4.2"][0][1:3] == ["1.0 MPa", 184]


def test_waste_stands_by_stream_and_treatment() -> None:
    total = TotalFact("port/mill/sludge", "2025", "", 1.5, *[None] * 5, {}, 1, method="waste-treatment",
                      activity=1000.0, activity_unit="kg")  # fmt: skip
    source = SourceFact(
        total.place, "Mill", "waste-treatment", "CH4 and N2O of waste composted", "", "", "", total,
        class_of("waste-treatment", "waste-treatment", 1, None), SourceTexts(stream="sludge", treatment="composting"),
    )  # fmt: skip
    period = PeriodFacts("2025", total, (), (), (source,), ())
    [table] = [one for one in circular38_tables(period, empty=False) if isinstance(one, PaperTable)]
    words = Words("en")

    assert [words.of(cell) for cell in table.columns][1:3] == ["Waste stream", "Treatment (method)"]
    assert [[words.of(cell) for cell in row] for row in table.rows] == [
        [
            "1",
            "sludge",
            "composting (CH4 and N2O of waste composted)",
            "1.000",
            "t",
            "1.500",
            "port/mill/sludge",
        ]
    ]


def test_own_generation_stands_in_table_4_1_and_what_is_not_known_of_it_is_named() -> None:
    power = (
        OwnPowerFact("port/mill", "Mill", "2025", 380.0, 8760, 8760),
        OwnPowerFact("port/food", "Food", "2025", 12.5, 8040, 8760),
        OwnPowerFact("port/dark", "Dark", "2025", None, 0, 8760),
        OwnPowerFact("port/silent", "Silent", "2025", None, 0, 0),
    )
    total = TotalFact("port", "2025", "", *[None] * 6, {}, 1)
    pieces = list(circular38_tables(PeriodFacts("2025", total, (), (), (), (), own_power=power), empty=False))
    [table] = [one for one in pieces if isinstance(one, PaperTable)]
    [note] = [one for one in pieces if isinstance(one, Paragraph)]
    words = Words("en")

    assert [[words.of(cell) for cell in row] for row in table.rows] == [
        ["1", "380.000", "Own generation", "Mill"],
        ["2", "12.500", "Own generation", "Food; 8,040 of 8,760 hours are known, the others are in no sum"],
        ["3", UNKNOWN, "Own generation", "Dark; 0 of 8,760 hours are known, the others are in no sum"],
    ]
    assert words.of(note.text).endswith(": Silent.")


def test_golden_r56c_form_b4_sums_what_measures_have_proven_and_rounds_last() -> None:
    """1,250,000 kWh at 0.6592 t/MWh, and 10,000 L of diesel at 0.84 kg/L, 43 TJ/Gg and 74,100 kg/TJ."""
    diesel = 10_000 * 0.84 * 43.0 / 1e6 * 74_100 / 1000
    savings = (
        SavingFact("led", "kWh", 1_250_000.0, 1250 * 0.6592, is_electricity=True, outcome="shown"),
        SavingFact("forklifts", "L", 10_000.0, diesel, is_electricity=False, outcome="shown"),
        SavingFact("doubtful", "kWh", 9e6, 5000.0, is_electricity=True, outcome="not_shown"),
    )
    words = Words("en")

    def told(*proven: SavingFact) -> dict[str, str]:
        period = PeriodFacts(
            "2025", TotalFact("port/mill", "2025", "", *[None] * 6, {}, 1), (), (), (), (), savings=proven
        )
        facts = Facts("port/mill", "Mill", ZoneInfo("UTC"), (period,), "AR5", {}, "", "", "")
        table = next(one for one in all_forms()["b4"][1](facts).pieces if isinstance(one, PaperTable))
        return {words.of(row[0]): words.of(row[2]) for row in table.rows}

    assert told(*savings) == {"P3.3": "824.00", "P3.7": "26.76", "P3.10": "850.76"}
    assert told(savings[2]) == dict.fromkeys(("P3.3", "P3.7", "P3.10"), UNKNOWN)


def test_form_b4_tells_money_links_and_partners_and_names_what_nobody_knows() -> None:
    savings = (
        SavingFact(
            "led",
            "MWh",
            2.0,
            1.3,
            is_electricity=True,
            outcome="shown",
            kwh=2000.0,
            cost=4.6e6,
            currency="VND",
        ),
        SavingFact("forklifts", "L", 10.0, 0.02, is_electricity=False, outcome="shown"),
        SavingFact(
            "doubtful",
            "kWh",
            9e6,
            5.0,
            is_electricity=True,
            outcome="not_shown",
            kwh=9e6,
            cost=1e9,
            currency="VND",
        ),
    )
    links = (
        ExchangeFact("port/slag", "Slag", "input-output", is_sent=True, partner="port/cement", unit="t", amount=1200.0),
        ExchangeFact("port/heat", "Heat", "shared-infrastructure", is_sent=False, partner="port/cement", unit="GJ", amount=None),
    )  # fmt: skip
    total = TotalFact("port/mill", "2025", "", *[None] * 6, {}, 1)
    period = PeriodFacts("2025", total, (), (), (), (), savings=savings, exchanges=links)
    facts = Facts("port/mill", "Mill", ZoneInfo("UTC"), (period,), "AR5", {}, "", "", "")
    words = Words("en")
    pieces = all_forms()["b4"][1](facts).pieces
    tables = {words.of(one.title): one.rows for one in pieces if isinstance(one, PaperTable)}
    rows = {
        key.partition(".")[0]: [[words.of(cell) for cell in row] for row in of] for key, of in tables.items()
    }

    assert [row[1:] for row in rows["2"]] == [
        ["2,000.000", "kWh"],
        ["4.600", "mVND"],
        ["10.000", "L"],
        ["2", ""],
        ["1", ""],
    ]
    assert rows["3"] == [
        ["Slag", "exchange of input and output", "sent to", "port/cement", "1,200.000", "t"],
        ["Heat", "shared infrastructure", "received from", "port/cement", UNKNOWN, "GJ"],
    ]
    assert any("Not known here" in words.of(one.text) for one in pieces if isinstance(one, Paragraph))


def test_a_draft_tells_what_people_entered_and_what_meters_tell() -> None:
    total = TotalFact("port", "2025", "", 10.0, *[None] * 5, {}, 1, entered_t=2.5, entered_share=0.25,
                      self_approved_share=0.1)  # fmt: skip
    gwp = {"CO2": 1.0, "CH4": 28.0, "N2O": 265.0}

    def told(one: TotalFact) -> list[str]:
        period = PeriodFacts("2025", one, (), (), (), ())
        facts = Facts("port", "Port", ZoneInfo("UTC"), (period,), "AR5", gwp, "", "", "")
        assert {piece.tone for piece in drafts.data_system(facts)} == {Tone.DRAFTED}
        return [Words("en").of(piece.text) for piece in drafts.data_system(facts)]

    said = told(total)
    assert (
        "Period 2025: 2.500 t CO2e, 25.0 % of the tonnes, follow from sources whose amounts people entered"
        in said[1]
    )
    assert "75.0 % follow from meters alone" in said[1]
    assert "10.0 % of the tonnes were approved by the person who entered them" in said[2]
    assert not [one for one in told(replace(total, entered_share=None)) if "people entered" in one]


def test_a_draft_says_so_on_each_page_and_lists_what_is_open(years: Year) -> None:
    content = years.file("iso14064", "docx", periods="2026", language="en")
    header = next(name for name in parts(content) if name.startswith("word/header"))
    book = workbook(years.file("iso14064", "xlsx", periods="2026", language="en"))

    assert any("DRAFT" in one for one in paragraphs(content, header))
    assert all(any("DRAFT" in str(cell) for cell in sheet.values()) for sheet in book.sheets.values())
    assert any("port 2026-12" in str(cell) for cell in book.sheets["Paper"].values())
    assert b"DRAFT" in years.file("iso14064", "csv", periods="2026", language="en").splitlines()[1]
    assert b'class="warn running">DRAFT' in years.file("iso14064", "html", periods="2026", language="en")


def test_vietnamese_says_that_nobody_has_checked_its_words_and_english_does_not(years: Year) -> None:
    vi, en = (
        json.loads(years.file("form06", "json", language=one, **ASKED["form06"])) for one in ("vi", "en")
    )

    assert any("chưa được người am hiểu pháp luật kiểm tra" in one for one in vi["warnings"])
    assert not any("checked" in one for one in en["warnings"])


@pytest.mark.parametrize("kind", KINDS)
def test_what_somebody_called_something_is_text_and_nothing_else(years: Year, kind: str) -> None:
    content = years.file("auditor", kind, periods="2025")
    if kind == "xlsx":
        cells = [cell for sheet in workbook(content).sheets.values() for cell in sheet.values()]
        assert "=Yard <b>(invented)</b>" in cells
    elif kind == "csv":
        rows = list(csv.reader(io.StringIO(content.decode())))
        assert not [cell for row in rows for cell in row if cell.startswith(("=", "+", "@"))]
    elif kind == "html":
        assert b"&lt;b&gt;" in content
        assert b"<b>" not in content


def test_market_based_stands_beside_and_not_in_the_sum(years: Year) -> None:
    body = json.loads(years.file("ghg", "json", periods="2025", facility="yard", language="en"))
    table = next(one for one in body["pieces"] if one.get("table") == "Scope 2 by both methods")
    location, market, *_ = (cell["value"] for cell in table["rows"][0])
    total = years.get("/v1/totals", level="facility", park="port", facility="yard", period="2025")["totals"][
        0
    ]

    assert location == total["co2e_t"]
    assert 0 < market < location


@pytest.mark.parametrize(
    ("form", "asked_", "why"),
    [
        ("form06", {"periods": "2025", "facility": "mill"}, "two years"),
        ("form06", {"periods": "2026,2025", "facility": "mill"}, "two years"),
        ("form06", {"periods": "2025,2026"}, "one facility"),
        ("form07", {"periods": "2025"}, "did you mean form06"),
        ("iso14064", {"periods": "2025-03"}, "a year"),
        ("monthly", {"periods": "2025"}, "a month"),
        ("auditor", {"periods": "2025-13"}, "periods"),
        ("auditor", {"periods": "2025", "facility": "nowhere"}, "facility"),
    ],
)
def test_what_a_form_is_not_of_is_refused_with_a_sentence(
    years: Year, form: str, asked_: dict[str, str], why: str
) -> None:
    answer = years.ask(f"/v1/forms/{form}.html", park="port", **asked_)

    assert answer.status_code == 422
    assert why in answer.text


def test_without_the_extra_it_is_said_what_to_install(years: Year, monkeypatch: pytest.MonkeyPatch) -> None:
    import sys  # noqa: PLC0415  as what hides a module does

    monkeypatch.setitem(sys.modules, "docx", None)
    answer = years.ask("/v1/forms/auditor.docx", park="port", periods="2025")

    assert answer.status_code == 409
    assert "stackmeter[papers]" in answer.json()["detail"]
    assert years.ask("/v1/forms/auditor.html", park="port", periods="2025").status_code == 200


def test_the_forms_are_told(years: Year) -> None:
    told = years.get("/v1/forms", language="vi")

    assert [one["form"] for one in told["forms"]] == sorted(ASKED)
    assert {one["form"]: one["checked"] for one in told["forms"] if one["checked"]} == {
        "circular38": "Trần Thị B, pháp chế, 2027-01-02"
    }


def test_what_people_gave_stands_in_the_form_and_what_nobody_gave_is_asked_for(years: Year) -> None:
    told = paragraphs(years.file("form06", "docx", **ASKED["form06"]))
    yard = paragraphs(years.file("form06", "docx", periods="2025,2026", facility="yard"))

    assert "Tên cơ sở: Công ty Cổ phần Nhà máy (invented)" in told
    assert "[Chưa nhập: Mã số thuế]" in told
    assert "[Chưa nhập: Địa chỉ]" in yard
    assert any(one.startswith("[Dự thảo tự động]") for one in told)


def test_words_that_a_person_has_checked_are_no_longer_warned_of(years: Year) -> None:
    body = json.loads(years.file("circular38", "json", periods="2025"))

    assert body["warnings"] == [texts("vi")["draft"]]
    assert body["properties"]["checked"] == "Trần Thị B, pháp chế, 2027-01-02"


def test_the_base_year_stands_beside_the_year_with_the_change(years: Year) -> None:
    body = json.loads(years.file("ghg", "json", periods="2026", facility="mill", language="en"))
    table = next(one for one in body["pieces"] if one.get("table") == "Beside the base year")
    totals = [
        years.get("/v1/totals", level="facility", park="port", facility="mill", period=year)["totals"][0][
            "co2e_t"
        ]
        for year in ("2025", "2026")
    ]

    assert [row[1]["value"] for row in table["rows"]] == totals
    assert any("5 %" in one.get("paragraph", "") for one in body["pieces"])
