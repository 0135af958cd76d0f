"""`config`: defaults in a TOML file, checked when they are set and when they are read; no secrets."""

import json
import stat
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

Run = Callable[..., subprocess.CompletedProcess[bytes]]
KEY = "sk-or-v1-" + "5" * 64
KEY_ACTION = "OPENROUTER_GET_CURRENT_KEY"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "config" / "openrouter-toolkit" / "config.toml"
    path.parent.mkdir(parents=True)
    return path


def test_it_says_where_the_file_is_and_what_applies(run: Run, file: Path) -> None:
    first, model, user, output = run("config").stdout.decode().splitlines()
    assert first == f"{file} (does not exist)"
    assert [line.split()[:2] for line in (model, user, output)] == [
        ["model", "(not"],
        ["user", "default"],
        ["output", "envelope"],
    ]
    assert json.loads(run("config", "--json").stdout) == {"file": str(file), "settings": {}}


def test_a_setting_is_set_got_and_unset(run: Run, file: Path) -> None:
    assert run("config", "get", "model").returncode == 1
    assert run("config", "set", "model", "acme/atlas-small").returncode == 0
    assert run("config", "get", "model").stdout == b"acme/atlas-small\n"
    assert run("config", "unset", "model").returncode == 0
    assert run("config", "unset", "model").returncode == 0
    assert run("config", "get", "model").returncode == 1
    assert run("config", "get", "user").stdout == b"default\n"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_comments_stay(run: Run, file: Path) -> None:
    file.write_text('# ours\nmodel = "a/b"  # cheap\n')
    run("config", "set", "output", "data")
    run("config", "set", "model", "c/d")
    assert file.read_text() == '# ours\nmodel = "c/d"  # cheap\noutput = "data"\n'


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (["set", "modell", "x"], "did you mean model?"),
        (["set", "colour", "x"], "there are model, user, output"),
        (["get", "modell"], "did you mean model?"),
        (["unset", "modell"], "did you mean model?"),
        (["set", "output", "txt"], "did you mean text?"),
        (["set", "output", "yaml"], "there are envelope, pretty, data, text"),
        (["set", "user", ""], "1 to 256 characters"),
        (["set", "user", "a\nb"], "printable"),
        (["set", "api_key", "anything"], "connect keeps keys"),
        (["set", "OPENROUTER_API_KEY", "anything"], "connect keeps keys"),
        (["set", "model", KEY], "connect keeps keys"),
        (["set", "user", "ort_0123456789"], "connect keeps keys"),
        (["set", "model"], "VALUE"),
        (["st", "model", "x"], "did you mean set?"),
    ],
)
def test_what_can_t_be_set(words: list[str], reason: str, run: Run, file: Path) -> None:
    done = run("config", *words)
    assert (done.returncode, done.stdout) == (2, b"")
    assert reason in done.stderr.decode()
    assert b"5555" not in done.stderr
    assert not file.exists()


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"model = ", "is not TOML"),
        (b"\xff", "not in UTF-8"),
        (b'modell = "x"', "did you mean model?"),
        (b"model = 3", "must be text in quotes"),
        (b'output = "txt"', "did you mean text?"),
        (b'api_key = "secret"', "connect keeps keys"),
        (f'model = "{KEY}"'.encode(), "connect keeps keys"),
        (b'[model]\nname = "x"', "must be text in quotes"),
    ],
)
def test_a_wrong_file_is_told_by_every_command_that_reads_it(content: bytes, reason: str, run: Run, file: Path) -> None:
    file.write_bytes(content)
    for command, status in ((["config"], 1), (["ask", "why?"], 2), (["execute", KEY_ACTION], 2), (["models"], 2)):
        done = run(*command)
        assert (done.returncode, done.stdout) == (status, b"")
        told = done.stderr.decode()
        assert reason in told
        assert str(file) in told
        assert "5555" not in told
    assert run("execute", KEY_ACTION, "--user-id", "default", "--envelope").returncode == 0
    assert run("actions").returncode == 0


def test_the_user_of_the_file_is_used_where_none_is_given(run: Run, file: Path) -> None:
    run("config", "set", "user", "alice")
    assert b"alice" in run("execute", KEY_ACTION).stdout
    assert run("execute", KEY_ACTION, "--user-id", "default").returncode == 0


def test_the_output_of_the_file_is_what_execute_prints(run: Run, file: Path) -> None:
    run("config", "set", "output", "text")
    words = ("execute", "OPENROUTER_CREATE_COMPLETION", "model=acme/atlas-small", "prompt=What is 17 * 3?")
    assert run(*words).stdout == b"17 * 3 = 51\n"
    assert json.loads(run(*words, "--envelope").stdout)["successful"] is True
    assert "label" in json.loads(run("execute", KEY_ACTION).stdout)["data"]
