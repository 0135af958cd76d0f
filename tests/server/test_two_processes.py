"""Two processes on one database work as one: what happens at one counts at the other within a second."""

from __future__ import annotations

import asyncio
import json
import re
import signal
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import httpx2
import pytest
from mcp import Client
from mcp.client.streamable_http import streamable_http_client

from openrouter_toolkit.sandbox import Sandbox
from openrouter_toolkit.store import MasterKey

from ..scale import FULL, scaled
from ..timing import wait_until
from ..webhooks.conftest import Receiver, add, happen
from .conftest import ALICE, BOB, ECHO
from .served import CHAT, KEY, OWNER, QUESTION, Process, environment
from .test_login import csrf

Pair = tuple[Process, Process]
one_database = pytest.mark.parametrize(
    "fresh_database", scaled(["postgresql"], full=["sqlite", "postgresql"]), indirect=True
)
pytestmark = pytest.mark.load
# Both are behind one name, as behind a load balancer.
PUBLIC = "http://tools.test:8700"


@pytest.fixture
def database(fresh_database: str) -> str:
    """The URL of a fresh database of each kind."""
    return fresh_database


@pytest.fixture
def pair(store: Any, database: str, key: MasterKey, sandbox: Sandbox, tmp_path: Path) -> Iterator[Pair]:
    """Two processes."""
    own = environment(database, key.written(), sandbox.base_url, tmp_path, PYTHONPATH=str(ECHO.parents[1]))
    options = ("--url", PUBLIC, "--manifest", str(ECHO))
    with Process(own, *options, port=True) as one, Process(own, *options, port=True) as other:
        yield one, other


def at(process: Process, token: str | None = None) -> httpx2.Client:
    """A client of one of them, by the name of both."""
    return process.client(token, Host=PUBLIC.removeprefix("http://"))


def listed(host: httpx2.Client) -> list[str]:
    """The names of the tools that are listed."""
    return [tool["function"]["name"] for tool in host.get("/api/tools").json()["tools"]]


@one_database
def test_everything_counts_at_both(pair: Pair, store: Any, sandbox: Sandbox) -> None:
    with at(pair[0]) as browser, at(pair[1]) as moved:
        # A login that was begun at one is finished at the other, and counts at both.
        path = pair[0].login_link.removeprefix(PUBLIC)
        page = browser.get(path)
        moved.cookies.update(browser.cookies)
        answer = moved.post(path, data={"name": OWNER, "csrf": csrf(page)})
        assert (answer.status_code, answer.headers["location"]) == (303, "/admin/tools")
        browser.cookies.update(moved.cookies)
        assert browser.get("/admin/tools").status_code == moved.get("/admin/tools").status_code == 200

        token, text = store.tokens.create("a test's", ["alice"])
        with at(pair[0], text) as here, at(pair[1], text) as there:

            def called(slug: str, host: httpx2.Client) -> str:
                envelope = host.post(f"/api/actions/{slug}", json={"arguments": {}}).json()
                return "ok" if envelope["successful"] else str(json.loads(envelope["data"])["error"]["type"])

            assert called(KEY, here) == called(KEY, there) == "ok"

            # A switch, thrown in the browser at one.
            switch = f"/admin/tools/openrouter/actions/{KEY.lower()}/switch"
            form = {"csrf": csrf(browser.get("/admin/tools/openrouter")), "to": "off"}
            assert browser.post(switch, data=form).status_code == 303
            wait_until(lambda: called(KEY, there) == "refused_by_policy")
            assert KEY not in listed(there)
            assert moved.post(switch, data={**form, "to": "on"}).status_code == 303
            wait_until(lambda: called(KEY, here) == "ok")

            # A toolkit that is activated.
            assert "ECHO_SAY" not in listed(there)
            assert browser.post("/admin/tools/echo/activate", data=form).status_code == 303
            wait_until(lambda: "ECHO_SAY" in listed(there))

            # An account that is disconnected.
            (account,) = (a for a in store.accounts.list() if a.user_id == "alice")
            disconnect = f"/admin/tools/openrouter/accounts/{account.id}/disconnect"
            assert moved.post(disconnect, data=form).status_code == 303
            wait_until(lambda: called(KEY, here) == called(KEY, there) == "not_connected")

            # A connection that is begun at one and finished at the other.
            link = store.links.to_connect("OPENROUTER", "alice").secret
            connect = browser.get(f"/connect/{link}")
            assert connect.status_code == 200
            wanted = {"csrf": csrf(connect), "field.api_key": ALICE}
            assert moved.post(f"/connect/{link}", data=wanted).status_code == 303
            wait_until(lambda: called(KEY, here) == called(KEY, there) == "ok")
            assert sandbox.requests[-1].key == ALICE

            # A token that is revoked, a session that is ended.
            store.tokens.revoke(token.id)
            wait_until(lambda: here.get("/api/tools").status_code == there.get("/api/tools").status_code == 401)
        assert moved.post("/logout", data={"csrf": csrf(moved.get("/admin/tools"))}).status_code == 303
        wait_until(lambda: browser.get("/admin/tools").headers.get("location") == "/login")


