"""Every way into the server leaves one row, with the token and the labels; the API reads rows and sums."""

from __future__ import annotations

import json
import signal
from pathlib import Path
from typing import Any

import httpx2
import pytest

from openrouter_toolkit.ledger import CallEntry, Ledger
from openrouter_toolkit.sandbox import Sandbox
from openrouter_toolkit.store import MasterKey, Store

from ..timing import PATIENCE
from .served import CHAT, KEY, QUESTION, Process, Served, environment
from .test_mcp import ACCEPT

LABELS = {"X-Agent-Label": "from the header", "X-Session-Id": "run 7", "X-Request-Id": "req-1"}


def rows(served: Served) -> list[CallEntry]:
    """All rows, the oldest first."""
    assert served.state.ledger.flush()
    return list(reversed(served.state.ledger.calls().calls))


def named(row: CallEntry) -> tuple[str | None, ...]:
    return row.agent, row.session_id, row.request_id


def test_rest_notes_the_token_and_what_headers_or_the_body_name(served: Served) -> None:
    with served.client(served.token("alice"), **LABELS) as host:
        for body in ({}, {"agent": "from the body", "session_id": "run 8"}):
            assert host.post(f"/api/actions/{KEY}", json=body).json()["successful"]
        stream = {"arguments": {**QUESTION, "stream": True}}
        assert "event: envelope" in host.post(f"/api/actions/{CHAT}", json=stream).text
    first, second, third = rows(served)
    (token,) = served.store.tokens.list()
    assert {row.token_id for row in (first, second, third)} == {token.id}
    assert named(first) == ("from the header", "run 7", "req-1")
    assert named(second) == ("from the body", "run 8", "req-1")
    assert (third.action, third.streamed, third.billing) == (CHAT, True, "known")


def test_a_label_of_the_token_wins(served: Served) -> None:
    _, text = served.store.tokens.create("an agent's", ["alice"], agent="of the token")
    with served.client(text, **LABELS) as host:
        assert host.post(f"/api/actions/{KEY}", json={"agent": "from the body"}).json()["successful"]
    (row,) = rows(served)
    assert row.agent == "of the token"


def test_composio_s_api_and_its_sessions_leave_rows(served: Served) -> None:
    key = {"x-api-key": served.token("alice"), **LABELS}
    with served.client(None, **key) as host:
        body = {"user_id": "alice", "arguments": {}}
        assert host.post(f"/api/v3.1/tools/execute/{KEY}", json=body).json()["successful"]
        del host.headers["X-Session-Id"]
        session = host.post("/api/v3.1/tool_router/session", json={"user_id": "alice"}).json()["session_id"]
        address = f"/api/v3.1/tool_router/session/{session}/execute"
        assert host.post(address, json={"tool_slug": KEY, "arguments": {}}).json()["error"] is None
    first, second = rows(served)
    assert named(first) == ("from the header", "run 7", "req-1")
    assert named(second) == ("from the header", session, "req-1")


def test_mcp_notes_what_its_meta_names(served: Served) -> None:
    meta = {"agent": "from meta", "session_id": "run 9"}
    params = {"name": KEY, "arguments": {}, "_meta": meta}
    with served.client(served.token("alice"), **LABELS, **ACCEPT) as host:
        answer = host.post("/mcp", json={"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params})
        assert answer.status_code == 200, answer.text
    (row,) = rows(served)
    assert named(row) == ("from meta", "run 9", "req-1")
    assert row.token_id is not None


def test_sigterm_loses_no_row(
    database: str, store: Store, key: MasterKey, openrouter_sandbox: Sandbox, tmp_path: Path
) -> None:
    with Process(environment(database, key.written(), openrouter_sandbox.base_url, tmp_path)) as process:
        with process.client(store.tokens.create("a test's", ["alice"])[1]) as host:
            for _ in range(5):
                assert host.post(f"/api/actions/{KEY}", json={}).json()["successful"]
                assert host.post(f"/api/actions/{CHAT}", json={"arguments": QUESTION}).json()["successful"]
        process.process.send_signal(signal.SIGTERM)
        process.process.wait(PATIENCE)
    calls = Ledger(store).calls().calls
    assert sorted(call.billing for call in calls) == ["free"] * 5 + ["known"] * 5


def get(host: httpx2.Client, path: str, status: int = 200, **query: Any) -> dict[str, Any]:
    answer = host.get(path, params=query)
    assert answer.status_code == status, answer.text
    found: dict[str, Any] = answer.json()
    return found


def test_the_api_reads_calls_and_sums(served: Served) -> None:
    with served.client(served.token()) as host:
        for user in ("alice", "bob", "zoe"):
            host.post(f"/api/actions/{CHAT}", json={"user_id": user, "arguments": QUESTION})
        rows(served)
        page = get(host, "/api/calls", limit=2)
        assert [call["user_id"] for call in page["calls"]] == ["zoe", "bob"]
        assert [call["cost"] for call in page["calls"]] == [None, "0.00000725"]
        (last,) = get(host, "/api/calls", limit=2, cursor=page["next_cursor"])["calls"]
        assert last["user_id"] == "alice"
        assert get(host, f"/api/calls/{last['id']}") == last
        (failed,) = get(host, "/api/calls", successful=False)["calls"]
        assert failed["error_type"] == "not_connected"
        usage = get(host, "/api/usage", by=["user", "model"])["usage"]
        assert {row["key"]["user"]: row["cost"] for row in usage} == {
            "alice": "0.00000725",
            "bob": "0.00000725",
            "zoe": None,
        }
        assert get(host, "/api/usage")["usage"][0]["cost"] == "0.0000145"
        assert get(host, "/api/usage", since="2100-01-01")["usage"] == []


def test_a_token_sees_its_own_users_alone(served: Served) -> None:
    with served.client(served.token()) as host:
        for user in ("alice", "bob"):
            host.post(f"/api/actions/{KEY}", json={"user_id": user})
        rows(served)
        everything = get(host, "/api/calls")["calls"]
    with served.client(served.token("alice")) as host:
        (own,) = get(host, "/api/calls")["calls"]
        assert own["user_id"] == "alice"
        other = next(call for call in everything if call["user_id"] == "bob")
        get(host, f"/api/calls/{other['id']}", 404)
        get(host, "/api/calls", 403, user_id="bob")
        get(host, "/api/usage", 403, user_id="bob")
        assert [row["calls"] for row in get(host, "/api/usage")["usage"]] == [1]
    with served.client() as host:
        get(host, "/api/calls", 401)


@pytest.mark.parametrize(
    ("path", "query", "words"),
    [
        ("/api/calls", {"cursor": "2"}, "cursor"),
        ("/api/calls", {"limit": "0"}, "limit"),
        ("/api/calls", {"sinse": "2026-01-01"}, "did you mean since?"),
        ("/api/calls", {"since": "yesterday"}, "since"),
        ("/api/usage", {"by": "users"}, "Did you mean user?"),
        ("/api/usage", {"session_id": "1"}, "unknown parameter"),
    ],
)
def test_a_wrong_query_is_explained(shared: Served, path: str, query: dict[str, str], words: str) -> None:
    with shared.client(shared.token()) as host:
        assert words in json.dumps(get(host, path, 422, **query))
