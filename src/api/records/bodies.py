"""What is asked and told of records."""

from collections.abc import Sequence
from datetime import date
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from api.pages import Next
from api.parameters import time_of
from api.problems import InvalidQuery
from api.records.evidence import AnyDigest
from api.tables import table_csv
from plant.clock import EARLIEST_YEAR, LATEST_YEAR, format_time
from plant.park import Plant
from plant.periods import local_midnight
from store.records.decisions import Entered
from store.records.table import Record, RecordStanding

ONE_LINE = r"^[^\x00-\x1f\x7f-\x9f]*$"
DAY = r"^[0-9]{4}-[0-9]{2}-[0-9]{2}$"
Said = Annotated[
    str, StringConstraints(strip_whitespace=True, min_length=1, max_length=500, pattern=ONE_LINE)
]
Note = Annotated[str, StringConstraints(strip_whitespace=True, max_length=500, pattern=ONE_LINE)]
By = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=100)]
RecordId = Annotated[str, StringConstraints(max_length=40, pattern=r"^[0-9]{1,18}-[0-9]{1,18}$")]
Moment = Annotated[str, StringConstraints(max_length=64)]


class EnterBody(BaseModel):
    """An amount over a stretch of time, or a level from a time on, with what proves it."""

    model_config = ConfigDict(extra="forbid", strict=True, populate_by_name=True)

    channel: Annotated[str, StringConstraints(max_length=300)] = Field(
        description="park/facility/channel, one with entered: true",
        examples=["nam-cau-kien/mill/invoice/electricity"],
    )
    start: Moment = Field(
        alias="from",
        description="a day on the park's clock, or RFC 3339 with zone",
        examples=["2026-10-12"],
    )
    end: Moment | None = Field(
        None, alias="to", description="not part of it; null with a level", examples=["2026-11-12"]
    )
    value: float = Field(allow_inf_nan=False, examples=[310000.0])
    unit: Annotated[str, StringConstraints(min_length=1, max_length=40)] = Field(
        description="any unit of the channel's quantity", examples=["kWh"]
    )
    source: Said = Field(description="what says so", examples=["EVN invoice 1C26TAB 00001234"])
    evidence: AnyDigest = Field(
        description="the digest of a file that was handed in", examples=[f"sha256:{'0' * 64}"]
    )
    note: Note = Field("", examples=[""])
    replaces: RecordId | None = Field(
        None, description="the approved record that it replaces", examples=[None]
    )
    by: By | None = Field(
        None, description="with a shared key, who enters it; else it is the key's name", examples=["lan"]
    )


class ActBody(BaseModel):
    """What somebody decides of a record."""

    model_config = ConfigDict(extra="forbid", strict=True)

    action: Literal["approve", "refuse", "withdraw", "strike"] = Field(examples=["approve"])
    reason: Said | None = Field(
        None, description="with refuse and strike, why; it is kept and shown", examples=[None]
    )
    by: By | None = Field(
        None, description="with a shared key, who decides; else it is the key's name", examples=["minh"]
    )


class RecordBody(BaseModel):
    """A record, and how it stands."""

    id: str = Field(examples=["1042-1"])
    park: str = Field(examples=["nam-cau-kien"])
    facility: str = Field(examples=["mill"])
    channel: str = Field(description="its name", examples=["invoice/electricity"])
    start: str = Field(alias="from", examples=["2026-10-11T17:00:00Z"])
    end: str | None = Field(alias="to", description="null of a level", examples=["2026-11-11T17:00:00Z"])
    value: float = Field(examples=[310000.0])
    unit: str = Field(description="as it was entered", examples=["kWh"])
    source: str = Field(examples=["EVN invoice 1C26TAB 00001234"])
    evidence: str = Field(examples=[f"sha256:{'0' * 64}"])
    note: str = Field(examples=[""])
    replaces: str | None = Field(examples=[None])
    state: RecordStanding = Field(examples=["approved"])
    entered_by: str = Field(examples=["lan"])
    entered_at: str = Field(examples=["2026-11-13T02:10:00Z"])
    approved_by: str | None = Field(examples=["minh"])
    approved_at: str | None = Field(examples=["2026-11-13T03:00:00Z"])
    self_approved: bool = Field(description="who entered it approved it too", examples=[False])
    ended_by: str | None = Field(description="who refused, withdrew, replaced or struck it", examples=[None])
    ended_at: str | None = Field(examples=[None])
    reason: str | None = Field(description="why; of a replaced one, what replaced it", examples=[None])
    correction: int | None = Field(
        description="of its reading; null where it never was approved", examples=[0]
    )


class RecordsBody(BaseModel):
    """Records, those that were entered last first."""

    records: list[RecordBody]
    next: Next = None


