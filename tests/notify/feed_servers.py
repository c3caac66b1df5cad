"""Real servers that feeds are sent to, each in a thread of its own: FTP with and without TLS (pyftpdlib), SFTP (asyncssh)."""

import asyncio
import logging
import socket
import subprocess
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import asyncssh

from plant.station.feed import FeedAddress
from tests.servers import required

with warnings.catch_warnings():
    warnings.simplefilter(
        "ignore", DeprecationWarning
    )  # asyncore, on which it stands, of the Python before 3.12
    from pyftpdlib.authorizers import DummyAuthorizer
    from pyftpdlib.handlers import FTPHandler, TLS_FTPHandler
    from pyftpdlib.ioloop import IOLoop
    from pyftpdlib.servers import FTPServer

USER, PASSWORD = "hp", "pass word"
EVERYTHING = "elradfmwMT"
NO_RENAME = EVERYTHING.replace("f", "")
logging.getLogger("pyftpdlib").setLevel(logging.CRITICAL)
logging.getLogger("asyncssh").setLevel(logging.CRITICAL)


class _Full:
    """What a server's file is where the disk is full."""

    closed = False

    def __init__(self, file: Any) -> None:
        self._file, self.name = file, file.name

    def write(self, _data: bytes) -> int:
        raise OSError(28, "No space left on device")

    def close(self) -> None:
        self._file.close()
        self.closed = True


class FtpServer:
    """An FTP server of a folder; `rights` and `is_full` may be set while it works."""

    def __init__(self, folder: Path, certificate: Path | None = None) -> None:
        server = self

        class Handler(TLS_FTPHandler if certificate else FTPHandler):
            """With attributes of its own."""

        class Disk(Handler.abstracted_fs):
            def open(self, filename: str, mode: str) -> Any:
                file = super().open(filename, mode)
                return _Full(file) if server.is_full and "w" in mode else file

        self.folder, self.is_full = folder, False
        self.authorizer = DummyAuthorizer()
        self.authorizer.add_user(USER, PASSWORD, str(folder), perm=EVERYTHING)
        Handler.auth_failed_timeout = 0
        Handler.authorizer, Handler.abstracted_fs = self.authorizer, Disk
        if certificate:
            Handler.certfile = str(certificate)
            Handler.tls_control_required = Handler.tls_data_required = True
        self._server = FTPServer(("127.0.0.1", 0), Handler, ioloop=IOLoop())
        self.port = self._server.address[1]
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def rights(self, rights: str) -> None:
        self.authorizer.user_table[USER]["perm"] = rights

    def address(self, **changes: Any) -> FeedAddress:
        return FeedAddress(**{"scheme": "ftp", "host": "127.0.0.1", "port": self.port, "folder": "/", "user": USER, "password": PASSWORD, **changes})  # fmt: skip

    def close(self) -> None:
        self._stop.set()
        self._thread.join()
        self._server.close_all()

    def _run(self) -> None:
        while not self._stop.is_set():
            self._server.serve_forever(timeout=0.02, blocking=False, handle_exit=False)


class _Server(asyncssh.SSHServer):
    def __init__(self, connections: set[asyncssh.SSHServerConnection]) -> None:
        self._connections = connections

    def connection_made(self, conn: asyncssh.SSHServerConnection) -> None:
        self._connections.add(conn)

    def begin_auth(self, username: str) -> bool:
        return True

    def password_auth_supported(self) -> bool:
        return True

    def validate_password(self, username: str, password: str) -> bool:
        return (username, password) == (USER, PASSWORD)


class SftpServer:
    """An SFTP server of a folder; `is_full` and `may_rename` may be set while it works."""

    def __init__(self, folder: Path) -> None:
        server = self
        self.folder, self.is_full, self.may_rename, self.logins = folder, False, True, 0
        self._keys = [
            asyncssh.generate_private_key("ssh-ed25519"),
            asyncssh.generate_private_key("ecdsa-sha2-nistp256"),
        ]
        self.host_keys = [key.export_public_key().decode().strip() for key in self._keys]

        class Files(asyncssh.SFTPServer):
            def __init__(self, channel: Any) -> None:
                super().__init__(channel, chroot=str(folder).encode())
                server.logins += 1

            def write(self, file_obj: Any, offset: int, data: bytes) -> int:
                if server.is_full:
                    raise asyncssh.SFTPFailure("no space left")
                return super().write(file_obj, offset, data)

            def rename(self, oldpath: bytes, newpath: bytes) -> None:
                if not server.may_rename:
                    raise asyncssh.SFTPPermissionDenied("renames are forbidden")
                if Path(self.map_path(newpath).decode()).exists():
                    raise asyncssh.SFTPFailure("there is such a file")
                super().rename(oldpath, newpath)

        self._connections: set[asyncssh.SSHServerConnection] = set()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()

        async def listening() -> Any:
            return await asyncssh.listen(
                "127.0.0.1",
                0,
                server_factory=lambda: _Server(self._connections),
                server_host_keys=self._keys,
                sftp_factory=Files,
            )

        self._listener = asyncio.run_coroutine_threadsafe(listening(), self._loop).result()
        self.port = self._listener.get_port()

    def address(self, **changes: Any) -> FeedAddress:
        return FeedAddress(**{"scheme": "sftp", "host": "127.0.0.1", "port": self.port, "folder": "/", "user": USER, "password": PASSWORD, "host_key": self.host_keys[0], **changes})  # fmt: skip

    def close(self) -> None:
        async def end() -> None:
            self._listener.close()
            await self._listener.wait_closed()
            for one in self._connections:
                one.abort()
                await one.wait_closed()

        asyncio.run_coroutine_threadsafe(end(), self._loop).result()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()


@contextmanager
def silent_port() -> Iterator[int]:
    """Give a port of this machine at which connections are taken and nothing is ever said."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


def certificate(folder: Path, name: str) -> Path:
    """Return a file with a key and a certificate for a name."""
    key, cert, both = folder / "key.pem", folder / "cert.pem", folder / "both.pem"
    new = [
        "req",
        "-x509",
        "-newkey",
        "ec",
        "-pkeyopt",
        "ec_paramgen_curve:prime256v1",
        "-nodes",
        "-days",
        "2",
    ]
    names = ["-subj", f"/CN={name}", "-addext", f"subjectAltName=DNS:{name}"]
    subprocess.run(
        [required("openssl"), *new, "-keyout", str(key), "-out", str(cert), *names],
        check=True,
        capture_output=True,
    )
    both.write_bytes(key.read_bytes() + cert.read_bytes())
    return both
