"""Networks that a setting names: private ones that a webhook may be allowed to reach, and those of proxies."""

from ipaddress import IPv4Network, IPv6Network, ip_network

Network = IPv4Network | IPv6Network

PRIVATE: tuple[Network, ...] = tuple(
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


def allowed_networks(written: object) -> tuple[Network, ...]:
    """Return all private networks for true, none for false, and of a list those that it names, such as 10.1.2.0/24."""
    if isinstance(written, bool):
        return PRIVATE if written else ()
    if not isinstance(written, list):
        raise ValueError("is true, false or a list of networks such as 10.1.2.0/24")  # noqa: TRY004 - pydantic's way
    return tuple(_private(one) for one in written)


def named_networks(text: str) -> tuple[Network, ...]:
    """Return the networks and addresses that a setting names, separated by commas.

    Raises
    ------
    ValueError
        One is none.
    """
    named = [one.strip() for one in text.split(",") if one.strip()]
    try:
        return tuple(ip_network(one) for one in named)
    except ValueError as error:
        raise ValueError(
            f"{error}; write addresses or networks, such as 127.0.0.1, ::1 or 10.1.2.0/24"
        ) from None


def _private(written: object) -> Network:
    text = str(written)
    try:
        network = ip_network(text)
    except ValueError as error:
        raise ValueError(f"{error}; write a network such as 10.1.2.0/24") from None
    if not any(_is_within(network, one) for one in PRIVATE):
        raise ValueError(f"{text} is within none of the private networks {', '.join(map(str, PRIVATE))}")
    return network


def _is_within(network: Network, whole: Network) -> bool:
    return (
        network.version == whole.version
        and network.network_address in whole
        and network.broadcast_address in whole
    )
