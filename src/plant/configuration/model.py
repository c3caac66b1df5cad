"""The shape of a configuration, as people write it: the models that check it and that become its JSON Schema.

What is measured is in `channel_model`, what emits in `source_model`, the alerts' part in `plant.alert_rules`. Rules that one part
can check by itself stand with it; what needs another part (a channel's gateway, a method's roles) is in `load`.
"""

from collections.abc import Iterator, Mapping
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from pydantic import Field, PlainValidator, StringConstraints, WithJsonSchema

from plant.alert_rules.alert_parts import AlertPart
from plant.alert_rules.routing_model import InhibitPart, MaintenancePart, QuietPart, RotaPart, RoutePart
from plant.alert_rules.standard_model import StandardPart
from plant.catalogue import MethodSpec
from plant.configuration.channel_model import BalancePart, ChannelPart, NamedSwapPart, VirtualPart
from plant.configuration.measure_model import MeasurePart
from plant.configuration.source_model import (
    CertificatePart,
    CleanEnergyPart,
    InstrumentPart,
    ResidualFactorPart,
    SourcePart,
)
from plant.devices.subscriptions import SubscriptionPart
from plant.documents.fields import (
    ChannelName,
    Duration,
    Evidence,
    Fault,
    Name,
    Part,
    Positive,
    Text,
    Url,
    Word,
    Year,
    exactly_one,
)
from plant.indicators.indicator_model import IndicatorsPart
from plant.networks import Network, allowed_networks
from plant.station.feed_model import FeedPart
from plant.symbiosis.exchange_model import ExchangePart
from plant.vocabulary import NS_PER_HOUR, NS_PER_MIN, NS_PER_S

EnvironmentName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$")]
PrivateNetworks = Annotated[
    tuple[Network, ...],
    PlainValidator(allowed_networks),
    WithJsonSchema(
        {
            "anyOf": [{"type": "boolean"}, {"type": "array", "items": {"type": "string"}}],
            "examples": [True, ["10.1.2.0/24"]],
        }
    ),
]


class GatewayPart(Part):
    """A field device that publishes MQTT below `sm/v1/{park}/{facility}/{gateway}`."""

    name: Name
    """Its level of the topic; unique in its facility."""


class CoordinatesPart(Part):
    """A place on the map, WGS 84."""

    lat: Annotated[float, Field(ge=-90, le=90)]
    """Degrees north."""
    lon: Annotated[float, Field(ge=-180, le=180)]
    """Degrees east."""


class TargetPart(Part):
    """What a park is to emit in a calendar year of its clock, all scopes; of the first, the base year, what it emitted."""

    year: Year
    """The calendar year of the park's clock."""
    t: Annotated[float, Field(ge=0)]
    """Tonnes of CO2e."""
    source: Evidence
    """Where the number comes from: the plan, the decision, the inventory of the base year."""
    provisional: bool = False
    """True while the number is not agreed."""


class BudgetPart(Part):
    """What is to be emitted at most in a calendar year of the park's clock, all scopes, location-based."""

    year: Year
    """The calendar year of the park's clock."""
    t: Annotated[float, Field(ge=0)]
    """Tonnes of CO2e."""
    source: Evidence
    """Where the number comes from: the plan or the decision that sets it."""
    provisional: bool = False
    """True while the number is not agreed."""
    months: list[Annotated[float, Field(ge=0, le=1)]] | None = None
    """The shares of the twelve months [1], which add to 1; each day has the same where left out."""

    def faults(self) -> Iterator[Fault]:
        """Yield shares that are not of twelve months, or do not add to 1."""
        if self.months is not None and (len(self.months) != 12 or abs(sum(self.months) - 1) > 1e-6):
            yield "months", "are the shares of twelve months, and add to 1"


class TariffPart(Part):
    """By which tariff a facility's electricity is billed, and by which of its channels."""

    name: Word
    """A tariff of this package, or of a tariff file of this configuration."""
    energy: ChannelName
    """The channel, virtual or not, of what is billed."""
    reactive: ChannelName | None = None
    """The channel of the reactive energy beside it; without it nothing is said of a charge for it."""
    demand_interval: Duration = Field(default="30min", validate_default=True)
    """The time over which power is averaged for a peak: divides an hour."""


