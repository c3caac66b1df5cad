"""Checks the connections that a library makes by itself, each at the moment at which it is made.

Python tells an audit hook of every look-up and every connection before it happens, with the address that it goes to, and
the hook may refuse it. So a name that leads elsewhere when it is looked up again, a redirect or a proxy changes nothing.
The hook is added to the process with the first guard and does nothing where none is entered. It follows the context of
whoever entered a guard, into a thread only where the library takes the context along; what a C library or another
program connects it does not see.
"""

import socket
import sys
from collections.abc import Callable, Mapping
from contextvars import ContextVar
from functools import cache
from typing import Any, Self

from notify.addresses import AddressRefused, Egress, checked, resolve
from notify.deadline import Deadline


class AddressGuard:
    """While it is entered, connections go to permitted addresses, and are cut when its time is over.

    `refused` is why the first one was not made; "" where none was refused.

    Parameters
    ----------
    egress
        Where connections may go.
    seconds
        For all that is done while it is entered, but look-ups of names. [s]
    """

    def __init__(self, egress: Egress, seconds: float) -> None:
        _add_hook()
        self._egress = egress
        self._deadline = Deadline(seconds)
        self._copies: list[socket.socket] = []
        self.refused = ""

    @property
    def passed(self) -> bool:
        """True where the time was over before the end."""
        return self._deadline.passed

    def __enter__(self) -> Self:
        self._deadline.__enter__()
        self._token = _entered.set(self)
        return self

    def __exit__(self, *_: object) -> None:
        _entered.reset(self._token)
        self._deadline.__exit__()
        for copy in self._copies:
            copy.close()

    def see(self, event: str, arguments: tuple[Any, ...]) -> None:
        """Raise AddressRefused where what is about to happen leads to an address that is not permitted."""
        token = _entered.set(None)  # what is looked up to check it is not itself checked
        try:
            _CHECKS[event](self, *arguments)
        except AddressRefused as error:
            self.refused = self.refused or str(error)
            raise
        finally:
            _entered.reset(token)

    def look_up(self, host: str | bytes | None, port: int | str | None, *_: object) -> None:
        """Refuse a name of which a single address is not permitted."""
        if host is not None:
            name = host.decode() if isinstance(host, bytes) else host
            checked(resolve(name, port), self._egress.allow_private)

    def connect(self, connection: socket.socket, address: object) -> None:
        """Refuse an address that is not permitted, a name that nobody looked up, and everything when the time is over."""
        if address is None:
            return  # sendmsg on what is connected
        if self._deadline.passed:
            raise AddressRefused("its time is over")
        if not isinstance(address, tuple):
            raise AddressRefused("a socket that is no network's")
        host, port, *_ = address
        self._egress.check([host], port)
        # A copy, because TLS puts another object in the place of this one.
        copy = connection.dup()
        self._copies.append(copy)
        self._deadline.watch(copy)

    def start_program(self, *_: object) -> None:
        """Refuse what would connect unseen."""
        raise AddressRefused("a program of its own, whose connections cannot be checked")


_entered: ContextVar[AddressGuard | None] = ContextVar("guard", default=None)
_CHECKS: Mapping[str, Callable[..., None]] = {
    "socket.getaddrinfo": AddressGuard.look_up,
    "socket.connect": AddressGuard.connect,
    "socket.sendto": AddressGuard.connect,
    "socket.sendmsg": AddressGuard.connect,
    "subprocess.Popen": AddressGuard.start_program,
    "os.posix_spawn": AddressGuard.start_program,
    "os.system": AddressGuard.start_program,
}


def _hook(event: str, arguments: tuple[Any, ...]) -> None:
    if event in _CHECKS and (guard := _entered.get()) is not None:
        guard.see(event, arguments)


@cache
def _add_hook() -> None:
    """Add the hook once; Python keeps it until the process ends."""
    sys.addaudithook(_hook)
