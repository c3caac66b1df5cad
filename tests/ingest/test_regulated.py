"""Hours that count, through the whole line and the API: readings in, regulated hours beside the live number out."""

import math
import random
import statistics
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest

from rules.american.regulation import Status
from rules.american.substitution import Rule
from rules.formulas.stack_gas import CO2_DENSITY
from store.accounting.regulated import first_broken
from store.accounting.regulated_hours import HourInputs
from tests.semantics.conftest import MEMORY
from tests.semantics.world import DAY, HOUR, MINUTE, NOON, SECOND, World, ns, reading, rfc3339

CONFIGURATION = Path(__file__).with_name("regulated")
LATENESS = 15 * MINUTE
FLOW = 100_000.0  # Nm3/h
VALID, SUBSTITUTED, PENDING, UNKNOWN, NOT_OPERATING = Status
Reading = dict[str, Any]


class RegulatedWorld(World):
    """A service whose line counts the hours of regulated sources."""

    def _open(self) -> None:
        super()._open()
        self.line._crash = self.crash

    def crash(self, point: str) -> None:
        """What happens at a point of the line where it may be cut."""

    def hours(self, source: str) -> list[dict[str, Any]]:
        """Return the hours of a source as the API tells them."""
        [one] = self.get("/v1/regulated", source=source, period="2026", hours="true")["sources"]
        return list(one["rows"])

    def statuses(self, source: str) -> list[str]:
        return [hour["status"] for hour in self.hours(source)]

    def content(self) -> list[tuple[Any, ...]]:
        """Return everything that is counted, but for how often it changed."""
        return self.rows(
            "SELECT source, hour, status, co2e_t, live_co2e_t, inputs FROM regulated_hour ORDER BY 1, 2"
        )


@pytest.fixture
def world() -> Iterator[RegulatedWorld]:
    yield from opened()


def opened() -> Iterator[RegulatedWorld]:
    with tempfile.TemporaryDirectory(dir=MEMORY) as folder:
        made = RegulatedWorld(Path(folder), CONFIGURATION, NOON)
        yield made
        made.close()


def configured(folder: Path, source: str, more: str) -> Path:
    """Return a configuration in which a source's regulation has one more line."""
    text = (CONFIGURATION / "plant.yaml").read_text()
    of_source = f"{{rule: {source}}}"  # the stack `mrr` stands on one line
    if of_source in text:
        text = text.replace(of_source, f"{{rule: {source}, {more}}}")
    else:
        text = text.replace(f"rule: {source}\n", f"rule: {source}\n              {more}\n")
    config = folder / f"configured-{len(list(folder.iterdir()))}"
    config.mkdir()
    (config / "plant.yaml").write_text(text)
    return config


def minutes(
    hour: int, co2: float, which: Iterable[int] = range(60), flow: Iterable[int] = range(60)
) -> list[Reading]:
    """Return an hour's readings of the stack `mrr` at some of its minutes."""
    start = NOON + hour * HOUR
    return [
        *(reading("co2", start + m * MINUTE, co2, "%") for m in which),
        *(reading("flow", start + m * MINUTE, FLOW, "Nm3/h") for m in flow),
    ]


def quarters(
    hour: int,
    co2: float,
    which: Iterable[int] = (0, 15, 30, 45),
    steam: float = 50.0,
    first: float | None = None,
) -> list[Reading]:
    """Return an hour's readings of the stack `part-75`; steam says that it runs, and may be another at the hour's start."""
    start = NOON + hour * HOUR
    loads = [steam if first is None else first, *([steam] * 11)]
    return [
        *(reading("steam", start + 5 * n * MINUTE, load, "t/h") for n, load in enumerate(loads)),
        *(reading("flow-75", start + m * MINUTE, FLOW, "Nm3/h") for m in range(0, 60, 15)),
        *(reading("co2-75", start + m * MINUTE, co2, "%") for m in which),
    ]


def deliver(world: RegulatedWorld, hour: int, readings: list[Reading]) -> None:
    """Let an hour's readings arrive at its end, and time pass until the hour is counted."""
    world.now = NOON + (hour + 1) * HOUR
    if readings:
        world.send(*readings)
    world.tick(NOON + (hour + 1) * HOUR + LATENESS)


