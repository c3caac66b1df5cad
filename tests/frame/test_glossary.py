"""The Vietnamese of docs/vocabulary.md against every text that people read: one word for one thing."""

import re
from pathlib import Path

import pytest

from tests.frame.repository import ROOT, text

TABLE = text("docs/vocabulary.md").partition("## In Vietnamese")[2]
ROWS = re.findall(r"^\| ([^|]+) \| ([^|]+) \| ([^|]*)\|$", TABLE, re.MULTILINE)[1:]
REFUSED = sorted(word for *_, words in ROWS for word in words.strip().split(", ") if word)
USED = {word for _, words, _ in ROWS for word in words.strip().split(", ")}
LETTERS = re.compile("[ăđơưạảấầẩẫậắằẳẵặẹẻẽếềểễệỉịọỏốồổỗộớờởỡợụủứừửữựỳỵỷỹ]", re.IGNORECASE)
PLACES = ("src", "grafana", "config", "deploy", "docs", "simulators")
FILES = sorted(
    path
    for place in PLACES
    for path in (ROOT / place).rglob("*")
    if path.suffix in {".py", ".js", ".html", ".yaml", ".yml", ".json", ".md"}
    and path.name not in {"vocabulary.md", "law.vi.yaml"}  # the law's words are the law's
    and LETTERS.search(path.read_text())
)


def test_solid_c_there_is_vietnamese_to_look_at() -> None:
    assert {"rules.yaml", "text.js", "texts.py", "tong-quan.md", "languages.py"} <= {
        one.name for one in FILES
    }


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_solid_c_no_other_word_is_used_for_what_has_one(path: Path) -> None:
    found = path.read_text()

    assert [
        word for word in REFUSED if re.search(rf"(?<!\w){re.escape(word)}(?!\w)", found, re.IGNORECASE)
    ] == []


def test_solid_c_no_word_is_both_used_and_refused() -> None:
    assert USED & set(REFUSED) == set()
