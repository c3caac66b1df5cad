"""Puts virtual channels together: parses their formulas, follows their references, refuses cycles."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from graphlib import CycleError, TopologicalSorter

from plant.configuration.channel_model import VirtualPart
from plant.configuration.formulas import Nature, Term, checked, reference
from plant.configuration.model import FacilityPart
from plant.documents.documents import Placed
from plant.documents.findings import Findings
from plant.expressions import ExpressionError, Node, names, parse, spelled
from plant.park import Channel, Virtual
from plant.suggest import nearest
from plant.units import DimensionError, Unit, per_hour_integral, unit
from plant.vocabulary import Kind

MOST_STOREYS = 50  # of virtual channels upon virtual channels


def window_unit(channel: Channel | Virtual) -> Unit:
    """Return the unit of a channel's windows: of a rate, that of its integral over hours.

    Raises
    ------
    DimensionError
        A rate's unit is not per time.
    """
    is_rate = isinstance(channel, Channel) and channel.kind is Kind.RATE
    return per_hour_integral(channel.unit) if is_rate else channel.unit


def is_level(channel: Channel | Virtual) -> bool:
    """Return whether a channel's windows are means over time, not amounts."""
    return channel.is_level if isinstance(channel, Virtual) else channel.kind is Kind.LEVEL


@dataclass(slots=True)
class VirtualMaker:
    """Makes the virtual channels of one facility; `first` is the index of its first."""

    park: str
    facility: str
    channels: Mapping[str, Channel]
    first: int
    findings: Findings
    _made: dict[str, Virtual] = field(default_factory=dict)
    _terms: dict[str, Term] = field(default_factory=dict)
    _storeys: dict[str, int] = field(default_factory=dict)

    def virtuals(self, facility: Placed[FacilityPart]) -> list[Virtual]:
        """Return them in the order of their names; mistakes go to the findings."""
        parts = dict(sorted(self._named(facility)))
        formulas = {name: node for name, part in parts.items() if (node := self._parsed(part)) is not None}
        index = {name: self.first + place for place, name in enumerate(parts)}
        for name in self._in_order(parts, formulas):
            self._make(parts, name, formulas[name], index[name])
        return [self._made[name] for name in parts if name in self._made]

    def _named(self, facility: Placed[FacilityPart]) -> Iterator[tuple[str, Placed[VirtualPart]]]:
        for part in facility.parts("virtual", facility.value.virtual):
            name = part.value.name
            identity = ("channel", self.park, self.facility, name)
            if self.findings.is_only(part, f"{name} is declared twice", identity, "name"):
                yield name, part

    def _parsed(self, part: Placed[VirtualPart]) -> Node | None:
        try:
            return parse(part.value.expr)
        except ExpressionError as error:
            self.findings.refuse(part, str(error), "expr")
            return None

    def _in_order(
        self, parts: Mapping[str, Placed[VirtualPart]], formulas: Mapping[str, Node]
    ) -> Sequence[str]:
        """Return the formulas so that each comes after those it stands on; those in a cycle are refused."""
        graph = {name: sorted(set(names(node)) & set(formulas)) for name, node in formulas.items()}
        while True:
            try:
                return list(TopologicalSorter(graph).static_order())
            except CycleError as error:
                cycle: list[str] = error.args[1][:0:-1]  # from each to what it stands on
                start = cycle.index(min(cycle))
                around = [*cycle[start:], *cycle[: start + 1]]
                self.findings.refuse(parts[around[0]], f"stands on itself: {' -> '.join(around)}", "expr")
                graph = {
                    name: [one for one in below if one not in cycle]
                    for name, below in graph.items()
                    if name not in cycle
                }

    def _make(self, parts: Mapping[str, Placed[VirtualPart]], name: str, node: Node, index: int) -> None:
        part, of = parts[name], list(dict.fromkeys(names(node)))
        try:
            terms = {one: term for one in of if (term := self._term(part, one, parts)) is not None}
            if len(terms) < len(of):
                return  # what it stands on is refused already
            term = checked(node, terms, unit(part.value.unit))
        except (ExpressionError, DimensionError) as error:
            self.findings.refuse(part, str(error), "expr")
            return
        storeys = 1 + max(self._storeys.get(one, 0) for one in of)
        if storeys > MOST_STOREYS:
            message = f"more than {MOST_STOREYS} virtual channels stand upon each other"
            self.findings.refuse(part, message, "expr")
            return
        self._storeys[name] = storeys
        self._made[name] = Virtual(
            index=index,
            park=self.park,
            facility=self.facility,
            name=name,
            title=part.value.title or name,
            unit=unit(part.value.unit),
            is_level=term.nature is Nature.LEVEL,
            formula=" ".join(part.value.expr.split()),
            steps=term.steps,
            channels=tuple(sorted({number for one in of for number in self._measured(one)})),
        )
        self._terms[name] = reference(
            name, term.nature, self._made[name].unit, index, taken_away=term.taken_away
        )

    def _term(self, part: Placed[VirtualPart], name: str, parts: Mapping[str, object]) -> Term | None:
        """Return the term of a name in a formula; None where it leads to what is refused."""
        if name in self._terms or name in parts:
            return self._terms.get(name)
        channel = self.channels.get(name)
        if channel is None:
            self._unknown(part, name, [*self.channels, *parts])
            return None
        nature = {Kind.LEVEL: Nature.LEVEL, Kind.EVENT: Nature.EVENTS}.get(channel.kind, Nature.AMOUNT)
        return reference(name, nature, window_unit(channel), channel.index)

    def _measured(self, name: str) -> tuple[int, ...]:
        return self._made[name].channels if name in self._made else (self.channels[name].index,)

    def _unknown(self, part: Placed[VirtualPart], name: str, known: Sequence[str]) -> None:
        """Refuse a name that leads nowhere; a name with a slash or a dash reads as an operation on its pieces."""
        if self.findings.incomplete or name in self.findings.broken:
            return
        unquoted = [one for one in known if name in one and one in part.value.expr and spelled(one) != one]
        meant = unquoted[0] if unquoted else nearest(name, known)
        hint = f" (did you mean {spelled(meant)}?)" if meant else ""
        self.findings.refuse(part, f"there is no channel {name[:64]}{hint}", "expr")
