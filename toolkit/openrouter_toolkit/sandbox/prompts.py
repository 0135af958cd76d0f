"""A completion request in one form, independent of its format, and helpers to parse it."""

from dataclasses import dataclass
from typing import Any

from .errors import ApiError, JsonObject

CHARACTERS_PER_TOKEN = 4
_MAX_NAME_LENGTH = 64


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
        tool_choice: auto, none, required, or the name of a tool.
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


def requested_models(body: JsonObject) -> tuple[str, ...]:
    """The ids in `model` and its fallbacks (`models`, or `fallbacks` of /messages), without duplicates.

    Raises:
        ApiError: 400 if there is none, or if both fields have fallbacks.
    """
    if body.get("fallbacks") and body.get("models"):
        raise ApiError(400, "fallbacks: can't be combined with models")
    more = [*(body.get("models") or ()), *(fallback["model"] for fallback in body.get("fallbacks") or ())]
    models = tuple(dict.fromkeys(model for model in (body.get("model"), *more) if model))
    if not models:
        raise ApiError(400, "No models provided: name one in model")
    return models


def length_limit(body: JsonObject, *names: str) -> int | None:
    """The first of the named limits that is given; None if none is."""
    return next((int(body[name]) for name in names if body.get(name) is not None), None)


def stop_sequences(value: Any) -> tuple[str, ...]:
    """The value of `stop` (a string, a list or nothing) as a tuple."""
    wanted = [value] if isinstance(value, str) else value if isinstance(value, list) else []
    return tuple(word for word in wanted if isinstance(word, str) and word)


def parse_tool(declaration: Any, schema_name: str, where: str) -> Tool:
    """The tool that a request declares.

    Raises:
        ApiError: 400 if it has no name, or if its schema is not an object.
    """
    if not isinstance(declaration, dict) or not isinstance(declaration.get("name"), str):
        raise ApiError(400, f"{where}: must be an object with a name")
    if len(declaration["name"]) > _MAX_NAME_LENGTH:
        raise ApiError(400, f"{where}.name: must have at most {_MAX_NAME_LENGTH} characters")
    schema = declaration.get(schema_name)
    if schema is not None and not isinstance(schema, dict):
        raise ApiError(400, f"{where}.{schema_name}: must be an object")
    return Tool(
        declaration["name"],
        str(declaration.get("description") or ""),
        schema or {},
    )
