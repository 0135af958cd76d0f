"""MCP over streamable HTTP, asked by the official client and by hand."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

import httpx2
import mcp_types as types
import pytest
from mcp import Client, MCPError
from mcp.client.streamable_http import streamable_http_client

from openrouter_toolkit.sandbox import Sandbox
from openrouter_toolkit.tool_calling import FORMATS

from .conftest import ALICE, BOB
from .served import CHAT, KEY, MODELS, QUESTION, TLS, Served

Answer = TypeVar("Answer")
ERAS = pytest.mark.parametrize("mode", ["auto", "legacy"])
LIST = {"jsonrpc": "2.0", "id": 1, "method": "tools/list", "params": {}}
ACCEPT = {"Accept": "application/json, text/event-stream", "Content-Type": "application/json"}


def asked(
    served: Served,
    token: str,
    mode: str,
    use: Callable[[Client], Awaitable[Answer]],
    path: str = "/mcp",
    **headers: str,
) -> Answer:
    """What comes of using a client of the server."""

    async def main() -> Answer:
        given = {"Authorization": f"Bearer {token}", **headers}
        async with (
            httpx2.AsyncClient(headers=given, verify=TLS, trust_env=False, timeout=30) as http,
            Client(streamable_http_client(f"{served.url}{path}", http_client=http), mode=mode) as client,
        ):
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


@ERAS
def test_tools_are_listed_and_called(served: Served, sandbox: Sandbox, mode: str) -> None:
    async def use(client: Client) -> tuple[list[str], types.CallToolResult]:
        listed = await client.list_tools()
        return [tool.name for tool in listed.tools], await client.call_tool(CHAT, QUESTION)

    names, result = asked(served, served.token("alice"), mode, use)
    assert names == list(served.state.toolkits["OPENROUTER"].registry.offered)
    assert not result.is_error
    assert "17 * 3 = 51" in text(result)
    assert [request.key for request in sandbox.requests] == [ALICE]


@ERAS
def test_progress_brings_the_text_while_it_is_made(served: Served, mode: str) -> None:
    told: list[str] = []

    async def hear(progress: float, total: float | None, message: str | None) -> None:
        told.append(message or "")

    asked(served, served.token("bob"), mode, lambda client: client.call_tool(CHAT, QUESTION, progress_callback=hear))
    assert "".join(told) == "17 * 3 = 51"


@ERAS
def test_the_token_decides_the_user(served: Served, sandbox: Sandbox, mode: str) -> None:
    def call(*users: str, **headers: str) -> types.CallToolResult:
        return asked(served, served.token(*users), mode, lambda client: client.call_tool(KEY, {}), **headers)

    for result in (call("bob"), call("bob", **{"X-User-Id": "bob"}), call(**{"X-User-Id": "bob"})):
        assert not result.is_error
    assert not call("alice", "bob", **{"X-User-Id": "alice"}).is_error
    assert [request.key for request in sandbox.requests] == [BOB, BOB, BOB, ALICE]
    for users in ((), ("alice", "bob")):
        with pytest.raises(MCPError, match="X-User-Id"):
            call(*users)
    assert len(sandbox.requests) == 4


def test_a_user_whom_the_token_may_not_name_is_refused(served: Served, sandbox: Sandbox) -> None:
    with served.client(served.token("bob"), **ACCEPT) as host:
        for user in (b"alice", b"nobody", b"", b"bob,alice", "bób".encode()):
            answer = host.post("/mcp", json=LIST, headers=[(b"X-User-Id", user)])
            assert (answer.status_code, answer.json()["error"]["type"]) == (403, "forbidden")
        for headers in ([(b"X-User-Id", b"\xff")], [(b"X-User-Id", b"bob"), (b"X-User-Id", b"alice")]):
            assert host.post("/mcp", json=LIST, headers=headers).status_code == 400
    assert sandbox.requests == []


def test_a_user_id_in_the_arguments_chooses_nobody(served: Served, sandbox: Sandbox) -> None:
    async def use(client: Client) -> types.CallToolResult:
        return await client.call_tool(KEY, {"user_id": "alice"})

    result = asked(served, served.token("bob"), "auto", use)
    assert result.is_error
    assert sandbox.requests == []


def test_what_is_switched_off_is_neither_listed_nor_called(served: Served, sandbox: Sandbox) -> None:
    served.store.switches.turn_off("OPENROUTER", KEY)

    async def use(client: Client) -> tuple[list[str], types.CallToolResult]:
        return [tool.name for tool in (await client.list_tools()).tools], await client.call_tool(KEY, {})

    names, result = asked(served, served.token("alice"), "auto", use)
    assert KEY not in names
    assert result.is_error
    assert "switched it off" in text(result)
    assert sandbox.requests == []


WIDER: list[tuple[str, dict[str, str]]] = [
    ("", {}),
    ("?read_only=false&readonly=false&allow=OPENROUTER_GET_CURRENT_KEY&deny=&toolsets=all", {}),
    ("", {"X-MCP-Readonly": "false", "X-MCP-Toolsets": "all", "X-MCP-Tools": KEY, "X-Allow": KEY, "X-Deny": ""}),
    ("", {"X-User-Id": "alice", "X-HTTP-Method-Override": "PUT"}),
]


@pytest.mark.parametrize(("query", "headers"), WIDER)
def test_nothing_in_a_request_widens_what_may_be_used(
    served: Served, sandbox: Sandbox, query: str, headers: dict[str, str]
) -> None:
    served.store.switches.turn_off("OPENROUTER", KEY)
    more = {"allow": [KEY], "deny": [], "read_only": False, "toolsets": ["all"], "switched_off": []}

    def call(params: dict[str, Any]) -> httpx2.Response:
        return host.post(f"/mcp{query}", json={**LIST, "method": "tools/call", "params": params})

    with served.client(served.token("alice"), **ACCEPT, **headers) as host:
        for params in ({}, {"_meta": more}, more):
            listed = host.post(f"/mcp{query}", json={**LIST, "params": params}).text
            assert CHAT in listed
            assert f'"{KEY}"' not in listed
        for arguments in ({}, more):
            for meta in ({}, more):
                answer = call({"name": KEY, "arguments": arguments, "_meta": meta, **meta})
                assert '"isError":true' in answer.text, answer.text
        for name in FORMATS:
            tools = host.get(f"/api/tools?format={name}&{query[1:]}")
            assert tools.status_code == (422 if query else 200)
            assert f'"{KEY}"' not in tools.text
        for arguments in ({}, more):
            answer = host.post(f"/api/actions/{KEY}{query}", json={"arguments": arguments})
            if query:  # nobody is left to believe that it counted
                assert answer.status_code == 422
            else:
                assert json.loads(answer.json()["data"])["error"]["type"] == "refused_by_policy"
        assert host.post(f"/api/actions/{KEY}{query}", json={"arguments": {}, **more}).status_code == 422
    assert sandbox.requests == []


@ERAS
def test_tools_are_listed_in_the_same_order_each_time_and_for_everybody(served: Served, mode: str) -> None:
    async def listed(client: Client) -> list[str]:
        return [tool.model_dump_json() for tool in (await client.list_tools()).tools]

    def lists() -> list[list[str]]:
        own = [asked(served, served.token(user), mode, listed) for user in ("alice", "bob", "zoe", "alice")]
        return [*own, asked(served, served.token(), mode, listed, **{"X-User-Id": "bob"})]

    before = lists()
    for action in (KEY, CHAT, MODELS):
        served.store.switches.turn_off("OPENROUTER", action)
    fewer = lists()
    for action in (MODELS, KEY, CHAT):
        served.store.switches.turn_on("OPENROUTER", action)
    every = before + lists()
    assert every == [every[0]] * 10
    assert fewer == [[tool for tool in every[0] if json.loads(tool)["name"] not in (KEY, CHAT, MODELS)]] * 5


def test_each_toolkit_has_an_address_of_its_own(served: Served) -> None:
    async def listed(client: Client) -> list[str]:
        return [tool.name for tool in (await client.list_tools()).tools]

    token = served.token("alice")
    assert asked(served, token, "auto", listed, "/mcp/echo") == []
    served.store.switches.activate("ECHO")
    assert asked(served, token, "auto", listed, "/mcp/echo") == ["ECHO_SAY", "ECHO_LIST_TOPICS"]
    assert asked(served, token, "auto", listed, "/mcp/openrouter") == asked(served, token, "auto", listed)
    result = asked(served, token, "auto", lambda client: client.call_tool("ECHO_SAY", {"text": "hi"}), "/mcp/echo")
    assert json.loads(text(result)) == {"said": ["hi"]}


def test_the_address_is_answered_as_it_is(served: Served) -> None:
    with served.client(served.token("alice"), **ACCEPT) as host:
        assert host.post("/mcp", json=LIST).status_code == 200
        assert [host.post(path, json=LIST).status_code for path in ("/mcp/", "/mcp/nothing", "/mcp//")] == [404] * 3
        for method in ("GET", "DELETE", "PUT"):
            answer = host.request(method, "/mcp")
            assert (answer.status_code, answer.headers["allow"]) == (405, "POST")


def refusal(served: Served, token: str, mode: str, path: str = "/mcp", **headers: str) -> MCPError:
    """What the official client says when the server did not let it in."""
    with pytest.raises(BaseException) as caught:  # noqa: PT011 - it comes in groups
        asked(served, token, mode, lambda client: client.list_tools(), path, **headers)
    error: BaseException = caught.value
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    assert isinstance(error, MCPError)
    return error


@ERAS
def test_the_client_shows_why_it_was_refused(served: Served, mode: str) -> None:
    token = served.token("alice")
    known = "There are /mcp, /mcp/openrouter, /mcp/echo."
    assert "wrong or was revoked" in str(refusal(served, "ort_wrong", mode))
    assert "is an OpenRouter key" in str(refusal(served, ALICE, mode))
    assert "holds no API token" in str(refusal(served, token, mode, Authorization=token))
    assert "X-User-Id" in str(refusal(served, token, mode, **{"X-User-Id": "bob"}))
    assert "--url" in str(refusal(served, token, mode, Host="tools.example.com"))
    for path in ("/mcp/nix", "/mcp/", "/mcp/OPENROUTER", "/mcp/openrouter/"):
        assert known in str(refusal(served, token, mode, path))
        assert "wrong or was revoked" in str(refusal(served, "ort_wrong", mode, path))


def test_a_refusal_is_an_error_of_json_rpc_without_id(served: Served) -> None:
    with served.client(served.token("bob"), **ACCEPT) as host, served.client() as nobody:
        for answer, status, type_ in (
            (nobody.post("/mcp", json=LIST), 401, "unauthorized"),
            (host.post("/mcp", json=LIST, headers={"X-User-Id": "alice"}), 403, "forbidden"),
            (host.post("/mcp/nix", json=LIST), 404, "not_found"),
            (host.get("/mcp"), 405, "method_not_allowed"),
            (host.get("/mcp/echo"), 405, "method_not_allowed"),
            (host.delete("/mcp/openrouter"), 405, "method_not_allowed"),
        ):
            types.JSONRPCError.model_validate(answer.json())
            error = answer.json()["error"]
            assert (answer.status_code, answer.json()["id"], error["type"]) == (status, None, type_)
            assert error["code"] == types.INVALID_REQUEST
        assert set(host.get("/api/nothing").json()) == {"error"}


def test_bodies_that_are_no_message(served: Served) -> None:
    wrong: list[Any] = [b"", b"{", b"[]", b"\xff", b'{"jsonrpc": "2.0"}', b"[" * 100_000]
    with served.client(served.token("alice"), **ACCEPT) as host:
        for body in wrong:
            for version in ("2025-11-25", "2026-07-28"):
                answer = host.post("/mcp", content=body, headers={"MCP-Protocol-Version": version})
                assert 400 <= answer.status_code < 500, (body[:20], version)
        assert host.post("/mcp", json=LIST).status_code == 200


def test_a_foreign_origin_is_refused(served: Served) -> None:
    with served.client(served.token("alice"), **ACCEPT) as host:
        for origin in ("https://evil.example", f"{served.url}.evil.example", "http://127.0.0.1:1", "file://"):
            assert host.post("/mcp", json=LIST, headers={"Origin": origin}).status_code == 403
        assert host.post("/mcp", json=LIST, headers={"Origin": served.url}).status_code == 200
