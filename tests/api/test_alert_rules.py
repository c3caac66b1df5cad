"""The rules in force: what each says, and what it is judged for, of what the caller may see."""

from dataclasses import replace

import pytest

from api.access.caller import Caller, Role
from plant.alert_rules.alerts import limit
from plant.park import Bilingual, Condition, Instants
from plant.vocabulary import NS_PER_S
from tests.api.conftest import Api
from tests.api.state import State, plant
from tests.api.test_inventory import ALL_OF_HAI_PHONG, MILL, pages, seen_by

LIMIT = replace(
    limit("grid-rate", Instants.WINDOWS, 4, ">", 5.0, "t/h", severity="critical", summary=Bilingual("Too much", "Too much"), delay=60 * NS_PER_S),
    description=Bilingual("Ask the shift leader.", "Ask the shift leader."),
)  # fmt: skip
OF_CHANNEL = replace(
    limit("stack-low", Instants.READINGS, 5, "<", 1.5, "mg/Nm3", severity="info", summary=LIMIT.summary),
    description=LIMIT.description,
)
CONDITION = Condition(
    name="hourly", subject="channel", subjects=(0, 4), expr='hour_mean(value) > parameter("limit")', steps=(), others=(),
    unit="kWh", clear=(), every=60 * NS_PER_S, delay=10 * NS_PER_S, hold=300 * NS_PER_S, keep=0, severity="warning",
    labels=(("team", "boilers"),), summary=Bilingual("{value} là quá nhiều", "{value} is too much"),
    description=Bilingual(), first_action=Bilingual("", "Look at the meter"), runbook="https://example.com/hourly",
    clear_expr="value < 3",
    parameters=(("factor", 2.0), ("limit", (("2026-01-01", 200.0), ("2027-07-01", 150.0)))),
)  # fmt: skip
# The same rule of a channel with another unit: a part of its own.
OTHER_UNIT = replace(CONDITION, subjects=(1,), unit="kW")
OF_PARK = replace(CONDITION, name="year", subject="park", subjects=(0, 1), unit="tCO2e", parameters=())
OF_FACILITY = replace(OF_PARK, name="day", subject="facility", subjects=(1,))
OF_GATEWAY = replace(OF_PARK, name="clock", subject="gateway", subjects=(0, 2), unit="s")
NAMES = ["clock", "day", "grid-rate", "hourly", "stack-low", "year"]


@pytest.fixture
def api(tmp_path):
    conditions = (OF_PARK, CONDITION, OTHER_UNIT, OF_FACILITY, OF_GATEWAY)
    state = State(tmp_path / "state.db", replace(plant(), rules=(OF_CHANNEL, LIMIT), conditions=conditions))
    made = Api(state)
    yield made
    made.reader.close()
    state.close()


def names(body):
    return [one["rule"] for one in body["rules"]]


def one_of(api, name):
    return next(one for one in api.get("/v1/rules")["rules"] if one["rule"] == name)


def test_a_limit_says_what_it_is(api):
    assert one_of(api, "grid-rate") == {
        "rule": "grid-rate", "kind": "limit", "severity": "critical", "each": "source", "above": 5.0, "below": None,
        "expr": None, "clear": None, "units": ["t/h"], "parameters": [], "for_s": 0.0, "keep_firing_for_s": 0.0,
        "every_s": None, "delay_s": 60.0, "labels": {}, "summary": {"vi": "Too much", "en": "Too much"},
        "description": {"vi": "Ask the shift leader.", "en": "Ask the shift leader."}, "first_action": {"vi": "", "en": ""},
        "runbook": None, "subjects": 1, "places": ["rhein/works"],
    }  # fmt: skip
    below = one_of(api, "stack-low")
    assert (below["above"], below["below"], below["each"], below["delay_s"]) == (None, 1.5, "channel", 0.0)


