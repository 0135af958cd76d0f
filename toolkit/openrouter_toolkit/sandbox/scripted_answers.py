"""One answer of a script: its input types, and how it is written to a client."""

import json
from dataclasses import dataclass, field, replace
from typing import Required, TypedDict

from .catalogue import Model
from .completions import Completion, assemble
from .errors import ApiError, JsonObject
from .fault_injection import EVENT_STREAM, Answer
from .prompts import Prompt
from .tool_calls import ToolCall


class ScriptedCall(TypedDict, total=False):
    """A tool call. `arguments` is an object, or a text that is sent unchanged."""

    name: Required[str]
    arguments: JsonObject | str
    id: str


class ScriptedError(TypedDict, total=False):
    """An error. `status` is the HTTP status, and also the body's `code` unless that is given."""

    status: Required[int]
    message: str
    code: int | str
    error_type: str
    metadata: JsonObject
    availability: JsonObject
    headers: dict[str, str]


class ScriptedAnswer(TypedDict, total=False):
    """One answer; docs/sandbox.md describes each key. A plain text is short for `{"text": …}`."""

    text: str
    reasoning: str
    tool_calls: list[ScriptedCall]
    finish_reason: str
    error: ScriptedError
    cut: bool
    delay: float
    chunk_delay: float
    status: int
    headers: dict[str, str]
    body: str | bytes | list[str | bytes]


@dataclass(frozen=True)
class Turn:
    """A parsed and validated scripted answer. `body`, if given, is sent unchanged instead of a completion."""

    text: str = ""
    reasoning: str | None = None
    tool_calls: tuple[ToolCall, ...] = ()
    finish_reason: str | None = None
    error: ApiError | None = None
    cut: bool = False
    delay: float = 0.0
    chunk_delay: float | None = None
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    body: tuple[str | bytes, ...] | None = None

    @property
    def is_plain(self) -> bool:
        """Whether it is written as an ordinary completion."""
        return self.body is None and self.error is None and not self.cut

    def refusal(self) -> ApiError | None:
        """The error, if it is the whole answer; None if there is no error or content comes before it."""
        if self.error is None or self.text or self.reasoning or self.tool_calls:
            return None
        return replace(self.error, headers={**self.headers, **self.error.headers})

    def completion(self, prompt: Prompt, model: Model, generation_id: str) -> Completion:
        """The completion for this answer; max_tokens and stop sequences do not shorten it."""
        return assemble(
            prompt,
            model,
            generation_id,
            text=self.text,
            reasoning=self.reasoning,
            tool_calls=self.tool_calls,
            finish_reason=self.finish_reason or ("tool_calls" if self.tool_calls else "stop"),
        )

    def write(self, answer: Answer) -> None:
        """Write an answer that is not an ordinary completion."""
        if self.body is not None:
            self._write_body(answer, self.body)
        elif self.error is not None and answer.stream:
            answer.connection.start(content_type=EVENT_STREAM)
            answer.write(answer.format.opening(answer.completion))
            answer.write(answer.format.broken_ending(answer.completion, self.error))
            answer.connection.finish_answer()
        elif self.error is not None:
            answer.connection.answer_headers.update(self.error.headers)
            answer.connection.send_json(self.error.status, answer.format.error_body(self.error))
        else:
            self._cut(answer)

    def _write_body(self, answer: Answer, body: tuple[str | bytes, ...]) -> None:
        if len(body) == 1 and not self.cut:
            serialized = body[0] if isinstance(body[0], bytes) else body[0].encode(errors="replace")
            answer.connection.send(self.status, serialized)
            return
        answer.connection.start(self.status)
        answer.write(piece for piece in body if piece)
        if self.cut:
            answer.connection.cut()
        else:
            answer.connection.finish_answer()

    def _cut(self, answer: Answer) -> None:
        if self.text or self.reasoning or self.tool_calls:
            answer.connection.start(content_type=EVENT_STREAM if answer.stream else "application/json")
            serialized = json.dumps(answer.format.result(answer.completion))
            answer.write(
                answer.format.opening(answer.completion) if answer.stream else [serialized[: len(serialized) // 2]]
            )
        answer.connection.cut()
