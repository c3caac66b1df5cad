"""One API over several services: the totals of one service that has all their parks, to the bit, and what is missing said."""

import asyncio
import base64
import json
from collections.abc import AsyncIterator, Iterator
from typing import Any

import httpx
import pytest

from tests.api.state import TOKEN
from tests.cluster.fronts import PARKS, SHARDS, Front, front_over, laid_out

GONE = "All connection attempts failed"
SPAN = "from=2026-11-24T00:00:00%2B07:00&to=2026-11-24T03:17:00%2B07:00"


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Front]:
    with front_over(tmp_path_factory.mktemp("front")) as front:
        yield front


@pytest.fixture
def front(made: Front) -> Iterator[Front]:
    yield made
    made.instead.clear()


def gone(request: httpx.Request) -> httpx.Response:
    raise httpx.ConnectError(GONE, request=request)


def total(front: Front, query: str = "level=all", **more: Any) -> Any:
    answer = front.ask(f"/v1/totals?{query}", **more)
    assert answer.status_code == 200, answer.text
    [found] = answer.json()["totals"]
    return found


def same(front: Front, path: str, **options: Any) -> httpx.Response:
    """Ask the front and one service, which say the same."""
    ours, theirs = (front.ask(path, of=of, **options) for of in ("front", "one"))
    assert (ours.status_code, ours.text) == (theirs.status_code, theirs.text)
    assert ours.headers.get("etag") == theirs.headers.get("etag")
    return ours


@pytest.mark.parametrize(
    ("level", "periods"),
    [
        ("all", ("period=today", "period=month", "period=year", "period=2026-11-23", SPAN)),
        ("park", ("period=today", SPAN)),
        ("facility", ("period=today", "period=month")),
        ("source", (SPAN,)),
    ],
)
def test_every_total_has_the_text_of_one_service(front: Front, level: str, periods: tuple[str, ...]) -> None:
    beside = "budget" if level == "all" else "budget,previous"
    for period in periods:
        for by in ("none", "scope", "method") if level in ("all", "park") else ("none", "method"):
            told = same(front, f"/v1/totals?level={level}&{period}&by={by}&with={beside}").json()
            assert any(row["co2e_t"] for row in told["totals"]) or "2026-11-23" in period


def test_the_sum_has_other_bits_when_shards_are_added_and_not_parks(front: Front) -> None:
    asked = [
        f"/v1/totals?level=park&{period}&by={by}"
        for period in ("period=today", SPAN)
        for by in ("none", "scope")
    ]
    columns = [
        [row[name] for row in same(front, path).json()["totals"] if row["scope"] in (None, scope)]
        for path in asked
        for name in ("co2e_t", "co2_kg")
        for scope in (1, 2)
    ]

    assert any(
        ((a + b) + c) + d != (b + d) + (a + c)
        for a, b, c, d in (one for one in columns if len(one) == 4 and all(one))
    )


def test_tables_and_filters_are_those_of_one_service(front: Front) -> None:
    same(front, "/v1/totals?level=park", headers={"Accept": "text/csv"})
    for query in (
        "level=all&facility=mill", "level=all&source=grid&by=scope", "level=park&park=coast", "level=all&with=parks", "", "level=al",
        "level=all&facility=nowhere", "level=all&period=today&from=2026-11-24T00:00:00Z", "park=nowhere",
    ):  # fmt: skip
        assert same(front, f"/v1/totals?{query}").status_code in (200, 422)


@pytest.mark.parametrize("path", ["parks", "facilities", "sources", "channels", "gateways"])
def test_lists_go_on_with_the_cursors_of_one_service(front: Front, path: str) -> None:
    asked = f"/v1/{path}{'' if path == 'parks' else '?limit=3'}"
    told = same(front, asked).json()

    while told.get("next"):
        told = same(front, f"{asked}&cursor={told['next']}").json()
    assert told[path]


def test_of_one_park_everything_is_its_shards_own_answer(front: Front) -> None:
    for path in (
        "/v1/series?kind=emission&park=bay&from=2026-11-24T00:00:00Z&to=2026-11-24T04:00:00Z", "/v1/totals?park=delta&with=uncertainty",
        "/v1/explain?park=coast&period=today", "/v1/totals?park=bay&levle=all", "/v1/alerts?park=alpha",
    ):  # fmt: skip
        same(front, path)


def test_what_is_done_in_a_park_reaches_its_shard_as_it_was_sent(front: Front) -> None:
    heard: list[httpx.Request] = []

    def taken(request: httpx.Request) -> httpx.Response:
        heard.append(request)
        return httpx.Response(202, stream=httpx.ByteStream(b'{"id": "x"}'))

    front.instead["east"] = taken
    body = '{"park": "bay",  "month": "2026-10"}'
    answer = front.ask(
        "/v1/periods", "POST", content=body, headers={"Idempotency-Key": "k1", "Cookie": "a=b"}
    )
    front.ask("/v1/gateways/bay/mill/gw1/rebirth?a=%2Fb", "POST")

    assert (answer.status_code, answer.json()) == (202, {"id": "x"})
    assert [(one.method, str(one.url)) for one in heard] == [
        ("POST", "http://east/v1/periods"),
        ("POST", "http://east/v1/gateways/bay/mill/gw1/rebirth?a=%2Fb"),
    ]
    assert heard[0].content == body.encode()
    assert (heard[0].headers["authorization"], heard[0].headers["idempotency-key"]) == (
        f"Bearer {TOKEN}",
        "k1",
    )
    assert "cookie" not in heard[0].headers
    assert front.ask("/v1/evidence?park=bay", "POST", content=b"x" * (12 << 20)).status_code == 413


