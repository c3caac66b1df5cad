"""Edge nodes as the line hears them; what is of the specification carries its tck-id, on a clock that stands."""

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ingest.sparkplug.messages import payload_class
from store.messages.journal import Message
from store.messages.replays import Replay
from store.messages.sparkplug import out_of_sight
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
from tests.semantics.world import CONFIGURATION, HOUR, MINUTE, NOON, SECOND, World, reading

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

    def together(self, *messages: tuple[str, bytes]) -> None:
        """Let messages arrive as one micro-batch, each with the end of its topic."""
        self.journal.append(
            [Message(self.now, f"spBv1.0/G/{end}".encode(), body, 0) for end, body in messages]
        )
        self.line.step()

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

    def stale(self) -> set[str]:
        """Return which of the node's and its device's channels are stale; the lists of the totals must say the same."""
        found = {one["channel"] for one in self.get("/v1/channels")["channels"] if one["stale"]}
        listed = {name for name in ("reg", "power", "diesel") if self.total(name)["stale"]}
        assert listed == found & {"reg", "power", "diesel"}
        return listed

    def absent(self) -> list[tuple[str, bool | None, str]]:
        """Return which devices are not there, as the API says it."""
        [found] = [one for one in self.get("/v1/gateways")["gateways"] if one["gateway"] == "gw"]
        return [(one["device"], one["online"], one["since"]) for one in found["absent_devices"]]

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
    assert plant.line.unborn == set()


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
    assert plant.line.unborn == set()


def test_payloads_sequence_num_wraps_after_255(plant):
    plant.birth()
    for number in range(1, 260):
        plant.data(number % 256, float(number), number)
    assert len(plant.readings()) == 260
    plant.tick(plant.now + HOUR)
    assert plant.line.unborn == set()


def test_a_message_that_never_came_is_lost_and_its_node_lacks_a_birth(plant):
    plant.birth()
    plant.data(3, 12.0, 120)
    assert plant.line.unborn == {"G/E"}
    assert plant.line._nodes.nodes.node("G/E").lost == 2  # type: ignore[attr-defined]
    plant.data(4, 13.0, 180)
    assert len(plant.readings()) == 3
    plant.birth(1)
    assert plant.line.unborn == set()


def test_field_b2_who_goes_on_half_a_sequence_later_may_have_been_born_meanwhile(plant):
    """It is no message that comes again; its aliases are nobody's until it is born."""
    plant.birth()
    plant.data(1, 11.0, 60)
    plant.data(200, 99.0, 120)
    assert plant.codes() == [("unmapped", "")]
    assert [value for _, _, value in plant.readings()] == [10.0, 11.0]
    assert plant.line.unborn == {"G/E"}
    plant.birth(1)
    plant.data(1, 12.0, 180)
    assert [value for _, _, value in plant.readings()] == [10.0, 11.0, 12.0]


def test_field_b4_what_was_sent_before_a_birth_is_not_read_by_its_aliases(plant):
    plant.birth()
    plant.data(1, 11.0, 60)
    other = {"name": "Other", "alias": 1, "datatype": BOOLEAN, "value": True}
    power = {"name": "Power", "alias": 2, "datatype": DOUBLE, "value": 12.0, "unit": "kW"}
    plant.hear("NBIRTH", payload(T + 120_000, 0, bdseq(0), other, power))
    plant.data(2, 99.0, 90)
    assert plant.codes() == [("unmapped", "")]
    assert [value for _, _, value in plant.readings()] == [10.0, 11.0, 12.0]


def test_data_before_a_birth_is_kept_and_its_node_lacks_one(plant):
    plant.data(7, 11.0, 60)
    plant.data(8, 12.0, 61)
    assert plant.line.unborn == {"G/E"}
    assert plant.codes() == [("unmapped", ""), ("unmapped", "")]
    assert plant.readings() == []


def test_bm_45_an_alias_of_no_birth(plant):
    plant.birth()
    plant.hear("NDATA", payload(T + 1000, 1, {"alias": 9, "value": 1.0}, {"alias": 1, "value": 2.0}))
    assert plant.codes() == [("unmapped", "metrics[0].alias")]
    assert plant.line.unborn == {"G/E"}
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
    assert plant.line.unborn == {"G/E"}


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
    node = plant.line._nodes.nodes.node("G/E")
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
    assert plant.line.unborn == {"G/E"}
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


