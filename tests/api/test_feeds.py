"""The routes of feeds: how each stands, its files, sending them again by a person who may, and nothing of another tenant's."""

from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from plant.station.feed import Feed, FeedAddress, FeedLine
from plant.vocabulary import NS_PER_MIN
from store.feeds.files import FeedFiles, FrozenFile
from tests.api.keyed import Keyed, state_of
from tests.api.state import AS_OF, plant

FIVE = 5 * NS_PER_MIN
SLOT = AS_OF // FIVE * FIVE - 4 * FIVE
MILL = Feed(
    name="department",
    park="hai-phong",
    facility="mill",
    station="HP_1",
    every=FIVE,
    file="{station}_{time:%Y%m%d%H%M%S}.txt",
    lines=(FeedLine("SO2", 0, "mg/Nm3", 1.0),),
    to=FeedAddress("sftp", "gate.example", 2222, "/in", "hp", "pass word", "ssh-ed25519 AAAA"),
)
WORKS = replace(MILL, name="province", park="rhein", facility="works")
WANTED = {"from": "2020-01-01T00:00:00Z", "to": "2040-01-01T00:00:00Z", "reason": "letter 12"}


@pytest.fixture
def api(tmp_path: Path) -> Iterator[Keyed]:
    """Give an API with two feeds, three frozen files of the first, of which one waits and one differs."""
    state = state_of(tmp_path, replace(plant(), feeds=(MILL, WORKS)))
    with closing(FeedFiles(tmp_path / "feeds.sqlite")) as files:
        files.looked("department", SLOT)
        made = [FrozenFile(SLOT + place * FIVE, f"{place}.txt", b"SO2") for place in range(3)]
        files.freeze("department", made, SLOT + 3 * FIVE, AS_OF - 2 * FIVE)
        for outcome in ("delivered", "differs"):
            file = files.next("department")
            assert file is not None
            files.note_sent("department", file, outcome, AS_OF, 12)
        waiting = files.next("department")
        assert waiting is not None
        files.note_failed("department", waiting, AS_OF, "550 come again", 3)
    made = Keyed(state)
    yield made
    made.reader.close()
    state.close()


def test_feeds_are_told_with_how_far_behind_they_are_and_without_secrets(api: Keyed) -> None:
    first, second = api.get("/v1/feeds")["feeds"]

    assert first["feed"] == "department"
    assert first["to"] == "sftp://gate.example:2222/in"
    assert (first["waiting"], first["differs"], first["delivered"], first["failed"]) == (1, 1, 1, 2)
    assert first["last_error"] == "550 come again"
    assert first["behind_s"] == (AS_OF - (SLOT + 3 * FIVE + MILL.delay)) / 1e9
    assert (second["feed"], second["waiting"], second["last_slot"]) == ("province", 0, None)
    assert "pass word" not in api.ask("/v1/feeds").text


def test_files_are_told_the_newest_first_and_by_state(api: Keyed) -> None:
    def names(**asked: str) -> list[str]:
        return [one["name"] for one in api.get("/v1/feeds/department/files", **asked)["files"]]

    assert names() == ["2.txt", "1.txt", "0.txt"]
    assert names(state="differs") == ["1.txt"]
    assert names(limit="1") == ["2.txt"]
    assert names(before=api.get("/v1/feeds/department/files", limit="1")["files"][0]["slot"]) == [
        "1.txt",
        "0.txt",
    ]


def test_a_person_sends_again_once_and_it_is_recorded(api: Keyed) -> None:
    key = api.key("lan", "operator")

    def resent() -> int:
        return api.as_(key, "/v1/feeds/department/resend", "POST", json=WANTED).json()["resent"]

    assert [resent(), resent()] == [2, 0]
    assert {one["state"] for one in api.get("/v1/feeds/department/files")["files"]} == {"waiting"}
    first, _ = api.told("feed.resent")
    assert (first.who, first.about) == ("lan", "department")
    assert first.new.endswith("by lan: letter 12")


@pytest.mark.parametrize(
    ("change", "parameter"),
    [({"to": WANTED["from"]}, "to"), ({"from": "yesterday"}, "from"), ({"by": "somebody"}, "by")],
)
def test_what_cannot_be_sent_again_is_said_and_nothing_is_recorded(
    api: Keyed, change: dict[str, str], parameter: str
) -> None:
    answer = api.as_(api.key("lan", "operator"), "/v1/feeds/department/resend", "POST", json=WANTED | change)

    assert answer.status_code == 422
    assert answer.json()["errors"][0]["parameter"] == parameter
    assert api.told("feed.resent") == []


def test_a_damaged_file_of_feeds_is_503(api: Keyed) -> None:
    (api.state.path.parent / "feeds.sqlite").write_bytes(b"no database, " * 1000)

    answers = [
        api.ask("/v1/feeds"),
        api.ask("/v1/feeds/department/files"),
        api.as_(api.key("lan", "operator"), "/v1/feeds/department/resend", "POST", json=WANTED),
    ]
    assert [one.status_code for one in answers] == [503, 503, 503]


def test_another_tenants_feed_is_like_none(api: Keyed) -> None:
    key = api.key("works", "operator", ("rhein", "works"))

    assert [one["feed"] for one in api.as_(key, "/v1/feeds").json()["feeds"]] == ["province"]
    for name in ("department", "nobodys--x"):
        answers = [
            api.as_(key, f"/v1/feeds/{name}/files"),
            api.as_(key, f"/v1/feeds/{name}/resend", "POST", json=WANTED),
        ]
        assert [one.status_code for one in answers] == [404, 404]
        assert {one.json()["detail"] for one in answers} == {f"there is no feed {name}"}
    assert (
        api.as_(api.key("guest", "viewer"), "/v1/feeds/department/resend", "POST", json=WANTED).status_code
        == 403
    )
