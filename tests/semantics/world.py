"""A whole service in one process, without broker, network or real time: messages go in, the API's answers come out."""

import asyncio
import json
from collections.abc import Iterable
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, ClassVar
from unittest.mock import patch

import httpx
from fastapi import FastAPI

from alerts.tables.webhook_acts import act_again
from api.app import create_app
from api.health import Health
from ingest.line.line import Line
from ingest.line.recorded import Owner, RecordedLine, StepTime
from plant.configuration.about import load_about
from plant.configuration.load import load
from proof.rebuild import Rebuild, differences
from proof.verify.verify import verify
from proof.works import Configured, Links, whole_line
from reports.catalogue import all_forms
from rules.catalogue import load_catalogue
from store.accounting.closing import Decision
from store.folder import evidence_folder
from store.influx.lines import PointNames
from store.kept_files import KeptFiles
from store.messages import segments
from store.messages.backfills import BackfillDecision
from store.messages.journal import Journal, JournalReader, Message
from store.messages.replays import Replay
from store.messages.set_aside import rows_aside
from store.messages.steps import OUTBOX, Started, StepFailed, StepLog
from store.reader import Reader
from store.reports import ReportDecision
from store.rows import OUTCOMES
from store.state import State

SECOND = 1_000_000_000
MINUTE, HOUR, DAY = 60 * SECOND, 3600 * SECOND, 86_400 * SECOND
GRID = 0.6592 / 1000  # tonnes for 1 kWh, by the Vietnamese grid factor
TOKEN = "a-token"
SITE = "park-a/works"
CONFIGURATION = Path(__file__).with_name("config")


def ns(text: str) -> int:
    """Return an ISO time as ns UTC."""
    moment = datetime.fromisoformat(text)
    return int(moment.timestamp()) * SECOND + moment.microsecond * 1000


NOON = ns("2026-03-10T12:00:00+07:00")  # 05:00 UTC; where most tests' readings are


def rfc3339(time: int) -> str:
    """Return ns UTC as a gateway writes it."""
    seconds, rest = divmod(time, SECOND)
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%dT%H:%M:%S}.{rest:09d}Z"


def reading(channel: str, time: int, value: Any, unit: str = "kWh", **more: Any) -> dict[str, Any]:
    """Return a reading of a message."""
    return {"channel": channel, "time": rfc3339(time), "value": value, "unit": unit, **more}


