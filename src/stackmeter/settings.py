"""Every setting of the service, declared once: flag over environment (`STACKMETER_…`) over file over default."""

import logging
import os
import re
import tomllib
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Annotated, Literal, Self
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, ValidationError, field_validator, model_validator
from pydantic_core import ErrorDetails
from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    TomlConfigSettingsSource,
)

from plant.documents.files import decode, read_bytes
from plant.documents.problems import ConfigurationError, Problem
from plant.documents.urls import addresses, checked_url
from plant.documents.wording import in_words
from plant.networks import named_networks

PREFIX = "STACKMETER_"
LARGEST_FILE = 1 << 20  # [bytes]
SECRETS = {"token", "influx_token", "broker", "influx_url", "log"}  # never shown; URLs may hold passwords
USUAL_PORTS = {"mqtt": 1883, "mqtts": 8883, "http": 80, "https": 443, "nats": 4222, "tls": 4222}
NEAR = 0.75  # how like a setting's a variable's name must be to be taken for a slip of it


log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class CommandFlag:
    """A setting's flag, where it is not called as the setting is, and what stands for a default that is nothing."""

    name: str = ""
    default: str = ""


class Settings(BaseSettings):
    """Read once, by the command line; a field's description is what `stackmeter run --help` says of it."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, extra="forbid", toml_file=None)

    config: Path = Field(Path("config"), description="Directory with the configuration.")
    state: Path = Field(Path("state"), description="Directory for journal, state and token.")
    broker: str = Field(
        "mqtt://127.0.0.1:1883",
        description="MQTT broker, mqtt://host:port; of a cluster several, separated by commas.",
    )
    mqtt_version: Literal["3.1.1", "5"] = Field("3.1.1", description="MQTT version, 3.1.1 or 5.")
    broker_ca: Annotated[Path | None, CommandFlag(default="the system's")] = Field(
        None, description="Certificates that an mqtts broker's is checked by."
    )
    client_id: str = Field("stackmeter", description="MQTT client id.")  # one for each service at one broker
    park_topics: Literal["all", "own"] = Field(
        "all", description="Whose topics are heard: all, or those of the own parks, where it is a shard."
    )
    shards_file: Annotated[Path | None, CommandFlag(default="none")] = Field(
        None, description="File of shards: tell of strays, the gateways whose park none of them has."
    )
    archive: Annotated[str, CommandFlag(default="none")] = Field(
        "", description="Archive of final months: a folder that is there, or a URL."
    )
    log: Annotated[str, CommandFlag(default="none")] = Field(
        "",
        description="Replicated log (NATS JetStream) of the journal, nats://host:port of each server, separated by commas.",
    )
    log_monitors: Annotated[str, CommandFlag(default="port 8222 of each")] = Field(
        "",
        description="Where the log's servers say how they write, http://host:port of each, separated by commas.",
    )
    log_replicas: int = Field(3, ge=1, le=5, description="Copies that the log keeps.")
    shard: str = Field("main", pattern=r"^[A-Za-z0-9_-]{1,60}$", description="Our name in the log.")
    influx_url: Annotated[str | None, CommandFlag("--influx", default="none")] = Field(
        None, description="InfluxDB to project to."
    )
    influx_token: SecretStr = Field(
        SecretStr(""), description="InfluxDB token; better given as STACKMETER_INFLUX_TOKEN."
    )
    influx_org: str = Field("stackmeter", description="InfluxDB organisation.")
    influx_bucket: str = Field("stackmeter", description="InfluxDB bucket.")
    sparkplug_host: str = Field(
        "stackmeter", pattern=r"^[^/+#\s]{1,200}$", description="Host id in Sparkplug's STATE."
    )
    host: str = Field("127.0.0.1", description="Address the API listens on.")
    port: int = Field(8080, ge=0, le=65535, description="Port the API listens on; 0 takes a free one.")
    token: SecretStr | None = Field(None, description="API token; better given as STACKMETER_TOKEN.")
    public_url: str = Field("", description="Where receivers of webhooks find the API.")
    # Beside `public_url`, literal addresses, localhost and names without a dot; *.example.com is allowed, too.
    allowed_hosts: str = Field(
        "", description="Further host names of the API, separated by commas; * for any."
    )
    trusted_proxies: str = Field(
        "", description="Reverse proxies whose X-Forwarded-For is believed, separated by commas."
    )
    rate_limit: int = Field(
        500, ge=1, le=100_000, description="Requests a second of one key and of one address."
    )
    max_connections: int = Field(800, ge=10, le=900, description="Connections the API holds at once.")
    oidc_issuer: Annotated[str | None, CommandFlag(default="none")] = Field(
        None, description="Identity provider whose tokens are taken."
    )
    oidc_audience: str = Field("", description="Whom its tokens must be for.")
    oidc_claim: str = Field("stackmeter", min_length=1, description="Claim with role and places.")
    oidc_name: str = Field("sub", min_length=1, description="Claim with the name.")
    log_level: Literal["debug", "info", "warning", "error"] = Field(
        "info", description="debug, info, warning or error."
    )

    @property
    def doors(self) -> list[tuple[str, int]]:
        """Host and port on which we and what we write to listen: nobody there takes a webhook."""
        urls = [urlsplit(url) for url in (*self.brokers, self.influx_url, *self.log_servers) if url]
        given = [(url.hostname, url.port or USUAL_PORTS[url.scheme]) for url in urls]
        return [(self.host, self.port), *((host, port) for host, port in given if host)]

    @property
    def brokers(self) -> list[str]:
        """The broker's addresses."""
        return addresses(self.broker)

    @property
    def log_servers(self) -> list[str]:
        """The log's servers, nats://host:port of each; none where there is no log."""
        return addresses(self.log) if self.log else []

    @property
    def log_monitoring(self) -> list[str]:
        """Where each of them says how it writes, http://host:port."""
        hosts = [urlsplit(server).hostname or "" for server in self.log_servers]
        usual = [f"http://{f'[{host}]' if ':' in host else host}:8222" for host in hosts]
        return [url.rstrip("/") for url in addresses(self.log_monitors)] if self.log_monitors else usual

    @field_validator("log")
    @classmethod
    def _are_nats(cls, urls: str) -> str:
        for url in addresses(urls) if urls else ():
            checked_url(url, ("nats", "tls"), path=False)
        return urls

    @field_validator("log_monitors")
    @classmethod
    def _are_http(cls, urls: str) -> str:
        for url in addresses(urls) if urls else ():
            checked_url(url, ("http", "https"), path=False)
        return urls

    @field_validator("influx_url")
    @classmethod
    def _is_http(cls, url: str | None) -> str | None:
        if url is not None:
            checked_url(url, ("http", "https"))
        return url

    @field_validator("public_url")
    @classmethod
    def _is_http_or_none(cls, url: str) -> str:
        return str(cls._is_http(url)) if url else url

    @field_validator("broker")
    @classmethod
    def _is_mqtt(cls, url: str) -> str:
        schemes = {checked_url(one, ("mqtt", "mqtts"), path=False).scheme for one in addresses(url)}
        if len(schemes) > 1:
            raise ValueError("expected mqtt:// or mqtts:// for all addresses of the broker, not both")
        return url

    @field_validator("client_id", "host")
    @classmethod
    def _is_plain(cls, text: str) -> str:
        if not re.fullmatch(r"[!-~]{1,200}", text):
            raise ValueError("expected 1 to 200 printable ASCII characters without spaces")
        return text

    @field_validator("influx_org", "influx_bucket")
    @classmethod
    def _is_a_name(cls, text: str) -> str:
        if not text.strip() or not text.isprintable() or len(text) > 200:
            raise ValueError("expected 1 to 200 printable characters")
        return text

    @field_validator("token", "influx_token")
    @classmethod
    def _fits_a_header(cls, secret: SecretStr | None) -> SecretStr | None:
        text = secret.get_secret_value() if secret else ""
        if not (text.isascii() and text.isprintable()) or " " in text:
            raise ValueError("it must be printable ASCII without spaces, for it travels in a header")
        return secret

    @field_validator("trusted_proxies")
    @classmethod
    def _are_networks(cls, named: str) -> str:
        named_networks(named)
        return named

    @model_validator(mode="after")
    def _is_a_client_of_its_own(self) -> Self:
        if self.park_topics == "own" and self.client_id == Settings.model_fields["client_id"].default:
            raise ValueError(
                "park_topics own needs a client_id of its own, stackmeter-NAME with the shard's name: two services with one"
                " client id take the session from each other"
            )
        return self

    @model_validator(mode="after")
    def _names_an_audience(self) -> Self:
        if self.oidc_issuer is not None and not self.oidc_audience:
            raise ValueError("oidc_issuer needs oidc_audience: tokens for others would be taken")
        return self

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003 - the signature is pydantic's
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003 - the signature is pydantic's
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Put flags before environment before file."""
        return init_settings, env_settings, TomlConfigSettingsSource(settings_cls)


# Beside the settings: a crash point of the tests, how long a lease stands still in them, and what the tests' own runs are told.
KNOWN = [
    *(f"{PREFIX}{name.upper()}" for name in Settings.model_fields),
    *(f"{PREFIX}{name}" for name in ("CRASH", "LEASE_S", "FORBID_SKIPS", "REAL_DATA")),
]


def load(file: Path | None, flags: dict[str, object]) -> Settings:
    """Return the settings; `flags` that are None were not given.

    Raises
    ------
    ConfigurationError
        With every mistake, and where it was made: on the command line, in the environment or in the file.
    """
    given = {name: value for name, value in flags.items() if value is not None}
    lines = _lines(file)
    problems = [_misspelt(name, meant) for name, meant in misspelt(os.environ)]

    class FromFile(Settings):
        model_config = SettingsConfigDict(toml_file=file)

    try:
        settings = FromFile(**given)  # type: ignore[arg-type]
    except ValidationError as error:
        problems += [_problem(mistake, given, file, lines) for mistake in error.errors(include_url=False)]
    if problems:
        raise ConfigurationError(problems)
    return settings


def load_file(file: Path) -> Settings:
    """Return the settings of a service that runs elsewhere, as its file says them: our environment is not its own.

    Raises
    ------
    ConfigurationError
        With every mistake of the file.
    """
    lines = _lines(file)
    defaults = {name: field.default for name, field in Settings.model_fields.items()}
    given = {**defaults, **tomllib.loads(decode(file, read_bytes(file, LARGEST_FILE)))}
    try:
        return Settings(**given)
    except ValidationError as error:
        mistakes = error.errors(include_url=False)
        raise ConfigurationError([_problem(one, (), file, lines, ()) for one in mistakes]) from error


def misspelt(environment: Iterable[str]) -> list[tuple[str, str]]:
    """Return the variables that are nearly a setting's, each with the one that was probably meant."""
    ours = [name for name in environment if _is_ours(name) and name.upper() not in KNOWN]
    nearest = ((name, get_close_matches(name.upper(), KNOWN, n=1, cutoff=NEAR)) for name in ours)
    return [(name, meant[0]) for name, meant in nearest if meant]


