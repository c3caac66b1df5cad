"""Puts together what main meters are compared with: the meters behind them."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from plant.alert_rules.alerts import Site
from plant.commitments import MeterBalance
from plant.configuration.channel_model import BalancePart
from plant.configuration.virtuals import is_level, window_unit
from plant.documents.documents import Placed
from plant.documents.findings import Findings
from plant.park import Channel
from plant.units import DimensionError, conversion


@dataclass(frozen=True, slots=True)
class BalanceMaker:
    """Makes the balances of facilities and, with facility "", of parks; channels are by site and name."""

    channels: Mapping[Site, Mapping[str, Channel]]
    findings: Findings

    def balance(self, site: Site, part: Placed[BalancePart]) -> MeterBalance | None:
        """Return a balance, None where one of its channels leads nowhere; mistakes go to the findings."""
        written = part.value
        known = dict(self._known(site))
        main = self._amount(part, known, written.main, "main")
        parts = [self._amount(part, known, name, "parts", place) for place, name in enumerate(written.parts)]
        for place, name in enumerate(written.parts):
            if name == written.main or name in written.parts[:place]:
                twice = "the main meter itself" if name == written.main else "given twice"
                self.findings.refuse(part, f"{name} is {twice}", "parts", place)
        if main is None:
            return None
        unit = window_unit(main)
        scales = [self._scale(part, main, one, place) for place, one in enumerate(parts) if one]
        return MeterBalance(
            park=site[0],
            facility=site[1],
            name=written.name,
            title=written.title or written.name,
            main=main.index,
            parts=tuple(one.index for one in parts if one),
            scales=tuple(scales),
            unit=unit.symbol,
            tolerance=written.tolerance,
        )

    def _known(self, site: Site) -> Iterator[tuple[str, Channel]]:
        """Yield the channels that a balance may name, by the names it gives them."""
        park, facility = site
        if facility:
            yield from self.channels[site].items()
            return
        for (of, name), channels in self.channels.items():
            if of == park:
                yield from ((f"{name}/{channel}", one) for channel, one in channels.items())

    def _amount(
        self, part: Placed[BalancePart], known: Mapping[str, Channel], name: str, *key: str | int
    ) -> Channel | None:
        channel = known.get(name)
        if channel is None:
            self.findings.unknown(part, "channel", name, known, *key)
        elif is_level(channel):
            self.findings.refuse(part, f"channel {name} is a level; a balance is of amounts", *key)
            return None
        return channel

    def _scale(self, part: Placed[BalancePart], main: Channel, one: Channel, place: int) -> float:
        try:
            return conversion(window_unit(one), window_unit(main))[0]
        except DimensionError as error:
            message = f"channel {one.name} does not fit {main.name}: {error}"
            self.findings.refuse(part, message, "parts", place)
            return 1.0
