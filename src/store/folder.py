"""The state directory: made for its owner alone, used by one process at a time."""

import fcntl
import os
import secrets
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


class FolderInUse(Exception):
    """Another process works in the state directory."""


class FolderUnusable(Exception):
    """The state directory, or a small file in it, cannot be made, read or written; the text says which and what to do."""


class Folder:
    """Holds the directory's lock for as long as this process lives."""

    def __init__(self, path: Path) -> None:
        """Make the directory if needed and lock it; raise FolderInUse, or FolderUnusable, before anything else is touched."""
        with _usable(path):
            path.mkdir(mode=0o700, parents=True, exist_ok=True)
            self.path = path
            self._lock = os.open(path / "lock", os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            os.close(self._lock)
            raise FolderInUse(
                f"{path} is in use by another stackmeter: stop it, or give another --state"
            ) from error

    @property
    def journal(self) -> Path:
        """The journal's file."""
        return self.path / "journal.db"

    @property
    def state(self) -> Path:
        """The state's file."""
        return self.path / "state.db"

    @property
    def session(self) -> Path:
        """What is remembered of the session at the broker."""
        return session_file(self.path)

    @property
    def feeds(self) -> Path:
        """The files of feeds; none is made where nothing is fed."""
        return feeds_file(self.path)

    @property
    def clock(self) -> Path:
        """What is remembered of how the system's clock stands."""
        return self.path / "clock.json"

    def token(self, given: str | None) -> str:
        """Return the API token: the given one, else the stored one, else a new one that is stored (0600)."""
        if given:
            return given
        return stored_token(self.path) or self._new_token()

    def _new_token(self) -> str:
        token = secrets.token_urlsafe(32)
        self._keep("token", token)
        return token

    def name(self) -> str:
        """Return what no other state directory is called, and this one always is: made once, and in no backup."""
        if (found := _kept(self.path / "name")) is not None:
            return found
        name = f"{socket.gethostname()}-{secrets.token_hex(8)}"
        self._keep("name", name)
        return name

    def announce(self, url: str) -> None:
        """Write down where the API is found, for commands that are given this directory."""
        self._keep("url", url)

    def withdraw(self) -> None:
        """Take the address back: nothing answers there any more."""
        (self.path / "url").unlink(missing_ok=True)

    def _keep(self, name: str, text: str) -> None:
        with _usable(self.path):
            self._write(name, text)

    def _write(self, name: str, text: str) -> None:
        # By another name first: a kill or a power cut leaves the file that was there, or the whole new one.
        new = self.path / f"{name}.new"
        with os.fdopen(os.open(new, os.O_CREAT | os.O_WRONLY | os.O_TRUNC, 0o600), "w") as file:
            file.write(text + "\n")
            file.flush()
            os.fsync(file.fileno())
        new.replace(self.path / name)

    def close(self) -> None:
        """Give the directory back."""
        os.close(self._lock)


def keys_file(state: Path) -> Path:
    """Return the file of keys and audit log in a state directory."""
    return state / "keys.sqlite"


def feeds_file(state: Path) -> Path:
    """Return the file of a state directory that keeps the files of feeds (store.feeds.files)."""
    return state / "feeds.sqlite"


def session_file(state: Path) -> Path:
    """Return the file of a state directory that remembers the session at the broker."""
    return state / "session.json"


def evidence_folder(state: Path) -> Path:
    """Return the folder of a state directory that keeps what records are evidenced by (store.kept_files)."""
    return state / "evidence"


def stored_token(state: Path) -> str | None:
    """Return the token that a state directory keeps, or None."""
    return _kept(state / "token")


def stored_url(state: Path) -> str | None:
    """Return the address that the service of a state directory announced and has not withdrawn, or None."""
    return _kept(state / "url")


def _kept(file: Path) -> str | None:
    """Return what a file holds, None where there is none or nothing is in it; raise FolderUnusable where it is no line of text."""
    try:
        with _usable(file.parent):
            text = file.read_text().strip() if file.exists() else ""
    except UnicodeDecodeError:
        text = "\0"
    if text and not (text.isascii() and text.isprintable()):
        raise FolderUnusable(
            f"{file} is damaged: remove it and start the service again, which makes a new one"
        )
    return text or None


@contextmanager
def _usable(folder: Path) -> Iterator[None]:
    """Raise FolderUnusable for what the system says inside."""
    try:
        yield
    except (FileExistsError, NotADirectoryError) as error:
        raise FolderUnusable(f"{folder} is no directory: say where the state is with --state DIR") from error
    except OSError as error:
        raise FolderUnusable(
            f"{error.filename or folder} cannot be used: {error.strerror}: see its owner and rights, or say where the state"
            " is with --state DIR"
        ) from error
    except ValueError as error:  # a NUL in the path
        if isinstance(error, UnicodeDecodeError):
            raise
        raise FolderUnusable(f"{str(folder)!r} is no path of a directory: {error}") from error
