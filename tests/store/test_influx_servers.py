"""The servers that other tests stand on keep their word themselves."""

import subprocess
import sys
import threading
from pathlib import Path

import httpx
import paho.mqtt.client as paho
import pytest
from paho.mqtt.enums import CallbackAPIVersion

from tests.servers import RESET, Answer, InfluxDB, Mosquitto, WebhookReceiver, free_port, paused, required

ROOT = Path(__file__).parents[2]


def _client(broker: Mosquitto, name: str) -> paho.Client:
    client = paho.Client(CallbackAPIVersion.VERSION2, client_id=name, clean_session=False)
    connected = threading.Event()
    client.on_connect = lambda *_: connected.set()
    client.connect("127.0.0.1", broker.port)
    client.loop_start()
    assert connected.wait(10)
    return client


def _end(client: paho.Client) -> None:
    client.disconnect()
    client.loop_stop()


def test_mosquitto_keeps_a_queue_over_a_sigkill(mosquitto: Mosquitto) -> None:
    """What was acknowledged more than the second of autosave ago comes after the kill."""
    subscriber = _client(mosquitto, "subscriber")
    subscribed = threading.Event()
    subscriber.on_subscribe = lambda *_: subscribed.set()
    subscriber.subscribe("a", qos=1)
    assert subscribed.wait(10)
    _end(subscriber)
    publisher = _client(mosquitto, "publisher")
    for n in range(50):
        publisher.publish("a", str(n), qos=1).wait_for_publish(10)
    _end(publisher)
    threading.Event().wait(2.5)

    mosquitto.kill()
    mosquitto.start()

    got: list[bytes] = []
    all_came = threading.Event()
    again = paho.Client(CallbackAPIVersion.VERSION2, client_id="subscriber", clean_session=False)

    def on_message(_client: paho.Client, _userdata: object, message: paho.MQTTMessage) -> None:
        got.append(bytes(message.payload))
        if len(got) == 50:
            all_came.set()

    again.on_message = on_message
    again.connect("127.0.0.1", mosquitto.port)
    again.loop_start()
    assert all_came.wait(10), len(got)
    _end(again)
    assert [b"%d" % n for n in range(50)] == got


def _write(influx: InfluxDB, line: str, precision: str = "ns") -> httpx.Response:
    params = {"bucket": influx.bucket, "org": influx.org, "precision": precision}
    return httpx.post(f"{influx.url}/api/v2/write", params=params, content=line.encode())


def test_influxdb_takes_a_v2_write_and_keeps_it_over_a_sigkill(influx: InfluxDB) -> None:
    """A 204 survives; in between nginx answers 502."""
    assert _write(influx, "m v=1.5 1700000000000000000").status_code == 204

    influx.kill()
    assert _write(influx, "m v=2.5 1700000000000000001").status_code == 502
    influx.start()

    assert influx.query("SELECT v FROM m")[0]["values"] == [[1700000000000000000, 1.5]]
    assert influx.write_requests() == 2


def test_a_write_in_microseconds_is_not_taken_for_nanoseconds(influx: InfluxDB) -> None:
    """InfluxDB 1.6 does not know `us`; the rewrite translates it."""
    assert _write(influx, "m v=1.0 1700000000000000", "us").status_code == 204

    assert influx.query("SELECT v FROM m")[0]["values"] == [[1700000000000000000, 1.0]]


def test_a_stopped_influxdb_refuses_connections(influx: InfluxDB) -> None:
    influx.stop()

    with pytest.raises(httpx.ConnectError):
        _write(influx, "m v=1.0 1")


def test_a_paused_influxdb_answers_nothing(influx: InfluxDB) -> None:
    with paused(influx.influxd), pytest.raises(httpx.ReadTimeout):
        httpx.get(f"{influx.url}/ping", timeout=0.3)

    assert httpx.get(f"{influx.url}/ping", timeout=10).status_code == 204


def test_the_receiver_answers_its_script_and_then_its_default(webhook_receiver: WebhookReceiver) -> None:
    webhook_receiver.script(500, Answer(429, {"Retry-After": "5"}, b"slow down"), 410)

    answers = [httpx.post(f"{webhook_receiver.url}/hook", content=b"%d" % n) for n in range(4)]

    assert [a.status_code for a in answers] == [500, 429, 410, 204]
    assert (answers[1].headers["Retry-After"], answers[1].content) == ("5", b"slow down")
    assert [(r.body, r.answered) for r in webhook_receiver.wait_for(4)] == [
        (b"0", 500),
        (b"1", 429),
        (b"2", 410),
        (b"3", 204),
    ]


def test_the_receiver_can_cut_the_connection(webhook_receiver: WebhookReceiver) -> None:
    webhook_receiver.script(RESET)

    with pytest.raises(httpx.ReadError):
        httpx.post(webhook_receiver.url, content=b"x")

    assert httpx.post(webhook_receiver.url, content=b"x").status_code == 204


def test_the_receiver_comes_back_on_its_port(webhook_receiver: WebhookReceiver) -> None:
    webhook_receiver.stop()
    with pytest.raises(httpx.ConnectError):
        httpx.post(webhook_receiver.url)
    webhook_receiver.start()

    assert httpx.post(webhook_receiver.url).status_code == 204


def test_a_missing_program_skips_and_fails_in_ci(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CI", "false")
    with pytest.raises(pytest.skip.Exception):
        required("no-such-program")

    monkeypatch.setenv("CI", "true")
    with pytest.raises(pytest.fail.Exception):
        required("no-such-program")


def test_free_ports_lie_below_the_ephemeral_range_and_are_given_once() -> None:
    given = [free_port() for _ in range(100)]

    assert all(12_000 <= port < 32_000 for port in given)
    assert len(set(given)) == 100


def test_a_port_is_given_to_one_process_of_tests_alone() -> None:
    taken = free_port()
    other = subprocess.run(
        [sys.executable, "-c", f"from tests.servers import _claim; _claim({taken})"],
        capture_output=True, text=True, check=False, cwd=ROOT,
    )  # fmt: skip

    assert "BlockingIOError" in other.stderr
