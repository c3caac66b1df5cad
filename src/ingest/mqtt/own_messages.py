"""What becomes of messages of our own: a broker that ends the connection for them gets fewer of them.

By MQTT 3.1.1 a broker has no other way to say that it keeps no retained messages, or that we may not publish.
"""

import time

STRIKES = 3  # connections that ended one after the other while nothing of ours was answered
TRY_AGAIN_S = 600.0
RETAINED, UNRETAINED, NONE = range(3)
_NOTICES = {
    UNRETAINED: "the broker ends the connection when we publish retained messages: acks and live totals are sent to whoever listens"
    " now, and gateways that connect later learn only with their next message what we hold",
    NONE: "the broker ends the connection whenever we publish: acks and live totals are not sent, so gateways that wait for acks"
    " send again and again; let our user publish to sm/v1/#",
}


class OwnMessages:
    """Counts answers, and decides what may be sent."""

    def __init__(self) -> None:
        self._level, self._since = RETAINED, 0.0
        self._strikes = 0
        self._is_waiting = False  # something of ours is unanswered

    def sent(self) -> None:
        """Take note of a message that was sent; after the end of a connection it is sent again."""
        self._is_waiting = True

    def answered(self) -> None:
        """Take note of an answer: the broker takes our messages."""
        self._is_waiting, self._strikes = False, 0

    def cut(self) -> None:
        """Take note of the connection's end."""
        self._strikes += self._is_waiting
        if self._strikes >= STRIKES and self._level < NONE:
            self._level, self._since, self._strikes = self._level + 1, time.monotonic(), 0
            self._is_waiting = False  # whoever owns the connection drops what waits

    def may_go(self) -> bool:
        """Whether a message may be sent at all."""
        return self._now() < NONE

    def may_be_retained(self) -> bool:
        """Whether a message may be retained."""
        return self._now() == RETAINED

    def notices(self) -> list[str]:
        """Return what is not sent, in a sentence."""
        return [_NOTICES[self._level]] if self._level in _NOTICES else []

    def _now(self) -> int:
        """Return what is sent; after a while everything is tried again."""
        if self._level and time.monotonic() - self._since > TRY_AGAIN_S:
            self._level = RETAINED
        return self._level
