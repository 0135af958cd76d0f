"""No answer can be framed, and none may be read by a page of another server: on every route, whatever it answers."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import ExitStack
from itertools import cycle
from typing import Any

import httpx2
import pytest

from openrouter_toolkit.sandbox import Sandbox
from openrouter_toolkit.server.access.middleware import BODY_WITHOUT_TOKEN
from openrouter_toolkit.server.addresses import HEALTH, is_for_programs
from openrouter_toolkit.store import Store, StoreUnavailable

from ..scale import scaled
from .conftest import ECHO
from .served import CHAT, KEY, QUESTION, Served, serving
from .test_access import application, filled, log_in, routes
from .test_login import csrf
from .test_mcp import ACCEPT, LIST

FORM = {"Content-Type": "application/x-www-form-urlencoded"}
METHODS = ("GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS")
FOREIGN = (
    "https://evil.example",
    "{url}.evil.example",
    "http://evil.example:{port}",
    "https://127.0.0.1:{port}",
    "http://127.0.0.1",
    "http://127.0.0.1:1",
    "http://127.0.0.1:{port}/",
    "http://alice@127.0.0.1:{port}",
    "http://127x0.0.1:{port}",
    "http://localhost:{port}",
    "{url} https://evil.example",
    "{url}, https://evil.example",
    "file://",
    "",
)


@pytest.fixture
def served(store: Store) -> Iterator[Served]:
    """The web application, which lets a token make many calls, and does not slow down who guesses."""
    with serving(store, manifests=[ECHO], calls_per_minute=100_000) as served:
        yield served


def is_kept_in(answer: httpx2.Response) -> bool:
    """Whether no page can frame an answer, and no script of another server's can read it."""
    (policy,) = answer.headers.get_list("content-security-policy")
    parts = [part.strip().split() for part in policy.split(";")]
    framed = [part[1:] for part in parts if part[0] == "frame-ancestors"]
    read_by_others = [name for name in answer.headers if name.startswith("access-control-")]
    return framed == [["'none'"]] and answer.headers.get_list("x-frame-options") == ["DENY"] and not read_by_others


@pytest.mark.load
def test_every_route_by_every_method_for_everybody(served: Served) -> None:
    paths = sorted({filled(path) for _, path in routes(application(served))} | {"/static/style.css", "/nothing"})
    origins = (None, "https://evil.example", "null", served.url)
    turn = cycle((*origins, "https://evil.example"))  # five, so that each method meets each of them
    preflight = {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "authorization"}
    with served.client() as nobody, served.client(served.token("alice"), **ACCEPT) as host, served.client() as admin:
        log_in(served, admin)
        form = {"csrf": csrf(admin.get("/admin/tools"))}
        statuses = set()
        for path in paths:
            for client in (nobody, host, admin):
                for method in METHODS:
                    if path == "/logout" and client is admin:
                        continue
                    own = (served.url,) if method == "POST" and client is admin else ()  # gets to the forms themselves
                    for origin in scaled({next(turn), *own}, full=set(origins)):
                        headers = {} if origin is None else {"Origin": origin}
                        if method == "OPTIONS":
                            headers |= preflight
                        body = {"data": form} if method == "POST" and client is admin else {}
                        answer = client.request(method, path, headers=headers, **body)  # type: ignore[arg-type]
                        assert is_kept_in(answer), (method, path, origin, answer.headers)
                        statuses.add(answer.status_code)
    assert {200, 303, 400, 401, 403, 404, 405, 422} <= statuses


def test_answers_that_are_seldom_given(store: Store, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise RuntimeError

    def gone(*_: object) -> None:
        raise StoreUnavailable("It is gone.")

    answers: list[httpx2.Response] = []
    with ExitStack() as stack:
        served = stack.enter_context(serving(store, calls_per_minute=3))
        host = stack.enter_context(served.client(served.token("alice")))
        browser = stack.enter_context(served.client())
        log_in(served, browser)
        used = served.login_link()
        browser.post(used, data={"csrf": csrf(browser.get(used))})
        with served.client() as other:
            answers.append(other.get(used))
        answers += [
            browser.get("/login", headers={"Host": "evil.example", "Accept": kind}) for kind in ("*/*", "text/html")
        ]
        answers.append(browser.post("/logout", data={"csrf": "x" * BODY_WITHOUT_TOKEN}))
        answers.append(browser.post("/logout", content=iter([b"x" * BODY_WITHOUT_TOKEN] * 2), headers=FORM))
        stream = {"arguments": {**QUESTION, "stream": True}}
        answers += [host.post(f"/api/actions/{CHAT}", json=stream) for _ in range(4)]
        link = served.store.links.to_connect("OPENROUTER", "carol").secret
        page = browser.get(f"/connect/{link}")
        answers.append(page)
        answers.append(browser.post(f"/connect/{link}/browser", data={"csrf": csrf(page)}))
        state = answers[-1].headers["location"].partition("callback%2F")[2].partition("&")[0]
        answers.append(browser.get(f"/connect/callback/{state}?code=wrong"))
        monkeypatch.setattr(served.store.links, "find", gone)
        answers.append(browser.get("/login/x"))
        monkeypatch.setattr(served.store.links, "find", fail)
        answers.append(browser.get("/login/x"))
        monkeypatch.setattr(served.store.tokens, "find_kept", fail)
        answers.append(host.get("/api/tools"))
    assert {answer.status_code for answer in answers} == {200, 303, 410, 413, 421, 429, 500, 502, 503}
    for answer in answers:
        assert is_kept_in(answer), (answer.status_code, answer.headers)


@pytest.mark.load
def test_a_page_of_another_server_gets_nothing_done(served: Served, sandbox: Sandbox) -> None:
    """Not even with all that it takes: a token, a login, and a form's token. An Origin is compared, never matched."""
    names = {"url": served.url, "port": str(served.state.settings.port)}
    with served.client(served.token("alice"), **ACCEPT) as host, served.client() as admin:
        log_in(served, admin)
        form = {"csrf": csrf(admin.get("/admin/tools")), "to": "off"}
        foreign = cycle(FOREIGN)
        for method, path in sorted(routes(application(served))):
            for origin in scaled([next(foreign) for _ in range(3)], full=FOREIGN):
                headers = {"Origin": origin.format(**names)}
                client = host if is_for_programs(path) else admin
                body: dict[str, Any] = {"data": form} if client is admin else {"json": LIST if "mcp" in path else {}}
                answer = client.request(method, filled(path), headers=headers, **(body if method == "POST" else {}))
                assert (answer.status_code == 403) == (path not in HEALTH), (method, path, origin, answer.status_code)
                assert is_kept_in(answer)
        assert admin.get("/admin/tools").status_code == 200, "it is still logged in"
        assert host.post("/mcp", json=LIST, headers={"Origin": served.url}).status_code == 200
        assert host.post("/mcp", json=LIST, headers={"Origin": "null"}).status_code == 403
        call = host.post(f"/api/actions/{KEY}", json={}, headers={"Origin": served.url})
        assert json.loads(call.text)["successful"]
    assert served.store.switches.off("OPENROUTER") == {}
    assert len(sandbox.requests) == 1
