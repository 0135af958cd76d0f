"""Assemble the events of a streamed message in Anthropic's format to the complete message."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from ...envelope import ActionError
from .events import MAX_PARTS, Kind, StreamEvent, id_in, index_in, text_or_none
from .pieces import PartialObject, arguments_text

# Per type of delta: the kind of event that a listener gets, and the field with the text.
_KINDS: dict[str, tuple[Kind, str]] = {
    "text_delta": ("text", "text"),
    "thinking_delta": ("reasoning", "thinking"),
    "input_json_delta": ("tool_call", "partial_json"),
}
_ANSWER_FIELDS = ("content", "stop_reason", "choices", "data")
# The field that a block of these types may contain from its start.
_START_FIELDS = {"text": "text", "thinking": "thinking", "tool_use": "input", "server_tool_use": "input"}
_TEXT_FIELDS = dict.fromkeys(name for _, name in _KINDS.values())


class MessageStream:
    """Add events as they arrive; `result` is the message that the call without streaming would return.

    Unknown types of blocks and deltas are kept: a delta's texts are joined to the block's field of the same name,
    its lists are appended, its other values replace the block's.
    """

    def __init__(self) -> None:
        self._message: dict[str, Any] = {}
        self._blocks: dict[int, _Block] = {}
        self._by_index: dict[int, _Block] = {}
        self._complete = False

    @property
    def started(self) -> bool:
        """Whether anything has arrived."""
        return bool(self._message or self._blocks)

    @property
    def id(self) -> str | None:
        """The generation's id, None as long as it is not known."""
        found = self._message.get("id")
        return found if isinstance(found, str) and found else None

    @property
    def finished(self) -> bool:
        """Whether the message is complete."""
        return self._complete

    @property
    def missing_end(self) -> str | None:
        """In words, what an incomplete message lacks; None if it is complete."""
        if self._complete:
            return None
        return "no message_stop" if self._message.get("stop_reason") else "no stop_reason"

    def check(self, answer: Any) -> None:
        """Raise `ActionError` (`invalid_response`) for an answer, streamed or not, that is empty.

        An answer of another shape is accepted unchanged: a chat completion, or one that a proxy has wrapped in
        `data`.
        """
        if not isinstance(answer, dict) or any(answer.get(name) for name in _ANSWER_FIELDS):
            return
        message = "The answer holds no content and no stop_reason, so the model said nothing."
        advice = "Call again, or use another model. What came is in partial."
        raise ActionError("invalid_response", message, advice=advice, status=200, retryable=True, partial=answer)

    def ends(self, event: dict[str, Any]) -> bool:
        """Whether this is the last event of the stream."""
        return event.get("type") == "message_stop"

    def add(self, event: dict[str, Any]) -> None:
        """Add one event.

        Raises:
            TypeError: or a similar error: a part of the event has an invalid type.
        """
        kind = event.get("type")
        if kind == "content_block_delta":
            index = index_in(event) or 0
            block = self._by_index.get(index) or self._start_block(index, {})
            block.add_delta(_as_object(event.get("delta")))
        elif kind == "content_block_start":
            self._start_block(index_in(event) or 0, _as_object(event.get("content_block")))
        elif kind == "message_start":
            self._add_message_start(_as_object(event.get("message")))
        elif kind == "message_delta":
            self._add_message_delta(event)
        elif kind == "message_stop":
            self._complete = True

    def repeats(self, event: dict[str, Any]) -> bool:
        """Whether the event was added the short way: in this format, where events are short, there is none."""
        return False

    def _add_message_start(self, message: dict[str, Any]) -> None:
        content = message.get("content")
        if content is not None and not isinstance(content, list):
            raise TypeError("a message's content is a list")
        blocks = [_Block(index, dict(_as_object(fields))) for index, fields in enumerate(content or ())]
        self._message = {**self._message, **message}
        for block in blocks:
            self._blocks[block.index] = self._by_index[block.index] = block

    def _start_block(self, index: int, fields: dict[str, Any]) -> _Block:
        """Start a new block, even if the index was used before; but one of `message_start` is filled."""
        current = self._by_index.get(index)
        if current is not None and not current.has_started:  # it came with `message_start`
            current.fields.update(fields)
            return current
        if len(self._blocks) >= MAX_PARTS:
            raise ValueError("too many content blocks")
        free_index = index if index not in self._blocks else max(self._blocks) + 1
        block = self._blocks[free_index] = self._by_index[index] = _Block(free_index, dict(fields))
        block.has_started = True
        return block

    def _add_message_delta(self, event: dict[str, Any]) -> None:
        """Add the closing delta: the stop reason, and usage counts, which are totals and replace the first ones."""
        message = self._message
        message.update(_as_object(event.get("delta")))
        for name, value in event.items():
            if name == "usage" and isinstance(value, dict):
                counted = {key: count for key, count in value.items() if count is not None}
                message["usage"] = {**value, **_as_object(message.get("usage")), **counted}
            elif name not in ("type", "delta", "usage"):
                message[name] = value

    def result(self) -> dict[str, Any]:
        """The message, as far as it has arrived."""
        return {**self._message, "content": [self._blocks[index].result() for index in sorted(self._blocks)]}

    def events(self, event: dict[str, Any], name: str) -> Iterator[StreamEvent]:
        """The listener's event for the last added event."""
        kind = event.get("type")
        if kind == "content_block_delta":
            yield self._delta_event(event)
        elif kind == "content_block_start":
            yield self._start_event(event)
        elif kind == "message_delta":
            yield StreamEvent("usage" if event.get("usage") else "other", raw=event)
        elif kind == "message_start":
            yield StreamEvent("start", raw=event)
        elif kind == "message_stop":
            yield StreamEvent("end", raw=event)
        else:
            block = self._by_index.get(index_in(event) or 0)
            yield StreamEvent("other", index=0 if block is None else block.index, raw=event)

    def _start_event(self, event: dict[str, Any]) -> StreamEvent:
        """The listener's event for a block's start; some upstreams send the complete block at once."""
        block = self._by_index.get(index_in(event) or 0) or _Block(0, {})
        started_block = _as_object(event.get("content_block"))
        name = _START_FIELDS.get(str(started_block.get("type")), "")
        if not started_block.get(name):
            return StreamEvent("other", index=block.index, raw=event)
        if name == "input":
            call = {"index": block.index, "id": id_in(started_block), "name": text_or_none(started_block.get("name"))}
            return StreamEvent("tool_call", arguments_text(started_block[name]), call, block.index, event)
        kind: Kind = "text" if name == "text" else "reasoning"
        return StreamEvent(kind, text_or_none(started_block[name]) or "", index=block.index, raw=event)

    def _delta_event(self, event: dict[str, Any]) -> StreamEvent:
        index = index_in(event) or 0
        block = self._by_index.get(index) or _Block(index, {})
        delta = _as_object(event.get("delta"))
        kind, name = _KINDS.get(str(delta.get("type")), ("other", ""))
        if kind == "tool_call":
            call = {"index": block.index, "id": block.fields.get("id"), "name": block.fields.get("name")}
            return StreamEvent(kind, arguments_text(delta.get(name)), call, block.index, event)
        return StreamEvent(kind, text_or_none(delta.get(name)) or "", index=block.index, raw=event)


