"""The measures of parks and facilities: what is expected of each, what it saved in a year and how far that is known."""

import math
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import BaseModel, Field

from api.access.caller import Asking
from api.access.guard import GUARDED
from api.access.seen import narrowed, seen_by
from api.parameters import InLanguage, Word
from api.problems import documented
from api.reasons import told_reason
from api.times import period_of
from api.totals.roadmap import ways
from api.totals.savings import (
    COMPLETE,
    CONFIDENCE,
    Course,
    KnownSteps,
    Outcome,
    Saving,
    Why,
    course,
    saving,
)
from plant.arrays import number
from plant.clock import format_time
from plant.commitments import Effect, Measure, Step
from plant.languages import Language
from plant.park import Plant
from plant.vocabulary import NS_PER_S
from rules.catalogue import Register
from rules.planning.baseline import Avoided, Baseline
from store.reader import Reader

AskedYear = Annotated[
    int | None, Query(ge=1990, le=2260, description="of each park's clock; this year where left out")
]


class MeasureTitleBody(BaseModel):
    """What people call a measure."""

    vi: str = Field(examples=["Thu hồi nhiệt lò nung"])
    en: str = Field(examples=["Recuperator of the reheating furnace"])


class DriverBody(BaseModel):
    """What moves the energy beside the measure, as the baseline has seen it."""

    channel: str = Field(examples=["product/billets"])
    unit: str = Field(examples=["t"])
    coefficient: float | None = Field(description="energy per unit of the driver", examples=[41.2])
    t: float | None = Field(description="the coefficient on its standard error", examples=[18.3])
    low: float | None = Field(description="the least that the baseline has seen", examples=[820.0])
    high: float | None = Field(description="the greatest that the baseline has seen", examples=[1240.0])


class CusumBody(BaseModel):
    """A known step: `cusum` falls while something is saved, and its last fall since the start is the saving."""

    start: str = Field(alias="from", examples=["2026-06-30T17:00:00Z"])
    measured: float = Field(description="without what is not routine", examples=[98000.0])
    predicted: float = Field(description="what the baseline says", examples=[121000.0])
    cusum: float = Field(
        description="measured less predicted, summed from the baseline's first step on", examples=[-23000.0]
    )


class BaselineBody(BaseModel):
    """The model that a saving is measured against: energy = intercept + the sum of coefficient times driver."""

    start: str = Field(alias="from", examples=["2024-12-31T17:00:00Z"])
    to: str = Field(examples=["2026-06-30T17:00:00Z"])
    step: Step = Field(examples=["month"])
    steps: int = Field(description="steps that are known, n", examples=[18])
    left_out: int = Field(
        description=f"steps of which less than {COMPLETE:.0%} is known of the energy or a driver",
        examples=[0],
    )
    intercept: float | None = Field(
        description="energy of a step in which all drivers are 0", examples=[2100.0]
    )
    drivers: list[DriverBody]
    r2: float | None = Field(examples=[0.96])
    cv_rmse: float | None = Field(
        description="sqrt(SSE / (n - p)) as a share of the mean energy", examples=[0.031]
    )
    bias: float | None = Field(description="the mean residual as a share of the mean energy", examples=[0.0])
    non_routine: float = Field(
        description="what events that are neither driver nor measure used in these steps: the baseline is without it",
        examples=[0.0],
    )


