"""Forms: which there are, and one filled from the present state, as a draft of which nothing is kept."""

from collections.abc import Callable
from importlib.metadata import version
from typing import Annotated, Any, Literal, get_args

from fastapi import APIRouter, Query, Request, Response
from fastapi import Path as PathValue
from pydantic import BaseModel, Field

from api.access.caller import Asking, Caller
from api.access.guard import GUARDED
from api.parameters import InLanguage
from api.problems import InvalidQuery, documented, problem
from api.reports.facts_reader import Cut, FactsReader
from api.reports.open import FormOpenBody, open_of
from plant.configuration.about import About
from plant.suggest import did_you_mean
from reports.catalogue import all_forms, media_type, paper_of, written
from reports.facts import Facts
from reports.words import Words
from reports.writers.extra import NotInstalled
from rules.catalogue import Register
from store.reader import Reader, Snapshot

PERIODS = r"^[0-9]{4}(-(0[1-9]|1[0-2]))?(,[0-9]{4}(-(0[1-9]|1[0-2]))?)?$"
FileKind = Literal["docx", "xlsx", "csv", "json", "html"]
KINDS: tuple[FileKind, ...] = get_args(FileKind)
# A page of a paper has its own style and nothing else.
PAGE = {"Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'"}

Periods = Annotated[
    str, Query(pattern=PERIODS, description="a year, two years, or a month", examples=["2025,2026"])
]
ParkName = Annotated[str, Query(max_length=200, examples=["nam-cau-kien"])]
FacilityName = Annotated[
    str | None, Query(max_length=200, description="left out: the whole park", examples=["mill"])
]
_SCHEMAS: dict[FileKind, dict[str, str]] = {"json": {"type": "object"}}
FILE: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "the file",
        "content": {
            media_type(kind).partition(";")[0]: {
                "schema": _SCHEMAS.get(kind, {"type": "string", "format": "binary"})
            }
            for kind in KINDS
        },
    }
}


class FormBody(BaseModel):
    """A form that papers are made by."""

    form: str = Field(examples=["form06"])
    title: str = Field(description="what it is", examples=["Form 06 of Decree 06/2022"])
    takes: str = Field(description="which periods it is of", examples=["two years"])
    facility: bool = Field(description="of a facility only, not of a park", examples=[True])
    prescribed: bool = Field(description="by the state: a file of it holds nothing else", examples=[True])
    checked: str | None = Field(
        description="who has checked its Vietnamese words; null: nobody, and each page says so",
        examples=[None],
    )


class FormsBody(BaseModel):
    """Forms by name."""

    forms: list[FormBody]
    kinds: list[str] = Field(description="the files that each can be had as", examples=[["docx", "xlsx"]])


NOTHING_GIVEN = About({}, {})


def known_form(name: str) -> str:
    """Return a form's name; raise InvalidQuery where there is none of it."""
    if name not in all_forms():
        raise InvalidQuery(("form", f"unknown: {name[:64]!r}{did_you_mean(name, all_forms())}"))
    return name


def fitting(form: str, cut: Cut) -> None:
    """Raise InvalidQuery where a form is not of such a place or of such periods."""
    spec, _ = all_forms()[form]
    if wrong := spec.wrong(cut.periods):
        raise InvalidQuery(("periods", wrong))
    if spec.facility and not cut.facility:
        raise InvalidQuery(("facility", f"{form} is of one facility: name it"))


def routes(reader: Reader, clock: Callable[[], int], catalogue: Register | None, given: About) -> APIRouter:
    """Return the routes; `clock` tells the time [ns UTC]."""
    router = APIRouter(
        prefix="/v1", tags=["reports"], dependencies=GUARDED, responses=documented(401, 422, 503)
    )

    def facts_of(state: Snapshot, caller: Caller, form: str, cut: Cut) -> Facts:
        if catalogue is None:
            raise InvalidQuery(("form", "this service does not fill forms"))
        fitting(known_form(form), cut)
        found = FactsReader(state, catalogue, caller, clock(), given, version("stackmeter"))
        return found.facts(cut, given.checked.get(form, ""), savings=all_forms()[form][0].savings)

    @router.get("/forms")
    def forms(_: Asking, language: InLanguage = "en") -> FormsBody:
        """Return the forms that papers are made by, and which periods each is of."""
        words = Words(language)
        return FormsBody(
            forms=[
                FormBody(
                    form=name,
                    title=words.text(f"form.{name}"),
                    takes=spec.takes,
                    facility=spec.facility,
                    prescribed=spec.prescribed,
                    checked=given.checked.get(name),
                )
                for name, (spec, _) in all_forms().items()
            ],
            kinds=list(KINDS),
        )

    @router.get("/forms/open")
    def lacking(
        caller: Asking,
        form: Annotated[str, Query(max_length=64, examples=["form06"])],
        park: ParkName,
        periods: Periods,
        facility: FacilityName = None,
        language: InLanguage = "en",
    ) -> FormOpenBody:
        """Return what keeps a form from being issued: months that are not final, sources in no class, texts that it needs."""
        with reader.snapshot() as state:
            facts = facts_of(state, caller, form, Cut(park, facility or "", tuple(periods.split(","))))
        return FormOpenBody(open=list(open_of(form, facts, language)))

    @router.get("/forms/{form}.{kind}", response_class=Response, responses={**FILE, **documented(404, 409)})
    def filled(
        request: Request,
        caller: Asking,
        form: Annotated[str, PathValue(max_length=64)],
        kind: FileKind,
        park: ParkName,
        periods: Periods,
        facility: FacilityName = None,
        language: InLanguage = "vi",
    ) -> Response:
        """Return a form filled from one moment's state, as a draft: nothing is kept, and each page says that it is one.

        Every number is that of GET /v1/totals at the moment; the last sheet of a workbook says where each comes from. Of months that
        are over the same state gives the same bytes.
        """
        cut = Cut(park, facility or "", tuple(periods.split(",")))
        with reader.snapshot() as state:
            facts = facts_of(state, caller, form, cut)
        try:
            content = written(paper_of(form, facts, language), kind, language)
        except NotInstalled as error:
            return problem(request.url.path, 409, str(error))
        return file_answer(
            content, kind, f"{form}-{cut.place.replace('/', '-')}-{'-'.join(cut.periods)}-draft"
        )

    return router


def file_answer(content: bytes, kind: str, name: str) -> Response:
    """Return a file as an answer: a page is shown, everything else is saved under its name."""
    shown = "inline" if kind == "html" else "attachment"
    headers = {"Content-Disposition": f'{shown}; filename="{name}.{kind}"'}
    return Response(content, media_type=media_type(kind), headers=headers | (PAGE if kind == "html" else {}))
