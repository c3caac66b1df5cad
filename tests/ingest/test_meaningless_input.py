"""BM-36 to BM-57 of docs/faults.md: payloads that can be read and mean nothing, too much, or something else."""

import json
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from math import isfinite
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingest.formats.strict import PayloadError
from ingest.sparkplug.payload import parse
from plant.configuration.load import load
from plant.documents.problems import ConfigurationError
from plant.vocabulary import Quality, Verdict
from rules.catalogue import load_catalogue
from store.messages.journal import Message
from tests.semantics.conftest import MEMORY
from tests.semantics.world import GRID, HOUR, MINUTE, NOON, SITE, World, reading, rfc3339

CONFIGURATION = """\
parks:
  - name: park-a
    title: "Park A <script>alert(1)</script>"
    zone: Asia/Ho_Chi_Minh
    facilities:
      - name: works
        title: '=cmd()'
        gateways: [{name: gw}]
        channels:
          - {name: meter, gateway: gw, kind: register, unit: kWh, quantity: electricity, max_rate: 600}
          - {name: power, gateway: gw, kind: rate, unit: kW, quantity: electricity, min: 0, max: 1000, max_gap: 10min}
          - {name: oxygen, gateway: gw, kind: level, unit: "%", quantity: oxygen, min: 0, max: 25, max_gap: 10min}
          - {name: heat, gateway: gw, kind: level, unit: °C, quantity: temperature, min: -40, max: 1600, max_gap: 10min}
          - {name: pressure, gateway: gw, kind: level, unit: kPa, quantity: pressure, min: 0, max: 200, max_gap: 10min}
        sources:
          - {name: meter, method: electricity-location, inputs: {energy: meter}, factor: vn-grid}
          - {name: power, method: electricity-location, inputs: {energy: power}, factor: vn-grid}
alerts:
  - {name: much, facility: works, channel: power, above: 900, severity: warning,
     summary: "$(id) `id` %(message)s %n%s", description: "<b onload=x>"}
"""
INERT = ["{{7*7}}", "${jndi:ldap://x/a}", "%n%s", "%(message)s", "{0.__class__}"]
STRANGE = ["__proto__", "constructor", "'; DROP TABLE reading; --", "a,b=c v=1", *INERT]


@pytest.fixture
def world() -> Iterator[World]:
    with made() as one:
        yield one


@contextmanager
def made() -> Iterator[World]:
    """Give a service whose end proves that what it published follows from its messages."""
    with tempfile.TemporaryDirectory(dir=MEMORY) as folder:
        config = Path(folder) / "config"
        config.mkdir()
        (config / "plant.yaml").write_text(CONFIGURATION)
        one = World(Path(folder), config)
        yield one
        one.close()


def power(ago: int = 0, value: Any = 60.0, **more: Any) -> dict[str, Any]:
    """Return a reading of so many minutes before the world's clock."""
    return reading("power", NOON + HOUR - ago * MINUTE, value, "kW", **more)


def tables(world: World) -> set[tuple[Any, ...]]:
    return set(world.rows("SELECT name, sql FROM sqlite_schema"))


# --- sequence ----------------------------------------------------------------------------------------------------


def test_bm36_a_boot_that_comes_back_goes_on_where_it_was(world: World) -> None:
    """Names of boots have no order, so that none goes backwards: each has a sequence of its own."""
    for boot, seq, ago in (("b9", 1, 4), ("b1", 1, 3), ("b9", 2, 2), ("b1", 2, 1)):
        world.send(power(ago), boot=boot, seq=seq)
    assert world.balance()[0] == {"accepted": 4}

    world.send(power(3), boot="b1", seq=1)

    assert world.balance()[0] == {"accepted": 4, "duplicate": 1}
    assert world.codes() == {}
    acks = world.line.acknowledgements(f"{SITE}/gw")
    assert sorted(acks) == [("b1", 2, []), ("b9", 2, [])]


