"""Events of a streamed message in Anthropic's format, put together to the message they are parts of."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from ...envelope import ActionError
from .events import MOST_PARTS, Kind, StreamEvent, arguments_text, identity_in, index_in, text_or_none

# What a listener gets the deltas of these types as, and the field that holds their text.
_KINDS: dict[str, tuple[Kind, str]] = {
    "text_delta": ("text", "text"),
    "thinking_delta": ("reasoning", "thinking"),
    "input_json_delta": ("tool_call", "partial_json"),
}
_OF_AN_ANSWER = ("content", "stop_reason", "choices", "data")
# What a block of these types may hold from its start.
_WHOLE = {"text": "text", "thinking": "thinking", "tool_use": "input", "server_tool_use": "input"}
_TEXTS = frozenset(name for _, name in _KINDS.values())


class MessageStream:
    """Add events as they arrive; `result` is the message that the call without streaming would have returned.

    Kinds of blocks and deltas that are not known here are kept: a delta's texts are joined to the block's field
    of the same name, its lists appended, its other values taken over.
    """

    def __init__(self) -> None:
        self._message: dict[str, Any] = {}
        self._blocks: dict[int, _Block] = {}
        self._by_index: dict[int, _Block] = {}
        self._stopped = False

    @property
    def started(self) -> bool:
        """Whether anything has arrived."""
        return bool(self._message or self._blocks)

    @property
    def finished(self) -> bool:
        """Whether the message came to its end."""
        return self._stopped

    @property
    def missing_end(self) -> str | None:
        """What the message lacks that did not come to its end."""
        if self._stopped:
            return None
        return "no message_stop" if self._message.get("stop_reason") else "no stop_reason"

    def check(self, answer: Any) -> None:
        """Raise `ActionError` (`invalid_response`) for an answer, streamed or not, that holds nothing of a message.

        An answer of another shape is handed on as it is: a chat completion, or one that something on the way has
        wrapped in `data`.
        """
        if not isinstance(answer, dict) or any(answer.get(name) for name in _OF_AN_ANSWER):
            return
        message = "The answer holds no content and no stop_reason, so the model said nothing."
        how = "Call again, or use another model. What came is in partial."
        raise ActionError("invalid_response", message, f"{message} {how}", status=200, retryable=True, partial=answer)

    def ends(self, event: dict[str, Any]) -> bool:
        """Whether nothing can come after this event."""
        return event.get("type") == "message_stop"

    def add(self, event: dict[str, Any]) -> None:
        """Take in one event.

        Raises:
            TypeError: or another error of that kind: a part of it is of a type that it can't have.
        """
        kind = event.get("type")
        if kind == "content_block_delta":
            index = index_in(event) or 0
            block = self._by_index.get(index) or self._begin(index, {})
            block.add(_object(event.get("delta")))
        elif kind == "content_block_start":
            self._begin(index_in(event) or 0, _object(event.get("content_block")))
        elif kind == "message_start":
            self._start(_object(event.get("message")))
        elif kind == "message_delta":
            self._end(event)
        elif kind == "message_stop":
            self._stopped = True

    def _start(self, message: dict[str, Any]) -> None:
        content = message.get("content")
        if content is not None and not isinstance(content, list):
            raise TypeError("a message's content is a list")
        blocks = [_Block(index, dict(_object(fields))) for index, fields in enumerate(content or ())]
        self._message = {**self._message, **message}
        for block in blocks:
            self._blocks[block.index] = self._by_index[block.index] = block

    def _begin(self, index: int, fields: dict[str, Any]) -> _Block:
        """A block of its own, also where another one has had its index; an empty one of `message_start` is filled."""
        known = self._by_index.get(index)
        if known is not None and known.is_empty:
            known.fields.update(fields)
            return known
        if len(self._blocks) >= MOST_PARTS:
            raise ValueError("too many content blocks")
        own = index if index not in self._blocks else max(self._blocks) + 1
        block = self._blocks[own] = self._by_index[index] = _Block(own, dict(fields))
        block.begun = True
        return block

    def _end(self, event: dict[str, Any]) -> None:
        """The closing delta: why it stopped, and usage counts, which are totals and replace the first ones."""
        message = self._message
        message.update(_object(event.get("delta")))
        for name, value in event.items():
            if name == "usage" and isinstance(value, dict):
                counted = {key: count for key, count in value.items() if count is not None}
                message["usage"] = {**value, **_object(message.get("usage")), **counted}
            elif name not in ("type", "delta", "usage"):
                message[name] = value

    def result(self) -> dict[str, Any]:
        """The message as far as it has arrived."""
        return {**self._message, "content": [self._blocks[index].result() for index in sorted(self._blocks)]}

    def events(self, event: dict[str, Any], name: str) -> Iterator[StreamEvent]:  # noqa: ARG002 - the type says it
        """The event, which was added last, as a listener gets it."""
        kind = event.get("type")
        if kind == "content_block_delta":
            yield self._event_of_delta(event)
        elif kind == "content_block_start":
            yield self._event_of_start(event)
        elif kind == "message_delta":
            yield StreamEvent("usage" if event.get("usage") else "other", raw=event)
        elif kind == "message_start":
            yield StreamEvent("start", raw=event)
        elif kind == "message_stop":
            yield StreamEvent("end", raw=event)
        else:
            block = self._by_index.get(index_in(event) or 0)
            yield StreamEvent("other", index=0 if block is None else block.index, raw=event)

    def _event_of_start(self, event: dict[str, Any]) -> StreamEvent:
        """A block that begins, with what it holds already; some upstreams send the whole block at once."""
        block = self._by_index.get(index_in(event) or 0) or _Block(0, {})
        begun = _object(event.get("content_block"))
        name = _WHOLE.get(str(begun.get("type")), "")
        if not begun.get(name):
            return StreamEvent("other", index=block.index, raw=event)
        if name == "input":
            call = {"index": block.index, "id": identity_in(begun), "name": text_or_none(begun.get("name"))}
            return StreamEvent("tool_call", arguments_text(begun[name]), call, block.index, event)
        kind: Kind = "text" if name == "text" else "reasoning"
        return StreamEvent(kind, text_or_none(begun[name]) or "", index=block.index, raw=event)

    def _event_of_delta(self, event: dict[str, Any]) -> StreamEvent:
        index = index_in(event) or 0
        block = self._by_index.get(index) or _Block(index, {})
        delta = _object(event.get("delta"))
        kind, name = _KINDS.get(str(delta.get("type")), ("other", ""))
        if kind == "tool_call":
            call = {"index": block.index, "id": block.fields.get("id"), "name": block.fields.get("name")}
            return StreamEvent(kind, arguments_text(delta.get(name)), call, block.index, event)
        return StreamEvent(kind, text_or_none(delta.get(name)) or "", index=block.index, raw=event)


class _Block:
    """One content block in the making."""

    def __init__(self, index: int, fields: dict[str, Any]) -> None:
        self.index = index
        self.fields = fields
        self.begun = False
        self._pieces: dict[str, list[str]] = {}

    @property
    def is_empty(self) -> bool:
        """Whether it came with the message, and nothing of its own has arrived."""
        return not self.begun and not self._pieces

    def add(self, delta: dict[str, Any]) -> None:
        """Take in a delta."""
        self.begun = True
        fields = self.fields
        for name, value in delta.items():
            if name == "type" or (value is None and name in _TEXTS):
                continue
            if name == "citation":
                fields["citations"] = [*(fields.get("citations") or ()), value]
            elif name == "partial_json":
                self._pieces.setdefault(name, []).append(arguments_text(value))
            elif name in _TEXTS or (isinstance(value, str) and name != "signature"):
                self._join(name, value)
            elif isinstance(value, list):
                known = fields.get(name)
                if known and not isinstance(known, list):
                    raise TypeError(f"{name} is a list, not {type(known).__name__}")
                fields[name] = [*(known or ()), *value]
            else:
                fields[name] = value

    def _join(self, name: str, value: Any) -> None:
        if name not in self._pieces:
            before = self.fields.get(name)
            self._pieces[name] = [before] if isinstance(before, str) else []
        self._pieces[name].append(text_or_none(value) or "")

    def result(self) -> dict[str, Any]:
        """The block as far as it has arrived."""
        block = dict(self.fields)
        for name, pieces in self._pieces.items():
            text = "".join(pieces)
            if name == "partial_json":
                block.update(_input(text, block))
            else:
                block[name] = text
        return block


def _object(value: Any) -> dict[str, Any]:
    """An object; null for an empty one."""
    if isinstance(value, dict):
        return value
    if value:
        raise TypeError(f"an object is expected, not {type(value).__name__}")
    return {}


def _input(joined: str, block: dict[str, Any]) -> dict[str, Any]:
    """A tool call's arguments from their JSON text; text that was cut off is kept as it is."""
    if not joined:
        return {}
    try:
        return {"input": json.loads(joined)}
    except (ValueError, RecursionError):
        return {"input": block.get("input") or {}, "partial_json": joined}
