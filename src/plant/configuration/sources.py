"""Puts a facility's sources together: checks them against their method and resolves units to factors."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from math import nan
from zoneinfo import ZoneInfo

from plant.alert_rules.alerts import Site
from plant.catalogue import Catalogue, MethodSpec, Parameter, Role
from plant.configuration.parameter_rows import Row, starts
from plant.configuration.regulations import regulation_of
from plant.configuration.source_model import SourcePart
from plant.configuration.virtuals import is_level, window_unit
from plant.documents.documents import Placed
from plant.documents.findings import Findings
from plant.inventory import SCOPE_3
from plant.park import Channel, Input, Regulation, Source, Terms, Virtual
from plant.suggest import did_you_mean
from plant.units import DimensionError, Unit, conversion, unit
from plant.vocabulary import SINCE_EVER


@dataclass(frozen=True, slots=True)
class SourceMaker:
    """Makes the sources of one facility."""

    park: str
    facility: str
    zone: ZoneInfo  # of the park's clock
    channels: Mapping[str, Channel]
    virtuals: Mapping[str, Virtual]
    sellers: Mapping[Site, bool]  # every facility, and whether it has sources of its own
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
        inputs = tuple(self._inputs(part, spec))
        first, *later = self._terms(part, spec)
        return Source(
            index=-1,
            park=self.park,
            facility=self.facility,
            name=written.name,
            scope=written.scope or spec.scope,
            scope3_category=self._scope3_category(part, written.scope or spec.scope),
            category=written.category or spec.name,
            method=spec.name,
            factor=written.factor or "",
            inputs=inputs,
            parameters=first.parameters,
            activity_unit=next(role.unit for role in spec.roles if role.name == spec.activity),
            uncertainty=self._uncertainty(written),
            sold_by=self._seller(part, written.scope or spec.scope),
            regulation=self._regulation(part, spec, inputs),
            since=written.since,
            later=tuple(later),
        )

    def _regulation(
        self, part: Placed[SourcePart], spec: MethodSpec, inputs: tuple[Input, ...]
    ) -> Regulation | None:
        """Return the regulation of a source; its monitors are channels with readings, never virtual ones."""
        virtual = {one.index for one in self.virtuals.values()}
        for given in inputs:
            if part.value.regulation is not None and given.channel in virtual:
                self.findings.refuse(
                    part, "is virtual; a regulation is for channels with readings", "inputs", given.role
                )
            entered = any(one.entered and one.index == given.channel for one in self.channels.values())
            if part.value.regulation is not None and entered:
                message = "is entered by people; a regulation is for channels with readings"
                self.findings.refuse(part, message, "inputs", given.role)
        measured = tuple(given for given in inputs if given.channel not in virtual)
        return regulation_of(part, spec, measured, self.channels, self.findings)

    def _uncertainty(self, written: SourcePart) -> float:
        """Return that of the activity; a channel's stands for it only where nothing else goes into it."""
        if written.uncertainty is not None:
            return written.uncertainty
        channels = [self.channels[name] for name in written.inputs.values() if name in self.channels]
        alone = len(written.inputs) == len(channels) == 1 and not written.parameters
        return channels[0].uncertainty if alone else nan

    def _scope3_category(self, part: Placed[SourcePart], scope: int) -> int | None:
        """Return the category of scope 3; one that is left out is doubted, for every inventory of scope 3 is by category."""
        given = part.value.scope3_category
        if given is not None and scope != SCOPE_3:
            self.findings.refuse(part, f"is for scope 3, and this is of scope {scope}", "scope3_category")
        elif given is None and scope == SCOPE_3:
            self.findings.doubt(
                part, "is of scope 3 and has no scope3_category, 1 to 15: no inventory knows where to put it"
            )
        return given

    def _seller(self, part: Placed[SourcePart], scope: int) -> str:
        """Return the park/facility that sells what the source takes, "" where it is not bought in the park."""
        written = part.value.sold_by
        if written is None:
            return ""
        park, slash, name = written.rpartition("/")
        site = (park if slash else self.park, name)
        if scope == 1:
            message = "is for bought energy; what a source of scope 1 burns is its own"
            self.findings.refuse(part, message, "sold_by")
        elif site == (self.park, self.facility):
            self.findings.refuse(part, "is the facility itself", "sold_by")
        elif site not in self.sellers:
            known = [one if park == self.park else f"{park}/{one}" for park, one in self.sellers]
            self.findings.unknown(part, "facility", written, known, "sold_by")
        elif not self.sellers[site]:
            message = f"facility {written} has no source of its own: what it sells would be counted nowhere"
            self.findings.refuse(part, message, "sold_by")
        return "/".join(site)

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
        channel = self.channels.get(name) or self.virtuals.get(name)
        if channel is None:
            known = [*self.channels, *self.virtuals]
            self.findings.unknown(part, "channel", name, known, "inputs", role.name)
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

    def _terms(self, part: Placed[SourcePart], spec: MethodSpec) -> Iterator[Terms]:
        """Yield what holds since ever, and what takes over on each date of a parameter."""
        rows = dict(self._parameters(part, spec))
        for start in sorted({SINCE_EVER, *(start for column in rows.values() for start, _ in column)}):
            parameters = tuple((name, _in_force(column, start)) for name, column in rows.items())
            yield Terms(start, spec.name, part.value.factor or "", parameters)

    def _parameters(
        self, part: Placed[SourcePart], spec: MethodSpec
    ) -> Iterator[tuple[str, list[tuple[int, float]]]]:
        """Yield the rows of every parameter in the method's order, its default where and while it is left out."""
        given, known = part.value.parameters, [parameter.name for parameter in spec.parameters]
        for name in sorted(set(given) - set(known)):
            meant = did_you_mean(name, known) or (f"; it has {', '.join(known)}" if known else "")
            self.findings.refuse(
                part, f"method {spec.name} has no parameter {name}{meant}", "parameters", name
            )
        for parameter in spec.parameters:
            default = nan if parameter.default is None else parameter.default
            rows = [(SINCE_EVER, default)]
            if parameter.name in given:
                rows += self._rows(part, parameter, given[parameter.name])
            elif parameter.default is None:
                message = f"method {spec.name} needs {parameter.name} [{parameter.unit}]"
                self.findings.refuse(part, message, "parameters", parameter.name)
                continue
            yield parameter.name, rows

    def _rows(
        self, part: Placed[SourcePart], parameter: Parameter, given: tuple[Row, ...]
    ) -> list[tuple[int, float]]:
        """Return a parameter's rows as (since when, number), after a look at each."""
        begin = starts(given, self.zone)
        for place, (_, value) in enumerate(given):
            below = ("parameters", parameter.name, *((place, "value") if len(given) > 1 else ()))
            if doubt := parameter.doubt(value):
                self.findings.doubt(part, doubt, *below)
            if place and begin[place] <= begin[place - 1]:
                message = "is not after the row before: dates ascend"
                self.findings.refuse(part, message, "parameters", parameter.name, place, "valid_from")
        return [(start, value) for start, (_, value) in zip(begin, given, strict=True)]


def _in_force(rows: list[tuple[int, float]], start: int) -> float:
    """Return the number of the last row that has begun."""
    return [value for begin, value in rows if begin <= start][-1]


def _amount_unit(channel: Channel | Virtual, role: Role) -> Unit:
    """Return the unit in which a channel's window value comes.

    Raises
    ------
    DimensionError
        Where a level is asked of a channel that gives amounts, or the other way round.
    """
    if role.level != is_level(channel):
        wanted = "a level" if role.level else "an amount (register, rate, interval or event)"
        raise DimensionError(f"it is {_kind(channel)}, {role.name} is {wanted}")
    return window_unit(channel)


def _kind(channel: Channel | Virtual) -> str:
    if isinstance(channel, Virtual):
        return "a level" if channel.is_level else "an amount"
    return f"of kind {channel.kind}"
