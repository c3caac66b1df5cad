"""Proof by system calls: no PUBACK leaves before an fdatasync of the journal that covers its message."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from tests.faults.bench import Bench, Report
from tests.faults.invariants import check_all
from tests.faults.truth import trial
from tests.servers import required, wait_until
from tests.service import CONSOLE_SCRIPT

CALLS = "fdatasync,fsync,sendto,recvfrom,write"
PUBLISH, PUBACK = 3, 4
NEVER = 2**62
OURS = (b"/ack", b"/totals")  # topics that are acknowledged and not journalled


@dataclass(frozen=True)
class Call:
    """One system call: the lines of the trace on which it began and ended, its descriptor's path, data, result."""

    name: str
    began: int
    ended: int
    path: str
    data: bytes
    result: int


def traced(output: Path) -> tuple[str, ...]:
    """Return a program: the console script with every call that matters written down, bytes in full."""
    strace = required("strace")
    # -D: the program is the child and gets its signals, the tracer stands aside.
    options = (
        "-D",
        "-f",
        "-yy",
        "-xx",
        "-s",
        "70000",
        "-e",
        f"trace={CALLS}",
        "-e",
        "signal=none",
        "-o",
        str(output),
    )
    return (strace, *options, *CONSOLE_SCRIPT)


BEGAN = re.compile(r"^(\d+) +(\w+)\((.*)$")
RESUMED = re.compile(r"^(\d+) +<\.\.\. (\w+) resumed>(.*)$")
ENDED = re.compile(r"= (-?\d+)[^=]*$")
TARGET = re.compile(r"^\d+<(.*?)>\s*(?:,|\))")
DATA = re.compile(r'"((?:\\x[0-9a-f]{2})*)"')


def calls(trace: list[str]) -> Iterator[Call]:
    """Yield the calls of a trace in the order in which they ended; one that never ended is left out."""
    open_calls: dict[str, tuple[str, int, str]] = {}
    for number, line in enumerate(trace):
        if began := BEGAN.match(line):
            thread, name, rest = began.groups()
            if rest.endswith("<unfinished ...>"):
                open_calls[thread] = (name, number, rest.removesuffix("<unfinished ...>"))
                continue
            start = number
        elif resumed := RESUMED.match(line):
            thread, name, rest = resumed.groups()
            if thread not in open_calls:
                continue
            name, start, first = open_calls.pop(thread)
            rest = first + rest
        else:
            continue
        target, result = TARGET.match(rest), ENDED.search(rest)
        if target and result:
            told = "".join(DATA.findall(rest)).replace("\\x", "")
            yield Call(name, start, number, _plain(target[1]), bytes.fromhex(told), int(result[1]))


def _plain(path: str) -> str:
    """Return a path that -xx wrote in hexadecimal."""
    return re.sub(r"\\x([0-9a-f]{2})", lambda found: chr(int(found[1], 16)), path)


@dataclass
class Verdict:
    """How many acknowledgements of gateways' messages a trace has, and which packet ids of them left too early."""

    acknowledgements: int = 0
    too_early: list[int] = field(default_factory=list)


def judge(trace: list[str], port: int) -> Verdict:
    """Find the PUBACKs to the broker's port that no fdatasync of the journal precedes since their PUBLISH was read."""
    coming, going = Packets(), Packets()
    read_at: dict[int, int] = {}  # packet id → the line on which its PUBLISH had been read
    ours: set[int] = set()
    synced: list[Call] = []
    verdict = Verdict()
    for call in calls(trace):
        if call.name in {"fdatasync", "fsync"} and "journal.db" in call.path and call.result == 0:
            synced.append(call)
        elif call.path.endswith(f":{port}]") and call.result > 0 and call.name == "recvfrom":
            for kind, packet, topic in coming.take(call.data):
                if kind == PUBLISH and topic.endswith(OURS):
                    ours.add(packet)
                elif kind == PUBLISH:
                    read_at[packet] = call.ended
        elif call.path.endswith(f":{port}]") and call.result > 0:
            for kind, packet, _ in going.take(call.data[: call.result]):
                if kind == PUBACK and packet not in ours:
                    verdict.acknowledgements += 1
                    read = read_at.pop(packet, NEVER)
                    if not any(read < sync.began and sync.ended < call.began for sync in synced):
                        verdict.too_early.append(packet)
    return verdict


class Packets:
    """Cuts one direction of a connection into MQTT packets."""

    def __init__(self) -> None:
        self._bytes = b""

    def take(self, data: bytes) -> Iterator[tuple[int, int, bytes]]:
        """Yield (kind, packet id, topic) of each PUBLISH of QoS 1 and each PUBACK that is now complete."""
        self._bytes += data
        while (found := self._cut()) is not None:
            head, body = found
            if head >> 4 == PUBACK:
                yield PUBACK, int.from_bytes(body[:2]), b""
            elif head >> 4 == PUBLISH and head >> 1 & 3 == 1:
                end = 2 + int.from_bytes(body[:2])
                yield PUBLISH, int.from_bytes(body[end : end + 2]), body[2:end]

    def _cut(self) -> tuple[int, bytes] | None:
        """Take one whole packet off the front, as its first byte and its body."""
        length = shift = 0
        for place in range(1, len(self._bytes)):
            length |= (self._bytes[place] & 127) << shift
            shift += 7
            if self._bytes[place] < 128:
                end = place + 1 + length
                if len(self._bytes) < end:
                    return None
                head, body, self._bytes = self._bytes[0], self._bytes[place + 1 : end], self._bytes[end:]
                return head, body
        return None


def test_no_puback_leaves_before_an_fdatasync_of_the_journal_that_covers_its_message(
    tmp_path: Path, report: Report
) -> None:
    """The same trace without its fdatasyncs is found out, so the judge can tell."""
    output, truth = tmp_path / "trace", trial(300, seed=22)
    with Bench(tmp_path, program=traced(output)) as bench:
        bench.service.start()
        bench.field.send(truth.messages)
        bench.service.drain(len(truth.messages))
        check_all(bench, truth)
        end = re.compile(rf"^{bench.service.pid} +\+\+\+ exited", re.MULTILINE)
        wait_until(lambda: end.search(output.read_text()) is not None, "the trace has no end", 60)
        trace = output.read_text().splitlines()
        verdict = judge(trace, bench.broker.port)
        without = judge([line for line in trace if "fdatasync" not in line], bench.broker.port)

    assert verdict.acknowledgements == len(truth.messages)
    assert verdict.too_early == []
    assert len(without.too_early) == len(truth.messages)
    report("fdatasync-before-PUBACK", acknowledgements=verdict.acknowledgements, too_early=0)
