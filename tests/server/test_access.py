"""Every address of the application, called by nobody and by the wrong ones. A new route is covered when it is there."""

from __future__ import annotations

import re
from collections.abc import Iterator

import httpx2
from fastapi import FastAPI
from fastapi.routing import iter_route_contexts

from openrouter_toolkit.sandbox import Sandbox
from openrouter_toolkit.server.addresses import METRICS, is_for_composio, is_for_programs
from openrouter_toolkit.store.tokens import new_text

from .conftest import ALICE, BOB
from .served import KEY, Served

# What anybody may look at: nothing of anybody's is there.
PUBLIC = {
    ("GET", "/"),
    ("GET", "/admin"),
    ("GET", "/healthz"),
    ("GET", "/readyz"),
    ("GET", "/login"),
    ("GET", "/login/{secret}"),
    ("GET", "/connect/{secret}"),
    ("GET", "/connect/done"),
    ("GET", "/connect/cancelled"),
    ("GET", "/logos/{toolkit}"),  # on the pages of links, too
    ("GET", "/connect/callback/{login_state}"),
}


def routes(application: FastAPI) -> Iterator[tuple[str, str]]:
    """Method and path of every route, mounts left out."""
    for route in iter_route_contexts(application.routes):
        for method in getattr(route, "methods", None) or ():
            if method != "HEAD":
                yield method, str(route.path)


def filled(path: str) -> str:
    """A path with names in its braces."""
    values = {"toolkit": "openrouter", "slug": KEY, "action": KEY.lower()}
    return re.sub(r"\{(\w+)\}", lambda found: values.get(found[1], "ca_00000000000000000000"), path)


def application(served: Served) -> FastAPI:
    config = served.server.config.app
    assert isinstance(config, FastAPI)
    return config


def test_the_list_of_routes_is_whole(served: Served) -> None:
    found = set(routes(application(served)))
    assert {("GET", "/api/tools"), ("POST", "/api/actions/{slug}"), ("POST", "/mcp"), ("GET", "/admin/tools")} <= found
    assert len(found) >= 25


def test_nobody_gets_in_anywhere(served: Served, sandbox: Sandbox) -> None:
    nothing = "sk-or-v1-" + "0" * 40
    bearers: list[dict[str, str]] = [
        {},
        {"Authorization": "Bearer"},
        {"Authorization": f"Bearer {new_text()}"},  # well-formed, and nobody's
        {"Authorization": f"Bearer {nothing}"},
        {"Authorization": f"Bearer {ALICE}"},
        {"Authorization": f"Basic {served.token()}"},
        {"Authorization": served.token()},
        {"Cookie": f"openrouter-toolkit-session-{served.state.settings.port}={'a' * 43}"},
        {"x-api-key": served.token()},
    ]
    # Composio's API takes a token in another header, and in no other.
    keys = [{}, {"x-api-key": new_text()}, {"x-api-key": ALICE}, {"Authorization": f"Bearer {served.token()}"}]
    with served.client() as nobody:
        for method, path in routes(application(served)):
            for headers in keys if is_for_composio(path) else bearers:
                answer = nobody.request(method, filled(path), headers=headers)
                assert is_refusal(answer, method, path), (method, path, headers, answer.status_code)
    assert sandbox.requests == []


def is_refusal(answer: httpx2.Response, method: str, path: str) -> bool:
    """Whether an answer gives nothing to somebody who has no right to it."""
    for secret in (ALICE, BOB, ALICE[-8:]):
        assert secret not in answer.text
    if is_for_composio(path):
        return answer.status_code == 401 and answer.json()["error"]["slug"] == "HTTP_Unauthorized"
    if path.startswith("/mcp/session/"):  # where the header x-api-key is right, there is no such session
        return answer.status_code in (401, 404)
    if is_for_programs(path):
        return answer.status_code == 401 and answer.json()["error"]["type"] == "unauthorized"
    if method != "GET":  # no form of ours, or nobody who is logged in
        return answer.status_code == 403 or answer.headers.get("location") == "/login"
    if path == METRICS:  # not there without a token of its own, see test_metrics
        return answer.status_code == 404
    if (method, path) in PUBLIC:
        return answer.status_code in (200, 303, 400, 404)
    return answer.status_code == 303 and answer.headers["location"] == "/login"


