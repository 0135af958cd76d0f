"""`execute`: one JSON object on standard output, exit status 0, 1 or 2, everything else on standard error."""

import json
import os
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from openrouter_toolkit.cli import main
from openrouter_toolkit.sandbox import Sandbox

Run = Callable[..., subprocess.CompletedProcess[bytes]]
Start = Callable[..., subprocess.Popen[bytes]]

CHAT = "OPENROUTER_CREATE_CHAT_COMPLETION"
GENERATION = "OPENROUTER_GET_GENERATION"
ESCAPES = ("\x1b", "\x07", "\x9b")


def chat(model: str = "acme/atlas-small", text: str = "What is 17 * 3?", **more: Any) -> str:
    return json.dumps({"model": model, "messages": [{"role": "user", "content": text}], **more})


def the_one_object(output: bytes) -> dict[str, Any]:
    text = output.decode()
    assert text.endswith("\n")
    assert text.count("\n") == 1
    envelope: dict[str, Any] = json.loads(text)
    assert sorted(envelope) == ["data", "error", "successful"]
    return envelope


def the_one_line(output: str) -> str:
    assert output.startswith("openrouter-toolkit: ")
    assert output.endswith("\n")
    assert output.count("\n") == 1
    return output.removeprefix("openrouter-toolkit: ").rstrip()


def test_a_success_is_the_envelope_and_exit_status_0(run: Run) -> None:
    done = run("execute", CHAT, "--arguments", chat())
    assert (done.returncode, done.stderr) == (0, b"")
    envelope = the_one_object(done.stdout)
    assert envelope["successful"] is True
    assert json.loads(envelope["data"])["choices"][0]["message"]["content"] == "17 * 3 = 51"


def test_a_failure_is_the_envelope_and_exit_status_1(run: Run, sandbox: Sandbox) -> None:
    done = run("execute", CHAT, "--arguments", chat("sandbox/echo-key"))
    assert (done.returncode, done.stderr) == (1, b"")
    assert the_one_object(done.stdout)["successful"] is False
    assert sandbox.api_key.encode() not in done.stdout


def test_an_unknown_slug_is_a_failure_like_any_other(run: Run) -> None:
    done = run("execute", "OPENROUTER_LIST_PROVIDER", "--stream")
    assert (done.returncode, done.stderr) == (1, b"")
    envelope = the_one_object(done.stdout)
    assert json.loads(envelope["data"])["error"]["type"] == "unknown_action"
    assert "OPENROUTER_LIST_PROVIDERS" in envelope["error"]


def test_without_a_key_the_envelope_says_what_to_set(run: Run) -> None:
    done = run("execute", "OPENROUTER_GET_CURRENT_KEY", OPENROUTER_API_KEY="")
    assert done.returncode == 1
    assert "OPENROUTER_API_KEY" in the_one_object(done.stdout)["error"]


def test_another_user_has_no_account_here(
    openrouter_sandbox: Sandbox, capsysbinary: pytest.CaptureFixture[bytes]
) -> None:
    assert main(["execute", "OPENROUTER_GET_CURRENT_KEY", "--user-id", "alice"]) == 1
    assert "alice" in the_one_object(capsysbinary.readouterr().out)["error"]


def test_a_timeout_ends_the_call(openrouter_sandbox: Sandbox, capsysbinary: pytest.CaptureFixture[bytes]) -> None:
    assert main(["execute", CHAT, "--arguments", chat("sandbox/silent"), "--timeout", "0.3"]) == 1
    envelope = the_one_object(capsysbinary.readouterr().out)
    assert json.loads(envelope["data"])["error"]["type"] == "timeout"


def test_arguments_from_a_file(run: Run, tmp_path: Path) -> None:
    (tmp_path / "chat.json").write_text(chat(text="Bonjour, ça va?"), encoding="utf-8")
    done = run("execute", CHAT, "--arguments", "@chat.json")
    assert done.returncode == 0
    assert the_one_object(done.stdout)["successful"] is True


