"""Ids of the live stream's events: a place among all that happened, sealed for callers of one sight.

What happens is counted for everybody together. Whoever sees only some places could read from such a number how much happens
elsewhere, and would be told by another one's number how it compares; sealed, no id says anything to whom it was not given.
"""

import base64
import binascii
import hmac
import os

NOBODYS = 2**62  # behind everything that happened: of an id that is none of ours, or another sight's
LONGEST = 200  # [characters]
_PURPOSE = b"stackmeter live event 1"
_PART = 8  # bytes of what makes each id another, of the number, and of the proof that it is ours

Places = tuple[tuple[str, str], ...]


class EventIds:
    """Seals numbers with a key derived from the service's token, so that a restart changes nothing."""

    def __init__(self, token: str) -> None:
        self._key = hmac.digest(token.encode(), _PURPOSE, "sha256")

    def sealed(self, number: int, places: Places) -> str:
        """Return a number as an id, another one each time."""
        salt = os.urandom(_PART)
        hidden = _xor(number.to_bytes(_PART), self._digest(b"hide", salt, places))
        proof = self._digest(b"prove", salt + hidden, places)
        return base64.urlsafe_b64encode(salt + hidden + proof).decode()

    def opened(self, text: str, places: Places) -> int:
        """Return the number in an id that was sealed for callers of the same places, else `NOBODYS`."""
        try:
            sealed = base64.b64decode(text, altchars=b"-_", validate=True)
        except (binascii.Error, ValueError):
            return NOBODYS
        salt, hidden, proof = sealed[:_PART], sealed[_PART : 2 * _PART], sealed[2 * _PART :]
        if not hmac.compare_digest(proof, self._digest(b"prove", salt + hidden, places)):
            return NOBODYS
        return int.from_bytes(_xor(hidden, self._digest(b"hide", salt, places)))

    def _digest(self, purpose: bytes, content: bytes, places: Places) -> bytes:
        return hmac.digest(self._key, purpose + content + repr(places).encode(), "sha256")[:_PART]


def _xor(one: bytes, other: bytes) -> bytes:
    return bytes(a ^ b for a, b in zip(one, other, strict=True))
