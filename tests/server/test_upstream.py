"""What goes upstream, and where to: the user's key to OpenRouter alone, and nothing of what callers log in with."""

from __future__ import annotations

import asyncio
import json
import logging
import socket
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import urlsplit

import httpx2
import pytest
from mcp import Client

from openrouter_toolkit.sandbox import Sandbox

from .conftest import ALICE, BOB
from .pages.person import Person
from .pages.test_browser_login import authorize
from .pages.test_connecting import begin
from .served import CHAT, KEY, MODELS, QUESTION, Served
from .test_mcp import ACCEPT, LIST, asked
from .test_secrets import found, logged

MESSAGE = {**QUESTION, "max_tokens": 100}
CALL = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": KEY, "arguments": {}}}


def sent(sandbox: Sandbox) -> str:
    """All that the server sent to OpenRouter. /auth is what the browser itself opens."""
    own = [request for request in sandbox.requests if request.path != "/auth"]
    return "\n".join(f"{one.path} {one.query} {one.headers.as_string()} {json.dumps(one.body)}" for one in own)


@pytest.fixture
def elsewhere() -> Iterator[Sandbox]:
    """A server that is not OpenRouter, to which a caller would like to have a key sent."""
    with Sandbox(generation_delay=0.0) as elsewhere:
        yield elsewhere
        assert elsewhere.requests == []
        httpx2.get(f"{elsewhere.base_url}/models", trust_env=False)
        assert len(elsewhere.requests) == 1, "it would have noticed"


def test_what_callers_log_in_with_stays_here(served: Served, sandbox: Sandbox) -> None:
    token = served.token("alice", "bob")
    admin = Person(served).log_in()
    with served.client(token, **ACCEPT, **{"X-User-Id": "alice", "X-Api-Key": token}) as host:
        for arguments in ({}, {"stream": True}):
            body = {"user_id": "bob", "arguments": {**QUESTION, **arguments}}
            assert host.post(f"/api/actions/{CHAT}", json=body).status_code == 200
        assert "result" in host.post("/mcp", json=CALL).text

    async def call(client: Client) -> None:
        for _ in range(2):
            await client.call_tool(CHAT, QUESTION, progress_callback=lambda *_: asyncio.sleep(0))

    for mode in ("auto", "legacy"):
        asked(served, token, mode, call, **{"X-User-Id": "alice"})
    for slug in (KEY, MODELS):
        admin.send(admin.open(f"/admin/tools/openrouter/actions/{slug.lower()}/try"), "Run", user_id="alice")
    secure = begin(admin, user_id="carol")
    answer = admin.client.post(f"{secure.answer.url}/browser", data=secure.form("Continue with").fields)
    assert "is connected" in admin.open(authorize(admin, answer.headers["Location"])).text
    secure = begin(admin, user_id="dave")
    assert "is connected" in admin.send(secure, "Connect", **{"field.api_key": BOB}).text

    text = sent(sandbox)
    assert len(sandbox.requests) >= 12
    assert {ALICE, BOB} <= {request.key for request in sandbox.requests}
    cookies = [cookie.value or "" for cookie in admin.client.cookies.jar]
    assert len(cookies) >= 3, "the session's, the browser's, the link's"
    for secret in (token, *cookies, secure.form("Connect").fields["csrf"], str(secure.answer.url).rpartition("/")[2]):
        assert secret not in text
    for mine in ("alice", "carol", "X-User-Id", "Cookie", "tok_", "ca_"):
        assert mine.lower() not in text.lower().replace(ALICE, "").replace(BOB, "")
    admin.client.close()


def test_an_openrouter_key_is_no_token(served: Served, sandbox: Sandbox, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG, "")
    stranger = "sk-or-v1-sandbox-c4n4ry-0123456789abcdef"
    for key in (stranger, ALICE):
        for headers in ({"Authorization": f"Bearer {key}"}, {"X-Api-Key": key}, {"Authorization": f"bearer  {key}"}):
            with served.client(**headers, **ACCEPT) as host:
                answers = [
                    host.get("/api/tools"),
                    host.get(f"/api/tools?api_key={key}&token={key}"),
                    host.post(f"/api/actions/{KEY}", json={"user_id": "alice"}),
                    host.post(f"/api/actions/{CHAT}", json={"arguments": {**QUESTION, "stream": True}}),
                    host.post("/mcp", json=LIST),
                    host.post("/mcp", json=CALL, headers={"X-User-Id": "alice"}),
                ]
            for answer in answers:
                assert answer.status_code == 401
                assert not found(key, f"{answer.text} {answer.headers}")
    assert not found(stranger, logged(caplog))
    assert not found(ALICE, logged(caplog))
    assert sandbox.requests == []


def hosts(url: str) -> Iterator[dict[str, Any]]:
    """Arguments that might choose where a call goes."""
    origin = f"http://{urlsplit(url).netloc}"
    for name in ("base_url", "baseUrl", "api_base", "url", "endpoint", "host", "proxy", "openrouter_base_url"):
        yield {name: url}
    yield {"custom_auth_params": {"base_url": url, "parameters": [{"in": "header", "name": "Host", "value": origin}]}}
    yield {"client_options": {"base_url": url}}
    yield {"extra_headers": {"Host": origin}, "extra_query": {"base_url": url}}
    yield {"api_key": "sk-or-v1-sandbox-of-somebody", "base_url": url}


