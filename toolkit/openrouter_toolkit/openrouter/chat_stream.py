"""Chunks of a streamed chat completion (or text completion), put together to the object they are parts of."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from .stream_events import Kind, StreamEvent

_OBJECTS = {"chat.completion.chunk": "chat.completion", "text_completion.chunk": "text_completion"}
_JOINED = ("content", "reasoning", "refusal", "reasoning_content")
_TEXTS_OF_DETAILS = ("text", "summary", "data")


class ChatStream:
    """Add chunks as they arrive; `result` is what the call without streaming would have returned.

    Nothing that a chunk holds is dropped: fields that are not known here are kept, lists are appended to,
    texts are joined, and of other values the last that is not null counts.
    """

    def __init__(self) -> None:
        self._top: dict[str, Any] = {}
        self._choices: dict[int, _Choice] = {}
        self._ends_told: set[int] = set()

    @property
    def started(self) -> bool:
        """Whether anything has arrived."""
        return bool(self._top or self._choices)

    @property
    def finished(self) -> bool:
        """Whether every choice that began has said why it ended."""
        return bool(self._choices) and all(choice.fields.get("finish_reason") for choice in self._choices.values())

    def ends(self, chunk: dict[str, Any]) -> bool:  # noqa: ARG002 - no chunk says so
        """Whether nothing can come after this chunk; only `[DONE]` tells that here."""
        return False

    def add(self, chunk: dict[str, Any]) -> None:
        """Take in one chunk."""
        for name, value in chunk.items():
            if name == "choices":
                for part in value or ():
                    index = _number(part.get("index") or 0)
                    if index not in self._choices:
                        self._choices[index] = _Choice(index)
                    self._choices[index].add(part)
            elif value is not None or name not in self._top:
                self._top[name] = value

    def result(self) -> dict[str, Any]:
        """The completion as far as it has arrived."""
        top = dict(self._top)
        if "object" in top:
            top["object"] = _OBJECTS.get(top["object"], top["object"])
        usage = top.pop("usage", None)
        top["choices"] = [self._choices[index].result() for index in sorted(self._choices)]
        if usage is not None:
            top["usage"] = usage
        return top

    def events(self, chunk: dict[str, Any], name: str) -> Iterator[StreamEvent]:  # noqa: ARG002 - chat's have none
        """The chunk as a listener gets it: one event for each thing that it brings."""
        found = False
        for part in chunk.get("choices") or ():
            for event in _events_of_choice(part, chunk):
                found = True
                if event.kind != "end" or event.index not in self._ends_told:
                    yield event
                if event.kind == "end":
                    self._ends_told.add(event.index)
        if chunk.get("usage"):
            found = True
            yield StreamEvent("usage", raw=chunk)
        if not found:
            yield StreamEvent("other", raw=chunk)


class _Choice:
    """One choice in the making."""

    def __init__(self, index: int) -> None:
        self.fields: dict[str, Any] = {"index": index}
        self._message: dict[str, Any] | None = None
        self._texts: dict[str, list[str]] = {}
        self._calls: dict[int, dict[str, Any]] = {}
        self._details: list[dict[str, Any]] = []

    def add(self, part: dict[str, Any]) -> None:
        for name, value in part.items():
            if name == "delta":
                if value:
                    self._add_delta(value)
            elif name == "text" and isinstance(value, str):
                self._texts.setdefault(name, []).append(value)
            elif name == "logprobs" and isinstance(value, dict):
                _extend(self.fields, name, value)
            elif value is not None or name not in self.fields:
                self.fields[name] = value

    def _add_delta(self, delta: dict[str, Any]) -> None:
        if self._message is None:
            # What every answer without streaming has, even where no chunk says so.
            self._message = {"role": "assistant", "content": None, "refusal": None}
            self.fields.setdefault("logprobs", None)
        message = self._message
        for name, value in delta.items():
            if value is None:
                message.setdefault(name, None)
            elif name in _JOINED and isinstance(value, str):
                message.setdefault(name, None)
                self._texts.setdefault(name, []).append(value)
            elif name == "tool_calls":
                for position, call in enumerate(value):
                    self._add_call(call, position)
            elif name == "reasoning_details":
                for detail in value:
                    self._add_detail(detail)
            elif name in ("function_call", "audio") and isinstance(value, dict):
                _join(message.setdefault(name, {}) or {}, value, message, name)
            elif isinstance(value, list):
                message[name] = (message.get(name) or []) + value
            else:
                message[name] = value

    def _add_call(self, call: dict[str, Any], position: int) -> None:
        index = call.get("index")
        index = position if index is None else _number(index)
        known = self._calls.setdefault(index, {"index": index})
        for name, value in call.items():
            if name == "function" and isinstance(value, dict):
                function = known.setdefault("function", {})
                for key, piece in value.items():
                    if key == "arguments" and piece is not None:
                        text = piece if isinstance(piece, str) else json.dumps(piece)
                        function.setdefault("arguments", []).append(text)
                    elif piece is not None and not function.get(key):
                        function[key] = piece
            elif value is not None and (name not in known or known[name] in (None, "")):
                known[name] = value

    def _add_detail(self, detail: dict[str, Any]) -> None:
        for known in reversed(self._details):
            if _same_detail(known, detail):
                for name, value in detail.items():
                    if name in _TEXTS_OF_DETAILS and isinstance(value, str):
                        known.setdefault(name, [])
                        if not isinstance(known[name], list):
                            known[name] = []
                        known[name].append(value)
                    elif value is not None or name not in known:
                        known[name] = value
                return
        self._details.append(
            {n: [v] if n in _TEXTS_OF_DETAILS and isinstance(v, str) else v for n, v in detail.items()}
        )

    def result(self) -> dict[str, Any]:
        choice = dict(self.fields)
        if "text" in self._texts:
            choice["text"] = "".join(self._texts["text"])
        if self._message is None:
            return choice
        message = dict(self._message)
        message.update({name: "".join(pieces) for name, pieces in self._texts.items() if name != "text"})
        if self._calls:
            message["tool_calls"] = [_told_call(self._calls[index]) for index in sorted(self._calls)]
        if self._details:
            message["reasoning_details"] = [
                {n: "".join(v) if n in _TEXTS_OF_DETAILS and isinstance(v, list) else v for n, v in detail.items()}
                for detail in self._details
            ]
        choice["message"] = message
        return choice


def _number(index: Any) -> int:
    if not isinstance(index, int):
        raise TypeError(f"an index is a number, not {type(index).__name__}")
    return index


def _same_detail(known: dict[str, Any], detail: dict[str, Any]) -> bool:
    """Pieces of one detail share index and type; an id that differs begins another."""
    if known.get("type") != detail.get("type") or known.get("index") != detail.get("index"):
        return False
    return None in (known.get("id"), detail.get("id")) or known["id"] == detail["id"]


def _told_call(call: dict[str, Any]) -> dict[str, Any]:
    function = call.get("function")
    if not isinstance(function, dict):
        return call
    return {**call, "function": {**function, "arguments": "".join(function.get("arguments", ()))}}


def _extend(fields: dict[str, Any], name: str, value: dict[str, Any]) -> None:
    """Append the lists of an object (logprobs) to those that are there."""
    known = dict(fields.get(name) or {})
    for key, items in value.items():
        known[key] = (known.get(key) or []) + items if isinstance(items, list) else known.get(key) or items
    fields[name] = known


def _join(known: dict[str, Any], value: dict[str, Any], message: dict[str, Any], name: str) -> None:
    """Join the texts of an object that comes in pieces (a legacy function_call, audio)."""
    for key, piece in value.items():
        joined = key in ("arguments", "data", "transcript") and isinstance(known.get(key), str)
        known[key] = known[key] + piece if joined and isinstance(piece, str) else piece
    message[name] = known


def _events_of_choice(part: dict[str, Any], chunk: dict[str, Any]) -> Iterator[StreamEvent]:
    index = part.get("index") or 0
    delta = part.get("delta") or {}
    kinds: tuple[tuple[str, Kind], ...] = (
        ("reasoning", "reasoning"),
        ("refusal", "refusal"),
        ("content", "text"),
    )
    for name, kind in kinds:
        if isinstance(delta.get(name), str) and delta[name]:
            yield StreamEvent(kind, delta[name], index=index, raw=chunk)
    if isinstance(part.get("text"), str) and part["text"]:
        yield StreamEvent("text", part["text"], index=index, raw=chunk)
    for position, call in enumerate(delta.get("tool_calls") or ()):
        function = call.get("function") or {}
        told = {"index": call.get("index", position), "id": call.get("id"), "name": function.get("name")}
        yield StreamEvent("tool_call", function.get("arguments") or "", told, index, chunk)
    if part.get("finish_reason"):
        yield StreamEvent("end", index=index, raw=chunk)