def test_a_token_is_no_login_and_a_login_is_no_token(served: Served) -> None:
    with served.client(served.token()) as host:
        assert host.get("/admin/tools").headers["location"] == "/login"
    with served.client() as browser:
        log_in(served, browser)
        assert browser.get("/admin/tools").status_code == 200
        for method, path in routes(application(served)):
            if is_for_programs(path):
                assert browser.request(method, filled(path)).status_code == 401


def log_in(served: Served, browser: httpx2.Client) -> None:
    """Log a browser in by a link."""
    link = served.login_link()
    found = re.search(r'name="csrf" value="(\w+)"', browser.get(link).text)
    assert found
    assert browser.post(link, data={"csrf": found[1]}).status_code == 303


def test_unknown_addresses_below_the_guarded_ones_want_a_token_too(served: Served) -> None:
    with served.client() as nobody:
        for path in ("/api", "/api/", "/api/v3/tools", "/mcp/", "/mcp/x", "/api/../api/tools", "/api%2Ftools"):
            assert nobody.get(path).status_code == 401, path
        for path in ("//api/tools", "/API/tools", "/apix", "/;/api/tools", "/static/../api/tools"):
            assert nobody.get(path).status_code in (401, 404), path


def test_a_revoked_token_is_a_foreign_one(served: Served) -> None:
    token, text = served.store.tokens.create("short", ["alice"])
    with served.client(text) as host:
        assert host.get("/api/tools").status_code == 200
        served.store.tokens.revoke(token.id)
        assert host.get("/api/tools").status_code == 401


def test_a_refused_request_says_how_to_get_a_token(served: Served) -> None:
    with served.client() as nobody:
        answer = nobody.post(f"/api/actions/{KEY}", content=b"not even JSON")
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"] == "Bearer"
    assert "tokens create" in answer.json()["error"]["message"]


def test_no_token_a_wrong_one_and_an_openrouter_key_are_told_apart(served: Served, sandbox: Sandbox) -> None:
    revoked, revoked_text = served.store.tokens.create("short", ["alice"])
    served.store.tokens.revoke(revoked.id)
    good = served.token()
    told: dict[str, list[str | tuple[str, str] | None]] = {
        "No API token was sent.": [None, ("x-api-key", good)],
        "Authorization holds no API token.": [good, "Bearer", f"Basic {good}", ALICE],
        "This API token is wrong or was revoked.": [
            *(f"Bearer {text}" for text in (revoked_text, new_text(), good[:-1], "nonsense")),
        ],
        "This is an OpenRouter key, and no token of this server.": [f"Bearer {ALICE}", "bearer SK-OR-V1-nobodys"],
    }
    for words, values in told.items():
        messages = set()
        for value in values:
            name, text = value if isinstance(value, tuple) else ("Authorization", value)
            headers = {} if text is None else {name: text}
            with served.client(**headers) as nobody:
                for path in ("/api/tools", "/mcp"):
                    error = nobody.get(path).json()["error"]
                    assert error["type"] == "unauthorized"
                    messages.add(error["message"])
        (message,) = messages
        assert message.startswith(words)
        assert "tokens create makes one" in message
        for secret in (good, revoked_text, ALICE, "nonsense"):
            assert secret[:12] not in message
    assert sandbox.requests == []


def test_two_tokens_at_once_are_none(served: Served) -> None:
    token = served.token()
    with served.client() as host:
        twice = [("Authorization", f"Bearer {token}")] * 2
        assert host.get("/api/tools", headers=twice).status_code in (400, 401)
