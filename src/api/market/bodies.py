"""What is asked and told of movements of instruments."""

import re
from datetime import date
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from api.pages import Next
from api.problems import InvalidQuery
from api.records.bodies import DAY, By, Note, Said, TableBody
from api.records.evidence import AnyDigest
from api.tables import table_csv
from plant.clock import format_time
from plant.documents.fields import Year
from plant.park import Plant
from store.records.decisions import Moved
from store.records.movements import Movement
from store.records.table import RecordStanding

MOST_RANGES = 200  # of serials, of one movement
LARGEST_SERIAL = 10**15
SERIES = r"^[^\x00-\x1f\x7f-\x9f]*[^\s\x00-\x1f\x7f-\x9f][^\x00-\x1f\x7f-\x9f]*$"  # more than blanks
_RANGE = re.compile(r"(.*\S)\s+([0-9]{1,16})(?:-([0-9]{1,16}))?")

Act = Literal[
    "granted", "carried", "issued", "bought", "delivered", "sold", "surrendered", "cancelled", "retired", "expired"
]  # fmt: skip
MovementDay = Annotated[str, StringConstraints(pattern=DAY)]
Serial = Annotated[int, Field(ge=0, le=LARGEST_SERIAL)]


class SerialsBody(BaseModel):
    """A range of serials, both ends included; one serial is one unit."""

    model_config = ConfigDict(extra="forbid", strict=True)

    series: Annotated[
        str, StringConstraints(strip_whitespace=True, min_length=1, max_length=100, pattern=SERIES)
    ] = Field(description="what stands before the number", examples=["VCS-VN-2024"])  # fmt: skip
    first: Serial = Field(examples=[1])
    last: Serial = Field(examples=[600])


class EnterMovementBody(BaseModel):
    """A movement of an instrument, with what proves it."""

    model_config = ConfigDict(extra="forbid", strict=True)

    instrument: Annotated[str, StringConstraints(max_length=300)] = Field(
        description="park/facility/instrument, or park/instrument of the park's own",
        examples=["nam-cau-kien/mill/credits"],
    )
    act: Act = Field(
        description="of an allowance: granted, carried, bought, sold, surrendered; of a credit: bought, sold, surrendered, cancelled;"
        " of an energy certificate: issued, bought, sold, retired, expired; of a contract: delivered",
        examples=["bought"],
    )
    day: MovementDay = Field(description="on the park's clock; not after today", examples=["2026-11-12"])
    amount: float = Field(gt=0, allow_inf_nan=False, description="[t] or [MWh], by kind", examples=[600.0])
    year: Year | None = Field(
        None,
        description="of an allowance, which year it is of; of what is surrendered, which it is for; of energy, when it was generated,"
        " or consumed where it is retired; null of credits that are bought, sold or cancelled, and of what expired",
        examples=[None],
    )
    serials: list[SerialsBody] = Field(
        default_factory=list,
        max_length=MOST_RANGES,
        description="where the instrument has serials: all of them",
        examples=[[{"series": "VCS-VN-2024", "first": 1, "last": 600}]],
    )
    source: Said = Field(description="what says so", examples=["contract 7/2026"])
    evidence: AnyDigest = Field(
        description="the digest of a file that was handed in", examples=[f"sha256:{'0' * 64}"]
    )
    note: Note = Field("", examples=[""])
    by: By | None = Field(
        None, description="with a shared key, who enters it; else it is the key's name", examples=["lan"]
    )


class MovementBody(BaseModel):
    """A movement, and how it stands."""

    id: str = Field(description="with its row where it came with a table", examples=["1042"])
    park: str = Field(examples=["nam-cau-kien"])
    facility: str | None = Field(description="null where the instrument is the park's", examples=["mill"])
    instrument: str = Field(description="its name", examples=["credits"])
    act: str = Field(examples=["bought"])
    day: str = Field(examples=["2026-11-12"])
    amount: float = Field(examples=[600.0])
    unit: str | None = Field(
        description="t or MWh; null where the instrument is configured no longer", examples=["t"]
    )
    year: int | None = Field(examples=[None])
    serials: list[SerialsBody]
    source: str = Field(examples=["contract 7/2026"])
    evidence: str = Field(examples=[f"sha256:{'0' * 64}"])
    note: str = Field(examples=[""])
    state: RecordStanding = Field(examples=["approved"])
    entered_by: str = Field(examples=["lan"])
    entered_at: str = Field(examples=["2026-11-13T02:10:00Z"])
    approved_by: str | None = Field(examples=["minh"])
    approved_at: str | None = Field(examples=["2026-11-13T03:00:00Z"])
    self_approved: bool = Field(description="who entered it approved it too", examples=[False])
    ended_by: str | None = Field(description="who refused, withdrew or struck it", examples=[None])
    ended_at: str | None = Field(examples=[None])
    reason: str | None = Field(description="why", examples=[None])


