"""The reasoning details of a streamed chat completion, put together from their pieces."""

from __future__ import annotations

from typing import Any

from .events import text_or_none
from .tool_calls import listed

# Texts that come in pieces. All else is opaque and comes whole: two values can't be joined, and none is dropped.
_TEXTS = ("text", "summary")


class ReasoningDetails:
    """Add the details of each delta; `result` gives the whole ones, in the order in which they began."""

    def __init__(self) -> None:
        self._details: list[_Detail] = []
        self._by_key: dict[Any, _Detail] = {}

    def add(self, details: Any) -> None:
        """Take in a delta's `reasoning_details`."""
        for piece in listed(details):
            key = _key_of(piece)
            known = self._by_key.get(key)
            if known is not None and piece.get("index") is None and known is not self._details[-1]:
                known = None  # without an index it goes on from what came last, or from nothing
            if known is None or not known.goes_on_with(piece):
                known = self._by_key[key] = _Detail()
                self._details.append(known)
            known.add(piece)

    def result(self) -> list[dict[str, Any]]:
        """The details as far as they have arrived."""
        return [detail.result() for detail in self._details]


class _Detail:
    """One detail in the making."""

    def __init__(self) -> None:
        self._fields: dict[str, Any] = {}
        self._texts: dict[str, list[str]] = {}

    def goes_on_with(self, piece: dict[str, Any]) -> bool:
        """Whether the piece is one of this detail: of the same id, and nothing that is whole comes twice."""
        fields = self._fields
        for name, value in piece.items():
            if name not in _TEXTS and value and fields.get(name) and fields[name] != value:
                return False
            if name in _TEXTS and value and fields.get("signature") and fields["signature"] != piece.get("signature"):
                return False  # a signature ends the text that it belongs to
        return True

    def add(self, piece: dict[str, Any]) -> None:
        """Take in a piece: texts joined, of other values the last that is not null."""
        for name, value in piece.items():
            if name in _TEXTS and isinstance(value, str):
                text_or_none(self._fields.setdefault(name, ""))
                self._texts.setdefault(name, []).append(value)
            elif name in _TEXTS and value is not None and name in self._texts:
                raise TypeError(f"{name} is a text, not {type(value).__name__}")
            elif (value is not None and value != "") or name not in self._fields:
                self._fields[name] = value

    def result(self) -> dict[str, Any]:
        """The detail as far as it has arrived."""
        return {**self._fields, **{name: "".join(pieces) for name, pieces in self._texts.items()}}


def _key_of(piece: dict[str, Any]) -> tuple[Any, ...]:
    """Pieces of one detail share type and index."""
    kind, index = piece.get("type"), piece.get("index")
    return (kind if isinstance(kind, str) else str(kind), index if isinstance(index, int | str) else str(index))
