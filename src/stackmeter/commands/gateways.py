"""Commands about gateways: who may speak to the broker (prepare, enroll, list, revoke), and a birth on demand (rebirth)."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeVar

import typer

from stackmeter.commands.command import (
    EXIT_CONFIG,
    AsJson,
    ConfigDir,
    StateDir,
    Token,
    Url,
    answer_of,
    client_of,
    or_exit,
    screen,
    table,
)

if TYPE_CHECKING:
    from plant.park import Gateway, Plant
    from stackmeter.field.identities import Identities, Identity

Made = TypeVar("Made")

gateways = typer.Typer(
    no_args_is_help=True,
    help="Who may speak to the broker: passwords, certificates and the access list, in a directory that Mosquitto reads."
    " And births of Sparkplug edge nodes.",
)

BrokerDir = Annotated[
    Path, typer.Option("--dir", help="Directory that the broker reads; deploy/mosquitto-tls.conf names it.")
]
Name = Annotated[str, typer.Argument(metavar="PARK/FACILITY/GATEWAY", help="The gateway.")]

RELOAD = "Then let the broker read it again: systemctl reload mosquitto, or SIGHUP."
RESTART = "A revoked certificate may do nothing after that, and is refused once the broker was restarted."


@gateways.command()
def prepare(
    directory: BrokerDir,
    hosts: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[HOST]...",
            help="Names and addresses by which gateways find the broker.",
            show_default=False,
        ),
    ] = None,
    days: Annotated[
        int, typer.Option(min=1, max=7300, help="The broker's own certificate is valid so long.")
    ] = 825,
    config: ConfigDir = None,
    as_json: AsJson = False,
) -> None:
    """Make what the broker needs: a CA, its own certificate, the service's password, the access list.

    What is there already stays; with hosts the broker gets a new certificate. Without them, the access list alone is
    written anew, as after a change of subscriptions. The service's password is shown once.

    Example: stackmeter gateway prepare broker.plant.example 10.1.2.3 --dir /etc/mosquitto/stackmeter --config config

    Exit codes: 0 done, 2 not done.
    """
    from stackmeter.field.identities import SERVICE, Identities

    plant = _plant(config)
    found = Identities(directory)
    password = _done(lambda: found.prepare(hosts or [], days))
    _done(lambda: _write_acl(found, plant))
    if as_json:
        typer.echo(json.dumps({"user": SERVICE, "password": password}))
        return
    typer.echo(f"{found.path} is ready for the broker", err=True)
    if password is not None:
        typer.echo(
            f"The service is user {SERVICE}. Its password is shown this once; put it into STACKMETER_BROKER:",
            err=True,
        )
        typer.echo(f"mqtt://{SERVICE}:{password}@127.0.0.1:1883")
    typer.echo(RELOAD, err=True)


@gateways.command()
def enroll(
    name: Name,
    directory: BrokerDir,
    certificate: Annotated[
        bool, typer.Option("--certificate/--password", help="What is to prove who it is.")
    ] = True,
    renew: Annotated[
        bool,
        typer.Option(
            "--renew", help="Although it has one: a new password at once, or a further certificate."
        ),
    ] = False,
    days: Annotated[int, typer.Option(min=1, max=3650, help="A certificate is valid so long.")] = 825,
    config: ConfigDir = None,
    as_json: AsJson = False,
) -> None:
    """Let a gateway of the configuration in: make its password or its certificate, and its lines of the access list.

    A password is shown once, and only its hash is kept. A certificate and its key are written to a folder of its own,
    to be taken to the gateway and deleted here. After --renew the older certificate works on until it expires or is revoked.

    Example: stackmeter gateway enroll nam-cau-kien/mill/substation --dir /etc/mosquitto/stackmeter

    Exit codes: 0 done, 2 not done.
    """
    from stackmeter.field.identities import Identities

    plant, found = _plant(config), Identities(directory)
    _done(lambda: _check(name, plant, found, certificate=certificate, renew=renew))
    secret = _done(lambda: str(found.issue(name, days)) if certificate else found.set_password(name))
    _done(lambda: _write_acl(found, plant))
    kind = "folder" if certificate else "password"
    if as_json:
        typer.echo(
            json.dumps({"gateway": name, "by": "certificate" if certificate else "password", kind: secret})
        )
        return
    if certificate:
        typer.echo(
            f"{name} connects to port 8883 with gateway.key and gateway.crt, and trusts ca.crt. They are in:",
            err=True,
        )
    else:
        typer.echo(
            f"{name} connects to port 8884 with that as its user. Its password is shown this once:", err=True
        )
    typer.echo(secret)
    typer.echo(f"Where its readings go: sm/v1/{name}/readings. The acl has all that it may say.", err=True)
    typer.echo(RELOAD, err=True)


@gateways.command("list")
def list_gateways(directory: BrokerDir, config: ConfigDir = None, as_json: AsJson = False) -> None:
    """List the gateways of the configuration with what lets each in, and who is let in without being in it.

    Example: stackmeter gateway list --dir /etc/mosquitto/stackmeter --json
    """
    from stackmeter.field.access_list import name_of
    from stackmeter.field.identities import Identities

    plant = _plant(config)
    found = _done(lambda: _prepared(Identities(directory)).all())
    known = {name_of(gateway) for gateway in plant.gateways}
    if as_json:
        rows = [{**_json(one), "configured": one.name in known} for one in found]
        typer.echo(
            json.dumps({"identities": rows, "not_enrolled": sorted(known - {one.name for one in found})})
        )
        return
    shown = [[one.name, one.by, one.serial, _standing(one, one.name in known)] for one in found]
    shown += [[name, "", "", "not enrolled"] for name in sorted(known - {one.name for one in found})]
    screen().print(table(["gateway", "by", "serial", "now"], sorted(shown)))


@gateways.command()
def revoke(
    name: Name,
    directory: BrokerDir,
    serial: Annotated[
        str | None,
        typer.Option(help="Only the certificate of that serial number.", show_default="all it has"),
    ] = None,
    config: ConfigDir = None,
    as_json: AsJson = False,
) -> None:
    """Shut a gateway out: its password is removed, its certificates are revoked, its lines leave the access list.

    Example: stackmeter gateway revoke nam-cau-kien/mill/substation --dir /etc/mosquitto/stackmeter

    Exit codes: 0 done, 2 there was nothing to end.
    """
    from stackmeter.field.identities import Identities, IdentityRefused

    plant, found = _plant(config), Identities(directory)
    ended = _done(lambda: _prepared(found).revoke(name, serial))
    if not ended:
        known = [one.name for one in found.valid()]
        _done(lambda: _refuse(IdentityRefused(f"{name} has nothing that lets it in{_meant(name, known)}")))
    _done(lambda: _write_acl(found, plant))
    if as_json:
        typer.echo(json.dumps({"ended": [_json(one) for one in ended]}))
        return
    for one in ended:
        typer.echo(f"{name}: {one.by} {one.serial}".rstrip() + " ended")
    typer.echo(RELOAD, err=True)
    if any(one.serial for one in ended):
        typer.echo(RESTART, err=True)


@gateways.command()
def rebirth(
    name: Name,
    state: StateDir = None,
    url: Url = None,
    token: Token = None,
    as_json: AsJson = False,
) -> None:
    """Ask the Sparkplug edge nodes behind a gateway for a birth, through the running service.

    A birth says anew which metrics a node and its devices have, under which names and aliases: ask for one after a node was
    set up anew, or where its data are refused as unmapped. The service asks by itself where it sees that something is
    missing. A node whose subscription says `rebirth: false` is not asked. What was asked for stands in the audit log.

    Example: stackmeter gateway rebirth nam-cau-kien/mill/line-1 --state /var/lib/stackmeter

    Exit codes: 0 asked, 1 not asked, 2 token missing or wrong, 3 not reachable.
    """
    levels = name.split("/")
    if len(levels) != 3 or not all(levels):
        raise typer.BadParameter(f"{name!r} is no PARK/FACILITY/GATEWAY")
    with client_of(state, url, token) as client:
        told = answer_of(lambda: client.rebirth(*levels))
    if as_json:
        typer.echo(told.model_dump_json())
        return
    typer.echo(f"{name}: asked for a birth: {', '.join(told.asked)}")
    if told.not_asked:
        typer.echo(
            f"not asked, by `rebirth: false` or a lost connection: {', '.join(told.not_asked)}", err=True
        )


def _plant(config: Path | None) -> "Plant":
    from stackmeter.commands.command import configured

    return configured(config, None)[1]


def _done(act: Callable[[], Made]) -> Made:
    from stackmeter.field.access_list import Ambiguous
    from stackmeter.field.identities import IdentityRefused

    return or_exit(act, {IdentityRefused: EXIT_CONFIG, Ambiguous: EXIT_CONFIG, OSError: EXIT_CONFIG})


def _refuse(error: Exception) -> None:
    raise error


def _prepared(found: "Identities") -> "Identities":
    from stackmeter.field.identities import IdentityRefused

    if not found.prepared:
        raise IdentityRefused(
            f"{found.path} is not prepared: stackmeter gateway prepare HOST --dir {found.path}"
        )
    return found


def _check(name: str, plant: "Plant", found: "Identities", *, certificate: bool, renew: bool) -> None:
    """Refuse a name that is none, a gateway that the configuration does not know, and one that has what it asks for."""
    from stackmeter.field.access_list import name_of
    from stackmeter.field.identities import IdentityRefused

    _prepared(found)
    levels = name.split("/")
    if len(levels) != 3 or not all(levels) or not name.isprintable() or set(name) & set("+#:$ "):
        raise IdentityRefused(
            f"{name!r} is no PARK/FACILITY/GATEWAY: three names without +, #, :, $, blanks and control characters"
        )
    known = [name_of(gateway) for gateway in plant.gateways]
    if name not in known:
        raise IdentityRefused(f"the configuration has no gateway {name}{_meant(name, known)}")
    by = "certificate" if certificate else "password"
    if not renew and any(one.name == name and one.by == by for one in found.valid()):
        raise IdentityRefused(f"{name} has a {by} already; give --renew for another one")


def _meant(name: str, known: list[str]) -> str:
    from plant.suggest import did_you_mean

    return did_you_mean(name, known)


def _write_acl(found: "Identities", plant: "Plant") -> None:
    """Write the access list for the gateways that are configured and let in."""
    from stackmeter import settings as given
    from stackmeter.field.access_list import access_list, name_of
    from stackmeter.field.identities import SERVICE

    names = {one.name for one in found.valid()}
    enrolled: list[Gateway] = [gateway for gateway in plant.gateways if name_of(gateway) in names]
    host = given.load(None, {}).sparkplug_host
    found.write_acl(access_list(plant, enrolled, SERVICE, host))


def _json(one: "Identity") -> dict[str, object]:
    return {
        "gateway": one.name,
        "by": one.by,
        "serial": one.serial or None,
        "expires": one.expires.isoformat() if one.expires else None,
        "revoked": one.revoked,
    }


def _standing(one: "Identity", configured: bool) -> str:
    from datetime import UTC, datetime

    if one.revoked:
        return "revoked"
    if one.expires and one.expires <= datetime.now(UTC):
        return f"expired {one.expires:%Y-%m-%d}"
    works = f"works until {one.expires:%Y-%m-%d}" if one.expires else "works"
    return works if configured else f"{works}, but the configuration does not know it: revoke it"
