"""Answers as CSV and Arrow, and answers that the client has already."""

import csv
import io
import json
import sys
from xml.etree.ElementTree import fromstring
from zipfile import ZipFile

import numpy as np
import pyarrow as pa
import pytest
from starlette.datastructures import Headers
from starlette.exceptions import HTTPException

from api.answers import series_answer, totals_answer
from api.models import SeriesBody, TotalsBody
from api.response_cache import FRESH
from api.tables import ARROW, CSV, JSON, XLSX, preferred, safe, series_csv
from plant.vocabulary import NS_PER_HOUR, NS_PER_MIN
from tests.api.keyed import Keyed
from tests.api.state import AS_OF, MIDNIGHT, TOKEN, windows

EMISSIONS = {"kind": "emission", "park": "hai-phong", "every": "1h"} | {
    "from": "2026-11-24T00:00:00+07:00", "to": "2026-11-24T12:00:00+07:00",
}  # fmt: skip
GAS = {"kind": "reading", "facility": "mill", "channel": "gas", "every": "1m"} | {
    "from": "2026-11-24T00:00:00+07:00", "to": "2026-11-24T00:03:00+07:00",
}  # fmt: skip


def ask(api, path, params, **headers):
    names = {name.replace("_", "-"): value for name, value in headers.items()}
    return api.ask(path, params=params, headers={"Authorization": f"Bearer {TOKEN}", **names})


def rows(answer):
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    return list(csv.DictReader(io.StringIO(answer.text, newline="")))


@pytest.fixture
def keyed(state):
    made = Keyed(state)
    yield made
    made.reader.close()


def cell(value):
    return "" if value is None else str(value)


# --- CSV


def test_a_series_is_the_same_as_csv(api, morning):
    told = api.get("/v1/series", **EMISSIONS)
    answer = ask(api, "/v1/series", EMISSIONS, accept="text/csv")

    assert [list(row.values()) for row in rows(answer)] == [
        [time, cell(value), cell(coverage)]
        for time, value, coverage in zip(told["times"], told["values"], told["coverage"], strict=True)
    ]
    assert None in told["values"]
    assert answer.content.startswith(b"time,value [t],coverage [1]\r\n2026-11-23T17:00:00Z,")
    assert answer.content.count(b"\r\n") == answer.content.count(b"\n") == 13


def test_totals_are_the_same_as_csv(api, morning):
    told = api.get("/v1/totals", level="source")
    found = rows(ask(api, "/v1/totals", {"level": "source"}, accept="text/csv"))

    columns = {
        "co2e [t]": "co2e_t",
        "co2 [kg]": "co2_kg",
        "coverage [1]": "coverage",
        "source": "source",
        "now [t/h]": "now_t_per_h",
    }
    assert len(found) == len(told["totals"]) == 5
    for row, one in zip(found, told["totals"], strict=True):
        assert {name: row[name] for name in columns} == {
            name: cell(one[field]) for name, field in columns.items()
        }
        assert row["missing [1]"] == cell(one["shares"] and one["shares"]["missing"])
        assert (row["from"], row["to"]) == (told["period"]["from"], told["period"]["to"])


def test_solid_b9_a_table_of_a_time_that_is_over_says_nothing_of_now(api, morning):
    """It is kept in a file, where today's rate would stand beside October's tonnes."""
    running, over = (
        rows(ask(api, "/v1/totals", {"level": "source", "period": period}, accept="text/csv"))
        for period in ("month", "2026-10")
    )

    assert any(row["now [t/h]"] and row["now_at"] for row in running)
    assert {(row["now [t/h]"], row["now_at"]) for row in over} == {("", "")}
    assert [row["complete_until"] for row in over] == [row["complete_until"] for row in running]


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@cmd", "\t=1", "\r=1", "\n=1", "  =1"])
def test_bh31_no_text_becomes_a_formula(text):
    """And text that is none stays what it is."""
    assert safe(text) == f"'{text}"
    assert safe(f"a{text}") == f"a{text}"


def test_solid_b3_what_is_not_known_from_the_beginning_says_so_in_csv(api, morning):
    """The boiler was heard from eight on; nothing was read of the foundry's sources."""
    sources = {
        row["source"]: row
        for row in rows(ask(api, "/v1/totals", {"level": "source", "facility": "mill"}, accept="text/csv"))
    }
    assert (sources["grid"]["known_from"], sources["boiler"]["known_from"]) == ("", "2026-11-24T01:00:00Z")
    [park] = rows(ask(api, "/v1/totals", {"level": "park", "park": "hai-phong"}, accept="text/csv"))
    assert park["known_from"] == "2026-11-24T01:00:00Z"
    assert park["unheard"] == "hai-phong/foundry/chiller hai-phong/foundry/grid"
    series = ask(api, "/v1/series", EMISSIONS | {"source": "boiler"}, accept="text/csv")
    assert series.headers["stackmeter-known-from"] == "2026-11-24T01:00:00Z"