class _Block(PartialObject):
    """One content block, incomplete until its last delta."""

    def __init__(self, index: int, fields: dict[str, Any]) -> None:
        super().__init__(_TEXT_FIELDS)
        self.fields.update(fields)
        self.index = index
        self.has_started = False

    def add_delta(self, delta: dict[str, Any]) -> None:
        """Add a delta: its texts but the signature are joined, also those of unknown fields."""
        self.has_started = True
        for name, value in delta.items():
            if name == "citation":
                self.add({"citations": [value]})
            elif isinstance(value, str) and name not in ("type", "signature"):
                self.join(name, value)
            elif name != "type":
                self.add({name: value})

    def result(self) -> dict[str, Any]:
        """The block, as far as it has arrived."""
        block = super().result()
        if "partial_json" in self.texts:
            block.update(_parse_input(block.pop("partial_json"), block))
        return block


def _as_object(value: Any) -> dict[str, Any]:
    """A JSON object; null counts as an empty one. Raises `TypeError` for anything else."""
    if isinstance(value, dict):
        return value
    if value:
        raise TypeError(f"an object is expected, not {type(value).__name__}")
    return {}


def _parse_input(json_text: str, block: dict[str, Any]) -> dict[str, Any]:
    """A tool call's arguments, parsed from JSON text; incomplete text is kept unchanged as `partial_json`."""
    if not json_text:
        return {}
    try:
        return {"input": json.loads(json_text)}
    except (ValueError, RecursionError):
        return {"input": block.get("input") or {}, "partial_json": json_text}
