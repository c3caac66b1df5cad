"""The shape of the routing's configuration, as people write it; a part of `plant.configuration.model`."""

from collections.abc import Iterator
from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from plant.documents.fields import Duration, Fault, Instant, Name, Part, Text, exactly_one
from plant.vocabulary import NS_PER_DAY, NS_PER_S

Day = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
DAYS: tuple[Day, ...] = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
Calm = Literal["info", "warning"]
CALM: tuple[Calm, ...] = ("info", "warning")
MatcherText = Annotated[
    str,
    StringConstraints(min_length=3, max_length=300),
    Field(examples=['severity="critical"', 'channel=~"mdb1/.*"']),
]
HoursText = Annotated[
    str,
    StringConstraints(pattern=r"^([01][0-9]|2[0-3]):[0-5][0-9]-(([01][0-9]|2[0-3]):[0-5][0-9]|24:00)$"),
    Field(examples=["22:00-06:00"]),
]
Label = Annotated[str, StringConstraints(pattern=r"^([A-Za-z_][A-Za-z0-9_]{0,63}|\.\.\.)$")]
DEEPEST = 8


class RoutePart(Part):
    """A branch of the routing tree: which alerts, to whom, and when. What is left out is as in the route around it."""

    match: list[MatcherText] = Field(default_factory=list)
    """What labels must be, all of it: name="x", !=, =~ or !~ (a regular expression for the whole label). All alerts where left out."""
    receivers: list[Name] | None = None
    """Names of webhooks or rotas; required at the top."""
    group_by: list[Label] | None = None
    """The labels whose alerts are told together: [park, facility] where left out at the top; [...] tells each alone."""
    group_wait: Annotated[Duration, Field(le=NS_PER_DAY)] | None = None
    """How long the first alert of a group waits for others; 30s where left out at the top."""
    group_interval: Annotated[Duration, Field(le=NS_PER_DAY)] | None = None
    """The shortest time between two notices of a group; 5min where left out at the top."""
    repeat_interval: Annotated[Duration, Field(ge=60 * NS_PER_S)] | None = None
    """After so long an alert that nobody acknowledged is told again; 4h where left out at the top."""
    goes_on: bool = Field(default=False, alias="continue")
    """Whether the routes after this one are asked too."""
    routes: list["RoutePart"] = Field(default_factory=list)
    """Narrower routes, the first that matches is taken; where none does, this one is."""


class InhibitPart(Part):
    """Alerts that are not told while another one, which explains them, is open."""

    source: Annotated[list[MatcherText], Field(min_length=1)]
    """What the alert that explains matches."""
    target: Annotated[list[MatcherText], Field(min_length=1)]
    """What the alerts match that are not told. One that matches source too is told."""
    equal: Annotated[list[Label], Field(min_length=1)]
    """The labels that both have alike."""


class QuietPart(Part):
    """Hours in which some are not told: notices wait until the end. Critical alerts are always told."""

    receivers: Annotated[list[Name], Field(min_length=1)]
    """Names of webhooks or rotas."""
    severities: list[Calm] = Field(default_factory=lambda: list(CALM))
    """The severities that wait; info and warning where left out."""
    days: Annotated[list[Day], Field(min_length=1)] = Field(default_factory=lambda: list(DAYS))
    """The days on which the hours begin; all where left out."""
    hours: HoursText
    """From when to when, on the clock of the alert's park; 22:00-06:00 ends on the next day."""


class MaintenancePart(Part):
    """A window in which alerts are expected, such as a calibration: they are kept, and told to nobody while it lasts."""

    name: Name
    """Unique."""
    match: Annotated[list[MatcherText], Field(min_length=1)]
    """What the alerts match."""
    reason: Text
    """What is done then."""
    start: Instant | None = Field(default=None, alias="from")
    """Dated: when it begins, RFC 3339 with zone; from and to, or hours."""
    end: Instant | None = Field(default=None, alias="to")
    """Dated: when it is over."""
    days: Annotated[list[Day], Field(min_length=1)] = Field(default_factory=lambda: list(DAYS))
    """Weekly: the days on which the hours begin; all where left out."""
    hours: HoursText | None = None
    """Weekly: from when to when, on the clock of the alert's park."""

    def faults(self) -> Iterator[Fault]:
        """Yield a window that is neither dated nor weekly, or ends before it begins."""
        yield from (
            (("from" if f == "start" else f), text) for f, text in exactly_one(self, "start", "hours")
        )
        if (self.start is None) != (self.end is None):
            yield "to", "from and to are given together"
        elif self.start is not None and self.end is not None and self.end <= self.start:
            yield "to", "is not after from"


class ShiftPart(Part):
    """When somebody is on call, every week."""

    webhook: Name
    """The webhook that reaches them."""
    days: Annotated[list[Day], Field(min_length=1)] = Field(default_factory=lambda: list(DAYS))
    """The days on which the shift begins; all where left out."""
    hours: HoursText = "00:00-24:00"
    """From when to when; 19:00-07:00 ends on the next day."""


class EscalationPart(Part):
    """Who is told next where nobody acknowledges."""

    after: Duration
    """How long after the rota was told."""
    receivers: Annotated[list[Name], Field(min_length=1)]
    """Names of webhooks or rotas."""


class RotaPart(Part):
    """Who is on call when; a receiver like a webhook."""

    name: Name
    """Unique, and no webhook's name."""
    zone: Text | None = None
    """The IANA time zone of its shifts; that of the first park where left out."""
    people: Annotated[list[ShiftPart], Field(min_length=1)]
    """The shifts; somebody is on call at every minute of the week."""
    escalate: list[EscalationPart] = Field(default_factory=list)
    """Who is told next, and after how long; each step once."""
