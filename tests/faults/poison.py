"""Messages, stored rows and configurations of somebody who wants to stop the line; each says what has to become of it."""

import json
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from store.messages.journal import DECISION, DUP, Message
from tests.ingest.sparkplug.edge import DOUBLE, bdseq, payload
from tests.semantics.world import MINUTE, NOON, SECOND, SITE, rfc3339

CURSED = 666_000.0  # and a little more: the value's rest says at which stage the line fails
MS = 10**6
READINGS = f"sm/v1/{SITE}/gw/readings"
STAGES = 8  # of the line, behind each of which a bug may be

SUBSCRIPTIONS = """
subscriptions:
  - {topic: "spBv1.0/{group}/#", format: sparkplug, park: park-a, facility: works, gateway: gw, options: {names: {Power: power}}}
  - {topic: "senml/{gateway}", format: senml-json, park: park-a, facility: works}
  - {topic: "cbor/{gateway}", format: senml-cbor, park: park-a, facility: works}
  - {topic: "pack/{gateway}", format: msgpack, park: park-a, facility: works}
  - {topic: "csv/{gateway}", format: csv-lines, park: park-a, facility: works, options: {columns: [channel, time, value, unit]}}
  - {topic: "lines/{gateway}", format: line-protocol, park: park-a, facility: works}
"""


@dataclass(frozen=True, slots=True)
class Poison:
    """A message, and as what it has to be kept: a code, "" for whichever there is, None for not at all."""

    topic: str | bytes
    payload: bytes
    code: str | None = ""
    flags: int = 0

    def message(self, at: int) -> Message:
        """Return it as it is journalled [ns UTC]."""
        topic = self.topic.encode() if isinstance(self.topic, str) else self.topic
        return Message(at, topic, self.payload, self.flags)


def poisons(seed: int) -> Iterator[Poison]:
    """Yield messages without end, no two of which are alike."""
    dice, number = random.Random(seed), 0
    while True:
        number += 1
        yield dice.choice(_MAKERS)(dice, number)


def cursed_stage(value: float) -> int | None:
    """Return at which stage the line is to fail for a value; None for a good one."""
    rest = value - CURSED
    return int(rest) % STAGES + 1 if 0 <= rest < 100_000 else None


def reading(
    channel: object, time: object, value: object, unit: object = "kW", **more: object
) -> dict[str, object]:
    return {"channel": channel, "time": time, "value": value, "unit": unit, **more}


def _cursed(dice: random.Random, number: int) -> Poison:
    """Return what reads well, and at which a stage of the line fails; with good readings beside it, and a number of its own."""
    own = [reading("held", _time(number), CURSED + number % 90_000)]
    beside = [reading("held", _time(number + 500_000), 1.0)] * dice.randrange(2)
    sequence = {"boot": f"poison-{number % 7}", "seq": number} if dice.random() < 0.5 else {}
    return Poison(READINGS, json.dumps({"readings": own + beside, **sequence}).encode(), "fault")


