"""The route of advice: when a facility's battery should charge and discharge tomorrow, in money and in tonnes."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Literal

import numpy as np
from fastapi import APIRouter
from pydantic import BaseModel, Field

from api.access.caller import Asking
from api.access.guard import GUARDED
from api.access.scope import only
from api.access.seen import narrowed, seen_by
from api.accounting.advising import TANK_DAYS, WEEKS, Adviser, NoAdvice, TankOfBattery, Tomorrow
from api.parameters import InLanguage, Word
from api.problems import documented
from api.reasons import told_reason
from plant.arrays import number
from plant.clock import format_time
from plant.languages import Language
from plant.park import Facility, Plant
from plant.vocabulary import NS_PER_HOUR
from proof.channel_windows import ChannelActivity
from rules.catalogue import Register
from rules.storage.shifting import DayOfBattery
from rules.tariffs.slots import UNKNOWN
from store.reader import Reader

METHOD = f"same_weekday_of_{WEEKS}_weeks"
PROVISIONAL = "provisional"


class BatteryBody(BaseModel):
    """The battery that is advised."""

    energy_kwh: float = Field(description="that can be drawn when it is full", examples=[2000.0])
    power_kw: float = Field(description="in and out, at the meter", examples=[500.0])
    efficiency: float = Field(description="drawn per charged [1]", examples=[0.9])


class StretchBody(BaseModel):
    """A time in which the battery works without a change of slot."""

    start: str = Field(alias="from", examples=["2026-11-24T17:00:00Z"])
    to: str = Field(examples=["2026-11-24T19:30:00Z"])
    action: Literal["charge", "discharge"] = Field(examples=["charge"])
    slot: str = Field(examples=["low"])
    kwh: float = Field(description="at the meter", examples=[1250.0])
    kw: float = Field(description="the mean of that time", examples=[500.0])
    price: float = Field(description="before tax [currency/kWh]", examples=[1190.0])


class ShiftedSlotBody(BaseModel):
    """A slot of tomorrow."""

    slot: str = Field(examples=["peak"])
    load_kwh: float = Field(description="expected, without the battery", examples=[5000.0])
    charged_kwh: float = Field(examples=[0.0])
    discharged_kwh: float = Field(examples=[1800.0])


class TankBody(BaseModel):
    """What the battery held, as a tank that mixes what charged it: `in_t = drawn_t + lost_t + stored_t`."""

    start: str = Field(alias="from", description="it counts as empty here", examples=["2026-10-27T05:00:00Z"])
    to: str = Field(examples=["2026-11-24T05:00:00Z"])
    coverage: float = Field(description="share of the windows in which both ways are known", examples=[1.0])
    charged_kwh: float = Field(examples=[28000.0])
    drawn_kwh: float = Field(examples=[25000.0])
    stored_kwh: float = Field(description="that was charged and not drawn", examples=[220.0])
    uncharged_kwh: float = Field(
        description="drawn that was never seen charged: of it no tonnes are known", examples=[0.0]
    )
    unknown_kwh: float = Field(
        description="charged while the tonnes of the billed energy were not known", examples=[0.0]
    )
    in_t: float = Field(description="of what charged it [t CO2e]", examples=[18.5])
    drawn_t: float = Field(description="with what was drawn [t CO2e]", examples=[16.5])
    lost_t: float = Field(description="of the losses: the battery's user has them [t CO2e]", examples=[1.85])
    stored_t: float = Field(description="[t CO2e]", examples=[0.15])


class BatteryAdviceBody(BaseModel):
    """What a facility's battery should do tomorrow; it is shown, and never sent to a device."""

    park: str = Field(examples=["nam-cau-kien"])
    facility: str = Field(examples=["mill"])
    day: str = Field(description="tomorrow, by the park's clock", examples=["2026-11-25"])
    battery: BatteryBody
    tariff: str = Field(examples=["vn-manufacturing-22kv"])
    currency: str = Field(examples=["VND"])
    provisional: bool = Field(description="a row of the tariff that it rests on is", examples=[True])
    reason: NoAdvice | None = Field(
        description="why there is no advice; null where there is", examples=[None]
    )
    why: str | None = Field(description="the same in words", examples=[None])
    method: str = Field(
        description=f"where the load comes from: by step of the day the mean of the same weekday of the last {WEEKS} weeks,"
        " of which at least two are known",
        examples=[METHOD],
    )
    days: list[str] = Field(description="those days", examples=[["2026-11-18", "2026-11-11"]])
    step_s: int = Field(description="how long a step is", examples=[1800])
    load_kwh: float | None = Field(description="expected, without the battery", examples=[24000.0])
    charged_kwh: float | None = Field(examples=[2222.2])
    discharged_kwh: float | None = Field(examples=[2000.0])
    cost_without: float | None = Field(description="of the load's energy, before tax", examples=[46654833.0])
    cost_with: float | None = Field(description="never more than without", examples=[42503278.0])
    saved: float | None = Field(description="[currency]", examples=[4151556.0])
    extra_t: float | None = Field(
        description="tonnes more than without the battery, by those that each hour's energy had on these days [t CO2e]: with"
        " a yearly grid factor the losses cost tonnes; null where no source takes in the billed channel alone",
        examples=[0.1465],
    )
    stretches: list[StretchBody] = Field(description="when it works; empty where resting is cheapest")
    slots: list[ShiftedSlotBody]
    tank: TankBody | None = Field(
        description=f"what it held in the last {TANK_DAYS} days; null where nothing counts what goes in and out"
    )


