"""Gateways that no shard has."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Stray:
    """A gateway whose park no shard has, and what it said last of itself."""

    gateway: str  # park/facility/gateway
    online: bool | None  # None where its words cannot be read
    heard_at: int  # ns UTC
