"""Edge nodes as the line hears them; what is of the specification carries its tck-id, on a clock that stands."""

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ingest.sparkplug.messages import payload_class
from store.sparkplug import out_of_sight
from tests.ingest.sparkplug.edge import (
    BOOLEAN,
    DATASET,
    DATETIME,
    DOUBLE,
    INT32,
    STRING,
    TEMPLATE,
    bdseq,
    fill,
    payload,
)
from tests.semantics.conftest import MEMORY
from tests.semantics.world import CONFIGURATION, HOUR, NOON, SECOND, World

T = NOON // 10**6  # ms
SUBSCRIPTION = """\
subscriptions:
  - topic: "spBv1.0/{{group}}/#"
    format: sparkplug
    park: park-a
    facility: works
    gateway: gw
    options: {{names: {{"M1/Active Energy": reg, Power: power, "M2/Power": held, "log/kWh": pulses}}, units: {{pulses: kWh}}, {more}}}
"""


class Plant(World):
    """A plant of one edge node, E of group G, with a device M1."""

    def hear(self, kind: str, body: bytes, at: int | None = None, device: str = "", node: str = "E") -> None:
        self.publish(body, topic="/".join(filter(None, ("spBv1.0", "G", kind, node, device))), at=at)

    def birth(self, number: int = 0, at: int | None = None, seq: int = 0, **power: Any) -> None:
        given = {"name": "Power", "alias": 1, "datatype": DOUBLE, "value": 10.0, "unit": "kW", **power}
        self.hear("NBIRTH", payload(T, seq, bdseq(number), given), at)

    def device_birth(self, seq: int = 1) -> None:
        energy = {"name": "Active Energy", "alias": 2, "datatype": DOUBLE, "value": 100.0, "unit": "kWh"}
        self.hear("DBIRTH", payload(T, seq, energy), device="M1")

    def data(self, seq: int | None, value: float, second: int, at: int | None = None) -> None:
        self.hear("NDATA", payload(T + second * 1000, seq, {"alias": 1, "value": value}), at)

    def lose_sight(self) -> None:
        """Let our own connection be lost, as the host notes it."""
        self.journal.append([out_of_sight(self.now)])
        self.line.step()

    def readings(self) -> list[tuple[str, int, float]]:
        query = "SELECT name, time, value FROM reading JOIN channel c ON c.id = channel ORDER BY name, time"
        return [(name, (time - NOON) // SECOND, value) for name, time, value in self.rows(query)]

    def online(self) -> list[bool | None]:
        return [
            None if one is None else bool(one) for (one,) in self.rows("SELECT online FROM gateway_status")
        ]

    def messages(self) -> dict[str, int]:
        said = self.ask("/v1/balance").json()["messages"]
        return {name: count for name, count in said.items() if count and name != "received"}

    def codes(self) -> list[tuple[str, str]]:
        return self.rows("SELECT code, path FROM quarantine ORDER BY message")


@pytest.fixture
def more() -> str:
    return "rebirth: true"


@pytest.fixture
def plant(more: str) -> Iterator[Plant]:
    with tempfile.TemporaryDirectory(dir=MEMORY) as folder:
        config = Path(folder) / "config"
        shutil.copytree(CONFIGURATION, config)
        (config / "sparkplug.yaml").write_text(SUBSCRIPTION.format(more=more))
        made = Plant(Path(folder), config, now=NOON + HOUR)
        yield made
        made.close()


def test_payloads_metric_alias_data_is_known_by_the_births_alias(plant):
    plant.birth()
    plant.device_birth()
    plant.data(2, 11.0, 60)
    plant.hear("DDATA", payload(T, 3, {"alias": 2, "value": 101.0, "timestamp": T + 60_000}), device="M1")
    assert plant.readings() == [
        ("power", 0, 10.0),
        ("power", 60, 11.0),
        ("reg", 0, 100.0),
        ("reg", 60, 101.0),
    ]
    assert plant.codes() == []
    assert plant.line.rebirths() == []


def test_aliases_outlive_our_own_restart(plant):
    plant.birth()
    plant.restart()
    plant.data(1, 11.0, 60)
    assert plant.readings() == [("power", 0, 10.0), ("power", 60, 11.0)]


def test_payloads_nbirth_seq_a_birth_begins_the_sequence_anew(plant):
    plant.birth(seq=0)
    plant.data(1, 11.0, 60)
    plant.birth(1, seq=0)
    plant.data(1, 12.0, 120)
    assert [value for _, _, value in plant.readings()] == [10.0, 11.0, 12.0]
    assert plant.line.rebirths() == []


def test_payloads_sequence_num_wraps_after_255(plant):
    plant.birth()
    for number in range(1, 260):
        plant.data(number % 256, float(number), number)
    assert len(plant.readings()) == 260
    plant.tick(plant.now + HOUR)
    assert plant.line.rebirths() == []


def test_operational_behavior_host_reordering_success_recovered_messages_end_the_timer(plant):
    plant.birth(at=plant.now)
    plant.data(2, 12.0, 120, at=plant.now)
    plant.data(1, 11.0, 60, at=plant.now + SECOND)
    plant.tick(plant.now + 10 * SECOND)
    assert len(plant.readings()) == 3
    assert plant.line.rebirths() == []


def test_operational_behavior_host_reordering_start_and_rebirth_after_the_timeout(plant):
    plant.birth(at=plant.now)
    plant.data(3, 12.0, 120, at=plant.now)
    plant.tick(plant.now + SECOND)
    assert plant.line.rebirths() == []
    plant.tick(plant.now + SECOND)
    assert plant.line.rebirths() == ["G/E"]
    assert plant.line._nodes.node("G/E").lost == 2  # type: ignore[attr-defined]


@pytest.mark.parametrize("more", ["reorder: 5"])
def test_operational_behavior_host_reordering_param_says_how_long_is_waited(plant):
    plant.birth(at=plant.now)
    plant.data(2, 12.0, 120, at=plant.now)
    plant.tick(plant.now + 5 * SECOND - 1)
    assert plant.line.rebirths() == []
    plant.tick(plant.now + 1)
    assert plant.line.rebirths() == ["G/E"]


def test_data_before_a_birth_is_kept_and_a_rebirth_asked_for_once(plant):
    plant.data(7, 11.0, 60)
    plant.data(8, 12.0, 61)
    assert plant.line.rebirths() == ["G/E"]
    assert plant.codes() == [("unmapped", ""), ("unmapped", "")]
    assert plant.readings() == []
    plant.data(9, 13.0, 62, at=plant.now + 9 * SECOND)
    assert plant.line.rebirths() == []
    plant.data(10, 13.0, 63, at=plant.now + 10 * SECOND)
    assert plant.line.rebirths() == ["G/E"]
    plant.data(11, 13.0, 64, at=plant.now + 29 * SECOND)  # now twice as long
    assert plant.line.rebirths() == []


@pytest.mark.parametrize("more", ["rebirth: false"])
def test_who_is_not_the_primary_host_asks_for_no_rebirth(plant):
    plant.data(7, 11.0, 60)
    assert plant.line.rebirths() == []


def test_bm_45_an_alias_of_no_birth(plant):
    plant.birth()
    plant.hear("NDATA", payload(T + 1000, 1, {"alias": 9, "value": 1.0}, {"alias": 1, "value": 2.0}))
    assert plant.codes() == [("unmapped", "metrics[0].alias")]
    assert plant.line.rebirths() == ["G/E"]
    assert plant.readings() == [("power", 0, 10.0), ("power", 1, 2.0)]


@pytest.mark.parametrize(
    ("seq", "metric", "code"),
    [
        (None, {"alias": 1, "value": 2.0}, ("seq", "seq")),
        (256, {"alias": 1, "value": 2.0}, ("seq", "seq")),
        (1, {"value": 2.0}, ("schema", "metrics[0]")),
        (1, {"name": "Power", "datatype": 77, "as_": DOUBLE, "value": 2.0}, ("schema", "metrics[0].datatype")),
        (1, {"alias": 1, "is_null": True, "value": 2.0}, ("schema", "metrics[0]")),
        (1, {"alias": 1, "is_historical": True, "timestamp": T + 10**9, "value": 2.0}, ("ts_future", "metrics[0].time")),
    ],
)  # fmt: skip
def test_bm_45_what_the_specification_does_not_know(plant, seq, metric, code):
    plant.birth()
    plant.hear("NDATA", payload(T + 1000, seq, metric))
    assert plant.codes() == [code]
    assert plant.readings() == [("power", 0, 10.0)]


def test_bm_46_no_protocol_buffers(plant):
    plant.birth()
    for body in (b"\xff" * 20, b"\x0b" * 1000, b"\x12\xff\xff\xff\xff\x0f", b'{"a": 1}'):
        plant.hear("NDATA", body)
    assert {code for code, _ in plant.codes()} == {"schema"}


def test_null_is_no_reading(plant):
    plant.birth()
    plant.hear("NDATA", payload(T + 1000, 1, {"alias": 1, "is_null": True}))
    assert plant.readings() == [("power", 0, 10.0)]
    assert plant.codes() == []


def test_payloads_ndeath_bdseq_the_death_of_the_known_birth_takes_the_node_away(plant):
    plant.birth(number=3)
    assert plant.online() == [True]
    plant.hear("NDEATH", payload(T, None, bdseq(3)))
    assert plant.online() == [False]
    plant.data(1, 11.0, 60)
    assert plant.line.rebirths() == ["G/E"]


def test_operational_behavior_edge_node_termination_host_action_ndeath_node_offline_since_it_was_heard(plant):
    """Its own time would be that of the will, which was left when it connected."""
    plant.birth(number=3)
    heard = plant.now + 7 * SECOND
    plant.hear("NDEATH", payload(T, None, bdseq(3)), at=heard)
    assert plant.rows("SELECT online, at FROM gateway_status") == [(0, heard)]


def test_operational_behavior_edge_node_termination_host_action_ndeath_devices_offline_with_their_node(plant):
    plant.birth(number=3)
    plant.device_birth()
    plant.hear("NDEATH", payload(T, None, bdseq(3)), at=plant.now)
    node = plant.line._nodes.node("G/E")
    assert (node.devices, node.died) == ({"M1": False}, {"M1": plant.now // 10**6})
    plant.birth(number=4)
    plant.hear("DDATA", payload(T, 1, {"alias": 2, "value": 101.0}), device="M1")
    assert plant.rows("SELECT detail FROM quarantine") == [("device M1 has no birth; one is asked for",)]


def test_operational_behavior_edge_node_termination_host_action_ddeath_devices_offline_since_the_payloads_time(
    plant,
):
    plant.birth()
    plant.device_birth()
    plant.hear("DDEATH", payload(T + 5000, 2), device="M1")
    assert plant.online() == [True]  # the node is there
    plant.hear("DDATA", payload(T + 6000, 3, {"alias": 2, "value": 101.0}), device="M1")
    told = f"device M1 died at {T + 5000} ms and was not born again; one is asked for"
    assert plant.rows("SELECT detail FROM quarantine") == [(told,)]
    assert plant.readings() == [("power", 0, 10.0), ("reg", 0, 100.0)]
    plant.device_birth(seq=4)
    plant.hear("DDATA", payload(T + 60_000, 5, {"alias": 2, "value": 102.0}), device="M1")
    assert plant.readings()[-1] == ("reg", 60, 102.0)


def test_payloads_ndeath_bdseq_an_old_death_says_nothing(plant):
    plant.birth(number=4)
    plant.hear("NDEATH", payload(T, None, bdseq(3)))
    assert plant.online() == [True]
    plant.data(1, 11.0, 60)
    assert len(plant.readings()) == 2


def test_a_device_is_not_there_before_its_birth_and_after_its_death(plant):
    plant.birth()
    plant.hear("DDATA", payload(T, 1, {"alias": 2, "value": 1.0}), device="M1")
    assert plant.line.rebirths() == ["G/E"]
    plant.birth(1)
    plant.device_birth()
    plant.hear("DDEATH", payload(T, 2), device="M1")
    plant.hear("DDATA", payload(T, 3, {"alias": 2, "value": 1.0}), device="M1")
    assert plant.codes() == [("unmapped", ""), ("unmapped", "")]
    assert plant.online() == [True]


def test_a_signed_number_has_its_sign_also_where_only_the_birth_says_the_type(plant):
    plant.birth(datatype=INT32, value=-5)
    plant.hear("NDATA", payload(T + 1000, 1, {"alias": 1, "value": -7, "as_": INT32}))
    # The channel takes 0 and more; so both are refused, as what they are.
    details = [detail for (detail,) in plant.rows("SELECT detail FROM quarantine ORDER BY message")]
    assert ["-5" in details[0], "-7" in details[1]] == [True, True]


def test_templates_and_datasets_are_metrics_of_their_parts(plant):
    body = payload_class()(timestamp=T, seq=1)
    template = body.metrics.add(name="M2", datatype=TEMPLATE)
    fill(template.template_value.metrics.add(), name="Power", datatype=DOUBLE, value=1.0, unit="kW")
    definition = body.metrics.add(name="T", datatype=TEMPLATE)
    definition.template_value.is_definition = True
    fill(definition.template_value.metrics.add(), name="Power", datatype=DOUBLE, value=9.0)
    table = body.metrics.add(name="log", datatype=DATASET)
    table.dataset_value.columns.extend(["when", "kWh"])
    table.dataset_value.types.extend([DATETIME, DOUBLE])
    for second, value in ((60, 2.0), (120, 3.0)):
        row = table.dataset_value.rows.add()
        row.elements.add().long_value = T + second * 1000
        row.elements.add().double_value = value
    plant.birth()
    plant.hear("NDATA", body.SerializeToString())
    assert plant.codes() == []
    assert plant.readings() == [
        ("held", 0, 1.0),
        ("power", 0, 10.0),
        ("pulses", 60, 2.0),
        ("pulses", 120, 3.0),
    ]


def test_what_is_no_number_is_no_reading_and_no_fault(plant):
    controls = (
        {"name": "Node Control/Rebirth", "datatype": BOOLEAN, "value": False},
        {"name": "Properties/Hardware Make", "datatype": STRING, "value": "x"},
    )
    plant.hear("NBIRTH", payload(T, 0, bdseq(0), *controls))
    assert plant.codes() == []
    assert plant.messages() == {"accepted": 1}


def test_quality_of_a_metric(plant):
    plant.birth(quality=0)
    plant.hear("NDATA", payload(T + 1000, 1, {"alias": 1, "value": 2.0, "quality": 192}))
    plant.hear("NDATA", payload(T + 2000, 2, {"alias": 1, "value": 3.0, "quality": 500}))
    assert plant.rows("SELECT quality FROM reading ORDER BY time") == [(2,), (0,), (2,)]


def test_historical_metrics_are_late_data(plant):
    plant.birth()
    plant.hear(
        "NDATA", payload(T, 1, {"alias": 1, "value": 5.0, "is_historical": True, "timestamp": T - 3600_000})
    )
    assert plant.readings() == [("power", -3600, 5.0), ("power", 0, 10.0)]


def test_whether_a_node_is_there_is_unknown_after_our_own_connection_was_lost_until_it_speaks(plant):
    plant.birth()
    plant.device_birth()
    said = plant.rows("SELECT at, count FROM gateway_status")
    plant.lose_sight()
    assert plant.online() == [None]
    assert plant.rows("SELECT at, count FROM gateway_status") == said  # nobody said anything
    plant.restart()
    plant.data(2, 11.0, 60)
    assert plant.online() == [True]
    assert plant.codes() == []
    assert plant.line.rebirths() == []  # the sequence goes on: nothing was missed


def test_a_nodes_birth_that_we_missed_makes_nothing_of_its_aliases(plant):
    """It was born again while we were away, and 1 now is the alias of something else."""
    plant.birth(0, at=plant.now)
    plant.lose_sight()
    plant.data(3, 99.0, 60, at=plant.now)
    plant.data(4, 99.0, 61, at=plant.now)
    assert plant.line.rebirths() == ["G/E"]
    assert plant.codes() == [("unmapped", ""), ("unmapped", "")]
    assert plant.online() == [None]

    plant.birth(1, at=plant.now, alias=2, value=10.0)
    plant.data(1, 12.0, 62, at=plant.now)
    assert plant.online() == [True]
    assert plant.readings() == [("power", 0, 10.0)]  # 1 is of no birth any more
    assert plant.codes()[2:] == [("unmapped", "metrics[0].alias")]


def test_a_nodes_death_that_we_missed_leaves_it_unknown(plant):
    plant.birth(3)
    plant.lose_sight()
    plant.hear("NDEATH", payload(T, None, bdseq(4)))  # of a birth that we did not hear
    assert plant.online() == [None]
    plant.hear("NDEATH", payload(T, None, bdseq(3)))
    assert plant.online() == [False]
    plant.lose_sight()
    assert plant.online() == [None]  # it may have been born meanwhile


def test_no_birth_is_asked_for_while_nobody_hears_it(plant):
    """What was missing when our connection was lost is asked for once the node speaks again."""
    plant.birth(at=plant.now)
    plant.data(2, 12.0, 120, at=plant.now)
    plant.lose_sight()
    plant.tick(plant.now + HOUR)
    assert plant.line.rebirths() == []
    plant.data(3, 13.0, 180, at=plant.now)
    plant.tick(plant.now + SECOND)
    assert plant.line.rebirths() == ["G/E"]


@pytest.mark.parametrize("more", ["rebirth: false"])
def test_who_asks_for_no_rebirth_waits_for_a_birth_after_its_connection_was_lost(plant):
    plant.birth()
    plant.lose_sight()
    plant.data(2, 11.0, 60)
    assert plant.line.rebirths() == []
    [(code, detail)] = plant.rows("SELECT code, detail FROM quarantine")
    assert (code, "`rebirth` is false" in detail) == ("unmapped", True)


def test_a_node_of_which_nothing_is_known_is_none_after_our_connection_was_lost(plant):
    plant.lose_sight()
    assert plant.online() == []
    assert plant.messages() == {}
    plant.birth()
    assert plant.online() == [True]


def test_a_message_that_comes_again_is_a_duplicate(plant):
    plant.birth()
    plant.data(1, 11.0, 60)
    plant.data(1, 11.0, 60)
    assert plant.messages() == {"late": 2, "duplicate": 1}
