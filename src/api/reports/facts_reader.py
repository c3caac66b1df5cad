"""Reads the facts of a paper at one cut, by the functions that answer GET /v1/totals: every number is the same."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from urllib.parse import urlencode

import numpy as np

from api.access.caller import Caller
from api.models import Level, TotalBody
from api.problems import InvalidQuery
from api.reports.exchange_facts import exchange_facts
from api.reports.months import month_facts, months_of
from api.reports.own_power_facts import own_power_facts
from api.reports.saving_facts import saving_facts
from api.totals.extras import extras_of
from api.totals.totals import PeriodOf, Query, chosen_period, several
from plant.clock import format_time
from plant.configuration.about import About, AboutTexts, SourceTexts
from plant.park import Facility, Park, Plant, Source
from plant.suggest import did_you_mean
from reports.classes import class_of
from reports.facts import (
    FactorFact,
    Facts,
    MonthFact,
    OpenFact,
    OwnPowerFact,
    ParameterFact,
    PeriodFacts,
    SourceFact,
    TotalFact,
)
from rules.catalogue import Register
from store.accounting.ledger_views import head
from store.messages.quarantine import open_in
from store.reader import Snapshot
from store.totals.sums import Period

WITH = "scope2,uncertainty,factors"


@dataclass(frozen=True, slots=True)
class Cut:
    """What a paper is of: a park or a facility, and its periods (2025 or 2025-10) on the park's clock."""

    park: str
    facility: str  # "" the whole park
    periods: tuple[str, ...]

    @property
    def place(self) -> str:
        """The name of what it is of."""
        return f"{self.park}/{self.facility}" if self.facility else self.park

    @property
    def level(self) -> Level:
        """The level of its own total."""
        return "facility" if self.facility else "park"


def checked(plant: Plant, caller: Caller, cut: Cut) -> tuple[Park, Facility | None]:
    """Return the park and the facility of a cut.

    Raises
    ------
    InvalidQuery
        There is none of the name, or the caller may not see it.
    """
    parks = {one.name: one for one in plant.parks if _sees_some(plant, caller, one.name)}
    if cut.park not in parks:
        raise InvalidQuery(("park", f"unknown: {cut.park[:64]!r}{did_you_mean(cut.park, parks)}"))
    known = {
        one.name: one for one in plant.facilities if one.park == cut.park and caller.sees(one.park, one.name)
    }
    if cut.facility and cut.facility not in known:
        raise InvalidQuery(("facility", f"unknown: {cut.facility[:64]!r}{did_you_mean(cut.facility, known)}"))
    if not cut.facility and not caller.sees(cut.park):
        raise InvalidQuery(("facility", "this key is not for the whole park: name a facility"))
    return parks[cut.park], known.get(cut.facility)


def _sees_some(plant: Plant, caller: Caller, park: str) -> bool:
    return caller.sees(park) or any(
        one.park == park and caller.sees(park, one.name) for one in plant.facilities
    )


