"""Scripts: the answers that a test sets for a model of its own, one for each call."""

import json
import re
import secrets
import threading
from collections.abc import Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass, field, replace
from typing import Any, Required, TypedDict

from .answers import ToolCall
from .completions import Answer, Completion
from .errors import ApiError, JsonObject
from .models import Model, do_everything_model
from .parameters import describe, validator
from .prompts import Prompt


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


_TEXT = {"type": "string", "title": "a text"}
_OBJECT = {"type": "object", "title": "an object"}
_SECONDS = {"type": "number", "minimum": 0, "title": "a number of seconds, 0 or more"}
_STATUS = {"type": "integer", "minimum": 200, "maximum": 599, "title": "an HTTP status from 200 to 599"}
_BYTES = {"type": ["string", "bytes"]}


def _closed(*required: str, **properties: JsonObject) -> JsonObject:
    return {
        "type": "object",
        "title": f"an object with {', '.join(sorted(properties))}",
        "required": required,
        "properties": properties,
        "additionalProperties": False,
    }


_ANSWER = validator(
    _closed(
        **dict.fromkeys(("text", "reasoning", "finish_reason"), _TEXT),
        **dict.fromkeys(("delay", "chunk_delay"), _SECONDS),
        headers=_OBJECT,
        status=_STATUS,
        cut={"type": "boolean", "title": "true or false"},
        body={"anyOf": [_BYTES, {"type": "array", "items": _BYTES}], "title": "a text, bytes, or a list of them"},
        tool_calls={
            "type": "array",
            "title": "a list of objects",
            "items": _closed(
                "name", name=_TEXT, id=_TEXT, arguments={"type": ["object", "string"], "title": "an object, or a text"}
            ),
        },
        error=_closed(
            "status",
            **dict.fromkeys(("message", "error_type"), _TEXT),
            **dict.fromkeys(("metadata", "availability", "headers"), _OBJECT),
            status=_STATUS,
            code={"type": ["number", "string"], "title": "a number or a text"},
        ),
    )
)
_MESSAGE_KEYS = {"text", "reasoning", "tool_calls", "finish_reason", "error"}
_HEADER = re.compile(r"[!#$%&'*+.^`|~\w-]+: [\x20-\x7e\xa0-\xff\t]*", re.ASCII)


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

    @property
    def has_words(self) -> bool:
        """Whether content comes before the error or the cut."""
        return bool(self.text or self.reasoning or self.tool_calls)

    def refusal(self) -> ApiError | None:
        """The error, if it is the whole answer."""
        if self.error is None or self.has_words:
            return None
        return replace(self.error, headers={**self.headers, **self.error.headers})

    def completion(self, prompt: Prompt, model: Model, generation_id: str) -> Completion:
        """The completion for this answer; max_tokens and stop sequences do not shorten it."""
        return Completion(
            generation_id,
            model,
            prompt,
            self.text,
            self.reasoning,
            self.tool_calls,
            self.finish_reason or ("tool_calls" if self.tool_calls else "stop"),
        )

    def write(self, answer: Answer) -> None:
        """Write an answer that is not an ordinary completion."""
        connection = answer.connection
        if self.body is not None and (len(self.body) != 1 or self.cut):
            connection.start(self.status)
            answer.write(piece for piece in self.body if piece)
            if self.cut:
                connection.cut()
            else:
                connection.finish_answer()
        elif self.body is not None:
            piece = self.body[0]
            connection.send(self.status, piece if isinstance(piece, bytes) else piece.encode(errors="replace"))
        elif self.error is not None:
            answer.fail(self.error)
        elif self.has_words:
            answer.cut()
        else:
            connection.cut()


def parse_answer(answer: Any, where: str) -> Turn:
    """Validate an answer. Raises ValueError, which says what is wrong, and where."""
    fields: Any = {"text": answer} if isinstance(answer, str) else answer
    _check_schema(fields, where)
    if not fields.keys() & {*_MESSAGE_KEYS, "body", "cut"} - {"finish_reason"}:
        raise ValueError(f"script: {where}: must have one of text, reasoning, tool_calls, error, cut, body")
    if "body" in fields and fields.keys() & _MESSAGE_KEYS:
        surplus = ", ".join(sorted(fields.keys() & _MESSAGE_KEYS))
        raise ValueError(f"script: {where}: body goes out as it is; leave out {surplus}")
    if "status" in fields and "body" not in fields:
        raise ValueError(f"script: {where}: status goes with body; an error has a status of its own")
    if fields.get("cut") and "error" in fields:
        raise ValueError(f"script: {where}: ends with an error or is cut, not both")
    _check_json(fields, where)
    fields = {**fields, "headers": _headers(fields, f"{where}.headers")}
    if "tool_calls" in fields:
        fields["tool_calls"] = tuple(
            ToolCall(call.get("id") or f"call_{secrets.token_hex(12)}", call["name"], call.get("arguments", {}))
            for call in fields["tool_calls"]
        )
    if "error" in fields:
        headers = _headers(fields["error"], f"{where}.error.headers")
        fields["error"] = ApiError(**{"message": "The script says so", **fields["error"], "headers": headers})
    if "body" in fields:
        body = fields["body"]
        fields["body"] = (body,) if isinstance(body, str | bytes) else tuple(body)
    return Turn(**fields)