def tonnes(flow: float, percent: float) -> float:
    return flow * percent / 100 * CO2_DENSITY / 1000


# --- MRR ----------------------------------------------------------------------------------------------------------


def test_a_full_hour_is_its_mean_flow_times_its_mean_concentration(world: RegulatedWorld) -> None:
    deliver(world, 0, [*minutes(0, 10.0), *minutes(1, 10.0, [0], [0])])

    [hour] = world.hours("mrr")
    assert hour["status"] == "valid"
    assert hour["co2e_t"] == pytest.approx(tonnes(FLOW, 10.0), rel=1e-12)
    assert hour["live_co2e_t"] == pytest.approx(hour["co2e_t"], rel=1e-12)
    assert hour["inputs"]["co2"] == {"measured": 10.0, "share": 1.0, "counted": 10.0, "rule": "measured"}


def test_an_hour_is_not_counted_before_it_is_older_than_the_lateness(world: RegulatedWorld) -> None:
    world.now = NOON + HOUR
    world.send(*minutes(0, 10.0))
    world.tick(NOON + HOUR + LATENESS - SECOND)
    assert world.hours("mrr") == []

    world.tick(NOON + HOUR + LATENESS)
    assert world.statuses("mrr") == ["valid"]


def test_80_percent_of_an_hour_is_enough(world: RegulatedWorld) -> None:
    """Flow holds a value to the next one, so that readings from minute 0 to minute 48 are 48 of 60."""
    deliver(world, 0, minutes(0, 10.0, flow=range(49)))

    [hour] = world.hours("mrr")
    assert hour["inputs"]["flow"]["share"] == pytest.approx(0.8)
    # What is known stands for the whole hour.
    assert hour["inputs"]["flow"]["counted"] == pytest.approx(FLOW)
    assert (hour["status"], hour["operating_h"]) == ("valid", 1.0)


def test_79_percent_is_not_enough(world: RegulatedWorld) -> None:
    start = NOON
    flow = [reading("flow", start + m * MINUTE, FLOW, "Nm3/h") for m in range(48)]
    flow.append(reading("flow", start + 47 * MINUTE + 24 * SECOND, FLOW, "Nm3/h"))
    deliver(world, 0, [*minutes(0, 10.0, flow=()), *flow])

    [hour] = world.hours("mrr")
    assert hour["inputs"]["flow"]["share"] == pytest.approx(0.79)
    assert hour["inputs"]["flow"]["measured"] is None
    assert hour["status"] == "pending"
    assert hour["co2e_t"] is None


def test_readings_are_counted_where_the_cadence_is_known(world: RegulatedWorld) -> None:
    """The concentration's max_gap bridges anything; 47 of 60 possible readings are too few all the same, 48 enough."""
    for hour, count in ((0, 48), (1, 47), (2, 60)):
        start = NOON + hour * HOUR
        deliver(
            world,
            hour,
            [
                *(reading("plain-flow", start + m * MINUTE, FLOW, "Nm3/h") for m in range(60)),
                *(reading("counted-co2", start + m * MINUTE, 10.0 + hour, "%") for m in range(count)),
            ],
        )

    rows = [hour["inputs"]["co2"] for hour in world.hours("stated")]
    assert [one["rule"] for one in rows] == ["measured", "mrr_equation_4", "measured"]
    assert [one["share"] for one in rows] == pytest.approx([0.8, 47 / 60, 1.0])


def gap_of_three(world: RegulatedWorld) -> list[float]:
    """Let three hours of concentration be missing between others; return the valid ones' means."""
    for hour in range(7):
        deliver(world, hour, minutes(hour, 10.0 + hour, () if 2 <= hour < 5 else range(60)))
    return [row["inputs"]["co2"]["measured"] for row in world.hours("mrr") if row["status"] == "valid"]


