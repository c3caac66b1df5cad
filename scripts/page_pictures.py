"""Makes the pictures of the live page: starts the demo, waits until it shows an alert, and looks at it with Chromium."""

import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Browser, sync_playwright

IMAGES = Path(__file__).parents[1] / "docs" / "images"
DEMO = [sys.executable, "-c", "from stackmeter.cli import main; main()", "demo", "--port", "0"]
PATIENCE_MS = 300_000  # the demo's meters reach the present, and what fires then, within a minute or two
MOST_BYTES = 200_000


def main() -> int:
    """Make both pictures, and say how large they are."""
    chromium = shutil.which("chromium")
    if chromium is None:
        print("chromium is not installed (apt-get install chromium)", file=sys.stderr)
        return 1
    IMAGES.mkdir(exist_ok=True)
    with _demo() as links, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        pictures = [
            _picture(browser, links["page"], "live-page.png", (1280, 860), "en"),
            _picture(browser, links["wall"], "wall-display.png", (1280, 720), "vi"),
        ]
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


def _picture(browser: Browser, link: str, name: str, size: tuple[int, int], language: str) -> Path:
    """Open a link in a language, wait for an alert, and take a picture."""
    context = browser.new_context(
        viewport={"width": size[0], "height": size[1]}, locale=language, color_scheme="light"
    )
    page = context.new_page()
    page.goto(link)
    page.locator(".alert").first.wait_for(timeout=PATIENCE_MS)
    page.locator(".chart").wait_for()
    path = IMAGES / name
    page.screenshot(path=path)
    context.close()
    return path


if __name__ == "__main__":
    sys.exit(main())
