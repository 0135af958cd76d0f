"""Many calls at once by two users' agents, through the API and MCP: each with its own user's key, never the other's."""

from __future__ import annotations

import asyncio
import json
import re
from collections import Counter
from collections.abc import Iterator
from typing import Any

import httpx2
import pytest
from mcp import Client
from mcp.client.streamable_http import streamable_http_client

from openrouter_toolkit.sandbox import Sandbox
from openrouter_toolkit.store import Store

from ..scale import scaled
from .conftest import ALICE, BOB
from .served import CHAT, QUESTION, TLS, Served, serving

KEYS = {"alice": ALICE, "bob": BOB}
CALLS = scaled(60, full=200)


@pytest.fixture
def slow_sandbox(monkeypatch: pytest.MonkeyPatch) -> Iterator[Sandbox]:
    """One whose answers take so long that the calls overlap."""
    with Sandbox(chunk_delay=0.02) as sandbox:
        monkeypatch.setenv("OPENROUTER_BASE_URL", sandbox.base_url)
        yield sandbox


def question(user: str, number: int) -> dict[str, Any]:
    return {**QUESTION, "messages": [{"role": "user", "content": f"I am {user} in call {number}."}]}


def said(text: str) -> str:
    return json.loads(text)["choices"][0]["message"]["content"]  # type: ignore[no-any-return]


async def all_at_once(served: Served) -> list[tuple[str, int, str]]:
    """Who asked, in which call, and what was answered."""
    own = {user: served.token(user) for user in KEYS}
    everybody = served.token()

    async with httpx2.AsyncClient(base_url=served.url, trust_env=False, timeout=60) as http:

        async def by_api(user: str, number: int) -> str:
            token = own[user] if number % 2 else everybody
            body = {"user_id": user, "arguments": question(user, number)}
            headers = {"Authorization": f"Bearer {token}"}
            answer = await http.post(f"/api/actions/{CHAT}", json=body, headers=headers)
            return said(answer.json()["data"])

        async def by_stream(user: str, number: int) -> str:
            body = {"arguments": {**question(user, number), "stream": True}}
            headers = {"Authorization": f"Bearer {own[user]}"}
            answer = await http.post(f"/api/actions/{CHAT}", json=body, headers=headers)
            last = answer.text.strip().rpartition("event: envelope\ndata: ")[2]
            return said(json.loads(last)["data"])

        async def by_mcp(user: str, number: int) -> str:
            token, more = (own[user], {}) if number % 2 else (everybody, {"X-User-Id": user})
            headers = {"Authorization": f"Bearer {token}", **more}
            async with httpx2.AsyncClient(headers=headers, verify=TLS, trust_env=False, timeout=60) as mine:
                transport = streamable_http_client(f"{served.url}/mcp", http_client=mine)
                async with Client(transport, mode="legacy" if number % 4 < 2 else "auto") as client:
                    result = await client.call_tool(CHAT, question(user, number))
            return said(result.structured_content["data"])

        async def one(number: int) -> tuple[str, int, str]:
            user = ("alice", "bob")[number % 2]
            way = (by_api, by_mcp, by_stream)[number % 3]
            return user, number, await way(user, number)

        return await asyncio.gather(*(one(number) for number in range(CALLS)))


@pytest.mark.load
def test_each_call_is_made_with_its_own_users_key(store: Store, slow_sandbox: Sandbox) -> None:
    with serving(store, calls_per_minute=5000) as served:
        answers = asyncio.run(all_at_once(served))
    assert len(answers) == CALLS
    for user, number, answer in answers:
        assert f"I am {user} in call {number}." in answer
    used: Counter[tuple[str, str | None]] = Counter()
    for request in slow_sandbox.requests:
        found = re.search(r"I am (\w+) in", request.body["messages"][0]["content"])
        assert found
        used[found[1], request.key] += 1
    assert used == {("alice", ALICE): CALLS // 2, ("bob", BOB): CALLS // 2}
