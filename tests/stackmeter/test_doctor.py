"""doctor: each check against the real thing, well and unwell."""

import json
import time
from contextlib import closing

import pytest
from typer.testing import CliRunner

from ingest.mqtt.address import broker
from ingest.mqtt.session import SessionMemory
from ingest.mqtt.subscriber import Subscriber
from plant.documents.problems import ConfigurationError
from stackmeter.cli import app
from stackmeter.doctor import broker_checks, broker_kind, machine_checks, mosquitto_file
from stackmeter.doctor.checkup import Case
from stackmeter.doctor.probe import NotLetIn, NotReached
from stackmeter.settings import load as settings
from store.folder import session_file
from store.messages.journal import Journal, Message
from store.state import State
from tests.broker.production import G1, PARK, WATCHER, Production, configured
from tests.fake_broker import fake_broker
from tests.frame.repository import ROOT
from tests.servers import InfluxDB, Mosquitto, free_port, required, wait_until


@pytest.fixture
def config(tmp_path):
    configured(tmp_path / "config")
    return tmp_path / "config"


def case(config, **given):
    flags = {"config": config, "state": config.parent / "state", **given}
    return Case(settings(None, flags), f"http://127.0.0.1:{free_port()}", "t")


# --- the broker


@pytest.fixture
def production(tmp_path):
    required("openssl")
    with Production(tmp_path / "broker") as made:
        yield made


BROKER_CHECKS = (
    broker_checks.reached,
    broker_checks.limits,
    broker_checks.asks_who,
    broker_checks.nameless_hears_nothing,
    broker_checks.cannot_forge,
    broker_checks.canary,
)


@pytest.mark.parametrize("version", ["3.1.1", "5"])
def test_sm13_the_shipped_broker_is_well_in_every_respect(config, production, version):
    there = case(config, broker=production.url, mqtt_version=version)

    assert [check(there).level for check in BROKER_CHECKS] == ["ok"] * len(BROKER_CHECKS)
    assert broker_kind.kind(there).says.startswith("mosquitto version ")


def test_field_a2_a_session_that_the_broker_lost_is_found(config, tmp_path):
    there = Case(settings(None, {"config": config, "state": tmp_path}), "http://127.0.0.1:1", "t")
    memory = SessionMemory(session_file(tmp_path))
    assert broker_checks.session(there).level == "ok"

    memory.connected("127.0.0.1:1883", "stackmeter", present=False, now=time.time_ns())
    assert broker_checks.session(there).level == "ok"
    memory.connected("127.0.0.1:1883", "stackmeter", present=False, now=time.time_ns())

    found = broker_checks.session(there)
    assert found.level == "fail"
    assert "had no session of ours at" in found.says


def test_a_broker_without_names_is_warned_of_on_this_machine(config):
    with Mosquitto() as open_one:
        there = case(config, broker=open_one.url)

        assert [check(there).level for check in BROKER_CHECKS] == ["ok", "ok", "warn", "warn", "warn", "ok"]


@pytest.mark.parametrize("version", ["3.1.1", "5"])
def test_a_user_with_every_right_is_one_who_could_forge(config, production, version):
    url = f"mqtt://{WATCHER}:{production.passwords[WATCHER]}@127.0.0.1:{production.inner}"
    there = case(config, broker=url, mqtt_version=version)

    assert broker_checks.cannot_forge(there).level == "warn"


def test_a_user_without_rights_gets_no_canary_back(config, production):
    production.passwords["poor"] = production.identities.set_password("poor")
    production.reload()
    there = case(config, broker=f"mqtt://poor:{production.passwords['poor']}@127.0.0.1:{production.inner}")

    assert broker_checks.canary(there).level == "fail"


@pytest.mark.parametrize(("version", "spoken"), [("3.1.1", 4), ("5", 5)])
def test_field_a5_the_doctor_speaks_what_the_service_speaks(config, version, spoken):
    with fake_broker() as server:
        found = broker_checks.reached(case(config, broker=server.url, mqtt_version=version))

        assert (found.level, found.says.endswith(f"over MQTT {version}")) == ("ok", True)
        assert set(server.spoken) == {spoken}


