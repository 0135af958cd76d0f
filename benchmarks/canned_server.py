"""A server that costs next to nothing: it answers each request by its path with bytes made beforehand."""

from __future__ import annotations

import json
import multiprocessing
import socket
import threading


def chunk(delta: dict[str, object], **extra: object) -> bytes:
    """One event of a stream, in the shape that OpenRouter sends."""
    event = {
        "id": "gen-1795534113-benchmark0123456789a",
        "object": "chat.completion.chunk",
        "created": 1795534113,
        "model": "acme/atlas-small",
        "provider": "Acme AI",
        "choices": [{"index": 0, "delta": delta, "finish_reason": None, "native_finish_reason": None, **extra}],
    }
    return b"data: " + json.dumps(event, separators=(",", ":")).encode() + b"\n\n"


def stream(events: int) -> bytes:
    """A stream of reasoning, text and a tool call, mixed as in recorded traffic."""
    parts = [b": OPENROUTER PROCESSING\n\n"]
    for number in range(events):
        piece = f" word{number}"
        if number < events * 0.4:
            detail = {"type": "reasoning.text", "text": piece, "format": "anthropic-claude-v1", "index": 0}
            parts.append(chunk({"content": "", "role": "assistant", "reasoning": piece, "reasoning_details": [detail]}))
        elif number < events * 0.9:
            parts.append(chunk({"content": piece, "role": "assistant"}))
        else:
            call = {"index": 0, "id": "call_1", "type": "function", "function": {"name": "f", "arguments": piece}}
            parts.append(chunk({"content": None, "role": "assistant", "tool_calls": [call]}))
    parts.append(chunk({"content": "", "role": "assistant"}, finish_reason="stop"))
    return b"".join(parts) + b"data: [DONE]\n\n"


def _json(body: object) -> bytes:
    text = json.dumps(body).encode()
    head = f"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {len(text)}\r\n\r\n"
    return head.encode() + text


def answers(events: int) -> dict[bytes, bytes]:
    """The answers by path."""
    message = {"role": "assistant", "content": "word " * 150}
    choice = {"index": 0, "message": message, "finish_reason": "stop", "logprobs": None}
    usage = {"prompt_tokens": 9, "completion_tokens": 150, "total_tokens": 159}
    head = {"id": "gen-1", "object": "chat.completion", "created": 1795534113, "model": "acme/atlas-small"}
    completion = {**head, "choices": [choice], "usage": usage, "system_fingerprint": None}
    model = {"id": "acme/atlas", "description": "x" * 1500, "supported_parameters": ["tools"]}
    streamed = stream(events)
    return {
        b"/api/v1/credits": _json({"data": {"total_credits": 10.0, "total_usage": 1.5}}),
        b"/api/v1/models": _json({"data": [model] * 440}),
        b"/api/v1/chat/completions": _json(completion),
        b"/api/v1/messages": (
            b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
            + b"".join(
                f"{len(streamed[at : at + 4096]):x}\r\n".encode() + streamed[at : at + 4096] + b"\r\n"
                for at in range(0, len(streamed), 4096)
            )
            + b"0\r\n\r\n"
        ),
    }


def _serve(port: multiprocessing.Queue[int], events: int) -> None:
    canned = answers(events)
    with socket.create_server(("127.0.0.1", 0), backlog=256) as server:
        port.put(server.getsockname()[1])
        while True:
            connection, _ = server.accept()
            threading.Thread(target=_answer, args=(connection, canned), daemon=True).start()


def _answer(connection: socket.socket, canned: dict[bytes, bytes]) -> None:
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    rest = b""
    with connection:
        while True:
            while b"\r\n\r\n" not in rest:
                piece = connection.recv(65536)
                if not piece:
                    return
                rest += piece
            head, _, rest = rest.partition(b"\r\n\r\n")
            length = next((int(h[15:]) for h in head.split(b"\r\n") if h.lower().startswith(b"content-length:")), 0)
            while len(rest) < length:
                rest += connection.recv(65536)
            streamed = b'"stream":true' in rest[:length] or b'"stream": true' in rest[:length]
            rest = rest[length:]
            path = head.split(b" ", 2)[1].split(b"?")[0]
            connection.sendall(canned[b"/api/v1/messages" if streamed else path])


def start(events: int = 1000) -> tuple[multiprocessing.Process, str]:
    """Start the server, whose streams have so many events, in a process of its own; the process, and the base URL."""
    port: multiprocessing.Queue[int] = multiprocessing.Queue()
    process = multiprocessing.Process(target=_serve, args=(port, events), daemon=True)
    process.start()
    return process, f"http://127.0.0.1:{port.get()}/api/v1"
