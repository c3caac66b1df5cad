"""Who is told what at which second: the router against a naive oracle, and each rule of it by example."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alerts.telling.groups import Group, event_id
from alerts.telling.muting import Alert, Mute, Muting, Silence, covers
from alerts.telling.muting import test_of as compiled
from alerts.telling.routing import Router
from plant.alert_rules.matchers import matcher
from plant.alerting import (
    Escalation,
    Hours,
    Inhibition,
    Maintenance,
    Matcher,
    Quiet,
    Rota,
    Route,
    Routing,
    Shift,
)
from plant.vocabulary import NS_PER_HOUR, NS_PER_MIN
from plant.vocabulary import NS_PER_S as SECOND

ZONE = ZoneInfo("Asia/Ho_Chi_Minh")
ZONES = {"north": ZONE}
EVERY_DAY = tuple(range(7))
MIDNIGHT = 1_773_075_600 * SECOND  # 2026-03-10T00:00:00+07:00, a Tuesday


def route(
    *match: str, receivers: Iterable[str] = ("desk",), wait=30, interval=300, repeat=14_400, **more
) -> Route:
    made = tuple(matcher(text) for text in match)
    return Route(
        name="/" + ",".join(match),
        match=made,
        receivers=tuple(receivers),
        group_by=more.pop("group_by", ("facility",)),
        each_alone=more.pop("each_alone", False),
        group_wait=wait * SECOND,
        group_interval=interval * SECOND,
        repeat_interval=repeat * SECOND,
        goes_on=more.pop("goes_on", False),
        routes=more.pop("routes", ()),
    )


def firing(number: str, start: int = 0, **labels: str) -> Alert:
    given = {"park": "north", "facility": "mill", "severity": "warning", "rule": number, **labels}
    return Alert(number, given, start * SECOND)


class Play:
    """Keeps the groups between instants, as the state does; `log` is what was told, in seconds after `zero`."""

    def __init__(self, routing: Routing, webhooks=("desk", "pager", "boss"), zero: int = 0) -> None:
        self.router, self.zero = Router(routing, webhooks, ZONES), zero
        self.groups: dict[tuple[str, str], Group] = {}
        self.log: list[tuple[int, str, tuple[str, ...], tuple[str, ...], int]] = []
        self.ids: list[str] = []
        self.wake = 0
        self.telling = None

    def at(self, second: int, *alerts: Alert, silences: Iterable[Silence] = ()) -> None:
        now = self.zero + second * SECOND
        told = {number for group in self.groups.values() for number in group.told}
        given = [one for one in alerts if one.ended_at is None or one.id in told]
        muted_by = {mute.by for mute in self.telling.mutes.values()} if self.telling else set()
        gone = [one for one in alerts if one.ended_at is not None and one.id in muted_by]
        self.telling = self.router.decide(given, list(self.groups.values()), list(silences), now, gone)
        for place, group in self.telling.groups.items():
            if group is None:
                del self.groups[place]
            else:
                self.groups[place] = group
        self.wake = (self.telling.wake - self.zero) / SECOND
        for n in self.telling.notices:
            self.log.append((second, n.endpoint, n.firing, n.resolved, n.repeat))
            self.ids.append(n.id)


def over(alert: Alert, second: int) -> Alert:
    return replace(alert, ended_at=second * SECOND)


# --- against the oracle -----------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Life:
    """An alert's life in seconds: when it begins, ends, is acknowledged, and is silenced from and to."""

    begins: int
    ends: int
    acknowledged: int
    silenced: tuple[int, int]

    def is_open(self, t: int) -> bool:
        return self.begins <= t < self.ends

    def is_silent(self, t: int) -> bool:
        return self.silenced[0] <= t < self.silenced[1]

    def is_audible(self, t: int) -> bool:
        return self.is_open(t) and not self.is_silent(t)

    def moments(self) -> set[int]:
        return {self.begins, self.ends, self.acknowledged, self.silenced[0]}


