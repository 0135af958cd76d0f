"""What holds for every command: help, version, colours, and failures in a line."""

import errno
import json
import os
import pty
import re
import subprocess
import sys
import time
from collections.abc import Callable
from importlib import import_module
from pathlib import Path

import pytest

from openrouter_toolkit import __version__, manifest
from openrouter_toolkit.cli import main
from openrouter_toolkit.commands import actions, table
from openrouter_toolkit.commands.parser import Command
from openrouter_toolkit.handlers import account
from openrouter_toolkit.sandbox import Sandbox

Run = Callable[..., subprocess.CompletedProcess[bytes]]
Start = Callable[..., subprocess.Popen[bytes]]
Printed = pytest.CaptureFixture[str]
SCRIPT = Path(sys.executable).with_name("openrouter-toolkit")
COMMANDS = [
    "actions",
    "show",
    "ask",
    "models",
    "execute",
    "tools",
    "mcp",
    "connect",
    "accounts",
    "tokens",
    "calls",
    "usage",
    "keys",
    "serve",
    "login-link",
    "listing",
    "config",
    "completion",
    "sandbox",
    "demo",
]


def test_version(capsys: Printed) -> None:
    assert main(["--version"]) == 0
    assert capsys.readouterr().out == f"openrouter-toolkit {__version__}\n"


def test_help_names_every_command(capsys: Printed) -> None:
    assert main(["--help"]) == 0
    text = capsys.readouterr().out
    assert all(re.search(rf"^    {command}(?: |$)", text, re.MULTILINE) for command in COMMANDS)


@pytest.mark.parametrize("command", [command for command in table.COMMANDS if command.run], ids=lambda one: one.name)
def test_each_command_s_function_is_there(command: Command) -> None:
    module, _, function = command.run.partition(":")
    assert callable(getattr(import_module(f"openrouter_toolkit.commands.{module}"), function))


@pytest.mark.parametrize("command", COMMANDS)
def test_each_command_has_help(command: str, capsys: Printed) -> None:
    assert main([command, "--help"]) == 0
    assert capsys.readouterr().out.startswith(f"usage: openrouter-toolkit {command}")


def test_help_loads_nothing_heavy(run: Run) -> None:
    done = run("--help", PYTHONPROFILEIMPORTTIME="1")
    assert done.returncode == 0
    loaded = done.stderr.decode()
    assert not any(
        f" {name}\n" in loaded
        for name in (
            *("rich", "pydantic", "yaml", "requests", "urllib3", "jsonschema", "sqlalchemy"),
            *("argcomplete", "tomlkit", "platformdirs", "opentelemetry"),
        )
    )


def test_no_command_is_answered_with_the_help_on_standard_error(capsys: Printed) -> None:
    assert main([]) == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err.startswith("usage: openrouter-toolkit")


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("acounts", 'there is no command "acounts", did you mean accounts?; see openrouter-toolkit --help'),
        ("accounts shwo x", 'there is no action "shwo", did you mean show?; see openrouter-toolkit accounts --help'),
        (
            "tokens destroy",
            'there is no action "destroy"; there are create, list, revoke; see openrouter-toolkit tokens --help',
        ),
        ("serve --prot 1", "unknown option --prot, did you mean --port?; see openrouter-toolkit serve --help"),
        ("accounts --jsn", "unknown option --jsn, did you mean --json?; see openrouter-toolkit accounts --help"),
        (
            "accounts list --jsn",
            "unknown option --jsn, did you mean --json?; see openrouter-toolkit accounts list --help",
        ),
        (
            "listing --fromat x",
            "unknown option --fromat, did you mean --format?; see openrouter-toolkit listing --help",
        ),
        ("listing --format compsio", 'there is no format "compsio", did you mean composio?; see openrouter-toolkit'),
        ("sandbox --colour red", "unknown option --colour; see openrouter-toolkit sandbox --help"),
        (
            "accounts rename ca_x --noalias",
            "unknown option --noalias, did you mean --no-alias?; see openrouter-toolkit accounts rename --help",
        ),
        (
            "accounts --user-idd alice list",
            "unknown option --user-idd, did you mean --user-id?; see openrouter-toolkit accounts --help",
        ),
        (
            "connect --userid alice",
            "unknown option --userid, did you mean --user-id?; see openrouter-toolkit connect --help",
        ),
        ("connect alice", "too many words; a key is never taken from here"),
        (
            "connect --userid sk-or-v1-0123456789abcdef",
            "unknown option --userid, did you mean --user-id?; a key is never taken from here",
        ),
        ("connect --key anything", "unknown option --key; a key is never taken from here"),
        ("sk-or-v1-0123456789abcdef", "there is no such command; there are actions, show,"),
    ],
)
def test_a_typo_is_answered_with_what_was_probably_meant(line: str, told: str, capsys: Printed) -> None:
    assert main(line.split()) == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err.startswith(f"openrouter-toolkit: {told}")
    assert printed.err.count("\n") == 1
    assert "0123456789" not in printed.err