class MeasureBody(BaseModel):
    """A measure, and its effect in the asked year; the interval is of a step's scatter and of the coefficients."""

    park: str = Field(examples=["nam-cau-kien"])
    facility: str | None = Field(description="null where it is the park's", examples=["steel-mill"])
    name: str = Field(examples=["recuperator"])
    title: MeasureTitleBody
    starts: str = Field(description="a day of the park's clock", examples=["2026-07-01"])
    source: str = Field(
        description="where what is expected comes from", examples=["investment decision 7/2026"]
    )
    expected_t: float | None = Field(description="a year [t CO2e]", examples=[1200.0])
    expected_kwh: float | None = Field(description="a year [kWh]", examples=[0.0])
    cost_mvnd: float | None = Field(description="[million VND]", examples=[4500.0])
    year: int = Field(examples=[2026])
    effect: Outcome = Field(
        description="shown: measured, and within all limits; extrapolated: a driver lay outside the range of the baseline;"
        " not_shown: a limit is not kept or the interval holds 0; expected: nothing is measured yet. Only what is shown"
        " is in the sum",
        examples=["shown"],
    )
    reasons: list[Why] = Field(description="why it is not shown, and what is left out", examples=[[]])
    why: list[str] = Field(description="the same in words", examples=[[]])
    energy: str | None = Field(
        description="the channel whose energy is saved", examples=["ladle-heaters/gas_volume"]
    )
    unit: str | None = Field(description="of the energy", examples=["Nm3"])
    confidence: float | None = Field(description="of the intervals", examples=[CONFIDENCE])
    avoided: float | None = Field(
        description="predicted less measured energy of the known steps", examples=[310000.0]
    )
    avoided_low: float | None = Field(examples=[270000.0])
    avoided_high: float | None = Field(examples=[350000.0])
    avoided_kwh: float | None = Field(
        description="the same in kWh; null where the energy is told in no unit of energy", examples=[310000.0]
    )
    low_kwh: float | None = Field(examples=[270000.0])
    high_kwh: float | None = Field(examples=[350000.0])
    avoided_cost: float | None = Field(
        description="at the mean price that the channel's energy had in each step by the facility's tariff, before tax"
        " [currency]; null where there is no tariff, the channel counts another energy than the billed one, or a price"
        " is not known",
        examples=[620000000.0],
    )
    low_cost: float | None = Field(examples=[540000000.0])
    high_cost: float | None = Field(examples=[700000000.0])
    currency: str | None = Field(examples=["VND"])
    factor: str | None = Field(
        description="by which it is tonnes, at its value of the time", examples=["vn-2626-natural-gas"]
    )
    avoided_t: float | None = Field(description="[t CO2e]", examples=[640.0])
    low_t: float | None = Field(examples=[560.0])
    high_t: float | None = Field(examples=[720.0])
    fractional_uncertainty: float | None = Field(
        description="half-width as a share of the saving by the short formula of ASHRAE Guideline 14; of months alone",
        examples=[0.13],
    )
    steps_due: int | None = Field(description="of the year that are over and after the start", examples=[4])
    steps_known: int | None = Field(examples=[4])
    non_routine: float | None = Field(
        description="what events that are neither driver nor measure used in the steps of the year, by approved records: it"
        " is taken off what was measured [unit of the energy]",
        examples=[0.0],
    )
    baseline: BaselineBody | None = Field(
        description="null where nothing measures it or its steps do not decide it"
    )
    cusum: list[CusumBody] = Field(
        description="of months and days: the known steps of the baseline, then those after the start; empty of hours"
    )


class ShownBody(BaseModel):
    """The sum of what is shown; the intervals are taken as independent of each other."""

    measures: list[str] = Field(
        description="park/facility/name of those in it", examples=[["nam-cau-kien/steel-mill/recuperator"]]
    )
    avoided_t: float | None = Field(description="[t CO2e]; null where there is none", examples=[640.0])
    low_t: float | None = Field(examples=[560.0])
    high_t: float | None = Field(examples=[720.0])


class MeasuresBody(BaseModel):
    """Measures by park, facility and name, and the sum of those whose effect is shown."""

    as_of: str = Field(examples=["2026-11-24T05:00:00Z"])
    shown: ShownBody
    measures: list[MeasureBody]


