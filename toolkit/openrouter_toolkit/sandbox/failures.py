"""The models that fail on purpose (docs/sandbox.md); failures.yaml has those with an answer of their own."""

import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import yaml

from .answers import pieces
from .completions import EVENT_STREAM, KEEP_ALIVE, Answer
from .errors import ApiError
from .prompts import Prompt
from .scripts import Turn, parse_answer

SILENCE_SECONDS = 60
SLOW_SECONDS = 2.0
SLOW_STEP_SECONDS = 0.2
HUGE_BYTES = 80 * 1024 * 1024
AFFORDABLE_TOKENS = 1204
DEFAULT_MAX_TOKENS = 65536
_CHUNK = "word " * 13107
_SCRIPTS = yaml.safe_load(Path(__file__).with_name("failures.yaml").read_text(encoding="utf-8"))
HOSTILE = _SCRIPTS["sandbox/hostile"]["error"]["metadata"]["raw"]


@dataclass(frozen=True)
class Attempt:
    """One attempt to call a model. `is_first` tells whether it is the first one with this key."""

    model_id: str
    prompt: Prompt
    key: str
    is_first: Callable[[], bool]


def scripted_failure(attempt: Attempt) -> Turn | None:
    """The answer of a failing model; None if it answers normally this time, or is not one of them."""
    maximum = attempt.prompt.max_tokens or DEFAULT_MAX_TOKENS
    if (
        attempt.model_id not in _SCRIPTS
        or (attempt.model_id == "sandbox/rate-limited-once" and not attempt.is_first())
        or (attempt.model_id == "sandbox/few-credits" and maximum <= AFFORDABLE_TOKENS)
        or (attempt.model_id == "sandbox/no-tools" and not attempt.prompt.tools)
    ):
        return None
    values = {
        "{model}": attempt.model_id,
        "{key}": attempt.key,
        "{question}": attempt.prompt.question[:100],
        "{max_tokens}": str(maximum),
        "{reset}": str(int((time.time() + 6 * 3600) * 1000)),
    }
    return parse_answer(_fill(_SCRIPTS[attempt.model_id], values), attempt.model_id)


def _fill(template: Any, values: Mapping[str, str]) -> Any:
    if isinstance(template, dict):
        return {name: _fill(part, values) for name, part in template.items()}
    if isinstance(template, list):
        return [_fill(part, values) for part in template]
    for name, value in values.items():
        if isinstance(template, str) and name in template:
            return template.replace(name, value)
    return template


def _connection_lost() -> ApiError:
    metadata = {"provider_name": "Acme AI", "raw": "upstream connection lost"}
    return ApiError(502, "Provider disconnected unexpectedly", metadata=metadata)


def _two_words(answer: Answer) -> Answer:
    completion = answer.completion
    start = "".join(pieces(completion.text or "Let me see")[:2])
    prompt = replace(completion.prompt, choices=1)
    return replace(answer, completion=replace(completion, prompt=prompt, text=start, reasoning=None, tool_calls=()))


def _silent(answer: Answer) -> None:
    if answer.stream:
        _two_words(answer).start()
    answer.connection.wait(SILENCE_SECONDS)
    answer.connection.cut()


def _slow(answer: Answer) -> None:
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


def _huge(answer: Answer) -> None:
    """A valid answer of 80 MiB, generated and sent in chunks."""
    completion = replace(answer.completion, text="HUGE", reasoning=None, tool_calls=())
    before, _, after = json.dumps(answer.format.result(completion)).partition("HUGE")
    answer.connection.start()
    answer.connection.write(before)
    for _ in range(HUGE_BYTES // len(_CHUNK) + 1):
        answer.connection.write(_CHUNK)
    answer.connection.write(after)
    answer.connection.finish_answer()


# The models whose own answer is broken off or written wrongly.
FAULTS: Mapping[str, Callable[[Answer], None]] = {
    "sandbox/error-in-200": lambda answer: answer.send_error(_connection_lost(), 200),
    "sandbox/choice-error": lambda answer: _two_words(answer).fail(_connection_lost(), in_choice=True),
    "sandbox/error-mid-stream": lambda answer: _two_words(answer).fail(_connection_lost()),
    "sandbox/cut": lambda answer: (_two_words(answer) if answer.stream else answer).cut(),
    "sandbox/silent": _silent,
    "sandbox/slow": _slow,
    "sandbox/huge": _huge,
}

FAILING_MODELS = frozenset({*_SCRIPTS, *FAULTS})
