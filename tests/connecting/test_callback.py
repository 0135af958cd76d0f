"""The server that the browser comes back to: one code, from one address, and nobody else's."""

from __future__ import annotations

import http.client
import logging
import socket
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import urlsplit

import pytest

from openrouter_toolkit.connecting import Callback, LoginRefused, LoginTimedOut
from openrouter_toolkit.connecting import callback as callback_module

PATIENCE = 10.0


@pytest.fixture
def callback() -> Iterator[Callback]:
    with Callback() as callback:
        yield callback


def get(
    callback: Callback, path: str, *, host: str | None = None, method: str = "GET"
) -> tuple[int, str, http.client.HTTPMessage]:
    port = urlsplit(callback.url).port
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE)
    try:
        connection.putrequest(method, path, skip_host=True)
        if host != "":
            connection.putheader("Host", host or f"127.0.0.1:{port}")
        connection.endheaders()
        answer = connection.getresponse()
        return answer.status, answer.read().decode(), answer.headers
    finally:
        connection.close()


def path_of(callback: Callback) -> str:
    return urlsplit(callback.url).path


def test_the_code_arrives_and_the_browser_is_told_how_it_ended(callback: Callback) -> None:
    with ThreadPoolExecutor() as threads:
        browser = threads.submit(get, callback, f"{path_of(callback)}?code=abc_123")
        assert callback.code(PATIENCE) == "abc_123"
        assert not browser.done()
        callback.show("Connected <1>", "You can close this page & go.")
        status, page, headers = browser.result(PATIENCE)
    assert status == 200
    assert "<h1>Connected &lt;1&gt;</h1>" in page
    assert "close this page &amp; go" in page
    assert "abc_123" not in page
    assert "<script" not in page
    assert headers["Cache-Control"] == "no-store"
    assert headers["Referrer-Policy"] == "no-referrer"
    assert "default-src 'none'" in headers["Content-Security-Policy"]
    assert "frame-ancestors 'none'" in headers["Content-Security-Policy"]


def test_a_second_code_is_409_and_changes_nothing(callback: Callback) -> None:
    with ThreadPoolExecutor() as threads:
        first = threads.submit(get, callback, f"{path_of(callback)}?code=first")
        assert callback.code(PATIENCE) == "first"
        assert get(callback, f"{path_of(callback)}?code=second")[0] == 409
        assert callback.code(PATIENCE) == "first"
        callback.show("Connected", "")
        assert first.result(PATIENCE)[0] == 200
    assert get(callback, f"{path_of(callback)}?code=third")[0] == 409


def test_of_many_codes_at_once_one_counts() -> None:
    with Callback() as callback, ThreadPoolExecutor(20) as threads:
        browsers = [threads.submit(get, callback, f"{path_of(callback)}?code=code{n}") for n in range(20)]
        code = callback.code(PATIENCE)
        callback.show("Connected", "")
        statuses = sorted(browser.result(PATIENCE)[0] for browser in browsers)
    assert code.startswith("code")
    assert statuses == [200] + [409] * 19


@pytest.mark.parametrize(
    "change", ["/", "/callback/", "/favicon.ico", "{}x", "{}/", "//127.0.0.1{}", "/callback/" + "A" * 43]
)
def test_without_the_state_nothing_is_taken(callback: Callback, change: str) -> None:
    status, page, _ = get(callback, f"{change.format(path_of(callback))}?code=stolen")
    assert status == 404
    assert path_of(callback).removeprefix("/callback/") not in page
    with pytest.raises(LoginTimedOut):
        callback.code(0.05)


@pytest.mark.parametrize("host", ["", "evil.example", "127.0.0.1", "localhost", "127.0.0.1:1", "evil.example:{port}"])
def test_another_host_is_not_answered(callback: Callback, host: str) -> None:
    named = host.replace("{port}", str(urlsplit(callback.url).port))
    assert get(callback, f"{path_of(callback)}?code=stolen", host=named)[0] == 421
    with pytest.raises(LoginTimedOut):
        callback.code(0.05)


