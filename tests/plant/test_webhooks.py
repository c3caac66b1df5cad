"""What an endpoint's kind forbids or needs, and secrets that are each of one endpoint alone."""

from ipaddress import ip_network
from pathlib import Path

import pytest

from plant.configuration.load import load
from plant.documents.problems import ConfigurationError
from plant.networks import PRIVATE
from plant.park import Webhook
from rules.catalogue import load_catalogue

PARK = """\
parks:
  - name: north
    title: North
    zone: UTC
    facilities:
      - name: mill
        title: Mill
        gateways: [{name: g1}]
        channels: [{name: energy, gateway: g1, kind: register, unit: kWh, quantity: electricity}]
        sources: [{name: grid, method: electricity-location, inputs: {energy: energy}, factor: vn-grid}]
"""
NEW = "whsec_bmV3LXNlY3JldC1uZXctc2VjcmV0LW5ldy1zZWNyZXQ="
OLD = "whsec_b2xkLXNlY3JldC1vbGQtc2VjcmV0LW9sZC1zZWNyZXQ="
ENVIRONMENT = {"NEW": NEW, "OLD": OLD, "CHAT": "tgram://token/chat", "EMPTY": ""}


def loaded(directory: Path, *endpoints: str) -> tuple[Webhook, ...]:
    text = PARK + "webhooks:\n" + "".join(f"  - {{{one}}}\n" for one in endpoints)
    (directory / "plant.yaml").write_text(text, encoding="utf-8")
    return load(directory, load_catalogue(directory), ENVIRONMENT).webhooks


def problems(directory: Path, *endpoints: str) -> list[str]:
    with pytest.raises(ConfigurationError) as error:
        loaded(directory, *endpoints)
    return [f"{p.path.removeprefix('webhooks')}: {p.message}" for p in error.value.problems]


def test_a_secret_may_have_the_one_before_beside_it(tmp_path: Path):
    (tmp_path / "old").write_text(OLD + "\n", encoding="ascii")
    (tmp_path / "old").chmod(0o600)
    by_name = "name: a, url: 'https://example.com/', secret_env: NEW"

    for previous in ("previous_secret_env: OLD", "previous_secret_file: old"):
        (one,) = loaded(tmp_path, f"{by_name}, {previous}")
        assert (one.secret, one.previous_secret) == (NEW, OLD)
        assert OLD not in repr(one)
    assert loaded(tmp_path, by_name)[0].previous_secret == ""


def test_format_heartbeat_and_kinds_are_read(tmp_path: Path):
    found = loaded(
        tmp_path,
        "name: a, url: 'https://example.com/', secret_env: NEW, format: alertmanager, heartbeat: 60s",
        "name: b, kind: alertmanager-api, url: 'http://127.0.0.1:9093', allow_private: true",
        "name: c, kind: apprise, url_env: CHAT, language: en",
    )

    assert [(one.kind, one.format, one.heartbeat) for one in found] == [
        ("webhook", "alertmanager", 60 * 10**9),
        ("alertmanager-api", "alertmanager-api", 0),
        ("apprise", "alert", 0),
    ]
    assert (found[2].secret, found[2].url, found[2].language) == ("tgram://token/chat", "", "en")
    assert "tgram" not in repr(found)


def test_solid_c_a_chat_has_the_clock_of_its_readers_or_else_that_of_the_alert_s_park(tmp_path: Path):
    written = "name: c, kind: apprise, url_env: CHAT"

    assert loaded(tmp_path, written)[0].zone is None
    assert str(loaded(tmp_path, f"{written}, zone: Asia/Ho_Chi_Minh")[0].zone) == "Asia/Ho_Chi_Minh"
    assert problems(tmp_path, f"{written}, zone: Asia/Hanoi") == [
        "[0].zone: there is no time zone Asia/Hanoi (did you mean Asia/Ho_Chi_Minh?)"
    ]


