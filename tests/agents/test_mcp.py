"""The MCP server in this process, asked by the official client: what is listed, what is answered, what is refused."""

from __future__ import annotations

import asyncio
import json
import logging
import sys
from collections.abc import Awaitable, Callable, Iterator
from itertools import accumulate
from pathlib import Path
from typing import Any, TypeVar

import httpx2
import mcp_types as types
import pytest
from mcp import Client, MCPError
from mcp.client.streamable_http import streamable_http_client
from mcp.server import Server, ServerRequestContext

from openrouter_toolkit import MemoryAccounts, Refused, ToolRegistry, __version__
from openrouter_toolkit.agents import mcp
from openrouter_toolkit.handlers import account
from openrouter_toolkit.openrouter.streams.events import StreamEvent
from openrouter_toolkit.sandbox import Sandbox
from openrouter_toolkit.tool_calling.options import DEFAULT_LIMIT

from ..openrouter.servers import Exchange, answering, chunk
from ..openrouter.servers import Server as Upstream
from ..timing import PATIENCE, cpu_below, wait_until

Answer = TypeVar("Answer")
CHAT = "OPENROUTER_CREATE_CHAT_COMPLETION"
MODELS = "OPENROUTER_LIST_AVAILABLE_MODELS"
GENERATION = "OPENROUTER_GET_GENERATION"
QUESTION: dict[str, Any] = {"model": "acme/atlas-small", "messages": [{"role": "user", "content": "What is 17 * 3?"}]}
PROMPTED = {
    CHAT: QUESTION,
    "OPENROUTER_CREATE_MESSAGE": {**QUESTION, "max_tokens": 50},
    "OPENROUTER_CREATE_COMPLETION": {"model": "acme/atlas-small", "prompt": "What is 17 * 3?"},
}
KEY = "sk-or-v1-" + "0123456789abcdef" * 4
ECHO = Path(__file__).parents[1] / "echo_toolkit"


@pytest.fixture(params=["auto", "legacy"])
def mode(request: pytest.FixtureRequest) -> str:
    """The era of the protocol: 2026-07-28 without a handshake, or 2025-11-25."""
    chosen: str = request.param
    return chosen


def asked(server: Server[Any], mode: str, use: Callable[[Client], Awaitable[Answer]]) -> Answer:
    """What comes of using a client of the server."""

    async def main() -> Answer:
        async with Client(server, mode=mode) as client:
            try:
                return await use(client)
            except Exception as error:  # noqa: BLE001 - raised in here, it would come out in groups
                failure = error
        raise failure

    return asyncio.run(main())


def called(
    registry: ToolRegistry, mode: str, name: str, arguments: dict[str, Any] | None = None, **more: Any
) -> types.CallToolResult:
    return asked(mcp.server(registry), mode, lambda client: client.call_tool(name, arguments, **more))


def connected_to(upstream: Upstream | Sandbox) -> ToolRegistry:
    return ToolRegistry.from_manifest(
        accounts=MemoryAccounts({"default": {"api_key": getattr(upstream, "api_key", KEY)}}),
        client_options={"base_url": upstream.base_url, "max_attempts": 1},
    )


def text(result: types.CallToolResult) -> str:
    (block,) = result.content
    assert isinstance(block, types.TextContent)
    return block.text


def listed(registry: ToolRegistry, mode: str) -> list[types.Tool]:
    return asked(mcp.server(registry), mode, lambda client: client.list_tools()).tools


def completion(result: types.CallToolResult) -> str:
    assert not result.is_error, text(result)
    content: str = json.loads(text(result))["choices"][0]["message"]["content"]
    return content


class Progress:
    """A caller that wants to hear of progress; `asked` are its arguments for `call_tool`."""

    def __init__(self) -> None:
        self.numbers: list[float] = []
        self.messages: list[str] = []
        # The token is the client's own on a wire; in process it has to be said.
        self.asked: dict[str, Any] = {"progress_callback": self.hear, "meta": {"progress_token": "mine"}}

    async def hear(self, progress: float, total: float | None, message: str | None) -> None:
        assert total is None
        assert message
        self.numbers.append(progress)
        self.messages.append(message)


# What is listed.