def test_field_a5_a_session_of_the_doctors_does_not_stay_at_the_broker(config):
    """Over MQTT 3.1.1 a session ends only by another one that is not to be kept."""
    with fake_broker() as server:
        broker_checks.reached(case(config, broker=server.url, mqtt_version="3.1.1"))

        assert server.kept == [True, False]


def test_field_a5_a_broker_of_another_version_is_told_as_that_and_not_as_a_wrong_password(config):
    told = "does not speak this version of MQTT: set mqtt_version"
    with fake_broker(connack=0x84) as server, pytest.raises(NotLetIn, match=told):
        broker_checks.reached(case(config, broker=server.url, mqtt_version="5"))
    told = r"does it speak MQTT 5 \(mqtt_version\)"
    with fake_broker(hangs_up=True) as server, pytest.raises(NotLetIn, match=told):
        broker_checks.reached(case(config, broker=server.url, mqtt_version="5"))


def test_field_a5_what_a_broker_says_of_itself_is_told_with_what_it_costs(config):
    with fake_broker(properties={"ReceiveMaximum": 10, "MaximumPacketSize": 1000}) as server:
        found = broker_checks.limits(case(config, broker=server.url, mqtt_version="5"))
        assert (found.level, found.says) == ("ok", "10 messages may be under way to it, of 1000 bytes")
    with fake_broker(properties={"SessionExpiryInterval": 15, "MaximumQoS": 0}) as server:
        found = broker_checks.limits(case(config, broker=server.url, mqtt_version="5"))
        assert found.level == "warn"
        assert "the broker keeps our session for 15 s" in found.says
        assert "QoS 0 only" in found.says


def test_who_is_not_let_in_and_who_is_not_there_are_told_apart(config, production):
    with pytest.raises(NotLetIn):
        broker_checks.reached(case(config, broker=f"mqtt://who:ever@127.0.0.1:{production.inner}"))
    with pytest.raises(NotReached):
        broker_checks.reached(case(config, broker=f"mqtt://127.0.0.1:{free_port()}"))


@pytest.mark.parametrize("version", ["3.1.1", "5"])
def test_what_waits_for_the_service_waits_on_where_each_user_has_one_client_id(config, production, version):
    """On the gateways' port the doctor gets the service's id, and with it its session: it leaves both as they were."""
    url = f"mqtts://stackmeter:{production.passwords['stackmeter']}@localhost:{production.by_password}"
    ca = production.identities.path / "ca.crt"
    came = []
    service = [
        Subscriber(broker(url, client_id="stackmeter", version=version, ca=ca), came.append, print)
        for _ in range(2)
    ]
    production.enroll(G1, certificate=False)
    production.reload()
    service[0].start()
    wait_until(lambda: service[0].ready, "not connected")
    service[0].stop()
    with production.with_password(G1) as gateway:
        gateway.publish(f"sm/v1/{G1}/readings", b"waits")

    given = ["doctor", "--config", str(config), "--broker", url, "--broker-ca", str(ca), "--json"]
    told = json.loads(CliRunner().invoke(app, given).stdout)["checks"]

    [found] = [check for check in told if check["check"] == "broker"]
    assert found["level"] == "warn"
    assert "left its session as it was" in found["says"]
    assert "1883" in found["do"]
    service[1].start()
    wait_until(lambda: [one.message.payload for one in came] == [b"waits"], "it did not wait")
    service[1].stop()


# paho leaves the socket of a failed handshake to the garbage collector.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_a_broker_whose_certificate_nobody_vouches_for_says_how_to_name_its_authority(config, production):
    url = f"mqtts://127.0.0.1:{production.by_password}"
    given = ["doctor", "--config", str(config), "--broker", url, "--json"]

    told = json.loads(CliRunner().invoke(app, given).stdout)["checks"]

    [found] = [check for check in told if check["check"] == "broker"]
    assert found["level"] == "fail"
    assert "--broker-ca" in found["do"]


@pytest.mark.parametrize(
    ("text", "level"),
    [
        ("mosquitto version 2.0.21", "ok"),
        ("mosquitto version 2.0.22", "ok"),
        ("mosquitto version 2.1.0", "ok"),
        ("mosquitto version 3.0.0", "ok"),
        ("mosquitto version 2.0.20", "warn"),
        ("mosquitto version 2.0.11", "warn"),
        ("mosquitto version 2.0.10", "fail"),
        ("mosquitto version 1.6.9", "fail"),
        ("mosquitto version x", "warn"),
    ],
)
def test_sm13_solid_a12_versions_with_known_weaknesses_are_named(text, level):
    assert broker_kind.mosquitto(text).level == level


