"""Strict YAML with lines, and pydantic's errors at their keys."""

from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import Any, Literal

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import BaseModel, ConfigDict
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError as RuamelError

from plant.documents.documents import ConfigurationError, Problem, parse, read, salvage
from plant.documents.yaml12 import Reader

ROOT = Path(__file__).parents[2]


class Meter(BaseModel):
    model_config = ConfigDict(strict=True, extra="forbid", allow_inf_nan=False)

    name: str
    colour: Literal["red", "green"] = "red"
    limit: float | None = None
    swapped: bool = False
    tags: dict[str, int] = {}


class Hall(BaseModel):
    model_config = ConfigDict(strict=True, extra="forbid")

    title: str
    meters: list[Meter] = []


def written(tmp_path: Path, content: str | bytes) -> Path:
    file = tmp_path / "hall.yaml"
    file.write_bytes(content.encode() if isinstance(content, str) else content)
    return file


def problems_of(tmp_path: Path, content: str | bytes) -> list[str]:
    """Return what `parse` says, without the folder."""
    file = written(tmp_path, content)
    with pytest.raises(ConfigurationError) as error:
        parse(file, Hall)
    return [str(problem).removeprefix(f"{tmp_path}/") for problem in error.value.problems]


def test_a_valid_file_becomes_the_model(tmp_path: Path) -> None:
    hall = parse(written(tmp_path, "title: Hall\nmeters:\n  - {name: a, limit: 3, swapped: true}\n"), Hall)

    assert hall == Hall(title="Hall", meters=[Meter(name="a", limit=3.0, swapped=True)])


def test_all_mistakes_come_at_once_with_line_key_path_and_suggestion(tmp_path: Path) -> None:
    text = """\
titel: Hall
meters:
  - name: a
    color: red
  - colour: gren
    limit: "3"
  - name: 7
    swapped: yes
    tags: {x: 1.5}
"""

    assert problems_of(tmp_path, text) == [
        "hall.yaml:1: titel: unknown key (did you mean title?)",
        "hall.yaml:1: title: is required",
        "hall.yaml:4: meters[0].color: unknown key (did you mean colour?)",
        "hall.yaml:5: meters[1].colour: 'gren' is not 'red' or 'green' (did you mean green?)",
        "hall.yaml:5: meters[1].name: is required",
        "hall.yaml:6: meters[1].limit: should be a valid number, not '3'",
        "hall.yaml:7: meters[2].name: should be text, not 7",
        "hall.yaml:8: meters[2].swapped: should be true or false, not 'yes'",
        "hall.yaml:9: meters[2].tags.x: should be a whole number, not 1.5",
    ]


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ("title: a\ntitle: b\n", "hall.yaml:2: title: is given twice (first in line 1)"),
        ("title: !!str a\n", "hall.yaml:1: title: tags like tag:yaml.org,2002:str are not used here"),
        ("title: &x a\n", "hall.yaml:1: title: anchors are not used here"),
        ("a: &x b\ntitle: *x\n", "hall.yaml:2: title: aliases are not used here; write the value out"),
        ("title: a\n---\ntitle: b\n", "hall.yaml:2: a second document starts here; a file has one"),
        ("%YAML 1.1\n---\ntitle: a\n", "hall.yaml:1: is not YAML 1.2"),
        ("title: a\nmeters:\n\t- name: a\n", "hall.yaml:3: has a tab where YAML wants spaces"),
        ("title: a\nmeters: [\n", "hall.yaml:3: did not find expected node content"),
        ("[1, 2]\n", "hall.yaml:1: should be a mapping of keys to values, not a list"),
        ("? [a]\n: b\n", "hall.yaml:1: a key is plain text"),
        (b"title: \xe9\n", "hall.yaml:1: byte 0xe9 is not UTF-8; save the file as UTF-8"),
        ("title: a\nmeters: \x00\n", "hall.yaml:2: has a character that YAML does not allow"),
        ("\ufefftitle: a\n", "hall.yaml:1: starts with a byte-order mark; save it as UTF-8 without one"),
        (
            "title: a\nmeters: [{name: a, limit: .nan}]\n",
            "hall.yaml:2: meters[0].limit: .nan is not a finite number",
        ),
        (
            "title: a\nmeters: [{name: a, limit: 1e999}]\n",
            "hall.yaml:2: meters[0].limit: 1e999 is not a finite number",
        ),
        (
            "title: a\nmeters: [{name: a, limit: 012}]\n",
            "hall.yaml:2: meters[0].limit: 012 is ambiguous; write it without the leading zero, or quote it",
        ),
        (
            f"title: a\nmeters: [{{name: a, limit: {'9' * 5000}}}]\n",
            "hall.yaml:2: meters[0].limit: is a number of more than 40 characters",
        ),
        ("", "hall.yaml:1: title: is required"),
    ],
)
def test_what_is_refused_has_its_line(tmp_path: Path, content: str | bytes, expected: str) -> None:
    assert expected in problems_of(tmp_path, content)


def test_the_billion_laughs_are_refused_at_the_first(tmp_path: Path) -> None:
    text = "a: &a [x, x]\n" + "".join(
        f"{c}: &{c} [*{p}, *{p}]\n" for p, c in zip("abcdefgh", "bcdefghi", strict=True)
    )

    assert (
        problems_of(tmp_path, text)[-1] == "hall.yaml:2: b[0]: aliases are not used here; write the value out"
    )