def tell_of_unknown(environment: Iterable[str], read: Collection[str]) -> None:
    """Say in the log which variables look like settings and are none, nor were read, as a secret that the configuration names is."""
    for name in sorted(environment):
        if _is_ours(name) and name.upper() not in KNOWN and name not in read:
            log.warning(
                "%s in the environment is no setting, and nothing reads it: `stackmeter run --help` lists them",
                name,
            )


def variable(name: str) -> str:
    """Return the environment variable of a setting."""
    return f"{PREFIX}{name.upper()}"


def flag_of(name: str) -> CommandFlag:
    """Return the flag of a setting, and its default as help shows it, "" where there is none."""
    field = Settings.model_fields[name]
    given = next((one for one in field.metadata if isinstance(one, CommandFlag)), CommandFlag())
    default = field.default.get_secret_value() if isinstance(field.default, SecretStr) else field.default
    return CommandFlag(
        given.name or f"--{name.replace('_', '-')}",
        given.default or ("" if default is None else str(default)),
    )


def _is_ours(name: str) -> bool:
    return name.upper().startswith(PREFIX)


def _misspelt(name: str, meant: str) -> Problem:
    return Problem("environment", 0, name, f"there is no such setting (did you mean {meant}?)")


def _lines(file: Path | None) -> dict[str, int]:
    """Return the line of each key of a settings file, which is flat; raise ConfigurationError where it is no TOML."""
    if file is None:
        return {}
    text = decode(file, read_bytes(file, LARGEST_FILE))
    try:
        tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        where = re.search(r" \(at line ([0-9]+).*\)$", str(error))
        what = (
            f"is no TOML: {str(error)[: where.start()] if where else error}; write lines such as port = 8080"
        )
        raise ConfigurationError.of(file, int(where[1]) if where else 0, what) from None
    except RecursionError:
        what = "nests beyond measure; write lines such as port = 8080"
        raise ConfigurationError.of(file, 0, what) from None
    keys = re.finditer(r'^\s*\[{0,2}\s*"?([A-Za-z0-9_-]+)"?\s*[=.\]]', text, re.MULTILINE)
    return {found[1]: text.count("\n", 0, found.start(1)) + 1 for found in keys}


def _problem(
    mistake: ErrorDetails,
    flags: Collection[str],
    file: Path | None,
    lines: Mapping[str, int],
    environment: Collection[str] = os.environ,
) -> Problem:
    """Return a mistake where it was made, and what is wrong, without what is secret."""
    path = mistake["loc"]
    name = str(path[0]) if path else ""
    what = in_words(mistake, Settings, path, secret=name in SECRETS)
    if name in flags:
        return Problem("command line", 0, flag_of(name).name, what)
    if variable(name) in {one.upper() for one in environment}:
        return Problem("environment", 0, variable(name), what)
    return Problem(str(file or "settings"), lines.get(name, 0), name, what)
