"""Alert rules: new readings and windows that fell due are judged once the line has committed them."""

import sqlite3
from collections.abc import Callable, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import replace

import numpy as np

from alerts.engine.alert_actions import AlertActions
from alerts.engine.condition_watch import ConditionWatch
from alerts.engine.heard import GatewaysHeard
from alerts.engine.telling import Teller
from alerts.judging.lifecycle import SET_BACK, SHELF, not_ahead
from alerts.judging.thresholds import (
    Judgement,
    RuleState,
    Shelf,
    State,
    breaches,
    judge_readings,
    judge_windows,
    shelved,
    unknown_since,
)
from alerts.tables import actions, alerts
from plant.arrays import Bools, Floats, Ints, Readings, Times
from plant.park import Plant, ThresholdRule
from plant.vocabulary import NS_PER_DAY, NS_PER_HOUR
from store import blocks
from store.messages import news
from store.state import State as Memory

LONGEST_LATE = 45 * NS_PER_DAY  # of gateways; a configuration that takes what is older replays history


class RuleWatch:
    """Keeps where every rule stands, as the state has it."""

    def __init__(
        self, plant: Plant, memory: Memory, clock: Callable[[], int], api_url: str, key: bytes = b""
    ) -> None:
        """Read where the rules stand; `key` signs the links by which alerts can be acknowledged, b"" gives none."""
        self._plant, self._memory, self._clock = plant, memory, clock
        self._by_channel: dict[int, list[ThresholdRule]] = {}
        for rule in plant.rules:
            if rule.channel >= 0:
                self._by_channel.setdefault(rule.channel, []).append(rule)
        self._on_windows = [rule for rule in plant.rules if rule.source >= 0]
        self._states: dict[str, RuleState] = {}
        self._subjects = {rule.name: alerts.subject_of(plant, rule) for rule in plant.rules}
        self._started = self._looked = clock()
        self._was_set_back = False
        self._is_quiet = False
        self.takers = {actions.TOPIC: AlertActions(memory).take}
        self._teller = Teller(plant, memory.connection, api_url, key)
        self._heard = GatewaysHeard(plant, memory.connection)
        self._conditions = ConditionWatch(plant, memory, clock, self._heard)
        self.asked = self._conditions.asked
        self.asked[list(self._by_channel)] = True
        self._read()

    def reload(self) -> None:
        """Read again where the rules stand, as after a rollback."""
        self._heard.forget()
        self._conditions.reload()
        self._teller.forget()
        self._read()

    @property
    def matters(self) -> bool:
        """Whether a look at what came late goes on in the next step, or the clock was found to be set back."""
        return self._conditions.matters or self._was_set_back

    def _read(self) -> None:
        connection, now = self._memory.connection, self._clock()
        stored, still = alerts.rule_states(connection), alerts.open_alerts(connection)
        known = {name: one for name, one in stored.items() if self._subjects.get(name) == one.subject}
        self._left = stored.keys() - known.keys()
        self._states = {name: _standing(one, still, now) for name, one in known.items()}
        self._new = [rule for rule in self._plant.rules if rule.name not in known]
        self._states |= {rule.name: RuleState(judged=self._judged_at_first(rule)) for rule in self._new}
        self._is_settled = False

    def _judged_at_first(self, rule: ThresholdRule) -> int:
        """Return up to when a rule that is new judges nothing: it begins now, and what was before wakes nobody.

        A plant whose past is replayed has its limits from the beginning.
        """
        if rule.source >= 0:
            return self._due(rule, self._started)
        is_replay = self._plant.max_late > LONGEST_LATE and news.is_unseen(self._memory.connection)
        return 0 if is_replay else self._started - 1

    def _settle(self) -> None:
        """Bring the state in line with the configuration, once, in a transaction: what nothing would ever end ends now."""
        if self._is_settled:
            return
        connection, now = self._memory.connection, self._clock()
        self._conditions.settle(now)
        alerts.drop_rule_states(connection, self._left)
        theirs = {one.alert for one in self._states.values()} | self._conditions.open_alerts()
        for alert in sorted(alerts.open_alerts(connection) - theirs):
            alerts.end(connection, alert, now, np.nan)
        alerts.wake_shelved(connection, now + SHELF)
        self._is_settled = True

    def _begin(self, first: int) -> None:
        """Keep since when new rules judge: at the latest since the first message under them arrived [ns UTC].

        That was before the start where a state is made again from the journal: its limits judge what they judged once.
        """
        for rule in self._new:
            state = self._state(rule)
            if rule.channel >= 0:
                state = replace(state, judged=min(state.judged, first - 1))
            self._keep(rule, state)
        self._new = []

    def readings(self, new: Readings, fresh: Bools) -> None:
        """Judge new readings, in order of arrival, by the rules on their channels."""
        self._conditions.readings(new, fresh)
        for channel in np.unique(new.channel[fresh]).tolist() if self._by_channel else ():
            for rule in self._by_channel.get(channel, ()):
                mine = new.take(fresh & (new.channel == channel))
                self._apply(
                    rule,
                    judge_readings(
                        rule.above,
                        rule.limit,
                        self._state(rule),
                        time=mine.time,
                        value=mine.value,
                        counting=mine.counting,
                        message=mine.message,
                    ),
                )

    def replayed(self, new: Readings, fresh: Bools) -> None:
        """Take readings of messages that are taken anew: what would have fired then is noted, and wakes nobody."""
        self._conditions.readings(new, fresh)
        for channel in np.unique(new.channel[fresh]).tolist() if self._by_channel else ():
            mine = new.take(fresh & (new.channel == channel) & new.counting)
            for rule in self._by_channel.get(channel, ()):
                state = self._state(rule)
                late = breaches(rule.above, rule.limit, mine.value)
                self._apply(
                    rule,
                    Judgement(state.state, state.judged, (), mine.time[late], mine.value[late]),
                )

    def heard(self, gateways: Sequence[str], received: Times, position: Ints, time: Times) -> None:
        """Take the gateways of a micro-batch's messages and their arrival, and of each reading its message and its time.

        Before its readings are judged.
        """
        self._settle()
        if self._new and len(received):
            self._begin(int(received.min()))
        self._heard.take(gateways, received, position, time)

    def windows(self, now: int) -> None:
        """Judge windows and conditions whose time has come, mark rules without readings as unknown, and tell what is due."""
        self._was_set_back = now < self._looked - SET_BACK
        if self._was_set_back:
            self._conditions.read()
            self._read()
        self._looked = now
        self._settle()
        for rule in self._on_windows:
            state = self._state(rule)
            if self._due(rule, now) > state.judged:
                start, co2e_t, coverage = self._emissions(rule, state.judged, self._due(rule, now))
                judgement = judge_windows(
                    rule.above, rule.limit, state, now=now, delay=rule.delay, window=self._plant.window,
                    start=start, co2e_t=co2e_t, coverage=coverage,
                )  # fmt: skip
                self._apply(rule, judgement)
        for channel, rules in self._by_channel.items():
            for rule in rules:
                self._doubt(rule, now, self._plant.channels[channel].max_gap)
        self._conditions.judge(now)
        self._tell(now)

    def _tell(self, now: int) -> None:
        """Tell what is due; of what was told once, only what lasts."""
        if self._memory.is_quiet:
            self._is_quiet = True
            return
        if self._is_quiet:
            self._teller.forget()
            self._is_quiet = False
        self._teller.tell(now)

    def _doubt(self, rule: ThresholdRule, now: int, max_gap: int) -> None:
        state = self._state(rule)
        if state.state is not State.UNKNOWN and unknown_since(state, now, max_gap) is not None:
            self._keep(rule, replace(state, state=State.UNKNOWN))

    def _keep(self, rule: ThresholdRule, state: RuleState) -> None:
        self._states[rule.name] = state
        alerts.save_rule_state(
            self._memory.connection, rule.name, state.state, state.judged, state.alert, state.shelf, self._subjects[rule.name]
        )  # fmt: skip

    def _state(self, rule: ThresholdRule) -> RuleState:
        return self._states[rule.name]

    def _apply(self, rule: ThresholdRule, judgement: Judgement) -> None:
        before, now = self._state(rule), self._clock()
        judgement = shelved(judgement, before.shelf, now, is_known=self._is_known(rule, judgement, now))
        alert = alerts.apply_judgement(
            self._memory.connection, self._plant, rule, judgement, before.alert, now=now
        )
        self._states[rule.name] = RuleState(judgement.state, judgement.judged, alert, judgement.shelf)

    def _is_known(self, rule: ThresholdRule, judgement: Judgement, now: int) -> bool:
        """Return whether receivers know, or will, of a limit that fires again and again.

        The implied route tells of each alert, where there are webhooks. Another one may wait for a group, and tells of none
        that is over by then: a value that flaps faster than that would be shelved before anybody heard of it.
        """
        if not self._plant.routing.routes or not judgement.transitions:
            return bool(self._plant.webhooks)
        return now - alerts.rule_told(self._memory.connection, rule.name) < SHELF

    def _due(self, rule: ThresholdRule, now: int) -> int:
        """Return the end of the last window that may be judged at a time."""
        return (now - rule.delay) // self._plant.window * self._plant.window

    def _emissions(self, rule: ThresholdRule, start: int, end: int) -> tuple[Times, Floats, Floats]:
        """Return start, tonnes and coverage of the stored windows of a rule's source in [start, end)."""
        return stored_windows(
            self._memory.connection, int(self._memory.source_ids[rule.source]), start, end, self._plant.window
        )


