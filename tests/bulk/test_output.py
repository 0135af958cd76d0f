"""The output of a run: continued after any end, never written by two runs, never a file of something else."""

from __future__ import annotations

import json
import os
import resource
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from openrouter_toolkit import ToolRegistry
from openrouter_toolkit.bulk import Output, OutputRefused
from openrouter_toolkit.sandbox import Sandbox

from ..scale import scaled
from ..timing import wait_until
from .conftest import CHAT, question

ROWS = [question(str(number)) for number in range(10)]


@pytest.fixture
def output(tmp_path: Path) -> Path:
    return tmp_path / "answers.jsonl"


def lines(output: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in output.read_text(encoding="utf-8").splitlines()]


def asked(sandbox: Sandbox) -> list[str]:
    return [request.body["messages"][0]["content"] for request in sandbox.requests if request.body]


def journal(output: Path) -> Path:
    return output.with_name(f"{output.name}.journal")


def test_a_line_for_each_answer_and_no_journal_afterwards(registry: ToolRegistry, output: Path) -> None:
    answers = dict(registry.bulk(CHAT, ROWS, output=output))
    assert {line["id"]: line["envelope"] for line in lines(output)} == answers
    assert all(line.keys() == {"id", "envelope"} for line in lines(output))
    assert os.listdir(output.parent) == [output.name]  # noqa: PTH208


def test_in_order_on_request(registry: ToolRegistry, sandbox: Sandbox, output: Path) -> None:
    sandbox.script("slow/first", [{"text": "late", "delay": 0.1}])
    registry.bulk(CHAT, [question(model="slow/first"), *ROWS], output=output, ordered=True).finish()
    assert [line["id"] for line in lines(output)] == [*range(1, 12)]


def test_what_is_written_is_not_sent_again(registry: ToolRegistry, sandbox: Sandbox, output: Path) -> None:
    with registry.bulk(CHAT, ROWS, output=output, concurrency=1) as run:
        for _ in range(4):
            next(run)
    sandbox.clear()
    written = {line["id"] for line in lines(output)}
    again = registry.bulk(CHAT, ROWS, output=output)
    assert {answer.id for answer in again} == {*range(1, 11)} - written
    assert again.summary.written_before == len(written) >= 4
    assert again.summary.complete
    assert len(asked(sandbox)) == 10 - len(written)


def test_answers_that_nobody_read_in_order_are_written_since_they_are_paid_for(
    registry: ToolRegistry, sandbox: Sandbox, output: Path
) -> None:
    sandbox.script("slow/one", [{"text": "late", "delay": 30}])
    rows = [question(), question(model="slow/one"), question("2"), question("3")]
    with registry.bulk(CHAT, rows, output=output, ordered=True, concurrency=4) as run:
        next(run)
        while len(run._ready.waiting()) < 2:
            run._take(run._queue.get(timeout=20))
    assert [line["id"] for line in lines(output)] == [1, 3, 4]
    assert run.summary.unanswered == 1


def test_failures_are_sent_again_on_request(registry: ToolRegistry, sandbox: Sandbox, output: Path) -> None:
    sandbox.script("my/model", [{"error": {"status": 400, "message": "no"}}, "fine"])
    rows = [*ROWS, question(model="my/model")]
    assert registry.bulk(CHAT, rows, output=output).finish().failed == 1
    kept = registry.bulk(CHAT, rows, output=output).finish()
    assert (kept.answered, kept.written_before, kept.failed_before, kept.complete) == (0, 11, 1, False)
    sandbox.clear()
    assert registry.bulk(CHAT, rows, output=output, retry_failed=True).finish().complete
    assert len(sandbox.requests) == 1
    assert sorted(line["id"] for line in lines(output)) == [*range(1, 12)]


@pytest.mark.parametrize("kept", [1, 6, 30, -2])
def test_a_cut_last_line_is_removed_and_sent_again(
    registry: ToolRegistry, sandbox: Sandbox, output: Path, kept: int
) -> None:
    registry.bulk(CHAT, ROWS, output=output, ordered=True).finish()
    *whole, last = output.read_bytes().splitlines(keepends=True)
    output.write_bytes(b"".join(whole) + last[:kept])
    sandbox.clear()
    assert registry.bulk(CHAT, ROWS, output=output).finish().complete
    assert asked(sandbox) == ["9"]
    assert [line["id"] for line in lines(output)] == [*range(1, 11)]


def test_a_last_line_without_its_end_is_whole(registry: ToolRegistry, sandbox: Sandbox, output: Path) -> None:
    registry.bulk(CHAT, ROWS, output=output).finish()
    whole = output.read_bytes()
    output.write_bytes(whole[:-1])
    sandbox.clear()
    assert registry.bulk(CHAT, ROWS, output=output).finish().complete
    assert sandbox.requests == []
    assert output.read_bytes() == whole


