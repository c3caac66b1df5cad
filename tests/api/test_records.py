"""Records by the API: entered, approved, imported and evidenced, by who may and for those who see the place."""

import asyncio
import csv
import io
import struct
import zipfile
import zlib
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any, ClassVar

import httpx
import pytest
from fastapi import FastAPI

from api.access.guard import Access
from api.app import create_app
from api.health import Health
from store.access_log import AccessLog, make
from store.folder import evidence_folder, keys_file
from store.kept_files import KeptFiles, digest_of
from store.keys import NEVER, Keys
from tests.api.keyed import ME
from tests.semantics.test_9_records import CONFIG, NOW
from tests.semantics.world import GRID, TOKEN, World, ns, reading

PDF = b"%PDF-1.7\n1 0 obj\nendobj\nstartxref\n9\n%%EOF\n"
PLACE = "park-a/works"
INVOICE = {
    "channel": f"{PLACE}/invoice/electricity", "from": "2026-10-12", "to": "2026-11-12", "value": 310_000.0,
    "unit": "kWh", "source": "EVN invoice 1C26TAB 00001234",
}  # fmt: skip
HEADER = "channel,from,to,value,unit,source,evidence,note\n"


class Office(World):
    """A world that people ask with keys of their own."""

    def _open(self) -> None:
        super()._open()
        make(keys_file(self.folder))
        self.keys = Keys(keys_file(self.folder))

    def make_app(self) -> FastAPI:
        return create_app(
            self.reader, self.plant, TOKEN, health=Health, metrics=dict, clock=lambda: self.now, decide=self.decide,
            catalogue=self.catalogue, rate_limit=1_000_000, access=Access(self.keys, AccessLog(keys_file(self.folder))),
        )  # fmt: skip

    bearers: ClassVar[dict[str, str]] = {"token": TOKEN}

    def key(self, name: str, role: str, *places: tuple[str, str], shared: bool = False) -> None:
        made = self.keys.create(name, role, places, shared=shared, expires=NEVER, now=self.now, by=ME)
        self.bearers[name] = made[1]

    def call(self, who: str, method: str, path: str, **options: Any) -> httpx.Response:
        async def ask() -> httpx.Response:
            transport = httpx.ASGITransport(self.app, raise_app_exceptions=False)
            headers = {"Authorization": f"Bearer {self.bearers[who]}", **options.pop("headers", {})}
            async with httpx.AsyncClient(
                transport=transport, base_url="http://api", headers=headers
            ) as client:
                return await client.request(method, path, **options)

        return asyncio.run(ask())

    def hand_in(self, content: bytes = PDF, who: str = "lan") -> str:
        answer = self.call(who, "POST", "/v1/evidence", content=content)
        assert answer.status_code == 200, answer.text
        return str(answer.json()["digest"])

    def enter(self, who: str = "lan", **changes: Any) -> httpx.Response:
        body = INVOICE | {"evidence": digest_of(PDF)} | changes
        return self.call(who, "POST", "/v1/records", json=body)

    def entered(self, **changes: Any) -> str:
        answer = self.enter(**changes)
        assert answer.status_code == 200, answer.text
        return str(answer.json()["records"][0]["id"])

    def act(self, who: str, number: str, action: str, **more: Any) -> httpx.Response:
        return self.call(who, "POST", f"/v1/records/{number}", json={"action": action} | more)

    def load(self, rows: str, who: str = "lan", **params: Any) -> httpx.Response:
        return self.call(who, "POST", "/v1/records/import", content=(HEADER + rows).encode(), params=params)


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    (tmp_path / "state").mkdir()
    one = Office(tmp_path / "state", CONFIG, NOW)
    for name, role in (("lan", "operator"), ("hoa", "operator"), ("minh", "approver"), ("vy", "viewer")):
        one.key(name, role)
    one.key("tenant", "approver", ("park-a", "other"))
    one.key("desk", "approver", shared=True)
    one.hand_in()
    yield one
    one.close()


