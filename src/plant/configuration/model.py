"""The shape of a configuration, as people write it: the models that check it and that become its JSON Schema.

Rules that one part can check by itself are here; what needs another part (a channel's gateway, a method's roles) is
in `plant.configuration.load`. Numbers are in the unit of their channel and of its display, before any ratio, unless stated.
"""

from collections.abc import Iterator, Mapping
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from pydantic import Field, PlainValidator, StringConstraints, WithJsonSchema

from plant.alert_rules.alert_parts import AlertPart
from plant.alert_rules.routing_model import InhibitPart, MaintenancePart, QuietPart, RotaPart, RoutePart
from plant.catalogue import MethodSpec
from plant.configuration.parameter_rows import ParameterRows
from plant.devices.subscriptions import SubscriptionPart
from plant.documents.fields import (
    ChannelName,
    Duration,
    Evidence,
    Fault,
    Instant,
    Name,
    Part,
    Positive,
    Share,
    Symbol,
    Text,
    Url,
    Word,
    Year,
    exactly_one,
)
from plant.networks import Network, allowed_networks
from plant.vocabulary import NS_PER_HOUR, NS_PER_MIN, NS_PER_S, Kind

Severity = Literal["info", "warning", "critical"]
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


class SwapPart(Part):
    """A meter swap: the old meter ends and the new one begins at one instant."""

    time: Instant
    """When the new meter took over: RFC 3339 with zone. A reading at that instant is the new meter's."""
    final_old: Annotated[float, Field(ge=0)] | None = None
    """The old meter's last display [channel's unit]; left out where nobody read it, which leaves a gap."""
    first_new: Annotated[float, Field(ge=0)]
    """The new meter's first display [channel's unit]."""
    serial: str = ""
    """The new meter's serial number."""
    ratio: Positive | None = None
    """The new meter's ratio [1]; as before where left out."""
    max_rate: Positive | None = None
    """The new meter's max_rate [channel's unit per hour]; as before where left out."""
    modulus: Positive | None = None
    """The new meter's modulus [channel's unit]; as before where left out."""


class NamedSwapPart(SwapPart):
    """A meter swap of a channel that stands in a point list."""

    channel: ChannelName
    """The channel's name."""


class ChannelPart(Part):
    """One measurement point. The columns of a point list have the same names and rules."""

    name: ChannelName
    """What gateways call it in their messages; unique in its facility."""
    gateway: Name
    """The gateway of this facility that sends it."""
    kind: Annotated[Kind, Field(strict=False)]
    """How readings become amounts: register (counter), rate, interval, level or event."""
    unit: Symbol
    """The unit of its readings. A gas volume needs its reference conditions: Nm3, Nm3@25C, m3@20C, Sm3, scf@60F, scf@68F."""
    quantity: Word
    """What it measures, such as electricity, natural-gas or temperature."""
    min: float | None = None
    """The least value that is possible [unit]; a reading below is quarantined. Where left out, 0 of what cannot be negative:
    energy, volume, mass, flow, concentration, absolute temperature and pressure, counts."""
    max: float | None = None
    """The greatest value that is possible [unit]; a reading above is quarantined. Without it one absurd number is enough
    to spoil a year: `check` names the amounts that have none."""
    signed: bool = False
    """True where such a quantity can be negative all the same, such as the power of a line that also feeds back."""
    max_rate: Positive | None = None
    """Registers: the most it can count in an hour [unit per hour]. Required with modulus."""
    max_gap: Duration | None = None
    """The longest time between readings that is still measured; 1h where left out, for registers 24h."""
    cadence: Annotated[Duration, Field(gt=0)] | None = None
    """How often it is read. Where it is silent for three times as long (2 min at least, max_gap at most), nobody knows its present rate. Where
    left out, the median of its last 20 steps stands for it; give it where readings come only when something changes."""
    modulus: Positive | None = None
    """Registers: the number at which the display returns to 0 [unit]; five digits and one decimal: 100000."""
    period: Duration | None = None
    """Intervals, required: the time that each amount is for; it ends at the reading's time."""
    hold: Literal["last"] | None = None
    """Rates: `last` if a value holds until the next one; straight lines between readings where left out."""
    counter_in_gateway: bool = False
    """Registers: true if the gateway counts (pulses), so that its restart may reset the counter."""
    ratio: Positive = 1.0
    """What the display is multiplied with, such as a transformer ratio [1]."""
    serial: str = ""
    """The meter's serial number."""
    uncertainty: Share | None = None
    """Half-width of the 95 % interval of its amounts, relative: 0.01 for 1 %; unknown where left out, never 0."""
    swaps: list[SwapPart] = Field(default_factory=list)
    """Registers: the swaps of its meter. For a point list, see the facility's swaps."""

    def faults(self) -> Iterator[Fault]:
        """Yield the fields that the kind forbids or lacks, and limits that contradict each other."""
        for name, kind in _ONLY.items():
            if getattr(self, name) and self.kind is not kind:
                yield name, f"is for kind {kind}, not {self.kind}"
        if self.kind is Kind.INTERVAL and not self.period:
            yield "period", "is required for kind interval"
        if self.modulus is not None and self.max_rate is None:
            yield "max_rate", "is required where modulus is set"
        if self.max_gap == 0:
            yield "max_gap", "is longer than 0"
        if self.cadence is not None and self.kind is Kind.EVENT:
            yield "cadence", "is not for kind event, which owes nothing by silence"
        if self.min is not None and self.max is not None and self.min >= self.max:
            yield "min", f"{self.min:g} is not below max {self.max:g}"