@pytest.mark.parametrize(
    "path",
    [
        "/v1/series?kind=emission&from=2026-11-24T00:00:00Z&to=2026-11-24T04:00:00Z",
        "/v1/ledger",
        "/api/v2/alerts",
    ],
)
def test_what_makes_no_sense_over_shards_says_whom_to_ask(front: Front, path: str) -> None:
    answer = front.ask(path)

    assert answer.status_code == 422
    assert answer.json()["detail"].endswith("name a park, or ask one of the shards itself: east, west")
    assert (
        front.ask("/v1/totals?level=all&with=scope2")
        .json()["errors"][0]["detail"]
        .startswith("scope2 of all parks together")
    )


def test_a_shard_that_is_away_is_null_with_a_reason_and_never_silently_missing(front: Front) -> None:
    front.instead["east"] = gone
    body = front.ask("/v1/totals?level=park").json()

    assert [row["park"] for row in body["totals"]] == PARKS
    for row in body["totals"]:
        is_away = row["park"] in SHARDS["east"]
        assert (row["co2e_t"] is None) == (row["coverage"] is None) == ("away" in row) == is_away
    assert [(one["shard"], one["parks"], one["reason"]) for one in body["away"]] == [
        ("east", ["bay", "delta"], GONE)
    ]
    whole, partial = total(front), total(front, "level=all&partial=true")
    assert (whole["co2e_t"], whole["coverage"], whole["now_t_per_h"], whole["scope3_t"]) == (
        None,
        None,
        None,
        None,
    )
    assert whole["away"] == partial["away"] == body["away"]
    known = [row["co2e_t"] for row in body["totals"] if row["co2e_t"] is not None]
    assert partial["co2e_t"] == known[0] + known[1]


def test_a_shard_that_is_there_again_counts_again(front: Front) -> None:
    front.instead["west"] = gone
    assert total(front)["co2e_t"] is None

    front.instead.clear()

    assert same(front, "/v1/totals?level=all").json()["totals"][0]["co2e_t"] is not None


def said(content: str | bytes, kind: str = "application/json", status: int = 200, **headers: str) -> Any:
    return lambda _: httpx.Response(status, content=content, headers={"content-type": kind, **headers})


def wrong(front: Front, **changes: Any) -> Any:
    """Return an answer of the shard itself with something of it changed."""
    body = front.shards["east"].ask("/v1/totals?level=all&with=parks").json()
    body["totals"][0]["parks"][0] |= changes
    return said(json.dumps(body))


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        (said("<html>", "text/html"), "text/html and not JSON"),
        (said("nonsense"), "is no JSON"),
        (said("[" * 2000), "nested deeper than 64"),
        (said("{}"), "says what cannot be"),
        (said("", status=500), "HTTP 500"),
        (said("", status=302, location="http://elsewhere/"), "HTTP 302"),
        (said(b" " * ((16 << 20) + 1)), "larger than 16 MiB"),
        (lambda front: wrong(front, park="alpha"), "not among its own"),
        (lambda front: wrong(front, values=[1.0]), "adds 1 columns"),
        (lambda front: wrong(front, values=[1e300] * 10), "the number 1e+300"),
        (lambda front: wrong(front, values=[float("nan")] * 10), "says what cannot be: the number nan"),
    ],
)  # fmt: skip
def test_a_worst_answer_costs_its_own_parks_only(front: Front, answer: Any, why: str) -> None:
    front.instead["east"] = (
        answer(front)
        if answer.__name__ == "<lambda>" and answer.__code__.co_varnames == ("front",)
        else answer
    )
    found = total(front, "level=all&partial=true")

    assert [one["shard"] for one in found["away"]] == ["east"]
    assert why in found["away"][0]["reason"]
    assert found["co2e_t"] is not None


def test_sets_of_potentials_that_differ_do_not_add(front: Front) -> None:
    body = front.shards["east"].get("/v1/totals", level="park")
    front.instead["east"] = said(json.dumps(body | {"gwp": "AR6"}))
    answer = front.ask("/v1/totals?level=park")

    assert (answer.status_code, answer.json()["detail"]) == (
        409,
        "shards count with AR5 and AR6: their tonnes do not add, so name a park",
    )


def test_where_no_shard_answers_nobody_is_told_which_there_are(front: Front) -> None:
    front.instead |= {"east": gone, "west": gone}
    for path in ("/v1/totals?level=all", "/v1/parks", "/readyz", "/metrics", "/v1/ledger", "/v1/live"):
        answer = front.ask(path)
        assert (answer.status_code, answer.json()["detail"]) == (503, "no shard answers")