def test_bm37_one_number_with_two_payloads_is_told_and_costs_no_reading(world: World) -> None:
    world.send(power(2, 50.0), boot="b", seq=1)
    world.send(power(1, 70.0), boot="b", seq=1)

    assert world.codes() == {"conflict_seq": 1}
    assert world.balance() == ({"accepted": 1, "quarantined": 1}, {"accepted": 2})
    assert [value for value, _, _ in world.stored("power")] == [50.0, 70.0]


# --- names -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", STRANGE)
def test_bm39_bm41_a_strange_name_is_text_and_nothing_else(world: World, name: str) -> None:
    """As a channel and as a gateway it is nobody's; as a boot it is kept and told as it was sent."""
    before = tables(world)
    world.send({**power(2), "channel": name})
    world.send(power(2), gateway=name.replace("/", "."))
    assert world.codes() == {"unmapped": 1}
    assert world.rows("SELECT count(*) FROM reading") == [(0,)]

    world.send(power(1), boot=name, seq=1)

    assert world.line.acknowledgements(f"{SITE}/gw") == [(name, 1, [])]
    [gateway] = world.get("/v1/gateways")["gateways"]
    assert [boot["boot"] for boot in gateway["boots"]] == [name]
    assert tables(world) == before
    assert len(world.stored("power")) == 1


@pytest.mark.parametrize("name", ["a,b=c v=1\n", "a\x00", "a\x1b[31m", "\u202ea", "a\u200b"])
def test_bm39_a_name_with_characters_that_do_not_print_is_refused(world: World, name: str) -> None:
    world.send({**power(2), "channel": name})
    world.send(power(1), boot=name, seq=1)

    assert world.codes() == {"bad_id": 2}
    assert world.line.acknowledgements(f"{SITE}/gw") == []


@pytest.mark.parametrize("name", ["a=b", "a,b", "a b", "a\\", '"a"', "=cmd()", "@a", "+a", "-a", "<b>"])
def test_bm40_bm42_no_channel_has_a_name_that_means_something_elsewhere(tmp_path: Path, name: str) -> None:
    """The configuration is refused, so that no such name comes to InfluxDB, a table or a page; a payload's is unmapped."""
    quoted = name.replace("\\", "\\\\").replace('"', '\\"')
    (tmp_path / "plant.yaml").write_text(
        CONFIGURATION.replace("name: power, gateway", f'name: "{quoted}", gateway')
    )

    with pytest.raises(ConfigurationError) as caught:
        load(tmp_path, load_catalogue(tmp_path))

    assert any(problem.path.endswith(".name") for problem in caught.value.problems)


@pytest.mark.parametrize("name", ["a=b", "a,b", "a b", "a\\"])
def test_bm40_a_payload_s_name_comes_back_as_it_was_sent(world: World, name: str) -> None:
    world.send({**power(2), "channel": name})

    assert world.codes() == {"unmapped": 1}
    [(detail,)] = world.rows("SELECT detail FROM quarantine")
    assert repr(name) in detail


def test_bm41_bm42_texts_of_the_configuration_are_told_as_they_stand(world: World) -> None:
    """In alerts and in titles: nothing is worked out, nothing is cut."""
    world.send(power(0, 950.0))

    [alert] = world.alerts()
    assert alert["summary"] == "$(id) `id` %(message)s %n%s"
    assert alert["description"] == "<b onload=x>"
    [park] = world.get("/v1/parks")["parks"]
    assert park["title"] == "Park A <script>alert(1)</script>"
    [facility] = world.get("/v1/facilities")["facilities"]
    assert facility["title"] == "=cmd()"


# --- values ------------------------------------------------------------------------------------------------------


def register(minute: int, value: float) -> dict[str, Any]:
    return reading("meter", NOON + minute * MINUTE, value, "kWh")


