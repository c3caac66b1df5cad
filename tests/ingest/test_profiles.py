"""The shipped profiles against payloads as their makers document them, in tests/cases/profiles/PROFILE/CASE."""

import shutil
import tempfile
from pathlib import Path

import pytest

from ingest.subscriptions import Subscriptions
from plant.configuration.load import load
from plant.devices.profiles import profile, profiles
from plant.documents.problems import ConfigurationError
from plant.vocabulary import Quality, Verdict
from rules.catalogue import load_catalogue
from stackmeter.field.device_cases import cases, run_case
from tests.semantics.conftest import MEMORY
from tests.semantics.world import CONFIGURATION, World

FOLDER = Path(__file__).parents[1] / "cases" / "profiles"
SECRET = {"SEMANTICS_SECRET": "whsec_" + "A" * 40}


@pytest.mark.parametrize("case", cases(FOLDER), ids=lambda path: f"{path.parent.name}/{path.name}")
def test_a_payload_of_a_device_is_read_as_its_case_says(case):
    assert run_case(case, None).differences == ()


@pytest.mark.parametrize("name", profiles(None))
def test_every_shipped_profile_has_a_case_with_readings_and_names_its_source(name):
    assert any(run_case(case, None).readings for case in cases(FOLDER / name))
    assert any("http" in source or "manual" in source for source in profile(name, None).sources)


@pytest.mark.parametrize("name", profiles(None))
def test_field_c3_the_topic_that_a_profile_names_can_be_subscribed_to(tmp_path, name):
    """As it stands, or where it begins with the gateway with a name there, as its notes say."""
    topic = profile(name, None).topic
    if topic.startswith("{gateway}/"):
        assert "{gateway}" in profile(name, None).notes or "prefix" in profile(name, None).notes
        topic = topic.replace("{gateway}", "gw", 1)
    whose = "park: park-a, facility: works" + ("" if "{gateway}" in topic else ", gateway: gw")
    path = configuration(tmp_path, f"topic: {topic!r}, profile: {name}, {whose}")
    assert len(Subscriptions(loaded(path)).filters) == 2


def configuration(folder: Path, subscription: str, profiles: dict[str, str] | None = None) -> Path:
    shutil.copytree(CONFIGURATION, folder / "config")
    (folder / "config" / "subscriptions.yaml").write_text(f"subscriptions:\n  - {{{subscription}}}\n")
    (folder / "config" / "profiles").mkdir()
    for name, text in (profiles or {}).items():
        (folder / "config" / "profiles" / f"{name}.yaml").write_text(text)
    return folder / "config"


OWN = """\
title: A meter
sources: [our own]
topic: "m/{gateway}"
time: arrival
sections:
  - readings:
      energy: {value: e, unit: kWh}
"""
MINE = 'topic: "m/{gateway}", profile: mine, park: park-a, facility: works'


def loaded(path: Path):
    return load(path, load_catalogue(path), SECRET)


def test_a_profile_beside_the_configuration_is_part_of_its_hash(tmp_path):
    path = configuration(tmp_path, MINE, {"mine": OWN})
    first = loaded(path)
    assert Subscriptions(first).route(b"m/gw").decode is not None
    (path / "profiles" / "mine.yaml").write_text(
        OWN.replace("a meter", "b").replace("title: A meter", "title: B")
    )
    assert loaded(path).hash == first.hash
    (path / "profiles" / "mine.yaml").write_text(OWN.replace("unit: kWh", "unit: MWh"))
    assert loaded(path).hash != first.hash


def test_what_a_device_publishes_is_a_reading_of_its_channel():
    """From the message to the state, in the channel's unit; of what is refused the place in the payload is kept."""
    text = OWN.replace(
        "energy: {value: e, unit: kWh}", "free: {value: e, unit: MWh}\n      reg: {value: r, unit: kWh}"
    )
    with tempfile.TemporaryDirectory(dir=MEMORY) as folder:
        world = World(Path(folder), configuration(Path(folder), MINE, {"mine": text}))
        world.publish({"e": 1.5, "r": None}, topic="m/gw")
        assert world.rows("SELECT name, value FROM reading JOIN channel c ON c.id = channel") == [
            ("free", 1500.0)
        ]
        assert world.rows("SELECT outcome, code, path FROM quarantine") == [
            ("quarantined", "null_value", "r")
        ]
        world.close()


