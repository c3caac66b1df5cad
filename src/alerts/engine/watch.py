"""Alert rules: what is new is judged once the line has committed it, and becomes alerts, in one transaction."""

from collections.abc import Callable, Iterable, Iterator
from itertools import chain

import numpy as np

from alerts.engine.alert_actions import AlertActions
from alerts.engine.frame import LineFrame, asked_spans, window_rates
from alerts.engine.heard import GatewaysHeard
from alerts.engine.late_looks import LateLooks
from alerts.engine.telling import Teller
from alerts.engine.watched_rule import WatchedLimit, WatchedRule
from alerts.judging.lifecycle import SET_BACK, SHELF, Phase
from alerts.tables import actions, alerts, rule_states
from alerts.tables.rule_states import Begun, StoredState
from plant.arrays import Bools, Floats, Readings, Times
from plant.park import Plant
from plant.vocabulary import NEVER, NS_PER_DAY
from store.messages import news
from store.messages.news import News
from store.state import State as Memory

ALONE = np.zeros(1, np.int64)  # the row of a limit's one subject
UNKNOWN = np.full(1, np.nan)  # a limit's value
LONGEST_LATE = 45 * NS_PER_DAY  # of gateways; a configuration that takes what is older replays history


class RuleWatch:
    """Keeps where every rule stands, as the state has it.

    A limit is judged at the time of each new reading of its channel, or at the end of each window of its source when its
    delay is over: a short peak must not fall between two looks. Other conditions are judged at the instants of a grid, whole
    multiples of `every` since 1970, `delay` after they are over; each instant once, and of several that are due only the
    newest: what was missed while the service was away wakes nobody.

    Attributes
    ----------
    asked
        Which channels, by index, some rule asks about.
    takers
        What takes decisions about alerts, by their topic.
    matters
        Whether a look at what came late goes on in the next step, or the clock was found to be set back.
    """

    def __init__(
        self, plant: Plant, memory: Memory, clock: Callable[[], int], api_url: str, key: bytes = b""
    ) -> None:
        """Read where the rules stand; `key` signs the links by which alerts can be acknowledged, b"" gives none."""
        self._plant, self._memory, self._clock = plant, memory, clock
        self._connection = memory.connection
        self._limits = [WatchedLimit(rule, plant) for rule in plant.rules]
        self._conditions = [WatchedRule(rule, plant) for rule in plant.conditions]
        self._of_channel: dict[int, list[WatchedLimit]] = {}
        for limit in self._limits:
            if not limit.is_on_windows:
                self._of_channel.setdefault(limit.subject, []).append(limit)
        self._is_limited = np.zeros(len(plant.channels), bool)
        self._is_limited[list(self._of_channel)] = True
        self.asked = self._is_limited.copy()
        self.asked[list(asked_spans(plant.conditions))] = True
        self._grids: dict[tuple[int, int], list[WatchedRule]] = {}
        for one in self._conditions:
            self._grids.setdefault((one.condition.every, one.condition.delay), []).append(one)
        self._heard = GatewaysHeard(plant, self._connection)
        self._frame = LineFrame(plant, memory, plant.conditions, self._heard)
        self._late = LateLooks(plant, memory, [one.labels for one in self._conditions])
        self._teller = Teller(plant, self._connection, api_url, key)
        self.takers = {actions.TOPIC: AlertActions(memory).take}
        self.matters = False
        self._begun: dict[str, Begun] = {}
        self._started = self._looked = clock()
        self._is_quiet = False
        self._read()

    # --- what is kept of where the rules stand ------------------------------------------------------------------------

    def reload(self) -> None:
        """Read again where the rules stand, as after a rollback."""
        self._heard.forget()
        self._frame.forget()
        self._late.forget()
        self._teller.forget()
        self._read()

    def _read(self) -> None:
        now = self._clock()
        stored, still = rule_states.rule_states(self._connection), alerts.open_alerts(self._connection)
        for one in chain(self._limits, self._conditions):
            one.read(stored, still, now)
        self._left = list(stored)
        self._new = [limit for limit in self._limits if limit.judged == NEVER]
        for limit in self._new:
            limit.judged = self._judged_at_first(limit)
        judged = rule_states.conditions_judged(self._connection)
        self._judged = judged if judged <= now + SET_BACK else now
        self._is_settled = False

    def _judged_at_first(self, limit: WatchedLimit) -> int:
        """Return up to when a limit that is new judges nothing: it begins now, and what was before wakes nobody.

        A plant whose past is replayed has its limits from the beginning.
        """
        if limit.is_on_windows:
            return self._due(limit, self._started)
        is_replay = self._plant.max_late > LONGEST_LATE and news.is_unseen(self._connection)
        return 0 if is_replay else self._started - 1

    def _settle(self) -> None:
        """Bring the state in line with the configuration, once, in a transaction: what nothing would ever end ends now."""
        if self._is_settled:
            return
        connection, now = self._connection, self._clock()
        grids = {one.name: (one.every, one.delay) for one in self._plant.conditions}
        self._begun = rule_states.begin_conditions(connection, grids, self._judged, now)
        self._late.begin(self._begun)
        rule_states.drop_rule_states(connection, self._left)
        self._left = []
        theirs = {alert for one in chain(self._limits, self._conditions) for alert in one.open}
        theirs |= alerts.told_by_others(connection)
        for alert in sorted(alerts.open_alerts(connection) - theirs):
            alerts.end(connection, alert, now, np.nan)
        alerts.wake_shelved(connection, now + SHELF)
        self._is_settled = True

    def _begin(self, first: int) -> None:
        """Keep since when new limits judge: at the latest since the first message under them arrived [ns UTC].

        That was before the start where a state is made again from the journal: its limits judge what they judged once.
        """
        for limit in self._new:
            if not limit.is_on_windows:
                limit.judged = min(limit.judged, first - 1)
        rule_states.save_rule_states(
            self._connection, [row for limit in self._new for row in limit.stored(ALONE)]
        )
        self._new = []

    # --- what is new, and what is due -----------------------------------------------------------------------------------

    def see(self, untold: Iterable[News], now: int) -> None:
        """Judge what is new, in order of arrival and after it was written, and what is due at a time [ns UTC]; tell of it."""
        for new in untold:
            self._take(new)
        self.matters = now < self._looked - SET_BACK
        if self.matters:
            self._read()
        self._looked = now
        self._settle()
        self._judge_limits(now)
        if self._conditions:
            before = self._judged
            self._judge_conditions(now)
            self._late.mark(before, self._judged, now)
            self.matters |= self._late.look(self._judged, now)
        self._tell(now)

    def _take(self, new: News) -> None:
        """Judge limits by new readings. Of messages that are taken anew what would have fired then is noted, and wakes nobody."""
        if not new.again:
            self._settle()
            if self._new and len(new.received):
                self._begin(int(new.received.min()))
            self._heard.take(new.gateways, new.received, new.last)
        if self._conditions:
            self._frame.take(new.readings)
            self._late.take(new.readings, new.fresh)
        changed = []
        for channel, time, value in _in_turn(
            new.readings, new.fresh & self._is_limited[new.readings.channel]
        ):
            for limit in self._of_channel[channel]:
                # Of two with one time the first is judged.
                is_late = new.again | (time <= np.maximum.accumulate(np.append(limit.judged, time))[:-1])
                if not is_late.all():
                    self._judge(limit, time[~is_late], value[~is_late])
                    changed += limit.stored(ALONE)
                if is_late.any():
                    self._note_late(limit, time[is_late], value[is_late])
        rule_states.save_rule_states(self._connection, changed)

    # --- limits -------------------------------------------------------------------------------------------------------

    def _judge(self, limit: WatchedLimit, time: Times, value: Floats) -> None:
        """Judge a limit at instants, in order of time; a value that is NaN is unknown."""
        turns = limit.turns(value)
        now = self._told_from(limit) if turns else None
        for k in turns:
            lag = None if now is None else now - int(time[k])
            limit.advance(self._connection, limit.truth(value[k : k + 1]), int(time[k]), lag)
        limit.judged = int(time[-1])

    def _told_from(self, limit: WatchedLimit) -> int | None:
        """Return the time [ns UTC]; None where receivers neither know, nor will, of a limit that fires again and again.

        The implied route tells of each alert, where there are webhooks. Another one may wait for a group, and tells of none
        that is over by then: a value that flaps faster than that would be shelved before anybody heard of it.
        """
        now = self._clock()
        if not self._plant.routing.routes:
            return now if self._plant.webhooks else None
        return now if now - rule_states.limit_told(self._connection, limit.condition.name) < SHELF else None

    def _note_late(self, limit: WatchedLimit, time: Times, value: Floats) -> None:
        rows = limit.truth(value).truth == 1
        if rows.any():
            alerts.note_late(
                self._connection, limit.condition, limit.labels[0], time[rows], value[rows], self._clock()
            )

    def _judge_limits(self, now: int) -> None:
        """Judge the windows that are due, and limits as unknown whose channel has no counting reading for its max_gap.

        That ends no alert: only a good value does.
        """
        changed = []
        for limit in self._limits:
            if limit.is_on_windows:
                if limit.judged < self._due(limit, now):
                    self._judge_windows(limit, self._due(limit, now))
                    changed += limit.stored(ALONE)
            elif now > limit.judged + limit.max_gap and limit.phase != Phase.UNKNOWN:
                changed += limit.stored(limit.advance(self._connection, limit.truth(UNKNOWN), now))
        if changed:
            rule_states.save_rule_states(self._connection, changed)

    def _judge_windows(self, limit: WatchedLimit, due: int) -> None:
        """Judge windows up to a time, known or not: what fills one later wakes nobody."""
        source = int(self._memory.source_ids[limit.subject])
        end, rate = window_rates(self._connection, source, limit.judged, due, self._plant.window)
        known = np.isfinite(rate)
        end, rate = end[known], rate[known]
        if not len(end) or end[-1] < due:
            end, rate = np.append(end, due), np.append(rate, np.nan)
        self._judge(limit, end, rate)

    def _due(self, limit: WatchedLimit, now: int) -> int:
        """Return the end of the last window that may be judged at a time."""
        return (now - limit.condition.delay) // self._plant.window * self._plant.window

    # --- conditions on the clock, and telling -----------------------------------------------------------------------------

    def _judge_conditions(self, now: int) -> None:
        changed: list[StoredState] = []
        is_any = False
        for (every, delay), watched in self._grids.items():
            instant = (now - delay) // every * every
            if instant <= (self._judged - delay) // every * every:
                continue
            self._frame.look(instant, now)
            for one in watched:
                if instant > self._begun[one.condition.name].judged:
                    moved = one.advance(self._connection, one.judge.truth(self._frame), instant)
                    changed += one.stored(moved)
            is_any = True
        if is_any:
            rule_states.save_rule_states(self._connection, changed)
            rule_states.note_conditions_judged(self._connection, now)
            self._judged = now

    def _tell(self, now: int) -> None:
        """Tell what is due; of what was told once, only what lasts."""
        if self._memory.is_quiet:
            self._is_quiet = True
            return
        if self._is_quiet:
            self._teller.forget()
            self._is_quiet = False
        self._teller.tell(now)


def _in_turn(new: Readings, wanted: Bools) -> Iterator[tuple[int, Times, Floats]]:
    """Yield of each channel the counting readings that are wanted: those of one message by time, message after message."""
    rows = np.flatnonzero(wanted & new.counting & np.isfinite(new.value))
    rows = rows[np.lexsort((new.time[rows], new.message[rows], new.channel[rows]))]
    for mine in np.split(rows, np.flatnonzero(np.diff(new.channel[rows])) + 1) if len(rows) else ():
        yield int(new.channel[mine[0]]), new.time[mine], new.value[mine]
