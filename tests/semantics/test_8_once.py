"""The header Idempotency-Key: what is asked again with the same key is done once, restarts or not."""

import asyncio
from pathlib import Path
from typing import Any

import httpx
import pytest

from store.messages.journal import DECISION, JournalReader, Message
from store.once import keyed_id
from tests.semantics.test_7_periods import APRIL
from tests.semantics.world import GRID, HOUR, NOON, TOKEN, World, reading, rfc3339

DECIDE = {
    "park": "park-a",
    "month": "2026-03",
    "action": "final",
    "by": "lan",
    "despite": "one hour is all there is",
}
ROUTES = [
    ("/v1/periods", DECIDE, {**DECIDE, "by": "minh"}),
    (
        "/v1/silences",
        {"match": ['park="park-a"'], "until": rfc3339(APRIL + HOUR), "by": "lan", "comment": "cleaning"},
        {"match": ['park="park-b"'], "until": rfc3339(APRIL + HOUR), "by": "lan", "comment": "cleaning"},
    ),
    ("/v1/quarantine/replay", {"all": True, "by": "lan"}, {"code": "unmapped", "by": "lan"}),
]


def post(
    world: World, path: str, body: Any, key: str | None = "k1", method: str = "POST", **more: Any
) -> httpx.Response:
    async def asked() -> httpx.Response:
        transport = httpx.ASGITransport(world.app, raise_app_exceptions=False)
        headers = {"Authorization": f"Bearer {TOKEN}"} | ({} if key is None else {"Idempotency-Key": key})
        async with httpx.AsyncClient(transport=transport, base_url="http://api", headers=headers) as client:
            return await client.request(method, path, json=body, **more)

    return asyncio.run(asked())


def decisions(world: World) -> list[Any]:
    return world.rows("SELECT id, action, outcome FROM decision ORDER BY message")


@pytest.fixture
def month(world: World) -> World:
    world.send(reading("reg", NOON, 100.0), reading("reg", NOON + HOUR, 160.0), reading("nobody", NOON, 1.0))
    world.tick(APRIL)
    return world


@pytest.mark.parametrize(("path", "body", "other"), ROUTES)
def test_solid_b12_what_is_asked_again_with_its_key_is_done_once_and_answered_the_same(
    month, path, body, other
):
    first = post(month, path, body)
    journal = month.journal.next
    again = post(month, path, body)
    month.restart()
    after = post(month, path, body)
    differs = post(month, path, other)

    assert first.status_code == 200, first.text
    assert [(one.status_code, one.json()) for one in (again, after)] == [(200, first.json())] * 2
    assert (len(decisions(month)), month.journal.next) == (1, journal)
    assert differs.status_code == 422
    [error] = differs.json()["errors"]
    assert error["parameter"] == "Idempotency-Key"
    assert "used for something else" in error["detail"]


def test_solid_b12_a_key_is_good_for_one_path_and_one_caller(month):
    path, body, _ = ROUTES[0]
    assert post(month, path, body).status_code == 200
    assert post(month, *ROUTES[1][:2]).status_code == 422  # the same key for a silence
    assert post(month, *ROUTES[1][:2], key="k2").status_code == 200
    assert keyed_id("lan", "k1", "x") != keyed_id("token", "k1", "x")
    assert keyed_id("a", "b c", "x") != keyed_id("a b", "c", "x")


def test_solid_b12_without_a_key_all_is_done_as_often_as_it_is_asked(month):
    path, body, _ = ROUTES[1]
    assert [post(month, path, body, key=None).status_code for _ in range(2)] == [200, 200]
    assert len(month.rows("SELECT * FROM silence")) == 2


def test_solid_b12_what_was_refused_is_answered_so_again(month):
    path, body, _ = ROUTES[0]
    assert post(month, path, body, key="first").status_code == 200
    refused = post(month, path, body, key="second")
    again = post(month, path, body, key="second")

    assert (refused.status_code, again.status_code) == (409, 409)
    assert refused.json() == again.json()
    assert len(decisions(month)) == 2


def test_solid_b12_ending_a_silence_twice_with_a_key_is_answered_twice_alike(month):
    number = post(month, *ROUTES[1][:2]).json()["id"]
    ends = [
        post(month, f"/v1/silences/{number}", None, "k3", "DELETE", params={"by": "lan"}) for _ in range(2)
    ]

    assert [one.status_code for one in ends] == [200, 200]
    assert ends[0].json() == ends[1].json()


def test_solid_b12_two_at_once_that_are_both_journalled_are_one(month):
    """As where the second comes before the line has come to the first."""
    silence = {
        "by": "lan",
        "action": "silence",
        "comment": "x",
        "match": ['park="park-a"'],
        "until": APRIL + HOUR,
    }
    same = {"id": keyed_id("token", "k", "a"), **silence}
    other = {"id": keyed_id("token", "k", "b"), **silence}
    month.publish(same, same, other, topic="$stackmeter/alert-action", flags=DECISION)

    assert len(month.rows("SELECT * FROM silence")) == 1
    assert [(row[0], row[2]) for row in decisions(month)] == [(same["id"], "done"), (other["id"], "refused")]
    replay = {"id": keyed_id("token", "k", "c"), "by": "lan"}
    month.publish(replay, topic="$stackmeter/replay", flags=DECISION)
    assert decisions(month)[-1][2] == "refused"


def test_solid_b12_a_state_made_again_from_the_journal_does_it_once_too(month):
    for _ in range(2):
        post(month, *ROUTES[1][:2])
    taken = [one for _, group in _journal(month) for one in group if one.flags & DECISION]
    month.journal.append(taken)  # as if the first had not been noted yet when the second came
    while month.line.step():
        pass
    before = (decisions(month), month.rows("SELECT * FROM silence"))
    month._shut()
    for path in month.folder.glob("state.db*"):
        path.unlink()
    month._open()
    while month.line.step():
        pass

    assert (decisions(month), month.rows("SELECT * FROM silence")) == before
    assert len(before[0]) == 1
    assert post(month, *ROUTES[1][:2]).status_code == 200


def _journal(world: World) -> list[tuple[int, list[Message]]]:
    reader = JournalReader(Path(world.folder) / "journal.db")
    try:
        return list(reader.read(1, 1000))
    finally:
        reader.close()


@pytest.mark.parametrize("key", ["", " ", "x" * 256, "tab\there", "é"])
def test_solid_b12_a_key_that_is_none_is_refused(month, key):
    path, body, _ = ROUTES[0]
    assert post(month, path, body, key.encode()).status_code == 422  # type: ignore[arg-type] - a header may be any bytes
    assert decisions(month) == []
    assert month.total("reg", period="2026-03")["co2e_t"] == pytest.approx(60 * GRID)