def test_field_b5_templates_and_datasets_are_known_by_the_alias_of_their_birth(plant):
    def table(metric: Any, second: int, value: float) -> None:
        metric.dataset_value.columns.extend(["when", "kWh"])
        metric.dataset_value.types.extend([DATETIME, DOUBLE])
        row = metric.dataset_value.rows.add()
        row.elements.add().long_value = T + second * 1000
        row.elements.add().double_value = value

    birth = payload_class()(timestamp=T, seq=0)
    fill(birth.metrics.add(), **bdseq(0))
    template = birth.metrics.add(name="M2", alias=5, datatype=TEMPLATE)
    fill(template.template_value.metrics.add(), name="Power", datatype=DOUBLE, value=1.0, unit="kW")
    table(birth.metrics.add(name="log", alias=6, datatype=DATASET), 60, 2.0)
    plant.hear("NBIRTH", birth.SerializeToString())

    data = payload_class()(timestamp=T + 1000, seq=1)
    fill(data.metrics.add(alias=5).template_value.metrics.add(), name="Power", value=3.0)
    table(data.metrics.add(alias=6), 120, 4.0)
    nameless = data.metrics.add(alias=7)
    fill(nameless.template_value.metrics.add(), name="Power", value=9.0)
    plant.hear("NDATA", data.SerializeToString())

    assert plant.codes() == [("unmapped", "metrics[2].template.metrics[0].alias")]
    assert plant.readings() == [("held", 0, 1.0), ("held", 1, 3.0), ("pulses", 60, 2.0), ("pulses", 120, 4.0)]


def test_field_b5_an_alias_that_two_metrics_have_is_nobodys_and_the_birth_is_told(plant):
    other = {"name": "Active Energy", "alias": 1, "datatype": DOUBLE, "value": 100.0, "unit": "kWh"}
    plant.birth()
    plant.hear("DBIRTH", payload(T, 1, other), device="M1")
    plant.data(2, 99.0, 60)
    plant.hear("NDATA", payload(T + 61_000, 3, {"name": "Power", "value": 12.0}))

    [(_, _, told), (code, path, refused)] = plant.rows(
        "SELECT code, path, detail FROM quarantine ORDER BY message"
    )
    assert (
        told
        == "alias 1 is M1/Active Energy, and Power has it too: give each metric of a node an alias of its own"
    )
    assert (code, path) == ("unmapped", "metrics[0].alias")
    assert refused == "alias 1 is of several metrics by the node's births: nobody knows of which this is"
    assert plant.readings() == [("power", 0, 10.0), ("power", 61, 12.0), ("reg", 0, 100.0)]
    assert plant.line.unborn == set()  # a birth would say the same


@pytest.mark.parametrize("died", [False, True])
def test_a_device_that_is_born_again_may_give_its_aliases_anew(plant, died):
    plant.birth()
    plant.device_birth()
    if died:
        plant.hear("DDEATH", payload(T + 30_000, 2), device="M1")
    spare = {"name": "Spare", "alias": 2, "datatype": BOOLEAN, "value": True}
    energy = {"name": "Active Energy", "alias": 3, "datatype": DOUBLE, "value": 101.0, "unit": "kWh"}
    plant.hear("DBIRTH", payload(T + 60_000, 2 + died, spare, energy), device="M1")
    plant.hear("DDATA", payload(T + 120_000, 3 + died, {"alias": 3, "value": 102.0}), device="M1")
    assert plant.codes() == []
    assert [value for name, _, value in plant.readings() if name == "reg"] == [100.0, 101.0, 102.0]


def test_field_b5_a_compressed_payload_is_told_as_that(plant):
    body = payload_class()(timestamp=T, seq=0, uuid="SPBV1.0_COMPRESSED", body=b"\x1f\x8b")
    plant.hear("NBIRTH", body.SerializeToString())
    [(code, detail)] = plant.rows("SELECT code, detail FROM quarantine")
    assert (code, detail) == (
        "schema", "the payload is compressed, which is not read: switch compression off at the edge node",
    )  # fmt: skip


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


