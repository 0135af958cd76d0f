"""Assemble the chunks of a streamed chat completion, or text completion, to the complete object."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from ...envelope import ActionError
from ...text.sanitize import preview
from .events import MAX_PARTS, Kind, StreamEvent, id_in, index_in
from .pieces import CONTENTS, Part, PartialObject, arguments_text, check_piece, object_list, texts_in
from .tool_calls import ToolCalls

_COMPLETE_OBJECT = {"chat.completion.chunk": "chat.completion", "text_completion.chunk": "text_completion"}
_EVENT_KINDS: tuple[tuple[str, Kind], ...] = (("reasoning", "reasoning"), ("refusal", "refusal"), ("content", "text"))
# Values that make no difference when they come again, as long as they are equal.
_PLAIN = (str, int, type(None))
# Texts of reasoning details. Their other fields are opaque and complete: they are not joined, none is lost.
_DETAIL_TEXTS = {"text": None, "summary": None}


class ChatStream:
    """Add chunks as they arrive; `result` is the object that the call without streaming would return.

    No field of a chunk is dropped: unknown fields are kept, lists are appended, texts are joined, and of other
    values the last one that is not empty counts.
    """

    def __init__(self, requested: int = 1) -> None:
        """`requested`: the number of choices that the call requests (`n`)."""
        self._requested = requested
        self._top: dict[str, Any] = {}
        self._choices: dict[int, PartialObject] = {}
        self._ended_choices: set[int] = set()
        self._calls_of_chunk: list[int] = []
        self._last: _LastChunk | None = None

    @property
    def started(self) -> bool:
        """Whether anything has arrived."""
        return bool(self._top or self._choices)

    @property
    def id(self) -> str | None:
        """The generation's id, None as long as it is not known."""
        found = self._top.get("id")
        return found if isinstance(found, str) and found else None

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
        self._calls_of_chunk.clear()
        self._last = None
        for part in object_list(chunk.get("choices") or None):
            index = part.get("index")
            known = self._choices.get(index) if type(index) is int else None
            (known or self._choice(part)).add(part)
        top, values = self._top, chunk.values()
        if None in values or "" in values:
            top.update({name: value for name, value in chunk.items() if value not in (None, "") or name not in top})
        else:
            top.update(chunk)
        if len(self._choices) == 1:
            (choice,) = self._choices.values()
            self._last = _LastChunk.of(chunk, choice.part("delta"))

    def repeats(self, chunk: dict[str, Any]) -> bool:
        """Add a chunk that differs from the last one in its delta alone; False, and nothing is added, for any other.

        Nearly all chunks are such, and cost a third of the time. As the last one, it has no error in it.
        """
        if self._last is None or (delta := self._last.delta_of(chunk)) is None:
            return False
        self._calls_of_chunk.clear()
        self._last.message.add(delta)
        return True

    def _choice(self, part: dict[str, Any]) -> PartialObject:
        index = index_in(part) or 0
        if index not in self._choices:
            if len(self._choices) >= MAX_PARTS:
                raise ValueError("too many choices")
            self._choices[index] = PartialObject(
                {"text": None, "delta": self._message, "logprobs": PartialObject}, index=index
            )
        return self._choices[index]

    def _message(self) -> PartialObject:
        """A choice's message, with the fields that every answer without streaming has."""
        parts: dict[str, Callable[[], Part] | None] = {
            **dict.fromkeys(CONTENTS),
            "tool_calls": lambda: ToolCalls(self._calls_of_chunk),
            "reasoning_details": ReasoningDetails,
            "function_call": lambda: PartialObject({"arguments": None}),
            "audio": lambda: PartialObject({"data": None, "transcript": None}),
        }
        return PartialObject(parts, role="assistant", content=None, refusal=None)

    def result(self) -> dict[str, Any]:
        """The completion, as far as it has arrived."""
        top = dict(self._top)
        if isinstance(top.get("object"), str):
            top["object"] = _COMPLETE_OBJECT.get(top["object"], top["object"])
        usage = top.pop("usage", None)
        top["choices"] = [_whole_choice(index, choice) for index, choice in sorted(self._choices.items())]
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

    def events(self, chunk: dict[str, Any], name: str) -> list[StreamEvent]:
        """The listener's events for the last added chunk: one for each kind of content in it."""
        events: list[StreamEvent] = []
        repeats_end = False
        calls = iter(self._calls_of_chunk)
        for part in object_list(chunk.get("choices") or None):
            index = index_in(part) or 0
            events += _content_events(part, index, chunk, calls)
            if part.get("finish_reason"):
                if index not in self._ended_choices:
                    self._ended_choices.add(index)
                    events.append(StreamEvent("end", index=index, raw=chunk))
                else:
                    repeats_end = True
        if chunk.get("usage"):
            events.append(StreamEvent("usage", raw=chunk))
        return events if events or repeats_end else [StreamEvent("other", raw=chunk)]


def _too_few_choices(found: int, requested: int, answer: Any) -> ActionError:
    if not found:
        message = "The answer holds no choice, so the model said nothing."
        advice = "Call again, or use another model. What came is in partial."
    else:
        message = f"The answer holds {found} of {requested} choices that were asked for (n)."
        advice = "What came is in partial. Many models give one choice only: leave out n, and call once for each."
    return ActionError("invalid_response", message, advice=advice, status=200, retryable=not found, partial=answer)


