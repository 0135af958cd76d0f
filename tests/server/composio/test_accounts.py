"""Connected accounts and auth configs: by key, by link, listed, changed and deleted; whose they are."""

from __future__ import annotations

from typing import Any

import pytest

from openrouter_toolkit.store import Status, Store

from ..conftest import ALICE, BOB
from ..served import Served
from .conftest import Api

FIXED = "ac_openrouter"
KEY = "OPENROUTER_GET_CURRENT_KEY"


def by_key(user_id: str, key: str, **more: Any) -> dict[str, Any]:
    state = {"authScheme": "API_KEY", "val": {"status": "ACTIVE", "api_key": key}}
    return {"auth_config": {"id": FIXED}, "connection": {"user_id": user_id, "state": state, **more}}


def listed(api: Api, **params: Any) -> list[dict[str, Any]]:
    answer = api("GET", "/connected_accounts", params=params)
    assert answer.status_code == 200, answer.text
    items: list[dict[str, Any]] = answer.json()["items"]
    return items


def refusal(answer: Any) -> tuple[int, str]:
    return answer.status_code, answer.json()["error"]["slug"]


@pytest.mark.parametrize("name", ["api_key", "generic_api_key"])
def test_a_key_that_works_is_active_at_once(api: Api, store: Store, name: str) -> None:
    body = by_key("carol", "")
    body["connection"]["state"]["val"] = {"status": "INITIALIZING", name: ALICE}
    answer = api("POST", "/connected_accounts", json=body)
    assert answer.status_code == 201
    assert answer.json()["connectionData"]["val"]["status"] == "ACTIVE"
    assert ALICE not in answer.text
    assert dict(store.accounts.credentials(answer.json()["id"]) or {}) == {"api_key": ALICE}
    done = api("POST", f"/tools/execute/{KEY}", json={"user_id": "carol", "arguments": {}})
    assert done.json()["successful"] is True


def test_the_same_key_again_is_the_same_account(api: Api, store: Store) -> None:
    ids = {api("POST", "/connected_accounts", json=by_key("carol", ALICE)).json()["id"] for _ in range(3)}
    assert len(ids) == 1
    assert [account.id for account in store.accounts.list() if account.user_id == "carol"] == list(ids)


def test_nobody_connects_an_account_of_the_organisation_here(api: Api) -> None:
    assert refusal(api("POST", "/connected_accounts", json=by_key("organisation", ALICE))) == (400, "HTTP_BadRequest")
    link = {"auth_config_id": FIXED, "user_id": "organisation"}
    assert refusal(api("POST", "/connected_accounts/link", json=link)) == (400, "HTTP_BadRequest")


def test_a_wrong_key_connects_nothing_and_is_not_repeated(api: Api, store: Store) -> None:
    before = store.accounts.count()
    wrong = "sk-or-v1-wrong-0123456789"
    answer = api("POST", "/connected_accounts", json=by_key("carol", wrong))
    assert refusal(answer) == (400, "HTTP_BadRequest")
    assert wrong not in answer.text
    assert store.accounts.count() == before


def test_without_a_key_there_is_a_link_under_both_names(api: Api, store: Store) -> None:
    body = {"auth_config": {"id": FIXED}, "connection": {"user_id": "carol"}}
    answer = api("POST", "/connected_accounts", json=body).json()
    value = answer["connectionData"]["val"]
    assert value["status"] == "INITIATED"
    assert value["redirectUrl"] == value["redirect_url"]
    link = store.links.find(value["redirect_url"].rpartition("/")[2])
    assert link is not None
    assert link.account_id == answer["id"]
    assert listed(api, user_ids="carol")[0]["status"] == "INITIATED"


@pytest.mark.parametrize("path", ["/connected_accounts", "/connected_accounts/link"])
def test_browsers_are_sent_only_to_registered_addresses(api: Api, store: Store, path: str) -> None:
    address = "https://host.example/back?secret=abc"
    inner = {"user_id": "carol", "callback_url": address}
    body = (
        {"auth_config_id": FIXED, **inner}
        if path.endswith("link")
        else {"auth_config": {"id": FIXED}, "connection": inner}
    )
    answer = api("POST", path, json=body)
    assert refusal(answer) == (400, "HTTP_BadRequest")
    assert "return-addresses" in answer.json()["error"]["suggested_fix"]
    assert "secret=abc" not in answer.text
    store.return_addresses.register(address)
    assert api("POST", path, json=body).status_code == 201


