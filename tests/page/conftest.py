"""What all pages are looked at with."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, sync_playwright

from tests.servers import required


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    path = required("chromium")
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        yield started
        started.close()
