"""A watchdog: sees whether threads move, and ends a process in which one stands still for good: whoever started it starts it again."""

import threading
import time
from collections.abc import Callable, Mapping

LOOK_S = 1.0
STILL_S = 30.0  # a thread that shows no beat for so long keeps us from our work
STALL_S = 600.0  # and for so long is stuck


class Watchdog:
    """Looks once a second, and does what is due then.

    Parameters
    ----------
    beats
        By name of a thread, how often it has come round.
    stuck
        Told which thread is stuck; it ends the process.
    chores
        Called before each look.
    """

    def __init__(
        self,
        beats: Mapping[str, Callable[[], int]],
        stuck: Callable[[str], None],
        chores: Callable[[], None],
    ) -> None:
        self._beats, self._stuck, self._chores = beats, stuck, chores
        self._stood: dict[str, float] = {}  # for how long each thread has shown no beat [s]

    def watch(self, stop: threading.Event) -> None:
        """Look until all are to end."""
        last, moved = dict.fromkeys(self._beats, -1), dict.fromkeys(self._beats, time.monotonic())
        while not stop.wait(LOOK_S):
            self._chores()
            now = time.monotonic()
            for name, beats in self._beats.items():
                if (count := beats()) != last[name]:
                    last[name], moved[name] = count, now
                self._stood[name] = now - moved[name]
                if self._stood[name] > STALL_S:
                    self._stuck(f"{name} stood still for {STALL_S:g} s")

    def standing(self) -> list[str]:
        """Return what to say of threads that keep the service from its work."""
        return [
            f"{name} has stood still for {stood:.0f} s"
            for name, stood in self._stood.items()
            if stood > STILL_S
        ]
