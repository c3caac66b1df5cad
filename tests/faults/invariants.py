"""What must hold after every fault: each function checks one of the invariants against truth, or fails saying what differs."""

import json
import math
import sqlite3
import tempfile
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping
from contextlib import closing
from hashlib import sha256
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
import standardwebhooks

from ingest.line.evaluate import Evaluator
from ingest.line.line import Line
from plant.park import Plant
from rules.catalogue import load_catalogue
from rules.engine import Engine
from store import blocks
from store.accounting.ledger import raw_changes
from store.messages.journal import JournalReader, Message
from store.state import State
from tests.faults.bench import SECRET, Bench
from tests.faults.truth import MINUTE, SITE, SOURCES, Sent, Truth, Windows
from tests.readings import readings_in
from tests.servers import InfluxDB, Request, wait_until
from tests.service import Service
from tests.warm import Warm, console

MEMORY = "/dev/shm" if Path("/dev/shm").is_dir() else None  # a replay need not be durable
YEAR_FROM, YEAR_TO = "2026-01-01T00:00:00+07:00", "2027-01-01T00:00:00+07:00"


def check_all(bench: Bench, truth: Truth) -> dict[str, float]:
    """Check every invariant of a bench that has drained, all of whose truth was sent; return the figures.

    The service is ended for it: a message may still come once more, and then journal and state must not be read apart.
    """
    state, journal = bench.service.database, bench.service.journal
    plant = bench.plant()
    check_api(bench, truth)
    if bench.influx:
        wait_until(lambda: not rows(state, "SELECT 1 FROM influx_alert LIMIT 1"), "alerts did not drain", 60)
    assert bench.service.term() == 0, bench.service.log()[-3000:]
    figures = check_messages(state, journal, bench.field.sent)
    check_windows(state, plant, truth.windows())
    check_register_totals(state, plant, truth)
    check_ledger(state)
    check_replay(state, journal, plant, bench.config)
    check_rebuild(bench.service, bench.config)
    check_webhooks(bench.receiver.requests, truth)
    if bench.influx:
        figures["points"] = check_influx(bench.influx, state, plant, truth)
    return figures


def rows(database: Path, query: str, *values: Any) -> list[Any]:
    """Return what a database answers, read beside whoever writes it."""
    with closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True, timeout=30)) as connection:
        return connection.execute(query, values).fetchall()


def journalled(journal: Path) -> list[Message]:
    """Return all messages of a journal in order; every group must match its digest."""
    with closing(JournalReader(journal)) as reader:
        return [message for _, group in reader.read(1, 2**62) for message in group]


def journal_end(journal: Path) -> int:
    """Return the offset that the next message will get."""
    if not journal.exists():
        return 1
    return int(rows(journal, "SELECT coalesce(max(first + count), 1) FROM journal")[0][0])


# --- I1: each message ends as exactly one outcome ----------------------------------------------------------------


def check_messages(state: Path, journal: Path, sent: list[Sent]) -> dict[str, float]:
    """Check that the journal holds just what was sent, and that the balance closes over it exactly.

    Returns how many messages came more than once, and how many of those repeats the field itself had sent.
    """
    different = {(one.topic, one.payload) for one in sent}
    kept = journalled(journal)
    assert {(m.topic.decode(), m.payload) for m in kept} == different
    books = balance(state)
    assert books["received"] == len(kept), "journalled messages and received ones differ"
    assert books["accepted"] + books["late"] == len(different), books
    assert books["duplicate"] == len(kept) - len(different), books
    assert (books["quarantined"], books["rejected"]) == (0, 0), books
    return {"sent": len(sent), "duplicates": books["duplicate"], "repeated": len(sent) - len(different)}


def balance(state: Path, book: str = "messages") -> dict[str, int]:
    """Return a book's sums; every one of its rows must close."""
    names = ("received", "accepted", "late", "duplicate", "quarantined", "rejected")
    sums = ", ".join(f"sum({name})" for name in names)
    # One statement, so that both are as of one moment while the service runs.
    told = rows(
        state,
        f"SELECT 1, {', '.join(names)} FROM balance WHERE book = ?1"
        f" UNION ALL SELECT 0, {sums} FROM balance_ever WHERE book = ?1",
        book,
    )
    every = [row for is_part, *row in told if is_part]
    [ever] = [row for is_part, *row in told if not is_part]
    assert all(row[0] == sum(row[1:]) for row in every), every
    found = {name: sum(row[place] for row in every) for place, name in enumerate(names)}
    assert list(found.values()) == [count or 0 for count in ever], (found, ever)
    return found