def test_field_b4_whether_a_node_is_there_is_unknown_after_our_own_connection_was_lost_until_it_is_born(
    plant,
):
    plant.birth()
    plant.device_birth()
    said = plant.rows("SELECT at, count FROM gateway_status")
    plant.lose_sight()
    assert plant.online() == [None]
    assert plant.rows("SELECT at, count FROM gateway_status") == said  # nobody said anything
    assert plant.line.unborn == {"G/E"}  # also of a node that has nothing to say
    plant.restart()
    assert plant.line.unborn == {"G/E"}
    plant.birth(1)
    assert plant.online() == [True]
    assert plant.line.unborn == set()


def test_field_b4_a_sequence_that_happens_to_go_on_proves_nothing(plant):
    """The node was born again while we were away, and 1 is the alias of something else now."""
    plant.birth()
    plant.lose_sight()
    plant.data(1, 88.0, 60)
    assert plant.readings() == [("power", 0, 10.0)]
    [(code, detail)] = plant.rows("SELECT code, detail FROM quarantine")
    assert (code, detail) == (
        "unmapped", "a birth may have passed unheard: nobody knows what its metrics are now; one is asked for",
    )  # fmt: skip


def test_a_nodes_birth_that_we_missed_makes_nothing_of_its_aliases(plant):
    """It was born again while we were away, and 1 now is the alias of something else."""
    plant.birth(0, at=plant.now)
    plant.lose_sight()
    plant.data(3, 99.0, 60, at=plant.now)
    plant.data(4, 99.0, 61, at=plant.now)
    assert plant.line.unborn == {"G/E"}
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


@pytest.mark.parametrize("more", ["rebirth: false"])
def test_who_asks_for_no_rebirth_waits_for_a_birth_after_its_connection_was_lost(plant):
    plant.birth()
    plant.lose_sight()
    plant.data(2, 11.0, 60)
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


# --- what is stale because its node or its device is not there


@pytest.fixture
def born(plant: Plant) -> Plant:
    """Give the plant half a minute after the births of a node, which has an event channel too, and of its device."""
    plant.now = NOON + 30 * SECOND
    power = {"name": "Power", "alias": 1, "datatype": DOUBLE, "value": 10.0, "unit": "kW"}
    refill = {"name": "diesel", "datatype": DOUBLE, "value": 5.0, "unit": "L"}
    plant.hear("NBIRTH", payload(T, 0, bdseq(3), power, refill))
    plant.device_birth()
    plant.data(2, 10.0, 1)
    assert (plant.stale(), plant.absent()) == (set(), [])
    return plant


def test_operational_behavior_edge_node_termination_host_action_ndeath_node_tags_stale(born):
    born.hear("NDEATH", payload(T, None, bdseq(3)))
    assert born.stale() == {"power", "diesel", "reg"}
    assert born.total("power")["complete_until"] is None
    born.restart()
    assert born.stale() == {"power", "diesel", "reg"}

    born.birth(4)
    assert born.stale() == {"reg"}  # the device is not born yet
    assert born.total("power")["complete_until"] == "2026-03-10T05:00:01Z"


def test_operational_behavior_edge_node_termination_host_action_ndeath_devices_tags_stale(born):
    """From when the death was heard, until each device is born again (topics, payload of NBIRTH)."""
    born.hear("NDEATH", payload(T, None, bdseq(3)), at=NOON + 40 * SECOND)
    assert born.absent() == [("M1", False, "2026-03-10T05:00:40Z")]
    born.birth(4)
    assert (born.stale(), born.absent()) == ({"reg"}, [("M1", None, "2026-03-10T05:00:40Z")])
    born.device_birth()
    assert (born.stale(), born.absent()) == (set(), [])


def test_operational_behavior_edge_node_termination_host_action_ddeath_devices_tags_stale(born):
    """With the time of the payload; what else the node has is as it was."""
    born.hear("DDEATH", payload(T + 5000, 3), device="M1")
    assert (born.stale(), born.absent()) == ({"reg"}, [("M1", False, "2026-03-10T05:00:05Z")])
    assert born.total("reg")["complete_until"] is None
    born.restart()
    assert born.stale() == {"reg"}
    born.hear("NDEATH", payload(T, None, bdseq(3)))
    assert born.absent() == [("M1", False, "2026-03-10T05:00:05Z")]  # it had died before
    assert born.stale() == {"power", "diesel", "reg"}


