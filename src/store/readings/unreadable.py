"""What is stored of readings and cannot be read: whoever asks for readings goes on without it, and a proof names it."""

import sqlite3
from collections.abc import Iterator

_KINDS = {
    "typeof(value) IN ('real', 'integer')": ("value",),
    "typeof({0}) = 'integer' AND {0} BETWEEN 0 AND 255": ("quality", "flags", "verdict"),
    "typeof({0}) = 'integer' AND {0} BETWEEN -2147483648 AND 2147483647": ("channel", "boot", "correction"),
    "typeof({0}) = 'integer'": ("time", "message"),
}
_IS_SOUND = " AND ".join(check.format(name) for check, names in _KINDS.items() for name in names)


def unreadable_rows(connection: sqlite3.Connection) -> Iterator[tuple[int, int]]:
    """Yield channel and time of each row of `reading` that is none, by channel and time."""
    yield from connection.execute(f"SELECT channel, time FROM reading WHERE NOT ({_IS_SOUND}) ORDER BY 1, 2")
