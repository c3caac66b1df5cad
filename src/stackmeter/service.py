"""The service: everything wired together in one process, and taken apart again.

`Service` is one straight line on purpose: what it opens, in which order, is what a reader wants to see here. Threads
each do one thing; one that fails is started again (`stackmeter.threads`), and the process ends where the disk failed.
"""

import logging
import os
import sqlite3
import sys
import threading
import time
from collections.abc import Callable
from importlib.metadata import version
from itertools import chain

from fastapi import FastAPI

from alerts.tables.links import link_key
from alerts.tables.webhook_acts import act_again
from alerts.tables.webhooks import WebhookOutbox
from api.app import create_app
from api.market.shortness import ShortTeller
from api.metrics import AnswerTimes
from api.serve import Server
from ingest.line.line import Line
from ingest.line.recorded import Owner, RecordedLine, StepTime
from ingest.mqtt.address import broker
from ingest.mqtt.intake import ALONE, FOR_A_LOG, Arrival, Intake
from notify.feeds.works import feed_works
from notify.sender import WebhookSender
from plant.configuration.about import load_about
from plant.configuration.environments import NotingEnvironment
from plant.configuration.load import load_with_doubts
from plant.park import Plant
from plant.places import Places
from proof.restate.restate import publish_again
from proof.works import Configured, Links, whole_line
from reports.catalogue import all_forms
from rules.catalogue import Register, load_catalogue
from stackmeter.archive.archiving import service_archiver
from stackmeter.broadcast import AckBroadcast, TotalsBroadcast, rfc3339
from stackmeter.chores import Chores
from stackmeter.clock_watch import ClockMemory
from stackmeter.edge_nodes import HostedNodes, sparkplug_host
from stackmeter.health import HealthReport
from stackmeter.members.watcher import City
from stackmeter.open_files import connections_for
from stackmeter.projection.wiring import influx_process
from stackmeter.service_log import ServiceLog
from stackmeter.service_parts import ServiceParts
from stackmeter.settings import Settings, tell_of_unknown
from stackmeter.shards.listening import stray_watch, subscriber
from stackmeter.standby.journal_of_shard import open_journal
from stackmeter.threads import Threads
from stackmeter.tidying import Tidying
from stackmeter.watchdog import Watchdog
from store.faults import told_of
from store.folder import Folder, evidence_folder, keys_file
from store.kept_files import KeptFiles
from store.messages.journal import JournalReader, JournalWaits
from store.messages.steps import OUTBOX, RESTATEMENT, Started, StepFailed, StepLog
from store.reader import Reader
from store.replicated.lease import LOST, HeldLease
from store.replicated.log import Fenced
from store.sqlite import passing
from store.state import REMEDY, State

EXIT_SOFTWARE, EXIT_IO, EXIT_DATA, EXIT_IN_USE, EXIT_CONFIG = 70, 74, 65, 75, 2
API = "api"
WATCHDOG = "pulse"  # as /metrics and /readyz have always called it
SWITCH_S = 0.001  # after which the line lets threads go on that wait for the network
CYCLE_S = 0.5  # a micro-batch gathers for so long: the windows it touches are written once
IDLE_S = 0.25  # the longest the line sleeps, so that windows fall due in time
RETRY_S = 0.5
STOP_S, STOP_LOOK_S = 10.0, 0.1

log = logging.getLogger(__name__)


