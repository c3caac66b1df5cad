"""SA-02, BH-04: what a key for some places may not see is answered like what does not exist."""

import json
import sqlite3

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alerts.tables.views import find_alerts
from api.access.caller import Caller, Role
from api.access.scope import sees_labels, sees_matchers
from plant.vocabulary import NS_PER_HOUR
from tests.api.alerts import LABELS, routed
from tests.api.keyed import Keyed, every_route, state_of
from tests.api.roles import STREAMS
from tests.api.state import AS_OF, MIDNIGHT, windows
from tests.api.test_alerts import SILENCE

MILL, FOUNDRY, WORKS = ("hai-phong", "mill"), ("hai-phong", "foundry"), ("rhein", "works")
OWN = {"mill": (MILL, 0), "foundry": (FOUNDRY, 2), "works": (WORKS, 4)}
SPAN = {"from": "2026-11-24T00:00:00Z", "to": "2026-11-24T03:00:00Z"}


@pytest.fixture
def api(tmp_path):
    state = state_of(tmp_path, routed("desk"))
    for _, source in OWN.values():
        state.begins(source, MIDNIGHT - 30 * 24 * NS_PER_HOUR)
        state.windows(source, MIDNIGHT, windows(60, 0.001 * (source + 1), activity=1.5))
    made = Keyed(state)
    for name, (place, _) in OWN.items():
        made.add(name, labels={**LABELS, "park": place[0], "facility": place[1]})
    yield made
    made.reader.close()
    state.close()


@pytest.fixture
def keys(api):
    return {name: api.key(name, "approver", place) for name, (place, _) in OWN.items()}


def questions(name, place):
    """Return a question of one object to every route that takes one, in the ways in which it may be named."""
    park, facility = place
    here = {"park": park, "facility": facility}
    gateway = f"{park}/{facility}/gw1"
    number = f"alert_{name:0<32}"
    yield "/v1/totals", here
    yield "/v1/totals", {"facility": facility}
    yield "/v1/totals", {**here, "level": "source", "source": "grid"}
    yield "/v1/series", {"kind": "emission", **SPAN, **here}
    yield "/v1/series", {"kind": "emission", **SPAN, **here, "source": "grid"}
    yield "/v1/series", {"kind": "reading", **SPAN, **here, "channel": "mdb1"}
    yield "/v1/series", {"kind": "activity", **SPAN, **here, "channel": "mdb1"}
    yield "/v1/regulated", here
    yield "/v1/explain", here
    yield "/v1/explain", {**here, "source": "grid"}
    yield "/v1/balance", {"gateway": gateway}
    yield "/v1/alerts", here
    yield f"/v1/alerts/{number}", {}


@pytest.mark.parametrize("owner", OWN)
def test_sa02_only_ones_own_is_answered(api, keys, owner):
    place, _ = OWN[owner]
    for asker, key in keys.items():
        statuses = {api.as_(key, path, params=query).status_code for path, query in questions(owner, place)}

        assert statuses == {200} if asker == owner else statuses <= {404, 422}, (asker, statuses)


@pytest.mark.parametrize("owner", ["foundry", "works"])
def test_bh04_anothers_is_like_what_is_not_there(api, keys, owner):
    """Status and body are the same but for the name that was asked for."""
    place, _ = OWN[owner]
    ghost = "g" * len(owner)
    pairs = zip(questions(owner, place), questions(ghost, (place[0], ghost)), strict=True)
    for (path, query), (other_path, other) in pairs:
        theirs = api.as_(keys["mill"], path, params=query)
        nobodys = api.as_(keys["mill"], other_path, params=other)

        assert theirs.status_code == nobodys.status_code
        assert theirs.text.replace(owner, "-") == nobodys.text.replace(ghost, "-")


@pytest.mark.parametrize("level", ["all", "park", "facility", "source"])
def test_totals_are_over_what_the_key_is_for_and_say_so(api, keys, level):
    told = api.as_(keys["mill"], "/v1/totals", params={"level": level}).json()

    assert told["only"] == ["hai-phong/mill"]
    assert sum(one["co2e_t"] or 0 for one in told["totals"]) == pytest.approx(0.06)
    assert "only" not in api.get("/v1/totals", level=level)