def test_what_trickles_is_left_in_time(front: Front, monkeypatch: pytest.MonkeyPatch) -> None:
    async def trickle() -> AsyncIterator[bytes]:
        while True:
            yield b" "
            await asyncio.sleep(0.05)

    whole = front.ask("/v1/totals?level=all&with=parks", of="one").json()
    whole["totals"][0]["parks"] = [
        one for one in whole["totals"][0]["parks"] if one["park"] in SHARDS["west"]
    ]
    front.instead |= {
        "west": said(json.dumps(whole)),
        "east": lambda _: httpx.Response(
            200, content=trickle(), headers={"content-type": "application/json"}
        ),
    }
    monkeypatch.setattr("stackmeter.front.asking.WHOLE_S", 1.0)

    assert total(front, "level=all&partial=true")["away"][0]["reason"] == "it takes more than 1 s"


def alerts(name: str, *started: str) -> Any:
    """Return a shard that has alerts, and what it was sent; it knows no other."""
    rows = [{"id": f"{name}{k}", "started_at": one, "labels": {}} for k, one in enumerate(started)]
    sent: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        sent.append(request)
        _, _, which = request.url.path.partition("/v1/alerts/")
        found = [one for one in rows if not which or one["id"] == which.partition("/")[0]]
        body = (
            found[0]
            if which and found
            else {"alerts": rows[: int(request.url.params.get("limit", 100))], "next": None}
        )
        kind = {"content-type": "application/json"}
        return httpx.Response(
            200 if found else 404, stream=httpx.ByteStream(json.dumps(body).encode()), headers=kind
        )

    return answer, sent


def test_alerts_of_all_shards_are_one_list_and_an_action_goes_to_whose_it_is(front: Front) -> None:
    front.instead["east"], of_east = alerts("e", "2026-11-24T02:00:00Z", "2026-11-24T00:00:00Z")
    front.instead["west"], of_west = alerts("w", "2026-11-24T01:00:00Z")

    told = front.ask("/v1/alerts?limit=2").json()
    assert [one["id"] for one in told["alerts"]] == ["e0", "w0"]
    assert base64.urlsafe_b64decode(told["next"] + "==").decode() == "1795482000000000000.w0"
    assert front.ask("/v1/alerts/w0").json()["id"] == "w0"
    answer = front.ask("/v1/alerts/w0/actions", "POST", json={"action": "acknowledge"})
    assert answer.status_code == 200
    assert [one.content for one in of_west if one.method == "POST"] == [b'{"action":"acknowledge"}']
    assert not [one for one in of_east if one.method == "POST"]
    assert front.ask("/v1/alerts/x/actions", "POST", json={"action": "acknowledge"}).status_code == 404


def test_a_key_sees_no_more_than_at_the_shards_themselves(front: Front) -> None:
    tenant, of_bay = (
        laid_out(front.folder, name, *places)
        for name, places in (("t", [("bay", "mill"), ("alpha", "works")]), ("b", [("bay", "")]))
    )

    for key in (tenant, of_bay):
        for level in ("all", "facility"):
            assert same(front, f"/v1/totals?level={level}", key=key).json()["only"]
        same(front, "/v1/parks", key=key)
    assert front.ask("/v1/totals?level=all", key="sm_wrong").status_code == 401
    front.instead["west"] = gone
    for level in ("all", "facility"):
        text = front.ask(f"/v1/totals?level={level}", key=of_bay).text
        assert "west" in text
        assert not any(park in text for park in SHARDS["west"])
    assert front.ask("/metrics", key=of_bay).status_code == 403
    assert front.ask("/v1/totals", key="sm_wrong").status_code == 503


def test_a_key_that_one_shard_alone_knows_is_answered_for_its_parks_alone(front: Front) -> None:
    front.instead["west"] = said('{"status": 401}', "application/problem+json", 401)
    body = front.ask("/v1/totals?level=all").json()

    assert body["only"] == list(SHARDS["east"])
    assert body["totals"][0]["co2e_t"] is not None
    assert "away" not in body


def test_what_it_says_of_itself_names_who_is_away(front: Front) -> None:
    assert front.ask("/readyz").json() == {"ready": True, "reasons": [], "degradations": [], "broker": ""}
    assert 'stackmeter_front_shard_up{shard="east"} 1.0' in front.ask("/metrics").text
    assert front.ask("/readyz", key="wrong").status_code == 401
    assert front.ask("/livez", key="").json() == {"alive": True}


def test_an_answer_that_is_passed_on_has_no_rights_of_the_page(front: Front) -> None:
    front.instead["east"] = said("<script>steal()</script>", "text/html", set_cookie="a=b")
    answer = front.ask("/v1/limits?park=bay")

    assert answer.headers["content-security-policy"].startswith("sandbox; default-src 'none'")
    assert "set-cookie" not in answer.headers
    front.instead["east"] = said("", status=302, location="http://elsewhere/")
    assert front.ask("/v1/limits?park=bay").status_code == 502
    front.instead["east"] = gone
    assert (
        front.ask("/v1/limits?park=bay").json()["detail"]
        == f"shard east is away since 2026-11-24T03:00:30Z: {GONE}"
    )
