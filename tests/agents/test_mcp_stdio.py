"""`openrouter-toolkit mcp` as a desktop client runs it: a process of its own, the official client, both eras."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, TypeVar

import mcp_types as types
import pytest
from mcp import Client, MCPError, StdioServerParameters
from mcp.client.stdio import stdio_client

from openrouter_toolkit import ToolRegistry
from openrouter_toolkit.sandbox import Sandbox

from ..openrouter.servers import Exchange, chunk
from ..openrouter.servers import Server as Upstream
from ..scale import scaled
from ..timing import wait_until

Answer = TypeVar("Answer")
CHAT = "OPENROUTER_CREATE_CHAT_COMPLETION"
QUESTION: dict[str, Any] = {"model": "acme/atlas-small", "messages": [{"role": "user", "content": "What is 17 * 3?"}]}
SILENT = {**QUESTION, "model": "sandbox/silent"}
NO_STORE = {"OPENROUTER_TOOLKIT_DATABASE": "sqlite:////nowhere/store.db"}  # not that of whoever runs the tests
SCRIPT = str(Path(sys.executable).with_name("openrouter-toolkit"))


pytestmark = pytest.mark.load


@pytest.fixture(params=scaled(["auto"], full=["auto", "legacy"]))
def mode(request: pytest.FixtureRequest) -> str:
    """The era of the protocol: 2026-07-28 without a handshake, or 2025-11-25."""
    chosen: str = request.param
    return chosen


def connected(sandbox: Sandbox | Upstream) -> dict[str, str]:
    key = getattr(sandbox, "api_key", "sk-or-v1-" + "0123456789abcdef" * 4)
    return {"OPENROUTER_API_KEY": key, "OPENROUTER_BASE_URL": sandbox.base_url}


def asked(
    mode: str,
    environment: dict[str, str],
    use: Callable[[Client], Awaitable[Answer]],
    *options: str,
    errors: Path | None = None,
) -> Answer:
    """What comes of using a client of the command; `errors` gets its standard error."""
    server = StdioServerParameters(command=SCRIPT, args=["mcp", *options], env={**NO_STORE, **environment})

    async def main() -> Answer:
        with (errors or Path(os.devnull)).open("w", encoding="utf-8") as log:
            async with Client(stdio_client(server, errlog=log), mode=mode) as client:
                try:
                    return await use(client)
                except Exception as error:  # noqa: BLE001 - raised in here, it would come out in groups
                    failure = error
        raise failure

    return asyncio.run(main())


def text(result: types.CallToolResult) -> str:
    (block,) = result.content
    assert isinstance(block, types.TextContent)
    return block.text


class Progress:
    """What a caller hears of progress."""

    def __init__(self) -> None:
        self.numbers: list[float] = []
        self.messages: list[str] = []

    async def __call__(self, progress: float, total: float | None, message: str | None) -> None:
        self.numbers.append(progress)
        self.messages.append(message or "")


def test_a_client_lists_calls_and_reads_what_went_wrong(
    mode: str, openrouter_sandbox: Sandbox, registry: ToolRegistry, tmp_path: Path
) -> None:
    async def use(client: Client) -> None:
        tools = [tool.model_dump(by_alias=True, exclude_none=True) for tool in (await client.list_tools()).tools]
        for tool, own in zip(tools, registry.tools("mcp"), strict=True):
            assert {**tool, "outputSchema": None} == {**own, "outputSchema": None}
        counted = await client.call_tool("OPENROUTER_GET_MODELS_COUNT", None)
        assert json.loads(text(counted))["data"]["count"] > 5
        assert counted.structured_content == {"data": text(counted), "error": None, "successful": True}
        wrong = await client.call_tool("OPENROUTER_GET_GENERATION", {"idd": "gen-1"})
        assert wrong.is_error
        assert "did you mean id?" in text(wrong)
        with pytest.raises(MCPError, match=r"Did you mean OPENROUTER_GET_CREDITS\?") as caught:
            await client.call_tool("OPENROUTER_GET_CREDIT")
        assert caught.value.error.code == types.INVALID_PARAMS

    errors = tmp_path / "errors"
    asked(mode, connected(openrouter_sandbox), use, errors=errors)
    assert errors.read_text() == ""


def test_tokens_are_progress_before_the_answer(mode: str) -> None:
    progress = Progress()

    async def use(client: Client) -> types.CallToolResult:
        result = await client.call_tool(CHAT, QUESTION, progress_callback=progress)
        assert "".join(progress.messages) == "17 * 3 = 51"  # not a moment later
        return result

    with Sandbox(chunk_delay=0.02) as sandbox:
        result = asked(mode, connected(sandbox), use)
    assert json.loads(text(result))["choices"][0]["message"]["content"] == "17 * 3 = 51"
    assert len(progress.messages) > 1
    assert progress.numbers == sorted(set(progress.numbers))


@pytest.mark.parametrize("way", ["cancelled", "timed out"])
def test_a_call_that_nobody_waits_for_leaves_openrouter_at_once(
    mode: str, openrouter_sandbox: Sandbox, way: str
) -> None:
    async def use(client: Client) -> None:
        patience = 1.0 if way == "timed out" else None
        call = asyncio.ensure_future(
            client.call_tool(CHAT, SILENT, read_timeout_seconds=patience, progress_callback=Progress())
        )
        while not openrouter_sandbox.requests:
            await asyncio.sleep(0.01)
        if way == "cancelled":
            await asyncio.sleep(0.2)
            call.cancel()
            with pytest.raises(asyncio.CancelledError):
                await call
        else:
            with pytest.raises(MCPError, match="timed out"):
                await call
        request = openrouter_sandbox.requests[0]
        await asyncio.to_thread(wait_until, lambda: request.closed_by_client)
        assert not (await client.call_tool("OPENROUTER_GET_CURRENT_KEY")).is_error  # the server goes on

    asked(mode, connected(openrouter_sandbox), use)


def test_without_a_key_it_lists_and_tells_how_to_connect(mode: str, openrouter_sandbox: Sandbox) -> None:
    """The key is in this process's environment, and no client hands that down unasked."""

    async def use(client: Client) -> types.CallToolResult:
        assert len((await client.list_tools()).tools) == len(ToolRegistry.from_manifest().offered)
        return await client.call_tool("OPENROUTER_GET_CURRENT_KEY")

    result = asked(mode, {"OPENROUTER_BASE_URL": openrouter_sandbox.base_url}, use)
    assert result.is_error
    assert text(result) == (
        'No OpenRouter account with api_key is connected for user "default". '
        "Somebody has to set OPENROUTER_API_KEY under `env` of this server in the MCP client's configuration, "
        "or to run `openrouter-toolkit connect`, and to restart the server. A key is made at https://openrouter.ai/keys."
    )
    envelope: Any = result.structured_content
    assert json.loads(envelope["data"])["error"]["type"] == "not_connected"
    assert openrouter_sandbox.requests == []


