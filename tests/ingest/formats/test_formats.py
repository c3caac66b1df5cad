"""Every format against its case folders in tests/cases/formats/FORMAT, and against whatever else a payload may be.

A case has `payload.*` and `expected.yaml`: about, options, received, retained, readings as [channel, time, value, unit or
null for the channel's own, quality], refusals as [code, path], `sequence`, and `undecoded` where nobody can read it.
"""

from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from ruamel.yaml import YAML

from ingest.formats.columns import Envelope, RawReadings, Refusal, path_of
from ingest.formats.decoder import OptionError, Origin, decoder_of, formats
from ingest.times import parse_time
from plant.vocabulary import Code, Quality

FOLDER = Path(__file__).parents[2] / "cases" / "formats"
NOON = "2026-11-25T05:00:00Z"
CASES: dict[Path, Any] = {
    path.parent: YAML(typ="safe", pure=True).load(path) for path in sorted(FOLDER.glob("*/*/expected.yaml"))
}


def ns(text: str) -> int:
    moment = datetime.fromisoformat(text)
    return int(moment.replace(microsecond=0).timestamp()) * 10**9 + moment.microsecond * 1000


def decoded(
    name: str, payload: bytes, options: dict[str, Any], received: str = NOON, *, retained: bool = False
) -> tuple[Envelope, RawReadings, list[Refusal]]:
    raw, refusals = RawReadings(), []
    envelope = decoder_of(name, options)(payload, Origin(0, "gw", ns(received), retained), raw, refusals)
    return envelope, raw, refusals


def readings(raw: RawReadings) -> list[tuple[Any, ...]]:
    found = []
    for row in range(len(raw)):
        time = raw.stamped[row] if row in raw.stamped else parse_time(raw.time[row])
        unit = None if row in raw.own_unit else raw.unit[row]
        found.append((raw.channel[row], time, raw.value[row], unit, raw.quality.get(row, Quality.GOOD)))
    return found


@pytest.mark.parametrize("folder", CASES, ids=lambda path: f"{path.parent.name}/{path.name}")
def test_a_payload_is_read_as_the_case_says(folder: Path) -> None:
    expected = CASES[folder]
    payload = next(folder.glob("payload.*")).read_bytes()
    options, received = expected.get("options", {}), expected.get("received", NOON)
    envelope, raw, refusals = decoded(
        folder.parent.name, payload, options, received, retained=expected.get("retained", False)
    )
    wanted = [
        (channel, ns(time), value, unit, Quality[quality[0].upper()] if quality else Quality.GOOD)
        for channel, time, value, unit, *quality in expected.get("readings", [])
    ]
    assert readings(raw) == wanted
    assert [[refusal.code, refusal.path] for refusal in refusals] == expected.get("refusals", [])
    assert envelope.decoded is not expected.get("undecoded", False)
    assert envelope.count == len(wanted)
    assert envelope.refused == (len(refusals) if envelope.decoded else 0)
    assert [envelope.boot, envelope.seq] == expected.get("sequence", [None, None])
    assert all(path_of(raw, row, "value") for row in range(len(raw)))


@pytest.mark.parametrize("name", formats())
def test_every_format_has_cases(name: str) -> None:
    assert any(folder.parent.name == name for folder in CASES)


@pytest.mark.parametrize("name", formats())
@settings(max_examples=200, deadline=None)
@given(data=st.data())
def test_bm_57_whatever_a_payload_is_it_is_read_or_refused(name: str, data: st.DataObject) -> None:
    """Random bytes, and a case's payload cut, with bytes changed; a fault of our own would be the code `decoder`."""
    case = data.draw(st.sampled_from([folder for folder in CASES if folder.parent.name == name]))
    own, options = next(case.glob("payload.*")).read_bytes(), CASES[case].get("options", {})
    payload = data.draw(st.binary(max_size=200) | st.just(own))
    for place, byte in data.draw(st.lists(st.tuples(st.integers(0, 400), st.integers(0, 255)), max_size=5)):
        if place < len(payload):
            payload = payload[:place] + bytes([byte]) + payload[place + 1 :]
    payload = payload[: data.draw(st.integers(0, 400))]
    envelope, raw, refusals = decoded(name, payload, options)
    assert Code.DECODER not in [refusal.code for refusal in refusals], refusals
    assert envelope.count == len(raw)
    assert envelope.decoded or (len(refusals) == 1 and not len(raw))


@pytest.mark.parametrize(
    ("name", "options", "said"),
    [
        ("senml-json", {"unts": {}}, "no such option"),
        ("senml-json", {"units": {"a": "kwh"}}, "did you mean kWh"),
        ("line-protocol", {"precision": "m"}, "is one of s, ms, us, ns"),
        ("line-protocol", {"name": "{measurement}"}, "has no {field}"),
        ("csv-lines", {}, "names the columns"),
        ("csv-lines", {"columns": ["time", "value"]}, "have channel and value"),
        ("csv-lines", {"columns": ["time", "a"], "time": "%Y"}, "is needed for a pattern without %z"),
        ("csv-lines", {"columns": ["time", "a"], "time": "unix"}, "or a pattern such as"),
        ("csv-lines", {"columns": ["time", "a"], "decimal": ","}, "is also the delimiter"),
        ("native", {"units": "channel"}, "no options"),
    ],
)
def test_a_wrong_option_is_told_with_what_to_write(name: str, options: dict[str, Any], said: str) -> None:
    with pytest.raises(OptionError) as error:
        decoder_of(name, options)
    assert said in str(error.value)
