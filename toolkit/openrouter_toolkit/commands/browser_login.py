"""Login in the browser for a command: opens the page, waits for the code or asks for it, fetches the key."""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from . import terminal
from .failure import CommandFailed, usage_error

if TYPE_CHECKING:
    from ..connecting import BrowserLogin, Callback
    from ..manifest import LoadedToolkit

_TIMEOUT = 600.0  # seconds
_MAX_CODE_LENGTH = 4_096


@contextmanager
def login(loaded: LoadedToolkit) -> Iterator[BrowserLogin]:
    """A context with the toolkit's browser login; if the login fails, the command ends.

    Raises:
        CommandFailed: the toolkit has no browser login, or the login failed.
    """
    from ..connecting import browser_login
    from ..envelope import ActionError

    try:
        browser = browser_login(loaded)
        if browser is None:
            raise CommandFailed(f"{loaded.toolkit.name} has no login in the browser; paste a key instead")
        try:
            yield browser
        finally:
            browser.close()
    except ActionError as error:
        raise CommandFailed(error.explanation) from None


def log_in_with_browser(browser: BrowserLogin, callback: Callback, key_label: str) -> str:
    """Open the login page, wait for the browser's callback and return the key.

    Raises:
        CommandFailed: the person refused, or no callback came in time.
        ActionError: the code could not be exchanged for a key.
    """
    from ..connecting import LoginRefused, LoginTimedOut, new_verifier

    verifier = new_verifier()
    url = browser.begin(callback.url, key_label, verifier)
    terminal.print_message(f"Your browser opens; if it does not, open this page on this machine:\n  {url}")
    # A browser in the terminal, or its wrapper, returns only after the person has finished.
    threading.Thread(target=_open_browser, args=(url,), daemon=True).start()
    try:
        code = callback.code(_TIMEOUT)
    except LoginRefused:
        callback.show("Not connected", "You refused, and nothing was stored. You can close this page.")
        raise CommandFailed("the login was refused in the browser, and nothing was stored") from None
    except LoginTimedOut:
        raise CommandFailed(
            f"nobody came back from the browser within {_TIMEOUT / 60:.0f} minutes, and nothing was stored; "
            "on a machine without a browser use --headless"
        ) from None
    return browser.finish(code, verifier)


def log_in_with_pasted_code(browser: BrowserLogin, key_label: str) -> str:
    """Return the key for a code that the person pastes or that standard input contains.

    Raises:
        CommandFailed: there is no code.
        ActionError: the code could not be exchanged for a key.
    """
    from ..connecting import new_verifier

    verifier = new_verifier()
    url = browser.begin(None, key_label, verifier)
    terminal.print_message(f"Open this page in a browser, on any machine, and authorize:\n  {url}")
    try:
        code = terminal.ask("Then paste the code here: ") if terminal.can_ask() else _first_line()
    except EOFError:
        code = ""
    if not code:
        raise CommandFailed("there was no code, and nothing was stored")
    return browser.finish(code, verifier)


def _open_browser(url: str) -> None:
    import webbrowser

    try:
        opened = webbrowser.open(url)
    except (webbrowser.Error, OSError):
        opened = False
    if not opened:
        terminal.print_message("No browser could be opened here; open the page yourself, or use --headless.")


def _first_line() -> str:
    if sys.stdin is None:
        raise usage_error("--headless asks for a code, and there is no standard input")
    return sys.stdin.readline(_MAX_CODE_LENGTH).strip()
