"""Makes the pictures of the live page with Chromium: of the demo, once it shows an alert, and of a service that knows a year."""

import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path

from playwright.sync_api import Browser, Page, sync_playwright

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from tests.page.year import BASINS, ZONE, year
from tests.service import TOKEN

IMAGES = Path(__file__).parents[1] / "docs" / "images"
DEMO = [sys.executable, "-c", "from stackmeter.cli import main; main()", "demo", "--port", "0"]
PATIENCE_MS = 300_000  # the demo's meters reach the present, and what fires then, within a minute or two
MOST_BYTES = 200_000
DESK, PHONE = (1280, 860), (360, 740)
LOOKED_AT = ".looking[aria-busy=false] .chart"


def main() -> int:
    """Make all pictures, and say how large they are."""
    chromium = shutil.which("chromium")
    if chromium is None:
        print("chromium is not installed (apt-get install chromium)", file=sys.stderr)
        return 1
    IMAGES.mkdir(exist_ok=True)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        with _demo() as links:
            pictures = [
                _picture(browser, links["page"], "live-page.png", DESK, "en"),
                _picture(browser, links["wall"], "wall-display.png", (1280, 720), "vi"),
            ]
        pictures += _of_a_year(browser)
        browser.close()
    for path in pictures:
        print(f"{path.relative_to(Path.cwd())}: {path.stat().st_size:,} bytes")
    return int(any(path.stat().st_size >= MOST_BYTES for path in pictures))


@contextmanager
def _demo() -> Iterator[dict[str, str]]:
    """Run the demo, and give the links that it prints."""
    with subprocess.Popen(DEMO, stdout=subprocess.PIPE, text=True, start_new_session=True) as process:  # noqa: S603  a constant
        links: dict[str, str] = {}
        try:
            for line in process.stdout or ():
                name, _, link = line.strip().partition("   ")
                links[name] = link.strip()
                if "wall" in links:
                    break
            yield links
        finally:
            process.send_signal(signal.SIGINT)
            process.communicate()


def _of_a_year(browser: Browser) -> list[Path]:
    """Look back at the month before: at a desk, in Vietnamese on a phone, and at an alert."""
    month = f"{datetime.now(ZONE).replace(day=1) - timedelta(days=1):%Y-%m}"
    with tempfile.TemporaryDirectory() as folder, year(Path(folder)) as past:
        past.water(9.6, ("ph", *BASINS))
        at = f"http://127.0.0.1:{past.service.port}/?park=bac"
        shown = [
            _picture(browser, f"{at}&period={month}&by={by}#key={TOKEN}", name, size, language, LOOKED_AT)
            for by, name, size, language in (
                ("source", "month.png", DESK, "en"),
                ("facility", "month-phone.png", PHONE, "vi"),
            )
        ]
        page = _page(browser, DESK, "en")
        page.goto(f"{at}#key={TOKEN}")
        page.get_by_role("link", name="The water is too alkaline").click()
        return [*shown, _taken(page, "alert.png", LOOKED_AT)]


def _page(browser: Browser, size: tuple[int, int], language: str) -> Page:
    return browser.new_page(
        viewport={"width": size[0], "height": size[1]}, locale=language, color_scheme="light"
    )


def _picture(
    browser: Browser, link: str, name: str, size: tuple[int, int], language: str, shows: str = ".alert"
) -> Path:
    """Open a link in a language, wait for what it must show, and take a picture."""
    page = _page(browser, size, language)
    page.goto(link)
    return _taken(page, name, shows)


def _taken(page: Page, name: str, shows: str) -> Path:
    page.locator(shows).first.wait_for(timeout=PATIENCE_MS)
    page.locator(".chart").first.wait_for()
    path = IMAGES / name
    page.screenshot(path=path)
    page.close()
    return path


if __name__ == "__main__":
    sys.exit(main())
