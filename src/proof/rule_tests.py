"""Tests of alert rules: scenarios as data, judged by the same code as the service's, on a clock of their own.

A file has a configuration and scenarios; docs/alert-rules.md shows one. Conditions are judged, limits are not.
"""

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated, Any, Literal

import numpy as np
from pydantic import BeforeValidator, Field

from alerts.engine.raised import raised, subject_id, subject_labels
from alerts.judging.conditions import Judge
from alerts.judging.lifecycle import Phase, States, advance
from alerts.judging.truths import Passed, Truth
from plant.clock import INSTANT, parse_duration, parse_instant
from plant.configuration.load import load
from plant.documents.documents import Document, parse, read
from plant.documents.fields import Duration, Fault, Instant, Name, Part, Text
from plant.documents.problems import ConfigurationError, Problem
from plant.park import Condition, Plant
from plant.suggest import did_you_mean
from proof.rule_frame import ScenarioFrame, ScenarioGatewayState, series
from rules.catalogue import load_catalogue

Notation = Annotated[str, BeforeValidator(lambda given: given if isinstance(given, bool) else str(given))]


class ExpectedPart(Part):
    """Where a subject of a rule stands."""

    rule: Name
    """The alert's name."""
    subject: Text
    """The subject: park/facility/channel, or source or gateway; park/facility; park."""
    state: Literal["ok", "pending", "firing", "unknown"]
    """Where it stands."""
    alert: Literal["open", "none"] | None = None
    """Whether an alert is open; one that was stays so while its state is unknown."""
    summary: str | None = None
    """What is told of it, in Vietnamese or in English."""


class ScenarioGateway(Part):
    """What a gateway does from a time on."""

    start: Duration = Field(default="0s", validate_default=True, alias="from")
    """How long after the scenario's start."""
    state: Literal["online", "offline", "silent"]
    """Online and heard at each step; offline by its own word or its last will; or not heard any more, without a word."""
    skew: float | None = None
    """By how much its clock is off [s]; unknown where left out."""


class ScenarioPart(Part):
    """A stretch of time, what comes in it, and what should come of it."""

    name: Text
    """What it shows."""
    start: Instant
    """When it begins: RFC 3339 with zone."""
    step: Annotated[Duration, Field(gt=0)] = Field(default="60s", validate_default=True)
    """The time between two places of a series."""
    series: dict[str, Notation] = Field(default_factory=dict)
    """Readings by park/facility/channel: 10x5 11 _ 12+1x10, where `_` is no reading."""
    emissions: dict[str, Notation] = Field(default_factory=dict)
    """Rates by park/facility/source [t/h], each for its step."""
    gateways: dict[str, list[ScenarioGateway]] = Field(default_factory=dict)
    """What gateways do, by park/facility/gateway; nothing is known of others."""
    expect: dict[str, list[ExpectedPart]]
    """By time, as an instant or as how long after the start: where subjects stand."""

    def faults(self) -> Iterator[Fault]:
        """Yield what is no series and no time, and a scenario that expects nothing."""
        for name, written in (*self.series.items(), *self.emissions.items()):
            try:
                series(written)
            except ValueError as error:
                yield "series" if name in self.series else "emissions", f"{name}: {error}"
        for text in self.expect:
            try:
                if self.at(text) < self.start:
                    yield "expect", f"{text} is before the start"
            except ValueError as error:
                yield "expect", str(error)
        if not any(self.expect.values()):
            yield "expect", "expects nothing"

    def at(self, text: str) -> int:
        """Return a time of `expect` [ns UTC]."""
        return parse_instant(text) if re.fullmatch(INSTANT, text) else self.start + parse_duration(text)


class _File(Part):
    config: Any
    scenarios: list[ScenarioPart]

    def faults(self) -> Iterator[Fault]:
        if not isinstance(self.config, (str, dict)):
            yield "config", "is the path of a folder, or a configuration"
        if not self.scenarios:
            yield "scenarios", "has none"


@dataclass(frozen=True, slots=True)
class Failure:
    """What was not as expected."""

    scenario: str
    time: str
    rule: str
    subject: str
    what: str  # state, alert or summary
    expected: str
    got: str

    def __str__(self) -> str:
        place = f"{self.scenario}, at {self.time}: {self.rule} of {self.subject}"
        return f"{place}: {self.what}: expected {self.expected!r}, got {self.got!r}"


@dataclass(frozen=True, slots=True)
class Report:
    """What came of a file: how much was looked at, and what was not as expected."""

    file: str
    scenarios: int
    expectations: int
    failures: tuple[Failure, ...]

    def to_json(self) -> dict[str, Any]:
        """Return it as plain data."""
        return asdict(self)


def run(path: Path) -> Report:
    """Run the scenarios of a file.

    Raises
    ------
    ConfigurationError
        With what is wrong with the file, with its configuration, or with names that lead nowhere.
    """
    file = parse(path, _File)
    document = read(path)
    plant = _plant(path, file.config, document)
    failures: list[Failure] = []
    for number, scenario in enumerate(file.scenarios):
        try:
            failures += _Scenario(plant, scenario).failures()
        except ValueError as error:
            raise ConfigurationError([document.problem(("scenarios", number), str(error))]) from error
    expectations = sum(len(rows) for one in file.scenarios for rows in one.expect.values())
    return Report(str(path), len(file.scenarios), expectations, tuple(failures))


