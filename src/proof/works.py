"""The line with all that takes part in its steps: regulated hours and the rules of alerts, by one clock."""

from collections.abc import Callable
from dataclasses import dataclass

from alerts.engine.watch import RuleWatch
from ingest.line.evaluate import Evaluator
from ingest.line.line import Line
from ingest.line.regulated import RegulatedSources
from plant.park import Plant
from rules.catalogue import Register
from rules.engine import Engine
from store.messages.journal import JournalReader
from store.state import State


@dataclass(frozen=True, slots=True)
class Configured:
    """A configuration that steps may have been taken under."""

    plant: Plant
    catalogue: Register


@dataclass(frozen=True, slots=True)
class Links:
    """What is written into what receivers are told: where they find the API, and the key that signs links to it."""

    public_url: str = ""
    key: bytes = b""


def whole_line(
    configured: Configured,
    state: State,
    journal: JournalReader,
    clock: Callable[[], int],
    links: Links,
    *,
    project: bool,
    crash: Callable[[str], None] = lambda _point: None,
) -> Line:
    """Return a line that goes on where a state is, its memory what the state says.

    Parameters
    ----------
    clock
        The time [ns UTC] by which a step goes: the same for all that takes part in it.
    project
        Whether readings are put out for InfluxDB.
    crash
        Called at the points where a test may end the process.
    """
    plant = configured.plant
    engine = Engine(plant, configured.catalogue)
    return Line(
        plant,
        state,
        journal,
        Evaluator(plant, engine, state),
        RuleWatch(plant, state, clock, links.public_url, links.key),
        regulated=RegulatedSources(plant, engine, state),
        clock=clock,
        crash=crash,
        project=project,
    )
