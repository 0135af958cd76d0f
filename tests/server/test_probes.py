"""Whatever a client of MCP tries is answered in JSON that it can show: OAuth's addresses, methods, wrong headers."""

from __future__ import annotations

import json
from typing import Any

import httpx2
import pytest

from openrouter_toolkit.server import limits
from openrouter_toolkit.server.access.middleware import BODY_WITHOUT_TOKEN
from openrouter_toolkit.store import Store

from .served import CHAT, Served, serving
from .test_mcp import ACCEPT, LIST

METADATA = "/.well-known/oauth-protected-resource"
OAUTH = (
    METADATA,
    f"{METADATA}/mcp",
    f"{METADATA}/mcp/openrouter",
    "/.well-known/oauth-authorization-server",
    "/.well-known/oauth-authorization-server/mcp",
    "/.well-known/openid-configuration",
    "/.well-known/openid-configuration/mcp/echo",
    "/.well-known/",
    "/.well-known/mcp.json",
    "/register",
    "/register/",
    "/authorize",
    "/token",
    "/revoke",
    "/sse",
    "/sse/",
    "/messages",
    "/messages/?session_id=1",
    "/oauth/token",
    "/oauth2/register",
)
ACCEPTED = ("application/json, text/event-stream", "text/event-stream", "text/html,application/xhtml+xml,*/*;q=0.8", "")
METHODS = ("GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PATCH")


@pytest.fixture
def served(shared: Served) -> Served:
    """The web application, which these tests leave as it is."""
    return shared


@pytest.fixture(autouse=True)
def _patient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits.Throttle, "delay", lambda throttle, address: 0.0)


def is_json(answer: httpx2.Response) -> bool:
    """Whether an answer is JSON, or says so where it may have no body."""
    if not answer.headers["content-type"].startswith("application/json"):
        return False
    return answer.request.method == "HEAD" or json.loads(answer.text) is not None


@pytest.mark.parametrize("path", OAUTH)
def test_who_looks_for_oauth_is_told_that_there_is_none(served: Served, path: str) -> None:
    registration = {"client_name": "a test", "redirect_uris": ["http://127.0.0.1:1/callback"]}
    with served.client("ort_wrong") as client:
        for method in METHODS:
            for accept in ACCEPTED:
                body: dict[str, Any] = {"json": registration} if method in ("POST", "PUT", "PATCH") else {}
                answer = client.request(method, path, headers={"Accept": accept}, **body)
                assert answer.status_code == 404
                assert is_json(answer), (method, accept)
                if method != "HEAD":
                    # As RFC 6749 has it, which is what clients can read.
                    assert set(answer.json()) == {"error", "error_description"}
                    assert answer.json()["error"] == "invalid_request"
                    assert "Authorization: Bearer ort_" in answer.json()["error_description"]
                    assert "/mcp" in answer.json()["error_description"]


def test_other_refusals_at_these_addresses_are_oauths_too(served: Served) -> None:
    with served.client() as client:
        for answer, status in (
            (client.get(METADATA, headers={"Host": "tools.example.com"}), 421),
            (client.get(METADATA, headers={"Origin": "https://evil.example"}), 403),
            (client.post("/register", content=b"x" * (BODY_WITHOUT_TOKEN + 1)), 413),
        ):
            assert answer.status_code == status
            assert is_json(answer)
            assert {type(value) for value in answer.json().values()} == {str}


def test_an_unknown_address_is_a_page_for_browsers_alone(served: Served) -> None:
    with served.client() as client:
        for accept in ("application/json", "*/*", "text/event-stream", ""):
            for method in ("GET", "POST"):
                answer = client.request(method, "/nothing/here", headers={"Accept": accept})
                assert (answer.status_code, is_json(answer)) == (404, True)
                assert answer.json()["error"]["type"] == "not_found"
        page = client.get("/nothing/here", headers={"Accept": "text/html,*/*;q=0.8"})
        assert (page.status_code, page.headers["content-type"]) == (404, "text/html; charset=utf-8")
        assert client.get("/login/unknown").headers["content-type"] == "text/html; charset=utf-8"
        for path in ("/healthz", "/readyz"):
            answer = client.post(path, headers={"Accept": "text/html"})
            assert (answer.status_code, is_json(answer)) == (405, True)


def test_mcps_own_address_by_every_method_and_every_accept(served: Served) -> None:
    seen = set()
    with served.client(served.token("alice"), **ACCEPT) as host, served.client(**ACCEPT) as nobody:
        for path in ("/mcp", "/mcp/", "/mcp/openrouter", "/mcp/openrouter/", "/mcp/nothing", "/mcp/.well-known/x"):
            for method in METHODS:
                for headers in (
                    {},
                    *({"Accept": accept} for accept in ACCEPTED),
                    {"Content-Type": "text/plain"},
                    {"Content-Type": ""},
                    {"MCP-Protocol-Version": "1999-01-01"},
                    {"Mcp-Session-Id": "made up"},
                    {"Last-Event-ID": "1"},
                ):
                    body: dict[str, Any] = {"json": LIST} if method in ("POST", "PUT", "PATCH") else {}
                    for client in (host, nobody):
                        answer = client.request(method, path, headers=headers, **body)
                        seen.add(answer.status_code)
                        if answer.status_code != 200:
                            assert is_json(answer), (path, method, headers, answer.status_code)
                        if method != "HEAD" and answer.status_code != 200:
                            assert answer.json()["jsonrpc"] == "2.0"
                            assert answer.json()["error"]["message"]
    assert {200, 401, 404, 405} <= seen


def test_a_wrong_value_is_told_in_words_that_help(served: Served) -> None:
    with served.client(served.token("alice")) as host:
        for path, words in (
            ("/api/tools?format=toml", "format: wanted one of openai, openai-responses, anthropic, gemini, "),
            ("/api/tools?format=antropic", "Did you mean anthropic?"),
            ("/api/tools?format=", "format: wanted one of openai, "),
            ("/api/tools?strict=maybe", "strict: wanted true or false."),
            ("/api/tools?strict=&extensions=2", "extensions: wanted true or false. strict: wanted true or false."),
        ):
            answer = host.get(path)
            assert (answer.status_code, answer.json()["error"]["type"]) == (422, "invalid_request")
            assert words in answer.json()["error"]["message"]
            assert "query" not in answer.json()["error"]["message"]
        answer = host.post(f"/api/actions/{CHAT}?brief=nope", json={})
        assert answer.json()["error"]["message"] == "brief: wanted true or false."
        secret = f"sk-or-v1-{'0123456789abcdef' * 4}"
        assert "0123456789" not in host.get("/api/tools", params={"format": secret}).text


def test_a_browser_that_was_sent_to_authorize_is_not_led_anywhere(store: Store) -> None:
    with serving(store, url="https://tools.example.com") as served, served.client() as browser:
        answer = browser.get("/authorize?redirect_uri=https://evil.example", headers={"Accept": "text/html"})
        assert (answer.status_code, is_json(answer), "location" in answer.headers) == (404, True, False)
