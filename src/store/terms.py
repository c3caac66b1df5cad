"""What a state remembers of what turned its amounts into tonnes; the content is `rules.terms`, as JSON."""

import sqlite3
from collections.abc import Iterable

from store.sqlite import write_rows

Name = tuple[str, str, str]  # park, facility, source


def read(connection: sqlite3.Connection) -> dict[Name, tuple[str, str]]:
    """Return the terms of each source as they were configured last, and as its windows have them; "" for what is not there."""
    texts = dict(
        connection.execute("SELECT id, content FROM term")
    )  # each once, though thousands may share it
    rows = connection.execute(
        "SELECT park, facility, name, given, kept FROM source_term JOIN source ON source.id = source"
    )
    return {
        (park, facility, name): (texts.get(given, ""), texts.get(kept, ""))
        for park, facility, name, given, kept in rows
    }


def inputs(connection: sqlite3.Connection) -> dict[Name, str]:
    """Return what each source took its amounts from when it was configured last."""
    rows = connection.execute(
        "SELECT park, facility, name, inputs FROM source_term JOIN source ON source.id = source"
    )
    return {(park, facility, name): told for park, facility, name, told in rows}


def write(connection: sqlite3.Connection, rows: Iterable[tuple[int, str, str, str]]) -> None:
    """Remember sources by database id: what they are given, what their windows have, and their inputs; inside a transaction."""
    numbers: dict[str, int] = {}
    found = []
    for source, given, kept, told in rows:
        for content in (given, kept):
            if content not in numbers:
                numbers[content] = _number(connection, content)
        found.append((source, numbers[given], numbers[kept], told))
    write_rows(connection, "INSERT OR REPLACE INTO source_term", found)


def _number(connection: sqlite3.Connection, content: str) -> int:
    connection.execute("INSERT OR IGNORE INTO term (content) VALUES (?)", (content,))
    return int(connection.execute("SELECT id FROM term WHERE content = ?", (content,)).fetchone()[0])