def test_one_person_enters_another_approves_and_then_it_counts(office: Office) -> None:
    answer = office.enter()
    told = answer.json()
    [record] = told["records"]

    assert (answer.status_code, told["outcome"], record["state"]) == (200, "done", "entered")
    assert (record["from"], record["to"]) == ("2026-10-11T17:00:00Z", "2026-11-11T17:00:00Z")
    assert office.act("lan", record["id"], "approve").status_code == 403
    answer = office.act("minh", record["id"], "approve")
    assert (answer.status_code, answer.json()["records"][0]["state"]) == (200, "approved")
    assert office.total("grid", period="2026-10")["activity"] == pytest.approx(200_000)


def test_a_shared_key_is_one_person_whatever_names_it_gives(office: Office) -> None:
    assert office.enter("desk").json()["errors"][0]["parameter"] == "by"
    number = office.enter("desk", by="an").json()["records"][0]["id"]

    answer = office.act("desk", number, "approve", by="binh")

    assert answer.status_code == 409
    assert "with the key desk, which is one person" in answer.json()["detail"]
    assert office.act("minh", number, "approve").status_code == 200


def test_who_enters_replaces_too_and_an_approver_strikes(office: Office) -> None:
    number = office.entered()
    office.act("minh", number, "approve")
    second = office.entered(value=155_000.0, replaces=number)
    office.act("minh", second, "approve")

    states = {one["id"]: one["state"] for one in office.call("vy", "GET", "/v1/records").json()["records"]}
    assert states == {number: "replaced", second: "approved"}
    assert office.total("grid", period="2026-10")["activity"] == pytest.approx(100_000)
    assert office.act("minh", second, "strike").status_code == 422
    assert office.act("lan", second, "strike", reason="wrong plant").status_code == 403
    assert (
        office.act("minh", second, "strike", reason="wrong plant").json()["records"][0]["reason"]
        == "wrong plant"
    )
    assert office.total("grid", period="2026-10")["activity"] is None


def test_who_entered_it_withdraws_it(office: Office) -> None:
    number = office.entered()

    assert office.act("hoa", number, "withdraw").status_code == 409
    assert office.act("lan", number, "withdraw").status_code == 200
    assert office.act("minh", number, "approve").status_code == 409
    assert office.act("minh", "9-9", "approve").status_code == 404


def test_records_are_looked_for(office: Office) -> None:
    months = [("2026-07-01", "2026-08-01"), ("2026-08-01", "2026-09-01"), ("2026-09-01", "2026-10-01")]
    ids = [office.entered(**{"from": start, "to": end}) for start, end in months]
    office.act("minh", ids[1], "approve")

    def found(**params: Any) -> list[str]:
        return [one["id"] for one in office.call("vy", "GET", "/v1/records", params=params).json()["records"]]

    assert found() == ids[::-1]
    assert found(state="approved") == [ids[1]]
    assert found(channel="lab/cod") == []
    assert found(**{"from": "2026-08-01T00:00:00+07:00", "to": "2026-09-01T00:00:00+07:00"}) == [ids[1]]
    page = office.call("vy", "GET", "/v1/records", params={"limit": 2}).json()
    assert [one["id"] for one in page["records"]] == ids[:0:-1]
    assert found(cursor=page["next"]) == [ids[0]]
    assert office.call("tenant", "GET", "/v1/records").json()["records"] == []
    assert office.act("tenant", ids[0], "approve").status_code == 404


@pytest.mark.parametrize(
    ("changes", "status", "why"),
    [
        ({"evidence": f"sha256:{'b' * 64}"}, 422, "no such evidence was handed in"),
        ({"channel": "works"}, 422, "is no park/facility/channel"),
        ({"channel": "park-a/works/meter"}, 409, "is read by gateway gw"),
        ({"from": "2026-13-01"}, 422, "is no day"),
        ({"to": "2026-12-31"}, 409, "that is not yet"),
        ({"unit": "kg"}, 409, "kg is mass, kWh is energy"),
        ({"value": 1e9}, 409, "is outside: max"),
        ({"source": "a\u0007b"}, 422, ""),
    ],
)
def test_what_cannot_be_is_refused(office: Office, changes: dict[str, Any], status: int, why: str) -> None:
    answer = office.enter(**changes)

    assert answer.status_code == status, answer.text
    assert why in answer.text
    assert office.rows("SELECT 1 FROM record") == []


