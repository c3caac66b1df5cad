"""Section 5: the present rate, and what it lacks while an input is away."""

import csv
import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from api.models import TotalsBody
from api.tables import totals_csv
from stackmeter.broadcast import TotalsBroadcast
from tests.semantics.world import CONFIGURATION, GRID, HOUR, MINUTE, NOON, SECOND, SITE, World, reading

RATE = 60 * GRID  # of 60 kW [t/h]


def read(
    world: World, channel: str = "power", step: int = MINUTE, count: int = 31, unit: str = "kW", **more: Any
) -> int:
    """Let a meter be read at even steps from NOON on, 60 kW or one kWh a minute, and return when it was read last."""
    times = [NOON + k * step for k in range(count)]
    world.now = times[-1]
    value = 60.0 if unit == "kW" else None
    world.send(
        *[reading(channel, t, value if value is not None else (t - NOON) / MINUTE, unit) for t in times],
        **more,
    )
    return times[-1]


def says(world: World, *, online: bool, gateway: str = "gw") -> None:
    world.publish({"online": online}, leaf="status", gateway=gateway)


def now_of(world: World, source: str = "power") -> Any:
    return world.total(source, period="today")["now_t_per_h"]


def lacks(world: World) -> list[str]:
    [facility] = world.get("/v1/totals", facility="works")["totals"]
    return list(facility["now_unknown"])


def test_solid_b2_a_gateway_that_said_offline_has_no_present_rate(world: World) -> None:
    read(world)
    assert now_of(world) == pytest.approx(RATE)
    assert f"{SITE}/power" not in lacks(world)

    says(world, online=False)

    [facility] = world.get("/v1/totals", facility="works")["totals"]
    assert (now_of(world), facility["now_t_per_h"], facility["now_at"]) == (None, None, None)
    assert f"{SITE}/power" in facility["now_unknown"]
    assert world.total("power", period="today")["now_unknown"] == [f"{SITE}/power"]
    says(world, online=True)
    assert now_of(world) == pytest.approx(RATE)


def test_solid_b2_a_sum_is_of_the_others_and_names_those_that_it_lacks(world: World) -> None:
    read(world)
    read(world, "contract", gateway="gw2")
    says(world, online=False, gateway="gw2")

    [facility] = world.get("/v1/totals", facility="works")["totals"]

    assert facility["now_t_per_h"] == pytest.approx(RATE)
    assert f"{SITE}/contract" in facility["now_unknown"]
    assert f"{SITE}/power" not in facility["now_unknown"]
    [everything] = world.get("/v1/totals", level="all")["totals"]
    assert everything["now_unknown"] == facility["now_unknown"]


def test_solid_b2_a_gateway_that_sends_again_is_there_whatever_it_said(world: World) -> None:
    last = read(world)
    says(world, online=False)
    world.now = last + MINUTE
    world.send(reading("power", last - 30 * SECOND, 60, "kW"), reading("power", last + MINUTE, 60, "kW"))

    assert now_of(world) == pytest.approx(RATE)


def test_solid_b2_what_comes_late_after_it_went_away_does_not_bring_it_back(world: World) -> None:
    last = read(world)
    says(world, online=False)
    world.send(reading("power", last - 90 * SECOND, 60, "kW"))

    assert now_of(world) is None


def test_solid_b2_a_status_that_cannot_be_read_says_nothing(world: World) -> None:
    read(world)
    world.publish(b"going away", leaf="status")

    assert now_of(world) == pytest.approx(RATE)


@pytest.mark.parametrize(
    ("step", "patience"),
    [(MINUTE, 3 * MINUTE), (10 * SECOND, 2 * MINUTE), (2 * MINUTE, 6 * MINUTE), (5 * MINUTE, 10 * MINUTE)],
    ids=["three steps", "2 min at least", "three longer steps", "max_gap at most"],
)
def test_solid_b2_silence_beyond_the_usual_makes_it_unknown(world: World, step: int, patience: int) -> None:
    last = read(world, step=step, count=25)

    world.now = last + patience
    assert now_of(world) == pytest.approx(RATE)
    world.now += SECOND  # answers are shared for so long
    assert now_of(world) is None
    assert f"{SITE}/power" in lacks(world)


def test_solid_b2_the_usual_is_the_median_of_the_last_steps(world: World) -> None:
    """Some longer pauses among them, or a faster pace of before, do not matter."""
    times = [NOON + k * 5 * SECOND for k in range(40)]
    for k in range(20):
        times.append(times[-1] + (4 * MINUTE if k in (3, 9) else MINUTE))
    world.now = times[-1]
    world.send(*[reading("power", t, 60, "kW") for t in times])

    world.now = times[-1] + 3 * MINUTE
    assert now_of(world) == pytest.approx(RATE)
    world.now += SECOND  # answers are shared for so long
    assert now_of(world) is None


