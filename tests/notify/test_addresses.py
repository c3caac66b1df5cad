"""Webhooks go to public machines, to private ones only where that is allowed, and to some never."""

import pytest

from notify.addresses import AddressRefused, checked, permitted, resolve
from plant.networks import PRIVATE as PRIVATE_NETWORKS
from plant.networks import allowed_networks

PUBLIC = ["1.1.1.1", "93.184.215.14", "2606:4700:4700::1111", "::ffff:1.1.1.1", "64:ff9b::101:101"]
PRIVATE = [
    *("127.0.0.1", "127.8.9.1", "10.1.2.3", "172.16.0.1", "172.31.255.255", "192.168.1.1", "100.64.0.1"),
    *("::1", "fd00::1", "::ffff:10.0.0.1", "::ffff:127.0.0.1", "64:ff9b::a00:1"),
]
NEVER = [
    *("0.0.0.0", "169.254.169.254", "192.88.99.1", "224.0.0.1", "239.1.1.1", "240.0.0.1", "255.255.255.255"),
    *(
        "::",
        "fe80::1",
        "fe80::1%eth0",
        "fec0::1",
        "ff02::1",
        "::127.0.0.1",
        "::ffff:169.254.169.254",
        "::ffff:224.0.0.1",
    ),
    *("64:ff9b::a9fe:a9fe", "64:ff9b:1::a00:1", "2002:a9fe:a9fe::", "2002:101:101::", "2001:0:101:101::1"),
    *("198.18.0.1", "192.0.2.1", "2001:db8::1"),
]


@pytest.mark.parametrize("address", PUBLIC)
def test_a_public_address_is_permitted(address: str):
    assert permitted(address, ())
    assert permitted(address, PRIVATE_NETWORKS)


@pytest.mark.parametrize("address", PRIVATE)
def test_bw02_a_private_address_is_permitted_only_where_that_is_allowed(address: str):
    assert not permitted(address, ())
    assert permitted(address, PRIVATE_NETWORKS)


@pytest.mark.parametrize("address", NEVER)
def test_bw05_other_addresses_are_never_permitted(address: str):
    assert not permitted(address, ())
    assert not permitted(address, PRIVATE_NETWORKS)


def test_bw02_of_private_addresses_only_those_in_the_networks_that_are_allowed_are_permitted():
    office = allowed_networks(["10.1.2.0/24", "fd00:1::/32"])

    assert permitted("1.1.1.1", office)
    assert [one for one in ("10.1.2.3", "::ffff:10.1.2.3", "fd00:1::5") if not permitted(one, office)] == []
    assert [one for one in (*PRIVATE, "10.1.3.3", "fd00:2::5") if permitted(one, office)] == ["10.1.2.3"]


def test_bw06_one_private_address_among_public_ones_is_enough_to_refuse():
    with pytest.raises(AddressRefused, match=r"10\.0\.0\.1"):
        checked(["1.1.1.1", "10.0.0.1"], ())


def test_permitted_addresses_come_back_in_their_order():
    assert checked(["1.1.1.1", "1.0.0.1"], ()) == ["1.1.1.1", "1.0.0.1"]


@pytest.mark.parametrize("host", ["127.0.0.1", "0x7f.1", "2130706433"])
def test_bw04_an_address_in_other_clothes_resolves_to_what_it_is(host: str):
    assert resolve(host, 80) == ["127.0.0.1"]


@pytest.mark.parametrize("host", ["fe80::1%no-such-interface", "a" * 64 + ".example", "a..example"])
def test_a_name_that_does_not_resolve_is_refused(host: str):
    with pytest.raises(AddressRefused):
        resolve(host, 80)
