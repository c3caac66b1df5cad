"""The feed at work: each slot is frozen once and delivered once, in order, whatever is killed, refused or set back meanwhile."""

import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from notify.feeds.behind import BehindTeller
from notify.feeds.freezing import Freezer
from notify.feeds.places import FeedPlace, FileRefused, place_of
from notify.feeds.sending import PAUSES_S, POLL_S, FeedSender
from notify.feeds.works import FeedWorks
from plant.park import Facility, Park, Plant
from plant.station.feed import Feed, FeedAddress, FeedLine
from plant.vocabulary import NS_PER_DAY, NS_PER_HOUR, NS_PER_MIN, NS_PER_S, Kind, Quality
from store.feeds.files import FeedFiles, FeedStanding, kept_file, kept_files, standings
from store.reader import Reader
from store.sqlite import StateMismatch
from tests.api.state import State, channel
from tests.notify.feed_servers import FtpServer

NOON = int(datetime(2026, 11, 30, 5, tzinfo=UTC).timestamp()) * NS_PER_S  # 12:00 in Viet Nam
FIVE, DELAY = 5 * NS_PER_MIN, NS_PER_MIN


class Killed(BaseException):
    """The process ends here."""


class Bench:
    """A state with a stack's channels, a feed to a folder, and clocks that a test sets."""

    def __init__(self, folder: Path) -> None:
        self.out = folder / "out"
        self.out.mkdir()
        self.path = folder / "feeds.sqlite"
        self.feed = Feed(
            name="department",
            park="north",
            facility="mill",
            station="HP_1",
            every=FIVE,
            file="{station}_{time:%Y%m%d%H%M%S}.txt",
            lines=(FeedLine("SO2", 0, "mg/Nm3", 1.0), FeedLine("O2", 1, "%V", 1.0)),
            to=FeedAddress("file", "", 0, str(self.out)),
            delay=DELAY,
        )
        self.plant = Plant(
            parks=(Park("north", "North", ZoneInfo("Asia/Ho_Chi_Minh")),),
            facilities=(Facility("north", "mill", "Mill"),),
            gateways=(),
            channels=tuple(
                channel(n, "north", "mill", name, Kind.LEVEL) for n, name in enumerate(("so2", "o2"))
            ),
            sources=(),
            rules=(),
            webhooks=(),
            window=NS_PER_MIN,
            gwp="AR5",
            max_late=45 * NS_PER_DAY,
            allowed_lateness=15 * NS_PER_MIN,
            hash="",
        )
        self.state = State(folder / "state.db", self.plant)
        self.reader = Reader(folder / "state.db", self.plant)
        self.now, self.counted, self.taken, self.journalled = NOON, 0.0, 0, 0

    def close(self) -> None:
        self.reader.close()
        self.state.close()

    def read(self, minute: float, value: float, channel: int = 0, quality: Quality = Quality.GOOD) -> None:
        self.state.reading(channel, NOON + round(minute * NS_PER_MIN), value, quality)

    def freezer(self, crash: Callable[[str], None] = lambda _point: None) -> Freezer:
        return Freezer(
            [self.feed],
            self.reader,
            self.path,
            clock=lambda: self.now,
            taken=lambda: self.taken,
            journalled=lambda: self.journalled,
            crash=crash,
            counting=lambda: self.counted,
        )

    def looks(self, freezer: Freezer, minutes: float) -> int:
        """Let a freezer look at so many minutes after noon, until nothing is left."""
        self.now = NOON + round(minutes * NS_PER_MIN)
        self.counted += 1000
        return freezer.look() + freezer.look() + freezer.look()

    def begun(self) -> Freezer:
        """Return a freezer that looked first at noon."""
        freezer = self.freezer()
        self.looks(freezer, 0)
        return freezer

    def sends(
        self,
        crash: Callable[[str], None] = lambda _point: None,
        go: Callable[[FeedAddress], FeedPlace] = place_of,
    ) -> float:
        with closing(FeedFiles(self.path)) as files:
            return FeedSender(self.feed, lambda: self.now, crash, go).drain(files, threading.Event())

    def standing(self) -> FeedStanding:
        return standings(self.path, ["department"])[0]

    def waiting(self) -> list[str]:
        return [one.name[13:17] for one in kept_files(self.path, "department", state="waiting")][::-1]

    def delivered(self) -> dict[str, str]:
        """Return time and value of the first line of each file that is there."""
        return {
            file.name[13:17]: file.read_text().split("\t")[1] if file.suffix == ".txt" else file.name
            for file in sorted(self.out.iterdir())
        }


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    """Give a bench."""
    with closing(Bench(tmp_path)) as one:
        yield one