def test_the_tenants_totals_add_to_the_whole(api, keys):
    whole = api.get("/v1/totals", level="all")["totals"][0]["co2e_t"]
    parts = [api.as_(key, "/v1/totals", params={"level": "all"}).json() for key in keys.values()]

    assert sum(one["totals"][0]["co2e_t"] or 0 for one in parts) == pytest.approx(whole, rel=1e-12)


def test_series_and_explanations_of_a_park_say_so_too(api, keys):
    series = api.as_(keys["mill"], "/v1/series", params={"kind": "emission", **SPAN}).json()
    explained = api.as_(keys["mill"], "/v1/explain", params={"park": "hai-phong"}).json()

    assert series["only"] == explained["only"] == ["hai-phong/mill"]
    assert [one["name"] for one in explained["children"]] == ["mill"]


def test_a_key_of_a_whole_park_sees_its_facilities_and_months(api, keys):
    key = api.key("park", "viewer", ("hai-phong", ""))
    levels = api.as_(key, "/v1/totals").json()["totals"]
    periods = api.as_(key, "/v1/periods").json()["periods"]

    assert [one["facility"] for one in levels] == ["foundry", "mill"]
    assert {one["park"] for one in periods} == {"hai-phong"}
    assert api.as_(keys["mill"], "/v1/periods").json()["periods"] == []
    assert api.as_(keys["mill"], "/v1/periods", params={"park": "hai-phong"}).status_code == 422


def test_no_month_of_a_park_is_decided_by_one_of_its_facilities(api, keys):
    body = {"park": "hai-phong", "month": "2026-10", "action": "final"}

    answer = api.as_(keys["mill"], "/v1/periods", "POST", json=body)

    assert answer.status_code == 422
    assert answer.json()["errors"][0]["parameter"] == "park"
    assert api.taken == []


def test_alerts_are_listed_and_paged_by_what_is_seen(api, keys):
    for place in range(5):
        api.add(f"m{place}", started_at=AS_OF + place)
        api.add(f"w{place}", started_at=AS_OF + place, labels={"park": "rhein", "facility": "works"})
    api.add("none", labels={})
    seen, cursor = [], {}
    while cursor is not None:
        page = api.as_(keys["mill"], "/v1/alerts", params={"limit": 2, **cursor}).json()
        seen += [one["id"][6:8] for one in page["alerts"]]
        cursor = {"cursor": page["next"]} if page["next"] else None

    assert seen == ["m4", "m3", "m2", "m1", "m0", "mi"]
    assert len(api.get("/v1/alerts")["alerts"]) == 14


def test_anothers_alert_cannot_be_acted_on(api, keys):
    answers = {
        which: api.as_(keys["mill"], f"/v1/alerts/{which}/actions", "POST", json={"action": "acknowledge"})
        for which in (f"alert_{'works':0<32}", f"alert_{'nobody':0<32}")
    }

    assert {one.status_code for one in answers.values()} == {404}
    assert api.taken == []
    assert (
        api.as_(
            keys["mill"], f"/v1/alerts/alert_{'mill':0<32}/actions", "POST", json={"action": "acknowledge"}
        ).json()["alert"]["acknowledged_by"]
        == "mill"
    )


@pytest.mark.parametrize(
    ("match", "status"),
    [
        (['park="hai-phong"', 'facility="mill"'], 200),
        (['park="hai-phong"', 'facility="mill"', 'severity="critical"'], 200),
        (['park="hai-phong"'], 403),
        (['facility="mill"'], 403),
        (['severity="critical"'], 403),
        (['park="hai-phong"', 'facility="foundry"'], 403),
        (['park="hai-phong"', 'facility=~"mill"'], 403),
        (['park="hai-phong"', 'facility!="foundry"'], 403),
        (['park="rhein"', 'facility="works"'], 403),
        (["facility"], 422),  # no matcher at all
    ],
)
def test_a_silence_is_pinned_to_ones_own(api, keys, match, status):
    body = {"match": match, "until": SILENCE["until"], "comment": "probe"}

    assert api.as_(keys["mill"], "/v1/silences", "POST", json=body).status_code == status
    assert len(api.taken) == (status == 200)


