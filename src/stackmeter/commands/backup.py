"""The command backup: copies a state directory, also while the service works in it, so that the copy belongs together."""

import json
import os
import shutil
import sqlite3
import time
from collections.abc import Callable, Mapping
from contextlib import closing
from pathlib import Path
from typing import Annotated

import typer

from stackmeter.commands.command import EXIT_CONFIG, AsJson, StateDir, or_exit
from store.folder import evidence_folder, feeds_file, keys_file

JOURNAL, STATE, TOKEN = "journal.db", "state.db", "token"


class NotCopied(Exception):
    """No copy was made, and nothing is left of the attempt."""


def backup(
    to: Annotated[Path, typer.Argument(help="Directory to make; it must not exist yet.")],
    state: StateDir = None,
    as_json: AsJson = False,
) -> None:
    """Copy a state directory whole, while the service runs or without it: journal, state, keys, audit log, files of feeds, token and evidence.

    The audit log says that a copy was made; where it cannot be written, the copy is made all the same.

    The copy is a state directory itself: prove it with `stackmeter verify --state COPY`, restore it by putting it in
    the place of the old one while the service is stopped. It is as secret as the original. The configuration is not in it.

    Example: stackmeter backup /backup/2026-11-24 --state /var/lib/stackmeter

    Exit codes: 0 made, 2 not made, and nothing is left of it.
    """
    from stackmeter import settings as given

    folder = or_exit(lambda: given.load(None, {"state": state})).state
    _record(folder, to)
    sizes = or_exit(lambda: copy(folder, to), {NotCopied: EXIT_CONFIG})
    if as_json:
        typer.echo(json.dumps({"directory": str(to), "bytes": dict(sizes)}))
    else:
        typer.echo(f"{to}: " + ", ".join(f"{name} {size:,} bytes" for name, size in sizes.items()))


def _record(folder: Path, to: Path) -> None:
    """Enter the copy before it is made, so that the copy has the row too."""
    from store.recording import NotRecorded, record

    if not (folder / JOURNAL).is_file():
        return  # nothing is there to be copied, and nothing is made there
    try:
        record(folder, time.time_ns(), "backup.begun", str(to.absolute()))
    except NotRecorded as error:
        # A full disk is a reason to copy, and none to refuse it.
        typer.echo(str(error), err=True)


def copy(folder: Path, to: Path, begin: Callable[[str], None] = lambda _name: None) -> Mapping[str, int]:
    """Copy a state directory and return the size of each file of the copy [bytes].

    The state is copied before the journal, each as of one moment: the journal then holds at least every message that the
    state follows, and the service takes up the rest when it starts on the copy. Evidence comes last, because a file is kept
    before a decision that names it is journalled.

    Parameters
    ----------
    folder
        The state directory; another process may write in it.
    to
        The directory to make. It appears once the copy is whole and on disk.
    begin
        Called with the name of each file before it is copied.

    Raises
    ------
    NotCopied
        There is no journal, `to` is there already, or a file cannot be read or written.
    """
    from store.faults import FileFault

    if not (folder / JOURNAL).is_file():
        raise NotCopied(f"{folder} holds no {JOURNAL}: say where the state is with --state DIR")
    if to.exists():
        raise NotCopied(f"{to} is there already: name a directory that does not exist yet")
    part = to.with_name(f"{to.name}.part")
    try:
        part.mkdir(mode=0o700, parents=True)
    except OSError as error:
        raise NotCopied(f"{part} cannot be made: {error.strerror}") from error
    try:
        sizes = _copied(folder, part, begin)
        part.rename(to)
        _to_disk(to.parent)
    except (OSError, FileFault) as error:
        shutil.rmtree(part)
        raise NotCopied(f"{folder} cannot be copied to {to}: {error}") from error
    except BaseException:
        shutil.rmtree(part)
        raise
    return sizes


def _copied(folder: Path, part: Path, begin: Callable[[str], None]) -> dict[str, int]:
    """Copy what there is, the state before the journal, and heads before the rows that they are of."""
    from store.access_log import heads_file
    from store.faults import told_of

    sizes = {}
    keys = keys_file(folder)
    for name in (STATE, JOURNAL, heads_file(keys).name, keys.name, feeds_file(folder).name, TOKEN):
        if not (folder / name).exists():
            continue
        begin(name)
        os.close(os.open(part / name, os.O_CREAT | os.O_WRONLY | os.O_EXCL, 0o600))
        if name in (TOKEN, heads_file(keys).name):
            shutil.copyfile(folder / name, part / name)
        else:
            with told_of(folder / name, "restore it, or copy what is left by hand"):
                _copy_database(folder / name, part / name)
        _to_disk(part / name)
        sizes[name] = (part / name).stat().st_size
    evidence = evidence_folder(folder)
    if evidence.is_dir():
        begin(evidence.name)
        sizes[evidence.name] = _copy_kept(evidence, evidence_folder(part))
    _to_disk(part)
    return sizes


def _copy_kept(source: Path, target: Path) -> int:
    """Copy a folder of kept files, those that are damaged too, and return how many bytes that was."""
    from store.kept_files import KeptFiles

    target.mkdir(mode=0o700)
    size = 0
    for digest in KeptFiles(source):
        copied = KeptFiles(target).path(digest)
        os.close(os.open(copied, os.O_CREAT | os.O_WRONLY | os.O_EXCL, 0o600))
        shutil.copyfile(KeptFiles(source).path(digest), copied)
        _to_disk(copied)
        size += copied.stat().st_size
    _to_disk(target)
    return size


def _copy_database(source: Path, target: Path) -> None:
    """Copy a database as of one moment; whoever writes to it is not held up."""
    uri = f"{source.absolute().as_uri()}?mode=ro"
    with (
        closing(sqlite3.connect(uri, uri=True, timeout=30)) as original,
        closing(sqlite3.connect(target)) as made,
    ):
        original.backup(made)


def _to_disk(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
