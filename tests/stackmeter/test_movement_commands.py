"""movement on the command line, against a whole service behind a real socket."""

import json
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from api.serve import Server
from stackmeter.cli import app
from tests.api.test_market import NOW, WORKS, Market
from tests.api.test_records import PDF
from tests.semantics.conftest import MEMORY
from tests.semantics.test_9_movements import CONFIG

GRANT = ("--instrument", f"{WORKS}/quota", "--act", "granted", "--day", "2026-03-01", "--year", "2025",
         "--source", "Decision 699/QD-BNNMT")  # fmt: skip
CREDITS = (
    "--instrument",
    f"{WORKS}/credits",
    "--act",
    "bought",
    "--day",
    "2026-04-01",
    "--source",
    "contract 7",
)


class Desk:
    """A market, and the command line that asks it with somebody's key."""

    def __init__(self, folder: Path) -> None:
        (folder / "state").mkdir()
        self.folder, self.market = folder, Market(folder / "state", CONFIG, NOW)
        for name, role in (("lan", "operator"), ("minh", "approver")):
            self.market.key(name, role)
        (folder / "deed.pdf").write_bytes(PDF)
        self.server = Server(self.market.app, "127.0.0.1", 0)
        self.server.start()

    def close(self) -> None:
        self.server.stop()
        self.market.close()

    def told(self, who: str, *arguments: str, code: int = 0, columns: int = 200) -> Result:
        asked = ["movement", *arguments, "--url", self.server.url, "--token", self.market.bearers[who]]
        result = CliRunner().invoke(app, asked, env={"COLUMNS": str(columns)})
        assert result.exit_code == code, result.output
        return result

    def json(self, who: str, *arguments: str) -> Any:
        return json.loads(self.told(who, *arguments, "--json").stdout)

    def add(self, *said: str) -> str:
        found = self.json("lan", "add", *said, "--file", str(self.folder / "deed.pdf"))
        return str(found["movement"]["id"])


@pytest.fixture(scope="module")
def desk() -> Iterator[Desk]:
    with tempfile.TemporaryDirectory(dir=MEMORY) as name:
        made = Desk(Path(name))
        yield made
        made.close()


def test_a_movement_is_added_with_its_file_listed_approved_and_struck(desk: Desk) -> None:
    number = desk.add(*GRANT, "--amount", "1.902,5", "--numbers", "vi")

    told = desk.told("lan", "list").stdout
    row = next(line for line in told.splitlines() if number in line.split())
    assert all(
        word in row
        for word in (
            "entered",
            f"{WORKS}/quota",
            "granted",
            "2026-03-01",
            "1,902.5 t",
            "2025",
            "699/QD",
            "lan",
        )
    )
    in_vietnamese = desk.told("lan", "list", "--language", "vi").stdout
    assert all(word in in_vietnamese for word in ("giao dịch", "đã nhập", "được cấp", "1.902,5 t"))
    narrow = desk.told("lan", "list", columns=80).stdout
    assert max(map(len, narrow.splitlines())) <= 80
    assert f"{WORKS}/quota" in narrow
    assert "role approver" in desk.told("lan", "approve", number, code=2).output
    assert "approved" in desk.told("minh", "approve", number).stdout
    [held] = [one for one in desk.market.position()["holdings"] if one["instrument"] == "quota"]
    assert held["held"] == 1902.5
    gone = desk.told("minh", "strike", number, "999999", "--reason", "the decision was withdrawn", code=1)
    assert "there is no movement 999999" in gone.output
    [struck] = desk.json("lan", "list", "--state-of", "struck")["movements"]
    assert (struck["id"], struck["reason"]) == (number, "the decision was withdrawn")


def test_what_waits_is_refused_or_withdrawn(desk: Desk) -> None:
    first, second = desk.add(*GRANT, "--amount", "10"), desk.add(*GRANT, "--amount", "11")

    desk.told("minh", "refuse", first, "--reason", "not legible")
    desk.told("lan", "withdraw", second)
    states = {
        one["id"]: one["state"] for one in desk.json("lan", "list", "--instrument", "quota")["movements"]
    }
    assert (states[first], states[second]) == ("refused", "withdrawn")