_ONLY = {
    "max_rate": Kind.REGISTER,
    "modulus": Kind.REGISTER,
    "counter_in_gateway": Kind.REGISTER,
    "swaps": Kind.REGISTER,
    "period": Kind.INTERVAL,
    "hold": Kind.RATE,
}


class GatewayPart(Part):
    """A field device that publishes MQTT below `sm/v1/{park}/{facility}/{gateway}`."""

    name: Name
    """Its level of the topic; unique in its facility."""


class LoadPart(Part):
    """What tells that a unit runs, and how hard: power, steam or fuel flow."""

    channel: ChannelName
    """A channel of this facility, of kind rate or level."""
    above: Annotated[float, Field(ge=0)] = 0.0
    """The unit runs while the channel's mean over a window is above this [channel's unit], or unknown."""
    maximum: Positive | None = None
    """Part 75: the load of the highest of ten equal load ranges [channel's unit]; one range where left out."""


class OutOfControlPart(Part):
    """A stretch in which a monitor was out of control, such as after a failed test; see 40 CFR 75.24."""

    start: Instant = Field(alias="from")
    """When it began: RFC 3339 with zone."""
    end: Instant | None = Field(default=None, alias="to")
    """When it was over; left out while it lasts."""
    role: str | None = None
    """The role of the monitor, such as flow; all roles of the source where left out."""
    reason: Text
    """What shows it: the failed test, and the one that was passed."""

    def faults(self) -> Iterator[Fault]:
        """Yield a stretch that ends before it begins."""
        if self.end is not None and self.end <= self.start:
            yield "to", "is not after from"


class BiasPart(Part):
    """A bias adjustment factor of the flow monitor, by 40 CFR 75, appendix A, section 7.6."""

    start: Instant = Field(alias="from")
    """From when on it is in force, until the next one is: RFC 3339 with zone."""
    factor: Annotated[float, Field(ge=1)]
    """What a valid hour's flow is multiplied with [1]; 1 where the monitor passed the test of bias."""
    reason: Text
    """What shows it: the relative accuracy test audit."""


class RegulationPart(Part):
    """The rule by which a source's hours count. The live number stays what it is; both are kept."""

    rule: Literal["mrr", "part-75"]
    """Regulation (EU) 2018/2066, articles 44 and 45, or 40 CFR part 75, sections 75.10(d) and 75.31 to 75.37."""
    substitute: dict[str, Annotated[float, Field(ge=0)]] = Field(default_factory=dict)
    """By role, in its unit (an amount: per hour). Part 75, all roles: the maximum potential value; the minimum of what lowers
    the emission, as O2 does and moisture in a wet flow.
    MRR, not the concentration: what stands for a missing hour by a mass or energy balance; without it nothing does."""
    load: LoadPart | None = None
    """What tells when the unit runs; it always does where left out."""
    cadence: Annotated[Duration, Field(gt=0, le=NS_PER_HOUR)] | None = None
    """MRR: the time between readings, so that 80 % of the possible ones are counted; without it, 80 % of the hour is covered."""
    out_of_control: list[OutOfControlPart] = Field(default_factory=list)
    """When monitors were out of control: an hour that such a stretch touches is not valid."""
    bias: list[BiasPart] = Field(default_factory=list)
    """Part 75: the bias adjustment factors of the flow monitor; 1 before the first."""

    def faults(self) -> Iterator[Fault]:
        """Yield what only the other rule has."""
        if self.bias and self.rule != "part-75":
            yield "bias", "is for rule part-75"
        if self.cadence is not None and self.rule != "mrr":
            yield "cadence", "is for rule mrr; part-75 looks at the quadrants of the hour"
        if self.load is not None and self.load.maximum is not None and self.rule != "part-75":
            yield "load", "has a maximum, which is for rule part-75"


