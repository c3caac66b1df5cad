"""Who follows the line: sees what it wrote, in a transaction of its own, and whatever fails there costs no tonne."""

from collections.abc import Callable, Collection

import numpy as np

from ingest.line.batch import Batch
from ingest.line.beside import Beside, Watch
from ingest.line.containment import FaultLog
from plant.arrays import Bools
from plant.vocabulary import SINCE_EVER
from store.messages import news
from store.messages.news import News
from store.messages.steps import ALERTS, RecordedStep
from store.state import State


class Following:
    """Keeps for the rules of alerts what is new, and lets them see it once the line has committed.

    Attributes
    ----------
    trouble
        What is wrong with them, "" where nothing is.
    """

    def __init__(
        self,
        watch: Watch,
        state: State,
        log: FaultLog,
        crash: Callable[[str], None],
        configuration: str,
        backfills: Collection[str],
    ) -> None:
        """`backfills` are the gateways whose readings come too late to wake anybody."""
        self._backfills = backfills
        self._watch, self._asked = watch, watch.asked
        self._state, self._crash, self._configuration = state, crash, configuration
        self._beside = Beside("alert rules", state.connection, watch.reload, log)

    @property
    def trouble(self) -> str:
        """What is wrong, "" where nothing is."""
        return self._beside.trouble

    def note(self, batch: Batch) -> None:
        """Keep what is new of a batch, inside the line's transaction; of readings, those that rules ask about."""
        asked = self._asked[batch.readings.channel]
        if not len(batch.messages) or (batch.before and not asked.any()):
            return
        is_history = np.array([gateway in self._backfills for gateway in batch.gateways])[batch.position]
        self._tell(batch, asked & ~is_history, is_late=bool(batch.before))
        if is_history.any() and not batch.before:
            self._tell(batch, asked & is_history, is_late=True)

    def _tell(self, batch: Batch, which: Bools, *, is_late: bool) -> None:
        """Keep some of a batch's readings; `is_late` are those that come too late to wake anybody."""
        last = np.full(len(batch.messages), SINCE_EVER)
        np.maximum.at(last, batch.position, batch.readings.time)
        new = News(
            is_late,
            self._configuration,
            batch.gateways,
            batch.received,
            last,
            batch.readings.take(which),
            batch.done.fresh[which],
        )
        news.tell(self._state.connection, new)

    def step(self, now: int) -> None:
        """Let them see what is new and judge what is due at a time [ns UTC]; what fails there is not seen again."""
        state, recorder = self._state, self._state.recorder
        try:
            with state.transaction():
                recorder.begin()
                self._beside.run(
                    lambda: self._watch.see(news.untold(state.connection, self._configuration), now)
                )
                news.drop(state.connection)
                step = RecordedStep(ALERTS, now, state.cursor)
                if recorder.end(step, matters=self._watch.matters):
                    self._crash("alerts_before_commit")
        except BaseException:
            self._beside.forget()
            raise