def test_a_gap_is_pending_until_it_closes_and_then_substituted(world: RegulatedWorld) -> None:
    for hour in range(5):
        deliver(world, hour, minutes(hour, 10.0 + hour, () if hour >= 2 else range(60)))
    assert world.statuses("mrr") == ["valid", "valid", "pending", "pending", "pending"]
    assert [row["co2e_t"] is None for row in world.hours("mrr")] == [False, False, True, True, True]

    deliver(world, 5, minutes(5, 15.0))
    assert world.statuses("mrr") == ["valid"] * 2 + ["substituted"] * 3 + ["valid"]


def test_a_substituted_hour_has_the_mean_and_two_standard_deviations(world: RegulatedWorld) -> None:
    valid = gap_of_three(world)
    assert len(valid) == 4
    stand_in = statistics.fmean(valid) + 2 * statistics.stdev(valid)

    for row in world.hours("mrr")[2:5]:
        assert row["inputs"]["co2"]["counted"] == pytest.approx(stand_in, rel=1e-12)
        assert row["inputs"]["co2"]["rule"] == "mrr_equation_4"
        assert row["co2e_t"] == pytest.approx(tonnes(FLOW, stand_in), rel=1e-12)


def test_the_live_number_stays_what_it_is(world: RegulatedWorld) -> None:
    gap_of_three(world)

    live = [one["co2e_t"] for one in [world.total("mrr", from_=rfc3339(NOON + h * HOUR), to=rfc3339(NOON + (h + 1) * HOUR)) for h in range(7)]]  # fmt: skip
    assert live[3] is None
    assert [row["live_co2e_t"] for row in world.hours("mrr")] == live


def test_late_data_undoes_a_substitution(world: RegulatedWorld) -> None:
    gap_of_three(world)
    before = world.hours("mrr")

    world.send(*minutes(3, 13.0))
    after = world.hours("mrr")

    assert world.statuses("mrr") == ["valid"] * 2 + ["substituted", "valid", "substituted"] + ["valid"] * 2
    assert after[3]["inputs"]["co2"]["counted"] == pytest.approx(13.0, rel=0.01)
    # What is substituted follows the hours of the period, of which there is one more now.
    valid = [row["inputs"]["co2"]["measured"] for row in after if row["status"] == "valid"]
    stand_in = statistics.fmean(valid) + 2 * statistics.stdev(valid)
    assert after[2]["inputs"]["co2"]["counted"] == pytest.approx(stand_in, rel=1e-12)
    assert [a["revision"] - b["revision"] for a, b in zip(after, before, strict=True)][2:5] == [1, 1, 1]
    assert after[0]["revision"] == before[0]["revision"]


def test_each_year_is_substituted_from_its_own_hours(world: RegulatedWorld) -> None:
    """A gap from the last hour of a year to the first of the next, closed in the next."""
    first = (ns("2026-12-31T21:00:00+07:00") - NOON) // HOUR
    for place, co2 in enumerate((10.0, 12.0, None, None, 30.0, 32.0)):
        hour = first + place
        deliver(world, hour, minutes(hour, co2 or 0.0, () if co2 is None else range(60)))

    [one] = world.get("/v1/regulated", source="mrr", period="2027", hours="true")["sources"]
    years = world.hours("mrr"), one["rows"]
    assert [[row["status"] for row in rows] for rows in years] == [
        ["valid", "valid", "substituted"], ["substituted", "valid", "valid"],
    ]  # fmt: skip
    for rows, gap in zip(years, (2, 0), strict=True):
        valid = [row["inputs"]["co2"]["measured"] for row in rows if row["status"] == "valid"]
        stand_in = statistics.fmean(valid) + 2 * statistics.stdev(valid)
        assert rows[gap]["inputs"]["co2"]["counted"] == pytest.approx(stand_in, rel=1e-12)


def test_flow_has_no_equation_so_it_is_stated_or_stays_unknown(world: RegulatedWorld) -> None:
    for hour in range(3):
        start = NOON + hour * HOUR
        co2 = [
            reading(name, start + m * MINUTE, 10.0, "%") for name in ("co2", "counted-co2") for m in range(60)
        ]
        names = () if hour == 1 else ("flow", "plain-flow")
        flow = [reading(name, start + m * MINUTE, FLOW, "Nm3/h") for name in names for m in range(60)]
        deliver(world, hour, [*co2, *flow])

    assert world.statuses("mrr") == ["valid", "unknown", "valid"]
    assert world.statuses("stated") == ["valid", "substituted", "valid"]
    assert world.hours("mrr")[1]["co2e_t"] is None
    assert world.hours("stated")[1]["co2e_t"] == pytest.approx(tonnes(50_000.0, 10.0))


