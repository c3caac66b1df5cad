"""Which gateway a topic is of, and how what comes on it is read: the native contract, and what a configuration adds."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from ingest import topics
from ingest.formats.columns import Envelope, RawReadings, Refusal
from ingest.formats.decoder import Decode, Made, OptionError, Origin, decoder_of, guarded
from ingest.sparkplug import node_messages
from ingest.sparkplug import topics as sparkplug_topics
from ingest.sparkplug.nodes import Nodes, Spoken
from ingest.sparkplug.options import SparkplugOptions, sparkplug_options
from ingest.sparkplug.topics import BIRTHS, SparkplugTopic
from ingest.status import online
from ingest.topics import MAX_TOPIC, TopicClass
from plant.documents.problems import ConfigurationError, Problem
from plant.park import Plant
from plant.topics import NATIVE_FILTER, SPARKPLUG, Subscription, fill, park_filter, words_of
from plant.vocabulary import Code
from store.messages.journal import RETAIN, Message

MAX_PAYLOAD = 256 * 1024  # bytes of a message
MAX_BIRTH = 4 * 1024 * 1024  # of a Sparkplug birth, which cannot be split
_NATIVE = NATIVE_FILTER.removesuffix("#").encode()
_CACHED = 16_384  # topics whose route is remembered; beyond, all are forgotten

Online = Callable[[bytes], bool | None]


@dataclass(frozen=True, slots=True)
class TopicRoute:
    """Whose topic it is, and what reads its payloads: `decode` where it has readings, `online` where it tells a status."""

    id: str  # park/facility/gateway; "" where nobody knows whose it is
    gateway: str
    decode: Decode | None
    online: Online = online
    sparkplug: tuple[SparkplugTopic, SparkplugOptions] | None = (
        None  # of a message that its node's earlier ones explain
    )
    words: Mapping[str, str] = field(default_factory=dict)


def most_bytes(route: TopicRoute | None) -> int:
    """Return how many bytes a message of a topic may have."""
    is_birth = route is not None and route.sparkplug is not None and route.sparkplug[0].type in BIRTHS
    return MAX_BIRTH if is_birth else MAX_PAYLOAD


class Subscriptions:
    """Knows all topics of a plant.

    Parameters
    ----------
    own
        Whether the native topics of the plant's own parks alone are ours, as where it is one of several shards.

    Raises
    ------
    ConfigurationError
        A subscription names a format that there is not, or an option that its format does not know.
    """

    def __init__(self, plant: Plant, *, own: bool = False) -> None:
        self._native = decoder_of("native", {})
        self._parks = [park.name for park in plant.parks] if own else None
        self._known: dict[bytes, TopicRoute | None] = {}
        problems: list[Problem] = []
        plain = [one for one in plant.subscriptions if one.format != SPARKPLUG]
        plain.sort(key=lambda one: one.discover)  # what is only looked out for is nobody else's
        self._others = [(one, _made(one, _decoder, problems)) for one in plain]
        hosted = [one for one in plant.subscriptions if one.format == SPARKPLUG]
        self._hosted = [(one, _made(one, _sparkplug_options, problems)) for one in hosted]
        if problems:
            raise ConfigurationError(problems)

    @property
    def filters(self) -> list[str]:
        """The MQTT topic filters to subscribe to."""
        native = [NATIVE_FILTER] if self._parks is None else [park_filter(park) for park in self._parks]
        return [*native, *(one.filter for one, _ in self._others)]

    @property
    def sparkplug_filters(self) -> list[str]:
        """The MQTT topic filters of Sparkplug groups, whose host application has a connection of its own."""
        return [one.filter for one, _ in self._hosted]

    def is_foreign(self, topic: bytes) -> bool:
        """Tell whether a topic is a native one of a park of another shard; any thread may ask."""
        if self._parks is None or not topic.startswith(_NATIVE):
            return False
        return topic.split(b"/", 3)[2].decode(errors="replace") not in self._parks

    def route(self, topic: bytes) -> TopicRoute | None:
        """Return whose topic it is; None where nobody's. Any thread may ask."""
        try:
            return self._known[topic]
        except KeyError:  # not looked up before
            pass
        if len(self._known) >= _CACHED:
            self._known.clear()
        found = self._known[topic] = self._found(topic)
        return found

    def hosted(self, topic: bytes) -> tuple[SparkplugTopic, SparkplugOptions] | None:
        """Return whose message of an edge node it is that has a topic, and how it is read; None where it is none."""
        route = self.route(topic)
        return route.sparkplug if route is not None else None

    def _found(self, topic: bytes) -> TopicRoute | None:
        if len(topic) > MAX_TOPIC:
            return None
        parsed = topics.parse(topic)
        if parsed is not None:
            decode = self._native if parsed.use is TopicClass.READINGS else None
            return TopicRoute(parsed.id, parsed.gateway, decode)
        levels = topics.levels(topic)
        if levels is None:
            return None
        for one, options in self._hosted:
            if options and _fits(one.filter.split("/"), levels):
                return _hosted(one, options, levels)
        for one, decode in self._others:
            if _fits(one.filter.split("/"), levels):
                return _route(one, decode, levels)
        return None


