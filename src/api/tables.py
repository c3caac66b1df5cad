"""Answers as tables: CSV as RFC 4180 says, and Arrow streams; which of them a client prefers."""

import csv
import io
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, cast

import numpy as np
from starlette.datastructures import Headers
from starlette.exceptions import HTTPException

from api.models import SeriesBody, TotalBody, TotalsBody
from api.problems import documented
from api.times import parse_time
from reports.writers import xlsx
from reports.writers.extra import NotInstalled

JSON, CSV, ARROW = "application/json", "text/csv", "application/vnd.apache.arrow.stream"
XLSX = xlsx.MEDIA_TYPE
# What a spreadsheet may take for a formula, or that may hide one.
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")

_FORMS = {
    CSV: {
        "schema": {"type": "string"},
        "example": "time,value [t],coverage [1]\r\n2026-11-24T05:00:00Z,0.0123,1.0\r\n",
    },
    ARROW: {"schema": {"type": "string", "format": "binary"}},
    XLSX: {"schema": {"type": "string", "format": "binary"}},
}
_HEADERS = {
    "Stackmeter-Only": {
        "description": "of a key for some places: these, over which alone it is summed, separated by commas",
        "schema": {"type": "string"},
    },
    "Stackmeter-Known-From": {
        "description": "of a series of emissions: from when on all its sources are in it, where not from its start on",
        "schema": {"type": "string"},
    },
}

Cell = str | float | int | None
Table = tuple[list[str], Iterable[Iterable[Cell]]]  # a header and rows


def preferred(headers: Headers, offered: Sequence[str]) -> str:
    """Return the media type that a client prefers of those offered; the first of equals, RFC 9110 section 12.5.1.

    Raises
    ------
    HTTPException
        406: it takes none of them.
    """
    given = [_weighted(one) for one in headers.get("accept", "*/*").split(",")]
    weights = [_weight(media, given) for media in offered]
    best = max(weights)
    if best <= 0:
        raise HTTPException(406, f"this is told as {', '.join(offered)}")
    return offered[weights.index(best)]


def documented_as(*media: str) -> dict[int | str, dict[str, Any]]:
    """Return the OpenAPI description of an answer that is told as these media types too, and of there being no other."""
    return {200: {"content": {one: _FORMS[one] for one in media}, "headers": _HEADERS}, **documented(406)}


def series_csv(body: SeriesBody) -> bytes:
    """Return a series as CSV; its unit stands in the header, its parts in columns of their own."""
    return table_csv(*series_table(body))


def series_table(body: SeriesBody) -> Table:
    """Return the header and the rows of a series."""
    parts = body.parts or []
    rows = zip(body.times, body.values, body.coverage, *(one.values for one in parts), strict=True)
    named = [f"{one.name} [{body.unit}]" for one in parts]
    return ["time", f"value [{body.unit}]", "coverage [1]", *named], rows


def totals_csv(body: TotalsBody) -> bytes:
    """Return totals as CSV."""
    return table_csv(*totals_table(body))


def totals_table(body: TotalsBody) -> Table:
    """Return what is one number or word of each total, with its unit in the header; a list is one cell.

    What is of the present stands only beside a period that is not over: a table is kept, and read as if it were of then.
    """
    is_over = parse_time(body.period.to) <= parse_time(body.as_of)
    told = [_nothing if is_over and name in _PRESENT else tell for name, tell in _TOTALS.items()]
    rows = ([tell(one) for tell in told] for one in body.totals)
    same = [body.as_of, body.period.from_, body.period.to, body.gwp, " ".join(body.only or [])]
    return ["as_of", "from", "to", "gwp", "only", *_TOTALS], ([*same, *row] for row in rows)


def series_arrow(body: SeriesBody) -> bytes:
    """Return a series as an Arrow stream of one batch; its unit is metadata of the column, `only` of the schema as JSON.

    Raises
    ------
    HTTPException
        406: pyarrow is not installed.
    """
    try:
        import pyarrow as pa  # noqa: PLC0415 - an extra
    except ImportError as error:
        detail = "Arrow streams take the extra arrow: pip install 'stackmeter[arrow]'"
        raise HTTPException(406, detail) from error
    times = np.array([time.removesuffix("Z") for time in body.times], "datetime64[ns]")
    schema = pa.schema(
        [
            pa.field("time", pa.timestamp("ns", tz="UTC"), nullable=False),
            pa.field("value", pa.float64(), metadata={"unit": body.unit}),
            pa.field("coverage", pa.float64(), metadata={"unit": "1"}),
        ],
        metadata=None if body.only is None else {"only": json.dumps(body.only)},
    )
    columns = [pa.array(times, schema.types[0]), pa.array(body.values, pa.float64())]
    batch = pa.record_batch([*columns, pa.array(body.coverage, pa.float64())], schema=schema)
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, schema) as stream:
        stream.write_batch(batch)
    return bytes(sink.getvalue().to_pybytes())


def table_xlsx(table: Table) -> bytes:
    """Return a table as a workbook of one sheet.

    Raises
    ------
    HTTPException
        406: XlsxWriter is not installed.
    """
    try:
        return xlsx.write_table(*table)
    except NotInstalled as error:
        raise HTTPException(406, str(error)) from error


def safe(text: str) -> str:
    """Return text that no spreadsheet takes for a formula: such is led by an apostrophe."""
    return f"'{text}" if text.lstrip(" ").startswith(_FORMULA) else text


