"""BH-36: the whole API, asked by Schemathesis what its description allows, and what it does not."""

import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import schemathesis
from fastapi import FastAPI
from schemathesis.checks import CHECKS
from schemathesis.config import SchemathesisConfig
from schemathesis.engine import events, from_schema
from schemathesis.openapi.checks import RejectedPositiveData

from alerts.tables.actions import AlertAction, silence_id
from alerts.tables.webhooks import WebhookOutbox
from api.access.guard import GUESS_EVERY, Access
from api.app import create_app
from api.field.rebirth import EdgeNode
from api.health import Health
from api.metrics import Family
from api.problems import InvalidQuery
from api.reports.forms import KINDS
from plant.alerting import Route, Routing
from plant.commitments import Instrument
from plant.station.feed import Feed, FeedAddress
from plant.vocabulary import LONGEST_RECORD, NS_PER_DAY, NS_PER_HOUR, NS_PER_MIN
from store.access_log import AccessLog, Actor, make
from store.accounting.closing import Decision
from store.folder import evidence_folder
from store.kept_files import KeptFiles, digest_of
from store.keys import NEVER, Keys
from store.records.decisions import Entered, EvidenceDecision, Moved, MovementDecision, RecordDecision
from store.reports import ReportDecision
from tests.semantics.world import NOON, World, ns, reading, rfc3339

EXAMPLES = 6  # of each operation and phase; enough for all checks, and bounded
UNTIL = NOON + 1000 * NS_PER_DAY
LIVE = "/v1/live"  # never ends; tests/api/test_live.py asks it
NAMES = {
    "park": ["park-a"], "facility": ["works"], "source": ["reg", "power", "diesel"], "channel": ["reg", "heat", "power"],
    "gateway": ["park-a/works/gw"], "path.gateway": ["gw"], "endpoint": ["receiver"], "period": ["2026-03-10", "2026-03"], "with": ["factors"],
    "from": [rfc3339(NOON)], "to": [rfc3339(NOON + NS_PER_HOUR)], "by": ["fuzz"], "body.by": ["fuzz"],
    "body.park": ["park-a"], "body.month": ["2026-02", "2026-03"], "body.endpoint": ["receiver"],
    "path.form": ["auditor", "monthly"], "path.kind": ["html", "json"], "periods": ["2026-01", "2026-03"], "month": ["2026-01"],
    "body.until": ["2027-01-01T00:00:00Z"], "body.since": ["2026-01-01T00:00:00Z"], "body.match[*]": ['facility="works"'],
}  # fmt: skip
HOUR = {"from": rfc3339(NOON), "to": rfc3339(NOON + NS_PER_HOUR)}
# Of these, chance seldom names things that go together, so that no answer but a refusal may be seen.
ASKED_TOGETHER = {
    "/v1/series": [
        {"kind": "reading", "channel": "power", "every": "1m", **HOUR},
        {"kind": "activity", "channel": "reg", **HOUR},
        {"kind": "emission", "source": "reg", **HOUR},
    ],
    "/v1/bridge": [
        {"park": "park-a", "facility": "works", "output": "reg", "base": 2024, "year": 2025},
    ],
    "/v1/explain": [
        {"park": "park-a", "period": "2026-03"},
        {"park": "park-a", "facility": "works", "source": "reg", "at": rfc3339(NOON)},
    ],
}
SCAN = b"day,kWh\n2026-10-12,310000\n"  # what the API's description has as an example
SENT_TOGETHER: dict[str, list[Any]] = {
    "/v1/periods": [
        {
            "park": "park-a",
            "month": "2026-02",
            "action": "final",
            "despite": "nothing was read yet",
            "by": "fuzz",
        }
    ],
    "/v1/backfills": [
        {
            "gateway": "park-a/works/history",
            "action": "open",
            "oldest": "2025-01-01T00:00:00Z",
            "reason": "exports",
            "by": "fuzz",
        }
    ],
    "/v1/reports": [{"form": "auditor", "park": "park-a", "periods": "2026-01", "by": "fuzz"}],
    "/v1/told-alerts": [
        {
            "receiver": "fuzz",
            "alerts": [
                {"status": "firing", "labels": {"alertname": "a"}, "startsAt": "2026-01-01T00:00:00Z"}
            ],
        }
    ],
    "/v1/feeds/{name}/resend": [
        {"from": "2026-01-01T00:00:00Z", "to": "2026-01-02T00:00:00Z", "reason": "letter 12"}
    ],
    "/v1/quarantine/replay": [{"all": True, "by": "fuzz"}],
    "/v1/webhooks/replay": [{"endpoint": "receiver", "dead_only": True}],
    "/v1/webhooks/drop": [{"endpoint": "receiver"}],
    "/v1/alerts/{alert_id}/actions": [{"action": "comment", "comment": "seen"}],
    "/v1/evidence": [b"%PDF-1.7\nstartxref\n9\n%%EOF\n"],
    "/v1/records": [
        {
            "channel": "park-a/works/invoice",
            "from": "2025-01-01",
            "to": "2025-02-01",
            "value": 1000,
            "unit": "kWh",
            "source": "invoice 1",
            "evidence": digest_of(SCAN),
        }
    ],
    "/v1/records/{number}": [{"action": "withdraw"}],
    "/v1/movements": [
        {
            "instrument": "park-a/works/quota",
            "act": "granted",
            "day": "2026-01-01",
            "amount": 902.0,
            "year": 2026,
            "source": "decision",
            "evidence": digest_of(SCAN),
        }
    ],
    "/v1/movements/{movement_id}": [{"action": "withdraw"}],
    "/v1/movements/import": [
        b"instrument,act,day,amount,year,serials,source,evidence\npark-a/works/quota,granted,2026-01-02,1,2026,,decision,"
        + digest_of(SCAN).encode()
    ],
    "/v1/records/import": [
        b"channel,from,to,value,unit,source,evidence\npark-a/works/invoice,2025-03-01,2025-04-01,1000,kWh,EVN,"
        + digest_of(SCAN).encode()
    ],
}
TOGETHER = {f"GET {path}" for path in ASKED_TOGETHER} | {f"POST {path}" for path in SENT_TOGETHER}