def test_anothers_silence_is_neither_seen_nor_ended(api, keys):
    mine = ['park="hai-phong"', 'facility="mill"']
    body = {"match": mine, "until": SILENCE["until"], "comment": "probe"}
    which = api.as_(keys["mill"], "/v1/silences", "POST", json=body).json()["id"]
    api.ask("/v1/silences", "POST", json=SILENCE)  # of every mill, so nobody's own

    def seen(key, path="/v1/silences"):
        told = api.as_(key, path).json()
        return [one["id"] for one in (told["silences"] if isinstance(told, dict) else told)]

    assert seen(keys["mill"]) == seen(keys["mill"], "/api/v2/silences") == [which]
    assert seen(keys["works"]) == seen(keys["works"], "/api/v2/silences") == []
    assert api.as_(keys["works"], f"/v1/silences/{which}", "DELETE").status_code == 404
    assert api.as_(keys["mill"], f"/v1/silences/{which}", "DELETE").json()["silence"]["ended_by"] == "mill"


def test_an_alertmanager_tells_ones_own_only(api, keys):
    alerts = api.as_(keys["works"], "/api/v2/alerts").json()
    groups = api.as_(keys["works"], "/api/v2/alerts/groups").json()

    assert [one["labels"]["facility"] for one in alerts] == ["works"]
    assert [one["labels"]["facility"] for group in groups for one in group["alerts"]] == ["works"]
    assert api.as_(keys["works"], "/api/v2/receivers").json() == [{"name": "shift"}]
    assert len(api.get("/api/v2/receivers")) == 2


def test_mistyped_names_do_not_tell_of_others(api, keys):
    answer = api.as_(keys["works"], "/v1/totals", params={"facility": "mil"})

    assert "did you mean" not in answer.text
    assert "did you mean mill" in api.ask("/v1/totals", params={"facility": "mil"}).text


names = st.sampled_from(["", "a", "b"])


@given(st.lists(st.tuples(st.sampled_from(["a", "b"]), names), max_size=3), names, names)
def test_the_database_and_the_predicate_agree_on_what_is_seen(places, park, facility):
    labels = {key: name for key, name in (("park", park), ("facility", facility)) if name}
    caller = Caller("x", Role.VIEWER, tuple(places))
    with sqlite3.connect(":memory:") as connection:
        connection.execute(
            "CREATE TABLE alert AS SELECT 'i' AS id, 'r' AS rule, 'firing' AS status, 'info' AS severity, 1 AS started_at,"
            " NULL AS ended_at, 1.0 AS value, '' AS comparison, 1.0 AS \"limit\", '' AS unit, ? AS labels, '' AS summary,"
            " '' AS description, '{}' AS texts, '' AS muted_by, NULL AS acknowledged_at, '' AS acknowledged_by,"
            " '' AS assigned_to, 0 AS snoozed_until",
            (json.dumps(labels),),
        )
        found = find_alerts(connection, places=caller.places).alerts
    connection.close()

    assert bool(found) == sees_labels(caller, labels)


@given(st.lists(st.tuples(st.sampled_from(["a", "b"]), names), min_size=1, max_size=3), names, names)
def test_a_silence_that_may_be_made_fits_nothing_but_ones_own(places, park, facility):
    caller = Caller("x", Role.OPERATOR, tuple(places))
    match = [f'{label}="{name}"' for label, name in (("park", park), ("facility", facility)) if name]

    if sees_matchers(caller, match):
        assert sees_labels(caller, {"park": park, "facility": facility or "any"})


def test_no_route_names_what_the_key_is_not_for(api, keys):
    """Every GET without a parameter in its path, as asked without a filter: routes that are yet to come as well."""
    names = {"mill", "foundry", "hai-phong"}
    asked = {"/v1/series": {"kind": "emission", **SPAN}, "/v1/explain": {"park": "rhein"}}
    asked |= {
        "/v1/bridge": {"park": "rhein", "facility": "works", "output": "mdb1", "base": 2025, "year": 2026},
        "/v1/month-end": {"park": "rhein", "month": "2026-11"},
        "/v1/forms/open": {"form": "monthly", "park": "rhein", "facility": "works", "periods": "2026-11"},
        "/v1/reports/verify": {"digest": f"sha256:{'0' * 64}"},
    }
    told = {}
    for method, path, _ in every_route(api.app):
        if method == "GET" and "{" not in path and path not in STREAMS | {"/", "/openapi.json"}:
            told[path] = api.as_(keys["works"], path, params=asked.get(path, {}))

    assert {path for path, answer in told.items() if any(name in answer.text for name in names)} == set()
    of_whole_parks = {"/v1/month-end"}
    assert {path for path, answer in told.items() if answer.status_code not in {200, 403}} == of_whole_parks