def oracle(lives: Mapping[str, Life], last: int, wait: int, interval: int, repeat: int):
    """Tell the whole story anew at every second, from nothing but what was said so far."""
    said: list[tuple[int, tuple[str, ...], tuple[str, ...], bool]] = []
    first = None  # since when the next notice is waited for
    for t in range(last):
        told: dict[str, int] = {}
        spoken = -1000
        for when, began, ended, _ in said:
            told |= dict.fromkeys(began, when)
            told = {i: at for i, at in told.items() if i not in ended}
            spoken = when
        ever = {i for _, began, _, _ in said for i in began}
        new = [i for i, life in lives.items() if life.is_audible(t) and i not in ever]
        gone = [i for i in told if lives[i].ends <= t]
        pause = spoken + interval if told else -1000
        if first is None and new:
            first = t
        is_waited = first is not None and t >= max(pause, first + wait)
        if is_waited:
            first = None
        if is_waited if new else gone and t >= pause:
            said.append((t, tuple(sorted(new)), tuple(sorted(gone)), False))
            continue
        nagging = [i for i in told if lives[i].is_audible(t) and t < lives[i].acknowledged]
        if nagging and t >= max(pause, min(told[i] for i in nagging) + repeat):
            said.append((t, tuple(sorted(nagging)), (), True))
    return said


spans = st.tuples(st.integers(0, 50), st.integers(0, 20)).map(lambda pair: (pair[0], pair[0] + pair[1]))
lives_ = st.builds(
    lambda span, acknowledged, silenced: Life(span[0], span[1] + 1, acknowledged, silenced),
    spans,
    st.integers(0, 90),
    spans,
)


@settings(max_examples=120, deadline=None)
@given(
    st.lists(lives_, min_size=1, max_size=4),
    st.integers(0, 6),
    st.integers(0, 9),
    st.integers(3, 25),
    st.booleans(),
)
def test_what_is_told_is_what_the_oracle_says_and_looking_only_when_asked_is_enough(
    lives, wait, interval, repeat, seldom
):
    named = {f"a{number}": life for number, life in enumerate(lives)}
    play = Play(Routing(routes=(route(wait=wait, interval=interval, repeat=repeat),)))
    moments = set().union(*(life.moments() for life in lives))
    for t in range(90):
        if seldom and t not in moments and t < play.wake:
            continue
        alerts, silences = [], []
        for name, life in named.items():
            if life.begins <= t:
                alert = replace(firing(name, life.begins), acknowledged=life.acknowledged <= t)
                alerts.append(over(alert, life.ends) if life.ends <= t else alert)
            if life.is_silent(t):
                silences.append(Silence(name, (matcher(f'rule="{name}"'),), life.silenced[1] * SECOND))
        play.at(t, *alerts, silences=silences)

    told = [(t, began, ended, n > 0) for t, _, began, ended, n in play.log]
    assert told == oracle(named, 90, wait, interval, repeat)
    assert len(set(play.ids)) == len(play.ids)
    assert not any(group.told and not set(group.told) & set(named) for group in play.groups.values())


# --- the tree -----------------------------------------------------------------------------------------------------------


def told_by(routing: Routing, *alerts: Alert) -> list[tuple[str, tuple[str, ...]]]:
    play = Play(routing)
    play.at(0, *alerts)
    play.at(60, *alerts)
    return sorted((endpoint, began) for _, endpoint, began, _, _ in play.log)


def test_the_first_route_that_matches_is_taken_and_the_narrowest_below_it():
    inner = route('severity="critical"', 'park="north"', receivers=["pager"])
    tree = Routing(routes=(route('facility="mill"', routes=(inner,)), route(receivers=["boss"])))

    assert told_by(tree, firing("w")) == [("desk", ("w",))]
    assert told_by(tree, firing("c", severity="critical")) == [("pager", ("c",))]
    assert told_by(tree, firing("o", facility="food")) == [("boss", ("o",))]


def test_a_route_that_goes_on_lets_the_next_one_be_asked():
    tree = Routing(routes=(route('severity="warning"', goes_on=True), route(receivers=["boss"])))

    assert told_by(tree, firing("w")) == [("boss", ("w",)), ("desk", ("w",))]