# --- its configuration file

FILE_CHECKS = (
    broker_checks.file_anonymous,
    broker_checks.file_users,
    broker_checks.file_durable,
    broker_checks.file_limits,
)


def levels(text, folder):
    file = folder / "mosquitto.conf"
    file.write_text(text)
    return [check(mosquitto_file.read(file)).level for check in FILE_CHECKS]


def shipped(folder):
    """Return the production file with its directory in `folder`, where there are users and rights."""
    for name in ("passwords", "acl"):
        (folder / name).write_text("# a comment\nsomething\n")
    return (ROOT / "deploy/mosquitto-tls.conf").read_text().replace("/etc/mosquitto/stackmeter", str(folder))


def test_the_shipped_files_are_what_is_asked_for(tmp_path):
    assert levels(shipped(tmp_path), tmp_path) == ["ok"] * 4
    assert levels((ROOT / "deploy/mosquitto.conf").read_text(), tmp_path)[2:] == ["ok"] * 2


@pytest.mark.parametrize(
    ("old", "new", "number", "level"),
    [
        ("allow_anonymous false", "allow_anonymous true", 0, "fail"),
        ("listener 1883 127.0.0.1", "listener 1883", 0, "fail"),
        ("\nacl_file", "\n# acl_file", 1, "fail"),
        ("persistence true", "persistence false", 2, "fail"),
        ("autosave_interval 1", "autosave_interval 1800", 2, "fail"),
        ("max_queued_messages 1000000000", "max_queued_messages 1000", 2, "fail"),
        ("max_queued_messages 1000000000", "max_queued_messages 0", 2, "ok"),
        ("max_inflight_messages 1000", "# none", 3, "warn"),
        ("max_packet_size 5242880", "# none", 3, "warn"),
        ("max_packet_size 5242880", "max_packet_size 1000", 3, "warn"),
        ("max_packet_size 5242880", "max_packet_size 1048576", 3, "ok"),
        ("check_retain_source true", "check_retain_source false", 3, "warn"),
    ],
)
def test_a_setting_that_loses_messages_or_opens_a_door_is_found(tmp_path, old, new, number, level):
    text = shipped(tmp_path)
    assert old in text

    assert levels(text.replace(old, new, 1), tmp_path)[number] == level


@pytest.mark.parametrize("emptied", ["passwords", "acl"])
@pytest.mark.parametrize("content", ["", "\n\n", "# only a comment\n"])
def test_sm12_an_empty_file_of_users_or_rights_fails(tmp_path, emptied, content):
    text = shipped(tmp_path)
    (tmp_path / emptied).write_text(content)

    assert levels(text, tmp_path)[1] == "fail"


def test_users_and_rights_of_mosquitto_2_1_s_plugins_are_found(tmp_path):
    text = shipped(tmp_path)
    for option in ("password_file", "acl_file"):
        text = text.replace(f"\n{option} ", f"\nplugin /usr/lib/mosquitto_{option}.so\nplugin_opt_{option} ")
    assert levels(text, tmp_path)[1] == "ok"

    (tmp_path / "acl").write_text("")

    assert levels(text, tmp_path)[1] == "fail"


def test_what_a_file_includes_is_read_too(tmp_path):
    more = tmp_path / "more"
    more.mkdir()
    (more / "a.conf").write_text(shipped(tmp_path))

    assert levels(f"include_dir {more}\n", tmp_path) == ["ok"] * 4


# --- everything else


def test_a_configuration_with_a_mistake_fails(config):
    assert machine_checks.configuration(case(config)).level == "ok"
    (config / "park.yaml").write_text(PARK.replace("kWh", "kwhh"))

    with pytest.raises(ConfigurationError):
        machine_checks.configuration(case(config))


def test_a_state_that_others_can_read_fails(config):
    state = config.parent / "state"
    assert machine_checks.permissions(case(config)).level == "warn"
    state.mkdir(mode=0o700)
    (state / "token").write_text("t")
    (state / "token").chmod(0o600)
    assert machine_checks.permissions(case(config)).level == "ok"
    (state / "token").chmod(0o644)

    found = machine_checks.permissions(case(config))

    assert found.level == "fail"
    assert str(state / "token") in found.says


