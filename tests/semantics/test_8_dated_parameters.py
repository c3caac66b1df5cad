"""Parameters have dates as factors have; what changed without one is kept for the past, told, and applied by restating."""

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from plant.configuration.load import load
from plant.documents.problems import ConfigurationError
from proof.restate import restate
from proof.restate.report import Report
from proof.restate.request import Request
from proof.verify.verify import verify
from rules.catalogue import load_catalogue
from stackmeter.cli import app
from tests.semantics.world import DAY, HOUR, MINUTE, NOON, World, reading, rfc3339

PLANT = """\
parks:
  - name: park-a
    title: Park A
    zone: Asia/Ho_Chi_Minh
    facilities:
      - name: works
        title: Works
        gateways: [{name: gw}]
        channels:
          - {name: coal, gateway: gw, kind: event, unit: t, quantity: coal, max: 100}
          - {name: husk, gateway: gw, kind: event, unit: t, quantity: husk, max: 100}
          - {name: power, gateway: gw, kind: rate, unit: kW, quantity: electricity, max: 1000, max_gap: 10min}
        sources:
          - {name: boiler, METHOD}
          - {name: grid, method: electricity-location, inputs: {energy: power}, factor: own-grid}
"""
OWN = """\
zone: Asia/Ho_Chi_Minh
factors:
  - name: own-grid
    title: Own grid
    basis: electricity
    units: {co2: kg/kWh}
    rows:
      - {valid_from: 2020-01-01, values: {co2: GRID}, source: letter, evidence: letter}
MORE"""
FUEL = "method: fuel-mass-own-ncv, inputs: {mass: coal}, factor: vn-2626-anthracite, parameters: {ncv: NCV}"
PER_GJ = (98.3 + 28 * 0.01 + 265 * 0.0015) / 1000  # t, anthracite in manufacturing
DAY_BEFORE = NOON - DAY


def written(
    folder: Path, ncv: Any = "36", *, method: str = FUEL, grid: float = 0.5, more: str = "", gwp: str = ""
) -> Path:
    """Write a configuration and return its folder."""
    folder.mkdir(exist_ok=True)
    settings = f"settings: {{gwp: {gwp}}}\n" if gwp else ""
    (folder / "plant.yaml").write_text(settings + PLANT.replace("METHOD", method.replace("NCV", str(ncv))))
    rows = OWN.replace("GRID", str(grid)).replace("MORE", more)
    (folder / "factors.yaml").write_text(rows)
    return folder


@pytest.fixture
def start(tmp_path: Path):
    """Give what starts a service with a value of ncv."""
    made = []

    def start(ncv: Any = "36", **more: Any) -> World:
        made.append(World(tmp_path, written(tmp_path / "config", ncv, **more), now=NOON))
        return made[-1]

    yield start
    for world in made:
        world.close()


def coal(world: World, time: int, tonnes: float) -> None:
    world.send(reading("coal", time, tonnes, "t"))


def day(world: World, source: str = "boiler", period: str = "2026-03-09") -> float:
    return float(world.total(source, period=period)["co2e_t"])


def told(world: World) -> list[str]:
    return [*world.line.undated.kept, *world.line.undated.news]


# --- what is written ---------------------------------------------------------------------------------------------------


def test_solid_b6_a_row_holds_from_its_date_on(start) -> None:
    """By the park's clock; from a time with zone, to the window."""
    world = start(
        "[{value: 30}, {value: 36, valid_from: 2026-03-09}, {value: 40, valid_from: '2026-03-09T12:00:30+07:00'}]"
    )
    midnight = NOON - DAY - 12 * HOUR
    for time in (midnight - MINUTE, midnight, NOON - DAY, NOON - DAY + MINUTE):
        coal(world, time, 1.0)

    found = [world.windows("boiler", time, time + MINUTE)[0][0] for time in (midnight - MINUTE, midnight, NOON - DAY, NOON - DAY + MINUTE)]  # fmt: skip
    assert found == pytest.approx([ncv * PER_GJ for ncv in (30, 36, 36, 40)], rel=1e-12)


def test_solid_b6_before_the_first_row_nothing_is_known(start) -> None:
    world = start("[{value: 36, valid_from: 2026-03-09}]")
    coal(world, NOON - 2 * DAY, 1.0)
    coal(world, NOON - DAY, 1.0)

    assert world.windows("boiler", NOON - 2 * DAY, NOON - 2 * DAY + MINUTE) == [(None, 0.0)]
    assert day(world) == pytest.approx(36 * PER_GJ)


