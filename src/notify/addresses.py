"""Which addresses a webhook may be sent to, so that an endpoint's name cannot lead to a machine it must not reach."""

import socket
from collections.abc import Callable, Collection
from contextlib import closing
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

from plant.networks import PRIVATE, Network

Resolve = Callable[[str, int], list[str]]
Doors = Collection[tuple[str, int]]  # host and port of services

_PUBLIC = (ip_network("0.0.0.0/0"), ip_network("2000::/3"))
# Addresses that carry another address are refused: 6to4 and its relays, and Teredo. `is_global` would let them pass.
_TRANSITION = tuple(map(ip_network, ("192.88.99.0/24", "2002::/16", "2001::/32")))
_NAT64 = ip_network("64:ff9b::/96")


class AddressRefused(OSError):
    """An endpoint's name does not resolve, or resolves to an address that it must not have.

    Whoever connects handles it, and closes its socket, as where the system refuses.
    """


@dataclass(frozen=True, slots=True)
class Egress:
    """Where the connections to an endpoint may go: to these private networks too, and to no door of our `own`."""

    allow_private: Collection[Network] = ()
    own: Doors = ()

    def check(self, addresses: list[str], port: int) -> list[str]:
        """Return a host's addresses; raise AddressRefused where a single one is not permitted or is a door of ours."""
        permitted_ones = checked(addresses, self.allow_private)
        if any(is_one_of(self.own, address, port) for address in permitted_ones):
            raise AddressRefused("its host is a door of this service's own")
        return permitted_ones


def resolve(host: str, port: int | str | None) -> list[str]:
    """Return the addresses of a host, in the order of preference; raise AddressRefused where there are none."""
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise AddressRefused("its host name does not resolve") from error
    return [str(sockaddr[0]) for *_, sockaddr in found]


def checked(addresses: list[str], allow_private: Collection[Network]) -> list[str]:
    """Return the addresses if each is permitted; raise AddressRefused where a single one is not."""
    for address in addresses:
        if not permitted(address, allow_private):
            raise AddressRefused(f"{address} is not a public address, or allowed as private")
    return addresses


def permitted(address: str, allow_private: Collection[Network]) -> bool:
    """Tell whether a webhook may go to an address.

    Public unicast always may. Loopback, private and shared addresses only within `allow_private`; link-local (where
    clouds keep their secrets), multicast, reserved and transition addresses never.
    """
    try:
        ip = _carried(ip_address(address))
    except ValueError:
        return False  # a name: whoever connects to one leaves it to others where that is
    if any(ip in network for network in PRIVATE):
        return any(ip in network for network in allow_private)
    public = ip.is_global and not ip.is_multicast and any(ip in network for network in _PUBLIC)
    return public and not any(ip in network for network in _TRANSITION)


def is_one_of(doors: Doors, host: str, port: int) -> bool:
    """Tell whether a host's port is one of these doors; all names and addresses of this machine itself are one host."""
    return any(port == door and _plain(host) == _plain(one) for one, door in doors)


def _plain(host: str) -> str:
    name = host.lower().strip("[]").rstrip(".")
    try:
        ip = _carried(ip_address(name))
    except ValueError:
        return "127.0.0.1" if name == "localhost" else name
    return "127.0.0.1" if ip.is_loopback or ip.is_unspecified or _is_ours(ip) else str(ip)


def _is_ours(ip: IPv4Address | IPv6Address) -> bool:
    """Tell whether one of this machine's interfaces has an address: only such a one can be bound.

    A kernel that lets any be bound (`ip_nonlocal_bind`) so makes each ours: more is refused then, and not less.
    """
    try:
        with closing(
            socket.socket(socket.AF_INET if ip.version == 4 else socket.AF_INET6, socket.SOCK_DGRAM)
        ) as probe:
            probe.bind((str(ip), 0))
    except OSError:
        return False
    return True


def _carried(ip: IPv4Address | IPv6Address) -> IPv4Address | IPv6Address:
    """Return the IPv4 address that a mapped or a NAT64 address stands for, else the address itself."""
    if isinstance(ip, IPv6Address) and (ip.ipv4_mapped or ip in _NAT64):
        return IPv4Address(int(ip) & 0xFFFFFFFF)
    return ip
