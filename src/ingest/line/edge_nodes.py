"""What the line keeps of Sparkplug edge nodes: births and aliases, and who is away; inside the line's transaction."""

from functools import partial

from ingest.line.away import Away
from ingest.line.normalise import Normaliser
from ingest.sparkplug.nodes import Nodes, Spoken
from ingest.subscriptions import Subscriptions, TopicRoute
from store.messages.journal import Message
from store.messages.set_aside import set_aside
from store.messages.sparkplug import forget_online, store_nodes, stored_births, stored_nodes
from store.state import State


class KeptNodes:
    """Edge nodes as the state has them, and what the messages that are being taken make of them.

    Attributes
    ----------
    nodes
        What messages are heard by.
    unborn
        The nodes, group/node, that lack a birth, as of the last commit.
    """

    def __init__(self, subscriptions: Subscriptions, normaliser: Normaliser, state: State) -> None:
        """Read what the state has."""
        self._connection = state.connection
        self._away = Away(subscriptions, normaliser, state)
        self.nodes = Nodes(stored_nodes(state.connection), partial(stored_births, state.connection))
        self.unborn = frozenset(self.nodes.unborn)

    def note(self, route: TopicRoute, spoken: Spoken, offset: int) -> None:
        """Note who came and who went by the journal's message at an offset."""
        if spoken.turns and route.sparkplug:
            self._away.take(route.sparkplug[0].name, spoken.turns, offset)

    def lose_sight(self, message: Message, offset: int) -> None:
        """Know no longer whether nodes are there: our own connection was lost, until they speak again."""
        for node, turns in self.nodes.lose_sight(message.received).items():
            forget_online(self._connection, self._away.take(node, turns, offset))
        self.store()

    def store(self) -> None:
        """Keep what has changed, and set aside what the state had and nobody can read."""
        for node, why in self.nodes.unread.items():
            set_aside(self._connection, "sparkplug_node", {"node": node}, why)
        self.nodes.unread.clear()
        store_nodes(self._connection, self.nodes.changed())

    def settle(self) -> None:
        """Let others know what a transaction that is committed said of births."""
        if self.unborn != self.nodes.unborn:
            self.unborn = frozenset(self.nodes.unborn)

    def forget(self) -> None:
        """Know what the state says, after a rollback."""
        self.nodes.reload(stored_nodes(self._connection))
