"""A folder becomes a `Plant`: resolved units, defaults, numbers, secrets, and files that must not be opened."""

import base64
import json
import math
import os
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from plant.configuration.load import json_schema, load
from plant.documents.problems import ConfigurationError
from plant.park import Input, Plant, Swap
from plant.units import unit
from plant.vocabulary import NS_PER_DAY, NS_PER_HOUR, NS_PER_MIN, NS_PER_S, Kind
from tests.plant.catalogue import SmallCatalogue

CATALOGUE = SmallCatalogue()
SECRET = "whsec_" + base64.b64encode(bytes(range(24))).decode()
PARK = """\
parks:
  - name: north
    title: North Park
    zone: Asia/Ho_Chi_Minh
    facilities:
      - name: mill
        title: The Mill
        gateways: [{name: g2}, {name: g1}]
        channels:
          - {name: z/energy, gateway: g1, kind: register, unit: MWh, quantity: electricity, ratio: 40}
          - {name: a/power, gateway: g2, kind: rate, unit: kW, quantity: electricity}
          - {name: gas/flow, gateway: g1, kind: rate, unit: Sm3/h, quantity: natural-gas}
          - {name: stack/flow, gateway: g1, kind: rate, unit: Nm3@25C/h, quantity: stack-gas}
          - {name: stack/co2, gateway: g1, kind: level, unit: ppm, quantity: co2}
          - {name: stack/temperature, gateway: g1, kind: level, unit: K, quantity: temperature}
          - {name: meter/energy, gateway: g1, kind: interval, unit: kWh, quantity: electricity, period: 15min}
        sources:
          - {name: grid, method: electricity-location, inputs: {energy: z/energy}, factor: grid, scope: 3}
          - {name: drive, method: electricity-location, inputs: {energy: a/power}, factor: grid, category: drives}
          - {name: oven, method: fuel-gas-volume, inputs: {volume: gas/flow}, factor: gas, parameters: {ncv: 36}}
          - name: chimney
            method: stack-co2
            inputs: {temperature: stack/temperature, flow: stack/flow, co2: stack/co2}
"""


def plant_of(directory: Path, files: dict[str, str], environment: dict[str, str] | None = None) -> Plant:
    directory.mkdir(exist_ok=True)
    for name, text in files.items():
        (directory / name).write_text(text, encoding="utf-8")
    return load(directory, CATALOGUE, environment or {})


def problems_of(
    directory: Path, files: dict[str, str], environment: dict[str, str] | None = None
) -> list[str]:
    with pytest.raises(ConfigurationError) as error:
        plant_of(directory, files, environment)
    return [str(p).replace(f"{directory}/", "").replace(str(directory), ".") for p in error.value.problems]


@pytest.fixture
def plant(tmp_path: Path) -> Plant:
    return plant_of(tmp_path, {"park.yaml": PARK})


def test_everything_is_numbered_in_the_order_of_names(plant: Plant) -> None:
    channels = [
        "a/power",
        "gas/flow",
        "meter/energy",
        "stack/co2",
        "stack/flow",
        "stack/temperature",
        "z/energy",
    ]

    assert [(c.index, c.name) for c in plant.channels] == list(enumerate(channels))
    assert [(s.index, s.name) for s in plant.sources] == list(enumerate(["chimney", "drive", "grid", "oven"]))
    assert [(g.index, g.id) for g in plant.gateways] == [(0, "north/mill/g1"), (1, "north/mill/g2")]


def test_a_channel_has_the_defaults_of_its_kind(plant: Plant) -> None:
    """No limit is NaN, energy is never below 0; a register may be silent for a day."""
    register, interval = plant.channels[6], plant.channels[2]

    assert (register.kind, register.unit, register.ratio) == (Kind.REGISTER, unit("MWh"), 40.0)
    assert (register.max_gap, interval.max_gap) == (NS_PER_DAY, NS_PER_HOUR)
    assert (register.period, interval.period) == (0, 15 * NS_PER_MIN)
    assert register.minimum == 0
    assert all(math.isnan(x) for x in (register.maximum, register.max_rate, register.modulus))
    assert (register.hold_last, register.counter_in_gateway, register.serial, register.swaps) == (
        False,
        False,
        "",
        (),
    )


def test_settings_have_defaults(plant: Plant) -> None:
    assert (plant.window, plant.gwp) == (60 * NS_PER_S, "AR5")
    assert (plant.max_late, plant.allowed_lateness) == (45 * NS_PER_DAY, 15 * NS_PER_MIN)
    assert (plant.parks[0].zone, plant.facilities[0].title) == (ZoneInfo("Asia/Ho_Chi_Minh"), "The Mill")