# --- part 75 ------------------------------------------------------------------------------------------------------


def test_a_missing_quadrant_loses_the_hour_unless_the_unit_did_not_run_in_it(world: RegulatedWorld) -> None:
    stopped = [one for one in quarters(2, 12.0, (0, 15, 30)) if one["channel"] != "steam"]
    stopped += [
        reading("steam", NOON + 2 * HOUR + m * MINUTE, 50.0 if m < 45 else 0.0, "t/h") for m in range(60)
    ]
    deliver(world, 0, quarters(0, 10.0))
    deliver(world, 1, quarters(1, 11.0, (0, 15, 30)))
    deliver(world, 2, stopped)
    deliver(world, 3, quarters(3, 13.0, first=0.0))

    rows = world.hours("part-75")
    assert [row["inputs"]["co2"]["rule"] for row in rows] == [
        "measured",
        "before_after",
        "measured",
        "measured",
    ]
    before, after = (rows[at]["inputs"]["co2"]["measured"] for at in (0, 2))
    assert rows[1]["inputs"]["co2"]["counted"] == pytest.approx(
        round((before + after) / 2, 1), abs=0.1 + 1e-9
    )
    assert rows[2]["operating_h"] == pytest.approx(0.75, abs=1 / 60)
    hour = rows[2]["inputs"]
    expected = tonnes(hour["flow"]["counted"] * rows[2]["operating_h"], hour["co2"]["counted"])
    assert rows[2]["co2e_t"] == pytest.approx(expected, rel=1e-12)


def test_two_readings_do_in_an_hour_of_calibration(world: RegulatedWorld) -> None:
    calibrated = [
        *quarters(0, 10.0, (0, 20)),
        reading("co2-75", NOON + 40 * MINUTE, 0.1, "%", quality="calibrating"),
    ]
    deliver(world, 0, calibrated)
    deliver(world, 1, quarters(1, 10.0, (0, 20)))

    assert [row["inputs"]["co2"]["rule"] for row in world.hours("part-75")] == ["measured", "open"]


def test_a_gap_of_three_hours_is_the_mean_of_before_and_after_once_it_closes(world: RegulatedWorld) -> None:
    for hour in range(5):
        deliver(world, hour, quarters(hour, 10.0 + 2 * (hour == 4), () if 1 <= hour < 4 else (0, 15, 30, 45)))
        if hour == 3:
            assert world.statuses("part-75") == ["valid", "pending", "pending", "pending"]

    rows = world.hours("part-75")
    assert [row["status"] for row in rows] == ["valid", "substituted", "substituted", "substituted", "valid"]
    assert [row["inputs"]["co2"]["counted"] for row in rows[1:4]] == [11.0] * 3


def test_before_the_first_valid_hour_stands_the_maximum_potential(world: RegulatedWorld) -> None:
    deliver(world, 0, quarters(0, 10.0, ()))
    deliver(world, 1, quarters(1, 10.0))

    first = world.hours("part-75")[0]["inputs"]["co2"]
    assert (first["counted"], first["rule"]) == (16.0, "potential")


def test_an_hour_in_which_the_unit_did_not_run_is_nothing_and_no_gap(world: RegulatedWorld) -> None:
    for hour in range(3):
        stands = hour == 1
        co2 = () if stands else (0, 15, 30, 45)
        first = 0.0 if hour == 2 else None
        deliver(world, hour, quarters(hour, 10.0, co2, 0.0 if stands else 50.0, first))

    rows = world.hours("part-75")
    assert [row["status"] for row in rows] == ["valid", "not_operating", "valid"]
    assert (rows[1]["operating_h"], rows[1]["co2e_t"]) == (0.0, 0.0)


