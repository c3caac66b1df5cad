"""A folder of an SFTP server, through paramiko. It is an extra: `stackmeter[station]`."""

import logging
import socket
from base64 import b64decode, b64encode
from collections.abc import Callable
from contextlib import suppress
from hashlib import sha256
from typing import Any, TypeVar

from notify.feeds.places import LARGEST, FileRefused
from plant.station.feed import FeedAddress

EXTRA = "sftp needs an extra: pip install 'stackmeter[station]'"
PORT = 22

T = TypeVar("T")


class SftpPlace:
    """A folder of an SFTP server whose key is the one that was configured; with another one it learns no password."""

    def __init__(self, to: FeedAddress, timeout: float) -> None:
        self._paramiko = _paramiko()
        self._folder = to.folder.rstrip("/")
        self._transport: Any = None
        try:
            connection = socket.create_connection((to.host, to.port or PORT), timeout)
        except OSError as error:
            raise FileRefused(f"{to.shown}: {error.strerror or error or 'no answer in time'}") from error
        try:
            self._said(lambda: self._enter(connection, to, timeout), to.shown)
        except BaseException:
            self.close()
            connection.close()
            raise

    def _enter(self, connection: socket.socket, to: FeedAddress, timeout: float) -> None:
        kind, _, key = to.host_key.partition(" ")
        transport = self._transport = self._paramiko.Transport(connection)
        transport.banner_timeout = transport.handshake_timeout = transport.auth_timeout = timeout
        options = transport.get_security_options()
        # So that a server that has keys of several kinds shows the one that is known of it.
        options.key_types = [one for one in options.key_types if _is_of(one, kind)] or options.key_types
        transport.start_client(timeout=timeout)
        shown = transport.get_remote_server_key().asbytes()
        if shown != b64decode(key + "=" * (-len(key) % 4)):
            digest = b64encode(sha256(shown).digest()).decode().rstrip("=")
            raise FileRefused(
                f"the server has another host key, SHA256:{digest}: ask the authority whether it changed, then put it into host_key"
            )
        transport.auth_password(to.user, to.password)
        channel = transport.open_session(timeout=timeout)
        channel.settimeout(timeout)
        channel.invoke_subsystem("sftp")
        self._sftp = self._paramiko.SFTPClient(channel)

    def read(self, name: str) -> bytes | None:
        """Return what a file holds, None where there is none, or none that may be read."""

        def found() -> bytes | None:
            try:
                with self._sftp.open(self._path(name), "rb") as file:
                    return bytes(file.read(LARGEST))
            except (FileNotFoundError, PermissionError):
                return None

        return self._said(found)

    def write(self, name: str, body: bytes) -> None:
        """Write a file; that the server has all of it is looked at."""

        def put() -> None:
            with self._sftp.open(self._path(name), "wb") as file:
                file.write(body)
            if (size := self._sftp.stat(self._path(name)).st_size) != len(body):
                raise FileRefused(f"the server has {size} bytes of {len(body)}: it may have no room")

        self._said(put)

    def rename(self, name: str, new: str) -> None:
        """Give a file its name."""
        self._said(lambda: self._sftp.rename(self._path(name), self._path(new)), f"{name} cannot be renamed")

    def remove(self, name: str) -> None:
        """Delete a file."""
        self._said(lambda: self._sftp.remove(self._path(name)))

    def close(self) -> None:
        """Hang up."""
        if self._transport is not None:
            with suppress(Exception):  # whatever it is, nothing more is asked of it
                self._transport.close()

    def _path(self, name: str) -> str:
        return f"{self._folder}/{name}"

    def _said(self, act: Callable[[], T], what: str = "") -> T:
        """Return what an act returns; raise FileRefused with what went wrong."""
        head = f"{what}: " if what else ""
        try:
            return act()
        except self._paramiko.AuthenticationException as error:
            raise FileRefused(f"{head}the server knows no such user and password") from error
        except TimeoutError as error:
            raise FileRefused(f"{head}the server says nothing, and was waited for long enough") from error
        except (OSError, EOFError, self._paramiko.SSHException) as error:
            raise FileRefused(
                f"{head}{' '.join(str(error).split())[:300] or 'the server hung up'}"
            ) from error


def _is_of(algorithm: str, kind: str) -> bool:
    """Whether a signature algorithm is of a kind of key: rsa-sha2-256 and rsa-sha2-512 are of ssh-rsa."""
    return algorithm == kind or (kind == "ssh-rsa" and algorithm.startswith("rsa-sha2"))


def _paramiko() -> Any:
    try:
        import paramiko  # noqa: PLC0415 - an extra
    except ImportError as error:
        raise FileRefused(EXTRA) from error
    # What went wrong is told by us, in one line.
    logging.getLogger("paramiko").setLevel(logging.CRITICAL)
    return paramiko