@pytest.mark.parametrize("query", ["", "?", "?code=", "?code=%20%0a", "?code=a%0ab", "?kode=x", "?code=" + "x" * 1001])
def test_without_a_code_the_login_goes_on(callback: Callback, query: str) -> None:
    assert get(callback, path_of(callback) + query)[0] == 400
    with pytest.raises(LoginTimedOut):
        callback.code(0.05)


def test_a_refusal_ends_the_login(callback: Callback) -> None:
    with ThreadPoolExecutor() as threads:
        browser = threads.submit(get, callback, f"{path_of(callback)}?error=access_denied&code=x")
        with pytest.raises(LoginRefused):
            callback.code(PATIENCE)
        callback.show("Not connected", "You cancelled.")
        assert "You cancelled." in browser.result(PATIENCE)[1]


@pytest.mark.parametrize("method", ["POST", "HEAD", "PUT", "OPTIONS"])
def test_only_get_is_answered(callback: Callback, method: str) -> None:
    assert get(callback, f"{path_of(callback)}?code=x", method=method)[0] == 501
    with pytest.raises(LoginTimedOut):
        callback.code(0.05)


def test_what_is_raised_sends_the_person_to_the_terminal() -> None:
    browsers = []

    def fail() -> None:
        with Callback() as callback:
            browsers.append(threads.submit(get, callback, f"{path_of(callback)}?code=x"))
            callback.code(PATIENCE)
            raise ZeroDivisionError

    with ThreadPoolExecutor() as threads:
        with pytest.raises(ZeroDivisionError):
            fail()
        status, page, _ = browsers[0].result(PATIENCE)
    assert status == 200
    assert "<h1>Not connected</h1>" in page
    assert "the terminal says what" in page


def test_a_browser_that_waited_long_is_told_neither_success_nor_failure(
    callback: Callback, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(callback_module, "_MAX_PAGE_WAIT", 0.05)
    status, page, _ = get(callback, f"{path_of(callback)}?code=abc")
    assert status == 200
    assert "<h1>Still working</h1>" in page
    assert "The terminal says how it ends." in page
    assert callback.code(PATIENCE) == "abc"


def test_idle_connections_keep_nobody_waiting(callback: Callback) -> None:
    port = urlsplit(callback.url).port
    with ThreadPoolExecutor() as threads, socket.create_connection(("127.0.0.1", port)) as idle:
        idle.sendall(b"GET /callb")
        browser = threads.submit(get, callback, f"{path_of(callback)}?code=abc")
        assert callback.code(PATIENCE) == "abc"
        callback.show("Connected", "")
        assert browser.result(PATIENCE)[0] == 200


def test_its_end_frees_the_port_and_its_threads() -> None:
    before = threading.active_count()
    with Callback() as callback:
        port = urlsplit(callback.url).port
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", port), timeout=1)
    until = time.monotonic() + PATIENCE
    while threading.active_count() > before and time.monotonic() < until:
        time.sleep(0.01)
    assert threading.active_count() == before


def test_it_listens_on_loopback_with_a_state_of_its_own() -> None:
    with Callback() as one, Callback() as other:
        assert one.url.startswith("http://127.0.0.1:")
        assert path_of(one) != path_of(other)
        assert len(path_of(one)) > len("/callback/") + 40


def test_rubbish_is_answered_and_nothing_is_printed(
    callback: Callback, capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    port = urlsplit(callback.url).port
    with caplog.at_level(logging.DEBUG):
        for sent in (b"\x16\x03\x01\x00\xa5\x01\x00", b"GET\r\n\r\n", b"GET / HTTP/9.9\r\n\r\n", b"G" * 70_000, b""):
            with socket.create_connection(("127.0.0.1", port), timeout=PATIENCE) as connection:
                connection.sendall(sent + b"\r\n\r\n")
                connection.shutdown(socket.SHUT_WR)
                while connection.recv(65536):
                    pass
        with ThreadPoolExecutor() as threads:
            browser = threads.submit(get, callback, f"{path_of(callback)}?code=secret-code")
            callback.code(PATIENCE)
            callback.show("Connected", "")
            browser.result(PATIENCE)
    printed = capfd.readouterr()
    assert (printed.out, printed.err) == ("", "")
    assert "secret-code" not in caplog.text
