"""A stand-in for OpenRouter, in a process of its own, that answers each chat completion after a while."""

from __future__ import annotations

import asyncio
import json
import multiprocessing
import re
from collections.abc import Iterator
from contextlib import contextmanager

_LENGTH = re.compile(rb"content-length: *(\d+)", re.IGNORECASE)


def _answer(body: object) -> bytes:
    text = json.dumps(body).encode()
    return b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%b" % (len(text), text)


_COMPLETION = _answer(
    {
        "id": "gen-1",
        "object": "chat.completion",
        "created": 1795534113,
        "model": "acme/atlas-small",
        "choices": [{"index": 0, "message": {"role": "assistant", "content": "Fine."}, "finish_reason": "stop"}],
        "usage": {"prompt_tokens": 9, "completion_tokens": 2, "total_tokens": 11, "cost": 0.00000475},
    }
)
_MODELS = _answer(
    {
        "data": [
            {
                "id": "acme/atlas-small",
                "context_length": 128000,
                "pricing": {"prompt": "0.00000025", "completion": "0.00000125"},
                "top_provider": {"max_completion_tokens": 16384},
            }
        ]
    }
)


class _Connection(asyncio.Protocol):
    """A client's connection, which sends one request after the other."""

    def __init__(self, delay: float) -> None:
        self._delay = delay
        self._received = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.WriteTransport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._received += data
        head, end, body = self._received.partition(b"\r\n\r\n")
        length = _LENGTH.search(head)
        if not end or len(body) < (int(length[1]) if length else 0):
            return
        self._received = b""
        if head.startswith(b"GET"):
            self._transport.write(_MODELS)
        else:
            asyncio.get_running_loop().call_later(self._delay, self._transport.write, _COMPLETION)


async def _serve(delay: float, port: multiprocessing.Queue[int]) -> None:
    server = await asyncio.get_running_loop().create_server(lambda: _Connection(delay), "127.0.0.1", 0, backlog=512)
    port.put(server.sockets[0].getsockname()[1])
    await server.serve_forever()


def _run(delay: float, port: multiprocessing.Queue[int]) -> None:
    asyncio.run(_serve(delay, port))


@contextmanager
def delayed_server(delay: float) -> Iterator[str]:
    """Its base URL, while it runs."""
    context = multiprocessing.get_context("spawn")
    port: multiprocessing.Queue[int] = context.Queue()
    process = context.Process(target=_run, args=(delay, port), daemon=True)
    process.start()
    try:
        yield f"http://127.0.0.1:{port.get(timeout=30)}/api/v1"
    finally:
        process.kill()
        process.join()
