"""How what one person enters and another approves is taken: the same for records and for movements of instruments."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Annotated, Any, ClassVar, Generic, Protocol, TypeVar

from fastapi import Depends, Request
from fastapi.responses import JSONResponse
from pydantic import BaseModel

from api.access.caller import Asking, Caller, Role, signed
from api.access.recorder import Recorder, Recording
from api.accounting.periods import once_taken
from api.once import Once, OnceOnly
from api.parameters import InLanguage
from api.problems import InvalidQuery, problem
from api.records.bodies import ActBody, RowProblemBody
from api.records.evidence import lacking_evidence
from api.records.table_of_rows import ReadRow
from api.refusals import in_language
from plant.languages import Language
from plant.park import Plant
from store.kept_files import KeptFiles
from store.reader import Reader, Snapshot
from store.records.decisions import MovementDecision, RecordDecision
from store.records.table import RecordStanding

MOST_TOLD = 100  # problems of an import
LEAST = {
    "approve": Role.APPROVER,
    "refuse": Role.APPROVER,
    "strike": Role.APPROVER,
    "withdraw": Role.OPERATOR,
}


class OnFile(Protocol):
    """What stands on a file: a record or a movement. `facility` is "" where it is of a park as a whole."""

    @property
    def id(self) -> str:
        """What people call it."""
        ...

    @property
    def park(self) -> str:
        """Its park."""
        ...

    @property
    def facility(self) -> str:
        """Its facility."""
        ...

    @property
    def standing(self) -> RecordStanding:
        """How it stands."""
        ...


class SaidOnFile(Protocol):
    """What somebody enters, with the digest of the file that it stands on."""

    @property
    def evidence(self) -> str:
        """The digest."""
        ...


@dataclass(frozen=True, slots=True)
class AskedDecision:
    """Who asks for a decision, and how."""

    request: Request
    caller: Caller
    record: Recorder
    once: Once
    language: Language

    def problem(self, status: int, detail: str) -> JSONResponse:
        """Return why it is not done."""
        return problem(self.request.url.path, status, in_language(detail, self.language))


async def _asked(
    request: Request, caller: Asking, record: Recording, once: OnceOnly, language: InLanguage = "en"
) -> AskedDecision:
    return AskedDecision(request, caller, record, once, language)


Deciding = Annotated[AskedDecision, Depends(_asked)]

D = TypeVar("D", RecordDecision, MovementDecision)
F = TypeVar("F", bound=OnFile)
S = TypeVar("S", bound=SaidOnFile)


@dataclass(frozen=True, slots=True)
class HandedTable(Generic[D]):
    """A table that was handed in: the decision that enters its rows, how many there are, and what is wrong with them.

    `told` makes the answer, of the ids of what was entered and of what is told of every table.
    """

    made: D
    place: str
    rows: int
    problems: Sequence[RowProblemBody]
    told: Callable[[list[str], dict[str, Any]], BaseModel]


class DecisionDesk(ABC, Generic[D, F, S]):
    """Hands decisions to the line, which takes them in its turn, and tells what became of them."""

    what: ClassVar[str]  # it is that people decide of

    def __init__(self, reader: Reader, plant: Plant, files: KeptFiles, decide: Callable[[D], None]) -> None:
        self.reader, self.plant, self._files = reader, plant, files
        self._decide: Callable[[D], None] = decide

    @abstractmethod
    def find(self, state: Snapshot, number: str) -> F | None:
        """Return what has an id, None where nothing has."""

    @abstractmethod
    def entered(self, state: Snapshot, message: int) -> Sequence[F]:
        """Return what a message of the journal entered."""

    @abstractmethod
    def act(self, number: str, by: str, body: ActBody, of: str, key: str) -> D:
        """Return what somebody decides of what has an id."""

    @abstractmethod
    def told(self, made: D, outcome: str, detail: str, found: Sequence[F]) -> BaseModel:
        """Return what became of a decision, and what it was about."""

    @abstractmethod
    def refusals(self, state: Snapshot, said: dict[int, S]) -> dict[int, str]:
        """Return why rows cannot be entered together."""

    def number(self, asked: AskedDecision, by: str, body: BaseModel, evidence: str) -> str:
        """Return the id of what is entered; raise InvalidQuery where its file proves nothing."""
        with self.reader.snapshot() as state:
            lacking = lacking_evidence(state, self._files, asked.caller, by, evidence)
        number = asked.once.number(asked.caller, body.model_dump_json())
        if lacking and asked.once.is_new(self.reader, number):
            raise InvalidQuery(("evidence", in_language(lacking, asked.language)))
        return number

    def taken(self, asked: AskedDecision, made: D, of: str, entry: tuple[str, str, str, str]) -> JSONResponse:
        """Hand over a decision of what has an id, "" of what it enters, and tell what became of it."""
        outcome, detail = self._once_taken(asked, made, entry)
        if outcome == "refused":
            return asked.problem(409, detail)
        said = in_language(detail, asked.language)
        return _answer(self.told(made, outcome, said, self._about(made.id, of)), outcome)

    def decided(self, asked: AskedDecision, of: str, body: ActBody) -> JSONResponse:
        """Take what somebody decides of what has an id, where they may."""
        caller, by = asked.caller, signed(asked.caller, body.by)
        if not caller.role.may(LEAST[body.action]):
            return asked.problem(403, f"to {body.action} takes the role {LEAST[body.action]}")
        if body.reason is None and body.action in ("refuse", "strike"):
            why = f"say why: what is to {body.action} is kept with it"
            raise InvalidQuery(("reason", in_language(why, asked.language)))
        with self.reader.snapshot() as state:
            found = self.find(state, of)
        if found is None or not caller.sees(found.park, found.facility):
            return asked.problem(404, f"there is no {self.what} {of}")
        made = self.act(asked.once.number(caller, body.model_dump_json()), by, body, of, caller.name)
        entry = (f"{self.what}.{body.action}", of, found.standing, body.reason or "")
        return self.taken(asked, made, of, entry)

    def problems(
        self, state: Snapshot, caller: Caller, by: str, rows: Sequence[ReadRow[S]]
    ) -> list[RowProblemBody]:
        """Return why rows cannot be entered together."""
        found = [one for row in rows for one in row.problems]
        said = {row.row: row.said for row in rows if row.said is not None}
        refused = self.refusals(state, said)
        lacking = cache(lambda digest: lacking_evidence(state, self._files, caller, by, digest))
        for row, one in said.items():
            if why := lacking(one.evidence):
                found.append(RowProblemBody(row=row, column="evidence", detail=why))
            elif row in refused:
                found.append(RowProblemBody(row=row, column="", detail=refused[row]))
        return sorted(found, key=lambda one: one.row)

    def table(self, asked: AskedDecision, given: HandedTable[D], *, check: bool) -> JSONResponse:
        """Hand over a table as one decision and tell what became of it, or with `check` only what would.

        Raises
        ------
        InvalidQuery
            Something is wrong with its rows: none is entered.
        """
        shown = [
            one.model_copy(update={"detail": in_language(one.detail, asked.language)})
            for one in given.problems[:MOST_TOLD]
        ]
        if check:
            many = len(given.problems)
            detail = (
                f"{many} rows would be refused" if many else f"{given.rows} {self.what}s would be entered"
            )
            told = {
                "id": None,
                "outcome": "checked",
                "detail": in_language(detail, asked.language),
                "rows": given.rows,
                "problems": shown,
            }
            return _answer(given.told([], told), "checked")
        if shown:
            raise InvalidQuery(*((_place(one), one.detail) for one in shown))
        entry = (f"{self.what}.imported", given.place, "", f"{given.rows} rows")
        outcome, detail = self._once_taken(asked, given.made, entry)
        if outcome == "refused":
            return asked.problem(409, detail)
        ids = [one.id for one in self._about(given.made.id, "")]
        detail = in_language(detail, asked.language)
        told = {"id": given.made.id, "outcome": outcome, "detail": detail, "rows": given.rows, "problems": []}
        return _answer(given.told(ids, told), outcome)

    def _once_taken(self, asked: AskedDecision, made: D, entry: tuple[str, str, str, str]) -> tuple[str, str]:
        return once_taken(self.reader, asked.once, made.id, lambda: self._decide(made), asked.record, entry)

    def _about(self, number: str, of: str) -> Sequence[F]:
        """Return what a decision was about: what has the id that it names, or what it entered."""
        with self.reader.snapshot() as state:
            if of:
                found = self.find(state, of)
                return [] if found is None else [found]
            row = state.connection.execute("SELECT message FROM decision WHERE id = ?", (number,)).fetchone()
            return [] if row is None else self.entered(state, int(row[0]))


def _answer(body: BaseModel, outcome: str) -> JSONResponse:
    return JSONResponse(body.model_dump(by_alias=True), 202 if outcome == "waiting" else 200)


def _place(one: RowProblemBody) -> str:
    return f"row {one.row}" + (f", {one.column}" if one.column else "")
