"""Links by which somebody acknowledges or snoozes an alert from the message that told of it, without an account.

Whoever has such a link may see that alert and those of its group, and acknowledge and snooze them until the link expires,
and nothing else. It is signed with a key of its own, so that it says nothing about the service's token.
"""

import base64
import binascii
import hmac
import json
from dataclasses import dataclass

from plant.vocabulary import NS_PER_DAY, NS_PER_S

PATH = "/a/"
LIFE = NS_PER_DAY
LONGEST = 1024  # [characters] of a link's token
_PURPOSE = b"stackmeter acknowledge link 1"
_MAC_BYTES = 32


@dataclass(frozen=True, slots=True)
class Link:
    """What a link is for: an alert, the webhook that told of it, and until when it works [ns UTC]."""

    alert: str
    endpoint: str
    expires: int


def link_key(token: str) -> bytes:
    """Return the key that links are signed with, derived from the service's token."""
    return hmac.digest(token.encode(), _PURPOSE, "sha256")


def acknowledge_link(public_url: str, key: bytes, alert: str, endpoint: str, now: int) -> str:
    """Return the address where an alert can be acknowledged for 24 h from `now` [ns UTC].

    Parameters
    ----------
    public_url
        Where the reader of a message finds our API.
    key
        From `link_key`.
    alert
        The alert's id.
    endpoint
        The name of the webhook that tells of it.
    """
    content = json.dumps([alert, endpoint, (now + LIFE) // NS_PER_S], separators=(",", ":")).encode()
    return f"{public_url.rstrip('/')}{PATH}{_text(content + hmac.digest(key, content, 'sha256'))}"


def read_link(key: bytes, token: str) -> Link | None:
    """Return what the last part of a link says, None where we did not sign it; it may have expired."""
    signed = _bytes(token)
    content, mac = signed[:-_MAC_BYTES], signed[-_MAC_BYTES:]
    if not content or not hmac.compare_digest(mac, hmac.digest(key, content, "sha256")):
        return None
    alert, endpoint, expires = json.loads(content)
    return Link(alert, endpoint, expires * NS_PER_S)


def _text(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()


def _bytes(token: str) -> bytes:
    """Return what was encoded; nothing where it is no token of ours."""
    if len(token) > LONGEST or not token.isascii():
        return b""
    try:
        return base64.b64decode(token + "=" * (-len(token) % 4), altchars=b"-_", validate=True)
    except binascii.Error:
        return b""