def test_a_placeholder_for_a_key_is_told_with_where_to_correct_it(mode: str, openrouter_sandbox: Sandbox) -> None:
    environment = {"OPENROUTER_BASE_URL": openrouter_sandbox.base_url, "OPENROUTER_API_KEY": "sk-or-v1-..."}
    result = asked(mode, environment, lambda client: client.call_tool("OPENROUTER_GET_CURRENT_KEY"))
    assert result.is_error
    assert "it is a placeholder, not a key" in text(result)
    assert text(result).endswith(
        "Somebody has to set OPENROUTER_API_KEY under `env` of this server in the MCP client's configuration, "
        "or to run `openrouter-toolkit connect`, and to restart the server."
    )


def test_an_answer_that_speaks_of_the_variable_stays_as_it_is(mode: str, openrouter_sandbox: Sandbox) -> None:
    sentence = "Set the environment variable OPENROUTER_API_KEY."
    openrouter_sandbox.script("my/model", [sentence])
    arguments = {"model": "my/model", "messages": [{"role": "user", "content": "What do I do?"}]}
    result = asked(
        mode,
        connected(openrouter_sandbox),
        lambda client: client.call_tool("OPENROUTER_CREATE_CHAT_COMPLETION", arguments),
    )
    assert not result.is_error
    assert sentence in text(result)


