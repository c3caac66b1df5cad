"""What is published, retained, to whoever listens on the broker: each park's totals of today, and to each gateway what we hold of it."""

import threading
import time
from collections.abc import Callable

import msgspec

from api.access.caller import SERVICE
from api.totals.totals import Query, chosen_period, totals
from ingest.line.line import Line
from store.reader import Reader

EVERY_S = 10.0
ACK_EVERY_S = 1.0


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


class AckBroadcast:
    """Tells each gateway that was heard what we hold, once a second at the most."""

    def __init__(self, publish: Callable[[str, bytes], bool]) -> None:
        self._publish = publish
        self._acked_at: dict[str, float] = {}

    def step(self, line: Line) -> None:
        """Tell whom it is time to tell; for the line's thread."""
        now = time.monotonic()
        for gateway in [g for g in line.heard if now - self._acked_at.get(g, -ACK_EVERY_S) >= ACK_EVERY_S]:
            acks = [
                {"boot": boot, "received_through": through, "missing": missing}
                for boot, through, missing in line.acknowledgements(gateway)
            ]
            body = {"acks": acks, "time": rfc3339(time.time_ns())}
            if self._publish(f"sm/v1/{gateway}/ack", msgspec.json.encode(body)):
                self._acked_at[gateway] = now
                line.heard.discard(gateway)


def rfc3339(ns: int) -> str:
    """Return a time [ns UTC] as RFC 3339 writes it, to the millisecond."""
    seconds, rest = divmod(ns, 1_000_000_000)
    return f"{time.strftime('%Y-%m-%dT%H:%M:%S', time.gmtime(seconds))}.{rest // 1_000_000:03d}Z"
