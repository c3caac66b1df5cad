"""The options of a subscription whose format is sparkplug."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ingest.formats.options import Only, Options, Units
from plant.vocabulary import NS_PER_S


@dataclass(frozen=True, slots=True)
class SparkplugOptions:
    """`reorder` is how long a message that the sequence lacks is waited for [ns]; `rebirth` whether one is ever asked for."""

    rebirth: bool
    reorder: int
    units: Units
    only: Only
    names: Mapping[str, str]

    def channel(self, name: str) -> str | None:
        """Return the channel of a metric, None where it is not wanted; a space, which a channel has not, is written _."""
        channel = self.names.get(name, name.replace(" ", "_"))
        return channel if self.only(channel) else None


def sparkplug_options(given: Mapping[str, Any]) -> SparkplugOptions:
    """Return the options `rebirth` (true), `reorder` [s] (2), `units`, `only`, `names`.

    Raises
    ------
    OptionError
        One is unknown or wrong.
    """
    options = Options(given)
    made = SparkplugOptions(
        rebirth=options.flag("rebirth", default=True),
        reorder=round(options.number("reorder", 2.0, low=0.0) * NS_PER_S),
        units=options.units(),
        only=options.only(),
        names=options.mapping("names"),
    )
    options.done()
    return made
