"""Puts a facility together with its certificates and residual factors, which decide over its market-based scope 2."""

from collections.abc import Iterator

from plant.configuration.billing import BillingMaker
from plant.configuration.budgets import budgets_of, coordinates_of
from plant.configuration.model import FacilityPart
from plant.configuration.source_model import CertificatePart
from plant.documents.documents import Placed
from plant.documents.findings import Findings
from plant.park import Facility
from plant.yearly import Certificate, ResidualFactor

KWH_PER_MWH = 1000.0


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