def test_bh31_quotes_separators_and_new_lines_survive_csv():
    unit = 'a"b,c\r\nd'
    body = SeriesBody(unit=unit, times=["2026-11-24T05:00:00Z"], values=[-1.5], coverage=[None])

    header, row = csv.reader(io.StringIO(series_csv(body).decode(), newline=""))

    assert header == ["time", f"value [{unit}]", "coverage [1]"]
    assert row == ["2026-11-24T05:00:00Z", "-1.5", ""]  # a number below 0 is a number


# --- Arrow


def test_a_series_is_the_same_as_arrow(api, morning):
    told = api.get("/v1/series", **EMISSIONS)
    answer = ask(api, "/v1/series", EMISSIONS, accept=ARROW)
    table = pa.ipc.open_stream(answer.content).read_all()

    assert answer.headers["content-type"] == ARROW
    assert table.column("value").to_pylist() == told["values"]
    assert table.column("coverage").to_pylist() == told["coverage"]
    assert table.column("time").cast(pa.int64()).to_pylist() == [
        MIDNIGHT + hour * NS_PER_HOUR for hour in range(12)
    ]
    assert str(table.schema.field("time").type) == "timestamp[ns, tz=UTC]"
    assert table.schema.field("value").metadata == {b"unit": b"t"}


def test_without_pyarrow_the_extra_is_named(api, morning, monkeypatch):
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    answer = ask(api, "/v1/series", EMISSIONS, accept=ARROW)

    assert answer.status_code == 406
    assert "stackmeter[arrow]" in answer.json()["detail"]


# --- workbooks


def cells(answer):
    """Return the rows of a workbook of one sheet, as they stand in its parts."""
    assert answer.headers["content-type"] == XLSX
    parts = ZipFile(io.BytesIO(answer.content))
    space = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"
    texts = ["".join(one.itertext()) for one in fromstring(parts.read("xl/sharedStrings.xml"))]
    sheet = fromstring(parts.read("xl/worksheets/sheet1.xml"))
    return [
        [
            texts[int(found.text)] if one.get("t") == "s" else float(found.text)
            for one in row
            if (found := one.find(f"{space}v")) is not None
        ]
        for row in sheet.iter(f"{space}row")
    ]


def test_a_series_and_its_parts_are_the_same_as_a_workbook(api, morning):
    asked = EMISSIONS | {"by": "source"}
    table = [list(row.items()) for row in rows(ask(api, "/v1/series", asked, accept="text/csv"))]
    head, first, *_ = cells(ask(api, "/v1/series", asked, accept=XLSX))

    assert head == [name for name, _ in table[0]]
    assert head[3:] == [
        f"hai-phong/{one} [t]" for one in ("foundry/chiller", "foundry/grid", "mill/boiler", "mill/grid")
    ]
    known = [value for _, value in table[0] if value]  # unknown is an empty cell
    assert first[0] == known[0]
    assert first[1:] == pytest.approx([float(one) for one in known[1:]], rel=1e-14)


def test_totals_are_the_same_as_a_workbook_and_text_stays_text(api, morning):
    answer = ask(api, "/v1/totals", {"level": "facility"}, accept=XLSX)
    head, *found = cells(answer)

    assert head == list(rows(ask(api, "/v1/totals", {"level": "facility"}, accept="text/csv"))[0])
    assert "mill" in [cell for row in found for cell in row]


def test_without_its_writer_the_extra_is_named(api, morning, monkeypatch):
    monkeypatch.setitem(sys.modules, "xlsxwriter", None)
    answer = ask(api, "/v1/series", EMISSIONS, accept=XLSX)

    assert answer.status_code == 406
    assert "stackmeter[papers]" in answer.json()["detail"]


# --- of some places only


@pytest.mark.parametrize("media", [JSON, CSV, ARROW])
def test_a_series_of_some_places_says_so_in_every_form(media):
    body = SeriesBody(unit="t", times=[], values=[], coverage=[], only=["a b/ống", "hai-phong"])
    answer = series_answer(Headers({"accept": media}), body)

    assert answer.headers["stackmeter-only"] == "a%20b/%E1%BB%91ng, hai-phong"
    if media == ARROW:
        metadata = pa.ipc.open_stream(answer.body).schema.metadata
        assert json.loads(metadata[b"only"]) == body.only


def test_totals_of_some_places_say_so_in_every_form(api, morning):
    """Of everything, nothing is said."""
    everything = TotalsBody.model_validate(api.get("/v1/totals"))
    some = everything.model_copy(update={"only": ["hai-phong/mill"]})
    for media in (JSON, CSV):
        accept = Headers({"accept": media})

        assert totals_answer(accept, some).headers["stackmeter-only"] == "hai-phong/mill"
        assert "stackmeter-only" not in totals_answer(accept, everything).headers


def test_a_key_of_some_places_meets_it(keyed):
    key = keyed.key("mill", "viewer", ("hai-phong", "mill"))
    for path, params in (("/v1/totals", {}), ("/v1/series", EMISSIONS)):
        for media in ("text/csv", JSON):
            answer = keyed.ask(path, params=params, headers={"X-API-Key": key, "Accept": media})

            assert answer.headers["stackmeter-only"] == "hai-phong/mill"


