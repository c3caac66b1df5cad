"""Puts the routing together: routes, inhibitions, maintenance windows, quiet hours and rotas."""

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any
from zoneinfo import ZoneInfo, available_timezones

from plant.alert_rules.matchers import matcher
from plant.alert_rules.routing_model import (
    DAYS,
    DEEPEST,
    InhibitPart,
    MaintenancePart,
    QuietPart,
    RotaPart,
    RoutePart,
)
from plant.alerting import (
    MINUTES_PER_DAY,
    Escalation,
    Hours,
    Inhibition,
    Maintenance,
    Matcher,
    Quiet,
    Rota,
    Route,
    Routing,
    Shift,
)
from plant.configuration.model import Configuration
from plant.documents.documents import Placed
from plant.documents.findings import Findings
from plant.suggest import did_you_mean
from plant.vocabulary import NS_PER_HOUR, NS_PER_MIN, NS_PER_S

ROOT = Route(
    name="",
    match=(),
    receivers=(),
    group_by=("park", "facility"),
    each_alone=False,
    group_wait=30 * NS_PER_S,
    group_interval=5 * NS_PER_MIN,
    repeat_interval=4 * NS_PER_HOUR,
    goes_on=False,
)
ALL_LABELS = "..."


def routing(
    files: Sequence[Placed[Configuration]],
    webhooks: Iterable[str],
    labels: Collection[str],
    zone: ZoneInfo,
    findings: Findings,
) -> Routing:
    """Return the routing of all files; mistakes go to `findings`.

    Parameters
    ----------
    webhooks
        The names of the webhooks.
    labels
        The names of all labels that an alert may have.
    zone
        The clock of a rota that names none.
    """
    rotas = [part for file in files for part in file.parts("rotas", file.value.rotas)]
    names = [part.value.name for part in rotas]
    maker = RoutingMaker(tuple(webhooks), (*webhooks, *names), labels, zone, findings)
    routes = [part for file in files for part in file.parts("routes", file.value.routes)]
    made = Routing(
        routes=maker.tree(routes),
        inhibitions=tuple(
            maker.inhibition(part) for file in files for part in file.parts("inhibit", file.value.inhibit)
        ),
        maintenance=tuple(
            maker.maintenance(part)
            for file in files
            for part in file.parts("maintenance", file.value.maintenance)
            if findings.is_first_name(part, "maintenance")
        ),
        quiet=tuple(maker.quiet(part) for file in files for part in file.parts("quiet", file.value.quiet)),
        rotas=tuple(maker.rota(part) for part in rotas if findings.is_first_name(part, "rota")),
    )
    if rotas and not routes and not findings.incomplete:
        findings.refuse(rotas[0], "no route leads to a rota: add `routes: [{receivers: […]}]`")
    return made