class BatteryPart(Part):
    """A battery behind a facility's billed meter."""

    energy: Positive
    """What can be drawn from it when it is full [kWh]."""
    power: Positive
    """The most that it takes or gives, at the meter [kW]."""
    efficiency: Annotated[float, Field(gt=0, le=1)]
    """What is drawn per what was charged [1]."""
    charged: ChannelName | None = None
    """The channel, virtual or not, of the energy that goes in; with `discharged`, or neither."""
    discharged: ChannelName | None = None
    """The channel, virtual or not, of the energy that comes out."""

    def faults(self) -> Iterator[Fault]:
        """Yield a battery of which only one way is counted."""
        if (self.charged is None) != (self.discharged is None):
            key = "charged" if self.charged is None else "discharged"
            yield key, "is given with the other way, or neither: a load without its battery needs both"


class FacilityPart(Part):
    """A company's plant inside a park."""

    name: Name
    """Its level of the topic; unique in its park."""
    title: Text
    """What people call it."""
    gateways: list[GatewayPart] = Field(default_factory=list)
    """Its field devices."""
    channels: list[ChannelPart] = Field(default_factory=list)
    """Its measurement points."""
    points: Text | None = None
    """A CSV file beside this one with more channels: one per line, the columns named like a channel's keys."""
    swaps: list[NamedSwapPart] = Field(default_factory=list)
    """Meter swaps of channels that stand in the point list."""
    virtual: list[VirtualPart] = Field(default_factory=list)
    """Virtual channels: formulas over its channels."""
    balances: list[BalancePart] = Field(default_factory=list)
    """Its main meters against the meters behind them."""
    sources: list[SourcePart] = Field(default_factory=list)
    """What emits."""
    certificates: list[CertificatePart] = Field(default_factory=list)
    """What its purchased electricity is matched with for market-based scope 2."""
    residual_factors: list[ResidualFactorPart] = Field(default_factory=list)
    """What electricity counts, market-based, that no certificate covers; the grid's average where left out."""
    coordinates: CoordinatesPart | None = None
    """Where it is, for maps."""
    budgets: list[BudgetPart] = Field(default_factory=list)
    """What it is to emit at most, by year."""
    measures: list[MeasurePart] = Field(default_factory=list)
    """What it does to emit less."""
    tariff: TariffPart | None = None
    """What its electricity is billed by."""
    battery: BatteryPart | None = None
    """Its battery, which is advised by the prices of its tariff."""
    market: Word | None = None
    """The carbon market in which it has a quota: one of this package, or of a market file of this configuration."""
    instruments: list[InstrumentPart] = Field(default_factory=list)
    """Its allowances, credits, energy certificates and contracts."""
    clean_energy: CleanEnergyPart | None = None
    """By which channels its electricity is clean."""
    standards: list[StandardPart] = Field(default_factory=list)
    """What its stacks and outfalls must keep."""
    indicators: IndicatorsPart | None = None
    """What it is told by beside tonnes: water, waste."""
    feeds: list[FeedPart] = Field(default_factory=list)
    """Files for authorities, of its channels."""


class ParkPart(Part):
    """An industrial park."""

    name: Name
    """Its level of the topic; unique."""
    title: Text
    """What people call it."""
    zone: Text
    """The IANA time zone of its days and months, such as Asia/Ho_Chi_Minh."""
    facilities: list[FacilityPart]
    """The plants in it."""
    balances: list[BalancePart] = Field(default_factory=list)
    """Its main meters against meters of its facilities."""
    exchanges: list[ExchangePart] = Field(default_factory=list)
    """What one of its facilities gives to another, by the meters of both."""
    coordinates: CoordinatesPart | None = None
    """Where it is, for maps."""
    budgets: list[BudgetPart] = Field(default_factory=list)
    """What all its facilities are to emit at most, by year."""
    targets: list[TargetPart] = Field(default_factory=list)
    """Its path to net zero: the base year's tonnes, and the years for which a number is set."""
    measures: list[MeasurePart] = Field(default_factory=list)
    """What it does to emit less, beside what its facilities do."""
    instruments: list[InstrumentPart] = Field(default_factory=list)
    """What it holds itself, beside what its facilities do."""
    indicators: IndicatorsPart | None = None
    """What it is told by beside tonnes: water, waste, the criteria of an eco-park."""
    feeds: list[FeedPart] = Field(default_factory=list)
    """Files for authorities of channels of several of its facilities, each named with its facility."""


