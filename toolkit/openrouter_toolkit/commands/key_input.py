"""Ways to get a key: typed without echo, from standard input, or by a login in the browser. Never the command line."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager

from ..connecting import BrowserLogin, Callback, LoginRefused, LoginTimedOut, browser_login, new_verifier
from ..envelope import ActionError
from ..manifest import Auth, AuthField, LoadedToolkit
from . import terminal
from .terminal import CommandFailed, print_message, usage_error

Check = Callable[[Mapping[str, str]], object]
_MAX_BYTES = 64 * 1024
_MAX_CODE_LENGTH = 4_096
_ATTEMPTS = 3
_LOGIN_TIMEOUT = 600.0  # seconds


class KeyRefused(CommandFailed):
    """A key was checked and refused; another key may work."""


def ask_for_fields(auth: Auth, check: Check, finish: Check) -> None:
    """Ask a person for each field, after the steps to get one; optional fields may be skipped.

    Required fields are passed to `check` before the optional ones are asked for; all fields are passed to `finish`
    at the end. If either refuses, its fields are asked for again, up to three times.

    Raises:
        CommandFailed: there is no terminal, nothing was typed, or the last attempt was refused.
    """
    if not terminal.can_ask():
        raise usage_error("there is no terminal to ask for the key; give it on standard input with --stdin")
    last_required = max((number for number, field in enumerate(auth.fields, 1) if field.required), default=0)
    required, optional = auth.fields[:last_required], auth.fields[last_required:]
    given: Mapping[str, str] = {}
    if required:
        given = _ask_until_accepted(required, given, check if optional else finish)
    if optional:
        _ask_until_accepted(optional, given, finish)


def _ask_until_accepted(fields: Sequence[AuthField], given: Mapping[str, str], check: Check) -> Mapping[str, str]:
    """The fields given so far together with these, once `check` accepts them."""
    for field in fields:
        print_message(f"\n{field.title}{'' if field.required else ' (optional)'}: {field.description}")
        for number, step in enumerate(field.steps, 1):
            print_message(f"  {number}. {step}")
    attempts_left = _ATTEMPTS
    while True:
        answers = {**given, **_ask(fields)}
        try:
            check(answers)
        except KeyRefused as refusal:
            attempts_left -= 1
            if not attempts_left:
                raise
            terminal.print_error(f"{refusal.reason} Try again.")
        else:
            return answers


def _ask(fields: Sequence[AuthField]) -> dict[str, str]:
    answers = {}
    for field in fields:
        notes = "; ".join(["not shown"] * field.secret + ["Enter leaves it out"] * (not field.required))
        value = terminal.ask(f"{field.title}{f' ({notes})' if notes else ''}: ", secret=field.secret)
        if value is None or (field.required and not value):
            raise CommandFailed("nothing was given, and nothing was stored")
        if value:
            answers[field.name] = value
    return answers


def read_fields(auth: Auth) -> dict[str, str]:
    """Read the fields from standard input, one per line, in the manifest's order.

    Raises:
        CommandFailed: the input is empty, too long, or a terminal, which would show what is typed.
    """
    if sys.stdin is None:
        raise usage_error("--stdin reads standard input, and there is none")
    if terminal.is_terminal(sys.stdin):
        raise usage_error("--stdin reads a file or a pipe; leave it out to be asked without echo")
    try:
        content = sys.stdin.buffer.read(_MAX_BYTES + 1)
        lines = [line.strip() for line in content.decode("utf-8-sig").strip().splitlines()]
    except OSError as error:
        raise usage_error(f"standard input can't be read: {error.strerror or error}") from None
    except UnicodeDecodeError:
        raise usage_error("standard input is not in UTF-8") from None
    wanted = ", ".join(field.name + ("" if field.required else " (optional)") for field in auth.fields)
    if len(content) > _MAX_BYTES:
        raise usage_error(f"standard input is too much; give a line each: {wanted}")
    if len(lines) > len(auth.fields):
        raise usage_error(f"standard input has {len(lines)} lines; give one for each of {wanted}")
    if not lines:
        raise usage_error(f"standard input is empty; give a line each: {wanted}")
    return {field.name: line for field, line in zip(auth.fields, lines, strict=False) if line}


@contextmanager
def login(loaded: LoadedToolkit) -> Iterator[BrowserLogin]:
    """A context with the toolkit's browser login; if the login fails, the command ends.

    Raises:
        CommandFailed: the toolkit has no browser login, or the login failed.
    """
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
    verifier = new_verifier()
    url = browser.begin(callback.url, key_label, verifier)
    print_message(f"Your browser opens; if it does not, open this page on this machine:\n  {url}")
    # A browser in the terminal, or its wrapper, returns only after the person has finished.
    threading.Thread(target=_open_browser, args=(url,), daemon=True).start()
    try:
        code = callback.code(_LOGIN_TIMEOUT)
    except LoginRefused:
        callback.show("Not connected", "You refused, and nothing was stored. You can close this page.")
        raise CommandFailed("the login was refused in the browser, and nothing was stored") from None
    except LoginTimedOut:
        raise CommandFailed(
            f"nobody came back from the browser within {_LOGIN_TIMEOUT / 60:.0f} minutes, and nothing was stored; "
            "on a machine without a browser use --headless"
        ) from None
    return browser.finish(code, verifier)


def _open_browser(url: str) -> None:
    import webbrowser

    try:
        opened = webbrowser.open(url)
    except (webbrowser.Error, OSError):
        opened = False
    if not opened:
        print_message("No browser could be opened here; open the page yourself, or use --headless.")


def log_in_with_pasted_code(browser: BrowserLogin, key_label: str) -> str:
    """Return the key for a code that the person pastes or that standard input contains.

    Raises:
        CommandFailed: there is no code.
        ActionError: the code could not be exchanged for a key.
    """
    verifier = new_verifier()
    url = browser.begin(None, key_label, verifier)
    print_message(f"Open this page in a browser, on any machine, and authorize:\n  {url}")
    if sys.stdin is None:
        raise usage_error("--headless asks for a code, and there is no standard input")
    if terminal.can_ask():
        code = terminal.ask("Then paste the code here: ")
    else:
        code = sys.stdin.readline(_MAX_CODE_LENGTH).strip()
    if not code:
        raise CommandFailed("there was no code, and nothing was stored")
    return browser.finish(code, verifier)
