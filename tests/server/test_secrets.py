"""What must stay secret is in no answer, no header and no log, at DEBUG either."""

from __future__ import annotations

import base64
import logging
import re
from pathlib import Path

import pytest

from openrouter_toolkit.sandbox import Sandbox
from openrouter_toolkit.server.addresses import is_for_composio, is_for_programs
from openrouter_toolkit.store import MasterKey, Store

from .conftest import ALICE, BOB
from .served import CHAT, KEY, OWNER, QUESTION, Process, Served, environment
from .test_access import application, filled, log_in, routes
from .test_login import csrf

CANARY = "sk-or-v1-sandbox-c4n4ry-9f8e7d6c5b4a39281706"


def pieces(secret: str) -> set[str]:
    """A secret as it may be written: as it is, in base64, any twelve characters of what is random in it."""
    rest = secret.removeprefix("sk-or-v1-sandbox-")
    windows = {rest[at : at + 12] for at in range(len(rest) - 11)}
    encoded = {base64.b64encode(b" " * shift + rest.encode()).decode()[4:-4] for shift in range(3)}
    return {secret, *encoded, *windows}


def logged(caplog: pytest.LogCaptureFixture) -> str:
    """The log of everything but the tests' own client."""
    records = [record for record in caplog.records if not record.name.startswith(("httpx2", "httpcore2"))]
    return "\n".join(logging.Formatter("%(name)s %(message)s").format(record) for record in records)


def found(secret: str, text: str) -> set[str]:
    return {piece for piece in pieces(secret) if piece in text}


def test_a_connected_key_is_in_no_answer_and_no_file(
    served: Served, sandbox: Sandbox, caplog: pytest.LogCaptureFixture, tmp_path: Path
) -> None:
    caplog.set_level(logging.DEBUG, "")
    served.store.accounts.connect("OPENROUTER", "carol", {"api_key": CANARY, "management_api_key": CANARY + "-m"})
    heard: list[str] = []
    token = served.token()
    with (
        served.client(token) as host,
        served.client(None, **{"x-api-key": token}) as composio,
        served.client() as browser,
    ):
        log_in(served, browser)
        form = {"csrf": csrf(browser.get("/admin/tools"))}
        for method, path in sorted(routes(application(served))):
            if path == "/logout" or "disconnect" in path:
                continue
            if is_for_composio(path) and (method == "DELETE" or not path.startswith("/api/v3.1/")):
                continue  # both versions have the same functions
            client = host if is_for_programs(path) else browser
            client = composio if is_for_composio(path) else client
            (account,) = (a for a in served.store.accounts.list() if a.user_id == "carol")
            address = filled(path).replace("ca_00000000000000000000", account.id)
            body = {"json": {"user_id": "carol"}} if client is not browser else {"data": form}
            answer = client.request(method, address, **(body if method == "POST" else {}))  # type: ignore[arg-type]
            heard += [answer.text, str(answer.headers)]
        for model in ("acme/atlas-small", "sandbox/echo-key", "sandbox/hostile", "sandbox/cut"):
            for stream in (False, True):
                call = {"user_id": "carol", "arguments": {**QUESTION, "model": model, "stream": stream}}
                heard.append(host.post(f"/api/actions/{CHAT}", json=call).text)
    assert any(request.key == CANARY for request in sandbox.requests)
    assert len(heard) > 50
    assert not found(CANARY, "\n".join(heard))
    assert not found(CANARY, logged(caplog))
    for file in tmp_path.rglob("*"):
        if file.is_file():
            assert not found(CANARY, file.read_bytes().decode("latin-1")), file