def test_solid_b6_a_parameter_with_a_default_has_it_before_its_first_row(start) -> None:
    method = "method: fuel-mass-mixed, inputs: {mass: coal}, factor: vn-2626-anthracite, parameters: {ncv: 36, biogenic_share: 0, oxidation: NCV}"  # fmt: skip
    world = start("[{value: 90, valid_from: 2026-03-09}]", method=method)
    coal(world, NOON - 2 * DAY, 1.0)
    coal(world, NOON - DAY, 1.0)

    found = [world.total("boiler", period=period)["co2_kg"] for period in ("2026-03-08", "2026-03-09")]
    assert found == pytest.approx([36 * 98.3, 36 * 98.3 * 0.9])


@pytest.mark.parametrize(
    ("rows", "path", "message"),
    [
        ("many", "", "is a number, or rows with dates such as"),
        ("[]", "", "has 0 rows"),
        ("[36]", "[0]", "is a number and its date"),
        ("[{value: 36, from: 2026-01-01}]", "[0].from", "unknown key"),
        ("[{value: 36, valid_form: 2026-01-01}]", "[0].valid_form", "unknown key (did you mean valid_from?)"),
        ("[{valid_from: 2026-01-01}]", "[0].value", "is required"),
        ("[{value: x}]", "[0].value", "is a number"),
        ("[{value: 36}, {value: 40}]", "[1].valid_from", "is required: only the first row may hold since ever"),
        ("[{value: 36, valid_from: 2026-02-30}]", "[0].valid_from", "is a day like 2026-03-01"),
        ("[{value: 36, valid_from: '2026-03-01T00:00:00'}]", "[0].valid_from", "is a day like 2026-03-01"),
        ("[{value: 36, valid_from: 2026-03-02}, {value: 40, valid_from: 2026-03-01}]", "[1].valid_from", "dates ascend"),
        ("[{value: 36, valid_from: 2026-03-01}, {value: 40, valid_from: '2026-02-28T17:00:00Z'}]", "[1].valid_from", "dates ascend"),
    ],
)  # fmt: skip
def test_solid_b6_mistakes_of_rows_are_named(tmp_path: Path, rows: str, path: str, message: str) -> None:
    config = written(tmp_path / "config", rows)

    with pytest.raises(ConfigurationError) as caught:
        load(config, load_catalogue(config), {})

    [problem] = caught.value.problems
    assert problem.path == f"parks[0].facilities[0].sources[0].parameters.ncv{path}"
    assert message in problem.message


def test_solid_b6_each_row_is_looked_at(tmp_path: Path) -> None:
    config = written(tmp_path / "config", "[{value: 36}, {value: 6000, valid_from: 2026-03-01}]")

    result = CliRunner().invoke(app, ["check", str(config)])

    [warning] = [line for line in result.stdout.splitlines() if line.startswith("warning: ")]
    assert "parameters.ncv[1].value: 6000 looks like kcal/kg" in warning


# --- what changed without a date ---------------------------------------------------------------------------------------


def test_solid_b6_a_late_reading_applies_no_other_number_to_the_past(start, tmp_path: Path) -> None:
    world = start("36")
    coal(world, DAY_BEFORE, 1.0)
    assert day(world) == pytest.approx(36 * PER_GJ)

    world.restart(written(tmp_path / "config", "40"))
    coal(world, DAY_BEFORE + 10, 1.0)  # late, and in the very window
    coal(world, DAY_BEFORE + HOUR, 1.0)  # late, in another one
    world.now += MINUTE
    coal(world, world.now, 1.0)

    assert day(world) == pytest.approx(3 * 36 * PER_GJ, rel=1e-12)
    assert day(world, period="2026-03-10") == pytest.approx(40 * PER_GJ, rel=1e-12)
    [one] = told(world)
    assert one.startswith(
        "park-a/works/boiler: ncv is 40 GJ/t and was 36 GJ/t, without a date: 1 windows with 3.56"
    )
    assert "before 2026-03-10T12:00:00+07:00 keep 36, about 3.95" in one
    assert one == world.line.troubles()[0]


