"""What a person sees of a proof and of an explanation, in the terminal."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from datetime import tzinfo
from typing import Any

from rich.markup import escape
from rich.text import Text
from rich.tree import Tree

from api.accounting.explain import ExplainBody, ResultBody
from proof.explain.told import (
    ExplainedChannelBody,
    ExplainedInputBody,
    NumberBody,
    RevisionBody,
    WindowBody,
)
from proof.verify.findings import Finding, Report, Tell
from rules.factors.gwp import BY_CARBON
from stackmeter.views import view
from stackmeter.views.local import exact, localised

SHOWN = 20  # findings of a proof that are printed; --json has more
READINGS_SHOWN = 12


@contextmanager
def proof_progress() -> Iterator[Tell]:
    """Give what a proof tells how far it is; shown on a terminal."""
    with view._bar("{task.description}") as bar:  # noqa: SLF001 - one look for all commands
        task = bar.add_task("opening", total=None)

        def tell(what: str, done: int, total: int) -> None:
            bar.update(task, description=f"proving {what}", completed=done, total=total)

        yield tell


def proof_lines(report: Report, zone: tzinfo) -> Iterator[str]:
    """Yield what was proven and what was not."""
    for proof, what in report.proofs.items():
        mine = {kind: count for (of, kind), count in report.counts.items() if of == proof}
        wrong = ", ".join(f"{count:,} {_KINDS[kind]}" for kind, count in mine.items())
        yield f"{proof:10} {report.checked[proof]:>12,} checked: {wrong or what}"
        found = [one for one in report.findings if one.proof == proof]
        yield from (f"  {localised(_finding(one), zone)}" for one in found[:SHOWN])
        if more := sum(mine.values()) - len(found[:SHOWN]):
            yield f"  and {more:,} more (--json has up to 1,000 of each kind)"
    yield from (f"not proven: {what}" for what in report.not_proven)
    yield "proven: all else follows from the raw messages" if report.proven else "NOT all else is proven"


_KINDS = {
    "differs": "DIFFER", "configuration": "made under another configuration", "unproven": "cannot be proven",
    "waiting": "wait", "earlier": "ended otherwise under an earlier configuration",
}  # fmt: skip


def _finding(one: Finding) -> str:
    return f"{one.row}: {one.detail}"


def proof_json(report: Report) -> dict[str, Any]:
    """Return a report as JSON has it."""
    return {
        "proven": report.proven,
        "checked": {proof: report.checked[proof] for proof in report.proofs},
        "counts": {
            proof: {kind: count for (of, kind), count in report.counts.items() if of == proof}
            for proof in report.proofs
        },
        "findings": [asdict(one) for one in report.findings],
        "not_proven": list(report.not_proven),
    }


def explanation(body: ExplainBody, zone: tzinfo) -> Tree:
    """Return an explanation as a tree; `zone` is the clock that times are shown on."""
    name = "/".join(part for part in (body.park, body.facility, body.source) if part)
    tree = Tree(escape(f"{name}, {_time(body.period.from_, zone)} to {_time(body.period.to, zone)}"))
    _result(
        tree.add(f"{_number(body.result.co2e_t)} t CO2e, revision {body.result.revision}"), body.result, zone
    )
    for child in body.children:
        label = child.name or f"{child.level} from {_time(child.period.from_, zone)}"
        covered = f"{view.share(child.coverage)} covered{_since(child.known_from, zone)}"
        branch = tree.add(escape(f"{label}: {_number(child.co2e_t)} t CO2e, {covered}"))
        branch.add(Text(child.query, style="dim", overflow="fold"))
    if body.window is not None:
        _window(tree, body.window, zone)
    return tree


def _result(tree: Tree, result: ResultBody, zone: tzinfo) -> None:
    gases = ("co2_kg", "co2_biogenic_kg", "ch4_kg", "n2o_kg")
    tree.add(", ".join(f"{name} {_number(getattr(result, name))}" for name in gases))
    if result.activity_unit is not None:
        tree.add(escape(f"activity {_number(result.activity)} {result.activity_unit}"))
    if result.shares is not None:
        shares = result.shares.model_dump()
        told = ", ".join(f"{name} {view.share(value)}" for name, value in shares.items())
        tree.add(f"{told}{_since(result.known_from, zone)}")
    if result.unheard:
        tree.add(escape(f"nothing was read of {view.few(result.unheard)}"))


def _since(known_from: str | None, zone: tzinfo) -> str:
    return f", since {_time(known_from, zone)}" if known_from else ""


def _window(tree: Tree, window: WindowBody, zone: tzinfo) -> None:
    again = window.recomputed
    same = {True: "the same bits", False: "NOT the published number", None: "and nothing was published"}[
        again.same_bits
    ]
    tree.add(f"recomputed from what stands here: {_number(again.co2e_t)} t CO2e, {same}")
    method = tree.add(escape(f"method {window.method.name}: {window.method.title}"))
    method.add(escape(window.method.reference))
    for parameter in window.parameters:
        since = f", since {_time(parameter.since, zone)}" if parameter.since else ""
        method.add(escape(f"parameter {_named(parameter)}{since}"))
    gwp = tree.add(escape(f"GWP set {window.gwp.name}: {window.gwp.title} (seen: {window.gwp.mark})"))
    told = ("CO2", *(BY_CARBON if BY_CARBON[0] in window.gwp.potentials else ("CH4",)), "N2O")
    gwp.add(", ".join(f"{gas} {window.gwp.potentials[gas]:g}" for gas in told))
    if window.factor is not None:
        one = window.factor
        head = f"factor {one.row or one.name}" if one.row else f"factor {one.name}: no row in force"
        factor = tree.add(escape(f"{head} ({one.status or '-'}, seen: {one.mark or '-'})"))
        for value in one.values:
            factor.add(escape(_named(value)))
        if one.valid_from is not None:
            until = _time(one.valid_to, zone) if one.valid_to else "further notice"
            factor.add(f"in force from {_time(one.valid_from, zone)} until {until}")
            factor.add(escape(one.source or ""))
    for given in window.inputs:
        _input(tree, given, zone)
    history = tree.add(f"revisions in the ledger: {len(window.history)}")
    for change in window.history:
        history.add(escape(_revision(change, zone)))
    tree.add(f"Stackmeter {window.version}, configuration {window.configuration}")


def _input(tree: Tree, given: ExplainedInputBody, zone: tzinfo) -> None:
    head = f"{given.role} {_number(given.role_value)} {given.role_unit}"
    branch = tree.add(escape(f"{head}, of channel {given.channel} ({given.kind})"))
    offset = f" + {given.offset:g}" if given.offset else ""
    branch.add(escape(f"window {_number(given.value)} {given.value_unit}, times {given.scale!r}{offset}"))
    _channel(branch, given, zone)


def _channel(branch: Tree, given: ExplainedChannelBody, zone: tzinfo) -> None:
    shares = (given.measured, given.interpolated, given.missing)
    names = ("measured", "interpolated", "missing")
    branch.add(", ".join(f"{name} {view.share(share)}" for name, share in zip(names, shares, strict=True)))
    for gap in given.gaps:
        branch.add(f"{gap.how} from {_time(gap.from_, zone)} to {_time(gap.to, zone)}")
    if given.formula is not None:
        formula = branch.add(escape(f"= {given.formula}"))
        for one in given.made_of:
            part = f"{one.channel} ({one.kind}): {_number(one.value)} {one.value_unit}"
            _channel(formula.add(escape(part)), one, zone)
    if (meter := given.meter) is None:
        return
    branch.add(escape(f"meter {meter.serial or 'without serial'}, ratio {meter.ratio:g}"))
    for swap in meter.swaps:
        branch.add(escape(f"swapped at {_time(swap.time, zone)}: {swap.final_old} to {swap.first_new}"))
    used = [one for one in given.readings if one.used]
    for reading in used[:READINGS_SHOWN]:
        said = f"{reading.value!r} {given.unit}, {reading.quality}, {reading.verdict}"
        branch.add(escape(f"reading {_time(reading.time, zone)}: {said}, message {reading.message}"))
    rest = len(given.readings) - len(used[:READINGS_SHOWN])
    if rest:
        branch.add(f"and {rest} more readings that decide it (--json has them)")


def _revision(change: RevisionBody, zone: tzinfo) -> str:
    numbers = f"{_number(change.old.co2e_t)} to {_number(change.new.co2e_t)} t"
    messages = f"messages {change.journal_from} to {change.journal_to - 1}"
    return (
        f"{change.revision}: {numbers} at {_time(change.at, zone)}, {change.cause} by {change.actor}, {messages},"
        f" ledger {change.ledger}, configuration {change.configuration[:12]}"
    )


def _named(one: NumberBody) -> str:
    return f"{one.name} {_number(one.value)} {one.unit or ''}".rstrip()


def _number(value: float | None) -> str:
    return view.UNKNOWN if value is None else repr(value)


def _time(text: str, zone: tzinfo) -> str:
    return exact(text, zone)
