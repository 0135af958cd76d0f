"""What a listener gets while an answer is being streamed."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

Kind = Literal["start", "text", "reasoning", "refusal", "tool_call", "usage", "end", "other"]


@dataclass(frozen=True, slots=True)
class StreamEvent:
    """One event of a streamed answer, as it arrived.

    Attributes:
        kind: what the event brings; `other` for what has no name here.
        text: the piece of text (`text`, `reasoning`, `refusal`), or of a tool call's JSON arguments.
        tool_call: for `tool_call`: its index, and its id and name where this event told them.
        index: which choice (chat) or content block (messages) it belongs to.
        raw: the event's JSON object.
    """

    kind: Kind
    text: str = ""
    tool_call: dict[str, Any] | None = None
    index: int = 0
    raw: dict[str, Any] = field(default_factory=dict, repr=False)
