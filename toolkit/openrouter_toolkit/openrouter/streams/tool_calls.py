"""The tool calls of a streamed chat completion, put together from pieces that upstreams number in different ways."""

from __future__ import annotations

import json
from typing import Any

from .events import MOST_PARTS, arguments_text, identity_in, index_in, text_or_none

# The object that describes a call, by its kind, and the field of it that comes in pieces.
_IN_PIECES = {"function": "arguments", "custom": "input"}


class ToolCalls:
    """Add the pieces of each delta; `result` gives the whole calls, each with an index of its own.

    OpenAI gives each call an index and repeats it in every piece. Others give all calls the same index, or none, and
    tell them apart by their ids; or they make up another id, or another index, for each piece. What belongs together
    is decided by all that a piece says, and no piece is dropped.
    """

    def __init__(self) -> None:
        self._calls: dict[int, _Call] = {}
        self._by_index: dict[int, _Call] = {}
        self._by_id: dict[str, _Call] = {}
        self._by_position: dict[int, _Call] = {}
        self._last: _Call | None = None
        self._next = 0

    def add(self, pieces: Any) -> list[int]:
        """Take in a delta's `tool_calls`; the index of the call that each of them belongs to."""
        parts = listed(pieces)
        if len(parts) == 1:
            return [self._add(parts[0], None)]
        return [self._add(piece, position) for position, piece in enumerate(parts)]

    def _add(self, piece: dict[str, Any], position: int | None) -> int:
        index = index_in(piece)
        identity = identity_in(piece) or ""
        described = _described(piece)
        name = text_or_none(described.get("name")) or ""
        call = self._continued(index, identity, name, position)
        if call is None or not call.goes_on_with(identity, name, described):
            call = self._open(index)
        call.add(piece)
        self._last = call
        if index is not None:
            self._by_index[index] = call
        if identity:
            self._by_id[identity] = call
        if position is not None:
            self._by_position[position] = call
        return call.index

    def _continued(self, index: int | None, identity: str, name: str, position: int | None) -> _Call | None:
        """The call that a piece may belong to, None for the first piece of another one."""
        at_index = None if index is None else self._by_index.get(index)
        if at_index is not None and identity in ("", at_index.identity):
            return at_index
        same = self._by_id.get(identity)
        if same is not None and (at_index is not None or index is None or not name):
            return same
        if index is not None:
            return at_index
        return self._last if position is None else self._by_position.get(position)

    def _open(self, index: int | None) -> _Call:
        if len(self._calls) >= MOST_PARTS:
            raise ValueError("too many tool calls")
        if index is None or index in self._calls:
            index = self._next
        self._next = max(self._next, index + 1)
        call = self._calls[index] = _Call(index)
        return call

    def result(self) -> list[dict[str, Any]]:
        """The calls as far as they have arrived, in the order of their indexes."""
        whole: list[_Call] = []
        for call in self._calls.values():  # in the order in which they began
            if whole and call.is_nameless and whole[-1].is_open:
                whole[-1].pieces += call.pieces  # upstream counted the pieces, not the calls
            elif whole and call.is_a_name_only and call.name == whole[-1].name and whole[-1].pieces:
                continue  # the name of the call before, once more
            else:
                whole.append(call.copy())
        return [call.result() for call in sorted(whole, key=lambda call: call.index)]


class _Call:
    """One tool call in the making."""

    def __init__(self, index: int) -> None:
        self.index = index
        self.identity = ""
        self.name = ""
        self.pieces: list[str] = []
        self._length = 0
        self._fields: dict[str, Any] = {"index": index}
        self._kind = ""
        self._description: dict[str, Any] = {}

    @property
    def is_open(self) -> bool:
        """Whether more of its arguments must follow, so that they are JSON."""
        if not self.pieces or not self.pieces[-1].rstrip().endswith("}"):
            return True
        try:
            json.loads("".join(self.pieces))
        except (ValueError, RecursionError):
            return True
        return False

    @property
    def is_nameless(self) -> bool:
        """Whether it has arguments only."""
        return not self.identity and not self.name and bool(self.pieces)

    @property
    def is_a_name_only(self) -> bool:
        """Whether nothing but its name has come."""
        return bool(self.name) and not self.identity and not self.pieces

    def goes_on_with(self, identity: str, name: str, described: dict[str, Any]) -> bool:
        """Whether a piece with this id and name may belong to this call."""
        same = identity in ("", self.identity) or not self.identity
        if not name:  # and another id: upstream makes up one for each piece
            return same or not described.get("arguments") or self.is_open
        if not self.name:
            return same
        if name != self.name:  # a name in pieces comes before the arguments, and with the id that is known
            return bool(self.identity) and identity in ("", self.identity) and not self.pieces
        text = arguments_text(described.get("arguments"))
        begins = text.lstrip().startswith("{")
        if (
            identity and identity == self.identity
        ):  # some upstreams take the function's name for the id of all its calls
            return not begins or not self.pieces or self.is_open or text == "".join(self.pieces)
        if same:  # without any arguments, it is another call where this one has all of its own
            return self.is_open or (not text and bool(self.identity))
        return bool(self.pieces) and not begins and self.is_open

    def add(self, piece: dict[str, Any]) -> None:
        """Take in a piece: id and type once, the name once or in parts, arguments joined."""
        fields = self._fields
        for key, value in piece.items():
            if key in _IN_PIECES and isinstance(value, dict):
                self._describe(key, value)
            elif key != "index" and value is not None and fields.get(key) in (None, ""):
                fields[key] = value if key != "id" else identity_in(piece)
        self.identity = fields.get("id") or ""

    def _describe(self, kind: str, value: dict[str, Any]) -> None:
        self._kind = kind
        name = value.get("name")
        if name and name != self.name and not (self.name and self.pieces):
            self.name += name
        for key, part in value.items():
            if key == _IN_PIECES[kind]:
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
            elif before == text and not self.is_open:  # all of them once more
                return
        self.pieces.append(text)
        self._length += len(text)

    def copy(self) -> _Call:
        """The same call, whose pieces may be changed."""
        other = _Call(self.index)
        other.__dict__.update(self.__dict__, pieces=list(self.pieces))
        return other

    def result(self) -> dict[str, Any]:
        """The call as an answer without streaming has it."""
        if not self._kind:
            return dict(self._fields)
        name = {"name": self.name} if self.name else {}
        described = {**name, **self._description, _IN_PIECES[self._kind]: "".join(self.pieces)}
        return {**self._fields, self._kind: described}


def listed(parts: Any) -> list[dict[str, Any]]:
    """A delta's list of objects; one object alone is taken for a list of one, null for none.

    Raises:
        TypeError: it is something else.
    """
    if type(parts) is list and len(parts) == 1 and type(parts[0]) is dict:  # as nearly always
        return parts
    if isinstance(parts, dict):
        return [parts]
    if parts is None or (isinstance(parts, list) and all(part is None or isinstance(part, dict) for part in parts)):
        return [part for part in parts or () if part is not None]
    raise TypeError(f"a list of objects is expected, not {type(parts).__name__}")


def _described(piece: dict[str, Any]) -> dict[str, Any]:
    """What a piece says of its function."""
    for kind in _IN_PIECES:
        value = piece.get(kind)
        if value is not None:
            if not isinstance(value, dict):
                raise TypeError(f"a call's {kind} is an object, not {type(value).__name__}")
            return value
    return {}
