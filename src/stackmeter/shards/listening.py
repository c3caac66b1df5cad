"""What a service hears at the broker: its own topics, and, where it is told to, the gateways that no shard has."""

from pathlib import Path

from ingest.mqtt.address import Broker
from ingest.mqtt.intake import Intake
from ingest.mqtt.session import SessionMemory
from ingest.mqtt.stray_watch import StrayWatch
from ingest.mqtt.subscriber import Subscriber
from ingest.subscriptions import Subscriptions
from plant.park import Plant
from plant.shards.shards_file import load_shards
from stackmeter.settings import Settings
from stackmeter.threads import Threads


def subscriber(
    settings: Settings, plant: Plant, address: Broker, session: Path, intake: Intake, threads: Threads
) -> Subscriber:
    """Return the connection that brings what gateways send; `session` is the file that remembers the broker's sessions."""
    ours = Subscriptions(plant, own=settings.park_topics == "own")
    put, failed = intake.inlet().put, threads.part("mqtt").failed
    return Subscriber(address, put, failed, ours.filters, SessionMemory(session), ours.is_foreign)


def stray_watch(settings: Settings, plant: Plant, address: Broker, threads: Threads) -> StrayWatch | None:
    """Return what looks out for gateways that no shard has, None where it is not asked for.

    Raises
    ------
    ConfigurationError
        The file of shards cannot be used.
    """
    if settings.shards_file is None:
        return None
    parks = {park for shard in load_shards(settings.shards_file) for park in shard.parks}
    parks |= {park.name for park in plant.parks}
    return StrayWatch(address, threads.part("mqtt of strays").failed, parks)
