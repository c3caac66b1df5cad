"""Text that is no UTF-8 in what an edge node says: it costs the metric that has it, and nothing else, now and after a restart."""

import random
import tempfile
from collections.abc import Iterator
from pathlib import Path
from shutil import copytree
from typing import Any

import pytest

from ingest.sparkplug.messages import payload_class
from tests.ingest.sparkplug.edge import DOUBLE, STRING, bdseq, payload
from tests.ingest.sparkplug.test_nodes import SUBSCRIPTION, Plant, T
from tests.semantics.conftest import MEMORY
from tests.semantics.world import CONFIGURATION, HOUR, NOON

DEGREES = b"\xb0C"  # °C in Latin-1, as some devices write it
PLACEHOLDER = "~~"  # of two bytes too


@pytest.fixture(params=[""])
def plant(request: pytest.FixtureRequest) -> Iterator[Plant]:
    with tempfile.TemporaryDirectory(dir=MEMORY) as folder:
        config = Path(folder) / "config"
        copytree(CONFIGURATION, config)
        text = SUBSCRIPTION.format(more="rebirth: true")
        (config / "sparkplug.yaml").write_text(text.replace("units: {", "units: {" + request.param))
        made = Plant(Path(folder), config, now=NOON + HOUR)
        yield made
        made.close()


def latin(*metrics: dict[str, Any]) -> bytes:
    """Return a birth's payload in which each placeholder is text that is no UTF-8."""
    return payload(T, 0, *metrics).replace(PLACEHOLDER.encode(), DEGREES)


POWER = {"name": "Power", "alias": 1, "datatype": DOUBLE, "value": 10.0, "unit": "kW"}
HEAT = {"name": "heat", "alias": 2, "datatype": DOUBLE, "value": 20.0}


def test_solid_a1_a_unit_that_is_no_utf8_costs_its_metric(plant: Plant) -> None:
    plant.hear("NBIRTH", latin(bdseq(0), POWER, {**HEAT, "unit": PLACEHOLDER}))

    assert plant.readings() == [("power", 0, 10.0)]
    assert plant.codes() == [("bad_utf8", "metrics[2].engUnit")]
    [(detail,)] = plant.rows("SELECT detail FROM quarantine")
    assert detail == "b0 43 is not UTF-8; send UTF-8"


def test_solid_a1_after_a_restart_the_node_is_known_as_it_was(plant: Plant) -> None:
    """It goes on where it was: no rebirth is asked for, and its good metrics count."""
    plant.hear("NBIRTH", latin(bdseq(0), POWER, {**HEAT, "unit": PLACEHOLDER}))
    plant.restart()
    plant.data(1, 11.0, 60)
    plant.hear("NDATA", payload(T + 120_000, 2, {"alias": 1, "value": 12.0}, {"alias": 2, "value": 21.0}))

    assert plant.readings() == [("power", 0, 10.0), ("power", 60, 11.0), ("power", 120, 12.0)]
    assert plant.codes()[1:] == [("unit_missing", "metrics[1].unit")]
    assert plant.line.unborn == set()


@pytest.mark.parametrize("plant", ["heat: °C, "], indirect=True)
def test_solid_a1_a_unit_that_the_configuration_gives_makes_up_for_it(plant: Plant) -> None:
    plant.hear("NBIRTH", latin(bdseq(0), {**HEAT, "unit": PLACEHOLDER}))

    assert plant.readings() == [("heat", 0, 20.0)]
    assert plant.codes() == []


def test_solid_a1_a_name_that_is_no_utf8_costs_its_metric_and_its_alias_asks_for_no_births(
    plant: Plant,
) -> None:
    plant.hear("NBIRTH", latin(bdseq(0), POWER, {**HEAT, "name": f"heat {PLACEHOLDER}", "unit": "K"}))
    plant.restart()
    plant.hear("NDATA", payload(T + 60_000, 1, {"alias": 1, "value": 11.0}, {"alias": 2, "value": 21.0}))

    assert plant.readings() == [("power", 0, 10.0), ("power", 60, 11.0)]
    assert plant.codes() == [("bad_utf8", "metrics[2].name"), ("unmapped", "metrics[1].channel")]
    assert plant.line.unborn == set()


def test_solid_a1_templates_datasets_and_texts_that_are_no_utf8_cost_themselves(plant: Plant) -> None:
    made = payload_class()(timestamp=T, seq=0)
    made.metrics.add(name="bdSeq", datatype=4, long_value=0)
    made.metrics.add(name="Power", datatype=DOUBLE, double_value=10.0).properties.keys.append("engUnit")
    made.metrics[1].properties.values.add(type=STRING).string_value = "kW"
    made.metrics[1].properties.keys.append(PLACEHOLDER)
    made.metrics[1].properties.values.add(type=STRING).string_value = PLACEHOLDER
    made.metrics.add(name="text", datatype=STRING, string_value=PLACEHOLDER)
    made.metrics.add(name="number", datatype=DOUBLE, string_value=PLACEHOLDER)
    template = made.metrics.add(name=PLACEHOLDER, datatype=19).template_value
    template.template_ref = template.version = PLACEHOLDER
    template.metrics.add(name="inside", datatype=DOUBLE, double_value=1.0)
    table = made.metrics.add(name="log", datatype=16).dataset_value
    table.columns.extend(["kWh", PLACEHOLDER])
    table.types.extend([DOUBLE, DOUBLE])
    table.rows.add().elements.add(double_value=5.0)
    table.rows[0].elements.add(double_value=6.0)
    made.uuid = PLACEHOLDER
    plant.hear("NBIRTH", made.SerializeToString().replace(PLACEHOLDER.encode(), DEGREES))
    plant.restart()
    plant.hear("NDATA", payload(T + 60_000, 1, {**POWER, "value": 11.0}))

    assert plant.readings() == [("power", 0, 10.0), ("power", 60, 11.0), ("pulses", 0, 5.0)]
    assert plant.codes() == [("type", "metrics[3].value")]
    assert plant.messages() == {"quarantined": 1, "late": 1}


def test_solid_a1_whatever_bytes_a_birth_has_the_node_is_known_after_a_restart(plant: Plant) -> None:
    """Nothing that came may be a fault of ours, and nothing that is stored of it unreadable."""
    made = payload(
        T, 0, bdseq(0), POWER, {**HEAT, "unit": "°C"}, {"name": "t", "datatype": STRING, "value": "ü"}
    )
    rng = random.Random(1)
    for _ in range(400):
        body = bytearray(made)
        for _ in range(rng.randrange(1, 6)):
            body[rng.randrange(len(body))] = rng.randrange(256)
        kind = rng.choice(["NBIRTH", "NDATA", "DBIRTH", "DDATA"])
        plant.hear(kind, bytes(body), device="M1" if kind.startswith("D") else "")
    plant.hear("NBIRTH", made)
    plant.restart()
    plant.data(1, 11.0, 60)

    assert ("power", 60, 11.0) in plant.readings()
    assert {code for code, _ in plant.codes()}.isdisjoint({"fault", "decoder"})