def _standing(stored: alerts.StoredRule, still: AbstractSet[str], now: int) -> RuleState:
    """Return where a limit stands; `still` are the alerts that are open, and what is far ahead of now is of a clock that ran ahead."""
    return RuleState(
        state=State(stored.state),
        judged=stored.judged if stored.judged <= now + SET_BACK else now,
        alert=stored.alert if stored.alert in still else None,
        shelf=Shelf(tuple(not_ahead(stored.fired, now)), not_ahead([stored.shelved_until], now + SHELF)[0]),
    )


def stored_windows(
    connection: sqlite3.Connection, source: int, start: int, end: int, window: int
) -> tuple[Times, Floats, Floats]:
    """Return start [ns], emissions [tCO2e] and coverage of a source's stored windows in [start, end)."""
    rows = connection.execute(
        "SELECT hour, block FROM emission WHERE source = ? AND hour > ? AND hour < ? ORDER BY hour",
        (source, start - NS_PER_HOUR, end),
    ).fetchall()
    if not rows:
        return np.empty(0, np.int64), np.empty(0), np.empty(0)
    stack = np.concatenate([blocks.from_bytes(block) for _, block in rows])
    times = np.concatenate([hour + window * np.arange(NS_PER_HOUR // window) for hour, _ in rows])
    inside = (times >= start) & (times < end)
    return times[inside], stack[inside, blocks.CO2E_T], blocks.coverage(stack[inside])
