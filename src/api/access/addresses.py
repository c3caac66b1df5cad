"""Which address a request comes from, where a reverse proxy stands before us."""

import ipaddress
import logging
from collections.abc import Collection, Iterator, Sequence
from ipaddress import IPv4Address, IPv6Address

from starlette.types import Scope

from plant.networks import Network

FURTHEST = 16  # proxies one behind the other that are looked through
log = logging.getLogger(__name__)

Address = IPv4Address | IPv6Address


class Clients:
    """Tells who is counted and recorded: the peer, or behind a proxy that we trust whom that one names.

    Anybody can send `X-Forwarded-For`, and a proxy appends to it whom it heard. So it is read from its end, for as long as what
    stands there is a proxy that we trust; the first other address is the client's.
    """

    def __init__(self, trusted: Collection[Network] = ()) -> None:
        self._trusted = tuple(trusted)
        self._has_hinted = False

    def address(self, scope: Scope) -> str:
        """Return the client's address; of IPv6 the network of 64 bits, which is one client's."""
        peer = scope["client"][0] if scope.get("client") else ""
        found = _address(peer)
        if found is None:
            return peer
        named = _forwarded(scope)
        if named and not self._trusted:
            self._hint(found)
        for before in named:
            if not self._is_trusted(found):
                break
            found = before
        return str(ipaddress.ip_network((found, 64), strict=False)) if found.version == 6 else str(found)

    def _is_trusted(self, address: Address) -> bool:
        return any(address in network for network in self._trusted)

    def _hint(self, peer: Address) -> None:
        """Say once that a proxy on this machine is taken for one client."""
        if peer.is_loopback and not self._has_hinted:
            self._has_hinted = True
            log.warning(
                "a proxy at %s names its clients in X-Forwarded-For, and all of them are counted and recorded as one: if it writes"
                ' that header itself, set trusted_proxies = "%s"',
                peer, peer,
            )  # fmt: skip


def _forwarded(scope: Scope) -> list[Address]:
    """Return the addresses that `X-Forwarded-For` names, the nearest first, up to one that is none."""
    lines = [value.decode("latin-1") for name, value in scope["headers"] if name == b"x-forwarded-for"]
    return list(_readable(",".join(lines).split(",")[: -FURTHEST - 1 : -1]))


def _readable(named: Sequence[str]) -> Iterator[Address]:
    for text in named:
        found = _address(_without_port(text.strip()))
        if found is None:
            return
        yield found


def _without_port(text: str) -> str:
    """Return the address of `192.0.2.1:5678` or `[2001:db8::1]:5678`, which some proxies write."""
    if text.startswith("["):
        return text[1:].partition("]")[0]
    return text.partition(":")[0] if text.count(":") == 1 else text


def _address(text: str) -> Address | None:
    try:
        found = ipaddress.ip_address(text.partition("%")[0])
    except ValueError:
        return None
    return getattr(found, "ipv4_mapped", None) or found
