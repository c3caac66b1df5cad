"""Decides which alerts are told to whom, and when. It tells nobody itself, and keeps nothing: state goes in and comes out.

A receiver hears of a group of alerts: of the first after `group_wait`, of what is new after `group_interval`, and again
of what nobody acknowledged after `repeat_interval`. Whoever was told that an alert fires is told that it is over.
A plant without routes has one that is implied (`implied`). What it tells of are single alerts, also one that is over
again already: who has no routes hears of each alert whatever messages its readings come in.
"""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from zoneinfo import ZoneInfo

from alerts.telling.groups import IMPLIED, Group, Notice
from alerts.telling.muting import Alert, Mute, Muting, Silence, lingers_until, test_of
from alerts.telling.receivers import Receivers
from alerts.telling.turns import Turn
from plant.alerting import Route, Routing
from plant.vocabulary import FOREVER, NS_PER_MIN


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


def implied(webhooks: Iterable[str]) -> Route:
    """Return the route of a plant that has none: each alert alone, at once, to every webhook, and not again."""
    return Route(
        name=IMPLIED,
        match=(),
        receivers=tuple(webhooks),
        group_by=(),
        each_alone=True,
        group_wait=0,
        group_interval=0,
        repeat_interval=FOREVER,
        goes_on=False,
    )


class Router:
    """A routing, compiled once."""

    def __init__(self, routing: Routing, webhooks: Iterable[str], zones: Mapping[str, ZoneInfo]) -> None:
        """Compile; `zones` are the clocks of the parks by name."""
        names = tuple(webhooks)
        routes = routing.routes or (implied(names),)
        self._tree = [_Branch(route) for route in routes]
        self._route_of = {(r, route.name): route for route in _all(routes) for r in route.receivers}
        self._receivers = Receivers(routing, names, zones)
        self._muting = Muting(routing.inhibitions, routing.maintenance, zones)
        self._is_weekly = bool(routing.quiet) or any(window.hours for window in routing.maintenance)

    def decide(
        self,
        alerts: Sequence[Alert],
        groups: Iterable[Group],
        silences: Sequence[Silence],
        now: int,
        over: Sequence[Alert] = (),
    ) -> Telling:
        """Decide what is due at an instant [ns UTC].

        Parameters
        ----------
        alerts
            All open alerts; those that are over and named in a group's `told`; and those that began and ended since the
            last time, of which the implied route alone tells.
        groups
            What the receivers were told before.
        silences
            Those that last.
        over
            Alerts that have ended, and by which open ones were inhibited the last time.
        """
        by_id = {alert.id: alert for alert in alerts}
        still = [alert for alert in alerts if alert.ended_at is None]
        stored = {(group.receiver, group.key): group.known_at(now) for group in groups}
        known = {id_ for group in stored.values() for id_ in group.told}
        passed = [alert for alert in alerts if alert.ended_at is not None and alert.id not in known]
        mutes = self._muting.mutes([*still, *passed], silences, now, over)
        routed = self.routed(one for one in (*still, *passed) if one.id not in mutes or one.id in known)
        before = _moved(stored, routed)
        wakes = [FOREVER, *self._muting.boundaries(silences, now)]
        wakes += [alert.snoozed_until for alert in still if alert.snoozed_until > now]
        wakes += [end for end in map(lingers_until, over) if end > now]
        if self._is_weekly and (still or before):
            wakes.append((now // NS_PER_MIN + 1) * NS_PER_MIN)
        notices: list[Notice] = []
        after: dict[tuple[str, str], Group | None] = {}
        for place in sorted(
            before.keys() | routed.keys(), key=lambda one: (self._has_route(before.get(one)), one)
        ):
            fresh, mine = routed.get(place, (None, []))
            was = before.get(place, fresh)
            if was is None:
                raise RuntimeError("a group comes from the state or from an alert")
            route = self._route_of.get((was.receiver, was.route))
            turn = Turn(self._receivers, was, route, mine, by_id, mutes, now)
            turn.take()
            notices += turn.notices
            wakes += turn.wakes
            if turn.group != stored.get(place, fresh):
                after[place] = turn.group if turn.group.lasts else None
                wakes.append(now)  # what was told now has times of its own
        return Telling(tuple(notices), after, mutes, _covered(mutes), min(wakes))

    def _has_route(self, group: Group | None) -> bool:
        """Return whether a group goes on; where its route is configured no more it tells of ends alone, and before the others."""
        return group is None or (group.receiver, group.route) in self._route_of

    def routed(self, alerts: Iterable[Alert]) -> dict[tuple[str, str], tuple[Group, list[Alert]]]:
        """Return the groups that alerts are in, each with its alerts; one that is over is in that of the implied route alone."""
        found: dict[tuple[str, str], tuple[Group, list[Alert]]] = {}
        for alert in alerts:
            for route in _routes_of(self._tree, alert):
                if alert.ended_at is not None and route.name != IMPLIED:
                    continue
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
            # With its repeats, so that no reminder has the id of one from before.
            moved[place] = replace(
                here, told=told, spoken=max(here.spoken, old.spoken), repeats=max(here.repeats, old.repeats)
            )
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