def _whole_choice(index: int, choice: PartialObject) -> dict[str, Any]:
    """The choice as far as it has arrived, in the form of an answer without streaming."""
    fields = {**choice.result(), "index": index}
    message = fields.pop("delta", None)
    if isinstance(message, dict):
        whole = fields.get("message")
        if isinstance(whole, dict):  # some upstreams send the complete message at the end
            message.update({name: value for name, value in whole.items() if not message.get(name)})
        fields.setdefault("logprobs", None)
        fields["message"] = message
    return fields


class _LastChunk:
    """The last chunk, for comparison with the next: one with one choice and with plain values besides its delta."""

    __slots__ = ("_chunk", "_numbers", "_part", "message")

    def __init__(self, chunk: dict[str, Any], part: dict[str, Any], message: PartialObject) -> None:
        """`message` is what the deltas are added to."""
        self._chunk, self._part, self.message = dict(chunk), dict(part), message
        self._numbers = [name for name, value in chunk.items() if type(value) is int]

    @classmethod
    def of(cls, chunk: dict[str, Any], message: Part | None) -> _LastChunk | None:
        """The last chunk; None if it would make a difference when it comes again, besides its delta."""
        choices = chunk.get("choices")
        if type(choices) is not list or len(choices) != 1 or not isinstance(message, PartialObject):
            return None
        part = choices[0]
        if type(part) is not dict or type(part.get("index")) is not int or part.get("text"):
            return None
        plain = all(type(value) in _PLAIN or name == "choices" for name, value in chunk.items()) and all(
            value is None or type(value) is str or name in ("delta", "index") for name, value in part.items()
        )
        return cls(chunk, part, message) if plain else None

    def delta_of(self, chunk: dict[str, Any]) -> dict[str, Any] | None:
        """The delta of a chunk that is equal to the last one in everything else; None for any other chunk."""
        choices = chunk.get("choices")
        if type(choices) is not list or len(choices) != 1:
            return None
        self._chunk["choices"] = choices
        part = choices[0]
        if chunk != self._chunk or type(part) is not dict:
            return None
        delta = self._part["delta"] = part.get("delta")
        if part != self._part or type(delta) is not dict or type(part["index"]) is not int:
            return None
        for name in self._numbers:  # 1, 1.0 and True are equal
            if type(chunk[name]) is not int:
                return None
        return delta


class ReasoningDetails:
    """Add the details of each delta; `result` returns the complete ones, in the order of their first pieces."""

    def __init__(self) -> None:
        self._details: list[PartialObject] = []
        self._by_key: dict[tuple[Any, Any], PartialObject] = {}
        self._last: dict[str, Any] | None = None  # the last piece, if it continued a text and nothing else
        self._texts: list[Any] = []  # of that text

    def add(self, details: Any) -> None:
        """Add a delta's `reasoning_details`; all pieces of one detail have the same type and index."""
        for piece in object_list(details):
            text = piece.get("text")
            if self._last is not None:
                self._last["text"] = text
                if piece == self._last and type(text) is str:  # fast path for the usual case
                    self._texts.append(text)
                    continue
                self._last = None
            index = piece.get("index")
            key = piece.get("type"), index
            detail = self._by_key.get(key)
            if detail is not None and index is not None and _append_texts(detail, piece):
                if text and "summary" not in piece:
                    self._last, self._texts = dict(piece), detail.texts["text"]
                continue
            if detail is not None and index is None and detail is not self._details[-1]:
                detail = None  # without an index, it can only continue the last detail
            new = None if detail is None else _continuation(detail.fields, piece)
            if detail is None or new is None:
                detail = self._by_key[key] = PartialObject(_DETAIL_TEXTS)
                self._details.append(detail)
            detail.add(piece if new is None else new)

    def result(self) -> list[dict[str, Any]]:
        """The details, as far as they have arrived."""
        return [detail.result() for detail in self._details]


def _append_texts(detail: PartialObject, piece: dict[str, Any]) -> bool:
    """Add a piece that only continues texts, the usual case; False, and nothing is added, if it may do more."""
    fields, texts = detail.fields, detail.texts
    if "signature" in fields:
        return False
    continued = []
    for name, value in piece.items():
        if name in texts and type(value) is str:
            continued.append((texts[name], value))
        elif name not in fields or fields[name] != value:
            return False
    for pieces, value in continued:
        pieces.append(value)
    return True


def _continuation(fields: dict[str, Any], piece: dict[str, Any]) -> dict[str, Any] | None:
    """What a piece adds to a detail with these fields; None if it belongs to another: a field has another value."""
    new = {}
    for name, value in piece.items():
        known = fields.get(name)
        if name in _DETAIL_TEXTS:
            if value and "signature" in fields and fields["signature"] not in (None, "", piece.get("signature")):
                return None  # a signature ends the text that it belongs to
            new[name] = value
        elif known != value or name not in fields:
            if known and value:
                return None
            new[name] = value
    return new


def _content_events(part: dict[str, Any], index: int, chunk: dict[str, Any], calls: Iterator[int]) -> list[StreamEvent]:
    delta = part.get("delta") or {}
    events = [
        StreamEvent(event_kind, text, None, index, chunk)
        for name, kind in _EVENT_KINDS
        if (piece := delta.get(name))
        for event_kind, text in texts_in(check_piece(piece, name), kind)
    ]
    if part.get("text"):
        events.append(StreamEvent("text", str(part["text"]), None, index, chunk))
    for position, call in enumerate(object_list(delta.get("tool_calls"))):
        described = call.get("function") or call.get("custom") or {}
        call_index = next(calls, index_in(call) or position)
        about = {"index": call_index, "id": id_in(call), "name": described.get("name")}
        text = arguments_text(described.get("arguments", described.get("input")))
        events.append(StreamEvent("tool_call", text, about, index, chunk))
    return events
