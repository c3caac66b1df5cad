"""record on the command line, against a whole service behind a real socket."""

import json
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from api.serve import Server
from plant.configuration.load import load
from rules.catalogue import load_catalogue
from stackmeter.cli import app
from tests.api.test_records import INVOICE, PDF, Office
from tests.plant.test_invoice import INVOICE as E_INVOICE
from tests.semantics.conftest import MEMORY
from tests.semantics.test_9_records import CONFIG, NOW
from tests.semantics.world import GRID

CHANNEL = str(INVOICE["channel"])


class Counter:
    """An office, and the command line that asks it with somebody's key."""

    def __init__(self, folder: Path) -> None:
        (folder / "state").mkdir()
        self.folder, self.office = folder, Office(folder / "state", CONFIG, NOW)
        for name, role in (("lan", "operator"), ("minh", "approver")):
            self.office.key(name, role)
        (folder / "invoice.pdf").write_bytes(PDF)
        self.server = Server(self.office.app, "127.0.0.1", 0)
        self.server.start()

    def close(self) -> None:
        self.server.stop()
        self.office.close()

    def told(self, who: str, *arguments: str, code: int = 0) -> Result:
        asked = ["record", *arguments, "--url", self.server.url, "--token", self.office.bearers[who]]
        result = CliRunner().invoke(app, asked, env={"COLUMNS": "200"})
        assert result.exit_code == code, result.output
        return result

    def json(self, who: str, *arguments: str, code: int = 0) -> Any:
        return json.loads(self.told(who, *arguments, "--json", code=code).stdout)

    def add(self, value: str = "310.000", code: int = 0) -> str:
        said = [
            "--channel",
            CHANNEL,
            "--from",
            "2026-10-12",
            "--to",
            "2026-11-12",
            "--unit",
            "kWh",
            "--source",
            "EVN 1",
        ]
        file = str(self.folder / "invoice.pdf")
        found = self.told(
            "lan", "add", *said, "--value", value, "--numbers", "vi", "--evidence", file, "--json", code=code
        )
        return "" if code else str(json.loads(found.stdout)["records"][0]["id"])


@pytest.fixture
def counter() -> Iterator[Counter]:
    with tempfile.TemporaryDirectory(dir=MEMORY) as name:
        made = Counter(Path(name))
        yield made
        made.close()


def test_a_record_is_added_listed_and_approved(counter: Counter) -> None:
    number = counter.add()

    told = counter.told("lan", "list").stdout
    assert all(word in told for word in (number, "entered", CHANNEL, "310,000 kWh", "EVN 1", "2026-10-12"))
    assert "role approver" in counter.told("lan", "approve", number, code=2).output
    assert "approved, and counts" in counter.told("minh", "approve", number).stdout
    assert counter.json("lan", "list", "--state-of", "approved")["records"][0]["value"] == 310_000
    in_vietnamese = counter.told("lan", "list", "--language", "vi").stdout
    assert all(word in in_vietnamese for word in ("trạng thái", "người duyệt", "đã duyệt", "310.000 kWh"))
    again = counter.told("minh", "approve", number, "--language", "vi", code=1)
    assert f"{number} đã duyệt rồi" in again.output
    counter.told("minh", "approve", number, "--language", "fr", code=2)
    assert counter.office.total("grid", period="2026-10")["activity"] == pytest.approx(200_000)


def test_a_record_is_replaced_and_struck(counter: Counter) -> None:
    first = counter.add()
    counter.told("minh", "approve", first)
    file = str(counter.folder / "invoice.pdf")

    second = counter.json("lan", "replace", first, "--value", "155000", "--evidence", file)["records"][0][
        "id"
    ]
    assert "there is no record 9-9" in counter.told("minh", "approve", second, "9-9", code=1).output
    assert counter.office.total("grid", period="2026-10")["activity"] == pytest.approx(100_000)
    assert "struck" in counter.told("minh", "strike", second, "--reason", "of another plant").stdout
    assert (
        "there is no record 9-9" in counter.told("lan", "replace", "9-9", "--evidence", file, code=1).output
    )


def test_what_waits_is_refused_or_withdrawn(counter: Counter) -> None:
    first, second = counter.add("1"), counter.add("2")

    counter.told("minh", "refuse", first, "--reason", "not legible")
    counter.told("lan", "withdraw", second)
    states = {one["id"]: one["state"] for one in counter.json("lan", "list")["records"]}
    assert states == {first: "refused", second: "withdrawn"}


