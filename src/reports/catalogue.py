"""Every form and every writer by name, and the way from facts to a file."""

import pkgutil
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from functools import cache
from importlib import import_module
from typing import TypeGuard

from plant.languages import Language
from reports import forms
from reports.facts import Facts
from reports.paper import Cell, Paper, Paragraph, Piece, Tone, label
from reports.parts import lacking_key
from reports.spec import FormSpec
from reports.words import Words
from reports.writers import csv_file, docx_file, html_file, json_file, xlsx

Fill = Callable[[Facts], Paper]
Write = Callable[[Paper, Words], bytes]
WRITERS: Mapping[str, tuple[Write, str]] = {
    one: (module.write, module.MEDIA_TYPE)
    for one, module in (
        ("docx", docx_file),
        ("xlsx", xlsx),
        ("csv", csv_file),
        ("json", json_file),
        ("html", html_file),
    )
}


@cache
def all_forms() -> Mapping[str, tuple[FormSpec, Fill]]:
    """Return what each form says of itself, and what fills it, by name."""
    modules = (import_module(f"{forms.__name__}.{one.name}") for one in pkgutil.iter_modules(forms.__path__))
    found = {module.SPEC.name: (module.SPEC, module.fill) for module in modules if hasattr(module, "SPEC")}
    return dict(sorted(found.items()))


def paper_of(form: str, facts: Facts, language: Language) -> Paper:
    """Return a filled form with what stands on each page, and what tells of its cut."""
    _, fill = all_forms()[form]
    filled = fill(facts)
    return replace(
        filled,
        # What is issued without a text is in a form that may be without it.
        pieces=tuple(one for one in filled.pieces if facts.issue is None or not _is_lacking(one)),
        warnings=tuple(_warnings(facts, language)),
        properties=tuple(_properties(facts)),
    )


def lacking_texts(form: str, facts: Facts) -> list[str]:
    """Return the keys of about.yaml that a form needs and nobody has given, in the order of the form."""
    spec, fill = all_forms()[form]
    keys = [lacking_key(one) for one in fill(facts).pieces if _is_lacking(one)]
    return [key for key in dict.fromkeys(keys) if key not in spec.optional]


def _is_lacking(piece: Piece) -> TypeGuard[Paragraph]:
    return isinstance(piece, Paragraph) and piece.tone is Tone.LACKING


def written(paper: Paper, kind: str, language: Language) -> bytes:
    """Return a paper as a file of a kind; the same paper gives the same bytes.

    Raises
    ------
    NotInstalled
        What writes this kind is not installed.
    """
    write, _ = WRITERS[kind]
    return write(paper, Words(language))


def media_type(kind: str) -> str:
    """Return the media type of a kind of file."""
    return WRITERS[kind][1]


def _warnings(facts: Facts, language: Language) -> Iterator[Cell]:
    if facts.open:
        yield label("draft.open")
    elif facts.issue is None:
        yield label("draft")
    if language == "vi" and not facts.checked:
        yield label("unchecked")


def _properties(facts: Facts) -> Iterator[tuple[str, Cell]]:
    yield "place", facts.place
    yield "periods", ", ".join(one.period for one in facts.periods)
    yield "gwp", facts.gwp
    if facts.issue is not None:
        yield "number", facts.issue.number
        yield "revision", str(facts.issue.revision)
    if facts.as_of:
        yield "as_of", facts.as_of
    yield "configuration", facts.configuration
    yield "ledger", facts.ledger
    yield "version", facts.version
    if facts.checked:
        yield "checked", facts.checked
