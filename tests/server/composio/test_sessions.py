"""Tool-router sessions: their limits hold for lists, calls and the MCP address; what promises safety is refused."""

from __future__ import annotations

from typing import Any

import anyio
import httpx2
import pytest
from mcp import ClientSession
from mcp.client.streamable_http import streamable_http_client

from openrouter_toolkit.manifest import load
from openrouter_toolkit.store import Store

from ..served import QUESTION, Served
from .conftest import Api
from .test_accounts import refusal

ALL = [action.slug for action in load().actions]
CHAT = "OPENROUTER_CREATE_CHAT_COMPLETION"
COINBASE = "OPENROUTER_CREATE_COINBASE_CHARGE"
KEY = "OPENROUTER_GET_CURRENT_KEY"
PATH = "/tool_router/session"


def create(api: Api, user_id: str = "alice", **config: Any) -> dict[str, Any]:
    answer = api("POST", PATH, json={"user_id": user_id, **config})
    assert answer.status_code == 201, answer.text
    made: dict[str, Any] = answer.json()
    return made


def tools(api: Api, session: dict[str, Any]) -> list[str]:
    return [one["slug"] for one in api("GET", f"{PATH}/{session['session_id']}/tools").json()["items"]]


@pytest.mark.parametrize(
    ("config", "allowed"),
    [
        ({}, lambda slug: True),
        ({"toolkits": {"enable": ["openrouter"]}}, lambda slug: slug.startswith("OPENROUTER_")),
        ({"toolkits": ["OPENROUTER"]}, lambda slug: slug.startswith("OPENROUTER_")),
        ({"toolkits": {"enable": []}}, lambda slug: False),
        ({"toolkits": {"disable": ["openrouter"]}}, lambda slug: not slug.startswith("OPENROUTER_")),
        ({"tools": {"openrouter": [CHAT]}}, lambda slug: slug == CHAT),
        ({"tools": {"openrouter": {"enable": [CHAT, KEY]}}}, lambda slug: slug in (CHAT, KEY)),
        ({"tools": {"openrouter": {"disable": [COINBASE]}}}, lambda slug: slug != COINBASE),
        ({"tags": {"disable": ["destructiveHint"]}}, lambda slug: slug != COINBASE),
        ({"tools": {"openrouter": {"tags": ["destructiveHint"]}}}, lambda slug: slug == COINBASE),
        ({"tools": {"openrouter": {"tags": ["readOnlyHint"], "enable": [KEY, CHAT]}}}, lambda slug: slug == KEY),
        ({"tags": ["destructiveHint"], "tools": {"openrouter": {"enable": [KEY]}}}, lambda slug: False),
    ],
)
def test_limits_decide_what_is_listed(api: Api, config: dict[str, Any], allowed: Any) -> None:
    session = create(api, **config)
    expected = [slug for slug in ALL if allowed(slug)]
    assert [slug for slug in session["tool_router_tools"] if slug in ALL] == expected
    assert [slug for slug in tools(api, session) if slug in ALL] == expected


NO_TOOL, BAD_REQUEST = (404, "Tool_ToolNotFound"), (400, "HTTP_BadRequest")


@pytest.mark.parametrize(
    ("path", "name", "of_composio"), [("execute", "tool_slug", NO_TOOL), ("execute_meta", "slug", BAD_REQUEST)]
)
def test_limits_hold_at_execute(api: Api, path: str, name: str, of_composio: tuple[int, str]) -> None:
    session = create(api, tools={"openrouter": {"disable": [CHAT]}})
    path = f"{PATH}/{session['session_id']}/{path}"
    refused = api("POST", path, json={name: CHAT, "arguments": QUESTION})
    assert refusal(refused) == (400, "ToolRouterV2_ToolkitNotAllowed")
    done = api("POST", path, json={name: KEY, "arguments": {}}).json()
    assert (done["result_type"], done["error"]) == ("completed", None)
    failed = api("POST", path, json={name: "OPENROUTER_GET_GENERATION", "arguments": {}}).json()
    assert failed["result_type"] == "failed"
    assert "id" in failed["error"]
    unknown = api("POST", path, json={name: "COMPOSIO_SEARCH_TOOLS", "arguments": {}})
    assert refusal(unknown) == of_composio


