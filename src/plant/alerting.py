"""Who is told of which alert, and when: the configuration of routing, resolved. Times are ns UTC, durations ns."""

from dataclasses import dataclass
from zoneinfo import ZoneInfo

COVERS = "covers"  # the label by which a rule says what its alerts stand for
GATEWAY = "gateway"
LACKS = "lacks"  # the label of an alert that says that readings are missing, which a gateway that is away explains
READINGS = "readings"
TOLD_BY = "told_by"  # the label of an alert that no rule of ours made: who told us
LABELS = (
    "park",
    "facility",
    "gateway",
    "channel",
    "source",
    "rule",
    "severity",
    COVERS,
    TOLD_BY,
)  # beside those that a rule gives

MINUTES_PER_DAY = 24 * 60


@dataclass(frozen=True, slots=True)
class Matcher:
    """What a label must be: `operator` is =, !=, =~ or !~; an absent label is ""."""

    label: str
    operator: str
    value: str

    def __str__(self) -> str:
        value = self.value.replace("\\", "\\\\").replace('"', '\\"')
        return f'{self.label}{self.operator}"{value}"'


@dataclass(frozen=True, slots=True)
class Hours:
    """Hours of a week on a park's clock; those that end at or before their start end on the next day."""

    days: tuple[int, ...]  # 0 Monday to 6 Sunday, of the start
    start: int  # minute of the day
    end: int  # minute of the day, up to 1440


@dataclass(frozen=True, slots=True)
class Route:
    """One branch of the tree; `name` is its matchers from the root on, and the same after any restart."""

    name: str
    match: tuple[Matcher, ...]
    receivers: tuple[str, ...]
    group_by: tuple[str, ...]
    each_alone: bool  # no grouping: every set of labels is a group
    group_wait: int
    group_interval: int
    repeat_interval: int
    goes_on: bool  # the next route is asked too
    routes: tuple["Route", ...] = ()


@dataclass(frozen=True, slots=True)
class Inhibition:
    """Alerts that match `target` are not told while one that matches `source` is open with the same `equal` labels."""

    source: tuple[Matcher, ...]
    target: tuple[Matcher, ...]
    equal: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Maintenance:
    """A window in which matching alerts are expected: [start, end), or weekly hours on the clock of the alert's park."""

    name: str
    match: tuple[Matcher, ...]
    reason: str
    start: int = 0
    end: int = 0
    hours: Hours | None = None


@dataclass(frozen=True, slots=True)
class Quiet:
    """Hours in which receivers are not told of alerts of some severities, on the clock of the alert's park."""

    receivers: tuple[str, ...]
    severities: tuple[str, ...]
    hours: Hours


@dataclass(frozen=True, slots=True)
class Shift:
    """When a webhook's owner is on call."""

    webhook: str
    hours: Hours


@dataclass(frozen=True, slots=True)
class Escalation:
    """Who is told `after` so long without an acknowledgement."""

    after: int
    receivers: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Rota:
    """Who is on call when, on the clock of `zone`."""

    name: str
    zone: ZoneInfo
    shifts: tuple[Shift, ...]
    escalations: tuple[Escalation, ...] = ()


@dataclass(frozen=True, slots=True)
class Routing:
    """All of it; without routes one is implied (`alerts.telling.routing.implied`)."""

    routes: tuple[Route, ...] = ()
    inhibitions: tuple[Inhibition, ...] = ()
    maintenance: tuple[Maintenance, ...] = ()
    quiet: tuple[Quiet, ...] = ()
    rotas: tuple[Rota, ...] = ()
