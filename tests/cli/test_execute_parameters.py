"""`execute SLUG NAME=VALUE`: each value read as the schema wants it; and what of the envelope is printed."""

import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from openrouter_toolkit.sandbox import Sandbox

Run = Callable[..., subprocess.CompletedProcess[bytes]]
CHAT = "OPENROUTER_CREATE_CHAT_COMPLETION"
COMPLETION = "OPENROUTER_CREATE_COMPLETION"
GENERATION = "OPENROUTER_GET_GENERATION"
KEY = "OPENROUTER_GET_CURRENT_KEY"
MODEL = "model=acme/atlas-small"
MESSAGES = 'messages=[{"role": "user", "content": "What is 17 * 3?"}]'


@pytest.mark.parametrize(
    ("word", "value"),
    [
        ("max_tokens=50", 50),
        ("temperature=0.5", 0.5),
        ("stop=END", "END"),
        ("stop=12", "12"),
        ('stop=["a", "b"]', ["a", "b"]),
        ("stop=[a", "[a"),
        ("user=7", "7"),
        ("user=true", "true"),
        ('user={"a": 1}', '{"a": 1}'),
        ("user=a=b", "a=b"),
        ("user=", ""),
        ("user=@@home", "@home"),
        ('provider={"sort": "price"}', {"sort": "price"}),
        ("seed=null", None),
        ('trace={"trace_id": "1"}', {"trace_id": "1"}),
    ],
)
def test_a_value_is_what_the_schema_wants(word: str, value: Any, run: Run, sandbox: Sandbox) -> None:
    done = run("execute", CHAT, MODEL, "--timeout", "20", MESSAGES, word)
    assert done.returncode == 0, done.stdout
    assert sandbox.requests[-1].body[word.partition("=")[0]] == value


def test_a_value_from_a_file_or_standard_input(run: Run, sandbox: Sandbox, tmp_path: Path) -> None:
    (tmp_path / "messages.json").write_text(MESSAGES.partition("=")[2], encoding="utf-8")
    done = run("execute", CHAT, MODEL, "messages=@messages.json", "user=@-", stdin="Ünï\n".encode())
    assert done.returncode == 0
    assert sandbox.requests[-1].body["user"] == "Ünï\n"


def test_both_ways_together(run: Run, sandbox: Sandbox) -> None:
    done = run("execute", CHAT, MODEL, "--arguments", json.dumps({"messages": [{"role": "user", "content": "Hi"}]}))
    assert done.returncode == 0
    assert sandbox.requests[-1].body["model"] == "acme/atlas-small"


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (["id=1", "--arguments", '{"id": "2"}'], '"id" is given twice: in --arguments'),
        (["id=1", "id=2"], '"id" is given twice'),
        (["gen-1"], "not NAME=VALUE"),
        (["=x"], "not NAME=VALUE"),
        (['{"id": "gen=1"}', "--stream"], "stream"),
        (["id=@"], "name a file after the @"),
        (["id=@nowhere"], "nowhere can't be read: No such file or directory; a text that begins with @"),
        (["id=@bad"], "not in UTF-8 (byte 1"),
        (["id=\udcff"], "not in UTF-8"),
        (["--arguments", "given.json"], "did you mean the file, --arguments @given.json?"),
        (["id=1", "--text"], "use --data"),
        (["id=1", "--text", "--data"], "not allowed with"),
    ],
)
def test_what_is_wrong_with_a_word(words: list[str], reason: str, run: Run, tmp_path: Path, sandbox: Sandbox) -> None:
    (tmp_path / "bad").write_bytes(b"\xff")
    (tmp_path / "given.json").write_text("{}")
    done = run("execute", GENERATION, *words)
    assert (done.returncode, done.stdout) == (2, b"")
    assert reason in done.stderr.decode()
    assert sandbox.requests == []


@pytest.mark.parametrize(
    ("slug", "words", "problem"),
    [
        (GENERATION, ["idd=1"], "idd: unknown parameter, did you mean id?"),
        (GENERATION, ["id="], "id: given"),
        (CHAT, [MODEL, MESSAGES, "max_tokens=many"], 'max_tokens: given "many", wanted an integer'),
        (CHAT, [MODEL, MESSAGES, "max_tokens=0"], "max_tokens: given 0, wanted an integer, at least 1"),
        ("OPENROUTER_GET_GENERATON", ["id=1"], "Did you mean OPENROUTER_GET_GENERATION?"),
    ],
)
def test_what_does_not_fit_the_schema_is_answered_by_the_action(
    slug: str, words: list[str], problem: str, run: Run
) -> None:
    done = run("execute", slug, *words)
    assert (done.returncode, done.stderr) == (1, b"")
    assert problem in json.loads(done.stdout)["error"]


def test_the_data_alone(run: Run) -> None:
    done = run("execute", KEY, "--data")
    assert "label" in json.loads(done.stdout)["data"]
    failed = run("execute", KEY, "--data", OPENROUTER_API_KEY="")
    assert (failed.returncode, failed.stdout) == (1, b"")
    assert b"OPENROUTER_API_KEY" in failed.stderr


def test_the_text_alone(run: Run) -> None:
    assert run("execute", CHAT, MODEL, MESSAGES, "--text").stdout == b"17 * 3 = 51\n"
    hostile = run("execute", CHAT, "model=sandbox/hostile-text", MESSAGES, "--text").stdout
    assert b"\x1b" not in hostile
    assert b"\\x1b[31mis" in hostile


def test_an_answer_without_a_text_is_not_lost(run: Run, sandbox: Sandbox) -> None:
    sandbox.script("my/model", [{"tool_calls": [{"name": "f", "arguments": {}}]}])
    done = run("execute", CHAT, "model=my/model", MESSAGES, "--text")
    assert (done.returncode, done.stdout) == (1, b"")
    assert b"the answer has no text" in done.stderr
    assert b'"tool_calls"' in done.stderr


def test_the_envelope_for_people(run: Run) -> None:
    printed = run("execute", KEY, "--pretty").stdout.decode()
    assert printed.startswith('{\n  "data": {\n    "data": {\n')
    assert json.loads(printed)["successful"] is True
    failed = run("execute", KEY, "--pretty", OPENROUTER_API_KEY="")
    assert failed.returncode == 1
    assert json.loads(failed.stdout)["data"]["error"]["type"] == "not_connected"
    feed = run("execute", "OPENROUTER_LIST_AVAILABLE_MODELS", "use_rss=true", "--pretty")
    assert json.loads(feed.stdout)["data"].startswith("<?xml")
