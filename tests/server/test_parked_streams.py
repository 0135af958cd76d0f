"""Streams hold no thread while they wait: few threads hold many, and all that can happen to a stream still does."""

from __future__ import annotations

import json
import logging
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack
from functools import partial
from typing import Any

import pytest

from openrouter_toolkit.openrouter.client import OpenRouter
from openrouter_toolkit.openrouter.streams import reader
from openrouter_toolkit.store import Store

from ..openrouter.servers import Exchange, Script, Server, chunk, self_signed, sse
from ..scale import scaled
from ..timing import PATIENCE, wait_until
from .conftest import both_parsers
from .served import CHAT, KEY, QUESTION, Served, serving
from .test_disconnect import calling

pytestmark = both_parsers
STREAM = {"arguments": {**QUESTION, "stream": True}}
ADDRESS = f"/api/actions/{CHAT}"
THREADS = 4


def read_until(connection: socket.socket, mark: bytes, heard: bytes = b"") -> bytes:
    """What a connection brings, up to the piece with a mark."""
    while mark not in heard:
        piece = connection.recv(65536)
        assert piece, heard
        heard += piece
    return heard


def last_event(heard: bytes) -> tuple[str, dict[str, Any]]:
    """The last event of an answer, with its chunks."""
    kind, _, rest = heard.decode().rpartition("\nevent: ")[2].partition("\ndata: ")
    return kind, json.loads(rest.partition("\n\n")[0])


def in_parts(go_on: threading.Event, **framing: Any) -> Script:
    """An answer that pauses in the middle of an event, until it may go on."""

    def script(exchange: Exchange) -> None:
        exchange.stream(**framing)
        exchange.event(chunk("Hel"))
        rest = sse(chunk("lo"))
        exchange.piece(rest[:20])
        assert go_on.wait(PATIENCE)
        exchange.piece(rest[20:])
        exchange.event(chunk(finish="stop"), "[DONE]")
        exchange.end()

    return script


def workers() -> int:
    """How many worker threads of registries there are."""
    return sum(thread.name.startswith("openrouter-toolkit_") for thread in threading.enumerate())


@pytest.fixture
def go_on() -> Iterator[threading.Event]:
    event = threading.Event()
    yield event
    event.set()


def is_free(served: Served, threads: int) -> bool:
    return served.state.threads.free == threads


def text_of(envelope: dict[str, Any]) -> Any:
    return json.loads(envelope["data"])["choices"][0]["message"]["content"]


@pytest.mark.load
def test_few_threads_hold_many_streams(
    store: Store, go_on: threading.Event, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "openrouter_toolkit")
    many, before = scaled(50, full=400), workers()
    with Server(in_parts(go_on), backlog=1024) as upstream, ExitStack() as stack:
        monkeypatch.setenv("OPENROUTER_BASE_URL", upstream.base_url)
        served = stack.enter_context(
            serving(store, worker_threads=THREADS, calls_per_minute=10_000, connections_per_address=1000)
        )
        token, streams = served.token("alice"), []
        for _ in range(many):
            streams.append(stack.enter_context(calling(served, ADDRESS, STREAM, token)))
            read_until(streams[-1], b'"text":"Hel"')
            wait_until(lambda: served.state.threads.free == THREADS)
        assert workers() - before <= THREADS
        assert len(served.state.running) == many
        go_on.set()
        for stream in streams:
            kind, envelope = last_event(read_until(stream, b"\r\n0\r\n\r\n"))
            assert (kind, text_of(envelope)) == ("envelope", "Hello")
    assert caplog.text.count(f"{CHAT} user=alice") == caplog.text.count("status=ok") == many


@pytest.mark.parametrize("framing", [{"chunked": True}, {"chunked": False}])
def test_over_tls(
    store: Store,
    go_on: threading.Event,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path_factory: pytest.TempPathFactory,
    framing: dict[str, Any],
) -> None:
    context, certificate = self_signed(tmp_path_factory.mktemp("tls"))
    with Server(in_parts(go_on, **framing), tls=context) as upstream:
        monkeypatch.setenv("OPENROUTER_BASE_URL", upstream.base_url)
        monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(certificate))
        with serving(store) as served, calling(served, ADDRESS, STREAM, served.token("alice")) as stream:
            read_until(stream, b'"text":"Hel"')
            wait_until(lambda: served.state.threads.free == served.state.settings.worker_threads)
            go_on.set()
            kind, envelope = last_event(read_until(stream, b"\r\n0\r\n\r\n"))
            assert (kind, text_of(envelope)) == ("envelope", "Hello")


