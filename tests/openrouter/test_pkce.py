"""The login in the browser: the address it begins with, and the exchange of the code, once."""

from __future__ import annotations

import base64
import hashlib
import logging
import pickle
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from openrouter_toolkit.envelope import ActionError
from openrouter_toolkit.openrouter.pkce import BrowserLogin

from .servers import Exchange, Server

Serve = Callable[..., Server]
CODE = "auth_code_0123456789abcdef"
VERIFIER = "verifier-0123456789-0123456789-0123456789-012"


@contextmanager
def login(**client_options: Any) -> Iterator[BrowserLogin]:
    made = BrowserLogin(**client_options)
    try:
        yield made
    finally:
        made.close()


def query_of(url: str) -> dict[str, str]:
    return {name: values[0] for name, values in parse_qs(urlsplit(url).query, strict_parsing=True).items()}


@pytest.mark.parametrize(
    ("base_url", "page"),
    [
        (None, "https://openrouter.ai/auth"),
        ("https://openrouter.ai/api/v1/", "https://openrouter.ai/auth"),
        ("http://127.0.0.1:8765/api/v1", "http://127.0.0.1:8765/auth"),
        ("https://proxy.example/openrouter/api/v1", "https://proxy.example/openrouter/auth"),
        ("https://proxy.example/v2", "https://proxy.example/auth"),
    ],
)
def test_the_page_stands_beside_the_api(base_url: str | None, page: str) -> None:
    with login(base_url=base_url) as browser:
        url = browser.begin(None, "x", VERIFIER)
    assert url.partition("?")[0] == page


def test_the_environments_base_url_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENROUTER_BASE_URL", "http://localhost:1/api/v1")
    with login() as browser:
        assert browser.begin(None, "x", VERIFIER).startswith("http://localhost:1/auth?")


def test_a_base_url_that_would_show_the_code_to_others_is_refused() -> None:
    with pytest.raises(ActionError, match="plain http"):
        BrowserLogin(base_url="http://openrouter.example/api/v1")


def test_the_challenge_is_the_sha_256_of_the_verifier_which_does_not_travel() -> None:
    with login() as browser:
        url = browser.begin("http://127.0.0.1:4321/callback/state", "My app", VERIFIER)
    query = query_of(url)
    digest = hashlib.sha256(VERIFIER.encode()).digest()
    assert base64.urlsafe_b64decode(query["code_challenge"] + "=") == digest
    assert "=" not in query["code_challenge"]
    assert query["code_challenge_method"] == "S256"
    assert query["callback_url"] == "http://127.0.0.1:4321/callback/state"
    assert query["key_label"] == "My app"
    assert VERIFIER not in url


def test_without_a_callback_none_is_named_and_long_labels_are_cut() -> None:
    with login() as browser:
        query = query_of(browser.begin(None, "ä&=" * 100, VERIFIER))
    assert "callback_url" not in query
    assert query["key_label"] == ("ä&=" * 100)[:100]


def test_the_code_is_exchanged_without_a_key(serve: Serve) -> None:
    key = "sk-or-v1-" + "ab" * 32
    server = serve(lambda exchange: exchange.json({"key": key, "user_id": "user_1"}))
    with login(base_url=server.base_url) as browser:
        assert browser.finish(f"  {CODE}\n", "the verifier") == key
    (request,) = server.requests
    assert (request.method, request.target) == ("POST", "/api/v1/auth/keys")
    assert request.json == {"code": CODE, "code_verifier": "the verifier", "code_challenge_method": "S256"}
    assert "authorization" not in request.headers


@pytest.mark.parametrize("code", ["", "  ", "a code\nwith lines", "cöde", "x" * 1001, "a\x1b[2Jb"])
def test_what_is_no_code_is_not_sent(serve: Serve, code: str) -> None:
    server = serve(lambda exchange: exchange.json({}))
    with login(base_url=server.base_url) as browser, pytest.raises(ActionError) as caught:
        browser.finish(code, "v")
    assert caught.value.type == "invalid_arguments"
    assert server.requests == []


