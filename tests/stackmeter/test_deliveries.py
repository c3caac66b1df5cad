"""deliveries and replay-webhooks against a real API, and what the service says of its endpoints."""

import json
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from alerts.tables.webhook_acts import Delivery
from alerts.tables.webhooks import EndpointState, WebhookOutbox
from api.app import create_app
from api.health import Health
from api.serve import Server
from plant.configuration.environments import AnySecret
from stackmeter.cli import app
from stackmeter.health import _webhook_families, _webhook_troubles
from stackmeter.settings import Settings
from store.reader import Reader
from tests.notify.state import endpoint, new_state, plant

NOW = 1_795_500_000_000_000_000


@pytest.fixture
def url(tmp_path: Path) -> Iterator[str]:
    """Serve a state with one delivered and one dead event of the endpoint desk."""
    database, told = tmp_path / "state.db", plant(endpoint("desk"))
    with closing(new_state(database)) as line, closing(WebhookOutbox(database)) as outbox:
        line.executemany(
            "INSERT INTO webhook (event_id, endpoint, alert, body, created, due) VALUES (?, 'desk', ?, '{}', ?, 0)",
            [("e1", "a", NOW), ("e2", "b", NOW)],
        )
        outbox.mark_delivered(1, Delivery(1, "desk", "e1", NOW, 204, "", 7))
        outbox.mark_failed(2, NOW, Delivery(2, "desk", "e2", NOW, 503, "HTTP [503]", 8), dead=True)
        reader = Reader(database, told)
        server = Server(
            create_app(
                reader, told, "t", health=Health, metrics=dict, clock=lambda: NOW,
                decide=lambda _: None, outbox=lambda: WebhookOutbox(database),
            ),
            "127.0.0.1", 0,
        )  # fmt: skip
        server.start()
        yield server.url
        server.stop()
        reader.close()


def told(*arguments: str) -> Result:
    return CliRunner().invoke(app, [*arguments, "--token", "t"], env={"COLUMNS": "200"})


def test_deliveries_shows_endpoints_and_attempts(url: str):
    result = told("deliveries", "--url", url)

    assert result.exit_code == 0, result.output
    lines = [" ".join(line.split()) for line in result.stdout.splitlines()]
    assert "desk 0 - 1 1 1 HTTP [503]" in lines
    assert any(line.endswith("desk e2 HTTP [503] 8 ms") for line in lines)
    assert any(line.endswith("desk e1 delivered 7 ms") for line in lines)


def test_deliveries_as_json_is_what_the_api_says(url: str):
    found = json.loads(told("deliveries", "--url", url, "--json", "--event", "e2").stdout)

    assert [one["event"] for one in found["deliveries"]] == ["e2"]


def test_the_dead_are_listed_and_replayed(url: str):
    assert "e2" in told("deliveries", "--url", url, "--dead", "--endpoint", "desk").stdout
    assert told("replay-webhooks", "--url", url, "--dead-only").stdout == "1 will be sent again\n"
    assert json.loads(told("deliveries", "--url", url, "--dead", "--json").stdout) == {"dead": []}


def test_a_replay_says_what_is_not_kept_any_more(url: str):
    assert told("replay-webhooks", "--url", url, "--endpoint", "desk").stdout == (
        "2 will be sent again; what was delivered and made before 2026-08-26 13:00 +07 is not kept\n"
    )


def test_what_was_given_up_is_dropped_and_nothing_else(url: str):
    assert told("drop-webhooks", "--url", url, "--endpoint", "desk").stdout == "1 dropped\n"
    assert json.loads(told("deliveries", "--url", url, "--dead", "--json").stdout) == {"dead": []}
    assert told("replay-webhooks", "--url", url, "--event", "e1").stdout == "1 will be sent again\n"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["deliveries", "--endpoint", "dsk"], "did you mean desk?"),
        (["replay-webhooks"], "say which events"),
        (["replay-webhooks", "--since", "yesterday"], "since"),
        (["replay-webhooks", "--event", "e9"], "no such event is kept"),
        (["drop-webhooks"], "say which events"),
        (["drop-webhooks", "--until", "yesterday"], "until"),
    ],
)
def test_what_cannot_be_told_is_said_with_exit_1(url: str, arguments: list[str], said: str):
    result = told(*arguments, "--url", url)

    assert result.exit_code == 1
    assert said in result.stderr


def test_an_event_is_not_for_the_dead_list(url: str):
    assert told("deliveries", "--url", url, "--dead", "--event", "e1").exit_code == 2


def test_readyz_tells_what_was_given_up_and_who_is_disabled():
    well = EndpointState("desk", delivered=3)
    assert list(_webhook_troubles(well)) == []
    assert list(_webhook_troubles(EndpointState("desk", last_error="HTTP 503", dead=2))) == [
        "webhook desk: HTTP 503",
        "webhook desk: 2 given up: stackmeter deliveries --dead shows them",
    ]
    (gone,) = _webhook_troubles(EndpointState("desk", last_error="HTTP 410", disabled=True))
    assert "410" in gone


def test_metrics_count_by_endpoint():
    families = _webhook_families([EndpointState("desk", delivered=3, failed=1, dead=2, disabled=True)])

    assert {name: family.values for name, family in families.items()} == {
        "stackmeter_webhooks_delivered": {("desk",): 3.0},
        "stackmeter_webhooks_failed": {("desk",): 1.0},
        "stackmeter_webhooks_dead": {("desk",): 2.0},
        "stackmeter_webhooks_disabled": {("desk",): 1.0},
    }


def test_bw10_the_doors_of_a_service_are_its_api_its_broker_and_its_influxdb():
    settings = Settings(
        host="127.0.0.1",
        port=8080,
        broker="mqtt://broker.example:1883",
        influx_url="http://influx.example:8086",
    )

    assert settings.doors == [("127.0.0.1", 8080), ("broker.example", 1883), ("influx.example", 8086)]


def test_bw10_a_door_without_a_port_has_the_usual_one():
    settings = Settings(
        host="::", port=8080, broker="mqtts://broker.example", influx_url="https://influx.example"
    )

    assert settings.doors == [("::", 8080), ("broker.example", 8883), ("influx.example", 443)]


def test_a_tool_without_secrets_gives_each_endpoint_another():
    found = AnySecret()

    assert found["A"] != found["B"] == AnySecret()["B"]
