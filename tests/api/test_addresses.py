"""Whose request it is, where a reverse proxy stands before us: what a client writes itself is never believed."""

import logging

import pytest

from api.access import guard
from api.access.addresses import Clients
from api.access.guard import Access
from plant.networks import named_networks
from tests.api.alerts import routed
from tests.api.conftest import Api
from tests.api.state import TOKEN, State

NGINX = Clients(named_networks("127.0.0.1, ::1"))
CHAIN = Clients(named_networks("127.0.0.1, 10.1.0.0/16, fd00::/64"))


def address(clients, peer, *lines):
    return clients.address(
        {"client": (peer, 1), "headers": [(b"x-forwarded-for", line.encode("latin-1")) for line in lines]}
    )


@pytest.mark.parametrize(
    ("clients", "peer", "lines", "found"),
    [
        (Clients(), "127.0.0.1", ["192.0.2.7"], "127.0.0.1"),  # nobody is believed unless it is set
        (NGINX, "192.0.2.1", ["198.51.100.9"], "192.0.2.1"),  # a stranger is not
        (NGINX, "127.0.0.1", ["192.0.2.7"], "192.0.2.7"),
        (NGINX, "127.0.0.1", [], "127.0.0.1"),
        (NGINX, "::1", ["2001:db8::1"], "2001:db8::/64"),
        (NGINX, "127.0.0.1", ["192.0.2.7:4711"], "192.0.2.7"),
        (NGINX, "127.0.0.1", ["[2001:db8::1]:4711"], "2001:db8::/64"),
        (NGINX, "127.0.0.1", ["::ffff:192.0.2.7"], "192.0.2.7"),
        (NGINX, "127.0.0.1", ["8.8.8.8, 192.0.2.7"], "192.0.2.7"),  # what stands left of it the client wrote
        (NGINX, "127.0.0.1", ["8.8.8.8", "192.0.2.7"], "192.0.2.7"),
        (NGINX, "127.0.0.1", ["192.0.2.7, 8.8.8.8, nonsense"], "127.0.0.1"),
        (NGINX, "127.0.0.1", ["", ",", "é"], "127.0.0.1"),
        (NGINX, "127.0.0.1", ["192.0.2.7, 127.0.0.1"], "192.0.2.7"),
        (CHAIN, "127.0.0.1", ["8.8.8.8, 192.0.2.7, 10.1.2.3, fd00::9"], "192.0.2.7"),
        (CHAIN, "127.0.0.1", ["10.1.2.3"], "10.1.2.3"),  # a client within the networks of proxies
        (CHAIN, "10.2.0.1", ["192.0.2.7"], "10.2.0.1"),
        (NGINX, "127.0.0.1", [", ".join(["127.0.0.1"] * 5000)], "127.0.0.1"),
    ],
)
def test_solid_b12_a_trusted_proxy_is_looked_through_and_nobody_else(clients, peer, lines, found):
    assert address(clients, peer, *lines) == found


@pytest.mark.parametrize("text", ["nginx", "127.0.0.1 ::1", "10.1.2.3/16", "300.1.1.1"])
def test_solid_b12_what_is_no_network_is_refused(text):
    with pytest.raises(ValueError, match=r"such as 127\.0\.0\.1"):
        named_networks(text)


def test_a_proxy_of_this_machine_that_nobody_trusts_is_named_once(caplog):
    clients = Clients()
    with caplog.at_level(logging.WARNING):
        for _ in range(3):
            address(clients, "127.0.0.1", "192.0.2.7")
            address(clients, "192.0.2.7", "192.0.2.8")

    assert [record.message for record in caplog.records] == [caplog.records[0].message]
    assert 'trusted_proxies = "127.0.0.1"' in caplog.records[0].message


def test_solid_b12_behind_a_proxy_each_client_is_counted_and_recorded_alone(tmp_path):
    state = State(tmp_path / "state.db", routed("desk"))
    api = Api(state, access=Access(clients=NGINX))

    def ask(client, token):
        headers = {"X-API-Key": token, "X-Forwarded-For": f"8.8.8.8, {client}"}
        return api.ask("/v1/totals", headers=headers).status_code

    guesses = [ask("192.0.2.1", f"guess {n}") for n in range(guard.GUESSES + 1)]
    others = [ask("192.0.2.2", "guess"), ask("192.0.2.2", TOKEN), ask("192.0.2.1", TOKEN)]
    api.reader.close()
    state.close()

    assert guesses == [401] * guard.GUESSES + [429]
    assert others == [401, 200, 200]