def test_evidence_is_handed_in_by_itself(counter: Counter) -> None:
    digest = counter.json("lan", "evidence", str(counter.folder / "invoice.pdf"))["digest"]
    assert digest.startswith("sha256:")

    page = counter.folder / "page.html"
    page.write_text("<html/>", encoding="utf-8")
    assert "it is a page of a browser" in counter.told("lan", "evidence", str(page), code=1).output


def test_a_number_that_may_be_two_is_not_guessed(counter: Counter) -> None:
    said = [
        "--channel",
        CHANNEL,
        "--from",
        "2026-10-12",
        "--to",
        "2026-11-12",
        "--unit",
        "kWh",
        "--source",
        "EVN",
    ]
    found = counter.told("lan", "add", *said, "--value", "1.234", "--evidence", "nothing.pdf", code=2)

    assert "'1.234' is 1234 in vi and 1.234 in en" in found.output


def test_a_table_is_checked_and_imported_with_its_files(counter: Counter) -> None:
    table = counter.folder / "invoices.csv"
    header = "channel,from,to,value,unit,source,evidence,note"
    rows = [
        f"{CHANNEL},2026-0{month}-01,2026-0{month + 1}-01,1.000,kWh,EVN {month},invoice.pdf,"
        for month in (1, 2)
    ]
    table.write_text("\n".join([header, *rows]), encoding="utf-8")

    checked = counter.told("lan", "import", str(table), "--numbers", "vi", "--check").stdout
    assert "2 records would be entered" in checked
    assert f"{2000 * GRID:.6g}"[:5] in checked
    assert counter.json("lan", "list")["records"] == []
    assert len(counter.json("lan", "import", str(table), "--numbers", "vi")["records"]) == 2
    again = counter.told("lan", "import", str(table), "--numbers", "vi", "--check", code=1).stdout
    assert "row 1: it is entered already" in again


def test_the_example_of_the_page_is_a_configuration(tmp_path: Path) -> None:
    example = Path(__file__).parents[2] / "docs/examples/records.yaml"
    (tmp_path / example.name).write_bytes(example.read_bytes())

    plant = load(tmp_path, load_catalogue(tmp_path), {})

    assert {one.name for one in plant.channels if one.entered} == {"invoice/electricity", "invoice/diesel"}
    assert plant.balances[0].name == "meter-against-invoice"


# --- e-invoices


def test_an_e_invoice_is_shown_before_it_is_entered(counter: Counter) -> None:
    (counter.folder / "bill.xml").write_text(E_INVOICE, encoding="utf-8")
    shown = counter.json("lan", "invoice", str(counter.folder / "bill.xml"))

    assert shown["source"] == "Điện lực (bịa), invoice 1C26TAB 00001234 of 2026-11-12"
    assert [(one["amount"], one["unit"]) for one in shown["items"]] == [(310000.0, "kWh"), (1200.5, "L")]
    assert counter.json("lan", "list")["records"] == []

    span = ("--from", "2026-10-12", "--to", "2026-11-12")
    told = counter.json("lan", "invoice", str(counter.folder / "bill.xml"), "--channel", CHANNEL, *span)
    [record] = told["records"]
    assert (record["value"], record["unit"], record["note"]) == (310000.0, "kWh", "Điện tiêu thụ kỳ 1")
    assert (record["source"], record["state"]) == (shown["source"], "entered")


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("--channel", CHANNEL), "--from and --to"),
        (("--channel", CHANNEL, "--from", "2026-10-12", "--to", "2026-11-12", "--line", "3"), "2 lines"),
    ],
)
def test_what_an_e_invoice_does_not_say_is_asked_for(
    counter: Counter, arguments: tuple[str, ...], says: str
) -> None:
    (counter.folder / "bill.xml").write_text(E_INVOICE, encoding="utf-8")

    assert says in counter.told("lan", "invoice", str(counter.folder / "bill.xml"), *arguments, code=2).output


def test_a_file_that_is_no_e_invoice_is_named(counter: Counter) -> None:
    assert (
        "invoice.pdf is no XML"
        in counter.told("lan", "invoice", str(counter.folder / "invoice.pdf"), code=2).output
    )
