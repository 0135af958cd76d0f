"""What a model without a script answers: words, JSON or tool calls, always the same for the same question."""

import json
import operator
import re
import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, NamedTuple

from .errors import ApiError, JsonObject
from .models import MODELS, Model
from .prompts import Prompt, Tool

_MAX_QUOTED = 300
_MAX_READ = 5000
_MAX_DEPTH = 8
_PIECE = re.compile(r"\s*\S{1,12}|\s+$")
_CALCULATION = re.compile(r"(-?\d+(?:\.\d+)?)\s*([-+*/])\s*(-?\d+(?:\.\d+)?)")
_OPERATIONS = {"+": operator.add, "-": operator.sub, "*": operator.mul, "/": operator.truediv}
_GREETING = re.compile(r"\s*(hello|hi|hey)\b", re.IGNORECASE)
_CAPITAL = re.compile(r"capital of ([a-z]+)", re.IGNORECASE)
_CAPITALS = {"France": "Paris", "Germany": "Berlin", "Italy": "Rome", "Japan": "Tokyo", "Spain": "Madrid"}

# Words that say nothing about a tool, with the verbs with which half of all tool names begin.
_STOP_WORDS = frozenset(
    re.findall(
        r"\w+",
        """
        a about an and any are as at be by call can could current currently do does fetch find for from get
        give has have hello hi how i if in into is it its list look make me my of on one or our please
        return see set should show tell that the their them then there these they this to today tool up use
        using want was we what whats when where which who will with would you your
        """,
    )
)
_CAMEL_CASE = re.compile(r"(?<=[a-z])(?=[A-Z])")
_MENTIONED_NUMBER = re.compile(r"(?<![\w.])-?\d+(?:\.\d+)?")
_QUOTED = re.compile(r"[\"“«`]([^\"”»`]+)[\"”»`]|(?<!\w)'([^']+)'(?!\w)")
_NAME = re.compile(r"(?<![\w'])[A-Z][\w-]*(?:\s+[A-Z][\w-]*)*")
_SENTENCE_START = re.compile(r"(?:^|(?<=[.!?:]\s))\s*[A-Z][\w'-]*")
_THEN = re.compile(r"[,;.?!]\s+(?:and\s+)?then,?\s+", re.IGNORECASE)
_ASK = re.compile(r"\bask\b.{0,80}?(:\s+)(?=\S)", re.IGNORECASE)
_CHEAPEST = re.compile(r"\bcheapest\b", re.IGNORECASE)
_REFERENCE = re.compile(r"\b(?:it|its|cheapest)\b", re.IGNORECASE)
_FORMATS = {"date": "2026-01-31", "date-time": "2026-01-31T12:00:00Z", "email": "someone@example.com"}


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


def pieces(text: str) -> list[str]:
    """The text split into the sandbox's tokens: words with the preceding space; long words are split."""
    return _PIECE.findall(text)


def answer_text(prompt: Prompt) -> str:
    """The answer to a prompt, before limits are applied."""
    if prompt.answer_schema is not None:
        answer = (
            fitting_value(prompt.answer_schema, _Mentions(prompt.question), prompt.answer_schema)
            if prompt.answer_schema
            else {"answer": _prose(prompt.question)}
        )
        return json.dumps(answer, ensure_ascii=False)
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


def _prose(question: str) -> str:
    question = question[:_MAX_READ]
    if calculation := _CALCULATION.search(question):
        left, sign, right = calculation.groups()
        if sign == "/" and not float(right):
            return f"{left} / {right} has no answer: nothing can be divided by zero."
        return f"{left} {sign} {right} = {_OPERATIONS[sign](float(left), float(right)):.10g}"
    if (capital := _CAPITAL.search(question)) and (country := capital[1].capitalize()) in _CAPITALS:
        return f"The capital of {country} is {_CAPITALS[country]}."
    if _GREETING.match(question):
        return "Hello! How can I help you today?"
    single_line = " ".join(question.split())
    excerpt = single_line if len(single_line) <= _MAX_QUOTED else f"{single_line[:_MAX_QUOTED]}…"
    return f"You said “{excerpt}”, and this is the sandbox's answer to it."


# Which tools are called, and with which arguments.


