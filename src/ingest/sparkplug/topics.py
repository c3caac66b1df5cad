"""Sparkplug topics: spBv1.0/group/type/node[/device], and the host application's own STATE.

References
----------
.. [1] Eclipse Sparkplug Specification, version 3.0.0, chapter 4.
"""

from dataclasses import dataclass

NAMESPACE = "spBv1.0"
NODE_TYPES = ("NBIRTH", "NDATA", "NDEATH")
DEVICE_TYPES = ("DBIRTH", "DDATA", "DDEATH")
BIRTHS = ("NBIRTH", "DBIRTH")
SEQUENCE = 256  # numbers of a node's sequence, from 0 on


@dataclass(frozen=True, slots=True)
class SparkplugTopic:
    """Whose message it is; `device` is "" where it is the node's own."""

    group: str
    type: str
    node: str
    device: str

    @property
    def name(self) -> str:
        """The node's name, group/node."""
        return f"{self.group}/{self.node}"


def parse(levels: list[str]) -> SparkplugTopic | None:
    """Return what a topic's levels say; None where they are no message of an edge node or of one of its devices."""
    match levels:
        case [namespace, group, kind, node] if namespace == NAMESPACE and kind in NODE_TYPES:
            return SparkplugTopic(group, kind, node, "")
        case [namespace, group, kind, node, device] if namespace == NAMESPACE and kind in DEVICE_TYPES:
            return SparkplugTopic(group, kind, node, device)
        case _:
            return None


def is_of_a_host(topic: bytes) -> bool:
    """Whether a host application says this, ourselves among them: a command, or its STATE."""
    levels = topic.split(b"/")
    return levels[1:2] == [b"STATE"] or levels[2:3] in ([b"NCMD"], [b"DCMD"])


def state_topic(host: str) -> str:
    """Return where a host application says that it is there."""
    return f"{NAMESPACE}/STATE/{host}"


def namespace_filter(groups: str) -> str:
    """Return the filter to subscribe to for one of groups; that of all groups is written as the conformance kit expects it."""
    return f"{NAMESPACE}/#" if groups == f"{NAMESPACE}/+/#" else groups


def rebirth_topic(name: str) -> str:
    """Return where an edge node, group/node, is told to be born again."""
    group, node = name.split("/")
    return f"{NAMESPACE}/{group}/NCMD/{node}"


def birth_topic(name: str, device: str) -> bytes:
    """Return where a device of an edge node, group/node, is born, the node itself where it is ""."""
    group, node = name.split("/")
    levels = (NAMESPACE, group, "DBIRTH", node, device) if device else (NAMESPACE, group, "NBIRTH", node)
    return "/".join(levels).encode()