def _check_schema(answer: Any, where: str) -> None:
    for problem in _ANSWER.iter_errors(answer):
        place, words = describe(problem)
        if problem.validator == "required":
            place, _, missing = place.rpartition(".")
            words = f"must have a {missing}"
        elif problem.validator == "additionalProperties":
            known = problem.schema["properties"]
            unknown = next(name for name in problem.instance if name not in known)
            words = f"unknown key {unknown!r}; there are {', '.join(sorted(known))}"
        raise ValueError(f"script: {'.'.join(filter(None, (where, place)))}: {words}")


def _check_json(answer: JsonObject, where: str) -> None:
    for name, part in answer.items():
        try:
            json.dumps(None if name == "body" else part, allow_nan=False)
        except (TypeError, ValueError, RecursionError) as error:
            raise ValueError(f"script: {where}.{name}: can't be written as JSON: {error}") from None


def _headers(described: Mapping[str, Any], where: str) -> dict[str, str]:
    headers: Mapping[Any, Any] = described.get("headers", {})
    for name, value in headers.items():
        if not isinstance(value, str) or not _HEADER.fullmatch(f"{name}: {value}"):
            raise ValueError(f"script: {where}: {name!r} can't be sent: names and values must be texts on one line")
        if name.lower() in ("content-length", "transfer-encoding"):
            raise ValueError(f"script: {where}: {name} is set by the sandbox")
    # The sandbox sets this header too, so its name must have the same spelling.
    return {"Content-Type" if name.lower() == "content-type" else name: value for name, value in headers.items()}


@dataclass
class _Script:
    model: Model
    turns: list[Turn]
    repeat_last: bool
    calls: int = 0


class Scripts:
    """The scripts of all models. Thread-safe: no answer is given twice."""

    def __init__(self) -> None:
        self._scripts: dict[str, _Script] = {}
        self._lock = threading.Lock()

    def set(self, model_id: str, answers: Sequence[str | ScriptedAnswer], *, repeat_last: bool) -> None:
        """Set a model's next answers, in place of its previous ones. Raises ValueError for an invalid one or id."""
        if not isinstance(model_id, str) or not model_id or model_id.split() != [model_id]:
            raise ValueError('script: the model\'s id must be a text without spaces, such as "my/model"')
        if isinstance(answers, (str, bytes, dict)) or not isinstance(answers, Sequence) or not answers:
            raise ValueError("script: answers must be a list with at least one answer")
        turns = [parse_answer(answer, f"answers.{position}") for position, answer in enumerate(deepcopy(answers))]
        model = do_everything_model(model_id, "Scripted", "Answers what a test wrote for it.")
        with self._lock:
            self._scripts[model_id] = _Script(model, turns, repeat_last)

    def models(self) -> list[Model]:
        """The models that have a script."""
        with self._lock:
            return [script.model for script in self._scripts.values()]

    def find(self, model_id: str) -> Model | None:
        """The scripted model with this id, or the one of which it is a variant (`:nitro`); None if there is none."""
        script = self._find(model_id)
        return None if script is None else script.model

    def next(self, model_id: str) -> Turn | None:
        """The model's next answer; None if it has no script. Raises ApiError 400 if the script has none left."""
        with self._lock:
            script = self._find(model_id)
            if script is None:
                return None
            position = script.calls
            script.calls += 1
        if position < len(script.turns):
            return script.turns[position]
        if script.repeat_last:
            return script.turns[-1]
        raise ApiError(
            400,
            f"The script of {model_id} is used up: this is call {position + 1}, and it has {len(script.turns)} "
            "answers. Write more of them, or give script(…, repeat_last=True)",
        )

    def clear(self) -> None:
        """Remove all scripts and their models."""
        with self._lock:
            self._scripts.clear()

    def _find(self, model_id: str) -> _Script | None:
        return self._scripts.get(model_id) or self._scripts.get(model_id.partition(":")[0])
