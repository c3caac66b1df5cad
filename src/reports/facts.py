"""What a form is filled from: one cut of the ledger, read by whoever has a state. Nothing here is computed."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from zoneinfo import ZoneInfo

from plant.configuration.about import AboutTexts, SourceTexts
from reports.paper import Number, NumberOrigin

T, KG = "tCO2e", "kg"


@dataclass(frozen=True, slots=True)
class ParameterFact:
    """A number that a source gave its method, with its unit."""

    name: str
    value: float | None
    unit: str


@dataclass(frozen=True, slots=True)
class FactorFact:
    """A dated row of a factor that tonnes rest on, with its values [units] and where they stand."""

    row: str
    status: str  # official, provisional or own
    mark: str
    source: str
    values: Mapping[str, tuple[float, str]]  # value and unit, by name


@dataclass(frozen=True, slots=True)
class TotalFact:
    """A total of the cut, as GET /v1/totals has it: of a place, or of its part of one scope. None is unknown."""

    place: str  # park, park/facility or park/facility/source
    period: str
    address: str
    co2e_t: float | None
    co2_kg: float | None
    co2_biogenic_kg: float | None
    ch4_kg: float | None
    n2o_kg: float | None
    coverage: float | None
    shares: Mapping[str, float]  # measured, interpolated, substituted, missing; empty where nothing is due
    revision: int
    scope: int | None = None
    method: str = ""
    activity: float | None = None
    activity_unit: str = ""
    uncertainty: float | None = None  # half-width of the 95 % interval as a share of covered tonnes
    uncertain_share: float | None = None  # of all tonnes, those whose uncertainty is known
    location_t: float | None = None
    market_t: float | None = None
    matched_mwh: float | None = None
    provisional_t: float | None = None
    transfers_t: float | None = None  # sold inside, and left out
    entered_t: float | None = None  # of sources that take in what people enter
    entered_share: float | None = None  # of all tonnes
    self_approved_share: float | None = None  # of all tonnes, those that nobody else checked
    known_from: str = ""
    factors: tuple[FactorFact, ...] = ()
    parameters: tuple[ParameterFact, ...] = ()

    def number(self, name: str, unit: str, digits: int, *, scale: float = 1.0) -> Number:
        """Return one of its fields as a paper has it, `scale` times as much as the API's; names as here."""
        value = getattr(self, name)
        origin = self.origin(API_FIELDS.get(name, name), scale)
        return Number(None if value is None else value * scale, unit, digits, origin)

    def made(self, value: float | None, unit: str, digits: int, made_of: str) -> Number:
        """Return a number that follows from its fields, and how."""
        return Number(value, unit, digits, self.origin(made_of=made_of))

    def origin(self, name: str = "", scale: float = 1.0, made_of: str = "") -> NumberOrigin:
        """Return where a field comes from."""
        return NumberOrigin(
            self.place,
            self.period,
            name,
            scale,
            made_of,
            self.method,
            tuple(one.row for one in self.factors),
            self.coverage,
            self.revision,
            self.address,
            f"stackmeter explain {self.place} --period {self.period}",
        )


# Fields of the API that have another name, or lie deeper.
API_FIELDS = {
    "uncertainty": "uncertainty.share",
    "uncertain_share": "uncertainty.covered_share",
    "location_t": "scope2.location_t",
    "market_t": "scope2.market_t",
    "matched_mwh": "scope2.matched_mwh",
    "transfers_t": "excluded_transfers_t",
    "entered_t": "records.entered_t",
}


@dataclass(frozen=True, slots=True)
class SourceFact:
    """A source in a period: its total, what it is, and where each scheme puts it."""

    name: str  # park/facility/source
    facility: str  # its title
    category: str
    method_title: str
    reference: str
    factor: str
    sold_by: str
    total: TotalFact
    classes: "ClassFact | None"  # None: `classes.yaml` has no row for it
    told: SourceTexts = field(default_factory=SourceTexts)  # what people tell of it


@dataclass(frozen=True, slots=True)
class ClassFact:
    """Where each scheme puts a category; what is unsure is marked `?`, and never shown as if it were official."""

    key: str
    ghg: str  # scope1, scope2, scope3.1 to scope3.15
    iso: str  # category 1 to 6 of ISO 14064-1
    circular38: str  # 1a to 1e, 2a, 2b; "" where the circular has none
    ipcc: str  # "" where no sector of a national inventory is meant
    source: str
    mark: str
    unsure: tuple[str, ...] = ()  # which of the four


