"""Alert rules on the line: new readings and windows that fell due are judged in the transaction that brought them."""

import sqlite3
from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np

from ingest.condition_watch import ConditionWatch
from ingest.heard import GatewaysHeard
from ingest.telling import Teller
from plant.arrays import Bools, Floats, Ints, Readings, Times
from plant.park import Plant, ThresholdRule
from plant.vocabulary import NS_PER_HOUR
from rules.lifecycle import SHELF
from rules.thresholds import (
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
from store import alerts, blocks
from store.state import State as Memory


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
        self._teller = Teller(plant, memory.connection, api_url, key)
        self._heard = GatewaysHeard(plant, memory.connection)
        self._conditions = ConditionWatch(plant, memory, clock, self._heard)
        self._left: dict[str, str | None] = {}
        self._read()

    def reload(self) -> None:
        """Read again where the rules stand, as after a rollback."""
        self._heard.forget()
        self._conditions.reload()
        self._read()

    def _read(self) -> None:
        self._teller.forget()
        stored = alerts.rule_states(self._memory.connection)
        names = {rule.name for rule in self._plant.rules}
        self._left = {name: one.alert for name, one in stored.items() if name not in names}
        self._states = {
            name: RuleState(State(one.state), one.judged, one.alert, Shelf(one.fired, one.shelved_until))
            for name, one in stored.items()
            if name in names
        }
        for rule in self._on_windows:  # a new rule on windows begins now: what was before wakes nobody
            self._states.setdefault(rule.name, RuleState(judged=self._due(rule, self._clock())))

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
        """Take the gateways of a micro-batch's messages and their arrival, and of each reading its message and its time."""
        self._heard.take(gateways, received, position, time)

    def windows(self, now: int) -> None:
        """Judge windows and conditions whose time has come, mark rules without readings as unknown, and tell what is due."""
        if self._left:
            self._end_left(now)
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
        self._teller.tell(now)

    def _end_left(self, now: int) -> None:
        """End the alerts of limits that are configured no longer: nothing else ever would."""
        for alert in self._left.values():
            if alert is not None:
                alerts.end(self._memory.connection, alert, now, np.nan)
        alerts.drop_rule_states(self._memory.connection, self._left)
        self._left = {}

    def _doubt(self, rule: ThresholdRule, now: int, max_gap: int) -> None:
        state = self._state(rule)
        if state.state is not State.UNKNOWN and unknown_since(state, now, max_gap) is not None:
            self._states[rule.name] = state = replace(state, state=State.UNKNOWN)
            alerts.save_rule_state(
                self._memory.connection, rule.name, state.state, state.judged, state.alert, state.shelf
            )

    def _state(self, rule: ThresholdRule) -> RuleState:
        return self._states.get(rule.name, RuleState())

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