def test_field_c1_a_simulated_uplink_is_kept_and_counts_for_nothing():
    topic = 'topic: "v3/{application}/devices/{device}/up", profile: the-things-stack-v3, park: park-a, facility: works'
    with tempfile.TemporaryDirectory(dir=MEMORY) as folder:
        options = ", gateway: gw, options: {names: {dev1/energy: free}, units: {free: kWh}}"
        world = World(Path(folder), configuration(Path(folder), topic + options))
        uplink = {"received_at": "2026-03-10T05:00:00Z", "decoded_payload": {"energy": 7}}
        world.publish({"simulated": True, "uplink_message": uplink}, topic="v3/a/devices/dev1/up")
        assert world.rows("SELECT value, quality, verdict FROM reading") == [
            (7.0, Quality.BAD, Verdict.UNCOUNTED)
        ]
        world.close()


def test_the_order_of_keys_in_a_profile_makes_no_other_hash(tmp_path):
    path = configuration(tmp_path, MINE, {"mine": OWN})
    first = loaded(path).hash
    (path / "profiles" / "mine.yaml").write_text(OWN.replace("value: e, unit: kWh", "unit: kWh, value: e"))
    assert loaded(path).hash == first


def test_a_profile_of_the_configuration_hides_a_shipped_one(tmp_path):
    path = configuration(tmp_path, MINE.replace("mine", "tasmota"), {"tasmota": OWN})
    assert profile("tasmota", path).title == "A meter"
    assert profile("tasmota", None).title != "A meter"


@pytest.mark.parametrize(
    ("subscription", "text", "said"),
    [
        (MINE.replace("mine", "mien"), OWN, "subscriptions.yaml:2: subscriptions[0].profile: there is no profile mien (did you mean mine?)"),
        (MINE, OWN.replace("unit: kWh", "unit: kwh"), "mine.yaml:7: sections[0].readings.energy.unit: unknown unit 'kwh' (did you mean kWh?)"),
        (MINE, OWN.replace("value: e", "valeu: e"), "mine.yaml:7: sections[0].readings.energy.valeu: unknown key (did you mean value?)"),
        (MINE, OWN.replace("value: e,", 'value: "a..b",'), "mine.yaml:7: sections[0].readings.energy.value: 'a..b' is no path from '..b' on"),
        (MINE, OWN.replace("value: e,", 'value: "a[*]",'), "[*] stands only in each"),
        (MINE, OWN.replace("energy:", '"{line}/energy":'), "mine.yaml:3: topic: has no {line}, which the mapping needs"),
        (MINE, OWN.replace("energy:", '"{line}/energy":').replace("m/{gateway}", "m/{gateway}/{line}"), "subscriptions.yaml:2: subscriptions[0].topic: has no {line}, which the profile mine needs: m/{gateway}/{line} has it"),
        (MINE, OWN.replace("value: e,", 'jmespath: "a[",'), "is no JMESPath"),
        (MINE, OWN.replace("value: e,", ""), "exactly one of value, jmespath, byte is given"),
        (MINE, OWN.replace("time: arrival", "time: unix"), "mine.yaml:4: time"),
    ],
)  # fmt: skip
def test_a_wrong_profile_is_told_with_file_line_and_key(tmp_path, subscription, text, said):
    path = configuration(tmp_path, subscription, {"mine": text})
    with pytest.raises(ConfigurationError) as error:
        loaded(path)
    assert said in str(error.value)


@pytest.mark.parametrize(
    ("text", "options", "said"),
    [
        (OWN.replace("time: arrival", "time: rfc3339"), "", "options.time_at: says where the time stands"),
        (OWN.replace("time: arrival", 'time: "%Y"\ntime_at: t'), "", "options.zone: is needed for a pattern without %z"),
        (OWN, "options: {zoen: x}", "options.zoen: unknown key (did you mean zone?)"),
    ],
)  # fmt: skip
def test_what_profile_and_options_do_not_say_together_is_told_at_the_subscription(
    tmp_path, text, options, said
):
    path = configuration(tmp_path, ", ".join(filter(None, (MINE, options))), {"mine": text})
    with pytest.raises(ConfigurationError) as error:
        Subscriptions(loaded(path))
    assert said in str(error.value)
