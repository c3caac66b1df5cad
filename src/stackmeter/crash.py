"""Named points at which a test may end the process as a power cut would: `STACKMETER_CRASH=point:n`."""

import os
import signal
from collections.abc import Callable, Mapping, Sequence


def crash_points(environment: Mapping[str, str], before: Sequence[int] = ()) -> Callable[[str], None]:
    """Return what is called at every point: it does nothing, or kills the process at the n-th pass of one point, others `before` it."""
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
                for process in (*before, os.getpid()):
                    os.kill(process, signal.SIGKILL)

    return at
