"""What a gateway's status says: the native one, which is also its last will."""

from plant.documents.json_text import json_of


def online(payload: bytes) -> bool | None:
    """Return what a native status says, None where it cannot be read."""
    try:
        status = json_of(payload)
    except ValueError:
        return None
    said = status.get("online") if isinstance(status, dict) else None
    return said if isinstance(said, bool) else None
