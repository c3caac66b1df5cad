"""What is asked twice and done once: an id that a client's key gives to what it asks for, found again where that was noted.

Such an id has two parts: of who asked with which key, and of what was asked. So a key that comes again is found by its part, and
whether it asks for the same by the whole, and nothing is kept beside what is kept anyway.
"""

import sqlite3
from hashlib import blake2b

PART = 32  # digits of each of the two parts


class KeyUsed(Exception):
    """A key was used for something else."""


def keyed_id(who: str, key: str, asked: str) -> str:
    """Return the id of what somebody asks for with a key."""
    return f"{_digest(f'{len(who)} {who} {key}')}{_digest(asked)}"


def is_noted(connection: sqlite3.Connection, number: str) -> bool:
    """Return whether something has this id already.

    Raises
    ------
    KeyUsed
        Its key was used for something else.
    """
    if len(number) != 2 * PART:  # nobody gave a key
        return False
    first, last = number[:PART], f"{number[:PART]}g"  # behind every hexadecimal digit
    rows = connection.execute(
        "SELECT id FROM decision WHERE id >= ?1 AND id < ?2 UNION SELECT id FROM replay WHERE id >= ?1 AND id < ?2"
        " UNION SELECT id FROM webhook_request WHERE id >= ?1 AND id < ?2",
        (first, last),
    )
    noted = {row[0] for row in rows}
    if noted and number not in noted:
        raise KeyUsed(
            "this Idempotency-Key was used for something else: take a new one for each thing that is asked"
        )
    return bool(noted)


def _digest(text: str) -> str:
    return blake2b(text.encode(), digest_size=PART // 2).hexdigest()
