"""Totals and series as a client wants them: as JSON, CSV or Arrow, and not again what it has already."""

from hashlib import blake2b
from urllib.parse import quote

from starlette.datastructures import Headers
from starlette.responses import Response

from api.models import SeriesBody, TotalsBody
from api.tables import (
    ARROW,
    CSV,
    JSON,
    XLSX,
    preferred,
    series_arrow,
    series_csv,
    series_table,
    table_xlsx,
    totals_csv,
    totals_table,
)

ONLY = "Stackmeter-Only"
KNOWN_FROM = "Stackmeter-Known-From"
_VARY = "Accept, Authorization, X-API-Key"


def totals_answer(request: Headers, body: TotalsBody) -> Response:
    """Return totals as JSON, CSV or a workbook with a weak ETag, or 304 where the client has them.

    The ETag is of all that the answer says but `as_of`, when it was asked for: two answers that differ in nothing else
    are equivalent, which is what weak means (RFC 9110, section 8.8.1). So 304 is no older than the answer would be,
    whatever a total comes to depend on; it saves the transfer, not the sum.
    """
    media = preferred(request, (JSON, CSV, XLSX))
    essence = body.model_dump_json(by_alias=True, exclude_unset=True, exclude={"as_of"})
    digest = blake2b(f"{media}\n{essence}".encode(), digest_size=16).hexdigest()
    headers = {"ETag": f'W/"{digest}"', "Cache-Control": "no-cache", "Vary": _VARY, **_only(body)}
    if _has(request.get("if-none-match", ""), digest):
        return Response(status_code=304, headers=headers)
    if media == CSV:
        content = totals_csv(body)
    elif media == XLSX:
        content = table_xlsx(totals_table(body))
    else:
        content = body.model_dump_json(by_alias=True, exclude_unset=True).encode()
    return Response(content, media_type=media, headers=headers)


def series_answer(request: Headers, body: SeriesBody) -> Response:
    """Return a series as JSON, CSV, Arrow or a workbook."""
    media = preferred(request, (JSON, CSV, ARROW, XLSX))
    headers = {"Cache-Control": "no-cache", "Vary": _VARY, **_only(body), **_known(body)}
    if media == CSV:
        content = series_csv(body)
    elif media == ARROW:
        content = series_arrow(body)
    elif media == XLSX:
        content = table_xlsx(series_table(body))
    else:
        content = body.model_dump_json(by_alias=True, exclude_unset=True).encode()
    return Response(content, media_type=media, headers=headers)


def _only(body: TotalsBody | SeriesBody) -> dict[str, str]:
    """Return the header that says of which places alone an answer is, for forms that have no other room for it."""
    return {} if body.only is None else {ONLY: ", ".join(quote(place) for place in body.only)}


def _known(body: SeriesBody) -> dict[str, str]:
    """Return the header that says from when on a series is of all its sources, for the same forms."""
    return {} if body.known_from is None else {KNOWN_FROM: body.known_from}


def _has(given: str, digest: str) -> bool:
    """Return whether If-None-Match names an answer, by weak comparison."""
    tags = [one.strip() for one in given.split(",")]
    return "*" in tags or f'"{digest}"' in {one.removeprefix("W/") for one in tags}