def test_alerts_are_grouped_by_labels_or_each_alone():
    a, b, c = firing("a"), firing("b"), firing("c", facility="food")

    assert told_by(Routing(routes=(route(),)), a, b, c) == [("desk", ("a", "b")), ("desk", ("c",))]
    alone = told_by(Routing(routes=(route(each_alone=True),)), a, b, c)
    assert alone == [("desk", ("a",)), ("desk", ("b",)), ("desk", ("c",))]


@pytest.mark.parametrize(
    ("text", "matches"),
    [
        ('facility="mill"', True),
        ('facility!="mill"', False),
        ('facility=~"m.*"', True),
        ('facility=~"il"', False),  # the whole label
        ('facility!~"food|mill"', False),
        ('channel=""', True),
        ('rule=~"a[0-9]+"', True),
    ],
)
def test_a_matcher_looks_at_one_label(text, matches):
    assert compiled((matcher(text),))(firing("a1").labels) is matches


@pytest.mark.parametrize(
    "text",
    [
        "facility=mill", '="x"', 'a=~"("', 'a=~"(a+)+"', 'a=~"(a|a)*"', 'a=~"a*a*a*a*b"', 'a=~"a{9}"', 'a=~"(?=a)"',
        r'a=~"(a)\1"', f'a="{"x" * 201}"', 'a=~"(a|b)(a|b)(a|b)(a|b)"', 'a="x" b="y"',
    ],
)  # fmt: skip
def test_a_matcher_that_is_wrong_or_could_run_for_long_is_refused(text):
    with pytest.raises(ValueError, match=r".+"):
        matcher(text)


@given(st.text(max_size=40))
def test_a_matcher_is_read_as_it_is_written(value):
    one = Matcher("label", "=", value)

    if "\n" not in value:
        assert matcher(str(one)) == one


# --- who is told ----------------------------------------------------------------------------------------------------------


def test_an_id_is_the_same_after_a_restart_and_differs_by_endpoint():
    tree = Routing(routes=(route(receivers=["desk", "pager"]),))
    one, other = Play(tree), Play(tree)
    for play in (one, other):
        play.at(0, firing("a"))
        play.at(30, firing("a"))

    assert one.ids == other.ids
    assert len(set(one.ids)) == 2


def test_an_escalation_is_told_once_a_step_and_hears_of_the_end():
    rota = Rota("shift", ZONE, (Shift("desk", Hours(EVERY_DAY, 0, 1440)),), (
        Escalation(600 * SECOND, ("pager",)), Escalation(1200 * SECOND, ("boss",)),
    ))  # fmt: skip
    play = Play(Routing(routes=(route(receivers=["shift"]),), rotas=(rota,)))
    a = firing("a")
    for t in range(0, 1000, 10):
        play.at(t, a)
    play.at(1000, replace(a, acknowledged=True))
    play.at(3000, replace(a, acknowledged=True))
    play.at(3600, over(a, 3600))

    assert [(t, who, began or ended) for t, who, began, ended, _ in play.log] == [
        (30, "desk", ("a",)),
        (630, "pager", ("a",)),
        (3600, "desk", ("a",)),
        (3600, "pager", ("a",)),
    ]


def test_the_rota_tells_whoever_is_on_call_and_the_end_whoever_was():
    rota = Rota("shift", ZONE, (
        Shift("desk", Hours(EVERY_DAY, 7 * 60, 19 * 60)), Shift("pager", Hours(EVERY_DAY, 19 * 60, 7 * 60)),
    ))  # fmt: skip
    tree = Routing(routes=(route(receivers=["shift"], repeat=7200),), rotas=(rota,))
    play, hour = Play(tree, zero=MIDNIGHT), 3600
    a = firing("a")
    for t in (6 * hour, 6 * hour + 30, 8 * hour + 30):
        play.at(t, a)
    play.at(9 * hour, over(a, 0))

    assert [(t, who, bool(began), n) for t, who, began, _, n in play.log] == [
        (6 * hour + 30, "pager", True, 0),
        (8 * hour + 30, "desk", True, 1),
        (9 * hour, "desk", False, 0),
        (9 * hour, "pager", False, 0),
    ]


