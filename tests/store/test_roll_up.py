"""The balance over months: what is old is kept by the hour and the day, and nothing of it is lost or counted twice."""

import random
import sqlite3
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from importlib import resources
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest

from plant.periods import day_start, hour_start
from plant.vocabulary import NS_PER_DAY, NS_PER_HOUR, NS_PER_MIN, Code, Outcome
from store.messages.balances import balances, balances_ever, reach
from store.messages.books import Books, Tally
from store.totals.roll_up import HOURS_KEPT, MINUTES_KEPT

ZONES = {"park": ZoneInfo("Asia/Ho_Chi_Minh"), "lord": ZoneInfo("Australia/Lord_Howe"), "rhein": ZoneInfo("Europe/Berlin")}  # fmt: skip
START = 1_763_900_000 * 10**9 // NS_PER_MIN * NS_PER_MIN
DAYS, PER_DAY = 75, 48
EVERY = NS_PER_DAY // PER_DAY
GATEWAYS = ("park/works/gw", "")


@pytest.fixture
def state() -> Iterator[sqlite3.Connection]:
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as connection:
        connection.executescript(resources.files("store").joinpath("schema.sql").read_text())
        yield connection


def one_of(gateway: str, minute: int, outcome: Outcome = Outcome.ACCEPTED, count: int = 1) -> Tally:
    """Return the tally of a message with three readings."""
    tally = Tally()
    tally.add(gateway, minute, "messages", outcome, count)
    tally.add(gateway, minute, "readings", outcome, 3 * count)
    if outcome is Outcome.QUARANTINED:
        tally.blame(gateway, minute, Code.UNMAPPED, count)
    return tally


def hear(books: Books, *tallies: Tally) -> None:
    """Let one micro-batch be settled."""
    together = Tally()
    for tally in tallies:
        together.outcomes.update(tally.outcomes)
        together.codes.update(tally.codes)
    books.add(together)
    books.roll_up(together, len(tallies))


def lived(books: Books, days: int) -> None:
    """Let a message come every half hour of each gateway, every seventh quarantined."""
    for step in range(days * PER_DAY):
        outcome = Outcome.QUARANTINED if step % 7 == 0 else Outcome.ACCEPTED
        hear(books, *(one_of(gateway, START + step * EVERY, outcome) for gateway in GATEWAYS))


def totals(state: sqlite3.Connection) -> Counter[tuple[str, str]]:
    """Return messages and codes by gateway, added up over all rows that there are."""
    found: Counter[tuple[str, str]] = Counter()
    for gateway, received, quarantined in state.execute(
        "SELECT gateway, received, quarantined FROM balance WHERE book = 'messages'"
    ):
        found[gateway, "received"] += received
        found[gateway, "quarantined"] += quarantined
    for gateway, code, count in state.execute("SELECT gateway, code, count FROM code"):
        found[gateway, code] += count
    return found


def steps(state: sqlite3.Connection, query: object) -> int:
    """Return how many steps SQLite takes for something."""
    taken = 0

    def count() -> int:
        nonlocal taken
        taken += 1
        return 0

    state.set_progress_handler(count, 1)
    query()  # type: ignore[operator]
    state.set_progress_handler(None, 1)
    return taken


def test_solid_a5_a_year_of_minutes_becomes_hours_and_days_and_the_sums_stay(
    state: sqlite3.Connection,
) -> None:
    books = Books(state, ZONES)
    lived(books, 1)
    metrics_early = steps(state, lambda: balances_ever(state))
    lived(books, DAYS)

    kept = dict(state.execute("SELECT level, count(*) FROM balance WHERE gateway = 'park/works/gw' AND book = 'messages' GROUP BY level"))  # fmt: skip
    assert kept[0] <= (MINUTES_KEPT + 2 * NS_PER_HOUR) // EVERY
    assert kept[1] <= (HOURS_KEPT + 2 * NS_PER_DAY) // NS_PER_HOUR
    assert kept[2] == DAYS - 60
    ever = balances_ever(state)
    assert {(name, "received"): one.messages["received"] for name, one in ever.items()} | {
        (name, "quarantined"): one.messages["quarantined"] for name, one in ever.items()
    } | {(name, "unmapped"): one.codes["unmapped"] for name, one in ever.items()} == totals(state)
    assert ever["park/works/gw"].messages["received"] == (DAYS + 1) * PER_DAY
    assert steps(state, lambda: balances_ever(state)) == pytest.approx(metrics_early, abs=5)


