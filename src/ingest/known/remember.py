"""Remembers, when the line begins, what turned amounts into tonnes before, and says what changed without a date.

What the windows of a source were made with stays in the state; see `rules.terms`. The engine calculates by it.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import cast

from ingest.known.undated import Effects, undated
from plant.park import Plant, Source
from plant.vocabulary import FOREVER, SINCE_EVER
from rules.engine import Engine
from rules.remembering import Stored, learned, remembered
from rules.terms import Content, Numbers, changes_of, from_json, inputs_of, restated, same, to_json
from store import terms
from store.state import State


@dataclass(frozen=True, slots=True)
class Undated:
    """For people: what windows keep that is configured otherwise now, and what else changes published numbers from now on."""

    kept: tuple[str, ...]
    news: tuple[str, ...]  # of this start


def remember(plant: Plant, engine: Engine, state: State, now: int) -> Undated:
    """Let an engine calculate by the terms that windows have, remember those that are new, and say what has no date.

    Parameters
    ----------
    now
        When the configuration is loaded: the date of what changed without one. [ns UTC]
    """
    methods, connection = cast("Numbers", engine.methods), state.connection
    stored = _begun(state)
    given, kept = learned(plant, methods, stored, now)
    effects = Effects(plant, connection)
    told = [*_on_its_date(plant, stored, kept, now, effects), *_otherwise(plant, connection, stored, effects)]
    _write(plant, state, given, kept)
    found = remembered(plant, methods, kept, given)
    lasting = undated(plant, methods, found, connection)
    if found.changes:
        engine.use(found.plant, found.methods)
    return Undated(tuple(lasting), tuple(told))


class Republished:
    """Remembers which windows were published again by what their sources are given now."""

    def __init__(self, plant: Plant, methods: Numbers, state: State, now: int) -> None:
        """Remember what is given first; `now` is its date, where it has none [ns UTC]."""
        self._plant, self._state = plant, state
        self._given, self._kept = learned(plant, methods, _begun(state), now)
        self._first = state.first_readings()
        _write(plant, state, self._given, self._kept)

    def note(self, sources: Iterable[int], start: int, end: int) -> None:
        """Note sources (by index) and the stretch [start, end) [ns UTC], inside a transaction.

        Where it begins before a source's first window, all that is earlier is meant as well.
        """
        given, kept = self._given, self._kept
        which = [index for index in sources if not same(kept[index], given[index])]
        for index in which:
            begin = SINCE_EVER if start <= self._first[index] else start
            kept[index] = restated(kept[index], given[index], begin, end)
        terms.write(self._state.connection, _news(self._plant, self._state, which, given, kept))


def _begun(state: State) -> Stored:
    """Return what is remembered of the sources of which anything is published."""
    rows = state.connection.execute(
        "SELECT park, facility, name FROM source WHERE EXISTS (SELECT 1 FROM total WHERE total.source = source.id)"
    )
    begun = {(park, facility, name) for park, facility, name in rows}
    return {name: texts for name, texts in terms.read(state.connection).items() if name in begun}


def _write(plant: Plant, state: State, given: Mapping[int, Content], kept: Mapping[int, Content]) -> None:
    if news := _news(plant, state, [source.index for source in plant.sources], given, kept):
        with state.transaction():
            terms.write(state.connection, news)


def _news(
    plant: Plant, state: State, which: list[int], given: Mapping[int, Content], kept: Mapping[int, Content]
) -> list[tuple[int, str, str, str]]:
    """Return what is to be remembered of sources and is not yet, by database id."""
    if not which:
        return []
    known, inputs = terms.read(state.connection), terms.inputs(state.connection)
    texts: dict[int, str] = {}

    def text(content: Content) -> str:
        if id(content) not in texts:
            texts[id(content)] = to_json(content)
        return texts[id(content)]

    rows = []
    for source in (plant.sources[index] for index in which):
        now = text(given[source.index]), text(kept[source.index]), inputs_of(source, plant)
        if (*known.get(_name(source), ()), inputs.get(_name(source))) != now:
            rows.append((int(state.source_ids[source.index]), *now))
    return rows


def _name(source: Source) -> tuple[str, str, str]:
    return source.park, source.facility, source.name


def _on_its_date(
    plant: Plant, stored: Stored, kept: Mapping[int, Content], now: int, effects: Effects
) -> Iterator[str]:
    """Yield what was given a date in the past: windows that are published already get it as readings touch them."""
    for source in plant.sources:
        texts = stored.get(_name(source))
        if texts is None or texts[1] == to_json(kept[source.index]):
            continue
        before = from_json(texts[1])
        if before is None or from_json(texts[0]) is None:
            yield f"{source.id}: what its windows were made with cannot be read from the state; all have today's terms now"
            continue
        for change in changes_of(source.index, before, kept[source.index]):
            if change.start == SINCE_EVER:
                yield (
                    f"{source.id}: {change.what} was {change.kept} and is {change.given}, without a date, and takes other inputs, so"
                    f" that nothing can be kept: {effects.published(source, SINCE_EVER, FOREVER)} change as late readings"
                    " touch them, and all at once by stackmeter restate"
                )
            elif change.start < now:
                end = min(change.end, now)
                yield (
                    f"{source.id}: {change.what} {change.given} takes over from {change.kept} on its date,"
                    f" {effects.time(source, change.start)}: {effects.published(source, change.start, end)} since then change as"
                    " late readings touch them, and all at once by stackmeter restate"
                )


def _otherwise(plant: Plant, connection: object, stored: Stored, effects: Effects) -> Iterator[str]:
    """Yield the sources that take their amounts otherwise than before, which has no date and is not kept."""
    before = terms.inputs(connection)  # type: ignore[arg-type]
    for source in plant.sources:
        name = _name(source)
        if name in stored and before.get(name) != inputs_of(source, plant):
            yield (
                f"{source.id} takes its amounts otherwise than before, and that has no date:"
                f" {effects.published(source, SINCE_EVER, FOREVER)} change as late readings touch them, and all at once by"
                " stackmeter restate"
            )
