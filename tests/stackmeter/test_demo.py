"""The demo as a user starts it, and how it paces its meters and shows their tonnes."""

import contextlib
import os
import pty
import re
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from datetime import time as clock
from pathlib import Path
from uuid import uuid4
from zoneinfo import ZoneInfo

import httpx
import pytest

from api.models import AlertBody, BalancesBody, OutcomesBody, ReadyBody, TotalBody
from plant.configuration.load import load
from plant.park import Park, Plant
from plant.vocabulary import NS_PER_HOUR
from rules.catalogue import load_catalogue
from simulators.park import Progress
from stackmeter.client.calls import Overview
from stackmeter.demo import AHEAD, CATCH_UP_S, SimulatorPace, enter_papers, start_of, zone_of
from stackmeter.views import view
from store.folder import keys_file
from store.keys import Keys
from tests.servers import Mosquitto, wait_until
from tests.service import Service

ROOT = Path(__file__).parents[2]
COMMAND = [sys.executable, "-c", "from stackmeter.cli import main; main()", "demo"]
TONNES = re.compile(r"([\d,.]+) t today")


class Demo:
    """A demo in a process group and a temporary folder of its own; its output goes to files."""

    def __init__(self, folder: Path, *options: object, terminal: int | None = None) -> None:
        self.mark = uuid4().hex
        self.temporary = folder / "temporary"
        self.temporary.mkdir()
        self._out, self._err = folder / "out", folder / "err"
        # A demo does not look at settings: bad ones do no harm.
        more = {"TMPDIR": str(self.temporary), "MARK": self.mark, "STACKMETER_PORT": "none", "TERM": "xterm"}
        with self._out.open("wb") as out, self._err.open("wb") as err:
            self.process = subprocess.Popen(
                [*COMMAND, *map(str, options)],
                stdin=subprocess.DEVNULL,
                stdout=out if terminal is None else terminal,
                stderr=err,
                env=os.environ | more,
                start_new_session=True,
            )

    @property
    def out(self) -> str:
        return self._out.read_text()

    @property
    def errors(self) -> str:
        return self._err.read_text()

    @property
    def url(self) -> str:
        return re.search(r"^API +(\S+)", self.out, re.MULTILINE)[1]

    def interrupt(self) -> int:
        """Press Ctrl-C: every process of the terminal gets the signal; return the exit code."""
        os.killpg(self.process.pid, signal.SIGINT)
        return self.process.wait(30)

    def left(self) -> list[int]:
        """Return the processes that the demo started and that still run."""
        return [int(path.parent.name) for path in Path("/proc").glob("[0-9]*/environ") if self._is_ours(path)]

    def _is_ours(self, environment: Path) -> bool:
        with contextlib.suppress(OSError):
            return self.mark.encode() in environment.read_bytes()
        return False

    def close(self) -> None:
        """End it as a power cut would, if a test has left it running."""
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait(30)


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[..., Demo]]:
    """Give what starts a demo with options, which ends with the test."""
    with contextlib.ExitStack() as stack:
        yield lambda *options, **more: stack.enter_context(
            contextlib.closing(Demo(tmp_path, *options, **more))
        )


def at_noon(directory: Path) -> Path:
    """Copy the example to where it is about noon, so that today has tonnes; return the directory."""
    shutil.copytree(ROOT / "config" / "haiphong", directory)
    ahead = 12 - datetime.now(UTC).hour  # h
    for path in directory.glob("*.yaml"):
        # The names of these zones have the sign of POSIX: Etc/GMT-7 is seven hours ahead.
        path.write_text(path.read_text().replace("Asia/Ho_Chi_Minh", f"Etc/GMT{-ahead:+d}"))
    return directory


@pytest.fixture(scope="module")
def ended(tmp_path_factory: pytest.TempPathFactory) -> Demo:
    """Give a demo of ten seconds that has ended; its port was taken, and its parks have noon."""
    folder = tmp_path_factory.mktemp("demo")
    config = at_noon(folder / "config")
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with contextlib.closing(Demo(folder, "--config", config, "--duration", 10, "--port", port)) as demo:
            demo.process.wait(60)
    demo.taken = port
    return demo


