"""Which gateway each Sparkplug edge node is by the configuration, and the host application that asks it for a birth."""

from collections.abc import Iterable

from api.field.rebirth import EdgeNode
from ingest.sparkplug.host import SparkplugHost
from ingest.sparkplug.topics import birth_topic
from ingest.subscriptions import Subscriptions
from plant.park import Plant


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
