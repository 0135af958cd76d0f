"""Which names this server listens to. A page whose name was made to lead here (DNS rebinding) gets nothing."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable
from urllib.parse import urlsplit

import pytest
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from openrouter_toolkit.server.access import middleware
from openrouter_toolkit.server.access.hosts import is_own_host
from openrouter_toolkit.server.access.middleware import Guard
from openrouter_toolkit.server.pages.rendering import wrong_address
from openrouter_toolkit.server.settings import Settings
from openrouter_toolkit.store import Store

from .served import Served, serving

HOSTILE = [
    "evil.example",
    "evil.example:{port}",
    "127.0.0.1",
    "127.0.0.1:1",
    "127.0.0.1:{port}.evil.example",
    "127.0.0.1.evil.example:{port}",
    "evil.example/?x=",
    "evil.example/?x=127.0.0.1:{port}",
    "a/#:{port}",
    "127.0.0.1:{port}/",
    "127.0.0.1:{port}#",
    "alice@127.0.0.1:{port}",
    "127.0.0.1:{port}@evil.example",
    "127.0.0.1:0{port}0",
    "127.1:{port}",
    "2130706433:{port}",
    "0x7f.0.0.1:{port}",
    "0.0.0.0:{port}",
    "localhost.:{port}",
    "localhost.evil.example:{port}",
    "[::1",
    "[::2]:{port}",
    "[::1%25eth0]:{port}",
    "::1:{port}",
    "",
    " ",
]


def answered(served: Served, host: str | None, path: str = "/login", more: str = "") -> int:
    """The status of a request with this Host."""
    parts = urlsplit(served.url)
    with socket.create_connection((parts.hostname or "", parts.port or 0), timeout=10) as connection:
        head = f"GET {path} HTTP/1.1\r\n" + ("" if host is None else f"Host: {host}\r\n")
        connection.sendall(f"{head}{more}Connection: close\r\n\r\n".encode())
        return int(connection.makefile("rb").readline().split()[1])


def test_names_of_others_are_refused_everywhere(served: Served) -> None:
    port = served.state.settings.port
    token = served.token()
    for template in HOSTILE:
        host = template.format(port=port)
        for path in ("/login", "/admin/tools", "/static/style.css", "/api/tools", "/mcp"):
            status = answered(served, host, path, f"Authorization: Bearer {token}\r\n")
            assert status in (400, 421), (host, path)
    assert answered(served, None) in (400, 421)
    two = f"Host: evil.example\r\nAuthorization: Bearer {token}\r\n"
    assert answered(served, f"127.0.0.1:{port}", "/api/tools", two) in (400, 421)


@pytest.mark.parametrize("host", ["evil.example/?x=", "a/#", "a/login?", "127.0.0.1/static/#", "x/healthz?"])
@pytest.mark.parametrize("path", ["/api/tools", "/api", "/mcp", "/mcp/openrouter"])
def test_who_gets_in_is_decided_on_the_path_alone(
    shared: Served, host: str, path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A Host that turns the path into a query or a fragment, where somebody puts the address together again."""
    assert answered(shared, host, path) in (400, 421)
    monkeypatch.setattr(middleware, "check_host", lambda *_: None)
    passed: list[Scope] = []

    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        passed.append(scope)

    guard = Guard(application, shared.state, wrong_address)
    for given in (host, f"127.0.0.1:{shared.state.settings.port}"):
        sent = asyncio.run(asked(guard, path, given))
        assert (sent["status"], dict(sent["headers"])[b"www-authenticate"]) == (401, b"Bearer")
    assert passed == []
    asyncio.run(asked(guard, "/login", f"x{path}?"))
    assert [scope["path"] for scope in passed] == ["/login"]


async def asked(application: ASGIApp, path: str, host: str) -> Message:
    """The beginning of the answer to a request without a token; of none, an empty message."""
    sent: list[Message] = [{}]
    scope = {"type": "http", "method": "GET", "path": path, "query_string": b"", "headers": [(b"host", host.encode())]}

    async def receive() -> Message:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Message) -> None:
        sent.append(message)

    await application({**scope, "root_path": "", "scheme": "http", "server": ("127.0.0.1", 80)}, receive, send)
    return sent[min(1, len(sent) - 1)]


def test_its_own_names_are_good(served: Served) -> None:
    port = served.state.settings.port
    for host in ("127.0.0.1", "localhost", "LOCALHOST", "[::1]", "127.0.0.2"):
        assert answered(served, f"{host}:{port}") == 200, host


def test_health_is_told_under_any_name(served: Served) -> None:
    for path in ("/healthz", "/readyz"):
        assert answered(served, "10.1.2.3:8080", path) == 200


def test_behind_a_proxy_the_public_name_is_good(store: Store) -> None:
    with serving(store, url="https://tools.example.com") as served:
        for host in ("tools.example.com", "TOOLS.example.com", "tools.example.com:443"):
            assert answered(served, host) == 200, host
        for host in ("tools.example.com:80", "tools.example.com.", "other.example.com", "example.com"):
            assert answered(served, host) == 421, host


Known = Callable[[str, tuple[str, int], str], bool]


@pytest.fixture
def known() -> Known:
    """Whether a Host is known: with the address that the connection was made to, and the server's URL."""

    def known(host: str, server: tuple[str, int], url: str) -> bool:
        return is_own_host(host, server, Settings(url))

    return known


def test_who_listens_to_a_network_is_reached_by_its_own_number_alone(known: Known) -> None:
    url = "http://127.0.0.1:8700"
    assert known("192.168.1.5:8700", ("192.168.1.5", 8700), url)
    assert not known("192.168.1.6:8700", ("192.168.1.5", 8700), url)
    assert not known("192.168.1.5", ("192.168.1.5", 8700), url)
    assert known("192.168.1.5", ("192.168.1.5", 80), url)
    assert not known("tools.local:8700", ("192.168.1.5", 8700), url)
    assert not known("localhost:8701", ("192.168.1.5", 8701), url)


def test_numbers_of_ipv6(known: Known) -> None:
    url = "http://[::1]:8700"
    assert known("[::1]:8700", ("::1", 8700), url)
    assert known("[0:0:0:0:0:0:0:1]:8700", ("::1", 8700), url)
    assert known("localhost:8700", ("::1", 8700), url)
    assert known("[2001:db8::5]:8700", ("2001:db8::5", 8700), url)
    assert known("192.168.1.5:8700", ("::ffff:192.168.1.5", 8700), url)
    assert not known("[2001:db8::6]:8700", ("2001:db8::5", 8700), url)
    assert not known("[::]:8700", ("::1", 8700), url)


@pytest.mark.parametrize(
    "url",
    [
        "",
        "tools.example.com",
        "ftp://tools.example.com",
        "https://",
        "https://tools.example.com/path",
        "https://tools.example.com?x",
        "https://tools.example.com#x",
        "https://alice@tools.example.com",
        "https://tools.example.com:port",
        "https://tools example.com",
        "https://tööls.example.com",
        "javascript:alert(1)",
    ],
)
def test_a_url_that_is_none(url: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        Settings(url)
