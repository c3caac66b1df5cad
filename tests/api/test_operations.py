"""Health, metrics and balance."""

import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families as open_metrics
from prometheus_client.parser import text_string_to_metric_families as prometheus

from api.health import Health
from api.metrics import Family
from tests.api.state import TOKEN, ns

MINUTE = ns("2026-11-24T03:00:00Z")
NOTHING = {"received": 0, "accepted": 0, "late": 0, "duplicate": 0, "quarantined": 0, "rejected": 0}


def test_livez_answers_without_asking_anybody(api):
    api.health = None

    assert api.ask("/livez", headers={}).json() == {"alive": True}


def test_readyz_tells_degradations_and_stays_ready(api):
    api.health = Health(degradations=("InfluxDB cannot be reached",))

    assert api.get("/readyz") == {
        "ready": True,
        "reasons": [],
        "degradations": ["InfluxDB cannot be reached"],
        "broker": "",
    }


def test_readyz_is_a_problem_with_its_reasons_where_the_service_is_not_ready(api):
    api.health = Health(reasons=("the broker is not connected", "the disk is full"), degradations=("slow",))
    answer = api.ask("/readyz")

    body = answer.json()
    assert answer.status_code == 503
    assert answer.headers["content-type"] == "application/problem+json"
    assert body["detail"] == "the broker is not connected; the disk is full"
    assert (body["ready"], body["reasons"], body["degradations"]) == (
        False, ["the broker is not connected", "the disk is full"], ["slow"],
    )  # fmt: skip


@pytest.mark.parametrize(
    ("accept", "parse"), [("text/plain", prometheus), ("application/openmetrics-text", open_metrics)]
)
def test_metrics_are_read_when_they_are_asked_for(api, accept, parse):
    counts = {("accepted",): 7.0}
    api.families = {
        "stackmeter_messages": Family("counter", "Messages by outcome.", counts, ("outcome",)),
        "stackmeter_journal_bytes": Family("gauge", "Size of the journal.", {(): 12.5}),
    }
    counts["late",] = 1.0
    text = api.ask("/metrics", headers={"Authorization": f"Bearer {TOKEN}", "Accept": accept}).text

    samples = {(s.name, *s.labels.values()): s.value for family in parse(text) for s in family.samples}
    assert samples == {
        ("stackmeter_messages_total", "accepted"): 7.0,
        ("stackmeter_messages_total", "late"): 1.0,
        ("stackmeter_journal_bytes",): 12.5,
    }


@pytest.fixture
def two_gateways(state):
    state.balance("hai-phong/mill/gw1", MINUTE, "messages", 5, 3, 1, 1, 0, 0)
    state.balance("hai-phong/mill/gw1", MINUTE, "readings", 50, 40, 5, 5, 0, 0)
    state.balance("", MINUTE + 60 * 10**9, "messages", 2, 0, 0, 0, 0, 2)
    state.code("", MINUTE + 60 * 10**9, "topic", 2)


def test_the_balance_is_of_all_gateways_and_of_each(api, two_gateways):
    body = api.get("/v1/balance")

    assert body["messages"] == {
        "received": 7, "accepted": 3, "late": 1, "duplicate": 1, "quarantined": 0, "rejected": 2,
    }  # fmt: skip
    assert body["readings"] == NOTHING | {"received": 50, "accepted": 40, "late": 5, "duplicate": 5}
    assert body["codes"] == {"topic": 2}
    assert [one["gateway"] for one in body["gateways"]] == ["", "hai-phong/mill/gw1"]
    assert body["gateways"][0] == {
        "gateway": "", "messages": NOTHING | {"received": 2, "rejected": 2}, "readings": NOTHING, "codes": {"topic": 2},
    }  # fmt: skip


def test_the_balance_of_one_gateway_leaves_out_the_others(api, two_gateways):
    body = api.get("/v1/balance", gateway="hai-phong/mill/gw1")

    assert (body["messages"]["received"], body["codes"], len(body["gateways"])) == (5, {}, 1)


def test_the_balance_of_a_stretch_is_of_its_minutes(api, two_gateways):
    body = api.get("/v1/balance", **{"from": "2026-11-24T03:01:00Z", "to": "2026-11-24T03:02:00Z"})

    assert body["messages"]["received"] == 2
    assert (body["from"], body["to"]) == ("2026-11-24T03:01:00Z", "2026-11-24T03:02:00Z")


def test_a_gateway_that_sent_nothing_has_an_empty_balance(api):
    body = api.get("/v1/balance", gateway="rhein/works/gw1")

    nothing = {"messages": NOTHING, "readings": NOTHING, "codes": {}, "gateways": []}
    assert body == nothing | {"from": None, "to": None}


def test_a_gateway_nobody_knows_is_refused(api):
    assert "did you mean rhein/works/gw1?" in api.refused("/v1/balance", gateway="rhein/works/gw2")["gateway"]


def test_a_balance_is_of_whole_minutes(api):
    assert "minute" in api.refused("/v1/balance", from_="2026-11-24T03:01:01Z")["from"]
