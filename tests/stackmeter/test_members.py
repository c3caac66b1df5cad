"""Parks that other Stackmeters tell of: heard each minute, bounded, kept with their age, and harmless whoever they are."""

import json
import socket
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from api.city.members import FRESH_S, MemberFacts, MemberStanding, routes
from plant.configuration.load import load
from plant.documents.problems import ConfigurationError
from plant.vocabulary import NS_PER_S
from rules.catalogue import load_catalogue
from stackmeter.heard import LONGEST, Unheard
from stackmeter.members.asking import Asking
from stackmeter.members.members_file import MemberPark, load_members
from stackmeter.members.watcher import MemberWatcher
from tests.end_to_end.gateway import RawGateway
from tests.servers import Mosquitto, wait_until
from tests.service import TOKEN, Service

NOW = 1_795_510_800 * NS_PER_S
GOLDEN = {"known": {"a": 1200.5, "b": 800.0}, "parks": 14}  # R57a
PARK = MemberPark("a", "A", "https://a.example", "there", "A_KEY")
TOTAL = {"park": "there", "co2e_t": 1200.5, "coverage": 0.998, "known_from": None}
ANSWERS: dict[str, Any] = {
    "/v1/totals": {"period": {"from": "2025-12-31T17:00:00Z"}, "totals": [TOTAL]},
    "/v1/roadmap": {"roadmap": [{"park": "there", "facility": None, "years": [{"year": 2026, "target_t": 40000.0, "projected_t": 1300.0}]}]},
    "/v1/periods": {"periods": [
        {"park": "there", "month": "2025-12", "status": "final"}, {"park": "there", "month": "2026-01", "status": "restated"},
        {"park": "there", "month": "2026-02", "status": "final"}, {"park": "there", "month": "2026-03", "status": "open"},
    ]},
    "/v1/limits": {"standards": [{"limits": [{"standing": "in_force", "outside": 3}, {"standing": "beside", "outside": 9}]}]},
    "/v1/indicators": {"places": [
        {"park": "there", "facility": None, "eco_park": {"criteria": [{"verdict": "met"}, {"verdict": "unknown"}, {"verdict": "met"}]}},
        {"park": "there", "facility": "mill", "eco_park": None},
    ]},
}  # fmt: skip
PLANT = """\
parks:
  - name: park
    title: Park
    zone: UTC
    facilities:
      - name: mill
        title: Mill
        gateways: [{name: gw}]
        channels: [{name: meter, gateway: gw, kind: interval, unit: kWh, quantity: electricity, period: 1min}]
        sources: [{name: grid, method: electricity-location, inputs: {energy: meter}, factor: vn-grid}]
"""

Answer = Callable[[httpx.Request], httpx.Response]


def answering(**changed: Any) -> Answer:
    """Return a Stackmeter that says what `ANSWERS` has; a changed answer is named by the end of its path."""

    def answer(request: httpx.Request) -> httpx.Response:
        said = changed.get(request.url.path.rpartition("/")[2], ANSWERS[request.url.path])
        return said if isinstance(said, httpx.Response) else httpx.Response(200, json=said)

    return answer


def asked(answer: Answer, key: str | None = "secret") -> MemberFacts:
    with httpx.Client(transport=httpx.MockTransport(answer)) as client:
        return Asking(client, PARK, key).facts()


def test_a_member_says_what_its_year_is() -> None:
    assert asked(answering()) == MemberFacts(
        2026, 1200.5, 0.998, None, 40000.0, 1300.0, None, None, 2, 3, 2, 0, 1
    )


def test_an_older_stackmeter_leaves_out_what_it_does_not_know() -> None:
    gone = httpx.Response(404)
    for none in (gone, httpx.Response(422)):
        told = asked(answering(roadmap=gone, limits=gone, indicators=none))

        assert (told.co2e_t, told.target_t, told.limits_outside, told.criteria_met) == (
            1200.5,
            None,
            None,
            None,
        )


def text(content: str | bytes, kind: str = "application/json", status: int = 200) -> httpx.Response:
    return httpx.Response(status, content=content, headers={"content-type": kind})


