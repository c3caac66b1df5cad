"""How an edge node's faults are drawn, what it keeps, and what its payloads carry."""

from collections import Counter

import numpy as np
import pytest

from simulators.message import Address
from simulators.node_faults import NodeFaults, Slip
from simulators.payload import Readings
from simulators.sparkplug import EdgeNode
from simulators.sparkplug_payload import BOOLEAN, REBIRTH, Metric, asks_for_rebirth, encode
from simulators.truth import Truth


def test_each_fault_comes_as_often_as_was_asked_for():
    faults = NodeFaults(drop=0.1, duplicate=0.2, null=0.3)
    rng = np.random.default_rng(1)

    found = Counter(faults.slip(rng) for _ in range(10_000))

    shares = {slip: round(n / 10_000, 1) for slip, n in found.items()}
    assert shares == {Slip.DROP: 0.1, Slip.DUPLICATE: 0.2, Slip.NULL: 0.3, Slip.NONE: 0.4}


def test_nothing_goes_wrong_unless_it_is_asked_for():
    rng = np.random.default_rng(1)

    assert {NodeFaults().slip(rng) for _ in range(1000)} == {Slip.NONE}


@pytest.mark.parametrize(
    ("shares", "problem"),
    [
        ({"drop": 1.1}, "drop: a share"),
        ({"stale": -0.1}, "stale: a share"),
        ({"bad": 0.6, "null": 0.6}, "all shares"),
    ],
)
def test_what_is_no_share_is_refused(shares, problem):
    with pytest.raises(ValueError, match=problem):
        NodeFaults(**shares)


@pytest.mark.parametrize(
    ("name", "value", "asks"), [(REBIRTH, True, True), (REBIRTH, False, False), ("Other", True, False)]
)
def test_a_rebirth_is_asked_for_by_its_metric_alone(name, value, asks):
    command = encode(1, None, [Metric(name=name, datatype=BOOLEAN, time=1, value=value)])

    assert asks_for_rebirth(command) is asks


def test_a_node_that_reaches_nobody_keeps_the_newest_it_has_room_for():
    node = EdgeNode("mqtt://127.0.0.1:1", "G", Address("park", "mill", "g1"), Truth([]), capacity=3)
    for at in range(5):
        node.send(Readings.of(0, np.array([at], np.int64), np.array([1.0])))

    assert (node.waiting, node.evicted, node.births, node.published) == (3, 2, 0, 0)


def test_a_payload_is_what_the_specification_says():
    """Worked out by hand from the field numbers: timestamp 1, metrics 2, seq 3; of a metric alias 2, timestamp 3, double 13."""
    metric = bytes([0x10, 5, 0x18, 2, 0x28, 0, 0x69]) + np.array([1.5]).tobytes()
    expected = bytes([0x08, 1, 0x12, len(metric)]) + metric + bytes([0x18, 7])

    assert encode(1, 7, [Metric(alias=5, time=2, value=1.5)]) == expected
