"""A birth that somebody asks for by hand: the command, the API, the real broker and an edge node that hears it."""

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from ingest.sparkplug.payload import parse
from stackmeter.cli import app
from tests.end_to_end.asking import ask
from tests.end_to_end.gateway import RawGateway
from tests.ingest.sparkplug.edge import DOUBLE, bdseq, payload
from tests.servers import Mosquitto, wait_until
from tests.service import TOKEN, Service

CONFIG = Path(__file__).parent.parent / "semantics" / "config"
SUBSCRIPTION = """\
subscriptions:
  - {topic: "spBv1.0/G/#", format: sparkplug, park: park-a, facility: works, gateway: gw, options: {rebirth: REBIRTH}}
"""
PLACE = "park-a/works/gw"


@pytest.fixture
def broker() -> Iterator[Mosquitto]:
    with Mosquitto() as server:
        yield server


@pytest.fixture
def service(tmp_path: Path, broker: Mosquitto, request: pytest.FixtureRequest) -> Iterator[Service]:
    shutil.copytree(CONFIG, tmp_path / "config")
    given = SUBSCRIPTION.replace("REBIRTH", getattr(request, "param", "true"))
    (tmp_path / "config" / "sparkplug.yaml").write_text(given)
    secret = {"SEMANTICS_SECRET": "whsec_" + "A" * 40}
    with Service(tmp_path, tmp_path / "config", broker.url, environment=secret) as one:
        one.start()
        yield one


@pytest.fixture
def node(broker: Mosquitto, service: Service) -> Iterator[RawGateway]:
    """Give an edge node that was born, and hears its commands."""
    power = {"name": "power", "alias": 1, "datatype": DOUBLE, "value": 1.0, "unit": "kW"}
    with RawGateway(broker.port, hear="spBv1.0/G/NCMD/E") as edge:
        edge.send("spBv1.0/G/NBIRTH/E", payload(1_769_000_000_000, 0, bdseq(0), power))
        wait_until(lambda: nodes(service) == ["G/E"], "the birth was not heard")
        yield edge


def nodes(service: Service) -> list[str]:
    gateways = ask(service, "/v1/gateways")["gateways"]
    return next(one["sparkplug_nodes"] for one in gateways if one["gateway"] == "gw")


def rebirth(service: Service, *more: str, place: str = PLACE) -> Any:
    url = f"http://127.0.0.1:{service.port}"
    command = ["gateway", "rebirth", place, "--url", url, *more]
    return CliRunner().invoke(app, command, env={"STACKMETER_TOKEN": TOKEN})


def requests(node: RawGateway) -> list[tuple[str, bool]]:
    """Return the metrics of the commands that came, each with what it is set to."""
    commands = [parse(body) for _, body, _ in list(node.heard)]
    return [(metric.name, bool(metric.value)) for one in commands for metric in one.metrics]


def test_field_b6_a_rebirth_by_hand_reaches_the_edge_node(service: Service, node: RawGateway) -> None:
    before = len(node.heard)
    done = rebirth(service, "--json")

    assert (done.exit_code, json.loads(done.stdout)) == (
        0,
        {"gateway": PLACE, "asked": ["G/E"], "not_asked": []},
    )
    wait_until(lambda: len(node.heard) > before, "no command came")
    assert requests(node)[before:] == [("Node Control/Rebirth", True)]
    assert rebirth(service).stdout == f"{PLACE}: asked for a birth: G/E\n"
    audited = ask(service, "/v1/audit", what="gateway.rebirth")["rows"]
    assert [(one["who"], one["about"], one["new"]) for one in audited] == 2 * [
        ("token", PLACE, "a birth of G/E")
    ]
    wrong = rebirth(service, place="park-a/works/gx")
    assert (wrong.exit_code, wrong.stderr) == (1, f"no gateway park-a/works/gx (did you mean {PLACE}?)\n")
    assert rebirth(service, place="gw").exit_code == 2


def test_field_b6_without_a_broker_the_command_says_so(
    service: Service, node: RawGateway, broker: Mosquitto
) -> None:
    broker.kill()
    wait_until(lambda: service.get("/readyz").status_code == 503, "ready without a broker")
    done = rebirth(service)

    assert (done.exit_code, done.stdout) == (1, "")
    assert done.stderr == "no edge node was asked: the service has no connection to the broker\n"


@pytest.mark.parametrize("service", ["false"], indirect=True)
def test_field_b6_the_nodes_of_another_primary_host_are_left_to_it(
    service: Service, node: RawGateway
) -> None:
    done = rebirth(service)

    assert done.exit_code == 1
    assert "says `rebirth: false`" in done.stderr
    assert requests(node) == []
