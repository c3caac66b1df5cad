"""gateway prepare, enroll, list, revoke: what is made, for whom, and what is refused."""

import base64
import hashlib
import json
import stat
import subprocess

import pytest
from typer.testing import CliRunner

from plant.park import Gateway
from plant.topics import Subscription
from stackmeter.cli import app
from stackmeter.field.access_list import Ambiguous, access_list
from stackmeter.field.identities import Identities
from tests.broker.production import G1, G2, configured
from tests.servers import required

HOSTS = ["broker.example", "10.1.2.3"]


@pytest.fixture
def run(tmp_path):
    required("openssl")
    configured(tmp_path / "config")
    options = ["--dir", str(tmp_path / "broker"), "--config", str(tmp_path / "config")]

    def invoke(*arguments, ends=0):
        done = CliRunner().invoke(app, ["gateway", *arguments, *options], env={"COLUMNS": "250"})
        assert done.exit_code == ends, done.output
        return done

    return invoke


@pytest.fixture
def prepared(run):
    run("prepare", *HOSTS)
    return run


def mode(path):
    return stat.S_IMODE(path.stat().st_mode)


def test_preparing_shows_the_service_s_password_once_and_keeps_what_is_there(run, tmp_path):
    first = run("prepare", *HOSTS)
    before = {p.name: p.read_bytes() for p in (tmp_path / "broker").iterdir() if p.is_file()}
    again = run("prepare")

    assert first.stdout.startswith("mqtt://stackmeter:")
    assert again.stdout == ""
    assert {p.name: p.read_bytes() for p in (tmp_path / "broker").iterdir() if p.is_file()} == before


def test_the_broker_s_certificate_is_for_its_names_and_addresses(prepared, tmp_path):
    told = subprocess.run(
        ["openssl", "x509", "-in", tmp_path / "broker/server.crt", "-noout", "-ext", "subjectAltName,extendedKeyUsage"],
        capture_output=True, text=True, check=True,
    ).stdout  # fmt: skip

    assert "DNS:broker.example" in told
    assert "IP Address:10.1.2.3" in told
    assert "TLS Web Server Authentication" in told


def test_no_secret_can_be_read_by_others(prepared, tmp_path):
    prepared("enroll", G1)
    folder = tmp_path / "broker"

    assert mode(folder) == 0o750
    assert {mode(folder / name) for name in ("ca", "gateways", f"gateways/{G1}")} == {0o700}
    assert {mode(folder / name) for name in ("ca/ca.key", f"gateways/{G1}/gateway.key")} == {0o600}
    assert {mode(folder / name) for name in ("server.key", "passwords", "acl")} == {0o640}


def test_a_password_is_shown_once_and_kept_as_mosquitto_s_hash(prepared, tmp_path):
    shown = prepared("enroll", G2, "--password").stdout.strip()

    line = next(x for x in (tmp_path / "broker/passwords").read_text().splitlines() if x.startswith(f"{G2}:"))
    _, kind, rounds, salt, digest = line.partition(":")[2].split("$")
    again = hashlib.pbkdf2_hmac("sha512", shown.encode(), base64.b64decode(salt), int(rounds))
    assert (kind, base64.b64encode(again).decode()) == ("7", digest)
    assert shown not in "".join(p.read_text() for p in (tmp_path / "broker").glob("*") if p.is_file())


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("p1/mill/+", "no PARK/FACILITY/GATEWAY"),
        ("p1/mill/#", "no PARK/FACILITY/GATEWAY"),
        ("a/b", "no PARK/FACILITY/GATEWAY"),
        ("p1/mill/g1/g1", "no PARK/FACILITY/GATEWAY"),
        ("p1/mill/g1\n", "no PARK/FACILITY/GATEWAY"),
        ("p1/mill/$g", "no PARK/FACILITY/GATEWAY"),
        ("p1//g1", "no PARK/FACILITY/GATEWAY"),
        ("p1/mill/g3", "did you mean p1/mill/g"),
        ("stackmeter", "no PARK/FACILITY/GATEWAY"),
    ],
)
@pytest.mark.parametrize("by", ["--password", "--certificate"])
def test_sm11_a_name_that_is_no_gateway_s_is_refused(prepared, tmp_path, name, why, by):
    before = (tmp_path / "broker/acl").read_text(), (tmp_path / "broker/passwords").read_text()

    assert why in prepared("enroll", name, by, ends=2).output

    assert before == ((tmp_path / "broker/acl").read_text(), (tmp_path / "broker/passwords").read_text())