def test_a_demo_that_is_over_exits_with_0_and_no_complaint(ended):
    assert (ended.process.returncode, ended.errors) == (0, "")


def test_it_says_first_where_the_api_is_and_its_token(ended):
    assert re.match(r"(port \d+ is taken.*\n)?API +http://127\.0\.0\.1:\d+\ntoken +\S{43}\n", ended.out)


def test_a_taken_port_is_said_and_replaced(ended):
    port = ended.url.rsplit(":", 1)[1]

    assert f"port {ended.taken} is taken: the API has {port} instead" in ended.out


def test_a_pipe_gets_a_plain_line_every_few_seconds(ended):
    lines = [line for line in ended.out.splitlines() if line.startswith("meters at") and "t/h" in line]

    assert 2 <= len(lines) <= 6


def test_the_tonnes_grow_from_line_to_line(ended):
    tonnes = [float(text.replace(",", "")) for text in TONNES.findall(ended.out)]

    assert tonnes[0] > 0
    assert tonnes == sorted(tonnes)


def test_the_view_stands_at_the_end_with_every_facility(ended):
    table = ended.out[ended.out.index("t CO2e (AR5)") :].partition("\nmessages ")[0]

    assert re.findall(r"^(?:  )?([a-z-]+) +[-\d,.]+ ", table, re.MULTILINE) == [
        *("deep-c", "chemicals", "food"),
        *("nam-cau-kien", "foundry", "mill", "plastics", "wastewater", "all"),
    ]


def test_it_leaves_no_process(ended):
    assert ended.left() == []


def test_it_leaves_no_file(ended):
    assert list(ended.temporary.iterdir()) == []


def test_ctrl_c_ends_everything_in_order(start, tmp_path):
    demo = start("--port", 0, "--config", at_noon(tmp_path / "config"))
    wait_until(lambda: TONNES.search(demo.out) is not None, "no tonnes were shown")
    before = demo.left()

    assert len(before) > 1  # the broker is a process of its own
    assert (demo.interrupt(), demo.errors, demo.left()) == (0, "", [])


def test_a_state_of_ones_own_is_kept_and_answers_meanwhile(start, tmp_path):
    demo = start("--port", 0, "--state", tmp_path / "state")
    wait_until(lambda: "\ntoken" in demo.out, "the service did not start")
    token = (tmp_path / "state" / "token").read_text().strip()
    answer = httpx.get(f"{demo.url}/v1/totals", headers={"Authorization": f"Bearer {token}"})
    demo.interrupt()

    assert answer.status_code == 200
    assert {path.name for path in (tmp_path / "state").iterdir()} >= {"journal.db", "state.db", "token"}


def test_a_terminal_gets_a_live_view_and_ctrl_c_leaves_it_in_order(start):
    ours, theirs = pty.openpty()
    shown = bytearray()
    demo = start("--port", 0, terminal=theirs)
    os.close(theirs)
    reader = threading.Thread(target=_read_all, args=(ours, shown))
    reader.start()
    wait_until(lambda: shown.count(b"up to (") >= 2, "nothing was shown")
    code = demo.interrupt()
    reader.join(10)
    os.close(ours)

    assert (code, demo.errors) == (0, "")
    assert b"\x1b[?25l" in shown
    assert shown.count(b"\x1b[?25l") == shown.count(b"\x1b[?25h")  # the cursor is hidden, and shown again


def _read_all(terminal: int, shown: bytearray) -> None:
    with contextlib.suppress(OSError):  # how Linux says that nobody writes to the terminal any more
        while block := os.read(terminal, 65536):
            shown += block


def test_a_wrong_configuration_is_explained_whole(start, tmp_path):
    (tmp_path / "park.yaml").write_text("settings: {max_late: 2y, window: 1x}\n")
    demo = start("--config", tmp_path, "--port", 0)

    assert demo.process.wait(30) == 2
    assert re.findall(r"park\.yaml:\d+: settings\.(\w+)", demo.errors) == ["max_late", "window"]


# --- how the meters are paced


class Waits(threading.Event):
    """A stop that never comes, and that tells how long was to be waited for it [s]."""

    def __init__(self) -> None:
        super().__init__()
        self.asked: list[float] = []

    def wait(self, timeout: float | None = None) -> bool:
        self.asked.append(timeout or 0.0)
        return super().wait(timeout)