class FactsReader:
    """Reads facts from one moment's state.

    Parameters
    ----------
    state
        One snapshot: all facts are of the same moment.
    as_of
        The present [ns UTC]; of periods that are over nothing depends on it.
    given
        What people gave.
    """

    def __init__(
        self, state: Snapshot, catalogue: Register, caller: Caller, as_of: int, given: About, version: str
    ) -> None:
        self._state, self._catalogue, self._caller, self._as_of = state, catalogue, caller, as_of
        self._given, self._version = given, version
        self._sources = {one.id: one for one in state.plant.sources}

    def facts(self, cut: Cut, checked_by: str = "", *, savings: bool = False) -> Facts:
        """Return the facts of a cut; raise InvalidQuery where a place or period is none."""
        plant = self._state.plant
        park, facility = checked(plant, self._caller, cut)
        words = {word: chosen_period(plant, word, None, None, self._as_of) for word in cut.periods}
        months = {word: months_of(of(park), park.zone) for word, of in words.items()}
        totals = self._totals(cut, words, [one for part in months.values() for one in part])
        about = self._given.texts.get((cut.park, cut.facility), AboutTexts())
        periods = tuple(
            self._period(cut, park, word, words[word], months[word], totals) for word in cut.periods
        )
        if savings:
            periods = tuple(self._with_savings(one, cut, words[one.period](park)) for one in periods)
        unknown = self._unmapped(periods)
        standing = month_facts(self._state, self._catalogue, self._caller, park, self._as_of, periods)
        is_over = all(of(park).end <= self._as_of for of in words.values())
        gwp = self._catalogue.gwp_set(plant.gwp)
        return Facts(
            place=cut.place,
            title=(facility or park).title or cut.place,
            zone=park.zone,
            periods=standing.periods,
            gwp=plant.gwp,
            gwp_values={"CO2": 1.0, "CH4": gwp["CH4"], "N2O": gwp["N2O"]},
            configuration=plant.hash,
            version=self._version,
            ledger=head(self._state.connection),
            about=about,
            as_of="" if is_over else format_time(self._as_of),
            open=(*standing.open, *unknown),
            base=self._base(cut, about),
            checked=checked_by,
        )

    def _totals(
        self, cut: Cut, words: Mapping[str, PeriodOf], months: Sequence[str]
    ) -> Mapping[tuple[str, str], list[TotalFact]]:
        """Return totals by what they are of (total, scope, facility, source, month) and their period."""
        plant = self._state.plant
        here = {"park": cut.park, **({"facility": cut.facility} if cut.facility else {})}
        parts = {
            "total": {"level": cut.level, **here, "with": f"{WITH},records"},
            "scope": {"level": cut.level, "by": "scope", **here, "with": WITH},
            "facility": {"level": "facility", **here},
            "source": {"level": "source", **here, "with": WITH},
        }
        asked = [(what, word, query, of) for word, of in words.items() for what, query in parts.items()]
        for month in months:
            of = chosen_period(plant, month, None, None, self._as_of)
            asked.append(("month", month, {"level": cut.level, **here}, of))
        queries = [
            (
                Query(
                    query["level"],  # type: ignore[arg-type]
                    query.get("by", "none"),  # type: ignore[arg-type]
                    query["park"],
                    query.get("facility"),
                    None,
                    extras_of(query.get("with")),
                    caller=self._caller,
                ),
                of,
            )
            for _, _, query, of in asked
        ]
        bodies = several(self._state, queries, self._as_of, self._catalogue)
        return {
            (what, word): [self._total(one, word, query) for one in body.totals]
            for (what, word, query, _), body in zip(asked, bodies, strict=True)
        }

    def _total(self, body: TotalBody, word: str, query: Mapping[str, str]) -> TotalFact:
        place = "/".join(name for name in (body.park, body.facility, body.source) if name)
        named = {**query, **{k: v for k, v in (("facility", body.facility), ("source", body.source)) if v}}
        fragment = f"#scope={body.scope}" if query.get("by") == "scope" else ""
        return TotalFact(
            place=place,
            period=word,
            address=f"/v1/totals?{urlencode({**named, 'period': word}, safe=',/')}{fragment}",
            co2e_t=body.co2e_t,
            co2_kg=body.co2_kg,
            co2_biogenic_kg=body.co2_biogenic_kg,
            ch4_kg=body.ch4_kg,
            n2o_kg=body.n2o_kg,
            coverage=body.coverage,
            shares={} if body.shares is None else body.shares.model_dump(),
            revision=body.revision,
            scope=body.scope,
            method=body.method or "",
            activity=body.activity,
            activity_unit=body.activity_unit or "",
            uncertainty=body.uncertainty.share if body.uncertainty else None,
            uncertain_share=body.uncertainty.covered_share if body.uncertainty else None,
            location_t=body.scope2.location_t if body.scope2 else None,
            market_t=body.scope2.market_t if body.scope2 else None,
            matched_mwh=body.scope2.matched_mwh if body.scope2 else None,
            provisional_t=body.provisional_t,
            transfers_t=body.excluded_transfers_t,
            entered_t=body.records.entered_t if body.records else None,
            entered_share=body.records.entered_share if body.records else None,
            self_approved_share=body.records.self_approved_share if body.records else None,
            known_from=body.known_from or "",
            factors=tuple(self._factor(one.name, one.row) for one in body.factors or ())
            if body.source
            else (),
            parameters=tuple(ParameterFact(one.name, one.value, one.unit) for one in body.parameters or ())
            if body.source
            else (),
        )

    def _factor(self, name: str, row: str) -> FactorFact:
        factor = self._catalogue.factor(name)
        entry = int(np.flatnonzero(factor.ids == row)[0])
        values = {key: (float(factor.columns[key][entry]), unit) for key, unit in factor.spec.units.items()}
        return FactorFact(
            row, str(factor.statuses[entry]), str(factor.marks[entry]), str(factor.sources[entry]), values
        )

    def _period(
        self,
        cut: Cut,
        park: Park,
        word: str,
        of: PeriodOf,
        months: Sequence[str],
        totals: Mapping[tuple[str, str], list[TotalFact]],
    ) -> PeriodFacts:
        whole: Period = of(park)
        [total] = totals["total", word]
        own = [MonthFact(month, "", one) for month in months for one in totals["month", month]]
        own_power: tuple[OwnPowerFact, ...] = ()
        if len(word) == len("2026"):
            own_power = tuple(
                own_power_facts(self._state, (cut.park, cut.facility), word, whole, self._as_of)
            )
        refused = 0
        if not cut.facility:
            refused = open_in(self._state.connection, cut.park, whole.start, whole.end)
        return PeriodFacts(
            period=word,
            total=total,
            scopes=tuple(totals["scope", word]),
            facilities=tuple(totals["facility", word]),
            sources=tuple(self._source(one) for one in totals["source", word]),
            months=tuple(own),
            refused=refused,
            own_power=own_power,
        )

    def _with_savings(self, period: PeriodFacts, cut: Cut, of: Period) -> PeriodFacts:
        found = saving_facts(self._state, self._catalogue, (cut.park, cut.facility), of, self._as_of)
        place = cut.park, cut.facility
        exchanged = exchange_facts(self._state, place, of, self._as_of, self._caller)
        return replace(period, savings=tuple(found), exchanges=tuple(exchanged))

    def _source(self, total: TotalFact) -> SourceFact:
        source: Source = self._sources[total.place]
        spec = self._catalogue.methods[source.method]
        facility = next(
            one.title
            for one in self._state.plant.facilities
            if (one.park, one.name) == (source.park, source.facility)
        )
        return SourceFact(
            total.place,
            facility or source.facility,
            source.category,
            spec.title,
            spec.reference,
            source.factor,
            source.sold_by,
            total,
            class_of(source.category, source.method, source.scope, source.scope3_category),
            self._given.sources.get(total.place, SourceTexts()),
        )

    def _unmapped(self, periods: Sequence[PeriodFacts]) -> Iterator[OpenFact]:
        seen = {one.name: one for period in periods for one in period.sources if one.classes is None}
        for name, one in seen.items():
            about = f"{name} ({one.category}, {one.total.method}, scope {one.total.scope})"
            yield OpenFact("class", about, ("no_row",))

    def _base(self, cut: Cut, about: AboutTexts) -> TotalFact | None:
        """Return the total of the base year, None where nothing is known of it."""
        if about.base_year is None:
            return None
        word = str(about.base_year)
        of: Callable[[Park], Period] = chosen_period(self._state.plant, word, None, None, self._as_of)
        query = {"level": cut.level, "park": cut.park, **({"facility": cut.facility} if cut.facility else {})}
        asked = Query(cut.level, "none", cut.park, cut.facility or None, caller=self._caller)
        [body] = several(self._state, [(asked, of)], self._as_of, self._catalogue)
        found = [self._total(one, word, query) for one in body.totals]
        return found[0] if found and found[0].co2e_t is not None else None
