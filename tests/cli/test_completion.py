"""`completion`: the real shells complete commands, slugs, parameters, models, users and settings."""

import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from openrouter_toolkit.store import Store

from .conftest import SCRIPT

Run = Callable[..., subprocess.CompletedProcess[bytes]]
Complete = Callable[[str], list[str]]
COMPLETION = "openrouter-toolkit execute OPENROUTER_CREATE_COMPLETION"
# Each line, and some of what it completes to; the last word of a line is what was begun.
LINES = {
    "openrouter-toolkit exec": ["execute"],
    "openrouter-toolkit ask -m acme/atlas-small:": ["acme/atlas-small:free"],
    "openrouter-toolkit execute OPENROUTER_GET_C": ["OPENROUTER_GET_CREDITS", "OPENROUTER_GET_CURRENT_KEY"],
    f"{COMPLETION} prompt=x max_t": ["max_tokens="],
    f"{COMPLETION} stream=": ["false", "true"],
    "openrouter-toolkit accounts --user-id al": ["alice"],
    "openrouter-toolkit config set output d": ["data"],
}
SOME = dict(list(LINES.items())[2:4])


@pytest.fixture
def shell(environment: dict[str, str], run: Run, store: Store) -> dict[str, str]:
    """The environment of a shell in which the command is found, with a catalogue and a user."""
    store.accounts.connect("OPENROUTER", "alice", {"api_key": "sk-or-v1-of-alice-0123456789"})
    assert run("models").returncode == 0
    return {**environment, "PATH": f"{Path(SCRIPT).parent}{os.pathsep}{environment['PATH']}"}


def wanted(program: str) -> str:
    path = shutil.which(program)
    if path is None:
        pytest.skip(f"{program} is not installed")
    return path


def printed(command: list[str], environment: dict[str, str], folder: Path) -> list[str]:
    done = subprocess.run(command, env=environment, cwd=folder, capture_output=True, text=True, timeout=60, check=True)
    assert done.stderr == ""
    return done.stdout.splitlines()


def test_bash(shell: dict[str, str], tmp_path: Path) -> None:
    # What bash does at Tab, without a person: it sets these variables and calls the function that `complete` named.
    script = """
        set -u
        eval "$(openrouter-toolkit completion bash)"
        function=$(complete -p openrouter-toolkit | sed 's/.*-F \\([^ ]*\\).*/\\1/')
        COMP_WORDBREAKS=$' \\t\\n"\\'><=;|&(:'
        COMP_TYPE=9
        for COMP_LINE in "$@"; do
            COMPREPLY=() COMP_POINT=${#COMP_LINE}
            $function openrouter-toolkit
            echo "${COMPREPLY[@]}"
        done"""
    answers = printed([wanted("bash"), "--norc", "-c", script, "bash", *LINES], shell, tmp_path)
    assert len(answers) == len(LINES)
    for (line, words), answer in zip(LINES.items(), answers, strict=True):
        # bash replaces what stands behind its last word break, a colon or an equals sign.
        behind = [word.rpartition(":")[2] if line.endswith(":") else word for word in words]
        assert sorted(answer.split()) == behind, line


def test_fish(shell: dict[str, str], tmp_path: Path) -> None:
    script = "openrouter-toolkit completion fish | source; for line in $argv; complete -C $line; echo end; end"
    answers = printed([wanted("fish"), "--no-config", "-c", script, *SOME], shell, tmp_path)
    words = [word for words in SOME.values() for word in (*words, "end")]
    assert [answer.partition("\t")[0] for answer in answers] == words


def test_zsh(shell: dict[str, str], tmp_path: Path) -> None:
    # A completion's words, as zsh hands them to `compadd` in the end.
    script = """
        autoload -U compinit && compinit -D
        eval "$(openrouter-toolkit completion zsh)"
        _describe() { local -a found; found=("${(@P)2}"); print -r -- ${found//\\\\:/:}; }
        for line in "$@"; do
            words=(${(z)line}) CURRENT=${#words} BUFFER=$line CURSOR=${#line}
            $_comps[openrouter-toolkit]
        done"""
    answers = printed([wanted("zsh"), "-f", "-c", script, "zsh", *SOME], shell, tmp_path)
    for words, answer in zip(SOME.values(), answers, strict=True):
        assert all(word in answer for word in words)


def test_a_shell_that_is_not_there_is_told(run: Run) -> None:
    done = run("completion", "bsh")
    assert (done.returncode, done.stdout) == (2, b"")
    assert b"did you mean bash?" in done.stderr