def test_bm49_a_register_a_thousand_times_too_high_is_held_and_then_an_outlier(world: World) -> None:
    verdicts = "SELECT value, verdict FROM reading ORDER BY time"
    world.send(register(0, 100), register(10, 105), register(20, 110_000))
    assert world.rows(verdicts)[-1] == (110_000, Verdict.HELD)
    assert world.total("meter")["co2e_t"] == pytest.approx(5 * GRID)

    world.send(register(30, 115))

    assert world.rows(verdicts)[2:] == [(110_000, Verdict.OUTLIER), (115, Verdict.COUNTED)]
    assert world.total("meter")["co2e_t"] == pytest.approx(15 * GRID)


def test_bm50_a_power_below_its_limit_is_refused_and_a_register_s_step_back_counts_nothing(
    world: World,
) -> None:
    world.send(power(1, -0.5))
    world.send(register(0, 100), register(10, 105), register(20, 95), register(30, 100))

    assert world.codes() == {"below_min": 1}
    assert world.stored("power") == []
    amounts = [amount for amount, _ in world.activity("meter", NOON, NOON + 30 * MINUTE).values()]
    assert min(amount for amount in amounts if amount is not None) >= 0
    assert 0 <= world.total("meter")["co2e_t"] <= 10 * GRID * (1 + 1e-9)


@pytest.mark.parametrize(
    ("channel", "value", "unit", "code"),
    [
        ("oxygen", 100.1, "%", "range"), ("oxygen", -0.1, "%", "below_min"), ("heat", -300, "°C", "below_min"),
        ("heat", 0, "K", "below_min"), ("pressure", -1, "kPa", "below_min"), ("pressure", 300, "kPa", "range"),
    ],
)  # fmt: skip
def test_bm51_what_physics_or_the_instrument_denies_is_refused_with_the_limit(
    world: World, channel: str, value: float, unit: str, code: str
) -> None:
    """The limits are the channel's own, of its instrument: it knows them better than physics does."""
    world.send(reading(channel, world.now - MINUTE, value, unit), power(1))

    assert world.codes() == {code: 1}
    assert world.balance() == ({"quarantined": 1}, {"accepted": 1, "quarantined": 1})
    assert world.stored(channel) == []
    [(path, detail)] = world.rows("SELECT path, detail FROM quarantine")
    assert path == "readings[0].value"
    assert "is outside" in detail


@pytest.mark.parametrize("quality", list(Quality), ids=lambda one: one.name.lower())
def test_bm52_a_quality_is_stored_and_what_does_not_count_counts_nothing(
    world: World, quality: Quality
) -> None:
    counts = quality in (Quality.GOOD, Quality.UNCERTAIN)
    for minute, said in ((3, Quality.GOOD), (2, quality), (1, Quality.GOOD)):
        value = 600.0 if said is quality and minute == 2 else 60.0
        world.send(power(minute, value, quality=said.name.lower()))

    assert [stored for _, stored, _ in world.stored("power")] == [0, quality, 0]
    amounts = world.activity("power", NOON + HOUR - 3 * MINUTE, NOON + HOUR - MINUTE)
    assert [amount for amount, _ in amounts.values()] == pytest.approx([5.5, 5.5] if counts else [1.0, 1.0])


@pytest.mark.parametrize("said", ["GOOD", "ok", "", "good ", "192", "xấu"])
def test_bm52_a_quality_that_is_none_is_refused(world: World, said: str) -> None:
    world.send(power(1, quality=said))

    assert world.codes() == {"quality": 1}
    assert world.stored("power") == []


# --- too much ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("depth", [101, 1000, 250_000])
def test_bm46_groups_inside_each_other_are_refused_however_deep(depth: int) -> None:
    with pytest.raises(PayloadError):
        parse(b"\x0b" * depth + b"\x0c" * depth)


