"""Every parser of what others write is bounded in depth: 100,000 levels are one sentence, and stop nothing."""

import base64
import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from api.access.guard import CannotTell
from api.access.oidc import Provider, ProviderTokens
from api.pages import opened
from api.problems import InvalidQuery
from ingest.formats.columns import RawReadings, Refusal
from ingest.formats.decoder import Origin, decoder_of, formats
from ingest.formats.strict import PayloadError
from ingest.sparkplug.payload import parse as parse_sparkplug
from ingest.status import online
from plant.alert_rules.matchers import matcher
from plant.configuration.load import load
from plant.devices.guesses import document_of
from plant.documents.json_text import json_of
from plant.documents.problems import ConfigurationError
from proof.rule_tests import run as run_test
from rules.catalogue import load_catalogue
from simulators.configuration import ConfigurationError as SimulatedConfigurationError
from simulators.configuration import read_configuration
from simulators.mapping import MappingError, read_mapping
from simulators.store import AckError, _find
from stackmeter.client.answers import Unreachable
from stackmeter.client.calls import Client
from store.influx.reader import InfluxReader, QueryFailed
from store.influx.sink import InfluxSink, SinkUnavailable
from tests.semantics.world import CONFIGURATION

DEEP = 100_000
JSON = {
    "open arrays": b"[" * DEEP,
    "arrays": b"[" * DEEP + b"]" * DEEP,
    "objects": b'{"a":' * DEEP + b"1" + b"}" * DEEP,
    "of 1,100": b"[" * 1100,
    "of 900": b"[" * 900 + b"]" * 900,
    "under a key": b'{"online": ' + b"[" * DEEP + b"]" * DEEP + b"}",
    "behind what looks like text": b'["\\"", ' * DEEP,
    "in another encoding": ("[" * DEEP).encode("utf-16"),
}
BINARY = {
    "of MessagePack": b"\x91" * DEEP + b"\x01",
    "of maps of MessagePack": b"\x81\xa1a" * DEEP + b"\x01",
    "of CBOR": b"\x81" * DEEP + b"\x01",
    "of maps of CBOR": b"\xa1\x61a" * DEEP + b"\x01",
    "of tags of CBOR": b"\xc1" * DEEP + b"\x01",
    "of endless arrays of CBOR": b"\x9f" * DEEP,
}
NEEDED = {
    "mapping": {
        "sections": [{"each": ".", "readings": {"a": {"value": "a", "unit": "kWh"}}}],
        "time": "arrival",
    },
    "csv-lines": {"columns": ["channel", "time", "value", "unit"]},
}


@pytest.mark.parametrize("payload", [*JSON.values(), *BINARY.values()], ids=[*JSON, *BINARY])
@pytest.mark.parametrize("name", formats())
def test_solid_a10_a_nest_is_refused_by_every_format(name: str, payload: bytes) -> None:
    raw, refusals = RawReadings(), list[Refusal]()
    envelope = decoder_of(name, NEEDED.get(name, {}))(payload, Origin(0, "gw", 0), raw, refusals)

    assert len(raw) == 0
    assert {one.code.value for one in refusals}.isdisjoint({"decoder"}), refusals[0].detail
    assert refusals or not envelope.decoded or not envelope.count


def test_solid_a10_a_nest_of_jmespaths_results_is_no_number() -> None:
    options = {
        "sections": [{"each": ".", "readings": {"a": {"jmespath": "[[[[@]]]]", "unit": "kWh"}}}],
        "time": "arrival",
    }
    refusals = list[Refusal]()
    decoder_of("mapping", options)(b'{"a": 1}', Origin(0, "gw", 0), RawReadings(), refusals)

    assert [one.code.value for one in refusals] == ["type"]


def nested_templates(levels: int) -> bytes:
    """Return a Sparkplug payload of a metric whose template holds a metric whose template holds …."""
    parts, size = list[bytes](), 0
    for _ in range(levels):
        for tag in (
            b"\x92\x01",
            b"\x12",
        ):  # the template of a metric, a metric of a template or of the payload
            parts.append(tag + varint(size))
            size += len(parts[-1])
    return b"".join(reversed(parts))


def varint(number: int) -> bytes:
    """Return a number as Protocol Buffers write it."""
    found = bytearray()
    while number > 0x7F:
        found.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes([*found, number])


@pytest.mark.parametrize("levels", [9, 30, 60, 1000, DEEP])
def test_solid_a10_nested_templates_are_refused(levels: int) -> None:
    with pytest.raises(PayloadError, match=r"too_deep|schema"):
        parse_sparkplug(nested_templates(levels))


