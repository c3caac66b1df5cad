"""Named points at which a test may end the process as a power cut would: `STACKMETER_CRASH=point:n`."""

import os
import signal
from collections.abc import Callable, Mapping


def crash_points(environment: Mapping[str, str]) -> Callable[[str], None]:
    """Return what is called at every point: it does nothing, or kills the process at the n-th pass of one point."""
    wanted = environment.get("STACKMETER_CRASH")
    if not wanted:
        return lambda _point: None
    name, _, count = wanted.partition(":")
    left = int(count or 1)

    def at(point: str) -> None:
        nonlocal left
        if point == name:
            left -= 1
            if left == 0:
                os.kill(os.getpid(), signal.SIGKILL)

    return at