class AdviceBody(BaseModel):
    """Advice by park and facility."""

    as_of: str = Field(examples=["2026-11-24T05:00:00Z"])
    advice: list[BatteryAdviceBody]
    only: list[str] | None = Field(
        None, description="of a key for some places: these; else not there", examples=[["nam-cau-kien/mill"]]
    )


@dataclass(frozen=True, slots=True)
class _Place:
    park: str
    facility: str
    of: Facility


def routes(reader: Reader, plant: Plant, catalogue: Register, clock: Callable[[], int]) -> APIRouter:
    """Return the route; `clock` tells the time [ns UTC]."""
    router = APIRouter(
        prefix="/v1", tags=["tariffs"], dependencies=GUARDED, responses=documented(401, 422, 503)
    )
    parks = {park.name: park for park in plant.parks}

    @router.get("/advice", response_model_exclude_unset=True)
    def advice(
        caller: Asking, park: Word = None, facility: Word = None, language: InLanguage = "en"
    ) -> AdviceBody:
        """Return when each facility's battery should charge and discharge tomorrow so that its energy costs least, and what that is in tonnes.

        A facility without a battery is not in the answer.
        """
        as_of = clock()
        places = [_Place(one.park, one.name, one) for one in plant.facilities]
        chosen = narrowed(seen_by(caller, places), park=park, facility=facility)
        found = []
        with reader.snapshot() as state:
            activity = ChannelActivity(state)
            for one in (place.of for place in chosen):
                if one.billing is None or one.billing.battery is None:
                    continue
                tariff = catalogue.tariff(one.billing.tariff)
                asked = Adviser(
                    state, activity, one, parks[one.park], one.billing, one.billing.battery, tariff, as_of
                )
                found.append(_body(asked, language))
        return AdviceBody(as_of=format_time(as_of), advice=found, **only(caller))

    return router


def _body(asked: Adviser, language: Language) -> BatteryAdviceBody:
    day, spec, battery = asked.tomorrow(), asked.tariff.spec, asked.battery
    held = asked.held()
    shift = day.shift
    without = float((day.load * day.price).sum())
    return BatteryAdviceBody(
        park=asked.facility.park,
        facility=asked.facility.name,
        day=asked.day.isoformat(),
        battery=BatteryBody(energy_kwh=battery.energy, power_kw=battery.power, efficiency=battery.efficiency),
        tariff=spec.name,
        currency=spec.currency,
        provisional=any(one.status == PROVISIONAL for one in asked.tariff.used(day.starts)),
        reason=day.reason,
        why=None if day.reason is None else told_reason(day.reason, language),
        method=METHOD,
        days=[one.isoformat() for one in asked.days],
        step_s=day.step // 10**9,
        load_kwh=number(float(day.load.sum())),
        charged_kwh=None if shift is None else float(shift.charged.sum()),
        discharged_kwh=None if shift is None else float(shift.discharged.sum()),
        cost_without=number(without),
        cost_with=None if shift is None else without - shift.saved(day.price),
        saved=None if shift is None else shift.saved(day.price),
        extra_t=None if shift is None or day.intensity is None else -shift.saved(day.intensity),
        stretches=[] if shift is None else list(_stretches(day, shift, asked.tariff.hours.names)),
        slots=[] if shift is None else list(_slots(day, shift, asked.tariff.hours.names)),
        tank=None if held is None else _tank(held),
    )


def _stretches(day: Tomorrow, shift: DayOfBattery, names: tuple[str, ...]) -> Iterator[StretchBody]:
    """Yield the times in which the battery works, in their order."""
    action = np.sign(shift.charged - shift.discharged).astype(np.int64)
    changes = (np.diff(action, prepend=0) != 0) | (np.diff(day.slot.astype(np.int64), prepend=UNKNOWN) != 0)
    changes |= np.diff(day.price, prepend=0) != 0
    first = np.flatnonzero(changes | (np.arange(len(action)) == 0))
    for start, end in zip(first.tolist(), [*first[1:].tolist(), len(action)], strict=True):
        if not action[start]:
            continue
        worked = shift.charged if action[start] > 0 else shift.discharged
        kwh = float(worked[start:end].sum())
        begins, ends = int(day.starts[start]), int(day.starts[end - 1]) + day.step
        yield StretchBody(
            **{"from": format_time(begins)},
            to=format_time(ends),
            action="charge" if action[start] > 0 else "discharge",
            slot=names[int(day.slot[start])],
            kwh=kwh,
            kw=kwh / ((ends - begins) / NS_PER_HOUR),
            price=float(day.price[start]),
        )


def _slots(day: Tomorrow, shift: DayOfBattery, names: tuple[str, ...]) -> Iterator[ShiftedSlotBody]:
    for place, name in enumerate(names):
        of = day.slot == place
        if of.any():
            yield ShiftedSlotBody(
                slot=name,
                load_kwh=float(day.load[of].sum()),
                charged_kwh=float(shift.charged[of].sum()),
                discharged_kwh=float(shift.discharged[of].sum()),
            )


def _tank(held: TankOfBattery) -> TankBody:
    flows = held.flows
    return TankBody(
        **{"from": format_time(held.start)},
        to=format_time(held.end),
        coverage=held.coverage,
        charged_kwh=held.charged,
        drawn_kwh=held.drawn,
        stored_kwh=flows.stored_kwh,
        uncharged_kwh=flows.uncharged,
        unknown_kwh=float(flows.came_in[1]),
        in_t=float(flows.came_in[0]),
        drawn_t=float(flows.drawn[0]),
        lost_t=float(flows.lost[0]),
        stored_t=float(flows.stored[0]),
    )
