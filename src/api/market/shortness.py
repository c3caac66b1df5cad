"""Tells on-call that a facility is short of allowances while some can still be bought, as another program would tell of an alert of its own.

What fires is read from the state at each look, so that a start, or a look that comes before the line has taken the last one, tells nothing twice.
"""

import json
import sqlite3
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import Final

from alerts.engine.told_by_service import SERVICE, Words, told_by_service
from alerts.tables.actions import AlertAction
from api.market.position_bodies import EndBody, PositionBody
from api.market.positions import MarketPlace, Positions, market_places
from plant.alerting import TOLD_BY
from plant.languages import LANGUAGES, Language, day_text, number_text
from plant.park import Plant
from plant.vocabulary import NS_PER_S
from rules.catalogue import Register
from rules.market.market_files import YearsRow, years_of
from rules.market.position import TOLD_BEFORE, told_before
from store.reader import Reader, Snapshot
from store.records.movements import counting_movements

RULE: Final = "position-short"
EVERY_S = 600.0
LEAST = 0.05  # t; less would be told as 0.0

Labels = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class _Short:
    """That a facility is short, or None of `severity` where nobody knows whether it is."""

    severity: str | None
    words: Words = field(default_factory=lambda: {"vi": {}, "en": {}})


class ShortTeller:
    """Looks at every facility with a quota, from 90 days before the last trading day until allowances are surrendered.

    Parameters
    ----------
    act
        Hands what is told to the line, which takes it in its turn.
    clock
        The time [ns UTC].
    """

    def __init__(
        self,
        reader: Reader,
        plant: Plant,
        catalogue: Register,
        act: Callable[[AlertAction], None],
        clock: Callable[[], int],
    ) -> None:
        self._reader, self._catalogue, self._act, self._clock = reader, catalogue, act, clock
        self._places = [one for one in market_places(plant) if one.market is not None]
        self._zones = {park.name: park.zone for park in plant.parks}

    def workers(self, stop: threading.Event) -> Iterator[tuple[str, Callable[[], None]]]:
        """Yield the name and the work of the thread that looks, until `stop`; none where nobody has a quota."""
        if self._places:
            yield "position", lambda: self._watch(stop)

    def look(self) -> None:
        """Tell what began and what is over since the last look. What is not known begins nothing and ends nothing."""
        now = self._clock()
        with self._reader.snapshot() as state:
            firing = _firing(state.connection)
            found = dict(self._found(state, now))
        unknown = {_subject(labels) for labels, one in found.items() if one.severity is None}
        for labels, since in firing.items():
            if labels not in found and _subject(labels) not in unknown:
                self._tell(labels, _Short("info"), since, now)
        for labels, one in found.items():
            if one.severity is not None and labels not in firing:
                self._tell(labels, one, now, 0)

    def _watch(self, stop: threading.Event) -> None:
        while not stop.is_set():
            self.look()
            stop.wait(EVERY_S)

    def _found(self, state: Snapshot, now: int) -> Iterator[tuple[Labels, _Short]]:
        """Yield which facilities are short, and of which it is not known."""
        positions = Positions(state, self._catalogue, now, counting_movements(state.connection))
        for place in self._places:
            today = datetime.fromtimestamp(now // NS_PER_S, UTC).astimezone(self._zones[place.park]).date()
            for row in self._catalogue.market(place.market or "").rows:
                days = told_before(today, row.last_trading_day, row.surrender_by)
                for one in () if days is None else positions.positions(place, years_of(row)):
                    short = _short(one, row, today, TOLD_BEFORE[days or 0])
                    if short is not None:
                        yield _labels(place, one, days or 0), short

    def _tell(self, labels: Labels, one: _Short, since: int, until: int) -> None:
        severity = one.severity or "info"
        self._act(
            told_by_service(RULE, severity, dict(labels), one.words, of=str(labels), since=since, until=until)
        )


def _firing(connection: sqlite3.Connection) -> Mapping[Labels, int]:
    """Return the labels of what was told and is not over, with when it began [ns UTC]."""
    query = "SELECT labels, started_at FROM alert WHERE rule = ? AND ended_at IS NULL"
    rows = [(json.loads(labels), since) for labels, since in connection.execute(query, (RULE,))]
    return {
        tuple(sorted((name, text) for name, text in labels.items() if name != TOLD_BY)): since
        for labels, since in rows
        if labels.get(TOLD_BY) == SERVICE
    }


def _labels(place: MarketPlace, one: PositionBody, days: int) -> Labels:
    labels = {"park": place.park, "facility": place.facility, "years": _years(one), "before": f"{days}d"}
    return tuple(sorted(labels.items()))


def _subject(labels: Labels) -> Labels:
    return tuple(one for one in labels if one[0] != "before")


def _short(one: PositionBody, row: YearsRow, today: date, severity: str) -> _Short | None:
    """Return that a position is short by what allowances are to be bought, or that nobody knows; None where it is not."""
    amount = one.position.to_buy_t
    if amount is None:
        return _Short(None)
    if amount < LEAST:
        return None
    left = str((row.last_trading_day - today).days)
    same = {"facility": one.facility, "years": _years(one), "left": left}
    return _Short(severity, {language: same | _numbers(one, row, language) for language in LANGUAGES})


def _numbers(one: PositionBody, row: YearsRow, language: Language) -> dict[str, str]:
    cost = one.position.exposure
    return {
        "amount": _tonnes(one.position, language),
        "low": _tonnes(one.low, language),
        "high": _tonnes(one.high, language),
        "cost": "?" if cost is None else f"{number_text(round(cost), language)} {one.currency}",
        "day": day_text(row.last_trading_day, language),
    }


def _years(one: PositionBody) -> str:
    return str(one.years[0]) if len(one.years) == 1 else f"{one.years[0]}-{one.years[-1]}"


def _tonnes(end: EndBody, language: Language) -> str:
    return "?" if end.to_buy_t is None else number_text(round(end.to_buy_t, 1), language)