def test_serials_are_written_as_the_position_tells_them(desk: Desk) -> None:
    ranges = ("--serials", "VN 2024 1-500", "--serials", "VN 2024 601")
    number = desk.add(*CREDITS, "--amount", "501", *ranges)
    [one] = [
        one for one in desk.json("lan", "list", "--state-of", "entered")["movements"] if one["id"] == number
    ]
    assert one["serials"] == [
        {"series": "VN 2024", "first": 1, "last": 500}, {"series": "VN 2024", "first": 601, "last": 601}
    ]  # fmt: skip


def test_a_table_is_entered_as_a_whole_whatever_the_order_of_its_rows(desk: Desk) -> None:
    head = "instrument;act;day;amount;year;serials;source;evidence;note\n"
    sold = f"{WORKS}/credits;sold;2026-06-02;1,0;;T 2;contract 9;deed.pdf;\n"
    bought = f"{WORKS}/credits;bought;2026-06-01;2,0;;T 1-2;contract 8;deed.pdf;both\n"
    wrong = f"{WORKS}/credits;sold;2026-06-03;1,0;;T 2;contract 10;deed.pdf;\n{WORKS}/quota;sold;2026-06-03;1.5;x;;s;deed.pdf;\n"
    table = desk.folder / "table.csv"

    table.write_text(head + sold + bought + wrong)
    for option in ((), ("--check",)):
        told = desk.told("lan", "import", str(table), "--numbers", "vi", *option, code=1).output
        assert "row 3: the serial T 2 is not held on 2026-06-03" in told
        assert "row 4, amount: '1.5'" in told
    assert (
        desk.json("lan", "list", "--instrument", "credits", "--state-of", "entered")["movements"][0]["source"]
        == "contract 7"
    )

    table.write_text(head + sold + bought)
    assert (
        "2 movements would be entered"
        in desk.told("lan", "import", str(table), "--numbers", "vi", "--check").output
    )
    told = desk.told("lan", "import", str(table), "--numbers", "vi").output
    assert "entered, and counts once another person has approved it" in told
    before, newest = desk.json("lan", "list", "--instrument", "credits", "--state-of", "entered")[
        "movements"
    ][:2]
    assert before["id"] in told
    assert (newest["act"], newest["amount"], newest["serials"]) == (
        "sold",
        1.0,
        [{"series": "T", "first": 2, "last": 2}],
    )
    assert (before["act"], before["note"], before["entered_by"]) == ("bought", "both", "lan")
    told = desk.told("minh", "approve", before["id"], newest["id"], "--language", "vi").output
    assert f"{newest['id']}: đã duyệt, được tính" in told
    checked = desk.told("lan", "import", str(table), "--numbers", "vi", "--check", "--language", "vi", code=1)
    assert "2 dòng sẽ bị từ chối" in checked.output
    assert "dòng 1: số sê-ri T 2 không có trong tài khoản" in checked.output


def test_what_is_not_well_written_hands_in_no_file(desk: Desk) -> None:
    file = desk.folder / "other.pdf"
    file.write_bytes(PDF + b"other")

    desk.told("lan", "add", *GRANT, "--amount", "5", "--act", "found", "--file", str(file), code=2)

    assert desk.market.rows("SELECT count(*) FROM evidence") == [(1,)]


@pytest.mark.parametrize(
    ("said", "code", "why"),
    [
        ((*CREDITS, "--amount", "5", "--serials", "1-5"), 2, "1-5 is no range"),
        ((*CREDITS, "--amount", "1.234"), 2, "is 1234 in vi and 1.234 in en"),
        ((*GRANT, "--amount", "5", "--act", "found"), 2, "act:"),
        ((*CREDITS, "--amount", "5", "--serials", "VN 1-4"), 1, "4"),
    ],
)
def test_what_cannot_be_is_said(desk: Desk, said: tuple[str, ...], code: int, why: str) -> None:
    file = str(desk.folder / "deed.pdf")
    assert why in desk.told("lan", "add", *said, "--file", file, code=code).output
