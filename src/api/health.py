"""What the service says of its own state, to whoever decides whether to send it traffic or wake somebody."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Health:
    """Why the service is not ready, if it is not; `degradations` are stated but do not make it unready."""

    reasons: tuple[str, ...] = ()
    degradations: tuple[str, ...] = ()

    @property
    def ready(self) -> bool:
        """True where no reason speaks against it."""
        return not self.reasons
