"""The requests of POST /chat/completions."""

import json
from typing import Any

from .errors import ApiError, JsonObject
from .prompts import (
    Prompt,
    Tool,
    conversation,
    declared_tool,
    last_question,
    parts,
    positive,
    requested_models,
    rounds_since_question,
    text_of,
    words_to_stop_at,
)


def parse(body: JsonObject) -> Prompt:
    """The prompt in a request's body; raises ApiError 400 for a wrong body."""
    messages = conversation(body)
    tools = _tools(body.get("tools"))
    contents = [part for message in messages for part in parts(message.get("content"))]
    return Prompt(
        models=requested_models(body),
        question=last_question(messages),
        characters=sum(len(text_of(message.get("content"))) for message in messages)
        + sum(len(json.dumps(tool.parameters)) + len(tool.description) for tool in tools),
        stream=body.get("stream") is True,
        rounds=rounds_since_question(messages),
        tool_results=_tool_results(messages),
        tools=tools,
        tool_choice=_tool_choice(body.get("tool_choice")),
        parallel=body.get("parallel_tool_calls") is not False,
        max_tokens=positive(body, "max_completion_tokens", "max_tokens"),
        stop=words_to_stop_at(body.get("stop")),
        choices=positive(body, "n") or 1,
        wants_reasoning=_wants_reasoning(body),
        wants_image="image" in (body.get("modalities") or []),
        answer_schema=_answer_schema(body.get("response_format")),
        has_image=any(part.get("type") == "image_url" for part in contents),
    )


def _tools(declared: Any) -> tuple[Tool, ...]:
    if declared is None:
        return ()
    if not isinstance(declared, list):
        raise ApiError(400, "tools: must be a list")
    return tuple(
        declared_tool(tool.get("function"), "parameters", f"tools.{position}.function")
        for position, tool in enumerate(declared)
        if isinstance(tool, dict) and tool.get("type", "function") == "function"
    )


def _tool_choice(choice: Any) -> str:
    if isinstance(choice, dict):
        function = choice.get("function")
        choice = function.get("name") if isinstance(function, dict) else choice.get("type")
    return choice if isinstance(choice, str) else "auto"


def _tool_results(messages: list[JsonObject]) -> tuple[str, ...]:
    results: list[str] = []
    for message in reversed(messages):
        if message["role"] != "tool":
            break
        results.insert(0, text_of(message.get("content")))
    return tuple(results)


def _wants_reasoning(body: JsonObject) -> bool:
    reasoning = body.get("reasoning")
    if isinstance(reasoning, dict):
        return reasoning.get("enabled") is not False and reasoning.get("effort") != "none"
    return body.get("reasoning_effort") not in {None, "none"} or body.get("include_reasoning") is True


def _answer_schema(response_format: Any) -> JsonObject | None:
    if not isinstance(response_format, dict) or response_format.get("type") not in {
        "json_object",
        "json_schema",
    }:
        return None
    described = response_format.get("json_schema")
    schema = described.get("schema") if isinstance(described, dict) else None
    return schema if isinstance(schema, dict) else {}
