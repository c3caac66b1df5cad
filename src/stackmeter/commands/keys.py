"""Commands about who may ask, on the state directory itself, also while the service runs: keys, audit."""

import json
import time
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import typer

from stackmeter.commands.command import EXIT_CONFIG, AsJson, StateDir, failures, or_exit, screen, span, table
from stackmeter.views.local import local, own_zone, rfc3339, to_second

if TYPE_CHECKING:
    from stackmeter.views.tables import Shown
    from store.access_log import AccessLog, Actor, Head, Row
    from store.keys import Key, Keys

EXIT_BROKEN = 65
Made = TypeVar("Made")

keys = typer.Typer(no_args_is_help=True, help="Keys of the API: make, list, rotate and revoke them.")

Which = Annotated[str, typer.Argument(help="The key's id, or its name where that is one key's alone.")]


@keys.command()
def create(
    name: Annotated[
        str, typer.Argument(help="Who bears it: a person, or with --shared a team or a program.")
    ],
    role: Annotated[str, typer.Option(help="viewer, operator, approver or admin.")] = "viewer",
    place: Annotated[
        list[str] | None,
        typer.Option(help="PARK or PARK/FACILITY that it is for; may be repeated.", show_default="all"),
    ] = None,
    expires: Annotated[float | None, span("--expires", "Works for so long, such as 90d.", "for ever")] = None,
    shared: Annotated[
        bool, typer.Option("--shared", help="Several people bear it: requests say who acts, in `by`.")
    ] = False,
    state: StateDir = None,
    as_json: AsJson = False,
) -> None:
    """Make a key and show it, once: only its digest is kept.

    Example: stackmeter keys create lan --role operator --place nam-cau-kien --expires 90d

    Exit codes: 0 made, 2 not made.
    """
    from api.access.caller import Role
    from store.keys import NEVER

    if role not in list(Role):
        raise typer.BadParameter(f"viewer, operator, approver or admin, not {role!r}", param_hint="--role")
    places = [_place(text) for text in place or ()]
    if role == Role.ADMIN and places:
        raise typer.BadParameter("an administrator is of everything", param_hint="--place")
    now = time.time_ns()
    until = NEVER if expires is None else now + int(expires * 1e9)
    made = _done(
        lambda: _keys(state).create(name, role, places, shared=shared, expires=until, now=now, by=_operator())
    )
    _show(*made, as_json=as_json)


@keys.command(name="list")
def list_keys(state: StateDir = None, as_json: AsJson = False) -> None:
    """List every key that ever was, without its secret.

    Example: stackmeter keys list --state /var/lib/stackmeter
    """
    found = _done(lambda: _keys(state).all())
    if as_json:
        typer.echo(json.dumps({"keys": [_json(key) for key in found]}))
    else:
        screen().print(_listed(found, time.time_ns()))


@keys.command()
def rotate(
    which: Which,
    overlap: Annotated[float, span("--overlap", "The old secret works for so long yet.", "1d")] = 86400.0,
    state: StateDir = None,
    as_json: AsJson = False,
) -> None:
    """Give a key a new secret and show it, once; the old one works until the overlap ends.

    Example: stackmeter keys rotate lan --overlap 1h

    Exit codes: 0 done, 2 not done.
    """
    made = _done(lambda: _keys(state).rotate(which, int(overlap * 1e9), time.time_ns(), _operator()))
    _show(*made, as_json=as_json)


@keys.command()
def revoke(which: Which, state: StateDir = None, as_json: AsJson = False) -> None:
    """End a key at once, both secrets.

    Example: stackmeter keys revoke 3f2a91c07be4

    Exit codes: 0 done, 2 not done.
    """
    key = _done(lambda: _keys(state).revoke(which, time.time_ns(), _operator()))
    typer.echo(json.dumps(_json(key)) if as_json else f"key {key.id} of {key.name} is revoked")


def audit(
    who: Annotated[str | None, typer.Option(help="Only of this key's name.", show_default="all")] = None,
    what: Annotated[
        str | None, typer.Option(help="Only this, such as key.created.", show_default="all")
    ] = None,
    limit: Annotated[int, typer.Option(min=1, max=100_000, help="The newest so many.")] = 100,
    expect: Annotated[
        list[str] | None,
        typer.Option(
            metavar="HEAD",
            help="A head that was kept elsewhere, such as 17:9f86…: its row must be there; may be repeated.",
            show_default="none",
        ),
    ] = None,
    state: StateDir = None,
    as_json: AsJson = False,
) -> None:
    """Show who changed what and who was refused, the newest first, and prove that no row was changed or taken out.

    Every row must follow from the one before, and every head (number and hash of a row) that audit.heads, or --expect,
    has noted must be there. Keep the head that is shown at the end elsewhere: docs/access.md says what each proves.

    Example: stackmeter audit --what access.denied

    Exit codes: 0 shown, 2 no such state, 65 a row was changed or taken out, or audit.heads is gone.
    """
    from store.access_log import AccessLog, parse_head

    kept = or_exit(lambda: [parse_head(text) for text in expect or ()], {ValueError: EXIT_CONFIG})
    log = _done(lambda: AccessLog(_file(state)))
    wrong = _done(lambda: _problems(log, kept))
    rows, head = _done(lambda: (log.rows(who=who, what=what, most=limit), log.head()))
    if as_json:
        told = {
            "problems": wrong,
            "head": str(head) if head else None,
            "rows": [_row_json(row) for row in rows],
        }
        typer.echo(json.dumps(told))
    else:
        screen().print(_rows(rows))
        if head is not None:
            typer.echo(f"head: {head}")
    if wrong:
        typer.echo("\n".join(wrong), err=True)
        raise typer.Exit(EXIT_BROKEN)


