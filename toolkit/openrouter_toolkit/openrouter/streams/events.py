"""The events that a listener gets during a stream, and checks of the upstream values in them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

Kind = Literal["start", "text", "reasoning", "refusal", "tool_call", "usage", "end", "other"]

# No real answer has more choices, tool calls or content blocks than this.
MAX_PARTS = 10_000
_MAX_INDEX = 2**53


@dataclass(frozen=True, slots=True)
class StreamEvent:
    """One event of a streamed answer, as it arrived.

    Attributes:
        kind: what the event contains; `other` for everything else.
        text: a piece of text (`text`, `reasoning`, `refusal`), or of a tool call's JSON arguments.
        tool_call: for `tool_call`: its index, and its id and name if this event has them. Calls to which upstream
            gives the same index get different ones.
        index: which choice (chat) or content block (messages) it belongs to.
        raw: the event's JSON object.
    """

    kind: Kind
    text: str = ""
    tool_call: dict[str, Any] | None = None
    index: int = 0
    raw: dict[str, Any] = field(default_factory=dict, repr=False)


def index_in(part: dict[str, Any]) -> int | None:
    """The index of a choice, tool call or block, given as a number or as text; None if there is none.

    Raises:
        TypeError: it is not a valid index.
    """
    index = part.get("index")
    if type(index) is int or index is None:
        return _in_range(index)
    if isinstance(index, str) and index.isascii() and index.isdigit() and len(index) < 10:
        return int(index)
    if isinstance(index, float) and index.is_integer():
        return _in_range(int(index))
    raise TypeError(f"an index is a number, not {type(index).__name__}")


def _in_range(index: int | None) -> int | None:
    if index is not None and not -_MAX_INDEX < index < _MAX_INDEX:
        raise TypeError("an index is a smaller number")
    return index


def text_or_none(value: Any) -> str | None:
    """A string, unchanged, or None.

    Raises:
        TypeError: it is something else.
    """
    if value is None or isinstance(value, str):
        return value
    raise TypeError(f"a text is expected, not {type(value).__name__}")


def id_in(part: dict[str, Any]) -> str | None:
    """The id of a tool call as text, also if it is a number; None if there is none.

    Raises:
        TypeError: it is something else.
    """
    identifier = part.get("id")
    return str(identifier) if type(identifier) is int else text_or_none(identifier)
