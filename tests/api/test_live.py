"""The live stream: what is told, to whom, from where on, and that many streams cost no more than one."""

import asyncio
import json
import socket
import sqlite3
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import replace
from typing import Any, Self

import httpx
import pytest

from api.access.caller import Caller, Role
from api.live import parts as live_parts
from api.live import stream as live
from api.live.event_ids import EventIds
from api.live.stream import Live
from api.serve import Server
from tests.api.alerts import START, Alerts
from tests.api.state import AS_OF, TOKEN, plant
from tests.servers import wait_until

EVERYBODY = Caller("lan", Role.OPERATOR)
MILL = Caller("mill", Role.VIEWER, places=(("hai-phong", "mill"),))
IDS = EventIds(TOKEN)
BEARER = {"Authorization": f"Bearer {TOKEN}"}


class Look:
    """What the state holds, and how often it was looked at."""

    def __init__(self, **parts: Any) -> None:
        self.parts = {"alerts": {"as_of": "", "last": 0, "open": [], "more": False, "happened": []}, **parts}
        self.count = 0
        self.fails: Exception | None = None

    def __call__(self) -> dict[str, Any]:
        self.count += 1
        if self.fails is not None:
            raise self.fails
        return dict(self.parts)


def happened(*ids: int, **place: str) -> dict[str, Any]:
    """Return alerts to which something happened with these ids."""
    at = {"park": "hai-phong", "facility": "mill"} | place
    kept = [{"id": one, "alert": f"a{one}", "kind": "firing", **at} for one in ids]
    return {"as_of": "", "last": max(ids), "open": [], "more": False, "happened": kept}


def run(talk: Callable[[], Any]) -> Any:
    return asyncio.run(talk())


async def told(stream: Any, *names: str) -> dict[str, Any]:
    """Return the data of the events up to the one that completes `names`, and under `id` the last id."""
    found: dict[str, Any] = {}
    async for block in stream.body_iterator:
        found |= parsed(block.decode())
        if set(names) <= set(found):
            return found
    return found


def parsed(text: str) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for block in filter(None, text.split("\n\n")):
        fields = dict(line.split(": ", 1) for line in block.splitlines() if not line.startswith(":"))
        if "event" in fields:
            found[fields["event"]] = json.loads(fields["data"])
        found |= {"id": fields["id"]} if "id" in fields else {}
    return found


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live, "EVERY_S", 0.01)
    monkeypatch.setattr(live, "IDLE_SHARE", 0)


def test_a_stream_names_the_plant_first_and_then_tells_everything_as_it_stands():
    async def talk() -> dict[str, Any]:
        streams = Live(
            Look(totals={"as_of": "", "today": [], "month": []}), plant(), "v1", lambda: AS_OF, IDS
        )
        return await told(streams.stream(EVERYBODY, None), "totals", "alerts")

    seen = run(talk)

    assert next(iter(seen)) == "plant"
    assert [one["name"] for one in seen["plant"]["parks"]] == ["hai-phong", "rhein"]
    assert (seen["plant"]["page"], seen["plant"]["you"]["name"]) == ("v1", "lan")


def test_what_does_not_change_is_told_once_and_a_change_whole():
    look = Look(totals={"as_of": "1", "today": [1]})

    async def talk() -> list[dict[str, Any]]:
        stream = Live(look, plant(), "", lambda: AS_OF, IDS).stream(EVERYBODY, None)
        first = await told(stream, "totals", "alerts")
        count = look.count
        while look.count < count + 3:
            look.parts["totals"] = {"as_of": str(look.count), "today": [1]}  # only the clock went on
            await asyncio.sleep(0)
        look.parts["totals"] = {"as_of": "9", "today": [2]}
        return [first, await told(stream, "totals")]

    first, second = run(talk)

    assert first["totals"]["today"] == [1]
    assert second == {"totals": {"as_of": "9", "today": [2]}}