def ways_to_call(served: Served, host: httpx2.Client) -> Iterator[Callable[[str, dict[str, Any]], Any]]:
    """Each way to call an action with some arguments."""
    yield lambda slug, arguments: host.post(f"/api/actions/{slug}", json={"arguments": arguments})
    yield lambda slug, arguments: host.post(f"/api/actions/{slug}", json={"arguments": {**arguments, "stream": True}})
    yield lambda slug, arguments: host.post(f"/api/actions/{slug}", json={"arguments": {}, **arguments})
    yield lambda slug, arguments: host.post(
        "/mcp", json={**CALL, "params": {"name": slug, "arguments": arguments, "_meta": arguments}}
    )


def test_a_caller_does_not_choose_the_host(served: Served, sandbox: Sandbox, elsewhere: Sandbox) -> None:
    url = elsewhere.base_url
    with served.client(served.token("alice"), **ACCEPT) as host:
        for call in ways_to_call(served, host):
            for more in hosts(url):
                for slug, needed in ((CHAT, QUESTION), ("OPENROUTER_CREATE_MESSAGE", MESSAGE), (KEY, {}), (MODELS, {})):
                    assert call(slug, {**needed, **more}).status_code in (200, 422)
        for header in ("X-Base-Url", "X-OpenRouter-Base-Url", "X-Forwarded-Host", "X-Original-Url", "Forwarded"):
            assert host.post(f"/api/actions/{KEY}", json={}, headers={header: url}).json()["successful"]
            assert host.post(f"/api/actions/{KEY}", json={}, params={"base_url": url}).status_code == 422
    assert {request.key for request in sandbox.requests} == {ALICE}


def test_an_argument_that_stands_in_the_path_does_not_choose_it_either(
    served: Served, sandbox: Sandbox, elsewhere: Sandbox
) -> None:
    netloc = urlsplit(elsewhere.base_url).netloc
    with served.client(served.token("alice")) as host:
        for author in (
            f"@{netloc}",
            f"//{netloc}",
            f"../../../../{netloc}",
            f"http://{netloc}",
            f"a@{netloc}/#",
            "\\\\x",
        ):
            arguments = {"author": author, "slug": f"@{netloc}/x"}
            host.post("/api/actions/OPENROUTER_LIST_MODEL_ENDPOINTS", json={"arguments": arguments})
    assert {request.key for request in sandbox.requests} <= {ALICE}


def test_what_a_prompt_refers_to_is_not_fetched(served: Served, sandbox: Sandbox, elsewhere: Sandbox) -> None:
    picture = {"type": "image_url", "image_url": {"url": f"{elsewhere.base_url}/models"}}
    text = {"type": "text", "text": f"Look at {elsewhere.base_url}/models"}
    question = {**QUESTION, "messages": [{"role": "user", "content": [text, picture]}]}
    with served.client(served.token("alice")) as host:
        host.post(f"/api/actions/{CHAT}", json={"arguments": question})
    assert [request.key for request in sandbox.requests] == [ALICE]


def test_a_form_does_not_choose_the_host(served: Served, sandbox: Sandbox, elsewhere: Sandbox) -> None:
    admin = Person(served).log_in()
    more = dict.fromkeys(("base_url", "field.base_url", "argument.base_url", "url", "endpoint"), elsewhere.base_url)
    admin.send(admin.open(f"/admin/tools/openrouter/actions/{KEY.lower()}/try"), "Run", user_id="alice", **more)
    secure = begin(admin, user_id="carol", **more)
    fields = {**secure.form("Continue with").fields, **more, "callback_url": elsewhere.base_url}
    answer = admin.client.post(f"{secure.answer.url}/browser", data=fields, params=more)
    assert urlsplit(answer.headers["Location"]).netloc == urlsplit(sandbox.base_url).netloc
    assert urlsplit(elsewhere.base_url).netloc not in answer.headers["Location"].replace("%3A", ":")
    secure = begin(admin, user_id="dave")
    assert "is connected" in admin.send(secure, "Connect", **{"field.api_key": BOB}, **more).text
    assert {request.key for request in sandbox.requests} == {ALICE, BOB}
    admin.client.close()


def test_it_is_no_proxy(served: Served, sandbox: Sandbox, elsewhere: Sandbox) -> None:
    here, there = urlsplit(served.url), urlsplit(elsewhere.base_url)
    token = served.token("alice")
    for target in (f"{elsewhere.base_url}/models", f"//{there.netloc}/api/tools", f"http://{there.netloc}/api/tools"):
        for name in (here.netloc, there.netloc):
            with socket.create_connection((here.hostname or "", here.port or 0), timeout=10) as connection:
                head = f"GET {target} HTTP/1.1\r\nHost: {name}\r\nAuthorization: Bearer {token}\r\n\r\n"
                connection.sendall(head.encode())
                assert connection.makefile("rb").readline().split()[1] in (b"400", b"404", b"421"), target
    with socket.create_connection((here.hostname or "", here.port or 0), timeout=10) as connection:
        connection.sendall(f"CONNECT {there.netloc} HTTP/1.1\r\nHost: {there.netloc}\r\n\r\n".encode())
        assert connection.makefile("rb").readline().split()[1] in (b"400", b"404", b"405", b"421")
    assert sandbox.requests == []
