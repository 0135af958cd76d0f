"""Bodies that are packed small and unfold to much: the clock, the bytes and the memory are bounded."""

from __future__ import annotations

import gzip
import json
import tracemalloc
import zlib
from collections.abc import Callable
from typing import Any

import pytest

from ..envelopes import answer, failure, partial
from ..scale import scaled
from ..timing import quickest
from .calls import CHAT, MESSAGE, READ, call, text_of
from .conftest import Connect, Serve
from .servers import Exchange, Script, chunk, completion, message_events, sse

MEBIBYTE = 2**20
PACKINGS: dict[str, Callable[[bytes], bytes]] = {
    "gzip": gzip.compress,
    "deflate": zlib.compress,
    "gzip, gzip": lambda data: gzip.compress(gzip.compress(data)),
}
packed = pytest.mark.parametrize("packing", list(PACKINGS))


def sending(body: bytes, packing: str, kind: str = "text/event-stream") -> Script:
    """A packed body, in pieces as large as a network delivers them."""
    data = PACKINGS[packing](body)

    def script(exchange: Exchange) -> None:
        exchange.head(200, Content_Type=kind, Content_Encoding=packing, Connection="close")
        exchange.keep_open = False
        for start in range(0, len(data), 1400):
            exchange.send(data[start : start + 1400])

    return script


def peak_of(work: Callable[[], Any]) -> tuple[Any, float]:
    """What the work gives, and the memory that it took at the most, in MiB."""
    tracemalloc.start()
    try:
        return work(), tracemalloc.get_traced_memory()[1] / MEBIBYTE
    finally:
        tracemalloc.stop()


