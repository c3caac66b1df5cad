"""A browser of somebody who looks at a page of a running service."""

import json
import re
import time
from collections.abc import Callable
from typing import Any

from playwright.sync_api import BrowserContext, Page, Request, expect

from api.live.page import assets
from store.access_log import Actor
from store.folder import keys_file
from store.keys import NEVER, Keys
from tests.service import TOKEN, Service

# Texts whose contrast to their ground is too low, WCAG 2.2 criterion 1.4.3.
CONTRAST = """() => {
    const channel = (value) => (value /= 255) <= 0.03928 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
    const light = (rgb) => { const [r, g, b] = rgb.map(channel); return 0.2126 * r + 0.7152 * g + 0.0722 * b; };
    const parse = (text) => text.match(/[\\d.]+/g).map(Number);
    const ground = (one) => { for (; one; one = one.parentElement) { const [r, g, b, a = 1] = parse(getComputedStyle(one).backgroundColor); if (a === 1) return [r, g, b]; } return [255, 255, 255]; };
    const low = [];
    for (const one of document.querySelectorAll('#app *')) {
        const own = [...one.childNodes].some((child) => child.nodeType === 3 && child.nodeValue.trim());
        if (!own || one.closest('svg') || !one.checkVisibility()) continue;
        const [a, b] = [light(parse(getComputedStyle(one).color).slice(0, 3)), light(ground(one))].sort((x, y) => y - x);
        if ((a + 0.05) / (b + 0.05) < 4.5) low.push(`${one.className} ${one.textContent}`);
    }
    return low;
}"""
# What can be pressed or filled in, and has no name.
NAMELESS = """() => [...document.querySelectorAll('button, a, input, summary, select')]
    .filter((one) => !(one.getAttribute('aria-label') ?? one.textContent).trim() && !one.labels?.length).map((one) => one.outerHTML)"""

BESIDE = ("beside", "month_end", "records")  # files of pages beside the live one begin so
Visit = Callable[..., Page]
SHARED = (
    "page.css",
    "beside.css",
    "address.js",
    "draw.js",
    "dialogs.js",
    "stream.js",
    "text.js",
    "beside.js",
)


class Viewer:
    """A browser of somebody, and all that it asked for and complained of."""

    def __init__(self, context: BrowserContext, service: Service) -> None:
        self.url = f"http://127.0.0.1:{service.port}"
        self.requests: list[Request] = []
        self.complaints: list[str] = []
        self.context = context
        self.page = context.new_page()
        self.page.on("request", self._note)
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on("console", self._hear)

    def open(self, query: str = "?lang=en", key: str = TOKEN) -> Page:
        self.page.goto(f"{self.url}/{query}#key={key}")
        return self.page

    def live(self, query: str = "?lang=en") -> Page:
        page = self.open(query)
        expect(page.locator(".hero .today .value")).to_be_visible()
        return page

    def told(self, query: str, events: dict[str, Any]) -> Page:
        """Open the page on a stream that tells these events, once each."""
        body = "".join(f"event: {name}\ndata: {json.dumps(one)}\n\n" for name, one in events.items())
        self.page.route(
            "**/v1/live", lambda route: route.fulfill(body=body, content_type="text/event-stream")
        )
        return self.live(query)

    def _note(self, request: Request) -> None:
        self.requests.append(request)

    def _hear(self, message: Any) -> None:
        # What is refused while the service is away, or for a wrong key, is the browser's own to tell.
        if message.type in {"error", "warning"} and "Failed to load resource" not in message.text:
            self.complaints.append(message.text)


def key_of(service: Service, name: str, place: str, role: str = "viewer") -> str:
    """Make a key for one place; where nothing else is said it may only look."""
    park, _, facility = place.partition("/")
    keys, by = Keys(keys_file(service.state)), Actor("tests", "tests")
    return keys.create(
        name, role, [(park, facility)], shared=False, expires=NEVER, now=time.time_ns(), by=by
    )[1]


def page_files(name: str) -> list[bytes]:
    """Return the files that a page beside the live one asks for."""
    files = assets()
    return [files[one].content for one in (f"{name}.html", f"{name}.js", f"{name}_text.js", *SHARED)]


def words_of(name: str) -> None:
    """Check that each word of a page beside the live one is there in both languages, and is no word of the live one."""
    code = {one: asset.content.decode() for one, asset in assets().items()}
    english, vietnamese = (
        set(re.findall(r"(?:^|[,{\s])(\w+): ['\"]", part))
        for part in code[f"{name}_text.js"].partition("\n});")[0].split("  vi: {")
    )
    assert english == vietnamese
    shared = set(re.findall(r"(?:^|[,{\s])(\w+): ['\"]", code["text.js"])) | {"toLive"}
    assert english & shared == set()
    assert english | shared >= set(re.findall(r"say\('(\w+)'", code[f"{name}.js"]))
    assert shared >= set(re.findall(r"say\('(\w+)'", code["beside.js"]))