def test_a_condition_says_what_it_is_and_which_numbers_hold_from_when(api):
    assert one_of(api, "hourly") == {
        "rule": "hourly", "kind": "condition", "severity": "warning", "each": "channel", "above": None, "below": None,
        "expr": 'hour_mean(value) > parameter("limit")', "clear": "value < 3", "units": ["kW", "kWh"],
        "parameters": [
            {"name": "factor", "numbers": [{"from": None, "value": 2.0}]},
            {"name": "limit", "numbers": [{"from": "2026-01-01", "value": 200.0}, {"from": "2027-07-01", "value": 150.0}]},
        ],
        "for_s": 300.0, "keep_firing_for_s": 0.0, "every_s": 60.0, "delay_s": 10.0, "labels": {"team": "boilers"},
        "summary": {"vi": "{value} là quá nhiều", "en": "{value} is too much"}, "description": {"vi": "", "en": ""},
        "first_action": {"vi": "", "en": "Look at the meter"}, "runbook": "https://example.com/hourly",
        "subjects": 3, "places": ["hai-phong/mill", "rhein/works"],
    }  # fmt: skip


def test_rules_come_by_name_in_pages_of_any_size(api):
    whole = api.get("/v1/rules")["rules"]

    assert [one["rule"] for one in whole] == NAMES
    for most in (1, 2, len(NAMES)):
        assert pages(api, "/v1/rules", "rules", most) == (whole, -(-len(NAMES) // most))


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ({"kind": "limit"}, ["grid-rate", "stack-low"]),
        ({"severity": "critical"}, ["grid-rate"]),
        ({"park": "rhein"}, ["clock", "grid-rate", "hourly", "year"]),
        ({"park": "hai-phong", "facility": "foundry"}, ["day"]),
        ({"facility": "mill", "kind": "condition"}, ["clock", "hourly"]),
    ],
)
def test_rules_can_be_asked_for_by_what_they_are_and_where(api, asked, found):
    assert names(api.get("/v1/rules", **asked)) == found


def test_a_place_counts_only_its_own_subjects(api):
    [hourly] = api.get("/v1/rules", park="rhein", kind="condition", facility="works", limit=1000)["rules"][
        1:2
    ]

    assert (hourly["rule"], hourly["subjects"], hourly["places"]) == ("hourly", 1, ["rhein/works"])


def test_a_caller_sees_the_rules_of_his_own_places_alone(api):
    assert names(seen_by(api, MILL).get("/v1/rules")) == ["clock", "hourly", "stack-low"]
    assert one_of(api, "hourly")["places"] == ["hai-phong/mill"]
    assert one_of(api, "hourly")["subjects"] == 2
    assert api.refused("/v1/rules", park="rhein").keys() == {"park"}

    assert names(seen_by(api, ALL_OF_HAI_PHONG).get("/v1/rules")) == [
        "clock", "day", "hourly", "stack-low", "year",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        ("hourly", [
            ("hai-phong", "mill", "gw1", "gas", None, "kW"),
            ("hai-phong", "mill", "gw1", "mdb1", None, "kWh"),
            ("rhein", "works", "gw1", "mdb1", None, "kWh"),
        ]),
        ("grid-rate", [("rhein", "works", None, None, "grid", "t/h")]),
        ("clock", [("hai-phong", "mill", "gw1", None, None, "s"), ("rhein", "works", "gw1", None, None, "s")]),
        ("day", [("hai-phong", "foundry", None, None, None, "tCO2e")]),
        ("year", [("hai-phong", None, None, None, None, "tCO2e"), ("rhein", None, None, None, None, "tCO2e")]),
    ],
)  # fmt: skip
def test_a_rule_names_what_it_is_judged_for(api, rule, expected):
    whole, _ = pages(api, f"/v1/rules/{rule}/subjects", "subjects", 1)
    fields = ("park", "facility", "gateway", "channel", "source", "unit")

    assert [tuple(one[field] for field in fields) for one in whole] == expected


def test_subjects_of_elsewhere_are_not_told(api):
    api = seen_by(api, MILL)
    assert {one["park"] for one in api.get("/v1/rules/hourly/subjects")["subjects"]} == {"hai-phong"}

    hidden, missing = (api.ask(f"/v1/rules/{name}/subjects") for name in ("grid-rate", "grid-rata"))
    assert (hidden.status_code, missing.status_code) == (404, 404)
    assert hidden.json()["detail"].replace("rate", "rata") == missing.json()["detail"]


def test_a_key_without_any_of_them_sees_no_rule(api):
    nobody = Caller("vu", Role.VIEWER, (("nowhere", ""),))

    assert seen_by(api, nobody).get("/v1/rules")["rules"] == []