def test_the_load_that_arrives_late_counts_the_hour_again(world: RegulatedWorld) -> None:
    standing = [one for one in quarters(1, 10.0, ()) if one["channel"] != "steam"]
    off = [reading("steam", NOON + HOUR + m * MINUTE, 0.0, "t/h") for m in range(0, 64, 4)]
    deliver(world, 0, [one for one in quarters(0, 10.0) if one["channel"] != "steam"])
    deliver(world, 1, standing)
    assert world.hours("part-75")[1]["operating_h"] == 1.0

    world.send(*off)

    row = world.hours("part-75")[1]
    assert (row["status"], row["operating_h"], row["co2e_t"]) == ("not_operating", 0.0, 0.0)


# --- monitors out of control, and their bias ------------------------------------------------------------------------


def stretch(begin: int, end: int, role: str = "") -> str:
    """Return a stretch out of control, from and to times after noon [ns]."""
    words = f'from: "{rfc3339(NOON + begin)}", to: "{rfc3339(NOON + end)}", reason: drift'
    return f"out_of_control: [{{{words}{f', role: {role}' if role else ''}}}]"


@pytest.mark.parametrize(
    ("begin", "end", "touched"),
    [
        (HOUR, 2 * HOUR, [1]),
        (2 * HOUR - SECOND, 2 * HOUR + SECOND, [1, 2]),
        (HOUR + MINUTE, 2 * HOUR - MINUTE, [1]),
    ],
)
def test_an_hour_that_a_stretch_out_of_control_touches_is_substituted(
    tmp_path: Path, begin: int, end: int, touched: list[int]
) -> None:
    world = RegulatedWorld(tmp_path, configured(tmp_path, "part-75", stretch(begin, end, "co2")), NOON)
    for hour in range(4):
        deliver(world, hour, quarters(hour, 10.0 + hour))
    rows = world.hours("part-75")
    world.close()

    assert [n for n, row in enumerate(rows) if row["status"] == "substituted"] == touched
    for number in touched:
        assert rows[number]["inputs"]["co2"]["rule"] == "before_after"
        assert rows[number]["inputs"]["flow"]["rule"] == "measured"


def test_a_stretch_that_becomes_known_later_holds_for_hours_that_were_counted(tmp_path: Path) -> None:
    """Without a role it is of all monitors; what they gave stays to be seen."""
    world = RegulatedWorld(tmp_path, CONFIGURATION, NOON)
    for hour in range(3):
        deliver(world, hour, minutes(hour, 10.0 + hour))
    world.close()
    world = RegulatedWorld(tmp_path, configured(tmp_path, "mrr", stretch(HOUR, 2 * HOUR)), world.now)
    for hour in range(3, 5):
        deliver(world, hour, minutes(hour, 10.0 + hour))
    rows = world.hours("mrr")
    world.close()

    assert [row["status"] for row in rows] == ["valid", "unknown", "valid", "valid", "valid"]
    inputs = rows[1]["inputs"]
    assert (inputs["co2"]["rule"], inputs["flow"]["rule"]) == ("mrr_equation_4", "nothing")
    assert inputs["co2"]["measured"] == pytest.approx(11.0, rel=0.01)


def test_a_bias_factor_multiplies_the_flow_of_valid_hours_from_its_date_on(tmp_path: Path) -> None:
    dated = ((1, 1.1), (3, 1.0))
    written = ", ".join(
        f'{{from: "{rfc3339(NOON + h * HOUR)}", factor: {f}, reason: RATA}}' for h, f in dated
    )
    world = RegulatedWorld(tmp_path, configured(tmp_path, "part-75", f"bias: [{written}]"), NOON)
    for hour in range(4):
        deliver(world, hour, quarters(hour, 10.0))
    rows = world.hours("part-75")
    world.close()

    inputs = [row["inputs"] for row in rows]
    assert [one["flow"]["measured"] for one in inputs] == pytest.approx([FLOW] * 4)
    assert [one["flow"]["counted"] for one in inputs] == pytest.approx([FLOW, FLOW * 1.1, FLOW * 1.1, FLOW])
    assert [one["co2"]["counted"] for one in inputs] == pytest.approx([10.0] * 4)
    assert rows[1]["co2e_t"] == pytest.approx(tonnes(FLOW * 1.1, 10.0), rel=1e-9)


