"""Calls of models: several at once, ended early, with odd answers and wrong options."""

from __future__ import annotations

import asyncio
import contextvars
import json
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from typing import Any

import pytest

from openrouter_toolkit import MemoryAccounts, ToolRegistry, manifest
from openrouter_toolkit.accounts import Credentials, resolve_credentials
from openrouter_toolkit.agents import google_genai, langchain, openai_agents, pydantic_ai
from openrouter_toolkit.execution.resources import Resources
from openrouter_toolkit.sandbox import Sandbox
from openrouter_toolkit.tool_calling import ToolCall

from ..timing import PATIENCE

COUNT, CHAT = "OPENROUTER_GET_MODELS_COUNT", "OPENROUTER_CREATE_CHAT_COMPLETION"
SILENCE = {"model": "sandbox/silent", "messages": [{"role": "user", "content": "Hello"}]}


def answer(*calls: tuple[str, Any]) -> dict[str, Any]:
    called = [
        {"id": f"call_{number}", "type": "function", "function": {"name": name, "arguments": json.dumps(arguments)}}
        for number, (name, arguments) in enumerate(calls)
    ]
    return {"choices": [{"message": {"role": "assistant", "tool_calls": called}}]}


def eventually(holds: Callable[[], bool], seconds: float = 3.0) -> bool:
    end = time.monotonic() + seconds
    while not holds() and time.monotonic() < end:
        time.sleep(0.01)
    return holds()


def hung_up(sandbox: Sandbox, count: int) -> bool:
    closed = [request for request in sandbox.requests if request.closed_by_client]
    return len(closed) == count


