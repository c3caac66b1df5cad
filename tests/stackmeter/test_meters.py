"""meter swap: new lines in the right place, and not one other byte."""

import json
from contextlib import closing

import pytest
from typer.testing import CliRunner

from plant.configuration.environments import AnySecret
from plant.configuration.load import load
from plant.vocabulary import NS_PER_HOUR, Verdict
from rules.catalogue import load_catalogue
from stackmeter.cli import app
from tests.broker.production import PARK
from tests.notify.state import new_state

CHANNEL = "p1/mill/main/energy"
AT = "2026-11-24T02:30:00Z"
AT_NS = 1_795_487_400 * 10**9
HEAD = "# a comment at the top\r\n"


@pytest.fixture
def config(tmp_path):
    folder = tmp_path / "config"
    folder.mkdir()
    (folder / "park.yaml").write_text(PARK)
    return folder


def swap(config, *arguments, channel=CHANNEL, ends=0):
    given = ["meter", "swap", channel, "--time", AT, "--first-new", "0", "--config", str(config), *arguments]
    done = CliRunner().invoke(app, given, env={"COLUMNS": "250"})
    assert done.exit_code == ends, done.output
    return done


def channel(config):
    plant = load(config, load_catalogue(config), AnySecret())
    return next(one for one in plant.channels if one.name == "main/energy")


def added(before, after):
    """Return the lines that came in; every other line must be the same, in the same order."""
    old, new = before.splitlines(keepends=True), after.splitlines(keepends=True)
    at = next(i for i, (a, b) in enumerate(zip([*old, ""], new, strict=False)) if a != b)
    count = len(new) - len(old)
    assert new[:at] + new[at + count :] == old
    return "".join(new[at : at + count])


def test_the_first_swap_of_a_facility_begins_a_list(config):
    before = (config / "park.yaml").read_text()
    swap(config, "--final-old", "8812345.6", "--serial", 'M "7"', "--ratio", "2")

    assert added(before, (config / "park.yaml").read_text()) == (
        "        swaps:\n"
        "          - channel: main/energy\n"
        f"            time: {AT}\n"
        "            final_old: 8812345.6\n"
        "            first_new: 0.0\n"
        "            ratio: 2.0\n"
        '            serial: "M \\"7\\""\n'
    )
    [made] = channel(config).swaps
    assert (made.time, made.final_old, made.first_new, made.ratio, made.serial) == (
        AT_NS,
        8812345.6,
        0.0,
        2.0,
        'M "7"',
    )


def test_a_further_swap_goes_behind_the_last_one_and_comments_stay(config):
    swap(config, "--final-old", "10")
    file = config / "park.yaml"
    file.write_text(
        file.read_text().replace(
            "            first_new: 0.0\n",
            "            first_new: 0.0  # read by Lan\n          # next: 2030\n\n",
        )
    )
    before = file.read_text()

    done = CliRunner().invoke(
        app,
        [
            "meter",
            "swap",
            CHANNEL,
            "--time",
            "2026-11-25T00:00:00Z",
            "--first-new",
            "5",
            "--config",
            str(config),
        ],
    )

    assert done.exit_code == 0, done.output
    assert added(before, file.read_text()).startswith("          - channel: main/energy\n")
    assert [one.first_new for one in channel(config).swaps] == [0.0, 5.0]


def test_a_file_of_windows_lines_gets_windows_lines(config):
    file = config / "park.yaml"
    file.write_bytes((HEAD + PARK.replace("\n", "\r\n")).encode())
    swap(config)

    assert file.read_bytes().count(b"\n") == file.read_bytes().count(b"\r\n")
    assert len(channel(config).swaps) == 1


def test_a_dry_run_shows_and_writes_nothing(config):
    before = (config / "park.yaml").read_text()
    shown = swap(config, "--dry-run")

    assert "+          - channel: main/energy\n" in shown.stdout
    assert (config / "park.yaml").read_text() == before


@pytest.mark.parametrize(
    ("arguments", "channel_name", "why"),
    [
        ((), "p1/mill/main/energi", "did you mean p1/mill/main/energy"),
        (("--modulus", "0"), CHANNEL, "park.yaml:"),
        (("--time", "2026-11-24T09:30:00"), CHANNEL, "with its zone"),
    ],
)
def test_what_the_configuration_would_refuse_is_refused_and_nothing_is_written(
    config, arguments, channel_name, why
):
    before = (config / "park.yaml").read_text()

    assert why in swap(config, *arguments, channel=channel_name, ends=2).output

    assert (config / "park.yaml").read_text() == before
    assert [p.name for p in config.iterdir()] == ["park.yaml"]


def test_two_swaps_at_one_instant_are_refused(config):
    swap(config)

    assert "two swaps are at the same time" in swap(config, ends=2).output


def test_a_facility_in_braces_gets_the_line_to_write(config):
    file = config / "park.yaml"
    file.write_text(file.read_text().replace("        sources:", "        swaps: []\n        sources:"))

    assert "put this into its swaps yourself: {channel: main/energy" in swap(config, ends=2).output


@pytest.fixture
def state(tmp_path):
    """A state with 1000 kWh an hour before the swap, and 50 kWh an hour after it."""
    folder = tmp_path / "state"
    folder.mkdir()
    with closing(new_state(folder / "state.db")) as connection:
        connection.execute("INSERT INTO channel VALUES (7, 'p1', 'mill', 'main/energy')")
        rows = [(AT_NS - NS_PER_HOUR, 1000.0, Verdict.COUNTED), (AT_NS + NS_PER_HOUR, 50.0, Verdict.ANOMALY),
                (AT_NS - 1, 9e9, Verdict.OUTLIER)]  # fmt: skip
        connection.executemany(
            "INSERT INTO reading VALUES (7, ?, ?, 0, 0, ?, 0, 0, 1)",
            [(t, v, int(verdict)) for t, v, verdict in rows],
        )
    return folder


@pytest.mark.parametrize(
    ("final_old", "first_new", "why"),
    [
        ("999", "0", "--final-old 999 is below the reading 1000"),
        ("1000", "51", "--first-new 51 is above the reading 50"),
        ("9001", "0", "further apart than max_rate 8000 allows"),
    ],
)
def test_displays_that_the_readings_deny_are_refused(config, state, final_old, first_new, why):
    told = swap(config, "--final-old", final_old, "--first-new", first_new, "--state", str(state), ends=2)

    assert why in told.output


def test_displays_that_the_readings_bear_out_are_taken(config, state):
    swap(config, "--final-old", "1400", "--state", str(state))

    assert len(channel(config).swaps) == 1


def test_json_says_what_was_written(config):
    told = json.loads(swap(config, "--json").stdout)

    assert (told["file"], told["written"]) == (str(config / "park.yaml"), True)