def _cursed_node(dice: random.Random, number: int) -> Poison:
    """Return a birth at which the line fails: the node is as it was."""
    metric = {
        "name": "Power",
        "alias": 1,
        "datatype": DOUBLE,
        "value": CURSED + number % 90_000,
        "unit": "kW",
    }
    return Poison(
        f"spBv1.0/G/NBIRTH/bad{dice.randrange(9)}",
        payload(NOON // MS + number, 0, bdseq(number), metric),
        "fault",
    )


def _wrong_reading(dice: random.Random, number: int) -> Poison:
    time = _time(number)
    wrong = dice.choice(
        [
            reading(f"nobody-{number}", time, 1.0),
            reading("held", time, 1.0, f"unit-{number}"),
            reading("held", time, 1.0, None, note=number),
            reading("held", f"yesterday {number}", 1.0),
            reading("held", number, 1.0),
            reading("held", rfc3339(NOON + 400 * MINUTE + number * SECOND), 1.0),
            reading("held", "0001-01-01T00:00:00Z", number),
            reading("held", time, f"{number}"),
            reading("held", time, True, note=number),
            reading("held", time, [number]),
            reading("held", time, 10**309 + number),
            reading("power", time, -5.0 - number),
            reading("heat", time, 1.0, "kWh", note=number),
            reading("", time, float(number)),
            reading("a\u0000b", time, float(number)),
            reading("held", time, float(number), quality="splendid"),
            reading("held", time, float(number), reset="no"),
            reading("held", time, float(number), correction=2**40),
            reading("x" * dice.randrange(1, 100_000), time, float(number)),
        ]
    )
    return Poison(READINGS, json.dumps({"readings": [wrong]}).encode())


def _wrong_document(dice: random.Random, number: int) -> Poison:
    n = str(number).encode()
    return Poison(
        READINGS,
        dice.choice(
            [
                b"\xff\xfe" + n,
                b"\xef\xbb\xbf{}" + n,
                b"[" * dice.randrange(65, 5000) + n,
                b'{"a":' * dice.randrange(65, 5000) + n,
                n,
                b'"' + n + b'"',
                b'{"readings": ' + n + b"}",
                b'{"readings": [' + n + b"]}",
                b'{"readings": [], "columns": {}, "n": ' + n + b"}",
                b'{"readings": [], "readings": [], "n": ' + n + b"}",
                b'{"n": ' + n + b"} {}",
                b'{"n": ' + n,
                b'{"channel": "held", "n": ' + n + b"}",
                b'{"time": [], "columns": [' + n + b"]}",
                b'{"time": ["' + n + b'"], "columns": {"held": {"unit": "kW", "values": [1, 2]}}}',
                b'{"time": [1], "columns": {"held": {"unit": 1, "values": [' + n + b"]}}}",
                b'{"readings": [{"channel": "held", "value": NaN, "n": ' + n + b"}]}",
                b'{"readings": [{"channel": "\\ud800", "n": ' + n + b"}]}",
                json.dumps(
                    {"gateway": f"other-{number}", "readings": [reading("held", _time(number), 1.0)]}
                ).encode(),
                json.dumps(
                    {"readings": [reading("held", _time(number), 1.0)], "boot": "", "seq": number}
                ).encode()[:-40],
                ("{" + "\x00" * dice.randrange(1, 50) + f"{number}").encode(),
                f'{{"n": {number}}}'.encode("utf-16"),
                dice.randbytes(dice.randrange(1, 400)) + b"\xff" + n,
            ]
        ),
    )


def _other_format(dice: random.Random, number: int) -> Poison:
    topic = dice.choice(["senml/gw", "cbor/gw", "pack/gw", "csv/gw", "lines/gw"])
    n = str(number).encode()
    wrong = {
        "senml/gw": [
            b'[{"n": 1, "v": ' + n + b"}]",
            b'[{"bver": 99, "n": "' + n + b'"}]',
            b'[{"bn": "' + b"x" * 50_000 + b'", "n": "' + n + b'", "v": 1}]',
        ],
        "cbor/gw": [b"\x9f" + n, b"\x81" * 300 + n, b"\xfb" + n, b"\xa1" + n],
        "pack/gw": [b"\xc1" + n, b"\x91" * 3000 + n, b"\x01" + n],
        "csv/gw": [b"nobody-" + n + b",2026-03-10T05:00:00Z,1,kW", b'"' + n, b"a,b," + n],
        "lines/gw": [b"x " + n, b"held,a=b value=" + n, b"held value=1 " + n + b"x", b"," + n],
    }[topic]
    return Poison(topic, dice.choice(wrong))


def _wrong_topic(dice: random.Random, number: int) -> Poison:
    n = str(number)
    topics = [
        f"sm/v1/{n}",
        f"sm/v1/a//{n}/readings",
        f"nobody/{n}",
        f"spBv1.0/G/NOTHING/{n}",
        f"sm/v1/{'x' * 1100}/{n}",
        "/" * dice.randrange(1, 900) + n,
    ]
    raw = dice.choice(
        [
            *(one.encode() for one in topics),
            b"sm/v1/\xff/" + n.encode() + b"/gw/readings",
            b"a\x00/" + n.encode(),
        ]
    )
    return Poison(raw, b'{"n": ' + n.encode() + b"}")


def _wrong_node(dice: random.Random, number: int) -> Poison:
    node, time = f"bad{dice.randrange(9)}", NOON // MS + number
    power = {"name": "Power", "alias": 1, "datatype": DOUBLE, "value": 1.0, "unit": "kW"}
    return dice.choice(
        [
            Poison(f"spBv1.0/G/NBIRTH/{node}", payload(time, None, power)),
            Poison(f"spBv1.0/G/NBIRTH/{node}", payload(time, 999, power)),
            Poison(f"spBv1.0/G/NBIRTH/{node}", b"\xff" + str(number).encode()),
            Poison(
                f"spBv1.0/G/NBIRTH/{node}",
                payload(time, 0, {**power, "name": f"~~{number}"}).replace(b"~~", b"\xb0C"),
            ),
            Poison(f"spBv1.0/G/NBIRTH/{node}", payload(time, 0, {**power, "name": f"nobody {number}"})),
            Poison(f"spBv1.0/G/NDATA/never{number}", payload(time, 1, {"alias": 9, "value": 1.0})),
            Poison(f"spBv1.0/G/DDATA/never{number}/d", payload(time, 1, {"alias": 9, "value": 1.0})),
        ]
    )


def _decision(dice: random.Random, number: int) -> Poison:
    """Return what no person decided: it is noted as refused."""
    topic = dice.choice(["decision", "replay", "alert", "sparkplug-of-tomorrow", f"unknown-{number}"])
    n = str(number).encode()
    wrong = [
        b"", b"\xff" + n, b"[" * 2000, b'{"id": ' + n + b"}", b'{"id": "x' + n + b'"}', b'{"id": "\\ud800' + n + b'", "by": "a"}',
        b'{"id": "y' + n + b'", "by": "a", "action": "conjure", "park": "park-a", "month": "2026-02"}',
        b'{"id": "z' + n + b'", "by": "a", "action": "final", "park": "park-a", "month": "0000-99"}',
    ]  # fmt: skip
    if topic == "replay":  # the others would be one, of all that was refused
        wrong = [one for one in wrong if b'"by"' not in one or b"ud800" in one]
    return Poison(f"$stackmeter/{topic}", dice.choice(wrong), None, DECISION)


def _status(dice: random.Random, number: int) -> Poison:
    """Return a status that says nothing: it is counted as such."""
    wrong = [
        b"",
        b"\xff" + str(number).encode(),
        b"[" * 1200,
        b'{"online": [' + str(number).encode() + b"]}",
        b"\x00" * 3000,
    ]
    return Poison(f"sm/v1/{SITE}/gw2/status", dice.choice(wrong), None, dice.choice([0, DUP]))


def _too_large(dice: random.Random, number: int) -> Poison:
    return Poison(READINGS, str(number).encode() + b" " * dice.choice([262_144, 300_000]), "too_large")


_MAKERS: list[Callable[[random.Random, int], Poison]] = [
    *[_cursed] * 3, _cursed_node, *[_wrong_reading] * 30, *[_wrong_document] * 30, *[_other_format] * 15, *[_wrong_topic] * 8,
    *[_wrong_node] * 6, *[_decision] * 4, *[_status] * 3,
]  # fmt: skip


def large(seed: int) -> Iterator[Poison]:
    """Yield a few messages beyond what is taken."""
    dice = random.Random(seed)
    yield from (_too_large(dice, number) for number in range(20))


def _time(number: int) -> str:
    return rfc3339(NOON + number * MS)
