"""Names that change their mind, and our own doors on other addresses of this machine: with a real name server and receivers.

All of it in a network namespace, where a public address is this machine's and a connection to anything is seen.
"""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.notify.inside import LAN, NAME, PUBLIC
from tests.servers import required

ROOT = Path(__file__).parents[2]
REFUSED = f"AddressRefused: {LAN} is not a public address, or allowed as private"


@pytest.fixture
def inside(tmp_path: Path):
    """Give what runs `tests.notify.inside` in a namespace where the name server is its own, and tells what came of it."""
    required("ip")
    new = [required("unshare"), "--user", "--map-root-user", "--net", "--mount"]
    if subprocess.run([*new, "true"], capture_output=True, check=False).returncode:
        pytest.skip("this machine lets nobody make a network namespace")
    resolver = tmp_path / "resolv.conf"
    resolver.write_text("nameserver 127.0.0.1\n")

    def run(kind: str, host: str, *answers: str, private: bool = False, own: str = "") -> dict:
        shell = f'mount --bind {resolver} /etc/resolv.conf && exec "$@"'
        words = ["tests.notify.inside", kind, host, "private" if private else "", own, *answers]
        done = subprocess.run(
            [*new, "sh", "-c", shell, "sh", sys.executable, "-m", *words],
            cwd=ROOT,
            env={**os.environ, "PYTHONPATH": f"{ROOT}/src:{ROOT}"},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    return run


def test_bw07_a_webhook_goes_to_the_address_that_was_checked_and_stops_when_the_name_leads_inside(inside):
    found = inside("webhook", NAME, PUBLIC, LAN)

    assert (found["came"], found["asked"]) == ([PUBLIC], [PUBLIC, LAN])
    assert found["errors"][1] == REFUSED


def test_bw07_apprise_looks_up_again_and_is_stopped_where_that_leads_inside(inside):
    found = inside("chat", NAME, PUBLIC, LAN)

    assert (found["came"], found["asked"][:2]) == ([], [PUBLIC, LAN])
    assert found["errors"] == [REFUSED] * 2


def test_bw07_a_chat_on_a_public_address_is_reached_until_its_name_leads_inside(inside):
    found = inside("chat", NAME, PUBLIC, PUBLIC, LAN)

    assert found["came"] == [PUBLIC]
    assert found["errors"] == ["", REFUSED]


@pytest.mark.parametrize(
    ("kind", "door", "host"),
    [
        ("webhook", "0.0.0.0", LAN),
        ("webhook", "::", NAME),
        ("webhook", "127.0.0.1", PUBLIC),
        ("webhook", LAN, "127.0.0.1"),
        ("chat", "0.0.0.0", NAME),
        ("chat", "::", LAN),
    ],
)
def test_bw10_our_own_door_is_refused_at_every_address_of_this_machine(inside, kind, door, host):
    found = inside(kind, host, LAN, private=True, own=door)

    assert found["came"] == []
    assert all(error.endswith("is a door of this service's own") for error in found["errors"])


def test_bw10_where_no_door_of_ours_is_the_same_receiver_is_reached(inside):
    assert inside("webhook", NAME, LAN, private=True)["came"] == [LAN, LAN]
