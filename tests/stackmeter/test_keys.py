"""keys and audit as commands, on a state directory whose service runs."""

import json
import sqlite3
import stat
import time
from contextlib import closing

import httpx
import pytest
from typer.testing import CliRunner

from api.access.guard import Access
from api.alerts.alert_bodies import ActionBody
from api.app import create_app
from api.health import Health
from api.serve import Server
from stackmeter.cli import app
from stackmeter.client.answers import TokenRefused
from stackmeter.client.calls import Client
from stackmeter.service_log import ServiceLog
from store.access_log import AccessLog, make
from store.keys import Keys
from store.reader import Reader
from tests.notify.state import endpoint, new_state, plant


@pytest.fixture
def told(tmp_path):
    def run(*arguments, ends=0):
        done = CliRunner().invoke(app, [*arguments, "--state", str(tmp_path)], env={"COLUMNS": "250"})
        assert done.exit_code == ends, done.output
        return done

    return run


@pytest.fixture
def service(tmp_path):
    database, park = tmp_path / "state.db", plant(endpoint("desk"))
    file = tmp_path / "keys.sqlite"
    make(file)
    with closing(new_state(database)):
        reader = Reader(database, park)
        made = create_app(
            reader, park, "t", health=Health, metrics=dict, clock=time.time_ns,
            decide=lambda _: None, access=Access(Keys(file), AccessLog(file)),
        )  # fmt: skip
        server = Server(made)
        server.start()
        yield server.url
        server.stop()
        reader.close()


def status(url, key, path="/readyz"):
    return httpx.get(url + path, headers={"X-API-Key": key}).status_code


def test_keys_are_made_changed_and_ended_while_the_service_runs(told, service):
    key = told(
        "keys", "create", "lan", "--role", "operator", "--place", "haiphong", "--expires", "90d"
    ).stdout.strip()
    assert status(service, key) == 200
    assert status(service, key, "/metrics") == 403

    new = told("keys", "rotate", "lan", "--overlap", "0").stdout.strip()
    assert [status(service, one) for one in (key, new)] == [401, 200]

    assert "revoked" in told("keys", "revoke", "lan").stdout
    assert status(service, new) == 401


def test_the_secret_is_shown_once_and_never_listed(told):
    key = told("keys", "create", "lan").stdout.strip()
    secret = key.rpartition("_")[2]
    shown = told("keys", "list").output + told("keys", "list", "--json").output + told("audit").output

    assert secret not in shown
    assert key.split("_")[1] in shown


def test_a_list_says_what_each_key_is(told):
    told("keys", "create", "lan", "--role", "approver", "--place", "hp", "--place", "rh/works")
    told("keys", "create", "shift", "--shared", "--expires", "1d")
    told("keys", "revoke", "shift")

    lines = [" ".join(line.split()[1:]) for line in told("keys", "list").stdout.splitlines()]
    assert any(line.startswith("lan approver hp, rh/works works 20") for line in lines), lines
    assert any(line.startswith("shift (shared) viewer everything revoked 20") for line in lines), lines
    [first, _] = json.loads(told("keys", "list", "--json").stdout)["keys"]
    assert (first["places"], first["expires"], first["shared"]) == (["hp", "rh/works"], None, False)


def test_as_json_the_key_stands_beside_what_it_is(told):
    made = json.loads(told("keys", "create", "lan", "--json").stdout)

    assert made["key"].startswith(f"smk_{made['id']}_")


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (["create", "lan", "--role", "root"], "viewer, operator, approver or admin"),
        (["create", "lan", "--role", "admin", "--place", "hp"], "of everything"),
        (["create", "lan", "--place", "hp/"], "PARK or PARK/FACILITY"),
        (["create", "lan", "--place", "/mill"], "PARK or PARK/FACILITY"),
        (["create", "token"], "take another"),
        (["revoke", "nobody"], "there is no key"),
        (["rotate", "nobody"], "there is no key"),
    ],
)
def test_what_cannot_be_is_said_with_exit_2(told, arguments, why):
    assert why in " ".join(told("keys", *arguments, ends=2).output.replace("│", "").split())


def test_a_state_that_is_not_there_is_not_made(tmp_path):
    done = CliRunner().invoke(app, ["keys", "list", "--state", str(tmp_path / "none")])

    assert (done.exit_code, (tmp_path / "none").exists()) == (2, False)


def test_the_audit_log_is_shown_and_proved(told, tmp_path):
    told("keys", "create", "lan")
    [row] = json.loads(told("audit", "--json").stdout)["rows"]
    assert (row["what"], row["new"], row["origin"]) == (
        "key.created",
        "lan: viewer of everything",
        "command line",
    )
    assert "key.created" in told("audit", "--what", "key.created").stdout

    file = tmp_path / "keys.sqlite"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    with closing(sqlite3.connect(file)) as connection:
        connection.executescript("DROP TRIGGER audit_stays; UPDATE audit SET who = 'nobody'")
    assert "row 1 does not follow" in told("audit", ends=65).output


def cut_off(file, last):
    with closing(sqlite3.connect(file)) as connection:
        connection.executescript(f"DROP TRIGGER audit_is_kept; DELETE FROM audit WHERE id > {last}")


def test_sd03_an_audit_log_whose_end_was_cut_off_is_found_by_its_heads(told, tmp_path):
    for name in ("lan", "minh"):
        told("keys", "create", name)
    head = json.loads(told("audit", "--json").stdout)["head"]
    assert f"head: {head}" in told("audit", "--expect", head).stdout
    cut_off(tmp_path / "keys.sqlite", 1)

    assert "row 2 is not there as it was noted" in told("audit", ends=65).output
    shown = json.loads(told("audit", "--json", ends=65).stdout)
    assert (len(shown["problems"]), len(shown["rows"])) == (1, 1)


def test_sd03_a_head_that_was_kept_elsewhere_proves_more_than_the_directory(told, tmp_path):
    told("keys", "create", "lan")
    head = json.loads(told("audit", "--json").stdout)["head"]
    cut_off(tmp_path / "keys.sqlite", 0)
    (tmp_path / "audit.heads").unlink()
    told("keys", "create", "minh")

    told("audit")  # by itself, the directory knows of nothing
    assert "row 1 is not there as it was noted" in told("audit", "--expect", head, ends=65).output
    assert "NUMBER:HASH" in told("audit", "--expect", "17", ends=2).output


def test_heads_that_are_gone_are_said(told, tmp_path):
    told("keys", "create", "lan")
    (tmp_path / "audit.heads").unlink()

    assert "audit.heads is gone" in told("audit", ends=65).output


def test_a_command_is_told_what_its_key_lacks(told, service):
    key = told("keys", "create", "lan").stdout.strip()
    with Client(service, key) as client, pytest.raises(TokenRefused, match="operator"):
        client.act("alert_1", ActionBody(action="acknowledge"))


def test_the_service_records_its_start_its_end_and_its_configuration(tmp_path):
    make(tmp_path / "keys.sqlite")
    for configuration in ("a", "b"):
        it = ServiceLog(tmp_path / "keys.sqlite")
        it.record("service.started", old=it.last_hash(), new=configuration)

    rows = AccessLog(tmp_path / "keys.sqlite").rows()
    assert [(row.entry.old, row.entry.new) for row in rows] == [("a", "b"), ("", "a")]