def test_an_end_is_told_to_all_who_heard_of_the_alert_in_the_order_in_which_they_did():
    rota = Rota("shift", ZONE, tuple(
        Shift(webhook, Hours(EVERY_DAY, start * 60, end * 60))
        for webhook, start, end in (("pager", 0, 8), ("desk", 8, 16), ("boss", 16, 24))
    ))  # fmt: skip
    tree = Routing(routes=(route(receivers=["shift"], repeat=7200),), rotas=(rota,))
    play, hour = Play(tree, zero=MIDNIGHT), 3600
    a = firing("a")
    for t in (6 * hour, 6 * hour + 30, 9 * hour):
        play.at(t, a)
    play.at(17 * hour, over(replace(a, acknowledged=True), 0))

    assert [(t, who) for t, who, _, ended, _ in play.log if ended] == [
        (17 * hour, "pager"),
        (17 * hour, "desk"),
    ]


def test_a_reminder_is_no_part_of_the_turn_that_tells_what_is_new():
    """Even where no pause is asked for: whoever is told of both would take the old one for new."""
    play = Play(Routing(routes=(route(wait=0, interval=0, repeat=60),)))
    a, b = firing("a"), firing("b", 60)
    play.at(0, a)
    play.at(60, a, b)
    play.at(61, a, b)

    assert [(t, began, n) for t, _, began, _, n in play.log] == [
        (0, ("a",), 0),
        (60, ("b",), 0),
        (61, ("a", "b"), 1),
    ]


def test_the_steps_of_an_escalation_are_counted_from_1():
    """By that number a state remembers after a restart what was told."""
    steps = (Escalation(600 * SECOND, ("pager",)), Escalation(1200 * SECOND, ("boss",)))
    rota = Rota("shift", ZONE, (Shift("desk", Hours(EVERY_DAY, 0, 1440)),), steps)
    play = Play(Routing(routes=(route(receivers=["shift"]),), rotas=(rota,)))
    for t in (0, 30, 1230):
        play.at(t, firing("a"))

    assert [one.escalation for one in play.telling.notices] == ["1:pager", "2:boss"]


def test_quiet_hours_hold_notices_until_their_end_but_no_critical_one():
    quiet = Quiet(("desk",), ("info", "warning"), Hours(EVERY_DAY, 22 * 60, 6 * 60))
    play = Play(Routing(routes=(route(each_alone=True),), quiet=(quiet,)), zero=MIDNIGHT)
    night, morning = 2 * 3600, 6 * 3600
    both = (firing("w"), firing("c", severity="critical"))
    for t in (night, night + 30, morning - 1, morning):
        play.at(t, *both)

    assert [(t, began) for t, _, began, _, _ in play.log] == [(night + 30, ("c",)), (morning, ("w",))]


def test_what_was_over_before_the_quiet_hours_ended_wakes_nobody():
    quiet = Quiet(("desk",), ("warning",), Hours(EVERY_DAY, 22 * 60, 6 * 60))
    play = Play(Routing(routes=(route(),), quiet=(quiet,)), zero=MIDNIGHT)
    play.at(3600, firing("w"))
    play.at(7200, over(firing("w"), 0))
    play.at(8 * 3600)

    assert play.log == []
    assert play.groups == {}


def test_a_webhook_that_is_no_longer_configured_is_not_told():
    tree = Routing(routes=(route(receivers=["desk", "pager"]),))
    play = Play(tree)
    for t in (0, 30):
        play.at(t, firing("a"))
    play.router = Router(Routing(routes=(route(receivers=["pager"]),)), ["pager"], ZONES)
    play.at(400, over(firing("a"), 400))

    assert [(t, who) for t, who, *_ in play.log[2:]] == [(400, "pager")]
    assert play.groups == {}


