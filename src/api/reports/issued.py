"""Reports: issued by an approver, kept byte by byte, and told to be overtaken where a month of them is restated later."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from importlib.metadata import version
from typing import Annotated, Any

from fastapi import APIRouter, Path, Query, Request, Response
from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field, StringConstraints

from api.access.caller import Asking, Caller, Role, signed
from api.access.guard import GUARDED, needs
from api.access.recorder import Recording
from api.accounting.periods import once_taken
from api.once import OnceOnly
from api.parameters import InLanguage
from api.problems import documented, problem, taken_later
from api.refusals import in_language
from api.reports.facts_reader import Cut, FactsReader
from api.reports.forms import FILE, KINDS, PERIODS, FileKind, file_answer, fitting, known_form
from api.reports.open import open_of
from plant.clock import format_time
from plant.configuration.about import About
from plant.languages import Language
from plant.park import Plant
from plant.periods import month_of
from reports.catalogue import all_forms, paper_of, written
from reports.facts import Facts, Issue
from reports.paper import label
from reports.words import Words
from reports.writers.extra import NotInstalled
from rules.catalogue import Register
from store.kept_files import Altered, KeptFiles, NotKept
from store.reader import Reader, Snapshot
from store.reports import (
    IssuedReport,
    ReportDecision,
    month_tonnes,
    next_number,
    report,
    reports,
    same_tonnes,
)

Decide = Callable[[ReportDecision], None]


class ReportBody(BaseModel):
    """A paper that was issued."""

    id: str = Field(examples=["0b5c"])
    number: int = Field(description="of the form, place, periods and language", examples=[7])
    revision: int = Field(
        description="1 for the first; the same paper issued again has the next", examples=[1]
    )
    form: str = Field(examples=["form06"])
    park: str = Field(examples=["nam-cau-kien"])
    facility: str | None = Field(description="null: the whole park", examples=["mill"])
    periods: list[str] = Field(examples=[["2025", "2026"]])
    language: Language = Field(examples=["vi"])
    gwp: str = Field(examples=["AR5"])
    issued_at: str = Field(examples=["2027-02-01T03:00:00Z"])
    issued_by: str = Field(examples=["lan"])
    files: dict[str, str] = Field(
        description="the digest of each file, by its kind", examples=[{"docx": "sha256:9f…"}]
    )
    ledger: str = Field(description="number and hash of the ledger's last row", examples=["1042 4fa0"])
    configuration: str = Field(description="its hash", examples=["a1b2"])
    version: str = Field(description="of Stackmeter", examples=["0.1.0"])
    status: str = Field(
        description="issued; replaced by a later revision; or overtaken: a month was restated since",
        examples=["issued"],
    )
    overtaken_t: float | None = Field(
        description="the tonnes of its months as they are now, less those that it says [t CO2e]; null where none differ",
        examples=[None],
    )
    overtaken_months: list[str] = Field(description="those that differ", examples=[[]])


class ReportsBody(BaseModel):
    """Reports, the newest first."""

    reports: list[ReportBody]


class IssueWantedBody(BaseModel):
    """A paper that somebody issues."""

    model_config = {"extra": "forbid", "strict": True}

    form: str = Field(max_length=64, examples=["form06"])
    park: str = Field(max_length=200, examples=["nam-cau-kien"])
    facility: str | None = Field(None, max_length=200, examples=["mill"])
    periods: Annotated[str, StringConstraints(pattern=PERIODS)] = Field(
        description="a year, two years, or a month", examples=["2025,2026"]
    )
    language: Language = Field("vi", description="vi or en", examples=["vi"])
    by: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=100)] | None = Field(
        None, description="with a shared key, who issues it; else it is the key's name", examples=["lan"]
    )


class IssuedBody(BaseModel):
    """What became of it."""

    id: str = Field(examples=["0b5c"])
    outcome: str = Field(
        description="done, or waiting where the line has not come to it yet", examples=["done"]
    )
    detail: str = Field(examples=["issued: report 7, revision 1"])
    report: ReportBody | None = Field(description="null while it waits")


class VerifiedBody(BaseModel):
    """Whether a file is one of ours, and still true."""

    digest: str = Field(examples=["sha256:9f…"])
    report: ReportBody | None = Field(
        description="the report that it is of; null: it is of none that you may see"
    )
    kind: str | None = Field(examples=["docx"])


def routes(
    reader: Reader,
    plant: Plant,
    decide: Decide,
    clock: Callable[[], int],
    catalogue: Register | None,
    given: About,
    kept: KeptFiles | None,
) -> APIRouter:
    """Return the routes; without `catalogue` or `kept` nothing can be issued."""
    router = APIRouter(
        prefix="/v1", tags=["reports"], dependencies=GUARDED, responses=documented(401, 422, 503)
    )

    _add_told(router, reader, plant, kept)
    if catalogue is not None and kept is not None:
        _add_issue(router, reader, plant, decide, clock, catalogue, given, kept)
    return router


def _add_told(router: APIRouter, reader: Reader, plant: Plant, kept: KeptFiles | None) -> None:
    """Add the routes that tell of reports."""

    @router.get("/reports")
    def issued(caller: Asking) -> ReportsBody:
        """Return every report of the caller's places, and whether it still says what the ledger does."""
        with reader.snapshot() as state:
            return ReportsBody(reports=list(told(state, plant, caller)))

    @router.get("/reports/verify")
    def verified(
        caller: Asking,
        digest: Annotated[str, Query(pattern=r"^sha256:[0-9a-f]{64}$", examples=[f"sha256:{'0' * 64}"])],
    ) -> VerifiedBody:
        """Return which report a file is of, by the SHA-256 of its bytes, and how that report stands."""
        with reader.snapshot() as state:
            for body in told(state, plant, caller):
                for kind, known in body.files.items():
                    if known == digest:
                        return VerifiedBody(digest=digest, report=body, kind=kind)
        return VerifiedBody(digest=digest, report=None, kind=None)

    @router.get(
        "/reports/{report_id}.{kind}", response_class=Response, responses={**FILE, **documented(404, 409)}
    )
    def file(
        request: Request,
        caller: Asking,
        report_id: Annotated[str, Path(max_length=64, pattern=r"^[0-9a-z]+$")],
        kind: FileKind,
    ) -> Response:
        """Return a file of a report, byte by byte as it was issued."""
        with reader.snapshot() as state:
            found = report(state.connection, report_id)
        made = None if found is None else found.made
        if made is None or kept is None or not _sees(caller, made):
            return problem(request.url.path, 404, "there is no such report")
        try:
            content = kept.read(made.files[kind])
        except (NotKept, Altered) as error:
            return problem(request.url.path, 409, f"the file of this report is damaged: {error}")
        return file_answer(
            content,
            kind,
            f"{made.form}-{_place(made).replace('/', '-')}-{'-'.join(made.periods)}-r{made.revision}",
        )


