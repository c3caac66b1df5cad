"""Decides which alerts are told to whom, and when. It tells nobody itself, and keeps nothing: state goes in and comes out.

A receiver hears of a group of alerts: of the first after `group_wait`, of what is new after `group_interval`, and again
of what nobody acknowledged after `repeat_interval`. Whoever was told that an alert fires is told that it is over.
A plant without routes has one that is implied: each alert alone, at once, to every webhook (`implied`).
"""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from hashlib import sha256
from zoneinfo import ZoneInfo

from plant.alerting import Quiet, Rota, Route, Routing
from plant.vocabulary import NS_PER_MIN
from rules.muting import Alert, Mute, Muting, Silence, covers, test_of

NEVER = -(2**62)
FAR = 2**62


@dataclass(frozen=True, slots=True)
class Told:
    """That an alert's firing was told: first and last when [ns UTC], to which webhooks, by which escalations."""

    first: int
    last: int
    endpoints: tuple[str, ...]
    escalated: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Group:
    """What one receiver was told of one group of alerts; `waiting` are untold alerts and since when they are [ns UTC].

    `since` is when the first of them came that the next notice waits for, though it be over again: a value that flaps is
    told of. Whatever fires at the end of the wait is told; where nothing does, the wait is over.
    """

    receiver: str
    route: str
    labels: str
    spoken: int = NEVER
    repeats: int = 0
    since: int = NEVER
    waiting: Mapping[str, int] = field(default_factory=dict)
    told: Mapping[str, Told] = field(default_factory=dict)

    @property
    def key(self) -> str:
        """What names the group for ever, whoever is told."""
        return f"{self.route}:{self.labels}"

    @property
    def lasts(self) -> bool:
        """Whether there is anything to remember of it."""
        return bool(self.told or self.waiting) or self.since != NEVER


@dataclass(frozen=True, slots=True)
class Notice:
    """What one webhook is told at once: alerts that fire, and alerts that are over.

    `id` is made of what is told and to whom, so that it is the same whenever it is computed. `group` is "" where it is of
    one alert alone. `repeat` counts the notices that only repeat, `escalation` is a step and its receiver (1:boss); 0 and
    "" where it is neither.
    """

    id: str
    endpoint: str
    receiver: str
    group: str
    labels: str
    firing: tuple[str, ...]
    resolved: tuple[str, ...]
    repeat: int = 0
    escalation: str = ""


@dataclass(frozen=True, slots=True)
class Telling:
    """What follows from an instant: notices, groups that changed (None: over), mutes, and when to look again at the latest.

    `covered` are the alerts that each inhibiting alert stands for.
    """

    notices: tuple[Notice, ...]
    groups: Mapping[tuple[str, str], Group | None]
    mutes: Mapping[str, Mute]
    covered: Mapping[str, tuple[str, ...]]
    wake: int


def event_id(*parts: object) -> str:
    """Return a webhook-id: the same for the same parts over retries, restarts and replays, and without a dot."""
    return f"event_{sha256(json.dumps(parts).encode()).hexdigest()[:32]}"


def implied(
    transitions: Iterable[tuple[str, bool]], webhooks: Iterable[str], groups: Iterable[Group]
) -> Telling:
    """Decide as the one route does that a plant without routes has: nothing is held back, grouped or repeated.

    Parameters
    ----------
    transitions
        What has happened since the last time, in order: alerts, and whether each began (else it ended).
    webhooks
        All of them: each is told of each transition, under one id.
    groups
        What receivers were told while there were routes; it is forgotten.
    """
    names = tuple(webhooks)
    notices = [
        Notice(
            id=event_id(alert, "alert.firing" if begins else "alert.resolved"),
            endpoint=name,
            receiver=name,
            group="",
            labels="{}",
            firing=(alert,) if begins else (),
            resolved=() if begins else (alert,),
        )
        for alert, begins in transitions
        for name in names
    ]
    return Telling(tuple(notices), {(one.receiver, one.key): None for one in groups}, {}, {}, FAR)


