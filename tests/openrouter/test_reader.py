"""Streamed answers over real sockets: when they arrive, how they end, and what is left when they break."""

from __future__ import annotations

import asyncio
import gzip
import json
import threading
import time
import tracemalloc
from collections.abc import Callable
from typing import Any

import pytest

from openrouter_toolkit import Envelope, ToolRegistry
from openrouter_toolkit.sandbox import Sandbox

from ..envelopes import answer, failure, partial
from ..timing import PATIENCE, quickest, wait_until
from .calls import ARGUMENTS, CHAT, KEY, MESSAGE, READ, call, text_of
from .conftest import Connect, Serve
from .servers import Exchange, Script, chunk, completion, message_events, sse

FORMATS = pytest.mark.parametrize("slug", [CHAT, MESSAGE], ids=["chat", "messages"])
FRAMES = pytest.mark.parametrize("chunked", [True, False], ids=["chunked", "unchunked"])


def opening(slug: str) -> list[dict[str, Any]]:
    """The first events, with the words "Hello " and "there"."""
    if slug == CHAT:
        return [chunk(role="assistant", content=""), chunk("Hello "), chunk("there")]
    return list(message_events("Hello ", "there"))[:4]


def ending(slug: str) -> list[Any]:
    """The rest of a good stream."""
    if slug == CHAT:
        return [{**chunk(finish="stop"), "usage": {"total_tokens": 5}}, "[DONE]"]
    return list(message_events("Hello ", "there"))[4:]


def streaming(then: Callable[[Exchange], None], slug: str, *, chunked: bool = True) -> Script:
    """A stream that begins well; then whatever the test wants."""

    def script(exchange: Exchange) -> None:
        exchange.stream(chunked=chunked, X_Generation_Id="gen-1")
        exchange.event(*opening(slug))
        then(exchange)

    return script


def end_well(exchange: Exchange) -> None:
    exchange.event(*ending(CHAT))
    exchange.end()


def cancel_after(registry: ToolRegistry, slug: str, ready: Callable[[], bool], **more: Any) -> float:
    """Cancel a streamed call once `ready`; when that was (time.monotonic())."""

    async def run() -> float:
        task = asyncio.create_task(registry.execute_async(slug, {**ARGUMENTS[slug], **more}))
        until = time.monotonic() + 10
        while not ready() and time.monotonic() < until:
            await asyncio.sleep(0.01)
        await asyncio.sleep(0.1)
        cancelled_at = time.monotonic()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        return cancelled_at

    return asyncio.run(run())


# As it arrives


@FORMATS
@FRAMES
def test_a_delta_is_handed_on_when_its_bytes_arrive(connect: Connect, serve: Serve, slug: str, chunked: bool) -> None:
    heard = threading.Event()
    in_time: list[bool] = []

    def then(exchange: Exchange) -> None:
        in_time.append(heard.wait(5))
        exchange.event(*ending(slug))
        exchange.end()

    def listen(event: Any) -> None:
        if event.kind == "text" and event.text == "there":
            heard.set()

    server = serve(streaming(then, slug, chunked=chunked))
    assert text_of(answer(call(connect(server.base_url), slug, stream=True, on_event=listen))) == "Hello there"
    assert in_time == [True]


@FORMATS
@pytest.mark.parametrize("size", [1, 3, 4096])
def test_slices_of_any_size_give_the_same(connect: Connect, serve: Serve, slug: str, size: int) -> None:
    body = b": OPENROUTER PROCESSING\n\n" + b"".join(sse(event) for event in (*opening(slug), *ending(slug)))

    def script(exchange: Exchange) -> None:
        exchange.stream()
        for at in range(0, len(body), size):
            exchange.piece(body[at : at + size])
        exchange.end()

    assert text_of(answer(call(connect(serve(script).base_url), slug, stream=True))) == "Hello there"


@FORMATS
@pytest.mark.parametrize("size", [1, 7, 4096])
def test_a_compressed_stream_is_unpacked(connect: Connect, serve: Serve, slug: str, size: int) -> None:
    packed = gzip.compress(b"".join(sse(event) for event in (*opening(slug), *ending(slug))))

    def script(exchange: Exchange) -> None:
        exchange.stream(Content_Encoding="gzip")
        for at in range(0, len(packed), size):
            exchange.piece(packed[at : at + size])
        exchange.end()

    assert text_of(answer(call(connect(serve(script).base_url), slug, stream=True))) == "Hello there"