def test_arguments_from_standard_input(run: Run, sandbox: Sandbox) -> None:
    done = run("execute", CHAT, "--arguments", "-", stdin=b"\xef\xbb\xbf" + chat(text="Ünïcödé").encode())
    assert done.returncode == 0
    assert sandbox.requests[-1].body["messages"][0]["content"] == "Ünïcödé"


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        ("", "empty"),
        ("   ", "empty"),
        ("{", "line 1, column 2"),
        ("{'id': 1}", "not valid JSON"),
        ("{} {}", "Extra data"),
        ("[]", "an array"),
        ("null", "null"),
        ("3", "a number"),
        ("3.5", "a number"),
        ("true", "a boolean"),
        ('"{}"', "a string"),
        ("gen-1", "not valid JSON"),
        ('{"id": NaN}', "NaN"),
        ('{"id": -Infinity}', "-Infinity"),
        ('{"id": 1e999}', "too large"),
        ('{"id": ' + "9" * 5000 + "}", "not valid JSON"),
        ("[" * 100_000, "nested too deeply"),
        ("@", "name a file"),
        ("@nowhere.json", "nowhere.json can't be read: No such file"),
        ("@.", "can't be read"),
        ("@null\0byte", "can't be read"),
        ('{"id": "\udcff"}', "UTF-8"),
        ("@bad.json", "not in UTF-8 (byte 3"),
        ("@list.json", "an array"),
        ("@empty.json", "empty"),
    ],
)
def test_arguments_that_are_no_json_object(
    given: str, reason: str, capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("bad.json").write_bytes(b"{}\xff")
    Path("list.json").write_text("[1]", encoding="utf-8")
    Path("empty.json").touch()
    assert main(["execute", GENERATION, "--arguments", given]) == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    assert reason in the_one_line(printed.err)


def test_the_process_says_so_too(run_process: Run, tmp_path: Path) -> None:
    for given, stdin in ((b'{"id": "\xff"}', b""), (b"-", b"\xff\xfe{}"), (b"-", b""), (b"@none\x1b[2J", b"")):
        done = run_process("execute", GENERATION, "--arguments", given, stdin=stdin)
        assert (done.returncode, done.stdout) == (2, b"")
        assert b"\x1b" not in done.stderr
        the_one_line(done.stderr.decode())


@pytest.mark.parametrize(
    ("command", "reason"),
    [
        (["execute"], "SLUG"),
        (["execute", GENERATION, "--arguments"], "--arguments"),
        (["execute", GENERATION, '{"id": "gen-1"}'], "go behind --arguments"),
        (["execute", GENERATION, "--api-key=sk-or-v1-secret"], "unknown option --api-key; see"),
        (["execute", GENERATION, "--api-key", "sk-or-v1-secret"], "unknown option --api-key; see"),
        (["execute", GENERATION, "--arg", "{}"], "unknown option --arg"),
        (["execute", GENERATION, "--timeout", "0"], "more than 0"),
        (["execute", GENERATION, "--timeout", "nan"], "more than 0"),
        (["execute", GENERATION, "--timeout", "1e300"], "more than 0"),
        (["execute", GENERATION, "--timeout", "soon"], "more than 0"),
        (["execute", GENERATION, "--stream"], "does not stream"),
        (["execute", "OPENROUTER_OPENROUTER_LIST_PROVIDERS", "--stream"], "does not stream"),
        (["run", GENERATION], "execute"),
    ],
)
def test_other_wrong_command_lines(command: list[str], reason: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(command) == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    assert reason in the_one_line(printed.err)
    assert "secret" not in printed.err


def test_tokens_appear_on_standard_error_while_the_envelope_waits(run: Run, sandbox: Sandbox) -> None:
    done = run("execute", CHAT, "--arguments", chat(stream=False), "--stream")
    assert done.returncode == 0
    assert done.stderr == b"17 * 3 = 51\n"
    envelope = the_one_object(done.stdout)
    assert json.loads(envelope["data"])["choices"][0]["message"]["content"] == "17 * 3 = 51"
    assert sandbox.requests[-1].body["stream"] is True


def test_reasoning_tool_calls_and_choices_stand_on_lines_of_their_own(
    openrouter_sandbox: Sandbox, capsys: pytest.CaptureFixture[str]
) -> None:
    main(["execute", CHAT, "--arguments", chat("acme/oracle-r1"), "--stream"])
    reasoning, answer = capsys.readouterr().err.splitlines()
    assert reasoning.startswith("The user asks")
    assert answer == "17 * 3 = 51"
    function = {"name": "get_weather", "parameters": {"type": "object", "properties": {"city": {"type": "string"}}}}
    tools = [{"type": "function", "function": function}]
    main(["execute", CHAT, "--arguments", chat(text="get_weather in Paris", tools=tools), "--stream"])
    assert capsys.readouterr().err.startswith("get_weather {")


def test_messages_stream_too(openrouter_sandbox: Sandbox, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["execute", "OPENROUTER_CREATE_MESSAGE", "--arguments", chat(max_tokens=50), "--stream"]) == 0
    assert capsys.readouterr().err == "17 * 3 = 51\n"


def test_a_stream_that_breaks_off_ends_its_line(
    openrouter_sandbox: Sandbox, capsysbinary: pytest.CaptureFixture[bytes]
) -> None:
    assert main(["execute", CHAT, "--arguments", chat("sandbox/error-mid-stream"), "--stream"]) == 1
    printed = capsysbinary.readouterr()
    assert printed.err.endswith(b"\n")
    assert "partial" in json.loads(the_one_object(printed.out)["data"])


def test_a_standard_error_that_is_gone_costs_no_answer(start: Start) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    process = start("execute", CHAT, "--arguments", chat(), "--stream", stderr=writing)
    os.close(writing)
    output, _ = process.communicate(timeout=20)
    assert the_one_object(output)["successful"] is True


@pytest.mark.parametrize("model", ["sandbox/hostile-text", "sandbox/hostile"])
def test_no_escape_sequence_of_an_answer_reaches_the_terminal(run: Run, model: str) -> None:
    done = run("execute", CHAT, "--arguments", chat(model), "--stream")
    printed = (done.stdout + done.stderr).decode()
    assert not any(escape in printed for escape in ESCAPES)
    the_one_object(done.stdout)
    if model == "sandbox/hostile-text":
        assert "\\x1b[31mis" in done.stderr.decode()


def test_standard_output_that_is_not_utf_8_gets_ascii(run_process: Run) -> None:
    done = run_process(
        "execute", CHAT, "--arguments", "-", stdin=chat(text="Ünïcödé").encode(), PYTHONIOENCODING="ascii"
    )
    assert done.returncode == 0
    assert done.stdout.isascii()
    assert "Ünïcödé" in the_one_object(done.stdout)["data"]


def test_ctrl_c_ends_it_with_130_and_prints_no_half_answer(start: Start, sandbox: Sandbox) -> None:
    process = start("execute", CHAT, "--arguments", chat("sandbox/silent"), "--stream")
    deadline = time.monotonic() + 20
    while not sandbox.requests and time.monotonic() < deadline:
        time.sleep(0.02)
    time.sleep(0.2)
    process.send_signal(signal.SIGINT)
    output, errors = process.communicate(timeout=20)
    assert process.returncode == 130
    assert output == b""
    assert errors.decode().splitlines()[-1] == "Interrupted."
    assert b"Traceback" not in errors


def test_the_key_is_never_printed(run: Run, sandbox: Sandbox) -> None:
    for model in ("sandbox/echo-key", "sandbox/rate-limited", "sandbox/html"):
        done = run("execute", CHAT, "--arguments", chat(model), "--timeout", "3", OPENROUTER_TOOLKIT_DEBUG="1")
        assert sandbox.api_key.encode() not in done.stdout + done.stderr