@one_database
def test_an_mcp_client_may_be_answered_by_either(pair: Pair, store: Any) -> None:
    token = store.tokens.create("a test's", ["bob"])[1]

    async def main(mode: str) -> None:
        turns = iter([0, 1] * 1000)

        async def spread(request: httpx2.Request) -> None:
            request.url = request.url.copy_with(port=httpx2.URL(pair[next(turns)].url).port)

        headers = {"Authorization": f"Bearer {token}", "Host": PUBLIC.removeprefix("http://")}
        hooks: dict[str, Any] = {"request": [spread]}
        async with httpx2.AsyncClient(headers=headers, trust_env=False, event_hooks=hooks, timeout=30) as http:
            transport = streamable_http_client(f"{pair[0].url}/mcp", http_client=http)
            async with Client(transport, mode=mode) as client:
                for _ in range(4):
                    assert KEY in [tool.name for tool in (await client.list_tools()).tools]
                    assert not (await client.call_tool(KEY, {})).is_error

    for mode in ("auto", "legacy"):
        asyncio.run(main(mode))


@one_database
def test_many_calls_at_both_use_the_right_keys(pair: Pair, store: Any, sandbox: Sandbox) -> None:
    tokens = {user: store.tokens.create(user, [user])[1] for user in ("alice", "bob")}

    async def main() -> list[dict[str, Any]]:
        async with httpx2.AsyncClient(trust_env=False, timeout=60) as http:

            async def call(number: int) -> dict[str, Any]:
                user = ("alice", "bob")[number % 2]
                question = {**QUESTION, "messages": [{"role": "user", "content": f"I am {user}, call {number}"}]}
                headers = {"Authorization": f"Bearer {tokens[user]}", "Host": PUBLIC.removeprefix("http://")}
                url = f"{pair[number // 2 % 2].url}/api/actions/{CHAT}"
                envelope: dict[str, Any] = (await http.post(url, headers=headers, json={"arguments": question})).json()
                return envelope

            return await asyncio.gather(*(call(number) for number in range(60)))

    envelopes = asyncio.run(main())
    assert all(envelope["successful"] for envelope in envelopes)
    said = Counter(
        (request.key, re.search(r"I am (\w+)", request.body["messages"][0]["content"])[1])  # type: ignore[index]
        for request in sandbox.requests
    )
    assert said == {(ALICE, "alice"): 30, (BOB, "bob"): 30}


@pytest.mark.skipif(not FULL, reason="two processes take a while to take turns; make load waits for them")
def test_one_of_them_delivers_to_webhooks_and_the_other_when_that_stops(
    store: Any, database: str, key: MasterKey, sandbox: Sandbox, tmp_path: Path
) -> None:
    more = {"OPENROUTER_TOOLKIT_METRICS_TOKEN": "metrics-0123456789"}
    own = environment(database, key.written(), sandbox.base_url, tmp_path, **more)
    options = ("--url", PUBLIC, "--private-webhooks")

    def works(process: Process) -> bool:
        with at(process, "metrics-0123456789") as reader:
            return "openrouter_toolkit_runs_jobs 1.0" in reader.get("/metrics").text

    with ExitStack() as stack:
        receiver = Receiver(stack)
        add(store, receiver.address)
        pair = [stack.enter_context(Process(own, *options, port=True)) for _ in range(2)]
        wait_until(lambda: any(map(works, pair)))
        assert [works(process) for process in pair].count(True) == 1
        before = [happen(store) for _ in range(20)]
        wait_until(lambda: len(receiver.got) >= len(before))
        pair.sort(key=works)
        other, working = pair
        after = [happen(store) for _ in range(20)]
        working.process.send_signal(signal.SIGTERM)
        working.process.wait(20)
        after += [happen(store) for _ in range(20)]
        wait_until(lambda: {*before, *after} <= set(receiver.ids))
        assert works(other)
        assert set(receiver.ids) == {*before, *after}
        assert len(set(receiver.ids[: len(before)])) == len(before), "each once, while none is stopped"
