"""Names the files that records are evidenced by and that are no longer there, or no longer what they were."""

import sqlite3
from pathlib import Path

from proof.verify.findings import Finding, Report
from store.folder import evidence_folder
from store.kept_files import Altered, KeptFiles, NotKept
from store.records.table import evidence_named


def prove_evidence(state: sqlite3.Connection, folder: Path, report: Report) -> None:
    """Read every file that was handed in, or that a record names, and compare it with its digest."""
    files = KeptFiles(evidence_folder(folder))
    for digest in evidence_named(state):
        try:
            files.read(digest)
        except Altered as error:
            report.add(Finding("messages", "differs", f"evidence {digest}", str(error)))
        except NotKept as error:
            detail = f"{error}: restore it from a backup"
            report.add(Finding("messages", "unproven", f"evidence {digest}", detail))