def test_what_is_substituted_is_looked_up_among_adjusted_hours(tmp_path: Path) -> None:
    """75.31(c): the mean of the hours before, which were adjusted for bias."""
    more = f'bias: [{{from: "{rfc3339(NOON - HOUR)}", factor: 1.2, reason: RATA}}]'
    world = RegulatedWorld(tmp_path, configured(tmp_path, "part-75", more), NOON)
    for hour in range(3):
        given = quarters(hour, 10.0)
        deliver(world, hour, [one for one in given if hour != 1 or one["channel"] != "flow-75"])
    flow = world.hours("part-75")[1]["inputs"]["flow"]
    world.close()

    assert (flow["measured"], flow["rule"]) == (None, "mean")
    assert flow["counted"] == pytest.approx(FLOW * 1.2)


# --- whatever the order -------------------------------------------------------------------------------------------


def messages() -> list[list[Reading]]:
    """Return six hours of two stacks with gaps, as messages of ten readings."""
    every: list[Reading] = []
    for hour in range(6):
        every += minutes(hour, 10.0 + hour, range(0, 60, 1 + (hour == 2)), () if hour == 3 else range(60))
        every += quarters(
            hour, 9.0 + hour, (0, 15) if hour in {2, 3} else (0, 15, 30, 45), 50.0 * (hour != 4)
        )
    return [every[i : i + 10] for i in range(0, len(every), 10)]


@pytest.mark.parametrize("seed", range(4))
def test_the_hours_are_the_same_whatever_the_order_of_arrival(seed: int) -> None:
    shuffled = messages()
    chance = random.Random(seed)
    chance.shuffle(shuffled)
    ends = []
    for order, batches in ((messages(), 1), (shuffled, 7), (messages(), 0)):
        for world in opened():
            if batches:
                for number, message in enumerate(order):
                    # Hours are counted and counted again while readings still come.
                    world.now = NOON + 6 * HOUR + (number % batches) * MINUTE
                    world.send(*message)
            else:  # all at once
                world.now = NOON + 6 * HOUR
                world.publish(*({"readings": message} for message in order))
            if seed % 2:
                world.restart()
            world.tick(NOON + 6 * HOUR + LATENESS)
            world.tick(world.now + SECOND)
            assert first_broken(world.state.connection) is None
            ends.append([row[1:] for row in world.content()])
    assert ends[0] == ends[2]
    assert ends[0] == ends[1]
    assert len({row[1] for row in ends[0]}) > 2  # several kinds of hours are in it


# --- restarts, and the history ------------------------------------------------------------------------------------


class Cut(Exception):
    pass


def test_a_transaction_that_fails_leaves_nothing_and_is_made_up_for(world: RegulatedWorld) -> None:
    gap_of_three(world)
    before = world.content()
    world.crash = cut  # type: ignore[method-assign]
    world.restart()
    with pytest.raises(Cut):
        world.send(*minutes(3, 13.0))
    assert world.content() == before

    del world.crash
    world.restart()
    world.tick(world.now + SECOND)
    assert world.statuses("mrr")[3] == "valid"
    assert first_broken(world.state.connection) is None


def cut(point: str) -> None:
    if point == "line_before_commit":
        raise Cut


def test_the_history_is_append_only_and_breaks_where_it_is_changed(world: RegulatedWorld) -> None:
    gap_of_three(world)
    connection = world.state.connection
    assert first_broken(connection) is None
    with pytest.raises(Exception, match="append-only"):
        connection.execute("UPDATE regulated_ledger SET actor = 'me' WHERE id = 2")

    connection.execute("DROP TRIGGER regulated_ledger_is_append_only_1")
    connection.execute("UPDATE regulated_ledger SET actor = 'me' WHERE id = 2")
    assert first_broken(connection) == 2
    connection.execute("UPDATE regulated_ledger SET actor = 'line' WHERE id = 2")
    assert first_broken(connection) is None


def test_what_is_counted_again_without_a_change_makes_no_revision(world: RegulatedWorld) -> None:
    gap_of_three(world)
    count = world.rows("SELECT count(*), sum(length(changes)) FROM regulated_ledger")
    world.send(*minutes(1, 11.0))
    assert world.rows("SELECT count(*), sum(length(changes)) FROM regulated_ledger") == count


