"""Join the content pieces of deltas, which are texts or lists of content parts, without dropping any."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from .events import Kind

# Consecutive parts of these types are joined: their texts, or the parts inside them.
_JOINABLE_FIELDS = {"text": "text", "thinking": "thinking"}
_MAX_DEPTH = 4  # levels of nested parts that are joined and passed to a listener


def check_piece(value: Any) -> str | list[Any]:
    """A text or a list of parts, unchanged; a single part becomes a list.

    Raises:
        TypeError: the value is neither.
    """
    if isinstance(value, str | list):
        return value
    if isinstance(value, dict):
        return [value]
    raise TypeError(f"content is text or a list of parts, not {type(value).__name__}")


def join_pieces(pieces: list[Any], depth: int = _MAX_DEPTH) -> Any:
    """One text if all pieces are texts, else the list of all parts, in which each text becomes a part."""
    if all(isinstance(piece, str) for piece in pieces):
        return "".join(pieces)
    not_empty = [piece for piece in pieces if piece not in ([], [{}])]  # an empty list does not turn text into a list
    if len(not_empty) < len(pieces) and not_empty:
        return join_pieces(not_empty, depth)
    parts: list[Any] = []
    values: list[Any] = []  # the inner values of consecutive parts to be joined
    kind: tuple[str, type] | None = None
    for part in _all_parts(pieces):
        name = _joinable_field(part) if depth else None
        part_kind = None if name is None else (name, type(part[name]))
        if values and part_kind != kind:
            parts.append(_joined_part(kind, values, depth))
            values = []
        kind = part_kind
        if name is None:
            parts.append(part)
        else:
            values.append(part[name])
    if values:
        parts.append(_joined_part(kind, values, depth))
    return parts


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


def _joined_part(kind: tuple[str, type] | None, values: list[Any], depth: int) -> dict[str, Any]:
    name = kind[0] if kind else ""
    return {"type": name, name: values[0] if len(values) == 1 else join_pieces(values, depth - 1)}


def texts_in(piece: str | list[Any], kind: Kind, depth: int = _MAX_DEPTH) -> Iterator[tuple[Kind, str]]:
    """The texts in a piece, each with the kind of event that a listener gets for it."""
    if isinstance(piece, str):
        yield kind, piece
        return
    for part in piece:
        if isinstance(part, str) and part:
            yield kind, part
        if not isinstance(part, dict):
            continue
        if isinstance(part.get("text"), str):
            yield kind, part["text"]
        thinking = part.get("thinking")
        if isinstance(thinking, str | list) and depth:
            yield from texts_in(thinking, "reasoning", depth - 1)