def test_a_slot_is_frozen_once_its_delay_is_over_and_late_readings_change_nothing(bench: Bench) -> None:
    freezer = bench.begun()
    bench.read(1, 10.0)
    assert bench.looks(freezer, 5.9) == 0
    assert bench.looks(freezer, 6) == 1
    bench.read(2, 90.0)
    assert bench.looks(freezer, 10) == 0
    bench.sends()
    with closing(FeedFiles(bench.path)) as files:
        assert files.resend("department", NOON, NOON + FIVE, bench.now) == 1
    assert bench.standing().behind(FIVE, DELAY, bench.now + NS_PER_S) == NS_PER_S  # since it was asked for
    bench.sends()
    assert bench.delivered() == {"1200": "10.0"}


def test_a_frozen_file_cannot_be_changed(bench: Bench) -> None:
    freezer = bench.begun()
    bench.read(1, 10.0)
    bench.looks(freezer, 6)
    with (
        closing(sqlite3.connect(bench.path)) as other,
        pytest.raises(sqlite3.IntegrityError, match="never changes"),
    ):
        other.execute("UPDATE feed_file SET body = x'00'")


def test_a_slot_waits_for_the_line_to_take_what_was_journalled_when_it_was_due(bench: Bench) -> None:
    freezer = bench.begun()
    bench.journalled, bench.taken = 7, 6
    assert bench.looks(freezer, 6) == 0
    bench.read(4, 10.0)
    bench.taken = 7
    assert bench.looks(freezer, 6) == 1


def test_a_slot_without_readings_has_no_file_and_the_worst_status_is_told(bench: Bench) -> None:
    freezer = bench.begun()
    bench.read(6, 20.0)
    bench.read(7, 7.1, channel=1, quality=Quality.CALIBRATING)
    assert bench.looks(freezer, 20) == 1
    assert kept_file(bench.path, "department", NOON) is None
    assert kept_file(bench.path, "department", NOON + FIVE) == (
        b"SO2\t20.0\tmg/Nm3\t20261130120500\t00\r\nO2\t7.1\t%V\t20261130120500\t01\r\n"
    )


def test_the_last_value_stands_for_what_is_missing_where_that_is_set(bench: Bench) -> None:
    bench.feed = replace(bench.feed, missing="last-with-02", lines=bench.feed.lines[:1])
    bench.read(-30, 8.0)
    assert bench.looks(bench.begun(), 12) == 2
    assert kept_file(bench.path, "department", NOON + FIVE) == b"SO2\t8.0\tmg/Nm3\t20261130120500\t02\r\n"


def test_after_a_time_off_what_the_broker_kept_is_waited_for_and_every_slot_is_made(bench: Bench) -> None:
    bench.begun()
    freezer = bench.freezer()  # of a service that was off for an hour
    bench.now = NOON + NS_PER_HOUR
    assert freezer.look() + freezer.look() == 0
    for minute in range(60):
        bench.read(minute, float(minute))
    assert bench.looks(freezer, 60) == 11
    assert bench.waiting()[:2] == ["1200", "1205"]


