"""The service: everything wired together in one process, and taken apart again.

`Service` is one straight line on purpose: what it opens, in which order, is what a reader wants to see here. Threads
each do one thing; when one of them fails the process ends with a code that says why, and is started again.
"""

import logging
import sqlite3
import sys
import threading
import time
from collections.abc import Callable
from contextlib import closing
from importlib.metadata import version
from urllib.parse import urlsplit

import msgspec
from fastapi import FastAPI

from api.app import create_app
from api.guard import Access, Issuer
from api.serve import Server
from ingest.connection import Broker, broker
from ingest.evaluate import Evaluator
from ingest.intake import Arrival, Intake
from ingest.line import Line
from ingest.regulated import RegulatedSources
from ingest.sparkplug.host import SparkplugHost
from ingest.subscriber import Subscriber
from ingest.subscriptions import Subscriptions
from ingest.watch import RuleWatch
from notify.sender import WebhookSender
from plant.load import load as load_plant
from plant.park import Plant
from plant.problems import ConfigurationError
from plant.vocabulary import NS_PER_DAY
from rules.catalogue import Register, load_catalogue
from rules.engine import Engine
from stackmeter.activity import ChannelActivity
from stackmeter.broadcast import TotalsBroadcast
from stackmeter.explain import WindowExplainer
from stackmeter.folder import Folder, keys_file
from stackmeter.health import Pulse
from stackmeter.settings import Settings
from store.access_log import AccessLog, Entry, Head
from store.access_log import make as make_keys
from store.influx import InfluxSink
from store.influx_reader import InfluxReader, QueryFailed
from store.influx_sender import InfluxSender
from store.journal import Journal, JournalReader
from store.keys import Keys
from store.lines import PointNames
from store.links import link_key
from store.reader import Reader
from store.sqlite import StateMismatch
from store.state import State
from store.webhooks import WebhookOutbox

EXIT_SOFTWARE, EXIT_IO, EXIT_DATA, EXIT_IN_USE, EXIT_CONFIG = 70, 74, 65, 75, 2
ACK_EVERY_S = 1.0
SWITCH_S = 0.001  # after which the line lets threads go on that wait for the network
CYCLE_S = 0.5  # a micro-batch gathers for so long: the windows it touches are written once
IDLE_S = 0.25  # the longest the line sleeps, so that windows fall due in time
FULL_RETRY_S = 1.0
STOP_S = 10.0
STOP_LOOK_S = 0.1

log = logging.getLogger(__name__)


