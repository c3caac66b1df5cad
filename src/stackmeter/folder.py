"""The state directory: made for its owner alone, used by one process at a time."""

import fcntl
import os
import secrets
from pathlib import Path


class FolderInUse(Exception):
    """Another process works in the state directory."""


class Folder:
    """Holds the directory's lock for as long as this process lives."""

    def __init__(self, path: Path) -> None:
        """Make the directory if needed and lock it; raise FolderInUse before anything else is touched."""
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

    def token(self, given: str | None) -> str:
        """Return the API token: the given one, else the stored one, else a new one that is stored (0600)."""
        if given:
            return given
        return stored_token(self.path) or self._new_token()

    def _new_token(self) -> str:
        token = secrets.token_urlsafe(32)
        self._keep("token", token)
        return token

    def announce(self, url: str) -> None:
        """Write down where the API is found, for commands that are given this directory."""
        self._keep("url", url)

    def withdraw(self) -> None:
        """Take the address back: nothing answers there any more."""
        (self.path / "url").unlink(missing_ok=True)

    def _keep(self, name: str, text: str) -> None:
        with os.fdopen(os.open(self.path / name, os.O_CREAT | os.O_WRONLY | os.O_TRUNC, 0o600), "w") as file:
            file.write(text + "\n")

    def close(self) -> None:
        """Give the directory back."""
        os.close(self._lock)


def keys_file(state: Path) -> Path:
    """Return the file of keys and audit log in a state directory."""
    return state / "keys.sqlite"


def stored_token(state: Path) -> str | None:
    """Return the token that a state directory keeps, or None."""
    return _kept(state / "token")


def stored_url(state: Path) -> str | None:
    """Return the address that the service of a state directory announced and has not withdrawn, or None."""
    return _kept(state / "url")


def _kept(file: Path) -> str | None:
    return (file.read_text().strip() or None) if file.exists() else None
