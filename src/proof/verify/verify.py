"""Proves a state: ledger, published numbers, sums, regulated hours and readings, each from what it is made of.

It only reads, as of one moment, so that it may run beside the service. The journal is opened after the state: it holds
at least the messages that the state follows.
"""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from random import Random

from ingest.line.containment import is_of_the_machine, told
from ingest.line.recompute import Recompute
from ingest.line.regulated import HourRecompute
from plant.park import Plant
from proof.verify.archive_proof import ArchiveProof
from proof.verify.configurations import Configurations
from proof.verify.evidence_proof import prove_evidence
from proof.verify.findings import NOT_PROVEN, NOT_QUICKLY, Finding, Proof, Report, Tell, untold
from proof.verify.journal_proof import JournalProof, taken_of
from proof.verify.ledger_proof import Span, last_of, prove_ledger, prove_regulated
from proof.verify.message_proof import MessageProof
from proof.verify.regulated_proof import RegulatedProof
from proof.verify.report_proof import prove_report_files
from proof.verify.sample_proof import SampleProof
from proof.verify.verdict_proof import VerdictProof
from proof.verify.window_proof import WindowProof
from rules.engine import Engine
from rules.remembering import known
from rules.terms import Numbers
from store import terms
from store.archive.places import ArchiveAway, ArchivePlace
from store.audit import snapshot
from store.faults import told_of
from store.folder import evidence_folder
from store.kept_files import KeptFiles
from store.messages.journal import REMEDY as JOURNAL_REMEDY
from store.messages.journal_head import stored_head
from store.sqlite import StateMismatch
from store.state import REMEDY
from store.upgrade import SCHEMA_VERSION, of_another_schema


class NoState(Exception):
    """There is no state to prove."""


def verify(
    plant: Plant,
    methods: Numbers,
    folder: Path,
    tell: Tell = untold,
    *,
    quick: Random | None = None,
    archive: ArchivePlace | None = None,
) -> Report:
    """Prove the state of a directory under a configuration; with `quick` of messages a sample that this draws.

    With an `archive` its files are proven too, and what was pruned from the journal is taken from them.

    Raises
    ------
    NoState
        There is no state.db.
    store.faults.FileFault
        A file cannot be read.
    StateMismatch
        The state is of another version, or its windows have another length.
    store.archive.places.ArchiveAway
        The archive cannot be reached.
    """
    report = Report(not_proven=[*NOT_PROVEN, *(NOT_QUICKLY if quick else ())])
    path = folder / "state.db"
    if not path.is_file():
        raise NoState(f"{folder} holds no state.db")
    with told_of(path, REMEDY), snapshot(path) as state:
        _check(state, plant, folder)
        _verify(state, plant, methods, folder, report, tell, quick, archive)
    return report


def _verify(
    state: sqlite3.Connection,
    plant: Plant,
    methods: Numbers,
    folder: Path,
    report: Report,
    tell: Tell,
    quick: Random | None,
    archive: ArchivePlace | None,
) -> None:
    found = known(plant, methods, terms.read(state))
    engine, configurations = Engine(found.plant, found.methods), Configurations(state, plant.hash)
    recompute = Recompute(plant, engine, state)
    spans: list[Span] = []
    with last_of(plant.window) as last:
        with _contained(report, "ledger"):
            spans += prove_ledger(state, last, report, tell)
            prove_regulated(state, report)
        with _contained(report, "published"):
            WindowProof(state, plant, recompute, last, report).prove(tell)
    with _contained(report, "readings"):
        if quick is None:
            VerdictProof(state, plant, recompute, report, always=configurations.always_today).prove(tell)
    with _contained(report, "recomputed"):
        RegulatedProof(state, plant, HourRecompute(plant, engine, state), report).prove(tell)
    with _contained(report, "messages"):
        prove_evidence(state, folder, report)
        prove_report_files(state, KeptFiles(evidence_folder(folder)), report)
    path = folder / "journal.db"
    if not path.exists():
        report.add(Finding("readings", "unproven", "journal", f"{path} is not there"))
        return
    head = stored_head(path)  # before the journal, to which a service adds meanwhile
    with told_of(path, JOURNAL_REMEDY), snapshot(path) as journal:
        if archive is not None:
            _prove_archive(ArchiveProof(state, plant, archive, report), journal, report, tell)
        taken = taken_of(state, journal)
        with _contained(report, "messages"):
            JournalProof(state, journal, taken, report).prove(path, head)
        with _contained(report, "messages"):
            configurations.prove(spans, report)
            if quick is None:
                MessageProof(state, journal, plant, engine, taken, configurations, report).prove(tell)
            else:
                SampleProof(state, journal, plant, taken, configurations, report, quick).prove(tell)


def _prove_archive(proof: ArchiveProof, journal: sqlite3.Connection, report: Report, tell: Tell) -> None:
    with _contained(report, "archive"):
        proof.put_back(journal)
        proof.prove(tell)


@contextmanager
def _contained(report: Report, proof: Proof) -> Iterator[None]:
    """Let a proof that fails at what nobody foresaw, as a row that says nonsense may be, be a finding, and the others go on."""
    try:
        yield
    except Exception as error:
        if is_of_the_machine(error) or isinstance(error, ArchiveAway):
            raise
        report.add(Finding(proof, "differs", proof, f"something stops this proof: {told(error)}"))


def _check(state: sqlite3.Connection, plant: Plant, folder: Path) -> None:
    version = int(state.execute("PRAGMA user_version").fetchone()[0])
    if version != SCHEMA_VERSION:
        raise StateMismatch(f"{folder} {of_another_schema(version)}")
    row = state.execute("SELECT value FROM meta WHERE key = 'window'").fetchone()
    if row is None or not isinstance(row[0], int):
        raise StateMismatch(f"{folder} does not say how long its windows are: {REMEDY}")
    window = row[0]
    if window != plant.window:
        raise StateMismatch(
            f"{folder} was made with windows of {window / 1e9:g} s, the configuration says {plant.window / 1e9:g} s"
        )