class Routed(World):
    """A world whose alerts go by routes, so that they can be silenced."""

    def _load(self, config: Path) -> None:
        super()._load(config)
        route = Route(
            "all",
            (),
            ("receiver",),
            ("rule",),
            False,
            group_wait=0,
            group_interval=0,
            repeat_interval=0,
            goes_on=False,
        )
        meter = next(one for one in self.plant.channels if one.name == "quarter")
        invoice = replace(
            meter,
            index=len(self.plant.channels),
            name="invoice",
            gateway="",
            entered=True,
            period=LONGEST_RECORD,
        )
        channels = (*self.plant.channels, invoice)
        to = FeedAddress("file", "", 0, "/out")
        feed = Feed("department", "park-a", "works", "HP_1", NS_PER_MIN, "{time:%s}", (), to)
        self.plant = replace(
            self.plant,
            routing=Routing(routes=(route,), rotas=()),
            channels=channels,
            instruments=(Instrument("park-a", "works", "quota", "allowance", "quota", "t"),),
            feeds=(feed,),
        )


class OneNode:
    """One edge node, behind the gateway that there is."""

    def known(self, _names: object) -> list[EdgeNode]:
        return [EdgeNode("G/E", "park-a/works/gw", may_be_asked=True)]

    def ask_rebirth(self, _name: str) -> bool:
        return True


