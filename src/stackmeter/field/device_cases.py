"""Golden payloads: what devices sent, kept in folders with the readings that they should give."""

from dataclasses import asdict, dataclass, field
from itertools import zip_longest
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field

from ingest.formats.decoder import Origin, formats
from ingest.times import parse_time
from plant.devices.profiles import profiles
from plant.documents.documents import parse
from plant.documents.fields import Instant, Part
from plant.documents.problems import ConfigurationError
from plant.vocabulary import Code
from stackmeter.field.device_trials import (
    PayloadReader,
    TrialError,
    TriedReading,
    instant_text,
    read,
    reader,
    row_of,
    words,
)


class CasePart(Part):
    """What a payload should give: the file `expected.yaml` of a case."""

    about: str = ""
    """What the case shows, and where its payload is from."""
    options: dict[str, Any] = Field(default_factory=dict)
    """Options of the format, or what takes the place of keys of the profile."""
    subscription: str | None = None
    """The topic of the subscription, with words in braces; by default that of the profile."""
    received: Instant = Field(default="2026-11-25T05:00:00Z", validate_default=True)
    """When it came: RFC 3339 with zone."""
    retained: bool = False
    """Whether it came as a retained message."""
    readings: list[Annotated[list[Any], Field(min_length=4, max_length=5)]] = Field(default_factory=list)
    """Channel, time, value, unit (null for the channel's own), and quality where it is not good."""
    refusals: list[Annotated[list[str], Field(min_length=2, max_length=2)]] = Field(default_factory=list)
    """Code and path of what is refused."""
    sequence: list[Any] | None = None
    """Boot and number of the message, where its format has them."""
    undecoded: bool = False
    """Whether nobody can read it at all."""


@dataclass(frozen=True, slots=True)
class Difference:
    """A line of a case that is not as expected: one of both, or what came in the place of the other."""

    expected: str = ""
    got: str = ""


@dataclass(frozen=True, slots=True)
class CaseReport:
    """What came of a case."""

    case: str
    readings: int
    differences: tuple[Difference, ...] = field(default_factory=tuple)

    def to_json(self) -> dict[str, Any]:
        """Return it as plain data."""
        return asdict(self)


def cases(folder: Path) -> list[Path]:
    """Return the folders of all cases below one, in order: NAME/CASE with `expected.yaml`, `payload.*` and `topic`."""
    return sorted(path.parent for path in folder.rglob("expected.yaml"))


def run_case(case: Path, config: Path | None) -> CaseReport:
    """Return how a case came out; the folder above it has the name of its profile, or of its format.

    Raises
    ------
    ConfigurationError, TrialError
        The case or its profile is wrong.
    """
    expected = parse(case / "expected.yaml", CasePart)
    name = case.parent.name
    is_profile = name in profiles(config)
    if not is_profile and name not in formats():
        raise TrialError(
            f"{case}: {name} is neither a profile nor a format: the folder above a case says which"
        )
    made = reader(name if is_profile else None, name, expected.options, config)
    payload = next(iter(sorted(case.glob("payload.*"))), None)
    if payload is None:
        raise TrialError(f"{case}: has no file payload.*")
    origin = Origin(0, "", expected.received, expected.retained, _words_of(case, expected, made))
    decoded, raw, refusals = read(payload.read_bytes(), made.decode, origin)
    got = [_line(row_of(raw, row)) for row in range(len(raw))]
    got += [f"refused {one.code} at {one.path}" for one in refusals]
    wanted = [_expected_line(row, case) for row in expected.readings]
    wanted += [f"refused {code} at {path}" for code, path in expected.refusals]
    if decoded is expected.undecoded:
        got.append("decoded" if decoded else "not decoded")
    different = [Difference(a, b) for a, b in zip_longest(wanted, got, fillvalue="") if a != b]
    return CaseReport(str(case), len(raw), tuple(different))


def _words_of(case: Path, expected: CasePart, made: PayloadReader) -> dict[str, str]:
    file = case / "topic"
    pattern = expected.subscription or made.topic
    if not file.exists():
        return {}
    if not pattern:
        raise TrialError(f"{case}: has a topic: write subscription, its form with words in braces")
    return words(pattern, file.read_text().strip())


def _line(row: TriedReading) -> str:
    unit = "the channel's unit" if row.unit is None else row.unit
    return f"{row.channel} {row.value!r} {unit} at {row.time} {row.quality}"


def _expected_line(row: list[Any], case: Path) -> str:
    channel, time, value, unit, *quality = row
    found = parse_time(time) if isinstance(time, str) else Code.TS_INVALID
    if isinstance(found, Code) or isinstance(value, bool) or not isinstance(value, int | float):
        raise ConfigurationError.of(case / "expected.yaml", 0, f"{row!r} is no reading", "readings")
    good = quality[0] if quality else "good"
    return _line(TriedReading(str(channel), float(value), unit, instant_text(found), str(good)))
