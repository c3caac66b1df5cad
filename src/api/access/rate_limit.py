"""How often each of many may do something, in bounded memory."""

from collections import OrderedDict


class RateLimiter:
    """Limits how often: each may do something `burst` times at once, then once every `every` [ns]; whoever was not seen longest is forgotten."""

    def __init__(self, burst: int, every: int, most: int) -> None:
        self._whole, self._every, self._most = burst * every, every, most
        self._full: OrderedDict[str, int] = OrderedDict()  # when each has all of it again [ns]

    def is_spent(self, who: str, now: int) -> bool:
        """Return whether nothing is left at a time [ns]."""
        return self._debt(who, now) + self._every > self._whole

    def allows(self, who: str, now: int) -> bool:
        """Return whether one more is allowed at a time [ns], and count it if so."""
        if self.is_spent(who, now):
            return False
        self._full[who] = now + self._debt(who, now) + self._every
        self._full.move_to_end(who)
        if len(self._full) > self._most:
            self._full.popitem(last=False)
        return True

    def __len__(self) -> int:
        return len(self._full)

    def _debt(self, who: str, now: int) -> int:
        debt = max(self._full.get(who, now) - now, 0)
        # More than all was never taken: the clock was set back, which must lock nobody out.
        return debt if debt <= self._whole else 0