def paced(speed: float, ago: float, taken: int = 0, sent: int = 1) -> list[float]:
    """Return how long a pace means to hold the second of two messages that are 0.4 s apart and so old [s]."""
    waits = Waits()
    pace = SimulatorPace(speed, lambda: taken, waits)
    first = time.time_ns() - round(ago * 1e9)
    pace(Progress(first, sent, sent))
    waits.asked.clear()
    pace(Progress(first + 400_000_000, sent, sent))
    return waits.asked


@pytest.mark.parametrize("speed", [1.0, 4.0])
def test_what_follows_history_keeps_the_speed(speed):
    """What is left of the distance to the begin of the slow part, never more."""
    [asked] = paced(speed, ago=CATCH_UP_S * speed - 0.01)

    assert 0 < asked <= 0.41 / speed


def test_a_stop_ends_every_wait():
    stop = Waits()
    stop.set()
    pace = SimulatorPace(1.0, lambda: 0, stop)
    for age_s in (2 * CATCH_UP_S, -3600):
        pace(Progress(time.time_ns() - round(age_s * 1e9), 10 * AHEAD, 0))

    assert len(stop.asked) == 2  # once each, and neither was waited out


def test_history_is_not_held_back():
    assert paced(1.0, ago=2 * CATCH_UP_S) == []


def test_history_waits_for_a_service_that_is_behind():
    assert len(paced(1.0, ago=2 * CATCH_UP_S, sent=AHEAD + 1)) > 1


def test_history_does_not_wait_for_a_service_that_follows():
    assert paced(1.0, ago=2 * CATCH_UP_S, sent=AHEAD + 1, taken=1) == []


# --- when it begins, and on whose clock


@pytest.fixture(scope="module")
def plant() -> Plant:
    directory = ROOT / "config" / "haiphong"
    return load(directory, load_catalogue(directory))


def on_clocks(plant: Plant, *zones: str) -> Plant:
    return replace(plant, parks=tuple(Park(f"park-{zone}", "", ZoneInfo(zone)) for zone in zones))


def test_it_begins_by_the_midnight_of_every_park(plant):
    parks = on_clocks(plant, "Asia/Ho_Chi_Minh", "America/Los_Angeles")
    now = datetime.now(UTC)
    midnights = [datetime.combine(now.astimezone(p.zone), clock(), p.zone) for p in parks.parks]

    assert start_of(parks) <= min(midnights)


@pytest.mark.parametrize("offset", range(-12, 13))
def test_it_begins_hours_ago_though_the_day_be_young(plant, offset):
    assert datetime.now(UTC) - start_of(on_clocks(plant, f"Etc/GMT{offset:+d}")) >= timedelta(hours=6)


def test_it_begins_no_earlier_than_the_service_takes_readings(plant):
    assert datetime.now(UTC) - start_of(replace(plant, max_late=NS_PER_HOUR)) < timedelta(hours=1)


def test_times_are_shown_on_the_clock_that_all_parks_share(plant):
    assert str(zone_of(plant)) == "Asia/Ho_Chi_Minh"


def test_times_are_shown_in_utc_where_parks_share_no_clock(plant):
    assert zone_of(on_clocks(plant, "Asia/Ho_Chi_Minh", "Asia/Tokyo")) is UTC


# --- how tonnes are shown

TOTAL = dict.fromkeys(TotalBody.model_fields) | {"stale": [], "unheard": [], "now_unknown": [], "revision": 1}
NONE = dict.fromkeys(OutcomesBody.model_fields, 0)
AT = "2026-11-24T05:00:00Z"


def total(park: str | None, facility: str | None, tonnes: float | None) -> TotalBody:
    values = {"park": park, "facility": facility, "co2e_t": tonnes, "coverage": 0.9996, "complete_until": AT}
    return TotalBody.model_validate(TOTAL | values)


