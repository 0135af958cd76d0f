"""`bulk`: a line of answers for each line of a file, its summary, its report, and how it ends."""

from __future__ import annotations

import json
import signal
from collections.abc import Callable, Iterable
from pathlib import Path
from subprocess import Popen
from typing import Any

import pytest

from openrouter_toolkit.sandbox import Sandbox

from ..timing import wait_until
from .conftest import SCRIPT, Run
from .terminals import Terminal

CHAT = "OPENROUTER_CREATE_CHAT_COMPLETION"
BULK = ("bulk", CHAT, "questions.jsonl", "--output", "answers.jsonl")


def question(text: str = "What is 17 * 3?", model: str = "acme/atlas-small") -> dict[str, Any]:
    return {"model": model, "messages": [{"role": "user", "content": text}], "max_tokens": 20}


@pytest.fixture
def write(tmp_path: Path) -> Callable[[Iterable[Any]], None]:
    def write(rows: Iterable[Any]) -> None:
        (tmp_path / "questions.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")

    return write


Write = Callable[[Iterable[Any]], None]


def answers(tmp_path: Path) -> dict[Any, Any]:
    lines = (tmp_path / "answers.jsonl").read_text(encoding="utf-8").splitlines()
    return {line["id"]: line["envelope"] for line in map(json.loads, lines)}


def test_each_line_gets_a_line(run: Run, write: Write, tmp_path: Path) -> None:
    write([{"id": "a", "arguments": question()}, question("What is 2 * 3?")])
    done = run(*BULK, "--max-cost", "1")
    assert done.returncode == 0, done.stderr
    found = answers(tmp_path)
    assert found.keys() == {"a", 2}
    assert "2 * 3 = 6" in found[2]["data"]
    printed = done.stdout.decode()
    assert "2 successfully, 0 failed" in printed
    assert "cost by model" in printed
    assert "acme/atlas-small" in printed
    assert "p95" in printed
    assert done.stderr == b""


def test_the_summary_for_programs(run: Run, write: Write) -> None:
    write([question(), question(model="nobody/none")])
    done = run(*BULK, "--json")
    assert done.returncode == 1
    summary = json.loads(done.stdout)
    assert (summary["total"], summary["succeeded"], summary["failures"]) == (2, 1, {"not_found": 1})
    assert float(summary["cost"]) > 0


def test_a_second_time_only_what_is_missing(run: Run, write: Write, sandbox: Sandbox) -> None:
    write([question(str(number)) for number in range(5)])
    assert run(*BULK).returncode == 0
    write([question(str(number)) for number in range(7)])
    sandbox.clear()
    done = run(*BULK)
    assert done.returncode == 0
    assert "5, 0 of them failed" in done.stdout.decode()
    assert len(sandbox.requests) == 2


def test_what_max_cost_leaves_out_is_said(run: Run, write: Write, tmp_path: Path) -> None:
    write([question(), {**question(model="acme/atlas-large"), "max_tokens": 60_000}])
    done = run(*BULK, "--max-cost", "0.01")
    assert done.returncode == 1
    assert "not sent  1 (what is left of max_cost does not cover" in done.stdout.decode()
    assert answers(tmp_path).keys() == {1}
    assert run(*BULK, "--max-cost", "2").returncode == 0


def test_standard_input_and_arguments_of_every_line(run: Run, tmp_path: Path, sandbox: Sandbox) -> None:
    lines = "".join(json.dumps({**question(), **more}) + "\n" for more in ({}, {"max_tokens": 5})).encode()
    more = ("--arguments", '{"temperature": 0.5, "max_tokens": 9}', "--ordered", "--concurrency", "1")
    done = run("bulk", CHAT, "-", "--output", "answers.jsonl", *more, stdin=lines)
    assert done.returncode == 0, done.stderr
    sent = [request.body for request in sandbox.requests if request.path == "/chat/completions"]
    assert [(body["temperature"], body["max_tokens"]) for body in sent] == [
        (0.5, 20),
        (0.5, 5),
    ]


def test_a_template_over_a_table(run: Run, tmp_path: Path, sandbox: Sandbox) -> None:
    (tmp_path / "reviews.csv").write_text('id,text\nr1,"Good, really"\nr2,Bad\n', encoding="utf-8")
    template = ("--template", "Summarise {{it}}: {text}", "--model", "acme/atlas-small", "--id-column", "id")
    for slug in (CHAT, "OPENROUTER_CREATE_MESSAGE", "OPENROUTER_CREATE_COMPLETION"):
        (tmp_path / "answers.jsonl").unlink(missing_ok=True)
        sandbox.clear()
        more = ("--arguments", '{"max_tokens": 9}', "--concurrency", "1", "--ordered")
        done = run("bulk", slug, "reviews.csv", "--output", "answers.jsonl", *template, *more)
        assert done.returncode == 0, done.stderr
        assert list(answers(tmp_path)) == ["r1", "r2"]
        first = sandbox.requests[0].body
        said = first["prompt"] if "prompt" in first else first["messages"][0]["content"]
        assert said == "Summarise {it}: Good, really"
        assert first["max_tokens"] == 9


