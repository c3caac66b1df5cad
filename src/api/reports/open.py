"""What keeps a paper from being issued: months that are not final, sources in no class, texts of about.yaml that its form needs."""

from collections.abc import Iterator

from pydantic import BaseModel, Field

from plant.languages import Language
from reports.catalogue import lacking_texts
from reports.facts import Facts
from reports.paper import label
from reports.words import Words


class OpenBody(BaseModel):
    """What keeps a paper from being issued."""

    what: str = Field(description="month, class or text", examples=["month"])
    about: str = Field(examples=["nam-cau-kien 2026-12"])
    why: list[str] = Field(examples=[["The month is not over."]])


class FormOpenBody(BaseModel):
    """What keeps a form of a place and of periods from being issued; empty where nothing does."""

    open: list[OpenBody]


def open_of(form: str, facts: Facts, language: Language) -> Iterator[OpenBody]:
    """Yield what keeps a form from being issued."""
    words = Words(language)
    for one in facts.open:
        yield OpenBody(what=one.what, about=one.about, why=[words.text(f"why.{why}") for why in one.why])
    if names := lacking_texts(form, facts):
        why = [words.of(label("why.text", name=name, what=label(f"about.{name}"))) for name in names]
        yield OpenBody(what="text", about=f"about.yaml, {facts.place}", why=why)
