"""Commands about alert rules: rules list, rules test, rules backtest."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from stackmeter.commands.command import (
    EXIT_CONFIG,
    EXIT_NOT_READY,
    AsJson,
    ConfigDir,
    StateDir,
    configured,
    or_exit,
    plant_clock,
    screen,
    table,
)

if TYPE_CHECKING:
    from plant.alert_rules.rule_library import LibraryRule, ToldRule
    from proof.rule_tests import Report
    from stackmeter.views.tables import Shown

rules = typer.Typer(no_args_is_help=True, help="Alert rules: what is shipped, and tests of your own.")


@rules.command("list")
def list_rules(as_json: AsJson = False) -> None:
    """List the rules of the library with their parameters, which an alert takes with `use`; and what the service tells itself.

    Example: stackmeter rules list
    """
    from plant.alert_rules.rule_library import library, told_rules

    found, told = library(), told_rules()
    if as_json:
        rows, others = (
            [{"name": name, **rule.model_dump(by_alias=True)} for name, rule in some.items()]
            for some in (found, told)
        )
        typer.echo(json.dumps({"rules": rows, "told": others}, ensure_ascii=False))
    else:
        screen().print(_table(found))
        typer.echo("\nTold by the service itself, without an alert of the configuration:\n")
        screen().print(_told(told))


@rules.command("test")
def check_rules(
    files: Annotated[list[Path], typer.Argument(exists=True, dir_okay=False, help="Files with scenarios.")],
    as_json: AsJson = False,
) -> None:
    """Run scenarios over alert rules: series of readings, and what should be firing when.

    Example: stackmeter rules test tests/boiler.yaml

    Exit codes: 0 all as expected, 1 something was not, 2 a file or its configuration is wrong.
    """
    from proof import rule_tests

    reports = or_exit(lambda: [rule_tests.run(file) for file in files], as_json=as_json)
    failed = sum(len(report.failures) for report in reports)
    if as_json:
        typer.echo(json.dumps({"files": [report.to_json() for report in reports]}, ensure_ascii=False))
    else:
        for report in reports:
            typer.echo("\n".join(f"{report.file}: {failure}" for failure in report.failures) or _good(report))
    raise typer.Exit(EXIT_NOT_READY if failed else 0)


@rules.command("backtest")
def backtest_rules(
    start: Annotated[str, typer.Argument(help="From when, with zone, such as 2026-11-01T00:00:00+07:00.")],
    end: Annotated[str, typer.Argument(help="Up to when, with zone.")],
    rule: Annotated[str | None, typer.Option(help="Only this condition.", show_default="all")] = None,
    config: ConfigDir = None,
    state: StateDir = None,
    as_json: AsJson = False,
) -> None:
    """Show which alerts conditions would have made of the past, as the state directory holds it today.

    Nothing is written, and a service may run meanwhile. Conditions on gateways are left out: of these a state knows only
    how they are now. So are limits, which have no expression to try.

    Example: stackmeter rules backtest 2026-11-01T00:00:00+07:00 2026-11-08T00:00:00+07:00 --rule peak

    Exit codes: 0 told, 1 the stretch is too long, 2 wrong configuration or times, or no state there.
    """
    import sqlite3
    from dataclasses import asdict

    from api.times import parse_time
    from proof.backtest import Episode, TooLong, backtest, tested
    from stackmeter.views import alert_view
    from stackmeter.views.proof_view import proof_progress
    from store.audit import snapshot

    def times() -> tuple[int, int]:
        return parse_time(start), parse_time(end)

    first, last = or_exit(times, {ValueError: EXIT_CONFIG})
    settings, plant, _ = configured(config, state)

    def found() -> list[Episode]:
        with proof_progress() as tell, snapshot(settings.state / "state.db") as connection:
            return list(backtest(connection, plant, first, last, rule, tell))

    hints = {EXIT_CONFIG: "Say where the state is with --state DIR."}
    episodes = or_exit(found, {TooLong: EXIT_NOT_READY, sqlite3.Error: EXIT_CONFIG}, hints)
    left = sorted({one.name for one in plant.conditions if not tested(one)})
    if as_json:
        typer.echo(
            json.dumps({"alerts": [asdict(one) for one in episodes], "left_out": left}, allow_nan=False)
        )
        return
    screen().print(alert_view.episodes(episodes, plant_clock(plant)))
    typer.echo(f"{len(episodes)} alerts" + (f"; left out, of gateways: {', '.join(left)}" if left else ""))


def _good(report: "Report") -> str:
    return f"{report.file}: good: {report.scenarios} scenarios, {report.expectations} expectations"


def _table(found: "Mapping[str, LibraryRule]") -> "Shown":
    rows = [
        [
            name,
            str(rule.number),
            rule.each,
            rule.severity,
            ", ".join(_parameter(key, part.value, part.unit) for key, part in rule.parameters.items()),
            rule.title.en,
        ]
        for name, rule in found.items()
    ]
    heads = ["rule", "no.", "each", "severity", "parameters", "what it tells"]
    return table(heads, rows, right={"no."})


def _told(found: "Mapping[str, ToldRule]") -> "Shown":
    rows = [
        [name, str(rule.number), rule.each, ", ".join(rule.severity), rule.title.en, rule.first_action.en]
        for name, rule in found.items()
    ]
    heads = ["rule", "no.", "each", "severity", "what it tells", "what to do first"]
    return table(heads, rows, right={"no."})


def _parameter(name: str, value: float | str | None, unit: str) -> str:
    """Return a parameter with its default; without one by its name alone."""
    if value is None:
        return name
    return f"{name}={value}" + (f" {unit}" if unit not in ("", "1") else "")