def test_a_service_that_was_away_counts_the_hours_that_passed(world: RegulatedWorld) -> None:
    world.now = NOON + 30 * HOUR
    world.send(*(one for hour in range(3) for one in minutes(hour, 10.0)))
    world.tick(NOON + 40 * DAY)
    world.tick(world.now)  # a month of hours is counted at once

    statuses = world.statuses("mrr")
    assert len(statuses) == 40 * 24 - 1  # the last one is not older than the lateness
    assert statuses[:3] == ["valid"] * 3
    assert set(statuses[3:]) == {"pending"}


# --- what the API sums --------------------------------------------------------------------------------------------


def test_the_api_sums_both_numbers_over_the_same_hours(world: RegulatedWorld) -> None:
    gap_of_three(world)
    world.tick(NOON + 8 * HOUR + LATENESS)  # an hour without readings: pending

    body = world.get("/v1/regulated", source="mrr", period="2026-03")
    [one] = body["sources"]
    rows = world.hours("mrr")
    known = [row for row in rows if row["co2e_t"] is not None]

    assert one["rows"] is None
    counts = {
        name: one[name] for name in ("hours", "valid", "substituted", "pending", "unknown", "not_operating")
    }
    assert counts == {
        "hours": 8, "valid": 4, "substituted": 3, "pending": 1, "unknown": 0, "not_operating": 0,
    }  # fmt: skip
    assert one["inputs"]["co2"]["by_rule"] == {"measured": 4, "open": 1, "mrr_equation_4": 3}
    assert one["inputs"]["co2"]["availability"] == 50.0
    assert one["co2e_t"] == pytest.approx(math.fsum(row["co2e_t"] for row in known))
    assert one["live_co2e_t"] == pytest.approx(math.fsum(row["live_co2e_t"] or 0 for row in known))
    assert one["co2e_t"] - one["live_co2e_t"] > 0


def in_us_units(hour: int, flow: float, co2: float | None = None, o2: float | None = None) -> list[Reading]:
    """Return an hour's readings of the stack in US units, each value constant over the hour."""
    start = NOON + hour * HOUR
    given = {"flow-us": (flow, "scf@68F/h"), "co2-us": (co2, "%"), "o2-us": (o2, "%"), "h2o-us": (8.04, "%")}
    return [
        reading(name, start + m * MINUTE, value, unit)
        for name, (value, unit) in given.items()
        for m in range(0, 60, 5)
        if value is not None
    ]


def test_solid_b5_what_a_report_has_is_of_all_co2_and_of_rounded_inputs(world: RegulatedWorld) -> None:
    """12.04 % is 12.0 and 10,000,499 scfh is 10,000,000: 68.4 short tons, of which the ledger has a fifth as biogenic."""
    deliver(world, 0, [*in_us_units(0, 10_000_499.0, 12.04), *in_us_units(1, 10_000_499.0, 12.04)[:13]])

    [one] = world.get("/v1/regulated", source="report", period="2026-03", hours="true")["sources"]
    [row] = one["rows"]
    assert row["inputs"]["co2"]["counted"] == pytest.approx(12.04)
    assert row["co2e_t"] == pytest.approx(0.8 * 5.7e-7 * 12.04 * 10_000_499 * 0.90718474)
    assert (row["reported_short_tons_per_h"], one["reported_short_tons"]) == (68.4, 68.4)


