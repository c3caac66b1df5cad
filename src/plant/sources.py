"""Puts a facility's sources together: checks them against their method and resolves units to factors."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from plant.catalogue import Catalogue, MethodSpec, Role
from plant.documents import Placed
from plant.findings import Findings
from plant.model import SourcePart
from plant.park import Channel, Input, Source
from plant.suggest import did_you_mean
from plant.units import DimensionError, Unit, conversion, per_hour_integral, unit
from plant.vocabulary import Kind


@dataclass(frozen=True, slots=True)
class SourceMaker:
    """Makes the sources of one facility."""

    park: str
    facility: str
    channels: Mapping[str, Channel]
    catalogue: Catalogue
    findings: Findings

    def source(self, part: Placed[SourcePart]) -> Source | None:
        """Return a source with `index` -1, or None where its method is unknown; mistakes go to the findings."""
        written = part.value
        spec = self.catalogue.methods.get(written.method)
        if spec is None:
            self.findings.unknown(part, "method", written.method, self.catalogue.methods, "method")
            return None
        self._check_factor(part, spec)
        return Source(
            index=-1,
            park=self.park,
            facility=self.facility,
            name=written.name,
            scope=written.scope or spec.scope,
            category=written.category or spec.name,
            method=spec.name,
            factor=written.factor or "",
            inputs=tuple(self._inputs(part, spec)),
            parameters=tuple(self._parameters(part, spec)),
            activity_unit=next(role.unit for role in spec.roles if role.name == spec.activity),
        )

    def _check_factor(self, part: Placed[SourcePart], spec: MethodSpec) -> None:
        factor = part.value.factor
        if factor is None:
            if spec.factor:
                self.findings.refuse(part, f"method {spec.name} needs a factor", "factor")
        elif not spec.factor:
            self.findings.refuse(part, f"method {spec.name} takes no factor", "factor")
        elif factor not in self.catalogue.factors:
            self.findings.unknown(part, "factor", factor, self.catalogue.factors, "factor")
        elif reason := self.catalogue.misfit(spec.name, factor):
            self.findings.refuse(part, reason, "factor")

    def _inputs(self, part: Placed[SourcePart], spec: MethodSpec) -> Iterator[Input]:
        """Yield the inputs in the order of the method's roles."""
        given = part.value.inputs
        roles = {role.name: role for role in spec.roles}
        for name in sorted(set(given) - set(roles)):
            meant = did_you_mean(name, roles) or f"; it has {', '.join(roles)}"
            self.findings.refuse(part, f"method {spec.name} has no role {name}{meant}", "inputs", name)
        for role in spec.roles:
            if role.name in given:
                yield from self._input(part, spec, role)
            elif role.required:
                self.findings.refuse(
                    part, f"method {spec.name} needs a channel as {role.name}", "inputs", role.name
                )

    def _input(self, part: Placed[SourcePart], spec: MethodSpec, role: Role) -> Iterator[Input]:
        name = part.value.inputs[role.name]
        channel = self.channels.get(name)
        if channel is None:
            self.findings.unknown(part, "channel", name, self.channels, "inputs", role.name)
            return
        if role.name == spec.activity:
            message = f"channel {name} is counted by {spec.name} twice"
            identity = ("activity", self.park, self.facility, spec.name, name)
            self.findings.is_only(part, message, identity, "inputs", role.name)
        try:
            scale, offset = conversion(_amount_unit(channel, role), unit(role.unit))
        except DimensionError as error:
            self.findings.refuse(part, f"channel {name} does not fit: {error}", "inputs", role.name)
            return
        yield Input(role.name, channel.index, scale, offset)

    def _parameters(self, part: Placed[SourcePart], spec: MethodSpec) -> Iterator[tuple[str, float]]:
        """Yield every parameter in the method's order, its default where it is left out."""
        given, known = part.value.parameters, [parameter.name for parameter in spec.parameters]
        for name in sorted(set(given) - set(known)):
            meant = did_you_mean(name, known) or (f"; it has {', '.join(known)}" if known else "")
            self.findings.refuse(
                part, f"method {spec.name} has no parameter {name}{meant}", "parameters", name
            )
        for parameter in spec.parameters:
            value = given.get(parameter.name, parameter.default)
            if value is None:
                message = f"method {spec.name} needs {parameter.name} [{parameter.unit}]"
                self.findings.refuse(part, message, "parameters", parameter.name)
            else:
                yield parameter.name, value


def _amount_unit(channel: Channel, role: Role) -> Unit:
    """Return the unit in which a channel's window value comes.

    Raises
    ------
    DimensionError
        Where a level is asked of a channel that gives amounts, or the other way round.
    """
    if role.level != (channel.kind is Kind.LEVEL):
        wanted = "a level" if role.level else "an amount (register, rate, interval or event)"
        raise DimensionError(f"it is of kind {channel.kind}, {role.name} is {wanted}")
    return per_hour_integral(channel.unit) if channel.kind is Kind.RATE else channel.unit