@FORMATS
def test_comments_and_pings_are_passed_over(connect: Connect, serve: Serve, slug: str) -> None:
    def script(exchange: Exchange) -> None:
        exchange.stream()
        for event in (*opening(slug), *ending(slug)):
            exchange.piece(b": OPENROUTER PROCESSING\n\n")
            if slug == MESSAGE:
                exchange.event({"type": "ping"}, name="ping")
            exchange.event(event)
        exchange.end()

    assert text_of(answer(call(connect(serve(script).base_url), slug, stream=True))) == "Hello there"


@FORMATS
def test_json_in_answer_to_a_stream_is_taken_as_the_answer(connect: Connect, serve: Serve, slug: str) -> None:
    server = serve(lambda exchange: exchange.json(completion("whole")))
    assert answer(call(connect(server.base_url), slug, stream=True)) == completion("whole")


@FORMATS
def test_an_error_in_answer_to_a_stream_is_an_error(connect: Connect, serve: Serve, slug: str) -> None:
    server = serve(lambda exchange: exchange.json({"error": {"code": 402, "message": "No."}}))
    assert failure(call(connect(server.base_url), slug, stream=True))["type"] == "payment_required"


# Good ends


@FORMATS
@FRAMES
def test_a_missing_done_behind_the_reason_is_no_fault(connect: Connect, serve: Serve, slug: str, chunked: bool) -> None:
    def then(exchange: Exchange) -> None:
        exchange.event(*(event for event in ending(slug) if event != "[DONE]"))
        exchange.end()

    assert call(connect(serve(streaming(then, slug, chunked=chunked)).base_url), slug, stream=True).successful


def test_a_connection_cut_behind_the_reason_is_no_fault(connect: Connect, serve: Serve) -> None:
    """ "A missing [DONE] after a finish_reason is not" a cut: nothing of the answer is missing."""

    def then(exchange: Exchange) -> None:
        exchange.event(ending(CHAT)[0])
        exchange.cut()

    envelope = call(connect(serve(streaming(then, CHAT)).base_url), CHAT, stream=True)
    assert text_of(answer(envelope)) == "Hello there"


@FORMATS
@pytest.mark.parametrize("rest", [b"data: {broken\n\n", b"rubbish\n\n\xff\xfe", b": bye\n\n", b"data: [DONE]\n\n" * 3])
def test_what_comes_behind_the_end_does_not_matter(connect: Connect, serve: Serve, slug: str, rest: bytes) -> None:
    def then(exchange: Exchange) -> None:
        exchange.event(*ending(slug))
        exchange.piece(rest)
        exchange.end()

    assert call(connect(serve(streaming(then, slug)).base_url), slug, stream=True).successful


@FORMATS
@FRAMES
def test_a_server_that_never_closes_is_not_waited_for(connect: Connect, serve: Serve, slug: str, chunked: bool) -> None:
    def then(exchange: Exchange) -> None:
        exchange.event(*ending(slug))
        exchange.wait_until_left(3)
        exchange.cut()

    registry = connect(serve(streaming(then, slug, chunked=chunked)).base_url)
    took, envelope = quickest(lambda: call(registry, slug, stream=True), below=1)
    assert envelope.successful
    assert took < 1


def test_a_server_that_trickles_behind_the_end_is_not_waited_for(connect: Connect, serve: Serve) -> None:
    def then(exchange: Exchange) -> None:
        exchange.event(*ending(CHAT))
        for _ in range(50):
            exchange.piece(b":\n")
            time.sleep(0.1)

    took, envelope = quickest(lambda: call(connect(serve(streaming(then, CHAT)).base_url), CHAT, stream=True), below=1)
    assert envelope.successful
    assert took < 1


@FORMATS
def test_the_connection_is_used_again_after_a_stream(connect: Connect, serve: Serve, slug: str) -> None:
    def then(exchange: Exchange) -> None:
        exchange.event(*ending(slug))
        exchange.end()

    server = serve(streaming(then, slug))
    registry = connect(server.base_url)
    for _ in range(3):
        assert call(registry, slug, stream=True).successful
    assert server.connections == 1


def test_patience_at_the_end_of_a_stream_does_not_stay_with_the_connection(connect: Connect, serve: Serve) -> None:
    def script(exchange: Exchange) -> None:
        if exchange.number == 0:
            streaming(end_well, CHAT)(exchange)
        else:
            time.sleep(0.6)
            exchange.json({"data": 1})

    server = serve(script)
    registry = connect(server.base_url, max_attempts=1)
    assert call(registry, CHAT, stream=True).successful
    assert call(registry, READ).successful
    assert server.connections == 1