def test_solid_b2_what_died_has_no_present_rate_until_it_is_born_again(born):
    minutes = [NOON + k * MINUTE for k in range(1, 8)]
    born.now = minutes[-1]
    born.send(*[reading("reg", time, 100.0 + k) for k, time in enumerate(minutes)])
    assert born.total("reg", period="today")["now_t_per_h"] > 0
    born.hear("DDEATH", payload(T + 425_000, 3), at=minutes[-1] + 5 * SECOND, device="M1")
    born.now = minutes[-1] + 6 * SECOND
    told = born.total("reg", period="today")
    assert (told["now_t_per_h"], told["now_unknown"]) == (None, ["park-a/works/reg"])


def test_a_device_did_not_die_later_than_we_heard_of_it(born):
    born.hear("DDEATH", payload(T + 10**9, 3), device="M1")
    assert born.absent() == [("M1", False, "2026-03-10T05:00:30Z")]


def test_a_death_without_a_time_is_of_when_it_was_heard(born):
    message = payload_class()(seq=3)
    born.hear("DDEATH", message.SerializeToString(), device="M1")
    assert born.absent() == [("M1", False, "2026-03-10T05:00:30Z")]


def test_topics_nbirth_a_device_is_stale_until_it_is_born_in_the_new_session(born):
    """Its death may have passed unheard; whatever dies before it is born was there before."""
    born.birth(4, seq=0)
    assert (born.stale(), born.absent()) == ({"reg"}, [("M1", None, "2026-03-10T05:00:30Z")])
    born.hear("DDEATH", payload(T + 31_000, 1), at=NOON + 31 * SECOND, device="M1")
    assert (born.stale(), born.absent()) == ({"reg"}, [("M1", False, "2026-03-10T05:00:31Z")])


def test_payloads_ndeath_bdseq_an_old_death_makes_nothing_stale(born):
    born.hear("NDEATH", payload(T, None, bdseq(2)))
    assert (born.stale(), born.absent()) == (set(), [])


def test_deaths_and_births_in_one_micro_batch_count_in_their_order(born):
    power = {"name": "Power", "datatype": DOUBLE, "value": 10.0, "unit": "kW"}
    energy = {"name": "Active Energy", "datatype": DOUBLE, "value": 100.0, "unit": "kWh"}
    death, birth = ("NDEATH/E", payload(T, None, bdseq(3))), ("NBIRTH/E", payload(T, 0, bdseq(4), power))
    device_birth = ("DBIRTH/E/M1", payload(T, 1, energy))
    born.together(death, birth, device_birth)
    assert (born.stale(), born.absent()) == (set(), [])
    born.together(birth, device_birth, ("NDEATH/E", payload(T, None, bdseq(4))))
    assert born.stale() == {"power", "reg"}


def test_what_a_dead_device_had_to_say_does_not_bring_it_back(born):
    """Not what is historical, nor what comes again or late, its birth among it."""
    born.hear("DDEATH", payload(T + 5000, 5), device="M1")  # 3 and 4 are missing
    historical = {"alias": 2, "value": 101.0, "is_historical": True, "timestamp": T + 4000}
    born.hear("DDATA", payload(T, 3, historical), device="M1")
    born.device_birth(seq=4)
    born.device_birth(seq=1)
    assert (born.stale(), born.absent()) == ({"reg"}, [("M1", False, "2026-03-10T05:00:05Z")])
    born.device_birth(seq=6)
    born.hear("DDEATH", payload(T + 5000, 5), device="M1")  # again
    assert (born.stale(), born.absent()) == (set(), [])


def test_what_a_dead_node_had_to_say_does_not_bring_it_back(born):
    born.hear("NDEATH", payload(T, None, bdseq(3)))
    born.data(3, 12.0, 20)
    assert born.codes() == [("unmapped", "")]
    assert born.stale() == {"power", "diesel", "reg"}


def test_a_replay_does_not_bring_back_what_died(born):
    """Not even where the device's clock is ahead."""
    other = {"name": "Energy", "datatype": DOUBLE, "value": 101.0, "unit": "kWh"}
    born.hear("DDATA", payload(T + 60_000, 3, other), device="M1")
    born.hear("DDEATH", payload(T + 5000, 4), device="M1")
    renamed = SUBSCRIPTION.format(more="rebirth: true").replace("names: {", "names: {M1/Energy: reg, ")
    (born.config / "sparkplug.yaml").write_text(renamed)
    born.restart(born.config)
    born.decide(Replay("r1", "lan"))
    assert born.readings()[-1] == ("reg", 60, 101.0)
    assert born.stale() == {"reg"}


