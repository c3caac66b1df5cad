"""Restate: the past under another factor, configuration or method, by the same kernels, with a revision per window."""

import shutil
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner

from plant.configuration.environments import AnySecret
from plant.configuration.load import load
from plant.park import Plant
from proof.rebuild import Rebuild, differences
from proof.restate import restate as work
from proof.restate.report import Report
from proof.restate.request import Request
from proof.works import Configured
from rules.catalogue import load_catalogue
from stackmeter.cli import app
from store import blocks
from store.access_log import AccessLog
from store.folder import Folder
from tests.semantics.world import CONFIGURATION, DAY, HOUR, MINUTE, NOON, World, reading

LATER = NOON + 40 * DAY


@pytest.fixture
def config(tmp_path: Path) -> Path:
    """A copy of the plant in which every kind of channel occurs."""
    return Path(shutil.copytree(CONFIGURATION, tmp_path / "config"))


@pytest.fixture
def world(tmp_path: Path, config: Path) -> World:
    """Two hours of readings of many kinds, with a gap, an event and a late message, published under the first factors."""
    (tmp_path / "state").mkdir()
    made = World(tmp_path / "state", config, now=NOON + 3 * HOUR)
    for minute in range(0, 121, 10):
        at = NOON + minute * MINUTE
        made.send(
            reading("reg", at, 100.0 + minute),
            reading("held", at, 30.0, "kW"),
            gateway="gw",
            boot="b",
            seq=minute // 10 + 1,
        )
        if minute not in (50, 60):
            made.send(reading("flow", at, 900.0, "Nm3/h"), reading("co2", at, 8.0, "%"))
            made.send(reading("contract", at, 12.0, "kW"), reading("gas", at, 40.0, "Nm3/h"), gateway="gw2")
    made.send(reading("diesel", NOON + 3 * MINUTE, 20.0, "L"), gateway="gw", boot="b", seq=14)
    made.tick(LATER)
    made.close()
    return made


def plant_of(config: Path) -> Plant:
    return load(config, load_catalogue(config), AnySecret())


def change_contract(config: Path, factor: str = "0.25") -> None:
    [path] = config.glob("*factors.yaml")
    path.write_text(path.read_text().replace("co2e: 0.5", f"co2e: {factor}"))


def request_of(world: World, **only: str) -> Request:
    return Request(world.config, world.folder, "2026-03", "2026-03", **only)


def looked(world: World, **only: str) -> Report:
    return work.dry_run(request_of(world, **only), plant_of(world.config), lambda *_: None)


def published(world: World, by: str = "lan", **only: str) -> Report:
    return work.publish(request_of(world, **only), plant_of(world.config), by, lambda: LATER, lambda *_: None)


def rows(world: World, query: str) -> list[tuple[Any, ...]]:
    with sqlite3.connect(world.folder / "state.db") as connection:
        return connection.execute(query).fetchall()


def test_under_the_same_configuration_nothing_changes(world):
    """The line, reading by reading, and the restatement, a month at once, agree in every bit of every window."""
    assert looked(world).windows == 0


def test_a_dry_run_tells_the_change_and_writes_nothing(world, config):
    before = (world.folder / "state.db").read_bytes()
    change_contract(config)

    report = looked(world)

    [delta] = report.deltas.values()
    kwh = 12.0 * 2 - 12.0 * 30 / 60  # a gap of half an hour, longer than the channel may have
    assert (delta.source, delta.month, delta.held) == ("contract", "2026-03", False)
    assert delta.reported_t == pytest.approx(0.5 * kwh / 1000)
    assert delta.delta_t == pytest.approx(-0.25 * kwh / 1000)
    assert (world.folder / "state.db").read_bytes() == before


