"""When a webhook that was not taken is tried again."""

from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from plant.vocabulary import NS_PER_S

# s before the attempt with that number; the last one repeats until the event is given up. A fast head for who is on
# call, then the steps that Standard Webhooks recommends.
DELAYS = (0, 5, 15, 60, 5 * 60, 30 * 60, 2 * 3600, 5 * 3600, 10 * 3600, 14 * 3600, 20 * 3600, 24 * 3600)
JITTER = 0.1  # of the delay, to both sides, so that many senders do not come back at one instant
LONGEST = round(DELAYS[-1] * (1 + JITTER)) * NS_PER_S
PATIENCE = 3 * 86_400 * NS_PER_S  # the least that is waited for an endpoint before its event is given up

_SHORTEST_ASKED, _LONGEST_ASKED = 1, 10 * 60  # s, of a Retry-After


def delay(failed: int, chance: float) -> int:
    """Return how long to wait before the next attempt [ns].

    Parameters
    ----------
    failed
        How many attempts have failed.
    chance
        A random number in [0, 1).
    """
    seconds = DELAYS[min(failed, len(DELAYS) - 1)]
    return round(seconds * (1 + JITTER * (2 * chance - 1)) * NS_PER_S)


def is_over(failed: int, since: int, now: int) -> bool:
    """Tell whether an event is given up: every step has failed, `failed` attempts since `since` [ns UTC], in 3 days or more.

    Both, because an endpoint that throttles makes the steps short, and a clock that leaps makes the days short.
    """
    return failed >= len(DELAYS) and now - since >= PATIENCE


def retry_after(header: str | None, now: int) -> int | None:
    """Return the wait that a Retry-After header asks for, in seconds or until a date, within 1 s to 10 min [ns].

    None where there is no header, or none that can be understood. `now` is in ns UTC.
    """
    seconds = _asked_seconds(header.strip(), now) if header else None
    return None if seconds is None else round(min(max(seconds, _SHORTEST_ASKED), _LONGEST_ASKED) * NS_PER_S)


def _asked_seconds(header: str, now: int) -> float | None:
    digits = header.removeprefix("-")
    if digits.isascii() and digits.isdigit():
        return float(header)
    try:
        date = parsedate_to_datetime(header)
    except (ValueError, OverflowError):
        return None
    aware = date if date.tzinfo else date.replace(tzinfo=UTC)
    return (aware - datetime.fromtimestamp(now / NS_PER_S, UTC)).total_seconds()