def _add_issue(
    router: APIRouter,
    reader: Reader,
    plant: Plant,
    decide: Decide,
    clock: Callable[[], int],
    catalogue: Register,
    given: About,
    kept: KeptFiles,
) -> None:
    """Add the route that issues."""

    @router.post(
        "/reports",
        response_model=IssuedBody,
        dependencies=[needs(Role.APPROVER)],
        responses={202: taken_later(IssuedBody), **documented(403, 409)},
    )
    def issue(
        request: Request,
        caller: Asking,
        record: Recording,
        once: OnceOnly,
        body: IssueWantedBody,
        language: InLanguage = "en",
    ) -> Any:
        """Issue a paper: each month of it is final, each source in a class, and each text given that its form needs.

        It gets a number and a revision, and its bytes are kept. Taken in turn among the readings; 202 if not yet. It is never changed:
        where a month is restated later, it is told to be overtaken, and the next revision is issued by asking again. `language` is that
        of a refusal; the paper's stands in the body.
        """
        cut = Cut(body.park, body.facility or "", tuple(body.periods.split(",")))
        fitting(known_form(body.form), cut)
        by, number = signed(caller, body.by), once.number(caller, body.model_dump_json())
        entry = ("report.issue", f"{body.form} {cut.place} {body.periods}", "", f"by {by}")
        decision: ReportDecision | None = None
        if once.is_new(reader, number):
            with reader.snapshot() as state:
                facts = FactsReader(state, catalogue, caller, clock(), given, version("stackmeter")).facts(
                    cut, given.checked.get(body.form, ""), savings=all_forms()[body.form][0].savings
                )
                place = (cut.park, cut.facility)
                numbers = next_number(state.connection, body.form, place, cut.periods, body.language)
                tonnes = _tonnes(state, plant, cut, facts)
            if lacks := list(open_of(body.form, facts, language)):
                record(*entry)
                # The texts, which stand last, are told whatever else is.
                detail = "; ".join(
                    f"{one.about}: {' '.join(one.why)}" for one in [*lacks[:-1][:5], lacks[-1]]
                )
                record("report.refused", entry[1], "", detail)
                told_as = Words(language).of(label("open.refused", detail=detail))
                more = {"open": [one.model_dump() for one in lacks]}
                return problem(request.url.path, 409, told_as, more=more)
            try:
                files = _files(body.form, facts, numbers, body.language, kept)
            except NotInstalled as error:
                return problem(request.url.path, 409, str(error))
            decision = ReportDecision(
                *(number, by, body.form, cut.park, cut.facility, cut.periods, body.language, facts.gwp),
                *(files, tonnes, *numbers, facts.ledger, facts.configuration, facts.version),
            )
        outcome, detail = once_taken(reader, once, number, lambda: _hand(decide, decision), record, entry)
        if outcome == "refused":
            return problem(request.url.path, 409, in_language(detail, language))
        with reader.snapshot() as state:
            found = [one for one in told(state, plant, caller) if one.id == number]
        became = IssuedBody(id=number, outcome=outcome, detail=detail, report=found[0] if found else None)
        return JSONResponse(became.model_dump(), 202 if outcome == "waiting" else 200)


