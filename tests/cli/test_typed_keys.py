"""A key that was typed where it does not belong is not shown again, whichever command, option or position it was."""

from __future__ import annotations

import argparse
import io
import subprocess
import sys
from collections.abc import Callable, Iterator

import pytest

from openrouter_toolkit.cli import main, parser
from openrouter_toolkit.server.graceful_shutdown import Server

from ..scale import scaled

Run = Callable[..., subprocess.CompletedProcess[bytes]]
SECRET = "a9b8c7d6e5f4a3b2c1d0e9f8a7b6c5d4"
KEY = f"sk-or-v1-{SECRET}"
FORMS = ("{}", "@{}", "x/{}", "https://example.com/{}", "https://{}")


def _commands(one: argparse.ArgumentParser) -> Iterator[argparse.ArgumentParser]:
    yield one
    for action in one._actions:
        if isinstance(action, argparse._SubParsersAction):
            for added in action.choices.values():
                yield from _commands(added)


def _takes_a_word(action: argparse.Action) -> bool:
    return action.nargs != 0 and not isinstance(action, argparse._SubParsersAction)


def _filled(positions: list[argparse.Action], chosen: argparse.Action, word: str) -> list[str]:
    return [word if action is chosen else "ca_x" for action in positions if action is chosen or action.nargs != "?"]


def _required(command: argparse.ArgumentParser) -> list[str]:
    """What has to be there, so that the word under test is looked at."""
    groups = [group._group_actions[-1] for group in command._mutually_exclusive_groups if group.required]
    return [action.option_strings[0] for action in groups]


def _lines() -> Iterator[list[str]]:
    """Command lines with a key in one place each: in every position, every option, and where no word belongs."""
    for command in _commands(parser()):
        words = command.prog.split()[1:]
        taking = [action for action in command._actions if _takes_a_word(action)]
        positions = [action for action in taking if not action.option_strings]
        needed = _filled(positions, argparse.Action([], ""), "")
        yield [*words, *needed, KEY]
        yield [*words, *needed, f"--{KEY}"]
        yield [*words, *needed, f"--unknown={KEY}"]
        for action in taking:
            for form in FORMS:
                word = form.format(KEY)
                if action.option_strings:
                    required = _required(command) if action.dest != "users" else []
                    yield [*words, *needed, *required, action.option_strings[0], word]
                else:
                    yield [*words, *_required(command), *_filled(positions, action, word)]


LINES = [line for line in _lines() if line[0] != "mcp"]
# A third of them has every command and every form, `make load` all.
TRIED = LINES[:: scaled(3, full=1)]


def _shows_nothing(told: str) -> None:
    pieces = {SECRET[start : start + 8] for start in range(len(SECRET) - 7)}
    assert not [piece for piece in pieces if piece in told], told


@pytest.mark.load
@pytest.mark.parametrize("line", TRIED, ids=lambda line: " ".join(line).replace(KEY, "KEY"))
def test_a_key_is_shown_nowhere(
    line: list[str], environment: dict[str, str], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO()))
    monkeypatch.setattr(Server, "run", lambda server: server._on_start())
    status = main(line)
    printed = capsys.readouterr()
    assert status in (0, 1, 2)
    _shows_nothing(printed.out + printed.err)


MCP = [["--user-id", KEY], ["--allow", KEY], ["--allow", "models", KEY], ["--deny", KEY], [KEY], [f"--{KEY}"]]


@pytest.mark.parametrize("words", MCP, ids=lambda words: " ".join(words).replace(KEY, "KEY"))
def test_a_key_is_shown_nowhere_by_a_process_of_its_own(run: Run, words: list[str]) -> None:
    done = run("mcp", *words)
    assert done.returncode in (0, 2)
    _shows_nothing((done.stdout + done.stderr).decode())


def test_a_key_in_the_environment_is_shown_nowhere_either(run: Run) -> None:
    key = "no-key-of-openrouters-a9b8c7d6e5f4"
    words = ("execute", "X", "--arguments", f"@{key}")
    done = run(*words, OPENROUTER_API_KEY=key)
    assert done.returncode == 2
    assert b"the file [redacted] can't be read" in done.stderr
    assert key.encode() in run(*words).stderr


def test_every_command_is_tried() -> None:
    tried = {line[0] for line in LINES}
    (commands,) = (action for action in parser()._actions if isinstance(action, argparse._SubParsersAction))
    assert {*tried, "mcp"} >= set(commands.choices)