def test_asked_again_with_its_key_it_is_entered_once(office: Office) -> None:
    body = INVOICE | {"evidence": digest_of(PDF)}
    answers = [
        office.call("lan", "POST", "/v1/records", json=body, headers={"Idempotency-Key": "k1"})
        for _ in range(2)
    ]

    assert [one.status_code for one in answers] == [200, 200]
    assert answers[0].json()["records"] == answers[1].json()["records"]
    assert office.rows("SELECT count(*) FROM record") == [(1,)]


# --- evidence


def png(width: int = 1) -> bytes:
    def part(name: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    head = struct.pack(">IIBBBBB", width, 1, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + part(b"IHDR", head)
        + part(b"IDAT", zlib.compress(b"\0" * 4))
        + part(b"IEND", b"")
    )


JPEG = b"\xff\xd8\xff\xe0\x00\x10JFIF\0\1\1\0\0\1\0\1\0\0\xff\xda\x00\x08\1\1\0\0\x3f\0\x12\x34\xff\xd9"


def book(**parts: bytes) -> bytes:
    made = io.BytesIO()
    named = {"[Content_Types].xml": b"<Types/>", "xl/workbook.xml": b"<workbook/>"} | parts
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as file:
        for name, content in named.items():
            file.writestr(name, content)
    return made.getvalue()


def bomb() -> bytes:
    """A workbook of a few hundred kilobytes that says it holds 300 MiB."""
    return book(**{"xl/worksheets/sheet1.xml": bytes(300 << 20)})


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (PDF, "pdf"),
        (png(), "png"),
        (JPEG, "jpeg"),
        (b"<?xml version='1.0'?><HDon><TTChung/></HDon>", "xml"),
        (book(), "xlsx"),
        ("ngày;số;đơn vị\n1;2;3\n".encode(), "csv"),
    ],
)
def test_a_file_is_what_is_in_it_and_comes_back_as_an_attachment(
    office: Office, content: bytes, kind: str
) -> None:
    answer = office.call(
        "lan", "POST", "/v1/evidence", content=content, headers={"Content-Type": "text/html"}
    )
    assert (answer.status_code, answer.json()["kind"]) == (200, kind)

    back = office.call("lan", "GET", f"/v1/evidence/{answer.json()['digest']}")

    assert back.content == content
    assert back.headers["content-disposition"].startswith("attachment; filename=")
    assert back.headers["x-content-type-options"] == "nosniff"
    assert "sandbox" in back.headers["content-security-policy"]


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"", "it is none of PDF"),
        (b"%PDF-1.7 and nothing more", "begins like a PDF and has no end"),
        (b"%PDF-9.9 startxref %%EOF", "says no version"),
        (png()[:-4], "begins like a PNG, and is cut off"),
        (png().replace(b"IDAT", b"IDAX"), "is damaged"),
        (JPEG[:-2], "begins like a JPEG, and is cut off"),
        (b"<html><script>alert(1)</script></html>", "it is a page of a browser"),
        (b"<!DOCTYPE a [<!ENTITY b 'c'>]><a>&b;</a>", "document type of its own"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "it is a page of a browser"),
        (b"<a><b></a>", "begins like XML, and is none"),
        (book(**{"xl/vbaProject.bin": b"x"}), "it has macros"),
        (
            book(**{"[Content_Types].xml": b"<T a='application/vnd.ms-excel.sheet.macroEnabled.main+xml'/>"}),
            "it has macros",
        ),
        (book()[:-10], "begins like a workbook"),
        (book(**{"xl/workbook.xml": b"<w/>"}).replace(b"xl/workbook.xml", b"xl/workbool.xml"), "no workbook"),
        (b"MZ\x90\0\3", "it is none of PDF"),
        (b"a letter without a table", "it is none of PDF"),
        (b"a,b\n1,2,3\n", "its lines have different numbers of cells"),
    ],
)
def test_what_is_no_evidence_is_refused_with_the_reason(office: Office, content: bytes, why: str) -> None:
    answer = office.call(
        "lan", "POST", "/v1/evidence", content=content, headers={"Content-Type": "application/pdf"}
    )

    assert answer.status_code == 422
    assert why in answer.text
    assert len(list(KeptFiles(evidence_folder(office.folder)))) == 1


