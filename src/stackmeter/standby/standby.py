"""A service that waits for its turn: it follows the owner of the shard, and owns it when the lease stands still or is given back."""

import logging
import math
import os
import threading
import time
from collections.abc import Callable, Mapping
from typing import Any

from fastapi import FastAPI, Request

from api.health import Health
from api.operations import readiness
from api.problems import problem
from api.serve import Server
from plant.clock import format_time
from plant.documents.problems import ConfigurationError, Problem
from stackmeter.crash import crash_points
from stackmeter.settings import Settings
from stackmeter.standby.follower import Follower
from stackmeter.standby.journal_of_shard import check_servers, connected, patiently
from stackmeter.standby.worker_body import StandbyBody
from store.folder import Folder
from store.messages.journal import JournalWaits
from store.replicated.lease import LEASE_S, Candidate, HeldLease

LOOK_S = 0.25  # between two looks at a log that had nothing more
SHORTEST_LEASE_S = 0.5
_LEASE = "STACKMETER_LEASE_S"
LOOKS = 10  # at the lease, in the time that it must have stood still

log = logging.getLogger(__name__)


def lease_of(settings: Settings, stop: threading.Event) -> HeldLease | None:
    """Return the lease of the shard once it is ours, renewed from then on; None where we were told to stop before.

    Until then the state directory follows the owner, and /readyz says so. Raises as the service does when it opens its journal.
    """
    lease_s = lease_seconds(os.environ)
    check_servers(settings)
    leases = connected(settings)
    folder = Folder(settings.state)
    try:
        candidate = Candidate(leases, folder.name().encode(), lease_s)
        held = patiently(candidate.look) or _followed(settings, folder, candidate, stop)
    finally:
        folder.close()
    if held is None:
        leases.close()
    else:
        threading.Thread(target=held.keep, name="lease", daemon=True).start()
    return held


def lease_seconds(environment: Mapping[str, str]) -> float:
    """Return for how long a lease must have stood still [s]; raise ConfigurationError where the variable of the tests is no such time."""
    text = environment.get(_LEASE, str(LEASE_S))
    try:
        seconds = float(text)
    except ValueError:
        seconds = math.nan
    if not SHORTEST_LEASE_S <= seconds < math.inf:  # with NaN, a lease would be taken from a living owner
        message = f"{text[:40]!r} is no number of seconds from {SHORTEST_LEASE_S:g} on: take it out of the environment"
        raise ConfigurationError([Problem("environment", 0, _LEASE, message)])
    return seconds


def _followed(
    settings: Settings, folder: Folder, candidate: Candidate, stop: threading.Event
) -> HeldLease | None:
    """Follow the owner until its lease is ours, or we are told to stop."""
    with Follower(settings, folder, crash_points(os.environ)) as follower:
        waits = Waits(settings, follower, candidate)
        server = Server(_app(waits.health, waits.standing), settings.host, settings.port)
        server.start()
        folder.announce(server.url)
        log.info("standby of shard %s", settings.shard)
        try:
            return waits.run(stop)
        finally:
            server.stop()
            folder.withdraw()


class Waits:
    """Follows and looks at the lease, in turn."""

    def __init__(self, settings: Settings, follower: Follower, candidate: Candidate) -> None:
        self._shard, self._follower, self._candidate = settings.shard, follower, candidate
        self._away, self._is_current = "", False

    def run(self, stop: threading.Event) -> HeldLease | None:
        look_at = 0.0
        while not stop.is_set():
            try:
                self._is_current = is_current = not self._follower.step()
                if is_current and not self._follower.trouble and time.monotonic() >= look_at:
                    look_at = time.monotonic() + self._candidate.lease_s / LOOKS
                    if (held := self._candidate.look()) is not None:
                        return held
                self._away = ""
            except JournalWaits as error:
                self._away, self._is_current, is_current = str(error), False, True
            if is_current:
                stop.wait(LOOK_S)
        return None

    def health(self) -> Health:
        """Return that this is a standby, and what keeps it from being one that may take over."""
        here = f"standby of shard {self._shard}, which {self._holder or 'nobody'} owns"
        return Health(tuple(filter(None, [here, self._follower.trouble, self._away])))

    def standing(self) -> StandbyBody:
        """Return how far this standby is."""
        at = self._follower.position
        return StandbyBody(
            shard=self._shard,
            owner=self._holder or None,
            current=self._is_current,
            messages=at.messages,
            step=at.step,
            step_at=None if at.at is None else format_time(at.at),
            agreed_step=at.agreed,
        )

    @property
    def _holder(self) -> str:
        seen = self._candidate.seen
        return seen.holder.decode(errors="replace") if seen else ""


def _app(health: Callable[[], Health], standing: Callable[[], StandbyBody]) -> FastAPI:
    """Return what a standby answers: whether it lives, that it is no owner, and how far it is; nobody needs a key for that.

    Whatever else it is asked is another worker's to answer, which a proxy before both then asks.
    """
    app = FastAPI(openapi_url=None)

    @app.get("/livez")
    def alive() -> dict[str, bool]:
        return {"alive": True}

    @app.get("/readyz")
    def ready(request: Request) -> Any:
        return readiness(request.url.path, health(), standby=standing().model_dump())

    @app.api_route("/{path:path}", methods=["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"])
    def elsewhere(request: Request) -> Any:
        return problem(request.url.path, 503, "; ".join(health().reasons), headers={"Retry-After": "2"})

    return app