class _Step(NamedTuple):
    """One step that a text asks for: `words` describe it, `question` is a question for another model ("ask it: …")."""

    words: str
    question: str = ""


def choose_calls(prompt: Prompt) -> list[ToolCall]:
    """The calls that a model makes for the prompt, as docs/sandbox.md says; none if it should answer with text."""
    if not prompt.tools or prompt.tool_choice == "none":
        return []
    plan = [step for step in _steps(prompt.question) if _best_tool(prompt.tools, step)]
    if len(plan) < 2:
        plan = [_Step(prompt.question)]
    done = max(prompt.rounds, 1) if prompt.tool_results else 0
    position = min(done, len(plan) - 1)
    step = plan[position]
    known: JsonObject = {}
    if step.question:
        known = {"messages": [{"role": "user", "content": step.question}], "prompt": step.question}
    asked_for = " ".join(earlier.words for earlier in plan[: position + 1])
    gives_up = False
    if position and _REFERENCE.search(step.words) and _CHEAPEST.search(asked_for):
        model = _cheapest(prompt.tool_results, asked_for)
        gives_up = model is None
        if model is not None:
            author, _, slug = model.id.partition("/")
            known |= {"model": model.id, "author": author, "slug": slug}
    if prompt.tool_choice == "auto" and (done > position or gives_up):
        return []
    return [
        ToolCall(f"call_{secrets.token_hex(12)}", tool.name, _arguments(tool, step, known))
        for tool in _choose_tools(prompt, step)
    ]


def _steps(text: str) -> list[_Step]:
    """The steps of a text, split at every ", then"."""
    steps = []
    for part in filter(None, map(str.strip, _THEN.split(text))):
        ask = _ASK.search(part)
        steps.append(_Step(part) if ask is None else _Step(part[: ask.start(1)], part[ask.end() :]))
    return steps


def _choose_tools(prompt: Prompt, step: _Step) -> list[Tool]:
    if prompt.tool_choice not in {"auto", "required"}:
        chosen = [tool for tool in prompt.tools if tool.name == prompt.tool_choice]
        if not chosen:
            raise ApiError(400, f"tool_choice: no tool is called {prompt.tool_choice}")
        return chosen[:1]
    words = _content_words(step.words)
    named = [tool for tool in prompt.tools if (name := _content_words(tool.name.replace("_", " "))) and name <= words]
    if len(named) > 1 and prompt.parallel:
        return named
    best = _best_tool(prompt.tools, step)
    if best is None and prompt.tool_choice == "required":
        best = prompt.tools[0]
    return [] if best is None else [best]


def _best_tool(tools: Iterable[Tool], step: _Step) -> Tool | None:
    """The tool that fits a step best, the first of equals; None if none fits. A word of the name counts twice."""
    words = _content_words(step.words)

    def overlap(tool: Tool) -> int:
        name, description = _content_words(tool.name.replace("_", " ")), _content_words(tool.description)
        return 2 * len(name & words) + len(description & words)

    for_questions = [tool for tool in tools if step.question and {"messages", "prompt"} & tool.properties.keys()]
    best = max(for_questions or tools, key=overlap)
    return best if for_questions or overlap(best) else None


def _cheapest(results: Iterable[str], wish: str) -> Model | None:
    """The cheapest model that the first result with any names, of those with all abilities that the wish names."""
    words = _content_words(wish)
    for result in results:
        named = [
            model for model in MODELS if re.search(rf"(?<![\w/-]){re.escape(model.id)}(?![\w:/-])", result) is not None
        ]
        abilities = {ability for model in named for ability in model.abilities if _content_words(ability) <= words}
        able = [model for model in named if abilities.issubset(model.abilities)]
        if able:
            return min(able, key=lambda model: float(model.prompt_price) + float(model.completion_price))
    return None


def _arguments(tool: Tool, step: _Step, known: JsonObject) -> JsonObject:
    arguments = fitting_value({"type": "object", **tool.parameters}, _Mentions(step.words), tool.parameters)
    accepted = {name: value for name, value in known.items() if name in tool.properties}
    if not isinstance(arguments, dict):
        return accepted
    if "messages" in arguments:
        arguments["messages"] = [{"role": "user", "content": step.words}]
    return {**arguments, **accepted}


