"""What receivers were told of groups of alerts, and what they are told next."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from hashlib import sha256

from plant.vocabulary import NEVER

IMPLIED = ""  # the name of the route of a plant that has none; that of a written one begins with /


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

    def known_at(self, now: int) -> "Group":
        """Return it with no time later than now [ns UTC]: such a one is of a clock that ran ahead, and would keep it silent."""
        told = {
            id_: replace(one, first=min(one.first, now), last=min(one.last, now))
            for id_, one in self.told.items()
        }
        waiting = {id_: min(since, now) for id_, since in self.waiting.items()}
        return replace(
            self, spoken=min(self.spoken, now), since=min(self.since, now), waiting=waiting, told=told
        )

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


def event_id(*parts: object) -> str:
    """Return a webhook-id: the same for the same parts over retries, restarts and replays, and without a dot."""
    return f"event_{sha256(json.dumps(parts).encode()).hexdigest()[:32]}"