def test_a_clock_that_was_set_back_makes_no_slot_again_and_leaves_none_out(bench: Bench) -> None:
    freezer = bench.begun()
    bench.read(61, 1.0)
    bench.read(2, 2.0)
    assert bench.looks(freezer, 66) == 2  # a clock that was an hour ahead
    bench.read(63, 99.0)
    bench.read(7, 3.0)
    assert bench.looks(freezer, 11) == 1
    assert bench.looks(freezer, 66) == 0
    bench.sends()
    assert bench.delivered() == {"1200": "2.0", "1205": "3.0", "1300": "1.0"}


def test_a_clock_that_was_years_ahead_does_not_stop_the_feed(bench: Bench) -> None:
    freezer = bench.begun()
    bench.read(1, 10.0)
    assert bench.looks(freezer, 6) == 1
    bench.sends()
    bench.looks(freezer, 4 * 365 * 24 * 60)
    bench.read(2, 90.0)
    bench.read(6, 11.0)
    assert bench.looks(freezer, 11) == 1
    assert bench.waiting() == ["1205"]


@pytest.mark.parametrize("point", ["feed_before_freeze", "feed_before_send", "feed_after_upload"])
@pytest.mark.parametrize("temporary", [".part", ""])
def test_a_kill_loses_and_doubles_no_file(bench: Bench, point: str, temporary: str) -> None:
    bench.feed = replace(bench.feed, temporary=temporary)
    bench.begun()
    for slot in range(3):
        bench.read(5 * slot + 1, float(slot))
    left = [Killed()]

    def crash(reached: str) -> None:
        if reached == point and left:
            raise left.pop()

    for _ in range(2):  # before the kill, and after it
        with killable():
            bench.looks(bench.freezer(crash), 30)
            bench.sends(crash)

    assert not left
    assert bench.delivered() == {"1200": "0.0", "1205": "1.0", "1210": "2.0"}
    assert (bench.standing().waiting, bench.standing().differs) == (0, 0)


@contextmanager
def killable() -> Iterator[None]:
    """Let a kill end what is inside."""
    try:
        yield
    except Killed:
        return


def test_a_server_that_refuses_for_a_day_gets_every_file_in_order(bench: Bench, tmp_path: Path) -> None:
    freezer = bench.begun()
    for slot in range(288):
        bench.read(5 * slot + 1, float(slot))
    taken: list[str] = []

    class Refusing:
        def __init__(self, _to: FeedAddress) -> None:
            raise FileRefused("550 come again tomorrow")

    class Telling:
        def __init__(self, to: FeedAddress) -> None:
            self._place = place_of(to)

        def rename(self, name: str, new: str) -> None:
            taken.append(new)
            self._place.rename(name, new)

        def __getattr__(self, name: str):
            return getattr(self._place, name)

    sender = FeedSender(bench.feed, lambda: bench.now, lambda _point: None, Refusing)
    with closing(FeedFiles(bench.path)) as files:
        bench.looks(freezer, 6)
        pauses = [sender.drain(files, threading.Event()) for _ in range(6)]
        bench.looks(freezer, 1446)
        pauses.append(sender.drain(files, threading.Event()))
    assert pauses == [*PAUSES_S, *(PAUSES_S[-1],) * 3]
    standing = bench.standing()
    assert (standing.waiting, standing.failed, standing.last_error) == (288, 7, "550 come again tomorrow")
    assert standing.behind(FIVE, DELAY, bench.now) == NS_PER_DAY - FIVE + 5 * NS_PER_MIN

    assert bench.sends(go=Telling) == POLL_S
    assert taken == sorted(taken)
    assert len(taken) == len(set(taken)) == len(list(bench.out.iterdir())) == 288
    assert bench.standing().behind(FIVE, DELAY, bench.now) == 0


def test_another_file_of_the_name_stands_and_is_told(bench: Bench) -> None:
    freezer = bench.begun()
    bench.read(1, 10.0)
    bench.read(6, 11.0)
    bench.looks(freezer, 12)
    (bench.out / "HP_1_20261130120000.txt").write_text("SO2\t9.0\tfrom before the disk was put back")

    bench.sends()

    works = FeedWorks(
        [bench.feed], bench.path, bench.freezer, lambda: bench.now, lambda _: None, lambda _: None
    )
    assert bench.delivered() == {"1200": "9.0", "1205": "11.0"}
    assert (bench.standing().differs, bench.standing().waiting) == (1, 0)
    assert list(works.troubles()) == [
        "feed department: 1 file differs from what the authority has of the same name, which stands: stackmeter feed status department"
    ]


