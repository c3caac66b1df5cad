"""The options that formats have in common, read from a subscription."""

import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any
from zoneinfo import ZoneInfo, available_timezones

from ingest.formats.decoder import OptionError
from ingest.formats.stamps import ADDED, ARRIVAL, RFC3339, WAYS, Stamps, stamps
from plant import units
from plant.clock import parse_duration, wrong_pattern
from plant.devices.profiles import SHIFT
from plant.names import Names

Only = Callable[[str], bool]


OWN = "channel"  # the value of `units` by which every value is in its channel's own unit


class Options:
    """The options of a subscription; what nobody has asked for at the end is unknown."""

    def __init__(self, given: Mapping[str, Any]) -> None:
        self._left = dict(given)

    def choice(self, key: str, choices: tuple[str, ...], default: str) -> str:
        """Return one of several words."""
        value = self._left.pop(key, default)
        if value not in choices:
            raise OptionError(key, f"is one of {', '.join(choices)}, not {value!r}")
        return str(value)

    def text(self, key: str, default: str) -> str:
        """Return a text that is not empty."""
        value = self._left.pop(key, default)
        if not isinstance(value, str) or not value:
            raise OptionError(key, f"is a text, not {value!r}")
        return value

    def texts(self, key: str, default: tuple[str, ...] = ()) -> tuple[str, ...]:
        """Return a list of texts."""
        value = self._left.pop(key, list(default))
        if not isinstance(value, list) or not all(isinstance(one, str) and one for one in value):
            raise OptionError(key, "is a list of texts")
        return tuple(value)

    def mapping(self, key: str) -> dict[str, str]:
        """Return a mapping of texts to texts."""
        value = self._left.pop(key, {})
        if not isinstance(value, dict) or not all(isinstance(one, str) for one in (*value, *value.values())):
            raise OptionError(key, "maps names to texts")
        return value

    def number(self, key: str, default: float, *, low: float) -> float:
        """Return a finite number that is `low` or more."""
        value = self._left.pop(key, default)
        if isinstance(value, bool) or not isinstance(value, int | float) or not low <= value < math.inf:
            raise OptionError(key, f"is a number, {low:g} or more, not {value!r}")
        return float(value)

    def whole(self, key: str, *, most: int) -> int:
        """Return a whole number from 0, the default, to `most`."""
        value = self._left.pop(key, 0)
        if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= most:
            raise OptionError(key, f"is a whole number from 0 to {most}, not {value!r}")
        return value

    def flag(self, key: str, *, default: bool = False) -> bool:
        """Return true or false."""
        value = self._left.pop(key, default)
        if not isinstance(value, bool):
            raise OptionError(key, f"is true or false, not {value!r}")
        return value

    def only(self) -> Only:
        """Return whether a channel is wanted: all are, unless `only` has patterns such as meter1/*."""
        patterns = self.texts("only")
        if not patterns:
            return lambda _name: True
        return lambda name: any(fnmatchcase(name, pattern) for pattern in patterns)

    def times(self, default: str = RFC3339) -> Stamps:
        """Return how times are written: `time`, one way or several, `zone` for patterns that have none, and `time_shift`."""
        given, zone = self._left.pop("time", default), self._left.pop("zone", None)
        ways = given if isinstance(given, list) else [given]
        if not ways or not all(_is_way(way) for way in ways):
            raise OptionError(
                "time", f"is one of {', '.join(WAYS)}, s+ns, or a pattern such as %Y%m%d%H%M%S, not {given!r}"
            )
        if len(ways) > 1 and ARRIVAL in ways:
            raise OptionError("time", "arrival stands alone: the time of a message fits always")
        patterns = [way for way in ways if "%" in way]
        for wrong in filter(None, map(wrong_pattern, patterns)):
            raise OptionError("time", f"is no pattern of strptime: {wrong}")
        if zone is not None and zone not in available_timezones():
            raise OptionError("zone", f"there is no time zone {zone!r}")
        open_ones = [way for way in patterns if "%z" not in way]
        if zone is None and open_ones:
            raise OptionError("zone", f"is needed for a pattern without %z, {open_ones[0]}")
        if zone is not None and not open_ones:
            raise OptionError("zone", "is for a pattern without %z")
        placed = ZoneInfo(zone) if zone else None
        return stamps([(way, placed if way in open_ones else None) for way in ways], self._shift())

    def _shift(self) -> int:
        given = self._left.pop("time_shift", None)
        if given is None:
            return 0
        if not isinstance(given, str) or not re.fullmatch(SHIFT, given):
            raise OptionError(
                "time_shift", f"is a period with its sign, such as +15min or -60s, not {given!r}"
            )
        try:
            return parse_duration(given[1:]) * (-1 if given[0] == "-" else 1)
        except ValueError as error:
            raise OptionError("time_shift", str(error)) from error

    def names(self) -> Names | None:
        """Return other names for channels, names in full or patterns; None where there are none."""
        known = self.mapping("names")
        for name, wrong in Names.wrong(known):
            raise OptionError("names", f"{name}: {wrong}")
        return Names.of_texts(known) if known else None

    def units(self) -> "Units":
        """Return where the units of values come from that the payload gives none for."""
        value = self._left.pop("units", {})
        if value == OWN:
            return Units(own=True, known={})
        if not isinstance(value, dict) or not all(isinstance(one, str) for one in value.values()):
            raise OptionError("units", f"maps names to units, or is the word {OWN}")
        for name, symbol in value.items():
            try:
                units.unit(symbol)
            except units.UnknownUnit as error:
                raise OptionError("units", f"{name}: {error}") from error
        return Units(own=False, known=value)

    def done(self) -> None:
        """Refuse what is left."""
        for key in self._left:
            raise OptionError(key, "this format has no such option; docs/formats.md has all")


def _is_way(way: Any) -> bool:
    return isinstance(way, str) and (way in WAYS or bool(ADDED.fullmatch(way)) or "%" in way)


@dataclass(frozen=True, slots=True)
class Units:
    """Where a value's unit comes from: the payload first, then `known` by the channel's name, then its own where agreed.

    Names in `known` may be patterns, such as */power; of several that fit, the first counts, and a name in full first of all.
    """

    own: bool
    known: Mapping[str, str]

    def of(self, channel: Any, given: Any = None) -> tuple[Any, bool]:
        """Return the unit, and whether it is the channel's own."""
        if given is not None:
            return given, False
        unit = (self.known.get(channel) or self._by_pattern(channel)) if isinstance(channel, str) else None
        return unit, unit is None and self.own

    def _by_pattern(self, channel: str) -> str | None:
        return next((unit for name, unit in self.known.items() if fnmatchcase(channel, name)), None)
