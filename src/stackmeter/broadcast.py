"""Publishes each park's totals of today, retained, to whoever listens on the broker."""

import threading
import time
from collections.abc import Callable

from api.access.caller import SERVICE
from api.totals.totals import Query, chosen_period, totals
from store.reader import Reader

EVERY_S = 10.0


class TotalsBroadcast:
    """Every few seconds, the body of `GET /v1/totals?level=facility&park=…` on `sm/v1/{park}/totals`."""

    def __init__(self, reader: Reader, publish: Callable[[str, bytes], bool]) -> None:
        self._reader, self._publish = reader, publish

    def run(self, stop: threading.Event) -> None:
        """Publish until told to stop; a broker that is away gets the next one."""
        while not stop.wait(EVERY_S):
            self.step(time.time_ns())

    def step(self, now: int) -> None:
        """Publish once for every park."""
        with self._reader.snapshot() as state:
            today = chosen_period(state.plant, "today", None, None, now)
            for park in state.plant.parks:
                if any(source.park == park.name for source in state.plant.sources):
                    body = totals(state, Query(level="facility", park=park.name, caller=SERVICE), today, now)
                    self._publish(
                        f"sm/v1/{park.name}/totals",
                        body.model_dump_json(by_alias=True, exclude_unset=True).encode(),
                    )