def test_a_receiver_whose_routes_are_written_anew_is_told_again_of_nothing_that_it_knows():
    play = Play(Routing(routes=(route('facility="mill"'),)))
    a, b = firing("a"), firing("b")
    for t in (0, 30):
        play.at(t, a)
    tree = (route('park="north"', group_by=("park",)), route(receivers=["boss"]))
    play.router = Router(Routing(routes=tree), ["desk", "boss"], ZONES)
    for t in (400, 430):
        play.at(t, a, b)
    play.at(14_431, a, b)
    play.at(20_000, over(a, 20_000), b)

    assert [(t, who, began, ended, n) for t, who, began, ended, n in play.log] == [
        (30, "desk", ("a",), (), 0),
        (430, "desk", ("b",), (), 0),
        (14_431, "desk", ("a", "b"), (), 1),  # four hours after the first time
        (20_000, "desk", (), ("a",), 0),
    ]
    assert [set(group.told) for group in play.groups.values()] == [{"b"}]


def test_two_routes_to_one_receiver_each_tell_it():
    """Only what no route puts any more where it was told is moved."""
    tree = Routing(routes=(route(goes_on=True, wait=0), route('facility="mill"', wait=60)))
    play = Play(tree)
    for t in (0, 60):
        play.at(t, firing("a"))

    assert [(t, began) for t, _, began, _, _ in play.log] == [(0, ("a",)), (60, ("a",))]


# --- without routes -------------------------------------------------------------------------------------------------------


def singles(play: Play) -> list[tuple[str, str, tuple[str, ...], tuple[str, ...]]]:
    """Return id, webhook and alerts of what was told at the last instant; none of it is of a group."""
    assert not any(notice.group for notice in play.telling.notices)
    return [(n.id, n.endpoint, n.firing, n.resolved) for n in play.telling.notices]


def test_without_routes_each_alert_is_told_alone_to_every_webhook_under_one_id():
    play = Play(Routing(), ("desk", "pager"))
    a, b = firing("a"), firing("b")

    play.at(0, a, b)
    assert singles(play) == [
        (event_id(one, "alert.firing"), who, (one,), ()) for who in ("desk", "pager") for one in "ab"
    ]
    play.at(1, over(a, 1), b)
    assert singles(play) == [(event_id("a", "alert.resolved"), who, (), ("a",)) for who in ("desk", "pager")]
    play.at(10_000_000, b)
    assert singles(play) == []
    play.at(10_000_001, over(b, 10_000_001))
    assert play.groups == {}


def test_without_routes_what_came_and_went_is_told_as_both_in_order_and_by_a_written_route_to_nobody():
    def passing(number: str, start: int) -> Alert:
        return replace(over(firing(number, start), start + 1), labels=firing("flap").labels)

    both = [passing("z", 5), passing("a", 8)]
    for routing, expected in (
        (Routing(), [("z", "firing"), ("z", "resolved"), ("a", "firing"), ("a", "resolved")]),
        (Routing(routes=(route(wait=0),)), []),
    ):
        play = Play(routing, ("desk",))
        play.telling = play.router.decide(both, [], [], 10 * SECOND)

        assert [n.id for n in play.telling.notices] == [
            event_id(who, f"alert.{kind}") for who, kind in expected
        ]
        assert set(play.telling.groups.values()) <= {None}


def test_without_routes_a_silence_holds_what_is_new_and_not_the_end_of_what_was_told():
    play = Play(Routing(), ("desk",))
    silence = Silence("s", (matcher('facility="mill"'),), 100 * SECOND)
    a, b, c = firing("a"), firing("b"), firing("c")
    play.at(0, a)
    play.at(10, over(a, 10), b, c, silences=[silence])
    play.at(20, c, silences=[silence])
    assert play.wake == 100
    play.telling = play.router.decide(
        [over(firing("d"), 30), c], play.groups.values(), [silence], 30 * SECOND
    )
    assert play.telling.notices == ()
    play.at(100, c)

    assert [(t, began, ended) for t, _, began, ended, _ in play.log] == [
        (0, ("a",), ()), (10, (), ("a",)), (100, ("c",), ()),
    ]  # fmt: skip


