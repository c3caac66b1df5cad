"""docs/vocabulary.md against the code: no word without an entry, no entry that points nowhere."""

import re
from enum import Enum
from itertools import chain

import pytest

from plant.vocabulary import Code, Flag, Kind, Outcome, Quality, Verdict
from rules.american.regulation import Status
from rules.american.substitution import Rule
from store import blocks
from tests.frame.repository import ROOT, text

PAGE = text("docs/vocabulary.md")
ENTRIES = re.findall(r"^\| `(\w+)` \|(.*)\|$", PAGE, re.MULTILINE)
TERMS = {term for term, _ in ENTRIES}


def words(enumeration: type[Enum]) -> set[str]:
    return {
        str(member.value) if isinstance(member.value, str) else member.name.lower() for member in enumeration
    }


@pytest.mark.parametrize("enumeration", [Code, Flag, Kind, Outcome, Quality, Rule, Status, Verdict])
def test_every_word_of_the_code_has_an_entry(enumeration: type[Enum]) -> None:
    assert words(enumeration) - TERMS == set()


def test_every_emission_field_has_an_entry() -> None:
    assert set(blocks.FIELDS) - TERMS == set()


@pytest.mark.parametrize("enumeration", [Quality, Verdict, Flag])
def test_a_word_has_the_number_that_the_code_gives_it(enumeration: type[Enum]) -> None:
    for member in enumeration:
        numbers = [re.match(r" (\d+) \|", rest) for term, rest in ENTRIES if term == member.name.lower()]
        assert member.value in {int(number[1]) for number in numbers if number}


def test_every_entry_has_a_meaning() -> None:
    assert [term for term, rest in ENTRIES if not rest.strip(" |")] == []


def test_every_file_that_it_names_exists() -> None:
    named = set(chain(re.findall(r"src/[\w/]+\.(?:py|sql)", PAGE)))

    assert [path for path in sorted(named) if not (ROOT / path).is_file()] == []


def test_an_entry_says_where_it_is_defined() -> None:
    """In its last column, wherever the table has such a column."""
    tables = re.findall(r"^\|[^\n]*where defined \|\n\|[-|]+\n((?:\|[^\n]*\n)+)", PAGE, re.MULTILINE)
    rows = chain.from_iterable(table.splitlines() for table in tables)

    assert [row for row in rows if not re.search(r"\| src/[\w/]+\.(py|sql) \|$", row)] == []
