"""docker-compose.yml and Dockerfile against each other and against the files that they name.

No container can be started where these tests run, so every name that stands in two places is compared.
"""

import re
import tomllib
from pathlib import PurePosixPath
from typing import Any

import pytest

from tests.frame.repository import ROOT, text, yaml

COMPOSE = yaml("docker-compose.yml")
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
OURS = SERVICES["stackmeter"]
each_service = pytest.mark.parametrize("name", SERVICES)


def flags(command: list[str]) -> dict[str, str]:
    """Return the options of a command line of the form: verb --option value …."""
    return dict(zip(command[1::2], command[2::2], strict=True))


def variables(of: str) -> dict[str, str]:
    """Return the variables that a text interpolates, each with what follows its name."""
    return dict(re.findall(r"\$\{([A-Z_]+)([^}]*)\}", of))


def example() -> dict[str, str]:
    """Return the assignments of .env.example."""
    return dict(re.findall(r"^([A-Z_]+)=(.*)$", text(".env.example"), re.MULTILINE))


def dockerfile(instruction: str) -> list[str]:
    """Return what stands behind an instruction, in order."""
    return re.findall(rf"^{instruction}\s+(.+)$", text("Dockerfile"), re.MULTILINE)


@each_service
def test_an_image_has_a_pinned_tag(name: str) -> None:
    """A stack that worked yesterday is the same stack today."""
    assert re.fullmatch(r"[a-z/-]+:v?\d+\.\d+\.\d+", SERVICES[name]["image"])


@each_service
def test_a_service_is_watched_and_restarted(name: str) -> None:
    service = SERVICES[name]

    assert service["restart"] == "unless-stopped"
    assert service["healthcheck"]["test"][0] == "CMD"


@each_service
def test_a_service_waits_until_what_it_needs_is_healthy(name: str) -> None:
    conditions = {needed["condition"] for needed in SERVICES[name].get("depends_on", {}).values()}

    assert conditions <= {"service_healthy"}


@each_service
def test_a_port_is_published_on_this_machine_unless_told_otherwise(name: str) -> None:
    for port in SERVICES[name]["ports"]:
        assert re.fullmatch(r"(127\.0\.0\.1|\$\{MQTT_BIND:-127\.0\.0\.1\}):(\d+):\2", port)


@each_service
def test_what_is_mounted_exists(name: str) -> None:
    """A folder that is missing would be created empty, by root, without a word."""
    for volume in SERVICES[name]["volumes"]:
        source = volume.split(":")[0]
        assert (ROOT / source).exists() if source.startswith(".") else source in COMPOSE["volumes"]


@each_service
def test_what_comes_from_the_repository_is_mounted_read_only(name: str) -> None:
    ours = [volume for volume in SERVICES[name]["volumes"] if volume.startswith(".")]

    assert all(volume.endswith(":ro") for volume in ours)


def test_every_volume_is_used() -> None:
    used = {volume.split(":")[0] for service in SERVICES.values() for volume in service["volumes"]}

    assert set(COMPOSE["volumes"]) == {name for name in used if not name.startswith(".")}


def test_every_variable_is_explained_in_the_example() -> None:
    assert set(variables(text("docker-compose.yml"))) == set(example())


def test_a_secret_has_no_default() -> None:
    """Compose refuses to start without it, and says where it is explained; the example leaves it empty."""
    used = variables(text("docker-compose.yml"))

    for name, value in example().items():
        if name.endswith(("TOKEN", "PASSWORD")):
            assert (used[name][:2], value) == (":?", ""), name


def test_git_and_docker_leave_the_secrets_alone() -> None:
    allowed = [line for line in text(".dockerignore").splitlines() if line.startswith("!")]

    assert ".env" in text(".gitignore").split()
    assert not [line for line in allowed if "env" in line]


def test_our_settings_come_under_their_documented_names() -> None:
    influx = {f"STACKMETER_INFLUX_{part}" for part in ("URL", "TOKEN", "ORG", "BUCKET")}

    assert set(OURS["environment"]) == {"STACKMETER_TOKEN", *influx}


def test_organisation_and_bucket_are_what_influxdb_makes() -> None:
    made, asked = SERVICES["influxdb"]["environment"], OURS["environment"]

    assert asked["STACKMETER_INFLUX_ORG"] == made["DOCKER_INFLUXDB_INIT_ORG"]
    assert asked["STACKMETER_INFLUX_BUCKET"] == made["DOCKER_INFLUXDB_INIT_BUCKET"]
    assert asked["STACKMETER_INFLUX_TOKEN"] == made["DOCKER_INFLUXDB_INIT_ADMIN_TOKEN"]


def test_the_addresses_are_those_of_the_services() -> None:
    given = flags(OURS["command"])
    listener = re.search(r"^listener (\d+)$", text("deploy/mosquitto.conf"), re.MULTILINE)

    assert listener
    assert given["--broker"] == f"mqtt://mosquitto:{listener[1]}"
    assert given["--influx"] == OURS["environment"]["STACKMETER_INFLUX_URL"] == "http://influxdb:8086"
    assert {"mosquitto", "influxdb"} == set(OURS["depends_on"])


def test_the_port_served_is_the_port_published_checked_and_exposed() -> None:
    port = flags(OURS["command"])["--port"]

    assert OURS["ports"] == [f"127.0.0.1:{port}:{port}"]
    assert f"127.0.0.1:{port}/livez" in OURS["healthcheck"]["test"][-1]
    assert dockerfile("EXPOSE") == [port]