def test_a_zip_bomb_is_not_unpacked(office: Office) -> None:
    answer = office.call("lan", "POST", "/v1/evidence", content=bomb())

    assert answer.status_code == 422
    assert "it would unpack to more than" in answer.text


def test_a_file_has_ten_mebibytes_at_most(office: Office) -> None:
    rest = b"%PDF-1.7\n" + b"%" * (10 << 20)
    end = b"\nstartxref\n9\n%%EOF\n"
    whole = rest[: (10 << 20) - len(end)] + end

    assert office.call("lan", "POST", "/v1/evidence", content=whole).status_code == 200
    assert office.call("lan", "POST", "/v1/evidence", content=whole + b"\n").status_code == 413
    assert office.call("lan", "POST", "/v1/records", content=b"x" * 70_000).status_code == 413


def test_a_file_is_seen_by_who_sees_what_it_stands_for(office: Office) -> None:
    digest = office.hand_in(png(), "hoa")
    path = f"/v1/evidence/{digest}"
    office.key("works", "viewer", ("park-a", "works"))
    office.key("clerk", "operator", ("park-a", "works"))

    assert office.call("works", "GET", path).status_code == 404
    assert office.enter("clerk", evidence=digest).status_code == 422
    assert office.enter("hoa", evidence=digest).status_code == 200
    assert office.call("works", "GET", path).status_code == 200
    assert office.call("tenant", "GET", path).status_code == 404
    assert office.call("vy", "POST", "/v1/evidence", content=PDF).status_code == 403
    assert office.call("lan", "GET", "/v1/evidence/sha256:..%2f..%2ftoken").status_code in (404, 422)


def test_a_disk_that_is_full_keeps_nothing_and_says_so(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_files: KeptFiles, _content: bytes) -> str:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(KeptFiles, "put", full)
    answer = office.call("lan", "POST", "/v1/evidence", content=png())

    assert (answer.status_code, answer.json()["detail"]) == (
        503,
        "it cannot be kept: No space left on device",
    )
    assert office.rows("SELECT count(*) FROM evidence") == [(1,)]


def test_no_record_stands_on_a_file_that_is_not_whole(office: Office) -> None:
    file = KeptFiles(evidence_folder(office.folder)).path(digest_of(PDF))
    file.write_bytes(PDF + b"0")

    assert "hand it in again" in office.enter().text
    assert office.call("lan", "GET", f"/v1/evidence/{digest_of(PDF)}").status_code == 503
    office.hand_in()
    assert office.enter().status_code == 200


# --- import


def row(month: int, value: str = "310000", **changes: str) -> str:
    cells = {
        "channel": INVOICE["channel"], "from": f"2026-{month:02}-01", "to": f"2026-{month + 1:02}-01", "value": value,
        "unit": "kWh", "source": "EVN", "evidence": digest_of(PDF), "note": "",
    } | changes  # fmt: skip
    return ",".join(f'"{cell}"' for cell in cells.values()) + "\n"


def test_a_table_is_entered_whole_or_not_at_all(office: Office) -> None:
    refused = office.load(row(1) + row(2, unit="kg") + row(3, "abc"))
    assert refused.status_code == 422
    assert [one["parameter"] for one in refused.json()["errors"]] == ["row 2", "row 3, value"]
    assert office.rows("SELECT 1 FROM record") == []

    done = office.load(row(1) + row(2))

    assert (done.status_code, done.json()["rows"], len(done.json()["records"])) == (200, 2, 2)
    assert office.load(row(2) + row(3)).status_code == 422  # the first is entered already