def test_solid_a5_days_are_those_of_the_parks_clock(state: sqlite3.Connection) -> None:
    lived(Books(state, ZONES), DAYS)

    for gateway, zone in (("park/works/gw", ZONES["park"]), ("", ZoneInfo("UTC"))):
        days = state.execute("SELECT start, finish FROM balance WHERE gateway = ? AND level = 2", (gateway,)).fetchall()  # fmt: skip
        assert days
        assert all(int(day_start(start, zone)) == start for start, _ in days)
        assert all(int(day_start(finish, zone)) == finish for _, finish in days)


@pytest.mark.parametrize("zone", ["lord", "rhein"])
def test_solid_a5_where_a_clock_is_moved_hours_and_days_part_the_time_all_the_same(
    state: sqlite3.Connection, zone: str
) -> None:
    books, gateway = Books(state, ZONES), f"{zone}/works/gw"
    begin = (
        1_774_000_000 * 10**9 // NS_PER_MIN * NS_PER_MIN
    )  # before the 29th of March and the 5th of April 2026
    for step in range(DAYS * PER_DAY):
        hear(books, one_of(gateway, begin + step * EVERY))

    rows = state.execute("SELECT start, finish, received FROM balance WHERE book = 'messages' ORDER BY start").fetchall()  # fmt: skip
    assert all(one[1] <= other[0] for one, other in pairwise(rows))
    assert sum(row[2] for row in rows) == DAYS * PER_DAY


def test_solid_a5_a_stretch_counts_the_hours_and_days_that_it_cuts_whole(state: sqlite3.Connection) -> None:
    lived(Books(state, ZONES), DAYS)
    gateway, zone = "park/works/gw", ZONES["park"]
    newest = START + DAYS * NS_PER_DAY
    chance = random.Random(5)
    for _ in range(200):
        start, end = sorted(chance.randrange(START, newest) // NS_PER_MIN * NS_PER_MIN for _ in range(2))
        one = balances(state, start, end + NS_PER_MIN, gateway).get(gateway)
        first, last = reach(state, gateway, start, end + NS_PER_MIN)
        grid = [
            (0, first) if newest - first < MINUTES_KEPT else
            (1, int(hour_start(first, zone))) if newest - first < HOURS_KEPT else (2, int(day_start(first, zone)))
        ]  # fmt: skip
        assert first <= start
        assert last >= end + NS_PER_MIN
        assert grid[0][1] == first or newest - first < HOURS_KEPT + NS_PER_DAY
        came = sum(first <= START + step * EVERY < last for step in range(DAYS * PER_DAY))
        assert (one.messages["received"] if one else 0) == came


def test_solid_a5_what_is_taken_back_is_taken_from_wherever_it_is_now(state: sqlite3.Connection) -> None:
    """Every message that was quarantined counts as accepted in the end, whichever row has it."""
    books = Books(state, ZONES)
    lived(books, DAYS)
    for step in range(0, DAYS * PER_DAY, 7):
        for gateway in GATEWAYS:
            minute = START + step * EVERY
            books.add(one_of(gateway, minute))
            books.add(one_of(gateway, minute, Outcome.QUARANTINED, -1))
    assert totals(state)["park/works/gw", "quarantined"] == 0
    assert balances(state, START, START + NS_PER_HOUR)["park/works/gw"].messages["quarantined"] == 0

    end = START + DAYS * NS_PER_DAY
    for minute in range(200):
        hear(books, *(one_of(gateway, end + minute * NS_PER_MIN) for gateway in GATEWAYS))

    assert state.execute("SELECT count(*) FROM balance WHERE quarantined != 0 OR min(received, accepted) < 0").fetchone() == (0,)  # fmt: skip
    assert state.execute("SELECT count(*) FROM code").fetchone() == (0,)
    assert state.execute("SELECT count(*) FROM code_ever").fetchone() == (0,)
    for gateway in GATEWAYS:
        counts = balances_ever(state, gateway)[gateway].messages
        assert counts["received"] == counts["accepted"] == DAYS * PER_DAY + 200


def test_solid_a5_one_transaction_adds_up_no_more_than_its_share(state: sqlite3.Connection) -> None:
    """1,000 hours that were never added up."""
    books, gateway = Books(state, ZONES), "park/works/gw"
    for hour in range(1000):
        books.add(one_of(gateway, START + hour * NS_PER_HOUR))
    now = START + 1000 * NS_PER_HOUR + 3 * NS_PER_DAY
    left = [1000]
    for step in range(8):
        hear(books, one_of(gateway, now + step * NS_PER_MIN))
        left += state.execute(
            "SELECT count(*) FROM balance WHERE level = 0 AND book = 'messages' AND start < ?", (now - NS_PER_DAY,)
        ).fetchone()  # fmt: skip

    assert all(0 < one - other <= 101 for one, other in pairwise(left))
