"""Whatever is changed of records, their readings and their evidence is named."""

import random
from pathlib import Path

import pytest

from store.folder import evidence_folder
from store.kept_files import KeptFiles
from tests.proof.test_verify_flips import SEED, missed, proven
from tests.semantics.test_9_records import COD, CONFIG, NOW, SCAN, Books, invoice


@pytest.fixture(scope="module")
def of_records(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A state with a record of each standing, made once."""
    folder = tmp_path_factory.mktemp("records")
    world = Books(folder, CONFIG, NOW)
    world.hand_in()
    first = world.approved(invoice("2026-11-01", "2026-11-02", 1000))
    world.approved(invoice("2026-11-01", "2026-11-03", 2000, replaces=first))
    struck = world.approved(invoice("2026-11-03", "2026-11-04", 3000))
    world.say("strike", struck, by="minh", reason="of another plant")
    world.approved(invoice("2026-11-01", "2026-11-01", 120, channel=COD, unit="mg/L"))
    for action, by in (("refuse", "minh"), ("withdraw", "lan")):
        number = world.enter(invoice("2026-11-10", "2026-11-12", 4000))
        world.say(action, number, by=by, reason="not legible")
    world.enter(invoice("2026-11-10", "2026-11-12", 4000))
    world.close()
    return folder


def test_untouched_everything_is_proven(of_records: Path) -> None:
    assert proven(of_records, CONFIG).proven


def test_whatever_is_changed_of_records_is_named(of_records: Path) -> None:
    tables = ("record", "evidence", "record", "reading", "reading_lost")

    assert missed(of_records, CONFIG, tables, 15, random.Random(SEED)) == []


@pytest.mark.parametrize("how", ["altered", "missing"])
def test_evidence_that_is_not_what_it_was_is_named(of_records: Path, how: str) -> None:
    file = KeptFiles(evidence_folder(of_records)).path(SCAN)
    content = file.read_bytes()
    try:
        file.write_bytes(content[:-1] + b"0") if how == "altered" else file.unlink()
        [finding] = proven(of_records, CONFIG).findings
    finally:
        file.write_bytes(content)

    assert finding.row == f"evidence {SCAN}"
    assert finding.kind == ("differs" if how == "altered" else "unproven")