def test_f098_publishing_a_factor_of_the_past_gives_a_revision_per_window_and_a_row_of_the_ledger(
    world, config
):
    change_contract(config)

    report = published(world)

    [(revisions, windows)] = rows(
        world,
        "SELECT max(revision), count(*) FROM emission JOIN source ON id = source WHERE name = 'contract'",
    )
    assert revisions == 2
    assert rows(world, "SELECT cause, actor, configuration FROM ledger ORDER BY id DESC LIMIT 1") == [
        ("restatement", "lan", plant_of(config).hash)
    ]
    assert report.windows > windows > 0
    assert looked(world).windows == 0


def test_sd04_a_restatement_is_recorded_before_and_after_with_whose_tonnes_were_changed(world, config):
    change_contract(config)
    before = plant_of(CONFIGURATION).hash

    report = published(world, facility="works", source="contract")

    log = AccessLog(world.folder / "keys.sqlite")
    done, begun = [row.entry for row in log.rows()]
    [delta] = report.deltas.values()
    assert (begun.what, begun.about) == ("restate.begun", "2026-03 to 2026-03 of works/contract")
    assert (begun.old, begun.new) == (
        f"configuration {before}",
        f"configuration {plant_of(config).hash}, by lan",
    )
    assert (done.what, done.about, done.origin) == ("restate.done", begun.about, "command line")
    assert done.old == f"{delta.reported_t:.9g} t CO2e in {delta.windows} windows"
    assert done.new.startswith(f"{delta.current_t:.9g} t CO2e, 0 windows of it wait")


def test_what_cannot_be_recorded_is_not_restated(world, config):
    change_contract(config)
    (world.folder / "keys.sqlite").write_bytes(b"no database at all" * 100)

    result = run("2026-03", "--publish", "--by", "lan", "--config", config, "--state", world.folder)

    assert (result.exit_code, "restate.begun cannot be entered" in result.output) == (2, True)
    assert rows(world, "SELECT count(*) FROM ledger WHERE cause = 'restatement'") == [(0,)]


def test_a_dry_run_is_not_recorded(world):
    looked(world)

    assert not (world.folder / "keys.sqlite").exists()


def test_what_is_restated_is_what_a_replay_under_the_new_configuration_gives(world, config, tmp_path):
    change_contract(config)
    published(world)
    replayed = tmp_path / "replayed"
    replayed.mkdir()
    shutil.copy(world.folder / "journal.db", replayed / "journal.db")
    other = World(replayed, config, now=LATER)
    while other.line.step():
        pass
    other.close()

    query = "SELECT name, hour, block FROM emission JOIN source ON id = source ORDER BY name, hour"
    one, two = rows(world, query), rows(other, query)

    assert [row[:2] for row in one] == [row[:2] for row in two]
    for (_, _, a), (_, _, b) in zip(one, two, strict=True):
        np.testing.assert_array_equal(blocks.from_bytes(a)[:, :-1], blocks.from_bytes(b)[:, :-1])
    totals = (
        "SELECT name, level, start, co2e_t, measured FROM total JOIN source ON id = source ORDER BY 1, 2, 3"
    )
    assert rows(world, totals) == rows(other, totals)


def test_a_final_month_waits_for_approval(world, config):
    reopened = World(world.folder, config, now=LATER)
    reopened.publish(
        {"id": "1", "by": "lan", "action": "final", "park": "park-a", "month": "2026-03"},
        topic="$stackmeter/decision", flags=4,
    )  # fmt: skip
    reopened.close()
    change_contract(config)
    before = rows(world, "SELECT source, hour, block FROM emission")

    report = published(world)

    assert [delta.held for delta in report.deltas.values()] == [True]
    assert rows(world, "SELECT source, hour, block FROM emission") == before
    assert rows(world, "SELECT count(*) FROM pending_emission")[0][0] > 0


def test_processes_give_what_one_does(world, config, monkeypatch):
    change_contract(config)
    alone = looked(world)
    monkeypatch.setattr("proof.restate.workers.FEW", 0)

    assert looked(world).deltas == alone.deltas


