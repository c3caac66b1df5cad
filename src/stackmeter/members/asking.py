"""Asks a Stackmeter what it says of a park. It may be anybody: what it says is bounded, and believed only where it can be."""

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Annotated

import httpx
from pydantic import BaseModel, ConfigDict, Field

from api.city.members import MemberFacts
from stackmeter.heard import (
    MOST,
    STEP_S,
    WHOLE_S,
    AnswerPieces,
    Model,
    Unheard,
    check_json,
    model_of,
    value_of,
    why,
)
from stackmeter.members.members_file import MemberPark

NOT_THERE = (404,)  # what an older Stackmeter says of what it does not know
NONE_OF_IT = 422  # what an older one says of a park that has nothing of what is asked
VERDICTS = "met", "not_met", "unknown"
CLOSED, IN_FORCE = ("final", "restated"), "in_force"
INTO_THE_YEAR = timedelta(
    hours=14
)  # from its beginning on a park's clock, wherever that is, into its first days in UTC

Tonnes = Annotated[float, Field(ge=-MOST, le=MOST)]


class _Said(BaseModel):
    model_config = ConfigDict(extra="ignore", allow_inf_nan=False)


class _Period(_Said):
    start: datetime = Field(alias="from")


class _Total(_Said):
    park: str | None
    co2e_t: Tonnes | None
    coverage: Annotated[float, Field(ge=0, le=1)] | None
    known_from: Annotated[str, Field(max_length=64)] | None


class _Totals(_Said):
    period: _Period
    totals: list[_Total]


class _Year(_Said):
    year: int
    target_t: Tonnes | None = None
    projected_t: Tonnes | None = None
    projected_low_t: Tonnes | None = None
    projected_high_t: Tonnes | None = None


class _Path(_Said):
    park: str
    facility: str | None
    years: list[_Year]


class _Roadmap(_Said):
    roadmap: list[_Path]


class _Month(_Said):
    park: str
    month: str
    status: str


class _Months(_Said):
    periods: list[_Month]


class _Limit(_Said):
    standing: str
    outside: Annotated[int, Field(ge=0)] | None


class _Standard(_Said):
    limits: list[_Limit]


class _Limits(_Said):
    standards: list[_Standard]


class _Criterion(_Said):
    verdict: str


class _EcoPark(_Said):
    criteria: list[_Criterion]


class _Indicators(_Said):
    park: str
    eco_park: _EcoPark | None


class _Places(_Said):
    places: list[_Indicators]


class Asking:
    """One round of questions to one member, over within `WHOLE_S`; `key` is None where its variable is not set."""

    def __init__(
        self,
        client: httpx.Client,
        member: MemberPark,
        key: str | None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._client, self._member, self._key, self._clock = client, member, key, clock
        self._until = clock() + WHOLE_S

    def facts(self) -> MemberFacts:
        """Return what it says of this year.

        Raises
        ------
        Unheard
            It is not there, does not take the key, or says something that cannot be.
        """
        if not self._key:
            raise Unheard(f"the environment variable {self._member.key_env} is not set: it holds its key")
        park = self._member.park
        said = self._whole(_Totals, "/v1/totals", level="park", park=park, period="year")
        if [one.park for one in said.totals] != [park]:
            names = ", ".join(str(one.park) for one in said.totals[:3]) or "nothing"
            raise Unheard(f"it was asked of park {park}, and speaks of {names}"[:200])
        [total], start = said.totals, said.period.start.astimezone(UTC)
        year = (start + INTO_THE_YEAR).year
        way = self._year_of(self._asked(_Roadmap, "/v1/roadmap", park=park), year)
        months = self._asked(_Months, "/v1/periods", park=park)
        limits = self._asked(_Limits, "/v1/limits", park=park, **{"from": start.isoformat()})
        places = self._asked(_Places, "/v1/indicators", (*NOT_THERE, NONE_OF_IT), park=park)
        criteria = self._verdicts(places)
        return MemberFacts(
            year=year,
            co2e_t=total.co2e_t,
            coverage=total.coverage,
            known_from=total.known_from,
            target_t=way.target_t,
            projected_t=way.projected_t,
            projected_low_t=way.projected_low_t,
            projected_high_t=way.projected_high_t,
            months_closed=None if months is None else self._closed(months, year),
            limits_outside=None if limits is None else _outside(limits),
            **criteria,
        )

    def _year_of(self, said: _Roadmap | None, year: int) -> _Year:
        whole = (
            [one for one in said.roadmap if one.park == self._member.park and one.facility is None]
            if said
            else []
        )
        return next((one for path in whole for one in path.years if one.year == year), _Year(year=year))

    def _closed(self, said: _Months, year: int) -> int:
        months = {one.month for one in said.periods if one.park == self._member.park and one.status in CLOSED}
        return sum(month.startswith(f"{year:04}-") for month in months)

    def _verdicts(self, said: _Places | None) -> dict[str, int]:
        """Return how many criteria of an eco-park have which verdict; nothing where it tells of none."""
        own = [one.eco_park for one in said.places if one.park == self._member.park] if said else []
        found = [one.verdict for each in own if each for one in each.criteria]
        return {f"criteria_{one}": found.count(one) for one in VERDICTS} if found else {}

    def _whole(self, model: type[Model], path: str, **parameters: str) -> Model:
        found = self._asked(model, path, **parameters)
        if found is None:
            raise Unheard(f"it has no {path}: is it a Stackmeter?")
        return found

    def _asked(
        self, model: type[Model], path: str, missing: tuple[int, ...] = NOT_THERE, /, **parameters: str
    ) -> Model | None:
        """Return an answer, None where its status says that there is none."""
        url, headers = (
            self._member.url + path,
            {"Authorization": f"Bearer {self._key}", "Accept": "application/json"},
        )
        try:
            with self._client.stream(
                "GET", url, params=parameters, headers=headers, timeout=STEP_S
            ) as answer:
                if answer.status_code in missing:
                    return None
                check_json(answer, self._member.key_env)
                return model_of(model, path, value_of(path, self._body(answer)))
        except httpx.HTTPError as error:
            raise Unheard(why(error)) from error

    def _body(self, answer: httpx.Response) -> bytes:
        found = AnswerPieces(self._until)
        for piece in answer.iter_bytes():
            found.take(piece, self._clock())
        return found.whole()


def _outside(said: _Limits) -> int | None:
    """Return the hours and days outside the limits in force, None where it has none or does not know it of one."""
    limits = [one for standard in said.standards for one in standard.limits]
    told = [one.outside for one in limits if one.standing == IN_FORCE]
    return None if None in told or not told else sum(one for one in told if one is not None)