# --- I2, I13: the windows are those of the plain loop ------------------------------------------------------------


def stored_windows(state: Path) -> dict[tuple[str, int], Any]:
    """Return (source, minute since 1970 at which it begins) → fields of every window that was ever computed."""
    found = {}
    query = "SELECT name, hour, block FROM emission JOIN source ON id = source"
    for source, hour, data in rows(state, query):
        block = blocks.from_bytes(data)
        for place in np.flatnonzero(block[:, blocks.REVISION] > 0).tolist():
            found[source, hour // MINUTE + place * 60 // len(block)] = block[place]
    return found


def check_windows(state: Path, plant: Plant, expected: Windows) -> None:
    """Check tonnes, activity and shares of every window, and that nothing else is claimed to be known."""
    stored = stored_windows(state)
    known = {key: fields for key, fields in stored.items() if blocks.coverage(fields) > 0}
    for key, fields in known.items():
        assert np.isfinite(fields).all(), (key, fields)
        assert (fields >= 0).all(), (key, fields)
    got = {key: window_of(fields) for key, fields in known.items()}
    # A minute without a filling is known to be 0, whether it was ever computed or not.
    got = {key: one for key, one in got.items() if key in expected or key[0] != "diesel" or one[1] != 0}
    assert not got.keys() ^ expected.keys(), sorted(got.keys() ^ expected.keys())[:10]
    order = sorted(expected)
    np.testing.assert_allclose(
        np.array([got[key] for key in order]),
        np.array([expected[key] for key in order]),
        rtol=1e-9,
        atol=1e-15,
    )


def window_of(fields: Any) -> tuple[float, float, float, float]:
    """Return a stored window as `truth.Windows` has it."""
    wanted = (blocks.CO2E_T, blocks.ACTIVITY, blocks.MEASURED, blocks.INTERPOLATED)
    return tuple(float(fields[place]) for place in wanted)  # type: ignore[return-value]  # four of them


def check_register_totals(state: Path, plant: Plant, truth: Truth) -> None:
    """Check that registers' activity adds up to the ticks that their meters counted."""
    for source, (channel, _) in SOURCES.items():
        if channel in truth.totals:
            assert total_of(state, source, "activity") == pytest.approx(truth.totals[channel], rel=1e-9)


def total_of(state: Path, source: str, field: str) -> float:
    """Return the sum over a source's months."""
    query = f"SELECT t.{field} FROM total t JOIN source ON id = t.source WHERE name = ? AND level = 3"
    return math.fsum(row[0] for row in rows(state, query, source) if row[0] is not None)


# --- I5: the ledger explains every number ------------------------------------------------------------------------

CHANGE = np.dtype(
    [
        ("source", "<i4"),
        ("revision", "<i4"),
        ("start", "<i8"),
        *((f"{when}_{what}", "<f8") for what in ("co2e_t", "activity") for when in ("old", "new")),
    ]
)  # fmt: skip  a record of `changes`, written down again


def check_ledger(state: Path) -> None:
    """Check the chain of hashes, that each change begins where the one before ended, and that all end at what is stored."""
    previous = bytes(32)
    last: dict[tuple[int, int], Any] = {}
    query = "SELECT at, cause, actor, configuration, journal_from, journal_to, changes, previous, hash FROM ledger ORDER BY id"
    reached = 1
    for *entry, stored, before, own in rows(state, query):
        changes = raw_changes(stored)
        assert before == previous, "the chain of hashes is broken"
        assert own == sha256(previous + msgspec.msgpack.encode(entry) + changes).digest()
        previous = own
        assert entry[4] >= reached, "two rows speak of one message"
        reached = entry[5]
        for change in np.frombuffer(changes, CHANGE):
            _check_follows(change, last.get((change["source"], change["start"])))
            last[change["source"], change["start"]] = change
    _check_ends(state, last)


def _check_follows(change: Any, before: Any) -> None:
    assert change["revision"] == (1 if before is None else before["revision"] + 1)
    for what in ("co2e_t", "activity"):
        was = math.nan if before is None else before[f"new_{what}"]
        np.testing.assert_array_equal(change[f"old_{what}"], was)


def _check_ends(state: Path, last: dict[tuple[int, int], Any]) -> None:
    """Check the newest change of each window against the window, and the sum of all deltas against the totals."""
    ids = {name: number for number, name in rows(state, "SELECT id, name FROM source")}
    stored = {(ids[source], n * MINUTE): fields for (source, n), fields in stored_windows(state).items()}
    assert stored.keys() == last.keys()
    for key, fields in stored.items():
        ends = [last[key][f"new_{what}"] for what in ("co2e_t", "activity")]
        np.testing.assert_array_equal(ends, fields[[blocks.CO2E_T, blocks.ACTIVITY]])
        assert last[key]["revision"] == fields[blocks.REVISION]
    for source, number in ids.items():
        deltas = [change["new_co2e_t"] for (s, _), change in last.items() if s == number]
        known = math.fsum(delta for delta in deltas if not math.isnan(delta))
        assert total_of(state, source, "co2e_t") == pytest.approx(known, rel=1e-12)


# --- I4, I14: the state is a function of the journal -------------------------------------------------------------


def check_replay(state: Path, journal: Path, plant: Plant, config: Path) -> None:
    """Check that a fresh replay of the journal gives the same bits."""
    with tempfile.TemporaryDirectory(dir=MEMORY) as folder:
        again = Path(folder) / "state.db"
        with closing(State(again, plant)) as fresh, closing(JournalReader(journal)) as reader:
            line = new_line(plant, fresh, reader, config)
            while line.step():
                pass
        assert outcome(state) == outcome(again)


PLAINER = Warm(PYTHONHASHSEED="7", NPY_DISABLE_CPU_FEATURES="X86_V3 X86_V4 AVX2 FMA3 AVX512F AVX512_SKX")


def check_rebuild(service: Service, config: Path) -> None:
    """Check that the journal's steps make every table again, in a process with other hashes and a plainer processor."""
    done = console(
        "rebuild", "--config", config, "--state", service.state, "--json",
        environment=service.environment, warm=PLAINER,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    assert json.loads(done.stdout)["differences"] == {}


class NoRules:
    """Judges nothing."""

    def see(self, _untold: Any, _now: int) -> None:
        """Judge nothing."""

    matters = False
    takers: Mapping[bytes, Any] = {}

    def __init__(self, plant: Plant) -> None:
        self.asked = np.zeros(len(plant.channels), bool)

    def reload(self) -> None:
        """Remember nothing."""


def new_line(
    plant: Plant, state: State, journal: JournalReader, config: Path, clock: Callable[[], int] = lambda: 0
) -> Line:
    """Return a line without alert rules, whose entries of the ledger are at 0."""
    engine = Engine(plant, load_catalogue(config))
    return Line(
        plant, state, journal, Evaluator(plant, engine, state), NoRules(plant),
        clock=clock, crash=lambda _point: None, project=False,
    )  # fmt: skip


def outcome(state: Path) -> tuple[Any, ...]:
    """Return, to the bit, everything of a state that must not depend on its history."""
    known = {}
    for (source, number), fields in stored_windows(state).items():
        if not (source == "diesel" and fields[blocks.ACTIVITY] == 0):  # computed or not, it is 0
            known[source, number] = fields[: blocks.REVISION].tobytes()
    sums = rows(
        state,
        "SELECT name, level, start, co2e_t, co2_kg, ch4_kg, n2o_kg, activity FROM total JOIN source ON id = source"
        " WHERE windows > 0 AND (name != 'diesel' OR activity > 0) ORDER BY 1, 2, 3",
    )
    readings = [row[:-1] for row in readings_in(state)]
    lost = sorted(rows(state, "SELECT channel, time, value, quality, correction FROM reading_lost"))
    sequences = rows(state, "SELECT gateway, boot, low, high FROM sequence ORDER BY 1, 2, 3")
    return known, sums, readings, lost, sequences


# --- the API says what the state says ----------------------------------------------------------------------------


def check_api(bench: Bench, truth: Truth) -> None:
    """Check the year's tonnes of every source."""
    tonnes: dict[str, list[float]] = defaultdict(list)
    for (source, _), (co2e_t, *_rest) in truth.windows().items():
        tonnes[source].append(co2e_t)
    answer = bench.service.get("/v1/totals", level="source", period="2026")
    assert answer.status_code == 200, answer.text
    got = {one["source"]: one["co2e_t"] for one in answer.json()["totals"]}
    assert got == pytest.approx({source: math.fsum(every) for source, every in tonnes.items()}, rel=1e-9)


# --- I6: InfluxDB shows the state --------------------------------------------------------------------------------


def check_influx(influx: InfluxDB, state: Path, plant: Plant, truth: Truth) -> int:
    """Check every emission, reading and alert in InfluxDB, and that there are no others; return how many points."""
    emissions = points(influx, "emission", "source")
    stored = {(s, n * MINUTE): shown(fields) for (s, n), fields in stored_windows(state).items()}
    assert emissions == stored
    readings = {key: one["value"] for key, one in points(influx, "reading", "channel").items()}
    assert readings == {(c, r.time): r.value for c, told in truth.readings.items() for r in told}
    alerts = {time: one["state"] for (_, time), one in points(influx, "alert", "rule").items()}
    assert alerts == {time: float(begins) for time, begins in truth.transitions()}
    return len(emissions) + len(readings) + len(alerts)


def points(influx: InfluxDB, measurement: str, tag: str) -> dict[tuple[str, int], dict[str, float]]:
    """Return (tag, time) → fields of all points of a measurement."""
    found = {}
    for series in influx.query(f'SELECT * FROM "{measurement}" GROUP BY *'):
        columns, tags = series["columns"], series["tags"]
        for row in series["values"]:  # type: ignore[attr-defined]  # JSON
            fields = dict(zip(columns, row, strict=True))  # type: ignore[call-overload]  # JSON
            key = (tags[tag], fields.pop("time"))  # type: ignore[index]  # JSON
            assert key not in found, f"{key} is in two series"
            found[key] = {name: value for name, value in fields.items() if value is not None}
    return found


def shown(fields: Any) -> dict[str, float]:
    """Return a stored window as InfluxDB must show it; one that became unknown shows zeros and coverage 0."""
    amounts = dict(zip(blocks.FIELDS[: blocks.ACTIVITY + 1], fields.tolist(), strict=False))
    if math.isnan(amounts["co2e_t"]):
        amounts = dict.fromkeys(amounts, 0.0)
    known = {name: value for name, value in amounts.items() if not math.isnan(value)}
    shares = {"coverage": float(blocks.coverage(fields)), "substituted": float(fields[blocks.SUBSTITUTED])}
    return known | shares | {"revision": float(fields[blocks.REVISION])}


# --- I8: every transition that is not shelved was told, in order -----------------------------------------------------


def check_webhooks(requests: list[Request], truth: Truth) -> None:
    """Check that the receiver's distinct ids are the transitions that are told, each signed, the same each time, and in order."""
    bodies: dict[str, bytes] = {}
    for request in requests:
        standardwebhooks.Webhook(SECRET).verify(request.body, request.headers)
        assert bodies.setdefault(request.headers["webhook-id"], request.body) == request.body
    told = [json.loads(body) for body in bodies.values()]
    by_alert: dict[str, list[str]] = defaultdict(list)
    for one in told:
        by_alert[one["data"]["id"]].append(one["type"])
    assert Counter(map(tuple, by_alert.values())) == Counter(truth.told())


def gateway_balance(state: Path, gateway: str) -> dict[str, int]:
    """Return the sums of one gateway's book of messages."""
    names = ("received", "accepted", "late", "duplicate", "quarantined", "rejected")
    sums = ", ".join(f"sum({name})" for name in names)
    (row,) = rows(
        state, f"SELECT {sums} FROM balance WHERE book = 'messages' AND gateway = ?", f"{SITE}/{gateway}"
    )
    return dict(zip(names, row, strict=True))
