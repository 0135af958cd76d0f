"""Assemble the reasoning details of a streamed chat completion from their pieces."""

from __future__ import annotations

from typing import Any

from .events import text_or_none
from .tool_calls import object_list

# Text fields, which are streamed in pieces. Other fields are opaque and complete: they are not joined, none is lost.
_TEXTS = ("text", "summary")


class ReasoningDetails:
    """Add the details of each delta; `result` returns the complete ones, in the order of their first pieces."""

    def __init__(self) -> None:
        self._details: list[_Detail] = []
        self._by_key: dict[Any, _Detail] = {}

    def add(self, details: Any) -> None:
        """Add a delta's `reasoning_details`."""
        for piece in object_list(details):
            key = _key_of(piece)
            current = self._by_key.get(key)
            if current is not None and piece.get("index") is None and current is not self._details[-1]:
                current = None  # without an index, it can only continue the last detail
            if current is None or not current.continues_with(piece):
                current = self._by_key[key] = _Detail()
                self._details.append(current)
            current.add(piece)

    def result(self) -> list[dict[str, Any]]:
        """The details, as far as they have arrived."""
        return [detail.result() for detail in self._details]


class _Detail:
    """One detail, incomplete until its last piece."""

    def __init__(self) -> None:
        self._fields: dict[str, Any] = {}
        self._texts: dict[str, list[str]] = {}

    def continues_with(self, piece: dict[str, Any]) -> bool:
        """Whether the piece belongs to this detail: no field other than a text has a different value in it."""
        fields = self._fields
        for name, value in piece.items():
            if name not in _TEXTS and value and fields.get(name) and fields[name] != value:
                return False
            if name in _TEXTS and value and fields.get("signature") and fields["signature"] != piece.get("signature"):
                return False  # a signature ends the text that it belongs to
        return True

    def add(self, piece: dict[str, Any]) -> None:
        """Add a piece: texts are joined, and of other values the last one that is not null counts."""
        for name, value in piece.items():
            if name in _TEXTS and isinstance(value, str):
                text_or_none(self._fields.setdefault(name, ""))
                self._texts.setdefault(name, []).append(value)
            elif name in _TEXTS and value is not None and name in self._texts:
                raise TypeError(f"{name} is a text, not {type(value).__name__}")
            elif (value is not None and value != "") or name not in self._fields:
                self._fields[name] = value

    def result(self) -> dict[str, Any]:
        """The detail, as far as it has arrived."""
        return {**self._fields, **{name: "".join(pieces) for name, pieces in self._texts.items()}}


def _key_of(piece: dict[str, Any]) -> tuple[Any, ...]:
    """The key that all pieces of one detail share: type and index."""
    kind, index = piece.get("type"), piece.get("index")
    return (kind if isinstance(kind, str) else str(kind), index if isinstance(index, int | str) else str(index))