@pytest.mark.parametrize("payload", JSON.values(), ids=JSON)
def test_solid_a10_a_status_that_nests_says_nothing(payload: bytes) -> None:
    assert online(payload) is None
    assert document_of(payload) is None
    with pytest.raises(ValueError, match=r"nested|column"):
        json_of(payload)


def test_solid_a10_what_is_not_deep_is_read(tmp_path: Path) -> None:
    text = "[" * 64 + "]" * 64

    assert json.dumps(json_of(text)) == text
    assert json_of('["' + "[" * DEEP + '"]') == ["[" * DEEP]


# --- what people write into files -------------------------------------------------------------------------------------

YAML = {
    "flow": "parks: " + "[" * DEEP,
    "closed flow": "parks: " + "[" * DEEP + "]" * DEEP,
    "flow of mappings": "parks: " + "{a: " * DEEP,
    "blocks": "- " * DEEP + "a",
    "keys": "? " * DEEP + "a",
    "keys in flow": "parks: " + "[? " * 20_000,
    "indented": "\n".join(" " * level + "a:" for level in range(2000)),
}


@pytest.mark.parametrize("text", YAML.values(), ids=YAML)
def test_solid_a10_a_configuration_that_nests_is_one_problem(tmp_path: Path, text: str) -> None:
    (tmp_path / "plant.yaml").write_text(text)

    with pytest.raises(ConfigurationError) as caught:
        load(tmp_path, load_catalogue(tmp_path), {})
    assert 0 < len(caught.value.problems) < 10


@pytest.mark.parametrize("text", YAML.values(), ids=YAML)
def test_solid_a10_a_rule_test_that_nests_is_one_problem(tmp_path: Path, text: str) -> None:
    file = tmp_path / "test.yaml"
    file.write_text(text)

    with pytest.raises(ConfigurationError):
        run_test(file)


@pytest.mark.parametrize("text", YAML.values(), ids=YAML)
def test_solid_a10_the_simulators_refuse_a_configuration_that_nests(tmp_path: Path, text: str) -> None:
    (tmp_path / "plant.yaml").write_text(text)

    with pytest.raises(SimulatedConfigurationError):
        read_configuration(tmp_path)
    with pytest.raises(MappingError):
        read_mapping(tmp_path / "plant.yaml")


EXPRESSIONS = {
    "parentheses": "(" * 50_000 + "reg" + ")" * 50_000,
    "minus": "-" * 50_000 + "reg",
    "calls": "abs(" * 50_000 + "reg" + ")" * 50_000,
    "sums": "reg + " * 50_000 + "reg",
    "not": "not " * 50_000 + "reg",
    "brackets": "[" * 50_000,
}


@pytest.mark.parametrize("text", EXPRESSIONS.values(), ids=EXPRESSIONS)
def test_solid_a10_formulas_and_conditions_that_nest_are_problems(tmp_path: Path, text: str) -> None:
    plain = (CONFIGURATION / "plant.yaml").read_text()
    site = "        sources:\n"
    made = plain.replace(
        site, f"        virtual:\n          - {{name: v, unit: kWh, formula: {text!r}}}\n{site}"
    )
    made = made.replace(
        "webhooks:\n",
        f"  - {{name: deep, each: channel, expr: {text!r}, severity: warning, summary: x}}\n\nwebhooks:\n",
    )
    (tmp_path / "plant.yaml").write_text(made)
    for other in CONFIGURATION.glob("*"):
        if other.name != "plant.yaml":
            (tmp_path / other.name).write_bytes(other.read_bytes())

    with pytest.raises(ConfigurationError) as caught:
        load(tmp_path, load_catalogue(tmp_path), {"SEMANTICS_SECRET": "whsec_" + "A" * 40})
    assert len(caught.value.problems) >= 2


@pytest.mark.parametrize(
    "text", ["[" * 1000 + "]" * 1000, "!" * 1999 + "a", "(" * 1999, "{a: " * 400, "&" * 1999]
)
def test_solid_a10_a_jmespath_that_nests_is_a_problem(tmp_path: Path, text: str) -> None:
    profile = tmp_path / "profiles" / "deep.yaml"
    profile.parent.mkdir()
    profile.write_text(
        f"time: arrival\nsections:\n  - each: .\n    readings:\n      a: {{jmespath: {json.dumps(text)}, unit: kWh}}\n"
    )
    (tmp_path / "plant.yaml").write_text(
        (CONFIGURATION / "plant.yaml").read_text()
        + (
            "\nsubscriptions:\n  - {topic: 'plants/{gateway}', profile: deep, park: park-a, facility: works}\n"
        )
    )

    with pytest.raises(ConfigurationError) as caught:
        load(tmp_path, load_catalogue(tmp_path), {"SEMANTICS_SECRET": "whsec_" + "A" * 40})
    assert any("JMESPath" in str(one) for one in caught.value.problems)