# Broken streams


@FORMATS
@FRAMES
@pytest.mark.parametrize("how", ["cut", "reset"])
def test_a_cut_tells_what_had_arrived(connect: Connect, serve: Serve, slug: str, chunked: bool, how: str) -> None:
    heard = threading.Event()

    def then(exchange: Exchange) -> None:
        heard.wait(5)
        exchange.reset() if how == "reset" else exchange.cut()

    def listen(event: Any) -> None:
        if event.text == "there":
            heard.set()

    server = serve(streaming(then, slug, chunked=chunked))
    envelope = call(connect(server.base_url), slug, stream=True, on_event=listen)
    error = failure(envelope)
    assert (error["type"], error["retryable"], error["generation_id"]) == ("connection_failed", True, "gen-1")
    assert text_of(partial(envelope)) == "Hello there"
    assert len(server.requests) == 1


@FRAMES
def test_a_cut_points_to_what_arrived_and_to_what_it_cost(connect: Connect, serve: Serve, chunked: bool) -> None:
    server = serve(streaming(lambda exchange: exchange.cut(), CHAT, chunked=chunked))
    told = call(connect(server.base_url), CHAT, stream=True).error
    assert "partial" in str(told)
    assert "OPENROUTER_GET_GENERATION" in str(told)


@FORMATS
def test_a_done_without_a_reason_is_a_cut(connect: Connect, serve: Serve, slug: str) -> None:
    def then(exchange: Exchange) -> None:
        exchange.event("[DONE]")
        exchange.end()

    envelope = call(connect(serve(streaming(then, slug)).base_url), slug, stream=True)
    assert failure(envelope)["type"] == "connection_failed"
    assert text_of(partial(envelope)) == "Hello there"


def test_one_unfinished_choice_of_two_is_a_cut(connect: Connect, serve: Serve) -> None:
    def then(exchange: Exchange) -> None:
        exchange.event(chunk("other", index=1), chunk(finish="stop"), "[DONE]")
        exchange.end()

    envelope = call(connect(serve(streaming(then, CHAT)).base_url), CHAT, stream=True, n=2)
    assert failure(envelope)["type"] == "connection_failed"
    assert len(partial(envelope)["choices"]) == 2


@FORMATS
def test_a_stream_with_nothing_in_it_is_a_cut_without_partial(connect: Connect, serve: Serve, slug: str) -> None:
    def script(exchange: Exchange) -> None:
        exchange.stream(X_Generation_Id="gen-1")
        exchange.end()

    envelope = call(connect(serve(script).base_url), slug, stream=True)
    assert failure(envelope)["generation_id"] == "gen-1"
    assert partial(envelope) is None


ERROR = {"code": 502, "message": "Provider disconnected", "metadata": {"provider_name": "Acme", "raw": "lost"}}


@FORMATS
@pytest.mark.parametrize("status", ["in the error", "nowhere"])
def test_an_error_in_the_stream_is_told_with_what_had_arrived(
    connect: Connect, serve: Serve, slug: str, status: str
) -> None:
    def then(exchange: Exchange) -> None:
        if slug == CHAT:
            code = {"code": 502} if status == "in the error" else {}
            exchange.event({**chunk(finish="error"), "error": {**code, "message": "Provider disconnected"}})
        else:
            told = {"type": "overloaded_error", "message": "Provider disconnected"}
            exchange.event({"type": "error", "error": told}, name="error")
        exchange.end()

    server = serve(streaming(then, slug))
    envelope = call(connect(server.base_url), slug, stream=True)
    error = failure(envelope)
    assert error["message"] == "Provider disconnected"
    assert error["type"] in ("provider_unavailable", "provider_overloaded", "server", "unmapped")
    assert error["generation_id"] == "gen-1"
    assert '"Provider disconnected"' in str(envelope.error)
    assert text_of(partial(envelope)) == "Hello there"
    assert len(server.requests) == 1


@pytest.mark.parametrize("data", [{"message": "boom"}, {"type": "error"}, {"error": ["boom"]}, {"error": 5}, {}])
def test_an_event_named_error_ends_the_stream_whatever_it_holds(
    connect: Connect, serve: Serve, data: dict[str, Any]
) -> None:
    def then(exchange: Exchange) -> None:
        exchange.event(data, name="error")
        exchange.event(*ending(MESSAGE))
        exchange.end()

    envelope = call(connect(serve(streaming(then, MESSAGE)).base_url), MESSAGE, stream=True)
    failure(envelope)
    assert text_of(partial(envelope)) == "Hello there"


