"""The way to OpenRouter: where the key goes, over which connections, and what may come back."""

from __future__ import annotations

import asyncio
import gzip
import itertools
import os
import shutil
import socket
import ssl
import threading
import time
import tracemalloc
import zlib
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import pytest

from openrouter_toolkit import Envelope, ToolRegistry

from ..envelopes import answer, failure, partial
from ..timing import quickest
from .calls import ARGUMENTS, CHAT, KEY, MODELS, READ, call
from .conftest import Connect, Serve
from .servers import ConnectProxy, Exchange, FullBacklog, Server, answering, chunk, completion, self_signed

MIB = 2**20


# Redirects


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize("slug", [READ, CHAT])
def test_no_redirect_to_another_server_is_followed(connect: Connect, serve: Serve, status: int, slug: str) -> None:
    second = serve(answering(200))
    first = serve(lambda exchange: exchange.answer(status, Location=f"{second.base_url}/key"))
    envelope = call(connect(first.base_url, max_attempts=1), slug)
    assert failure(envelope)["status"] == status
    assert "redirect" in str(envelope.error)
    assert second.connections == 0
    assert len(first.requests) == 1


@pytest.mark.parametrize(
    "location", ["/api/v1/elsewhere", "elsewhere", "//127.0.0.1/x", "http://localhost:1/x", "", "\x7f"]
)
def test_no_redirect_within_the_server_is_followed(connect: Connect, serve: Serve, location: str) -> None:
    server = serve(lambda exchange: exchange.answer(302, Location=location))
    assert failure(call(connect(server.base_url, max_attempts=1)))["status"] == 302
    assert server.calls == [("GET", "/api/v1/key")]


# The Authorization header, cookies, proxies


@pytest.mark.parametrize("by", ["NETRC", "HOME"])
def test_a_netrc_never_replaces_the_key(
    connect: Connect, serve: Serve, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, by: str
) -> None:
    file = tmp_path / (".netrc" if by == "HOME" else "my-netrc")
    file.write_text("machine 127.0.0.1 login mallory password hunter2\ndefault login mallory password hunter2\n")
    file.chmod(0o600)
    monkeypatch.setenv(by, str(file if by == "NETRC" else tmp_path))
    server = serve(answering(200))
    assert call(connect(server.base_url)).successful
    assert server.requests[0].headers["authorization"] == f"Bearer {KEY}"


def test_cookies_are_not_sent_back(connect: Connect, serve: Serve) -> None:
    server = serve(answering(200, Set_Cookie="session=1; Path=/"))
    registry = connect(server.base_url)
    for _ in range(2):
        assert call(registry).successful
    assert ["cookie" in request.headers for request in server.requests] == [False, False]


