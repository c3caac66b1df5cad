"""Which addresses a webhook may be sent to, so that an endpoint's name cannot lead to a machine it must not reach."""

import socket
from collections.abc import Callable, Collection
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

Resolve = Callable[[str, int], list[str]]
Doors = Collection[tuple[str, int]]  # host and port of services

_ON_PREMISES = tuple(
    map(
        ip_network,
        (
            "127.0.0.0/8",
            "10.0.0.0/8",
            "172.16.0.0/12",
            "192.168.0.0/16",
            "100.64.0.0/10",
            "::1/128",
            "fc00::/7",
        ),
    )
)
_PUBLIC = (ip_network("0.0.0.0/0"), ip_network("2000::/3"))
# Addresses that carry another address are refused: 6to4 and its relays, and Teredo. `is_global` would let them pass.
_TRANSITION = tuple(map(ip_network, ("192.88.99.0/24", "2002::/16", "2001::/32")))
_NAT64 = ip_network("64:ff9b::/96")


class AddressRefused(Exception):
    """An endpoint's name does not resolve, or resolves to an address that it must not have."""


def resolve(host: str, port: int) -> list[str]:
    """Return the addresses of a host, in the order of preference; raise AddressRefused where there are none."""
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise AddressRefused("its host name does not resolve") from error
    return [str(sockaddr[0]) for *_, sockaddr in found]


def checked(addresses: list[str], *, allow_private: bool) -> list[str]:
    """Return the addresses if each is permitted; raise AddressRefused where a single one is not."""
    for address in addresses:
        if not permitted(address, allow_private=allow_private):
            raise AddressRefused(
                f"{address} is not a public address{'' if allow_private else ', or allowed as private'}"
            )
    return addresses


def permitted(address: str, *, allow_private: bool) -> bool:
    """Tell whether a webhook may go to an address.

    Public unicast always may. Loopback, private and shared addresses only with `allow_private`; link-local (where
    clouds keep their secrets), multicast, reserved and transition addresses never.
    """
    ip = _carried(ip_address(address))
    if allow_private and any(ip in network for network in _ON_PREMISES):
        return True
    public = ip.is_global and not ip.is_multicast and any(ip in network for network in _PUBLIC)
    return public and not any(ip in network for network in _TRANSITION)


def is_one_of(doors: Doors, host: str, port: int) -> bool:
    """Tell whether a host's port is one of these doors; all names and addresses of this machine itself are one host."""
    return (_plain(host), port) in {(_plain(one), door) for one, door in doors}


def _plain(host: str) -> str:
    name = host.lower().strip("[]").rstrip(".")
    try:
        ip = _carried(ip_address(name))
    except ValueError:
        return "127.0.0.1" if name == "localhost" else name
    return "127.0.0.1" if ip.is_loopback or ip.is_unspecified else str(ip)


def _carried(ip: IPv4Address | IPv6Address) -> IPv4Address | IPv6Address:
    """Return the IPv4 address that a mapped or a NAT64 address stands for, else the address itself."""
    if isinstance(ip, IPv6Address) and (ip.ipv4_mapped or ip in _NAT64):
        return IPv4Address(int(ip) & 0xFFFFFFFF)
    return ip