def test_another_user_is_not_connected_by_the_environment(mode: str, openrouter_sandbox: Sandbox) -> None:
    result = asked(
        mode,
        connected(openrouter_sandbox),
        lambda client: client.call_tool("OPENROUTER_GET_CURRENT_KEY"),
        "--user-id",
        "alice",
    )
    assert result.is_error
    assert text(result).endswith(
        "The environment connects only the user 'default'. Somebody has to run "
        "`openrouter-toolkit connect --user-id alice` and restart this server. "
        "A key is made at https://openrouter.ai/keys."
    )
    assert openrouter_sandbox.requests == []


def test_a_toolset_is_an_upper_bound(mode: str, openrouter_sandbox: Sandbox) -> None:
    async def use(client: Client) -> types.CallToolResult:
        names = {tool.name for tool in (await client.list_tools()).tools}
        assert "OPENROUTER_GET_CURRENT_KEY" in names
        assert not names & {CHAT, "OPENROUTER_GET_CREDITS", "OPENROUTER_CREATE_MESSAGE"}
        return await client.call_tool(CHAT, QUESTION)

    options = ["--allow", "account", "chat", "--deny", "OPENROUTER_GET_CREDITS", "--read-only"]
    result = asked(mode, connected(openrouter_sandbox), use, *options)
    assert result.is_error
    assert openrouter_sandbox.requests == []


def test_no_key_comes_out_when_debugging(mode: str, openrouter_sandbox: Sandbox, tmp_path: Path) -> None:
    key = "sk-or-v1-sandbox-0123456789abcdef0123456789abcdef"

    async def use(client: Client) -> list[types.CallToolResult]:
        return [
            await client.call_tool(CHAT, {**QUESTION, "model": "sandbox/echo-key"}, progress_callback=Progress()),
            await client.call_tool("OPENROUTER_GET_CURRENT_KEY"),
        ]

    environment = {
        **connected(openrouter_sandbox),
        "OPENROUTER_API_KEY": key,
        "OPENROUTER_TOOLKIT_DEBUG": "1",
    }
    errors = tmp_path / "errors"
    results = asked(mode, environment, use, errors=errors)
    assert {request.key for request in openrouter_sandbox.requests} == {key}
    told = errors.read_text() + "".join(result.model_dump_json() for result in results)
    assert results[0].is_error
    assert key[9:] not in told
    assert "0123456789ab" not in told


def test_halves_of_characters_do_not_end_the_server(mode: str) -> None:
    """Some providers send a character in two halves, and nothing but JSON's escapes can carry one alone."""

    def script(exchange: Exchange) -> None:
        exchange.stream()
        for piece in ("a", "\ud83d", "b"):
            exchange.piece(f"data: {json.dumps(chunk(piece))}\n\n".encode())
            time.sleep(0.05)
        exchange.event(chunk("", finish="stop"), "[DONE]")
        exchange.end()

    progress = Progress()

    async def use(client: Client) -> types.CallToolResult:
        await client.call_tool(CHAT, QUESTION, progress_callback=progress)
        return await client.call_tool(CHAT, QUESTION, progress_callback=progress)

    with Upstream(script) as upstream:
        result = asked(mode, connected(upstream), use)
    assert not result.is_error
    assert "".join(progress.messages) == "a\ufffdb" * 2
    assert json.loads(text(result))["choices"][0]["message"]["content"] == "a\ud83db"  # as it came, in escapes


def test_the_example_does_what_it_says(openrouter_sandbox: Sandbox, tmp_path: Path) -> None:
    example = Path(__file__).parents[2] / "examples" / "mcp_client.py"
    kept = {name: value for name, value in os.environ.items() if not name.startswith("OPENROUTER_")}
    done = subprocess.run(
        [sys.executable, "-W", "error", str(example), "What is 17 * 3?"],
        env={**kept, **NO_STORE, **connected(openrouter_sandbox), "OPENROUTER_MODEL": "acme/atlas-small"},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == (
        "The server offers OPENROUTER_CREATE_CHAT_COMPLETION, OPENROUTER_LIST_AVAILABLE_MODELS.\n17 * 3 = 51\n"
    )
    assert [request.path for request in openrouter_sandbox.requests] == ["/chat/completions"]