class Service:
    """Opens everything in order, runs until told to stop or until a part fails, and closes in reverse."""

    def __init__(self, settings: Settings, crash: Callable[[str], None]) -> None:
        """Load the configuration, lock and open the state, and catch up nothing yet; MQTT is connected last."""
        catalogue = load_catalogue(settings.config)
        self.plant: Plant = load_plant(settings.config, catalogue)
        address = broker(
            settings.broker,
            client_id=settings.client_id,
            version=settings.mqtt_version,
            ca=settings.broker_ca,
        )
        self.folder = Folder(settings.state)
        self.access = self._opened_access(settings)
        self.token = self.folder.token(settings.token.get_secret_value() if settings.token else None)
        self._crash = crash
        self._stop = threading.Event()
        self._wake = threading.Event()
        self.exit_code = 0
        self.journal = Journal(self.folder.journal)
        self.state = State(self.folder.state, self.plant)
        reader = JournalReader(self.folder.journal)
        self._check_order(reader)
        self._tell_of_another_configuration()
        self.watch = RuleWatch(
            self.plant, self.state, time.time_ns, settings.public_url, link_key(self.token)
        )
        engine = Engine(self.plant, catalogue)
        self.line = Line(
            self.plant,
            self.state,
            reader,
            Evaluator(self.plant, engine, self.state),
            self.watch,
            regulated=RegulatedSources(self.plant, engine, self.state),
            clock=time.time_ns,
            crash=crash,
            project=settings.influx_url is not None,
        )
        self.intake = Intake(self.journal, self._acknowledge, self._wake.set, crash)
        self.subscriber = Subscriber(
            address,
            self.intake.put,
            lambda reason: self.fail(EXIT_SOFTWARE, reason),
            Subscriptions(self.plant).filters,
        )
        groups = Subscriptions(self.plant).sparkplug_filters
        self.sparkplug = self._sparkplug_host(address, settings.sparkplug_host, groups) if groups else None
        self.influx = self._influx_sender(settings)
        self.state.note_projection(to_influx=self.influx is not None)
        self.webhooks = WebhookSender(
            self.folder.state,
            self.plant.webhooks,
            time.time_ns,
            crash,
            own=_doors(settings),
        )
        self.reader = Reader(self.folder.state, self.plant)
        self.broadcast = TotalsBroadcast(self.reader, self.subscriber.publish)
        self.pulse = Pulse(self)
        app = self._app(catalogue, settings)
        self.server = Server(
            app,
            settings.host,
            settings.port,
            ending=app.state.end_streams,
            most_connections=settings.max_connections,
        )
        self._threads: list[threading.Thread] = []
        self.line_beats = 0
        self.line_paused = False
        self._acked_at: dict[str, float] = {}

    def start(self) -> None:
        """Start everything; the broker comes last, when whatever it sends can be taken."""
        sys.setswitchinterval(SWITCH_S)
        self.record("service.started", old=self._last_hash(), new=self.plant.hash)
        self.server.start()
        self.folder.announce(self.server.url)
        self._thread("line", self._run_line)
        self._thread("intake", lambda: self.intake.run(self._stop))
        if self.influx is not None:
            sender = self.influx
            self._thread("influx", lambda: sender.run(self._stop))
        self._thread("webhooks", lambda: self.webhooks.run(self._stop))
        self._thread("totals", lambda: self.broadcast.run(self._stop))
        self._thread("pulse", lambda: self.pulse.watch(self._stop))
        self.subscriber.start()
        if self.sparkplug is not None:
            self.sparkplug.start()

    def wait(self) -> int:
        """Wait until somebody calls `stop` or a part fails, close everything, and return the exit code."""
        # Not `_stop.wait()`: the system may deliver a signal to any thread, but its handler runs in the main one and
        # only once that wakes; and a handler that calls `stop` must not meet this thread inside the event's lock.
        while not self._stop.is_set():
            time.sleep(STOP_LOOK_S)
        self.close()
        return self.exit_code

    def stop(self) -> None:
        """Ask for the end."""
        self._stop.set()
        self._wake.set()

    def fail(self, code: int, reason: str) -> None:
        """End the process: a part cannot go on."""
        if not self._stop.is_set():
            log.error("stopping: %s", reason)
            self.exit_code = code
        self.stop()

    def close(self) -> None:
        """Stop acknowledging first, finish what is being committed, then close files."""
        self._stop.set()
        if self.sparkplug is not None:
            self.sparkplug.stop()
        self.subscriber.stop()
        for thread in self._threads:
            thread.join(STOP_S)
        self.server.stop()
        self.record("service.stopped", old=self.plant.hash, new=f"exit {self.exit_code}")
        self.tell_audit_head()
        self.folder.withdraw()
        self.webhooks.close()
        if self.influx is not None:
            self.influx.close()
        self.reader.close()
        if not any(thread.is_alive() for thread in self._threads):
            self.state.close()
            self.journal.close()
        self.folder.close()

    def _thread(self, name: str, work: Callable[[], None]) -> None:
        def guarded() -> None:
            try:
                work()
            except sqlite3.OperationalError as error:
                log.exception("the disk failed under %s", name)
                self.fail(EXIT_IO, f"{name}: {error}")
            except Exception as error:
                log.exception("%s failed", name)
                self.fail(EXIT_SOFTWARE, f"{name}: {type(error).__name__}: {error}")

        thread = threading.Thread(target=guarded, name=name, daemon=True)
        self._threads.append(thread)
        thread.start()

    @property
    def threads(self) -> list[threading.Thread]:
        """The threads that must all be alive while the service runs."""
        return self._threads

    def _run_line(self) -> None:
        while not self._stop.is_set():
            began = time.monotonic()
            self.line_beats += 1
            self._wake.clear()
            if not self._step() and not self._stop.is_set():
                self._wake.wait(IDLE_S)
            self._publish_acks()
            self._ask_rebirths()
            if not self.line.behind:
                self._stop.wait(max(0.0, began + CYCLE_S - time.monotonic()))

    def _step(self) -> int:
        """Take one micro-batch; where the volume is full, wait and try again."""
        try:
            messages = self.line.step()
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode != sqlite3.SQLITE_FULL:
                raise
            self.line_paused = True
            self._stop.wait(FULL_RETRY_S)
            return 0
        self.line_paused = False
        return messages

    def _acknowledge(self, arrivals: list[Arrival]) -> None:
        self.subscriber.acknowledge(arrivals)  # looked up late: the subscriber is made after the intake

    def _publish_acks(self) -> None:
        """Tell each gateway that was heard what we hold, once a second at the most."""
        now = time.monotonic()
        for gateway in [
            g for g in self.line.heard if now - self._acked_at.get(g, -ACK_EVERY_S) >= ACK_EVERY_S
        ]:
            acks = [
                {"boot": boot, "received_through": through, "missing": missing}
                for boot, through, missing in self.line.acknowledgements(gateway)
            ]
            body = {"acks": acks, "time": _rfc3339(time.time_ns())}
            if self.subscriber.publish(f"sm/v1/{gateway}/ack", msgspec.json.encode(body)):
                self._acked_at[gateway] = now
                self.line.heard.discard(gateway)

    def _ask_rebirths(self) -> None:
        for node in self.line.rebirths():
            if self.sparkplug is not None:
                self.sparkplug.ask_rebirth(node)

    def _sparkplug_host(self, address: Broker, host: str, groups: list[str]) -> SparkplugHost:
        def failed(reason: str) -> None:
            self.fail(EXIT_SOFTWARE, reason)

        return SparkplugHost(address, host, groups, self.intake.put, failed)

    def _app(self, catalogue: Register, settings: Settings) -> FastAPI:
        return create_app(
            self.reader,
            self.plant,
            self.token,
            health=self.pulse.health,
            metrics=self.pulse.metrics,
            clock=time.time_ns,
            activity=ChannelActivity(self.folder.state, self.plant),
            decide=lambda decision: self.intake.decide(decision.message(time.time_ns())),
            catalogue=catalogue,
            explain=WindowExplainer(self.folder.state, self.plant, catalogue),
            outbox=lambda: WebhookOutbox(self.folder.state),
            public_url=settings.public_url,
            access=self.access,
            allowed_hosts=[name.strip() for name in settings.allowed_hosts.split(",") if name.strip()],
            rate_limit=settings.rate_limit,
        )

    def _opened_access(self, settings: Settings) -> Access:
        """Return who is let in beside the token; where the file cannot be read, nobody is, and readings still are taken."""
        file = keys_file(settings.state)
        try:
            make_keys(file)
        except (sqlite3.Error, StateMismatch) as error:
            log.error("no key lets anybody in, and nothing is recorded: %s: %s", file, error)  # noqa: TRY400 - its text says all
        return Access(Keys(file), AccessLog(file), _provider(settings))

    def record(self, what: str, old: str, new: str) -> None:
        """Enter what happens to the service into the audit log; what it does for the park goes on without its row, too."""
        entry = Entry(time.time_ns(), "service", what, version("stackmeter"), old, new)
        try:
            AccessLog(keys_file(self.folder.path)).note(entry)
        except sqlite3.Error as error:
            log.error("%s cannot be recorded: %s", what, error)  # noqa: TRY400 - its text says all

    def tell_audit_head(self) -> None:
        """Say in the log how far the audit log goes: whoever keeps the log elsewhere can prove later that no row was cut off."""
        try:
            head = self.audit_head()
        except sqlite3.Error as error:
            log.error("the audit log cannot be read: %s", error)  # noqa: TRY400 - its text says all
        else:
            log.info("audit log head %s", head or "none: it has no rows")

    def audit_head(self) -> Head | None:
        """Return number and hash of the newest row of the audit log; raise sqlite3.Error where it cannot be read."""
        return AccessLog(keys_file(self.folder.path)).head()

    def _last_hash(self) -> str:
        """Return the configuration's hash of the start before, "" where there is none or it cannot be read."""
        try:
            rows = AccessLog(keys_file(self.folder.path)).rows(what="service.started", most=1)
        except sqlite3.Error:
            return ""
        return rows[0].entry.new if rows else ""

    def _influx_sender(self, settings: Settings) -> InfluxSender | None:
        if settings.influx_url is None:
            return None
        sink = InfluxSink(
            settings.influx_url,
            settings.influx_token.get_secret_value(),
            settings.influx_org,
            settings.influx_bucket,
        )
        _check_retention(settings, self.plant)
        names = PointNames(self.plant, self._names("channel"), self._names("source"))
        return InfluxSender(self.folder.state, sink, names, time.time_ns, self._crash)

    def _names(self, table: str) -> list[tuple[int, str, str, str]]:
        return self.state.connection.execute(f"SELECT id, park, facility, name FROM {table}").fetchall()

    def _tell_of_another_configuration(self) -> None:
        """Say in the log where published numbers were made under another configuration."""
        newest = self.state.ledger.newest()
        if newest is not None and newest.configuration != self.plant.hash:
            log.warning(
                "the configuration, or a factor, has changed since %s: what was published before keeps its numbers;"
                " `stackmeter restate` shows what would change",
                _rfc3339(newest.at),
            )

    def _check_order(self, journal: JournalReader) -> None:
        """Refuse a state that knows messages which the journal does not have, or that follows another journal."""
        if self.state.journal not in (None, journal.identity()):
            raise StateMismatch(
                f"{self.folder.state} follows another journal than {self.folder.journal}: restore both from one backup;"
                " without state.db the journal alone gives the same state again"
            )
        if self.state.cursor > self.journal.next:
            raise StateMismatch(
                f"{self.folder.state} follows messages up to {self.state.cursor - 1}, but {self.folder.journal} ends at"
                f" {self.journal.next - 1}: they do not belong together; restore both from one backup"
            )