def _problems(log: "AccessLog", kept: "list[Head]") -> list[str]:
    """Return what shows that the log was changed by other means; nothing where all is as it was written."""
    found = []
    if (broken := log.first_broken()) is not None:
        found.append(f"row {broken} does not follow from the one before: the log was changed by other means")
    if (lost := log.first_lost(kept)) is not None:
        found.append(
            f"row {lost.id} is not there as it was noted: rows were cut off or written anew, or an older keys.sqlite was put back"
        )
    if log.lacks_heads():
        found.append(
            "audit.heads is gone: that no rows were cut off cannot be proved by this directory alone"
        )
    return found


def _keys(state: Path | None) -> "Keys":
    from store.keys import Keys

    return Keys(_file(state))


def _file(state: Path | None) -> Path:
    from stackmeter import settings as given
    from store.access_log import make
    from store.folder import keys_file

    folder = or_exit(lambda: given.load(None, {"state": state})).state
    if not folder.is_dir():
        typer.echo(f"there is no state directory {folder}: say where with --state DIR", err=True)
        raise typer.Exit(EXIT_CONFIG)
    file = keys_file(folder)
    _done(lambda: make(file))
    return file


def _done(act: Callable[[], Made]) -> Made:
    """Return what an act on the file gives, or exit with what is wrong."""
    import sqlite3

    from store.keys import KeyRefused

    return or_exit(act, {KeyRefused: EXIT_CONFIG, sqlite3.Error: EXIT_CONFIG, **failures()})


def _operator() -> "Actor":
    from store.recording import operator

    return operator()


def _place(text: str) -> tuple[str, str]:
    park, slash, facility = text.partition("/")
    if not park or (slash and not facility):
        raise typer.BadParameter(f"{text!r} is not PARK or PARK/FACILITY", param_hint="--place")
    return park, facility


def _show(key: "Key", text: str, *, as_json: bool) -> None:
    from store.keys import described

    if as_json:
        typer.echo(json.dumps({**_json(key), "key": text}))
        return
    typer.echo(f"{described(key)}; its id is {key.id}. It is shown this once:", err=True)
    typer.echo(text)


def _json(key: "Key") -> dict[str, Any]:
    from store.keys import place_text

    times = {
        name: _time(getattr(key, name)) for name in ("created", "expires", "revoked", "used", "old_until")
    }
    return {**asdict(key), "places": [place_text(place) for place in key.places], **times}


def _time(time_ns: int) -> str | None:
    from plant.clock import format_time

    return format_time(time_ns) if time_ns else None


def _listed(found: "list[Key]", now: int) -> "Shown":
    from store.keys import place_text

    rows = [
        [
            key.id,
            key.name + (" (shared)" if key.shared else ""),
            key.role,
            ", ".join(map(place_text, key.places)) or "everything",
            _standing(key, now),
            _day(key.created),
            _day(key.used) or "never",
        ]
        for key in found
    ]
    return table(["id", "name", "role", "of", "", "created", "last used"], rows)


def _standing(key: "Key", now: int) -> str:
    if key.revoked:
        return f"revoked {_day(key.revoked)}"
    if not key.expires:
        return "works"
    return f"{'works until' if now < key.expires else 'expired'} {_day(key.expires)}"


def _day(time_ns: int) -> str:
    """Return a time to the minute, "" for none."""
    return local(rfc3339(time_ns), own_zone())


def _rows(rows: "list[Row]") -> "Shown":
    told = [row.entry for row in rows]
    lines = [
        [
            to_second(rfc3339(one.at), own_zone()),
            one.who,
            one.what,
            one.about,
            one.old,
            one.new,
            one.origin,
        ]
        for one in told
    ]
    return table(["at", "who", "what", "about", "old", "new", "from"], lines)


def _row_json(row: "Row") -> dict[str, Any]:
    from api.access.audit import row_body

    return row_body(row).model_dump()