def test_an_input_brings_the_amount_of_its_channel_to_the_role(plant: Plant) -> None:
    """MWh to kWh, without the ratio of the meter, which the windows apply."""
    (energy,) = plant.sources[2].inputs

    assert energy == Input("energy", channel=6, scale=1000.0, offset=0.0)


def test_a_rate_comes_as_its_integral_over_hours(plant: Plant) -> None:
    (drive,) = plant.sources[1].inputs
    (oven,) = plant.sources[3].inputs

    assert drive == Input("energy", channel=0, scale=1.0, offset=0.0)
    assert oven.scale == pytest.approx(273.15 / 288.15, rel=1e-15)


def test_a_stack_takes_roles_in_the_order_of_its_method(plant: Plant) -> None:
    """Gas from 25 degC to 0 degC, ppm to %, K to degC with an offset."""
    flow, co2, temperature = plant.sources[0].inputs

    assert flow == Input("flow", channel=4, scale=pytest.approx(273.15 / 298.15, rel=1e-15))
    assert co2 == Input("co2", channel=3, scale=0.0001)
    assert temperature == Input("temperature", channel=5, scale=1.0, offset=-273.15)


def test_a_source_takes_from_its_method_what_it_does_not_say(plant: Plant) -> None:
    chimney, drive, grid, oven = plant.sources

    assert [s.scope for s in (chimney, drive, grid, oven)] == [1, 2, 3, 1]
    assert [s.category for s in (chimney, drive)] == ["stack-co2", "drives"]
    assert [s.activity_unit for s in (chimney, drive, oven)] == ["Nm3", "kWh", "Nm3"]
    assert (chimney.factor, grid.factor) == ("", "grid")
    assert oven.parameters == (("ncv", 36.0), ("oxidation", 1.0))


def test_swaps_stand_at_the_channel_or_for_a_point_list_at_the_facility(tmp_path: Path) -> None:
    """In the order of time, unknown finals NaN."""
    park = PARK.replace(
        "        gateways:",
        """\
        points: points.csv
        swaps:
          - {channel: p, time: 2026-03-02T00:00:00Z, first_new: 7, serial: N, ratio: 2, max_rate: 5, modulus: 1000}
          - {channel: p, time: 2026-03-01T07:00:00+07:00, final_old: 9.5, first_new: 0}
        gateways:""",
    )
    points = "name,gateway,kind,unit,quantity\np,g1,register,kWh,electricity\n"

    swaps = plant_of(tmp_path, {"park.yaml": park, "points.csv": points}).channels[3].swaps

    assert swaps[0] == Swap(time=1_772_323_200 * NS_PER_S, final_old=9.5, first_new=0.0)
    assert math.isnan(swaps[1].final_old)
    assert (swaps[1].serial, swaps[1].ratio, swaps[1].max_rate, swaps[1].modulus) == ("N", 2.0, 5.0, 1000.0)


def test_a_limit_is_in_the_unit_that_is_judged(tmp_path: Path) -> None:
    """A channel's own unit, and t/h for a source, whatever was written."""
    alerts = """\
alerts:
  - {name: b, facility: mill, channel: z/energy, above: 1500, unit: kWh, severity: info, summary: S}
  - {name: a, facility: mill, source: grid, below: 500, unit: kg/h, severity: critical, summary: S, delay: 5min}
  - {name: c, facility: mill, source: grid, above: 2, severity: info, summary: S}
  - {name: d, facility: mill, channel: stack/temperature, above: 100, unit: °C, severity: info, summary: S}
  - {name: e, facility: mill, source: grid, above: 2000, unit: kgCO2e/h, severity: info, summary: S}
"""

    rules = plant_of(tmp_path, {"park.yaml": PARK, "alerts.yaml": alerts}).rules

    assert [(r.name, r.comparison(0).operator, r.limit, r.unit) for r in rules] == [
        ("a", "<", 0.5, "t/h"),
        ("b", ">", 1.5, "MWh"),
        ("c", ">", 2.0, "t/h"),
        ("d", ">", 373.15, "K"),
        ("e", ">", 2.0, "t/h"),
    ]
    assert [(r.subject, r.subjects) for r in rules[:2]] == [("source", (2,)), ("channel", (6,))]
    assert [r.delay for r in rules[:3]] == [300 * NS_PER_S, 0, 60 * NS_PER_S]


def test_a_facility_of_two_parks_needs_its_park(tmp_path: Path) -> None:
    files = {
        "a.yaml": PARK,
        "b.yaml": PARK.replace("name: north", "name: south"),
        "c.yaml": "alerts:\n  - {name: x, facility: mill, source: grid, above: 1, severity: info, summary: S}\n",
    }
    fixed = files | {"c.yaml": files["c.yaml"].replace("facility", "park: south, facility")}

    assert problems_of(tmp_path, files) == [
        "c.yaml:2: alerts[0].facility: north and south have a facility mill; say which park"
    ]
    assert plant_of(tmp_path, fixed).rules[0].subjects == (6,)