@dataclass(frozen=True, slots=True)
class MonthFact:
    """A month of a park in the cut."""

    month: str
    status: str  # open, provisional, final, restated
    total: TotalFact
    closed_by: str = ""
    despite: str = ""
    waiting_t: float | None = None  # would change if what waits were approved


@dataclass(frozen=True, slots=True)
class OpenFact:
    """What keeps the paper from being issued: which kind, of what, and why, as keys of texts."""

    what: str  # month, class
    about: str
    why: tuple[str, ...]  # gates of a month, or not_over, not_closed; no_row of a class


@dataclass(frozen=True, slots=True)
class SavingFact:
    """What a measure saved in a year, as GET /v1/measures has it; None is unknown."""

    name: str
    unit: str  # of the energy
    energy: float | None
    t: float | None  # t CO2e
    is_electricity: bool
    outcome: str  # shown, not_shown, extrapolated or expected
    kwh: float | None = None  # the energy in kWh, None where it is told in no unit of energy
    cost: float | None = None  # before tax; None where no tariff tells it
    currency: str = ""


@dataclass(frozen=True, slots=True)
class ExchangeFact:
    """What a facility sent or received in a year, as GET /v1/exchanges has its side; None is unknown."""

    name: str  # park/exchange
    title: str
    type: str
    is_sent: bool
    partner: str  # park/facility
    unit: str
    amount: float | None


@dataclass(frozen=True, slots=True)
class OwnPowerFact:
    """What of its own generation a facility consumed in a year, as GET /v1/clean-energy has it."""

    place: str  # park/facility
    facility: str  # its title
    year: str
    mwh: float | None  # of the hours that are known; None is unknown
    known_hours: int
    hours: int  # of the year, until now; 0 where nothing says by which channels it generates

    def number(self, digits: int) -> Number:
        """Return the amount as a paper has it."""
        park, _, name = self.place.partition("/")
        made_of = (
            "generation.self_consumed_mwh: generated less exported, of the hours of which both are known"
        )
        origin = NumberOrigin(
            self.place,
            self.year,
            made_of=made_of,
            coverage=self.known_hours / self.hours if self.hours else None,
            address=f"/v1/clean-energy?park={park}&facility={name}&year={self.year}",
        )
        return Number(self.mwh, "MWh", digits, origin)


@dataclass(frozen=True, slots=True)
class PeriodFacts:
    """One year, or one month, of the cut."""

    period: str
    total: TotalFact
    scopes: tuple[TotalFact, ...]
    facilities: tuple[TotalFact, ...]
    sources: tuple[SourceFact, ...]
    months: tuple[MonthFact, ...]
    refused: int = 0  # messages of it that are in quarantine
    savings: tuple[SavingFact, ...] = ()  # of a form that tells them
    exchanges: tuple[ExchangeFact, ...] = ()  # of a form that tells savings
    own_power: tuple[OwnPowerFact, ...] = ()  # of each facility, of a year


@dataclass(frozen=True, slots=True)
class Issue:
    """What an issued paper is called."""

    number: str
    revision: int


@dataclass(frozen=True, slots=True)
class Facts:
    """One cut: a place, periods, the GWP set, and everything that is known of them."""

    place: str  # park, or park/facility
    title: str  # what people call it
    zone: ZoneInfo
    periods: tuple[PeriodFacts, ...]
    gwp: str
    gwp_values: Mapping[str, float]  # by gas
    configuration: str  # hash
    version: str
    ledger: str  # number and hash of its last row
    about: AboutTexts = field(default_factory=AboutTexts)
    as_of: str = ""  # where a period is not over: until when it is known
    open: tuple[OpenFact, ...] = ()
    base: TotalFact | None = None  # of the base year, where the ledger has it
    checked: str = ""  # who checked the words of the form, "" nobody
    issue: Issue | None = None

    @property
    def park(self) -> str:
        """The park's name."""
        return self.place.partition("/")[0]

    @property
    def sources(self) -> tuple[str, ...]:
        """The names of all sources of all periods, in order."""
        return tuple(dict.fromkeys(one.name for period in self.periods for one in period.sources))