class WebhookPart(Part):
    """An endpoint that is told of alerts."""

    name: Name
    """Unique."""
    kind: Literal["webhook", "alertmanager-api", "apprise"] = "webhook"
    """What it speaks: signed webhooks as Standard Webhooks asks, the API of an Alertmanager, or chat and mail by Apprise."""
    url: Url | None = None
    """Where to POST, of an Alertmanager its root; https and a public address unless allow_private is given."""
    url_env: EnvironmentName | None = None
    """Kind apprise: the environment variable that holds the Apprise URL, which has tokens in it."""
    secret_env: EnvironmentName | None = None
    """Kind webhook: the environment variable that holds the secret; one of the three."""
    secret_file: Text | None = None
    """Kind webhook: the file that holds the secret and that only its owner and group may read; one of the three."""
    secret: Text | None = None
    """Kind webhook: the secret itself, in a file that only its owner and group may read: whsec_ and 24 to 64 bytes in base64."""
    previous_secret_env: EnvironmentName | None = None
    """Kind webhook, while receivers change to a new secret: the environment variable that holds the one before, which signs too."""
    previous_secret_file: Text | None = None
    """The same in a file that only its owner and group may read."""
    allow_private: PrivateNetworks = Field(default=False, validate_default=True)
    """True allows http and private addresses, for a receiver on this machine or in the own network; a list only those in its networks: [10.1.2.0/24]."""
    format: Literal["alert", "alertmanager"] = "alert"
    """Kind webhook, the shape of the body: our own, or that of Alertmanager's webhooks, version 4."""
    heartbeat: Annotated[Duration, Field(ge=10 * NS_PER_S, le=NS_PER_HOUR)] | None = None
    """Kind webhook: the time between two signed heartbeats, 10s to 1h, whose absence tells that we are dead; none where left out."""
    language: Literal["vi", "en", "both"] = "both"
    """Kind apprise: the language of its messages; both where left out."""
    zone: Text | None = None
    """Kind apprise: the IANA time zone of whoever reads it, such as Asia/Ho_Chi_Minh; the alert's park's where left out."""

    def faults(self) -> Iterator[Fault]:
        """Yield what the kind forbids or lacks, a doubled secret, and http where it is not allowed."""
        for name, kind in _ONLY_FOR.items():
            if name in self.model_fields_set and self.kind != kind:
                yield name, f"is for kind {kind}, not {self.kind}"
        if self.kind == "webhook":
            yield from exactly_one(self, "secret_env", "secret_file", "secret")
        if self.previous_secret_env is not None and self.previous_secret_file is not None:
            yield "previous_secret_file", "is in one place, and previous_secret_env is given"
        yield from self._faults_of_address()

    def _faults_of_address(self) -> Iterator[Fault]:
        needed, other = ("url_env", "url") if self.kind == "apprise" else ("url", "url_env")
        if getattr(self, needed) is None:
            yield needed, f"is required for kind {self.kind}"
        if other == "url" and self.url is not None:
            yield "url", "holds tokens for kind apprise: name the variable that has it in url_env"
        elif self.url is not None and urlsplit(self.url).scheme != "https" and not self.allow_private:
            yield (
                "url",
                "is not https; say allow_private: true for a receiver on this machine or in the own network",
            )


_ONLY_FOR = {
    "url_env": "apprise",
    "language": "apprise",
    "zone": "apprise",
    "secret_env": "webhook",
    "secret_file": "webhook",
    "secret": "webhook",
    "previous_secret_env": "webhook",
    "previous_secret_file": "webhook",
    "format": "webhook",
    "heartbeat": "webhook",
}