class RecordDecidedBody(BaseModel):
    """What became of a decision."""

    id: str = Field(examples=["0b5c"])
    outcome: str = Field(
        description="done, or waiting where the line has not come to it yet", examples=["done"]
    )
    detail: str = Field(examples=["1042-1: entered, and counts once another person has approved it"])
    records: list[RecordBody] = Field(description="those that it was about, as they stand now")


class EffectBody(BaseModel):
    """What records would change of a source, once they are approved."""

    source: str = Field(description="park/facility/source", examples=["nam-cau-kien/mill/grid-by-invoice"])
    records: int = Field(description="how many of them it takes in", examples=[12])
    co2e_t: float | None = Field(
        description="tonnes more, beside what is known of its other channels now; null where nothing is known with them, as of a level after which no other comes yet",
        examples=[204.35],
    )


class RowProblemBody(BaseModel):
    """Why a row is refused."""

    row: int = Field(description="the first below the header is 1", examples=[3])
    column: str = Field(description="'' where it is of the whole row", examples=["value"])
    detail: str = Field(examples=["'1.234' is 1234 in vi and 1.234 in en: say which with numbers vi or en"])


class TableBody(BaseModel):
    """What became of a table: all of its rows are entered, or none."""

    id: str | None = Field(description="null where it was only checked", examples=["0b5c"])
    outcome: str = Field(description="done, waiting, or checked", examples=["checked"])
    detail: str = Field(examples=["12 records would be entered"])
    rows: int = Field(examples=[12])
    problems: list[RowProblemBody] = Field(description="of a check, the first 100", examples=[[]])


class ImportedBody(TableBody):
    """What became of a table of records."""

    effect: list[EffectBody] = Field(description="once all of them are approved")
    records: list[str] = Field(description="their ids", examples=[["1042-1"]])


def record_body(one: Record) -> RecordBody:
    """Return a record as it is told."""
    times = {
        name: None if time is None else format_time(time)
        for name, time in (("approved_at", one.approved_at), ("ended_at", one.ended_at))
    }
    return RecordBody.model_validate(
        {
            **{name: getattr(one, name) for name in ("id", "park", "facility", "channel", "value", "unit", "source")},
            **{name: getattr(one, name) for name in ("evidence", "note", "entered_by", "correction")},
            **{name: getattr(one, name) or None for name in ("replaces", "approved_by", "ended_by", "reason")},
            "from": format_time(one.start),
            "to": None if one.is_level else format_time(one.finish),
            "state": one.standing,
            "entered_at": format_time(one.entered_at),
            "self_approved": one.is_unchecked,
            **times,
        }
    )  # fmt: skip


_CELLS = (
    "id",
    "state",
    "value",
    "unit",
    "source",
    "evidence",
    "note",
    "replaces",
    "entered_by",
    "approved_by",
    "reason",
)


def records_csv(body: RecordsBody) -> bytes:
    """Return records as CSV; no cell of it is a formula."""
    rows = (
        [
            f"{one.park}/{one.facility}/{one.channel}",
            one.start,
            one.end,
            *(getattr(one, name) for name in _CELLS),
        ]
        for one in body.records
    )
    return table_csv(["channel", "from", "to", *_CELLS], rows)


def entered_of(plant: Plant, said: EnterBody) -> Entered:
    """Return what somebody enters; raise InvalidQuery where its channel or a time cannot be read."""
    park, facility, channel = place_of_channel(said.channel)
    start = moment_of(plant, park, "from", said.start)
    finish = start if said.end is None else moment_of(plant, park, "to", said.end)
    told = (said.value, said.unit, said.source, said.evidence, said.note, said.replaces or "")
    return Entered(park, facility, channel, start, finish, *told)


def place_of_channel(name: str) -> tuple[str, str, str]:
    """Return the parts of a channel's full name; raise InvalidQuery where it has fewer."""
    park, facility, channel = [*name.split("/", 2), "", ""][:3]
    if not channel:
        raise InvalidQuery(("channel", f"{name[:100]!r} is no park/facility/channel"))
    return park, facility, channel


def moment_of(plant: Plant, park: str, parameter: str, text: str) -> int:
    """Return a time, or the first instant of a day on a park's clock [ns UTC]; raise InvalidQuery where it is none."""
    zones = [one.zone for one in plant.parks if one.name == park]
    if len(text) != len("2026-10-12"):
        return time_of(parameter, text)
    try:
        day = date.fromisoformat(text)
    except ValueError:
        raise InvalidQuery((parameter, f"{text!r} is no day: one is written like 2026-10-12")) from None
    if not zones:
        raise InvalidQuery(("channel", f"no park {park[:100]!r}"))
    if not EARLIEST_YEAR <= day.year <= LATEST_YEAR:
        raise InvalidQuery(
            (parameter, f"a day lies between {EARLIEST_YEAR} and {LATEST_YEAR}, not in {text}")
        )
    return local_midnight(day, zones[0])


def bodies(found: Sequence[Record]) -> list[RecordBody]:
    """Return records as they are told."""
    return [record_body(one) for one in found]
