"""Holdings: refusals one by one, and random movements against plain sets of serials."""

from itertools import pairwise
from random import Random

import pytest

from rules.market.holdings import (
    ACTS,
    GAINED,
    USED,
    Holdings,
    InstrumentAccount,
    Move,
    MovementRefused,
    holdings,
)
from rules.market.serials import SerialRange, SerialSet

ACCOUNTS = {
    "mill/credits": InstrumentAccount("credit", "verra", serials=True),
    "cement/credits": InstrumentAccount("credit", "verra", serials=True),
    "mill/other": InstrumentAccount("credit", "gold", serials=True),
    "mill/quota": InstrumentAccount("allowance"),
    "mill/irec": InstrumentAccount("energy-certificate", "evident", serials=True, expires="2027-06-30"),
}


def credit(act, first, last, day="2026-03-01", account="mill/credits", series="VN-1"):
    serials = SerialRange(series, first, last)
    year = 2026 if act == "surrendered" else None
    return Move(account, act, day, float(serials.count), (serials,), year)


def quota(act, amount, day="2026-03-01", year=2026):
    return Move("mill/quota", act, day, amount, (), year)


def irec(act, first, last, day, year=2026):
    serials = SerialRange("I", first, last)
    return Move("mill/irec", act, day, float(serials.count), (serials,), year if act != "expired" else None)


@pytest.mark.parametrize(
    ("moves", "why"),
    [
        ([credit("bought", 1, 600), credit("bought", 600, 700)], "mill/credits holds the serials VN-1 600-600"),
        ([credit("bought", 1, 600), credit("bought", 1, 9, account="cement/credits")], "holds the serials VN-1 1-9"),
        ([credit("bought", 1, 9), credit("surrendered", 1, 9), credit("bought", 5, 5)], "used up before"),
        ([credit("bought", 1, 9), credit("cancelled", 1, 9), credit("bought", 9, 9, account="cement/credits")], "used up"),
        ([credit("bought", 1, 9), credit("sold", 5, 10)], "the serial VN-1 10 is not held"),
        ([credit("bought", 1, 20), credit("sold", 15, 21)], "the serial VN-1 21 is not held"),
        ([Move("mill/credits", "bought", "2026-03-01", 9.0, (SerialRange("A", 9, 1),))], "run backwards"),
        ([Move("mill/credits", "bought", "2026-03-01", 10.0, (SerialRange("A", 1, 6), SerialRange("A", 6, 9)))], "named twice"),
        ([Move("mill/credits", "bought", "2026-03-01", 11.0, (SerialRange("A", 1, 10),))], "10 serials are named for 11"),
        ([Move("mill/credits", "bought", "2026-03-01", 11.0)], "say which with serials"),
        ([Move("mill/quota", "granted", "2026-03-01", 1.0, (SerialRange("A", 1, 1),), 2026)], "it has no serials"),
        ([quota("granted", 902.0), quota("sold", 902.1)], "902.1 would be sold on 2026-03-01, and 902 is held then"),
        ([quota("bought", -5.0)], "an amount is above 0"),
        ([quota("bought", float("nan"))], "an amount is above 0"),
        ([quota("granted", 5.0, year=None)], "say of which year"),
        ([Move("mill/other", "bought", "2026-03-01", 1.0, (SerialRange("A", 1, 1),), 2026)], "is of no year"),
        ([quota("retired", 5.0)], "nothing of kind allowance is retired"),
        ([irec("bought", 1, 9, "2026-01-01"), irec("retired", 1, 9, "2027-07-01")], "expired on 2027-06-30"),
        ([Move("mill/none", "bought", "2026-03-01", 1.0)], "no instrument mill/none"),
    ],
)  # fmt: skip
def test_what_cannot_be_is_refused_and_changes_nothing(moves, why):
    found = holdings(ACCOUNTS, moves[:-1])
    before = [(name, one.amount, list(one.serials), dict(one.sums)) for name, one in found.held.items()]

    with pytest.raises(MovementRefused, match=why):
        found.take(moves[-1])
    assert [
        (name, one.amount, list(one.serials), dict(one.sums)) for name, one in found.held.items()
    ] == before


