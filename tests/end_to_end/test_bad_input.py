"""Every case of `tests/cases/ingest` through a real broker into one running service: each ends as the case says.

A good message follows each bad one. What no broker delivers goes into the line itself.
"""

import json
import re
import sqlite3
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from alerts.engine.watch import RuleWatch
from ingest.line.evaluate import Evaluator
from ingest.line.line import Line
from ingest.subscriptions import MAX_PAYLOAD
from plant.configuration.load import load
from plant.vocabulary import Flag, Outcome
from rules.catalogue import load_catalogue
from rules.engine import Engine
from store.messages.journal import Journal, JournalReader
from store.messages.journal import Message as Journalled
from store.state import State
from tests.end_to_end.asking import ask, rows, wait_for_messages
from tests.end_to_end.gateway import RawGateway
from tests.ingest.formats.cases import Case, Message, all_cases
from tests.servers import Mosquitto, wait_until
from tests.service import Service

CONFIG = Path(__file__).parent / "config" / "bad-input"
GATEWAY = "park-a/mill/gw-1"
READINGS = f"sm/v1/{GATEWAY}/readings"
CASES = all_cases()
DELIVERED = [case for case in CASES if case.messages[0].expected["outcome"] != "not_delivered"]
UNDELIVERED = [case for case in CASES if case not in DELIVERED]
# No client sends to a topic with a wildcard, and a broker hangs up on who tries.
OUTSIDE = [case for case in UNDELIVERED if not re.search(rb"[+#]", case.messages[0].topic)]
each_undelivered = pytest.mark.parametrize("case", UNDELIVERED, ids=lambda case: case.name)
each_case = pytest.mark.parametrize("case", DELIVERED, ids=lambda case: case.name)


def good(number: int) -> dict[str, Any]:
    """Return the good message that follows the bad message of that number."""
    at = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(1_769_000_000 + number))
    return {"boot": "good", "seq": number, "channel": "stack/co2", "time": at, "value": 11.0, "unit": "%"}


def exactly(size: int, seq: int) -> bytes:
    """Return a good message of so many bytes."""
    head = f'{{"boot": "large", "seq": {seq}, "channel": "day/steam", "time": "2026-01-0{seq}T00:00:00Z", "value": 1, '
    tail = b'"unit": "t"}'
    return head.encode().ljust(size - len(tail)) + tail


LARGEST, TOO_LARGE = exactly(MAX_PAYLOAD, 1), exactly(MAX_PAYLOAD + 1, 2)


@dataclass(frozen=True)
class Kept:
    """A row of the quarantine."""

    outcome: str
    code: str
    path: str
    detail: str
    size: int
    payload: bytes


@dataclass(frozen=True)
class Session:
    """What is left when everything was published: the service still runs."""

    service: Service
    pid: int
    offsets: dict[tuple[bytes, bytes], int]  # of what the journal holds, by topic and payload
    kept: dict[int, Kept]

    def offset(self, message: Message) -> int:
        return self.offsets[message.topic, message.payload]


@pytest.fixture(scope="module")
def session(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Session]:
    folder = tmp_path_factory.mktemp("session")
    with Mosquitto() as broker, Service(folder, CONFIG, broker.url) as service:
        service.start()
        pid, sent = service.pid, 0
        with RawGateway(broker.port) as gateway:
            for case in DELIVERED:
                for message in case.messages:
                    sent += 1
                    gateway.send(message.topic.decode(), message.payload, retain=message.retain)
                    gateway.send(READINGS, good(sent))
                    gateway.wait()  # Mosquitto cuts a connection that sends too far ahead of its acknowledgements
            for case in OUTSIDE:
                gateway.send(case.messages[0].topic.decode(), case.messages[0].payload)
            gateway.send(READINGS, LARGEST)
            gateway.send(READINGS, TOO_LARGE)
            gateway.wait()
        wait_for_messages(service, 2 * sent + 2)
        wait_until(
            lambda: service.metrics()["stackmeter_journal_backlog"] == 0, "the line took all messages", 60
        )
        yield Session(service, pid, journalled(service), quarantine(service))


