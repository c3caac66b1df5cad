"""Follows the owner of a shard: takes what the log has, and does each step as it was recorded, by the same code."""

import logging
import os
from collections.abc import Callable
from contextlib import ExitStack, closing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Self

from alerts.tables.links import link_key
from alerts.tables.webhook_acts import act_again
from ingest.line.line import Line
from ingest.line.recorded import RecordedLine, StepTime
from plant.configuration.load import load_with_doubts
from proof.restate.restate import publish_again
from proof.works import Configured, Links, whole_line
from rules.catalogue import load_catalogue
from stackmeter.settings import Settings
from stackmeter.standby.journal_of_shard import open_replicated
from store.accounting.ledger import ledger_head
from store.folder import Folder
from store.influx.unsent import Unsent
from store.messages.journal import JournalReader
from store.messages.steps import OUTBOX, RESTATEMENT, Started, StepFailed, StepReader
from store.replicated.log_records import StepRecord
from store.state import State

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class FollowerPosition:
    """How far a state directory is that follows.

    Attributes
    ----------
    messages
        How many it has.
    step, at
        The last step that it did, 0 for none, and its time [ns UTC].
    agreed
        The last step after which its ledger was compared with the owner's and was equal; None where none was compared yet.
    """

    messages: int
    step: int
    at: int | None
    agreed: int | None = None


class Follower:
    """A state directory whose owner is elsewhere; for one thread, which may be asked `trouble` by others.

    Attributes
    ----------
    trouble
        Why it can follow no further, and so must never own; "" where it follows.
    position
        How far it is.
    """

    def __init__(self, settings: Settings, folder: Folder, crash: Callable[[str], None]) -> None:
        """Open what the directory has; raise as the service does."""
        self.trouble = ""
        self._settings, self._crash = settings, crash
        self._token = folder.token(settings.token.get_secret_value() if settings.token else None)
        catalogue = load_catalogue(settings.config)
        self._known = Configured(load_with_doubts(settings.config, catalogue, os.environ).plant, catalogue)
        self._heads: dict[int, bytes] = {}
        with ExitStack() as opening:
            self.journal = opening.enter_context(closing(open_replicated(settings, folder.journal, crash)))
            self.state = opening.enter_context(closing(State(folder.state, self._known.plant)))
            self._reader = opening.enter_context(closing(JournalReader(folder.journal)))
            self.state.check_follows(self._reader)
            self._unsent = Unsent(self.state.connection)
            others = {OUTBOX: act_again, RESTATEMENT: publish_again(self._known.plant, catalogue)}
            self._time = StepTime()
            self._steps = opening.enter_context(
                closing(RecordedLine(self, folder.journal, self._time, others, None))
            )
            at = _time_of(folder.journal, self.state.step - 1)
            self.position = FollowerPosition(self.journal.next - 1, self.state.step - 1, at)
            self._open = opening.pop_all()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._open.close()

    def make_line(self, started: Started) -> Line:
        """Return a line whose memory is what the state says; raise StepFailed where that start had another configuration."""
        plant = self._known.plant
        if started.configuration != plant.hash:
            raise StepFailed("it was taken under another configuration than ours")
        links = Links(self._settings.public_url, link_key(self._token))
        project = self._settings.influx_url is not None
        return whole_line(self._known, self.state, self._reader, self._time, links, project=project)

    def step(self) -> bool:
        """Take what the log has more, and do the steps among it; return whether there was anything.

        What it cannot do, or does otherwise than the owner did, is `trouble`; messages are taken even so.

        Raises
        ------
        store.messages.journal.JournalWaits
            The log does not answer.
        store.replicated.log.LogLost
            It has not what is here.
        """
        taken = self.journal.take()
        self._heads |= {one.number: one.head for one in taken if isinstance(one, StepRecord) and one.head}
        if not self.trouble:
            try:
                self._follow()
            except StepFailed as failed:
                self._stop(f"cannot follow: {failed}")
        self._unsent.step()
        self.position = replace(self.position, messages=self.journal.next - 1)
        return bool(taken)

    def _follow(self) -> None:
        self._steps.look()
        while self._steps.is_behind and not self.trouble:
            self._steps.step()
            done = self.state.step - 1
            self.position = replace(self.position, step=done, at=self._time.now)
            head = self._heads.pop(done, b"")
            if head and head != ledger_head(self.state.connection):
                self._stop(
                    f"diverged: the ledger after step {done} is not the owner's; stackmeter verify says which of the two is right"
                )
            elif head:
                self.position = replace(self.position, agreed=done)

    def _stop(self, why: str) -> None:
        self.trouble = why
        log.error("%s: this standby takes over no more", why)


def _time_of(journal: Path, step: int) -> int | None:
    """Return the time of a step of a journal [ns UTC], None where it has none of that number."""
    with closing(StepReader(journal)) as steps:
        number, found = next(steps.read(max(step, 1)), (0, None))
    return found.now if found is not None and number == step else None
