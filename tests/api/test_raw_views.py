"""What others wrote is shown as it came, whatever bytes it is, by every view that shows it."""

import json
import shutil
import tempfile
from base64 import urlsafe_b64encode
from collections.abc import Iterator
from itertools import product
from pathlib import Path

import pytest

from ingest.sparkplug.messages import payload_class
from plant.vocabulary import NS_PER_DAY
from store.messages.journal import DUP, RETAIN, Message
from store.messages.replays import Replay
from tests.semantics.conftest import MEMORY
from tests.semantics.world import CONFIGURATION, SITE, World

SUBSCRIPTIONS = """\
subscriptions:
  - {topic: "spBv1.0/{group}/#", format: sparkplug, park: park-a, facility: works, gateway: gw}
  - {topic: "plants/{gateway}/LWT", status: {Online: true, Offline: false}, park: park-a, facility: works}
  - {topic: "plants/{gateway}/senml", format: senml-json, park: park-a, facility: works}
  - {topic: "found/#", discover: true}
"""
TOPICS = (
    f"sm/v1/{SITE}/gw/readings".encode(),
    f"sm/v1/{SITE}/gw/status".encode(),
    f"sm/v1/{SITE}/nobody/readings".encode(),
    b"plants/gw/LWT",
    b"plants/gw/senml",
    b"found/something",
    b"spBv1.0/G/NBIRTH/E",
    b"spBv1.0/G/NDATA/E",
    b"spBv1.0/G/DDATA/E/D",
    b"sm/v1/\xff\xfe/works/gw/readings",
    b"sm/v1/a\x00b/\xed\xa0\x80/gw/readings",
    b"found/\xe2\x80\xae\x1b[31m/x",
    b"x" * 70_000,
    b"/",
)
PAYLOADS = (
    b"",
    b"\x00",
    b"\x00" * 700,
    b"\xff\xfe\xfd",
    "\ud800".encode(errors="surrogatepass"),
    rb'{"channel": "\ud800", "time": "2026-03-10T05:00:00Z", "value": 1, "unit": "\udfff"}',
    rb'{"readings": [{"channel": "a\u0000b", "time": "\u202e", "value": 1, "unit": "\u0000"}], "boot": "\u001b[2J"}',
    b'[{"n": "a", "v": "' + b"\xc3" * 300 + b'"}]',
    '{"online": "\u202e\u2066"}'.encode(),
    b'{"online": true' + b" " * 2000 + b"}",
    ('{"readings": [' + ", ".join(['{"channel": "\U0001f600"}'] * 50) + "]}").encode(),
    payload_class()(timestamp=1, seq=0, metrics=[{"name": "a\x00b", "double_value": 1.0}]).SerializeToString(),
    b"\x12\x06\x0a\x02\xb0\x43\x20\x0a\x18\x00",  # a metric whose name is no UTF-8
    b"z" * 300_000,
)  # fmt: skip


@pytest.fixture(scope="module")
def world() -> Iterator[World]:
    """A service that was sent everything to everywhere."""
    with tempfile.TemporaryDirectory(dir=MEMORY) as folder:
        config = Path(folder) / "config"
        shutil.copytree(CONFIGURATION, config)
        (config / "subscriptions.yaml").write_text(SUBSCRIPTIONS)
        made = World(Path(folder), config)
        every = product(TOPICS, PAYLOADS, (0, DUP, RETAIN))
        made.journal.append([Message(made.now, topic, payload, flags) for topic, payload, flags in every])
        while made.line.step():
            pass
        made.decide(Replay("r1", "\U0001f600\u202e\x00", messages=(1, 2, 3)))
        yield made
        made.close()


def test_solid_a4_every_view_shows_whatever_came(world: World) -> None:
    paths = world.app.openapi()["paths"]
    plain = [
        path for path, methods in paths.items() if "get" in methods and "{" not in path and path != "/v1/live"
    ]
    assert {"/v1/quarantine", "/v1/inbox", "/v1/gateways"} <= set(plain)

    for path in plain:
        answer = world.ask(path)
        assert answer.status_code < 500, (path, answer.text)
        answer.text.encode()  # no half characters


def test_solid_a4_every_cause_and_message_of_the_quarantine_is_listed_page_by_page(world: World) -> None:
    """A client's cursor holds what a payload provoked, too."""
    for path, kind in (
        ("/v1/quarantine", "causes"),
        ("/v1/quarantine/messages", "messages"),
        ("/v1/inbox", "devices"),
    ):
        found, cursor, asked = 0, None, 0
        while asked == 0 or cursor:
            page = world.get(path, limit="3", **({"cursor": cursor} if cursor else {}))
            found, cursor, asked = found + len(page[kind]), page["next"], asked + 1
        assert found > 3, path


def test_solid_a4_every_refused_message_is_given_byte_by_byte(world: World) -> None:
    kept = world.rows("SELECT message, payload FROM quarantine")
    assert {bytes(payload) for _, payload in kept} >= set(PAYLOADS[:4])
    for message, payload in kept:
        answer = world.ask(f"/v1/quarantine/{message}")
        assert (answer.status_code, answer.content) == (200, bytes(payload))


def test_solid_a4_no_bytes_on_a_topic_of_readings_are_quarantined(world: World) -> None:
    """As nothing else is: each is kept, but one of which the broker says that it came before."""
    [(code, count)] = world.rows(
        "SELECT code, count(*) FROM quarantine WHERE payload = x'' AND topic = ?", TOPICS[0]
    )
    assert (code, count) == ("empty", 2)


@pytest.mark.parametrize("flags", [0, DUP, RETAIN])
@pytest.mark.parametrize("topic", TOPICS[:1] + TOPICS[4:5])
def test_solid_a4_no_bytes_are_nobodys_duplicate(topic: bytes, flags: int) -> None:
    with tempfile.TemporaryDirectory(dir=MEMORY) as folder:
        config = Path(folder) / "config"
        shutil.copytree(CONFIGURATION, config)
        (config / "subscriptions.yaml").write_text(SUBSCRIPTIONS)
        made = World(Path(folder), config)
        for at in (made.now, made.now + 2 * NS_PER_DAY):
            made.journal.append([Message(at, topic, b"", flags), Message(at, topic, b"x", flags)])
            while made.line.step():
                pass
        assert made.balance()[0] == {"quarantined": 4}
        made.close()


@pytest.mark.parametrize(
    "path", ["/v1/quarantine", "/v1/alerts", "/v1/silences", "/v1/rules", "/v1/ledger", "/v1/inbox"]
)
def test_solid_a4_a_cursor_that_holds_half_a_character_is_none(world: World, path: str) -> None:
    for parts in range(1, 6):
        cursor = urlsafe_b64encode(json.dumps(["\ud800"] * parts).encode()).rstrip(b"=").decode()
        assert world.ask(path, cursor=cursor).status_code == 422