WEBHOOK = "webhooks: [{name: hook, url: 'https://example.com/a', %s}]\n"


def test_a_secret_comes_from_the_environment(tmp_path: Path) -> None:
    files = {"park.yaml": PARK, "hooks.yaml": WEBHOOK % "secret_env: HOOK"}

    (hook,) = plant_of(tmp_path, files, {"HOOK": SECRET}).webhooks

    assert (hook.secret, SECRET in repr(hook)) == (SECRET, False)


@pytest.mark.parametrize("end", ["", "\n", "\r\n"])
def test_a_secret_comes_from_a_file_without_its_line_end(tmp_path: Path, end: str) -> None:
    (tmp_path / "secret").write_bytes((SECRET + end).encode())
    (tmp_path / "secret").chmod(0o600)
    files = {"park.yaml": PARK, "hooks.yaml": WEBHOOK % "secret_file: secret"}

    assert plant_of(tmp_path, files).webhooks[0].secret == SECRET


@pytest.mark.parametrize("mode", [0o644, 0o604, 0o602])
def test_a_secret_file_that_everybody_may_open_is_refused(tmp_path: Path, mode: int) -> None:
    (tmp_path / "secret").write_text(SECRET, encoding="ascii")
    (tmp_path / "secret").chmod(mode)
    files = {"park.yaml": PARK, "hooks.yaml": WEBHOOK % "secret_file: secret"}

    (problem,) = problems_of(tmp_path, files)

    assert problem.startswith(
        "hooks.yaml:1: webhooks[0].secret_file: the file holds a secret, and every user may"
    )


@pytest.mark.parametrize(
    "where",
    [
        f"secret_env: {SECRET}",
        f"secret_env: {SECRET}=",
        f"secret_file: {SECRET}",
        f"secret_file: ../{SECRET}",
        f"secret: [{SECRET}]",
        f"secret: {SECRET}{'x' * 1000}",
        f"secret_env: X, secret: {SECRET}",
        f"secret_env: X, url2: 'https://{SECRET}@x/'",
    ],
)
def test_a_problem_never_shows_a_secret(tmp_path: Path, where: str) -> None:
    """Not even one that stands at the wrong key."""
    problems = problems_of(tmp_path, {"park.yaml": PARK, "hooks.yaml": WEBHOOK % where})

    assert problems
    assert not any(SECRET.removeprefix("whsec_")[:8] in problem for problem in problems)


@pytest.mark.parametrize(("mode", "count"), [(0o644, 1), (0o640, 0)])
def test_a_secret_in_yaml_needs_a_private_file(tmp_path: Path, mode: int, count: int) -> None:
    file = tmp_path / "hooks.yaml"
    file.write_text(WEBHOOK % f"secret: {SECRET}", encoding="ascii")
    file.chmod(mode)

    if count:
        assert len(problems_of(tmp_path, {"park.yaml": PARK})) == count
    else:
        assert plant_of(tmp_path, {"park.yaml": PARK}).webhooks[0].secret == SECRET


@pytest.mark.parametrize(
    ("secret", "reason"),
    [
        ("", "a secret is whsec_ and then 24 to 64 bytes in base64"),
        ("whsec_", "a secret is whsec_ and then 24 to 64 bytes in base64"),
        (SECRET.removeprefix("whsec_"), "a secret is whsec_ and then 24 to 64 bytes in base64"),
        (
            "whsec_" + base64.b64encode(bytes(23)).decode(),
            "a secret is whsec_ and then 24 to 64 bytes in base64",
        ),
        (
            "whsec_" + base64.b64encode(bytes(65)).decode(),
            "a secret is whsec_ and then 24 to 64 bytes in base64",
        ),
        ("whsec_äöü", "the secret is not base64"),
        ("whsec_a", "the secret is not base64"),
    ],
)
def test_a_secret_has_the_size_that_the_standard_asks(tmp_path: Path, secret: str, reason: str) -> None:
    files = {"park.yaml": PARK, "hooks.yaml": WEBHOOK % "secret_env: HOOK"}

    assert problems_of(tmp_path, files, {"HOOK": secret}) == [
        f"hooks.yaml:1: webhooks[0].secret_env: {reason}"
    ]


