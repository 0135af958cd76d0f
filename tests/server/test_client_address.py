"""Behind a trusted proxy the client's own address counts, and nobody else can choose under which he is counted."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import ExitStack
from ipaddress import ip_network
from typing import Any

import pytest

from openrouter_toolkit.sandbox import Sandbox
from openrouter_toolkit.server.access.client_address import forwarded_client, read_address, read_network
from openrouter_toolkit.store import Store

from ..timing import wait_until
from .served import CHAT, KEY, Served, serving
from .test_connections import REQUEST, connect, open_connections
from .test_disconnect import calling
from .test_fair_share import SILENT

LOOPBACK = (ip_network("127.0.0.0/8"),)
TRUSTED = (ip_network("10.0.0.0/8"), ip_network("fd00::/8"))


@pytest.mark.parametrize(
    ("headers", "client"),
    [
        (["203.0.113.9"], "203.0.113.9"),
        (["198.51.100.1, 203.0.113.9"], "203.0.113.9"),  # the first is what the client wrote itself
        (["203.0.113.9, 10.0.0.1"], "203.0.113.9"),
        (["198.51.100.1", "203.0.113.9,10.1.2.3", "fd00::1"], "203.0.113.9"),
        (["203.0.113.9", "198.51.100.1"], "198.51.100.1"),
        ([" 203.0.113.9 ,\t10.0.0.1 "], "203.0.113.9"),
        (["203.0.113.9, , ,10.0.0.1,"], "203.0.113.9"),
        (["203.0.113.9:51234"], "203.0.113.9"),
        (["2001:db8::9"], "2001:db8::9"),
        (["[2001:db8::9]"], "2001:db8::9"),
        (["[2001:DB8:0::9]:51234"], "2001:db8::9"),
        (["::ffff:203.0.113.9"], "203.0.113.9"),
        (["203.0.113.9, ::ffff:10.0.0.1"], "203.0.113.9"),
        (["2001:db8::9%eth0"], "2001:db8::9"),
        (["10.0.0.1"], None),
        ([""], None),
        ([","], None),
        (["203.0.113.9, unknown"], None),
        (["203.0.113.9, _hidden"], None),
        (["203.0.113.9, garbage, 10.0.0.1"], None),
        (["203.0.113.9, 10.0.0.999"], None),
        (["203.0.113.9:port"], None),
        (["203.0.113.9:"], None),
        (["[2001:db8::9"], None),
        (["[2001:db8::9]x"], None),
        (["010.0.0.1"], None),
        (["\u0661.1.1.1"], None),
        (["1.1.1.1" + " " * 100 + "x"], None),
        (["203.0.113.9" + ",10.0.0.1" * 10_000], None),
        (["for=203.0.113.9"], None),
    ],
)
def test_the_right_most_address_that_is_no_proxys(headers: list[str], client: str | None) -> None:
    found = forwarded_client([header.encode() for header in headers], TRUSTED)
    assert (None if found is None else str(found)) == client


def test_an_address_as_the_system_writes_it() -> None:
    assert str(read_address("fe80::1%eth0")) == "fe80::1"
    assert read_address("") is None
    assert read_address("/run/socket") is None


@pytest.mark.parametrize(
    ("text", "network"),
    [
        ("127.0.0.1", "127.0.0.1/32"),
        ("10.0.0.0/8", "10.0.0.0/8"),
        ("::1", "::1/128"),
        ("FD00::/8", "fd00::/8"),
        ("::ffff:10.0.0.0/104", "10.0.0.0/8"),
    ],
)
def test_a_network_of_proxies(text: str, network: str) -> None:
    assert str(read_network(text)) == network


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "give an address or a network, such as 127.0.0.1, 10.0.0.0/8 or fd00::/8"),
        ("proxy.example", "give an address or a network"),
        ("10.0.0.0/33", "give an address or a network"),
        ("127.0.0.1:80", "give an address or a network"),
        ("10.0.0.1/8", "the address has bits beyond the prefix: write 10.0.0.0/8"),
        ("0.0.0.0/0", "that is every address"),
        ("::/0", "that is every address"),
    ],
)
def test_what_is_no_network_of_proxies(text: str, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        read_network(text)


@pytest.fixture
def served(store: Store) -> Iterator[Served]:
    """A server whose proxy is on this machine."""
    with serving(store, url="https://tools.example.com", trusted_proxies=LOOPBACK, guesses_wait=True) as served:
        yield served


def wrong_attempts(served: Served, *headers: tuple[str, str]) -> set[str]:
    """Under which addresses attempts are counted that come with these headers."""
    served.state.throttle._failed_attempts.clear()
    with served.client("ort_wrong", Host="tools.example.com") as guesser:
        assert guesser.get("/api/tools", headers=list(headers)).status_code == 401
    return set(served.state.throttle._failed_attempts)


def test_guesses_are_counted_for_the_client(served: Served) -> None:
    name = "X-Forwarded-For"
    assert wrong_attempts(served, (name, "203.0.113.9")) == {"203.0.113.9"}
    assert wrong_attempts(served, (name, "1.1.1.1"), (name, "203.0.113.9, 127.0.0.1")) == {"203.0.113.9"}
    assert wrong_attempts(served, (name, "2001:db8:1:2::9")) == {"2001:db8:1:2::/64"}
    assert wrong_attempts(served, (name, "garbage")) == {"127.0.0.1"}
    assert wrong_attempts(served) == {"127.0.0.1"}
    for other in ("X-Real-IP", "Forwarded", "X-Client-IP", "CF-Connecting-IP", "True-Client-IP"):
        assert wrong_attempts(served, (other, "203.0.113.9")) == {"127.0.0.1"}


def test_the_log_tells_the_clients_address(served: Served, caplog: pytest.LogCaptureFixture) -> None:
    with served.client("ort_wrong", Host="tools.example.com") as guesser:
        for _ in range(7):
            guesser.get("/api/tools", headers={"X-Forwarded-For": "203.0.113.9"})
    assert caplog.messages == ["wrong logins, tokens or keys come from 203.0.113.9: it is answered slowly"]


def test_from_anybody_else_it_is_not_read(store: Store, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.WARNING)
    for trusted in ((), TRUSTED):
        with serving(store, url="https://tools.example.com", trusted_proxies=trusted, guesses_wait=True) as served:
            for address in ("203.0.113.9", "10.0.0.1", "127.0.0.1, 203.0.113.9"):
                assert wrong_attempts(served, ("X-Forwarded-For", address)) == {"127.0.0.1"}
    hints = [message for message in caplog.messages if "--trusted-proxy" in message]
    assert len(hints) == 2, "once by each server"
    assert "from 127.0.0.1" in hints[0]
    assert "203.0.113.9" not in caplog.text


def test_nothing_but_the_address_is_taken_from_a_proxy(served: Served, store: Store) -> None:
    forged = {
        "X-Forwarded-For": "203.0.113.9",
        "X-Forwarded-Proto": "http",
        "X-Forwarded-Host": "evil.example",
        "X-Forwarded-Port": "1234",
        "X-Forwarded-Prefix": "/evil",
        "Forwarded": "for=203.0.113.9;host=evil.example;proto=http",
    }
    with served.client(Host="tools.example.com", **forged) as browser:
        page = browser.get(served.login_link().removeprefix("https://tools.example.com"))
        assert page.status_code == 200
        assert "evil" not in page.text
        (cookie,) = page.headers.get_list("set-cookie")
        assert cookie.startswith("__Host-openrouter-toolkit-browser-443=")
        assert "; Secure" in cookie
        assert browser.get("/").headers["location"] == "/admin/tools"
        assert browser.get("/admin/tools").headers["location"] == "/login"


def test_clients_behind_a_proxy_are_limited_each(store: Store, sandbox: Sandbox) -> None:
    limits: dict[str, Any] = {"connections_per_address": 3, "trusted_proxies": LOOPBACK}
    with serving(store, **limits) as served, ExitStack() as stack:
        token = served.token("alice")
        greedy, other = {"X_Forwarded_For": "203.0.113.9"}, {"X-Forwarded-For": "203.0.113.10"}
        for _ in range(3):
            stack.enter_context(calling(served, f"/api/actions/{CHAT}", SILENT, token, **greedy))
        wait_until(lambda: len(sandbox.requests) == 3)
        with served.client(token) as host:
            refused = host.post(f"/api/actions/{KEY}", json={}, headers={"X-Forwarded-For": "1.2.3.4, 203.0.113.9"})
            assert (refused.status_code, refused.headers["retry-after"]) == (429, "1")
            assert "this address" in refused.json()["error"]["message"]
            assert host.post(f"/api/actions/{KEY}", json={}, headers=other).status_code == 200
            stack.close()
            again = {"X-Forwarded-For": "203.0.113.9"}
            wait_until(lambda: host.post(f"/api/actions/{KEY}", json={}, headers=again).status_code == 200)
    assert dict(served.state.requests._counts) == {}


def test_the_proxy_itself_may_have_any_number_of_connections(store: Store) -> None:
    with serving(store, connections_per_address=3, trusted_proxies=LOOPBACK) as served, ExitStack() as stack:
        held = [stack.enter_context(connect(served)) for _ in range(30)]
        wait_until(lambda: open_connections(served) == 30)
        for number, connection in enumerate(held):
            address = f"\r\nX-Forwarded-For: 203.0.113.{number}\r\n\r\n".encode()
            connection.sendall(REQUEST.replace(b"\r\n\r\n", address))
            assert connection.recv(65536).startswith(b"HTTP/1.1 200 ")


def test_a_good_token_is_good_whatever_the_header_says(served: Served, sandbox: Sandbox) -> None:
    with served.client(served.token("alice"), Host="tools.example.com") as host:
        for value in (b"203.0.113.9", b"\xff\xfe", b"", b"," * 5000, b"1.1.1.1," * 5000):
            answer = host.post(f"/api/actions/{KEY}", json={}, headers=[(b"X-Forwarded-For", value)])
            assert answer.json()["successful"]