@pytest.mark.parametrize(
    ("said", "why"),
    [
        (text("{}"), "/v1/totals says what cannot be: period: Field required"),
        (text(json.dumps(ANSWERS["/v1/totals"]).replace("1200.5", "NaN")), "/v1/totals says what cannot be: totals.0.co2e_t: Input should be"),
        (text(json.dumps(ANSWERS["/v1/totals"]).replace("1200.5", "1e300")), "/v1/totals says what cannot be: totals.0.co2e_t: Input should be"),
        (ANSWERS["/v1/totals"] | {"totals": [TOTAL | {"park": "somewhere"}]}, "it was asked of park there, and speaks of somewhere"),
        (ANSWERS["/v1/totals"] | {"totals": []}, "it was asked of park there, and speaks of nothing"),
        (text("<html>", "text/html"), "it answers with text/html and not JSON: is it a Stackmeter?"),
        (text(b"[" * (LONGEST + 1)), "an answer is larger than 1 MiB"),
        (text(b"[" * 2000), "/v1/totals is no JSON: nested deeper than 64"),
        (text("nonsense"), "/v1/totals is no JSON"),
        (text("", status=302), "/v1/totals: HTTP 302"),
        (text("", status=401), "it does not take the key in A_KEY: HTTP 401"),
        (text("", status=404), "it has no /v1/totals: is it a Stackmeter?"),
        (text("", status=500), "/v1/totals: HTTP 500"),
    ],
)  # fmt: skip
def test_what_a_member_cannot_say_is_not_believed(said: Any, why: str) -> None:
    with pytest.raises(Unheard) as refusal:
        asked(answering(totals=said))

    assert str(refusal.value).startswith(why)


def test_a_key_that_is_not_set_is_said_and_nobody_is_asked() -> None:
    with pytest.raises(Unheard, match="the environment variable A_KEY is not set"):
        asked(lambda request: pytest.fail("asked"), key=None)


def test_one_that_trickles_is_left_in_time() -> None:
    seconds = iter(range(0, 1000, 4))

    def trickle() -> Iterator[bytes]:
        while True:
            yield b" "

    slow = httpx.Response(200, content=trickle(), headers={"content-type": "application/json"})
    with (
        httpx.Client(transport=httpx.MockTransport(lambda _: slow)) as client,
        pytest.raises(Unheard, match="it takes more than 15 s"),
    ):
        Asking(client, PARK, "secret", clock=lambda: float(next(seconds))).facts()


def test_the_sum_says_of_how_many_it_is_and_what_is_unknown_is_not_zero() -> None:
    standings = [
        MemberStanding(name, name.upper(), False, None, MemberFacts(2026, GOLDEN["known"].get(name)), NOW)
        for name in "abcdefghijklmn"
    ]

    assert said(standings)["sum"] == {
        "parks": 14,
        "known_parks": 2,
        "known_t": 2000.5,
        "least_coverage": None,
        "all_known": False,
        "total_t": None,
    }
    assert said(standings[:2])["sum"] == {
        "parks": 2,
        "known_parks": 2,
        "known_t": 2000.5,
        "least_coverage": None,
        "all_known": True,
        "total_t": 2000.5,
    }
    assert said([])["sum"] == {
        "parks": 0,
        "known_parks": 0,
        "known_t": None,
        "least_coverage": None,
        "all_known": False,
        "total_t": None,
    }


def test_the_sum_says_how_much_of_its_least_covered_park_is_known() -> None:
    def least(*covered: float | None) -> Any:
        facts = [MemberFacts(2026, 1.0, one) for one in covered] + [MemberFacts(2026, None, 0.1)]
        standings = [MemberStanding(str(n), "", False, None, one, NOW) for n, one in enumerate(facts)]
        return said(standings)["sum"]["least_coverage"]

    assert least(0.998, 0.92) == 0.92  # that of which no tonnes are known is not in the sum
    assert least(0.998, None) is None


def test_what_is_old_is_shown_with_its_age_and_counts_no_more() -> None:
    old = MemberStanding(
        "a", "A", False, None, MemberFacts(2026, 5.0), NOW - (FRESH_S + 1) * NS_PER_S, "ConnectError"
    )
    told = said([old])

    assert told["sum"]["known_t"] is None
    [one] = told["members"]
    assert (one["co2e_t"], one["age_s"], one["fresh"], one["trouble"]) == (
        5.0,
        FRESH_S + 1,
        False,
        "ConnectError",
    )


def said(standings: list[MemberStanding]) -> dict[str, Any]:
    [route] = routes(lambda: standings, lambda: NOW).routes
    body: dict[str, Any] = route.endpoint().model_dump()  # type: ignore[attr-defined]
    return body