@pytest.mark.parametrize(
    ("free", "total", "level"), [(0.5, 10, "fail"), (2, 10, "warn"), (5, 1000, "warn"), (5, 10, "ok")]
)
def test_a_disk_that_fills_is_told_in_time(free, total, level):
    assert machine_checks.room(int(free * 2**30), total * 2**30, "/").level == level


@pytest.mark.parametrize(("days", "level"), [(2, "fail"), (20, "warn"), (400, "ok")])
def test_a_disk_that_will_be_full_is_told_by_when(days, level):
    found = machine_checks.room(100 * 2**30, 200 * 2**30, "/", 100 * 2**30 / days)
    assert (found.level, f"full in {days} days at the present" in found.says) == (level, True)


def test_the_disk_of_a_state_that_is_not_there_yet_is_looked_at(config):
    assert str(config.parent) in machine_checks.disk(case(config)).says


def messages(number):
    return [Message(time.time_ns(), b"t", b"%d" % k, 0) for k in range(number)]


def test_a_state_that_follows_another_journal_fails(config):
    state = config.parent / "state"
    state.mkdir(mode=0o700)
    there = case(config)
    assert machine_checks.files_belong_together(there).level == "ok"
    with closing(Journal(state / "journal.db")) as journal, closing(State(state / "state.db", there.plant)):
        journal.append(messages(3))
    found = machine_checks.files_belong_together(there)
    assert (found.level, "3 messages behind" in found.says) == ("ok", True)

    (state / "journal.db").unlink()
    for left in state.glob("journal.db-*"):
        left.unlink()
    assert machine_checks.files_belong_together(there).level == "warn"


def test_influx_is_asked_for_its_version_its_clock_and_how_long_it_keeps(config):
    with InfluxDB() as server:
        there = case(config, influx_url=server.url, influx_bucket=server.bucket)
        found = machine_checks.influx(there)
        assert found.level == "ok"
        assert "1.6" in found.says
        assert machine_checks.retention(there).level == "ok"
        server.query(f'ALTER RETENTION POLICY "autogen" ON "{server.bucket}" DURATION 24h SHARD DURATION 1h')

        assert machine_checks.retention(there).level == "fail"


@pytest.mark.parametrize(
    ("date", "skew"),
    [("Tue, 24 Nov 2026 05:00:00 GMT", 0.0), ("Tue, 24 Nov 2026 06:00:00 GMT", 3600.0), (None, None)],
)
def test_a_server_s_clock_is_read_from_its_date(date, skew):
    assert machine_checks.skew_of(date, 1_795_496_400.0) == skew


def test_whether_the_clock_is_kept_is_what_the_kernel_says(config):
    assert machine_checks.clock(case(config)).level in ("ok", "warn")


def test_the_command_tells_what_to_do_and_ends_with_1_where_something_failed(config):
    given = ["doctor", "--config", str(config), "--state", str(config.parent / "state"),
             "--broker", f"mqtt://127.0.0.1:{free_port()}", "--url", f"http://127.0.0.1:{free_port()}"]  # fmt: skip

    table = CliRunner().invoke(app, given, env={"COLUMNS": "200"})
    told = CliRunner().invoke(app, [*given, "--json"])

    assert (table.exit_code, told.exit_code) == (1, 1)
    found = {check["check"]: check for check in json.loads(told.stdout)["checks"]}
    assert found["broker"]["level"] == "fail"
    assert found["broker canary"]["says"] == "cannot be told: the broker is not reached"
    assert found["configuration"]["level"] == "ok"
    assert "see that it runs" in table.stdout


def test_the_command_names_a_mistake_of_the_configuration(config):
    (config / "park.yaml").write_text(PARK.replace("zone: Asia/Ho_Chi_Minh", "zone: Asia/Hanoy"))
    given = ["doctor", "--config", str(config), "--json", "--broker", f"mqtt://127.0.0.1:{free_port()}"]

    told = json.loads(CliRunner().invoke(app, given).stdout)

    assert told["checks"][0]["level"] == "fail"
    assert "park.yaml:" in told["checks"][0]["says"]
