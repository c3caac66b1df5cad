"""The service's own health: whether it is ready and why not, what is degraded, and its metrics."""

import math
import platform
import shutil
import sqlite3
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from importlib.metadata import version
from typing import Literal

from prometheus_client import ProcessCollector
from prometheus_client.registry import Collector

from alerts.tables.webhooks import EndpointState
from api.health import Health
from api.metrics import Family, histogram
from notify.feeds.works import FeedWorks
from plant.park import Plant
from plant.vocabulary import NS_PER_DAY, NS_PER_S
from stackmeter.service_parts import ServiceParts
from store.folder import Folder
from store.growth import bytes_per_day, full_in_days
from store.influx.sender import Statistics
from store.messages.gateways import gateways_seen
from store.messages.set_aside import SHOWN, rows_aside
from store.reader import Reader, Snapshot
from store.rows import Balance, Outboxes

ANSWER_S = (0.005, 0.02, 0.05, 0.1, 0.3, 1, 3, 10)
STEP_S = (0.01, 0.03, 0.1, 0.3, 1, 3, 10, 30)

Told = tuple[Literal["counter", "gauge"], str, str, float]


class HealthReport:
    """Asks the parts of a service how they are; any thread may ask it.

    Attributes
    ----------
    answers, steps
        How long answers of the API and steps of the line took [s].
    """

    def __init__(self, parts: ServiceParts, standing: Callable[[], list[str]]) -> None:
        """`standing` says which threads stand still, see `stackmeter.watchdog`."""
        self._parts, self._standing = parts, standing
        self._started = time.time()
        self._process = ProcessCollector(registry=None)
        self.answers = histogram(
            "stackmeter_api_answer_seconds", "After which time answers of the API began.", ANSWER_S
        )
        self.steps = histogram(
            "stackmeter_line_step_seconds", "How long the line took for a micro-batch, committed.", STEP_S
        )

    def health(self) -> Health:
        """Return why the service is not ready, if so, and what is degraded."""
        s, line = self._parts, self._parts.line()
        reasons, degradations = [], []
        if s.intake.waits:
            reasons.append(f"intake paused: {s.intake.waits}; messages wait at the broker")
        if waits := s.line_waits():
            reasons.append(f"state paused: {waits}; messages are journalled and wait")
        reasons += s.threads.reasons()
        reasons += self._standing()
        if not s.subscriber.ready:
            reasons.append(f"broker not connected: {s.subscriber.last_error or 'connecting'}")
        if s.sparkplug is not None and not s.sparkplug.ready:
            reasons.append(f"Sparkplug not connected: {s.sparkplug.last_error or 'connecting'}")
        degradations += [
            *s.subscriber.notices(),
            *(s.strays.notices() if s.strays is not None else ()),
            *s.threads.degradations(),
            *filter(None, [s.audit.trouble, s.tidying.trouble, s.archiver.trouble if s.archiver else ""]),
        ]
        if s.influx is not None and s.influx.statistics.last_error:
            degradations.append(f"InfluxDB: {s.influx.statistics.last_error}; its outbox keeps what it lacks")
        if s.influx is not None and s.influx.statistics.unread:
            degradations.append(_unread(s.influx.statistics))
        degradations += [
            f"channel_conflict: two meters seem to speak on {c.park}/{c.facility}/{c.name}"
            for c in (s.plant.channels[index] for index in sorted(line.conflicts))
        ]
        degradations += line.troubles()
        degradations += _rows_aside(s.reader)
        try:
            webhooks = s.webhooks.statistics()
        except sqlite3.Error as error:
            degradations.append(f"webhooks: their outbox cannot be read: {error}")
        else:
            for webhook in webhooks:
                degradations += _webhook_troubles(webhook)
        degradations += s.feeds.troubles()
        return Health(tuple(reasons), tuple(degradations), s.subscriber.where)

    def metrics(self) -> Mapping[str, Family | Collector]:
        """Return all metric families as they stand."""
        s = self._parts
        with s.reader.snapshot() as snapshot:
            waiting = snapshot.outboxes()
            balances = snapshot.balance_ever()
            gateways = _gateway_families(s.plant, snapshot)
        families: dict[str, Family | Collector] = {
            name: Family(kind, text, {(): float(value)}) for kind, name, text, value in self._single(waiting)
        }
        families |= {"process": self._process, "answers": self.answers, "steps": self.steps}
        families["stackmeter_build_info"] = Family(
            "gauge", "1, of this version.", {(version("stackmeter"), platform.python_version()): 1.0}, ("version", "python")
        )  # fmt: skip
        families["stackmeter_broker_address"] = Family(
            "gauge",
            "1 for the address of the broker that is connected, 0 for the others.",
            {(where,): float(is_connected) for where, is_connected in s.subscriber.addresses.items()},
            ("address",),
        )
        families |= gateways | _webhook_families(s.webhooks.statistics()) | _balance_families(balances)
        families |= _feed_families(s.feeds)
        families["stackmeter_part_failures"] = Family(
            "counter",
            "Failures of parts of the service, which are started again.",
            {(part.name,): float(part.failed_ever) for part in s.threads.parts},
            ("part",),
        )
        families["stackmeter_archive_months"] = Family(
            "gauge",
            "Final months by how they stand with the archive; none where there is none.",
            {(status,): float(count) for status, count in (s.archiver.months if s.archiver else {}).items()},
            ("status",),
        )
        return families

    def _single(self, waiting: Outboxes) -> list[Told]:
        """Return the metrics that are one number each."""
        s, line = self._parts, self._parts.line()
        told: list[Told] = [
            ("gauge", "stackmeter_start_time_seconds", "When this process started.", self._started),
            ("gauge", "stackmeter_ready", "1 when ready.", self.health().ready),
            ("gauge", "stackmeter_broker_connected", "1 when connected and subscribed.", s.subscriber.ready),
            ("counter", "stackmeter_broker_connections", "Connections made to the broker.", s.subscriber.connections),
            ("counter", "stackmeter_broker_sessions_lost", "Connections that found no session.", s.subscriber.sessions_lost),
            ("counter", "stackmeter_foreign_messages", "Messages of other shards' parks, taken from the session and passed over.", s.subscriber.foreign),
            ("gauge", "stackmeter_stray_gateways", "Gateways heard whose park no shard has; NaN where this service does not look out for them.", len(s.strays.strays) if s.strays else math.nan),
            ("counter", "stackmeter_stale_acknowledgements", "Acknowledgements not sent because their connection was gone.", s.subscriber.stale_acknowledgements),
            ("counter", "stackmeter_journal_messages", "Messages journalled by this process.", s.intake.received),
            ("gauge", "stackmeter_journal_backlog", "Messages journalled and not yet in the state.", s.journal.next - line.next),
            ("gauge", "stackmeter_channel_conflicts", "Channels on which two meters seem to speak.", len(line.conflicts)),
            ("gauge", "stackmeter_gateways_ahead", "Gateways heard lately whose readings are of the future, by this machine's clock.", line.gateways_ahead),
            ("gauge", "stackmeter_intake_paused", "1 while nothing can be journalled.", bool(s.intake.waits)),
            ("counter", "stackmeter_qos0_dropped", "QoS 0 messages dropped because too many waited.", s.intake.dropped),
            ("gauge", "stackmeter_influx_waiting_readings", "Readings that InfluxDB has yet to get.", waiting.influx_readings),
            ("gauge", "stackmeter_influx_waiting_emissions", "Source hours that InfluxDB has yet to get.", waiting.influx_hours),
            ("gauge", "stackmeter_webhooks_waiting", "Webhooks not delivered yet.", waiting.webhooks),
            *_disk(s.folder),
            ("gauge", "stackmeter_archive_failing", "1 while nothing can be archived.", bool(s.archiver and s.archiver.trouble)),
        ]  # fmt: skip
        with suppress(sqlite3.Error):  # left out while it cannot be read
            rows = head.id if (head := s.audit.head()) else 0
            told.append(("gauge", "stackmeter_audit_rows", "Rows of the audit log; it never shrinks.", rows))
        if s.influx is not None:
            sent = s.influx.statistics
            told += [
                ("counter", "stackmeter_influx_points", "Points sent.", sent.points_sent),
                ("gauge", "stackmeter_influx_unread", "Hours of sources that were told without an answer, and not read back yet.", sent.unread),
                ("counter", "stackmeter_influx_refused", "Points refused.", sent.refused),
            ]  # fmt: skip
        return told


