"""Text of a delta that comes in pieces, some of them as lists of parts: joined, and nothing of it dropped."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from .events import Kind

# Parts of these kinds go on from each other: their text, or the parts inside.
_JOINED = {"text": "text", "thinking": "thinking"}
_DEEPEST = 4  # levels of parts inside parts that are joined and listened to


def checked_piece(value: Any) -> str | list[Any]:
    """A piece of text, or its parts; one part alone is taken for a list of one.

    Raises:
        TypeError: it is neither.
    """
    if isinstance(value, str | list):
        return value
    if isinstance(value, dict):
        return [value]
    raise TypeError(f"content is text or a list of parts, not {type(value).__name__}")


def joined(pieces: list[Any], deep: int = _DEEPEST) -> Any:
    """Text where all pieces are texts; else the list of all parts, with the texts between as parts of their own."""
    if all(isinstance(piece, str) for piece in pieces):
        return "".join(pieces)
    said = [piece for piece in pieces if piece not in ([], [{}])]  # parts that are none don't make a list of a text
    if len(said) < len(pieces) and said:
        return joined(said, deep)
    parts: list[Any] = []
    run: list[Any] = []  # the inner values of parts that go on from each other
    kind: tuple[str, type] | None = None
    for part in _all_parts(pieces):
        name = _name_of_inside(part) if deep else None
        this = None if name is None else (name, type(part[name]))
        if run and this != kind:
            parts.append(_whole(kind, run, deep))
            run = []
        kind = this
        if name is None:
            parts.append(part)
        else:
            run.append(part[name])
    if run:
        parts.append(_whole(kind, run, deep))
    return parts


def _all_parts(pieces: list[Any]) -> Iterator[Any]:
    for piece in pieces:
        if isinstance(piece, list):
            yield from piece
        elif piece:
            yield {"type": "text", "text": piece}


def _name_of_inside(part: Any) -> str | None:
    """The field of a part that others go on from: it has nothing but its kind and a text, or parts."""
    if not isinstance(part, dict) or len(part) != 2 or not isinstance(part.get("type"), str):
        return None
    name = _JOINED.get(part["type"])
    return name if isinstance(part.get(name or ""), str | list) else None


def _whole(kind: tuple[str, type] | None, run: list[Any], deep: int) -> dict[str, Any]:
    name = kind[0] if kind else ""
    return {"type": name, name: run[0] if len(run) == 1 else joined(run, deep - 1)}


def texts_in(piece: str | list[Any], kind: Kind, deep: int = _DEEPEST) -> Iterator[tuple[Kind, str]]:
    """A piece of text, or the texts in a list of parts, each with what a listener gets it as."""
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
        if isinstance(thinking, str | list) and deep:
            yield from texts_in(thinking, "reasoning", deep - 1)