def test_the_tools_are_the_registrys_in_its_order(registry: ToolRegistry, mode: str) -> None:
    tools = [tool.model_dump(by_alias=True, exclude_none=True) for tool in listed(registry, mode)]
    expected = registry.tools("mcp")
    for tool in expected:
        assert tool["outputSchema"]["properties"]["data"].pop("contentSchema")
    assert tools == expected
    assert [tool["name"] for tool in tools] == list(registry.offered)


def test_a_tool_says_what_a_client_may_want_to_know(registry: ToolRegistry, mode: str) -> None:
    tools = {tool.name: tool for tool in listed(registry, mode)}
    chat, models = tools[CHAT], tools[MODELS]
    assert (chat.title, models.title) == ("Create Chat Completion", "List Available Models")
    assert chat.annotations is not None
    assert models.annotations is not None
    assert (chat.annotations.read_only_hint, models.annotations.read_only_hint) == (False, True)
    assert models.annotations.destructive_hint is False
    assert chat.input_schema["additionalProperties"] is False
    assert chat.input_schema["properties"]["messages"]["items"]["additionalProperties"] is True
    assert "select" in models.input_schema["properties"]
    assert chat.output_schema is not None
    assert set(chat.output_schema["properties"]) == {"data", "error", "successful"}
    assert chat.output_schema["required"] == ["data", "successful"]


def test_the_toolset_is_asked_anew_for_each_list_and_each_call(openrouter_sandbox: Sandbox, mode: str) -> None:
    off: set[str] = set()
    counting = "OPENROUTER_GET_MODELS_COUNT"

    async def use(client: Client) -> None:
        assert [tool.name for tool in (await client.list_tools()).tools] == [MODELS, counting]
        off.add(counting)
        assert [tool.name for tool in (await client.list_tools()).tools] == [MODELS]
        result = await client.call_tool(counting)
        assert result.is_error
        assert "switched it off" in text(result)
        off.clear()
        assert not (await client.call_tool(counting)).is_error

    with ToolRegistry.from_manifest(allow=[MODELS, counting], switched_off=lambda: off) as registry:
        asked(mcp.server(registry), mode, use)


def test_an_empty_toolset_is_an_empty_list(openrouter_sandbox: Sandbox, mode: str) -> None:
    with ToolRegistry.from_manifest(allow=["payments"], read_only=True) as registry:
        assert listed(registry, mode) == []


def test_a_cursor_that_nobody_gave_out_is_refused(registry: ToolRegistry, mode: str) -> None:
    with pytest.raises(MCPError) as caught:
        asked(mcp.server(registry), mode, lambda client: client.list_tools(cursor="page 2"))
    assert caught.value.error.code == types.INVALID_PARAMS


def test_the_server_says_who_it_is_and_how_to_begin(registry: ToolRegistry, mode: str) -> None:
    async def use(client: Client) -> tuple[types.Implementation | None, str | None]:
        return client.server_info, client.instructions

    who, instructions = asked(mcp.server(registry), mode, use)
    assert who is not None
    assert (who.name, who.title, who.version) == ("openrouter", "OpenRouter", __version__)
    assert instructions is not None
    assert f"Begin with a list, such as {MODELS}" in instructions
    assert "select" in instructions
    assert f"{CHAT}, " in instructions
    assert len(instructions) < 1_000


def test_the_instructions_speak_only_of_what_is_there(openrouter_sandbox: Sandbox) -> None:
    with ToolRegistry.from_manifest(allow=["account"], read_only=True) as registry:
        instructions = mcp.server(registry).instructions
        assert instructions is not None
        assert "OPENROUTER_" not in instructions
        assert "select" not in instructions


def test_another_toolkit_is_served_unchanged(mode: str) -> None:
    with ToolRegistry.from_manifest(ECHO / "manifest.yaml") as registry:
        assert mcp.server(registry).name == "echo"
        assert [tool.name for tool in listed(registry, mode)] == ["ECHO_SAY", "ECHO_LIST_TOPICS"]
        assert json.loads(text(called(registry, mode, "ECHO_SAY", {"text": "Hi"}))) == {"said": ["Hi"]}


# What is answered.