def journalled(service: Service) -> dict[tuple[bytes, bytes], int]:
    with closing(JournalReader(service.journal)) as reader:
        return {
            (message.topic, message.payload): first + place
            for first, group in reader.read(1, reader.end() - 1)
            for place, message in enumerate(group)
        }


def quarantine(service: Service) -> dict[int, Kept]:
    columns = "message, outcome, code, path, detail, size, payload"
    return {row[0]: Kept(*row[1:]) for row in rows(service, f"SELECT {columns} FROM quarantine")}


@each_case
def test_a_message_ends_as_the_case_says(session: Session, case: Case) -> None:
    """Refused with the code and the place of the first fault, or not refused at all."""
    for message in case.messages:
        expected, kept = message.expected, session.kept.get(session.offset(message))
        told = (kept.outcome, kept.code, kept.path) if kept else None
        refused = expected["outcome"] in (Outcome.QUARANTINED, Outcome.REJECTED)
        wanted = (expected["outcome"], expected["codes"][0], expected["path"]) if refused else None
        assert told == wanted, message.payload[:200]


@each_case
def test_the_readings_that_count_are_there(session: Session, case: Case) -> None:
    for message in case.messages:
        found = rows(
            session.service,
            "SELECT value, time FROM reading WHERE message = ? ORDER BY time",
            session.offset(message),
        )
        assert len(found) == message.expected["readings"], message.payload[:200]
        if "values" in message.expected:
            assert [repr(value) for value, _ in found] == [
                repr(value) for value in message.expected["values"]
            ]
        if "utc" in message.expected:
            wanted = [np.datetime64(text.removesuffix("Z"), "ns") for text in message.expected["utc"]]
            np.testing.assert_array_equal(np.array([at for _, at in found]).astype("M8[ns]"), wanted)


def test_a_bad_message_never_stops_the_next(session: Session) -> None:
    sent = sum(len(case.messages) for case in DELIVERED)

    counted = rows(
        session.service,
        "SELECT count(*) FROM reading JOIN channel ON channel.id = channel WHERE name = 'stack/co2' AND value = 11.0",
    )
    runs = rows(session.service, "SELECT low, high FROM sequence WHERE boot = 'good'")

    assert (counted, runs) == ([(sent,)], [(1, sent)])


def test_what_is_quarantined_is_kept_whole(session: Session) -> None:
    for (_, payload), offset in session.offsets.items():
        kept = session.kept.get(offset)
        if kept and kept.outcome == Outcome.QUARANTINED:
            assert (kept.size, kept.payload) == (len(payload), payload)


def test_the_largest_payload_is_taken_and_one_byte_more_is_rejected(session: Session) -> None:
    kept = session.kept[session.offsets[READINGS.encode(), TOO_LARGE]]

    assert session.offsets[READINGS.encode(), LARGEST] not in session.kept
    assert (kept.outcome, kept.code, kept.size) == ("rejected", "too_large", MAX_PAYLOAD + 1)
    assert kept.payload == TOO_LARGE[:1024]


def test_every_message_of_every_gateway_ends_once(session: Session) -> None:
    """The whole balance, gateway by gateway: what was sent, and how the cases say it ends."""
    expected: dict[str, Counter[str]] = {}
    for case in DELIVERED:
        for message in case.messages:
            expected.setdefault(_gateway(message), Counter())[message.expected["outcome"]] += 1
            expected.setdefault(GATEWAY, Counter())["accepted"] += 1  # the good one behind it
    expected[GATEWAY].update(("accepted", "rejected"))  # the largest, and the too large
    for counts in expected.values():
        counts["received"] = counts.total()

    told = ask(session.service, "/v1/balance")

    found = {one["gateway"]: _nonzero(one["messages"]) for one in told["gateways"]}
    assert found == {gateway: dict(counts) for gateway, counts in expected.items()}


def test_every_reading_of_a_decoded_message_ends_once(session: Session) -> None:
    expected: Counter[str] = Counter(accepted=1)  # the largest
    for case in DELIVERED:
        for message in case.messages:
            expected["accepted"] += message.expected["readings"] + message.expected.get("overruled", 0) + 1
            expected["duplicate"] += message.expected.get("duplicates", 0)
            expected["quarantined"] += message.expected["refused"]
    expected["received"] = expected.total()

    assert _nonzero(ask(session.service, "/v1/balance")["readings"]) == dict(expected)


