"""Every setting of the service, declared once: flag over environment (`STACKMETER_…`) over file over default."""

from pathlib import Path
from typing import Literal, Self
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, field_validator, model_validator
from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    TomlConfigSettingsSource,
)


class Settings(BaseSettings):
    """Read once, by the command line."""

    model_config = SettingsConfigDict(env_prefix="STACKMETER_", extra="forbid", toml_file=None)

    config: Path = Field(Path("config"), description="Directory with the configuration of the parks.")
    state: Path = Field(Path("state"), description="Directory for journal, state and token; made if missing.")
    broker: str = Field(
        "mqtt://127.0.0.1:1883", description="MQTT broker: mqtt://[user:password@]host[:port] or mqtts://…."
    )
    broker_ca: Path | None = Field(
        None, description="Certificates that an mqtts broker's is checked by; the system's without."
    )
    mqtt_version: Literal["3.1.1", "5"] = Field(
        "3.1.1", description="MQTT version to speak; 3.1.1 takes less time per message."
    )
    client_id: str = Field("stackmeter", description="MQTT client id: one for each service at one broker.")
    sparkplug_host: str = Field(
        "stackmeter",
        pattern=r"^[^/+#\s]{1,200}$",
        description="Host id in the Sparkplug topic STATE, where a subscription has the format sparkplug.",
    )
    host: str = Field("127.0.0.1", description="Address the API listens on.")
    port: int = Field(8080, ge=0, le=65535, description="Port the API listens on; 0 takes a free one.")
    token: SecretStr | None = Field(
        None, description="Bearer token of the API; made and kept in the state directory if not given."
    )
    influx_url: str | None = Field(
        None, description="InfluxDB to project to, such as http://127.0.0.1:8086; none without."
    )
    influx_token: SecretStr = Field(SecretStr(""), description="InfluxDB API token.")
    influx_org: str = Field("stackmeter", description="InfluxDB organisation.")
    influx_bucket: str = Field("stackmeter", description="InfluxDB bucket.")
    public_url: str = Field("", description="Where the receivers of webhooks find the API, for links.")
    allowed_hosts: str = Field(
        "",
        description="Host names under which the API is asked, separated by commas, beside public_url, literal addresses,"
        " localhost and names without a dot; *.example.com and * are allowed.",
    )
    rate_limit: int = Field(
        500,
        ge=1,
        le=100_000,
        description="Requests a second that one key, and one address, may make; more get 429.",
    )
    max_connections: int = Field(
        800,
        ge=10,
        le=900,
        description="Connections that the API holds at once; of one more, the idlest is ended.",
    )
    oidc_issuer: str | None = Field(
        None, description="Identity provider whose tokens are taken beside keys, as its tokens' `iss` says."
    )
    oidc_audience: str = Field("", description="Whom its tokens must be for, as their `aud` says.")
    oidc_claim: str = Field("stackmeter", description="Claim of its tokens that says role and places.")
    oidc_name: str = Field("sub", description="Claim of its tokens that names the person for ever.")
    log_level: Literal["debug", "info", "warning", "error"] = Field(
        "info", description="Least severe log lines to print."
    )

    @field_validator("influx_url")
    @classmethod
    def _is_http(cls, url: str | None) -> str | None:
        if url is not None and (urlsplit(url).scheme not in {"http", "https"} or not urlsplit(url).hostname):
            raise ValueError("expected http://host:port or https://host:port")
        return url

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


def load(file: Path | None, flags: dict[str, object]) -> Settings:
    """Return the settings; `flags` that are None were not given. Raises pydantic.ValidationError."""

    class FromFile(Settings):
        model_config = SettingsConfigDict(toml_file=file)

    return FromFile(**{name: value for name, value in flags.items() if value is not None})  # type: ignore[arg-type]