def test_configuration_and_state_are_where_the_command_looks() -> None:
    given = flags(OURS["command"])
    mounted = {volume.split(":")[1]: volume.split(":")[0] for volume in OURS["volumes"]}

    assert mounted[given["--config"]] == "./config/haiphong"
    assert mounted[given["--state"]] in COMPOSE["volumes"]


def test_the_service_is_nobody_and_can_write_its_state_only() -> None:
    user = OURS["user"]

    assert dockerfile("USER") == [user]
    assert f"install -d -o {user.split(':')[0]}" in text("Dockerfile")
    assert (user, OURS["read_only"], OURS["cap_drop"]) == ("10001:10001", True, ["ALL"])


def test_the_image_is_the_version_of_the_project() -> None:
    version = tomllib.loads(text("pyproject.toml"))["project"]["version"]

    assert OURS["image"] == f"stackmeter:{version}"
    assert f'image.version="{version}"' in text("Dockerfile")


def test_the_image_is_built_in_two_stages_on_one_python() -> None:
    """The environment that the first stage makes points to the interpreter of the second."""
    images = [image.split()[0] for image in dockerfile("FROM")]

    assert images == ["python:3.13-slim"] * 2


def test_the_image_is_built_with_the_uv_that_scripts_setup_takes() -> None:
    lowest, below = re.search(r"'uv>=([\d.]+),<([\d.]+)'", text("scripts/setup")).groups()
    pinned = re.search(r"uv==([\d.]+)", text("Dockerfile"))[1]

    assert numbers(lowest) <= numbers(pinned) < numbers(below)


def numbers(version: str) -> list[int]:
    return [int(part) for part in version.split(".")]


def test_what_the_wheel_is_made_of_enters_the_build() -> None:
    project = tomllib.loads(text("pyproject.toml"))
    packages = project["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"]
    needed = {PurePosixPath(package).parts[0] for package in packages}
    needed |= {
        "pyproject.toml",
        "uv.lock",
        project["project"]["readme"],
        *project["project"]["license-files"],
        "config/haiphong",  # the example inside src/stackmeter is a link to it
    }
    allowed = {line[1:] for line in text(".dockerignore").splitlines() if line.startswith("!")}

    assert needed == allowed


def grafana_sources() -> dict[str, dict[str, Any]]:
    """Return the data sources that are provisioned, by uid."""
    return {
        one["uid"]: one for one in yaml("grafana/provisioning/datasources/stackmeter.yaml")["datasources"]
    }


def test_grafana_finds_influxdb_the_api_and_the_dashboards() -> None:
    sources = grafana_sources()
    (provider,) = yaml("grafana/provisioning/dashboards/stackmeter.yaml")["providers"]
    grafana = SERVICES["grafana"]
    mounted = {volume.split(":")[1]: volume.split(":")[0] for volume in grafana["volumes"]}
    api = f"http://stackmeter:{flags(OURS['command'])['--port']}"

    influx = sources.pop("stackmeter-influxdb")
    assert influx["url"] == OURS["environment"]["STACKMETER_INFLUX_URL"]
    assert influx["jsonData"]["dbName"] == OURS["environment"]["STACKMETER_INFLUX_BUCKET"]
    assert sources.pop("stackmeter-prometheus")["url"] == "http://prometheus:9090"
    assert {one["url"] for one in sources.values()} == {api}
    assert mounted[provider["options"]["path"]] == "./grafana/dashboards"
    assert provider["options"]["foldersFromFilesStructure"]
    assert mounted["/etc/grafana/provisioning"] == "./grafana/provisioning"


def test_grafana_may_ask_the_api_only_and_has_the_plugin_for_it() -> None:
    """The plugin sends no token to a host that is not listed."""
    plugin = SERVICES["grafana"]["environment"]["GF_PLUGINS_PREINSTALL_SYNC"]
    kinds = [one for one in grafana_sources().values() if one["type"] == "yesoreyeram-infinity-datasource"]

    assert re.fullmatch(r"yesoreyeram-infinity-datasource@\d+\.\d+\.\d+", plugin)
    assert all(one["jsonData"]["allowedHosts"] == [one["url"]] for one in kinds)
    assert all(one["jsonData"]["auth_method"] == "bearerToken" for one in kinds)


def test_grafana_is_given_the_tokens_that_its_data_sources_send() -> None:
    secrets = {
        uid: one["secureJsonData"] for uid, one in grafana_sources().items() if "secureJsonData" in one
    }
    environment = SERVICES["grafana"]["environment"]

    assert secrets == {
        "stackmeter-influxdb": {"httpHeaderValue1": "Token $STACKMETER_INFLUX_TOKEN"},
        "stackmeter-api": {"bearerToken": "$STACKMETER_TOKEN"},
        "stackmeter-readiness": {"bearerToken": "$STACKMETER_TOKEN"},
        "stackmeter-alertmanager": {"httpHeaderValue1": "Bearer $STACKMETER_TOKEN"},
    }
    for name in ("STACKMETER_TOKEN", "STACKMETER_INFLUX_TOKEN"):
        assert environment[name] == OURS["environment"][name]


def test_prometheus_scrapes_the_service_with_the_token_that_it_is_given() -> None:
    (scrape,) = yaml("deploy/prometheus/prometheus.yml")["scrape_configs"]
    (name,) = SERVICES["prometheus"]["secrets"]

    assert scrape["static_configs"] == [{"targets": [f"stackmeter:{flags(OURS['command'])['--port']}"]}]
    assert scrape["authorization"] == {"credentials_file": f"/run/secrets/{name}"}
    assert COMPOSE["secrets"] == {name: {"environment": "STACKMETER_TOKEN"}}