class World:
    """One service on a state directory of its own; `now` is its clock."""

    def __init__(self, folder: Path, config: Path = CONFIGURATION, now: int = NOON + HOUR) -> None:
        self.folder, self.now = folder, now
        self._load(config)
        self._open()

    def _load(self, config: Path) -> None:
        self.config, self.catalogue = config, load_catalogue(config)
        self.plant = load(config, self.catalogue, {"SEMANTICS_SECRET": "whsec_" + "A" * 40})

    def _open(self) -> None:
        self.known[self.plant.hash] = Configured(self.plant, self.catalogue)
        self.journal = Journal(self.folder / "journal.db")
        self.state = State(self.folder / "state.db", self.plant)
        self._journal_reader = JournalReader(self.folder / "journal.db")
        self._log = StepLog(self.journal)
        owner = Owner(self._log, lambda: self.now, self.plant.hash, "test")
        self._time, self._is_behind = StepTime(), True
        self.steps = RecordedLine(self, self.folder / "journal.db", self._time, {OUTBOX: act_again}, owner)
        while self.steps.is_behind:
            self.steps.step()
        self._is_behind = False
        self.line = self.steps.line
        self.reader = Reader(self.folder / "state.db", self.plant)
        self._app: FastAPI | None = None

    @property
    def app(self) -> FastAPI:
        """Its API, made where a test asks it."""
        if self._app is None:
            self._app = self.make_app()
        return self._app

    def make_app(self) -> FastAPI:
        """Return an API of this world, asked with the token alone."""
        return create_app(
            self.reader, self.plant, TOKEN, health=Health, metrics=dict, clock=lambda: self.now,
            decide=self.decide, catalogue=self.catalogue,
            rate_limit=1_000_000,  # its clock may stand
            given=load_about(self.config, self.plant, all_forms()), kept=KeptFiles(evidence_folder(self.folder)),
        )  # fmt: skip

    def _clock(self) -> int:
        return self._time.now if self._is_behind else self.now

    def make_line(self, start: Started) -> Line:
        """Return a line by the world's clock."""
        if start.configuration != self.plant.hash:
            raise StepFailed("it was taken under another configuration")
        configured = Configured(self.plant, self.catalogue)
        return whole_line(configured, self.state, self._journal_reader, self._clock, self.links, project=True)

    links = Links()
    known: ClassVar[dict[str, Configured]] = {}  # of all worlds: several may follow each other on one state
    is_rebuilt = True  # whether it is yet to be proven that the steps of its journal make it again

    def check_rebuild(self) -> None:
        """The journal alone makes the same state again: every table."""
        if not self.is_rebuilt:
            return
        self.is_rebuilt = False  # once is enough
        with TemporaryDirectory(dir="/dev/shm") as folder:
            again = Path(folder) / "state.db"
            with closing(Rebuild(self.folder / "journal.db", again, self.known, self.links)) as rebuild:
                rebuild.run()
            found = differences(self.folder / "state.db", again)
            assert found == {}, found

    def close(self) -> None:
        """Prove that what was published follows from the readings, and these from the messages; then end it."""
        assert self.may_set_aside or self.aside() == [], "a row that the service wrote cannot be read"
        try:
            self.check_balance()
            self.merge()
            report = verify(self.plant, self.catalogue, self.folder)
            assert report.proven, [one for one in report.findings if one.kind not in {"waiting", "earlier"}][
                :5
            ]
            self.check_rebuild()
        finally:
            self._shut()

    def merge(self) -> None:
        """Put the journal's groups together as far as they are taken, into segments of a few messages."""
        with patch.object(segments, "SEGMENT_BYTES", 2048):
            while self.journal.merge(self.line.next):
                pass

    def check_balance(self) -> None:
        """Every row of the balance closes, and what is kept of minutes, hours and days adds up to what is kept of ever."""
        for table, what, counts in (("balance", "book", OUTCOMES), ("code", "code", ("count",))):
            sums = ", ".join(f"sum({one})" for one in counts)
            parts = self.rows(f"SELECT gateway, {what}, {sums} FROM {table} GROUP BY 1, 2 ORDER BY 1, 2")
            ever = self.rows(f"SELECT gateway, {what}, {', '.join(counts)} FROM {table}_ever ORDER BY 1, 2")
            assert [row for row in parts if any(row[2:])] == ever
        kept = self.rows(f"SELECT {', '.join(OUTCOMES)} FROM balance")
        assert all(received == sum(ends) for received, *ends in kept)

    def _shut(self) -> None:
        self.reader.close()
        self._journal_reader.close()
        self.steps.close()
        self.state.close()
        self.journal.close()

    def restart(self, config: Path | None = None) -> None:
        """Stop and start it on the same state, perhaps with another configuration."""
        self._shut()
        if config is not None:
            self._load(config)
        self._open()

    may_set_aside = False  # whether somebody else writes into the state

    def aside(self) -> list[tuple[str, str]]:
        """Return the table and the reason of each row that was set aside."""
        return [(row.table, row.reason) for row in rows_aside(self.state.connection)]

    # --- messages in ----------------------------------------------------------------------------------------------

    def publish(
        self, *payloads: Any, gateway: str = "gw", leaf: str = "readings", topic: str = "", at: int | None = None,
        flags: int = 0,
    ) -> None:  # fmt: skip
        """Let messages arrive together, as one micro-batch; what is not bytes is sent as JSON."""
        to = (topic or f"sm/v1/{SITE}/{gateway}/{leaf}").encode()
        received = self.now if at is None else at
        self.journal.append([Message(received, to, _bytes(one), flags) for one in payloads])
        while self.line.step():
            pass

    def send(self, *readings: dict[str, Any], gateway: str = "gw", **envelope: Any) -> None:
        """Let one batch message arrive; `boot` and `seq` may be given."""
        self.publish({**envelope, "readings": list(readings)}, gateway=gateway)

    def decide(self, decision: Decision | Replay | BackfillDecision | ReportDecision) -> None:
        """Let the line take what somebody decides."""
        self.journal.append([decision.message(self.now)])
        while self.line.step():
            pass

    def tick(self, now: int) -> None:
        """Let time pass."""
        self.now = now
        self.line.step()

    # --- answers out ----------------------------------------------------------------------------------------------

    def ask(self, path: str, **params: str) -> httpx.Response:
        """Ask the API, with its token; `from_` asks for `from`."""
        return asyncio.run(self._ask(path, {name.rstrip("_"): text for name, text in params.items()}))

    async def _ask(self, path: str, params: dict[str, str]) -> httpx.Response:
        transport = httpx.ASGITransport(self.app, raise_app_exceptions=False)
        headers = {"Authorization": f"Bearer {TOKEN}"}
        async with httpx.AsyncClient(transport=transport, base_url="http://api", headers=headers) as client:
            return await client.get(path, params=params)

    def get(self, path: str, **params: str) -> Any:
        answer = self.ask(path, **params)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def total(self, source: str, **params: str) -> Any:
        """Return the one total of a source; of the 10th of March where no period is given."""
        if "from_" not in params:
            params.setdefault("period", "2026-03-10")
        [one] = self.get("/v1/totals", level="source", source=source, **params)["totals"]
        return one

    def activity(self, channel: str, start: int, end: int) -> dict[int, tuple[float | None, float]]:
        """Return value and coverage of a channel's windows, by their minute after `start`."""
        body = self.get(
            "/v1/series", kind="activity", channel=channel, every="1m", from_=rfc3339(start), to=rfc3339(end)
        )
        return dict(enumerate(zip(body["values"], body["coverage"], strict=True)))

    def windows(self, source: str, start: int, end: int, field: str = "co2e_t") -> list[tuple[Any, Any]]:
        """Return a source's value and coverage, minute by minute."""
        body = self.get(
            "/v1/series", kind="emission", source=source, field=field, every="1m", from_=rfc3339(start), to=rfc3339(end)
        )  # fmt: skip
        return list(zip(body["values"], body["coverage"], strict=True))

    def balance(self, gateway: str = "gw") -> tuple[dict[str, int], dict[str, int]]:
        """Return a gateway's messages and readings by outcome: what is not 0, and not `received`."""
        body = self.get("/v1/balance", gateway=f"{SITE}/{gateway}")
        for book in (body["messages"], body["readings"]):
            assert book["received"] == sum(book.values()) - book["received"], body
        return _ends(body["messages"]), _ends(body["readings"])

    def codes(self, gateway: str = "gw") -> dict[str, int]:
        """Return how often each code was given."""
        return dict(self.get("/v1/balance", gateway=f"{SITE}/{gateway}")["codes"])

    def stored(self, channel: str) -> list[tuple[Any, ...]]:
        """Return value, quality and flags of a channel's readings, by time."""
        return self.rows(
            "SELECT value, quality, flags FROM reading JOIN channel c ON c.id = channel WHERE name = ? ORDER BY time",
            channel,
        )

    def alerts(self) -> list[Any]:
        return list(self.get("/v1/alerts")["alerts"])

    def rows(self, query: str, *values: Any) -> list[tuple[Any, ...]]:
        """Return what SQL finds in the state."""
        return self.state.connection.execute(query, values).fetchall()

    def point_names(self) -> PointNames:
        """Return the series keys for InfluxDB."""
        numbered = [
            self.rows(f"SELECT id, park, facility, name FROM {table}") for table in ("channel", "source")
        ]
        return PointNames(self.plant, *numbered)  # type: ignore[arg-type]  # two lists of such rows


def _ends(book: dict[str, int]) -> dict[str, int]:
    return {outcome: count for outcome, count in book.items() if count and outcome != "received"}


def _bytes(payload: Any) -> bytes:
    return payload if isinstance(payload, bytes) else json.dumps(payload).encode()


def sums(values: Iterable[float]) -> float:
    """Add from left to right."""
    total = 0.0
    for value in values:
        total += value
    return total
