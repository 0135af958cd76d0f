"""Models on loopback that follow a script: what a model may call and write wrongly, the sandbox's never do.

Each request takes the next turn: words, or the calls that the model makes. `ChatModel` is one of OpenAI's chat
completions, `GeminiModel` one of Gemini's generateContent.
"""

from __future__ import annotations

import json
import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self


@dataclass(frozen=True)
class Call:
    """A call that the model makes; its arguments are an object, or for `ChatModel` any text."""

    name: str
    arguments: Any = field(default_factory=dict)


Turn = str | list[Call]
Definition = tuple[str, str, dict[str, Any]]


class ScriptedModel:
    """A server that answers with one turn of its script after the other.

    Attributes:
        requests: the bodies that arrived, in order.
    """

    def __init__(self, *script: Turn) -> None:
        self.requests: list[dict[str, Any]] = []
        self._script = script
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)
        self._thread.start()

    @property
    def url(self) -> str:
        """Where it listens, without a path."""
        return f"http://127.0.0.1:{self._server.server_port}"

    def answer(self, request: dict[str, Any]) -> dict[str, Any] | None:
        """The next turn, or None when the script is over."""
        self.requests.append(request)
        turn = len(self.requests) - 1
        return self.written(self._script[turn], turn) if turn < len(self._script) else None

    def written(self, turn: Turn, number: int) -> dict[str, Any]:
        """A turn as the API answers it."""
        raise NotImplementedError

    def definitions(self) -> list[Definition]:
        """Name, description and schema of the tools that the model was shown last."""
        raise NotImplementedError

    def read(self) -> list[str]:
        """The results that the model was given, the last round's only."""
        raise NotImplementedError

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


class ChatModel(ScriptedModel):
    """POST /chat/completions."""

    def written(self, turn: Turn, number: int) -> dict[str, Any]:
        message: dict[str, Any] = {"role": "assistant", "content": turn if isinstance(turn, str) else None}
        if isinstance(turn, list):
            message["tool_calls"] = [
                {
                    "id": f"call_{number}_{position}",
                    "type": "function",
                    "function": {"name": call.name, "arguments": _json(call.arguments)},
                }
                for position, call in enumerate(turn)
            ]
        finish = "stop" if isinstance(turn, str) else "tool_calls"
        return {
            "id": f"gen-{number}",
            "object": "chat.completion",
            "created": 1_700_000_000,
            "model": "scripted",
            "choices": [{"index": 0, "message": message, "finish_reason": finish, "logprobs": None}],
            "usage": {"prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 15},
        }

    def definitions(self) -> list[Definition]:
        functions = [tool["function"] for tool in self.requests[-1]["tools"]]
        assert all(function.keys() <= {"name", "description", "parameters", "strict"} for function in functions)
        assert not any(function.get("strict") for function in functions)
        return [(function["name"], function["description"], function["parameters"]) for function in functions]

    def read(self) -> list[str]:
        messages = self.requests[-1]["messages"]
        last = max(number for number, message in enumerate(messages) if message["role"] == "assistant")
        return [_text(message["content"]) for message in messages[last + 1 :] if message["role"] == "tool"]


class GeminiModel(ScriptedModel):
    """POST /v1beta/models/{model}:generateContent."""

    def written(self, turn: Turn, number: int) -> dict[str, Any]:
        parts: list[dict[str, Any]] = (
            [{"text": turn}]
            if isinstance(turn, str)
            else [
                {"functionCall": {"id": f"call_{number}_{position}", "name": call.name, "args": call.arguments}}
                for position, call in enumerate(turn)
            ]
        )
        parts[0]["thoughtSignature"] = "c2lnbmVk"
        return {
            "candidates": [{"content": {"role": "model", "parts": parts}, "finishReason": "STOP", "index": 0}],
            "modelVersion": "scripted",
            "usageMetadata": {"promptTokenCount": 10, "candidatesTokenCount": 5, "totalTokenCount": 15},
        }

    def definitions(self) -> list[Definition]:
        (tool,) = self.requests[-1]["tools"]
        (functions,) = tool.values()
        plain = [{key.replace("_", "").lower(): value for key, value in function.items()} for function in functions]
        assert all(function.keys() == {"name", "description", "parametersjsonschema"} for function in plain)
        return [(function["name"], function["description"], function["parametersjsonschema"]) for function in plain]

    def read(self) -> list[str]:
        contents = self.requests[-1]["contents"]
        responses = [part["functionResponse"]["response"] for part in contents[-1]["parts"]]
        return [text for response in responses for text in response.values()]


def _json(arguments: Any) -> str:
    return arguments if isinstance(arguments, str) else json.dumps(arguments)


def _text(content: Any) -> str:
    return content if isinstance(content, str) else "".join(part["text"] for part in content)


def _handler(model: ScriptedModel) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            answer = model.answer(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            body = json.dumps({"error": {"code": 400, "message": "the script is over"}} if answer is None else answer)
            self.send_response(400 if answer is None else 200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body.encode())))
            self.end_headers()
            self.wfile.write(body.encode())

        def log_message(self, format: str, *args: Any) -> None:
            pass

    return Handler
