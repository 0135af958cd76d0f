"""Assemble the chunks of a streamed chat completion, or text completion, to the complete object."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ...envelope import ActionError
from ...text.sanitize import preview
from .content_parts import check_piece, join_pieces, texts_in
from .events import MAX_PARTS, Kind, StreamEvent, arguments_text, id_in, index_in
from .reasoning_details import ReasoningDetails
from .tool_calls import ToolCalls, object_list

_COMPLETE_OBJECT = {"chat.completion.chunk": "chat.completion", "text_completion.chunk": "text_completion"}
_JOINED_FIELDS = frozenset(("content", "reasoning", "refusal", "reasoning_content"))
_EVENT_KINDS: tuple[tuple[str, Kind], ...] = (("reasoning", "reasoning"), ("refusal", "refusal"), ("content", "text"))


class ChatStream:
    """Add chunks as they arrive; `result` is the object that the call without streaming would return.

    No field of a chunk is dropped: unknown fields are kept, lists are appended, texts are joined, and of other
    values the last one that is not empty counts.
    """

    def __init__(self, requested: int = 1) -> None:
        """`requested`: the number of choices that the call requests (`n`)."""
        self._requested = requested
        self._top: dict[str, Any] = {}
        self._choices: dict[int, _Choice] = {}
        self._ended_choices: set[int] = set()
        self._calls_of_chunk: list[int] = []

    @property
    def started(self) -> bool:
        """Whether anything has arrived."""
        return bool(self._top or self._choices)

    @property
    def finished(self) -> bool:
        """Whether all requested choices have arrived, each with a finish reason."""
        return len(self._choices) >= self._requested and not self.missing_end

    @property
    def missing_end(self) -> str | None:
        """In words, what a choice without a finish reason lacks; None if each one has a finish reason."""
        for choice in self._choices.values():
            if not choice.fields.get("finish_reason"):
                native = choice.fields.get("native_finish_reason")
                return f"no finish_reason; native_finish_reason: {preview(native)}" if native else "no finish_reason"
        return None

    def ends(self, chunk: dict[str, Any]) -> bool:
        """Whether this is the last chunk: unknown in this format, where only `[DONE]` marks the end."""
        return False

    def add(self, chunk: dict[str, Any]) -> None:
        """Add one chunk.

        Raises:
            TypeError: or a similar error: a part of the chunk has an invalid type.
        """
        self._calls_of_chunk = []
        for name, value in chunk.items():
            if name == "choices":
                for part in _choices_in(value):
                    index = part.get("index")
                    choice = self._choices.get(index) if type(index) is int else None
                    (choice or self._choice(part)).add(part, self._calls_of_chunk)
            elif (value is not None and value != "") or name not in self._top:
                self._top[name] = value

    def _choice(self, part: dict[str, Any]) -> _Choice:
        index = index_in(part) or 0
        choice = self._choices.get(index)
        if choice is None:
            if len(self._choices) >= MAX_PARTS:
                raise ValueError("too many choices")
            choice = self._choices[index] = _Choice(index)
        return choice

    def result(self) -> dict[str, Any]:
        """The completion, as far as it has arrived."""
        top = dict(self._top)
        if isinstance(top.get("object"), str):
            top["object"] = _COMPLETE_OBJECT.get(top["object"], top["object"])
        usage = top.pop("usage", None)
        top["choices"] = [self._choices[index].result() for index in sorted(self._choices)]
        if usage is not None:
            top["usage"] = usage
        return top

    def check(self, answer: Any) -> None:
        """Raise `ActionError` (`invalid_response`) for an answer, streamed or not, with fewer choices than requested.

        An answer of another shape, such as one that a proxy has wrapped in `data`, is accepted unchanged.
        """
        choices = None if not isinstance(answer, dict) or "data" in answer else answer.get("choices") or []
        if not isinstance(choices, list):
            return
        found = len(choices)
        if found < max(1, self._requested):
            raise _too_few_choices(found, self._requested, answer)

    def events(self, chunk: dict[str, Any], name: str) -> Iterator[StreamEvent]:
        """The listener's events for the last added chunk: one for each kind of content in it."""
        found = False
        calls = iter(self._calls_of_chunk)
        for part in _choices_in(chunk.get("choices")):
            for event in _events_of_choice(part, chunk, calls):
                found = True
                if event.kind != "end" or event.index not in self._ended_choices:
                    yield event
                if event.kind == "end":
                    self._ended_choices.add(event.index)
        if chunk.get("usage"):
            found = True
            yield StreamEvent("usage", raw=chunk)
        if not found:
            yield StreamEvent("other", raw=chunk)


def _too_few_choices(found: int, requested: int, answer: Any) -> ActionError:
    if not found:
        message = "The answer holds no choice, so the model said nothing."
        advice = "Call again, or use another model. What came is in partial."
    else:
        message = f"The answer holds {found} of {requested} choices that were asked for (n)."
        advice = "What came is in partial. Many models give one choice only: leave out n, and call once for each."
    return ActionError("invalid_response", message, advice=advice, status=200, retryable=not found, partial=answer)