@pytest.mark.parametrize("name", ["HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy"])
def test_a_proxy_is_not_asked_about_loopback(
    connect: Connect, serve: Serve, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    trap, server = serve(answering(200)), serve(answering(200))
    monkeypatch.setenv(name, f"http://127.0.0.1:{trap.port}")
    assert call(connect(server.base_url)).successful
    assert call(connect(f"http://localhost:{server.port}"), CHAT).successful
    assert trap.connections == 0
    assert len(server.requests) == 2


# Headers of a caller's making


@pytest.mark.parametrize("name", ["x_title", "http_referer"])
@pytest.mark.parametrize("value", ["App\r\nX-Evil: 1", "App\nX: 1", "App\rX: 1", "Ap\0p", "Ap\x0bp", "\ud800"])
def test_a_line_break_in_a_header_is_refused_and_nothing_sent(
    connect: Connect, serve: Serve, name: str, value: str
) -> None:
    server = serve(answering(200))
    envelope = connect(server.base_url).execute(CHAT, {**ARGUMENTS[CHAT], name: value})
    assert failure(envelope)["type"] == "invalid_arguments"
    assert server.connections == 0


@pytest.mark.parametrize("value", ["Größe", "日本語 🚀", "a\u2028X-Evil: 1", "a\u0085X-Evil: 1", "x" * 4000])
def test_any_other_text_travels_as_utf_8(connect: Connect, serve: Serve, value: str) -> None:
    server = serve(lambda exchange: exchange.json(completion("Hi")))
    assert call(connect(server.base_url), CHAT, x_title=value).successful
    headers = server.requests[0].headers
    assert headers["x-title"].encode("latin-1").decode() == value
    assert "x-evil" not in headers


@pytest.mark.parametrize("key", ["sk-or-v1-abc\r\nX-Evil: 1", "sk-or-v1-abcdef\n", "sk-or-v1-äöü0000000"])
def test_a_key_that_no_header_can_carry_is_not_sent(connect: Connect, serve: Serve, key: str) -> None:
    server = serve(answering(200))
    assert failure(call(connect(server.base_url, key=key)))["type"] == "not_connected"
    assert server.connections == 0


@pytest.mark.parametrize("identifier", ["a/../../credits", "..", "a b?x=1#y", "%2e%2e", "\r\nX-Evil: 1"])
def test_a_path_part_stays_in_its_place(connect: Connect, serve: Serve, identifier: str) -> None:
    server = serve(answering(200))
    connect(server.base_url).execute("OPENROUTER_LIST_MODEL_ENDPOINTS", {"author": identifier, "slug": "s"})
    for request in server.requests:
        assert request.target.count("/") == "/api/v1/models/a/s/endpoints".count("/")
        assert not set("?#\r\n ") & set(request.target)
        assert "x-evil" not in request.headers


# Connections


def test_a_connection_is_used_again(connect: Connect, serve: Serve) -> None:
    server = serve(answering(200))
    registry = connect(server.base_url)
    for slug in (READ, MODELS, READ, CHAT, READ):
        assert call(registry, slug).successful
    assert [request.connection for request in server.requests] == [0] * 5


def test_a_connection_is_used_again_after_an_error(connect: Connect, serve: Serve) -> None:
    server = serve(answering(404, {"error": {"message": "No."}}))
    registry = connect(server.base_url)
    for _ in range(3):
        call(registry)
    assert server.connections == 1


def test_many_threads_share_connections_and_get_their_own_answers(connect: Connect, serve: Serve) -> None:
    def script(exchange: Exchange) -> None:
        exchange.json(completion(exchange.request.json["messages"][0]["content"]))

    server = serve(script)
    registry = connect(server.base_url)

    def ask(number: int) -> bool:
        envelope = call(registry, CHAT, messages=[{"role": "user", "content": f"number {number}"}])
        return bool(answer(envelope)["choices"][0]["message"]["content"] == f"number {number}")

    with ThreadPoolExecutor(20) as threads:
        assert all(threads.map(ask, range(400)))
    assert len(server.requests) == 400
    assert server.connections <= 20


@pytest.mark.parametrize("slug", [READ, CHAT])
def test_a_connection_that_the_server_closed_between_two_calls_does_no_harm(
    connect: Connect, serve: Serve, slug: str
) -> None:
    def script(exchange: Exchange) -> None:
        exchange.json(completion("Hi"))
        exchange.cut()

    server = serve(script)
    registry = connect(server.base_url, max_attempts=1)
    for _ in range(3):
        assert call(registry, slug).successful
        time.sleep(0.05)
    assert server.connections == 3


def test_a_closed_registry_opens_new_connections(connect: Connect, serve: Serve) -> None:
    server = serve(answering(200))
    registry = connect(server.base_url)
    for _ in range(2):
        assert call(registry).successful
        registry.close()
        registry.close()
    assert server.connections == 2


def test_the_end_of_one_call_never_cuts_the_connection_that_another_has_taken_over(
    connect: Connect, serve: Serve
) -> None:
    """The first answer was read to its end, its connection is free again, and only its listener is slow."""
    second_sent = threading.Event()
    first_over = threading.Event()

    def script(exchange: Exchange) -> None:
        if exchange.number == 0:
            body = "".join(f"data: {text}\n\n" for text in ('{"choices":[{"delta":{"content":"Hi"}}]}', "[DONE]"))
            exchange.answer(200, body, Content_Type="text/event-stream")
            return
        second_sent.set()
        first_over.wait(10)
        exchange.json(completion("second"))

    server = serve(script)
    registry = connect(server.base_url)
    with ThreadPoolExecutor(1) as threads:
        others: list[Future[Envelope]] = []

        def slow(event: object) -> None:
            if not others:
                others.append(threads.submit(call, registry, CHAT))
                second_sent.wait(10)
                time.sleep(0.8)  # beyond the first call's deadline

        call(registry, CHAT, stream=True, on_event=slow, timeout=0.5)
        first_over.set()
        assert others[0].result(10).successful, others[0].result()


# Connections that don't come about


@pytest.mark.parametrize("slug", [READ, CHAT])
def test_a_refused_port_is_told(connect: Connect, slug: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    envelope = call(connect(f"http://127.0.0.1:{port}", max_attempts=1), slug)
    error = failure(envelope)
    assert (error["type"], error["status"], error["retryable"]) == ("connection_failed", None, True)
    assert "can't be reached" in str(envelope.error)
    assert "Nothing was sent" in str(envelope.error)


def test_a_name_that_does_not_resolve_is_told(connect: Connect) -> None:
    envelope = call(connect("https://no-such-host.invalid/api/v1", max_attempts=1))
    error = failure(envelope)
    assert error["type"] == "connection_failed"
    assert "no-such-host.invalid" in str(envelope.error)


def test_a_connection_that_does_not_come_about_ends_at_its_own_timeout(connect: Connect) -> None:
    with FullBacklog() as server:
        took, envelope = quickest(
            lambda: call(connect(f"http://127.0.0.1:{server.port}", max_attempts=1, connect_timeout=0.3), CHAT), below=1
        )
        assert took < 1
    assert failure(envelope)["type"] == "connection_failed"
    assert "Nothing was sent" in str(envelope.error)


def test_the_deadline_counts_while_connecting(connect: Connect) -> None:
    with FullBacklog() as server:
        took, envelope = quickest(lambda: call(connect(f"http://127.0.0.1:{server.port}"), CHAT, timeout=0.3), below=1)
        assert took < 1
    assert failure(envelope)["type"] == "timeout"


def test_a_call_cancelled_while_connecting_sends_nothing_later(connect: Connect) -> None:
    async def cancelled(registry: ToolRegistry) -> None:
        task = asyncio.create_task(registry.execute_async(CHAT, ARGUMENTS[CHAT]))
        await asyncio.sleep(0.2)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    with FullBacklog() as server:
        registry = connect(f"http://127.0.0.1:{server.port}")
        asyncio.run(cancelled(registry))
        assert server.let_in(1.5) == []


# TLS


@pytest.fixture(scope="module")
def certified(tmp_path_factory: pytest.TempPathFactory) -> tuple[ssl.SSLContext, Path]:
    if shutil.which("openssl") is None:
        pytest.skip("openssl, which makes the server's certificate, is not installed")
    return self_signed(tmp_path_factory.mktemp("tls"))


@pytest.fixture
def secure(certified: tuple[ssl.SSLContext, Path]) -> Iterator[Server]:
    with Server(answering(200), tls=certified[0]) as server:
        yield server


@pytest.fixture
def trusted(certified: tuple[ssl.SSLContext, Path], monkeypatch: pytest.MonkeyPatch) -> ssl.SSLContext:
    """The server's certificate, which the environment says to trust."""
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(certified[1]))
    return certified[0]


def test_a_certificate_that_nobody_vouches_for_is_refused_before_anything_is_sent(
    connect: Connect, secure: Server
) -> None:
    envelope = call(connect(secure.base_url))
    error = failure(envelope)
    assert (error["type"], error["retryable"]) == ("connection_failed", False)
    assert "certificate" in str(envelope.error)
    assert "Nothing was sent" in str(envelope.error)
    assert secure.requests == []


@pytest.mark.parametrize("variable", ["REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"])
def test_a_certificate_named_in_the_environment_is_trusted(
    connect: Connect,
    secure: Server,
    certified: tuple[ssl.SSLContext, Path],
    monkeypatch: pytest.MonkeyPatch,
    variable: str,
) -> None:
    monkeypatch.setenv(variable, str(certified[1]))
    registry = connect(secure.base_url)
    assert call(registry).successful
    assert call(registry).successful
    assert secure.connections == 1


def test_a_certificate_for_another_name_is_refused(connect: Connect, secure: Server, trusted: ssl.SSLContext) -> None:
    assert failure(call(connect(f"https://127.0.0.2:{secure.port}")))["type"] == "connection_failed"
    assert secure.requests == []


def test_a_bundle_that_does_not_exist_is_told_as_such(
    connect: Connect, secure: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", "/no/such/bundle.pem")
    envelope = call(connect(secure.base_url))
    assert failure(envelope)["type"] == "connection_failed"
    assert "/no/such/bundle.pem" in str(envelope.error)


def test_a_server_that_speaks_no_tls_is_told(connect: Connect, serve: Serve) -> None:
    server = serve(answering(200))
    error = failure(call(connect(f"https://127.0.0.1:{server.port}", max_attempts=1)))
    assert error["type"] == "connection_failed"
    assert all(KEY not in str(request.headers) for request in server.requests)


def test_a_tls_handshake_that_stays_silent_has_sent_nothing(connect: Connect) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        registry = connect(f"https://127.0.0.1:{silent.getsockname()[1]}", connect_timeout=0.3, max_attempts=1)
        took, envelope = quickest(lambda: call(registry, CHAT), below=1)
        assert took < 1
    error = failure(envelope)
    assert (error["type"], error["sent"]) == ("connection_failed", False)
    assert "may still have been executed" not in str(envelope.error)


def test_tls_that_breaks_after_the_request_does_not_claim_that_nothing_was_sent(
    connect: Connect, trusted: ssl.SSLContext
) -> None:
    def script(exchange: Exchange) -> None:
        exchange.head(200, Content_Type="application/json", Content_Length="1000")
        os.write(exchange.connection.fileno(), b"this is no TLS record, and no client can read it as one")
        exchange.cut()

    with Server(script, tls=trusted) as server:
        envelope = call(connect(server.base_url, max_attempts=1), CHAT)
    assert len(server.requests) == 1
    assert failure(envelope)["type"] == "connection_failed"
    assert "Nothing was sent" not in str(envelope.error)
    assert failure(envelope)["sent"] is True


def test_a_proxy_of_the_environment_is_used_for_https(
    connect: Connect, secure: Server, trusted: ssl.SSLContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    with ConnectProxy(secure.port) as proxy:
        monkeypatch.setenv("HTTPS_PROXY", f"http://user:hunter2@127.0.0.1:{proxy.port}")
        registry = connect(secure.base_url)
        assert call(registry).successful
        assert call(registry).successful
        registry.close()
    assert [line for line, _ in proxy.asked] == [f"CONNECT 127.0.0.1:{secure.port}"]
    assert all("Bearer" not in str(headers) for _, headers in proxy.asked)
    assert proxy.asked[0][1]["proxy-authorization"].startswith("Basic ")


def test_no_proxy_is_honoured(
    connect: Connect, secure: Server, trusted: ssl.SSLContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    with ConnectProxy(secure.port) as proxy:
        monkeypatch.setenv("HTTPS_PROXY", f"http://127.0.0.1:{proxy.port}")
        monkeypatch.setenv("NO_PROXY", "127.0.0.1")
        assert call(connect(secure.base_url)).successful
    assert proxy.asked == []


@pytest.mark.parametrize(
    "proxy", ["http://user:hunter2@127.0.0.1:1", "socks5://user:hunter2@127.0.0.1:1", "hunter2:\\"]
)
def test_a_proxy_that_fails_is_told_without_its_password(
    connect: Connect, monkeypatch: pytest.MonkeyPatch, proxy: str
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", proxy)
    envelope = call(connect("https://openrouter.invalid", max_attempts=1), CHAT)
    assert failure(envelope)["type"] == "connection_failed"
    assert failure(envelope)["sent"] is False
    assert "hunter2" not in str(envelope)


# What comes back


@pytest.mark.parametrize("encoding", ["gzip", "deflate"])
def test_a_compressed_answer_is_unpacked(connect: Connect, serve: Serve, encoding: str) -> None:
    body = b'{"data":{"label":"' + "größer ".encode() * 3000 + b'"}}'
    packed = gzip.compress(body) if encoding == "gzip" else zlib.compress(body)
    server = serve(lambda exchange: exchange.answer(200, packed, Content_Encoding=encoding))
    assert call(connect(server.base_url)).data == body.decode()
    assert encoding in server.requests[0].headers["accept-encoding"]


def test_a_compressed_answer_that_is_none_is_a_failure(connect: Connect, serve: Serve) -> None:
    server = serve(lambda exchange: exchange.answer(200, b"not packed", Content_Encoding="gzip"))
    assert failure(call(connect(server.base_url, max_attempts=1)))["type"] in ("connection_failed", "invalid_response")


def test_a_trickled_answer_is_put_together(connect: Connect, serve: Serve) -> None:
    def script(exchange: Exchange) -> None:
        body = b'   \n\n  {"data":{"label":"\xc3\xa4"}}\n'
        exchange.head(200, Content_Type="application/json", Content_Length=str(len(body)))
        for byte in body:
            exchange.send(bytes([byte]))
            time.sleep(0.002)

    assert call(connect(serve(script).base_url)).data == '{"data":{"label":"ä"}}'


def test_an_answer_without_a_length_is_read_to_the_end_of_the_connection(connect: Connect, serve: Serve) -> None:
    def script(exchange: Exchange) -> None:
        exchange.head(200, Content_Type="application/json", Connection="close")
        exchange.send(b'{"data":1}')
        exchange.cut()

    assert call(connect(serve(script).base_url)).data == '{"data":1}'


@pytest.mark.parametrize("framing", ["length", "chunked"])
def test_an_answer_cut_in_the_middle_is_a_failure(connect: Connect, serve: Serve, framing: str) -> None:
    def script(exchange: Exchange) -> None:
        if framing == "length":
            exchange.head(200, Content_Type="application/json", Content_Length="1000")
            exchange.send(b'{"data":1}')
        else:
            exchange.head(200, Content_Type="application/json", Transfer_Encoding="chunked")
            exchange.send(b'a\r\n{"data":1}\r\n')
        exchange.cut()

    error = failure(call(connect(serve(script).base_url, max_attempts=1)))
    assert (error["type"], error["retryable"]) == ("connection_failed", True)


@pytest.mark.parametrize("slug", [READ, CHAT])
def test_silence_ends_at_the_read_timeout(connect: Connect, serve: Serve, slug: str) -> None:
    server = serve(lambda exchange: (exchange.wait_until_left(), exchange.cut())[1])
    registry = connect(server.base_url, max_attempts=1, read_timeout=0.3, completion_timeout=0.3)
    took, envelope = quickest(lambda: call(registry, slug), below=1)
    assert took < 1
    assert failure(envelope)["type"] == "timeout"
    assert failure(envelope)["retryable"] is True


def test_a_completion_may_be_silent_longer_than_a_read(connect: Connect, serve: Serve) -> None:
    def script(exchange: Exchange) -> None:
        time.sleep(0.5)
        exchange.json(completion("Hi"))

    registry = connect(serve(script).base_url, max_attempts=1, read_timeout=0.2, completion_timeout=5)
    assert call(registry, CHAT).successful
    assert failure(call(registry, READ))["type"] == "timeout"


@pytest.mark.parametrize("length", ["known", "chunked", "none"])
def test_the_deadline_ends_an_answer_that_stops_in_the_middle(connect: Connect, serve: Serve, length: str) -> None:
    def script(exchange: Exchange) -> None:
        framing = {"known": ("Content_Length", "1000"), "chunked": ("Transfer_Encoding", "chunked")}
        name, value = framing.get(length, ("Connection", "close"))
        exchange.head(200, Content_Type="application/json", **{name: value})
        exchange.send(b'8\r\n{"data":\r\n' if length == "chunked" else b'{"data":')
        exchange.wait_until_left()
        exchange.cut()

    took, envelope = quickest(lambda: call(connect(serve(script).base_url), timeout=0.4), below=1.2)
    assert took < 1.2
    assert failure(envelope)["type"] == "timeout"


def _large(exchange: Exchange, *, size: int, framing: str) -> None:
    if framing == "stream":
        exchange.stream()
        for _ in range(size // 50_000):
            exchange.event(chunk("x" * 50_000))
        exchange.event(chunk(finish="stop"), "[DONE]")
        exchange.end()
    elif framing == "one event":
        exchange.stream()
        exchange.piece(b"data: ")
        for _ in range(size // 50_000):
            exchange.piece(b"x" * 50_000)
        exchange.end()
    elif "gzip" in framing:
        packed = _packed(size, times=2 if "twice" in framing else 1)
        exchange.answer(200, packed, Content_Encoding="gzip, gzip" if "twice" in framing else "gzip")
    else:
        known = framing == "length"
        length = str(sum(map(len, _pieces(size))))
        name, value = ("Content_Length", length) if known else ("Transfer_Encoding", "chunked")
        exchange.head(500 if framing == "error" else 200, Content_Type="application/json", **{name: value})
        for piece in (*_pieces(size), b""):
            exchange.send(piece if known else b"%x\r\n%b\r\n" % (len(piece), piece))


def _pieces(size: int) -> Iterator[bytes]:
    yield b'{"choices":[{"index":0,"message":{"content":"'
    yield from itertools.repeat(b"x" * MIB, size // MIB)
    yield b'"}}]}'


def _packed(size: int, *, times: int) -> bytes:
    """Gzip made piece by piece, so that the server does not hold what the client must not."""
    packers = [zlib.compressobj(wbits=31) for _ in range(times)]
    packed = bytearray()
    for piece in _pieces(size):
        for packer in packers:
            piece = packer.compress(piece)  # noqa: PLW2901
        packed += piece
    rest = b""
    for packer in packers:
        rest = packer.compress(rest) + packer.flush()
    return bytes(packed + rest)


FRAMINGS = ["length", "chunked", "gzip", "gzip twice", "error", "stream", "one event"]


@pytest.mark.parametrize("framing", FRAMINGS)
def test_an_answer_above_the_limit_is_refused_and_does_not_fill_the_memory(
    connect: Connect, serve: Serve, framing: str
) -> None:
    limit = 4 * MIB
    small = serve(lambda exchange: _large(exchange, size=MIB, framing=framing))
    large = serve(lambda exchange: _large(exchange, size=(64 if "gzip" in framing else 24) * MIB, framing=framing))
    stream = framing in ("stream", "one event")
    # What is imported at the first call does not count.
    call(connect(small.base_url, max_attempts=1), CHAT, stream=stream)
    registry = connect(large.base_url, max_answer_bytes=limit, max_attempts=1)
    tracemalloc.start()
    try:
        envelope = call(registry, CHAT, stream=stream)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    error = failure(envelope)
    assert error["type"] == "invalid_response"
    assert "4 MiB" in str(envelope.error)
    assert error["retryable"] is False
    assert len(large.requests) == 1
    # What had arrived is told as partial: as pieces, joined, as JSON, and as JSON without keys.
    assert peak < (6 if partial(envelope) else 3) * limit


@pytest.mark.parametrize("framing", ["length", "chunked", "gzip", "stream"])
def test_an_answer_just_below_the_limit_is_accepted(connect: Connect, serve: Serve, framing: str) -> None:
    server = serve(lambda exchange: _large(exchange, size=2 * MIB, framing=framing))
    registry = connect(server.base_url, max_answer_bytes=3 * MIB)
    assert call(registry, CHAT, stream=framing == "stream").successful
