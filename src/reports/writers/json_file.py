"""Papers as JSON: what is read, and beside every number its value and where it comes from."""

import json
from dataclasses import asdict
from typing import Any

from reports.paper import Cell, Heading, Label, Number, Paper, PaperTable, Paragraph, Piece
from reports.words import Words

MEDIA_TYPE = "application/json"


def write(paper: Paper, words: Words) -> bytes:
    """Return UTF-8 JSON."""
    told = {
        "form": paper.form,
        "language": words.language,
        "title": [words.of(line) for line in paper.title],
        "warnings": [words.of(one) for one in paper.warnings],
        "properties": {name: words.of(cell) for name, cell in paper.properties},
        "pieces": [_piece(piece, words) for piece in paper.pieces],
    }
    return (json.dumps(told, ensure_ascii=False, indent=1, allow_nan=False) + "\n").encode()


def _piece(piece: Piece, words: Words) -> dict[str, Any]:
    match piece:
        case Heading():
            return {"heading": words.of(piece.text), "level": piece.level}
        case Paragraph():
            return {"paragraph": words.of(piece.text), "tone": piece.tone, "numbers": _numbers(piece.text)}
        case PaperTable():
            return {
                "table": words.of(piece.title),
                "columns": [words.of(column) for column in piece.columns],
                "rows": [[_cell(cell, words) for cell in row] for row in piece.rows],
            }


def _cell(cell: Cell, words: Words) -> Any:
    return _number(cell) if isinstance(cell, Number) else words.of(cell)


def _number(number: Number) -> dict[str, Any]:
    origin = (
        {name: value for name, value in asdict(number.origin).items() if value not in ("", None, ())}
        if number.origin
        else None
    )
    return {"value": number.value, "unit": number.unit, "digits": number.digits, "origin": origin}


def _numbers(cell: Cell) -> list[dict[str, Any]]:
    if isinstance(cell, Number):
        return [_number(cell)]
    return [one for _, value in cell.values for one in _numbers(value)] if isinstance(cell, Label) else []