def test_without_routes_a_snooze_ends_with_the_alert_told_again_and_no_other_one():
    play = Play(Routing(), ("desk",))
    a, b = firing("a"), firing("b")
    play.at(0, a, b)
    snoozed = replace(a, snoozed_until=60 * SECOND)
    play.at(10, snoozed, b)
    assert play.wake == 60
    for t in (60, 61, 10_000):
        play.at(t, snoozed, b)

    assert [(t, began, n) for t, _, began, _, n in play.log] == [
        (0, ("a",), 0),
        (0, ("b",), 0),
        (60, ("a",), 1),
    ]
    assert len(set(play.ids)) == 3


def test_whoever_writes_the_first_route_is_told_again_of_nothing_that_is_known():
    play = Play(Routing(), ("desk", "pager"))
    a = firing("a")
    play.at(0, a)
    play.router = Router(Routing(routes=(route(receivers=["desk"]),)), ["desk", "pager"], ZONES)
    play.at(400, a)
    play.at(500, over(a, 500))

    assert sorted((t, who, began, ended) for t, who, began, ended, _ in play.log) == [
        (0, "desk", ("a",), ()),
        (0, "pager", ("a",), ()),
        (500, "desk", (), ("a",)),
        (500, "pager", (), ("a",)),
    ]
    assert play.groups == {}


def test_solid_b8_4_a_reminder_after_routes_were_written_anew_and_back_has_an_id_of_its_own():
    """Else whoever drops what comes twice would not hear of it."""
    times = {"wait": 0, "interval": 0, "repeat": 100}
    first = Routing(routes=(route(**times),))
    second = Routing(routes=(route('rule=~".*"', **times),))
    play = Play(first, ("desk",))
    a = firing("a")
    play.at(0, a)
    for at, routing in ((150, first), (300, second), (450, first)):
        play.router = Router(routing, ["desk"], ZONES)
        play.at(at, a)

    assert [repeat for *_, repeat in play.log] == [0, 1, 2, 3]
    assert len(set(play.ids)) == len(play.ids)


def test_solid_b8_4_what_an_old_route_has_to_say_of_an_end_comes_before_what_a_new_one_says_of_a_beginning():
    """The old group has the later name, and both speak at one instant."""
    play = Play(Routing(routes=(route('rule="same"', wait=0, interval=0),)), ("desk",))
    first = firing("a", rule="same")
    play.at(0, first)
    play.router = Router(Routing(routes=(route(wait=0, interval=0),)), ["desk"], ZONES)
    play.at(400, over(first, 300), firing("b", 350, rule="same"))

    assert [(began, ended) for _, _, began, ended, _ in play.log[1:]] == [((), ("a",)), (("b",), ())]


# --- what is not told -----------------------------------------------------------------------------------------------------


def dead_gateway(count: int) -> list[Alert]:
    gateway = firing("gateway-offline", gateway="gw1", covers="gateway", severity="critical")
    behind = [firing(f"absent-{n}", gateway="gw1", channel=f"c{n}", lacks="readings") for n in range(count)]
    return [gateway, *behind, firing("absent-other", gateway="gw2", channel="c")]


def test_a_dead_gateway_is_one_alert_that_covers_its_channels():
    play = Play(Routing(routes=(route(),)))
    alerts = dead_gateway(60)
    play.at(0, *alerts)
    play.at(30, *alerts)

    assert [began for _, _, began, _, _ in play.log] == [("absent-other", "gateway-offline")]
    assert set(play.telling.covered) == {"gateway-offline"}
    assert len(play.telling.covered["gateway-offline"]) == 60


@pytest.mark.parametrize("routes", [(), (route(wait=0, interval=0),)], ids=["without routes", "with routes"])
def test_when_the_gateway_is_back_what_recovers_within_five_minutes_is_told_to_nobody(routes):
    play = Play(Routing(routes=routes), ("desk",))
    gateway, *behind = dead_gateway(3)[:4]
    for t in (0, 30):
        play.at(t, gateway, *behind)
    back = over(gateway, 100)
    play.at(100, back, *behind)
    assert play.wake <= 400
    play.at(110, back, *(over(one, 110) for one in behind[:2]), behind[2])
    play.at(399, back, behind[2])
    assert play.wake == 400
    play.at(400, back, behind[2])

    assert [(t, began, ended) for t, _, began, ended, _ in play.log] == [
        (0, ("gateway-offline",), ()),
        (100, (), ("gateway-offline",)),
        (400, ("absent-2",), ()),
    ]


