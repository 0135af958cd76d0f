"""Streamed answers: server-sent events as they arrive, and the envelope at the end."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Iterator
from threading import Event, Thread
from typing import Any

import httpx2
import pytest

from openrouter_toolkit.sandbox import Sandbox
from openrouter_toolkit.server.api import events
from openrouter_toolkit.store import Store

from ..openrouter.servers import Exchange, Script, Server, chunk, sse
from .conftest import ALICE
from .served import CHAT, PATIENCE, QUESTION, Served, serving

STREAM = {"arguments": {**QUESTION, "stream": True}}


def told(answer: httpx2.Response) -> Iterator[tuple[str, dict[str, Any]]]:
    """The events of an answer."""
    kind = ""
    for line in answer.iter_lines():
        name, _, value = line.partition(": ")
        if name == "event":
            kind = value
        elif name == "data":
            yield kind, json.loads(value)


def test_a_stream_brings_its_pieces_and_at_last_the_envelope(served: Served) -> None:
    with served.client(served.token("alice")) as host:
        whole = host.post(f"/api/actions/{CHAT}", json={"arguments": QUESTION}).json()
        with host.stream("POST", f"/api/actions/{CHAT}", json=STREAM) as answer:
            assert answer.status_code == 200
            assert answer.headers["content-type"].startswith("text/event-stream")
            assert answer.headers["cache-control"] == "no-store"
            assert "content-length" not in answer.headers
            happened = list(told(answer))
    *pieces, (last, envelope) = happened
    assert last == "envelope"
    assert "".join(piece["text"] for kind, piece in pieces if kind == "text") == "17 * 3 = 51"
    assert any(kind == "usage" and "total_tokens" in json.dumps(piece["raw"]) for kind, piece in pieces)
    content = [json.loads(one["data"])["choices"][0]["message"]["content"] for one in (envelope, whole)]
    assert content == ["17 * 3 = 51"] * 2


def test_tool_calls_are_told_in_pieces(served: Served) -> None:
    schema = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
    tool = {"name": "get_weather", "description": "Get the weather in a city", "parameters": schema}
    question = [{"role": "user", "content": "What is the weather in Paris?"}]
    arguments = {
        "model": "acme/atlas-small",
        "messages": question,
        "stream": True,
        "tools": [{"type": "function", "function": tool}],
    }
    with (
        served.client(served.token("alice")) as host,
        host.stream("POST", f"/api/actions/{CHAT}", json={"arguments": arguments}) as answer,
    ):
        pieces = [piece for kind, piece in told(answer) if kind == "tool_call"]
    assert pieces[0]["tool_call"]["name"] == "get_weather"
    assert json.loads("".join(piece["text"] for piece in pieces)) == {"city": "Paris"}


@pytest.mark.parametrize("model", ["sandbox/error-mid-stream", "sandbox/cut", "sandbox/no-credits"])
def test_a_stream_that_fails_ends_with_an_error_event_that_is_the_envelope(served: Served, model: str) -> None:
    call = {"arguments": {**QUESTION, "stream": True, "model": model}}
    with (
        served.client(served.token("alice")) as host,
        host.stream("POST", f"/api/actions/{CHAT}", json=call) as answer,
    ):
        assert answer.status_code == 200
        last, envelope = list(told(answer))[-1]
    assert (last, envelope["successful"]) == ("error", False)
    assert envelope["error"]
    assert "error" in json.loads(envelope["data"])


def test_wrong_arguments_of_a_stream_are_an_error_event(served: Served, sandbox: Sandbox) -> None:
    with served.client(served.token("alice")) as host:
        answer = host.post(f"/api/actions/{CHAT}", json={"arguments": {"stream": True}})
    ((kind, envelope),) = told(answer)
    assert kind == "error"
    assert json.loads(envelope["data"])["error"]["type"] == "invalid_arguments"
    assert sandbox.requests == []


def test_only_what_can_stream_streams(served: Served) -> None:
    with served.client(served.token("alice")) as host:
        for slug, stream in ((CHAT, False), (CHAT, "yes"), ("OPENROUTER_GET_CREDITS", True), ("NO_SUCH", True)):
            call = {"arguments": {**QUESTION, "stream": stream}}
            answer = host.post(f"/api/actions/{slug}", json=call)
            assert answer.headers["content-type"] == "application/json"


def test_pieces_arrive_while_the_answer_is_being_made(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    with Sandbox(chunk_delay=0.2) as slow:
        monkeypatch.setenv("OPENROUTER_BASE_URL", slow.base_url)
        with serving(store) as served, served.client(served.token("alice")) as host:
            arrived = []
            with host.stream("POST", f"/api/actions/{CHAT}", json=STREAM) as answer:
                for kind, _ in told(answer):
                    arrived.append((kind, time.monotonic()))
    texts = [at for kind, at in arrived if kind == "text"]
    assert len(texts) >= 3
    assert texts[-1] - texts[0] > 0.3
    assert arrived[-1][1] - texts[0] > 0.3


def fast(text: str, given_up: Event | None = None) -> Script:
    """Send 70,000 events of a text as fast as they are taken, or until nobody takes them."""

    def script(exchange: Exchange) -> None:
        exchange.stream()
        try:
            for _ in range(700):
                exchange.piece(sse(chunk(text)) * 100)
        except OSError:
            assert given_up is not None
            given_up.set()
            raise
        exchange.event(chunk(finish="stop"), "[DONE]")
        exchange.end()

    return script


def test_a_fast_stream_lets_others_have_their_turn(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    with Server(fast("word ")) as upstream:
        monkeypatch.setenv("OPENROUTER_BASE_URL", upstream.base_url)
        with serving(store) as served, served.client(served.token("alice")) as host, served.client() as nobody:
            slowest = 0.0
            ended = Event()

            def look() -> None:
                nonlocal slowest
                while not ended.is_set():
                    begun = time.monotonic()
                    assert nobody.get("/healthz").status_code == 200
                    slowest = max(slowest, time.monotonic() - begun)

            looking = Thread(target=look)
            started = time.monotonic()
            looking.start()
            try:
                with host.stream("POST", f"/api/actions/{CHAT}", json=STREAM) as answer:
                    last = b"".join(answer.iter_raw())[-200:]
            finally:
                took = time.monotonic() - started
                ended.set()
                looking.join()
    assert b'"successful":true' in last
    assert 0 < slowest < took / 3


def test_a_caller_who_reads_nothing_costs_no_memory_and_is_given_up(
    store: Store, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(events, "_READ_TIMEOUT", 0.5)
    given_up = Event()
    with Server(fast("word " * 100, given_up)) as upstream:
        monkeypatch.setenv("OPENROUTER_BASE_URL", upstream.base_url)
        with (
            serving(store) as served,
            served.client(served.token("alice")) as host,
            host.stream("POST", f"/api/actions/{CHAT}", json=STREAM) as answer,
        ):
            assert given_up.wait(PATIENCE)
            *_, (last, envelope) = told(answer)
    assert last == "error"
    failure = json.loads(envelope["data"])
    assert failure["error"]["message"] == "The caller did not read the answer, so the stream was closed."
    assert "Traceback" not in caplog.text
    assert 1_000_000 < len(json.dumps(failure["partial"])) < 20_000_000


def test_silence_is_filled_so_that_no_proxy_gives_up(
    store: Store, monkeypatch: pytest.MonkeyPatch, sandbox: Sandbox
) -> None:
    monkeypatch.setattr(events, "_PING_INTERVAL", 0.1)
    call = {"arguments": {**QUESTION, "stream": True, "model": "sandbox/silent"}}
    with (
        serving(store) as served,
        served.client(served.token("alice")) as host,
        host.stream("POST", f"/api/actions/{CHAT}", json=call) as answer,
    ):
        pings = 0
        for line in answer.iter_lines():
            pings += line.startswith(":")
            if pings == 3:
                break
    assert sandbox.requests[-1].key == ALICE


def test_nothing_comes_behind_the_end() -> None:
    async def main() -> list[bytes | None]:
        pieces = events._EventBuffer()
        await asyncio.to_thread(pieces.put, b"first ")
        pieces.end(b"last")
        await asyncio.to_thread(pieces.put, b"late")
        return [await pieces.take(), await pieces.take()]

    assert asyncio.run(main()) == [b"first last", None]


def test_who_waits_for_room_is_let_go_at_the_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(events, "_MAX_BUFFERED", 1)

    async def main() -> bytes | None:
        pieces = events._EventBuffer()
        await asyncio.to_thread(pieces.put, b"first ")
        waiting = asyncio.create_task(asyncio.to_thread(pieces.put, b"late"))
        await asyncio.sleep(0.1)
        assert not waiting.done()
        pieces.end(b"last")
        await waiting
        return await pieces.take()

    assert asyncio.run(main()) == b"first last"
