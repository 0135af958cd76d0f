"""Events of a streamed message in Anthropic's format, put together to the message they are parts of."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from .stream_events import Kind, StreamEvent

# Of these deltas the named field is what the block gets; `signature` replaces, the others are joined.
_KINDS: dict[str, Kind] = {
    "text_delta": "text",
    "thinking_delta": "reasoning",
    "input_json_delta": "tool_call",
}


class MessageStream:
    """Add events as they arrive; `result` is the message that the call without streaming would have returned.

    Kinds of blocks and deltas that are not known here are kept: a delta's texts are joined to the block's field
    of the same name, its lists appended, its other values taken over.
    """

    def __init__(self) -> None:
        self._message: dict[str, Any] = {}
        self._blocks: dict[int, dict[str, Any]] = {}
        self._pieces: dict[tuple[int, str], list[str]] = {}
        self._stopped = False

    @property
    def started(self) -> bool:
        """Whether anything has arrived."""
        return bool(self._message or self._blocks)

    @property
    def finished(self) -> bool:
        """Whether the message came to its end."""
        return self._stopped

    def ends(self, event: dict[str, Any]) -> bool:
        """Whether nothing can come after this event."""
        return event.get("type") == "message_stop"

    def add(self, event: dict[str, Any]) -> None:
        """Take in one event."""
        kind = event.get("type")
        if not isinstance(kind, str):
            return
        if kind == "content_block_delta":
            self._add_delta(_number(event.get("index") or 0), event.get("delta") or {})
        elif kind == "content_block_start":
            self._blocks[_number(event.get("index") or 0)] = {**(event.get("content_block") or {})}
        elif kind == "message_start":
            self._message = {**(event.get("message") or {})}
            for index, block in enumerate(self._message.get("content") or ()):
                self._blocks[index] = {**block}
        elif kind == "message_delta":
            self._end(event)
        elif kind == "message_stop":
            self._stopped = True

    def _add_delta(self, index: int, delta: dict[str, Any]) -> None:
        block = self._blocks.setdefault(index, {})
        for name, value in delta.items():
            if name == "type":
                continue
            if name == "citation":
                block["citations"] = [*(block.get("citations") or ()), value]
            elif name == "signature" or not isinstance(value, str | list):
                block[name] = value
            elif isinstance(value, list):
                block[name] = [*(block.get(name) or ()), *value]
            else:
                key = (index, name)
                if key not in self._pieces:
                    before = block.get(name)
                    self._pieces[key] = [before] if isinstance(before, str) else []
                self._pieces[key].append(value)

    def _end(self, event: dict[str, Any]) -> None:
        """The closing delta: why it stopped, and usage counts, which are totals and replace the first ones."""
        message = self._message
        message |= {**(event.get("delta") or {})}
        for name, value in event.items():
            if name == "usage" and isinstance(value, dict):
                counted = {key: count for key, count in value.items() if count is not None}
                message["usage"] = {**value, **(message.get("usage") or {}), **counted}
            elif name not in ("type", "delta", "usage"):
                message[name] = value

    def result(self) -> dict[str, Any]:
        """The message as far as it has arrived."""
        blocks = {index: dict(block) for index, block in self._blocks.items()}
        for (index, name), pieces in self._pieces.items():
            joined = "".join(pieces)
            if name == "partial_json":
                blocks[index].update(_input(joined, blocks[index]))
            else:
                blocks[index][name] = joined
        return {**self._message, "content": [blocks[index] for index in sorted(blocks)]}

    def events(self, event: dict[str, Any], name: str) -> Iterator[StreamEvent]:  # noqa: ARG002 - the type says it
        """The event as a listener gets it."""
        kind, index = event.get("type"), event.get("index") or 0
        delta = event.get("delta") or {}
        if kind == "content_block_delta":
            named = _KINDS.get(str(delta.get("type")), "other")
            text = delta.get("text") or delta.get("thinking") or delta.get("partial_json") or ""
            block = self._blocks.get(index, {})
            call = {"index": index, "id": block.get("id"), "name": block.get("name")} if named == "tool_call" else None
            yield StreamEvent(named, text if isinstance(text, str) else "", call, index, event)
        elif kind == "message_delta":
            yield StreamEvent("usage" if event.get("usage") else "other", raw=event)
        else:
            names: dict[str, Kind] = {"message_start": "start", "message_stop": "end"}
            yield StreamEvent(names.get(str(kind), "other"), index=index, raw=event)


def _number(index: Any) -> int:
    if not isinstance(index, int):
        raise TypeError(f"an index is a number, not {type(index).__name__}")
    return index


def _input(joined: str, block: dict[str, Any]) -> dict[str, Any]:
    """A tool call's arguments from their JSON text; text that was cut off is kept as it is."""
    if not joined:
        return {}
    try:
        return {"input": json.loads(joined)}
    except (ValueError, RecursionError):
        return {"input": block.get("input") or {}, "partial_json": joined}