@pytest.mark.parametrize(
    ("endpoint", "problem"),
    [
        (
            "name: a, url: 'https://a.example/', secret_env: NEW, zone: UTC",
            "[0].zone: is for kind apprise, not webhook",
        ),
        ("name: a, secret_env: NEW", "[0].url: is required for kind webhook"),
        ("name: a, kind: apprise", "[0].url_env: is required for kind apprise"),
        (
            "name: a, kind: apprise, url: 'https://a.example/', url_env: CHAT",
            "[0].url: holds tokens for kind apprise: name the variable that has it in url_env",
        ),
        (
            "name: a, kind: alertmanager-api, url: 'https://a.example/', secret_env: NEW",
            "[0].secret_env: is for kind webhook, not alertmanager-api",
        ),
        (
            "name: a, kind: alertmanager-api, url: 'http://a.example/'",
            "[0].url: is not https; say allow_private: true for a receiver on this machine or in the own network",
        ),
        (
            "name: a, url: 'https://a.example/', secret_env: NEW, language: en",
            "[0].language: is for kind apprise, not webhook",
        ),
        (
            "name: a, url: 'https://a.example/', secret_env: NEW, previous_secret_env: OLD, previous_secret_file: x",
            "[0].previous_secret_file: is in one place, and previous_secret_env is given",
        ),
        (
            "name: a, url: 'https://a.example/', secret_env: NEW, previous_secret_env: CHAT",
            "[0].previous_secret_env: the secret is not base64",
        ),
        (
            "name: a, kind: apprise, url_env: EMPTY",
            "[0].url_env: the variable holds no Apprise URL, such as tgram://token/chat",
        ),
    ],
)
def test_what_a_kind_forbids_or_lacks_is_said(tmp_path: Path, endpoint: str, problem: str):
    assert problems(tmp_path, endpoint) == [problem]


def test_private_addresses_are_allowed_all_none_or_by_network(tmp_path: Path):
    def allowed(written: str) -> list[str]:
        (one,) = loaded(tmp_path, f"name: a, url: 'https://example.com/', secret_env: NEW{written}")
        return list(map(str, one.allow_private))

    assert allowed("") == allowed(", allow_private: false") == []
    assert allowed(", allow_private: true") == list(map(str, PRIVATE))
    narrow = ", allow_private: [10.1.2.0/24, 127.0.0.1, 'fd00:1::/32']"
    assert allowed(narrow) == ["10.1.2.0/24", "127.0.0.1/32", "fd00:1::/32"]
    (plain,) = loaded(
        tmp_path, "name: a, url: 'http://10.1.2.3/', secret_env: NEW, allow_private: [10.1.2.3]"
    )
    assert plain.allow_private == (ip_network("10.1.2.3/32"),)


@pytest.mark.parametrize(
    ("written", "problem"),
    [
        ("[10.1.2.3/24]", "10.1.2.3/24 has host bits set; write a network such as 10.1.2.0/24"),
        (
            "[office]",
            "'office' does not appear to be an IPv4 or IPv6 network; write a network such as 10.1.2.0/24",
        ),
        ("['']", "'' does not appear to be an IPv4 or IPv6 network; write a network such as 10.1.2.0/24"),
        ("[8.8.8.0/24]", "8.8.8.0/24 is within none of the private networks "),
        ("[169.254.169.254]", "169.254.169.254 is within none of the private networks "),
        ("[0.0.0.0/0]", "0.0.0.0/0 is within none of the private networks "),
        ("[10.0.0.0/7]", "10.0.0.0/7 is within none of the private networks "),
        ("lan", "is true, false or a list of networks such as 10.1.2.0/24"),
    ],
)
def test_a_network_that_is_none_or_not_private_is_refused(tmp_path: Path, written: str, problem: str):
    (found,) = problems(
        tmp_path, f"name: a, url: 'https://example.com/', secret_env: NEW, allow_private: {written}"
    )

    assert found.startswith(f"[0].allow_private: {problem}")


@pytest.mark.parametrize("heartbeat", ["1s", "2h"])
def test_a_heartbeat_is_not_a_flood_and_not_a_rarity(tmp_path: Path, heartbeat: str):
    (found,) = problems(
        tmp_path, f"name: a, url: 'https://a.example/', secret_env: NEW, heartbeat: {heartbeat}"
    )

    assert found.startswith("[0].heartbeat: ")


@pytest.mark.parametrize("key", ["secret_env: NEW", "secret_env: OLD, previous_secret_env: NEW"])
def test_bw14_a_secret_of_two_endpoints_is_refused(tmp_path: Path, key: str):
    (found,) = problems(
        tmp_path,
        "name: a, url: 'https://a.example/', secret_env: NEW",
        f"name: b, url: 'https://b.example/', {key}",
    )

    assert "is the secret of another endpoint" in found
    assert NEW not in found


@pytest.mark.parametrize(
    "url", ["http://a.example/", "ftp://a.example/", "file:///etc/passwd", "unix:/run/x"]
)
def test_bw01_what_is_not_https_is_refused_by_the_configuration(tmp_path: Path, url: str):
    (found,) = problems(tmp_path, f"name: a, url: '{url}', secret_env: NEW")

    assert "is not" in found
    assert "https" in found