def test_limits_and_the_user_hold_at_the_mcp_address(api: Api, served: Served, api_key: str) -> None:
    session = create(api, "bob", tools={"openrouter": {"enable": [KEY]}}, toolkits=["openrouter"])
    url = session["mcp"]["url"]
    assert url.startswith(f"{served.url}/")

    async def talk() -> None:
        async with (
            httpx2.AsyncClient(headers={"x-api-key": api_key}) as http,
            streamable_http_client(url, http_client=http) as streams,
            ClientSession(streams[0], streams[1]) as client,
        ):
            await client.initialize()
            assert [tool.name for tool in (await client.list_tools()).tools] == [KEY]
            answer = await client.call_tool(KEY, {})
            assert not answer.is_error
            with pytest.raises(Exception, match="no such tool"):
                await client.call_tool(CHAT, dict(QUESTION))

    anyio.run(talk)


def test_a_key_for_others_does_not_reach_a_sessions_mcp_address(api: Api, alices_api_key: str, served: Served) -> None:
    session = create(api, "bob")
    address = session["mcp"]["url"].removeprefix(served.url)
    call = {"jsonrpc": "2.0", "id": 1, "method": "tools/list"}
    accept = {"Accept": "application/json, text/event-stream"}
    with served.client(None, **{"x-api-key": alices_api_key}, **accept) as client:
        assert client.post(address, json=call).status_code == 404
        assert client.post("/mcp/session/trs_nothing", json=call).status_code == 404
    with served.client(None, **accept) as client:
        assert client.post(address, json=call).status_code == 401


def test_addresses_have_the_origin_that_the_client_knows(served: Served, api_key: str) -> None:
    by_name = served.url.replace("127.0.0.1", "localhost")
    with served.client(None, **{"x-api-key": api_key, "Host": by_name.removeprefix("http://")}) as client:
        session = client.post("/api/v3.1/tool_router/session", json={"user_id": "alice"}).json()
        link = client.post(f"/api/v3.1{PATH}/{session['session_id']}/link", json={"toolkit": "openrouter"}).json()
    assert session["mcp"]["url"].startswith(f"{by_name}/")
    assert link["redirect_url"].startswith(f"{by_name}/")


def test_the_account_is_the_sessions(api: Api, store: Store) -> None:
    first = next(one for one in store.accounts.list() if one.user_id == "alice")
    other = store.accounts.connect("OPENROUTER", "alice", {"api_key": "sk-or-v1-sandbox-other-00112233"}, alias="other")
    label = {}
    configs: dict[str, dict[str, Any]] = {"usual": {}, "pinned": {"connected_accounts": {"openrouter": [other.id]}}}
    for name, config in configs.items():
        session = create(api, **config)
        path = f"{PATH}/{session['session_id']}"
        answer = api("POST", f"{path}/execute", json={"tool_slug": KEY, "arguments": {}}).json()
        label[name] = answer["data"]["data"]["label"]
        listed = api("GET", f"{path}/toolkits").json()["items"]
        shown = next(one for one in listed if one["slug"] == "openrouter")["connected_account"]["id"]
        assert shown == (first.id if name == "usual" else other.id)
    assert label["usual"] != label["pinned"]
    usual = create(api)
    for chosen in (other.id, "other"):
        body = {"tool_slug": KEY, "arguments": {}, "account": chosen}
        answer = api("POST", f"{PATH}/{usual['session_id']}/execute", json=body).json()
        assert answer["data"]["data"]["label"] == label["pinned"]
    body = {"tool_slug": KEY, "arguments": {}, "account": first.id}
    pinned = create(api, connected_accounts={"openrouter": [other.id]})
    refused = api("POST", f"{PATH}/{pinned['session_id']}/execute", json=body)
    assert refusal(refused) == (400, "ToolRouterV2_InvalidConnectedAccountIds")


def test_without_an_account_there_is_a_link(api: Api) -> None:
    session = create(api, "newcomer")
    path = f"{PATH}/{session['session_id']}"
    refused = api("POST", f"{path}/execute", json={"tool_slug": KEY, "arguments": {}})
    assert refusal(refused) == (400, "ToolRouterV2_NoActiveConnection")
    link = api("POST", f"{path}/link", json={"toolkit": "openrouter", "alias": "mine"}).json()
    assert "/connect/" in link["redirect_url"]
    shown = api("GET", f"/connected_accounts/{link['connected_account_id']}").json()
    assert (shown["user_id"], shown["alias"], shown["status"]) == ("newcomer", "mine", "INITIATED")
    found = api("GET", f"{path}/toolkits", params={"is_connected": "true"}).json()["items"]
    assert "openrouter" not in [one["slug"] for one in found]
    limited = create(api, "newcomer", toolkits={"disable": ["openrouter"]})
    refused = api("POST", f"{PATH}/{limited['session_id']}/link", json={"toolkit": "openrouter"})
    assert refusal(refused) == (400, "ToolRouterV2_ToolkitNotAllowed")