def seen(*today: TotalBody, month: tuple[TotalBody, ...] = (), alerts: int = 0) -> Overview:
    alert = AlertBody(
        id="1",
        rule="ph-high",
        status="firing",
        severity="critical",
        started_at=AT,
        ended_at=None,
        value=9.23456,
        limit=9.0,
        unit="pH",
        labels={"park": "p", "facility": "f", "gateway": "g", "channel": "c"},
    )
    return Overview(
        url="http://x",
        as_of="2026-11-24T05:00:10Z",
        gwp="AR5",
        ready=ReadyBody(ready=True, reasons=[], degradations=[]),
        today=list(today),
        month=list(month),
        balance=BalancesBody(
            messages=OutcomesBody.model_validate(NONE | {"received": 1200, "accepted": 1199, "late": 1}),
            readings=OutcomesBody.model_validate(NONE),
            codes={"unit_unknown": 3},
            gateways=[],
        ),
        alerts=[alert] * alerts,
    )


PARKS = (
    total(None, None, 99.0),
    total("b", None, 99.0),
    total("a", None, 99.0),
    total("b", "y", 4.0),
    total("a", "x", 1.0),
    total("b", "z", None),
)


def test_parks_stand_before_their_facilities_and_everything_last():
    places = [(row.park, row.facility) for row in view.rows(seen(*PARKS))]

    assert places == [("a", None), ("a", "x"), ("b", None), ("b", "y"), ("b", "z"), (None, None)]


def test_a_table_adds_up():
    assert [row.today for row in view.rows(seen(*PARKS))] == [1.0, 1.0, 4.0, 4.0, None, 5.0]


def test_the_month_is_of_the_month():
    assert view.rows(seen(*PARKS, month=(total("a", "x", 7.0),)))[0].month == 7.0


def test_what_is_unknown_is_shown_as_unknown():
    assert view.plain(seen(total(None, None, None)), UTC).startswith("- t/h, - t today, - t this month")


@pytest.mark.parametrize(
    ("value", "text"), [(1.0, "100.0 %"), (0.9999, "99.9 %"), (0.3, "30.0 %"), (0.0, "0.0 %"), (None, "-")]
)
def test_coverage_is_not_rounded_up(value, text):
    assert view.share(value) == text


def test_a_time_has_its_date_only_where_it_is_not_today():
    hanoi = ZoneInfo("Asia/Ho_Chi_Minh")

    assert view.moment("2026-11-24T05:00:00.5Z", AT, hanoi) == "12:00:00"
    assert view.moment("2026-11-23T16:59:59Z", AT, hanoi) == "2026-11-23 23:59:59"


def test_the_balance_is_a_sum():
    messages, _, refused = view.balance(seen().balance)

    assert messages == "messages 1,200 = 1,199 accepted + 1 late + 0 duplicate + 0 quarantined + 0 rejected"
    assert refused == "refused  3 unit_unknown"


def test_an_alert_is_a_line():
    line = "firing   critical ph-high at p/f/c: 9.235 pH, limit 9, 2026-11-24 05:00 +00"

    assert list(view.alerts(seen(alerts=1), UTC)) == [line]


def test_of_many_alerts_the_first_are_shown_and_the_rest_counted():
    assert list(view.alerts(seen(alerts=8), UTC))[5:] == ["and 3 more at http://x/v1/alerts"]


def test_what_papers_say_of_the_example_is_entered_by_one_and_approved_by_another_once(tmp_path):
    today = datetime.now(ZoneInfo("Asia/Ho_Chi_Minh")).date()
    with Mosquitto() as broker, Service(tmp_path, ROOT / "config" / "haiphong", broker.url) as service:
        service.start()
        keys, url = Keys(keys_file(service.state)), f"http://127.0.0.1:{service.port}"

        assert len(list(enter_papers(url, keys, today))) == 1
        assert list(enter_papers(url, keys, today)) == []

        records = service.get("/v1/records").json()["records"]
        assert {(one["state"], one["entered_by"], one["approved_by"]) for one in records} == {
            ("approved", "lan", "minh")
        }
        week = {"from": f"{today - timedelta(days=7)}T00:00:00+07:00", "to": f"{today}T00:00:00+07:00"}
        [scrap] = service.get("/v1/exchanges", name="scrap", **week).json()["exchanges"]
        assert 0 < scrap["share"] < scrap["tolerance"]
