"""What all pages are looked at with."""

from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

from tests.page.viewer import Viewer, Visit
from tests.servers import required
from tests.service import TOKEN, Service


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    path = required("chromium")
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        yield started
        started.close()


@pytest.fixture
def visit(
    request: pytest.FixtureRequest, browser: Browser, service: Service, keys: dict[str, str]
) -> Iterator[Visit]:
    """Open the page at PATH of the module as somebody; at the end nobody may have complained or asked anybody else."""
    opened: list[tuple[BrowserContext, Viewer]] = []

    def visit(who: str, language: str = "en", query: str = "", **options: Any) -> Page:
        context = browser.new_context(**({"locale": "en-GB", "timezone_id": "America/Lima"} | options))
        opened.append((context, Viewer(context, service)))
        path = f"{request.module.PATH}?lang={language}{query}"
        return opened[-1][1].open(path, key=keys.get(who, TOKEN))

    yield visit
    for context, viewer in opened:
        context.close()
        assert viewer.complaints == []
        assert [one.url for one in viewer.requests if not one.url.startswith((viewer.url, "blob:"))] == []
