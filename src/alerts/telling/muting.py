"""Which open alerts are told to nobody for now, and why: silences, maintenance windows, snoozes and inhibition."""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo

from plant.alerting import COVERS, GATEWAY, LACKS, READINGS, Hours, Inhibition, Maintenance, Matcher
from plant.vocabulary import NS_PER_MIN, NS_PER_S

SILENCED, INHIBITED = "silenced", "inhibited"
SNOOZE = "snooze"
LINGER = 5 * NS_PER_MIN  # after its end an alert stands for others: what it explains recovers a little later
CRITICAL = "critical"
SEVERITIES = ("info", "warning", CRITICAL)  # the worst last

Labels = Mapping[str, str]
Test = Callable[[Labels], bool]


@dataclass(frozen=True, slots=True)
class Alert:
    """An alert as routing sees it; times are ns UTC.

    `labels` are those of the alert with `rule` and `severity`. An alert is open while it has no end.
    """

    id: str
    labels: Labels
    started_at: int
    ended_at: int | None = None
    acknowledged: bool = False
    snoozed_until: int = 0


@dataclass(frozen=True, slots=True)
class Silence:
    """What somebody silenced, until a time [ns UTC]."""

    id: str
    match: tuple[Matcher, ...]
    until: int


class Mute(NamedTuple):
    """Why an alert is not told: `silenced` by a silence, maintenance window or snooze, `inhibited` by an alert."""

    status: str
    by: str


def test_of(match: Iterable[Matcher]) -> Test:
    """Return a function that says whether labels match all of it."""
    tests = [_one(matcher) for matcher in match]
    return lambda labels: all(test(labels) for test in tests)


def _one(matcher: Matcher) -> Test:
    label, value = matcher.label, matcher.value
    if matcher.operator in ("=~", "!~"):
        full, wanted = re.compile(value).fullmatch, matcher.operator == "=~"
        return lambda labels: (full(labels.get(label, "")) is not None) is wanted
    wanted = matcher.operator == "="
    return lambda labels: (labels.get(label, "") == value) is wanted


def covers(hours: Hours, now: int, zone: ZoneInfo) -> bool:
    """Return whether weekly hours cover an instant [ns UTC] on a zone's clock."""
    local = datetime.fromtimestamp(now // NS_PER_S, zone)
    minute = local.hour * 60 + local.minute
    if hours.start < hours.end:
        return local.weekday() in hours.days and hours.start <= minute < hours.end
    before = (local - timedelta(days=1)).weekday()
    return (local.weekday() in hours.days and minute >= hours.start) or (
        before in hours.days and minute < hours.end
    )


class Muting:
    """Silences, maintenance and inhibition, compiled once."""

    def __init__(
        self,
        inhibitions: Sequence[Inhibition],
        maintenance: Sequence[Maintenance],
        zones: Mapping[str, ZoneInfo],
    ) -> None:
        self._inhibitions = [(test_of(i.source), test_of(i.target), i.equal) for i in inhibitions]
        self._maintenance = [(window, test_of(window.match)) for window in maintenance]
        self._zones = zones

    def mutes(
        self, alerts: Sequence[Alert], silences: Iterable[Silence], now: int, over: Iterable[Alert] = ()
    ) -> dict[str, Mute]:
        """Return why each of some alerts is not told; those that are told are not in it.

        Parameters
        ----------
        over
            Alerts that have ended, and inhibit others as long as `LINGER` says.
        """
        active = [(one.id, test_of(one.match)) for one in silences if now < one.until]
        windows = [
            (window, test)
            for window, test in self._maintenance
            if window.hours or window.start <= now < window.end
        ]
        muted: dict[str, Mute] = {}
        for alert in alerts:
            by = next((name for name, test in active if test(alert.labels)), None)
            by = by or next(
                (w.name for w, test in windows if test(alert.labels) and self._lasts(w, alert, now)), None
            )
            by = by or (SNOOZE if now < alert.snoozed_until else None)
            if by is not None:
                muted[alert.id] = Mute(SILENCED, by)
        sources = [one for one in alerts if one.ended_at is None]
        sources += [one for one in over if now < lingers_until(one)]
        for target, source in (_behind_gateways(alerts, sources) | self._inhibited(alerts, sources)).items():
            muted.setdefault(target, Mute(INHIBITED, source))
        return muted

    def boundaries(self, silences: Iterable[Silence], now: int) -> list[int]:
        """Return the instants after `now` at which a silence or a dated window begins or ends."""
        dated = [time for window, _ in self._maintenance for time in (window.start, window.end)]
        return [time for time in (*dated, *(one.until for one in silences)) if time > now]

    def _lasts(self, window: Maintenance, alert: Alert, now: int) -> bool:
        zone = self._zones.get(alert.labels.get("park", ""))
        return window.hours is None or (zone is not None and covers(window.hours, now, zone))

    def _inhibited(self, alerts: Iterable[Alert], sources: Iterable[Alert]) -> dict[str, str]:
        """Return which alert inhibits which: the oldest source that explains it. What is over explains what began before."""
        found: dict[str, str] = {}
        oldest_first = sorted(sources, key=lambda alert: (alert.started_at, alert.id))
        for is_source, is_target, equal in self._inhibitions:
            explains: dict[tuple[str, ...], list[Alert]] = {}
            for alert in oldest_first:
                if is_source(alert.labels):
                    explains.setdefault(_values(alert.labels, equal), []).append(alert)
            for alert in alerts if explains else ():
                if is_target(alert.labels) and not is_source(alert.labels):
                    for source in explains.get(_values(alert.labels, equal), ()):
                        if source.ended_at is None or alert.started_at <= source.ended_at:
                            found.setdefault(alert.id, source.id)
        return found


def lingers_until(over: Alert) -> int:
    """Return until when an alert that is over inhibits others [ns UTC]."""
    return LINGER + (over.ended_at or 0)


def _values(labels: Labels, names: Iterable[str]) -> tuple[str, ...]:
    return tuple(labels.get(name, "") for name in names)


def _behind_gateways(alerts: Iterable[Alert], sources: Iterable[Alert]) -> dict[str, str]:
    """Return which alerts a gateway that is away explains, and by which of its own: the worst of them, then the oldest.

    It explains that readings of its channels are missing, and what else says that it is away; nothing that is worse than
    itself, and no limit that was passed.
    """
    leading: dict[tuple[str, ...], Alert] = {}
    for alert in sorted(sources, key=lambda one: (-severity_rank(one.labels), one.started_at, one.id)):
        if _is_gateway(alert.labels):
            leading.setdefault(_gateway(alert.labels), alert)
    found: dict[str, str] = {}
    for alert in alerts if leading else ():
        is_absence = _is_gateway(alert.labels) or alert.labels.get(LACKS) == READINGS
        leader = leading.get(_gateway(alert.labels)) if is_absence else None
        if leader is None or leader.id == alert.id:
            continue
        if severity_rank(alert.labels) <= severity_rank(leader.labels):
            found[alert.id] = leader.id
    return found


def severity_rank(labels: Labels) -> int:
    """Return how bad an alert is, the larger the worse."""
    severity = labels.get("severity")
    return SEVERITIES.index(severity) if severity in SEVERITIES else -1


def _gateway(labels: Labels) -> tuple[str, ...]:
    return _values(labels, ("park", "facility", "gateway"))


def _is_gateway(labels: Labels) -> bool:
    return labels.get(COVERS) == GATEWAY and bool(labels.get("gateway"))