def test_a_typo_reaches_no_terminal_as_it_is(capsys: Printed) -> None:
    for words in (["ac\x1b[31mounts"], ["serve", "--p\x1b[31mrot"], ["a\u202ecounts" + "x" * 500]):
        assert main(words) == 2
        told = capsys.readouterr().err
        assert "\x1b" not in told
        assert "\u202e" not in told
        assert len(told) < 500


def test_a_wrong_manifest_is_told_line_by_line(
    capsys: Printed, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "manifest.yaml"
    path.write_text("toolkit: 3\nauth: 4\nactions: 5\n", encoding="utf-8")
    load = manifest.load
    monkeypatch.setattr(manifest, "load", lambda _: load(path))
    for command in (["actions"], ["tools"], ["execute", "X"]):
        assert main(command) == 1
        printed = capsys.readouterr()
        assert printed.out == ""
        assert all(line.startswith(f"openrouter-toolkit: {path}:") for line in printed.err.splitlines())


def test_the_unexpected_is_one_line_and_a_traceback_when_debugging(
    capsys: Printed, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(_: object) -> int:
        raise RuntimeError("sk-or-v1-sandbox was in here")

    monkeypatch.setattr(actions, "list_actions", broken)
    monkeypatch.setenv("OPENROUTER_API_KEY", "sk-or-v1-sandbox")
    monkeypatch.delenv("OPENROUTER_TOOLKIT_DEBUG", raising=False)
    assert main(["actions"]) == 1
    told = capsys.readouterr().err
    assert told == "openrouter-toolkit: unexpected RuntimeError; OPENROUTER_TOOLKIT_DEBUG=1 shows where\n"
    monkeypatch.setenv("OPENROUTER_TOOLKIT_DEBUG", "1")
    assert main(["actions"]) == 1
    told = capsys.readouterr().err
    assert "Traceback" in told
    assert "sk-or-v1-sandbox" not in told


def test_a_mistake_in_a_handler_is_a_failed_envelope_and_a_line(
    openrouter_sandbox: Sandbox, capsys: Printed, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> str:
        raise RuntimeError

    monkeypatch.setattr(account, "get_credits", broken)
    monkeypatch.delenv("OPENROUTER_TOOLKIT_DEBUG", raising=False)
    assert main(["execute", "OPENROUTER_GET_CREDITS"]) == 1
    printed = capsys.readouterr()
    assert json.loads(printed.out)["successful"] is False
    assert printed.err == "openrouter-toolkit: OPENROUTER_GET_CREDITS failed unexpectedly\n"


def test_a_closed_standard_output_is_told_before_anything_is_done(
    environment: dict[str, str], sandbox: Sandbox
) -> None:
    command = f"{SCRIPT} execute OPENROUTER_LIST_PROVIDERS >&-"
    done = subprocess.run(command, shell=True, env=environment, capture_output=True, timeout=20, check=False)
    assert done.returncode == 1
    assert done.stderr == b"openrouter-toolkit: standard output is closed, so nothing was done\n"
    assert not sandbox.requests


def test_a_full_disk_is_one_line(start: Start) -> None:
    if not Path("/dev/full").exists():
        pytest.skip("no /dev/full here")
    with Path("/dev/full").open("wb") as full:
        process = start("tools", stdout=full)
        _, errors = process.communicate(timeout=20)
    assert process.returncode == 1
    assert errors.decode() == f"openrouter-toolkit: {os.strerror(errno.ENOSPC)}\n"


@pytest.mark.parametrize("command", [["tools"], ["actions"], ["demo"]])
def test_a_reader_that_leaves_ends_it_quietly(command: list[str], start: Start) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    process = start(*command, stdout=writing)
    os.close(writing)
    _, errors = process.communicate(timeout=20)
    assert process.returncode == 141
    assert errors == b""


def on_a_terminal(start: Start, *command: str) -> bytes:
    """What a command prints when its standard output is a terminal."""
    ours, theirs = pty.openpty()
    process = start(*command, stdout=theirs)
    os.close(theirs)
    printed = b""
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        try:
            piece = os.read(ours, 65536)
        except OSError:  # a pseudo-terminal's way to say that it ended
            break
        if not piece:
            break
        printed += piece
    os.close(ours)
    assert process.wait(20) == 0
    return printed


def test_colours_on_a_terminal_and_nowhere_else(
    start: Start, run: Run, environment: dict[str, str], capsys: Printed
) -> None:
    assert b"\x1b[" in on_a_terminal(start, "actions")
    assert b"\x1b" not in run("actions", FORCE_COLOR="1").stdout
    environment["NO_COLOR"] = "1"
    assert b"\x1b" not in on_a_terminal(start, "actions")


def test_text_for_people_goes_to_any_encoding(run_process: Run) -> None:
    for command in (["actions"], ["show", "OPENROUTER_CREATE_MESSAGE"]):
        done = run_process(*command, PYTHONIOENCODING="ascii")
        assert (done.returncode, done.stderr) == (0, b"")
        assert done.stdout.isascii()
