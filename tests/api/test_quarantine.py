"""What was refused: by cause, message by message, and raw."""

import base64
from collections import Counter
from hashlib import sha256

import pytest

from plant.vocabulary import NS_PER_MIN
from tests.api.state import AS_OF
from tests.api.test_inventory import ALL_OF_HAI_PHONG, MILL, pages, seen_by

GATEWAYS = ["hai-phong/mill/gw1", "hai-phong/foundry/gw1", "rhein/works/gw1", "hai-phong/mill/unheard-of", ""]
CODES = ["unit_unknown", "range", "not_json"]


@pytest.fixture
def refused(state):
    """Forty messages of five gateways and three codes, one a minute; return them as (offset, gateway, code, payload)."""
    kept = []
    for number in range(40):
        gateway, code = GATEWAYS[number % 5], CODES[number % 3]
        payload = f'{{"number": {number}}}'.encode()
        insert(state, number, gateway, code, payload, path=f"readings[{number % 2}].unit")
        kept.append((number, gateway, code, payload))
    return kept


def insert(state, number, gateway, code, payload, path="", outcome="quarantined", size=None):
    state.insert(
        "quarantine", number, AS_OF + number * NS_PER_MIN, gateway, f"sm/v1/{gateway}/readings".encode(), outcome, code,
        path, "because", len(payload) if size is None else size, sha256(payload).digest(), payload,
    )  # fmt: skip


def test_messages_are_grouped_by_cause(api, refused):
    found = api.get("/v1/quarantine")["causes"]

    counted = Counter((code, gateway, f"readings[{number % 2}].unit") for number, gateway, code, _ in refused)
    assert {(one["code"], one["gateway"], one["path"]): one["count"] for one in found} == counted
    for one in found:
        mine = [
            number for number, gateway, code, _ in refused
            if (code, gateway, f"readings[{number % 2}].unit") == (one["code"], one["gateway"], one["path"])
        ]  # fmt: skip
        assert one["sample"]["message"] == max(mine)
        assert one["last_at"] == one["sample"]["received_at"]
        assert one["first_at"] <= one["last_at"]


@pytest.mark.parametrize("limit", [1, 7, 40, 100])
def test_pages_bring_every_message_and_every_cause_once(api, refused, limit):
    messages, _ = pages(api, "/v1/quarantine/messages", "messages", limit)
    causes, _ = pages(api, "/v1/quarantine", "causes", limit)

    assert [one["message"] for one in messages] == list(range(39, -1, -1))
    assert causes == api.get("/v1/quarantine")["causes"]
    assert sum(one["count"] for one in causes) == 40


def test_filters_are_all_held(api, refused):
    found = api.get(
        "/v1/quarantine/messages", gateway=GATEWAYS[0], code="range",
        from_="2026-11-24T03:05:30Z", to="2026-11-24T03:40:30Z",
    )["messages"]  # fmt: skip

    assert [one["message"] for one in found] == [
        number for number, gateway, code, _ in reversed(refused)
        if gateway == GATEWAYS[0] and code == "range" and 5 <= number < 40
    ]  # fmt: skip
    assert found


@pytest.mark.parametrize(
    ("caller", "places"), [(MILL, ("hai-phong/mill/",)), (ALL_OF_HAI_PHONG, ("hai-phong/",))]
)
def test_a_viewer_sees_the_gateways_of_their_places_only(api, refused, caller, places):
    seen_by(api, caller)
    own = {number for number, gateway, _, _ in refused if gateway.startswith(places)}

    assert {one["message"] for one in api.get("/v1/quarantine/messages")["messages"]} == own
    assert sum(one["count"] for one in api.get("/v1/quarantine")["causes"]) == len(own)
    for number in range(41):
        assert (api.ask(f"/v1/quarantine/{number}").status_code == 200) == (number in own)


def test_a_place_whose_name_begins_like_another_is_another(api, state):
    insert(state, 1, "hai-phong-2/mill/gw1", "range", b"{}")
    insert(state, 2, "hai-phong/mill-2/gw1", "range", b"{}")

    assert seen_by(api, MILL).get("/v1/quarantine")["causes"] == []


def test_the_raw_message_is_given_byte_by_byte(api, state):
    raw = bytes(range(256)) * 5
    insert(state, 7, "", "not_json", raw)

    answer = api.ask("/v1/quarantine/7")

    assert (answer.content, answer.headers["content-type"]) == (raw, "application/octet-stream")
    assert answer.headers["content-disposition"] == 'attachment; filename="message-7.bin"'
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert api.ask("/v1/quarantine/8").status_code == 404


def test_a_sample_is_cut_and_cannot_hide_what_it_is(api, state):
    raw = "a\x1b[2J\n\u202egnp.exe ü".encode() + b"\xff" + b"x" * 600
    insert(state, 7, "", "too_large", raw[:1024], outcome="rejected", size=300_000)

    [found] = api.get("/v1/quarantine/messages")["messages"]

    assert found["payload_text"].startswith(r"a\x1b[2J\n\u202egnp.exe ü\xffxxx")
    assert base64.b64decode(found["payload_base64"]) == raw[:512]
    assert (found["size"], found["kept"], found["truncated"]) == (300_000, len(raw), True)


def test_an_unknown_code_is_refused(api):
    assert set(api.refused("/v1/quarantine", code="nonsense")) == {"code"}
