"""Parses the requests of POST /chat/completions."""

import json
from typing import Any

from .conversations import CHAT_ROLES, conversation, last_question, parts, rounds_since_question, text_of
from .errors import ApiError, JsonObject
from .parameters import CHAT, check_parameters
from .prompts import Prompt, Tool, length_limit, parse_tool, requested_models, stop_sequences


def parse(body: JsonObject) -> Prompt:
    """The prompt of a request body. Raises ApiError 400 for an invalid body."""
    check_parameters(body, CHAT)
    messages = conversation(body, CHAT_ROLES)
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
        max_tokens=length_limit(body, "max_completion_tokens", "max_tokens"),
        stop=stop_sequences(body.get("stop")),
        choices=int(body.get("n") or 1),
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
    for position, tool in enumerate(declared):
        if not isinstance(tool, dict) or not isinstance(tool.get("type"), str):
            raise ApiError(400, f"tools.{position}: must be an object with a type")
    return tuple(
        parse_tool(tool.get("function"), "parameters", f"tools.{position}.function")
        for position, tool in enumerate(declared)
        if tool["type"] == "function"
    )


def _tool_choice(choice: Any) -> str:
    """auto, none, required, or the name of a tool (for a tool that runs at the provider, its type)."""
    if choice is None or (isinstance(choice, str) and choice in ("auto", "none", "required")):
        return choice or "auto"
    kind = choice.get("type") if isinstance(choice, dict) else None
    function = choice.get("function") if kind == "function" else {"name": kind}
    if not isinstance(function, dict) or not isinstance(function.get("name"), str):
        raise ApiError(
            400, "tool_choice: must be auto, none, required, or an object with a type, and a function's name"
        )
    return str(function["name"])


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
    if not isinstance(response_format, dict) or response_format["type"] not in ("json_object", "json_schema"):
        return None
    if response_format["type"] == "json_object":
        return {}
    described = response_format.get("json_schema")
    if not isinstance(described, dict) or not isinstance(described.get("name"), str):
        raise ApiError(400, "response_format.json_schema: must be an object with a name")
    schema = described.get("schema")
    return schema if isinstance(schema, dict) else {}