class ClosingPart(Part):
    """What a month must pass to be closed; each can be overruled by a reason, which is kept."""

    coverage: Annotated[float, Field(ge=0, le=1)] = 0.95
    """The least coverage of a park's month [1]."""


class SettingsPart(Part):
    """What holds for the whole service."""

    window: Duration = Field(default="60s", validate_default=True)
    """The length of a window: 60s to 1h, and an hour is a whole number of them."""
    gwp: str = "AR5"
    """The set of global warming potentials."""
    max_late: Duration = Field(default="45d", validate_default=True)
    """How long before its arrival a reading may be of; an older one is quarantined."""
    allowed_lateness: Duration = Field(default="15min", validate_default=True)
    """How long before its arrival a reading may be of without being called late."""
    second_approval_above: Annotated[float, Field(ge=0, le=1)] = 0.05
    """The share of a final month's tonnes above which a change of it needs a second person's approval [1]."""

    record_approval: Literal["other", "self"] = "other"
    """Who may approve a record: another than who entered it, or with `self` the same person too; totals then name the share that nobody checked."""

    closing: ClosingPart = ClosingPart()
    """What a month must pass to be closed."""

    def faults(self) -> Iterator[Fault]:
        """Yield a window that does not fit the hour, and a lateness that is beyond acceptance."""
        if not NS_PER_MIN <= self.window <= NS_PER_HOUR or NS_PER_HOUR % self.window:
            yield "window", "is between 60s and 1h and divides an hour"
        if self.allowed_lateness > self.max_late:
            yield "allowed_lateness", "is not longer than max_late"


def _parameters_of(method: MethodSpec) -> dict[str, Any]:
    """Return what the schema says of a source's parameters once its method is known."""
    known = {one.name: {"description": one.described()} for one in method.parameters}
    required = [one.name for one in method.parameters if one.default is None]
    parameters: dict[str, Any] = {"properties": known, "required": required}
    if not known:
        parameters["maxProperties"] = 0
    return {
        "if": {"properties": {"method": {"const": method.name}}, "required": ["method"]},
        "then": {
            "properties": {
                "method": {"description": method.title},
                "parameters": parameters | {"propertyNames": {"enum": [*known]}},
            }
        },
    }


class Configuration(Part):
    """A Stackmeter configuration; its keys may be spread over several files of one folder."""

    settings: SettingsPart | None = None
    """What holds for the whole service; in one file only."""
    parks: list[ParkPart] = Field(default_factory=list)
    """Industrial parks with their facilities."""
    subscriptions: list[SubscriptionPart] = Field(default_factory=list)
    """MQTT topics of devices that do not speak the native contract; the first that fits a topic takes it."""
    alerts: list[AlertPart] = Field(default_factory=list)
    """Limits and conditions."""
    webhooks: list[WebhookPart] = Field(default_factory=list)
    """Endpoints that are told of alerts."""
    routes: list[RoutePart] = Field(default_factory=list)
    """Who is told of which alert, and when; without routes every webhook is told of each alert alone, at once."""
    inhibit: list[InhibitPart] = Field(default_factory=list)
    """Alerts that are not told while another one explains them."""
    maintenance: list[MaintenancePart] = Field(default_factory=list)
    """Windows in which alerts are expected."""
    quiet: list[QuietPart] = Field(default_factory=list)
    """Hours in which some are not told of what is not critical."""
    rotas: list[RotaPart] = Field(default_factory=list)
    """Who is on call when."""


def json_schema(methods: Mapping[str, MethodSpec] | None = None) -> dict[str, Any]:
    """Return the JSON Schema of a configuration file, for editors; of each method, its parameters with unit and range."""
    schema = Configuration.model_json_schema()
    if methods:
        schema["$defs"]["SourcePart"]["allOf"] = [_parameters_of(one) for one in methods.values()]
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **schema,
        "title": "Stackmeter configuration",
    }
