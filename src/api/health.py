"""What the service says of its own state, to whoever decides whether to send it traffic or wake somebody."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Health:
    """Why the service is not ready, if it is not; `degradations` are stated but do not make it unready.

    `broker` is host:port of the one that is connected, "" where none is.
    """

    reasons: tuple[str, ...] = ()
    degradations: tuple[str, ...] = ()
    broker: str = ""

    @property
    def ready(self) -> bool:
        """True where no reason speaks against it."""
        return not self.reasons
