"""What a facility's electricity is claimed to be: configured certificates, and what people moved of its instruments.

An approved movement `retired` of an energy certificate is a certificate retired on its day, one `delivered` of a contract a contract;
both are of the year that they say.
"""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import date

from plant.commitments import Certificate
from plant.park import Facility
from plant.periods import local_midnight
from rules.market.holdings import accounts, holdings, move_of
from store.reader import Snapshot
from store.records.movements import Movement, counting_movements

KWH_PER_MWH = 1000.0
KINDS: Mapping[str, str] = {"retired": "certificate", "delivered": "contract"}


def with_claims(state: Snapshot) -> dict[tuple[str, str], Facility]:
    """Return the facilities by place, with what was moved of their instruments beside their configured certificates."""
    plant = state.plant
    facilities = {(one.park, one.name): one for one in plant.facilities}
    if not any(one.unit == "MWh" and one.facility for one in plant.instruments):
        return facilities
    for place, claim in _claims(state):
        facility = facilities[place]
        facilities[place] = replace(facility, certificates=(*facility.certificates, claim))
    return facilities


def _claims(state: Snapshot) -> Iterator[tuple[tuple[str, str], Certificate]]:
    zones = {park.name: park.zone for park in state.plant.parks}
    instruments = {one.id: one for one in state.plant.instruments if one.facility}
    for one in _possible(state):
        if one.act in KINDS and one.place in instruments and one.year is not None:
            day = local_midnight(date.fromisoformat(one.day), zones[one.park])
            yield (
                (one.park, one.facility),
                Certificate(
                    year=one.year,
                    kind=KINDS[one.act],
                    energy=one.amount * KWH_PER_MWH,
                    co2=instruments[one.place].co2,
                    retired=day if one.act == "retired" else None,
                    evidence=one.evidence,
                ),
            )


def _possible(state: Snapshot) -> list[Movement]:
    """Return the approved movements that the instruments of today allow."""
    counting = counting_movements(state.connection)
    refused = holdings(accounts(state.plant), map(move_of, counting)).refused
    return [one for one in counting if one.id not in refused]