def test_solid_b2_cadence_overrules_what_is_usual(tmp_path: Path, world: World) -> None:
    config = tmp_path / "cadence"
    shutil.copytree(CONFIGURATION, config)
    for file in config.glob("*.yaml"):
        file.write_text(
            file.read_text().replace(
                "{name: power, gateway: gw,", "{name: power, cadence: 3min, gateway: gw,"
            )
        )
    world.restart(config)
    last = read(world)

    world.now = last + 9 * MINUTE
    assert now_of(world) == pytest.approx(RATE)
    world.now += SECOND  # answers are shared for so long
    assert now_of(world) is None


def test_solid_b2_one_reading_has_no_usual_and_its_max_gap(world: World) -> None:
    world.now = NOON + 15 * MINUTE
    world.send(reading("quarter", NOON + 15 * MINUTE, 15))

    world.now = NOON + 45 * MINUTE  # two periods
    assert now_of(world, "quarter") == pytest.approx(RATE)
    world.now += SECOND  # answers are shared for so long
    assert now_of(world, "quarter") is None


def test_solid_b2_of_several_inputs_each_must_be_there(world: World) -> None:
    times = [NOON + k * MINUTE for k in range(11)]
    world.now = times[-1]
    world.send(
        *[reading("flow", t, 6_000, "Nm3/h") for t in times], *[reading("co2", t, 10, "%") for t in times]
    )
    assert now_of(world, "flue") > 0

    world.now = times[-1] + 4 * MINUTE
    world.send(*[reading("flow", times[-1] + k * MINUTE, 6_000, "Nm3/h") for k in range(1, 5)])

    assert now_of(world, "flue") is None  # no concentration for longer than three of its minutes


def test_solid_b2_events_owe_nothing_by_silence_but_their_gateway_must_be_there(world: World) -> None:
    world.now = NOON
    world.send(reading("diesel", NOON, 10, "L"))
    world.now = NOON + 5 * HOUR
    assert now_of(world, "diesel") == 0.0

    says(world, online=False)

    assert now_of(world, "diesel") is None


def test_solid_b2_a_virtual_channel_is_there_while_all_of_its_channels_are(
    tmp_path: Path, world: World
) -> None:
    config = tmp_path / "virtual"
    shutil.copytree(CONFIGURATION, config)
    for file in config.glob("*.yaml"):
        text = file.read_text().replace(
            "        sources:\n",
            "        virtual:\n          - {name: both, unit: kWh, expr: power + contract}\n        sources:\n",
        )
        file.write_text(
            text.replace(
                "{name: held, method: electricity-location, inputs: {energy: held}",
                "{name: held, method: electricity-location, inputs: {energy: both}",
            )
        )
    world.restart(config)
    read(world)
    read(world, "contract", gateway="gw2")
    assert now_of(world, "held") == pytest.approx(2 * RATE)

    says(world, online=False, gateway="gw2")

    assert now_of(world, "held") is None


def test_solid_b2_a_source_that_is_yet_to_come_is_not_lacking(tmp_path: Path, world: World) -> None:
    config = tmp_path / "later"
    shutil.copytree(CONFIGURATION, config)
    for file in config.glob("*.yaml"):
        file.write_text(
            file.read_text().replace(
                "{name: free, method", '{name: free, since: "2026-03-11T00:00:00+07:00", method'
            )
        )
    world.restart(config)
    read(world)

    assert f"{SITE}/free" not in lacks(world)
    assert f"{SITE}/reg" in lacks(world)


def test_solid_b2_the_list_of_channels_says_which_are_away(world: World) -> None:
    read(world)
    read(world, "contract", gateway="gw2")
    says(world, online=False, gateway="gw2")

    channels = {one["channel"]: one for one in world.get("/v1/channels", facility="works")["channels"]}

    told = {
        name: (channels[name]["away"], channels[name]["stale"])
        for name in ("power", "contract", "reg", "diesel")
    }
    assert told == {
        "power": (False, False),
        "contract": (True, False),
        "reg": (True, True),
        "diesel": (False, False),
    }


def test_solid_b2_a_state_made_again_says_the_same(world: World) -> None:
    read(world)
    says(world, online=False)
    before = world.total("power", period="today")

    world.restart()

    assert world.total("power", period="today") == before


def test_solid_b2_csv_and_the_totals_on_the_broker_name_what_they_lack(world: World) -> None:
    read(world)
    told: dict[str, Any] = {}

    TotalsBroadcast(world.reader, lambda topic, body: told.update({topic: json.loads(body)}) or True).step(
        world.now
    )

    [facility] = told["sm/v1/park-a/totals"]["totals"]
    assert facility["now_unknown"] == lacks(world)
    assert f"{SITE}/power" not in facility["now_unknown"]
    row = dict(
        zip(
            *csv.reader(
                totals_csv(TotalsBody.model_validate(told["sm/v1/park-a/totals"])).decode().splitlines()
            ),
            strict=True,
        )
    )
    assert row["now_unknown"].split() == facility["now_unknown"]