@packed
@pytest.mark.load
@pytest.mark.parametrize("listen", scaled([True], full=[False, True]))
def test_a_packed_stream_does_not_outlive_its_deadline(
    connect: Connect, serve: Serve, packing: str, listen: bool
) -> None:
    events = sse(chunk("x")) * (20 * MEBIBYTE // 150)
    registry = connect(serve(sending(sse(chunk("Hello ")) + events, packing)).base_url)
    call(registry, READ)  # what is imported at the first call does not count
    listener = {"on_event": lambda event: None} if listen else {}
    took, envelope = quickest(lambda: call(registry, CHAT, stream=True, timeout=0.5, **listener), below=2)
    assert took < 2
    assert failure(envelope)["type"] == "timeout"
    assert text_of(partial(envelope)).startswith("Hello x")


@pytest.mark.parametrize("part", [b"[]", b'{"text":"x"}', b'"x"'], ids=["lists", "parts", "texts"])
@pytest.mark.parametrize("listen", [False, True], ids=["nobody listens", "on_event"])
def test_one_event_of_millions_of_values_is_refused_before_it_is_read(
    connect: Connect, serve: Serve, listen: bool, part: bytes
) -> None:
    event = b'data: {"choices": [{"delta": {"content": [' + b",".join([part] * 1_500_000) + b"]}}]}\n\n"
    registry = connect(serve(sending(sse(chunk("Hello ")) + event, "gzip")).base_url)
    heard: list[Any] = []
    more: dict[str, Any] = {"on_event": heard.append} if listen else {}
    envelope = call(registry, CHAT, stream=True, **more)
    assert failure(envelope)["type"] == "invalid_response"
    assert text_of(partial(envelope)) == "Hello "
    assert len(heard) == (1 if listen else 0)


LIMIT = 2 * MEBIBYTE
MANY = 2**19
BOMBS = {
    "lines": b"data:\n" * MANY,
    "lines with blanks": b"data: \n" * MANY,
    "returns": b"data:\r" * MANY,
    "comments": b":\n" * (3 * MANY),
    "blank lines": b"\n" * (5 * MANY),
    "empty events": b"data:\n\n" * (MANY // 2),
    "an endless line": b"data: " + b"x" * (5 * MANY),
    "no field": b"x" * (5 * MANY),
    "objects": b'data: {"choices":[{"delta":{"images":[' + b"{}," * MANY + b"{}]}}]}\n\n",
    "lists": b'data: {"choices":[{"delta":{"images":[' + b"[]," * MANY + b"[]]}}]}\n\n",
    "calls": b'data: {"choices":[{"delta":{"tool_calls":[' + b"{}," * MANY + b"{}]}}]}\n\n",
    "small lists": b'data: {"choices":[{"delta":{"images":[{},{},{},{},{},{},{},{},{},{}]}}]}\n\n' * 30_000,
    "choices": b"".join(b'data: {"choices":[{"index":%d}]}\n\n' % at for at in range(15_000)),
    "keys": b"".join(b'data: {"k%d":1}\n\n' % at for at in range(70_000)),
}


@pytest.mark.parametrize("bomb", list(BOMBS))
@pytest.mark.load
@pytest.mark.parametrize("slug", scaled([CHAT], full=[CHAT, MESSAGE]))
def test_a_packed_stream_takes_no_more_memory_than_its_limit_allows(
    connect: Connect, serve: Serve, slug: str, bomb: str
) -> None:
    good = chunk("Hello ") if slug == CHAT else next(iter(message_events()))
    registry = connect(serve(sending(sse(good) + BOMBS[bomb], "gzip")).base_url, max_answer_bytes=LIMIT)
    call(registry, READ)
    envelope, peak = peak_of(lambda: call(registry, slug, stream=True, timeout=None))
    assert peak < 8 * LIMIT / MEBIBYTE + 24  # the first MiB is not counted, and unfolds to no more than that
    assert failure(envelope)["type"] in ("invalid_response", "connection_failed")
    assert partial(envelope)


@pytest.mark.parametrize("head", [b'{"choices":[', b'{"data":['], ids=["chat", "data"])
@pytest.mark.parametrize(
    ("item", "packing"),
    [(b"{},", "gzip"), (b"{},", "deflate"), (b"{},", "gzip, gzip"), (b"[],", "gzip"), (b'"ab",', "gzip")],
    ids=repr,
)
def test_a_packed_answer_takes_no_more_memory_than_its_limit_allows(
    connect: Connect, serve: Serve, head: bytes, item: bytes, packing: str
) -> None:
    body = head + item * (4 * MEBIBYTE // len(item)) + b"{}]}"
    registry = connect(serve(sending(body, packing, "application/json")).base_url, max_answer_bytes=LIMIT)
    call(registry, READ)
    envelope, peak = peak_of(lambda: call(registry, CHAT))
    assert peak < 8 * LIMIT / MEBIBYTE + 24  # the first MiB is not counted, and unfolds to no more than that
    assert failure(envelope)["type"] == "invalid_response"


def test_a_bomb_of_headers_is_a_connection_that_failed(connect: Connect, serve: Serve) -> None:
    def script(exchange: Exchange) -> None:
        exchange.send(b"HTTP/1.1 200 OK\r\n" + b"X-A: b\r\n" * 200_000 + b"\r\n")
        exchange.cut()

    registry = connect(serve(script).base_url, max_attempts=1)
    envelope, peak = peak_of(lambda: call(registry, CHAT))
    assert failure(envelope)["type"] == "connection_failed"
    assert peak < 10


def test_a_large_answer_that_holds_large_values_is_no_bomb(connect: Connect, serve: Serve) -> None:
    whole = completion("x" * (3 * MEBIBYTE) + "\n,")
    server = serve(lambda exchange: exchange.json(whole))
    assert answer(call(connect(server.base_url, max_answer_bytes=2 * LIMIT), CHAT)) == whole


def test_an_ordinary_stream_may_be_as_long_as_the_limit(connect: Connect, serve: Serve) -> None:
    body = b"".join(sse(chunk(f" word{at}")) for at in range(20_000)) + sse(chunk(finish="stop"))
    registry = connect(serve(sending(body, "gzip")).base_url, max_answer_bytes=len(body) + 100)
    assert call(registry, CHAT, stream=True).successful


# What it is: a stream, or an answer as a whole


KINDS = [
    "text/event-stream",
    "text/event-stream; charset=utf-8",
    "text/plain",
    "application/json",
    "TEXT/HTML",
    "",
    None,
]
kinds = pytest.mark.parametrize("kind", KINDS)


def plainly(body: bytes, kind: str | None, *, size: int = 0) -> Script:
    """A body under a content type, in slices where a size is given."""

    def script(exchange: Exchange) -> None:
        exchange.head(200, Content_Type=kind, Content_Length=str(len(body)))
        for start in range(0, len(body), size or len(body)):
            exchange.send(body[start : start + (size or len(body))])

    return script


BEGINNINGS = (b"", b"\n\n", b": OPENROUTER PROCESSING\n\n", b"id: 1\n", b"retry: 5\n\n", b"\xef\xbb\xbf", b"event:\n")


@kinds
@pytest.mark.parametrize("beginning", BEGINNINGS)
@pytest.mark.parametrize("size", [0, 1], ids=["at once", "byte by byte"])
def test_a_stream_is_read_as_one_whatever_it_is_called(
    connect: Connect, serve: Serve, kind: str | None, beginning: bytes, size: int
) -> None:
    body = beginning + sse(chunk("Hello ")) + sse(chunk("there")) + sse(chunk(finish="stop")) + sse("[DONE]")
    heard: list[str] = []
    registry = connect(serve(plainly(body, kind, size=size)).base_url)
    envelope = call(registry, CHAT, stream=True, on_event=lambda event: heard.append(event.text))
    assert text_of(answer(envelope)) == "Hello there"
    assert "".join(heard) == "Hello there"


@kinds
@pytest.mark.parametrize("blanks", ["", "\n\n  \n"])
@pytest.mark.parametrize("slug", [CHAT, MESSAGE], ids=["chat", "messages"])
def test_a_json_error_is_told_in_its_words_whatever_it_is_called(
    connect: Connect, serve: Serve, kind: str | None, blanks: str, slug: str
) -> None:
    body = blanks + json.dumps({"error": {"message": "No endpoints found for m/x.", "code": 404}}, indent=1)
    envelope = call(connect(serve(plainly(body.encode(), kind)).base_url), slug, stream=True)
    assert failure(envelope)["type"] == "not_found"
    assert "No endpoints found for m/x" in str(envelope.error)


@kinds
def test_a_whole_answer_is_taken_as_one_whatever_it_is_called(connect: Connect, serve: Serve, kind: str | None) -> None:
    body = json.dumps(completion("whole")).encode()
    assert answer(call(connect(serve(plainly(body, kind)).base_url), CHAT, stream=True)) == completion("whole")


@kinds
def test_a_page_is_no_stream(connect: Connect, serve: Serve, kind: str | None) -> None:
    envelope = call(connect(serve(plainly(b"<html><title>Sign in</title></html>", kind)).base_url), CHAT, stream=True)
    assert failure(envelope)["type"] == "invalid_response"
    assert "html" in str(envelope.error)


def test_a_json_error_in_the_middle_of_a_stream_is_told_in_its_words(connect: Connect, serve: Serve) -> None:
    for error in (
        b'{"error":{"message":"Upstream is gone.","code":502}}\n\n',
        b'data: [{"error":{"message":"Upstream is gone.","code":502}}]\n\n',
        b"event: error\ndata: Upstream is gone.\n\n",
        b'event: error\ndata: "Upstream is gone."\n\n',
        b'{"error":{"message":"Upstream is gone.","code":502}}',
    ):
        body = sse(chunk("Hello ")) + error
        envelope = call(connect(serve(plainly(body, "text/event-stream")).base_url), CHAT, stream=True)
        assert "Upstream is gone" in failure(envelope)["message"], error
        assert text_of(partial(envelope)) == "Hello "
