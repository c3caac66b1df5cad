"""The parts of a running service, as whoever looks at it from outside its threads is given them."""

from collections.abc import Callable
from dataclasses import dataclass

from ingest.line.line import Line
from ingest.mqtt.intake import Intake
from ingest.mqtt.stray_watch import StrayWatch
from ingest.mqtt.subscriber import Subscriber
from ingest.sparkplug.host import SparkplugHost
from notify.feeds.works import FeedWorks
from notify.sender import WebhookSender
from plant.park import Plant
from stackmeter.archive.archiving import Archiver
from stackmeter.projection.process import InfluxProcess
from stackmeter.service_log import ServiceLog
from stackmeter.threads import Threads
from stackmeter.tidying import Tidying
from store.folder import Folder
from store.messages.journal import Journal
from store.reader import Reader


@dataclass(frozen=True, slots=True)
class ServiceParts:
    """What its health is told from, and what is tended once a second.

    `line` gives the line, which is made anew after a failure; `line_waits` why it cannot go on at the moment, "" where it
    can.
    """

    plant: Plant
    folder: Folder
    reader: Reader
    journal: Journal
    intake: Intake
    line: Callable[[], Line]
    line_waits: Callable[[], str]
    tidying: Tidying
    threads: Threads
    subscriber: Subscriber
    sparkplug: SparkplugHost | None
    influx: InfluxProcess | None
    webhooks: WebhookSender
    feeds: FeedWorks
    audit: ServiceLog
    archiver: Archiver | None = None
    strays: StrayWatch | None = None
