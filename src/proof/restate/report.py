"""What a restatement changes, or would."""

from dataclasses import asdict, dataclass, field
from typing import Any

from plant import periods
from plant.park import Plant
from proof.restate.hours import HoursDelta
from proof.restate.workers import Differences


@dataclass(slots=True)
class Delta:
    """What a restatement changes of a source's month [t CO2e]; a window that is unknown on either side adds nothing there."""

    park: str
    facility: str
    source: str
    month: str
    windows: int = 0
    reported_t: float = 0.0
    current_t: float = 0.0
    held: bool = False  # the month is final: it waits for approval

    @property
    def delta_t(self) -> float:
        """What is added to the published tonnes."""
        return self.current_t - self.reported_t


@dataclass(slots=True)
class Report:
    """All that a restatement changes, or would."""

    configuration: str
    chunks: int = 0
    skipped: int = 0  # chunks that an interrupted run had finished
    deltas: dict[tuple[int, int], Delta] = field(default_factory=dict)
    hours: list[HoursDelta] = field(default_factory=list)  # of sources under a regulation

    @property
    def windows(self) -> int:
        """How many windows change."""
        return sum(delta.windows for delta in self.deltas.values())

    def add(self, plant: Plant, found: Differences, frozen: set[tuple[str, int]]) -> None:
        """Count what would change of a chunk; `frozen` are the final months, by park and start."""
        for one, (windows, reported_t, current_t) in found.sums.items():
            source = plant.sources[one]
            zone = next(park.zone for park in plant.parks if park.name == source.park)
            delta = self.deltas.setdefault(
                (one, found.chunk.start),
                Delta(
                    source.park,
                    source.facility,
                    source.name,
                    periods.month_text(found.chunk.start, zone),
                    held=(source.park, found.chunk.start) in frozen,
                ),
            )
            delta.windows += windows
            delta.reported_t += reported_t
            delta.current_t += current_t

    def before_and_after(self) -> tuple[str, str]:
        """Return the tonnes of the windows that differed, as they were published and as they are or wait for approval."""
        deltas = self.deltas.values()
        old, new = sum(one.reported_t for one in deltas), sum(one.current_t for one in deltas)
        held = sum(one.windows for one in deltas if one.held)
        hours = sum(one.hours for one in self.hours)
        held_hours = sum(one.hours for one in self.hours if one.held)
        return (
            f"{old:.9g} t CO2e in {self.windows} windows",
            f"{new:.9g} t CO2e, {held} windows of it wait for approval, {hours} regulated hours differed, {held_hours} of them wait for approval",
        )

    def as_json(self) -> dict[str, Any]:
        """Return it for programs."""
        return {
            "configuration": self.configuration,
            "windows": self.windows,
            "deltas": [asdict(delta) | {"delta_t": delta.delta_t} for delta in self.deltas.values()],
            "regulated": [asdict(delta) | {"delta_t": delta.delta_t} for delta in self.hours],
        }