# --- which of them


@pytest.mark.parametrize(
    ("accept", "expected"),
    [
        (None, JSON), ("*/*", JSON), ("application/json, text/plain, */*", JSON), ("text/csv", CSV), ("TEXT/CSV", CSV),
        ("text/*", CSV), (f"{ARROW}, */*;q=0.1", ARROW), ("text/csv;q=0.5, application/json", JSON),
        ("application/json;q=0.5, text/csv", CSV), ("text/csv;q=0, */*", JSON), ("application/*", JSON),
        ("text/html, text/csv;q=x, */*;q=0.2", JSON),
    ],
)  # fmt: skip
def test_the_client_says_what_it_prefers(accept, expected):
    assert preferred(Headers({} if accept is None else {"accept": accept}), (JSON, CSV, ARROW)) == expected


@pytest.mark.parametrize("accept", ["text/html", "application/json;q=0, text/csv;q=0", "", "image/*"])
def test_what_nobody_can_tell_is_refused(api, accept):
    with pytest.raises(HTTPException) as refused:
        preferred(Headers({"accept": accept}), (JSON, CSV))

    assert refused.value.status_code == 406


# --- what a step of readings is told as


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize(
    ("agg", "of"),
    [("mean", np.mean), ("min", min), ("max", max), ("last", lambda values: values[-1]), (None, np.mean)],
)
def test_readings_are_told_as_what_is_asked_for(api, state, seed, agg, of):
    rng = np.random.default_rng(seed)
    by_minute = {0: [], 1: []}
    for second in range(0, 120, 7):  # the third minute has none
        value, quality = float(rng.normal()), int(rng.choice([0, 1, 2]))
        state.reading(1, MIDNIGHT + second * 10**9, value, quality)
        if quality <= 1:
            by_minute[second // 60].append(value)
    body = api.get("/v1/series", **GAS, **({"agg": agg} if agg else {}))

    *known, last = body["values"]
    assert known == pytest.approx([of(by_minute[0]), of(by_minute[1])], rel=1e-12)
    assert last is None


def test_amounts_may_be_added_but_a_counter_has_no_mean(api, state):
    for minute in range(1, 4):
        state.reading(2, MIDNIGHT + minute * 20 * 10**9, float(minute))
    amounts = GAS | {"facility": "foundry", "channel": "mdb1"}

    assert api.get("/v1/series", **amounts, agg="sum")["values"] == [6.0, None, None]
    assert api.get("/v1/series", **amounts)["values"] == [6.0, None, None]
    assert "last, min, max" in api.refused("/v1/series", **(GAS | {"channel": "mdb1"}), agg="mean")["agg"]
    assert set(api.refused("/v1/series", **GAS, agg="sum")) == {"agg"}
    assert set(api.refused("/v1/series", **EMISSIONS, agg="mean")) == {"agg"}


# --- what the client has already


def test_the_same_totals_are_not_sent_again(api, morning):
    first = ask(api, "/v1/totals", {})
    again = ask(api, "/v1/totals", {}, if_none_match=first.headers["etag"])

    assert first.headers["etag"].startswith('W/"')
    assert first.headers["cache-control"] == "no-cache"
    assert (again.status_code, again.content) == (304, b"")
    assert again.headers["etag"] == first.headers["etag"]
    assert ask(api, "/v1/totals", {}, if_none_match='"x", ' + first.headers["etag"]).status_code == 304
    assert ask(api, "/v1/totals", {}, if_none_match="*").status_code == 304
    assert ask(api, "/v1/totals", {}, if_none_match='W/"x"').status_code == 200
    assert (
        ask(api, "/v1/totals", {}, if_none_match=first.headers["etag"], accept="text/csv").status_code == 200
    )


def changed_by_readings(api, state):
    state.reading(1, AS_OF - 10**9, 3.0)


def changed_by_a_window(api, state):
    state.windows(2, MIDNIGHT, windows(60, 0.5))


def changed_by_the_start_of_a_window(api, state):
    api.as_of += 30 * 10**9 + 1


def changed_by_silence(api, state):
    """The boiler's channel falls silent inside a window: nothing is written, and no window begins."""
    api.as_of = AS_OF - 4 * NS_PER_MIN + NS_PER_HOUR + FRESH


@pytest.mark.parametrize(
    "change", [changed_by_readings, changed_by_a_window, changed_by_the_start_of_a_window, changed_by_silence]
)
def test_what_has_changed_is_sent_whatever_changed_it(api, morning, change):
    if change is changed_by_silence:
        api.as_of = AS_OF - 4 * NS_PER_MIN + NS_PER_HOUR
    first = ask(api, "/v1/totals", {})
    change(api, morning)
    again = ask(api, "/v1/totals", {}, if_none_match=first.headers["etag"])

    assert again.status_code == 200
    assert again.json()["totals"] != first.json()["totals"]


def test_time_alone_changes_nothing_inside_a_window(api, morning):
    first = ask(api, "/v1/totals", {})
    api.as_of += 10**9

    assert ask(api, "/v1/totals", {}, if_none_match=first.headers["etag"]).status_code == 304