def test_no_token_and_no_link_is_in_the_log(
    served: Served, sandbox: Sandbox, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    caplog.set_level(logging.DEBUG, "")
    token, link = served.token("alice"), served.login_link()
    foreign = "sk-or-v1-" + "7" * 48
    connect = served.store.links.to_connect("OPENROUTER", "dave").secret
    with served.client(token) as host, served.client() as browser, served.client(foreign) as stranger:
        assert host.post(f"/api/actions/{KEY}", json={}).json()["successful"]
        assert host.post("/mcp", json={"jsonrpc": "2.0", "id": 1, "method": "tools/list"}).status_code < 500
        for path in ("/api/tools", "/mcp"):
            assert stranger.get(path).status_code == 401
            assert stranger.post(path, json={}).status_code == 401
        page = browser.get(link)
        browser.post(link, data={"csrf": csrf(page)})
        browser.get(f"/connect/{connect}")
        sessions = [cookie.value or "" for cookie in browser.cookies.jar]

        def fail(*_: object) -> None:
            raise RuntimeError(foreign)

        monkeypatch.setattr(served.store.links, "find", fail)
        assert browser.get(link).status_code == 500
        assert host.get("/api/nothing", headers={"X-User-Id": "alice"}).status_code == 404
    assert len(sessions) == 2
    log = logged(caplog)
    assert "failed unexpectedly" in log
    for secret in (token, foreign, link.rpartition("/")[2], connect, ALICE, BOB, *sessions):
        assert secret not in log, secret
    for request in sandbox.requests:
        assert token not in str(request.headers)
        assert request.key == ALICE


def test_a_mistake_that_tells_what_a_request_got_in_with_is_logged_without_it(
    served: Served, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(secret: str, *_: object) -> None:
        raise RuntimeError(f"no idea what to do with {secret}, which is {secret[:20]} and more")

    token, link = served.token("alice"), served.login_link()
    connect = served.store.links.to_connect("OPENROUTER", "dave").secret
    with served.client() as browser, served.client(token, Referer=link) as host:
        log_in(served, browser)
        sessions = [cookie.value or "" for cookie in browser.cookies.jar]
        for part in (served.store.tokens, served.store.sessions, served.store.links):
            monkeypatch.setattr(part, "find", fail)
        for client, path in (
            (host, "/api/tools"),
            (host, "/mcp"),
            (browser, "/admin/tools"),
            (browser, link),
            (browser, f"/connect/{connect}"),
        ):
            assert client.get(path).status_code == 500
    log = logged(caplog)
    assert log.count("no idea what to do with [redacted], which is [redacted] and more") == 5
    for secret in (token, link.rpartition("/")[2], connect, *sessions):
        assert secret[:20] not in log


def test_a_process_says_the_login_link_once_and_nothing_else(
    store: Store, database: str, key: MasterKey, sandbox: Sandbox, tmp_path: Path
) -> None:
    token = store.tokens.create("a test's", ["alice"])[1]
    own = environment(database, key.written(), sandbox.base_url, tmp_path, OPENROUTER_TOOLKIT_DEBUG="1")
    with Process(own) as process:
        link = process.login_link
        with process.client(token) as host, process.client() as browser:
            for model in ("acme/atlas-small", "sandbox/echo-key", "sandbox/no-credits"):
                assert host.post(f"/api/actions/{CHAT}", json={"arguments": {**QUESTION, "model": model}}).text
            browser.post(link, data={"name": OWNER, "csrf": csrf(browser.get(link))})
            browser.get(f"{link}?again")
            host.post("/mcp", content=b"nonsense")
            browser.get("/api/tools", headers={"Authorization": f"Bearer {BOB}"})
            (session,) = (c.value or "" for c in browser.cookies.jar if "session" in c.name)
        said = process.end()
    assert said.count(link.rpartition("/")[2]) == 1
    for secret in (token, ALICE, BOB, session, key.written()):
        assert secret not in said


def test_addresses_that_hold_a_secret_are_told_to_nobody(served: Served) -> None:
    link = served.login_link()
    connect = served.store.links.to_connect("OPENROUTER", "dave").secret
    with served.client() as browser:
        for path in (link, f"/connect/{connect}", "/login/wrong", "/connect/wrong"):
            page = browser.get(path)
            assert page.headers["referrer-policy"] == "no-referrer"
            assert page.headers["cache-control"] == "no-store"
            for secret in (link.rpartition("/")[2], connect):
                assert not re.search(rf'(href|src)="[^"]*{re.escape(secret)}', page.text)