@pytest.mark.parametrize(
    "config",
    [
        {"toolkits": {"enable": ["openrouter"], "require_approval": ["openrouter"]}},
        {"tools": {"openrouter": {"require_approval": [CHAT]}}},
        {"tags": {"require_approval": ["destructiveHint"]}},
        {"hooks": [{"url": "https://hook.example"}]},
        {"experimental": {"permissions": {"default": "ask_every_call"}}},
        {"experimental": {"session_config_id": "sc_1"}},
        {"proxy_execute": {"enable": True}},
        {"workbench": {"enable_proxy_execution": True}},
        {"instant": {"toolkits": {"enable": ["openrouter"]}}},
        {"toolkits": {"enable": ["gmail"]}},
        {"tools": {"gmail": ["GMAIL_SEND"]}},
        {"tools": {"openrouter": {"disable": ["OPENROUTER_CREATE_COINBASE_CHARGES"]}}},
        {"tags": ["no hint"]},
        {"toolkits": {"disabled": ["openrouter"]}},
        {"tools": {"openrouter": {"disabled": [CHAT]}}},
        {"auth_configs": {"gmail": "ac_1"}},
        {"manage_connections": {"callback_url": "https://not-registered.example"}},
    ],
)
def test_what_promises_safety_or_does_not_exist_is_refused(api: Api, config: dict[str, Any]) -> None:
    answer = api("POST", PATH, json={"user_id": "alice", **config})
    assert refusal(answer) == (400, "HTTP_BadRequest")
    session = create(api)
    assert api("PATCH", f"{PATH}/{session['session_id']}", json=config).status_code == 400


def test_accounts_and_auth_configs_of_a_session_must_be_its_users(api: Api, store: Store) -> None:
    bobs = next(one for one in store.accounts.list() if one.user_id == "bob")
    answer = api("POST", PATH, json={"user_id": "alice", "connected_accounts": {"openrouter": [bobs.id]}})
    assert refusal(answer) == (400, "ToolRouterV2_InvalidConnectedAccountIds")
    answer = api("POST", PATH, json={"user_id": "alice", "auth_configs": {"openrouter": "ac_nothing"}})
    assert refusal(answer) == (404, "Auth_Config_NotFound")


def test_a_change_touches_only_what_it_names(api: Api) -> None:
    session = create(api, tools={"openrouter": [CHAT]}, tags={"disable": ["destructiveHint"]})
    path = f"{PATH}/{session['session_id']}"
    assert session["config_version"] == 1
    changed = api("PATCH", path, json={"tools": None, "expected_config_version": 1}).json()
    assert changed["config_version"] == 2
    assert "tools" not in changed["config"]
    assert changed["config"]["tags"] == {"disabled": ["destructiveHint"]}
    for version in (0, 1, 3):
        conflict = api("PATCH", path, json={"tags": None, "expected_config_version": version})
        assert conflict.status_code == 409
    assert conflict.headers["x-should-retry"] == "false"
    assert api("GET", path).json()["config_version"] == 2
    history = api("GET", f"{path}/config_history", params={"limit": 1}).json()
    assert history["total_items"] == 2
    assert [(one["version"], one["is_current"]) for one in history["items"]] == [(2, True)]
    older = api("GET", f"{path}/config_history", params={"cursor": history["next_cursor"]}).json()["items"]
    assert [(one["version"], one["is_current"]) for one in older] == [(1, False)]
    assert older[0]["config"]["tools"] == {"openrouter": {"enabled": [CHAT]}}