def test_a_check_tells_the_tonnes_and_enters_nothing(office: Office) -> None:
    told = office.load(row(1) + row(2, "62.5", unit="MWh"), numbers="en", check="true").json()

    [effect] = told["effect"]
    assert (told["outcome"], told["id"], effect["source"], effect["records"]) == (
        "checked",
        None,
        "park-a/works/grid",
        2,
    )
    assert effect["co2e_t"] == pytest.approx(372_500 * GRID)
    assert office.rows("SELECT 1 FROM record") == []
    bad = office.load(row(1, unit="kg"), check="true").json()
    assert (bad["effect"], bad["problems"][0]["row"]) == ([], 1)


def test_what_a_check_tells_is_what_comes_of_it(office: Office) -> None:
    rows = row(1) + row(10, "1500", channel=f"{PLACE}/invoice/diesel", unit="L")
    told = office.load(rows, check="true").json()["effect"]
    for number in office.load(rows).json()["records"]:
        assert office.act("minh", number, "approve").status_code == 200

    sums = {name: office.total(name, period="2026")["co2e_t"] for name in ("grid", "trucks")}
    assert {one["source"].rpartition("/")[2]: one["co2e_t"] for one in told} == pytest.approx(sums)


def test_a_check_tells_of_a_source_that_takes_in_a_meter_too_what_comes_of_it(tmp_path: Path) -> None:
    """The meter is known for two hours; the rest of the record's stretch stays unknown of such a source."""
    config = tmp_path / "config"
    config.mkdir()
    text = (CONFIG / "plant.yaml").read_text(encoding="utf-8")
    virtual = """\
        virtual:
          - {name: both, unit: kWh, expr: 'channel("invoice/electricity") + meter'}
        sources:
"""
    source = "          - {name: mix, method: electricity-location, inputs: {energy: both}, factor: vn-grid}\n        balances:\n"
    text = text.replace("        sources:\n", virtual).replace("        balances:\n", source)
    (config / "plant.yaml").write_text(text, encoding="utf-8")
    (tmp_path / "state").mkdir()
    one = Office(tmp_path / "state", config, NOW)
    for name, role in (("lan", "operator"), ("minh", "approver")):
        one.key(name, role)
    one.hand_in()
    times = [ns(f"2026-10-20T1{hour}:00:00+07:00") for hour in range(3)]
    shown = [reading("meter", time, 1000.0 + 250 * place, "kWh") for place, time in enumerate(times)]
    one.publish(
        {"boot": "b", "seq": 1, "readings": shown},
        topic="sm/v1/park-a/works/gw/readings",
        at=times[-1] + 10**9,
    )

    rows = row(10, "744000")
    effects = {told["source"]: told["co2e_t"] for told in one.load(rows, check="true").json()["effect"]}
    for number in one.load(rows).json()["records"]:
        assert one.act("minh", number, "approve").status_code == 200
    assert effects["park-a/works/mix"] == pytest.approx((2 * 250 + 2 * 1000) * GRID)
    assert one.total("mix", period="2026-10")["co2e_t"] == pytest.approx(effects["park-a/works/mix"])
    one.close()