def test_hundreds_of_streams_are_one_look_and_one_text():
    look = Look(totals={"as_of": "", "today": [1]})

    async def talk() -> tuple[int, int]:
        streams = Live(look, plant(), "", lambda: AS_OF, IDS)
        opened = [streams.stream(replace(EVERYBODY, name=f"n{k}"), None) for k in range(300)]
        texts = [await totals_of(one.body_iterator) for one in opened]
        return look.count, len({id(text) for text in texts})

    async def totals_of(events: AsyncIterator[bytes]) -> bytes:
        return [block async for block in _until(events, b"event: totals")][-1]

    looks, texts = run(talk)

    assert looks < 300 / 2  # a look for each stream would be 300
    assert texts == 1


async def _until(events: AsyncIterator[bytes], start: bytes) -> AsyncIterator[bytes]:
    async for block in events:
        yield block
        if block.startswith(start):
            return


def test_a_client_that_comes_again_is_told_what_happened_meanwhile_and_no_more():
    async def talk(number: int | None) -> dict[str, Any]:
        last = None if number is None else IDS.sealed(number, ())
        return await told(
            Live(Look(alerts=happened(3, 4, 7)), plant(), "", lambda: AS_OF, IDS).stream(EVERYBODY, last),
            "alerts",
        )

    again, new = run(lambda: talk(3)), run(lambda: talk(None))

    assert [one["alert"] for one in again["alerts"]["happened"]] == ["a4", "a7"]
    assert (IDS.opened(again["id"], ()), again["alerts"]["missed"]) == (7, False)
    assert new["alerts"]["happened"] == []


def test_a_client_that_was_away_too_long_is_told_that_some_is_missing(monkeypatch):
    monkeypatch.setattr(live_parts, "REPLAYED", 3)

    async def talk(number: int) -> bool:
        last = IDS.sealed(number, ())
        seen = await told(
            Live(Look(alerts=happened(5, 6, 7)), plant(), "", lambda: AS_OF, IDS).stream(EVERYBODY, last),
            "alerts",
        )
        return seen["alerts"]["missed"]

    assert [run(lambda k=k: talk(k)) for k in (3, 4, 6, 7, 8)] == [True, False, False, False, True]


def test_who_may_see_one_facility_is_told_of_that_one():
    rows = [
        {"park": park, "facility": facility}
        for park, facility in [
            (None, None),
            ("hai-phong", None),
            ("hai-phong", "mill"),
            ("hai-phong", "foundry"),
        ]
    ]
    alerts = happened(1) | {
        "open": [{"labels": {"park": "hai-phong", "facility": one}} for one in ("mill", "foundry")]
    }
    alerts["happened"] += happened(2, facility="foundry")["happened"]
    look = Look(
        alerts=alerts | {"last": 2},
        totals={"as_of": "", "today": rows},
        health={"as_of": "", "ready": True, "reasons": [], "degradations": ["webhook of others"]},
    )

    async def talk() -> dict[str, Any]:
        return await told(
            Live(look, plant(), "", lambda: AS_OF, IDS).stream(MILL, IDS.sealed(0, MILL.places)),
            "totals",
            "alerts",
            "health",
        )

    seen = run(talk)

    assert seen["totals"]["today"] == [{"park": "hai-phong", "facility": "mill"}]
    assert [one["labels"]["facility"] for one in seen["alerts"]["open"]] == ["mill"]
    assert [one["alert"] for one in seen["alerts"]["happened"]] == ["a1"]
    assert seen["health"]["degradations"] == []
    assert [one["facilities"] for one in seen["plant"]["parks"]] == [[{"name": "mill", "title": "mill"}]]


@pytest.mark.parametrize(
    "error", [sqlite3.OperationalError("disk I/O error"), ZeroDivisionError("a bug")], ids=repr
)
def test_solid_a_a_look_that_fails_ends_the_streams_and_is_told_and_the_next_one_looks_again(error):
    look, failed = Look(totals={"as_of": "", "today": []}), []

    async def talk() -> dict[str, Any]:
        streams = Live(look, plant(), "", lambda: AS_OF, IDS, failed.append)
        stream = streams.stream(EVERYBODY, None)
        await told(stream, "totals")
        look.fails = error
        async for _ in stream.body_iterator:
            pass
        look.fails = None
        return await told(streams.stream(EVERYBODY, None), "totals")

    assert run(talk)["totals"]["today"] == []
    assert failed == [error]


# --- over the wire