def test_a_report(run: Run, write: Write, tmp_path: Path) -> None:
    write([question()])
    assert run(*BULK, "--report", "report.html").returncode == 0
    assert "17 * 3 = 51" not in (tmp_path / "report.html").read_text(encoding="utf-8")
    done = run(*BULK, "--report", "report.html", "--report-answers")
    assert "17 * 3 = 51" in (tmp_path / "report.html").read_text(encoding="utf-8")
    assert b"report.html" in done.stderr


WRONG = [
    (("--output", "answers.jsonl", "--max-cost", "five"), "give an amount of US dollars"),
    (("--output", "answers.jsonl", "--concurrency", "0"), "give a number from 1 to 1000"),
    (("--output", "answers.jsonl", "--template", "{text}"), "--template and --model go together"),
    (("--output", "answers.jsonl", "--model", "acme/atlas-small"), "--template and --model go together"),
    (("--output", "answers.jsonl", "--id-column", "id"), "--id-column names a column"),
    (("--output", "answers.jsonl", "--template", "{", "--model", "m"), "write {column} for a column"),
    (("--output", "answers.jsonl", "--arguments", "[]"), "--arguments holds an array"),
    (("--output", "answers.jsonl", "--report", "none/report.html"), "none/report.html can't be written"),
    (("--output", "questions.jsonl"), "is the file that the lines are read from"),
    ((), "--output"),
]


@pytest.mark.parametrize(("options", "words"), WRONG)
def test_a_wrong_command_line_sends_nothing(
    run: Run, write: Write, sandbox: Sandbox, options: tuple[str, ...], words: str
) -> None:
    write([question()])
    done = run("bulk", CHAT, "questions.jsonl", *options)
    assert done.returncode == 2
    assert words in done.stderr.decode()
    assert done.stdout == b""
    assert sandbox.requests == []


def test_wrong_lines_send_nothing(run: Run, tmp_path: Path, sandbox: Sandbox) -> None:
    good = json.dumps({"id": "a", "arguments": question()})
    (tmp_path / "questions.jsonl").write_text(f"{good}\n{{oops\n\n{good}\n[]\n")
    done = run(*BULK)
    assert done.returncode == 2
    said = done.stderr.decode()
    assert "line 2: it is not JSON" in said
    assert "line 5: it is no object, but list" in said
    assert "row 3 has the id 'a' of row 1" in said
    assert "Nothing was sent" in said
    assert sandbox.requests == []


def test_a_table_without_a_template_says_what_is_missing(run: Run, tmp_path: Path) -> None:
    (tmp_path / "table.csv").write_text("text\na\n")
    done = run("bulk", CHAT, "table.csv", "--output", "answers.jsonl")
    assert done.returncode == 2
    assert "table.csv is a table: say by --template" in done.stderr.decode()
    done = run("bulk", "OPENROUTER_GET_CREDITS", "table.csv", "--output", "a", "--template", "{text}", "--model", "m")
    assert "takes no prompt for a model" in done.stderr.decode()


def test_an_unknown_action_and_a_missing_file(run: Run, write: Write) -> None:
    write([question()])
    done = run("bulk", "OPENROUTER_CREATE_CHAT", "questions.jsonl", "--output", "answers.jsonl")
    assert (done.returncode, done.stdout) == (1, b"")
    assert f"Did you mean {CHAT}?" in done.stderr.decode()
    done = run("bulk", CHAT, "none.jsonl", "--output", "answers.jsonl")
    assert done.returncode == 2
    assert "none.jsonl can't be read: No such file" in done.stderr.decode()


def test_a_key_that_is_refused_stops_it(run: Run, write: Write, tmp_path: Path) -> None:
    write([question()] * 30)
    done = run(*BULK, OPENROUTER_API_KEY="sk-or-v1-sandbox-expired")
    assert done.returncode == 1
    assert "stopped" in done.stdout.decode()
    assert "expired" in done.stdout.decode()
    assert answers(tmp_path) == {}


def test_the_first_ctrl_c_waits_for_what_is_in_flight(
    write: Write, sandbox: Sandbox, tmp_path: Path, start: Callable[..., Popen[bytes]]
) -> None:
    sandbox.script("my/model", [{"text": "fine", "delay": 0.3}], repeat_last=True)
    write([question(model="my/model")] * 50)
    process = start(*BULK, "--concurrency", "2")
    wait_until(lambda: len(sandbox.requests) == 2)
    process.send_signal(signal.SIGINT)
    output, errors = process.communicate(timeout=20)
    assert process.returncode == 130
    assert b"Waiting for the calls in flight" in errors
    found = answers(tmp_path)
    assert len(found) == len(sandbox.requests)
    assert all(envelope["successful"] for envelope in found.values())
    assert f"{50 - len(found)} (the run was stopped before)" in output.decode()


def test_a_terminal_shows_a_bar_with_rate_cost_and_failures(
    write: Write, sandbox: Sandbox, tmp_path: Path, environment: dict[str, str]
) -> None:
    sandbox.script("my/model", [{"text": "fine", "delay": 0.05}], repeat_last=True)
    write([question(model="my/model")] * 20)
    with Terminal([SCRIPT, *BULK, "--concurrency", "2"], environment=environment, folder=tmp_path) as terminal:
        assert terminal.end() == 0
    assert "/20" in terminal.shown
    assert "/s, $0." in terminal.shown
    assert "0 failed" in terminal.shown
    assert "20 successfully" in terminal.shown