@FORMATS
@pytest.mark.parametrize("rubbish", ["{broken", "<html>", "null", "5", "[]", '"text"', "[" * 100_000])
def test_rubbish_in_the_middle_is_a_failure_with_what_had_arrived(
    connect: Connect, serve: Serve, slug: str, rubbish: str
) -> None:
    def then(exchange: Exchange) -> None:
        exchange.event(rubbish)
        exchange.event(*ending(slug))
        exchange.end()

    envelope = call(connect(serve(streaming(then, slug)).base_url), slug, stream=True)
    assert failure(envelope)["type"] == "invalid_response"
    assert text_of(partial(envelope)) == "Hello there"
    assert len(str(envelope.error)) < 600


@pytest.mark.parametrize(
    "event",
    [
        {"choices": 5},
        {"choices": {}},
        {"choices": "text"},
        {"choices": [None]},
        {"choices": [{"index": "a", "delta": {}}]},
        {"choices": [{"index": [], "delta": {}}]},
        {"choices": [{"delta": "text"}]},
        {"choices": [{"delta": ["text"]}]},
        {"choices": [{"delta": {"content": {"a": 1}}}]},
        {"choices": [{"delta": {"content": [{"type": "text", "text": "x"}]}}]},
        {"choices": [{"delta": {"tool_calls": {}}}]},
        {"choices": [{"delta": {"tool_calls": 1}}]},
        {"choices": [{"delta": {"tool_calls": [None]}}]},
        {"choices": [{"delta": {"tool_calls": [{"index": "a"}]}}]},
        {"choices": [{"delta": {"tool_calls": [{"index": 0, "function": "f"}]}}]},
        {"choices": [{"delta": {"tool_calls": [{"index": 0, "function": {"arguments": {"x": 1}}}]}}]},
        {"choices": [{"delta": {"reasoning_details": [None]}}]},
        {"choices": [{"delta": {"reasoning_details": 3}}]},
        {"choices": [{"delta": {"annotations": "text"}}, {"delta": {"annotations": [1]}}]},
        {"choices": [{"delta": {"function_call": "f"}}, {"delta": {"function_call": {"arguments": "x"}}}]},
        {"choices": [{"delta": {"audio": [1]}}, {"delta": {"audio": {"data": "x"}}}]},
        {"choices": [{"logprobs": {"content": 1}}, {"logprobs": {"content": [1]}}]},
        {"object": ["chat.completion.chunk"], "choices": []},
        {"usage": "much", "choices": []},
    ],
    ids=json.dumps,
)
def test_a_chunk_of_an_unheard_of_shape_neither_breaks_the_toolkit_nor_loses_what_had_arrived(
    connect: Connect, serve: Serve, event: dict[str, Any]
) -> None:
    _assert_survives(connect, serve, CHAT, event)