def test_who_else_speaks_for_a_channel_makes_it_current_again(born):
    """As a device that came behind another node; what is older than the death tells nothing of now."""
    born.hear("DDEATH", payload(T + 25_000, 3), device="M1")
    born.send(reading("reg", NOON + 20 * SECOND, 101.0))
    assert born.stale() == {"reg"}
    born.send(reading("reg", NOON + 29 * SECOND, 102.0))
    assert (born.stale(), born.absent()) == (set(), [("M1", False, "2026-03-10T05:00:25Z")])


def test_field_b5_all_is_stale_after_our_own_connection_was_lost_until_each_is_born(born):
    """As the specification wants it of a host that loses its connection, section 5.3."""
    born.now = NOON + 40 * SECOND
    born.lose_sight()
    assert (born.stale(), born.absent()) == (
        {"power", "diesel", "reg"},
        [("M1", None, "2026-03-10T05:00:40Z")],
    )
    born.restart()
    born.data(3, 11.0, 40)
    assert born.stale() == {"power", "diesel", "reg"}
    born.birth(4)
    born.device_birth()
    assert (born.stale(), born.absent()) == (set(), [])


def test_a_device_that_had_died_is_not_back_with_its_node(born):
    born.hear("DDEATH", payload(T + 5000, 3), device="M1")
    born.lose_sight()
    assert born.absent() == [("M1", None, "2026-03-10T05:00:05Z")]  # it may have been born meanwhile
    born.birth(4)
    assert (born.stale(), born.absent()) == ({"reg"}, [("M1", None, "2026-03-10T05:00:05Z")])


def test_a_death_after_our_own_connection_was_lost_is_known(born):
    born.lose_sight()
    born.hear("NDEATH", payload(T, None, bdseq(3)), at=NOON + 50 * SECOND)
    assert (born.stale(), born.absent()) == (
        {"power", "diesel", "reg"},
        [("M1", False, "2026-03-10T05:00:50Z")],
    )


def test_the_last_will_of_a_native_gateway_makes_nothing_stale(born):
    """It may keep its readings, and send them later."""
    born.publish({"online": False}, leaf="status")
    assert born.online() == [False]
    assert (born.stale(), born.absent()) == (set(), [])


def test_what_is_away_has_the_channels_of_the_configuration_of_today(born):
    born.hear("DDEATH", payload(T + 5000, 3), device="M1")
    other = SUBSCRIPTION.format(more="rebirth: true").replace(
        'M1/Active Energy": reg', 'M1/Active Energy": free'
    )
    (born.config / "sparkplug.yaml").write_text(other)
    born.restart(born.config)
    channels = {one["channel"]: one["stale"] for one in born.get("/v1/channels")["channels"]}
    assert (channels["reg"], channels["free"]) == (False, True)
    born.send(reading("free", NOON + 29 * SECOND, 1.0))
    (born.config / "sparkplug.yaml").unlink()
    born.restart(born.config)
    assert (born.stale(), born.absent()) == (set(), [])  # nobody asks for the node any more
    (born.config / "sparkplug.yaml").write_text(SUBSCRIPTION.format(more="rebirth: true"))
    born.restart(born.config)
    assert (born.stale(), [device for device, _, _ in born.absent()]) == ({"reg"}, ["M1"])


def test_what_is_away_follows_from_the_journal_alone(born):
    born.hear("DDEATH", payload(T + 5000, 3), device="M1")
    born.lose_sight()
    born.birth(3)
    born.hear("NDEATH", payload(T, None, bdseq(3)))
    query = "SELECT * FROM sparkplug_away ORDER BY node, device"
    before = born.rows(query)
    born._shut()
    (born.folder / "state.db").unlink()
    born._open()
    while born.line.step():
        pass
    assert born.rows(query) == before
    assert [row[1] for row in before] == ["", "M1"]


def test_a_transaction_that_is_rolled_back_leaves_nobody_away(born, monkeypatch):
    def fall(point: str) -> None:
        if point == "line_before_commit":
            raise RuntimeError(point)

    monkeypatch.setattr(born.line, "_crash", fall)
    with pytest.raises(RuntimeError):
        born.hear("NDEATH", payload(T, None, bdseq(3)))
    assert (born.stale(), born.absent()) == (set(), [])
    monkeypatch.setattr(born.line, "_crash", lambda _point: None)
    born.line.step()
    assert born.stale() == {"power", "diesel", "reg"}
