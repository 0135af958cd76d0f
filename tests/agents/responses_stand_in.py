"""OpenRouter's /responses on loopback, before a sandbox, which has none: its models are asked for chat completions."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import requests

from openrouter_toolkit.sandbox import Sandbox

Item = dict[str, Any]


@contextmanager
def responses_before(sandbox: Sandbox) -> Iterator[str]:
    """A base URL whose /responses is answered by the sandbox's models; all else goes to the sandbox as it is."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(sandbox.base_url))
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/api/v1"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def _handler(base_url: str) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self._answer(self._forwarded(self.path, None))

        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            if self.path != "/api/v1/responses":
                self._answer(self._forwarded(self.path, body))
                return
            answer = self._forwarded("/api/v1/chat/completions", _chat_request(body))
            if answer.ok and body.get("stream"):
                self._send(200, "text/event-stream", _events(_response(answer.json())))
            else:
                self._answer(answer, _response(answer.json()) if answer.ok else None)

        def _forwarded(self, path: str, body: Any) -> requests.Response:
            with requests.Session() as session:
                session.trust_env = False
                headers = {"Authorization": self.headers["Authorization"]}
                url = base_url.removesuffix("/api/v1") + path
                return session.request(self.command, url, json=body, headers=headers, timeout=10)

        def _answer(self, answer: requests.Response, body: Any = None) -> None:
            content = answer.content if body is None else json.dumps(body).encode()
            self._send(answer.status_code, "application/json", content)

        def _send(self, status: int, content_type: str, content: bytes) -> None:
            self.send_response(status)
            self.send_header("Content-Type", content_type)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *arguments: object) -> None:
            pass

    return Handler


def _chat_request(body: Any) -> Item:
    messages: list[Item] = []
    for item in body["input"]:
        if item.get("type") == "function_call":
            function = {"name": item["name"], "arguments": item["arguments"]}
            call = {"id": item["call_id"], "type": "function", "function": function}
            if not messages[-1].get("tool_calls"):
                messages.append({"role": "assistant", "content": None, "tool_calls": []})
            messages[-1]["tool_calls"].append(call)
        elif item.get("type") == "function_call_output":
            messages.append({"role": "tool", "tool_call_id": item["call_id"], "content": item["output"]})
        else:
            messages.append({"role": item["role"], "content": item["content"]})
    tools = [
        {"type": "function", "function": {name: tool[name] for name in ("name", "description", "parameters")}}
        for tool in body["tools"]
    ]
    return {"model": body["model"], "messages": messages, "tools": tools}


def _response(answer: Item) -> Item:
    message = answer["choices"][0]["message"]
    calls = [{"call_id": call["id"], **call["function"]} for call in message.get("tool_calls", [])]
    output: list[Item] = [{"type": "function_call", "status": "completed", **call} for call in calls]
    if not calls:
        text = {"type": "output_text", "text": message["content"], "annotations": []}
        output = [{"type": "message", "id": "msg_1", "role": "assistant", "status": "completed", "content": [text]}]
    return {"id": "resp_1", "object": "response", "created_at": 0, "status": "completed", "output": output}


def _events(response: Item) -> bytes:
    """The answer as a stream: its beginning, its items, and the whole."""
    started = {**response, "status": "in_progress", "output": []}
    events: list[Item] = [{"type": "response.created", "response": started}]
    for index, item in enumerate(response["output"]):
        events.append({"type": "response.output_item.added", "output_index": index, "item": item})
        if item["type"] == "message":
            part = item["content"][0]
            at = {"output_index": index, "content_index": 0, "item_id": item["id"], "logprobs": []}
            events.append({"type": "response.content_part.added", **at, "part": part})
            events.append({"type": "response.output_text.delta", **at, "delta": part["text"]})
        events.append({"type": "response.output_item.done", "output_index": index, "item": item})
    events.append({"type": "response.completed", "response": response})
    numbered = [{**event, "sequence_number": number} for number, event in enumerate(events)]
    return "".join(f"event: {event['type']}\ndata: {json.dumps(event)}\n\n" for event in numbered).encode()
