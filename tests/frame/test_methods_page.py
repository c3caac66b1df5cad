"""docs/methods.md: as the code makes it, and whole."""

import re
import subprocess
import sys

from scripts import methods_page as made
from tests.frame.repository import ROOT, text


def test_making_the_page_anew_changes_nothing() -> None:
    """Nobody edited it by hand, and nobody forgot scripts/methods."""
    assert made.page() == text("docs/methods.md")


def test_the_check_says_so() -> None:
    answer = subprocess.run(
        [sys.executable, ROOT / "scripts" / "methods_page.py", "--check"], capture_output=True, check=False
    )

    assert (answer.returncode, answer.stderr) == (0, b"")


def test_every_link_on_it_leads_somewhere() -> None:
    page = text("docs/methods.md")
    headings = set(re.findall(r"^### (\S+)$", page, re.MULTILINE))

    assert set(re.findall(r"\]\(#([^)]+)\)", page)) <= headings
    assert {
        file for file in re.findall(r"\]\((\w[^)#]*)\)", page) if not (ROOT / "docs" / file).is_file()
    } == set()


def test_no_description_is_empty_or_still_has_the_words_of_the_code() -> None:
    page = text("docs/methods.md")

    assert re.findall(r"^\|.*\| *\|$", page, re.MULTILINE) == re.findall(
        r"^\| (?:input|parameter) \|.*$", page, re.MULTILINE
    )
    assert not re.search(r"NaN|\.emissions|\]_", page)