def test_an_upstream_that_drips_holds_up_nobody(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    left = threading.Event()

    def script(exchange: Exchange) -> None:
        exchange.stream()
        exchange.event(chunk("Hel"))
        event = sse(chunk("x" * 40_000))
        sent = b"%x\r\n%b\r\n" % (len(event), event)
        try:
            for at in range(len(sent)):
                exchange.send(sent[at : at + 1])
                time.sleep(0.001)
        except OSError:
            left.set()

    with Server(script) as upstream, ExitStack() as stack:
        monkeypatch.setenv("OPENROUTER_BASE_URL", upstream.base_url)
        served = stack.enter_context(serving(store, worker_threads=THREADS))
        token = served.token("alice")
        dripping = stack.enter_context(ExitStack())
        for _ in range(2 * THREADS):
            read_until(dripping.enter_context(calling(served, ADDRESS, STREAM, token)), b'"text":"Hel"')
            wait_until(lambda: served.state.threads.free == THREADS)
        with served.client() as nobody:
            assert nobody.get("/readyz").status_code == 200
        dripping.close()
        assert left.wait(PATIENCE)
        wait_until(lambda: not len(served.state.running))


def test_streams_beyond_the_limit_hold_a_thread(
    store: Store, go_on: threading.Event, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Server(in_parts(go_on)) as upstream, ExitStack() as stack:
        monkeypatch.setenv("OPENROUTER_BASE_URL", upstream.base_url)
        served = stack.enter_context(serving(store, worker_threads=THREADS, streams=1))
        token = served.token("alice")
        for free in (THREADS, THREADS - 1):
            read_until(stack.enter_context(calling(served, ADDRESS, STREAM, token)), b'"text":"Hel"')
            wait_until(partial(is_free, served, free))
        go_on.set()


def test_a_caller_who_reads_nothing_holds_no_thread(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    stalled = threading.Event()

    def script(exchange: Exchange) -> None:
        exchange.stream()
        exchange.connection.settimeout(0.5)
        try:
            while True:
                exchange.event(*[chunk("word " * 2000)] * 10)
        except TimeoutError:
            stalled.set()
        exchange.wait_until_left(PATIENCE)

    with Server(script) as upstream:
        monkeypatch.setenv("OPENROUTER_BASE_URL", upstream.base_url)
        with serving(store, worker_threads=THREADS) as served:
            with calling(served, ADDRESS, STREAM, served.token("alice")) as stream:
                read_until(stream, b'"text":"word')
                assert stalled.wait(PATIENCE)
                wait_until(lambda: served.state.threads.free == THREADS)
                assert len(served.state.running) == 1
            wait_until(lambda: not len(served.state.running))


def test_an_upstream_that_falls_silent_is_given_up(
    store: Store, go_on: threading.Event, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("openrouter_toolkit.openrouter.OpenRouter", partial(OpenRouter, completion_timeout=0.5))
    with Server(in_parts(go_on)) as upstream:
        monkeypatch.setenv("OPENROUTER_BASE_URL", upstream.base_url)
        with serving(store) as served, calling(served, ADDRESS, STREAM, served.token("alice")) as stream:
            kind, envelope = last_event(read_until(stream, b"\r\n0\r\n\r\n"))
        go_on.set()
    failure = json.loads(envelope["data"])
    assert (kind, failure["error"]["type"]) == ("error", "timeout")
    assert failure["partial"]["choices"][0]["message"]["content"] == "Hel"


def test_after_the_last_piece_only_a_short_silence_is_waited_for(
    store: Store, go_on: threading.Event, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reader, "_USAGE_TIMEOUT", 0.3)

    def script(exchange: Exchange) -> None:
        exchange.stream()
        exchange.event(chunk("Hello", finish="stop"))
        go_on.wait(PATIENCE)

    with Server(script) as upstream:
        monkeypatch.setenv("OPENROUTER_BASE_URL", upstream.base_url)
        with serving(store) as served, calling(served, ADDRESS, STREAM, served.token("alice")) as stream:
            kind, envelope = last_event(read_until(stream, b"\r\n0\r\n\r\n"))
        go_on.set()
    assert (kind, text_of(envelope)) == ("envelope", "Hello")


def test_a_connection_is_used_again_after_a_stream(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    def script(exchange: Exchange) -> None:
        if exchange.request.method == "GET":
            exchange.json({"data": {"label": "a key"}})
            return
        exchange.stream()
        exchange.event(chunk("Hello", finish="stop"), "[DONE]")
        exchange.end()

    with Server(script) as upstream:
        monkeypatch.setenv("OPENROUTER_BASE_URL", upstream.base_url)
        with serving(store) as served, served.client(served.token("alice")) as host:
            for _ in range(3):
                assert '"successful":true' in host.post(ADDRESS, json=STREAM).text
                assert host.post(f"/api/actions/{KEY}", json={}).json()["successful"]
        assert upstream.connections == 1


def test_a_large_event_is_told_whole(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    large = "0123456789" * 50_000

    def script(exchange: Exchange) -> None:
        exchange.stream()
        exchange.event(chunk("a"), chunk(large), chunk("z", finish="stop"), "[DONE]")
        exchange.end()

    with Server(script) as upstream:
        monkeypatch.setenv("OPENROUTER_BASE_URL", upstream.base_url)
        with serving(store) as served, served.client(served.token("alice")) as host:
            _, envelope = last_event(b"\n" + host.post(ADDRESS, json=STREAM).content)
    assert text_of(envelope) == f"a{large}z"


PROGRESS = {
    "jsonrpc": "2.0",
    "id": 1,
    "method": "tools/call",
    "params": {"name": CHAT, "arguments": QUESTION, "_meta": {"progressToken": "p"}},
}


def test_of_mcp_too(store: Store, go_on: threading.Event, monkeypatch: pytest.MonkeyPatch) -> None:
    headers = {"Accept": "application/json, text/event-stream", "MCP_Protocol_Version": "2025-11-25"}
    with Server(in_parts(go_on)) as upstream:
        monkeypatch.setenv("OPENROUTER_BASE_URL", upstream.base_url)
        with (
            serving(store, worker_threads=THREADS) as served,
            calling(served, "/mcp", PROGRESS, served.token("alice"), **headers) as stream,
        ):
            read_until(stream, b"notifications/progress")
            wait_until(lambda: served.state.threads.free == THREADS)
            assert len(served.state.running) == 1
            go_on.set()
            assert b"Hello" in read_until(stream, b'"structuredContent"')
