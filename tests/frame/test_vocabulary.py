"""docs/vocabulary.md against the code: no word without an entry, no entry that points nowhere."""

import re
from enum import Enum
from itertools import chain

import pytest

from plant.vocabulary import BASELINES, Code, Flag, Kind, Outcome, Quality, Verdict
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


def test_later_readings_step_from_every_verdict_but_three() -> None:
    """A new verdict is one or the other."""
    assert set(Verdict) - set(BASELINES) == {Verdict.UNCOUNTED, Verdict.OUTLIER, Verdict.HELD}


ENDS_OF_OTHER_THINGS = {  # than of time
    "src/api/live/event_ids.py": "ids of events",
    "src/ingest/sparkplug/past.py": "a number of messages",
    "src/proof/verify/configurations.py": "an offset of the journal",
    "src/store/accounting/ledger_views.py": "ids of the ledger",
    "src/store/messages/presence.py": "SQL, where a time is missing",
    "src/store/messages/quarantine.py": "offsets of the journal",
}


def test_never_and_for_ever_are_written_once() -> None:
    own = {
        str(file.relative_to(ROOT))
        for file in (ROOT / "src").rglob("*.py")
        if "alert" not in str(file) and re.search(r"2 ?\*\* ?62|1 ?<< ?62", file.read_text(encoding="utf-8"))
    }

    assert own - ENDS_OF_OTHER_THINGS.keys() == {"src/plant/vocabulary.py"}