def _plant(path: Path, config: str | dict[str, Any], document: Document) -> Plant:
    """Return what a folder configures, named from the file's own; or what stands in the file itself."""
    if isinstance(config, str):
        folder = path.parent / config
        return load(folder, load_catalogue(folder))
    with TemporaryDirectory() as name:
        (Path(name) / "config.yaml").write_text(json.dumps(config), encoding="utf-8")
        try:
            return load(Path(name), load_catalogue(Path(name)))
        except ConfigurationError as error:
            line = document.line(("config",))
            here = [
                Problem(str(path), line, f"config.{p.path}".rstrip("."), p.message) for p in error.problems
            ]
            raise ConfigurationError(here) from error


@dataclass(frozen=True, slots=True)
class _Standing:
    """Where a subject stands after a judgement."""

    phase: Phase
    is_open: bool
    summary: Mapping[str, str]  # by language, with what was judged last


_NOTHING = Passed(np.array([np.nan]), np.array([np.nan]), np.array([-1]))


class _Run:
    """One condition through time."""

    def __init__(self, condition: Condition, plant: Plant, frame: ScenarioFrame, start: int) -> None:
        self.condition, self.labels = condition, subject_labels(plant, condition)
        self._judge, self._frame = Judge(condition, plant), frame
        self._states = States.new(len(condition.subjects), start)
        self._truth: Truth | None = None
        self._next = -(-start // condition.every) * condition.every

    def until(self, time: int) -> None:
        """Judge at all instants whose delay is over at a time."""
        condition = self.condition
        while self._next + condition.delay <= time:
            self._frame.now = self._next
            self._truth = truth = self._judge.truth(self._frame)
            self._states = advance(
                self._states, truth.truth, truth.clear, self._next, condition.hold, condition.keep
            )
            self._next += condition.every

    def standing(self, row: int) -> _Standing:
        """Return where a subject stands."""
        passed = self._truth.passed(np.array([row])) if self._truth else _NOTHING
        shown = float(passed.value[0]), float(passed.limit[0]), int(passed.of[0])
        alert = raised(self.condition, {}, self.labels[row], self._frame.now, *shown)
        states = self._states
        return _Standing(Phase(int(states.state[row])), bool(states.firing[row]), alert.texts["summary"])


class _Scenario:
    """A scenario over a plant; every condition that it expects something of is run once."""

    def __init__(self, plant: Plant, part: ScenarioPart) -> None:
        self._plant, self._part = plant, part
        self._frame = ScenarioFrame(
            plant=plant, start=part.start, step=part.step,
            readings=_by_index("channel", part.series, plant.channels, series),
            rates=_by_index("source", part.emissions, plant.sources, series),
            gateways_by_index=_by_index("gateway", part.gateways, plant.gateways, _states),
        )  # fmt: skip
        self._rows: dict[tuple[str, str], tuple[_Run, int]] = {}

    def failures(self) -> Iterator[Failure]:
        """Yield what is not as expected, in the order of time."""
        wanted = {one.rule for rows in self._part.expect.values() for one in rows}
        for name in sorted(wanted):
            self._add(name)
        for text in sorted(self._part.expect, key=self._part.at):
            for one in self._part.expect[text]:
                run, row = self._row(one)
                run.until(self._part.at(text))
                for what, expected, got in _differences(one, run.standing(row)):
                    yield Failure(self._part.name, text, one.rule, one.subject, what, expected, got)

    def _add(self, name: str) -> None:
        conditions = [one for one in self._plant.conditions if one.name == name]
        if not conditions:
            if any(rule.name == name for rule in self._plant.rules):
                raise ValueError(f"{name} is a limit; scenarios are for conditions")
            known = {one.name for one in self._plant.conditions}
            raise ValueError(f"there is no rule {name}{did_you_mean(name, known)}")
        for condition in conditions:
            run = _Run(condition, self._plant, self._frame, self._part.start)
            for row, labels in enumerate(run.labels):
                self._rows[name, subject_id(labels)] = run, row

    def _row(self, one: ExpectedPart) -> tuple[_Run, int]:
        if (one.rule, one.subject) not in self._rows:
            hint = did_you_mean(one.subject, [subject for rule, subject in self._rows if rule == one.rule])
            raise ValueError(f"{one.rule} has no subject {one.subject}{hint}")
        return self._rows[one.rule, one.subject]


def _differences(one: ExpectedPart, standing: _Standing) -> Iterator[tuple[str, str, str]]:
    """Yield what differs, what was expected and what is."""
    state = standing.phase.name.lower()
    if one.state != state:
        yield "state", one.state, state
    alert = "open" if standing.is_open else "none"
    if one.alert not in (None, alert):
        yield "alert", str(one.alert), alert
    if one.summary is not None and one.summary not in standing.summary.values():
        yield "summary", one.summary, standing.summary.get("en", "")


def _states(parts: Sequence[ScenarioGateway]) -> tuple[ScenarioGatewayState, ...]:
    return tuple(ScenarioGatewayState(p.start, p.state, np.nan if p.skew is None else p.skew) for p in parts)


def _by_index(
    kind: str, given: Mapping[str, Any], rows: Sequence[Any], made: Callable[[Any], Any]
) -> dict[int, Any]:
    """Return what is given by full name, made into what a frame takes, by index."""
    index = {f"{row.park}/{row.facility}/{row.name}": row.index for row in rows}
    for name in given:
        if name not in index:
            raise ValueError(f"there is no {kind} {name}{did_you_mean(name, index)}")
    return {index[name]: made(value) for name, value in given.items()}