class SourcePart(Part):
    """Something that emits."""

    name: Name
    """Unique in its facility."""
    method: str
    """How its emissions are calculated, such as electricity-location or fuel-energy."""
    inputs: dict[str, ChannelName]
    """The channel of this facility in each role of the method: {energy: mdb1/active_energy}."""
    factor: str | None = None
    """The emission factor; required where the method needs one."""
    parameters: dict[str, ParameterRows] = Field(default_factory=dict)
    """The method's parameters, in the units that the method states: {density: 0.84}, or with dates as factors have them:
    {ncv: [{value: 36}, {value: 40, valid_from: 2026-03-01}]}. See docs/factors.md."""
    scope: Literal[1, 2, 3] | None = None
    """The scope of the GHG Protocol; the method's own where left out."""
    category: Word | None = None
    """A name to group sources by, such as process-heat; the method's name where left out."""
    uncertainty: Share | None = None
    """Half-width of the 95 % interval of its activity with its parameters, relative: 0.02 for 2 %. Where left out, its
    channel's if that is the only input and no parameters are given; else unknown."""
    regulation: RegulationPart | None = None
    """Sources whose stack is measured: the rule by which their hours count, beside the live number."""
    since: Instant | None = None
    """When it or its meter was commissioned: RFC 3339 with zone. From then on time without readings is missing; where left out,
    from the beginning of what its first counting reading tells of, and totals of earlier periods say from when they are known."""
    sold_by: Text | None = None
    """Bought energy: the facility, or park/facility, that sells it and whose own emissions hold it already. Sums that
    hold the seller leave the source out."""


class CertificatePart(Part):
    """What conveys the attributes of generation, such as a retired I-REC, for one calendar year's electricity."""

    year: Year
    """The calendar year of the park's clock whose consumption it is claimed for."""
    kind: Literal["certificate", "contract", "supplier"]
    """A certificate, a contract with a generator, or a supplier's rate; used in this order."""
    amount: Positive
    """What it covers at most [MWh]."""
    factor: Annotated[float, Field(ge=0)] = 0.0
    """What it conveys [kg CO2/kWh]; 0 where left out."""
    evidence: Evidence
    """The document that shows it, and where it is kept."""
    retired: Instant | None = None
    """When it was retired, RFC 3339 with zone; required for a certificate, which covers nothing before."""

    def faults(self) -> Iterator[Fault]:
        """Yield a certificate that does not say when it was retired."""
        if self.kind == "certificate" and self.retired is None:
            yield "retired", "is required for kind certificate: it covers nothing before it is retired"


class ResidualFactorPart(Part):
    """The factor of a year's residual mix: what is left of the grid when all claims are taken out."""

    year: Year
    """The calendar year of the park's clock that it holds for."""
    factor: Positive
    """In kg CO2/kWh."""
    evidence: Evidence
    """The document that publishes it."""


class VirtualPart(Part):
    """A virtual channel: a formula over the windows of the facility's channels."""

    name: ChannelName
    """What sources call it; unique among the facility's channels."""
    unit: Symbol
    """The unit that its value is wanted in."""
    expr: Text
    """The formula: main - line_1 - channel("mdb2/active_energy"). See docs/virtual-channels.md."""
    title: Text | None = None
    """What people call it; its name where left out."""


class BalancePart(Part):
    """A main meter and the meters behind it, whose sum should be what it counts."""

    name: Name
    """Unique in its facility, or among its park's own."""
    title: Text | None = None
    """What people call it; its name where left out."""
    main: str
    """The main meter's channel; for a park, as facility/channel."""
    parts: list[str]
    """The channels of the meters behind it; for a park, as facility/channel."""
    tolerance: Annotated[float, Field(gt=0, lt=1)] = 0.05
    """The share of the main meter's amount that may stay unallocated, more or less."""

    def faults(self) -> Iterator[Fault]:
        """Yield a balance of nothing."""
        if not self.parts:
            yield "parts", "names at least one channel"


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


class FacilityPart(Part):
    """A company's plant inside a park."""

    name: Name
    """Its level of the topic; unique in its park."""
    title: Text
    """What people call it."""
    gateways: list[GatewayPart]
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
    coordinates: CoordinatesPart | None = None
    """Where it is, for maps."""
    budgets: list[BudgetPart] = Field(default_factory=list)
    """What all its facilities are to emit at most, by year."""
    targets: list[TargetPart] = Field(default_factory=list)
    """Its path to net zero: the base year's tonnes, and the years for which a number is set."""


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