class Asked:
    """A service on which everything has happened once, and its API with a key and an audit log.

    The line runs in one thread, as it does in the service; the clock goes on so far with each question that a wrong
    token is always looked at, rather than told to wait.
    """

    def __init__(self, folder: Path) -> None:
        self._line = ThreadPoolExecutor(1)
        self._time = NOON + 2 * NS_PER_HOUR
        self.world: World = self._line.submit(Routed, folder).result()
        self.names = NAMES | self._line.submit(self._happen).result()
        file = folder / "keys.sqlite"
        make(file)
        self.keys, log = Keys(file), AccessLog(file)
        self.key = self.keys.create(
            "fuzz", "admin", (), shared=False, expires=NEVER, now=0, by=Actor("me", "here")
        )[1]
        state = folder / "state.db"
        self.app: FastAPI = create_app(
            self.world.reader, self.world.plant, "no-token-of-theirs",
            health=Health, metrics=lambda: {"up": Family("gauge", "up", {(): 1.0})}, clock=self._clock,
            decide=self._decide, catalogue=self.world.catalogue,
            outbox=lambda: WebhookOutbox(state, self.world._log), access=Access(self.keys, log), edge_nodes=OneNode(),
            kept=KeptFiles(evidence_folder(folder)),
        )  # fmt: skip

    def _happen(self) -> dict[str, list[Any]]:
        """Let readings come, an alert fire, a message be refused and silences be made; return what these are called."""
        world = self.world
        world.now = NOON + NS_PER_HOUR
        world.send(reading("reg", NOON, 100.0), reading("reg", NOON + NS_PER_HOUR, 160.0), boot="b", seq=1)
        world.send(*(reading("power", NOON + m * NS_PER_MIN, 50.0, "kW") for m in range(60)))
        world.send(reading("heat", NOON + NS_PER_HOUR, 500.0, "°C"))
        world.publish(b"{", {"readings": [{"channel": "nothing"}]})
        made = [f"s{n}" for n in range(EXAMPLES)]
        for name in made:
            world.decide(
                AlertAction(name, "lan", "silence", until=UNTIL, match=('channel="none"',), comment="none")
            )
        digest = KeptFiles(evidence_folder(world.folder)).put(SCAN)
        world.decide(EvidenceDecision("e1", "fuzz", digest, "csv", len(SCAN)))
        years = [ns(f"{year}-01-01T00:00:00+07:00") for year in range(2000, 2000 + EXAMPLES + 1)]
        said = [
            Entered("park-a", "works", "invoice", first, last, 1000.0, "kWh", "EVN", digest)
            for first, last in pairwise(years)
        ]
        world.decide(RecordDecision("enter", "fuzz", "enter", tuple(said)))
        for number in range(EXAMPLES):
            grant = Moved(
                "park-a", "works", "quota", "granted", "2026-01-01", 1.0 + number, "a", digest, 2026
            )
            world.decide(MovementDecision(f"move{number}", "fuzz", "enter", grant))
        lacking = ("coverage", "sources")
        given = {"despite": "nothing was read yet", "overruled": lacking, "configuration": world.plant.hash}
        world.decide(Decision("closed", "lan", "final", "park-a", "2026-01", **given))
        world.decide(self._issued())
        return {
            "path.report_id": ["r1"],
            "path.name": ["department"],
            "path.alert_id": [one["id"] for one in world.alerts()],
            "path.message": [number for (number,) in world.rows("SELECT message FROM quarantine")],
            "path.number": [
                f"{message}-{row}"
                for message, row in world.rows("SELECT message, row FROM record ORDER BY row DESC")
            ],
            "path.movement_id": [
                str(one) for (one,) in world.rows("SELECT message FROM movement ORDER BY 1 DESC")
            ],
            "path.digest": [digest],
            "path.silence_id": [silence_id(name) for name in made],
        }

    def _issued(self) -> ReportDecision:
        kept, world = KeptFiles(evidence_folder(self.world.folder)), self.world
        files = {kind: kept.put(b"{}") for kind in KINDS}
        place = ("auditor", "park-a", "works", ("2026-01",))
        return ReportDecision("r1", "lan", *place, "vi", "AR5", files, {}, 1, 1, "", world.plant.hash, "0")

    def _clock(self) -> int:
        self._time += GUESS_EVERY
        return self._time

    def _decide(self, decision: Any) -> None:
        self._line.submit(self._take, decision).result()

    def _take(self, decision: Any) -> None:
        self.world.now = self._time
        self.world.decide(decision)

    def close(self) -> None:
        """End it; and what was published still follows from the readings, whatever was asked."""
        self._line.submit(self.world.close).result()
        self._line.shutdown()


@pytest.fixture
def asked(tmp_path: Path) -> Iterator[Asked]:
    made = Asked(tmp_path)
    yield made
    made.close()


