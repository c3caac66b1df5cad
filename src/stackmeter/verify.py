"""Proves a state: ledger, published numbers, sums, regulated hours and readings, each from what it is made of.

It only reads, as of one moment, so that it may run beside the service. The journal is opened after the state: it holds
at least the messages that the state follows.
"""

import sqlite3
from pathlib import Path

from ingest.recompute import Recompute
from ingest.regulated import HourRecompute
from plant.park import Plant
from rules.engine import Engine, Methods
from stackmeter.findings import Finding, Report, Tell, untold
from stackmeter.ledger_proof import last_of, prove_ledger, prove_regulated
from stackmeter.reading_proof import ReadingProof
from stackmeter.regulated_proof import RegulatedProof
from stackmeter.window_proof import WindowProof
from store.audit import snapshot
from store.sqlite import StateMismatch
from store.state import SCHEMA_VERSION


class NoState(Exception):
    """There is no state to prove, or it cannot be read."""


def verify(plant: Plant, methods: Methods, folder: Path, tell: Tell = untold) -> Report:
    """Prove the state of a directory under a configuration.

    Raises
    ------
    NoState
        There is no state.db, or it cannot be read.
    StateMismatch
        The state is of another version, or its windows have another length.
    """
    report = Report()
    try:
        with snapshot(folder / "state.db") as state:
            _check(state, plant, folder)
            _verify(state, plant, methods, folder, report, tell)
    except sqlite3.Error as error:
        raise NoState(f"{folder} holds no state that can be read: {error}") from error
    return report


def _verify(
    state: sqlite3.Connection, plant: Plant, methods: Methods, folder: Path, report: Report, tell: Tell
) -> None:
    with last_of(plant.window) as last:
        spans = prove_ledger(state, last, report, tell)
        prove_regulated(state, report)
        engine = Engine(plant, methods)
        WindowProof(state, plant, Recompute(plant, engine, state), last, report).prove(tell)
    RegulatedProof(state, plant, HourRecompute(plant, engine, state), report).prove(tell)
    path = folder / "journal.db"
    if not path.exists():
        report.add(Finding("readings", "unproven", "journal", f"{path} is not there"))
        return
    with snapshot(path) as journal:
        ReadingProof(state, plant, spans, report).prove(journal, tell)


def _check(state: sqlite3.Connection, plant: Plant, folder: Path) -> None:
    version = int(state.execute("PRAGMA user_version").fetchone()[0])
    if version != SCHEMA_VERSION:
        raise StateMismatch(
            f"{folder} has schema {version}, this version of Stackmeter reads {SCHEMA_VERSION}"
        )
    window = int(state.execute("SELECT value FROM meta WHERE key = 'window'").fetchone()[0])
    if window != plant.window:
        raise StateMismatch(
            f"{folder} was made with windows of {window / 1e9:g} s, the configuration says {plant.window / 1e9:g} s"
        )