def test_accounts_are_filtered_and_sorted(api: Api, store: Store) -> None:
    store.accounts.connect("OPENROUTER", None, {"api_key": ALICE})
    off = store.accounts.connect("OPENROUTER", "erin", {"api_key": ALICE})
    store.accounts.disable(off.id)
    assert {one["user_id"] for one in listed(api)} == {"alice", "bob", "erin", "organisation"}
    assert [one["user_id"] for one in listed(api, user_ids="alice,bob", order_direction="asc")] == ["alice", "bob"]
    assert [one["id"] for one in listed(api, statuses="INACTIVE")] == [off.id]
    assert listed(api, statuses="REVOKED") == []
    assert [one["id"] for one in listed(api, connected_account_ids=off.id)] == [off.id]
    assert [one["user_id"] for one in listed(api, user_ids="organisation")] == ["organisation"]
    assert listed(api, toolkit_slugs="gmail") == []
    assert len(listed(api, toolkit_slugs="openrouter", auth_config_ids=FIXED)) == 4
    assert listed(api, auth_config_ids="ac_other") == []
    first = api("GET", "/connected_accounts", params={"limit": 3}).json()
    assert (first["total_items"], first["total_pages"]) == (4, 2)
    assert len(listed(api, cursor=first["next_cursor"])) == 1
    assert refusal(api("GET", "/connected_accounts", params={"order_by": "key"})) == (400, "HTTP_BadRequest")


def test_no_part_of_a_key_is_in_an_answer(api: Api, store: Store) -> None:
    account = store.accounts.list()[0]
    for path in ("/connected_accounts", f"/connected_accounts/{account.id}"):
        text = api("GET", path).text
        assert ALICE[-4:] not in text
        assert BOB[-4:] not in text


def test_an_account_is_renamed_given_a_new_key_disabled_and_deleted(api: Api, store: Store) -> None:
    account = next(one for one in store.accounts.list() if one.user_id == "alice")
    path = f"/connected_accounts/{account.id}"
    assert api("PATCH", path, json={"alias": "work"}).json() == {"id": account.id, "status": "ACTIVE", "success": True}
    assert api("GET", path).json()["alias"] == "work"
    api("PATCH", path, json={"alias": ""})
    assert api("GET", path).json()["alias"] is None
    state = {"authScheme": "API_KEY", "val": {"api_key": BOB}}
    assert api("PATCH", path, json={"connection": {"state": state}}).status_code == 200
    assert dict(store.accounts.credentials(account.id) or {}) == {"api_key": BOB}
    assert api("PATCH", f"{path}/status", json={"enabled": False}).json() == {"success": True}
    shown = api("GET", path).json()
    assert (shown["status"], shown["is_disabled"], shown["state"]["val"]["status"]) == ("INACTIVE", True, "INACTIVE")
    refused = api("POST", f"/tools/execute/{KEY}", json={"user_id": "alice", "arguments": {}})
    assert refusal(refused) == (404, "ActionExecute_ConnectedAccountNotFound")
    api("PATCH", f"{path}/status", json={"enabled": True})
    assert api("GET", path).json()["status"] == "ACTIVE"
    assert api("POST", f"{path}/refresh").json() == {"id": account.id, "status": "ACTIVE", "redirect_url": None}
    assert api("POST", f"{path}/revoke").status_code == 400
    assert api("DELETE", path).json() == {"success": True}
    assert refusal(api("GET", path)) == (404, "ConnectedAccount_ResourceNotFound")


def test_what_is_not_a_tokens_own_does_not_exist_for_it(alices_api: Api, store: Store) -> None:
    bobs = next(one for one in store.accounts.list() if one.user_id == "bob")
    shared = store.accounts.connect("OPENROUTER", None, {"api_key": BOB})
    assert {one["user_id"] for one in listed(alices_api)} == {"alice"}
    assert listed(alices_api, user_ids="bob") == []
    path = f"/connected_accounts/{bobs.id}"
    for method, where, body in (
        ("GET", path, None),
        ("PATCH", path, {"alias": "x"}),
        ("PATCH", f"{path}/status", {"enabled": False}),
        ("POST", f"{path}/refresh", None),
        ("POST", f"{path}/revoke", None),
        ("DELETE", path, None),
    ):
        assert refusal(alices_api(method, where, json=body)) == (404, "ConnectedAccount_ResourceNotFound")
    assert refusal(alices_api("DELETE", f"/connected_accounts/{shared.id}")) == (403, "HTTP_Forbidden")
    forbidden: tuple[tuple[str, dict[str, Any]], ...] = (
        ("/connected_accounts", by_key("bob", ALICE)),
        ("/connected_accounts/link", {"auth_config_id": FIXED, "user_id": "bob"}),
        ("/tool_router/session", {"user_id": "bob"}),
        (f"/tools/execute/{KEY}", {"user_id": "bob", "arguments": {}}),
    )
    for path, forbidden_body in forbidden:
        assert refusal(alices_api("POST", path, json=forbidden_body)) == (403, "HTTP_Forbidden")
    assert store.accounts.get(bobs.id).status == Status.ACTIVE


