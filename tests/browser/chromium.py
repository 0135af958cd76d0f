"""Debian's Chromium, driven by Playwright: one for all tests of this folder, and no longer."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from importlib.resources import files
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from playwright.sync_api import Browser, ConsoleMessage, Page, Playwright, Route

LOOPBACK = "127.0.0.1"
# A status of 4xx that a page answers with on purpose is an error to Chromium's console.
_ON_PURPOSE = "Failed to load resource: the server responded with a status of 4"


class Chromium:
    """The browser. While it runs, there is an event loop in its thread, and no other can be."""

    def __init__(self) -> None:
        self._playwright: Playwright | None = None
        self._browser: Browser | None = None

    def start(self) -> Browser:
        """The browser, started when it is first wanted. Where there is none, tests are skipped, but in CI they fail."""
        if self._browser is None:
            executable = shutil.which("chromium")
            if executable is None:
                missing = "there is no Chromium (on Debian: apt-get install chromium)"
                if os.environ.get("CI"):
                    pytest.fail(missing)
                pytest.skip(missing)
            from playwright.sync_api import sync_playwright

            self._playwright = sync_playwright().start()
            self._browser = self._playwright.chromium.launch(
                executable_path=executable, args=[f"--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE {LOOPBACK}"]
            )
        return self._browser

    def stop(self) -> None:
        """End it; it can be started again."""
        if self._browser is not None:
            self._browser.close()
        if self._playwright is not None:
            self._playwright.stop()
        self._browser = self._playwright = None

    @contextmanager
    def page(self, **options: Any) -> Iterator[Page]:
        """A page of a browser that knows nothing yet.

        It reaches this machine alone; at the end, it has not even tried anything else, and no script went wrong and
        no policy was broken on the way.
        """
        foreign: list[str] = []
        complaints: list[str] = []

        def gate(route: Route) -> None:
            address = route.request.url
            if address.startswith((f"http://{LOOPBACK}:", "data:")):
                route.continue_()
            else:
                foreign.append(address)
                route.abort()

        def listen(message: ConsoleMessage) -> None:
            if message.type in ("error", "warning") and not message.text.startswith(_ON_PURPOSE):
                complaints.append(message.text)

        context = self.start().new_context(**{"viewport": {"width": 1200, "height": 800}, **options})
        context.set_default_timeout(10_000)
        context.route("**/*", gate)
        context.on("console", listen)
        context.on("weberror", lambda error: complaints.append(str(error.error)))
        try:
            yield context.new_page()
            assert foreign == []
            assert complaints == []
        finally:
            with suppress(Exception):
                context.close()


def axe() -> str:
    """The source of axe-core, which finds faults of accessibility."""
    return files("axe_playwright_python").joinpath("axe.min.js").read_text(encoding="utf-8")
