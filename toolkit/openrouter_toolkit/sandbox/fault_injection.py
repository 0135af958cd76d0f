"""The models that inject faults: broken, silent, slow or malformed answers; docs/sandbox.md lists them."""

import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

from .answers import pieces
from .completions import Completion
from .connection import Connection
from .errors import ApiError
from .formats import KEEP_ALIVE, Format
from .models import ACME

EVENT_STREAM = "text/event-stream"
SILENCE_SECONDS = 60
SLOW_SECONDS = 2.0
SLOW_STEP_SECONDS = 0.2
HUGE_BYTES = 80 * 1024 * 1024
HOSTILE_TEXT = "Here \x1b[31mis\x1b[0m your \x1b]0;owned\x07 answer\x1b[2J"

_PAGE = b"<!DOCTYPE html>\n<html><head><title>Bad gateway</title></head><body>Bad gateway</body></html>\n"
_CHUNK = "word " * 13107


@dataclass(frozen=True)
class Answer:
    """An answer to be written: its connection, format, content, whether to stream it, and the delay per chunk."""

    connection: Connection
    format: Format
    completion: Completion
    stream: bool
    chunk_delay: float = 0.0

    def write(self, frames: Iterable[str | bytes]) -> None:
        """Write chunks of a started answer, each followed by the delay."""
        for frame in frames:
            self.connection.write(frame)
            self.connection.wait(self.chunk_delay)

    def two_words(self) -> Completion:
        """The same completion, truncated after two words."""
        start = "".join(pieces(self.completion.text or "Let me see")[:2])
        return replace(self.completion, text=start, reasoning=None, tool_calls=(), count=1)

    def start_stream(self) -> None:
        """Send the headers and the first two words of a stream."""
        self.connection.start(content_type=EVENT_STREAM)
        self.write(self.format.opening(self.two_words()))


def _connection_lost() -> ApiError:
    metadata = {"provider_name": ACME.name, "raw": "upstream connection lost"}
    return ApiError(502, "Provider disconnected unexpectedly", metadata=metadata)


def error_in_200(answer: Answer) -> None:
    """Status 200 with an error body, even for a streamed request."""
    answer.connection.send_json(200, answer.format.error_body(_connection_lost()))


def choice_error(answer: Answer) -> None:
    """Status 200 with the error inside the choice."""
    if not answer.stream:
        answer.connection.send_json(200, answer.format.broken_result(answer.two_words(), _connection_lost()))
        return
    answer.start_stream()
    answer.write(answer.format.broken_choice_ending(answer.two_words(), _connection_lost()))
    answer.connection.finish_answer()


def error_mid_stream(answer: Answer) -> None:
    """Two words, then an error; 502 if not streamed."""
    if not answer.stream:
        answer.connection.send_json(502, answer.format.error_body(_connection_lost()))
        return
    answer.start_stream()
    answer.write(answer.format.broken_ending(answer.two_words(), _connection_lost()))
    answer.connection.finish_answer()


def cut(answer: Answer) -> None:
    """The connection closes in the middle of the answer."""
    if answer.stream:
        answer.start_stream()
    else:
        answer.connection.start()
        serialized = json.dumps(answer.format.result(answer.completion))
        answer.connection.write(serialized[: len(serialized) // 2])
    answer.connection.cut()


def cut_before_answer(answer: Answer) -> None:
    """The connection closes without a single byte."""
    answer.connection.cut()


def silent(answer: Answer) -> None:
    """Two words, then silence; if not streamed, only silence."""
    if answer.stream:
        answer.start_stream()
    answer.connection.wait(SILENCE_SECONDS)
    answer.connection.cut()


def slow(answer: Answer) -> None:
    """A late answer, kept alive with blank lines or comments."""
    answer.connection.start(content_type=EVENT_STREAM if answer.stream else "application/json")
    for _ in range(round(SLOW_SECONDS / SLOW_STEP_SECONDS)):
        answer.connection.write(KEEP_ALIVE if answer.stream else "\n         \n")
        answer.connection.wait(SLOW_STEP_SECONDS)
    if answer.stream:
        answer.write(answer.format.opening(answer.completion))
        answer.write(answer.format.ending(answer.completion))
    else:
        answer.connection.write(json.dumps(answer.format.result(answer.completion)))
    answer.connection.finish_answer()


def html(answer: Answer) -> None:
    """A proxy's HTML error page with status 502."""
    answer.connection.send(502, _PAGE, "text/html; charset=utf-8")


def html_200(answer: Answer) -> None:
    """An HTML page with status 200."""
    answer.connection.send(200, _PAGE, "text/html; charset=utf-8")


def empty(answer: Answer) -> None:
    """Status 200 with an empty body."""
    answer.connection.send(200, b"")


def huge(answer: Answer) -> None:
    """A valid answer of 80 MiB, generated and sent in chunks."""
    placeholder = "HUGE"
    serialized = json.dumps(
        answer.format.result(replace(answer.completion, text=placeholder, reasoning=None, tool_calls=()))
    )
    before, _, after = serialized.partition(placeholder)
    answer.connection.start()
    answer.connection.write(before)
    for _ in range(HUGE_BYTES // len(_CHUNK) + 1):
        answer.connection.write(_CHUNK)
    answer.connection.write(after)
    answer.connection.finish_answer()


FAULTS: dict[str, Callable[[Answer], None]] = {
    "sandbox/error-in-200": error_in_200,
    "sandbox/choice-error": choice_error,
    "sandbox/error-mid-stream": error_mid_stream,
    "sandbox/cut": cut,
    "sandbox/cut-before-answer": cut_before_answer,
    "sandbox/silent": silent,
    "sandbox/slow": slow,
    "sandbox/html": html,
    "sandbox/html-200": html_200,
    "sandbox/empty": empty,
    "sandbox/huge": huge,
}

# Models that answer in the right shape, with a fixed text.
TEXTS = {"sandbox/hostile-text": HOSTILE_TEXT}