def _content_words(text: str) -> frozenset[str]:
    """The words of a text without stop words, in lower case and without a plural s."""
    words = re.findall(r"[a-z]{2,}", _CAMEL_CASE.sub(" ", text).replace("'", "").lower())
    return frozenset(word.removesuffix("s") for word in words if word not in _STOP_WORDS)


class _Mentions:
    """What a text mentions, in order; the last item again when none are left."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.words = _content_words(text)
        self.numbers = [float(number) for number in _MENTIONED_NUMBER.findall(text)]
        quoted = [double or single for double, single in _QUOTED.findall(text)]
        names = quoted or [name for name in _NAME.findall(_SENTENCE_START.sub("", text)) if _content_words(name)]
        last = [word for word in re.findall(r"[^\W\d_][\w'-]*", text) if word.lower() not in _STOP_WORDS]
        self.names: list[str] = names or last[-1:] or [text.strip()[:60] or "example"]

    def includes(self, value: object) -> bool:
        """Whether the text contains the value as a separate word."""
        return re.search(rf"(?<!\w){re.escape(str(value))}(?!\w)", self.text, re.IGNORECASE) is not None


def fitting_value(schema: Any, mentions: _Mentions, root: JsonObject, depth: int = 0) -> Any:
    """The simplest value that fits the usual keywords of a schema, with values that the text mentions if possible."""
    schema = _resolve(schema if isinstance(schema, dict) else {}, root)
    if allowed := schema.get("enum"):
        return next((value for value in allowed if mentions.includes(value)), allowed[0])
    kinds = schema.get("type", "object" if "properties" in schema else "array" if "items" in schema else "string")
    kind = next((kind for kind in kinds if kind != "null"), "null") if isinstance(kinds, list) else kinds
    if depth > _MAX_DEPTH or kind == "null":
        return None
    if kind == "object":
        required = schema.get("required", [])
        properties: JsonObject = {**{name: {} for name in required}, **schema.get("properties", {})}
        wanted = {name: part for name, part in properties.items() if name in required or _wants(name, part, mentions)}
        return {name: fitting_value(part, mentions, root, depth + 1) for name, part in wanted.items()}
    if kind == "array":
        count = schema.get("minItems", 0)
        return [fitting_value(schema.get("items"), mentions, root, depth + 1) for _ in range(count)]
    if kind in ("number", "integer"):
        number = _take(mentions.numbers) if mentions.numbers else schema.get("minimum", 1)
        number = min(max(number, schema.get("minimum", number)), schema.get("maximum", number))
        return int(number) if kind == "integer" or number == int(number) else number
    if kind == "boolean":
        return True
    text = _FORMATS.get(schema.get("format", "")) or _take(mentions.names).ljust(schema.get("minLength", 0), "x")
    return text[: schema.get("maxLength", len(text))]


def _take(items: list[Any]) -> Any:
    return items.pop(0) if len(items) > 1 else items[0]


def _wants(name: str, schema: Any, mentions: _Mentions) -> bool:
    """Whether the text mentions an optional property, or one of its values."""
    words = _content_words(name)
    values = schema.get("enum", []) if isinstance(schema, dict) else []
    return (bool(words) and words <= mentions.words) or any(
        isinstance(value, str) and mentions.includes(value) for value in values
    )


def _resolve(schema: JsonObject, root: JsonObject) -> JsonObject:
    """The schema with its reference resolved, and the first alternative that is not null merged in."""
    for _ in range(_MAX_DEPTH):
        alternatives = schema.get("anyOf") or schema.get("oneOf")
        if str(schema.get("$ref", "")).startswith("#"):
            schema = _look_up(root, schema["$ref"])
        elif alternatives:
            rest = {name: value for name, value in schema.items() if name not in ("anyOf", "oneOf")}
            schema = rest | next((part for part in alternatives if part.get("type") != "null"), {"type": "null"})
    return schema


def _look_up(root: Any, reference: str) -> JsonObject:
    for step in filter(None, reference.removeprefix("#").split("/")):
        root = root.get(step, {}) if isinstance(root, dict) else {}
    return root if isinstance(root, dict) else {}
