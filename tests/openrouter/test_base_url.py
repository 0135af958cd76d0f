"""Where a key may be sent: over https, or in the clear to this machine itself."""

from __future__ import annotations

import pytest

from openrouter_toolkit import Envelope, ToolRegistry
from openrouter_toolkit.openrouter import base_url
from openrouter_toolkit.sandbox import Sandbox

from ..envelopes import failure
from .calls import GENERATION, MODELS, READ, call
from .conftest import Connect, Serve
from .servers import answering


def test_a_base_url_without_v1_is_told_where_nothing_else_can_be_wrong(
    openrouter_sandbox: Sandbox, connect: Connect
) -> None:
    registry = connect(openrouter_sandbox.base_url.removesuffix("/v1"))
    for slug in (READ, MODELS):
        envelope = call(registry, slug)
        assert failure(envelope)["type"] == "not_found"
        assert "OPENROUTER_BASE_URL, which must end in /api/v1" in str(envelope.error)
        assert "Check the id" not in str(envelope.error)


@pytest.mark.usefixtures("openrouter_sandbox")
def test_where_an_id_may_be_wrong_the_id_is_told() -> None:
    with ToolRegistry.from_manifest() as registry:
        endpoints = registry.execute("OPENROUTER_LIST_MODEL_ENDPOINTS", {"author": "acme", "slug": "nothing"})
        generation = call(registry, GENERATION)
    for envelope in (endpoints, generation):
        assert failure(envelope)["status"] == 404
        assert "OPENROUTER_BASE_URL" not in str(envelope.error)
        assert " id" in str(envelope.error)


@pytest.mark.parametrize(
    "url",
    [
        "https://openrouter.ai/api/v1",
        "https://eu.openrouter.ai/api/v1",
        "https://localhost.evil.com/api/v1",
        "https://proxy.example:8443",
        "https://[2001:db8::1]/api/v1",
        "http://localhost:8765/api/v1",
        "http://LOCALHOST:8765/api/v1",
        "http://127.0.0.1:8765/api/v1",
        "http://127.0.0.2/api/v1",
        "http://127.255.255.254/api/v1",
        "http://[::1]:8765/api/v1",
    ],
)
def test_https_anywhere_and_http_to_this_machine_is_accepted(url: str) -> None:
    assert base_url.resolve(url) == url


@pytest.mark.parametrize(
    "url",
    [
        "http://openrouter.ai/api/v1",
        "http://localhost.evil.com/api/v1",
        "http://evil.com/localhost",
        "http://127.0.0.1.evil.com/api/v1",
        "http://127.0.0.1@evil.com/api/v1",
        "http://127.0.0.1:pw@evil.com/api/v1",
        "http://evil.com#@127.0.0.1/",
        "http://evil.com\\@127.0.0.1/",
        "http://0.0.0.0:8765/api/v1",
        "http://[::]:8765/api/v1",
        "http://10.0.0.1/api/v1",
        "http://169.254.169.254/latest",
        "http://[fe80::1]/api/v1",
        "http://2130706433/api/v1",
        "http://0x7f.1/api/v1",
        "http://localhost./api/v1",
        "http://１２７.0.0.1.evil.com/",
        "https://user:secret@openrouter.ai/api/v1",
        "https://user@openrouter.ai/api/v1",
        "https://@openrouter.ai/api/v1",
        "https://openrouter.ai/api/v1?key=1",
        "https://openrouter.ai/api/v1#part",
        "https://openrouter.ai/api /v1",
        "https://open router.ai/api/v1",
        "https://openrouter.ai/api/\tv1",
        "https://openrouter.ai/\r\nX-Evil: 1",
        "https://openrouter.ai:99999/api/v1",
        "https://openrouter.ai:port/api/v1",
        "https://[::1/api/v1",
        "https://",
        "https:///api/v1",
        "//openrouter.ai/api/v1",
        "openrouter.ai/api/v1",
        "ftp://openrouter.ai/api/v1",
        "file:///etc/passwd",
        "javascript:alert(1)",
        "unix://127.0.0.1/socket",
        "http+unix://127.0.0.1/socket",
        "ws://127.0.0.1/api/v1",
    ],
)
def test_everything_else_is_refused_in_an_envelope(connect: Connect, url: str) -> None:
    envelope = call(connect(url))
    assert failure(envelope)["type"] == "connection_failed"
    assert failure(envelope)["retryable"] is False
    assert "Nothing was sent" in str(envelope.error)
    assert "OPENROUTER_BASE_URL" in str(envelope.error)


@pytest.mark.parametrize(
    "url", ["https://*.openrouter.ai/api", "https://.openrouter.ai/", "https://é..ai/", "https://a\\b/"]
)
def test_a_host_that_no_name_server_could_know_is_refused_the_same_way(connect: Connect, url: str) -> None:
    assert failure(call(connect(url, max_attempts=1)))["type"] == "connection_failed"


@pytest.mark.parametrize(
    "url", ["https://user:hunter2@openrouter.ai", "http://u:hunter2@evil.com:1/x?y", "u:hunter2@h"]
)
def test_a_password_is_never_in_the_text(connect: Connect, url: str) -> None:
    assert "hunter2" not in str(call(connect(url)))


def test_hidden_characters_of_a_base_url_do_not_reach_the_text(connect: Connect) -> None:
    envelope = call(connect("https://open\x1b[31mrouter\u202e.ai/"))
    assert "\x1b" not in str(envelope.error)
    assert "\u202e" not in str(envelope.error)


def test_the_environment_says_it_where_no_option_does(
    connect: Connect, serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = serve(answering(200))
    monkeypatch.setenv("OPENROUTER_BASE_URL", f"  {server.base_url}/  ")
    assert call(connect()).successful
    assert server.calls == [("GET", "/api/v1/key")]


def test_an_option_goes_before_the_environment(connect: Connect, serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    server = serve(answering(200))
    monkeypatch.setenv("OPENROUTER_BASE_URL", "http://127.0.0.1:1")
    assert call(connect(server.base_url)).successful


def test_an_empty_variable_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENROUTER_BASE_URL", "")
    assert base_url.resolve(None) == "https://openrouter.ai/api/v1"


@pytest.mark.parametrize("ending", ["", "/", "//"])
def test_a_slash_at_the_end_changes_nothing(connect: Connect, serve: Serve, ending: str) -> None:
    server = serve(answering(200))
    assert call(connect(server.base_url + ending)).successful
    assert server.calls == [("GET", "/api/v1/key")]


def test_a_base_url_without_a_path_works(connect: Connect, serve: Serve) -> None:
    server = serve(answering(200))
    assert call(connect(f"http://127.0.0.1:{server.port}")).successful
    assert server.calls == [("GET", "/key")]


def test_a_wrong_base_url_fails_each_call_and_raises_none(connect: Connect) -> None:
    registry = connect("http://openrouter.ai")
    envelopes: list[Envelope] = [registry.execute(READ) for _ in range(2)]
    assert [failure(envelope)["type"] for envelope in envelopes] == ["connection_failed"] * 2