class MovementsBody(BaseModel):
    """Movements, those that were entered last first."""

    movements: list[MovementBody]
    next: Next = None


class MovementDecidedBody(BaseModel):
    """What became of a decision."""

    id: str = Field(examples=["0b5c"])
    outcome: str = Field(
        description="done, or waiting where the line has not come to it yet", examples=["done"]
    )
    detail: str = Field(examples=["movement 1042: entered, and counts once another person has approved it"])
    movement: MovementBody | None = Field(description="what it was about, as it stands now")


class ImportedMovementsBody(TableBody):
    """What became of a table of movements."""

    movements: list[str] = Field(description="their ids", examples=[["1042-1"]])


class NoRange(ValueError):
    """What is no range of serials."""


def serials_of(text: str) -> list[dict[str, Any]]:
    """Return ranges as the position tells them, `VCS-VN-2024 1-600; VCS-VN-2024 701`; raise NoRange where one is none."""
    return [_range(one.strip()) for one in text.split(";") if one.strip()]


def _range(text: str) -> dict[str, Any]:
    found = _RANGE.fullmatch(text)
    if found is None:
        raise NoRange(f'{text} is no range: "VCS-VN-2024 1-600"')
    series, first, last = found.groups()
    return {"series": series, "first": int(first), "last": int(last or first)}


def check_day(text: str) -> None:
    """Refuse a day that no month has."""
    try:
        date.fromisoformat(text)
    except ValueError as error:
        raise InvalidQuery(("day", f"there is no {text}")) from error


def moved_of(said: EnterMovementBody, place: tuple[str, str, str]) -> Moved:
    """Return what somebody enters of an instrument: its park, its facility or "", and its name."""
    park, facility, instrument = place
    return Moved(
        park,
        facility,
        instrument,
        act=said.act,
        day=said.day,
        amount=said.amount,
        source=said.source,
        evidence=said.evidence,
        year=said.year,
        serials=tuple((one.series, one.first, one.last) for one in said.serials),
        note=said.note,
    )


def movement_body(plant: Plant, one: Movement) -> MovementBody:
    """Return a movement as it is told."""
    units = {each.id: each.unit for each in plant.instruments}
    same = ("id", "park", "instrument", "act", "day", "amount", "year", "source", "evidence", "note")
    return MovementBody.model_validate(
        {
            **{name: getattr(one, name) for name in (*same, "entered_by")},
            **{
                name: getattr(one, name) or None for name in ("facility", "approved_by", "ended_by", "reason")
            },
            **{name: _told(getattr(one, name)) for name in ("approved_at", "ended_at")},
            "unit": units.get(one.place),
            "serials": [
                SerialsBody(series=series, first=first, last=last) for series, first, last in one.serials
            ],
            "state": one.standing,
            "entered_at": format_time(one.entered_at),
            "self_approved": one.is_unchecked,
        }
    )


def _told(time: int | None) -> str | None:
    return None if time is None else format_time(time)


_CELLS = ("id", "state", "day", "act", "amount", "unit", "year")
_MORE = ("source", "evidence", "note", "entered_by", "approved_by", "reason")


def movements_csv(body: MovementsBody) -> bytes:
    """Return movements as CSV; no cell of it is a formula."""
    rows = (
        [
            "/".join(filter(None, (one.park, one.facility, one.instrument))),
            *(getattr(one, name) for name in _CELLS),
            "; ".join(f"{each.series} {each.first}-{each.last}" for each in one.serials),
            *(getattr(one, name) for name in _MORE),
        ]
        for one in body.movements
    )
    return table_csv(["instrument", *_CELLS, "serials", *_MORE], rows)