def test_solid_b5_a_unit_that_stands_in_air_emits_nothing_and_its_hour_is_valid(
    world: RegulatedWorld,
) -> None:
    """Dry air has 20.95 % O2, more than the 20.9 of the rule: F-14a gives less than nothing, and a report has 0."""
    for hour in range(3):
        deliver(world, hour, in_us_units(hour, 5_000_000.0, o2=20.95 if hour < 2 else 3.0))

    rows = world.hours("by-o2")
    assert (rows[0]["status"], rows[0]["co2e_t"]) == ("valid", 0.0)
    # 10.2 % CO2 by F-14a, then 5.7e-7 * 10.2 * 5,000,000 * (100 - 8.0) / 100
    assert [rows[at]["reported_short_tons_per_h"] for at in (0, 2)] == [0.0, 26.7]
    assert world.total("by-o2", from_=rfc3339(NOON), to=rfc3339(NOON + HOUR // 2))["co2e_t"] == 0.0


def test_solid_b5_what_stands_for_o2_is_its_minimum(world: RegulatedWorld) -> None:
    """Less O2 is more CO2: before the first valid hour the least potential one stands, and not the most."""
    deliver(world, 0, in_us_units(0, 5_000_000.0))
    deliver(world, 1, in_us_units(1, 5_000_000.0, o2=6.0))
    deliver(world, 2, in_us_units(2, 5_000_000.0, o2=6.0))

    o2 = world.hours("by-o2")[0]["inputs"]["o2"]
    assert (o2["rule"], o2["counted"]) == ("potential", 2.0)


def test_a_report_has_si_inputs_in_us_units(world: RegulatedWorld) -> None:
    """100,000 Nm3/h are 3,790,070 scfh; each rate is rounded to 0.1, and the hours' sum too."""
    for hour in range(4):
        deliver(world, hour, quarters(hour, 9.0 + hour, first=0.0 if hour == 2 else None))

    [one] = world.get("/v1/regulated", source="part-75", period="2026-03", hours="true")["sources"]
    rows = [row for row in one["rows"] if row["operating_h"] > 0]
    made = [5.7e-7 * round(row["inputs"]["co2"]["counted"] + 1e-9, 1) * 3_790_000 for row in rows]
    assert len(rows) >= 3
    assert [row["reported_short_tons_per_h"] for row in rows] == [round(rate, 1) for rate in made]
    total = sum(round(rate, 1) * round(row["operating_h"], 2) for rate, row in zip(made, rows, strict=True))
    assert one["reported_short_tons"] == pytest.approx(round(total, 1), rel=1e-12)
    assert one["co2e_t"] == pytest.approx(math.fsum(row["co2e_t"] for row in rows), rel=1e-12)


def test_solid_b5_the_difference_is_of_hours_that_both_numbers_know(world: RegulatedWorld) -> None:
    """Of the hours without concentration the live number knows nothing: what stands for them is no difference."""
    gap_of_three(world)

    [one] = world.get("/v1/regulated", source="mrr", period="2026-03")["sources"]
    rows = world.hours("mrr")
    both = [row for row in rows if None not in (row["co2e_t"], row["live_co2e_t"])]
    assert len(both) < len(rows)
    assert one["compared"] == len(both)
    difference = math.fsum(row["co2e_t"] - row["live_co2e_t"] for row in both)
    assert one["difference_t"] == pytest.approx(difference, rel=1e-9)
    assert abs(one["difference_t"]) < 0.1 * abs(one["co2e_t"] - one["live_co2e_t"])


def test_another_rule_has_no_rounding_of_epa(world: RegulatedWorld) -> None:
    deliver(world, 0, [*minutes(0, 10.0), *minutes(1, 10.0, [0], [0])])

    [one] = world.get("/v1/regulated", source="mrr", period="2026-03", hours="true")["sources"]
    assert (one["reported_short_tons"], one["rows"][0]["reported_short_tons_per_h"]) == (None, None)


def test_nothing_known_is_null(world: RegulatedWorld) -> None:
    [one] = world.get("/v1/regulated", source="mrr")["sources"]
    assert (one["hours"], one["co2e_t"], one["live_co2e_t"], one["difference_t"]) == (0, None, None, None)
    assert one["inputs"]["co2"] == {"availability": None, "by_rule": {}}


def test_an_hour_of_the_state_reads_back_as_it_was_counted(world: RegulatedWorld) -> None:
    gap_of_three(world)
    with world.reader.snapshot() as state:
        source = next(one for one in world.plant.sources if one.name == "mrr")
        inputs: list[HourInputs] = state.regulated(source.index, NOON, NOON + 3 * HOUR).unpacked()
    assert [one.roles["co2"].rule for one in inputs] == [Rule.MEASURED, Rule.MEASURED, Rule.MRR_EQUATION_4]
    assert math.isnan(inputs[2].roles["co2"].measured)
