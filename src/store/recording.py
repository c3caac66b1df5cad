"""What commands enter into the audit log of a state directory: what they do there without asking the service."""

import getpass
import sqlite3
from pathlib import Path

from store.access_log import AccessLog, Actor, Entry, make
from store.folder import keys_file
from store.sqlite import StateMismatch


class NotRecorded(Exception):
    """The audit log cannot be written."""


def operator() -> Actor:
    """Return whoever runs the command, as the system names them."""
    return Actor(getpass.getuser(), "command line")


def record(folder: Path, at: int, what: str, about: str = "", old: str = "", new: str = "") -> None:
    """Enter what a command does to a state directory at a time [ns UTC]; raise NotRecorded where that cannot be."""
    file, by = keys_file(folder), operator()
    try:
        make(file)
        AccessLog(file).note(Entry(at, by.who, what, about, old, new, by.origin))
    except (sqlite3.Error, StateMismatch, OSError) as error:
        raise NotRecorded(f"{what} cannot be entered into the audit log, {file}: {error}") from error