@pytest.mark.parametrize("content", [b"a,b\n1,2\n", b"no line", b'{"id": 1}\n', b'[]\n{"id":1,"envelope":{'])
def test_a_file_of_something_else_is_left_alone(
    registry: ToolRegistry, sandbox: Sandbox, output: Path, content: bytes
) -> None:
    output.write_bytes(content)
    with pytest.raises(OutputRefused, match="line 1, is no answer of a bulk run"):
        registry.bulk(CHAT, ROWS, output=output).finish()
    assert output.read_bytes() == content
    assert not journal(output).exists()
    assert sandbox.requests == []


def test_the_lines_own_file_is_no_output(registry: ToolRegistry, tmp_path: Path) -> None:
    path = tmp_path / "lines.jsonl"
    path.write_text(json.dumps(question()))
    with pytest.raises(ValueError, match="the lines are read from"):
        registry.bulk(CHAT, path, output=path).finish()


def test_another_run_on_the_same_output_is_refused(registry: ToolRegistry, output: Path) -> None:
    with registry.bulk(CHAT, ROWS, output=output) as run:
        next(run)
        with pytest.raises(OutputRefused, match="another bulk run is writing"):
            registry.bulk(CHAT, ROWS, output=output).finish()
    assert registry.bulk(CHAT, ROWS, output=output).finish().complete


@contextmanager
def full_disk(output: Path) -> Iterator[None]:
    """Files can't grow beyond what the output has now."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (output.stat().st_size + 100, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_a_full_disk_stops_it_before_more_is_spent(registry: ToolRegistry, sandbox: Sandbox, output: Path) -> None:
    rows = [question(str(number)) for number in range(200)]
    run = registry.bulk(CHAT, rows, output=output, concurrency=2)
    for _ in range(20):
        next(run)
    with full_disk(output), pytest.raises(OSError, match="File too large"):
        run.finish()
    assert len(sandbox.requests) < 40
    assert 0 < run.summary.unanswered <= 4
    written = {line["id"] for line in lines(output)}  # no line by half
    again = registry.bulk(CHAT, rows, output=output).finish()
    assert again.complete
    assert again.interrupted >= len(sandbox.requests) - 200 > 0
    assert again.written_before == len(written)


def test_an_output_that_cant_be_written_stops_it_before_anything_is_sent(
    registry: ToolRegistry, sandbox: Sandbox, tmp_path: Path
) -> None:
    with pytest.raises(FileNotFoundError):
        registry.bulk(CHAT, ROWS, output=tmp_path / "none" / "answers.jsonl").finish()
    with pytest.raises(OSError, match="directory"):
        registry.bulk(CHAT, ROWS, output=tmp_path).finish()
    assert sandbox.requests == []


PROGRAM = f"""
import sys
from openrouter_toolkit import ToolRegistry
rows = [({{"id": n, "arguments": {{"model": "my/model", "max_tokens": 20,
    "messages": [{{"role": "user", "content": str(n)}}]}}}}) for n in range(60)]
run = ToolRegistry.from_manifest().bulk("{CHAT}", rows, output=sys.argv[1], concurrency=4, max_cost=1)
for answer in run:
    print(answer.id, flush=True)
"""


@pytest.mark.faults
@pytest.mark.parametrize("after", scaled([5], full=[0, 1, 5, 17, 40]))
def test_a_killed_run_is_continued_and_pays_nothing_twice_that_is_written(
    registry: ToolRegistry, sandbox: Sandbox, output: Path, after: int
) -> None:
    sandbox.script("my/model", [{"text": "fine", "delay": 0.03}], repeat_last=True)
    environment = {
        **os.environ,
        "OPENROUTER_API_KEY": sandbox.api_key,
        "OPENROUTER_BASE_URL": sandbox.base_url,
        "OPENROUTER_TOOLKIT_DATABASE": "sqlite:////nowhere",
    }
    command = [sys.executable, "-c", PROGRAM, str(output)]
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        for _ in range(after):
            process.stdout.readline()
        if not after:
            wait_until(lambda: any(request.body for request in sandbox.requests))
        process.send_signal(signal.SIGKILL)
    written = {line["id"] for line in lines(output)}
    before = {int(content) for content in asked(sandbox)}
    found = Output(output)
    in_flight = set(found.interrupted)
    found.close(in_flight=True)
    assert before - written <= in_flight
    assert len(in_flight) <= 6
    assert all(most is not None and 0 < most < Decimal("0.001") for most in found.interrupted.values())

    rows = [{"id": n, "arguments": question(str(n), "my/model")} for n in range(60)]
    summary = registry.bulk(CHAT, rows, output=output).finish()
    assert summary.complete
    assert summary.interrupted == len(in_flight)
    assert sum(most or 0 for most in found.interrupted.values()) == summary.interrupted_cost
    assert not journal(output).exists()
    times = Counter(int(content) for content in asked(sandbox))
    assert {number for number, count in times.items() if count > 1} <= in_flight
    assert sorted(line["id"] for line in lines(output)) == [*range(60)]
