"""Where files are delivered: a folder of this machine, and FTP servers with or without TLS; SFTP is in `notify.feeds.sftp`.

Every place takes a file in the same steps (`deliver`), so that a kill or a lost answer neither loses nor doubles it.
"""

import ftplib
import io
import os
import ssl
from contextlib import suppress
from pathlib import Path
from typing import Protocol

from plant.station.feed import FeedAddress

TIMEOUT_S = 20.0  # for which a server may say nothing
LARGEST = 1 << 20  # [bytes] of a file that is read back
_TRIAL = "stackmeter-try"


class FileRefused(Exception):
    """The place did not take a file; the text says why and what to do."""


class Differs(Exception):
    """The place has another file of that name, which stands."""


class FeedPlace(Protocol):
    """A folder, here or at a server, whose methods raise FileRefused. Names have no path."""

    def read(self, name: str) -> bytes | None:
        """Return what a file holds, None where there is none, or none that may be read."""

    def write(self, name: str, body: bytes) -> None:
        """Write a file, over what was there."""

    def rename(self, name: str, new: str) -> None:
        """Give a file another name, which no file has."""

    def remove(self, name: str) -> None:
        """Delete a file."""

    def close(self) -> None:
        """Leave the place."""


def deliver(place: FeedPlace, name: str, body: bytes, temporary: str) -> None:
    """Put a file at a place under its name, once: under another one first where `temporary` is not "".

    What is there already is not written again; the beginning of it, which a kill left, is replaced.

    Raises
    ------
    FileRefused
        The place does not take it, for now.
    Differs
        It has another file of that name.
    """
    found = place.read(name)
    if found == body:
        return
    if found is not None and not body.startswith(found):
        raise Differs(name)
    if not temporary:
        place.write(name, body)
        return
    place.write(f"{name}{temporary}", body)
    if found is not None:
        place.remove(name)
    try:
        place.rename(f"{name}{temporary}", name)
    except FileRefused as error:
        raise FileRefused(f'{error}; where the server forbids to rename, say temporary: ""') from error


def tried(place: FeedPlace, temporary: str) -> None:
    """Write a small file at a place, rename it and remove it, none of it under a name that an authority takes; raise FileRefused where one of these fails."""
    name = f"{_TRIAL}{temporary or '.part'}"
    place.write(name, b"")
    if temporary:
        with suppress(FileRefused):  # what another trial left
            place.remove(f"{name}{temporary}")
        place.rename(name, f"{name}{temporary}")
        name = f"{name}{temporary}"
    place.remove(name)


def place_of(to: FeedAddress, timeout: float = TIMEOUT_S) -> FeedPlace:
    """Go to a place; raise FileRefused where it is away, or lets us not in. `timeout` is for each answer [s]."""
    match to.scheme:
        case "file":
            return FeedFolder(Path(to.folder))
        case "sftp":
            from notify.feeds.sftp import SftpPlace  # noqa: PLC0415 - an extra

            return SftpPlace(to, timeout)
    return FtpPlace(to, timeout)


class FeedFolder:
    """A folder of this machine, which must be there: that of a share that is not mounted is not made in its stead."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        if not folder.is_dir():
            raise FileRefused(f"{folder} is no folder: make it, or mount it")

    def read(self, name: str) -> bytes | None:
        """Return what a file holds, None where there is none."""
        try:
            with (self._folder / name).open("rb") as file:
                return file.read(LARGEST)
        except FileNotFoundError:
            return None
        except OSError as error:
            raise FileRefused(_said(error)) from error

    def write(self, name: str, body: bytes) -> None:
        """Write a file, on disk."""
        try:
            with (self._folder / name).open("wb") as file:
                file.write(body)
                file.flush()
                os.fsync(file.fileno())
        except OSError as error:
            raise FileRefused(_said(error)) from error

    def rename(self, name: str, new: str) -> None:
        """Give a file its name, on disk."""
        try:
            (self._folder / name).rename(self._folder / new)
            handle = os.open(self._folder, os.O_RDONLY | os.O_CLOEXEC)
            try:
                os.fsync(handle)
            finally:
                os.close(handle)
        except OSError as error:
            raise FileRefused(_said(error)) from error

    def remove(self, name: str) -> None:
        """Delete a file."""
        try:
            (self._folder / name).unlink(missing_ok=True)
        except OSError as error:
            raise FileRefused(_said(error)) from error

    def close(self) -> None:
        """Nothing is open."""


class _ReusingFtpTls(ftplib.FTP_TLS):
    """FTP with TLS whose data connections go on with the session of the first one: many servers ask for that."""

    def ntransfercmd(self, cmd: str, rest: int | str | None = None) -> tuple[ssl.SSLSocket, int | None]:
        connection, size = ftplib.FTP.ntransfercmd(self, cmd, rest)  # noqa: S321 - the data connection of it, plain as yet
        session = getattr(self.sock, "session", None)
        return self.context.wrap_socket(connection, server_hostname=self.host, session=session), size


class FtpPlace:
    """A folder of an FTP server; `ftps` begins with AUTH TLS, and its certificate is checked."""

    def __init__(self, to: FeedAddress, timeout: float) -> None:
        self._ftp: ftplib.FTP
        try:
            if to.scheme == "ftps":
                context = ssl.create_default_context(cafile=to.authority or None)
                self._ftp = _ReusingFtpTls(context=context, timeout=timeout)
            else:
                self._ftp = ftplib.FTP(timeout=timeout)  # noqa: S321 - what the authority has
        except OSError as error:
            raise FileRefused(f"ca {to.authority} cannot be read: {_said(error)}") from error
        try:
            self._ftp.connect(to.host, to.port or ftplib.FTP_PORT)
            self._ftp.login(to.user, to.password)
            if isinstance(self._ftp, ftplib.FTP_TLS):
                self._ftp.prot_p()
            self._ftp.cwd(to.folder)
        except ftplib.all_errors as error:
            self._ftp.close()
            raise FileRefused(f"{to.shown}: {_said(error)}") from error

    def read(self, name: str) -> bytes | None:
        """Return what a file holds, None where there is none, or none that may be read."""
        found = io.BytesIO()
        try:
            self._ftp.retrbinary(f"RETR {name}", found.write)
        except ftplib.error_perm:
            return None
        except ftplib.all_errors as error:
            raise FileRefused(_said(error)) from error
        return found.getvalue()

    def write(self, name: str, body: bytes) -> None:
        """Write a file."""
        try:
            self._ftp.storbinary(f"STOR {name}", io.BytesIO(body))
        except ftplib.all_errors as error:
            raise FileRefused(_said(error)) from error

    def rename(self, name: str, new: str) -> None:
        """Give a file its name."""
        try:
            self._ftp.rename(name, new)
        except ftplib.all_errors as error:
            raise FileRefused(f"{name} cannot be renamed: {_said(error)}") from error

    def remove(self, name: str) -> None:
        """Delete a file."""
        try:
            self._ftp.delete(name)
        except ftplib.all_errors as error:
            raise FileRefused(_said(error)) from error

    def close(self) -> None:
        """Take leave."""
        try:
            self._ftp.quit()
        except ftplib.all_errors:
            self._ftp.close()


def _said(error: Exception) -> str:
    """Return what an error says, in one line."""
    if isinstance(error, TimeoutError):
        return "the server says nothing, and was waited for long enough"
    if isinstance(error, EOFError):
        return "the server hung up"
    return " ".join(str(error).split())[:300] or type(error).__name__
