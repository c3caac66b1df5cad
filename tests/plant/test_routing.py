"""The configuration of routing becomes a tree in which nothing leads nowhere, and no alert or minute is without somebody."""

import base64
from pathlib import Path

import pytest

from plant.alerting import Hours, Routing
from plant.vocabulary import NS_PER_MIN, NS_PER_S
from tests.plant.test_load import PARK, plant_of, problems_of

SECRETS = {name: "whsec_" + base64.b64encode(name.encode() * 24).decode() for name in "AB"}
WEBHOOKS = """\
webhooks:
  - {name: lan, url: "https://lan.example/hook", secret_env: A}
  - {name: boss, url: "https://boss.example/hook", secret_env: B}
"""
TREE = """\
rotas:
  - name: shift
    people:
      - {webhook: lan, hours: 07:00-19:00}
      - {webhook: boss, hours: 19:00-07:00}
    escalate: [{after: 10min, receivers: [boss]}]
quiet:
  - {receivers: [lan], hours: 22:00-06:00, days: [sat, sun]}
maintenance:
  - {name: span, match: ['channel=~"stack/.*"'], reason: Calibration, hours: 06:00-06:30}
inhibit:
  - {source: ['severity="critical"'], target: ['severity="warning"'], equal: [facility]}
routes:
  - match: ['severity="critical"']
    receivers: [shift]
    group_wait: 0s
    continue: true
    routes:
      - {match: ['facility="mill"'], group_by: [...]}
  - receivers: [lan]
"""


def routing(folder: Path, tree: str) -> Routing:
    return plant_of(folder, {"park.yaml": PARK, "hooks.yaml": WEBHOOKS, "tree.yaml": tree}, SECRETS).routing


def problems(folder: Path, tree: str) -> list[str]:
    files = {"park.yaml": PARK, "hooks.yaml": WEBHOOKS, "tree.yaml": tree}
    return [p.removeprefix("tree.yaml:") for p in problems_of(folder, files, SECRETS)]


def test_a_route_takes_what_it_does_not_say_from_the_one_around_it(tmp_path):
    critical, rest = routing(tmp_path, TREE).routes
    [mill] = critical.routes

    assert (critical.goes_on, mill.goes_on) == (True, False)
    assert (mill.receivers, mill.group_wait, mill.group_interval) == (("shift",), 0, 5 * NS_PER_MIN)
    assert (mill.each_alone, critical.group_by) == (True, ("park", "facility"))
    assert mill.name == '/{severity="critical"}/{facility="mill"}'
    assert (rest.match, rest.group_wait) == ((), 30 * NS_PER_S)


def test_hours_are_minutes_of_the_day_on_which_they_begin(tmp_path):
    made = routing(tmp_path, TREE)

    assert made.quiet[0].hours == Hours((5, 6), 22 * 60, 6 * 60)
    assert (made.quiet[0].severities, made.rotas[0].zone.key) == (("info", "warning"), "Asia/Ho_Chi_Minh")


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        ("  - receivers: [lan]\n", "", "told to nobody"),
        ("receivers: [shift]", "receivers: [shft]", "no webhook or rota shft (did you mean shift?)"),
        ("07:00-19:00", "07:00-18:00", "nobody is on call from mon 18:00"),
        ("webhook: lan, h", "webhook: boss2, h", "there is no webhook boss2"),
        ("name: shift", "name: boss", "boss is a webhook already"),
        ("severity=\"critical\"']\n    rec", "severity=critical']\n    rec", "a matcher is written like"),
        ("stack/.*", "(a+)+", "repeats single characters only"),
        ("22:00-06:00", "22:00-22:00", "has no length"),
        ("22:00-06:00", "22:00-25:00", "quiet[0].hours"),
        ("hours: 06:00-06:30", 'from: "2026-03-10T00:00:00Z"', "from and to are given together"),
        ("hours: 06:00-06:30", "days: [mon]", "exactly one of"),
        ("reason: Calibration, ", "", "maintenance[0].reason: is required"),
        ("receivers: [lan], hours", "receivers: [lan], severities: [critical], hours", "severities[0]"),
        ("- {match: ['fac", "- {recievers: [lan], match: ['fac", "routes[0].routes[0].recievers: unknown key"),
        ("  - receivers: [lan]\n", "  - receivers: [lan]\n  - receivers: [lan]\n", "of another route"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_said_with_its_place(tmp_path, old, new, problem):
    assert TREE.count(old)

    assert any(problem in found for found in problems(tmp_path, TREE.replace(old, new, 1)))


def test_a_rota_to_which_no_route_leads_is_refused(tmp_path):
    bare = TREE[: TREE.index("routes:")]

    assert problems(tmp_path, bare) == [
        "2: rotas[0]: no route leads to a rota: add `routes: [{receivers: […]}]`"
    ]
    assert routing(tmp_path / "other", "") == Routing()


def test_silence_needs_no_routes(tmp_path):
    bare = TREE[TREE.index("quiet:") : TREE.index("routes:")]
    made, full = routing(tmp_path, bare), routing(tmp_path / "full", TREE)

    assert (made.routes, made.inhibitions) == ((), full.inhibitions)
    assert (made.maintenance, made.quiet) == (full.maintenance, full.quiet)
