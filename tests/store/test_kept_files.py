"""Files kept under what they hold: once, whole, and nowhere else."""

import os
from pathlib import Path

import pytest

from store.kept_files import Altered, KeptFiles, NotKept, digest_of

INVOICE = b"%PDF-1.7 an invoice"


def test_the_same_content_is_kept_once(tmp_path: Path) -> None:
    files = KeptFiles(tmp_path / "evidence")

    first, again = files.put(INVOICE), files.put(INVOICE)

    assert first == again == digest_of(INVOICE)
    assert list(files) == [first]
    assert files.read(first) == INVOICE
    assert [file.name for file in (tmp_path / "evidence").iterdir()] == [first.removeprefix("sha256:")]


def test_a_file_is_for_its_owner_alone(tmp_path: Path) -> None:
    files = KeptFiles(tmp_path / "evidence")

    kept = files.path(files.put(INVOICE))

    assert (kept.stat().st_mode & 0o777, kept.parent.stat().st_mode & 0o777) == (0o600, 0o700)


def test_an_altered_file_is_told_and_mended_by_the_same_content(tmp_path: Path) -> None:
    files = KeptFiles(tmp_path)
    digest = files.put(INVOICE)
    files.path(digest).write_bytes(INVOICE + b"0")

    with pytest.raises(Altered, match="holds other bytes"):
        files.read(digest)
    assert [one for one, _ in files.damaged()] == [digest]

    files.put(INVOICE)
    assert list(files.damaged()) == []


def test_a_file_that_is_not_there_is_told(tmp_path: Path) -> None:
    files = KeptFiles(tmp_path / "evidence")

    with pytest.raises(NotKept):
        files.read(digest_of(INVOICE))
    assert list(files) == list(files.damaged()) == []


@pytest.mark.parametrize(
    "digest",
    [
        "",
        "sha256:",
        "../token",
        f"sha256:{'A' * 64}",
        f"sha256:../{'0' * 61}",
        "0" * 64,
        f"sha256:{'0' * 64}\n",
    ],
)
def test_what_is_no_digest_leads_nowhere(tmp_path: Path, digest: str) -> None:
    with pytest.raises(NotKept, match="is no digest"):
        KeptFiles(tmp_path).path(digest)


def test_a_link_is_not_followed(tmp_path: Path) -> None:
    files, secret = KeptFiles(tmp_path / "evidence"), tmp_path / "token"
    secret.write_bytes(INVOICE)
    (tmp_path / "evidence").mkdir()
    files.path(digest_of(INVOICE)).symlink_to(secret)

    with pytest.raises(NotKept):
        files.read(digest_of(INVOICE))


def test_what_was_being_written_is_no_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    files = KeptFiles(tmp_path)

    def full(_handle: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space left"):
        files.put(INVOICE)
    (tmp_path / ".part-after-a-power-cut").write_bytes(b"%PDF")

    assert list(files) == []
    assert [file.name for file in tmp_path.iterdir()] == [".part-after-a-power-cut"]