def _balance_families(balances: Mapping[str, Balance]) -> dict[str, Family]:
    """Return how messages and readings ended, by gateway; gauges, for a replay takes messages out of quarantine."""
    families: dict[str, Family] = {}
    for book in ("messages", "readings"):
        counts: dict[tuple[str, ...], float] = {
            (gateway, outcome): float(count)
            for gateway, balance in balances.items()
            for outcome, count in (balance.messages if book == "messages" else balance.readings).items()
        }
        help_text = f"The balance of {book}, by gateway and outcome."
        families[f"stackmeter_{book}"] = Family("gauge", help_text, counts, ("gateway", "outcome"))
    codes: dict[tuple[str, ...], float] = {
        (gateway, code): float(count)
        for gateway, balance in balances.items()
        for code, count in balance.codes.items()
    }
    families["stackmeter_refused_messages"] = Family(
        "gauge", "Messages quarantined or rejected, by gateway and code.", codes, ("gateway", "code")
    )
    return families


def _gateway_families(plant: Plant, snapshot: Snapshot) -> dict[str, Family]:
    """Return how each configured gateway does; what nobody knows of one is left out."""
    now, ids = time.time_ns(), snapshot.channel_ids(range(len(plant.channels)))
    owners = {
        number: f"{c.park}/{c.facility}/{c.gateway}"
        for number, c in ((n, plant.channels[index]) for n, index in ids.items())
    }
    seen = gateways_seen(snapshot.connection, [one.id for one in plant.gateways], owners)

    def family(text: str, values: Mapping[str, float]) -> Family:
        return Family("gauge", text, {(name,): value for name, value in values.items()}, ("gateway",))

    return {
        "stackmeter_gateway_up": family("1 while its last word, or last will, is that it is online.", seen.up),
        "stackmeter_gateway_silence_seconds": family(
            "How long ago it was last heard, to the minute at least.", {n: (now - at) / NS_PER_S for n, at in seen.heard.items()}
        ),
        "stackmeter_gateway_reading_age_seconds": family(
            "Age of the newest counting reading of its channels; none where it is older than a day or two.",
            {n: (now - at) / NS_PER_S for n, at in seen.newest.items()},
        ),
    }  # fmt: skip