def _provider(settings: Settings) -> Issuer | None:
    """Return what knows the tokens of the identity provider, None where none is set; raise ConfigurationError where it cannot be."""
    if settings.oidc_issuer is None:
        return None
    try:
        from api.oidc import Provider, ProviderTokens  # noqa: PLC0415 - its extra is there only where it is used
    except ModuleNotFoundError as error:
        what = "the setting oidc_issuer needs the extra oidc: pip install 'stackmeter[oidc]'"
        raise ConfigurationError.of(settings.config, 0, what, "oidc_issuer") from error
    provider = Provider(settings.oidc_issuer, settings.oidc_audience, settings.oidc_claim, settings.oidc_name)
    try:
        return ProviderTokens(provider)
    except ValueError as error:
        raise ConfigurationError.of(settings.config, 0, str(error), "oidc_issuer") from error


_USUAL_PORTS = {"mqtt": 1883, "mqtts": 8883, "http": 80, "https": 443}


def _doors(settings: Settings) -> list[tuple[str, int]]:
    """Return where we and what we write to listen: nobody there takes a webhook."""
    urls = [urlsplit(url) for url in (settings.broker, settings.influx_url) if url]
    given = [(url.hostname, url.port or _USUAL_PORTS[url.scheme]) for url in urls]
    return [(settings.host, settings.port), *((host, port) for host, port in given if host)]


def _rfc3339(ns: int) -> str:
    seconds, rest = divmod(ns, 1_000_000_000)
    return f"{time.strftime('%Y-%m-%dT%H:%M:%S', time.gmtime(seconds))}.{rest // 1_000_000:03d}Z"


def _check_retention(settings: Settings, plant: Plant) -> None:
    """Refuse an InfluxDB that forgets sooner than readings may come; where it does not say, go on and say so."""
    reader = InfluxReader(
        str(settings.influx_url),
        settings.influx_token.get_secret_value(),
        settings.influx_bucket,
        timeout=5.0,
    )
    with closing(reader):
        try:
            kept = reader.retention()
        except QueryFailed as error:
            log.warning("how long InfluxDB keeps points could not be asked: %s", error)
            return
    if 0 < kept < plant.max_late:
        raise ConfigurationError.of(
            settings.config, 0, f"readings may be {plant.max_late / NS_PER_DAY:g} days late, and InfluxDB keeps"
            f" {settings.influx_bucket} for {kept / NS_PER_DAY:g} days: let it keep longer, or shorten max_late",
            "settings.max_late",
        )  # fmt: skip
