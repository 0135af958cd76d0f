"""Executing: what is refused before anything is sent, what comes back, and that nothing is billed twice."""

from __future__ import annotations

import json
import socket
import time
from typing import Any
from urllib.parse import urlsplit

import pytest

from openrouter_toolkit.sandbox import Sandbox
from openrouter_toolkit.server.composio import execute
from openrouter_toolkit.store import Store

from ..conftest import ALICE
from ..served import QUESTION, Served
from .conftest import Api
from .test_accounts import refusal

CHAT = "OPENROUTER_CREATE_CHAT_COMPLETION"
KEY = "OPENROUTER_GET_CURRENT_KEY"
MODELS = "OPENROUTER_LIST_AVAILABLE_MODELS"


def run(api: Api, slug: str, arguments: Any, user_id: str = "alice", **more: Any) -> Any:
    return api("POST", f"/tools/execute/{slug}", json={"user_id": user_id, "arguments": arguments, **more})


def upstream_calls(sandbox: Sandbox) -> int:
    return len(sandbox.requests)


def test_data_is_an_object_and_a_failure_is_an_answer(api: Api) -> None:
    done = run(api, CHAT, QUESTION).json()
    assert done["data"]["choices"][0]["message"]["content"] == "17 * 3 = 51"
    assert (done["error"], done["successful"]) == (None, True)
    assert done["log_id"]
    failed = run(api, CHAT, {**QUESTION, "model": "acme/nothing"})
    assert failed.status_code == 200
    assert failed.json()["successful"] is False
    assert failed.json()["data"]["error"]["type"]
    assert isinstance(failed.json()["error"], str)
    wrong = run(api, CHAT, {"model": 5})
    assert wrong.status_code == 200
    assert "messages" in wrong.json()["error"]


def test_what_is_no_object_stands_under_one_key(api: Api) -> None:
    feed = run(api, MODELS, {"use_rss": True}).json()
    assert set(feed["data"]) == {"result"}
    assert feed["data"]["result"].startswith("<")


def test_arguments_are_what_a_model_wrote(api: Api) -> None:
    arguments = {**QUESTION, "max_tokens": "50"}
    assert run(api, CHAT, arguments).json()["successful"] is True


@pytest.mark.parametrize(
    ("slug", "body", "expected"),
    [
        ("OPENROUTER_NOTHING", {"user_id": "alice"}, (404, "Tool_ToolNotFound")),
        (KEY, {"user_id": "alice", "version": "20990101_00"}, (404, "Tool_ToolNotFound")),
        (KEY, {"arguments": {}}, (400, "ActionExecute_ConnectedAccountEntityIdRequired")),
        (KEY, {"user_id": "nobody"}, (404, "ActionExecute_ConnectedAccountNotFound")),
        (KEY, {"user_id": "alice", "connected_account_id": "ca_nothing"}, (404, "ConnectedAccount_ResourceNotFound")),
        (KEY, {"user_id": "alice", "arguments": []}, (400, "HTTP_BadRequest")),
        (KEY, {"user_id": 5}, (400, "HTTP_BadRequest")),
        (KEY, {"user_id": "alice", "arguments": {"n": float("inf")}}, (400, "HTTP_BadRequest")),
    ],
)
def test_what_can_be_refused_is_refused_before_anything_is_sent(
    api: Api, sandbox: Sandbox, slug: str, body: dict[str, Any], expected: tuple[int, str]
) -> None:
    before = upstream_calls(sandbox)
    answer = api("POST", f"/tools/execute/{slug}", content=json.dumps(body))
    assert refusal(answer) == expected
    assert answer.headers["x-should-retry"] == "false"
    assert upstream_calls(sandbox) == before


def test_the_older_api_knows_a_missing_account_as_a_wrong_request(older_api: Api) -> None:
    answer = older_api("POST", f"/tools/execute/{KEY}", json={"entity_id": "nobody"})
    assert refusal(answer) == (400, "ActionExecute_ConnectedAccountNotFound")
    assert older_api("POST", f"/tools/execute/{KEY}", json={"entity_id": "alice"}).json()["successful"] is True


def test_another_users_account_is_never_used(api: Api, alices_api: Api, store: Store) -> None:
    bobs = next(one for one in store.accounts.list() if one.user_id == "bob")
    answer = run(api, KEY, {}, connected_account_id=bobs.id)
    assert refusal(answer) == (400, "ActionExecute_ConnectedAccountEntityIdMismatch")
    hidden = run(alices_api, KEY, {}, connected_account_id=bobs.id)
    assert refusal(hidden) == (404, "ConnectedAccount_ResourceNotFound")


def test_the_account_that_is_named_is_used(api: Api, store: Store, sandbox: Sandbox) -> None:
    other = store.accounts.connect("OPENROUTER", "alice", {"api_key": "sk-or-v1-sandbox-other-00112233445566"})
    label = run(api, KEY, {}, connected_account_id=other.id).json()["data"]["data"]["label"]
    assert label != run(api, KEY, {}).json()["data"]["data"]["label"]


def test_an_expired_account_is_gone(api: Api, store: Store) -> None:
    account = next(one for one in store.accounts.list() if one.user_id == "alice")
    found = store.for_registry().credentials("alice", "OPENROUTER")
    assert found is not None
    assert found.account_id == account.id
    assert store.for_registry().refused(found, "the key was revoked")
    assert refusal(run(api, KEY, {})) == (410, "ActionExecute_ConnectedAccountExpired")


def test_the_organisations_account_serves_who_has_none(api: Api, store: Store) -> None:
    store.accounts.connect("OPENROUTER", None, {"api_key": ALICE})
    assert run(api, KEY, {}, "somebody").json()["successful"] is True


def test_headers_and_a_blank_come_before_the_upstream_call_and_more_blanks_while_it_lasts(
    served: Served, api_key: str, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(execute, "BLANK_INTERVAL", 0.2)
    place = urlsplit(served.url)
    body = json.dumps({"user_id": "alice", "arguments": {**QUESTION, "model": "sandbox/slow"}}).encode()
    lines = (
        f"POST /api/v3.1/tools/execute/{CHAT} HTTP/1.1",
        f"Host: {place.netloc}",
        f"x-api-key: {api_key}",
        "Content-Type: application/json",
        f"Content-Length: {len(body)}",
        "Connection: close",
    )
    with socket.create_connection((place.hostname, place.port)) as connection:
        connection.sendall("\r\n".join(lines).encode() + b"\r\n\r\n" + body)
        received, times = b"", []
        while piece := connection.recv(65536):
            received += piece
            times.append(time.monotonic())
    head, _, rest = received.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 200")
    assert rest.count(b"1\r\n \r\n") > 2
    assert b'"successful": true' in rest