def test_a_server_that_is_gone_costs_its_own_feed_alone(bench: Bench, tmp_path: Path) -> None:
    folder = tmp_path / "ftp"
    folder.mkdir()
    freezer = bench.begun()
    bench.read(1, 10.0)
    bench.looks(freezer, 6)
    server = FtpServer(folder)
    bench.feed = replace(bench.feed, to=server.address())
    server.close()
    assert bench.sends() == PAUSES_S[0]
    assert "ftp://127.0.0.1" in bench.standing().last_error
    with closing(FtpServer(folder)) as server:
        bench.feed = replace(bench.feed, to=server.address())
        bench.sends()
        assert [file.name for file in folder.iterdir()] == ["HP_1_20261130120000.txt"]


def test_on_call_is_told_once_that_it_is_behind_and_once_that_it_has_caught_up(bench: Bench) -> None:
    freezer, told = bench.begun(), []

    def look(minutes: float, teller: BehindTeller) -> list[tuple[str, float, bool]]:
        """Return id, beginning in minutes after noon and whether it is over, of what is told."""
        bench.looks(freezer, minutes)
        told.clear()
        teller.look()
        return [
            (one.id, (one.told[0].started_at - NOON) / NS_PER_MIN, one.told[0].ended_at > 0) for one in told
        ]

    teller = BehindTeller([bench.feed], bench.path, told.append, lambda: bench.now)
    bench.read(1, 10.0)
    assert look(6, teller) == look(66, teller) == []
    [(begun, since, is_over)] = look(67, teller)
    assert (since, is_over) == (66, False)
    said = told[0].told[0]
    assert said.labels == {"park": "north", "facility": "mill", "feed": "department"}
    assert said.summary == "The feed department is behind"
    assert [text for each in said.texts.values() for text in each.values() if "{" in text] == []
    assert "stackmeter feed status department" in said.texts["first_action"]["vi"]
    assert look(68, teller) == []

    restarted = BehindTeller([bench.feed], bench.path, told.append, lambda: bench.now)
    assert look(80, restarted) == [(begun, 66, False)]
    bench.sends()
    [(_, since, is_over)] = look(81, restarted)
    assert (since, is_over) == (66, True)
    assert look(82, restarted) == []


def test_what_was_delivered_long_ago_is_forgotten_and_what_waits_is_not(bench: Bench) -> None:
    freezer = bench.begun()
    bench.read(1, 10.0)
    bench.read(6, 11.0)
    bench.looks(freezer, 6)
    bench.sends()
    bench.looks(freezer, 11)
    bench.read(60 * 24 * 100, 12.0)
    bench.looks(freezer, 60 * 24 * 100 + 6)
    assert [one.state for one in kept_files(bench.path, "department")] == ["waiting", "waiting"]


def test_a_damaged_file_of_feeds_is_said_and_costs_the_feed_alone(bench: Bench) -> None:
    bench.path.write_bytes(b"no database, " * 1000)
    works = FeedWorks(
        [bench.feed], bench.path, bench.freezer, lambda: bench.now, lambda _: None, lambda _: None
    )

    [said] = works.troubles()
    assert said.startswith("feeds: feeds.sqlite cannot be read: ")
    stop = threading.Event()
    for _, work in (*works.workers(stop), *works.senders(stop)):
        with pytest.raises(sqlite3.DatabaseError):
            work()


def test_another_file_of_ours_is_not_written_to(bench: Bench) -> None:
    with closing(sqlite3.connect(bench.path)) as other:
        other.execute("CREATE TABLE theirs (x)")
    with pytest.raises(StateMismatch):
        FeedFiles(bench.path)
