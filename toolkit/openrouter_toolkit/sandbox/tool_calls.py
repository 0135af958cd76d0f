"""Which tools the sandbox's models call, and with which arguments."""

import secrets
from dataclasses import dataclass

from .errors import ApiError, JsonObject
from .json_values import fitting_value
from .mentions import Mentions, content_words
from .prompts import Prompt, Tool


@dataclass(frozen=True)
class ToolCall:
    """One call; `id` is unique."""

    id: str
    name: str
    arguments: JsonObject


def choose_calls(prompt: Prompt) -> list[ToolCall]:
    """The calls that a model makes for the prompt; none when it should answer in words.

    A tool fits when its name or description shares a content word with the question; the one that shares
    most is called. Where the question names two or more tools, all of those are called.

    Raises:
        ApiError: 400 when tool_choice names a tool that is not there.
    """
    return [
        ToolCall(f"call_{secrets.token_hex(12)}", tool.name, _arguments(tool, prompt.question))
        for tool in _chosen(prompt)
    ]


def _chosen(prompt: Prompt) -> list[Tool]:
    if not prompt.tools or prompt.tool_choice == "none":
        return []
    if prompt.tool_choice not in {"auto", "required"}:
        chosen = [tool for tool in prompt.tools if tool.name == prompt.tool_choice]
        if not chosen:
            raise ApiError(400, f"tool_choice: no tool is called {prompt.tool_choice}")
        return chosen[:1]
    if prompt.tool_results and prompt.tool_choice == "auto":
        return []
    asked = frozenset(content_words(prompt.question))
    named = [tool for tool in prompt.tools if _is_named(tool, asked)]
    if len(named) > 1 and prompt.parallel:
        return named
    best = max(prompt.tools, key=lambda tool: _overlap(tool, asked))
    return [best] if _overlap(best, asked) or prompt.tool_choice == "required" else []


def _is_named(tool: Tool, asked: frozenset[str]) -> bool:
    name = frozenset(content_words(tool.name.replace("_", " ")))
    return bool(name) and name <= asked


def _overlap(tool: Tool, asked: frozenset[str]) -> int:
    """Shared words; a word of the name counts twice."""
    name = frozenset(content_words(tool.name.replace("_", " ")))
    return 2 * len(name & asked) + len(frozenset(content_words(tool.description)) & asked)


def _arguments(tool: Tool, question: str) -> JsonObject:
    arguments = fitting_value({"type": "object", **tool.parameters}, Mentions(question))
    return arguments if isinstance(arguments, dict) else {}
