"""Assemble JSON objects and contents that are streamed in pieces, without dropping any."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, Protocol

from .events import Kind

# Consecutive parts of these types are joined: their texts, or the parts inside them.
_JOINABLE_FIELDS = {"text": "text", "thinking": "thinking"}
_MAX_DEPTH = 4  # levels of nested parts that are joined and passed to a listener
# Fields of a message that are texts or lists of parts.
CONTENTS = frozenset(("content", "reasoning", "refusal", "reasoning_content"))
# Fields with JSON in a text; some upstreams send the JSON itself.
_JSON_FIELDS = frozenset(("arguments", "partial_json"))
_NO_PARTS: Mapping[str, Any] = {}


class Part(Protocol):
    """A value that is streamed in pieces."""

    def add(self, piece: Any) -> object:
        """Add a piece, which is not empty."""
        ...

    def result(self) -> Any:
        """The value, as far as it has arrived."""
        ...


class PartialObject:
    """A JSON object that is streamed in pieces, which are objects themselves.

    Lists are appended, texts and contents are joined where `parts` says so, and of other values the last one that is
    not empty counts.
    """

    __slots__ = ("_kinds", "_parts", "fields", "texts")

    def __init__(self, parts: Mapping[str, Callable[[], Part] | None] = _NO_PARTS, **fields: Any) -> None:
        """`parts`: None for fields whose texts are joined; for others, what makes the assembly of their values."""
        self.fields = {name: list(value) if isinstance(value, list) else value for name, value in fields.items()}
        self.texts: dict[str, list[Any]] = {}
        self._kinds = parts
        self._parts: dict[str, Part] = {}

    def add(self, piece: dict[str, Any]) -> None:
        """Add a piece.

        Raises:
            TypeError: or a similar error: a part of it has an invalid type.
        """
        fields, texts, kinds = self.fields, self.texts, self._kinds
        for name, value in piece.items():
            if value is None:
                if name not in fields:
                    fields[name] = None
            elif name in texts and type(value) is str:  # fast path for the usual case
                texts[name].append(value)
            elif name in kinds:
                new_part = kinds[name]
                if new_part is None:
                    self.join(name, value)
                elif value:
                    part = self._parts.get(name) or self._parts.setdefault(name, new_part())
                    part.add(value)
            elif type(value) is list:
                known = fields.get(name)
                if not known:
                    fields[name] = list(value)
                elif isinstance(known, list):
                    known += value
                else:
                    raise TypeError(f"a list is expected, not {type(known).__name__}")
            elif value != "" or name not in fields:
                fields[name] = value

    def part(self, name: str) -> Part | None:
        """The assembly of a field's values, if it is streamed in pieces of its own."""
        return self._parts.get(name)

    def join(self, name: str, value: Any) -> None:
        """Add a piece of a field's text, or parts of its content; raises `TypeError` for anything else."""
        pieces = self.texts.get(name)
        if pieces is None:
            start = self.fields.setdefault(name, None)
            pieces = self.texts[name] = [start] if start else []
        pieces.append(value if isinstance(value, str) else check_piece(value, name))

    def result(self) -> dict[str, Any]:
        """The object, as far as it has arrived."""
        texts = {name: join_pieces(pieces) for name, pieces in self.texts.items()}
        parts = {name: value for name, part in self._parts.items() if (value := part.result())}
        return {**self.fields, **texts, **parts}


def check_piece(value: Any, name: str) -> str | list[Any]:
    """A piece of a field: a text, for contents a list of parts too (a single part becomes a list).

    Raises:
        TypeError: the value is neither.
    """
    if name in _JSON_FIELDS:
        return arguments_text(value)
    if isinstance(value, str) or (isinstance(value, list) and name in CONTENTS):
        return value
    if isinstance(value, dict) and name in CONTENTS:
        return [value]
    raise TypeError(f"{name} is a text, not {type(value).__name__}")


def arguments_text(arguments: Any) -> str:
    """A tool call's arguments, or a piece of them, as JSON text; some upstreams send an object instead."""
    if isinstance(arguments, str):
        return arguments
    return "" if arguments is None else json.dumps(arguments)


def join_pieces(pieces: list[Any], depth: int = _MAX_DEPTH) -> Any:
    """One text if all pieces are texts, else the list of all parts, in which each text becomes a part."""
    if all(isinstance(piece, str) for piece in pieces):
        return "".join(pieces)
    not_empty = [piece for piece in pieces if piece not in ([], [{}])]  # an empty list does not turn text into a list
    if len(not_empty) < len(pieces) and not_empty:
        return join_pieces(not_empty, depth)
    parts: list[Any] = []
    values: list[Any] = []  # the inner values of consecutive parts that are joined
    kind: tuple[str, type] | None = None
    for part in [*_all_parts(pieces), None]:
        name = _joinable_field(part) if depth else None
        part_kind = None if name is None else (name, type(part[name]))
        if kind and part_kind != kind:
            value = values[0] if len(values) == 1 else join_pieces(values, depth - 1)
            parts.append({"type": kind[0], kind[0]: value})
            values = []
        kind = part_kind
        if name is None:
            parts.append(part)
        else:
            values.append(part[name])
    return parts[:-1]


def _all_parts(pieces: list[Any]) -> Iterator[Any]:
    for piece in pieces:
        if isinstance(piece, list):
            yield from piece
        elif piece:
            yield {"type": "text", "text": piece}


def _joinable_field(part: Any) -> str | None:
    """The field of a part that can be joined with the next: one that has only its type and this field; or None."""
    if not isinstance(part, dict) or len(part) != 2 or not isinstance(part.get("type"), str):
        return None
    name = _JOINABLE_FIELDS.get(part["type"])
    return name if isinstance(part.get(name or ""), str | list) else None


def texts_in(piece: str | list[Any], kind: Kind, depth: int = _MAX_DEPTH) -> Iterable[tuple[Kind, str]]:
    """The texts in a piece, each with the kind of event that a listener gets for it."""
    return ((kind, piece),) if isinstance(piece, str) else _texts_in_parts(piece, kind, depth)


def _texts_in_parts(parts: list[Any], kind: Kind, depth: int) -> Iterator[tuple[Kind, str]]:
    for part in parts:
        if isinstance(part, str) and part:
            yield kind, part
        if not isinstance(part, dict):
            continue
        if isinstance(part.get("text"), str):
            yield kind, part["text"]
        thinking = part.get("thinking")
        if isinstance(thinking, str | list) and depth:
            yield from texts_in(thinking, "reasoning", depth - 1)


def object_list(parts: Any) -> list[dict[str, Any]]:
    """A delta's list of objects; a single object becomes a list, null an empty list.

    Raises:
        TypeError: it is something else.
    """
    if type(parts) is list and len(parts) == 1 and type(parts[0]) is dict:  # fast path for the usual case
        return parts
    if isinstance(parts, dict):
        return [parts]
    if parts is None or (isinstance(parts, list) and all(part is None or isinstance(part, dict) for part in parts)):
        return [part for part in parts or () if part is not None]
    raise TypeError(f"a list of objects is expected, not {type(parts).__name__}")