def test_solid_b6_it_stays_so_over_further_starts_and_is_proven(start, tmp_path: Path) -> None:
    world = start("36")
    coal(world, DAY_BEFORE, 1.0)
    for number in (40, 41):
        world.now += DAY
        world.restart(written(tmp_path / "config", number))
        coal(world, world.now, 1.0)
        world.restart()
    coal(world, DAY_BEFORE + HOUR, 1.0)
    coal(world, NOON + DAY + HOUR, 1.0)

    days = [day(world, period=f"2026-03-{number:02}") for number in (9, 11, 12)]
    assert days == pytest.approx([2 * 36 * PER_GJ, 2 * 40 * PER_GJ, 41 * PER_GJ])
    assert len(told(world)) == 2
    report = verify(world.plant, world.catalogue, world.folder)
    assert report.proven, report.findings
    assert not report.counts


def test_solid_b6_that_time_as_its_date_settles_it(start, tmp_path: Path) -> None:
    """The message names the instant, and the configuration takes it as it stands there."""
    world = start("36")
    coal(world, DAY_BEFORE, 1.0)
    world.restart(written(tmp_path / "config", "40"))
    assert told(world)

    world.restart(
        written(tmp_path / "config", "[{value: 36}, {value: 40, valid_from: '2026-03-10T12:00:00+07:00'}]")
    )

    assert told(world) == []
    coal(world, DAY_BEFORE + HOUR, 1.0)
    assert day(world) == pytest.approx(2 * 36 * PER_GJ)


def test_solid_b6_a_date_in_the_past_holds_from_then_and_is_told(start, tmp_path: Path) -> None:
    world = start("36")
    for back in (2, 1):
        coal(world, NOON - back * DAY, 1.0)

    world.restart(written(tmp_path / "config", "[{value: 36}, {value: 40, valid_from: 2026-03-09}]"))
    [one] = told(world)
    assert one.startswith(
        "park-a/works/boiler: ncv 40 takes over from 36 on its date, 2026-03-09T00:00:00+07:00: 1 windows"
    )
    assert day(world) == pytest.approx(36 * PER_GJ)  # published, and nothing has touched it
    for back in (2, 1):
        coal(world, NOON - back * DAY + HOUR, 1.0)

    assert day(world, period="2026-03-08") == pytest.approx(2 * 36 * PER_GJ)
    assert day(world) == pytest.approx((36 + 40) * PER_GJ)
    world.restart()
    assert told(world) == []
    assert verify(world.plant, world.catalogue, world.folder).counts == {("recomputed", "configuration"): 1}
    again(world, "2026-03", "2026-03")


def again(world: World, first: str, last: str) -> Report:
    """Publish months again by what is configured."""
    world._shut()
    request = Request(world.config, world.folder, first, last)
    report = restate.publish(request, world.plant, "lan", lambda: world.now, lambda _done, _all: None)
    world._open()
    return report


def test_solid_b6_restating_applies_it_to_the_past_for_good(start, tmp_path: Path) -> None:
    world = start("36")
    coal(world, NOON - 30 * DAY, 1.0)
    coal(world, DAY_BEFORE, 1.0)
    world.restart(written(tmp_path / "config", "40"))

    report = again(world, "2026-03", "2026-03")
    assert report.windows == 1
    assert day(world) == pytest.approx(40 * PER_GJ)
    assert day(world, period="2026-02-08") == pytest.approx(36 * PER_GJ)
    coal(world, DAY_BEFORE + HOUR, 1.0)
    coal(world, NOON - 30 * DAY + HOUR, 1.0)
    assert day(world) == pytest.approx(2 * 40 * PER_GJ)
    assert day(world, period="2026-02-08") == pytest.approx(2 * 36 * PER_GJ)
    [left] = told(world)
    assert "before 2026-03-01T00:00:00+07:00 keep 36" in left

    again(world, "2026-02", "2026-02")
    assert told(world) == []
    assert day(world, period="2026-02-08") == pytest.approx(2 * 40 * PER_GJ)


def test_solid_b6_nothing_published_nothing_kept(start, tmp_path: Path) -> None:
    world = start("36")
    world.restart(written(tmp_path / "config", "40"))
    coal(world, DAY_BEFORE, 1.0)

    assert told(world) == []
    assert day(world) == pytest.approx(40 * PER_GJ)


