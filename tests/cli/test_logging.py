"""The log on standard error: short for people who type commands, whole for who runs a server; never with a key."""

from __future__ import annotations

import logging
import re
import signal
import subprocess
from collections.abc import Callable

import httpx2
import pytest

from openrouter_toolkit.cli import logging_to_standard_error

KEY = "sk-or-v1-" + "5" * 64
TIME = r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d{3}"
_log = logging.getLogger("openrouter_toolkit")


def logged(capsys: pytest.CaptureFixture[str], *, whole: bool) -> str:
    with logging_to_standard_error(whole=whole):
        _log.debug("of no interest")
        _log.info("account ca_1: connected")
        _log.warning("it failed with %s\nTraceback\n  and \x1b[31mmore", KEY)
    _log.error("nobody listens any more")
    return capsys.readouterr().err


def test_a_command_tells_its_warnings_in_a_line_each(capsys: pytest.CaptureFixture[str]) -> None:
    assert re.fullmatch(r"openrouter-toolkit: it failed with \S+\n", told := logged(capsys, whole=False))
    assert "5555" not in told


def test_a_server_tells_everything_and_when(capsys: pytest.CaptureFixture[str]) -> None:
    told = logged(capsys, whole=True)
    first, second, *rest = told.splitlines()
    assert re.fullmatch(rf"{TIME} INFO account ca_1: connected", first)
    assert re.fullmatch(rf"{TIME} WARNING it failed with \S+", second)
    assert rest == ["Traceback", r"  and \x1b[31mmore"]
    assert "5555" not in told


def test_debugging_tells_what_else_there_is(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENROUTER_TOOLKIT_DEBUG", "1")
    assert "of no interest" in logged(capsys, whole=False)


def test_it_is_left_as_it_was(capsys: pytest.CaptureFixture[str]) -> None:
    before = (_log.level, list(logging.getLogger().handlers))
    logged(capsys, whole=True)
    assert (_log.level, logging.getLogger().handlers) == before


def test_a_server_tells_who_logged_in_and_what_was_done(start: Callable[..., subprocess.Popen[bytes]]) -> None:
    process = start("serve")
    assert process.stdout is not None
    assert process.stderr is not None
    url = process.stdout.readline().decode().strip()
    process.stderr.readline()
    link = process.stderr.readline().decode().split()[-1]
    with httpx2.Client() as browser:
        csrf = re.findall(r'name="csrf" value="(\w+)"', browser.get(link).text)[0]
        browser.post(link, data={"csrf": csrf})
        page = browser.get(f"{url}/admin/tools/openrouter")
        csrf = re.findall(r'name="csrf" value="(\w+)"', page.text)[0]
        switch = f"{url}/admin/tools/openrouter/actions/openrouter_get_credits/switch"
        assert browser.post(switch, data={"csrf": csrf, "to": "off"}).status_code == 303
    process.send_signal(signal.SIGTERM)
    told = process.communicate(timeout=20)[1].decode()
    assert re.search(rf"^{TIME} INFO somebody logged in$", told, re.MULTILINE)
    assert re.search(rf"^{TIME} INFO action OPENROUTER_GET_CREDITS: switched off$", told, re.MULTILINE)
    assert link.rpartition("/")[2] not in told