def test_without_routes_a_dead_gateway_is_one_alert_too():
    play = Play(Routing(), ("desk",))
    play.at(0, *dead_gateway(60))

    assert [began for _, _, began, _, _ in play.log] == [("absent-other",), ("gateway-offline",)]
    assert len(play.telling.covered["gateway-offline"]) == 60


def told(play: Play) -> list[tuple[int, tuple[str, ...], tuple[str, ...]]]:
    return [(t, began, ended) for t, _, began, ended, _ in play.log]


@pytest.mark.parametrize("routes", [(), (route(wait=0, interval=0),)], ids=["without routes", "with routes"])
def test_solid_b8_2_one_outage_is_one_page_however_many_rules_notice_it(routes):
    play = Play(Routing(routes=routes), ("desk",))
    offline = firing("gateway-offline", gateway="gw1", covers="gateway", severity="critical")
    silent = firing("gateway-silent", 600, gateway="gw1", covers="gateway")
    elsewhere = firing("gateway-silent-2", 600, gateway="gw2", covers="gateway")
    play.at(0, offline)
    play.at(600, offline, silent, elsewhere)
    play.at(900, over(offline, 900), over(silent, 900), elsewhere)

    assert told(play) == [
        (0, ("gateway-offline",), ()),
        (600, ("gateway-silent-2",), ()),
        (900, (), ("gateway-offline",)),
    ]


def test_solid_b8_2_a_worse_alert_of_the_same_outage_is_told_and_stands_for_the_others():
    play = Play(Routing(routes=(route(wait=0, interval=0, repeat=1000),)), ("desk",))
    silent = firing("gateway-silent", gateway="gw1", covers="gateway")
    offline = firing("gateway-offline", 100, gateway="gw1", covers="gateway", severity="critical")
    play.at(0, silent)
    play.at(100, silent, offline)
    play.at(1100, silent, offline)

    assert told(play) == [
        (0, ("gateway-silent",), ()),
        (100, ("gateway-offline",), ()),
        (1100, ("gateway-offline",), ()),
    ]


def test_solid_b8_3_a_gateway_explains_absence_and_no_limit_that_was_passed():
    play = Play(Routing(routes=(route(wait=0, interval=0, each_alone=True),)), ("desk",))
    gateway, absent = dead_gateway(1)[:2]
    stack = firing("stack", 0, gateway="gw1", channel="nox", severity="critical")
    warm = firing("warm", 0, gateway="gw1", channel="t1")
    worse = firing("no-ph", 0, gateway="gw1", channel="ph", lacks="readings", severity="critical")
    play.at(0, gateway, absent, stack, warm)
    assert {began for _, began, _ in told(play)} == {("gateway-offline",), ("stack",), ("warm",)}

    mild = replace(gateway, labels={**gateway.labels, "severity": "warning"})
    assert mutes([mild, absent, worse]) == {"absent-0": Mute("inhibited", "gateway-offline")}


def test_solid_b8_3_what_is_critical_is_told_at_once_when_a_gateway_is_back():
    """No wait for the five minutes after its end, and none for the interval of the group; what can wait does."""
    play = Play(Routing(routes=(route(wait=0, interval=300),)), ("desk",))
    gateway, absent = dead_gateway(1)[:2]
    play.at(0, gateway, absent)
    first, second = (
        firing(name, t, gateway="gw1", channel=name, severity="critical")
        for name, t in (("a", 400), ("b", 420))
    )
    warm = firing("warm", 410, gateway="gw1", channel="warm")
    back = over(gateway, 390)
    play.at(390, back, absent)
    play.at(400, back, absent, first)
    play.at(410, back, absent, first, warm)
    play.at(411, back, absent, first, warm)
    assert play.wake == 690  # when the gateway explains nothing any more
    play.at(420, back, over(absent, 420), first, warm, second)
    play.at(690, back, first, warm, second)
    play.at(700, back, first, warm, second)

    assert told(play) == [
        (0, ("gateway-offline",), ()),
        (390, (), ("gateway-offline",)),
        (400, ("a",), ()),
        (420, ("b",), ()),
        (700, ("warm",), ()),
    ]


