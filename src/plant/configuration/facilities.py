"""Puts together what a facility has beside its channels and sources: certificates, tariff, battery, market, instruments."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from plant.alert_rules.alerts import Site
from plant.catalogue import Catalogue, TariffSpec
from plant.commitments import Battery, Billing, Certificate, CleanEnergy, Instrument, Quantity, ResidualFactor
from plant.configuration.model import FacilityPart
from plant.configuration.parks import budgets_of, coordinates_of
from plant.configuration.source_model import UNITS_OF, CertificatePart, InstrumentPart
from plant.configuration.virtuals import is_level, window_unit
from plant.documents.documents import Placed
from plant.documents.findings import Findings
from plant.park import Channel, Facility, Virtual
from plant.units import DimensionError, conversion, unit
from plant.vocabulary import NS_PER_HOUR, NS_PER_MIN

KWH_PER_MWH = 1000.0
NO_CHANNEL = -1


@dataclass(frozen=True, slots=True)
class BillingMaker:
    """Makes what facilities are billed by, and by which channels their electricity is clean; channels and virtual channels are by site and name."""

    channels: Mapping[Site, Mapping[str, Channel]]
    virtuals: Mapping[Site, Mapping[str, Virtual]]
    catalogue: Catalogue
    window: int  # [ns]
    findings: Findings

    def billing(self, part: Placed[FacilityPart], park: str) -> Billing | None:
        """Return what a facility is billed by, None where nothing says so or it is wrong; mistakes go to the findings."""
        written = part.value.tariff
        battery = self._battery(part, park)
        if written is None:
            return None
        site = park, part.value.name
        spec = self._tariff(part, written.name)
        energy = self._channel(part, site, written.energy, "kWh", "tariff", "energy")
        reactive = self._channel(part, site, written.reactive, "kvarh", "tariff", "reactive")
        if written.reactive and spec and not spec.has_reactive:
            message = f"tariff {spec.name} charges no reactive energy: leave it out"
            self.findings.refuse(part, message, "tariff", "reactive")
        if NS_PER_HOUR % written.demand_interval or written.demand_interval % self.window:
            message = "is a whole number of windows and divides an hour"
            self.findings.refuse(part, message, "tariff", "demand_interval")
        if spec is None or energy is None:
            return None
        return Billing(
            tariff=spec.name,
            energy=energy[0],
            energy_scale=energy[1],
            reactive=reactive[0] if reactive else NO_CHANNEL,
            reactive_scale=reactive[1] if reactive else 1.0,
            demand_interval=written.demand_interval,
            battery=battery,
        )

    def _battery(self, part: Placed[FacilityPart], park: str) -> Battery | None:
        """Return a facility's battery, None where it has none or it is wrong; mistakes go to the findings."""
        written = part.value.battery
        if written is None:
            return None
        if part.value.tariff is None:
            message = "is advised by the prices of a tariff: give the facility one"
            self.findings.refuse(part, message, "battery")
        site = park, part.value.name
        charged = self._channel(part, site, written.charged, "kWh", "battery", "charged")
        discharged = self._channel(part, site, written.discharged, "kWh", "battery", "discharged")
        return Battery(
            written.energy,
            written.power,
            written.efficiency,
            *(charged or (NO_CHANNEL, 1.0)),
            *(discharged or (NO_CHANNEL, 1.0)),
        )

    def market(self, part: Placed[FacilityPart]) -> str | None:
        """Return the carbon market of a facility, None where it has none or it is not known."""
        name = part.value.market
        if name is not None and name not in self.catalogue.markets:
            self.findings.unknown(part, "market", name, self.catalogue.markets, "market")
            return None
        return name

    def clean_energy(self, part: Placed[FacilityPart], park: str) -> CleanEnergy | None:
        """Return by which channels a facility's electricity is clean, None where nothing says so or it is wrong."""
        written = part.value.clean_energy
        if written is None:
            return None
        names = {name: getattr(written, name) for name in ("load", "generated", "exported", "delivered")}
        found = dict[str, Quantity]()
        for key, name in names.items():
            made = self._channel(part, (park, part.value.name), name, "kWh", "clean_energy", key)
            if made is not None:
                found[key] = Quantity(made[0], name, "kWh", made[1])
        if written.factor is not None:
            self._check_factor(part, written.factor)
        return CleanEnergy(**found, factor=written.factor or "") if "load" in found else None

    def _check_factor(self, part: Placed[FacilityPart], name: str) -> None:
        if name not in self.catalogue.factors:
            self.findings.unknown(part, "factor", name, self.catalogue.factors, "clean_energy", "factor")
        elif not any(symbol.endswith("/kWh") for symbol in self.catalogue.factors[name].units.values()):
            message = f"factor {name} is no factor of electricity"
            self.findings.refuse(part, message, "clean_energy", "factor")

    def _tariff(self, part: Placed[FacilityPart], name: str) -> TariffSpec | None:
        spec = self.catalogue.tariffs.get(name)
        if spec is None:
            self.findings.unknown(part, "tariff", name, self.catalogue.tariffs, "tariff", "name")
            return None
        off = [minute for minute in spec.edges if minute * NS_PER_MIN % self.window]
        if off:
            message = (
                f"a slot of {name} ends at {off[0] // 60:02}:{off[0] % 60:02}, inside a window of"
                f" {self.window // NS_PER_MIN} min: settings.window must divide it"
            )
            self.findings.refuse(part, message, "tariff", "name")
        return spec

    def _channel(
        self, part: Placed[FacilityPart], site: Site, name: str | None, wanted: str, *key: str
    ) -> tuple[int, float] | None:
        """Return a channel's index, and what its amounts are multiplied with to be in the wanted unit."""
        if name is None:
            return None
        known: dict[str, Channel | Virtual] = {**self.channels[site], **self.virtuals[site]}
        channel = known.get(name)
        if channel is None:
            self.findings.unknown(part, "channel", name, known, *key)
        elif is_level(channel):
            what = {"tariff": "a bill is", "battery": "a battery is"}.get(key[0], "energies are")
            self.findings.refuse(part, f"channel {name} is a level; {what} of amounts", *key)
        else:
            try:
                return channel.index, conversion(window_unit(channel), unit(wanted))[0]
            except DimensionError as error:
                kind = "reactive" if wanted == "kvarh" else "active"
                message = f"channel {name} is no channel of {kind} energy: {error}"
                self.findings.refuse(part, message, *key)
        return None