def test_custom_tools_are_echoed_and_run_nowhere(api: Api) -> None:
    tool = {"slug": "add", "name": "Add", "description": "Adds.", "input_schema": {"type": "object"}}
    extends = {**tool, "slug": "MORE", "extends_toolkit": "openrouter"}
    kit = {"slug": "MATHS", "name": "Maths", "description": "Sums.", "tools": [tool]}
    experimental = {"custom_tools": [tool, extends], "custom_toolkits": [kit]}
    answer = create(api, experimental=experimental)["experimental"]
    assert [one["slug"] for one in answer["custom_tools"]] == ["LOCAL_ADD", "LOCAL_OPENROUTER_MORE"]
    assert [one["original_slug"] for one in answer["custom_tools"]] == ["add", "MORE"]
    assert answer["custom_toolkits"][0]["tools"][0]["slug"] == "LOCAL_MATHS_ADD"
    wrong = api("POST", PATH, json={"user_id": "alice", "experimental": {"custom_tools": [{"slug": "x"}]}})
    assert refusal(wrong) == (400, "HTTP_BadRequest")


def test_a_search_names_tools_by_what_somebody_wants(api: Api) -> None:
    session = create(api, tags={"disable": ["destructiveHint"]})
    questions = [
        {"use_case": "list the available models"},
        {"use_case": "how much credit is left"},
        {"use_case": "zzzz"},
    ]
    answer = api("POST", f"{PATH}/{session['session_id']}/search", json={"queries": questions}).json()
    assert answer["success"] is True
    first, second, third = answer["results"]
    assert "OPENROUTER_LIST_AVAILABLE_MODELS" in first["primary_tool_slugs"]
    assert "OPENROUTER_GET_CREDITS" in second["primary_tool_slugs"]
    assert third["primary_tool_slugs"] == []
    assert COINBASE not in answer["tool_schemas"]
    assert answer["tool_schemas"]["OPENROUTER_GET_CREDITS"]["input_schema"]["type"] == "object"
    assert answer["toolkit_connection_statuses"][0]["has_active_connection"] is True


def test_a_session_of_others_does_not_exist(api: Api, alices_api: Api) -> None:
    session = create(api, "bob")
    path = f"{PATH}/{session['session_id']}"
    for method, where, body in (
        ("GET", path, None),
        ("PATCH", path, {"tags": None}),
        ("DELETE", path, None),
        ("GET", f"{path}/tools", None),
        ("POST", f"{path}/execute", {"tool_slug": KEY, "arguments": {}}),
        ("POST", f"{path}/link", {"toolkit": "openrouter"}),
    ):
        assert refusal(alices_api(method, where, json=body)) == (404, "ToolRouterV2_SessionNotFound")
    assert api("DELETE", path).json()["deleted"] is True
    assert refusal(api("GET", path)) == (404, "ToolRouterV2_SessionNotFound")


EMPTY = ["/triggers_types", "/trigger_instances/active", "/files/list", "/mcp/servers", "/webhook_subscriptions"]
REFUSED = [
    ("GET", "/triggers_types/GMAIL_NEW", 404),
    ("POST", "/tools/execute/proxy", 400),
    ("POST", f"/tools/execute/{KEY}/input", 400),
    ("POST", "/files/upload/request", 400),
    ("POST", "/mcp/servers", 400),
    ("POST", "/trigger_instances/X/upsert", 400),
    ("POST", "/tool_router/session/trs_1/proxy_execute", 400),
    ("POST", "/tool_router/session/trs_1/execute_meta", 400),
    ("GET", "/tool_router/session/trs_1/mounts/m/items", 400),
    ("POST", "/logs/tool_execution", 400),
    ("GET", "/org/list", 400),
    ("GET", "/project/usage/summary", 400),
    ("POST", "/custom/toolkits/upsert", 400),
    ("GET", "/nothing/of/that", 404),
    ("PUT", "/tools", 405),
]


@pytest.mark.parametrize("path", EMPTY)
def test_lists_of_what_this_server_has_not_are_empty(api: Api, path: str) -> None:
    answer = api("GET", path)
    assert (answer.status_code, answer.json()["items"], answer.json()["next_cursor"]) == (200, [], None)


@pytest.mark.parametrize(("method", "path", "status"), REFUSED)
def test_what_this_server_has_not_is_refused_in_composios_shape(api: Api, method: str, path: str, status: int) -> None:
    answer = api(method, path, json={})
    assert answer.status_code == status
    error = answer.json()["error"]
    assert {"message", "code", "slug", "status", "request_id"} <= set(error)
    assert error["status"] == status