class _Choice:
    """One choice, incomplete until its last chunk."""

    def __init__(self, index: int) -> None:
        self.fields: dict[str, Any] = {"index": index}
        self._message: dict[str, Any] | None = None
        self._pieces: dict[str, list[Any]] = {}
        self._calls = ToolCalls()
        self._details = ReasoningDetails()

    def add(self, part: dict[str, Any], calls_of_chunk: list[int]) -> None:
        """Add a chunk's part of this choice; appends the indexes of its tool calls to `calls_of_chunk`."""
        fields = self.fields
        for name, value in part.items():
            if name == "delta":
                if value:
                    self._add_delta(value, calls_of_chunk)
            elif name == "text" and value is not None:
                self._pieces.setdefault(name, []).append(_check_text(value))
            elif name == "logprobs" and isinstance(value, dict):
                _extend(fields, name, value)
            elif name == "index":
                pass
            elif (value is not None and value != "") or name not in fields:
                fields[name] = value

    def _add_delta(self, delta: dict[str, Any], calls_of_chunk: list[int]) -> None:
        if self._message is None:
            # Every answer without streaming has these, even if no chunk has them.
            self._message = {"role": "assistant", "content": None, "refusal": None}
            self.fields.setdefault("logprobs", None)
        message = self._message
        for name, value in delta.items():
            if value is None:
                message.setdefault(name, None)
            elif name in _JOINED_FIELDS:
                message.setdefault(name, None)
                self._pieces.setdefault(name, []).append(value if isinstance(value, str) else check_piece(value))
            elif name == "tool_calls":
                calls_of_chunk += self._calls.add(value)
            elif name == "reasoning_details":
                self._details.add(value)
            elif name in ("function_call", "audio") and isinstance(value, dict):
                _join(message.setdefault(name, {}) or {}, value, message, name)
            elif isinstance(value, list):
                _append(message, name, value)
            elif value != "" or not message.get(name):
                message[name] = value

    def result(self) -> dict[str, Any]:
        """The choice, as far as it has arrived."""
        choice = dict(self.fields)
        if "text" in self._pieces:
            choice["text"] = "".join(self._pieces["text"])
        if self._message is None:
            return choice
        message = dict(self._message)
        message.update({name: join_pieces(pieces) for name, pieces in self._pieces.items() if name != "text"})
        lists = {"tool_calls": self._calls.result(), "reasoning_details": self._details.result()}
        message.update({name: parts for name, parts in lists.items() if parts})
        complete_message = choice.get("message")
        if isinstance(complete_message, dict):  # some upstreams send the complete message at the end
            message.update({name: value for name, value in complete_message.items() if not message.get(name)})
        choice["message"] = message
        return choice


def _choices_in(value: Any) -> list[dict[str, Any]]:
    """A chunk's choices; null counts as an empty list."""
    if isinstance(value, dict) and value:
        raise TypeError("choices are a list")
    return object_list(value or [])


def _check_text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError(f"a text is expected, not {type(value).__name__}")
    return value


def _append(fields: dict[str, Any], name: str, items: list[Any]) -> None:
    """Append to a field's list, which is a copy, so that no event's `raw` changes."""
    known = fields.get(name)
    if not known:
        fields[name] = list(items)
    elif isinstance(known, list):
        known += items
    else:
        raise TypeError(f"a list is expected, not {type(known).__name__}")


def _extend(fields: dict[str, Any], name: str, value: dict[str, Any]) -> None:
    """Append the lists of an object (logprobs) to the lists received before."""
    known = fields.get(name)
    if not known:
        known = fields[name] = {}
    for key, items in value.items():
        if isinstance(items, list):
            _append(known, key, items)
        elif known.get(key) is None:
            known[key] = items


def _join(known: dict[str, Any], value: dict[str, Any], message: dict[str, Any], name: str) -> None:
    """Join the texts of an object that is streamed in pieces (a legacy function_call, audio)."""
    for key, piece in value.items():
        if key == "arguments":
            known[key] = (known.get(key) or "") + arguments_text(piece)
        elif key in ("data", "transcript") and isinstance(known.get(key), str) and isinstance(piece, str):
            known[key] += piece
        elif piece not in (None, "") or key not in known:
            known[key] = piece
    message[name] = known


def _events_of_choice(part: dict[str, Any], chunk: dict[str, Any], calls: Iterator[int]) -> Iterator[StreamEvent]:
    index = index_in(part) or 0
    delta = part.get("delta") or {}
    for name, kind in _EVENT_KINDS:
        piece = delta.get(name)
        if piece:
            for event_kind, text in texts_in(check_piece(piece), kind):
                yield StreamEvent(event_kind, text, index=index, raw=chunk)
    if part.get("text"):
        yield StreamEvent("text", _check_text(part["text"]), index=index, raw=chunk)
    for position, call in enumerate(object_list(delta.get("tool_calls"))):
        described = call.get("function") or call.get("custom") or {}
        about = {
            "index": next(calls, index_in(call) or position),
            "id": id_in(call),
            "name": described.get("name"),
        }
        text = arguments_text(described.get("arguments", described.get("input")))
        yield StreamEvent("tool_call", text, about, index, chunk)
    if part.get("finish_reason"):
        yield StreamEvent("end", index=index, raw=chunk)
