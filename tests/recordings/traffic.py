"""The recorded traffic: one request and its answer a file, and what such an answer says by a simple reading."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

FOLDER = Path(os.environ.get("OPENROUTER_RECORDINGS") or Path(__file__).parents[2] / "../shared/recordings").resolve()
CHAT, MESSAGES, MODELS = "chat_completions", "messages", "models"
# Calls whose arguments are the request's query.
QUERIES = (MODELS, "generation")
# Other folders, such as `responses`, are left out: there is no action yet that makes their calls.
ACTIONS = {
    "embeddings": "OPENROUTER_CREATE_EMBEDDINGS",
    "rerank": "OPENROUTER_CREATE_RERANK",
    "generation": "OPENROUTER_GET_GENERATION",
    CHAT: "OPENROUTER_CREATE_CHAT_COMPLETION",
    MESSAGES: "OPENROUTER_CREATE_MESSAGE",
    MODELS: "OPENROUTER_LIST_AVAILABLE_MODELS",
}


@dataclass(frozen=True)
class Recording:
    """A request as it was sent, and the answer that it got."""

    kind: str
    name: str
    request: dict[str, Any]
    status: int
    headers: dict[str, str]
    body: str

    @property
    def streamed(self) -> bool:
        return self.status == 200 and any(
            name.lower() == "content-type" and value.lower().startswith("text/event-stream")
            for name, value in self.headers.items()
        )

    @cached_property
    def events(self) -> list[dict[str, Any]]:
        """The events of a stream. Each recorded one has its data in one line."""
        lines = self.body.replace("\r\n", "\n").split("\n")
        data = [line.removeprefix("data:").strip() for line in lines if line.startswith("data:")]
        return [json.loads(text) for text in data if text != "[DONE]"]

    @cached_property
    def json(self) -> Any:
        """The body of a plain answer; None where it is not valid JSON."""
        try:
            return json.loads(self.body)
        except ValueError:
            return None

    @property
    def error(self) -> dict[str, Any] | None:
        """The error that the answer tells, wherever in it."""
        for body in self.events if self.streamed else [self.json]:
            if not isinstance(body, dict):
                continue
            if body.get("error"):
                return _object(body["error"])
            for choice in body.get("choices") or ():
                if choice.get("error") or choice.get("finish_reason") == "error":
                    return _object(choice.get("error") or {})
        return None

    @property
    def complete(self) -> bool:
        """Whether a stream says why it ended."""
        if self.kind == MESSAGES:
            return any(event.get("type") == "message_stop" for event in self.events)
        return any(choice.get("finish_reason") for event in self.events for choice in event.get("choices") or ())

    @property
    def good(self) -> bool:
        """Whether the call did what it was asked to."""
        feed = self.kind == MODELS and self.request["query"].get("use_rss") == "true"
        whole = self.complete if self.streamed else self.json is not None or feed
        return self.status == 200 and self.error is None and whole


def _object(error: Any) -> dict[str, Any]:
    return error if isinstance(error, dict) else {"message": error}


def recordings() -> list[Recording]:
    """All files of the kinds that have an action; none where the folder is absent."""
    return [_read(kind, path) for kind in ACTIONS for path in sorted((FOLDER / kind).glob("*.json"))]


def _read(kind: str, path: Path) -> Recording:
    recorded = json.loads(path.read_text(encoding="utf-8"))
    answer = recorded["response"]
    return Recording(
        kind, path.stem, recorded["request"], answer["status"], answer.get("headers") or {}, answer["body"]
    )


@dataclass
class Reading:
    """What a stream says, field by field, for one choice of a completion or for a message."""

    texts: dict[Any, str]
    calls: dict[int, tuple[str, Any]]
    finish: dict[str, Any]
    usage: dict[str, Any]


def read_choice(events: list[dict[str, Any]], index: int) -> Reading:
    """One choice of a streamed chat completion."""
    choices = [
        choice for event in events for choice in event.get("choices") or () if (choice.get("index") or 0) == index
    ]
    deltas = [choice.get("delta") or {} for choice in choices]
    texts = {name: "".join(delta.get(name) or "" for delta in deltas) for name in ("content", "reasoning", "refusal")}
    pieces = [call for delta in deltas for call in delta.get("tool_calls") or ()]
    names = {call["index"]: call["function"]["name"] for call in pieces if (call.get("function") or {}).get("name")}
    arguments = {
        at: "".join((call.get("function") or {}).get("arguments") or "" for call in pieces if call["index"] == at)
        for at in names
    }
    finish = {
        name: choice[name]
        for choice in choices
        for name in ("finish_reason", "native_finish_reason")
        if choice.get(name) is not None
    }
    usage = [event["usage"] for event in events if event.get("usage")]
    return Reading(
        texts,
        {at: (name, json.loads(arguments[at] or "{}")) for at, name in names.items()},
        finish,
        usage[-1] if usage else {},
    )


def read_message(events: list[dict[str, Any]]) -> Reading:
    """A streamed message."""
    texts: dict[Any, str] = {}
    inputs: dict[int, str] = {}
    names: dict[int, str] = {}
    finish: dict[str, Any] = {}
    usage: dict[str, Any] = {}
    for event in events:
        if event["type"] == "message_start":
            usage |= event["message"].get("usage") or {}
        elif event["type"] == "content_block_start":
            block = event["content_block"]
            texts |= {(event["index"], name): block[name] for name in ("text", "thinking") if name in block}
            if "name" in block:
                names[event["index"]] = block["name"]
                inputs[event["index"]] = ""
        elif event["type"] == "content_block_delta":
            delta = event["delta"]
            for name in ("text", "thinking"):
                if name in delta:
                    texts[event["index"], name] += delta[name]
            inputs[event["index"]] = inputs.get(event["index"], "") + delta.get("partial_json", "")
        elif event["type"] == "message_delta":
            finish |= event["delta"]
            usage |= {name: count for name, count in (event.get("usage") or {}).items() if count is not None}
    calls = {at: (name, json.loads(inputs[at] or "{}")) for at, name in names.items()}
    return Reading(texts, calls, finish, usage)