def routes(reader: Reader, plant: Plant, clock: Callable[[], int], catalogue: Register | None) -> APIRouter:
    """Return the route; `clock` tells the time [ns UTC], and without a catalogue nothing is told in tonnes."""
    router = APIRouter(
        prefix="/v1", tags=["emissions"], dependencies=GUARDED, responses=documented(401, 422, 503)
    )

    @router.get("/measures")
    def measures(
        caller: Asking,
        park: Word = None,
        facility: Word = None,
        name: Word = None,
        year: AskedYear = None,
        language: InLanguage = "en",
    ) -> MeasuresBody:
        """Return what each measure is expected to save in a year, and what it saved in the asked one, with its interval.

        A park's measures are shown to those who may see all of it.
        """
        as_of = clock()
        places = narrowed(seen_by(caller, ways(plant)), park=park, facility=facility)
        zones = {(one.park, one.facility): one.of.zone for one in places}
        wanted = [one for one in plant.measures if (one.park, one.facility) in zones]
        found = []
        with reader.snapshot() as state:
            for one in wanted if name is None else narrowed(wanted, name=name):
                zone = zones[one.park, one.facility]
                of = year or datetime.fromtimestamp(as_of // NS_PER_S, UTC).astimezone(zone).year
                known = saving(state, one, period_of(str(of), zone, as_of), as_of, catalogue)
                found.append((one, of, known))
        return MeasuresBody(
            as_of=format_time(as_of),
            shown=_shown([(one, known) for one, _, known in found]),
            measures=[_body(*one, language) for one in found],
        )

    return router


def _shown(found: Sequence[tuple[Measure, Saving]]) -> ShownBody:
    summed = [(one, known.tonnes) for one, known in found if known.outcome == "shown" and known.tonnes]
    amount = sum(tonnes.amount for _, tonnes in summed)
    width = math.hypot(*(tonnes.half_width for _, tonnes in summed))
    told = _interval(Avoided(amount, width) if summed else None)
    ids = ["/".join(filter(None, (one.park, one.facility, one.name))) for one, _ in summed]
    return ShownBody(measures=ids, avoided_t=told[0], low_t=told[1], high_t=told[2])


def _body(measure: Measure, year: int, known: Saving, language: Language) -> MeasureBody:
    effect, after = measure.effect, known.after
    energy, kwh, money, tonnes = map(_interval, (known.energy, known.kwh, known.money, known.tonnes))
    vi, en = measure.title
    return MeasureBody(
        park=measure.park,
        facility=measure.facility or None,
        name=measure.name,
        title=MeasureTitleBody(vi=vi, en=en),
        starts=measure.starts,
        source=measure.source,
        expected_t=measure.expected_t,
        expected_kwh=measure.expected_kwh,
        cost_mvnd=measure.cost,
        year=year,
        effect=known.outcome,
        reasons=list(known.reasons),
        why=[told_reason(one, language) for one in known.reasons],
        energy=None if effect is None else effect.energy.name,
        unit=None if effect is None else effect.energy.unit,
        confidence=None if known.energy is None else CONFIDENCE,
        avoided=energy[0],
        avoided_low=energy[1],
        avoided_high=energy[2],
        avoided_kwh=kwh[0],
        low_kwh=kwh[1],
        high_kwh=kwh[2],
        avoided_cost=money[0],
        low_cost=money[1],
        high_cost=money[2],
        currency=known.currency or None,
        factor=None if effect is None else effect.factor or None,
        avoided_t=tonnes[0],
        low_t=tonnes[1],
        high_t=tonnes[2],
        fractional_uncertainty=known.fractional,
        steps_due=None if after is None else after.due,
        steps_known=None if after is None else len(after.energy),
        non_routine=None if after is None else float(after.non_routine.sum()),
        baseline=None
        if effect is None or known.baseline is None or known.before is None
        else _baseline(effect, known.baseline, known.before),
        cusum=[] if effect is None or effect.step == "hour" else list(_cusum(course(known))),
    )


def _cusum(found: Course | None) -> Iterator[CusumBody]:
    if found is None:
        return
    columns = (found.start.tolist(), found.measured.tolist(), found.predicted.tolist(), found.cusum.tolist())
    for start, measured, predicted, cusum in zip(*columns, strict=True):
        yield CusumBody(**{"from": format_time(start)}, measured=measured, predicted=predicted, cusum=cusum)


def _baseline(effect: Effect, found: Baseline, before: KnownSteps) -> BaselineBody:
    rows = zip(effect.drivers, found.coefficients[1:], found.t[1:], found.low, found.high, strict=True)
    return BaselineBody(
        **{"from": format_time(effect.start)},
        to=format_time(effect.end),
        step=effect.step,
        steps=found.n,
        left_out=before.due - found.n,
        intercept=number(found.coefficients[0]),
        drivers=[
            DriverBody(
                channel=one.name,
                unit=one.unit,
                coefficient=number(b),
                t=number(t),
                low=number(low),
                high=number(high),
            )
            for one, b, t, low, high in rows
        ],
        r2=number(found.r2),
        cv_rmse=number(found.cv_rmse),
        bias=number(found.bias),
        non_routine=float(before.non_routine.sum()),
    )


def _interval(found: Avoided | None) -> tuple[float | None, float | None, float | None]:
    """Return an amount and the two ends of its interval."""
    if found is None:
        return None, None, None
    return (
        number(found.amount),
        number(found.amount - found.half_width),
        number(found.amount + found.half_width),
    )