def refusing(status: int, message: str) -> Callable[[Exchange], None]:
    return lambda exchange: exchange.json({"error": {"code": status, "message": message}}, status)


@pytest.mark.parametrize(
    ("status", "message", "kind", "told"),
    [
        (403, "Invalid code or code_verifier", "permission_denied", "wrong, was used already, or is older than ten"),
        (400, "Invalid code_challenge_method", "invalid_request", "Invalid code_challenge_method"),
        (405, "Method Not Allowed", "invalid_request", "Method Not Allowed"),
        (429, "Slow down", "rate_limit_exceeded", "Slow down"),
        (500, "Internal Server Error", "server", "Internal Server Error"),
        (503, "Later", "provider_overloaded", "Later"),
    ],
)
def test_a_refusal_is_typed_told_and_never_repeated(
    serve: Serve, status: int, message: str, kind: str, told: str
) -> None:
    server = serve(refusing(status, message))
    with login(base_url=server.base_url) as browser, pytest.raises(ActionError) as caught:
        browser.finish(CODE, "v" * 50)
    error = caught.value
    assert (error.type, error.status) == (kind, status)
    assert told in error.explanation
    assert "Begin the login again." in error.explanation
    assert len(server.requests) == 1


@pytest.mark.parametrize("body", ["[]", "null", '"key"', "{}", '{"key": null}', '{"key": ""}', '{"key": 5}'])
def test_an_answer_without_a_key_is_a_failure(serve: Serve, body: str) -> None:
    server = serve(lambda exchange: exchange.answer(200, body))
    with login(base_url=server.base_url) as browser, pytest.raises(ActionError) as caught:
        browser.finish(CODE, "v")
    assert caught.value.type == "invalid_response"


def test_an_answer_that_only_looks_like_json_is_a_failure(serve: Serve) -> None:
    server = serve(lambda exchange: exchange.answer(200, '{"data"' + " " * 70_000 + "}"))
    with login(base_url=server.base_url) as browser, pytest.raises(ActionError) as caught:
        browser.finish(CODE, "v")
    assert caught.value.type == "invalid_response"


def test_nobody_listening_leaves_the_code_unused(serve: Serve) -> None:
    server = serve(lambda exchange: None)
    server.close()
    with login(base_url=server.base_url) as browser, pytest.raises(ActionError) as caught:
        browser.finish(CODE, "v")
    assert caught.value.type == "connection_failed"
    assert "The code was not used" in caught.value.explanation


def test_a_connection_that_breaks_is_not_tried_again_and_warns_of_a_key_without_use(serve: Serve) -> None:
    server = serve(lambda exchange: exchange.reset())
    with login(base_url=server.base_url) as browser, pytest.raises(ActionError) as caught:
        browser.finish(CODE, "v")
    assert "delete it there" in caught.value.explanation
    assert len(server.requests) == 1


def test_code_and_verifier_are_in_no_error_traceback_or_log(serve: Serve, caplog: pytest.LogCaptureFixture) -> None:
    def echoing(exchange: Exchange) -> None:
        sent = exchange.request.json
        told = f"\x1b[31mno {sent['code']} {sent['code_verifier']}"
        exchange.json({"error": {"code": 400, "message": told, "metadata": sent}}, 400)

    server = serve(echoing)
    verifier = "verifier-that-is-long-enough-to-be-a-secret"
    with caplog.at_level(logging.DEBUG), login(base_url=server.base_url) as browser:
        with pytest.raises(ActionError) as caught:
            browser.finish(CODE, verifier)
        assert verifier not in repr(browser)
    error = caught.value
    everything = "".join(traceback.format_exception(error)) + repr(error.__dict__) + caplog.text
    everything += repr(pickle.loads(pickle.dumps(error)).__dict__)
    assert error.__context__ is None or error.__suppress_context__
    assert CODE not in everything
    assert verifier not in everything
    assert "\x1b" not in error.explanation
