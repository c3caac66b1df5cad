"""What many ask at the same moment is worked out once, and never told when it is out of date."""

import asyncio
import sqlite3
from dataclasses import replace
from itertools import count

import pytest

from api import response_cache as shared
from api.access.caller import SERVICE
from api.response_cache import FRESH, ResponseCache


class Application:
    """Answers with a number that grows; a state with a version, and a clock [ns UTC]."""

    def __init__(self) -> None:
        self.version, self.time, self.made, self.status = 1, FRESH, 0, 200
        self.body = b""
        self.begun, self.may_end = asyncio.Event(), asyncio.Event()
        self.may_end.set()

    async def __call__(self, scope, receive, send):
        self.made += 1
        number = self.made
        self.begun.set()
        await self.may_end.wait()
        await send({"type": "http.response.start", "status": self.status, "headers": []})
        await send({"type": "http.response.body", "body": b"%d" % number + self.body})


@pytest.fixture
def app():
    return Application()


@pytest.fixture
def answers(app):
    return ResponseCache(app, {"/a", "/b"}, lambda: app.version, lambda: app.time)


async def told(answers, path="/a", query=b"", *, headers=(), places=(), method="GET"):
    heard = []

    async def send(message):
        heard.append(message)

    scope = {
        "type": "http",
        "method": method,
        "path": path,
        "query_string": query,
        "headers": list(headers),
        "state": {"caller": replace(SERVICE, places=places)},
    }
    await answers(scope, None, send)
    assert [one["type"] for one in heard] == ["http.response.start", "http.response.body"]
    return int(heard[1]["body"].rstrip(b" "))


def ask(answers, *given, **named):
    return asyncio.run(told(answers, *given, **named))


def test_what_was_answered_is_told_again_until_something_is_committed(app, answers):
    assert [ask(answers) for _ in range(3)] == [1, 1, 1]

    app.version = 2

    assert ask(answers) == 2


def test_it_grows_old_and_a_clock_that_is_set_back_makes_it_anew(app, answers):
    found = []
    for app.time in (FRESH, 2 * FRESH - 1, 2 * FRESH, 2 * FRESH - 1):
        found.append(ask(answers))

    assert found == [1, 1, 2, 3]


@pytest.mark.parametrize(
    "other",
    [
        {"path": "/b"},
        {"query": b"level=all"},
        {"headers": [(b"accept", b"text/csv")]},
        {"headers": [(b"if-none-match", b'"x"')]},
        {"places": (("park", "mill"),)},
    ],
)
def test_another_question_is_another_answer(answers, other):
    assert [ask(answers, **one) for one in ({}, other, {}, other)] == [1, 2, 1, 2]


def test_who_asks_and_by_what_client_makes_no_other_question(answers):
    assert [ask(answers, headers=[(b"user-agent", name)]) for name in (b"x", b"y")] == [1, 1]


@pytest.mark.parametrize(
    "one",
    [{"path": "/c"}, {"method": "POST"}, {"headers": [(b"content-length", b"2")]}],
)
def test_what_is_not_to_be_shared_is_asked_each_time(answers, one):
    assert [ask(answers, **one) for _ in range(2)] == [1, 2]


def test_many_who_ask_together_wait_for_one(answers):
    async def all_of_them():
        return await asyncio.gather(*(told(answers) for _ in range(8)))

    assert asyncio.run(all_of_them()) == [1] * 8


def test_who_comes_while_an_answer_is_made_is_told_what_was_committed_before_they_came(app, answers):
    async def all_of_them():
        app.may_end.clear()
        first = asyncio.create_task(told(answers))
        await app.begun.wait()
        app.version = 2
        later = [asyncio.create_task(told(answers)) for _ in range(8)]
        await asyncio.sleep(0)
        app.may_end.set()
        return await asyncio.gather(first, *later)

    assert asyncio.run(all_of_them()) == [1] + [2] * 8


async def a_crowd(answers):
    assert {await told(answers) for _ in range(shared.CROWD)} == {1}


def test_a_crowd_is_told_what_there_is_while_a_newer_answer_is_made(app, answers):
    async def all_of_them():
        await a_crowd(answers)
        app.version = 2
        app.may_end.clear()
        meanwhile = [await told(answers) for _ in range(3)]
        strict = asyncio.create_task(told(answers, headers=[(b"cache-control", b"no-cache")]))
        await asyncio.sleep(0)
        app.may_end.set()
        return meanwhile, await strict, await told(answers)

    assert asyncio.run(all_of_them()) == ([1, 1, 1], 2, 2)


def test_a_crowd_is_told_nothing_that_has_grown_old(app, answers):
    async def all_of_them():
        await a_crowd(answers)
        app.time += FRESH
        return [await told(answers) for _ in range(2)]

    assert asyncio.run(all_of_them()) == [2, 2]


def test_who_ask_now_and_then_are_no_crowd(app, answers, monkeypatch):
    times = count()
    monkeypatch.setattr(shared, "monotonic", lambda: next(times) * shared.CROWD_S / shared.CROWD)

    found = []
    for app.version in range(1, 2 * shared.CROWD):
        found.append(ask(answers))

    assert found == list(range(1, 2 * shared.CROWD))


def test_that_a_newer_answer_cannot_be_made_is_said_and_told_to_who_asks_next(app, answers, caplog):
    async def broken(scope, receive, send):
        raise ZeroDivisionError("no such luck")

    async def all_of_them():
        await a_crowd(answers)
        app.version, answers._app = 2, broken
        assert await told(answers) == 1
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        app.time += FRESH
        await told(answers)

    with pytest.raises(ZeroDivisionError):
        asyncio.run(all_of_them())
    assert "cannot be renewed" in caplog.text


def test_a_refusal_is_not_remembered(app, answers):
    app.status = 503
    assert [ask(answers) for _ in range(2)] == [1, 2]

    app.status = 200
    assert [ask(answers) for _ in range(2)] == [3, 3]


def test_without_a_state_each_is_told_what_the_route_says(app):
    def gone():
        raise sqlite3.OperationalError("unable to open database file")

    assert [ask(ResponseCache(app, {"/a"}, gone, lambda: FRESH)) for _ in range(2)] == [1, 2]


def test_few_questions_are_remembered(answers):
    for number in range(3 * shared.MOST):
        ask(answers, query=b"%d" % number)

    assert len(answers._kept) == shared.MOST


def test_long_answers_are_remembered_as_far_as_there_is_room(app, answers):
    app.body = b" " * (shared.MOST_BYTES // 3)

    assert [ask(answers, query=b"%d" % number) for number in (0, 1, 2, 0)] == [1, 2, 3, 4]
    assert [ask(answers, query=b"%d" % number) for number in (2, 0)] == [3, 4]


def test_totals_change_with_the_state_and_are_of_whom_they_are(api, morning):
    first = api.get("/v1/totals", level="all")
    morning.db.execute("UPDATE total SET co2e_t = co2e_t + 1 WHERE level = 2")
    morning.db.commit()

    assert api.get("/v1/totals", level="all")["totals"] != first["totals"]
    assert api.get("/v1/totals", level="all", period="month")["period"] != first["period"]
