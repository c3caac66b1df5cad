"""Which gateway each Sparkplug edge node is by the configuration, and the host application that asks it for a birth."""

from collections.abc import Iterable

from api.field.rebirth import EdgeNode
from ingest.mqtt.address import Broker
from ingest.mqtt.intake import Intake
from ingest.sparkplug.host import SparkplugHost
from ingest.sparkplug.topics import birth_topic
from ingest.subscriptions import Subscriptions
from plant.park import Plant
from stackmeter.threads import Threads


class HostedNodes:
    """The edge nodes of a plant whose host application we are; any thread may ask."""

    def __init__(self, plant: Plant, host: SparkplugHost) -> None:
        self._subscriptions, self._host = Subscriptions(plant), host

    def known(self, names: Iterable[str]) -> list[EdgeNode]:
        """Return those of nodes, group/node, that a subscription takes."""
        return [one for name in names if (one := self._known(name)) is not None]

    def ask_rebirth(self, name: str) -> bool:
        """Ask a node to be born again; False where there is no connection to the broker."""
        return self._host.ask_rebirth(name)

    def _known(self, name: str) -> EdgeNode | None:
        route = self._subscriptions.route(birth_topic(name, ""))
        if route is None or route.sparkplug is None:
            return None
        _, options = route.sparkplug
        return EdgeNode(name, route.id, options.rebirth)


def sparkplug_host(
    plant: Plant, address: Broker, host: str, intake: Intake, threads: Threads
) -> SparkplugHost | None:
    """Return the host application for a plant's edge nodes, None where it has none."""
    subscriptions = Subscriptions(plant)  # its own: the host's threads ask it, and it remembers topics
    if not subscriptions.sparkplug_filters:
        return None
    failed, put = threads.part("mqtt of sparkplug").failed, intake.inlet().put
    return SparkplugHost(address, host, subscriptions.sparkplug_filters, subscriptions.hosted, put, failed)
