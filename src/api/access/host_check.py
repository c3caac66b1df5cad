"""What is asked of every request before anything else, and said with every answer: lengths, host names, security headers."""

import ipaddress
import re
from collections.abc import Collection
from urllib.parse import urlsplit

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.problems import DATA_HEADERS, problem

_HOST = re.compile(rb"(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+)(:[0-9]{1,5})?")
LONGEST_TARGET = 8192  # bytes of path and query
MOST_HEADERS, LONGEST_HEADERS = 100, 16384  # lines, and bytes of all of them
_PAGE = "default-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'; object-src 'none'"


class KnownHosts:
    """Which names of ours a request may be addressed to, against sites that make a browser take our address for theirs.

    Literal addresses, `localhost` and names without a dot, as containers have, belong to no stranger; all others are
    those of `public_url` and those that are allowed: a name, `*.example.com`, or `*` for any.
    """

    def __init__(self, allowed: Collection[str], public_url: str) -> None:
        own = urlsplit(public_url).hostname
        self._names = {name.lower() for name in allowed} | ({own} if own else set())

    def has(self, header: bytes) -> bool:
        """Return whether the value of a Host header names us."""
        found = _HOST.fullmatch(header)
        if found is None:
            return False
        name = found[1].decode().lower().rstrip(".").strip("[]")
        return (
            "*" in self._names
            or name in self._names
            or "." not in name.removesuffix(".localhost")
            or _is_address(name)
            or any(name.endswith(one[1:]) for one in self._names if one.startswith("*."))
        )


class HostCheck:
    """Refuses what is too long, and what is for a host that is not ours; adds the security headers to every answer."""

    def __init__(self, app: ASGIApp, hosts: KnownHosts) -> None:
        self._app, self._hosts = app, hosts

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def headed(message: Message) -> None:
            if message["type"] == "http.response.start":
                _add_headers(MutableHeaders(scope=message))
            await send(message)

        refused = self._refused(scope)
        if refused is None:
            await self._app(scope, receive, headed)
        else:
            await problem(scope["path"][:LONGEST_TARGET], *refused)(scope, receive, headed)

    def _refused(self, scope: Scope) -> tuple[int, str] | None:
        """Return the status and the reason for which a request is not looked at, None where it is."""
        headers = scope["headers"]
        if len(scope.get("raw_path") or b"") + len(scope["query_string"]) > LONGEST_TARGET:
            return 414, f"path and query are longer than {LONGEST_TARGET} bytes"
        if len(headers) > MOST_HEADERS or sum(len(n) + len(v) for n, v in headers) > LONGEST_HEADERS:
            return 431, f"more than {MOST_HEADERS} header lines, or than {LONGEST_HEADERS} bytes of them"
        given = [value for name, value in headers if name == b"host"]
        if len(given) != 1 or not self._hosts.has(given[0]):
            return 400, "this host is none of ours: add it to the setting allowed_hosts"
        return None


def _add_headers(headers: MutableHeaders) -> None:
    """Add them where the route does not speak for itself, as one with a page does."""
    said = DATA_HEADERS
    if headers.get("content-type", "").startswith("text/html"):
        said = {**said, "Content-Security-Policy": _PAGE}
    for name, value in said.items():
        headers.setdefault(name, value)


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True