def test_the_hash_is_of_the_content_not_of_its_spelling(tmp_path: Path) -> None:
    """Comments, order, spelling of durations, YAML or CSV, and secrets make no difference."""
    points = "name,gateway,kind,unit,quantity,ratio\nz/energy,g1,register,MWh,electricity,40\n"
    lines = PARK.splitlines(keepends=True)
    other = "# a comment\n" + "".join(line for line in lines if "z/energy, gateway" not in line)
    other = other.replace(
        "        gateways: [{name: g2}, {name: g1}]",
        "        points: p.csv\n        gateways: [{name: g1}, {name: g2}]",
    )
    hooks = WEBHOOK % "secret_env: HOOK"
    secret = SECRET.replace("A", "B")

    one = plant_of(tmp_path / "one", {"park.yaml": PARK, "z.yaml": hooks}, {"HOOK": SECRET})
    settings = "settings: {window: 1min, max_late: 1080h}\n"
    two = plant_of(
        tmp_path / "two", {"a.yaml": settings + hooks, "b.yaml": other, "p.csv": points}, {"HOOK": secret}
    )

    assert one.hash == two.hash
    assert len(one.hash) == 64


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("ratio: 40", "ratio: 40.00000000000001"),
        ("The Mill", "A Mill"),
        ("unit: kW,", "unit: MW,"),
        ("ncv: 36", "ncv: 37"),
        ("Asia/Ho_Chi_Minh", "Asia/Bangkok"),
        ("scope: 3", "scope: 2"),
        ("parks:", "settings: {gwp: AR6}\nparks:"),
    ],
)
def test_the_hash_changes_with_anything_that_counts(tmp_path: Path, plant: Plant, old: str, new: str) -> None:
    changed = plant_of(tmp_path / "changed", {"park.yaml": PARK.replace(old, new)})

    assert changed.hash != plant.hash


def test_a_fifo_and_a_device_are_refused_without_waiting(tmp_path: Path) -> None:
    """Opening a FIFO that nobody writes to would wait for ever; /dev/zero would never end."""
    os.mkfifo(tmp_path / "points.csv")
    os.mkfifo(tmp_path / "pipe.yaml")
    (tmp_path / "zero.yaml").symlink_to("/dev/zero")
    files = {"park.yaml": PARK.replace("        gateways:", "        points: points.csv\n        gateways:")}

    assert problems_of(tmp_path, files) == [
        "park.yaml:8: parks[0].facilities[0].points: points.csv is not an ordinary file",
        "pipe.yaml: is not an ordinary file",
        "zero.yaml: is not an ordinary file",
    ]


@pytest.mark.parametrize("target", ["/dev/zero", "/etc/passwd", "../elsewhere.csv", "points.csv"])
def test_a_link_does_not_lead_out_of_the_folder(tmp_path: Path, target: str) -> None:
    """Neither to a device nor to another file, nor in a circle."""
    (tmp_path / "points.csv").symlink_to(target)
    files = {"park.yaml": PARK.replace("        gateways:", "        points: points.csv\n        gateways:")}

    (problem,) = problems_of(tmp_path, files)

    assert problem.endswith((": points.csv lies outside of .", ": points.csv is a circle of symbolic links"))


def test_a_folder_that_is_not_there_is_named(tmp_path: Path) -> None:
    assert problems_of_nothing(tmp_path / "nowhere") == "nowhere: is not a folder"
    assert problems_of_nothing(tmp_path) == f"{tmp_path.name}: has no .yaml file"


def problems_of_nothing(directory: Path) -> str:
    with pytest.raises(ConfigurationError) as error:
        load(directory, CATALOGUE, {})
    return str(error.value).removeprefix(f"{directory.parent}/")


def test_a_file_has_a_largest_size(tmp_path: Path) -> None:
    (tmp_path / "big.yaml").write_bytes(b"#" * (8 * 1024 * 1024 + 1))

    assert problems_of(tmp_path, {"park.yaml": PARK}) == ["big.yaml: is larger than 8,388,608 bytes"]


def test_a_hundred_thousand_channels_load(tmp_path: Path) -> None:
    """From a point list; how long it takes is measured elsewhere."""
    rows = "".join(f"c{i:06d}/energy,g1,register,kWh,electricity,500,1000000\n" for i in range(100_000))
    points = "name,gateway,kind,unit,quantity,max_rate,modulus\n" + rows
    park = PARK.replace("        gateways:", "        points: points.csv\n        gateways:")

    plant = plant_of(tmp_path, {"park.yaml": park, "points.csv": points})

    assert len(plant.channels) == 100_007
    assert plant.channels[100_000].name == "c099999/energy"


def test_the_schema_describes_every_key_for_editors() -> None:
    """Every property of every part has a description, and unknown keys are refused there as well."""
    schema = json_schema()
    parts = [schema, *(part for part in schema["$defs"].values() if "properties" in part)]

    assert json.loads(json.dumps(schema)) == schema
    assert all(part["additionalProperties"] is False for part in parts)
    assert [n for part in parts for n, key in part["properties"].items() if "description" not in key] == []
    assert schema["$defs"]["SettingsPart"]["properties"]["window"]["default"] == "60s"