class Service:
    """Opens everything in order, runs until told to stop or until a part fails, and closes in reverse."""

    def __init__(
        self,
        settings: Settings,
        crash: Callable[[str], None],
        now_and_then: Callable[[], None] = lambda: None,
        lease: HeldLease | None = None,
    ) -> None:
        """Load the configuration, lock and open the state, and catch up nothing yet; MQTT is connected last.

        `now_and_then` is called about once a second while the service runs.
        """
        catalogue = load_catalogue(settings.config)
        self.plant: Plant = _loaded(settings, catalogue)
        self._about = load_about(settings.config, self.plant, all_forms())
        address = broker(
            settings.broker,
            client_id=settings.client_id,
            version=settings.mqtt_version,
            ca=settings.broker_ca,
        )
        self.folder = Folder(settings.state)
        self.audit = ServiceLog(keys_file(settings.state))
        self.access = self.audit.access(settings)
        self.token = self.folder.token(settings.token.get_secret_value() if settings.token else None)
        self.city = City(settings.config, self.plant, self.token)
        self._crash, self.exit_code, self._lease = crash, 0, lease
        self._may_tell = lease.may_tell if lease else lambda: True
        self._stop, self._wake = threading.Event(), threading.Event()
        self.journal = open_journal(settings, self.folder.journal, crash, self._end_of_journal)
        self.state = State(self.folder.state, self.plant)
        self.tidying = Tidying(self.journal, self.state)
        reader = JournalReader(self.folder.journal)
        self._catalogue, self._settings, self._journal_reader = catalogue, settings, reader
        self._time, self._log = StepTime(), StepLog(self.journal)
        with told_of(self.folder.state, REMEDY):
            self.state.check_follows(reader)
            self._tell_of_another_configuration()
            others = {OUTBOX: act_again, RESTATEMENT: publish_again(self.plant, catalogue)}
            owner = Owner(self._log, time.time_ns, self.plant.hash, version("stackmeter"))
            self.steps = RecordedLine(self, self.folder.journal, self._time, others, owner)
        for told in (*self.line.undated.kept, *self.line.undated.news):
            log.warning("%s", told)
        self.intake = Intake(
            self.journal, self._acknowledge, self._wake.set, crash, FOR_A_LOG if settings.log else ALONE
        )
        self.clock = ClockMemory(self.folder.clock, self.journal.next)
        self.threads = Threads(self._stop, lambda reason: self.fail(EXIT_IO, reason))
        self.subscriber = subscriber(
            settings, self.plant, address, self.folder.session, self.intake, self.threads
        )
        self.strays = stray_watch(settings, self.plant, address, self.threads)
        self.sparkplug = sparkplug_host(
            self.plant, address, settings.sparkplug_host, self.intake, self.threads
        )
        self.influx = influx_process(settings, self.plant, self.state, self.folder.state, lease)
        self.state.note_projection(to_influx=self.influx is not None)
        self.archiver = service_archiver(
            settings.archive, self.folder, self.plant, self.journal, self.intake.decide, crash
        )
        self.webhooks = WebhookSender(
            self.folder.state,
            self.plant.webhooks,
            time.time_ns,
            crash,
            own=settings.doors,
            places=Places(self.plant.parks, self.plant.facilities),
            log=self._log,
            may_send=self._may_tell,
        )
        self.reader = Reader(self.folder.state, self.plant)
        progress = lambda: (self.line.next, self.journal.next)  # noqa: E731 - the line is made anew after a failure
        act = lambda told: self.intake.decide(told.message(time.time_ns()))  # noqa: E731
        self.feeds = feed_works(self.plant.feeds, self.folder.feeds, self.reader, progress, act, crash)
        self.broadcast, self.acks = TotalsBroadcast(self.reader, self._publish), AckBroadcast(self._publish)
        self.short = ShortTeller(self.reader, self.plant, catalogue, act, time.time_ns)
        parts = self._parts()
        self.watchdog = Watchdog(
            {"intake": lambda: self.intake.beats, "line": lambda: self.line_beats},
            lambda reason: self.fail(EXIT_SOFTWARE, reason),
            Chores(parts, self.note_clock_step, now_and_then).do,
        )
        self.report = HealthReport(parts, self.watchdog.standing)
        self._stream = self.threads.part("stream")
        app = self._app()
        ending, most = app.state.end_streams, connections_for(settings.max_connections)
        self.server = Server(app, settings.host, settings.port, ending=ending, most_connections=most)
        self.line_beats, self.line_waits = 0, ""  # what it waits for, "" where it goes on

    def note_clock_step(self, by: int) -> None:
        """Let the journal say that the system's clock was set [ns]; what it stamped before is judged by that when it is replayed."""
        self.intake.decide(self.clock.step(by).message(time.time_ns()))

    def start(self) -> None:
        """Start everything; the broker comes last, when whatever it sends can be taken."""
        sys.setswitchinterval(SWITCH_S)
        if self._lease is not None:
            self._lease.on_loss = lambda: self.fail(EXIT_IN_USE, LOST)
        self.audit.record("service.started", old=self.audit.last_hash(), new=self.plant.hash)
        if self.clock.missed:
            self.note_clock_step(self.clock.missed)
        threads, stop = self.threads, self._stop
        threads.start(API, self.server.run, again=self._renew_api)
        self.server.await_answers()
        self.folder.announce(self.server.url)
        threads.start("line", self._run_line, again=self._renew_line, vital=True)
        threads.start("intake", lambda: self.intake.run(stop), again=self.journal.find_end, vital=True)
        if self.influx is not None:
            influx = self.influx
            threads.start("influx", lambda: influx.run(stop))
        if self.archiver is not None:
            archiver = self.archiver
            threads.start("archive", lambda: archiver.run(stop))
        for name, work in chain(
            self.webhooks.workers(stop), self.feeds.workers(stop), self.short.workers(stop)
        ):
            threads.start(name, work)
        for name, work in chain(self.feeds.senders(stop), self.city.workers(self.server.url, stop)):
            threads.start(name, work, apart=True)
        threads.start("totals", lambda: self.broadcast.run(stop))
        threads.start(WATCHDOG, lambda: self.watchdog.watch(stop))
        self.subscriber.start()
        if self.strays is not None:
            self.strays.start()
        if self.sparkplug is not None:
            host = self.sparkplug
            threads.start("sparkplug", lambda: host.run(lambda: self.line.unborn, stop))
            host.start()

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
        if self.strays is not None:
            self.strays.stop()
        self.subscriber.stop()
        is_over = self.threads.join(STOP_S, but=API)
        self.server.stop()
        self.threads.join(STOP_S)
        self.audit.record("service.stopped", old=self.plant.hash, new=f"exit {self.exit_code}")
        self.audit.tell_head()
        self.folder.withdraw()
        self.webhooks.close()
        self.reader.close()
        if is_over:
            self.state.close()
            self._journal_reader.close()
            self.steps.close()
            self.journal.close()
            if self._lease is not None:
                self._lease.give_back()
        self.folder.close()

    @property
    def line(self) -> Line:
        """The line, which the thread of that name works."""
        return self.steps.line

    def make_line(self, started: Started) -> Line:
        """Return a line whose memory is what the state says; raise StepFailed where that start had another configuration."""
        if started.configuration != self.plant.hash:
            raise StepFailed("it was taken under another configuration")
        links = Links(self._settings.public_url, link_key(self.token))
        configured = Configured(self.plant, self._catalogue)
        project = self._settings.influx_url is not None
        return whole_line(
            configured,
            self.state,
            self._journal_reader,
            self._time,
            links,
            project=project,
            crash=self._crash,
        )

    def _renew_line(self) -> None:
        """Go on from what the state says, after a failure: what the line's memory says is not to be trusted."""
        heard = self.line.heard
        self.steps.begin()
        self.line.heard |= heard

    def _renew_api(self) -> None:
        app = self._app()
        self.server.set_app(app, app.state.end_streams)

    def _run_line(self) -> None:
        while not self._stop.is_set():
            began = time.monotonic()
            self.line_beats += 1
            self._wake.clear()
            if not self._step(began) and not self._stop.is_set():
                self._wake.wait(IDLE_S)
            self.acks.step(self.line)
            if not (self.line.behind or self.steps.is_behind):
                self.tidying.go(self.line.next)
                self._stop.wait(max(0.0, began + CYCLE_S - time.monotonic()))

    def _step(self, began: float) -> int:
        """Take one micro-batch in the round that began at a time [s]; where the volume is full or somebody else holds the state, try again later."""
        try:
            messages = self.steps.step()
        except (sqlite3.OperationalError, JournalWaits) as error:
            self.line_waits = str(error) if isinstance(error, JournalWaits) else passing(error)
            if not self.line_waits:
                raise
            self._stop.wait(RETRY_S)
            return 0
        self.line_waits = ""
        if messages:
            self.report.steps.observe(time.monotonic() - began)
        return messages

    def _end_of_journal(self, error: Exception) -> None:
        self.fail(EXIT_IN_USE if isinstance(error, Fenced) else EXIT_DATA, str(error))

    def _acknowledge(self, arrivals: list[Arrival]) -> None:
        self.subscriber.acknowledge(arrivals)  # looked up late: the subscriber is made after the intake

    def _publish(self, topic: str, payload: bytes) -> bool:
        """Publish, as the owner; a service whose lease is in doubt says nothing."""
        return self._may_tell() and self.subscriber.publish(topic, payload)

    def _parts(self) -> ServiceParts:
        return ServiceParts(
            plant=self.plant,
            folder=self.folder,
            reader=self.reader,
            journal=self.journal,
            intake=self.intake,
            line=lambda: self.line,
            line_waits=lambda: self.line_waits,
            tidying=self.tidying,
            threads=self.threads,
            subscriber=self.subscriber,
            sparkplug=self.sparkplug,
            influx=self.influx,
            webhooks=self.webhooks,
            feeds=self.feeds,
            audit=self.audit,
            archiver=self.archiver,
            strays=self.strays,
        )

    def _app(self) -> FastAPI:
        catalogue, settings = self._catalogue, self._settings
        app = create_app(
            self.reader,
            self.plant,
            self.token,
            health=self.report.health,
            metrics=self.report.metrics,
            clock=time.time_ns,
            decide=lambda decision: self.intake.decide(decision.message(time.time_ns())),
            stream_failed=self._stream.failed,
            catalogue=catalogue,
            outbox=lambda: WebhookOutbox(self.folder.state, self._log),
            public_url=settings.public_url,
            access=self.access,
            allowed_hosts=[name.strip() for name in settings.allowed_hosts.split(",") if name.strip()],
            rate_limit=settings.rate_limit,
            edge_nodes=HostedNodes(self.plant, self.sparkplug) if self.sparkplug else None,
            given=self._about,
            kept=KeptFiles(evidence_folder(settings.state)),
            members=self.city.standings,
            heard=lambda: None if self.strays is None else self.strays.strays,
        )
        app.add_middleware(AnswerTimes, times=self.report.answers)
        return app

    def _tell_of_another_configuration(self) -> None:
        """Say in the log where published numbers were made under another configuration."""
        newest = self.state.ledger.newest()
        if newest is not None and newest.configuration != self.plant.hash:
            log.warning(
                "the configuration, or a factor, has changed since %s: what was published before keeps its numbers;"
                " `stackmeter restate` shows what would change",
                rfc3339(newest.at),
            )


def _loaded(settings: Settings, catalogue: Register) -> Plant:
    environment = NotingEnvironment(os.environ)
    loaded = load_with_doubts(settings.config, catalogue, environment)
    tell_of_unknown(environment, environment.names)
    if loaded.doubts:
        log.warning(
            "the configuration has %d warnings; stackmeter check %s tells them all, the first: %s",
            len(loaded.doubts), settings.config, loaded.doubts[0],
        )  # fmt: skip
    return loaded.plant