def test_an_answer_is_its_text_and_the_envelope_with_that_text(registry: ToolRegistry, mode: str) -> None:
    result = called(registry, mode, "OPENROUTER_GET_MODELS_COUNT")
    assert not result.is_error
    assert json.loads(text(result))["data"]["count"] > 5
    assert result.structured_content == {"data": text(result), "error": None, "successful": True}


@pytest.mark.parametrize("arguments", [None, {}])
def test_no_arguments_are_no_arguments(registry: ToolRegistry, mode: str, arguments: dict[str, Any] | None) -> None:
    assert not called(registry, mode, "OPENROUTER_GET_CURRENT_KEY", arguments).is_error


def test_the_whole_catalogue_comes_brief_in_both_of_its_places(mode: str) -> None:
    models = [
        {"id": f"acme/model-{number}", "name": f"Model {number}", "description": "A model. " * 150}
        for number in range(413)
    ]
    with Upstream(answering(200, {"data": models})) as upstream, connected_to(upstream) as registry:
        whole = registry.execute(MODELS)
        result = called(registry, mode, MODELS)
        chosen = called(registry, mode, MODELS, {"select": "data[?id=='acme/model-412'].name"})
    assert len(whole.data) > 500_000
    assert len(text(result)) <= DEFAULT_LIMIT
    assert len(json.loads(text(result))["rows"]) == 413
    assert result.structured_content == {"data": text(result), "error": None, "successful": True}
    assert text(chosen) == '["Model 412"]'


def test_what_a_model_gets_wrong_in_a_type_is_mended(
    registry: ToolRegistry, mode: str, openrouter_sandbox: Sandbox
) -> None:
    assert completion(called(registry, mode, CHAT, {**QUESTION, "max_tokens": "2"})).startswith("17")
    body: Any = openrouter_sandbox.requests[-1].body
    assert body["max_tokens"] == 2


def test_many_calls_at_once_get_their_own_answers_and_progress(registry: ToolRegistry, mode: str) -> None:
    async def ask(client: Client, number: int) -> bool:
        progress = Progress()
        question = {**QUESTION, "messages": [{"role": "user", "content": f"What is {number} * 2?"}]}
        result = await client.call_tool(CHAT, question, **progress.asked)
        return completion(result) == "".join(progress.messages) == f"{number} * 2 = {number * 2}"

    async def use(client: Client) -> list[bool]:
        return await asyncio.gather(*(ask(client, number) for number in range(20)))

    assert asked(mcp.server(registry), mode, use) == [True] * 20


# What goes wrong.


def test_a_failure_is_an_error_with_its_words_and_the_failed_envelope(registry: ToolRegistry, mode: str) -> None:
    result = called(registry, mode, GENERATION, {"idd": "gen-1"})
    assert result.is_error
    assert "did you mean id?" in text(result)
    assert result.structured_content == registry.execute(GENERATION, {"idd": "gen-1"})
    assert result.structured_content["error"] == text(result)


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("OPENROUTER_GET_CREDIT", "Did you mean OPENROUTER_GET_CREDITS?"),
        ("openrouter_get_credits", "Did you mean OPENROUTER_GET_CREDITS?"),
        ("zebra\x1b[2J\u202e", 'There is no action "zebra". There are OPENROUTER_CREATE_CHAT_COMPLETION, '),
        ("", "There is no action"),
        ("x" * 100_000, "There is no action"),
    ],
)
def test_a_tool_that_does_not_exist_is_told_with_the_nearest(
    registry: ToolRegistry, mode: str, name: str, told: str
) -> None:
    with pytest.raises(MCPError) as caught:
        called(registry, mode, name)
    assert caught.value.error.code == types.INVALID_PARAMS
    assert told in caught.value.error.message
    assert not {"\x1b", "\u202e"} & set(caught.value.error.message)
    assert len(caught.value.error.message) < 1_000


def test_an_older_name_still_works_and_is_not_listed(registry: ToolRegistry, mode: str) -> None:
    older = "OPENROUTER_OPENROUTER_LIST_PROVIDERS"
    assert not called(registry, mode, older).is_error
    assert older not in {tool.name for tool in listed(registry, mode)}