def test_nesting_has_an_end(tmp_path: Path) -> None:
    (problem,) = problems_of(tmp_path, "[" * 100_000)

    assert problem.endswith("is nested deeper than 32 levels")


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("yes", "yes"),
        ("on", "on"),
        ("1:20", "1:20"),
        ("2026-01-01", "2026-01-01"),
        ("0x1F", "0x1F"),
        ("1_000", "1_000"),
        ("'012'", "012"),
        ("<<", "<<"),
        ("true", True),
        ("~", None),
        ("-3", -3),
        ("1.5e3", 1500.0),
        (".5", 0.5),
    ],
)
def test_plain_words_are_yaml_1_2(tmp_path: Path, text: str, value: object) -> None:
    """No Norway problem, no sexagesimal, no octal, no merge key."""
    assert read(written(tmp_path, f"a: {text}\n")).value == {"a": value}


FILES = sorted(
    file
    for folder in ("config", "src", "tests/plant/cases", "docs")
    for file in (ROOT / folder).rglob("*.yaml")
)


def events_of(events: Iterable[Any]) -> list[tuple[str, str, bool]]:
    found = []
    with suppress(yaml.YAMLError, RuamelError):
        found.extend(
            (type(event).__name__, getattr(event, "value", ""), bool(getattr(event, "style", "")))
            for event in events
        )
    return found


@pytest.mark.parametrize("file", FILES, ids=lambda file: str(file.relative_to(ROOT)))
def test_the_scanner_finds_what_that_of_yaml_1_2_finds(file: Path) -> None:
    text = file.read_text(errors="replace")

    ours, oracle = (
        events_of(yaml.parse(text, yaml.CLoader)),
        events_of(YAML(typ="safe", pure=True).parse(text)),
    )

    assert ours[: len(oracle)] == oracle[: len(ours)]  # each ends at what it refuses
    assert len(FILES) > 50


@pytest.mark.parametrize("text", ["", "# nothing yet\n", "---\n", "a: 1\r\nb: 2\r\n", "a: 'tab\there'\n"])
def test_what_is_allowed_is_read(tmp_path: Path, text: str) -> None:
    """Empty files, comments, Windows line ends and tabs inside text."""
    assert isinstance(read(written(tmp_path, text)).value, dict)


def test_a_document_knows_the_line_of_a_key_later(tmp_path: Path) -> None:
    document = read(written(tmp_path, "title: a\nmeters:\n  - name: a\n    limit: 3\n"))

    lines = [
        document.line(p)
        for p in [(), ("meters",), ("meters", 0), ("meters", 0, "limit"), ("meters", 0, "x", "y")]
    ]

    assert lines == [1, 2, 3, 4, 3]


def test_salvage_keeps_what_is_intact_in_its_place(tmp_path: Path) -> None:
    """The second meter is wrong: the third is still the third."""
    document = read(written(tmp_path, "title: a\nmeters:\n - name: a\n - {name: b, x: 1}\n - name: c\n"))

    hall = salvage(document, Hall)

    assert hall is not None
    assert [(m.path, m.value.name) for m in hall.parts("meters", hall.value.meters)] == [
        (("meters", 0), "a"),
        (("meters", 2), "c"),
    ]
    assert [str(p.message) for p in document.problems] == [
        "unknown key; known are name, colour, limit, swapped, tags"
    ]
    assert document.broken == {"b"}


@pytest.mark.parametrize("text", ["meters: []\n", "title: 5\n", "title: []\nmeters: 3\n", "[]\n", "x: 1\n"])
def test_salvage_ends_where_nothing_valid_is_left(tmp_path: Path, text: str) -> None:
    """A required key is missing or had to be cut out; it is named once."""
    document = read(written(tmp_path, text))

    assert salvage(document, Hall) is None
    assert len(document.problems) == len({p.path for p in document.problems}) > 0


def test_problems_are_sorted_and_told_once() -> None:
    one, two = Problem("a.yaml", 2, "x", "is wrong"), Problem("a.yaml", 10, "", "is wrong")

    assert str(ConfigurationError([two, one, two])) == "a.yaml:2: x: is wrong\na.yaml:10: is wrong"


def test_a_problem_is_one_line_whatever_the_file_brings_into_it(tmp_path: Path) -> None:
    (problem, _) = problems_of(tmp_path, 'title: a\n"x\\n\\e[31m": 1\nmeters: 5\n')

    assert problem == "hall.yaml:2: x\\n\\x1b[31m: unknown key; known are title, meters"


@given(st.text(alphabet=st.sampled_from(list("ab:-?[]{}&*!|>'\"%#@`,\n \t~<.0\x85\u2028")), max_size=60))
@settings(max_examples=500)
def test_any_text_is_a_value_or_a_configuration_error(text: str) -> None:
    """Whatever an editor leaves behind, it ends in a value or in problems with lines."""
    reader = Reader(Path("x.yaml"), text)
    try:
        reader.value()
    except ConfigurationError as error:
        lines = [p.line for p in error.problems]
    else:
        lines = [p.line for p in reader.problems] + [1]

    assert lines
    assert all(1 <= line <= len(text.splitlines()) + 1 for line in lines)