def test_every_refused_message_is_counted_under_its_first_code(session: Session) -> None:
    expected = Counter(
        message.expected["codes"][0]
        for case in DELIVERED
        for message in case.messages
        if message.expected["codes"]
    )

    assert ask(session.service, "/v1/balance")["codes"] == dict(expected + Counter({"too_large": 1}))


def test_the_same_process_is_alive_and_ready(session: Session) -> None:
    assert session.service.running
    assert session.service.pid == session.pid
    assert ask(session.service, "/readyz")["ready"]


def test_the_log_is_fit_to_be_read(session: Session) -> None:
    """Nothing of a payload makes a line long, forges one, or writes to a terminal."""
    lines = session.service.log().splitlines()

    assert lines
    assert [line for line in lines if len(line) > 500 or not line.isprintable()] == []


def test_what_is_kept_of_a_fault_is_fit_to_be_shown(session: Session) -> None:
    for kept in session.kept.values():
        assert kept.path.isprintable()
        assert kept.detail.isprintable()
        assert len(kept.detail) <= 200


def test_extreme_values_make_no_number_that_json_cannot_hold(session: Session) -> None:
    """Powers of up to 2^64 kW are no fault of a payload, and the sum over them is a number all the same."""
    (_, measured) = ask(session.service, "/v1/totals", level="source", period="2026-01")["totals"]

    assert 0 < measured["co2e_t"] < np.inf


def test_a_reading_that_lost_a_conflict_is_kept_beside_its_winner(session: Session) -> None:
    for case in CASES:
        for message in case.messages:
            if message.expected.get("conflict"):
                offset = session.offset(message)
                query = "SELECT flags, (SELECT count(*) FROM reading_lost l WHERE l.message = r.message) FROM reading r"
                found = rows(session.service, f"{query} WHERE message = ?", offset)
                assert found == [(Flag.CONFLICT, 1)]


@pytest.mark.parametrize("case", OUTSIDE, ids=lambda case: case.name)
def test_a_topic_outside_ours_never_reaches_us(session: Session, case: Case) -> None:
    assert not [topic for topic, _ in session.offsets if topic == case.messages[0].topic]


@each_undelivered
def test_a_topic_that_no_broker_delivers_would_be_rejected(case: Case, tmp_path: Path) -> None:
    """Straight into the line, as if some broker delivered it after all; the good message behind it counts."""
    (bad,) = case.messages
    now = time.time_ns()
    payload = json.dumps(good(1)).encode()

    with line_over(
        tmp_path, [Journalled(now, bad.topic, bad.payload), Journalled(now, READINGS.encode(), payload)]
    ) as state:
        kept = state.execute("SELECT message, outcome, code FROM quarantine").fetchall()
        counted = state.execute("SELECT message FROM reading").fetchall()

    assert (kept, counted) == ([(1, "rejected", "topic")], [(2,)])


@contextmanager
def line_over(folder: Path, messages: list[Journalled]) -> Iterator[sqlite3.Connection]:
    """Run the line over a journal with these messages, and give the state."""
    catalogue = load_catalogue(CONFIG)
    plant = load(CONFIG, catalogue)
    with ExitStack() as stack:
        journal = stack.enter_context(closing(Journal(folder / "journal.db")))
        journal.append(messages)
        state = stack.enter_context(closing(State(folder / "state.db", plant)))
        line = Line(
            plant,
            state,
            stack.enter_context(closing(JournalReader(folder / "journal.db"))),
            Evaluator(plant, Engine(plant, catalogue), state),
            RuleWatch(plant, state, time.time_ns, ""),
            clock=time.time_ns,
            crash=lambda _point: None,
            project=False,
        )
        assert line.step() == len(messages)
        yield state.connection


def _gateway(message: Message) -> str:
    """Return the gateway that a topic names; "" where the contract has no such topic."""
    if message.expected["outcome"] == Outcome.REJECTED:
        return ""
    return "/".join(message.topic.decode().split("/")[2:5])


def _nonzero(counts: dict[str, int]) -> dict[str, int]:
    return {name: count for name, count in counts.items() if count}
