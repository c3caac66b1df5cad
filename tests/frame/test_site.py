"""The documentation as a site: it is built, its menu has every page, and every link and anchor of what was built leads somewhere."""

import os
import re
import subprocess
import tomllib
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest

from tests.frame.repository import ROOT, text

SITE, DOCS = ROOT / ".site", ROOT / "docs"


class Page(HTMLParser):
    """What a page leads to, and where one may be led to in it."""

    def __init__(self, file: Path) -> None:
        super().__init__()
        self.targets: set[str] = set()
        self.ids: set[str] = set()
        self.feed(file.read_text())

    def handle_starttag(self, _tag: str, attrs: list[tuple[str, str | None]]) -> None:
        for name, value in attrs:
            if name in {"id", "name"}:
                self.ids.add(str(value))
            elif name in {"href", "src"}:
                self.targets.add(str(value))


@pytest.fixture(scope="module")
def pages() -> dict[Path, Page]:
    """Give the pages of the site, built anew; the tool itself is strict about pages that do not exist."""
    built = subprocess.run([ROOT / "scripts" / "docs"], capture_output=True, text=True, check=False)
    assert built.returncode == 0, built.stdout + built.stderr
    # What is not found may stand at any address, so that its links are of the site's root.
    return {file: Page(file) for file in SITE.rglob("*.html") if file.name != "404.html"}


def test_every_link_of_the_site_leads_somewhere(pages: dict[Path, Page]) -> None:
    broken = []
    for file, page in pages.items():
        for target in page.targets:
            link = urlsplit(target)
            if link.scheme or link.netloc:
                continue
            path = Path(os.path.normpath(file.parent / unquote(link.path))) if link.path else file
            anchor = unquote(link.fragment)
            if not path.exists() or (anchor and path in pages and anchor not in pages[path].ids):
                broken.append(f"{file.relative_to(SITE)}: {target}")

    assert len(pages) > 60
    assert broken == []


def test_nothing_of_a_page_is_fetched_from_elsewhere(pages: dict[Path, Page]) -> None:
    source = re.compile(r'<(?:script|link|img)[^>]*(?:src|href)="?(https?:[^" >]+)')

    assert {one for file in pages for one in source.findall(file.read_text())} == set()


def test_the_menu_has_every_page_once() -> None:
    menu = re.findall(
        r'"([^"]+\.md)"', str(tomllib.loads(text("zensical.toml"))["project"]["nav"]).replace("'", '"')
    )

    assert sorted(menu) == sorted(str(page.relative_to(DOCS)) for page in DOCS.rglob("*.md"))


def test_every_method_stands_in_a_sector() -> None:
    methods = re.findall(r"^\| \[`([^`]+)`\]", text("docs/methods.md"), re.MULTILINE)

    assert len(methods) > 50
    assert set(methods) - set(re.findall(r"methods\.md#([^)]+)", text("docs/sectors.md"))) == set()