def test_a_check_tells_of_levels_what_comes_of_them(tmp_path: Path) -> None:
    """Each holds to the next one, in the table or approved before; after the last one nothing is known."""
    config = tmp_path / "config"
    config.mkdir()
    text = (CONFIG / "plant.yaml").read_text(encoding="utf-8")
    more = """\
          - {name: invoice/water, kind: interval, unit: m3, quantity: wastewater, entered: true, max: 100000}
        virtual:
          - {name: load, unit: kWh, expr: 'channel("invoice/electricity") * channel("lab/cod") / quantity(1, "mg/L")'}
        sources:
          - {name: treated, method: electricity-location, inputs: {energy: load}, factor: vn-grid}
"""
    (config / "plant.yaml").write_text(text.replace("        sources:\n", more), encoding="utf-8")
    (tmp_path / "state").mkdir()
    one = Office(tmp_path / "state", config, NOW)
    for name, role in (("lan", "operator"), ("minh", "approver")):
        one.key(name, role)
    one.hand_in()

    def level(day: str, value: str) -> str:
        return row(1, value, channel=f"{PLACE}/lab/cod", unit="mg/L", **{"from": day, "to": ""})

    def entered(rows: str) -> tuple[float | None, float | None]:
        """Enter and approve a table; return what its check told of the source, and what became of that."""
        [told] = [
            each["co2e_t"]
            for each in one.load(rows, check="true").json()["effect"]
            if each["source"].endswith("/treated")
        ]
        before = one.total("treated", period="2026")["co2e_t"]
        for number in one.load(rows).json()["records"]:
            assert one.act("minh", number, "approve").status_code == 200, number
        after = one.total("treated", period="2026")["co2e_t"]
        return told, None if after is None else after - (before or 0.0)

    assert entered(row(3, "31000") + level("2026-03-01", "2")) == (None, None)
    for rows in (
        level("2026-03-11", "3"),
        level("2026-03-21", "5") + level("2026-03-25", "7") + row(4, "30000"),
        level("2026-03-16", "11") + level("2026-02-01", "9"),
    ):
        told, came = entered(rows)
        assert told == pytest.approx(came)
    assert one.total("treated", period="2026-03")["co2e_t"] == pytest.approx(
        1000 * (10 * 2 + 5 * 3 + 5 * 11 + 4 * 5) * GRID
    )
    one.close()


def test_golden_r62a_a_number_that_may_be_two_is_refused(office: Office) -> None:
    assert office.load(row(1, "1.234")).json()["errors"] == [
        {
            "parameter": "row 1, value",
            "detail": "'1.234' is 1234 in vi and 1.234 in en: say which with numbers vi or en",
        }
    ]
    assert office.load(row(1, "1.234"), numbers="vi").status_code == 200
    assert office.load(row(2, "1.234"), numbers="en").status_code == 200
    assert office.rows("SELECT value FROM record ORDER BY message") == [(1234.0,), (1.234,)]


def test_cells_stay_text(office: Office) -> None:
    told = office.load(row(1, source="=HYPERLINK(1)", note="@cmd")).json()

    assert told["outcome"] == "done"
    [record] = office.call("vy", "GET", "/v1/records").json()["records"]
    assert (record["source"], record["note"]) == ("=HYPERLINK(1)", "@cmd")
    assert office.load(row(2, "=1+1")).status_code == 422
    table = office.call("vy", "GET", "/v1/records", headers={"Accept": "text/csv"})
    assert table.headers["content-type"].startswith("text/csv")
    [cells] = list(csv.DictReader(io.StringIO(table.text)))
    assert (cells["source"], cells["note"]) == ("'=HYPERLINK(1)", "'@cmd")
    assert (cells["channel"], cells["value"]) == (INVOICE["channel"], "310000.0")


@pytest.mark.parametrize(
    ("body", "why"),
    [
        (b"", "its first line names the columns"),
        (HEADER.encode(), "it has no row below its header"),
        (b"channel;from\n", "its first line names the columns"),
        (HEADER.encode() + b"a,b\n", "has 2 cells, and the header 8"),
        (HEADER.encode() + b"\xff\n", "no CSV in UTF-8"),
        ((HEADER + row(1) * 1001).encode(), "at most 1000 are entered together"),
    ],
)
def test_what_is_no_table_is_refused(office: Office, body: bytes, why: str) -> None:
    answer = office.call("lan", "POST", "/v1/records/import", content=body)

    assert answer.status_code == 422
    assert why in answer.text


def test_a_thousand_rows_are_one_decision(office: Office) -> None:
    days = [
        f"20{year}-{month:02}-{day:02}"
        for year in range(20, 26)
        for month in range(1, 13)
        for day in range(1, 29)
    ][:1001]
    rows = "".join(row(1, "1000", **{"from": start, "to": end}) for start, end in pairwise(days))
    before = office.line.next

    told = office.load(rows).json()

    assert (told["rows"], told["outcome"]) == (1000, "done")
    assert office.line.next == before + 1
    assert office.rows("SELECT count(*) FROM record") == [(1000,)]
