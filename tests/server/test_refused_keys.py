"""A 401 that is a provider's disconnects nobody, by whichever way a call comes."""

from __future__ import annotations

import json

import pytest

from openrouter_toolkit.store import Status, Store

from ..openrouter.servers import Exchange, Server, answering
from .served import CHAT, QUESTION, serving

PLAIN = {"error": {"message": "User not found.", "code": 401}}
OF_A_PROVIDER = {"error": {**PLAIN["error"], "metadata": {"provider_name": "OpenAI", "raw": "Incorrect API key"}}}


@pytest.mark.parametrize("body", [PLAIN, OF_A_PROVIDER], ids=["plain", "a provider's"])
@pytest.mark.parametrize("key_is_good", [True, False])
def test_an_organisation_stays_connected_unless_openrouter_refuses_its_key(
    body: object, key_is_good: bool, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    def script(exchange: Exchange) -> None:
        if exchange.request.target.endswith("/key") and key_is_good:
            answering(200)(exchange)
        else:
            exchange.json(PLAIN if exchange.request.target.endswith("/key") else body, 401)

    ours = store.accounts.connect("OPENROUTER", None, {"api_key": "sk-or-v1-" + "1" * 64})
    with Server(script) as server:
        monkeypatch.setenv("OPENROUTER_BASE_URL", server.base_url)
        with serving(store) as served, served.client(served.token()) as host:
            call = {"user_id": "carol", "arguments": QUESTION}
            by_api = host.post(f"/api/actions/{CHAT}", json=call).json()
            message = {
                "jsonrpc": "2.0",
                "id": 1,
                "method": "tools/call",
                "params": {"name": CHAT, "arguments": QUESTION},
            }
            accept = {"Accept": "application/json, text/event-stream", "X-User-Id": "carol"}
            by_mcp = host.post("/mcp", json=message, headers=accept).text
        keys = [target for _, target in server.calls].count("/api/v1/key")
    assert not by_api["successful"]
    account = store.accounts.get(ours.id)
    if body == OF_A_PROVIDER:
        assert account.status == Status.ACTIVE
        assert keys == 0
        assert "The provider refused the key" in by_api["error"]
        assert "The provider refused the key" in by_mcp
    elif key_is_good:
        assert account.status == Status.ACTIVE
        assert keys == 1
        assert "stays connected" in by_api["error"]
        assert "stays connected" in by_mcp
    else:
        assert account.status == Status.EXPIRED
        assert account.reason == 'OpenRouter refused the key. OpenRouter said: "User not found".'
        assert json.loads(by_api["data"])["error"]["type"] == "authentication"
        assert "/admin/tools" in by_api["error"]