def test_bm56_ten_thousand_new_channels_in_a_minute_make_no_series(world: World) -> None:
    """Only what is configured has a series: there is no cap to reach. The next good message counts."""
    series = world.rows("SELECT id, name FROM channel")
    for first in range(0, 10_000, 250):
        world.send(
            *({**power(1), "channel": f"new/{n}"} for n in range(first, first + 250)), boot="b", seq=first + 1
        )
    world.send(power(1))

    assert world.rows("SELECT id, name FROM channel") == series
    assert world.rows("SELECT count(*) FROM reading") == [(1,)]
    assert world.codes() == {"unmapped": 40}
    assert world.balance()[1] == {"accepted": 1, "quarantined": 10_000}
    assert world.rows("SELECT DISTINCT channel FROM reading") == world.rows(
        "SELECT id FROM channel WHERE name = 'power'"
    )


def test_bm56_a_thousand_new_gateways_in_a_minute_make_no_series(world: World) -> None:
    payload = json.dumps({"readings": [power(1)]}).encode()
    topics = [f"sm/v1/{SITE}/new-{n}/readings".encode() for n in range(1000)]
    world.journal.append([Message(world.now, topic, payload) for topic in topics])
    world.send(power(1))

    assert world.rows("SELECT count(*) FROM reading") == [(1,)]
    assert [one["gateway"] for one in world.get("/v1/gateways")["gateways"]] == ["gw"]


# --- anything ----------------------------------------------------------------------------------------------------

NAMES = st.sampled_from(["power", "meter", "oxygen", "heat"]) | st.text(max_size=8)
TIMES = st.integers(-(2**40), 2**40).map(lambda ago: rfc3339(NOON + ago)) | st.sampled_from(
    [
        "2026-03-10T12:00:00",
        "1e9",
        "",
        "0001-01-01T00:00:00Z",
        "9999-12-31T23:59:59.999999999Z",
        1773115200,
        None,
    ]
)
VALUES = (
    st.floats()
    | st.integers()
    | st.sampled_from([True, None, "1", 10**400, -0.0, 5e-324, [], {}])
    | st.text(max_size=4)
)
UNITS = st.sampled_from(["kW", "kWh", "%", "°C", "W", "kWh\n", "", None, 1]) | st.text(max_size=4)
READINGS = st.fixed_dictionaries(
    {"channel": NAMES, "time": TIMES, "value": VALUES, "unit": UNITS},
    optional={
        "quality": st.sampled_from(["good", "bad", "GOOD", None, 2]),
        "reset": st.sampled_from([True, False, "yes", None]),
        "correction": st.integers(-(2**33), 2**33),
    },
)
ENVELOPE = {
    "boot": st.sampled_from(["b", "", None]) | st.text(max_size=5),
    "seq": st.integers(-1, 9) | VALUES,
}
MESSAGES = (
    READINGS
    | st.fixed_dictionaries({"readings": st.lists(READINGS, max_size=4)}, optional=ENVELOPE)
    | st.fixed_dictionaries(
        {
            "time": st.lists(TIMES, max_size=3),
            "columns": st.dictionaries(
                NAMES,
                st.fixed_dictionaries({"unit": UNITS, "values": st.lists(VALUES, max_size=3)}),
                max_size=3,
            ),
        },
        optional=ENVELOPE,
    )
)


@given(st.lists(MESSAGES, min_size=1, max_size=60))
@settings(max_examples=12, deadline=None)
def test_bm57_whatever_is_nearly_a_message_ends_once_and_proves_what_it_gave(messages: list[Any]) -> None:
    with made() as world:
        world.publish(*(json.dumps(one).encode() for one in messages))

        ends, _ = world.balance()
        assert sum(ends.values()) == len(messages)
        assert "decoder" not in world.codes()
        for (value,) in world.rows("SELECT value FROM reading"):
            assert isfinite(value)
        for (tonnes,) in world.rows("SELECT co2e_t FROM total WHERE co2e_t IS NOT NULL"):
            assert isfinite(tonnes)
        world.send(power(1))
        assert world.stored("power")
