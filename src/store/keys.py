"""API keys: who may ask, kept as digests, in `keys.sqlite` of the state directory beside the audit log.

A key reads `smk_<id>_<secret>`; scanners find it by its beginning. Its secret has 256 random bits and is shown once: only
its SHA-256 is kept. Nothing is cached, so what is revoked is dead at the next request.
"""

import hmac
import json
import logging
import re
import secrets
import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

from plant.vocabulary import NS_PER_MIN
from store.access_log import Actor, Entry, append, opened, writing

PREFIX = "smk_"
NEVER = 0  # of `expires`, `revoked`, `used` and `old_until`
LONGEST_NAME = 100
_KEY = re.compile(r"smk_([0-9a-f]{12})_([0-9a-f]{64})")
_NOTHING = bytes(32)  # the digest of no secret that anybody knows
_COLUMNS = "id, name, role, places, shared, created, expires, revoked, used, old_until"

log = logging.getLogger(__name__)


class KeyRefused(Exception):
    """What is asked of a key cannot be; the text says why and what to do."""


@dataclass(frozen=True, slots=True)
class Key:
    """A key without its secret; times are ns UTC, NEVER where there is none."""

    id: str
    name: str
    role: str
    places: tuple[tuple[str, str], ...]  # (park, facility), with "" for all of a park; () for everything
    shared: bool  # several people bear it
    created: int
    expires: int
    revoked: int
    used: int
    old_until: int  # up to when the secret before the last rotation works

    def is_valid(self, now: int) -> bool:
        """Return whether it lets anybody in."""
        return not self.revoked and (self.expires == NEVER or now < self.expires)