def test_solid_b8_3_critical_alerts_wait_for_each_other_as_long_as_their_route_says_and_starve_nobody():
    play = Play(Routing(routes=(route(wait=30, interval=300),)), ("desk",))
    warm = firing("warm", 5)
    alerts: list[Alert] = [firing("old")]
    for second in range(0, 700, 10):
        if second == 40:
            alerts.append(warm)
        if second % 100 == 50:
            alerts.append(firing(f"c{second}", second, severity="critical"))
        play.at(second, *alerts)

    assert told(play) == [
        (30, ("old",), ()),
        (80, ("c50",), ()),
        (180, ("c150",), ()),
        (280, ("c250",), ()),
        (330, ("warm",), ()),
        (380, ("c350",), ()),
        (480, ("c450",), ()),
        (580, ("c550",), ()),
        (680, ("c650",), ()),
    ]


def test_solid_b8_3_what_an_alert_is_over_that_inhibits_others_explains_what_began_before():
    rule = Inhibition((matcher('rule="boiler-off"'),), (matcher('rule=~"boiler-.*"'),), ("facility",))
    off = over(firing("boiler-off"), 100)
    cold, hot = firing("boiler-cold", 90), firing("boiler-hot", 110)

    found = Muting([rule], (), ZONES).mutes([cold, hot], (), 200 * SECOND, [off])

    assert found == {"boiler-cold": Mute("inhibited", "boiler-off")}


def mutes(alerts, silences=(), now=0, inhibitions=(), maintenance=()) -> dict[str, Mute]:
    return Muting(inhibitions, maintenance, ZONES).mutes(alerts, silences, now)


def test_inhibition_needs_the_equal_labels_and_never_silences_its_own_source():
    rule = Inhibition((matcher('severity="critical"'),), (matcher('rule=~".*"'),), ("facility",))
    alerts = [firing("c", severity="critical"), firing("w"), firing("f", facility="food")]

    assert mutes(alerts, inhibitions=[rule]) == {"w": Mute("inhibited", "c")}


def test_maintenance_is_dated_or_weekly_on_the_clock_of_the_park():
    match = (matcher('rule="w"'),)
    dated = Maintenance("d", match, "x", start=10, end=20)
    weekly = Maintenance("k", match, "x", hours=Hours((1,), 60, 120))  # Tuesday 01:00 to 02:00

    assert mutes([firing("w")], maintenance=[dated], now=19) == {"w": Mute("silenced", "d")}
    assert mutes([firing("w")], maintenance=[dated], now=20) == {}
    assert mutes([firing("w")], maintenance=[weekly], now=MIDNIGHT + NS_PER_HOUR) == {
        "w": Mute("silenced", "k")
    }
    assert mutes([firing("w")], maintenance=[weekly], now=MIDNIGHT + 2 * NS_PER_HOUR) == {}


@pytest.mark.parametrize(
    ("hour", "minute", "is_in"), [(21, 59, False), (22, 0, True), (23, 59, True)]
)  # on Tuesday
def test_hours_over_midnight_belong_to_the_day_on_which_they_begin(hour, minute, is_in):
    hours = Hours((1,), 22 * 60, 6 * 60)
    at = MIDNIGHT + hour * NS_PER_HOUR + minute * NS_PER_MIN

    assert covers(hours, at, ZONE) is is_in
    assert covers(hours, MIDNIGHT + 5 * NS_PER_HOUR, ZONE) is False
    assert covers(hours, MIDNIGHT + 29 * NS_PER_HOUR, ZONE) is True
    assert covers(hours, MIDNIGHT + 30 * NS_PER_HOUR, ZONE) is False
