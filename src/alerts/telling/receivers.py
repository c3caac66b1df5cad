"""Who is told: the webhooks that a receiver stands for at an instant, and its quiet hours."""

from collections.abc import Iterable, Mapping
from zoneinfo import ZoneInfo

from alerts.telling.muting import Alert, covers
from plant.alerting import Quiet, Rota, Routing


class Receivers:
    """Webhooks and rotas by name; `zones` are the clocks of the parks by name."""

    def __init__(self, routing: Routing, webhooks: Iterable[str], zones: Mapping[str, ZoneInfo]) -> None:
        self._webhooks = frozenset(webhooks)
        self._zones = zones
        self._quiet = routing.quiet
        self._rotas = {rota.name: rota for rota in routing.rotas}

    def on_call(self, receiver: str, now: int) -> tuple[str, ...]:
        """Return the webhooks that a receiver stands for at an instant [ns UTC]."""
        rota = self._rotas.get(receiver)
        names = (
            [receiver]
            if rota is None
            else [s.webhook for s in rota.shifts if covers(s.hours, now, rota.zone)]
        )
        return self.known(names)

    def known(self, names: Iterable[str]) -> tuple[str, ...]:
        """Return those webhooks that are configured, each once."""
        return tuple(name for name in dict.fromkeys(names) if name in self._webhooks)

    def rota(self, receiver: str) -> Rota | None:
        """Return the rota of that name."""
        return self._rotas.get(receiver)

    def is_quiet(self, receiver: str, alert: Alert, now: int) -> bool:
        """Return whether a receiver is not to be told of an alert for now."""
        return any(self._holds(quiet, receiver, alert, now) for quiet in self._quiet)

    def _holds(self, quiet: Quiet, receiver: str, alert: Alert, now: int) -> bool:
        if receiver not in quiet.receivers or alert.labels.get("severity") not in quiet.severities:
            return False
        zone = self._zones.get(alert.labels.get("park", ""))
        return zone is not None and covers(quiet.hours, now, zone)
