"""The interface of a completion format, and the frames of server-sent events."""

import json
from collections.abc import Iterator
from typing import Protocol

from .completions import Completion
from .errors import ApiError, JsonObject
from .prompts import Prompt

KEEP_ALIVE = ": OPENROUTER PROCESSING\n\n"
DONE = "data: [DONE]\n\n"


class Format(Protocol):
    """A request and answer format, implemented by a module with these functions."""

    def parse(self, body: JsonObject) -> Prompt:
        """The prompt of a request body. Raises ApiError 400 for an invalid body."""

    def result(self, completion: Completion) -> JsonObject:
        """The complete answer, not streamed."""

    def opening(self, completion: Completion) -> Iterator[str]:
        """The frames of a streamed answer up to its last text."""

    def ending(self, completion: Completion) -> Iterator[str]:
        """The frames after the last text."""

    def error_body(self, error: ApiError) -> JsonObject:
        """The body of an error response."""

    def broken_result(self, completion: Completion, error: ApiError) -> JsonObject:
        """An answer of status 200 whose body reports that generation failed midway."""

    def broken_ending(self, completion: Completion, error: ApiError) -> Iterator[str]:
        """The frames that end a stream with an error."""

    def broken_choice_ending(self, completion: Completion, error: ApiError) -> Iterator[str]:
        """The frames that end a stream with an error inside a choice, if the format supports that."""


def frame(data: JsonObject, event: str | None = None) -> str:
    """One server-sent event."""
    named = f"event: {event}\n" if event else ""
    return f"{named}data: {json.dumps(data, ensure_ascii=False)}\n\n"
