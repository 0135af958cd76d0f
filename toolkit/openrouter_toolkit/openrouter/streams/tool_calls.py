"""Assemble the tool calls of a streamed chat completion, whose pieces upstreams number in different ways."""

from __future__ import annotations

import json
from typing import Any

from .events import MAX_PARTS, id_in, index_in, text_or_none
from .pieces import arguments_text, object_list

# The object that describes a call, by its kind, and its field that is streamed in pieces.
_STREAMED_FIELD = {"function": "arguments", "custom": "input"}


class ToolCalls:
    """Add the pieces of each delta; `result` returns the complete calls, each with a unique index.

    OpenAI gives each call an index and repeats it in every piece. Others give all calls the same index, or none, and
    distinguish them by their ids; or they send another id, or another index, with each piece. So index, id, name and
    arguments together decide to which call a piece belongs, and no piece is dropped.
    """

    def __init__(self, indexes: list[int]) -> None:
        """To `indexes`, each piece appends the index of the call that it belongs to."""
        self._indexes = indexes
        self._calls: dict[int, _Call] = {}
        self._by_index: dict[int, _Call] = {}
        self._by_id: dict[str, _Call] = {}
        self._by_position: dict[int, _Call] = {}
        self._last: _Call | None = None
        self._next = 0

    def add(self, pieces: Any) -> None:
        """Add a delta's `tool_calls`."""
        parts = object_list(pieces)
        for position, piece in enumerate(parts):
            self._indexes.append(self._add(piece, position if len(parts) > 1 else None))

    def _add(self, piece: dict[str, Any], position: int | None) -> int:
        index = index_in(piece)
        call_id = id_in(piece) or ""
        described = _description_in(piece)
        name = text_or_none(described.get("name")) or ""
        call = self._find_call(index, call_id, name, position)
        if call is None or not call.continues_with(call_id, name, described):
            call = self._start_call(index)
        call.add(piece)
        self._last = call
        if index is not None:
            self._by_index[index] = call
        if call_id:
            self._by_id[call_id] = call
        if position is not None:
            self._by_position[position] = call
        return call.index

    def _find_call(self, index: int | None, call_id: str, name: str, position: int | None) -> _Call | None:
        """The call that a piece may belong to, or None for the first piece of a new call."""
        at_index = None if index is None else self._by_index.get(index)
        if at_index is not None and call_id in ("", at_index.call_id):
            return at_index
        same_id = self._by_id.get(call_id)
        if same_id is not None and (at_index is not None or index is None or not name):
            return same_id
        if index is not None:
            return at_index
        return self._last if position is None else self._by_position.get(position)

    def _start_call(self, index: int | None) -> _Call:
        if len(self._calls) >= MAX_PARTS:
            raise ValueError("too many tool calls")
        if index is None or index in self._calls:
            index = self._next
        self._next = max(self._next, index + 1)
        call = self._calls[index] = _Call(index)
        return call

    def result(self) -> list[dict[str, Any]]:
        """The calls, as far as they have arrived, ordered by index."""
        calls: list[_Call] = []
        for call in self._calls.values():  # in the order of their first pieces
            if calls and call.is_nameless and calls[-1].is_incomplete:
                calls[-1].pieces += call.pieces  # upstream numbered the pieces, not the calls
            elif calls and call.has_only_name and call.name == calls[-1].name and calls[-1].pieces:
                continue  # the name of the previous call, repeated
            else:
                calls.append(call.copy())
        return [call.result() for call in sorted(calls, key=lambda call: call.index)]


class _Call:
    """One tool call, incomplete until its last piece."""

    def __init__(self, index: int) -> None:
        self.index = index
        self.call_id = ""
        self.name = ""
        self.pieces: list[str] = []
        self._length = 0
        self._fields: dict[str, Any] = {"index": index}
        self._kind = ""
        self._description: dict[str, Any] = {}

    @property
    def is_incomplete(self) -> bool:
        """Whether its arguments are not complete JSON yet."""
        if not self.pieces or not self.pieces[-1].rstrip().endswith("}"):
            return True
        try:
            json.loads("".join(self.pieces))
        except (ValueError, RecursionError):
            return True
        return False

    @property
    def is_nameless(self) -> bool:
        """Whether it has arguments, but no id and no name."""
        return not self.call_id and not self.name and bool(self.pieces)

    @property
    def has_only_name(self) -> bool:
        """Whether only its name has arrived."""
        return bool(self.name) and not self.call_id and not self.pieces

    def continues_with(self, call_id: str, name: str, described: dict[str, Any]) -> bool:
        """Whether a piece with this id and name may belong to this call."""
        same_id = call_id in ("", self.call_id) or not self.call_id
        if not name:  # with another id: upstream sends a new id with each piece
            return same_id or not described.get("arguments") or self.is_incomplete
        if not self.name:
            return same_id
        if name != self.name:  # a name in pieces comes before the arguments, under the same id
            return bool(self.call_id) and call_id in ("", self.call_id) and not self.pieces
        text = arguments_text(described.get("arguments"))
        starts_object = text.lstrip().startswith("{")
        if call_id and call_id == self.call_id:
            # Some upstreams use the function's name as the id of all its calls.
            return not starts_object or not self.pieces or self.is_incomplete or text == "".join(self.pieces)
        if same_id:  # a complete call only takes a piece without arguments, and only if it has an id
            return self.is_incomplete or (not text and bool(self.call_id))
        return bool(self.pieces) and not starts_object and self.is_incomplete

    def add(self, piece: dict[str, Any]) -> None:
        """Add a piece: id and type once, the name once or in parts, arguments joined."""
        fields = self._fields
        for key, value in piece.items():
            if key in _STREAMED_FIELD and isinstance(value, dict):
                self._describe(key, value)
            elif key != "index" and value is not None and fields.get(key) in (None, ""):
                fields[key] = value if key != "id" else id_in(piece)
        self.call_id = fields.get("id") or ""

    def _describe(self, kind: str, value: dict[str, Any]) -> None:
        self._kind = kind
        name = value.get("name")
        if name and name != self.name and not (self.name and self.pieces):
            self.name += name
        for key, part in value.items():
            if key == _STREAMED_FIELD[kind]:
                self._add_arguments(arguments_text(part))
            elif key != "name" and part is not None and not self._description.get(key):
                self._description[key] = part

    def _add_arguments(self, text: str) -> None:
        if not text:
            return
        if self._length and text.startswith("{") and self._length in (2, len(text)):
            before = "".join(self.pieces)
            if before == "{}":  # a placeholder before the arguments
                self.pieces.clear()
                self._length = 0
            elif before == text and not self.is_incomplete:  # upstream repeats the complete arguments
                return
        self.pieces.append(text)
        self._length += len(text)

    def copy(self) -> _Call:
        """A copy of the call with its own list of pieces."""
        other = _Call(self.index)
        other.__dict__.update(self.__dict__, pieces=list(self.pieces))
        return other

    def result(self) -> dict[str, Any]:
        """The call, in the form of an answer without streaming."""
        if not self._kind:
            return dict(self._fields)
        name = {"name": self.name} if self.name else {}
        described = {**name, **self._description, _STREAMED_FIELD[self._kind]: "".join(self.pieces)}
        return {**self._fields, self._kind: described}


def _description_in(piece: dict[str, Any]) -> dict[str, Any]:
    """The object in a piece that describes its function."""
    for kind in _STREAMED_FIELD:
        value = piece.get(kind)
        if value is not None:
            if not isinstance(value, dict):
                raise TypeError(f"a call's {kind} is an object, not {type(value).__name__}")
            return value
    return {}
