"""The log on standard error: short for people who type commands, whole for who runs a server; never with a key."""

from __future__ import annotations

import json
import logging
import re
import signal
import subprocess
from collections.abc import Callable
from datetime import datetime

import httpx2
import pytest

from openrouter_toolkit.cli import logging_to_standard_error

KEY = "sk-or-v1-" + "5" * 64
TIME = r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d{3}"
REQUEST = r"\[req_[0-9a-f]{20}\]"
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
        browser.post(link, data={"name": "Ada", "csrf": csrf})
        page = browser.get(f"{url}/admin/tools/openrouter")
        csrf = re.findall(r'name="csrf" value="(\w+)"', page.text)[0]
        switch = f"{url}/admin/tools/openrouter/actions/openrouter_get_credits/switch"
        assert browser.post(switch, data={"csrf": csrf, "to": "off"}).status_code == 303
    process.send_signal(signal.SIGTERM)
    told = process.communicate(timeout=20)[1].decode()
    assert re.search(rf"^{TIME} INFO Ada logged in {REQUEST}$", told, re.MULTILINE)
    assert re.search(rf"^{TIME} INFO action OPENROUTER_GET_CREDITS: switched off {REQUEST}$", told, re.MULTILINE)
    assert link.rpartition("/")[2] not in told


def test_json_is_an_object_a_line(capsys: pytest.CaptureFixture[str]) -> None:
    with logging_to_standard_error(whole=True, as_json=True):
        _log.info("account %s: connected", "ca_1")
        _log.warning('it failed with %s\nTraceback\n  "quoted"\u2028 \x1b[31m', KEY)
        try:
            int("of no use")
        except ValueError:
            _log.exception("unexpected")
    told = capsys.readouterr().err
    first, second, third = (json.loads(line) for line in told.splitlines())
    assert first | {"time": ""} == {
        "time": "",
        "level": "INFO",
        "logger": "openrouter_toolkit",
        "message": "account ca_1: connected",
    }
    assert datetime.fromisoformat(first["time"]).tzinfo is not None
    assert second["level"] == "WARNING"
    assert "5555" not in told
    assert "ValueError: invalid literal" in third["exception"]


def test_a_server_that_logs_json_says_nothing_else_and_no_login_link(
    start: Callable[..., subprocess.Popen[bytes]],
) -> None:
    process = start("serve", "--log-format", "json", "--metrics-port", "0")
    assert process.stdout is not None
    url = process.stdout.readline().decode().strip()
    process.send_signal(signal.SIGTERM)
    told = process.communicate(timeout=20)[1].decode()
    messages = [json.loads(line)["message"] for line in told.splitlines()]
    assert messages[0].startswith(f"OpenRouter Toolkit is at {url}")
    assert any("login-link" in message for message in messages)
    assert "/login/" not in told