def test_enrolling_twice_needs_renew(prepared):
    prepared("enroll", G1, "--password")
    assert "--renew" in prepared("enroll", G1, "--password", ends=2).output
    prepared("enroll", G1, "--password", "--renew")

    prepared("enroll", G1)
    assert "--renew" in prepared("enroll", G1, ends=2).output
    prepared("enroll", G1, "--renew")
    found = json.loads(prepared("list", "--json").stdout)["identities"]
    assert [one["by"] for one in found] == ["password", "certificate", "certificate"]


def test_revoking_ends_one_certificate_or_all_and_takes_the_rights_away(prepared, tmp_path):
    prepared("enroll", G1)
    prepared("enroll", G1, "--renew")
    first, second = json.loads(prepared("list", "--json").stdout)["identities"]

    prepared("revoke", G1, "--serial", first["serial"])
    assert f"user {G1}\n" in (tmp_path / "broker/acl").read_text()
    prepared("revoke", G1)
    assert f"user {G1}\n" not in (tmp_path / "broker/acl").read_text()

    listed = subprocess.run(
        ["openssl", "crl", "-in", tmp_path / "broker/crl.pem", "-noout", "-text"],
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    assert first["serial"] in listed
    assert second["serial"] in listed
    assert "nothing that lets it in" in prepared("revoke", G1, ends=2).output


def test_what_is_not_prepared_and_what_has_no_name_says_what_to_do(run):
    assert "gateway prepare" in run("enroll", G1, ends=2).output
    assert "say by which names" in run("prepare", ends=2).output
    assert "neither a host name nor an address" in run("prepare", "a host", ends=2).output


def test_a_name_too_long_for_a_certificate_gets_a_password(tmp_path):
    required("openssl")
    made = Identities(tmp_path)
    made.prepare(HOSTS, 30)

    with pytest.raises(ValueError, match="enroll it with --password"):
        made.issue(f"{'p' * 30}/{'f' * 30}/{'g' * 30}", 30)


def test_lines_of_the_administrator_s_own_come_last(prepared, tmp_path):
    (tmp_path / "broker/acl.own").write_text("user wall\ntopic read sm/v1/+/totals\n")
    prepared("enroll", G1)

    assert (tmp_path / "broker/acl").read_text().endswith("user wall\ntopic read sm/v1/+/totals\n")


def subscription(topic, **names):
    given = {
        "park": "{park}",
        "facility": "{facility}",
        "gateway": "{gateway}",
        "format": "senml-json",
        **names,
    }
    return Subscription(
        topic=topic, format=given["format"], status=(), park=given["park"], facility=given["facility"],
        gateway=given["gateway"], channel="{channel}", options={}, place=("", 0, ""),
    )  # fmt: skip


def lines_of(*subscriptions, name="g-1"):
    gateway = Gateway(0, "p", "f", name)
    lines = access_list(Plant(subscriptions), [gateway], "service", "host")
    return [line for line in lines[lines.index(f"user p/f/{name}") + 1 :] if "sm/v1/" not in line]


class Plant:
    def __init__(self, subscriptions):
        self.subscriptions = subscriptions


@pytest.mark.parametrize(
    ("made", "lines"),
    [
        (subscription("{park}/{facility}/{gateway}/up"), ["topic write p/f/g-1/up"]),
        (subscription("a/{gateway}/#", park="p", facility="f"), ["topic write a/g-1/#"]),
        (subscription("a/{n}/x", park="p", facility="f", gateway="g-{n}"), ["topic write a/1/x"]),
        (subscription("a/{n}/x", park="p", facility="f", gateway="h-{n}"), []),
        (subscription("a/{gateway}", park="q", facility="f"), []),
        (subscription("a/{x}/{x2}", park="{x}", facility="{x}", gateway="{x2}"), []),
        (subscription("yard/+/data", park="p", facility="f", gateway="g-1"), ["topic write yard/+/data"]),
    ],
)
def test_a_gateway_that_is_not_native_may_write_its_own_topics(made, lines):
    assert lines_of(made) == lines


def test_a_topic_that_could_be_of_two_gateways_is_refused():
    made = subscription("a/{x}/{y}", park="p", facility="f", gateway="{x}-{y}")

    with pytest.raises(Ambiguous, match="more than one way"):
        lines_of(made, name="g-1-2")
