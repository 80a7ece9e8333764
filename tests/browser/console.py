"""The console for tests: a page in real Chromium, watched for errors and what it asks for."""

import os
import re
import shutil
from typing import Any, Final
from urllib.parse import urlsplit

from playwright.sync_api import (
    Browser,
    BrowserContext,
    ConsoleMessage,
    Locator,
    Request,
    ViewportSize,
    expect,
)

from tests.browser.people import PEOPLE
from tests.integration.running import RunningPlatform

ARGUMENTS: Final = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    # Whatever else it may want to ask: there is nobody.
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
)
NAMES: Final = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
MISSING: Final = "no Chromium found: apt-get install chromium, or name one in CHROMIUM"
PATIENCE_MS: Final = 15_000
_OURS: Final = re.compile(r"/|/console/[\w./-]+|/v1/[\w./-]+|/docs(/[\w.-]+)?|/openapi\.json")
_STATUS: Final = re.compile(r"Failed to load resource: .* status of (\d+)")


def chromium() -> str | None:
    """The program to run, or None."""
    named = os.environ.get("CHROMIUM")
    return named or next((found for name in NAMES if (found := shutil.which(name))), None)


def people(platform: RunningPlatform) -> None:
    """Let a few people be in it."""
    answer = platform.post(PEOPLE)
    assert answer.json()["rejected"] == []
    platform.settled()


class Console:
    """A tab of its own with the console in it; ``problems`` is what no page of ours may do."""

    def __init__(self, browser: Browser, platform: RunningPlatform, **options: Any) -> None:
        self.platform = platform
        self.url = f"http://127.0.0.1:{platform.port}/"
        self.problems: list[str] = []
        self.expected: set[int] = set()
        self.asked: list[str] = []
        size = ViewportSize(width=options.pop("width", 1200), height=800)
        settings = {"locale": "en-GB", "timezone_id": "Europe/Berlin"} | options
        self.context: BrowserContext = browser.new_context(viewport=size, **settings)
        self.page = self.context.new_page()
        self.page.set_default_timeout(PATIENCE_MS)
        self.page.on("console", self._said)
        self.page.on("pageerror", lambda error: self.problems.append(f"error: {error}"))
        self.page.on("request", self._requested)

    def unlock(self) -> None:
        """Open the console and type the key that it asks for."""
        self.page.goto(self.url)
        self.page.get_by_label("Secret").fill(self.platform.keys["secret"])
        self.page.keyboard.press("Enter")
        self.sees(self.page.locator("nav"))

    def open(self, path: str = "#/") -> None:
        """Open the console in a tab that has the key."""
        key = self.platform.keys["secret"]
        self.context.add_init_script(f"sessionStorage.setItem('touchline.key', '{key}')")
        self.page.goto(self.url + path)

    def go(self, path: str) -> None:
        """Another view, as by a link."""
        self.page.evaluate("path => { location.hash = path }", path)

    def customer(self, identifier: str) -> None:
        """Open the page of whom ``identifier`` is part of."""
        found = self.platform.get(f"/v1/customers?identifier={identifier}")
        self.open(f"#/customers/{found['items'][0]['customer_id']}")

    def sees(self, what: Locator | str) -> None:
        """Wait until it is seen."""
        found = self.page.get_by_text(what) if isinstance(what, str) else what
        expect(found.first).to_be_visible(timeout=PATIENCE_MS)

    def _said(self, message: ConsoleMessage) -> None:
        status = _STATUS.match(message.text)
        if status is None or int(status[1]) not in self.expected:
            self.problems.append(f"{message.type}: {message.text}")

    def _requested(self, request: Request) -> None:
        self.asked.append(request.url)
        if not request.url.startswith(self.url) or not _OURS.fullmatch(urlsplit(request.url).path):
            self.problems.append(f"asked for {request.url}")
