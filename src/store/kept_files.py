"""Files that are kept once under what they hold: the name of each is the SHA-256 of its bytes, so that a changed one shows."""

import hashlib
import os
import re
import tempfile
from collections.abc import Iterator
from pathlib import Path

_DIGEST = re.compile(r"sha256:([0-9a-f]{64})")
_NAME = re.compile(r"[0-9a-f]{64}")
_PART = ".part-"  # what the name of a file begins with while it is written


class NotKept(Exception):
    """No file of this digest is kept, or it cannot be read."""


class Altered(Exception):
    """A kept file no longer holds the bytes that it is named after."""


class KeptFiles:
    """A folder of files by digest ("sha256:HEX"). Several threads may use it."""

    def __init__(self, folder: Path) -> None:
        """Take the folder; it is made when the first file is put there."""
        self._folder = folder

    def put(self, content: bytes) -> str:
        """Keep a file and return its digest once it is safe on disk; the same content is kept once.

        Raises
        ------
        OSError
            It cannot be written; nothing is left of the attempt.
        """
        digest = digest_of(content)
        file = self.path(digest)
        if self._is_whole(digest):
            return digest
        if not self._folder.is_dir():
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            _to_disk(self._folder.parent)
        handle, name = tempfile.mkstemp(prefix=_PART, dir=self._folder)
        try:
            with os.fdopen(handle, "wb") as part:
                part.write(content)
                part.flush()
                os.fsync(part.fileno())
            Path(name).replace(file)
        except BaseException:
            Path(name).unlink(missing_ok=True)
            raise
        _to_disk(self._folder)
        return digest

    def read(self, digest: str) -> bytes:
        """Return what a kept file holds.

        Raises
        ------
        NotKept
            There is none of this digest, or it cannot be read.
        Altered
            Its bytes are no longer those.
        """
        try:
            handle = os.open(self.path(digest), os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
            with os.fdopen(handle, "rb") as file:
                content = file.read()
        except OSError as error:
            raise NotKept(f"{digest} cannot be read: {error.strerror}") from error
        if digest_of(content) != digest:
            raise Altered(f"{digest} holds other bytes than those it was kept with: restore it from a backup")
        return content

    def path(self, digest: str) -> Path:
        """Return where a file of a digest lies, or would lie; raise NotKept of what is no digest."""
        found = _DIGEST.fullmatch(digest)
        if found is None:
            raise NotKept(f"{digest[:80]!r} is no digest: one is sha256: and 64 hexadecimal digits")
        return self._folder / found[1]

    def __iter__(self) -> Iterator[str]:
        """Yield the digest of each kept file, in order; what was being written when the power went is none."""
        names = sorted(file.name for file in self._folder.iterdir()) if self._folder.is_dir() else []
        yield from (f"sha256:{name}" for name in names if _NAME.fullmatch(name))

    def damaged(self) -> Iterator[tuple[str, str]]:
        """Yield the digest of each file that is not whole, and why, in order."""
        for digest in self:
            try:
                self.read(digest)
            except (NotKept, Altered) as error:
                yield digest, str(error)

    def _is_whole(self, digest: str) -> bool:
        try:
            self.read(digest)
        except (NotKept, Altered):
            return False
        return True


def digest_of(content: bytes) -> str:
    """Return what names a file of this content: sha256: and 64 hexadecimal digits."""
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


def _to_disk(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
