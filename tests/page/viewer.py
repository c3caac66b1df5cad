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
from tests.servers import required_node
from tests.service import TOKEN, Service

# One text for each element that breaks a rule of axe.
AXE = """async () => (await axe.run()).violations.flatMap((rule) => rule.nodes.map((one) => `${rule.id}: ${one.html.slice(0, 200)} ${one.failureSummary}`))"""

BESIDE = (
    "beside",
    "chosen",
    "city",
    "decisions",
    "eco_park",
    "energy",
    "month_end",
    "plan",
    "position",
    "records",
)  # files of pages beside the live one begin so
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


def axe_finds(page: Page) -> list[str]:
    """Return what axe finds wrong with a page as it stands: WCAG 2.2 A and AA, and its best practices."""
    page.evaluate((required_node("axe-core") / "node_modules/axe-core/axe.min.js").read_text())
    found: list[str] = page.evaluate(AXE)
    return found


def reached_by_keyboard(page: Page, presses: int) -> set[str]:
    """Return the names of what Tab comes to from the first choice on, of what has none the kind of element."""
    page.get_by_role("combobox").first.focus()
    found = set()
    for _ in range(presses):
        page.keyboard.press("Tab")
        found.add(page.evaluate("document.activeElement.name || document.activeElement.tagName"))
    return found


def key_of(service: Service, name: str, place: str, role: str = "viewer") -> str:
    """Make a key for one place; where nothing else is said it may only look."""
    park, _, facility = place.partition("/")
    keys, by = Keys(keys_file(service.state)), Actor("tests", "tests")
    return keys.create(
        name, role, [(park, facility)], shared=False, expires=NEVER, now=time.time_ns(), by=by
    )[1]


def page_files(name: str, *more: str) -> list[bytes]:
    """Return the files that a page beside the live one asks for."""
    files = assets()
    return [files[one].content for one in (f"{name}.html", f"{name}.js", f"{name}_text.js", *SHARED, *more)]


def words_of(name: str) -> None:
    """Check that each word of a page beside the live one is there in both languages, and is no word of the live one."""
    code = {one: asset.content.decode() for one, asset in assets().items()}
    english, vietnamese = _words(code[f"{name}_text.js"])
    assert english == vietnamese
    shared = set(re.findall(r"(?:^|[,{\s])(\w+): ['\"]", code["text.js"])) | {"toLive"}
    assert english & shared == set()
    for one in ("decisions", "chosen"):
        words, both = _words(code[f"{one}.js"].partition("learn({")[2])
        assert words == both
        assert words & shared == set()
        assert shared | words >= set(re.findall(r"say\('(\w+)'", code[f"{one}.js"]))
        if f"'./{one}.js'" in code[f"{name}.js"]:
            assert english & words == set()
            english |= words
    assert english | shared >= set(re.findall(r"say\('(\w+)'", code[f"{name}.js"]))
    assert shared >= set(re.findall(r"say\('(\w+)'", code["beside.js"]))


def _words(code: str) -> list[set[str]]:
    """Return the names of the words that a file of a page has in English, and in Vietnamese."""
    both = code.partition("\n});")[0].split("  vi: {")
    return [set(re.findall(r"(?:^|[,{\s])(\w+): ['\"]", part)) for part in both]