@pytest.fixture
def api(state):
    made = Alerts(state)
    yield made
    made.reader.close()


@pytest.fixture
def server(api):
    running = Server(api.app, ending=api.app.state.end_streams, unread_ms=500)
    running.start()
    yield running
    running.stop()


class Listener:
    """A client of the stream, with the key."""

    def __init__(self, server: Server, **headers: str) -> None:
        self._opened = httpx.stream("GET", f"{server.url}/v1/live", headers=BEARER | headers, timeout=30)

    def __enter__(self) -> Self:
        self.answer = self._opened.__enter__()
        self._blocks = self._read()
        return self

    def __exit__(self, *_: object) -> None:
        self._opened.__exit__(None, None, None)

    def until(self, *names: str) -> dict[str, Any]:
        """Return the data of the events up to the one that completes `names`."""
        found: dict[str, Any] = {}
        for block in self._blocks:
            found |= parsed(block)
            if set(names) <= set(found):
                break
        return found

    def rest(self) -> list[str]:
        """Return what still comes, up to an orderly end; a stream that is cut off raises."""
        return list(self._blocks)

    def _read(self) -> Iterator[str]:
        text = ""
        for part in self.answer.iter_text():
            *whole, text = (text + part).split("\n\n")
            yield from whole


def test_the_totals_are_those_of_the_api(api, server, morning):
    with Listener(server) as client:
        assert client.answer.headers["content-type"].startswith("text/event-stream")
        seen = client.until("totals", "hours", "gateways", "health", "alerts")

    asked = api.get("/v1/totals", level="facility")["totals"]
    mine = [one for one in seen["totals"]["today"] if one["facility"] and one["scope"] is None]
    assert [one["co2e_t"] for one in mine] == [one["co2e_t"] for one in asked]
    assert [one["complete_until"] for one in mine] == [one["complete_until"] for one in asked]


def test_the_hours_add_up_to_the_day_and_an_hour_without_data_is_null(server, morning):
    with Listener(server) as client:
        rows = client.until("hours", "totals")["hours"]["rows"]

    mill = next(one for one in rows if one["facility"] == "mill")
    assert len(mill["times"]) == 24
    assert mill["times"][-1] == "2026-11-24T03:00:00Z"
    assert sum(value for value in mill["co2e_t"] if value is not None) == pytest.approx(
        600 * 0.001 + 120 * 0.002
    )
    assert mill["co2e_t"][:13] == [None] * 13  # before midnight on the park's clock
    assert mill["coverage"][-2] == pytest.approx(0.75)  # the grid whole, the boiler in half


def test_an_alert_and_what_is_done_with_it_come_by_themselves(api, server):
    which = api.add()
    with Listener(server) as client:
        first = client.until("alerts")
        api.act(which)
        # The line of these tests writes the alert before the event, each by itself.
        later = (client.until("alerts") for _ in range(2))
        second = next(seen for seen in later if seen["alerts"]["happened"])

    assert [one["id"] for one in first["alerts"]["open"]] == [which]
    assert second["alerts"]["open"][0]["acknowledged_by"] == "lan"
    assert [(one["alert"], one["kind"], one["by"]) for one in second["alerts"]["happened"]] == [
        (which, "acknowledged", "lan")
    ]
    with Listener(server, **{"Last-Event-ID": first["id"]}) as client:
        again = client.until("alerts")
    assert again["alerts"]["happened"] == second["alerts"]["happened"]


def test_a_stop_ends_open_streams_in_order(api, morning):
    running = Server(api.app, ending=api.app.state.end_streams)
    running.start()
    with Listener(running) as client:
        client.until("totals", "hours", "gateways", "alerts", "health")
        running.stop()

        assert client.rest() == []


def test_no_more_streams_than_there_is_room_for(server, monkeypatch):
    monkeypatch.setattr(live, "MOST_STREAMS", 1)
    with Listener(server) as client:
        client.until("plant")
        refused = httpx.get(f"{server.url}/v1/live", headers=BEARER)

    assert (refused.status_code, refused.headers["retry-after"]) == (503, "10")
    wait_until(lambda: _status(server) == 200, "the place is not given back")


def _status(server: Server) -> int:
    with Listener(server) as client:
        return client.answer.status_code