@dataclass(frozen=True, slots=True)
class RoutingMaker:
    """Makes the parts of a routing; `receivers` are the names of webhooks and rotas, `labels` those of alerts' labels."""

    webhooks: tuple[str, ...]
    receivers: tuple[str, ...]
    labels: Collection[str]
    zone: ZoneInfo
    findings: Findings

    def tree(self, parts: Sequence[Placed[RoutePart]]) -> tuple[Route, ...]:
        """Return the top routes; the last of them must take every alert, so that none is told to nobody."""
        if parts and parts[-1].value.match:
            message = "alerts that match no route would be told to nobody: let the last route have no match"
            self.findings.refuse(parts[-1], message, "match")
        return tuple(self._route(part, ROOT, 1) for part in parts)

    def inhibition(self, part: Placed[InhibitPart]) -> Inhibition:
        """Return an inhibition."""
        written = part.value
        self._check_labels(part, written.equal, "equal")
        return Inhibition(
            self._matchers(part, written.source, "source"),
            self._matchers(part, written.target, "target"),
            tuple(written.equal),
        )

    def maintenance(self, part: Placed[MaintenancePart]) -> Maintenance:
        """Return a maintenance window."""
        written = part.value
        weekly = None if written.hours is None else self._hours(part, written.days, written.hours)
        match = self._matchers(part, written.match, "match")
        return Maintenance(written.name, match, written.reason, written.start or 0, written.end or 0, weekly)

    def quiet(self, part: Placed[QuietPart]) -> Quiet:
        """Return quiet hours."""
        written = part.value
        self._check_receivers(part, written.receivers, "receivers")
        hours = self._hours(part, written.days, written.hours)
        return Quiet(tuple(written.receivers), tuple(written.severities), hours)

    def rota(self, part: Placed[RotaPart]) -> Rota:
        """Return a rota, on whose shifts somebody is at every minute."""
        written = part.value
        if written.name in self.webhooks:
            self.findings.refuse(part, f"{written.name} is a webhook already", "name")
        for place, person in enumerate(written.people):
            if person.webhook not in self.webhooks:
                self.findings.unknown(
                    part, "webhook", person.webhook, self.webhooks, "people", place, "webhook"
                )
        for place, step in enumerate(written.escalate):
            self._check_receivers(part, step.receivers, "escalate", place, "receivers")
        shifts = tuple(Shift(p.webhook, self._hours(part, p.days, p.hours)) for p in written.people)
        if (gap := _first_gap(shifts)) is not None:
            day, minute = divmod(gap, MINUTES_PER_DAY)
            message = f"nobody is on call from {DAYS[day]} {minute // 60:02d}:{minute % 60:02d}"
            self.findings.refuse(part, message, "people")
        steps = tuple(Escalation(step.after, tuple(step.receivers)) for step in written.escalate)
        return Rota(written.name, self._zone(part), shifts, steps)

    def _route(self, part: Placed[RoutePart], above: Route, depth: int) -> Route:
        written = part.value
        if depth > DEEPEST:
            self.findings.refuse(part, f"routes are at most {DEEPEST} deep")
            return above
        match = self._matchers(part, written.match, "match")
        self._check_labels(part, [one for one in written.group_by or () if one != ALL_LABELS], "group_by")
        name = f"{above.name}/{{{', '.join(map(str, match))}}}"
        own = replace(_inherited(written, above), name=name, match=match, goes_on=written.goes_on, routes=())
        if not own.receivers:
            self.findings.refuse(part, "names no receiver", "receivers")
        self._check_receivers(part, written.receivers or (), "receivers")
        identity = ("route", name, *own.receivers)
        self.findings.is_only(part, "has the matchers and receivers of another route", identity, "match")
        below = tuple(self._route(one, own, depth + 1) for one in part.parts("routes", written.routes))
        return replace(own, routes=below)

    def _matchers(
        self,
        part: Placed[RoutePart] | Placed[InhibitPart] | Placed[MaintenancePart],
        texts: Sequence[str],
        key: str,
    ) -> tuple[Matcher, ...]:
        made = []
        for place, text in enumerate(texts):
            try:
                made.append(matcher(text))
            except ValueError as error:
                self.findings.refuse(part, str(error), key, place)
            else:
                self._check_labels(part, [made[-1].label], key, place)
        return tuple(made)

    def _check_labels(self, part: Placed[Any], names: Sequence[str], key: str, *below: int) -> None:
        """Refuse a label that no alert can have, which would match nothing, or everything; unless a rule was refused."""
        for place, name in enumerate(names):
            if name not in self.labels and not self.findings.broken:
                where = below or (place,)
                self.findings.unknown(part, "label", name, self.labels, key, *where)

    def _check_receivers(
        self,
        part: Placed[RoutePart] | Placed[QuietPart] | Placed[RotaPart],
        names: Iterable[str],
        *key: str | int,
    ) -> None:
        for place, name in enumerate(names):
            if name not in self.receivers:
                self.findings.unknown(part, "webhook or rota", name, self.receivers, *key, place)

    def _hours(
        self,
        part: Placed[MaintenancePart] | Placed[QuietPart] | Placed[RotaPart],
        days: Sequence[str],
        text: str,
    ) -> Hours:
        start, end = (_minute(one) for one in text.split("-"))
        if start == end:
            self.findings.refuse(part, f"{text} has no length; a whole day is 00:00-24:00")
        return Hours(tuple(sorted({DAYS.index(day) for day in days})), start, end)

    def _zone(self, part: Placed[RotaPart]) -> ZoneInfo:
        key = part.value.zone
        if key is None:
            return self.zone
        known = available_timezones()
        if key not in known:
            self.findings.refuse(part, f"there is no time zone {key}{did_you_mean(key, known)}", "zone")
            return self.zone
        return ZoneInfo(key)


def _inherited(written: RoutePart, above: Route) -> Route:
    """Return a route with what is written, and what is not from the route around it."""
    given = {
        name: getattr(written, name)
        for name in ("group_wait", "group_interval", "repeat_interval")
        if getattr(written, name) is not None
    }
    route = replace(above, **given)
    if written.receivers is not None:
        route = replace(route, receivers=tuple(dict.fromkeys(written.receivers)))
    if written.group_by is not None:
        labels = tuple(sorted(set(written.group_by) - {ALL_LABELS}))
        route = replace(route, group_by=labels, each_alone=ALL_LABELS in written.group_by)
    return route


def _minute(text: str) -> int:
    hour, minute = text.split(":")
    return int(hour) * 60 + int(minute)


def _first_gap(shifts: Iterable[Shift]) -> int | None:
    """Return the first minute of the week on which nobody has a shift."""
    covered = {minute for shift in shifts for minute in _minutes(shift.hours)}
    return next((minute for minute in range(7 * MINUTES_PER_DAY) if minute not in covered), None)


def _minutes(hours: Hours) -> Iterator[int]:
    length = (hours.end - hours.start) % MINUTES_PER_DAY or MINUTES_PER_DAY
    for day in hours.days:
        first = day * MINUTES_PER_DAY + hours.start
        yield from (minute % (7 * MINUTES_PER_DAY) for minute in range(first, first + length))