class Router:
    """A routing, compiled once."""

    def __init__(self, routing: Routing, webhooks: Iterable[str], zones: Mapping[str, ZoneInfo]) -> None:
        """Compile; `zones` are the clocks of the parks by name."""
        self._tree = [_Branch(route) for route in routing.routes]
        self._route_of = {(r, route.name): route for route in _all(routing.routes) for r in route.receivers}
        self._webhooks = frozenset(webhooks)
        self._zones = zones
        self._muting = Muting(routing.inhibitions, routing.maintenance, zones)
        self._quiet = routing.quiet
        self._rotas = {rota.name: rota for rota in routing.rotas}
        self._is_weekly = bool(routing.quiet) or any(window.hours for window in routing.maintenance)

    def decide(
        self, alerts: Sequence[Alert], groups: Iterable[Group], silences: Sequence[Silence], now: int
    ) -> Telling:
        """Decide what is due at an instant [ns UTC].

        Parameters
        ----------
        alerts
            All open alerts, and those that are over and named in a group's `told`.
        groups
            What the receivers were told before.
        silences
            Those that last.
        """
        by_id = {alert.id: alert for alert in alerts}
        still = [alert for alert in alerts if alert.ended_at is None]
        mutes = self._muting.mutes(still, silences, now)
        stored = {(group.receiver, group.key): group for group in groups}
        routed = self.routed(still)
        before = _moved(stored, routed)
        wakes = [FAR, *self._muting.boundaries(silences, now)]
        wakes += [alert.snoozed_until for alert in still if alert.snoozed_until > now]
        if self._is_weekly and (still or before):
            wakes.append((now // NS_PER_MIN + 1) * NS_PER_MIN)
        notices: list[Notice] = []
        after: dict[tuple[str, str], Group | None] = {}
        for place in sorted(before.keys() | routed.keys()):
            fresh, mine = routed.get(place, (None, []))
            was = before.get(place, fresh)
            if was is None:
                raise RuntimeError("a group comes from the state or from an alert")
            route = self._route_of.get((was.receiver, was.route))
            turn = _Turn(self, was, route, mine, by_id, mutes, now)
            turn.take()
            notices += turn.notices
            wakes += turn.wakes
            if turn.group != stored.get(place, fresh):
                after[place] = turn.group if turn.group.lasts else None
                wakes.append(now)  # what was told now has times of its own
        return Telling(tuple(notices), after, mutes, _covered(mutes), min(wakes))

    def on_call(self, receiver: str, now: int) -> tuple[str, ...]:
        """Return the webhooks that a receiver stands for at an instant [ns UTC]."""
        rota = self._rotas.get(receiver)
        names = (
            [receiver]
            if rota is None
            else [s.webhook for s in rota.shifts if covers(s.hours, now, rota.zone)]
        )
        return self.known(names)

    def known(self, names: Iterable[str]) -> tuple[str, ...]:
        """Return those webhooks that are configured, each once."""
        return tuple(name for name in dict.fromkeys(names) if name in self._webhooks)

    def rota(self, receiver: str) -> Rota | None:
        """Return the rota of that name."""
        return self._rotas.get(receiver)

    def is_quiet(self, receiver: str, alert: Alert, now: int) -> bool:
        """Return whether a receiver is not to be told of an alert for now."""
        return any(self._holds(quiet, receiver, alert, now) for quiet in self._quiet)

    def _holds(self, quiet: Quiet, receiver: str, alert: Alert, now: int) -> bool:
        if receiver not in quiet.receivers or alert.labels.get("severity") not in quiet.severities:
            return False
        zone = self._zones.get(alert.labels.get("park", ""))
        return zone is not None and covers(quiet.hours, now, zone)

    def routed(self, alerts: Iterable[Alert]) -> dict[tuple[str, str], tuple[Group, list[Alert]]]:
        """Return the groups that open alerts are in, each with its alerts."""
        found: dict[tuple[str, str], tuple[Group, list[Alert]]] = {}
        for alert in alerts:
            for route in _routes_of(self._tree, alert):
                for receiver in route.receivers:
                    group = Group(receiver, route.name, _group_labels(route, alert))
                    found.setdefault((receiver, group.key), (group, []))[1].append(alert)
        return found


def _all(routes: Iterable[Route]) -> Iterator[Route]:
    for route in routes:
        yield route
        yield from _all(route.routes)


def _moved(
    stored: Mapping[tuple[str, str], Group], routed: Mapping[tuple[str, str], tuple[Group, Sequence[Alert]]]
) -> dict[tuple[str, str], Group]:
    """Return the groups, with what was told of an open alert where the routes put it now.

    So a receiver whose routes were written anew is not told again of what it knows.
    """
    members = {(place, alert.id) for place, (_, mine) in routed.items() for alert in mine}
    astray = {
        (place[0], id_): place
        for place, group in stored.items()
        for id_ in group.told
        if (place, id_) not in members
    }
    moved = dict(stored)
    for place, (fresh, mine) in routed.items() if astray else ():
        for alert in mine:
            here, left = moved.get(place, fresh), astray.get((place[0], alert.id))
            if left is None or alert.id in here.told:
                continue
            old = moved[left]
            told = {**here.told, alert.id: old.told[alert.id]}
            moved[place] = replace(here, told=told, spoken=max(here.spoken, old.spoken))
            moved[left] = replace(old, told={i: one for i, one in old.told.items() if i != alert.id})
    return moved


class _Branch:
    def __init__(self, route: Route) -> None:
        self.route, self.test = route, test_of(route.match)
        self.below = [_Branch(one) for one in route.routes]


def _routes_of(tree: Iterable[_Branch], alert: Alert) -> Iterator[Route]:
    """Yield the routes that take an alert: the first branch that matches, and further ones where it goes on."""
    for branch in tree:
        if branch.test(alert.labels):
            deeper = list(_routes_of(branch.below, alert))
            yield from deeper or [branch.route]
            if not branch.route.goes_on:
                return


def _group_labels(route: Route, alert: Alert) -> str:
    names = sorted(alert.labels) if route.each_alone else route.group_by
    return json.dumps(
        {name: alert.labels.get(name, "") for name in names}, sort_keys=True, ensure_ascii=False
    )


def _covered(mutes: Mapping[str, Mute]) -> dict[str, tuple[str, ...]]:
    found: dict[str, list[str]] = {}
    for target, mute in sorted(mutes.items()):
        if mute.status == "inhibited":
            found.setdefault(mute.by, []).append(target)
    return {source: tuple(targets) for source, targets in found.items()}


class _Turn:
    """One group's turn: what its receiver is told now, and the group afterwards."""

    def __init__(
        self,
        router: Router,
        group: Group,
        route: Route | None,  # None where the configuration has it no more
        mine: Sequence[Alert],
        by_id: Mapping[str, Alert],
        mutes: Mapping[str, Mute],
        now: int,
    ) -> None:
        self._router, self._route, self._by_id, self._now = router, route, by_id, now
        untold = [alert for alert in mine if alert.id not in mutes and alert.id not in group.told]
        self._unsolved = [
            alert
            for alert in mine
            if alert.id in group.told and alert.id not in mutes and not alert.acknowledged
        ]
        waiting = {alert.id: group.waiting.get(alert.id, now) for alert in untold}
        told = {id_: one for id_, one in group.told.items() if id_ in by_id}
        since = now if waiting and group.since == NEVER else group.since
        self.group = replace(group, since=since, waiting=waiting, told=told)
        self.notices: list[Notice] = []
        self.wakes: list[int] = []

    def take(self) -> None:
        """Tell what is new or over, else what is to be repeated; and what is to be escalated."""
        self._end_wait()
        if not self._news() and self._route is not None:
            self._repeat(self._route)
        self._escalate()

    def _audible(self, ids: Iterable[str], receiver: str) -> list[str]:
        return [i for i in sorted(ids) if not self._router.is_quiet(receiver, self._by_id[i], self._now)]

    def _is_time(self, time: int) -> bool:
        """Return whether a time has come; else it is remembered."""
        if time > self._now:
            self.wakes.append(time)
        return time <= self._now

    def _pause_ends(self) -> int:
        return self.group.spoken + (self._route.group_interval if self._route and self.group.told else 0)

    def _ready(self) -> int:
        """Return when what is new may be told."""
        return max(self._pause_ends(), self.group.since + (self._route.group_wait if self._route else 0))

    def _end_wait(self) -> None:
        """Forget since when the next notice was waited for, where nothing is left to tell when its time has come."""
        if self.group.since != NEVER and not self.group.waiting and self._is_time(self._ready()):
            self.group = replace(self.group, since=NEVER)

    def _news(self) -> bool:
        group = self.group
        firing = self._audible(group.waiting, group.receiver)
        over = self._audible((i for i in group.told if self._by_id[i].ended_at is not None), group.receiver)
        if not firing and not over:
            return False
        if not self._is_time(self._ready() if firing else self._pause_ends()):
            return False
        now_told = self._router.on_call(group.receiver, self._now)
        for endpoint in self._router.known((*now_told, *(e for i in over for e in group.told[i].endpoints))):
            self._say(
                endpoint,
                firing if endpoint in now_told else (),
                [i for i in over if endpoint in group.told[i].endpoints],
            )
        told = {i: one for i, one in group.told.items() if i not in over}
        told |= {i: Told(self._now, self._now, now_told) for i in firing}
        waiting = {i: since for i, since in group.waiting.items() if i not in firing}
        since = NEVER if firing and not waiting else group.since
        self.group = replace(group, spoken=self._now, since=since, waiting=waiting, told=told)
        return True

    def _repeat(self, route: Route) -> None:
        """Tell again of all that nobody acknowledged, where one of them was not told of for long or a snooze of it ended."""
        group = self.group
        mine = self._audible((alert.id for alert in self._unsolved), group.receiver)
        if not mine:
            return
        due = min(self._repeat_at(i, route) for i in mine)
        if not self._is_time(max(due, self._pause_ends())):
            return
        endpoints = self._router.on_call(group.receiver, self._now)
        for endpoint in endpoints:
            self._say(endpoint, mine, (), repeat=group.repeats + 1)
        told = dict(group.told)
        for i in mine:
            told[i] = replace(told[i], last=self._now, endpoints=_union(told[i].endpoints, endpoints))
        self.group = replace(group, spoken=self._now, repeats=group.repeats + 1, told=told)

    def _repeat_at(self, id_: str, route: Route) -> int:
        last, snoozed_until = self.group.told[id_].last, self._by_id[id_].snoozed_until
        return snoozed_until if last < snoozed_until <= self._now else last + route.repeat_interval

    def _escalate(self) -> None:
        rota = self._router.rota(self.group.receiver)
        for number, step in enumerate(rota.escalations if rota else (), 1):
            for receiver in step.receivers:
                self._escalate_to(number, receiver, step.after)

    def _escalate_to(self, number: int, receiver: str, after: int) -> None:
        name, told = f"{number}:{receiver}", dict(self.group.told)
        candidates = [a.id for a in self._unsolved if a.id in told and name not in told[a.id].escalated]
        due = [i for i in self._audible(candidates, receiver) if self._is_time(told[i].first + after)]
        if not due:
            return
        endpoints = self._router.on_call(receiver, self._now)
        for endpoint in endpoints:
            self._say(endpoint, due, (), escalation=name)
        for i in due:
            told[i] = replace(
                told[i],
                endpoints=_union(told[i].endpoints, endpoints),
                escalated=(*told[i].escalated, name),
            )
        self.group = replace(self.group, told=told)

    def _say(
        self,
        endpoint: str,
        firing: Iterable[str],
        resolved: Iterable[str],
        *,
        repeat: int = 0,
        escalation: str = "",
    ) -> None:
        group, ids = self.group, (sorted(firing), sorted(resolved))
        if not any(ids):
            return
        parts = [endpoint, group.receiver, group.key, *ids, repeat, escalation]
        self.notices.append(
            Notice(
                id=event_id(*parts),
                endpoint=endpoint,
                receiver=group.receiver,
                group=group.key,
                labels=group.labels,
                firing=tuple(ids[0]),
                resolved=tuple(ids[1]),
                repeat=repeat,
                escalation=escalation,
            )
        )


def _union(one: tuple[str, ...], other: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys((*one, *other)))