def _disk(folder: Folder) -> Iterator[Told]:
    """Yield what the volume of the state has left, and for how long: NaN where nobody can say."""
    free = shutil.disk_usage(folder.state.parent).free
    days = full_in_days(free, bytes_per_day(folder.journal, folder.state, time.time_ns()))
    seconds = math.nan if days is None else days * NS_PER_DAY / NS_PER_S
    yield "gauge", "stackmeter_disk_free_bytes", "Free bytes on the volume of the state.", free
    text = "Seconds until the volume of the state is full at the rate of the last week; NaN where nobody can say."
    yield "gauge", "stackmeter_disk_full_seconds", text, seconds


def _unread(influx: Statistics) -> str:
    why = f" ({influx.read_error})" if influx.read_error else ""
    return f"InfluxDB: {influx.unread} hours of sources were told without an answer, and are read back until they agree{why}"


def _rows_aside(reader: Reader) -> Iterator[str]:
    """Yield what was set aside lately, each table once."""
    try:
        with reader.snapshot() as state:
            rows = rows_aside(state.connection, since=time.time_ns() - SHOWN)
    except sqlite3.Error:  # that it cannot be read is stated by whoever needs more of it
        return
    for table, count in Counter(row.table for row in rows).items():
        newest = next(row for row in rows if row.table == table)
        more = f", and {count - 1} more" if count > 1 else ""
        yield f"a stored row was set aside: {newest}{more}; stackmeter doctor shows all"


def _webhook_troubles(webhook: EndpointState) -> Iterator[str]:
    if webhook.disabled:
        yield f"webhook {webhook.endpoint}: answered 410 and gets nothing until a replay or another url"
    elif webhook.last_error:
        yield f"webhook {webhook.endpoint}: {webhook.last_error}"
    if webhook.dead:
        yield f"webhook {webhook.endpoint}: {webhook.dead} given up: stackmeter deliveries --dead shows them"


def _feed_families(feeds: FeedWorks) -> dict[str, Family]:
    """Return how each feed does; nothing where that cannot be read, which is told as a degradation."""
    try:
        found = feeds.standings()
    except sqlite3.Error:
        found = []
    told: dict[str, tuple[Literal["counter", "gauge"], str, list[float]]] = {
        "behind_seconds": ("gauge", "How long the oldest slot that was not delivered is due.", [feeds.behind(*one) for one in found]),
        "waiting": ("gauge", "Files that wait for the authority.", [one.waiting for _, one in found]),
        "differs": ("gauge", "Files of whose name the authority had another one, which stands.", [one.differs for _, one in found]),
        "delivered": ("counter", "Attempts that the authority took.", [one.delivered for _, one in found]),
        "failed": ("counter", "Attempts that the authority did not take.", [one.failed for _, one in found]),
    }  # fmt: skip
    names = [(feed.name,) for feed, _ in found]
    return {
        f"stackmeter_feed_{name}": Family(
            kind, text, dict(zip(names, map(float, values), strict=True)), ("feed",)
        )
        for name, (kind, text, values) in told.items()
    }


def _webhook_families(webhooks: Sequence[EndpointState]) -> dict[str, Family]:
    def family(kind: Literal["counter", "gauge"], text: str, values: Iterable[float]) -> Family:
        names = ((webhook.endpoint,) for webhook in webhooks)
        return Family(kind, text, dict(zip(names, map(float, values), strict=True)), ("endpoint",))

    return {
        "stackmeter_webhooks_delivered": family(
            "counter", "Attempts that an endpoint took.", (w.delivered for w in webhooks)
        ),
        "stackmeter_webhooks_failed": family(
            "counter", "Attempts that an endpoint did not take.", (w.failed for w in webhooks)
        ),
        "stackmeter_webhooks_dead": family(
            "gauge", "Webhooks given up until a replay.", (w.dead for w in webhooks)
        ),
        "stackmeter_webhooks_disabled": family(
            "gauge", "1 where an endpoint answered 410.", (w.disabled for w in webhooks)
        ),
    }
