"""A line whose steps are recorded, and done again where the state is behind them: after a kill, or because it is made anew.

Steps that the journal has and the state has not are done again first, at their times and cut where they were cut. Then the
line goes on by the clock, and records what it does.
"""

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import msgspec

from ingest.line.line import Line
from store.messages import steps
from store.messages.steps import RecordedStep, Started, StepFailed, StepLog, StepReader
from store.state import State

log = logging.getLogger(__name__)


class StepTime:
    """The time of the step that is being taken [ns UTC]: whatever takes part in it asks here, and is told the same."""

    now = 0

    def __call__(self) -> int:
        """Return it."""
        return self.now


class Opener(Protocol):
    """Opens states and lines."""

    @property
    def state(self) -> State:
        """The state that is open."""
        ...

    def make_line(self, start: Started) -> Line:
        """Return a line that goes on where the state is, its memory what the state says.

        Raises StepFailed where the start's configuration is not at hand.
        """
        ...


@dataclass(frozen=True, slots=True)
class Owner:
    """By whom a line goes on: where its steps are recorded, its clock [ns UTC], its configuration (the hash) and version."""

    log: StepLog
    clock: Callable[[], int]
    configuration: str
    version: str


class RecordedLine:
    """Takes steps; `line` is the one that takes them at present."""

    line: Line

    def __init__(
        self,
        opener: Opener,
        journal: Path,
        time: StepTime,
        others: Mapping[str, Callable[[State, RecordedStep], None]],
        owner: Owner | None,
    ) -> None:
        """Begin where the state is.

        Parameters
        ----------
        time
            What the opener's lines ask for the time.
        others
            What does again, inside a transaction, the steps that are not the line's, by kind.
        owner
            Who goes on when all is done again; None: nobody.
        """
        self._opener, self._time, self._others, self._owner = opener, time, others, owner
        self._journal = journal
        self._has_line = False
        self.begin()

    @property
    def is_behind(self) -> bool:
        """Whether there are steps that the state has not."""
        return self._next is not None

    def begin(self) -> None:
        """Begin where the state is, and know nothing else."""
        state = self._opener.state
        first = state.step
        self._reader = StepReader(self._journal)
        self._waiting = self._reader.read(first)
        self._next = next(self._waiting, None)
        if self._next is None:
            self._go_on(follows=first > 1 or state.cursor == 1)
        elif self._next[1].kind == steps.START:
            self._again()
        elif first == 1:
            self._give_up("the state is from before steps were recorded")
        else:
            self._go_on_after(first)

    def look(self) -> None:
        """See what was recorded since, where nobody here goes on and all was done again; for who follows an owner."""
        if self._next is not None:
            return
        self._waiting = self._reader.read(self._opener.state.step)
        self._next = next(self._waiting, None)
        if self._next is not None and self._next[1].kind != steps.START and not self._has_line:
            self._go_on_after(self._next[0])

    def step(self) -> int:
        """Do the next step, again or by the clock; return how many messages it took, at least 1 of one that is done again."""
        if self._next is not None:
            self._again()
            return 1
        if self._owner is None:
            return 0
        self._time.now = self._owner.clock()
        return self.line.step()

    def close(self) -> None:
        """Close what it reads."""
        self._reader.close()

    def _again(self) -> None:
        """Do the next step again; after the last one the owner begins."""
        if self._next is None:
            return
        number, step = self._next
        self._time.now, self._opener.state.recorder.again = step.now, number + 1
        try:
            self._do(number, step)
            self._next = next(self._waiting, None)
            if self._next is None:
                self._go_on(follows=True)
        except (StepFailed, ValueError, LookupError, msgspec.MsgspecError) as error:
            self._give_up(f"step {number}, {step.kind}, cannot be done again: {error}")

    def _go_on_after(self, first: int) -> None:
        """Go on under the start that a step came after."""
        try:
            start = self._reader.last_start(first)
            self._time.now = start.now
            self._take_line(steps.started(start))
        except StepFailed as failed:
            self._give_up(str(failed))

    def _do(self, number: int, step: RecordedStep) -> None:
        if step.kind == steps.START:
            started = steps.started(step)
            self._take_unrecorded(number, step, started)
            self._opener.state.recorder.again = number + 1
            self._commit(step, lambda state, _: state.be_quiet(started.quiet))
            self._take_line(started)
        elif step.kind in self._others:
            self._commit(step, self._others[step.kind])
        else:
            self.line.repeat(step)

    def _take_line(self, started: Started) -> None:
        self.line, self._has_line = self._opener.make_line(started), True

    def _take_unrecorded(self, number: int, step: RecordedStep, started: Started) -> None:
        """Take what came before steps were recorded as it comes; people were told of its alerts."""
        self.line, recorder = self._opener.make_line(started), self._opener.state.recorder
        if self.line.next >= step.through:
            return
        recorder.again = number
        self._commit(step, lambda state, _: state.be_quiet(step.through))
        while self.line.next < step.through:
            self.line.step(step.through)

    def _commit(self, step: RecordedStep, work: Callable[[State, RecordedStep], None]) -> None:
        state = self._opener.state
        with state.transaction():
            state.recorder.begin()
            work(state, step)
            state.recorder.end(step, matters=True)

    def _go_on(self, *, follows: bool, quiet: int = 0) -> None:
        """Let the owner begin: its first step is the start."""
        if self._owner is None:
            return
        self._reader.close()
        state = self._opener.state
        quiet = max(quiet, state.quiet_until)
        state.recorder.again, state.recorder.log = None, self._owner.log
        self._time.now = self._owner.clock()
        started = Started(self._owner.configuration, self._owner.version, follows, quiet)
        step = RecordedStep(steps.START, self._time.now, state.cursor, msgspec.json.encode(started))
        self._commit(step, lambda state, _: state.be_quiet(quiet))
        self.line = self._opener.make_line(started)

    def _give_up(self, why: str) -> None:
        """Take by the owner's clock and configuration what cannot be done again; nobody is told of alerts of before."""
        if self._owner is None:
            raise StepFailed(why)
        log.warning(
            "the state is made by today's configuration from message %d on, as `stackmeter rebuild` would not, and nobody is told"
            " of the alerts of before: %s",
            self._opener.state.cursor, why,
        )  # fmt: skip
        self._next = None
        number, last = self._reader.last()
        state = self._opener.state
        with state.transaction():
            state.go_on_from(number + 1)
        self._go_on(follows=False, quiet=last.through)
