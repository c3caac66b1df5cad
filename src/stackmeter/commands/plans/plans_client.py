"""What the commands about plan, bill and battery ask of a service."""

from functools import cached_property
from zoneinfo import ZoneInfo

from api.accounting.advice import AdviceBody
from api.accounting.tariff import BillsBody
from api.totals.bridge import BridgeBody
from api.totals.measures import MeasuresBody
from api.totals.roadmap import RoadmapBody
from stackmeter.client.answers import ServiceAsked, given


class PlansClient(ServiceAsked):
    """A client that asks for plans and energy; all raise `QuestionRefused` where there is no such place or time."""

    @cached_property
    def clocks(self) -> dict[str, ZoneInfo]:
        """The clock of each park."""
        return {park.park: ZoneInfo(park.zone) for park in self.parks().parks}

    def roadmap(self, park: str, facility: str | None, language: str) -> RoadmapBody:
        """Return path, budgets and projection by year, of a park its facilities' too."""
        asked = given(park=park, facility=facility, language=language)
        return self._valid(RoadmapBody, self._get("/v1/roadmap", asked))

    def measures(self, park: str, facility: str | None, year: int | None, language: str) -> MeasuresBody:
        """Return what measures saved in a year, this one where it is None."""
        asked = given(park=park, facility=facility, year=year, language=language)
        return self._valid(MeasuresBody, self._get("/v1/measures", asked))

    def bridge(
        self, park: str, facility: str, output: str, years: tuple[int, int], language: str
    ) -> BridgeBody:
        """Return what moved a facility's tonnes from the first of two years to the second."""
        base, year = years
        asked = given(park=park, facility=facility, output=output, base=base, year=year, language=language)
        return self._valid(BridgeBody, self._get("/v1/bridge", asked))

    def bills(self, park: str | None, facility: str | None, month: str | None) -> BillsBody:
        """Return the bills of a month, this one where it is None."""
        asked = given(park=park, facility=facility, period=month)
        return self._valid(BillsBody, self._get("/v1/tariff", asked))

    def advice(self, park: str | None, facility: str | None, language: str) -> AdviceBody:
        """Return when batteries should work tomorrow."""
        asked = given(park=park, facility=facility, language=language)
        return self._valid(AdviceBody, self._get("/v1/advice", asked))
