"""Asks all members once a minute, and keeps what each said last, with its age."""

import logging
import os
import threading
import time
from collections import ChainMap
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

import httpx

from api.city.members import MemberStanding
from plant.park import Plant
from stackmeter.heard import Unheard
from stackmeter.members.asking import Asking
from stackmeter.members.members_file import MemberPark, load_members

EVERY_S = 60.0
OWN_KEY = ""  # the variable that nobody has, for the token of our own service

log = logging.getLogger(__name__)


class MemberWatcher:
    """Asks each member from a thread of its own, so that one that hangs delays no other; `standings` may be asked from any.

    Parameters
    ----------
    members
        Whom it asks.
    keys
        Where the variables are that hold their keys.
    clock
        The time [ns UTC].
    """

    def __init__(
        self, members: Sequence[MemberPark], keys: Mapping[str, str], clock: Callable[[], int] = time.time_ns
    ) -> None:
        self._members, self._keys, self._clock = members, keys, clock
        self._known = {one.name: _before(one) for one in members}

    def workers(self, stop: threading.Event) -> Iterator[tuple[str, Callable[[], None]]]:
        """Yield the name and the work of the thread of each member; each asks until `stop`."""
        for member in self._members:
            yield f"member {member.name}", partial(self._watch, member, stop)

    def ask(self, client: httpx.Client, member: MemberPark) -> None:
        """Ask one member once."""
        self._note(self._asked(client, member))

    def _watch(self, member: MemberPark, stop: threading.Event) -> None:
        with httpx.Client(trust_env=False, follow_redirects=False) as client:
            while not stop.is_set():
                self.ask(client, member)
                stop.wait(EVERY_S)

    def standings(self) -> list[MemberStanding]:
        """Return what is known of each, in the order of their names."""
        return [self._known[name] for name in sorted(self._known)]

    def _asked(self, client: httpx.Client, member: MemberPark) -> MemberStanding:
        before = self._known[member.name]
        try:
            facts = Asking(client, member, self._keys.get(member.key_env)).facts()
        except Unheard as error:
            return replace(before, trouble=str(error))
        return replace(before, facts=facts, heard_at=self._clock(), trouble="")

    def _note(self, standing: MemberStanding) -> None:
        before, self._known[standing.name] = self._known[standing.name], standing
        if standing.trouble and not before.trouble:
            log.warning("member %s is not heard: %s", standing.name, standing.trouble)
        elif before.trouble and not standing.trouble:
            log.info("member %s is heard again", standing.name)


def _before(one: MemberPark) -> MemberStanding:
    return MemberStanding(one.name, one.title, one.own, one.coordinates)


class City:
    """The members that a configuration names, and the parks of its own service, which is asked as the others are.

    Who names no member asks nobody.
    """

    def __init__(self, directory: Path, plant: Plant, token: str) -> None:
        self._members, self._plant = load_members(directory, plant), plant
        self._keys = ChainMap({OWN_KEY: token}, dict(os.environ))
        self._watcher = MemberWatcher((), self._keys)

    def standings(self) -> list[MemberStanding]:
        """Return what is known of each park of the city, in the order of their names."""
        return self._watcher.standings()

    def workers(self, url: str, stop: threading.Event) -> Iterator[tuple[str, Callable[[], None]]]:
        """Yield the name and the work of each thread that asks, if there is anybody to ask; `url` is of our own service."""
        if not self._members:
            return
        own = [
            MemberPark(park.name, park.title, url, park.name, OWN_KEY, park.coordinates, own=True)
            for park in self._plant.parks
        ]
        self._watcher = MemberWatcher((*own, *self._members), self._keys)
        yield from self._watcher.workers(stop)