def facility_of(part: Placed[FacilityPart], park: str, bills: BillingMaker, findings: Findings) -> Facility:
    """Return a facility; what is wrong with its certificates and residual factors goes to `findings`."""
    written = part.value
    return Facility(
        park,
        written.name,
        written.title,
        certificates=tuple(_certificates(part, findings)),
        residual_factors=tuple(_residual_factors(part, park, findings)),
        coordinates=coordinates_of(part),
        budgets=budgets_of(part, findings, park, part.value.name),
        billing=bills.billing(part, park),
        market=bills.market(part),
        clean_energy=bills.clean_energy(part, park),
    )


def _certificates(part: Placed[FacilityPart], findings: Findings) -> Iterator[Certificate]:
    """Yield each certificate; one that is claimed twice, here or by another facility, is refused."""
    for placed in part.parts("certificates", part.value.certificates):
        written = placed.value
        identity = (written.kind, str(written.year), repr(written.amount), written.evidence)
        if findings.is_only(placed, "is claimed twice", ("certificate", *identity), "evidence"):
            yield _certificate(written)


def _certificate(part: CertificatePart) -> Certificate:
    return Certificate(
        year=part.year,
        kind=part.kind,
        energy=part.amount * KWH_PER_MWH,
        co2=part.factor,
        retired=part.retired,
        evidence=part.evidence,
    )


def _residual_factors(part: Placed[FacilityPart], park: str, findings: Findings) -> Iterator[ResidualFactor]:
    for placed in part.parts("residual_factors", part.value.residual_factors):
        written = placed.value
        identity = ("residual factor", park, part.value.name, str(written.year))
        if findings.is_only(placed, f"{written.year} has a residual factor already", identity, "year"):
            yield ResidualFactor(written.year, written.factor, written.evidence)


def instruments_of(
    parts: Iterable[tuple[Site, Placed[InstrumentPart]]], findings: Findings
) -> tuple[Instrument, ...]:
    """Return the instruments of parks (facility "") and facilities, by place and name; a name twice goes to `findings`."""
    made = [
        Instrument(
            *site,
            name=part.value.name,
            kind=part.value.kind,
            title=part.value.title or part.value.name,
            unit=UNITS_OF[part.value.kind],
            registry=part.value.registry or "",
            serials=part.value.serials,
            technology=part.value.technology or "",
            co2=part.value.factor,
            expires=part.value.expires.isoformat() if part.value.expires else "",
        )
        for site, part in parts
        if findings.is_first_name(part, "instrument", *site)
    ]
    return tuple(sorted(made, key=lambda one: (one.park, one.facility, one.name)))
