"""What a format of completions has to offer, and the frames of server-sent events."""

import json
from collections.abc import Iterator
from typing import Protocol

from .completions import Completion
from .errors import ApiError, JsonObject
from .prompts import Prompt

KEEP_ALIVE = ": OPENROUTER PROCESSING\n\n"
DONE = "data: [DONE]\n\n"


class Format(Protocol):
    """One of the request and answer formats; a module with these functions is one."""

    def parse(self, body: JsonObject) -> Prompt:
        """The prompt in a request's body; raises ApiError 400 for a wrong body."""

    def result(self, completion: Completion) -> JsonObject:
        """The whole answer."""

    def opening(self, completion: Completion) -> Iterator[str]:
        """The frames of a streamed answer up to its last word."""

    def ending(self, completion: Completion) -> Iterator[str]:
        """The frames after the last word."""

    def error_body(self, error: ApiError) -> JsonObject:
        """The body of an answer that is an error."""

    def broken_result(self, completion: Completion, error: ApiError) -> JsonObject:
        """An answer of status 200 that says in its body that generating failed on the way."""

    def broken_ending(self, completion: Completion, error: ApiError) -> Iterator[str]:
        """The frames that end a stream with an error."""

    def broken_choice_ending(self, completion: Completion, error: ApiError) -> Iterator[str]:
        """The frames that end a stream with an error inside a choice, where the format has that."""


def frame(data: JsonObject, event: str | None = None) -> str:
    """One server-sent event."""
    named = f"event: {event}\n" if event else ""
    return f"{named}data: {json.dumps(data, ensure_ascii=False)}\n\n"
