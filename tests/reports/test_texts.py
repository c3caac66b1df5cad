"""Papers say everything in two languages, and forms have no text of their own."""

import ast
from pathlib import Path
from typing import get_args

import pytest

from api.market.bodies import Act
from api.reports.month_end import Kind
from plant.configuration.about import AboutTexts
from plant.languages import LANGUAGES
from reports.catalogue import all_forms
from reports.classes import class_of, classes
from reports.paper import label
from reports.spec import Takes
from reports.words import Words, method_titles, places_of, texts
from rules.catalogue import load_catalogue
from store.accounting.closing import Status
from store.records.table import RecordStanding

REPORTS = Path(__file__).parents[2] / "src/reports"


def test_every_text_is_there_in_each_language_with_the_same_places() -> None:
    vi, en = (texts(language) for language in LANGUAGES)

    assert vi.keys() == en.keys()
    assert {key: places_of(text) for key, text in vi.items()} == {
        key: places_of(text) for key, text in en.items()
    }


def test_whatever_the_command_line_is_told_has_a_word() -> None:
    words = {
        "status": Status,
        "standing": RecordStanding,
        "act": get_args(Act),
        "item": get_args(Kind),
        "takes": Takes,
    }
    for language in LANGUAGES:
        told = texts(language)
        assert [
            f"{kind}.{one}" for kind, some in words.items() for one in some if f"{kind}.{one}" not in told
        ] == []
    assert Words("vi").word("standing", "new one") == "new one"


@pytest.mark.parametrize("form", all_forms())
def test_a_form_is_named_in_each_language(form: str) -> None:
    assert all(f"form.{form}" in texts(language) for language in LANGUAGES)


def test_what_only_people_can_give_has_a_name_where_it_may_be_lacking() -> None:
    asked = {
        node.value
        for file in [*REPORTS.glob("forms/*.py"), REPORTS / "base_year.py"]
        for call in ast.walk(ast.parse(file.read_text(encoding="utf-8")))
        if isinstance(call, ast.Call)
        and isinstance(call.func, ast.Name)
        and call.func.id in {"lacking", "told_or_lacking"}
        for node in ast.walk(call)
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    }

    assert asked
    assert asked <= set(AboutTexts.model_fields)
    assert {f"about.{name}" for name in asked} <= texts("vi").keys()


@pytest.mark.parametrize("file", sorted(REPORTS.glob("forms/*.py")), ids=lambda file: file.stem)
def test_a_form_has_no_text_of_its_own(file: Path) -> None:
    tree = ast.parse(file.read_text(encoding="utf-8"))
    docstrings = {
        id(node.body[0].value)
        for node in ast.walk(tree)
        if isinstance(node, ast.Module | ast.FunctionDef) and isinstance(node.body[0], ast.Expr)
    }
    said = [
        node.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in docstrings
    ]

    assert [one for one in said if " " in one.strip(", ")] == []


METHODS = load_catalogue(None).methods


@pytest.mark.parametrize("method", METHODS)
def test_every_method_has_one_place_in_each_scheme(method: str) -> None:
    scope = METHODS[method].scope
    for category in range(1, 16) if scope == 3 else (None,):
        found = class_of("", method, scope, category)

        assert found is not None, f"{method} of scope {scope} has no row in classes.yaml"
        named = {
            f"class.iso.{found.iso}",
            f"class.ghg.{found.ghg}",
            *([f"class.circular38.{found.circular38}"] if found.circular38 else []),
        }
        assert named <= texts("vi").keys()


def test_a_source_of_scope_3_without_a_category_has_no_place() -> None:
    assert class_of("of-our-own", "value-chain-mass", 3) is None
    assert class_of("of-our-own", "value-chain-mass", 3, 5).ghg == "scope3.5"


@pytest.mark.parametrize("method", METHODS)
def test_every_method_has_a_vietnamese_title(method: str) -> None:
    said = label("method", name=method, title=METHODS[method].title)

    assert method in method_titles()
    assert Words("vi").of(said) == method_titles()[method]
    assert Words("en").of(said) == METHODS[method].title


def test_every_class_has_a_name_and_its_source_and_mark() -> None:
    for found in classes().values():
        for scheme in ("ghg", "iso", "circular38"):
            code = getattr(found, scheme)
            assert not code or f"class.{scheme}.{code}" in texts("en")
        assert found.source
        assert found.mark in {"V2", "M", "D"}


def test_a_category_decides_before_the_method_and_only_in_its_scope() -> None:
    assert class_of("vehicles", "fuel-liquid-volume", 1).circular38 == "1b"
    assert class_of("of-our-own", "fuel-liquid-volume", 1).circular38 == "1a"
    assert class_of("business-travel", "electricity-location", 3).ghg == "scope3.6"
    assert class_of("of-our-own", "electricity-location", 3) is None
