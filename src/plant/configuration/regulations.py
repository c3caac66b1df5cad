"""Checks the rule by which a source's hours count, and resolves it."""

from collections.abc import Iterator, Mapping, Sequence
from math import nan
from typing import TypeVar

from plant.catalogue import MethodSpec, Role
from plant.configuration.source_model import LoadPart, RegulationPart, SourcePart
from plant.documents.documents import Placed
from plant.documents.fields import Part
from plant.documents.findings import Findings
from plant.park import Bias, Channel, Input, OutOfControl, Regulation
from plant.suggest import did_you_mean
from plant.vocabulary import Kind

MRR, PART_75 = "mrr", "part-75"
CONCENTRATION = "co2"  # the role that equation 4 of the MRR substitutes
FLOW = "flow"  # the role that a bias factor of part 75 adjusts
ROLES = {  # of a stack's monitors, that the rules know
    MRR: (FLOW, CONCENTRATION, "moisture"),
    PART_75: (FLOW, CONCENTRATION, "o2", "moisture"),
}

P = TypeVar("P", bound=Part)

_KEY = "regulation"
_STILL = 2**63 - 1  # [ns]; the end of a stretch that lasts, as the hash of a configuration has it


def regulation_of(
    part: Placed[SourcePart],
    spec: MethodSpec,
    inputs: tuple[Input, ...],
    channels: Mapping[str, Channel],
    findings: Findings,
) -> Regulation | None:
    """Return the regulation of a source, None where it stands under none; mistakes go to the findings."""
    written = part.value.regulation
    if written is None:
        return None
    for message, *keys in _misfits(written, spec):
        findings.refuse(part, message, _KEY, *keys)
    by_index = {channel.index: channel for channel in channels.values()}
    for given in inputs:
        if by_index[given.channel].kind is Kind.EVENT:
            message = f"{by_index[given.channel].name} is of kind event; a stack's monitors give rates, amounts or levels"
            findings.refuse(part, message, "inputs", given.role)
    load = written.load
    return Regulation(
        rule=written.rule,
        substitute=tuple(sorted(written.substitute.items())),
        load=-1 if load is None else _load(part, load, channels, findings),
        running_above=0.0 if load is None else load.above,
        load_maximum=nan if load is None or load.maximum is None else load.maximum,
        cadence=written.cadence or 0,
        out_of_control=tuple(_out_of_control(part, written, spec, findings)),
        bias=tuple(_bias(part, written, findings)),
        low_is_worse=tuple(role.name for role in spec.roles if role.lowers),
    )


def _out_of_control(
    part: Placed[SourcePart], written: RegulationPart, spec: MethodSpec, findings: Findings
) -> Iterator[OutOfControl]:
    """Yield the stretches out of control in the order in which they are written."""
    roles = [role.name for role in spec.roles]
    for number, one in _intact(written.out_of_control):
        if one.role is not None and one.role not in roles:
            meant = did_you_mean(one.role, roles) or f"; it has {', '.join(roles)}"
            message = f"method {spec.name} has no role {one.role}{meant}"
            findings.refuse(part, message, _KEY, "out_of_control", number, "role")
        end = _STILL if one.end is None else one.end
        yield OutOfControl(one.start, end, one.role or "", one.reason)


def _bias(part: Placed[SourcePart], written: RegulationPart, findings: Findings) -> Iterator[Bias]:
    """Yield the factors, each of which must come into force after the one written before it."""
    before = None
    for number, one in _intact(written.bias):
        if before is not None and one.start <= before:
            findings.refuse(part, "is not after the one before it", _KEY, "bias", number, "from")
        yield Bias(one.start, one.factor, one.reason)
        before = one.start


def _intact(parts: Sequence[P]) -> Iterator[tuple[int, P]]:
    """Yield the parts that were not refused before, each with its place in the list."""
    return ((number, part) for number, part in enumerate(parts) if part.model_fields_set)


def _misfits(written: RegulationPart, spec: MethodSpec) -> Iterator[tuple[str, ...]]:
    """Yield what is wrong with a regulation for a method, each with the key to blame."""
    others = [role.name for role in spec.roles if role.name not in ROLES[written.rule]]
    if others:
        measured = ", ".join(ROLES[written.rule])
        yield f"{written.rule} is for methods of {measured}; {spec.name} takes {', '.join(others)}", "rule"
        return
    roles = {role.name: role for role in spec.roles}
    for name, value in sorted(written.substitute.items()):
        yield from _misfit(written.rule, spec, roles, name, value)
    if written.rule == PART_75:
        for name, role in roles.items():
            if name not in written.substitute:
                extreme = "minimum" if role.lowers else "maximum"
                yield f"part-75 needs the {extreme} potential value of {name} [{_unit(role)}]", "substitute"


def _misfit(
    rule: str, spec: MethodSpec, roles: Mapping[str, Role], name: str, value: float
) -> Iterator[tuple[str, ...]]:
    role = roles.get(name)
    if role is None:
        meant = did_you_mean(name, roles) or f"; it has {', '.join(roles)}"
        yield f"method {spec.name} has no role {name}{meant}", "substitute", name
    elif rule == MRR and name == CONCENTRATION:
        yield "mrr substitutes it by equation 4, from the hours of the year", "substitute", name
    elif role.unit == "%" and value > 100:
        yield f"{value:g} is more than 100 %", "substitute", name


def _unit(role: Role) -> str:
    return role.unit if role.level else f"{role.unit}/h"


def _load(
    part: Placed[SourcePart], load: LoadPart, channels: Mapping[str, Channel], findings: Findings
) -> int:
    channel = channels.get(load.channel)
    if channel is None:
        findings.unknown(part, "channel", load.channel, channels, _KEY, "load", "channel")
        return -1
    if channel.kind not in (Kind.RATE, Kind.LEVEL):
        message = f"{channel.name} is of kind {channel.kind}; a load is of kind rate or level"
        findings.refuse(part, message, _KEY, "load", "channel")
    return channel.index
