"""A group's turn: what its receiver is told now, and what is remembered of it afterwards."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace

from alerts.telling.groups import IMPLIED, Group, Notice, Told, event_id
from alerts.telling.muting import CRITICAL, Alert, Mute
from alerts.telling.receivers import Receivers
from plant.alerting import Route
from plant.vocabulary import NEVER


class Turn:
    """What one group's receiver is told now (`notices`), the group afterwards, and when to look again (`wakes`) [ns UTC]."""

    def __init__(
        self,
        receivers: Receivers,
        group: Group,
        route: Route | None,  # None where the configuration has it no more
        mine: Sequence[Alert],
        by_id: Mapping[str, Alert],
        mutes: Mapping[str, Mute],
        now: int,
    ) -> None:
        self._receivers, self._route, self._by_id, self._now = receivers, route, by_id, now
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
        return [i for i in sorted(ids) if not self._receivers.is_quiet(receiver, self._by_id[i], self._now)]

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
        mine = (*group.told, *firing)
        over = self._audible((i for i in mine if self._by_id[i].ended_at is not None), group.receiver)
        if not firing and not over:
            return False
        is_time = self._is_time(self._ready() if firing else self._pause_ends())
        if not is_time:
            firing = self._urgent(firing)
        if not is_time and not firing:
            return False
        now_told = self._receivers.on_call(group.receiver, self._now)
        told = {**group.told, **{i: Told(self._now, self._now, now_told) for i in firing}}
        for endpoint in self._receivers.known((*now_told, *(e for i in over for e in told[i].endpoints))):
            self._say(
                endpoint,
                firing if endpoint in now_told else (),
                [i for i in over if endpoint in told[i].endpoints],
            )
        told = {i: one for i, one in told.items() if i not in over}
        waiting = {i: since for i, since in group.waiting.items() if i not in firing}
        since = NEVER if firing and not waiting else group.since
        spoken = self._now if is_time else group.spoken
        self.group = replace(group, spoken=spoken, since=since, waiting=waiting, told=told)
        return True

    def _urgent(self, firing: Iterable[str]) -> list[str]:
        """Return the critical ones whose own wait is over: no notice before them and no other alert holds them up."""
        wait = self._route.group_wait if self._route else 0
        return [
            i
            for i in firing
            if self._by_id[i].labels.get("severity") == CRITICAL
            and self._is_time(self.group.waiting[i] + wait)
        ]

    def _repeat(self, route: Route) -> None:
        """Tell again of all that nobody acknowledged, where one of them was not told of for long or a snooze of it ended."""
        group = self.group
        mine = self._audible((alert.id for alert in self._unsolved), group.receiver)
        if not mine:
            return
        due = min(self._repeat_at(i, route) for i in mine)
        if not self._is_time(max(due, self._pause_ends())):
            return
        endpoints = self._receivers.on_call(group.receiver, self._now)
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
        rota = self._receivers.rota(self.group.receiver)
        for number, step in enumerate(rota.escalations if rota else (), 1):
            for receiver in step.receivers:
                self._escalate_to(number, receiver, step.after)

    def _escalate_to(self, number: int, receiver: str, after: int) -> None:
        name, told = f"{number}:{receiver}", dict(self.group.told)
        candidates = [a.id for a in self._unsolved if a.id in told and name not in told[a.id].escalated]
        due = [i for i in self._audible(candidates, receiver) if self._is_time(told[i].first + after)]
        if not due:
            return
        endpoints = self._receivers.on_call(receiver, self._now)
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
        if self.group.route == IMPLIED:
            self._say_each(endpoint, set(firing), set(resolved), repeat)
            return
        group, ids = self.group, (sorted(firing), sorted(resolved))
        if any(ids):
            parts = [endpoint, group.receiver, group.key, *ids, repeat, escalation]
            self._note(event_id(*parts), endpoint, group.key, *ids, repeat=repeat, escalation=escalation)

    def _say_each(
        self, endpoint: str, firing: Collection[str], resolved: Collection[str], repeat: int
    ) -> None:
        """Tell of each alert alone, in the order in which they began, under an id that is the same for every webhook."""
        again = [repeat] if repeat else []
        alerts = [self._by_id[number] for number in {*firing, *resolved}]
        for one in sorted(alerts, key=lambda alert: (alert.started_at, alert.id)):
            if one.id in firing:
                self._note(
                    event_id(one.id, "alert.firing", *again), endpoint, "", [one.id], [], repeat=repeat
                )
            if one.id in resolved:
                self._note(event_id(one.id, "alert.resolved"), endpoint, "", [], [one.id])

    def _note(
        self,
        number: str,
        endpoint: str,
        group: str,
        firing: Iterable[str],
        resolved: Iterable[str],
        *,
        repeat: int = 0,
        escalation: str = "",
    ) -> None:
        self.notices.append(
            Notice(
                id=number,
                endpoint=endpoint,
                receiver=self.group.receiver,
                group=group,
                labels=self.group.labels,
                firing=tuple(firing),
                resolved=tuple(resolved),
                repeat=repeat,
                escalation=escalation,
            )
        )


def _union(one: tuple[str, ...], other: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys((*one, *other)))