# --- the siblings: factor, GWP set, method, inputs ---------------------------------------------------------------------


def power(world: World, start: int) -> None:
    world.send(reading("power", start, 60.0, "kW"), reading("power", start + MINUTE, 60.0, "kW"))


def test_solid_b6_a_changed_row_of_a_factor_is_kept_too(start, tmp_path: Path) -> None:
    world = start(grid=0.5)
    power(world, DAY_BEFORE)
    world.restart(written(tmp_path / "config", grid=0.7))
    power(world, DAY_BEFORE + HOUR)
    world.now += HOUR
    power(world, world.now - 10 * MINUTE)

    assert day(world, "grid") == pytest.approx(2 * 0.5 / 1000)
    assert day(world, "grid", "2026-03-10") == pytest.approx(0.7 / 1000)
    [one] = told(world)
    assert (
        "park-a/works/grid: factor is own-grid/2020 (co2 0.7) and was own-grid/2020 (co2 0.5), without a date"
        in one
    )
    window = explained(world, "grid", DAY_BEFORE)
    assert window["recomputed"]["same_bits"] is True
    assert (window["factor"]["name"], window["factor"]["row"], window["factor"]["values"][0]["value"]) == ("own-grid", "own-grid/2020", 0.5)  # fmt: skip


def test_solid_b6_a_new_row_of_a_factor_has_its_date(start, tmp_path: Path) -> None:
    world = start(grid=0.5)
    power(world, DAY_BEFORE)
    more = "      - {valid_from: 2026-03-09, values: {co2: 0.7}, source: letter, evidence: letter}\n"
    config = written(tmp_path / "config", grid=0.5, more=more)
    rows = (config / "factors.yaml").read_text()
    (config / "factors.yaml").write_text(
        rows.replace("valid_from: 2020-01-01,", "valid_from: 2020-01-01, valid_to: 2026-03-09,")
    )
    world.restart(config)
    power(world, DAY_BEFORE + HOUR)

    assert day(world, "grid") == pytest.approx((0.5 + 0.7) / 1000)
    assert [one for one in told(world) if "on its date" in one]
    again(world, "2026-03", "2026-03")


def test_solid_b6_another_set_of_potentials_is_kept_too(start, tmp_path: Path) -> None:
    world = start()
    coal(world, DAY_BEFORE, 1.0)
    world.restart(written(tmp_path / "config", gwp="AR4"))
    coal(world, DAY_BEFORE + HOUR, 1.0)

    assert day(world) == pytest.approx(2 * 36 * PER_GJ)
    assert any("gwp is AR4" in one and "was AR5" in one for one in told(world))
    assert explained(world, "boiler", DAY_BEFORE)["gwp"]["name"] == "AR5"


def test_solid_b6_another_method_of_the_same_input_is_kept_too(start, tmp_path: Path) -> None:
    world = start()
    coal(world, DAY_BEFORE, 1.0)
    mixed = "method: fuel-mass-mixed, inputs: {mass: coal}, factor: vn-2626-anthracite, parameters: {ncv: 36, biogenic_share: 50}"
    world.restart(written(tmp_path / "config", method=mixed))
    coal(world, DAY_BEFORE + HOUR, 1.0)
    world.now += MINUTE
    coal(world, world.now, 1.0)

    assert world.total("boiler", period="2026-03-09")["co2_kg"] == pytest.approx(2 * 36 * 98.3)
    assert world.total("boiler", period="2026-03-10")["co2_kg"] == pytest.approx(36 * 98.3 / 2)
    assert any("method is fuel-mass-mixed and was fuel-mass-own-ncv" in one for one in told(world))


def test_solid_b6_other_inputs_cannot_be_kept_and_are_named(start, tmp_path: Path) -> None:
    world = start()
    coal(world, DAY_BEFORE, 1.0)
    other = FUEL.replace("mass: coal", "mass: husk")
    world.restart(written(tmp_path / "config", method=other))

    [one] = told(world)
    assert one.startswith(
        "park-a/works/boiler takes its amounts otherwise than before, and that has no date: 1 windows"
    )
    world.restart()
    assert told(world) == []
    again(world, "2026-03", "2026-03")


# --- where it is told --------------------------------------------------------------------------------------------------


def explained(world: World, source: str, at: int) -> Any:
    body = world.get("/v1/explain", park="park-a", facility="works", source=source, at=rfc3339(at))
    return body["window"]