def test_two_services_tell_of_each_other_and_a_dead_one_is_seen_and_its_age_grows(tmp_path: Path) -> None:
    config = tmp_path / "config"
    config.mkdir()
    (config / "plant.yaml").write_text(PLANT)
    now = [NOW]
    with Mosquitto() as broker, Service(tmp_path, config, broker.url) as service:
        service.start()
        with RawGateway(broker.port) as gateway:
            time = service.get("/v1/totals").json()["as_of"]
            reading = {"channel": "meter", "time": time, "value": 60.0, "unit": "kWh"}
            gateway.send("sm/v1/park/mill/gw/readings", {"boot": "b", "seq": 1, "readings": [reading]})
            gateway.wait()
            service.drain(1)
        [total] = service.get("/v1/totals", level="park", period="year").json()["totals"]
        url = f"http://127.0.0.1:{service.port}"
        alive, nobody = (
            MemberPark("b", "B", url, "park", "KEY"),
            MemberPark("c", "C", url, "elsewhere", "KEY"),
        )
        watcher = MemberWatcher([alive, nobody], {"KEY": TOKEN}, lambda: now[0])
        with httpx.Client(trust_env=False) as client:
            for member in (alive, nobody):
                watcher.ask(client, member)
            heard, lost = watcher.standings()
            service.kill()
            now[0] += 120 * NS_PER_S
            watcher.ask(client, alive)
            dead, _ = watcher.standings()

    assert total["co2e_t"] > 0
    assert (heard.facts.co2e_t, heard.trouble, heard.heard_at) == (total["co2e_t"], "", NOW)
    assert (lost.facts, lost.heard_at, bool(lost.trouble)) == (MemberFacts(), 0, True)
    assert (dead.facts, dead.heard_at, bool(dead.trouble)) == (heard.facts, NOW, True)


def test_a_service_asks_its_own_parks_as_it_asks_the_others(tmp_path: Path) -> None:
    config = tmp_path / "config"
    config.mkdir()
    (config / "plant.yaml").write_text(PLANT)
    (config / "members.yaml").write_text(
        "members: [{name: far, title: Far, url: 'http://127.0.0.1:1', key_env: FAR_KEY, coordinates: {lat: 20.8, lon: 106.7}}]\n"
    )
    with (
        Mosquitto() as broker,
        Service(tmp_path, config, broker.url, environment={"FAR_KEY": "x"}) as service,
    ):
        service.start()
        told = service.get("/v1/members").json()

        def heard() -> bool:
            told.update(service.get("/v1/members").json())
            return all(one["heard_at"] or one["trouble"] for one in told["members"])

        wait_until(heard, "the members were not asked")

    far, own = told["members"]
    assert (far["park"], far["own"], far["fresh"], far["co2e_t"]) == ("far", False, False, None)
    assert far["trouble"]
    assert (own["park"], own["own"], own["fresh"]) == ("park", True, True)
    assert told["sum"]["parks"] == 2


def test_a_member_that_hangs_keeps_the_service_from_no_orderly_end(tmp_path: Path) -> None:
    config = tmp_path / "config"
    config.mkdir()
    (config / "plant.yaml").write_text(PLANT)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}"
        (config / "members.yaml").write_text(
            f"members: [{{name: far, title: Far, url: '{url}', key_env: K}}]\n"
        )
        with Mosquitto() as broker, Service(tmp_path, config, broker.url, environment={"K": "x"}) as service:
            service.start()
            connection, _ = silent.accept()  # it has asked, and waits
            with connection:
                assert service.term() == 0
            assert not (service.state / "state.db-wal").exists()  # closed in order


@pytest.mark.parametrize(
    ("content", "why"),
    [
        ("members: [{name: park, title: P, url: 'https://x.example', key_env: K}]", "park is a park of this configuration already"),
        ("members: [{name: a, title: A, url: 'https://x.example', key_env: K}, {name: a, title: B, url: 'https://y.example', key_env: K}]", "a stands twice: keep one"),
        ("members: [{name: a, title: A, url: 'ftp://x.example', key_env: K}]", "url"),
        ("members: [{name: a, title: A, url: 'https://x.example', key: K}]", "key"),
    ],
)  # fmt: skip
def test_a_wrong_member_is_told_with_its_line(tmp_path: Path, content: str, why: str) -> None:
    (tmp_path / "plant.yaml").write_text(PLANT)
    (tmp_path / "members.yaml").write_text(content)
    plant = load(tmp_path, load_catalogue(tmp_path))

    with pytest.raises(ConfigurationError) as refusal:
        load_members(tmp_path, plant)
    assert "members.yaml:1" in str(refusal.value)
    assert why in str(refusal.value)
