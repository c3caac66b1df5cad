"""The command doctor: looks at everything that a plant's carbon account rests on, and says what to do."""

import json
import ssl
from collections.abc import Callable, Iterator
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from stackmeter.commands.command import (
    EXIT_NOT_READY,
    AsJson,
    BrokerUrl,
    ConfigDir,
    StateDir,
    Token,
    Url,
    or_exit,
    screen,
    table,
)

if TYPE_CHECKING:
    from stackmeter.doctor.checkup import Case, CheckResult, Level

Told = tuple[str, "CheckResult"]


def doctor(
    config: ConfigDir = None,
    state: StateDir = None,
    broker: BrokerUrl = None,
    broker_ca: Annotated[
        Path | None,
        typer.Option(help="Certificates that an mqtts broker's is checked by.", show_default="the system's"),
    ] = None,
    influx: Annotated[str | None, typer.Option(help="InfluxDB to look at.", show_default="none")] = None,
    mosquitto_conf: Annotated[
        Path | None,
        typer.Option(
            exists=True, dir_okay=False, help="The broker's configuration file, to look into it too."
        ),
    ] = None,
    url: Url = None,
    token: Token = None,
    as_json: AsJson = False,
) -> None:
    """Look at configuration, state, clock, broker, InfluxDB and the service, and say of each whether it is well and what to do.

    Nothing is changed. The broker is asked with our own user, by clients that end at once, and hears nothing that counts.

    Example: stackmeter doctor --config config --state /var/lib/stackmeter --mosquitto-conf /etc/mosquitto/mosquitto.conf

    Exit codes: 0 nothing failed, 1 something failed, 2 wrong settings.
    """
    from stackmeter import settings as given
    from stackmeter.doctor.checkup import Case
    from store.folder import FolderUnusable, stored_token, stored_url

    def kept(read: Callable[[Path], str | None]) -> str | None:
        try:
            return read(settings.state)
        except FolderUnusable:
            return None  # which the check of permissions tells

    flags = {
        "config": config,
        "state": state,
        "broker": broker,
        "broker_ca": broker_ca,
        "influx_url": influx,
        "token": token,
    }
    settings = or_exit(lambda: given.load(None, dict(flags)))
    where = url or kept(stored_url) or f"http://{settings.host}:{settings.port}"
    secret = settings.token.get_secret_value() if settings.token else kept(stored_token) or ""
    told = list(examined(Case(settings, where, secret), mosquitto_conf))
    if as_json:
        typer.echo(json.dumps({"checks": [{"check": name, **asdict(found)} for name, found in told]}))
    else:
        rows = [[name, found.level, found.says, found.do] for name, found in told]
        screen().print(table(["check", "", "what was found", "what to do"], rows))
    raise typer.Exit(EXIT_NOT_READY if any(found.level == "fail" for _, found in told) else 0)


def examined(case: "Case", mosquitto_conf: Path | None) -> Iterator[Told]:
    """Yield each check's name and finding; a check that cannot be made says why."""
    from ingest.mqtt.address import BrokerAddress
    from plant.documents.problems import ConfigurationError
    from stackmeter.doctor import machine_checks
    from stackmeter.doctor.checkup import CheckResult
    from stackmeter.doctor.probe import NotLetIn, NotReached, SessionInUse

    reached = True
    for name, check in _checks(case, mosquitto_conf):
        if not reached and name in _NEEDS_BROKER:
            yield name, CheckResult("warn", "cannot be told: the broker is not reached")
            continue
        try:
            yield name, check()
        except (NotReached, NotLetIn, BrokerAddress, SessionInUse) as error:
            reached = reached and name != _BROKER
            level: Level = "warn" if isinstance(error, SessionInUse) else "fail"
            yield name, CheckResult(level, str(error), _advice(error))
        except ConfigurationError as error:
            first, more = error.problems[0], len(error.problems) - 1
            yield (
                name,
                CheckResult(
                    "fail",
                    f"{first}{f', and {more} more' if more else ''}",
                    f"stackmeter check {case.settings.config}",
                ),
            )
        except machine_checks.FAILURES as error:
            yield (
                name,
                CheckResult("fail", f"cannot be looked at: {error}", "see that it is there and may be read"),
            )


def _advice(error: Exception) -> str:
    """Return what to do about a broker that cannot be asked."""
    from stackmeter.doctor.probe import NotLetIn, SessionInUse

    if isinstance(error, SessionInUse):
        return (
            "ask where the service has client ids of its own: --broker with port 1883 on the broker's machine"
        )
    if isinstance(error, NotLetIn):
        return "see --broker and mqtt_version, and what the broker's log says"
    if isinstance(error.__cause__, ssl.SSLCertVerificationError):
        return "say with --broker-ca by what it is checked: ca.crt of `stackmeter gateway prepare`; and name the host as there"
    return "see that it runs, and what --broker says"


_BROKER = "broker"
_NEEDS_BROKER = {
    "broker kind",
    "broker limits",
    "broker asks who",
    "broker tells nobody",
    "broker rights",
    "broker canary",
}


def _checks(case: "Case", mosquitto_conf: Path | None) -> "Iterator[tuple[str, Callable[[], CheckResult]]]":
    """Yield what is looked at, in this order."""
    from stackmeter.doctor import broker_checks, broker_kind, machine_checks, mosquitto_file

    of_case: list[tuple[str, Callable[[Case], CheckResult]]] = [
        ("configuration", machine_checks.configuration),
        ("state permissions", machine_checks.permissions),
        ("disk", machine_checks.disk),
        ("journal and state", machine_checks.files_belong_together),
        ("keys and audit log", machine_checks.keys),
        ("stored rows", machine_checks.stored_rows),
        ("clock", machine_checks.clock),
        (_BROKER, broker_checks.reached),
        ("broker session", broker_checks.session),
        ("broker kind", broker_kind.kind),
        ("broker limits", broker_checks.limits),
        ("broker asks who", broker_checks.asks_who),
        ("broker tells nobody", broker_checks.nameless_hears_nothing),
        ("broker rights", broker_checks.cannot_forge),
        ("broker canary", broker_checks.canary),
    ]
    of_file = [
        ("broker file: doors", broker_checks.file_anonymous),
        ("broker file: users", broker_checks.file_users),
        ("broker file: durable", broker_checks.file_durable),
        ("broker file: limits", lambda file: broker_checks.file_limits(file, case.largest_message)),
    ]
    if case.settings.archive:
        yield "archive", lambda: machine_checks.archive(case)
    if case.settings.log:
        from stackmeter.doctor import log_check

        yield "log", lambda: log_check.log(case)
    of_influx = [("InfluxDB", machine_checks.influx), ("InfluxDB retention", machine_checks.retention)]
    yield from ((name, lambda check=check: check(case)) for name, check in of_case)
    if mosquitto_conf is not None:
        yield from (
            (name, lambda check=check: check(mosquitto_file.read(mosquitto_conf))) for name, check in of_file
        )
    if case.settings.influx_url is not None:
        yield from ((name, lambda check=check: check(case)) for name, check in of_influx)
    yield "service", lambda: machine_checks.service(case)
