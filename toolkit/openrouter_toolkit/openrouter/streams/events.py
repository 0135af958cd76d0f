"""What a listener gets while an answer is being streamed, and the types that upstream's values must have for it."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any, Literal

Kind = Literal["start", "text", "reasoning", "refusal", "tool_call", "usage", "end", "other"]

# More choices, tool calls or content blocks than this no answer has.
MOST_PARTS = 10_000
_LARGEST_INDEX = 2**53


@dataclass(frozen=True, slots=True)
class StreamEvent:
    """One event of a streamed answer, as it arrived.

    Attributes:
        kind: what the event brings; `other` for what has no name here.
        text: the piece of text (`text`, `reasoning`, `refusal`), or of a tool call's JSON arguments.
        tool_call: for `tool_call`: its index, and its id and name where this event has them. Calls that upstream
            sends under the same index get an index each.
        index: which choice (chat) or content block (messages) it belongs to.
        raw: the event's JSON object.
    """

    kind: Kind
    text: str = ""
    tool_call: dict[str, Any] | None = None
    index: int = 0
    raw: dict[str, Any] = field(default_factory=dict, repr=False)


def index_in(part: dict[str, Any]) -> int | None:
    """The index of a choice, tool call or block, also where it is written as text; None where there is none.

    Raises:
        TypeError: it is no number that can be an index.
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
    if index is not None and not -_LARGEST_INDEX < index < _LARGEST_INDEX:
        raise TypeError("an index is a smaller number")
    return index


def text_or_none(value: Any) -> str | None:
    """A text as it is; None for null.

    Raises:
        TypeError: it is something else.
    """
    if value is None or isinstance(value, str):
        return value
    raise TypeError(f"a text is expected, not {type(value).__name__}")


def identity_in(part: dict[str, Any]) -> str | None:
    """The id of a tool call, also where it is a number; None where there is none.

    Raises:
        TypeError: it is something else.
    """
    identity = part.get("id")
    return str(identity) if type(identity) is int else text_or_none(identity)


def arguments_text(arguments: Any) -> str:
    """A tool call's arguments as the JSON text that they are a piece of; some upstreams send an object instead."""
    if isinstance(arguments, str):
        return arguments
    return "" if arguments is None else json.dumps(arguments)
