"""Generates the text of an answer, always the same for the same question."""

import json
import operator
import re
from collections.abc import Callable

from .json_values import fitting_value
from .mentions import Mentions
from .prompts import Prompt

_MAX_QUOTED = 300
_MAX_READ = 5000
_PIECE = re.compile(r"\s*\S{1,12}|\s+$")
_NUMBER = r"(-?\d+(?:\.\d+)?)"
_CALCULATION = re.compile(rf"{_NUMBER}\s*([-+*/x×÷]|plus|minus|times|divided by)\s*{_NUMBER}", re.IGNORECASE)
_GREETING = re.compile(r"\s*(hello|hi|hey|good (morning|day|evening))\b", re.IGNORECASE)
_CAPITAL = re.compile(r"capital (?:city )?of (?:the )?([a-z ]+)", re.IGNORECASE)

_OPERATIONS: dict[str, Callable[[float, float], float]] = {
    **dict.fromkeys(("+", "plus"), operator.add),
    **dict.fromkeys(("-", "minus"), operator.sub),
    **dict.fromkeys(("*", "x", "×", "times"), operator.mul),
    **dict.fromkeys(("/", "÷", "divided by"), operator.truediv),
}

_CAPITALS = {
    "Austria": "Vienna",
    "Brazil": "Brasília",
    "Canada": "Ottawa",
    "China": "Beijing",
    "Egypt": "Cairo",
    "France": "Paris",
    "Germany": "Berlin",
    "India": "New Delhi",
    "Italy": "Rome",
    "Japan": "Tokyo",
    "Kenya": "Nairobi",
    "Mexico": "Mexico City",
    "Spain": "Madrid",
    "United Kingdom": "London",
    "United States": "Washington, D.C.",
}


def pieces(text: str) -> list[str]:
    """The text split into the sandbox's tokens: words with the preceding space; long words are split."""
    return _PIECE.findall(text)


def answer_text(prompt: Prompt) -> str:
    """The answer to a prompt, before limits are applied."""
    if prompt.answer_schema is not None:
        return _json_answer(prompt)
    if prompt.tool_results:
        found = "; ".join(_result_text(result).strip()[:_MAX_QUOTED] for result in prompt.tool_results)
        return f"Here is what the tool found: {found}"
    return _prose(prompt.question)


def reasoning_text(prompt: Prompt) -> str:
    """The reasoning of a model before it answers."""
    return f"The user asks: {prompt.question.strip()[:_MAX_QUOTED]} A short answer will do."


def _result_text(result: str) -> str:
    """A tool's result as text; if it is a model's answer in one of the two formats, its text only."""
    try:
        answer = json.loads(result)
        if "choices" in answer:
            return "".join(choice["message"]["content"] for choice in answer["choices"])
        return "".join(block["text"] for block in answer["content"] if block["type"] == "text")
    except (LookupError, RecursionError, TypeError, ValueError):
        return result


def _json_answer(prompt: Prompt) -> str:
    if not prompt.answer_schema:
        return json.dumps({"answer": _prose(prompt.question)}, ensure_ascii=False)
    return json.dumps(fitting_value(prompt.answer_schema, Mentions(prompt.question)), ensure_ascii=False)


def _prose(question: str) -> str:
    question = question[:_MAX_READ]
    if calculation := _CALCULATION.search(question):
        return _calculate(*calculation.groups())
    if capital := _CAPITAL.search(question):
        for country, city in _CAPITALS.items():
            if capital[1].lower().startswith(country.lower()):
                return f"The capital of {country} is {city}."
    if _GREETING.match(question):
        return "Hello! How can I help you today?"
    single_line = " ".join(question.split())
    excerpt = single_line if len(single_line) <= _MAX_QUOTED else f"{single_line[:_MAX_QUOTED]}…"
    return f"You said “{excerpt}”, and this is the sandbox's answer to it."


def _calculate(left: str, sign: str, right: str) -> str:
    if _OPERATIONS[sign.lower()] is operator.truediv and not float(right):
        return f"{left} {sign} {right} has no answer: nothing can be divided by zero."
    result = _OPERATIONS[sign.lower()](float(left), float(right))
    return f"{left} {sign} {right} = {result:.10g}"
