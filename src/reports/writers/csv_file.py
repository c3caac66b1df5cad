"""Papers as CSV: one line a number, with where it comes from, for programs. Numbers have a point, whatever the language."""

import csv
import io

from reports.paper import Paper
from reports.words import Words
from reports.writers.provenance import COLUMNS, numbers_of, row_of

MEDIA_TYPE = "text/csv"
# What a spreadsheet may take for a formula, or that may hide one.
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")
_LEFT_OUT = ("sheet", "cell")


def write(paper: Paper, words: Words) -> bytes:
    """Return RFC 4180 CSV; each line says whether the paper is a draft."""
    file = io.StringIO()
    writer = csv.writer(file, lineterminator="\r\n")
    columns = [name for name in COLUMNS if name not in _LEFT_OUT]
    writer.writerow(["form", "warnings", *columns])
    warned = "; ".join(words.of(one) for one in paper.warnings)
    for placed in numbers_of(paper):
        row = row_of(placed, words)
        writer.writerow(map(_safe, [paper.form, warned, *(row[name] for name in columns)]))
    return file.getvalue().encode()


def _safe(value: str | float | None) -> str:
    if value is None:
        return ""
    if isinstance(value, float):
        return repr(value)
    return f"'{value}" if value.startswith(_FORMULA) else value