def rejection(route: TopicRoute | None, message: Message, position: int) -> Refusal | None:
    """Return why a message is refused before it is decoded, None where it is not; what has no route is nobody's."""
    if (refused := too_large(route, message.payload, position)) is not None:
        return refused
    if route is None:
        detail = "expected sm/v1/{park}/{facility}/{gateway}/readings, or a topic of `subscriptions`"
        return Refusal(position, Code.TOPIC, "", detail)
    return None


def too_large(route: TopicRoute | None, payload: bytes, position: int) -> Refusal | None:
    """Return the refusal of a payload that is too large for its topic, None for others."""
    most = most_bytes(route)
    if len(payload) <= most:
        return None
    detail = f"{len(payload)} bytes, at most {most} are taken: split the message"
    return Refusal(position, Code.TOO_LARGE, "", detail)


def unknown_gateway(name: str, position: int) -> Refusal:
    """Return the refusal of a message whose gateway the configuration does not know."""
    return Refusal(position, Code.UNMAPPED, "", f"no gateway {name!r} is configured")


def hear(
    route: TopicRoute,
    message: Message,
    position: int,
    nodes: Nodes,
    raw: RawReadings,
    refusals: list[Refusal],
) -> Spoken | None:
    """Append a message's readings and refusals, and return what it was; None where it is no more than a status.

    `nodes` follow from all earlier messages, and are changed. A format has no memory, so nothing that its payload provokes is
    raised; what an edge node's message provokes and nobody foresaw is, because `nodes` are then half changed.
    """
    origin = Origin(position, route.gateway, message.received, bool(message.flags & RETAIN), route.words)
    if route.decode is not None:
        return Spoken(route.decode(message.payload, origin, raw, refusals))
    if route.sparkplug is None:
        return None
    topic, options = route.sparkplug
    spoken = guarded(
        lambda: node_messages.take(nodes, message.payload, topic, options, origin, raw, refusals),
        *(position, raw, refusals),
    )
    return spoken or Spoken(Envelope(None, None, len(raw), 0, decoded=False, refused=0))


def _made(one: Subscription, make: Callable[[Subscription], Made], problems: list[Problem]) -> Made | None:
    """Return what is made of a subscription's options, or note what is wrong with them."""
    try:
        return make(one)
    except OptionError as error:
        file, line, path = one.place
        key = error.key if error.key in ("format", "profile") else f"options.{error.key}"
        problems.append(Problem(file, line, path.replace("topic", key), str(error)))
        return None


def _decoder(one: Subscription) -> Decode | None:
    if one.discover:
        return _into_inbox
    if not one.format:
        return None
    decode = decoder_of(one.format, one.options)
    return decode if one.channel == "{channel}" else _renamed(decode, one.channel)


def _into_inbox(_payload: bytes, origin: Origin, raw: RawReadings, refusals: list[Refusal]) -> Envelope:
    """Refuse a message of a device that nobody has configured yet."""
    detail = "nobody has configured this device: it is in the inbox, see `stackmeter inbox list`"
    refusals.append(Refusal(origin.position, Code.UNMAPPED, "", detail))
    return Envelope(None, None, len(raw), 0, decoded=False, refused=0)


def _sparkplug_options(one: Subscription) -> SparkplugOptions:
    return sparkplug_options(one.options)


def _renamed(decode: Decode, template: str) -> Decode:
    """Return a decoder whose channels have the names that a template makes of them."""

    def renamed(payload: bytes, origin: Origin, raw: RawReadings, refusals: list[Refusal]) -> Envelope:
        first = len(raw)
        envelope = decode(payload, origin, raw, refusals)
        names = {name: fill(template, {**origin.words, "channel": name}) for name in set(raw.channel[first:])}
        raw.channel[first:] = [names[name] for name in raw.channel[first:]]
        return envelope

    return renamed


def _fits(wanted: list[str], levels: list[str]) -> bool:
    """Whether a topic's levels fit a filter's."""
    if wanted[-1] == "#":
        return len(levels) >= len(wanted) - 1 and _fits_each(wanted[:-1], levels)
    return len(levels) == len(wanted) and _fits_each(wanted, levels)


def _fits_each(wanted: list[str], levels: list[str]) -> bool:
    return all(want in ("+", level) for want, level in zip(wanted, levels, strict=False))


def _route(one: Subscription, decode: Decode | None, levels: list[str]) -> TopicRoute:
    if one.discover:
        return TopicRoute("", "", decode)
    words = _words(one, levels)
    meanings = {payload.encode(): is_there for payload, is_there in one.status}
    return TopicRoute(*_gateway(one, words), decode, meanings.get, words=words)


def _hosted(one: Subscription, options: SparkplugOptions, levels: list[str]) -> TopicRoute | None:
    topic = sparkplug_topics.parse(levels)
    if topic is None:
        return None
    words = {**_words(one, levels), "node": topic.node, "device": topic.device}
    return TopicRoute(*_gateway(one, words), None, sparkplug=(topic, options), words=words)


def _words(one: Subscription, levels: list[str]) -> dict[str, str]:
    return {word: levels[number] for word, number in words_of(one.topic).items()}


def _gateway(one: Subscription, words: Mapping[str, str]) -> tuple[str, str]:
    """Return the id and the name of the gateway that a topic's words name."""
    park, facility, gateway = (fill(text, words) for text in (one.park, one.facility, one.gateway))
    return f"{park}/{facility}/{gateway}", gateway
