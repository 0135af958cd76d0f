"""`ask`: the answer on standard output as it arrives, price and cost on standard error, the conversation kept."""

import json
import os
import signal
import stat
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from openrouter_toolkit.sandbox import Sandbox

from .conftest import SCRIPT
from .terminals import Terminal

Run = Callable[..., subprocess.CompletedProcess[bytes]]
Start = Callable[..., subprocess.Popen[bytes]]
MODEL = "acme/atlas-small"
QUESTION = "What is 17 * 3?"
PRICE = "acme/atlas-small: $0.25 in, $1.25 out per million tokens"


def kept(tmp_path: Path) -> dict[str, Any]:
    conversation: dict[str, Any] = json.loads(
        (tmp_path / "data" / "openrouter-toolkit" / "conversation.json").read_text()
    )
    return conversation


def asked(sandbox: Sandbox) -> list[dict[str, Any]]:
    """The messages of the last completion."""
    messages: list[dict[str, Any]] = sandbox.requests[-1].body["messages"]
    return messages


def test_the_answer_alone_is_on_standard_output(run: Run) -> None:
    done = run("ask", "-m", MODEL, *QUESTION.split())
    assert (done.returncode, done.stdout) == (0, b"17 * 3 = 51\n")
    price, cost = done.stderr.decode().splitlines()
    assert price == PRICE
    assert cost.startswith("$0.0000")
    assert "tokens in, " in cost


def test_quietly_there_is_neither_price_nor_cost(run: Run) -> None:
    done = run("ask", "--quiet", QUESTION, "--model", MODEL)
    assert (done.returncode, done.stdout, done.stderr) == (0, b"17 * 3 = 51\n", b"")


def test_standard_input_is_the_question_or_stands_below_it(run: Run, sandbox: Sandbox) -> None:
    assert run("ask", "-m", MODEL, stdin=QUESTION.encode()).stdout == b"17 * 3 = 51\n"
    run("ask", "Summarise", "-m", MODEL, "this:", stdin="Ünïcödé\n".encode())
    assert asked(sandbox) == [{"role": "user", "content": "Summarise this:\n\nÜnïcödé\n"}]


@pytest.mark.parametrize(
    ("words", "stdin", "reason"),
    [
        ([], b"", "there is no question"),
        (["-m", MODEL, " "], b"\n", "there is no question"),
        (["-m", MODEL], b"\xff", "not in UTF-8"),
        (["why?"], b"", "config set model MODEL"),
        (["why?", "-c", "--new"], b"", "not allowed with"),
        (["why?", "--modle", "x"], b"", "did you mean --model?"),
    ],
)
def test_a_wrong_command_line(words: list[str], stdin: bytes, reason: str, run: Run, sandbox: Sandbox) -> None:
    done = run("ask", *words, stdin=stdin)
    assert (done.returncode, done.stdout) == (2, b"")
    assert reason in done.stderr.decode()
    assert sandbox.requests == []


def test_a_model_that_does_not_exist_is_answered_with_the_closest_and_their_prices(run: Run) -> None:
    done = run("ask", "-m", "acme/atlas-smal", QUESTION)
    assert (done.returncode, done.stdout) == (1, b"")
    told = done.stderr.decode()
    assert "is not a valid model ID" in told
    assert f"\n  {PRICE}\n" in told


def test_a_variant_has_the_price_of_its_model(run: Run) -> None:
    assert run("ask", "-m", f"{MODEL}:nitro", QUESTION).stderr.decode().startswith(f"{MODEL}:nitro: $0.25 in")
    assert run("ask", "-m", f"{MODEL}:free", QUESTION).stderr.decode().startswith(f"{MODEL}:free: free\n")


def test_the_price_comes_from_the_last_day_s_catalogue(run: Run, sandbox: Sandbox, tmp_path: Path) -> None:
    run("ask", "-m", MODEL, QUESTION)
    run("ask", "-m", MODEL, QUESTION)
    assert [request.path for request in sandbox.requests].count("/models") == 1
    cache = tmp_path / "cache" / "openrouter-toolkit" / "models.json"
    os.utime(cache, (0, 0))
    run("ask", "-m", MODEL, QUESTION)
    assert [request.path for request in sandbox.requests].count("/models") == 2
    cache.write_text("[]")
    assert run("ask", "-m", MODEL, QUESTION).stderr.decode().startswith(PRICE)


def test_a_conversation_goes_on(run: Run, sandbox: Sandbox, tmp_path: Path) -> None:
    run("ask", "-m", MODEL, "--system", "Be brief.", QUESTION)
    done = run("ask", "--continue", "Hello")
    assert done.returncode == 0
    assert sandbox.requests[-1].body["model"] == MODEL
    first = [("system", "Be brief."), ("user", QUESTION), ("assistant", "17 * 3 = 51"), ("user", "Hello")]
    assert [(one["role"], one["content"]) for one in asked(sandbox)] == first
    run("ask", "-c", "--system", "Be long.", "And?")
    assert [one["role"] for one in asked(sandbox)] == ["system", "user", "assistant", "user", "assistant", "user"]
    assert asked(sandbox)[0]["content"] == "Be long."
    run("ask", "--new", "-m", MODEL, "Hello")
    assert len(asked(sandbox)) == 1
    assert len(kept(tmp_path)["messages"]) == 2


