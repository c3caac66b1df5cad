"""deploy/cluster: its parts against each other, and against those who read them."""

import re
import subprocess
import tomllib
from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
from ruamel.yaml import YAML

from plant.configuration.environments import AnySecret
from plant.configuration.load import load
from plant.shards.shards_file import load_shards
from rules.catalogue import load_catalogue
from stackmeter.settings import PREFIX, Settings
from tests.frame.repository import ROOT, text, yaml
from tests.servers import required

FOLDER = ROOT / "deploy" / "cluster"
KUBERNETES = "1.34"
COMPOSE = yaml("deploy/cluster/docker-compose.yml")
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
MANIFESTS: list[dict[str, Any]] = [
    one for path in sorted((FOLDER / "kubernetes").glob("*.yaml")) for one in YAML(typ="safe").load_all(path)
]
each_manifest = pytest.mark.parametrize(
    "made", MANIFESTS, ids=lambda one: f"{one['kind']} {one['metadata']['name']}"
)
RUN = [one for one in MANIFESTS if one["kind"] in ("StatefulSet", "Deployment")]
each_running = pytest.mark.parametrize("made", RUN, ids=lambda one: str(one["metadata"]["name"]))


def of_kubernetes(kind: str, name: str) -> dict[str, Any]:
    [found] = [one for one in MANIFESTS if (one["kind"], one["metadata"]["name"]) == (kind, name)]
    return found


def container(made: dict[str, Any]) -> dict[str, Any]:
    [one] = made["spec"]["template"]["spec"]["containers"]
    return dict(one)


def in_order(lines: str) -> list[str]:
    return [line for line in lines.splitlines() if line and not line.startswith("#")]


@each_manifest
def test_a_manifest_is_what_kubernetes_takes(made: dict[str, Any]) -> None:
    kubernetes_validate.validate(made, KUBERNETES, strict=True)


@each_running
def test_what_runs_is_probed_bounded_and_kept_from_being_evicted_whole(made: dict[str, Any]) -> None:
    labels = made["spec"]["template"]["metadata"]["labels"]
    budgets = [
        one["spec"]["selector"]["matchLabels"] for one in MANIFESTS if one["kind"] == "PodDisruptionBudget"
    ]

    assert made["spec"]["selector"]["matchLabels"] == labels
    assert labels in budgets
    assert {"livenessProbe", "readinessProbe"} <= container(made).keys()
    assert {"requests", "limits"} <= container(made)["resources"].keys()
    assert re.fullmatch(r"[a-z/-]+:\d+\.\d+\.\d+(-alpine)?", container(made)["image"])


def test_a_worker_that_stands_by_is_alive_and_gets_no_questions() -> None:
    probes = {
        name: one["httpGet"]["path"]
        for name, one in container(of_kubernetes("StatefulSet", "north")).items()
        if name.endswith("Probe")
    }

    assert probes == {"startupProbe": "/livez", "livenessProbe": "/livez", "readinessProbe": "/readyz"}


@pytest.mark.parametrize("name", SERVICES)
def test_a_service_of_compose_is_pinned_watched_and_started_again(name: str) -> None:
    service = SERVICES[name]

    assert re.fullmatch(r"[a-z/-]+:\d+\.\d+\.\d+(-alpine)?", service["image"])
    assert service["restart"] == "unless-stopped"
    assert service["healthcheck"]["test"][0] == "CMD"
    assert all(port.startswith("127.0.0.1:") for port in service.get("ports", []))
    for volume in service["volumes"]:
        source, *_, last = volume.split(":")
        if source.startswith("."):
            assert (FOLDER / source).exists()
            assert last == "ro"
        else:
            assert source in COMPOSE["volumes"]


def test_every_variable_is_explained_in_the_example() -> None:
    used = re.findall(r"\$\{([A-Z_]+)", text("deploy/cluster/docker-compose.yml"))

    assert set(used) == set(re.findall(r"^([A-Z_]+)=$", text("deploy/cluster/.env.example"), re.MULTILINE))


@pytest.mark.parametrize("where", ["compose", "kubernetes"])
def test_a_worker_is_told_what_there_is_to_set(where: str, monkeypatch: pytest.MonkeyPatch) -> None:
    given = (
        SERVICES["worker-1"]["environment"]
        if where == "compose"
        else {
            one["name"]: one.get("value", "x" * 32)
            for one in container(of_kubernetes("StatefulSet", "north"))["env"]
        }
    )
    for name, value in given.items():
        monkeypatch.setenv(name, value if "${" not in value else "x" * 32)
    settings = Settings(config=ROOT / "config" / "haiphong")

    assert {name.removeprefix(PREFIX).lower() for name in given} <= Settings.model_fields.keys()
    assert (len(settings.brokers), len(settings.log_servers), settings.shard) == (3, 3, "north")
    assert (settings.park_topics, settings.client_id) == ("own", "stackmeter-north")


def test_the_front_is_told_of_the_parks_that_the_shard_has(tmp_path: Path) -> None:
    plant = load(ROOT / "config" / "haiphong", load_catalogue(ROOT / "config" / "haiphong"), AnySecret())
    written = of_kubernetes("ConfigMap", "shards")["data"]["shards.yaml"]
    (tmp_path / "shards.yaml").write_text(written)

    for path in (FOLDER / "shards.yaml", tmp_path / "shards.yaml"):
        [shard] = load_shards(path)
        assert list(shard.parks) == [park.name for park in plant.parks]
        assert shard.key_env == "NORTH_KEY"
    assert "NORTH_KEY" in SERVICES["front"]["environment"]


def test_brokers_and_log_are_set_alike_in_both() -> None:
    for name, file in (("rabbitmq", "rabbitmq.conf"), ("nats", "nats.conf")):
        there = of_kubernetes("ConfigMap", name)["data"][file]
        for number in (3, 2, 1):
            there = there.replace(f"{name}-{number - 1}.{name}", f"{name}-{number}")
        assert in_order(there) == in_order(text(f"deploy/cluster/{file}"))


def test_nats_takes_its_configuration_and_it_syncs_always(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SERVER", "nats-1")
    settings = tmp_path / "nats.conf"
    settings.write_text(text("deploy/cluster/nats.conf").replace('"/data"', f'"{tmp_path}"'))
    told = subprocess.run(
        [required("nats-server"), "-t", "-c", settings], capture_output=True, text=True, check=False
    )

    assert told.returncode == 0, told.stderr
    assert "sync_interval: always" in settings.read_text()


def test_nginx_takes_its_configuration(tmp_path: Path) -> None:
    made = re.sub(r"(worker-[12]|front):", "127.0.0.1:", text("deploy/cluster/nginx.conf"))
    settings = tmp_path / "nginx.conf"
    settings.write_text(
        f"pid {tmp_path}/pid; error_log {tmp_path}/log; events {{}} http {{ access_log off; {made} }}"
    )
    told = subprocess.run(
        [required("nginx"), "-t", "-p", tmp_path, "-e", tmp_path / "log", "-c", settings],
        capture_output=True,
        text=True,
        check=False,
    )

    assert told.returncode == 0, told.stderr


def test_the_image_has_the_client_of_the_log() -> None:
    extras = tomllib.loads(text("pyproject.toml"))["project"]["optional-dependencies"]

    assert "cluster" in extras
    assert len(re.findall(r"--extra cluster", text("Dockerfile"))) == 2