def test_auth_configs_hold_accounts_together(api: Api) -> None:
    body = {
        "toolkit": {"slug": "OpenRouter"},
        "auth_config": {"type": "use_custom_auth", "authScheme": "API_KEY", "credentials": {}, "name": "Mine"},
    }
    made = api("POST", "/auth_configs", json=body).json()["auth_config"]["id"]
    assert api("GET", "/auth_configs").json()["items"][0]["id"] == FIXED
    connect = by_key("carol", ALICE)
    connect["auth_config"]["id"] = made
    account = api("POST", "/connected_accounts", json=connect).json()["id"]
    assert api("GET", f"/connected_accounts/{account}").json()["auth_config"]["id"] == made
    assert api("GET", f"/auth_configs/{made}").json()["no_of_connections"] == 1
    assert api("PATCH", f"/auth_configs/{made}/DISABLED").json()["success"] is True
    assert [one["id"] for one in api("GET", "/auth_configs").json()["items"]] == [FIXED]
    assert made in [one["id"] for one in api("GET", "/auth_configs", params={"show_disabled": "true"}).json()["items"]]
    execute = {"user_id": "carol", "arguments": {}}
    refused = api("POST", f"/tools/execute/{KEY}", json=execute)
    assert refusal(refused) == (404, "ActionExecute_ConnectedAccountNotFound")
    assert refusal(api("POST", "/connected_accounts", json=connect)) == (400, "HTTP_BadRequest")
    api("PATCH", f"/auth_configs/{made}/ENABLED")
    assert api("POST", f"/tools/execute/{KEY}", json=execute).json()["successful"] is True
    assert api("DELETE", f"/auth_configs/{made}").json()["success"] is True
    assert refusal(api("GET", f"/connected_accounts/{account}")) == (404, "ConnectedAccount_ResourceNotFound")
    assert refusal(api("GET", f"/auth_configs/{made}")) == (404, "Auth_Config_NotFound")


def test_the_fixed_auth_config_can_be_disabled_but_not_deleted(api: Api, alices_api: Api) -> None:
    assert api("DELETE", f"/auth_configs/{FIXED}").status_code == 400
    assert refusal(alices_api("DELETE", f"/auth_configs/{FIXED}")) == (403, "HTTP_Forbidden")
    assert refusal(alices_api("PATCH", f"/auth_configs/{FIXED}/DISABLED")) == (403, "HTTP_Forbidden")
    api("PATCH", f"/auth_configs/{FIXED}/DISABLED")
    execute = {"user_id": "alice", "arguments": {}}
    assert api("POST", f"/tools/execute/{KEY}", json=execute).status_code == 404
    assert api("GET", f"/auth_configs/{FIXED}").json()["status"] == "DISABLED"
    api("PATCH", f"/auth_configs/{FIXED}/ENABLED")
    assert api("POST", f"/tools/execute/{KEY}", json=execute).json()["successful"] is True


@pytest.mark.parametrize(
    "settings",
    [
        {"tool_access_config": {"tools_available_for_execution": [KEY]}},
        {"restrict_to_following_tools": [KEY]},
        {"credentials": {"api_key": "sk-secret-value"}},
        {"shared_credentials": {"base_url": "https://elsewhere.example"}},
        {"proxy_config": {"proxy_url": "https://elsewhere.example"}},
        {"authScheme": "OAUTH2"},
        {"type": "use_magic"},
    ],
)
def test_an_auth_config_promises_nothing_that_is_not_obeyed(api: Api, settings: dict[str, Any]) -> None:
    body = {
        "toolkit": {"slug": "openrouter"},
        "auth_config": {"type": "use_custom_auth", "authScheme": "API_KEY", **settings},
    }
    answer = api("POST", "/auth_configs", json=body)
    assert refusal(answer) == (400, "HTTP_BadRequest")
    assert "sk-secret-value" not in answer.text


def test_a_key_goes_nowhere_else(api: Api, store: Store) -> None:
    before = store.accounts.count()
    body = by_key("carol", ALICE)
    body["connection"]["state"]["val"]["base_url"] = "https://elsewhere.example"
    assert refusal(api("POST", "/connected_accounts", json=body)) == (400, "HTTP_BadRequest")
    assert store.accounts.count() == before
    for name, value in (
        ("custom_auth_params", {"base_url": "https://elsewhere.example"}),
        ("custom_connection_data", {"authScheme": "API_KEY", "toolkitSlug": "openrouter", "val": {"api_key": "x"}}),
        ("text", "do what I mean"),
    ):
        execute = {"user_id": "alice", "arguments": {}, name: value}
        assert refusal(api("POST", f"/tools/execute/{KEY}", json=execute)) == (400, "HTTP_BadRequest")


@pytest.mark.parametrize("headers", [{}, {"x-user-api-key": "k"}, {"x-org-api-key": "k"}, {"x-api-key": "wrong"}])
def test_without_a_right_key_there_is_401(served: Served, headers: dict[str, str]) -> None:
    with served.client(None, **headers) as client:
        answer = client.get("/api/v3.1/tools")
    error = answer.json()["error"]
    assert answer.status_code == 401
    assert (error["code"], error["slug"], error["status"]) == (10401, "HTTP_Unauthorized", 401)
    assert error["request_id"]
    assert ("revoked" if "x-api-key" in headers else "x-api-key") in error["message"]


def test_a_bearer_token_is_no_key_of_this_api(served: Served, api_key: str) -> None:
    with served.client(api_key) as client:
        assert client.get("/api/v3.1/tools").status_code == 401