def test_a_client_that_never_reads_loses_its_place(api, server, monkeypatch):
    monkeypatch.setattr(live, "MOST_STREAMS", 1)
    for name in range(300):
        api.add(f"{name:032}", started_at=START + name, description="x" * 20_000)
    with socket.create_connection((server.host, server.port)) as wire:
        wire.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        wire.sendall(
            f"GET /v1/live HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {TOKEN}\r\n\r\n".encode()
        )

        assert wire.recv(12) == b"HTTP/1.1 200"  # and nothing after that
        assert _status(server) == 503

        wait_until(lambda: _status(server) == 200, "the place is not given back")


def test_an_id_of_no_event_is_refused(api):
    answer = api.ask("/v1/live", headers=BEARER | {"Last-Event-ID": "x" * 201})

    assert answer.status_code == 422


FOUNDRY = Caller("foundry", Role.VIEWER, places=(("hai-phong", "foundry"),))
OF_ANOTHER = IDS.sealed(3, FOUNDRY.places)


@pytest.mark.parametrize(
    "last",
    [
        OF_ANOTHER,
        IDS.sealed(3, ()),
        EventIds("other").sealed(3, MILL.places),
        "3",
        "",
        "x",
        "-1",
        "é",
        "=" * 99,
    ],
    ids=map(str, range(9)),  # some are drawn at random
)
def test_solid_b12_an_id_of_another_tenant_says_what_any_word_says(last):
    look = Look(alerts=happened(1, 2, 3, 4))

    async def talk(last: str) -> dict[str, Any]:
        return await told(Live(look, plant(), "", lambda: AS_OF, IDS).stream(MILL, last), "alerts")

    seen, nonsense = run(lambda: talk(last)), run(lambda: talk("nonsense"))

    assert seen["alerts"] == nonsense["alerts"]
    assert (seen["alerts"]["happened"], seen["alerts"]["missed"]) == ([], True)
    assert IDS.opened(seen["id"], MILL.places) == 4  # goes on from here


async def _become(is_so: Callable[[], bool]) -> None:
    for _ in range(10_000):
        if is_so():
            return
        await asyncio.sleep(0.01)
    raise TimeoutError


def test_solid_b12_an_id_does_not_count_what_happens_to_others():
    sealed = [IDS.sealed(number, MILL.places) for number in (7, 7, 8)]

    assert len(set(sealed)) == 3
    assert [IDS.opened(one, MILL.places) for one in sealed] == [7, 7, 8]
    assert {len(one) for one in sealed} == {32}


def test_solid_b12_nothing_is_told_when_something_happens_to_others(monkeypatch):
    look, elsewhere = Look(alerts=happened(1)), {"facility": "foundry"}

    async def talk() -> bytes:
        stream = Live(look, plant(), "", lambda: AS_OF, IDS).stream(MILL, IDS.sealed(0, MILL.places))
        await told(stream, "alerts")
        next_one = asyncio.ensure_future(anext(stream.body_iterator))
        for number in range(2, 6):
            parts = happened(1) | {"last": number}
            parts["happened"] += happened(number, **elsewhere)["happened"]
            look.parts["alerts"], count = parts, look.count
            await _become(lambda count=count: look.count >= count + 3)
            assert not next_one.done()
        look.parts["alerts"] = happened(1, 6)
        return await next_one

    seen = parsed(run(talk).decode())
    assert [one["alert"] for one in seen["alerts"]["happened"]] == ["a6"]
    assert "id" not in seen["alerts"]["happened"][0]
    monkeypatch.setattr(live_parts, "AFRESH_S", 0.0)  # of its own clock, with an id that is not too old
    monkeypatch.setattr(live, "KEEP_ALIVE_S", 0.01)

    async def waits() -> str:
        stream = Live(look, plant(), "", lambda: AS_OF, IDS).stream(MILL, None)
        first, again = await told(stream, "alerts"), await told(stream, "alerts")
        assert first["alerts"] == again["alerts"]
        return again["id"]

    assert IDS.opened(run(waits), MILL.places) == 6


def test_a_stream_wants_a_key(api):
    assert api.ask("/v1/live", headers={}).status_code == 401