@pytest.mark.parametrize(
    "event",
    [
        {"type": ["message_stop"]},
        {"type": "content_block_delta", "index": "a", "delta": {"text": "x"}},
        {"type": "content_block_delta", "index": [], "delta": {"text": "x"}},
        {"type": "content_block_delta", "index": 0, "delta": "text"},
        {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": None}},
        {"type": "content_block_delta", "index": 0, "delta": {"type": [], "text": ["x"]}},
        {"type": "content_block_delta", "index": 7, "delta": {"type": "text_delta", "text": "x"}},
        {"type": "content_block_start", "index": 1, "content_block": "text"},
        {"type": "content_block_start", "index": 1, "content_block": {"citations": 3}},
        {"type": "message_start", "message": "text"},
        {"type": "message_start", "message": {"content": "text"}},
        {"type": "message_start", "message": {"content": 5}},
        {"type": "message_delta", "delta": "text"},
        {"type": "message_delta", "delta": {"content": 5}},
        {"type": "message_delta", "delta": {}, "usage": "much"},
    ],
    ids=json.dumps,
)
def test_an_event_of_an_unheard_of_shape_neither_breaks_the_toolkit_nor_loses_what_had_arrived(
    connect: Connect, serve: Serve, event: dict[str, Any]
) -> None:
    _assert_survives(connect, serve, MESSAGE, event, lost=event["type"] == "message_start")


def _assert_survives(connect: Connect, serve: Serve, slug: str, event: dict[str, Any], *, lost: bool = False) -> None:
    def then(exchange: Exchange) -> None:
        exchange.event(event)
        exchange.event(*ending(slug))
        exchange.end()

    envelope = call(connect(serve(streaming(then, slug)).base_url), slug, stream=True, on_event=lambda event: None)
    if not envelope.successful:
        assert failure(envelope)["type"] == "invalid_response"
    assert lost or "there" in envelope.data


@FORMATS
@pytest.mark.parametrize("number", ["1e400", "-1e400", "NaN", "Infinity"])
def test_a_number_that_python_cannot_hold_does_not_make_the_answer_invalid_json(
    connect: Connect, serve: Serve, slug: str, number: str
) -> None:
    def then(exchange: Exchange) -> None:
        exchange.piece(b"data: " + json.dumps(opening(slug)[-1])[:-1].encode() + f',"odd":{number}}}\n\n'.encode())
        exchange.event(*ending(slug))
        exchange.end()

    envelope = call(connect(serve(streaming(then, slug)).base_url), slug, stream=True)
    if envelope.successful:
        answer(envelope)
    else:
        failure(envelope)


@pytest.mark.parametrize("depth", [100, 300, 500, 700, 900, 2000])
@FORMATS
def test_deep_nesting_does_not_break_the_toolkit(connect: Connect, serve: Serve, slug: str, depth: int) -> None:
    nested = "[" * depth + "]" * depth

    def then(exchange: Exchange) -> None:
        first = '{"choices":[{"index":0,"delta":{"x":%s}}]}'
        second = '{"type":"content_block_start","index":1,"content_block":{"type":"new","x":%s}}'
        exchange.event((first if slug == CHAT else second) % nested)
        exchange.event(*ending(slug))
        exchange.end()

    envelope = call(connect(serve(streaming(then, slug)).base_url), slug, stream=True)
    if not envelope.successful:
        failure(envelope)
    assert "there" in envelope.data


def test_half_a_surrogate_pair_is_carried(connect: Connect, serve: Serve) -> None:
    def then(exchange: Exchange) -> None:
        exchange.event('{"choices":[{"delta":{"content":" \\ud83d"}}]}', *ending(CHAT))
        exchange.end()

    envelope = call(connect(serve(streaming(then, CHAT)).base_url), CHAT, stream=True)
    envelope.data.encode()
    assert text_of(answer(envelope)) == "Hello there \ud83d"


# Listeners that fail


@FORMATS
def test_a_listener_that_raises_closes_the_stream(connect: Connect, serve: Serve, slug: str) -> None:
    left: list[float | None] = []

    def then(exchange: Exchange) -> None:
        left.append(exchange.wait_until_left(5))
        exchange.cut()

    def listen(event: Any) -> None:
        if event.kind == "text":
            raise RuntimeError(f"not me, with {KEY}")

    server = serve(streaming(then, slug))
    envelope = call(connect(server.base_url), slug, stream=True, on_event=listen)
    assert failure(envelope)["type"] == "cancelled"
    assert failure(envelope)["generation_id"] == "gen-1"
    assert "RuntimeError" in str(envelope.error)
    assert KEY not in str(envelope)
    assert "Hello " in text_of(partial(envelope))
    server.close()
    assert left[0] is not None
    assert len(server.requests) == 1


def test_ctrl_c_in_a_listener_is_not_swallowed(connect: Connect, serve: Serve) -> None:
    def listen(event: Any) -> None:
        raise KeyboardInterrupt

    server = serve(streaming(lambda exchange: exchange.cut(), CHAT))
    with pytest.raises(KeyboardInterrupt):
        call(connect(server.base_url), CHAT, stream=True, on_event=listen)


# Silence, deadlines, cancelling


@FORMATS
@pytest.mark.parametrize("stream", [True, False])
def test_the_deadline_acts_in_the_middle_of_silence(
    registry: ToolRegistry, openrouter_sandbox: Sandbox, slug: str, stream: bool
) -> None:
    took, envelope = quickest(
        lambda: call(registry, slug, model="sandbox/silent", stream=stream, timeout=0.5), below=1.3
    )
    assert 0.45 < took < 1.3
    assert failure(envelope)["type"] == "timeout"
    assert (partial(envelope) is not None) is stream
    if stream:
        assert failure(envelope)["generation_id"].startswith("gen-")
    _assert_left(openrouter_sandbox)


@FORMATS
@pytest.mark.parametrize("stream", [True, False])
def test_cancelling_acts_in_the_middle_of_silence(
    registry: ToolRegistry, openrouter_sandbox: Sandbox, slug: str, stream: bool
) -> None:
    ready = lambda: bool(openrouter_sandbox.requests)  # noqa: E731
    cancel_after(registry, slug, ready, model="sandbox/silent", stream=stream)
    _assert_left(openrouter_sandbox)
    assert len(openrouter_sandbox.requests) == 1


def _assert_left(sandbox: Sandbox) -> None:
    """The sandbox has seen the client leave, long before its silence ends."""
    wait_until(lambda: sandbox.requests[-1].closed_by_client)


@FRAMES
def test_cancelling_acts_however_the_stream_is_framed(connect: Connect, serve: Serve, chunked: bool) -> None:
    left: list[float | None] = []

    def then(exchange: Exchange) -> None:
        left.append(exchange.wait_until_left(PATIENCE))
        exchange.cut()

    server = serve(streaming(then, CHAT, chunked=chunked))
    cancel_after(connect(server.base_url), CHAT, lambda: bool(server.requests), stream=True)
    wait_until(lambda: left, 2 * PATIENCE)
    assert left[0] is not None


def test_cancelling_in_the_wait_between_two_attempts_sends_nothing_more(connect: Connect, serve: Serve) -> None:
    server = serve(lambda exchange: exchange.json({"error": {"code": 429, "message": "Wait."}}, 429, Retry_After="1"))
    cancel_after(connect(server.base_url), CHAT, lambda: bool(server.requests))
    time.sleep(1.2)
    assert len(server.requests) == 1


def test_a_steady_stream_does_not_outlive_the_deadline(connect: Connect, serve: Serve) -> None:
    def then(exchange: Exchange) -> None:
        while True:
            exchange.event(chunk("."))
            time.sleep(0.02)

    took, envelope = quickest(
        lambda: call(connect(serve(streaming(then, CHAT)).base_url), CHAT, stream=True, timeout=0.5), below=1.2
    )
    assert took < 1.2
    assert failure(envelope)["type"] == "timeout"
    assert text_of(partial(envelope)).startswith("Hello there..")


def test_keep_alive_comments_do_not_outlive_the_deadline(connect: Connect, serve: Serve) -> None:
    def then(exchange: Exchange) -> None:
        while True:
            exchange.piece(b": OPENROUTER PROCESSING\n\n")
            time.sleep(0.02)

    took, envelope = quickest(
        lambda: call(connect(serve(streaming(then, CHAT)).base_url), CHAT, stream=True, timeout=0.5), below=1.2
    )
    assert took < 1.2
    assert failure(envelope)["type"] == "timeout"


def test_the_longest_silence_ends_a_stream_without_a_deadline(connect: Connect, serve: Serve) -> None:
    def then(exchange: Exchange) -> None:
        exchange.wait_until_left(5)
        exchange.cut()

    registry = connect(serve(streaming(then, CHAT)).base_url, completion_timeout=0.4)
    envelope = call(registry, CHAT, stream=True, timeout=None)
    assert failure(envelope)["type"] == "timeout"
    assert failure(envelope)["generation_id"] == "gen-1"
    assert text_of(partial(envelope)) == "Hello there"


def test_a_cancelled_call_leaves_the_registry_usable(registry: ToolRegistry) -> None:

    async def run() -> list[Envelope | BaseException]:
        silent = {**ARGUMENTS[CHAT], "model": "sandbox/silent", "stream": True}
        tasks = [asyncio.create_task(registry.execute_async(CHAT, silent)) for _ in range(10)]
        await asyncio.sleep(0.4)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        return await asyncio.gather(*(registry.execute_async(CHAT, ARGUMENTS[CHAT]) for _ in range(10)))

    assert all(isinstance(envelope, Envelope) and envelope.successful for envelope in asyncio.run(run()))


# Long streams


def test_a_long_stream_takes_memory_for_what_it_says_and_little_more(connect: Connect, serve: Serve) -> None:
    events, size = 20_000, 20

    def script(exchange: Exchange) -> None:
        exchange.stream()
        frame = sse(chunk("x" * size))
        for _ in range(events // 100):
            exchange.piece(frame * 100)
        exchange.event(*ending(CHAT))
        exchange.end()

    registry = connect(serve(script).base_url)
    call(registry, CHAT, timeout=0.01)
    tracemalloc.start()
    try:
        envelope = call(registry, CHAT, stream=True)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert len(text_of(answer(envelope))) == events * size
    assert peak < 12 * 2**20  # 4 MiB came over the wire, of which 0.4 MiB is text
