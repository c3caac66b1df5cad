"""Times as the command line shows them: on one clock, and with its offset from UTC, so that none can be taken for another's.

The clock is that of the parks where a command knows them and they share one, else this machine's (`TZ`).
"""

import re
from collections.abc import Iterable
from datetime import UTC, datetime, tzinfo
from zoneinfo import ZoneInfo

from plant.vocabulary import NS_PER_S

_INSTANT = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]+)?Z")


def own_zone() -> tzinfo:
    """Return this machine's own clock."""
    return datetime.now().astimezone().tzinfo or UTC


def shared_zone(names: Iterable[str]) -> tzinfo:
    """Return the clock of parks by the names of their zones, this machine's where they share none."""
    zones = set(names)
    return ZoneInfo(zones.pop()) if len(zones) == 1 else own_zone()


def local(time: str | None, zone: tzinfo) -> str:
    """Return an RFC 3339 time to the minute: `2026-11-25 01:42 +07`; "" where there is none."""
    return _told(time, zone, "%Y-%m-%d %H:%M")


def to_second(time: str | None, zone: tzinfo) -> str:
    """Return it to the second."""
    return _told(time, zone, "%Y-%m-%d %H:%M:%S")


def exact(time: str, zone: tzinfo) -> str:
    """Return it with all that it has of a second, to the microsecond."""
    at = datetime.fromisoformat(time)
    part = f".{at.microsecond:06d}".rstrip("0") if at.microsecond else ""
    return _told(time, zone, f"%Y-%m-%d %H:%M:%S{part}")


def rfc3339(time: int) -> str | None:
    """Return a time [ns UTC], to the second, as these take it; 0 is none."""
    return datetime.fromtimestamp(time // NS_PER_S, UTC).isoformat() if time else None


def localised(text: str, zone: tzinfo) -> str:
    """Return what a service says, with its times on a clock."""

    def told(found: re.Match[str]) -> str:
        return local(found[0], zone) if found[0].endswith(":00Z") else exact(found[0], zone)

    return _INSTANT.sub(told, text)


def has_times(text: str) -> bool:
    """Return whether there is a time in what a service says."""
    return _INSTANT.search(text) is not None


def _told(time: str | None, zone: tzinfo, form: str) -> str:
    if time is None:
        return ""
    at = datetime.fromisoformat(time).astimezone(zone)
    return f"{at:{form}}{offset(at)}"


def offset(at: datetime) -> str:
    """Return ` +07` or ` +05:30` of a time with a zone."""
    text = f"{at:%z}"
    return f" {text[:3]}" if text.endswith("00") else f" {text[:3]}:{text[3:5]}"
