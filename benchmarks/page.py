"""How soon somebody who opens the live page sees a live number. Prints one JSON line.

Real Mosquitto, real `stackmeter run` with the example's parks and hours of their readings, real Chromium. Each visit is that of
a browser which has seen nothing of it before; the time runs from the start of the navigation to the frame in which today's
tonnes stand. A view is looked at by pressing what leads to it, over the year that it is in, from the press to the frame in which its numbers stand.
Aims: `first_number_p50_s` below 1; `first_weight`, the files that the first number needs, and `page_weight`, all pages with all their parts,
below 120,000 bytes as they travel; `view_…_p50_s` below 0.3.

    .venv/bin/python benchmarks/page.py [--quick]
"""

import argparse
import json
import math
import re
import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import numpy as np
from playwright.sync_api import Browser, sync_playwright

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks.api import page_weight
from simulators.faults import Faults
from simulators.park import simulate
from tests.servers import Mosquitto, required
from tests.service import TOKEN, Service

CONFIG = Path(__file__).resolve().parent.parent / "config" / "haiphong"
HISTORY = timedelta(hours=6)
PATIENCE_MS = 60_000
# Runs before the page's own code. The frame after a change is the first that can show it.
WATCH = """
const watch = new MutationObserver(() => {
  if (!/\\d/.test(document.querySelector('.hero .today .value')?.textContent)) return;
  watch.disconnect();
  requestAnimationFrame(() => setTimeout(() => { document.documentElement.dataset.firstNumber = performance.now(); }));
});
watch.observe(document, { childList: true, subtree: true, characterData: true });
"""
VIEWED = """
(selector) => new Promise((done) => {
  const start = performance.now();
  const looked = () => (document.querySelector('.looking[aria-busy=false]') ? setTimeout(() => done(performance.now() - start)) : requestAnimationFrame(looked));
  document.querySelector(selector).click();
  requestAnimationFrame(looked);
})
"""
# What is pressed one after another, and how the view is called.
VIEWS = {
    "year": ".periods [data-unit=year]",
    "sources": ".by a:nth-of-type(2)",
    "year_before": ".periods [data-step='-1']",
    "source": ".looking tbody a[href*='source=']",
    "by_gas": ".by a:nth-of-type(2)",
}


@contextmanager
def parks(folder: Path) -> Iterator[Service]:
    """Run the service with hours of the example's readings."""
    config = Path(shutil.copytree(CONFIG, folder / "config"))
    with Mosquitto() as broker, Service(folder, config, broker.url) as service:
        service.start()
        simulate(
            config,
            broker.url,
            speed=math.inf,
            duration=HISTORY.total_seconds(),
            start=datetime.now(UTC) - HISTORY,
            faults=Faults(),
            settle=30.0,
        )
        service.drain(1)
        yield service


def visit(browser: Browser, url: str) -> float:
    """Return how long the first number took, for a browser without a cache [s]."""
    context = browser.new_context()
    context.add_init_script(WATCH)
    page = context.new_page()
    page.goto(f"{url}/#key={TOKEN}")
    page.locator("html[data-first-number]").wait_for(state="attached", timeout=PATIENCE_MS)
    shown = float(page.evaluate("document.documentElement.dataset.firstNumber"))
    context.close()
    return shown / 1000


def look(browser: Browser, url: str) -> dict[str, float]:
    """Return how long each view took, one pressed after another [s]."""
    context = browser.new_context()
    page = context.new_page()
    page.goto(f"{url}/#key={TOKEN}")
    page.locator(".hero .today .value").wait_for(timeout=PATIENCE_MS)
    took = {name: float(page.evaluate(VIEWED, pressed)) / 1000 for name, pressed in VIEWS.items()}
    context.close()
    return took


def first_weight(client: httpx.Client) -> int:
    """Return the bytes of what the page itself names, which is what the first number needs."""
    page = client.get("/")
    parts = [client.get(path) for path in re.findall(r"/assets/[\w.]+", page.text)]
    return sum(one.num_bytes_downloaded for one in (page, *parts))


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="5 visits in place of 50")
    count = 5 if parser.parse_args().quick else 50
    with (
        tempfile.TemporaryDirectory() as name,
        parks(Path(name)) as service,
        sync_playwright() as playwright,
        httpx.Client(base_url=f"http://127.0.0.1:{service.port}", trust_env=False) as client,
    ):
        url = str(client.base_url).rstrip("/")
        browser = playwright.chromium.launch(executable_path=required("chromium"), args=["--no-sandbox"])
        visit(browser, url)  # Chromium's own start is not the page's
        took = [visit(browser, url) for _ in range(count)]
        views = [look(browser, url) for _ in range(count)]
        browser.close()
        weights = {"first_weight": first_weight(client), "page_weight": page_weight(client)}
    figures = {
        "first_number_p50_s": round(float(np.percentile(took, 50)), 3),
        "first_number_max_s": round(max(took), 3),
        "visits": count,
        **{
            f"view_{name}_p50_s": round(float(np.percentile([one[name] for one in views], 50)), 3)
            for name in VIEWS
        },
        **weights,
    }
    print(json.dumps(figures))


if __name__ == "__main__":
    main()
