"""Every answer fits the types that Composio's own client is generated with, strictly."""

from __future__ import annotations

from typing import Any

import pytest
from composio_client import _models as tool_router
from composio_client import types
from pydantic import TypeAdapter

from ..conftest import ALICE
from ..served import Served
from .conftest import Api

FIXED = "ac_openrouter"
CREDITS = "OPENROUTER_GET_CURRENT_KEY"


def check(answer: Any, kind: Any, status: int = 200) -> Any:
    """Hold an answer against a type, and return its JSON."""
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/json"
    TypeAdapter(kind).validate_json(answer.content, strict=True)
    return answer.json()


def test_tools(api: Api) -> None:
    check(api("GET", "/tools"), types.ToolListResponse)
    check(api("GET", f"/tools/{CREDITS}"), types.ToolRetrieveResponse)
    check(api("GET", "/tools/enum"), list[str])
    answer = api("POST", f"/tools/execute/{CREDITS}", json={"user_id": "alice", "arguments": {}})
    check(answer, types.ToolExecuteResponse)


def test_toolkits(api: Api) -> None:
    check(api("GET", "/toolkits"), types.ToolkitListResponse)
    check(api("GET", "/toolkits/openrouter"), types.ToolkitRetrieveResponse)
    check(api("POST", "/toolkits/multi", json={"toolkits": ["openrouter"]}), types.ToolkitRetrieveMultiResponse)
    check(api("GET", "/toolkits/categories"), types.ToolkitRetrieveCategoriesResponse)
    check(api("GET", "/toolkits/changelog"), types.ToolkitRetrieveChangelogResponse)


def test_auth_configs(api: Api) -> None:
    body = {"toolkit": {"slug": "openrouter"}, "auth_config": {"type": "use_composio_managed_auth"}}
    made = check(api("POST", "/auth_configs", json=body), types.AuthConfigCreateResponse, 201)["auth_config"]["id"]
    check(api("GET", "/auth_configs"), types.AuthConfigListResponse)
    check(api("GET", f"/auth_configs/{FIXED}"), types.AuthConfigRetrieveResponse)
    check(api("GET", f"/auth_configs/{made}"), types.AuthConfigRetrieveResponse)
    for path in (f"/auth_configs/{made}", f"/auth_configs/{made}/DISABLED", f"/auth_configs/{made}/ENABLED"):
        assert check(api("PATCH", path, json={"type": "default"}), Any)["success"] is True
    check(api("DELETE", f"/auth_configs/{made}"), types.AuthConfigDeleteResponse)


def test_connected_accounts(api: Api) -> None:
    body: dict[str, Any] = {"auth_config": {"id": FIXED}, "connection": {"user_id": "carol"}}
    check(api("POST", "/connected_accounts", json=body), types.ConnectedAccountCreateResponse, 201)
    body["connection"]["state"] = {"authScheme": "API_KEY", "val": {"status": "ACTIVE", "api_key": ALICE}}
    made = check(api("POST", "/connected_accounts", json=body), types.ConnectedAccountCreateResponse, 201)["id"]
    link = {"auth_config_id": FIXED, "user_id": "carol"}
    check(api("POST", "/connected_accounts/link", json=link), types.LinkCreateResponse, 201)
    check(api("GET", "/connected_accounts"), types.ConnectedAccountListResponse)
    path = f"/connected_accounts/{made}"
    check(api("GET", path), types.ConnectedAccountRetrieveResponse)
    check(api("PATCH", path, json={"alias": "mine"}), types.ConnectedAccountPatchResponse)
    check(api("PATCH", f"{path}/status", json={"enabled": False}), types.ConnectedAccountUpdateStatusResponse)
    check(api("GET", path), types.ConnectedAccountRetrieveResponse)
    check(api("POST", f"{path}/refresh"), types.ConnectedAccountRefreshResponse)
    check(api("DELETE", path), types.ConnectedAccountDeleteResponse)


@pytest.mark.parametrize("status", ["FAILED", "EXPIRED", "INITIALIZING"])
def test_connected_accounts_in_every_status(api: Api, served: Served, status: str) -> None:
    from sqlalchemy import text

    with served.store.transaction():
        account = served.store.accounts.initiate("OPENROUTER", "dora")
        with served.store._database.write(audited=False) as session:
            change = text("UPDATE ort_connected_accounts SET status = :s WHERE id = :i")
            session.execute(change, {"s": status, "i": account.id})
    shown = check(api("GET", f"/connected_accounts/{account.id}"), types.ConnectedAccountRetrieveResponse)
    assert shown["status"] == status
    assert shown["state"]["val"]["status"] == ("INITIALIZING" if status == "INITIALIZING" else "INACTIVE")
    check(api("GET", "/connected_accounts", params={"user_ids": "dora"}), types.ConnectedAccountListResponse)


def test_sessions(api: Api) -> None:
    wanted = {
        "user_id": "alice",
        "toolkits": {"enable": ["openrouter"]},
        "tools": {"openrouter": {"disable": ["OPENROUTER_CREATE_COINBASE_CHARGE"]}, "echo": {"tags": ["readOnlyHint"]}},
        "tags": {"disable": ["destructiveHint"]},
        "auth_configs": {"openrouter": FIXED},
        "manage_connections": {"enable": True},
        "workbench": {"enable_proxy_execution": False},
        "multi_account": {"enable": False},
        "search": {"enable": False},
        "execute": {"enable_multi_execute": False},
        "preload": {"tools": "all"},
        "experimental": {
            "custom_tools": [{"slug": "ADD", "name": "Add", "description": "Adds.", "input_schema": {"type": "object"}}]
        },
    }
    made = check(api("POST", "/tool_router/session", json=wanted), tool_router.SessionCreateResponse, 201)
    path = f"/tool_router/session/{made['session_id']}"
    check(api("GET", path), tool_router.SessionRetrieveResponse)
    check(api("POST", f"{path}/attach", json={}), tool_router.SessionAttachResponse)
    check(api("PATCH", path, json={"tags": None}), tool_router.SessionPatchResponse)
    check(api("GET", f"{path}/tools"), tool_router.SessionToolsResponse)
    check(api("GET", f"{path}/toolkits"), tool_router.SessionToolkitsResponse)
    execute = {"tool_slug": CREDITS, "arguments": {}}
    check(api("POST", f"{path}/execute", json=execute), tool_router.SessionExecuteResponse)
    check(api("POST", f"{path}/link", json={"toolkit": "openrouter"}), tool_router.SessionLinkResponse, 201)
    search = {"queries": [{"use_case": "list the models"}]}
    check(api("POST", f"{path}/search", json=search), tool_router.SessionSearchResponse)
    check(api("GET", f"{path}/config_history"), tool_router.SessionConfigHistoryResponse)
    assert check(api("DELETE", path), Any) == {"session_id": made["session_id"], "deleted": True}