def test_serials_go_from_hand_to_hand_and_are_told_apart_by_registry():
    found = holdings(
        ACCOUNTS,
        [
            credit("bought", 1, 600),
            credit("bought", 1, 600, account="mill/other"),
            credit("sold", 101, 200),
            credit("bought", 101, 200, account="cement/credits"),
            credit("surrendered", 150, 160, account="cement/credits"),
        ],
    ).held

    assert [str(one) for one in found["mill/credits"].serials] == ["VN-1 1-100", "VN-1 201-600"]
    assert [str(one) for one in found["cement/credits"].serials] == ["VN-1 101-149", "VN-1 161-200"]
    assert (found["mill/credits"].amount, found["cement/credits"].amount, found["mill/other"].amount) == (
        500,
        89,
        600,
    )
    assert found["cement/credits"].sum("surrendered", [2026]) == 11
    assert found["cement/credits"].sum("surrendered", [2025]) == 0


def test_a_certificate_is_retired_on_its_last_day_and_expires_after_it():
    moves = [
        irec("issued", 1, 9, "2026-01-01"),
        irec("retired", 1, 4, "2027-06-30"),
        irec("expired", 5, 9, "2027-07-01"),
    ]

    assert holdings(ACCOUNTS, moves).held["mill/irec"].amount == 0


class Plain:
    """The oracle: a set of serials for each account, and one of all that was used up in a registry."""

    def __init__(self):
        self.held = {name: set() for name in ACCOUNTS}
        self.gone = {(one.kind, one.registry): set() for one in ACCOUNTS.values()}

    def may(self, move):
        account, serials = ACCOUNTS[move.account], self.of(move)
        mine = self.held[move.account]
        if move.act not in GAINED:
            return serials <= mine
        others = [held for name, held in self.held.items() if ACCOUNTS[name].registry == account.registry]
        return not serials & set().union(self.gone[account.kind, account.registry], *others)

    def take(self, move):
        account, serials = ACCOUNTS[move.account], self.of(move)
        if move.act in GAINED:
            self.held[move.account] |= serials
        else:
            self.held[move.account] -= serials
        if move.act in USED:
            self.gone[account.kind, account.registry] |= serials

    @staticmethod
    def of(move):
        return {(one.series, n) for one in move.serials for n in range(one.first, one.last + 1)}


@pytest.mark.parametrize("seed", range(20))
def test_random_movements_are_what_plain_sets_make_of_them(seed):
    """20 x 100 sequences of 25 movements of three accounts, two of which share a registry."""
    chance, taken, refused = Random(seed), 0, 0
    for _ in range(100):
        found, plain = Holdings(ACCOUNTS), Plain()
        for _ in range(25):
            account = chance.choice(["mill/credits", "cement/credits", "mill/other"])
            act = chance.choice([*ACTS["credit"], "bought"])
            first = chance.randint(1, 30)
            move = credit(
                act, first, first + chance.randint(0, 12), account=account, series=chance.choice("AB")
            )
            may = plain.may(move)
            try:
                found.take(move)
            except MovementRefused:
                assert not may, move
                refused += 1
            else:
                assert may, move
                plain.take(move)
                taken += 1
        for name, held in plain.held.items():
            mine = found.held[name]
            assert {(one.series, n) for one in mine.serials for n in range(one.first, one.last + 1)} == held
            assert mine.amount == len(held)
            ranges = list(mine.serials)
            assert all(a.last + 1 < b.first for a, b in pairwise(ranges) if a.series == b.series)
    assert taken > 200
    assert refused > 200


def test_a_set_of_serials_finds_what_is_shared_and_what_lacks():
    some = SerialSet()
    some.add(SerialRange("A", 10, 20))
    some.add(SerialRange("A", 30, 40))

    assert some.shared(SerialRange("A", 15, 35)) == SerialRange("A", 15, 20)
    assert some.shared(SerialRange("A", 21, 29)) is None
    assert some.shared(SerialRange("B", 10, 20)) is None
    assert some.lacks(SerialRange("A", 12, 35)) == 21
    assert some.lacks(SerialRange("A", 30, 40)) is None