PROGRAM = """
import json, sys
from openrouter_toolkit import ToolRegistry
calls = json.loads(sys.argv[1])
with ToolRegistry.from_manifest() as registry:
    print("ready", flush=True)
    registry.handle_tool_calls(calls)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="there is no SIGINT to send")
@pytest.mark.parametrize("count", [1, 3])
def test_ctrl_c_ends_all_calls_and_the_program(openrouter_sandbox: Sandbox, count: int) -> None:
    calls = answer(*[(CHAT, SILENCE)] * count)
    command = [sys.executable, "-c", PROGRAM, json.dumps(calls)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as program:
        assert program.stdout is not None
        program.stdout.readline()
        assert eventually(lambda: len(openrouter_sandbox.requests) == count)
        program.send_signal(signal.SIGINT)
        program.wait(5)
    assert eventually(lambda: hung_up(openrouter_sandbox, count))


def test_several_calls_made_from_async_code_run_at_once_and_keep_their_order(openrouter_sandbox: Sandbox) -> None:
    registry = ToolRegistry.from_manifest()
    called = answer((COUNT, {}), ("OPENROUTER_GET_CREDIT", {}), (COUNT, {}))
    appended = asyncio.run(registry.handle_tool_calls_async(called))
    assert appended == registry.handle_tool_calls(called)
    assert [message["role"] for message in appended] == ["assistant", "tool", "tool", "tool"]


def test_cancelling_ends_all_of_them(openrouter_sandbox: Sandbox) -> None:
    registry = ToolRegistry.from_manifest()

    async def cancelled() -> None:
        task = asyncio.create_task(registry.handle_tool_calls_async(answer(*[(CHAT, SILENCE)] * 3)))
        while len(openrouter_sandbox.requests) < 3:
            await asyncio.sleep(0.01)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(cancelled())
    assert eventually(lambda: hung_up(openrouter_sandbox, 3))


@pytest.mark.parametrize("count", [1, 2])
def test_hooks_see_the_context_of_whoever_asks(openrouter_sandbox: Sandbox, count: int) -> None:
    trace: contextvars.ContextVar[str] = contextvars.ContextVar("trace", default="none")
    seen: list[str] = []

    def hook(action: Any, arguments: dict[str, Any], user_id: str) -> None:
        seen.append(trace.get())

    registry = ToolRegistry.from_manifest(before_execute=hook)
    trace.set("mine")
    registry.handle_tool_calls(answer(*[(COUNT, {})] * count))
    assert seen == ["mine"] * count


def test_a_deadline_holds_while_all_workers_are_busy(openrouter_sandbox: Sandbox) -> None:
    registry = ToolRegistry.from_manifest(max_workers=2)

    async def run() -> str:
        busy = [asyncio.create_task(registry.call_tool_async(CHAT, SILENCE)) for _ in range(2)]
        while len(openrouter_sandbox.requests) < 2:
            await asyncio.sleep(0.01)
        late = await asyncio.wait_for(registry.call_tool_async(COUNT, {}, timeout=0.2), PATIENCE)
        assert not any(task.done() for task in busy)
        for task in busy:
            task.cancel()
        await asyncio.gather(*busy, return_exceptions=True)
        return str(json.loads(late.envelope.data)["error"]["type"])

    assert asyncio.run(run()) == "timeout"


def test_closing_beside_calls_raises_in_none_of_them() -> None:
    kept = Resources(lambda: None)
    failures: list[BaseException] = []
    done = threading.Event()

    def call() -> None:
        while not done.is_set():
            try:
                kept.submit(int).result()
            except BaseException as error:  # noqa: BLE001
                failures.append(error)

    callers = [threading.Thread(target=call) for _ in range(3)]
    for caller in callers:
        caller.start()
    for _ in range(300):
        kept.close()
        time.sleep(0.001)
    done.set()
    for caller in callers:
        caller.join()
    assert failures == []


@pytest.mark.parametrize(
    "odd",
    [
        {"choices": [None]},
        {"choices": [{"message": "x"}]},
        {"choices": [{"message": {"role": "assistant", "tool_calls": [None, "x"]}}]},
        {"output": [None, 1]},
        {"role": "assistant", "content": [None, "x"]},
    ],
)
def test_what_is_odd_in_an_answer_is_left_out(odd: dict[str, Any]) -> None:
    assert [m for m in ToolRegistry.from_manifest().handle_tool_calls(odd) if m.get("role") == "tool"] == []


@pytest.mark.parametrize("function", [None, "x", {}, {"name": None}, {"name": ["x"]}])
def test_a_call_that_names_no_tool_is_a_result(function: Any) -> None:
    called = {"choices": [{"message": {"role": "assistant", "tool_calls": [{"id": "call_1", "function": function}]}}]}
    (result,) = ToolRegistry.from_manifest().handle_tool_calls(called)[1:]
    assert "There is no action" in result["content"]


def test_a_name_that_is_no_text_is_an_unknown_action() -> None:
    name: Any = ["x"]
    assert ToolRegistry.from_manifest().call_tool(name, {}).failed


@pytest.mark.parametrize("options", [{"timeout": -1}, {"timeout": "5"}, {"limit": 999}, {"limit": 2e4}, {"limit": 0}])
def test_wrong_options_are_refused_at_once_wherever_they_are_given(options: dict[str, Any]) -> None:
    registry = ToolRegistry.from_manifest()
    for make in (
        lambda: registry.call_tool(COUNT, {}, **options),
        lambda: registry.call_tools([], **options),
        lambda: registry.handle_tool_calls(answer(), **options),
        lambda: langchain.tools(registry, **options),
        lambda: list(openai_agents.tools(registry, **options)),
        lambda: pydantic_ai.tools(registry, **options),
        lambda: google_genai.respond(registry, google_genai_response(), **options),
    ):
        with pytest.raises(ValueError, match=next(iter(options))):
            make()


def google_genai_response() -> Any:
    from google.genai import types

    return types.GenerateContentResponse(candidates=[])


def test_an_errors_text_keeps_to_the_limit(openrouter_sandbox: Sandbox) -> None:
    registry = ToolRegistry.from_manifest()
    wrong = {f"parameter_{number}": number for number in range(200)}
    result = registry.call_tool(COUNT, wrong, limit=1_000)
    assert result.failed
    assert len(result.text) <= 1_000


def test_no_calls_are_no_results() -> None:
    assert ToolRegistry.from_manifest().call_tools([]) == []
    results = ToolRegistry.from_manifest().call_tools([ToolCall("a", "nothing", {}), ToolCall("b", "nothing", {})])
    assert [result.call.id for result in results] == ["a", "b"]


@pytest.mark.parametrize("workers", [1, 2])
def test_a_hook_may_make_calls_though_all_workers_are_taken(openrouter_sandbox: Sandbox, workers: int) -> None:
    both = [ToolCall("1", COUNT, {"x_title": "inner"}), ToolCall("2", COUNT, {"x_title": "inner"})]
    inner: list[bool] = []

    def calling(action: Any, arguments: dict[str, Any], user_id: str) -> None:
        if arguments.get("x_title") != "inner":
            inner.extend(result.failed for result in registry.call_tools(both, timeout=10))

    registry = ToolRegistry.from_manifest(max_workers=workers, before_execute=calling)

    async def outer() -> list[bool]:
        return [envelope.successful for envelope in await asyncio.gather(registry.execute_async(COUNT))]

    assert asyncio.run(outer()) == [True]
    assert inner == [False, False]


def test_who_waits_for_a_worker_waits_no_longer_than_the_deadline(openrouter_sandbox: Sandbox) -> None:
    registry = ToolRegistry.from_manifest(max_workers=1)
    free = threading.Event()
    registry._resources.submit(free.wait)
    started = time.monotonic()
    try:
        results = registry.call_tools([ToolCall("1", COUNT, {}), ToolCall("2", COUNT, {})], timeout=0.2)
    finally:
        free.set()
    assert time.monotonic() - started < 5
    assert ['"type":"timeout"' in result.envelope.data for result in results] == [True, True]
    assert openrouter_sandbox.requests == []


def test_a_registrys_repr_asks_nobody() -> None:
    def gone() -> set[str]:
        raise OSError("the database is gone")

    registry = ToolRegistry.from_manifest(switched_off=gone)
    assert repr(registry) == f"<ToolRegistry OPENROUTER, {len(ToolRegistry.from_manifest().actions)} actions>"


def test_a_connections_repr_shows_no_key_even_where_a_host_gives_a_plain_dict() -> None:
    class Plain(MemoryAccounts):
        def credentials(self, user_id: str, toolkit: str) -> Any:
            return {"api_key": "sk-or-v1-0123456789abcdef"}

    fields = manifest.load().auth.fields
    connected = resolve_credentials(
        Plain(), user_id="alice", toolkit=("OPENROUTER", "OpenRouter"), fields=fields, key="api_key", preferred=None
    )
    assert isinstance(connected.credentials, Credentials)
    assert connected.key == "sk-or-v1-0123456789abcdef"
    assert "0123456789" not in repr(connected)
    assert "alice" in repr(connected)
