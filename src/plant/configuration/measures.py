"""Puts together the measures of parks and facilities: the channels, the baseline and the factor of their effects."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from plant.alert_rules.alerts import Site
from plant.catalogue import FactorSpec
from plant.commitments import GASES, Effect, Measure, Quantity, Step
from plant.configuration.measure_model import EffectPart, MeasurePart
from plant.configuration.virtuals import is_level, window_unit
from plant.documents.documents import Placed
from plant.documents.findings import Findings
from plant.park import Channel, Virtual
from plant.periods import MONTH, UNITS, local_midnight, month_of, starts
from plant.units import DimensionError, conversion, unit
from plant.vocabulary import NS_PER_DAY, NS_PER_HOUR

MJ_PER_GJ = 1000.0
# ASHRAE Guideline 14 has a limit for months and one for hours; days are taken as hours.
CV_RMSE: Mapping[Step, float] = {"month": 0.15, "day": 0.30, "hour": 0.30}
_LENGTHS: Mapping[Step, int] = {"day": NS_PER_DAY, "hour": NS_PER_HOUR}


Measures = Iterable[tuple[Site, Placed[MeasurePart]]]


@dataclass(frozen=True, slots=True)
class MeasureMaker:
    """Makes measures; a park's have facility "" and name their channels with the facility."""

    channels: Sequence[Channel | Virtual]
    zones: Mapping[str, ZoneInfo]
    factors: Mapping[str, FactorSpec]
    findings: Findings

    def measures(self, parts: Measures) -> tuple[Measure, ...]:
        """Return the measures that can be used, by park, facility and name; mistakes go to the findings."""
        made = [
            self._measure(site, part)
            for site, part in parts
            if self.findings.is_first_name(part, "measure", *site)
        ]
        return tuple(sorted(made, key=lambda one: (one.park, one.facility, one.name)))

    def _measure(self, site: Site, part: Placed[MeasurePart]) -> Measure:
        written = part.value
        begins = local_midnight(written.starts, self.zones[site[0]])
        return Measure(
            *site,
            name=written.name,
            title=(written.title.vi or written.title.en, written.title.en or written.title.vi),
            starts=written.starts.isoformat(),
            begins=begins,
            source=written.source,
            expected_t=written.expected.t,
            expected_kwh=written.expected.kwh,
            cost=written.cost,
            effect=None if written.effect is None else self._effect(site, part, written.effect, begins),
        )

    def _effect(
        self, site: Site, part: Placed[MeasurePart], written: EffectPart, begins: int
    ) -> Effect | None:
        known = dict(self._known(site))
        energy = self._quantity(part, known, written, written.energy, "energy")
        drivers = [
            self._quantity(part, known, written, name, "drivers", place)
            for place, name in enumerate(written.drivers)
        ]
        events = [
            self._non_routine(part, known, name, energy, place)
            for place, name in enumerate(written.non_routine)
        ]
        start, end = self._baseline(site, part, written, begins)
        if energy is None or not self._is_alone(part, known[written.energy]):
            return None
        return Effect(
            energy=energy,
            drivers=tuple(one for one in drivers if one),
            start=start,
            end=end,
            step=written.step,
            factor=written.factor or "",
            per_energy=self._per_energy(part, written, energy),
            steps=written.limits.steps,
            cv_rmse=written.limits.cv_rmse or CV_RMSE[written.step],
            t=written.limits.t,
            non_routine=tuple(one for one in events if one),
        )

    def _known(self, site: Site) -> Iterator[tuple[str, Channel | Virtual]]:
        """Yield the channels that a measure may name, by the names it gives them."""
        park, facility = site
        for one in self.channels:
            if one.park == park and facility in ("", one.facility):
                yield one.name if facility else f"{one.facility}/{one.name}", one

    def _quantity(
        self,
        part: Placed[MeasurePart],
        known: Mapping[str, Channel | Virtual],
        written: EffectPart,
        name: str,
        *key: str | int,
    ) -> Quantity | None:
        channel = known.get(name)
        if channel is None:
            self.findings.unknown(part, "channel", name, known, "effect", *key)
            return None
        if key == ("energy",) and is_level(channel):
            message = f"channel {name} is a level; what is saved is an amount"
            self.findings.refuse(part, message, "effect", *key)
            return None
        own = window_unit(channel)
        wanted = unit(written.units[name]) if name in written.units else own
        try:
            return Quantity(channel.index, name, wanted.symbol, *conversion(own, wanted))
        except DimensionError as error:
            message = f"channel {name} is not in {wanted.symbol}: {error}"
            self.findings.refuse(part, message, "effect", "units", name)
            return None

    def _non_routine(
        self,
        part: Placed[MeasurePart],
        known: Mapping[str, Channel | Virtual],
        name: str,
        energy: Quantity | None,
        place: int,
    ) -> Quantity | None:
        """Return a channel of non-routine events in the unit of the energy."""
        key = ("effect", "non_routine", place)
        channel = known.get(name)
        if channel is None:
            self.findings.unknown(part, "channel", name, known, *key)
            return None
        if not isinstance(channel, Channel) or not channel.entered or is_level(channel):
            message = f"channel {name} is no amount that people enter: what is not routine is a record with its evidence"
            self.findings.refuse(part, message, *key)
            return None
        if energy is None:
            return None
        try:
            scale, offset = conversion(window_unit(channel), unit(energy.unit))
        except DimensionError as error:
            self.findings.refuse(part, f"channel {name} is not in {energy.unit}: {error}", *key)
            return None
        return Quantity(channel.index, name, energy.unit, scale, offset)

    def _is_alone(self, part: Placed[MeasurePart], energy: Channel | Virtual) -> bool:
        message = (
            f"channel {energy.name} tells the effect of another measure already, and one meter cannot tell two apart:"
            " leave one without an effect"
        )
        identity = ("effect", energy.park, energy.facility, energy.name)
        return self.findings.is_only(part, message, identity, "effect", "energy")

    def _baseline(
        self, site: Site, part: Placed[MeasurePart], written: EffectPart, begins: int
    ) -> tuple[int, int]:
        zone = self.zones[site[0]]
        start, last = (month_of(month, zone) for month in written.baseline)
        end = int(UNITS[MONTH].next(last, zone))
        count = (
            len(starts(start, end, MONTH, zone))
            if written.step == "month"
            else (end - start) // _LENGTHS[written.step]
        )
        coefficients = len(written.drivers) + 1
        if end > begins:
            message = f"ends after the measure starts on {part.value.starts}"
            self.findings.refuse(part, message, "effect", "baseline")
        elif count <= coefficients:
            message = (
                f"has {count} steps, and {coefficients} coefficients need more than that: take more months,"
                " a shorter step or fewer drivers"
            )
            self.findings.refuse(part, message, "effect", "baseline")
        return start, end

    def _per_energy(self, part: Placed[MeasurePart], written: EffectPart, energy: Quantity) -> float:
        """Return how much of what the factor is per lies in a unit of the energy."""
        name = written.factor
        if name is None:
            return float("nan")
        if name not in self.factors:
            self.findings.unknown(part, "factor", name, self.factors, "effect", "factor")
            return float("nan")
        per = {
            symbol.partition("/")[2] for value, symbol in self.factors[name].units.items() if value in GASES
        }
        if len(per) != 1:
            message = f"factor {name} does not say how many tonnes an amount of energy counts"
            self.findings.refuse(part, message, "effect", "factor")
            return float("nan")
        [denominator] = per
        given, size = (energy.unit, 1.0) if written.ncv is None else ("GJ", written.ncv / MJ_PER_GJ)
        try:
            return conversion(unit(given), unit(denominator))[0] * size
        except DimensionError:
            message = f"factor {name} is per {denominator}, and channel {energy.name} is in {energy.unit}"
            hint = f": give ncv, the MJ of one {energy.unit}" if written.ncv is None else ""
            self.findings.refuse(part, message + hint, "effect", "factor")
            return float("nan")
