"""Where an archive lies: a folder, also one that is mounted, or what fsspec finds by a URL, such as an object store.

No file is ever written over: what stands under a name stays, and a file appears under its name once it is whole.
"""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from hashlib import sha256
from pathlib import Path
from typing import Any, Protocol

_PIECE = 1 << 20  # bytes that are read at once
EXTRA = "an archive takes the extra archive: pip install 'stackmeter[archive]'"


class ArchiveAway(Exception):
    """The archive cannot be reached, read or written now; the text says why and what to do."""


class NotInArchive(Exception):
    """The archive is there, and has no such file."""


class ArchivePlace(Protocol):
    """Holds files by names such as `nam-cau-kien/readings/2026-10.parquet`; every function may raise ArchiveAway."""

    where: str

    def check(self) -> None:
        """Raise ArchiveAway where it cannot be reached."""
        ...

    def has(self, name: str) -> bool:
        """Whether there is a file of a name."""
        ...

    def put(self, file: Path, name: str) -> None:
        """Copy a file there, under a name that no file has; it is there whole and safe, or not at all."""
        ...

    def fetch(self, name: str, to: Path) -> None:
        """Copy a file from there; raise NotInArchive where it is not there."""
        ...


class FolderPlace:
    """A folder; it must be there, so that nothing is written beneath a mount point on which nothing is mounted."""

    def __init__(self, folder: Path) -> None:
        self.where, self._folder = str(folder), folder

    def check(self) -> None:
        """Raise ArchiveAway where the folder is not there."""
        if not self._folder.is_dir():
            raise ArchiveAway(
                f"{self.where} is no folder: mount what it lies on, or make it where that is new"
            )

    def has(self, name: str) -> bool:
        """Whether there is a file of a name."""
        self.check()
        with _away(self.where):
            return (self._folder / name).exists()

    def put(self, file: Path, name: str) -> None:
        """Copy a file there under another name, let the disk have it, then give it its own."""
        if self.has(name):
            raise ArchiveAway(f"{self.where} has {name} already, which nobody may write over")
        target = self._folder / name
        part = target.with_name(f"{target.name}.part")
        with _away(self.where):
            self._make(target.parent)
            try:
                shutil.copyfile(file, part)
                _to_disk(part)
                part.rename(target)
            finally:
                with suppress(OSError):
                    part.unlink(missing_ok=True)
            _to_disk(target.parent)

    def fetch(self, name: str, to: Path) -> None:
        """Copy a file from there."""
        self.check()
        with _away(self.where):
            try:
                shutil.copyfile(self._folder / name, to)
            except FileNotFoundError as error:
                raise NotInArchive(name) from error

    def _make(self, folder: Path) -> None:
        """Make a folder and those above it that are not there, each known to the disk."""
        if not folder.is_dir():
            self._make(folder.parent)
            folder.mkdir(exist_ok=True)
            _to_disk(folder.parent)


class UrlPlace:
    """What fsspec finds by a URL. An object store keeps a file before it says so, and shows it whole."""

    def __init__(self, url: str) -> None:
        try:
            from fsspec.core import url_to_fs  # noqa: PLC0415 - an extra
        except ImportError as error:
            raise ArchiveAway(EXTRA) from error
        self.where = url
        with _away(url):
            self._files, self._root = url_to_fs(url)

    def check(self) -> None:
        """Raise ArchiveAway where it cannot be reached."""
        with _away(self.where):
            self._files.exists(self._root)

    def has(self, name: str) -> bool:
        """Whether there is a file of a name, as it is now."""
        with _away(self.where):
            self._files.invalidate_cache()
            return bool(self._files.exists(self._path(name)))

    def put(self, file: Path, name: str) -> None:
        """Copy a file there under another name, then give it its own."""
        if self.has(name):
            raise ArchiveAway(f"{self.where} has {name} already, which nobody may write over")
        part = self._path(f"{name}.part")
        with _away(self.where):
            self._files.makedirs(part.rpartition("/")[0], exist_ok=True)
            self._files.put_file(str(file), part)
            self._files.mv(part, self._path(name))

    def fetch(self, name: str, to: Path) -> None:
        """Copy a file from there."""
        with _away(self.where):
            try:
                self._files.get_file(self._path(name), str(to))
            except FileNotFoundError as error:
                raise NotInArchive(name) from error

    def _path(self, name: str) -> str:
        return f"{self._root.rstrip('/')}/{name}"


def place_of(where: str) -> ArchivePlace:
    """Return the place that a setting names: a folder, or a URL; raise ArchiveAway where nobody here can reach such."""
    return UrlPlace(where) if "://" in where else FolderPlace(Path(where))


def digest_of_file(file: Path) -> str:
    """Return the SHA-256 of a file, in hexadecimal."""
    with file.open("rb") as content:
        found = sha256()
        while piece := content.read(_PIECE):
            found.update(piece)
    return found.hexdigest()


@contextmanager
def _away(where: str) -> Iterator[None]:
    """Raise ArchiveAway for whatever a disk, a network or somebody else's library says."""
    try:
        yield
    except (ArchiveAway, NotInArchive):
        raise
    except Exception as error:
        raise ArchiveAway(f"{where}: {_told(error)}; nothing else stops, and it is tried again") from error


def _told(error: Any) -> str:
    text = getattr(error, "strerror", None) or str(error) or type(error).__name__
    return str(text)[:300]


def _to_disk(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