def test_solid_a10_a_matcher_that_nests_is_none() -> None:
    with pytest.raises(ValueError, match=r"at most|regular"):
        matcher(f'channel=~"{"(" * 100 + ")" * 100}"')


@pytest.mark.parametrize(
    "text", ["port = " + "[" * DEEP, "port = " + "[" * DEEP + "]" * DEEP, "port = " + "{a=" * DEEP]
)
def test_solid_a10_settings_that_nest_are_one_sentence(tmp_path: Path, text: str) -> None:
    (tmp_path / "settings.toml").write_text(text)
    run = subprocess.run(
        [Path(sys.executable).with_name("stackmeter"), "run", "--settings", tmp_path / "settings.toml"],
        capture_output=True, text=True, timeout=110, check=False, env=os.environ,
    )  # fmt: skip

    assert run.returncode == 2, run.stderr
    assert "Traceback" not in run.stderr
    assert len(run.stderr) < 4000


# --- what others answer -----------------------------------------------------------------------------------------------


@contextmanager
def answering(body: bytes, status: int = 200) -> Iterator[str]:
    """Give the address of a server that answers everything with one body."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length", 0)))
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        do_POST = do_GET  # noqa: N815 - as http.server wants it

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


ANSWERS = [JSON["arrays"], JSON["objects"], b'{"results": [' + JSON["arrays"] + b"]}"]


@pytest.mark.parametrize("body", ANSWERS, ids=["arrays", "objects", "under a key"])
def test_solid_a10_an_answer_of_influxdb_that_nests_is_no_answer(body: bytes) -> None:
    with answering(body) as url:
        reader = InfluxReader(url, "", "b")
        with pytest.raises(QueryFailed):
            reader.retention()
        with pytest.raises(QueryFailed):
            reader.emission_sum(0, 10**18)
        reader.close()
    with answering(body, 500) as url, pytest.raises(SinkUnavailable):
        InfluxSink(url, "", "o", "b").write(b"a b=1 1")


@pytest.mark.parametrize("body", ANSWERS, ids=["arrays", "objects", "under a key"])
def test_solid_a10_an_answer_to_a_command_that_nests_is_not_stackmeters(body: bytes) -> None:
    with answering(body) as url, Client(url, "token") as client, pytest.raises(Unreachable):
        client.totals()


@pytest.mark.parametrize("body", ANSWERS, ids=["arrays", "objects", "under a key"])
def test_solid_a10_an_identity_provider_that_nests_cannot_tell(body: bytes) -> None:
    header = base64.urlsafe_b64encode(b'{"alg": "RS256", "kid": "1"}').rstrip(b"=").decode()
    with answering(body) as url:
        tokens = ProviderTokens(Provider(url, "a", "c", "n"))
        with pytest.raises(CannotTell):
            tokens.caller(f"{header}.e30.AA")


@pytest.mark.parametrize("place", [0, 1])
def test_solid_a10_a_token_that_nests_is_not_valid(place: int) -> None:
    parts = [b'{"alg": "RS256", "kid": "1"}', b"{}"]
    parts[place] = b'{"alg": "RS256", "kid": ' + b"[" * 5000 + b"]" * 5000 + b"}"
    token = ".".join(base64.urlsafe_b64encode(part).rstrip(b"=").decode() for part in [*parts, b"x"])
    tokens = ProviderTokens(Provider("http://127.0.0.1:1", "a", "c", "n"))

    if place == 0:
        assert tokens.caller(token) is None
    else:
        with pytest.raises(CannotTell):
            tokens.caller(token)


def test_solid_a10_a_cursor_that_nests_is_none() -> None:
    for deep in (700, DEEP):
        with pytest.raises(InvalidQuery):
            opened(base64.urlsafe_b64encode(b"[" * deep + b"]" * deep).rstrip(b"=").decode(), "s")


@pytest.mark.parametrize("payload", JSON.values(), ids=JSON)
def test_solid_a10_a_simulated_gateway_outlives_an_ack_that_nests(payload: bytes) -> None:
    with pytest.raises(AckError):
        _find(payload, "b")