class Keys:
    """The keys of a state directory, in a file that `store.access_log.make` made; each use opens it anew. Every method raises sqlite3.Error where it cannot be."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def bearer(self, text: str, now: int) -> Key | None:
        """Return the key whose secret a text bears, None where there is none that is valid; note that it was used."""
        found = _KEY.fullmatch(text)
        if found is None:
            return None
        with opened(self.path) as connection:
            query = f"SELECT {_COLUMNS}, secret, old_secret FROM key WHERE id = ?"
            row = connection.execute(query, (found[1],)).fetchone()
            # Nobody's id takes as long as somebody's.
            secret, old = row[-2:] if row else (_NOTHING, _NOTHING)
            given = _digest(found[2])
            is_new, is_old = hmac.compare_digest(given, secret), hmac.compare_digest(given, old)
            if row is None:
                return None
            key = _key(row[:-2])
            if not key.is_valid(now) or not (is_new or (is_old and now < key.old_until)):
                return None
            if now - key.used >= NS_PER_MIN:
                _note_use(connection, key, now)
            return key

    def all(self) -> list[Key]:
        """Return every key that ever was, the oldest first."""
        with opened(self.path) as connection:
            return [
                _key(row) for row in connection.execute(f"SELECT {_COLUMNS} FROM key ORDER BY created, id")
            ]

    def create(
        self,
        name: str,
        role: str,
        places: Sequence[tuple[str, str]],
        *,
        shared: bool,
        expires: int,
        now: int,
        by: Actor,
    ) -> tuple[Key, str]:
        """Make a key and return it with its text, which is kept nowhere.

        Parameters
        ----------
        expires
            Until when it works [ns UTC], or NEVER.
        by
            Who makes it and from where, as the audit log is to say.
        """
        key = Key(
            secrets.token_hex(6), checked_name(name), role, tuple(places), shared, now, expires, NEVER, NEVER, NEVER
        )  # fmt: skip
        secret = secrets.token_hex(32)
        with writing(self.path) as connection:
            connection.execute(
                "INSERT INTO key VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                (
                    key.id, key.name, role, json.dumps(key.places), shared, _digest(secret), _NOTHING, NEVER, now,
                    expires, NEVER, NEVER,
                ),
            )  # fmt: skip
            append(connection, _entry(by, now, "key.created", key.id, "", described(key)))
        return key, f"{PREFIX}{key.id}_{secret}"

    def rotate(self, which: str, overlap: int, now: int, by: Actor) -> tuple[Key, str]:
        """Give a key a new secret; the old one works for `overlap` [ns] more. Raise KeyRefused where it is none to rotate."""
        secret = secrets.token_hex(32)
        with writing(self.path) as connection:
            key = _named(connection, which)
            if not key.is_valid(now):
                raise KeyRefused(f"key {key.id} works no more: create another one")
            connection.execute(
                "UPDATE key SET old_secret = secret, old_until = ?, secret = ? WHERE id = ?",
                (now + overlap, _digest(secret), key.id),
            )
            rotated = _by_id(connection, key.id)
            append(connection, _entry(by, now, "key.rotated", key.id, described(key), described(rotated)))
        return rotated, f"{PREFIX}{key.id}_{secret}"

    def revoke(self, which: str, now: int, by: Actor) -> Key:
        """End a key at once. Raise KeyRefused where it is none to revoke."""
        with writing(self.path) as connection:
            key = _named(connection, which)
            if key.revoked:
                raise KeyRefused(f"key {key.id} is revoked already")
            connection.execute("UPDATE key SET revoked = ? WHERE id = ?", (now, key.id))
            revoked = _by_id(connection, key.id)
            append(connection, _entry(by, now, "key.revoked", key.id, described(key), "revoked"))
        return revoked


def checked_name(name: str) -> str:
    """Return a name that may stand in a record of who did what; raise KeyRefused for another."""
    name = " ".join(name.split())
    if not 0 < len(name) <= LONGEST_NAME or not name.isprintable():
        raise KeyRefused(f"a key's name has 1 to {LONGEST_NAME} printable characters")
    if name == "token":
        raise KeyRefused("`token` is the name of the state directory's own: take another")
    return name


def place_text(place: tuple[str, str]) -> str:
    """Return a place as people write it, `park` or `park/facility`."""
    return "/".join(filter(None, place))


def described(key: Key) -> str:
    """Return what the audit log says of a key."""
    places = ", ".join(map(place_text, key.places)) or "everything"
    return f"{key.name}: {key.role} of {places}{', shared' if key.shared else ''}"


def _entry(by: Actor, now: int, what: str, about: str, old: str, new: str) -> Entry:
    return Entry(now, by.who, what, about, old, new, by.origin)


def _digest(secret: str) -> bytes:
    return sha256(secret.encode()).digest()


def _note_use(connection: sqlite3.Connection, key: Key, now: int) -> None:
    try:
        connection.execute("UPDATE key SET used = ? WHERE id = ?", (now, key.id))
    except sqlite3.OperationalError as error:
        # A full disk keeps nobody from looking; whether the key may be used has been read.
        log.warning("that key %s was used cannot be noted: %s", key.id, error)


def _named(connection: sqlite3.Connection, which: str) -> Key:
    """Return the key of an id, or the only unrevoked one of a name."""
    rows = connection.execute(
        f"SELECT {_COLUMNS} FROM key WHERE id = ? OR (name = ? AND revoked = 0)", (which, which)
    ).fetchall()
    if not rows:
        raise KeyRefused(f"there is no key {which!r}: see `stackmeter keys list`")
    if len(rows) > 1:
        raise KeyRefused(f"{len(rows)} keys are named {which!r}: say its id, see `stackmeter keys list`")
    return _key(rows[0])


def _by_id(connection: sqlite3.Connection, number: str) -> Key:
    return _key(connection.execute(f"SELECT {_COLUMNS} FROM key WHERE id = ?", (number,)).fetchone())


def _key(row: Sequence[Any]) -> Key:
    number, name, role, places, shared, *times = row
    return Key(
        number, name, role, tuple((park, facility) for park, facility in json.loads(places)), bool(shared), *times
    )  # fmt: skip
