"""The broker's access list: what each enrolled gateway, and the service itself, may publish and read."""

import re
from collections.abc import Iterable, Sequence

from plant.park import Gateway, Plant
from plant.topics import NATIVE_FILTER, SPARKPLUG, WORD, Subscription, filter_of

CANARY = "stackmeter/canary"  # what `stackmeter doctor` says to itself; no reading, and no topic of a gateway
_OF_NODE, _OF_DEVICE = ("NBIRTH", "NDATA", "NDEATH"), ("DBIRTH", "DDATA", "DDEATH")


class Ambiguous(ValueError):
    """A subscription's words do not say which part of a gateway's name each of them is."""


def access_list(plant: Plant, enrolled: Iterable[Gateway], service: str, sparkplug_host: str) -> list[str]:
    """Return the lines of Mosquitto's acl_file.

    Parameters
    ----------
    enrolled
        The gateways that have a password or a certificate; others get no line.
    service
        The service's user.

    Raises
    ------
    Ambiguous
        A subscription cannot be narrowed to one gateway's topics.
    """
    lines = ["# Written by stackmeter gateway; lines of your own go into acl.own.", f"user {service}"]
    lines += _of_service(plant.subscriptions, sparkplug_host)
    for gateway in enrolled:
        lines += ["", f"user {name_of(gateway)}", *_of_gateway(gateway, plant.subscriptions, sparkplug_host)]
    return lines


def name_of(gateway: Gateway) -> str:
    """Return the user that a gateway is at the broker."""
    return f"{gateway.park}/{gateway.facility}/{gateway.name}"


def _of_service(subscriptions: Sequence[Subscription], host: str) -> list[str]:
    """Return what the service may: read data, write acks and totals; of Sparkplug ask for a rebirth and say its state."""
    lines = [
        f"topic read {NATIVE_FILTER}",
        *(f"topic read {one.filter}" for one in subscriptions),
        "topic write sm/v1/+/+/+/ack",
        "topic write sm/v1/+/totals",
        f"topic readwrite {CANARY}",
        "topic read $SYS/broker/#",
    ]
    groups = [one.filter.split("/")[1] for one in subscriptions if one.format == SPARKPLUG]
    lines += [f"topic write spBv1.0/{group}/NCMD/+" for group in groups]
    return lines + ([f"topic readwrite spBv1.0/STATE/{host}"] if groups else [])


def _of_gateway(gateway: Gateway, subscriptions: Sequence[Subscription], host: str) -> list[str]:
    own = f"sm/v1/{name_of(gateway)}"
    lines = [f"topic write {own}/readings", f"topic write {own}/status", f"topic read {own}/ack"]
    for one in subscriptions:
        words = _words_for(one, gateway)
        if words is None:
            continue
        if one.format == SPARKPLUG:
            lines += _of_edge_node(one, words, host)
        else:
            lines.append(f"topic write {_narrowed(one.topic, words)}")
    return list(dict.fromkeys(lines))


def _narrowed(topic: str, words: dict[str, str]) -> str:
    """Return a topic filter with what is known of its words filled in."""
    return filter_of(WORD.sub(lambda match: words.get(match[1], match[0]), topic))


def _of_edge_node(one: Subscription, words: dict[str, str], host: str) -> list[str]:
    level = one.topic.split("/")[1]
    group = words.get(level.strip("{}"), "+") if WORD.fullmatch(level) else level
    node, device = words.get("node", "+"), words.get("device", "+")
    return [
        *(f"topic write spBv1.0/{group}/{kind}/{node}" for kind in _OF_NODE),
        *(f"topic write spBv1.0/{group}/{kind}/{node}/{device}" for kind in _OF_DEVICE),
        f"topic read spBv1.0/{group}/NCMD/{node}",
        f"topic read spBv1.0/{group}/DCMD/{node}/{device}",
        f"topic read spBv1.0/STATE/{host}",
    ]


def _words_for(one: Subscription, gateway: Gateway) -> dict[str, str] | None:
    """Return what the words of a subscription are for a gateway; None where it is not the gateway's."""
    words: dict[str, str] = {}
    for template, name in (
        (one.park, gateway.park),
        (one.facility, gateway.facility),
        (one.gateway, gateway.name),
    ):
        greedy, lazy = (_match(template, name, how) for how in ("+", "+?"))
        if greedy is None or any(words.get(word, text) != text for word, text in greedy.items()):
            return None
        if greedy != lazy:
            raise Ambiguous(
                f"{one.topic}: {template} can name {name} in more than one way, so its topics cannot be told from"
                " those of another gateway: choose a template with one word"
            )
        words |= greedy
    return words


def _match(template: str, name: str, how: str) -> dict[str, str] | None:
    seen: set[str] = set()

    def group(match: re.Match[str]) -> str:
        word = match[1]
        again = word in seen
        seen.add(word)
        return f"(?P={word})" if again else f"(?P<{word}>[^/]{how})"

    parts = re.split(r"(\{[a-z][a-z0-9_]{0,31}\})", template)
    pattern = "".join(WORD.sub(group, part) if WORD.fullmatch(part) else re.escape(part) for part in parts)
    found = re.fullmatch(pattern, name)
    return found.groupdict() if found else None
