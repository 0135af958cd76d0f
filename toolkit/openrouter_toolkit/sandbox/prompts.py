"""Parses completion requests into one form, `Prompt`, independent of their format."""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from .errors import ApiError, JsonObject
from .parameters import check_parameters

CHARACTERS_PER_TOKEN = 4


@dataclass(frozen=True)
class Tool:
    """A tool that the model may call. `parameters` is the JSON Schema of its arguments."""

    name: str
    description: str
    parameters: JsonObject

    @property
    def properties(self) -> JsonObject:
        """The schemas of the arguments by name."""
        properties = self.parameters.get("properties")
        return properties if isinstance(properties, dict) else {}


@dataclass(frozen=True)
class Prompt:
    """A completion request.

    Attributes:
        models: the model, then the fallbacks, in the order to try them.
        question: the user's last message.
        characters: the length of the whole input of the model.
        rounds: how often tools were called since the question; parallel calls are one round.
        tool_results: the results of tools, if they are the last messages.
        tool_choice: auto, none, required, or the name of a tool (for one that runs at the provider, its type).
        choices: the number of requested answers.
        answer_schema: the JSON Schema that the answer must fit; {} for any object; None for prose.
    """

    models: tuple[str, ...]
    question: str
    characters: int
    stream: bool = False
    rounds: int = 0
    tool_results: tuple[str, ...] = ()
    tools: tuple[Tool, ...] = ()
    tool_choice: str = "auto"
    parallel: bool = True
    max_tokens: int | None = None
    stop: tuple[str, ...] = ()
    choices: int = 1
    wants_reasoning: bool = False
    wants_image: bool = False
    answer_schema: JsonObject | None = None
    has_image: bool = False

    @property
    def tokens(self) -> int:
        """The estimated length in tokens."""
        return max(1, -(-self.characters // CHARACTERS_PER_TOKEN))


def parse_chat(body: JsonObject) -> Prompt:
    """The prompt of POST /chat/completions. Raises ApiError 400 for an invalid body."""
    body = check_parameters(body, "chat")
    messages = body["messages"]
    functions = [tool["function"] for tool in body.get("tools", ()) if tool["type"] == "function"]
    tools = tuple(_tool(function, "parameters") for function in functions)
    results: list[str] = []
    for message in reversed(messages):
        if message["role"] != "tool":
            break
        results.insert(0, _text_of(message["content"]))
    choice = body.get("tool_choice", "auto")
    if isinstance(choice, dict):
        choice = choice["function"]["name"] if choice["type"] == "function" else choice["type"]
    wanted = body.get("response_format", {})
    schema = wanted.get("json_schema", {}).get("schema") if wanted.get("type") == "json_schema" else None
    wants_json = wanted.get("type") in ("json_object", "json_schema")
    return Prompt(
        models=_models(body),
        question=_last_question(messages),
        characters=_length((message.get("content") for message in messages), tools),
        stream=body.get("stream", False),
        rounds=_rounds_since_question(messages),
        tool_results=tuple(results),
        tools=tools,
        tool_choice=choice,
        parallel=body.get("parallel_tool_calls", True),
        max_tokens=_integer(body.get("max_completion_tokens", body.get("max_tokens"))),
        stop=_stop_sequences(body.get("stop", ())),
        choices=int(body.get("n", 1)),
        wants_reasoning=_wants_reasoning(body),
        wants_image="image" in body.get("modalities", ()),
        answer_schema=(schema if isinstance(schema, dict) else {}) if wants_json else None,
        has_image=_has_part(messages, "image_url"),
    )


def parse_messages(body: JsonObject) -> Prompt:
    """The prompt of POST /messages. Raises ApiError 400 for an invalid body."""
    body = check_parameters(body, "messages")
    messages = body["messages"]
    custom = [tool for tool in body.get("tools", ()) if tool.get("type") in (None, "custom")]
    tools = tuple(_tool(tool, "input_schema") for tool in custom)
    choice = body.get("tool_choice", {"type": "auto"})
    wanted = body.get("output_config", {}).get("format")
    schema = wanted.get("schema") if isinstance(wanted, dict) else None
    return Prompt(
        models=_models(body),
        question=_last_question(messages),
        characters=_length([body.get("system"), *(message.get("content") for message in messages)], tools),
        stream=body.get("stream", False),
        rounds=_rounds_since_question(messages),
        tool_results=tuple(
            _text_of(part.get("content"))
            for part in _parts(messages[-1].get("content"))
            if part.get("type") == "tool_result"
        ),
        tools=tools,
        tool_choice={"tool": choice.get("name"), "any": "required"}.get(choice["type"], choice["type"]),
        parallel=choice.get("disable_parallel_tool_use") is not True,
        max_tokens=_integer(body.get("max_tokens")),
        stop=_stop_sequences(body.get("stop_sequences", ())),
        wants_reasoning=body.get("thinking", {}).get("type") in ("enabled", "adaptive"),
        answer_schema=schema if isinstance(schema, dict) else None,
        has_image=_has_part(messages, "image"),
    )


def parse_text(body: JsonObject) -> Prompt:
    """The prompt of POST /completions. Raises ApiError 400 for an invalid body."""
    body = check_parameters(body, "completions")
    question = body["prompt"] if isinstance(body["prompt"], str) else "\n".join(body["prompt"])
    return Prompt(
        models=_models(body),
        question=question,
        characters=len(question),
        stream=body.get("stream", False),
        max_tokens=_integer(body.get("max_tokens")),
        stop=_stop_sequences(body.get("stop", ())),
        choices=int(body.get("n", 1)),
    )


def _models(body: JsonObject) -> tuple[str, ...]:
    """The ids in `model` and its fallbacks (`models`, or `fallbacks` of /messages), without duplicates."""
    fallbacks = [fallback["model"] for fallback in body.get("fallbacks", ())]
    if fallbacks and body.get("models"):
        raise ApiError(400, "fallbacks: can't be combined with models")
    named = [body.get("model"), *body.get("models", ()), *fallbacks]
    models = tuple(dict.fromkeys(model for model in named if model))
    if not models:
        raise ApiError(400, "No models provided: name one in model")
    return models


def _tool(declared: JsonObject, schema_name: str) -> Tool:
    return Tool(declared["name"], str(declared.get("description") or ""), declared.get(schema_name) or {})


def _integer(number: float | None) -> int | None:
    return None if number is None else int(number)


def _stop_sequences(stop: str | list[str]) -> tuple[str, ...]:
    return tuple(word for word in ([stop] if isinstance(stop, str) else stop) if word)


def _length(contents: Iterable[Any], tools: Iterable[Tool]) -> int:
    """The characters of messages and tools."""
    declared = sum(len(json.dumps(tool.parameters)) + len(tool.description) for tool in tools)
    return sum(len(_text_of(content)) for content in contents) + declared


def _wants_reasoning(body: JsonObject) -> bool:
    reasoning = body.get("reasoning")
    if reasoning is not None:
        return reasoning.get("enabled") is not False and reasoning.get("effort") != "none"
    return body.get("reasoning_effort", "none") != "none" or body.get("include_reasoning") is True


def _parts(content: Any) -> list[JsonObject]:
    """The content of a message as a list of parts, even if it is plain text or empty."""
    if isinstance(content, str):
        return [{"type": "text", "text": content}]
    return [part for part in content if isinstance(part, dict)] if isinstance(content, list) else []


def _text_of(content: Any) -> str:
    """The text of a message's content, without images and files."""
    return " ".join(str(part["text"]) for part in _parts(content) if part.get("type") == "text" and "text" in part)


def _has_part(messages: list[JsonObject], kind: str) -> bool:
    return any(part.get("type") == kind for message in messages for part in _parts(message.get("content")))


def _last_question(messages: list[JsonObject]) -> str:
    """The text of the user's last message, or of the last message if the user wrote none."""
    texts = [(message["role"], _text_of(message.get("content"))) for message in messages]
    by_user = [text for role, text in texts if role == "user" and text.strip()]
    return by_user[-1] if by_user else texts[-1][1]


def _rounds_since_question(messages: list[JsonObject]) -> int:
    """How often tools were called since the user's last message."""
    rounds = 0
    for message in reversed(messages):
        if message["role"] == "user" and _text_of(message.get("content")).strip():
            break
        rounds += bool(message.get("tool_calls")) or _has_part([message], "tool_use")
    return rounds
