"""docs/faults.md: every id that a test has in its name is explained there, and every row leads to a test."""

import ast
import re
from functools import cache

from tests.frame.repository import ROOT, text

LETTERS = "bc|bh|bm|bt|bw|sa|sd|sm"
IN_NAME = re.compile(rf"_(?:({LETTERS})_?(\d\d)|(f)(\d{{3}})|(field|house|solid)_([a-c]?\d+))(?=_|$)")
IN_TEXT = re.compile(rf"\b(?:F-\d{{3}}|(?:{LETTERS.upper()})-\d\d)\b")
IN_CASE = re.compile(rf"({LETTERS})-\d\d(?=-)", re.IGNORECASE)
ROW = re.compile(
    r"^\| ((?:[A-Z]+-|field |house |solid )\w+) \| (.+) \| ((?:`tests/\S+ -k \S+`(?:, )?)+) \|$", re.MULTILINE
)
ROWS = {row[0]: re.findall(r"`(\S+) -k (\S+)`", row[2]) for row in ROW.findall(text("docs/faults.md"))}
FILES = [path for path in (ROOT / "tests").rglob("*.py") if "node_modules" not in path.parts]
CASES = [path.name for path in (ROOT / "tests" / "cases").rglob("*") if IN_CASE.match(path.name)]


@cache
def names_in(file: str) -> list[str]:
    """Return the names of a file's tests, in small letters."""
    tree = ast.parse(text(file))
    names = [node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]
    return [name.lower() for name in names if name.startswith("test_")]


def named() -> set[str]:
    """Return every id that a test, a case or a text among the tests names."""
    found = {IN_CASE.match(case)[0].upper() for case in CASES}
    for path in FILES:
        found |= set(IN_TEXT.findall(path.read_text(encoding="utf-8")))
        for name in names_in(path.relative_to(ROOT).as_posix()):
            for row, number, fault, fault_number, word, promise in IN_NAME.findall(name):
                found.add(
                    f"{word} {promise}" if word else f"{(row or fault).upper()}-{number or fault_number}"
                )
    return found


def test_every_id_has_a_row_and_every_row_an_id() -> None:
    assert named() == set(ROWS)


def test_the_tests_of_every_row_exist() -> None:
    gone = []
    for row, tests in ROWS.items():
        for file, word in tests:
            cases = CASES if file.startswith("tests/ingest/formats/") else []
            if not any(word.lower() in name for name in [*names_in(file), *map(str.lower, cases)]):
                gone.append((row, file, word))

    assert gone == []


def test_each_row_is_written_once() -> None:
    written = re.findall(
        r"^\| ((?:F|[BS][A-Z])-\d+|(?:field|house|solid) \w+) \|", text("docs/faults.md"), re.MULTILINE
    )

    assert written == list(ROWS)
