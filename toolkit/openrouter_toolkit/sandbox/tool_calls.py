"""Which tools the sandbox's models call, and with which arguments."""

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
# Parameters that take a question for a model.
_ASKING = frozenset({"messages", "prompt"})


@dataclass(frozen=True)
class ToolCall:
    """One call; `id` is unique. Arguments that are a text are sent as they are, also where they are no JSON."""

    id: str
    name: str
    arguments: JsonObject | str

    @property
    def written(self) -> str:
        """The arguments as text."""
        return self.arguments if isinstance(self.arguments, str) else json.dumps(self.arguments, ensure_ascii=False)


def choose_calls(prompt: Prompt) -> list[ToolCall]:
    """The calls that a model makes for the prompt; none when it should answer in words.

    A tool fits when its name or description shares a content word with the question; the one that shares
    most is called. Where the question names two or more tools, all of those are called.

    A question with several steps that tools fit ("…, then …") gets a round of calls for each. "Ask it: …" fits a
    tool that takes messages or a prompt; "it" is the cheapest entry of what the last round found, if that was
    looked for. When there is none, the model gives up and answers in words.

    Raises:
        ApiError: 400 when tool_choice names a tool that is not there.
    """
    if not prompt.tools or prompt.tool_choice == "none":
        return []
    plan = [step for step in steps(prompt.question) if _best(prompt.tools, step)]
    if len(plan) < 2:
        plan = [Step(prompt.question)]
    done = max(prompt.rounds, 1) if prompt.tool_results else 0
    position = min(done, len(plan) - 1)
    known = _known(plan[: position + 1], prompt.tool_results if position else ())
    if prompt.tool_choice == "auto" and (done > position or known is None):
        return []
    step = plan[position]
    return [
        ToolCall(f"call_{secrets.token_hex(12)}", tool.name, _arguments(tool, step, known or {}))
        for tool in _chosen(prompt, step)
    ]


def _chosen(prompt: Prompt, step: Step) -> list[Tool]:
    if prompt.tool_choice not in {"auto", "required"}:
        chosen = [tool for tool in prompt.tools if tool.name == prompt.tool_choice]
        if not chosen:
            raise ApiError(400, f"tool_choice: no tool is called {prompt.tool_choice}")
        return chosen[:1]
    words = frozenset(content_words(step.words))
    named = [tool for tool in prompt.tools if _is_named(tool, words)]
    if len(named) > 1 and prompt.parallel:
        return named
    best = _best(prompt.tools, step)
    if best is None and prompt.tool_choice == "required":
        best = prompt.tools[0]
    return [] if best is None else [best]


def _best(tools: tuple[Tool, ...], step: Step) -> Tool | None:
    """The tool that fits a step best, the first of several; None when none does."""
    words = frozenset(content_words(step.words))
    asking = [tool for tool in tools if step.asked and _ASKING & tool.properties.keys()]
    best = max(asking or tools, key=lambda tool: _overlap(tool, words))
    return best if asking or _overlap(best, words) else None


def _is_named(tool: Tool, asked: frozenset[str]) -> bool:
    name = frozenset(content_words(tool.name.replace("_", " ")))
    return bool(name) and name <= asked


def _overlap(tool: Tool, asked: frozenset[str]) -> int:
    """Shared words; a word of the name counts twice."""
    name = frozenset(content_words(tool.name.replace("_", " ")))
    return 2 * len(name & asked) + len(frozenset(content_words(tool.description)) & asked)


def _known(plan: list[Step], results: tuple[str, ...]) -> JsonObject | None:
    """Arguments by name that the last step of a plan gives; None when it refers to what the results don't have."""
    step = plan[-1]
    known: JsonObject = {}
    if step.asked:
        known = {"messages": [{"role": "user", "content": step.asked}], "prompt": step.asked}
    said = " ".join(earlier.words for earlier in plan)
    if len(plan) > 1 and _REFERENCE.search(step.words) and _CHEAPEST.search(said):
        model = cheapest(results, said)
        if model is None:
            return None
        author, _, slug = model.partition("/")
        known |= {"model": model, "author": author, "slug": slug}
    return known


def _arguments(tool: Tool, step: Step, known: JsonObject) -> JsonObject:
    arguments = fitting_value({"type": "object", **tool.parameters}, Mentions(step.words))
    if isinstance(arguments, dict) and "messages" in arguments:
        arguments["messages"] = [{"role": "user", "content": step.words}]
    taken = {name: value for name, value in known.items() if name in tool.properties}
    return {**arguments, **taken} if isinstance(arguments, dict) else taken