def test_a_tool_outside_the_toolset_is_neither_listed_nor_called(openrouter_sandbox: Sandbox, mode: str) -> None:
    with ToolRegistry.from_manifest(read_only=True) as registry:
        assert CHAT not in {tool.name for tool in listed(registry, mode)}
        result = called(registry, mode, CHAT, QUESTION, **Progress().asked)
    assert result.is_error
    assert "did not allow it" in text(result)
    assert openrouter_sandbox.requests == []


def test_a_handlers_mistake_is_told_without_its_text(
    openrouter_sandbox: Sandbox, mode: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> str:
        raise RuntimeError("the database's password is swordfish")

    monkeypatch.setattr(account, "get_credits", broken)
    with ToolRegistry.from_manifest() as registry:
        result = called(registry, mode, "OPENROUTER_GET_CREDITS")
    assert result.is_error
    assert "RuntimeError" in text(result)
    assert "swordfish" not in result.model_dump_json()


def test_a_long_failure_stays_within_the_limit(mode: str) -> None:
    def script(exchange: Exchange) -> None:
        exchange.stream()
        exchange.event(*(chunk("word " * 1_000) for _ in range(20)))
        exchange.cut()

    with Upstream(script) as upstream, connected_to(upstream) as registry:
        result = called(registry, mode, CHAT, {**QUESTION, "stream": True})
    assert result.is_error
    envelope: Any = result.structured_content
    assert set(envelope) == {"data", "error", "successful"}
    assert envelope["successful"] is False
    assert len(envelope["data"]) <= DEFAULT_LIMIT
    told = json.loads(envelope["data"])
    assert told["answer"]["error"]["type"] == "connection_failed"
    assert "word word" in told["answer"]["partial"]["choices"][0]["message"]["content"]
    assert "missing" in told["cut"]


def test_words_that_no_wire_can_carry_are_replaced(openrouter_sandbox: Sandbox, mode: str) -> None:
    def refuse(*_: object) -> None:
        raise Refused("half of a \ud83d smile, whole \ud83d\ude00")

    with ToolRegistry.from_manifest(before_execute=refuse) as registry:
        result = called(registry, mode, CHAT, QUESTION)
    assert result.is_error
    assert "half of a \ufffd smile, whole 😀" in text(result)
    result.model_dump_json()


# Whose account.


def test_a_function_tells_the_user_of_each_call(openrouter_sandbox: Sandbox, mode: str) -> None:
    users = iter(["alice", "bob", "carol"])
    heard: list[str | None] = []

    def user_of(context: ServerRequestContext[Any, Any]) -> str:
        heard.append(None if context.params is None else context.params["name"])
        return next(users)

    accounts = MemoryAccounts(
        {"alice": {"api_key": openrouter_sandbox.api_key}, "bob": {"api_key": "sk-or-v1-sandbox-bob"}}
    )

    async def use(client: Client) -> list[bool]:
        await client.list_tools()
        return [(await client.call_tool("OPENROUTER_GET_CURRENT_KEY")).is_error for _ in range(3)]

    with ToolRegistry.from_manifest(accounts=accounts) as registry:
        assert asked(mcp.server(registry, user_id=user_of), mode, use) == [False, False, True]
    assert [request.key for request in openrouter_sandbox.requests] == [
        openrouter_sandbox.api_key,
        "sk-or-v1-sandbox-bob",
    ]
    assert heard == ["OPENROUTER_GET_CURRENT_KEY"] * 3


def test_a_function_that_refuses_is_heard(registry: ToolRegistry, mode: str, openrouter_sandbox: Sandbox) -> None:
    def nobody(_: object) -> str:
        raise MCPError(types.INVALID_REQUEST, "Log in first.")

    with pytest.raises(MCPError, match=r"Log in first\.") as caught:
        asked(mcp.server(registry, user_id=nobody), mode, lambda client: client.call_tool(MODELS))
    assert caught.value.error.code == types.INVALID_REQUEST
    assert openrouter_sandbox.requests == []


def test_a_function_that_fails_tells_the_log_and_nobody_else(
    registry: ToolRegistry, mode: str, openrouter_sandbox: Sandbox, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(_: object) -> str:
        raise KeyError(KEY, "swordfish")

    with pytest.raises(MCPError) as caught:
        asked(mcp.server(registry, user_id=broken), mode, lambda client: client.call_tool(MODELS))
    assert caught.value.error.message == "The server itself failed (KeyError); its log has the details."
    assert "swordfish" in caplog.text
    assert KEY not in caplog.text
    assert openrouter_sandbox.requests == []


def test_a_toolset_that_can_not_be_asked_tells_the_log_and_nobody_else(
    openrouter_sandbox: Sandbox, mode: str, caplog: pytest.LogCaptureFixture
) -> None:
    asked_for = 0

    def switched_off() -> set[str]:
        nonlocal asked_for
        asked_for += 1
        if asked_for > 1:  # the first one is for the instructions
            raise OSError("the database at swordfish is gone")
        return set()

    with ToolRegistry.from_manifest(switched_off=switched_off) as registry, pytest.raises(MCPError) as caught:
        listed(registry, mode)
    assert caught.value.error.code == types.INTERNAL_ERROR
    assert "swordfish" not in caught.value.error.message
    assert "swordfish" in caplog.text


def test_it_serves_http_with_a_user_for_each_request(openrouter_sandbox: Sandbox, mode: str) -> None:
    def user_of(context: ServerRequestContext[Any, Any]) -> str:
        assert context.request is not None
        user: str = context.request.headers["x-user"]
        return user

    async def main(registry: ToolRegistry) -> list[str]:
        server = mcp.server(registry, user_id=user_of)
        app = server.streamable_http_app(stateless_http=True)
        told = []
        async with server.session_manager.run():
            for user in ("alice", "mallory"):
                transport = httpx2.ASGITransport(app)
                async with httpx2.AsyncClient(
                    transport=transport, base_url="http://127.0.0.1:8000", headers={"x-user": user}
                ) as http:
                    connection = streamable_http_client("http://127.0.0.1:8000/mcp", http_client=http)
                    async with Client(connection, mode=mode) as client:
                        told.append(text(await client.call_tool("OPENROUTER_GET_CURRENT_KEY")))
        return told

    accounts = MemoryAccounts({"alice": {"api_key": openrouter_sandbox.api_key}})
    with ToolRegistry.from_manifest(accounts=accounts) as registry:
        alice, mallory = asyncio.run(main(registry))
    assert json.loads(alice)["data"]["limit"] == 100
    assert "mallory" in mallory


# Progress.


@pytest.fixture(scope="module")
def unhurried() -> Iterator[Sandbox]:
    with Sandbox(chunk_delay=0.02) as sandbox:
        yield sandbox


@pytest.mark.parametrize("name", PROMPTED)
def test_each_token_is_progress_and_the_answer_is_as_without(mode: str, unhurried: Sandbox, name: str) -> None:
    unhurried.reset()
    progress = Progress()
    with connected_to(unhurried) as registry:
        streamed = called(registry, mode, name, PROMPTED[name], **progress.asked)
        plain = called(registry, mode, name, PROMPTED[name])
    assert "".join(progress.messages) == "17 * 3 = 51"
    assert len(progress.messages) > 1
    assert progress.numbers == list(accumulate(map(len, progress.messages)))
    assert said(streamed) == said(plain)
    bodies: list[Any] = [request.body for request in unhurried.requests]
    assert [body.get("stream", False) for body in bodies] == [True, False]


def said(result: types.CallToolResult) -> list[Any]:
    """What matters of a completion, in whichever of the three formats."""
    answer = json.loads(text(result))
    return [answer.get(name) for name in ("model", "content", "stop_reason", "usage")] + [
        (choice.get("text"), choice.get("message", {}).get("content"), choice["finish_reason"])
        for choice in answer.get("choices", [])
    ]


@pytest.mark.parametrize(("given", "sent"), [(False, False), ("false", False), (None, True), (True, True)])
def test_the_caller_says_whether_it_streams(
    registry: ToolRegistry, mode: str, openrouter_sandbox: Sandbox, given: Any, sent: bool
) -> None:
    progress = Progress()
    result = called(registry, mode, CHAT, {**QUESTION, "stream": given}, **progress.asked)
    assert completion(result) == "17 * 3 = 51"
    body: Any = openrouter_sandbox.requests[-1].body
    assert body.get("stream", False) is sent
    assert bool(progress.messages) is sent


def test_an_action_that_does_not_stream_has_no_progress(
    registry: ToolRegistry, mode: str, openrouter_sandbox: Sandbox
) -> None:
    progress = Progress()
    assert not called(registry, mode, MODELS, None, **progress.asked).is_error
    assert progress.messages == []
    assert openrouter_sandbox.requests[-1].query == {}


def test_progress_is_fit_for_a_terminal_and_the_answer_is_as_it_came(registry: ToolRegistry, mode: str) -> None:
    progress = Progress()
    hostile = completion(called(registry, mode, CHAT, {**QUESTION, "model": "sandbox/hostile-text"}, **progress.asked))
    assert "\x1b" in hostile
    assert "\x1b" not in "".join(progress.messages)
    assert "".join(progress.messages).replace("\\x1b", "\x1b").startswith(hostile[:10])


def test_a_stream_that_breaks_off_is_a_failure_behind_its_progress(registry: ToolRegistry, mode: str) -> None:
    progress = Progress()
    result = called(registry, mode, CHAT, {**QUESTION, "model": "sandbox/error-mid-stream"}, **progress.asked)
    assert result.is_error
    envelope: Any = result.structured_content
    partial = json.loads(envelope["data"])["partial"]["choices"][0]["message"]["content"]
    assert "".join(progress.messages) == partial != ""


def test_tokens_wait_for_nobody_and_go_out_in_order_together() -> None:
    """The reports are slow; the stream is not held up, and nothing is lost or out of order."""
    reported: list[tuple[int, str]] = []

    async def slow(progress: int, message: str) -> None:
        await asyncio.sleep(0.05)
        reported.append((progress, message))

    async def main() -> None:
        tokens = mcp._ProgressReporter(slow)
        reporting = asyncio.ensure_future(tokens.report_all())

        def stream() -> None:
            for number in range(10_000):
                tokens(StreamEvent("text", f"{number},"))
                tokens(StreamEvent("reasoning", "no, "))

        with cpu_below(2):
            await asyncio.to_thread(stream)
        assert len(reported) < 100  # the stream ended long before ten thousand reports could
        tokens.end()
        await asyncio.wait_for(reporting, PATIENCE)

    asyncio.run(main())
    assert "".join(message for _, message in reported) == "".join(f"{number}," for number in range(10_000))
    assert [progress for progress, _ in reported] == sorted({progress for progress, _ in reported})
    assert len(reported) < 100


@pytest.mark.parametrize("texts", [[], ["last"]])
def test_the_end_comes_behind_what_has_arrived(texts: list[str]) -> None:
    reported: list[str] = []

    async def report(_: int, message: str) -> None:
        reported.append(message)

    async def main() -> None:
        tokens = mcp._ProgressReporter(report)
        for one in texts:
            tokens._take(one)
        tokens.end()
        await asyncio.wait_for(tokens.report_all(), 5)

    asyncio.run(main())
    assert reported == texts


# Cancelling.


@pytest.mark.parametrize("streamed", [True, False])
def test_a_cancelled_call_leaves_openrouter_at_once(
    registry: ToolRegistry, mode: str, openrouter_sandbox: Sandbox, streamed: bool
) -> None:
    more = Progress().asked if streamed else {}

    async def use(client: Client) -> None:
        silent = {**QUESTION, "model": "sandbox/silent"}
        call = asyncio.ensure_future(client.call_tool(CHAT, silent, **more))
        while not openrouter_sandbox.requests:
            await asyncio.sleep(0.01)
        await asyncio.sleep(0.2)
        call.cancel()
        with pytest.raises(asyncio.CancelledError):
            await call
        await asyncio.to_thread(wait_until, lambda: openrouter_sandbox.requests[0].closed_by_client)
        assert not (await client.call_tool("OPENROUTER_GET_CURRENT_KEY")).is_error  # the server goes on

    asked(mcp.server(registry), mode, use)


def test_nothing_is_logged_by_a_call_that_goes_well(
    registry: ToolRegistry, mode: str, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING):
        called(registry, mode, CHAT, QUESTION, **Progress().asked)
    assert caplog.records == []


# The package.


def test_a_missing_package_is_told_with_what_installs_it(
    registry: ToolRegistry, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "mcp_types", None)
    with pytest.raises(ImportError, match=r"pip install 'openrouter-toolkit\[mcp\]'"):
        mcp.server(registry)
