"""The live page: a few files of our own in `api/page/`, the same for everybody; they hold no data (docs/live-page.md)."""

import gzip
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from hashlib import sha256
from importlib.resources import files

from fastapi import APIRouter, Request, Response
from starlette.exceptions import HTTPException

HEADERS = {
    # Asked for again at each load, and sent again only where it has changed.
    "Cache-Control": "no-cache",
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self';"
    " img-src 'self' data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}
# Pages that differ in their own script and words alone.
BESIDE = {
    "/records": "records",
    "/month-end": "month_end",
    "/plan": "plan",
    "/position": "position",
    "/energy": "energy",
    "/eco-park": "eco_park",
    "/city": "city",
}
PAGES = {"/": "index.html", **{path: f"{name}.html" for path, name in BESIDE.items()}}
_TYPES = {
    "css": "text/css; charset=utf-8",
    "html": "text/html; charset=utf-8",
    "js": "text/javascript; charset=utf-8",
    "svg": "image/svg+xml",
}


@dataclass(frozen=True, slots=True)
class Asset:
    """One file of the page, as it is and as it travels, and the tag that names its content."""

    content: bytes
    packed: bytes
    media_type: str
    tag: str


def assets() -> Mapping[str, Asset]:
    """Return the files of the page by name."""
    found = {
        one.name: _asset(one.name, one.read_bytes())
        for one in sorted((files("api") / "page").iterdir(), key=lambda one: one.name)
        if one.name.rpartition(".")[2] in _TYPES
    }
    frame = found.pop("beside.html").content
    pages = {f"{name}.html": frame.replace(b"NAME", name.encode()) for name in BESIDE.values()}
    return found | {name: _asset(name, content) for name, content in pages.items()}


def version(found: Mapping[str, Asset]) -> str:
    """Return what names this version of all files."""
    return _digest("".join(one.tag for one in found.values()).encode())


def routes(found: Mapping[str, Asset]) -> APIRouter:
    """Return the routes; whoever opens the page needs a key for what it shows, not for the page."""
    router = APIRouter(include_in_schema=False)

    for path, name in PAGES.items():
        router.add_api_route(path, partial(_page, found[name]))

    @router.get("/assets/{name}")
    def asset(request: Request, name: str) -> Response:
        """Return a file that the page asks for."""
        if name not in found or name in PAGES.values():
            raise HTTPException(404)
        return _answer(request, found[name])

    return router


def _page(one: Asset, request: Request) -> Response:
    return _answer(request, one)


def _asset(name: str, content: bytes) -> Asset:
    packed = gzip.compress(content, mtime=0)
    return Asset(content, packed, _TYPES[name.rpartition(".")[2]], f'W/"{_digest(content)}"')


def _digest(content: bytes) -> str:
    return sha256(content).hexdigest()[:16]


def _answer(request: Request, one: Asset) -> Response:
    headers = {**HEADERS, "ETag": one.tag, "Vary": "Accept-Encoding"}
    if one.tag in request.headers.get("if-none-match", ""):
        return Response(status_code=304, headers=headers)
    if "gzip" not in request.headers.get("accept-encoding", ""):
        return Response(one.content, headers=headers, media_type=one.media_type)
    return Response(one.packed, headers=headers | {"Content-Encoding": "gzip"}, media_type=one.media_type)