def _hand(decide: Decide, decision: ReportDecision | None) -> None:
    if decision is not None:
        decide(decision)


def _files(
    form: str, facts: Facts, numbers: tuple[int, int], language: Language, kept: KeptFiles
) -> dict[str, str]:
    """Write a paper as every kind of file, keep them, and return their digests."""
    number, revision = numbers
    paper = paper_of(form, replace(facts, issue=Issue(str(number), revision)), language)
    return {kind: kept.put(written(paper, kind, language)) for kind in KINDS}


def _tonnes(state: Snapshot, plant: Plant, cut: Cut, facts: Facts) -> dict[str, float | None]:
    """Return the tonnes of each month as the table of sums has them, which the line compares."""
    zone = facts.zone
    months = dict.fromkeys(month.month for period in facts.periods for month in period.months)
    return {
        month: month_tonnes(state.connection, plant, (cut.park, cut.facility), month_of(month, zone))
        for month in months
    }


def _sees(caller: Caller, made: ReportDecision) -> bool:
    return caller.sees(made.park, made.facility)


def _place(made: ReportDecision) -> str:
    return f"{made.park}/{made.facility}" if made.facility else made.park


def told(state: Snapshot, plant: Plant, caller: Caller) -> Iterator[ReportBody]:
    """Yield every report that a caller sees, the newest first, and how it stands."""
    newest: dict[int, int] = {}
    for one in reports(state.connection):
        newest.setdefault(one.made.number, one.made.revision)
        if _sees(caller, one.made):
            yield _body(state, plant, one, is_newest=newest[one.made.number] == one.made.revision)


def _body(state: Snapshot, plant: Plant, one: IssuedReport, *, is_newest: bool) -> ReportBody:
    made = one.made
    differing = _differing(state, plant, made)
    status = "overtaken" if differing else "issued" if is_newest else "replaced"
    return ReportBody(
        id=made.id,
        number=made.number,
        revision=made.revision,
        form=made.form,
        park=made.park,
        facility=made.facility or None,
        periods=list(made.periods),
        language="vi" if made.language == "vi" else "en",
        gwp=made.gwp,
        issued_at=format_time(one.at),
        issued_by=made.by,
        files=dict(made.files),
        ledger=made.ledger,
        configuration=made.configuration,
        version=made.version,
        status=status,
        overtaken_t=sum(differing.values()) if differing else None,
        overtaken_months=sorted(differing),
    )


def _differing(state: Snapshot, plant: Plant, made: ReportDecision) -> Mapping[str, float]:
    """Return by how much the tonnes of each month differ now from what a report says, of those that do."""
    zones = {park.name: park.zone for park in plant.parks}
    if made.park not in zones:
        return {}
    found: dict[str, float] = {}
    for month, tonnes in made.tonnes.items():
        now = month_tonnes(
            state.connection, plant, (made.park, made.facility), month_of(month, zones[made.park])
        )
        if not same_tonnes(tonnes, now):
            found[month] = (now or 0.0) - (tonnes or 0.0)
    return found
