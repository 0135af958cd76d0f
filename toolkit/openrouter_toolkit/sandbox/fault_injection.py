"""The models that break off, fall silent or talk nonsense on purpose; docs/sandbox.md lists them."""

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
_PIECE = "word " * 13107


@dataclass(frozen=True)
class Answer:
    """An answer about to be written: where to, in which format, streamed or not, how slowly."""

    connection: Connection
    format: Format
    completion: Completion
    stream: bool
    chunk_delay: float = 0.0

    def write(self, frames: Iterable[str | bytes]) -> None:
        """Write pieces of a started answer, each followed by the delay."""
        for frame in frames:
            self.connection.write(frame)
            self.connection.wait(self.chunk_delay)

    def two_words(self) -> Completion:
        """The same completion, cut after two words."""
        start = "".join(pieces(self.completion.text or "Let me see")[:2])
        return replace(self.completion, text=start, reasoning=None, tool_calls=(), count=1)

    def start_stream(self) -> None:
        """Send the headers and the first two words of a stream."""
        self.connection.start(content_type=EVENT_STREAM)
        self.write(self.format.opening(self.two_words()))


def _lost() -> ApiError:
    metadata = {"provider_name": ACME.name, "raw": "upstream connection lost"}
    return ApiError(502, "Provider disconnected unexpectedly", metadata=metadata)


def error_in_200(answer: Answer) -> None:
    """Status 200 with an error for a body, also where a stream was asked for."""
    answer.connection.send_json(200, answer.format.error_body(_lost()))


def choice_error(answer: Answer) -> None:
    """Status 200 with the error inside the choice."""
    if not answer.stream:
        answer.connection.send_json(200, answer.format.broken_result(answer.two_words(), _lost()))
        return
    answer.start_stream()
    answer.write(answer.format.broken_choice_ending(answer.two_words(), _lost()))
    answer.connection.finish_answer()


def error_mid_stream(answer: Answer) -> None:
    """Two words, then an error; 502 without a stream."""
    if not answer.stream:
        answer.connection.send_json(502, answer.format.error_body(_lost()))
        return
    answer.start_stream()
    answer.write(answer.format.broken_ending(answer.two_words(), _lost()))
    answer.connection.finish_answer()


def cut(answer: Answer) -> None:
    """The connection closes in the middle of the answer."""
    if answer.stream:
        answer.start_stream()
    else:
        answer.connection.start()
        whole = json.dumps(answer.format.result(answer.completion))
        answer.connection.write(whole[: len(whole) // 2])
    answer.connection.cut()


def cut_before_answer(answer: Answer) -> None:
    """The connection closes without one byte."""
    answer.connection.cut()


def silent(answer: Answer) -> None:
    """Two words and then nothing; nothing at all without a stream."""
    if answer.stream:
        answer.start_stream()
    answer.connection.wait(SILENCE_SECONDS)
    answer.connection.cut()


def slow(answer: Answer) -> None:
    """The answer comes late, kept alive with blank lines or comments."""
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
    """A proxy's page instead of an answer."""
    answer.connection.send(502, _PAGE, "text/html; charset=utf-8")


def html_200(answer: Answer) -> None:
    """A page that claims success."""
    answer.connection.send(200, _PAGE, "text/html; charset=utf-8")


def empty(answer: Answer) -> None:
    """Success, and nothing else."""
    answer.connection.send(200, b"")


def huge(answer: Answer) -> None:
    """A good answer of 80 MiB, made and sent piece by piece."""
    mark = "HUGE"
    whole = json.dumps(answer.format.result(replace(answer.completion, text=mark, reasoning=None, tool_calls=())))
    before, _, after = whole.partition(mark)
    answer.connection.start()
    answer.connection.write(before)
    for _ in range(HUGE_BYTES // len(_PIECE) + 1):
        answer.connection.write(_PIECE)
    answer.connection.write(after)
    answer.connection.finish_answer()


MISBEHAVIOURS: dict[str, Callable[[Answer], None]] = {
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

# Models that answer well-formed, in words of their own.
TEXTS = {"sandbox/hostile-text": HOSTILE_TEXT}
