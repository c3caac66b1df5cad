"""The ledger as it is told: every entry once, the newest first, summed up by source."""

from math import isnan, nan

import numpy as np
import pytest

from plant.vocabulary import NS_PER_MIN
from store.accounting.ledger import CHANGE
from tests.api.state import AS_OF, MIDNIGHT
from tests.api.test_inventory import MILL, pages, seen_by

PLACES = {
    101: "hai-phong/mill/grid",
    102: "hai-phong/mill/boiler",
    103: "hai-phong/foundry/grid",
    105: "rhein/works/grid",
}


@pytest.fixture
def entries(state):
    """Return forty entries, each a list of (source, window, old, new)."""
    rng = np.random.default_rng(7)
    made = []
    for number in range(1, 41):
        rows = [
            (
                int(rng.choice(list(PLACES))),
                MIDNIGHT + int(k) * NS_PER_MIN,
                *rng.choice([nan, 0.25, 1.5, 2.0], 2),
            )
            for k in rng.integers(0, 600, rng.integers(1, 9))
        ]
        append(state, number, rows)
        made.append(rows)
    return made


def append(state, number, rows):
    changes = np.zeros(len(rows), CHANGE)
    for row, (source, start, old, new) in zip(changes, rows, strict=True):
        row["source"], row["start"], row["old_co2e_t"], row["new_co2e_t"] = source, start, old, new
    state.insert(
        "ledger", number, AS_OF + number, "readings", "line", "c0ffee", number * 10, number * 10 + 5, changes.tobytes(),
        bytes([number - 1]) * 32, bytes([number]) * 32,
    )  # fmt: skip


def delta(rows):
    """Return by how much the known sum changed, None where nothing is known before or after."""
    if all(isnan(old) and isnan(new) for _, _, old, new in rows):
        return None
    return sum(0 if isnan(new) else new for *_, new in rows) - sum(
        0 if isnan(old) else old for _, _, old, _ in rows
    )


def test_an_entry_tells_what_it_changed(api, entries):
    found = api.get("/v1/ledger")["entries"]

    assert [one["id"] for one in found] == list(range(40, 0, -1))
    for one, rows in zip(reversed(found), entries, strict=True):
        assert (one["changes"], one["journal"]) == (
            len(rows),
            {"from": one["id"] * 10, "to": one["id"] * 10 + 5},
        )
        for source in one["sources"]:
            name = "/".join(source[part] for part in ("park", "facility", "source"))
            mine = [row for row in rows if PLACES[row[0]] == name]
            assert source["changes"] == len(mine)
            assert source["co2e_t_delta"] == pytest.approx(delta(mine), abs=1e-12)
        assert one["co2e_t_delta"] == pytest.approx(delta(rows), abs=1e-12)
        assert len(one["sources"]) == len({row[0] for row in rows})
    newest = found[0]
    assert (newest["cause"], newest["author"], newest["configuration"]) == ("readings", "line", "c0ffee")
    assert newest["hash"] == "28" * 32


@pytest.mark.parametrize("limit", [1, 7, 40])
def test_pages_bring_every_entry_once(api, entries, limit):
    found, _ = pages(api, "/v1/ledger", "entries", limit)

    assert [one["id"] for one in found] == list(range(40, 0, -1))


@pytest.mark.parametrize("limit", [1, 7, 40])
def test_a_filter_leaves_the_entries_that_changed_such_sources(api, entries, limit):
    found, _ = pages(api, "/v1/ledger", "entries", limit, park="hai-phong", source="grid")

    wanted = {101, 103}
    assert [(one["id"], one["changes"]) for one in reversed(found)] == [
        (number, count)
        for number, rows in enumerate(entries, 1)
        if (count := sum(row[0] in wanted for row in rows))
    ]


def test_a_viewer_sees_changes_of_their_places_only(api, entries):
    found, _ = pages(seen_by(api, MILL), "/v1/ledger", "entries", 5)

    assert [(one["id"], one["changes"]) for one in reversed(found)] == [
        (number, count)
        for number, rows in enumerate(entries, 1)
        if (count := sum(PLACES[row[0]].startswith("hai-phong/mill/") for row in rows))
    ]
    assert {source["facility"] for one in found for source in one["sources"]} == {"mill"}
    assert "rhein" in api.refused("/v1/ledger", park="rhein")["park"]


def test_a_page_ends_where_enough_was_looked_at(api, state):
    """Of 4,100 entries two are of the works on the Rhine, far apart: three pages, of which none is long to make."""
    works, others = (np.zeros(1, CHANGE) for _ in range(2))
    works["source"], others["source"] = 105, 101
    rows = [
        (
            number,
            AS_OF,
            "readings",
            "line",
            "",
            0,
            1,
            (works if number in (50, 4000) else others).tobytes(),
            b"",
            b"",
        )
        for number in range(1, 4101)
    ]
    state.db.executemany(f"INSERT INTO ledger VALUES ({', '.join('?' * 10)})", rows)
    state.db.commit()

    found, count = pages(api, "/v1/ledger", "entries", 50, park="rhein")

    assert ([one["id"] for one in found], count) == ([4000, 50], 3)