def configuration(asked: Asked) -> SchemathesisConfig:
    """Return every check and phase, the same questions each time, and names of things that there are."""
    return SchemathesisConfig.from_dict(
        {
            "seed": 2,
            "auth": {"openapi": {"APIKeyHeader": {"api_key": asked.key}}},
            "checks": {
                "enabled": True,
                # What is too long or of another media type is refused too.
                "negative_data_rejection": {"expected-statuses": [400, 401, 404, 405, 406, 409, 413, 414, 415, 422, 431]},
            },
            # A second credential beside the key's would be 401 rather than what is to be asked.
            "generation": {"max-examples": EXAMPLES, "deterministic": True, "database": "none", "with-security-parameters": False},
            "dictionaries": {_word(name): {"values": values} for name, values in asked.names.items()},
            "parameters": {name: {"dictionary": _word(name), "probability": 0.7} for name in asked.names},
        }
    )  # fmt: skip


def _word(name: str) -> str:
    return "".join(c if c.isalnum() else "-" for c in name).strip("-")


def filter_failure(_context: Any, failure: Any, _case: Any, answer: Any) -> bool:
    """Return whether what a check found is wrong here; the name is Schemathesis'.

    That a question fits the description is no promise that it can be answered: that there is a park of a name, that
    `from` comes before `to`, or that a field goes with another one, no schema can say. Such a refusal says so by its
    detail, which is another one than that of a question that is not as described. And 5033.0 is a whole number to JSON
    Schema, and none to us.
    """
    if not isinstance(failure, RejectedPositiveData) or answer.status_code != 422:
        return True
    told = answer.json()
    is_written_as_fraction = all(
        re.fullmatch(r"should be a whole number, not -?\d+\.0", one["detail"]) for one in told["errors"]
    )
    return not (told["detail"] == InvalidQuery.detail or is_written_as_fraction)


def test_bh36_no_check_of_schemathesis_fails(asked: Asked) -> None:
    failures: list[str] = []
    checks: set[str] = set()
    succeeded: set[str] = set()
    schema = described(asked)

    for event in from_schema(schema).execute():
        if isinstance(event, events.ScenarioFinished):
            checks |= {one.name for found in event.recorder.checks.values() for one in found}
            failures += _failures(event.recorder)
            succeeded |= set(_succeeded(event.recorder))
        elif isinstance(event, events.NonFatalError):
            failures.append(f"{event.label}: {event.value}")
        elif isinstance(event, events.FatalError):
            raise event.exception

    assert failures == []
    assert set(CHECKS.get_all_names()) <= checks
    assert {one.ok().label for one in schema.get_all_operations()} - succeeded <= TOGETHER


@pytest.mark.parametrize("path", ASKED_TOGETHER)
def test_bh36_an_answer_to_what_must_go_together_is_as_described(asked: Asked, path: str) -> None:
    operation = described(asked)[path]["GET"]
    for query in ASKED_TOGETHER[path]:
        answer = operation.Case(query=query, headers={"X-API-Key": asked.key}).call_and_validate()

        assert answer.status_code == 200


@pytest.mark.parametrize("path", SENT_TOGETHER)
def test_bh36_an_answer_to_what_must_be_sent_together_is_as_described(asked: Asked, path: str) -> None:
    operation = described(asked)[path]["POST"]
    named = {name: asked.names[f"path.{name}"][0] for name in ("alert_id", "number", "movement_id", "name")}
    for body in SENT_TOGETHER[path]:
        answer = operation.Case(
            path_parameters=named,
            body=body,
            media_type="application/octet-stream" if isinstance(body, bytes) else "application/json",
            headers={"X-API-Key": asked.key},
        ).call_and_validate()

        assert answer.status_code < 300


def described(asked: Asked) -> Any:
    """Return the API as its description says."""
    schema = schemathesis.openapi.from_asgi(
        "/openapi.json", asked.app, config=configuration(asked), headers={"X-API-Key": asked.key}
    ).exclude(path=LIVE)
    schema.hook(filter_failure)
    return schema


def _failures(recorder: Any) -> Iterator[str]:
    for number, found in recorder.checks.items():
        asked = recorder.interactions[number].request if number in recorder.interactions else None
        for one in found:
            if one.failure_info is not None:
                where = "" if asked is None else f"{asked.method} {asked.uri} {asked.body!r}"
                yield f"{one.name}: {where}: {one.failure_info.failure.message}"


def _succeeded(recorder: Any) -> Iterator[str]:
    for number, node in recorder.cases.items():
        answer = recorder.interactions[number].response if number in recorder.interactions else None
        if answer is not None and answer.status_code < 300:
            yield node.value.operation.label