def test_solid_b6_explain_tells_each_parameter_since_when(start, tmp_path: Path) -> None:
    world = start("[{value: 36}, {value: 38, valid_from: 2026-03-01}]")
    coal(world, DAY_BEFORE, 1.0)
    coal(world, NOON - 20 * DAY, 1.0)
    world.restart(written(tmp_path / "config", "[{value: 36}, {value: 39, valid_from: 2026-03-01}]"))
    world.now += MINUTE
    coal(world, world.now, 1.0)
    world.now += 2 * MINUTE

    def parameter(at: int) -> tuple[float, str, str | None]:
        window = explained(world, "boiler", at)
        assert window["recomputed"]["same_bits"] is True
        [one] = window["parameters"]
        return one["value"], one["unit"], one["since"]

    assert parameter(NOON - 20 * DAY) == (36, "GJ/t", None)
    assert parameter(DAY_BEFORE) == (38, "GJ/t", "2026-02-28T17:00:00Z")
    assert parameter(NOON + MINUTE) == (39, "GJ/t", "2026-03-10T05:00:00Z")


def test_solid_b6_totals_tell_their_parameters_with_dates(start, tmp_path: Path) -> None:
    world = start("[{value: 36}, {value: 38, valid_from: 2026-03-09}]")
    coal(world, NOON - 2 * DAY, 1.0)
    coal(world, DAY_BEFORE, 1.0)
    world.restart(written(tmp_path / "config", "[{value: 36}, {value: 39, valid_from: 2026-03-09}]"))

    def told_in(period: str, level: str = "all") -> list[tuple[float, str | None, str | None]]:
        [total] = world.get("/v1/totals", level=level, period=period, with_="factors")["totals"]
        assert {(one["source"], one["name"], one["unit"]) for one in total["parameters"]} <= {
            ("park-a/works/boiler", "ncv", "GJ/t")
        }
        return [(one["value"], one["since"], one["until"]) for one in total["parameters"]]

    midnight, noon = "2026-03-08T17:00:00Z", "2026-03-10T05:00:00Z"
    assert told_in("2026-03-08") == [(36, None, midnight)]
    assert told_in("2026-03-09", "facility") == [(38, midnight, noon)]
    assert told_in("2026-03-10", "park") == [(38, midnight, noon), (39, noon, None)]
    assert told_in("2026-03") == [(36, None, midnight), (38, midnight, noon), (39, noon, None)]
    assert "parameters" not in world.get("/v1/totals", period="2026-03")["totals"][0]


def test_solid_b6_check_tells_it_before_the_start(start, tmp_path: Path) -> None:
    world = start("36")
    coal(world, DAY_BEFORE, 1.0)
    config = written(tmp_path / "config", "40")

    def check(*more: str) -> Any:
        return CliRunner().invoke(
            app, ["check", str(config), "--state", str(tmp_path), *more], env={"COLUMNS": "200"}
        )

    result = check()
    assert result.exit_code == 0, result.output
    [warning] = [line for line in result.stdout.splitlines() if line.startswith("warning: ")]
    assert "boiler: ncv is 40 GJ/t and was 36 GJ/t, without a date: 1 windows with 3.56" in warning
    assert "until it is loaded keep 36, about 3.95" in warning
    assert json.loads(check("--json").stdout)["undated"] == [warning.removeprefix("warning: ")]
    result = CliRunner().invoke(app, ["check", str(config), "--state", str(config)])
    assert (result.exit_code, result.stdout) == (65, "")
    assert "holds no state that can be read" in result.stderr


def test_solid_b6_what_a_state_remembers_can_be_broken_and_stops_nothing(start) -> None:
    world = start("36")
    coal(world, DAY_BEFORE, 1.0)
    world.is_rebuilt = False  # no step says what somebody broke
    world.state.connection.execute("UPDATE term SET content = '[' WHERE id = 1")
    world.state.connection.execute("UPDATE source_term SET kept = 99 WHERE source = 2")
    world.restart()

    assert any("cannot be read" in one for one in told(world))
    coal(world, DAY_BEFORE + HOUR, 1.0)
    assert day(world) == pytest.approx(2 * 36 * PER_GJ)
    assert json.loads(world.ask("/v1/explain", park="park-a", facility="works").text)
