"""Chooses which tools the sandbox's models call, and with which arguments."""

import json
import re
import secrets
from dataclasses import dataclass

from .errors import ApiError, JsonObject
from .json_values import fitting_value
from .mentions import Mentions, Step, content_words, steps
from .price_lists import cheapest
from .prompts import Prompt, Tool

_CHEAPEST = re.compile(r"\b(?:cheapest|least expensive|lowest price)\b", re.IGNORECASE)
_REFERENCE = re.compile(rf"\b(?:it|its|that model|that one)\b|{_CHEAPEST.pattern}", re.IGNORECASE)
# Parameters that contain a question for a model.
_QUESTION_PARAMETERS = frozenset({"messages", "prompt"})


@dataclass(frozen=True)
class ToolCall:
    """One call; `id` is unique. Arguments given as text are sent unchanged, even if they are not JSON."""

    id: str
    name: str
    arguments: JsonObject | str

    @property
    def arguments_text(self) -> str:
        """The arguments as text."""
        return self.arguments if isinstance(self.arguments, str) else json.dumps(self.arguments, ensure_ascii=False)


def choose_calls(prompt: Prompt) -> list[ToolCall]:
    """The calls that a model makes for the prompt; an empty list if it should answer with text.

    A tool fits if its name or description shares a content word with the question; the one that shares
    most is called. If the question names two or more tools, all of those are called.

    A question with several steps that tools fit ("…, then …") gets a round of calls for each. "Ask it: …" fits a
    tool that takes messages or a prompt; "it" is the cheapest entry in the last round's results, if the question
    asks for the cheapest. If there is none, the model gives up and answers with text.

    Raises:
        ApiError: 400 if tool_choice names an unknown tool.
    """
    if not prompt.tools or prompt.tool_choice == "none":
        return []
    plan = [step for step in steps(prompt.question) if _best_tool(prompt.tools, step)]
    if len(plan) < 2:
        plan = [Step(prompt.question)]
    done = max(prompt.rounds, 1) if prompt.tool_results else 0
    position = min(done, len(plan) - 1)
    known = _known_arguments(plan[: position + 1], prompt.tool_results if position else ())
    if prompt.tool_choice == "auto" and (done > position or known is None):
        return []
    step = plan[position]
    return [
        ToolCall(f"call_{secrets.token_hex(12)}", tool.name, _arguments(tool, step, known or {}))
        for tool in _choose_tools(prompt, step)
    ]


def _choose_tools(prompt: Prompt, step: Step) -> list[Tool]:
    if prompt.tool_choice not in {"auto", "required"}:
        chosen = [tool for tool in prompt.tools if tool.name == prompt.tool_choice]
        if not chosen:
            raise ApiError(400, f"tool_choice: no tool is called {prompt.tool_choice}")
        return chosen[:1]
    words = frozenset(content_words(step.words))
    named = [tool for tool in prompt.tools if _is_named(tool, words)]
    if len(named) > 1 and prompt.parallel:
        return named
    best = _best_tool(prompt.tools, step)
    if best is None and prompt.tool_choice == "required":
        best = prompt.tools[0]
    return [] if best is None else [best]


def _best_tool(tools: tuple[Tool, ...], step: Step) -> Tool | None:
    """The tool that fits a step best, the first of equals; None if none fits."""
    words = frozenset(content_words(step.words))
    question_tools = [tool for tool in tools if step.question and _QUESTION_PARAMETERS & tool.properties.keys()]
    best = max(question_tools or tools, key=lambda tool: _overlap(tool, words))
    return best if question_tools or _overlap(best, words) else None


def _is_named(tool: Tool, words: frozenset[str]) -> bool:
    name = frozenset(content_words(tool.name.replace("_", " ")))
    return bool(name) and name <= words


def _overlap(tool: Tool, words: frozenset[str]) -> int:
    """The number of shared words; a word of the name counts twice."""
    name = frozenset(content_words(tool.name.replace("_", " ")))
    return 2 * len(name & words) + len(frozenset(content_words(tool.description)) & words)


def _known_arguments(plan: list[Step], results: tuple[str, ...]) -> JsonObject | None:
    """The arguments that the last step of a plan gives; None if it refers to something the results don't contain."""
    step = plan[-1]
    known: JsonObject = {}
    if step.question:
        known = {"messages": [{"role": "user", "content": step.question}], "prompt": step.question}
    plan_text = " ".join(earlier.words for earlier in plan)
    if len(plan) > 1 and _REFERENCE.search(step.words) and _CHEAPEST.search(plan_text):
        model = cheapest(results, plan_text)
        if model is None:
            return None
        author, _, slug = model.partition("/")
        known |= {"model": model, "author": author, "slug": slug}
    return known


def _arguments(tool: Tool, step: Step, known: JsonObject) -> JsonObject:
    arguments = fitting_value({"type": "object", **tool.parameters}, Mentions(step.words))
    if isinstance(arguments, dict) and "messages" in arguments:
        arguments["messages"] = [{"role": "user", "content": step.words}]
    accepted = {name: value for name, value in known.items() if name in tool.properties}
    return {**arguments, **accepted} if isinstance(arguments, dict) else accepted