def table_csv(header: Iterable[str], rows: Iterable[Iterable[Cell]]) -> bytes:
    """Return rows as RFC 4180 says, in UTF-8; unknown is an empty cell."""
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow([safe(name) for name in header])
    writer.writerows([safe(cell) if isinstance(cell, str) else cell for cell in row] for row in rows)
    return text.getvalue().encode()


def _weighted(part: str) -> tuple[str, float]:
    media, *parameters = (piece.strip() for piece in part.split(";"))
    weight = next((one[2:] for one in parameters if one.startswith("q=")), "1")
    try:
        return media.lower(), min(max(float(weight), 0.0), 1.0)
    except ValueError:
        return media.lower(), 0.0


def _weight(media: str, given: Sequence[tuple[str, float]]) -> float:
    """Return the weight that the most specific range gives a media type, 0 where none fits."""
    ranges = dict(given)
    for one in (media, f"{media.partition('/')[0]}/*", "*/*"):
        if one in ranges:
            return ranges[one]
    return 0.0


def _field(*names: str) -> Callable[[TotalBody], Cell]:
    """Return what takes a field of a total, or of a part of it, which may be null."""

    def of(total: TotalBody) -> Cell:
        found: Any = total
        for name in names:
            found = None if found is None else getattr(found, name)
        return cast("Cell", found)

    return of


def _nothing(_total: TotalBody) -> Cell:
    return None


def _factors(total: TotalBody) -> Cell:
    """Return the rows of factors that a total rests on, with their status and tonnes, in one cell."""
    used = total.factors or []
    return "; ".join(f"{one.row} ({one.status}): {one.co2e_t!r} t" for one in used) or None


def _parameters(total: TotalBody) -> Cell:
    """Return the parameters that a total rests on, with their dates, in one cell."""
    told = []
    for one in total.parameters or []:
        value = "unknown" if one.value is None else f"{one.value!r} {one.unit}"
        since = f" since {one.since}" if one.since else ""
        told.append(f"{one.source} {one.name} {value}{since}{f' until {one.until}' if one.until else ''}")
    return "; ".join(told) or None


_PRESENT = frozenset({"now [t/h]", "now_at"})
_TOTALS: Mapping[str, Callable[[TotalBody], Cell]] = {
    "park": _field("park"),
    "facility": _field("facility"),
    "source": _field("source"),
    "scope": _field("scope"),
    "method": _field("method"),
    "co2e [t]": _field("co2e_t"),
    "co2 [kg]": _field("co2_kg"),
    "co2_biogenic [kg]": _field("co2_biogenic_kg"),
    "ch4 [kg]": _field("ch4_kg"),
    "n2o [kg]": _field("n2o_kg"),
    "activity": _field("activity"),
    "activity_unit": _field("activity_unit"),
    "now [t/h]": _field("now_t_per_h"),
    "now_at": _field("now_at"),
    "now_unknown": lambda total: " ".join(total.now_unknown),
    "coverage [1]": _field("coverage"),
    "known_from": _field("known_from"),
    "unheard": lambda total: " ".join(total.unheard),
    "measured [1]": _field("shares", "measured"),
    "interpolated [1]": _field("shares", "interpolated"),
    "substituted [1]": _field("shares", "substituted"),
    "missing [1]": _field("shares", "missing"),
    "worst_source": _field("worst_source"),
    "complete_until": _field("complete_until"),
    "stale": lambda total: " ".join(total.stale),
    "revision": _field("revision"),
    "excluded_transfers [t]": _field("excluded_transfers_t"),
    "scope3 [t]": _field("scope3_t"),
    "provisional [t]": _field("provisional_t"),
    "budget [t]": _field("budget_t"),
    "budget_used [1]": _field("budget_used_share"),
    "previous_co2e [t]": _field("previous", "co2e_t"),
    "previous_coverage [1]": _field("previous", "coverage"),
    "previous_from": _field("previous", "from_"),
    "previous_to": _field("previous", "to"),
    "previous_elapsed_co2e [t]": _field("previous", "elapsed_co2e_t"),
    "previous_known_from": _field("previous", "known_from"),
    "previous_unheard": lambda total: " ".join(total.previous.unheard) if total.previous else None,
    "entered [t]": _field("records", "entered_t"),
    "entered [1]": _field("records", "entered_share"),
    "self_approved [t]": _field("records", "self_approved_t"),
    "self_approved [1]": _field("records", "self_approved_share"),
    "location [t]": _field("scope2", "location_t"),
    "market [t]": _field("scope2", "market_t"),
    "matched [MWh]": _field("scope2", "matched_mwh"),
    "unmatched [MWh]": _field("scope2", "unmatched_mwh"),
    "certificates [MWh]": _field("scope2", "certificates_mwh"),
    "residual_factor [kg/kWh]": _field("scope2", "residual_factor"),
    "scope2_note": _field("scope2", "method_note"),
    "uncertainty_low [t]": _field("uncertainty", "low_t"),
    "uncertainty_high [t]": _field("uncertainty", "high_t"),
    "uncertainty [1]": _field("uncertainty", "share"),
    "uncertainty_covered [t]": _field("uncertainty", "covered_t"),
    "uncertainty_covered [1]": _field("uncertainty", "covered_share"),
    "factors": _factors,
    "parameters": _parameters,
}