def test_only_what_is_meant_is_restated(world, config):
    change_contract(config)

    assert looked(world, source="reg").windows == 0
    assert looked(world, facility="works", source="contract").windows > 0


def test_an_interrupted_run_goes_on_where_it_was(world, config, monkeypatch):
    change_contract(config)
    monkeypatch.setattr("proof.restate.request.WINDOWS_AT_ONCE", 1)  # a chunk for each source
    whole = looked(world)

    def stop_in_april(done: int, of: int) -> None:
        if done > of * 2 // 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        work.publish(request_of(world), plant_of(config), "lan", lambda: LATER, stop_in_april)
    report = published(world)

    assert 0 < report.skipped < report.chunks == whole.chunks
    assert looked(world).windows == 0
    assert rows(world, "SELECT count(*) FROM ledger WHERE cause = 'restatement'") == [(1,)]
    assert published(world).skipped == 0


def test_a_source_that_is_new_gets_its_past(world, config):
    text = (config / "plant.yaml").read_text()
    held = "          - {name: held, method: electricity-location, inputs: {energy: held}, factor: vn-grid}\n"
    assert held in text
    (config / "plant.yaml").write_text(text.replace(held, held.replace("name: held", "name: added")))

    report = published(world)

    assert [(delta.source, delta.reported_t) for delta in report.deltas.values()] == [("added", 0.0)]
    [(first,)] = rows(world, "SELECT first FROM source WHERE name = 'added'")
    assert abs(first - NOON) < HOUR
    month = "SELECT co2e_t FROM total JOIN source ON id = source WHERE name = 'added' AND level = 3"
    assert rows(world, month) == [(pytest.approx(report.deltas.popitem()[1].current_t),)]


# --- the command


def run(*options: object) -> Any:
    return CliRunner().invoke(app, ["restate", *map(str, options)])


def test_the_command_shows_a_table_and_says_that_nothing_was_written(world, config):
    change_contract(config)

    result = run("2026-03", "--config", config, "--state", world.folder)

    assert result.exit_code == 0, result.output
    assert "park-a/works/contract" in result.output
    assert "nothing was written" in result.output


@pytest.mark.parametrize(
    ("options", "said"),
    [(("2026-13",), "'2026-13' is no month"), (("2026-03", "--publish"), "say who restates: --by NAME")],
)
def test_wrong_options_are_said(world, config, options, said):
    result = run(*options, "--config", config, "--state", world.folder)

    assert (result.exit_code, said in result.output) == (2, True)


def test_a_running_service_is_not_written_under(world, config):
    holder = Folder(world.folder)
    try:
        result = run("2026-03", "--publish", "--by", "lan", "--config", config, "--state", world.folder)
    finally:
        holder.close()

    assert result.exit_code == 75


def test_what_was_restated_is_made_again_under_the_configuration_that_it_was_restated_by(
    world, config, tmp_path
):
    change_contract(config)
    published(world, facility="works")
    [path] = config.glob("*factors.yaml")
    path.write_text(path.read_text().replace("co2e: 0.25", "co2e: 0.3"))
    published(world)
    catalogue = load_catalogue(config)
    plants = [*world.known.values(), Configured(plant_of(config), catalogue)]
    shutil.copytree(config, tmp_path / "between")
    factors = next((tmp_path / "between").glob("*factors.yaml"))
    factors.write_text(factors.read_text().replace("co2e: 0.3", "co2e: 0.25"))
    plants.append(Configured(plant_of(tmp_path / "between"), load_catalogue(tmp_path / "between")))
    known = {one.plant.hash: one for one in plants}

    with closing(Rebuild(world.folder / "journal.db", tmp_path / "again.db", known)) as rebuild:
        rebuild.run()

    assert rows(world, "SELECT count(*) FROM ledger WHERE cause = 'restatement'") != [(0,)]
    assert differences(world.folder / "state.db", tmp_path / "again.db") == {}