def test_only_its_owner_may_read_the_conversation(run: Run, tmp_path: Path) -> None:
    run("ask", "-m", MODEL, QUESTION)
    file = tmp_path / "data" / "openrouter-toolkit" / "conversation.json"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700
    assert [path.name for path in file.parent.iterdir()] == ["conversation.json"]


def test_there_may_be_nothing_to_continue(run: Run, tmp_path: Path) -> None:
    done = run("ask", "-c", "And?")
    assert (done.returncode, done.stdout) == (1, b"")
    assert b"there is no conversation to continue" in done.stderr
    file = tmp_path / "data" / "openrouter-toolkit" / "conversation.json"
    file.parent.mkdir(parents=True)
    for damaged in ("{", "[]", '{"model": null, "messages": [{"role": "tool"}]}', "\ud800"):
        file.write_text(damaged, errors="surrogatepass")
        done = run("ask", "-c", "And?")
        assert done.returncode == 1
        assert b"is damaged" in done.stderr


def test_a_failure_leaves_the_last_conversation(run: Run, tmp_path: Path) -> None:
    run("ask", "-m", MODEL, QUESTION)
    done = run("ask", "-m", "sandbox/no-credits", "Hello")
    assert (done.returncode, done.stdout) == (1, b"")
    assert kept(tmp_path)["messages"][0]["content"] == QUESTION


def test_what_came_before_a_failure_is_printed_and_kept(run: Run, tmp_path: Path) -> None:
    done = run("ask", "-m", "sandbox/error-mid-stream", QUESTION)
    assert done.returncode == 1
    assert done.stdout.endswith(b"\n")
    assert kept(tmp_path)["messages"][-1] == {"role": "assistant", "content": done.stdout.decode().removesuffix("\n")}


def test_ctrl_c_keeps_what_came(start: Start, tmp_path: Path) -> None:
    process = start("ask", "-m", "sandbox/silent", "--quiet", QUESTION, bufsize=0)
    assert process.stdout is not None
    came = process.stdout.read(1)
    process.send_signal(signal.SIGINT)
    rest, errors = process.communicate(timeout=20)
    assert (process.returncode, errors) == (130, b"Interrupted.\n")
    printed = (came + rest).decode()
    assert kept(tmp_path)["messages"][-1] == {"role": "assistant", "content": printed.removesuffix("\n")}


def test_a_reader_that_stops_ends_it(start: Start) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    process = start("ask", "-m", MODEL, QUESTION, stdout=writing)
    os.close(writing)
    assert process.wait(timeout=20) == 141


def test_a_conversation_that_can_t_be_kept_costs_no_answer(run: Run, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    done = run("ask", "-m", MODEL, QUESTION, XDG_DATA_HOME=str(tmp_path / "file"))
    assert (done.returncode, done.stdout) == (0, b"17 * 3 = 51\n")
    assert b"the conversation was not kept" in done.stderr


def test_no_escape_sequence_of_an_answer_reaches_the_terminal(run: Run) -> None:
    done = run("ask", "-m", "sandbox/hostile-text", QUESTION)
    assert b"\x1b" not in done.stdout + done.stderr
    assert b"\\x1b[31mis" in done.stdout


def test_line_ends_are_one_kind(run: Run, sandbox: Sandbox) -> None:
    sandbox.script("my/model", ["one\r\ntwo\r"])
    assert run("ask", "-m", "my/model", QUESTION).stdout == b"one\ntwo\\r\n"


def test_on_a_terminal_reasoning_is_dimmed_and_neither_is_lost(environment: dict[str, str], tmp_path: Path) -> None:
    command = [SCRIPT, "ask", "-m", "acme/oracle-r1", QUESTION]
    with Terminal(command, environment=environment, folder=tmp_path) as person:
        assert person.end() == 0
    assert "\x1b[2mThe\x1b[0m\x1b[2m user\x1b[0m" in person.shown
    assert "\n17 * 3 = 51\n" in person.shown


def test_for_programs_there_is_the_envelope(run: Run) -> None:
    done = run("ask", "--json", "-m", MODEL, QUESTION)
    envelope = json.loads(done.stdout)
    assert json.loads(envelope["data"])["choices"][0]["message"]["content"] == "17 * 3 = 51"
    failed = run("ask", "--json", "-m", "sandbox/no-credits", QUESTION)
    assert failed.returncode == 1
    assert json.loads(failed.stdout)["successful"] is False


def test_the_model_and_the_user_may_stand_in_the_config_file(run: Run, sandbox: Sandbox) -> None:
    run("config", "set", "model", MODEL)
    assert run("ask", QUESTION).stdout == b"17 * 3 = 51\n"
    run("config", "set", "user", "alice")
    done = run("ask", QUESTION)
    assert done.returncode == 1
    assert b"alice" in done.stderr
    assert run("ask", QUESTION, "--user-id", "default").returncode == 0
