"""Field B6: a birth of the edge nodes behind a gateway is asked for by hand, by whoever may, and it is recorded."""

from collections.abc import Iterable

import pytest

from api.field.rebirth import EdgeNode
from tests.api.keyed import Keyed, state_of
from tests.api.state import plant

MILL, FOUNDRY, WORKS = "hai-phong/mill/gw1", "hai-phong/foundry/gw1", "rhein/works/gw1"


class Nodes:
    """Edge nodes of the mill and the foundry; those of the foundry have another primary host."""

    def __init__(self) -> None:
        self.away: set[str] = set()  # what cannot be asked, for the connection is lost
        self.asked: list[str] = []

    def known(self, names: Iterable[str]) -> list[EdgeNode]:
        of = {"Mill": MILL, "Foundry": FOUNDRY}
        groups = {name: name.split("/")[0] for name in names}
        return [EdgeNode(name, of[group], group == "Mill") for name, group in groups.items() if group in of]

    def ask_rebirth(self, name: str) -> bool:
        if name in self.away:
            return False
        self.asked.append(name)
        return True


@pytest.fixture
def nodes():
    return Nodes()


@pytest.fixture
def api(tmp_path, nodes):
    state = state_of(tmp_path, plant())
    for name in ("Mill/E1", "Mill/E2", "Foundry/E1", "Forgotten/E1"):
        state.insert("sparkplug_node", name, b"")
    made = Keyed(state, edge_nodes=nodes)
    yield made
    made.reader.close()
    state.close()


def ask(api, gateway, key=None):
    path = f"/v1/gateways/{gateway}/rebirth"
    return api.as_(key or api.key("lan", "operator"), path, "POST")


def test_field_b6_all_edge_nodes_of_a_gateway_are_asked_once_and_it_is_recorded(api, nodes):
    answer = ask(api, MILL)

    assert answer.status_code == 202
    assert answer.json() == {"gateway": MILL, "asked": ["Mill/E1", "Mill/E2"], "not_asked": []}
    assert nodes.asked == ["Mill/E1", "Mill/E2"]
    [row] = api.told("gateway.rebirth")
    assert (row.who, row.about, row.new) == ("lan", MILL, "a birth of Mill/E1, Mill/E2")


def test_field_b6_nodes_of_another_primary_host_are_not_asked(api, nodes):
    answer = ask(api, FOUNDRY)

    assert answer.status_code == 409
    assert "rebirth: false" in answer.json()["detail"]
    assert nodes.asked == api.told("gateway.rebirth") == []


def test_field_b6_a_gateway_that_speaks_something_else_says_so(api, nodes):
    answer = ask(api, WORKS)

    assert answer.status_code == 409
    assert answer.json()["detail"].startswith(f"no Sparkplug edge node of {WORKS} was ever heard")


def test_field_b6_without_a_broker_nobody_is_asked_and_it_may_be_tried_again(api, nodes):
    nodes.away = {"Mill/E1", "Mill/E2"}
    answer = ask(api, MILL)

    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "5")
    assert "no connection to the broker" in answer.json()["detail"]


def test_field_b6_a_connection_that_is_lost_half_way_is_told(api, nodes):
    nodes.away = {"Mill/E2"}

    assert ask(api, MILL).json() == {"gateway": MILL, "asked": ["Mill/E1"], "not_asked": ["Mill/E2"]}


def test_field_b6_an_unknown_gateway_is_not_there_and_neither_is_anothers(api, nodes):
    missing = ask(api, "hai-phong/mill/gw2")
    key = api.key("mai", "operator", ("hai-phong", "foundry"))
    theirs, nobodys = ask(api, MILL, key), ask(api, "hai-phong/mint/gw1", key)

    assert missing.status_code == theirs.status_code == nobodys.status_code == 404
    assert missing.json()["detail"].endswith("(did you mean hai-phong/mill/gw1?)")
    assert theirs.text.replace("mill", "-") == nobodys.text.replace("mint", "-")
    assert nodes.asked == []


def test_field_b6_a_viewer_may_not_ask(api, nodes):
    assert ask(api, MILL, api.key("vu")).status_code == 403
    assert nodes.asked == []


def test_field_b6_the_row_of_the_audit_log_stays_short(api):
    for number in range(100):
        api.state.insert("sparkplug_node", f"Mill/N{number:03}", b"")
    assert len(ask(api, MILL).json()["asked"]) == 102

    [row] = api.told("gateway.rebirth")
    assert row.new.endswith("Mill/N006, Mill/N007 and 92 more")


def test_field_b6_a_gateway_lists_its_edge_nodes(api):
    found = {
        f"{one['park']}/{one['facility']}/{one['gateway']}": one["sparkplug_nodes"]
        for one in api.get("/v1/gateways")["gateways"]
    }

    assert found == {MILL: ["Mill/E1", "Mill/E2"], FOUNDRY: ["Foundry/E1"], WORKS: []}
