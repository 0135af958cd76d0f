"""A completion request in one form, whichever of the three formats it came in."""

from dataclasses import dataclass
from typing import Any

from .errors import ApiError, JsonObject

CHARACTERS_PER_TOKEN = 4
_LONGEST_NAME = 64


@dataclass(frozen=True)
class Tool:
    """A tool that the model may call; `parameters` is the JSON Schema of its arguments."""

    name: str
    description: str
    parameters: JsonObject

    @property
    def properties(self) -> JsonObject:
        """The schemas of its arguments by name."""
        properties = self.parameters.get("properties")
        return properties if isinstance(properties, dict) else {}


@dataclass(frozen=True)
class Prompt:
    """What a caller asks for.

    Attributes:
        models: the model, then the fallbacks, in the order to try them.
        question: the last words of the user.
        characters: the length of everything that the model has to read.
        rounds: how often tools were called since the question; several calls at once are one round.
        tool_results: what the tools answered, when that is what comes last.
        tool_choice: auto, none, required, or the name of a tool.
        choices: how many answers are wanted.
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
    """The ids in `model` and its fallbacks (`models`, or `fallbacks` of /messages), each once.

    Raises:
        ApiError: 400 when there is none, or when fallbacks stand in both places.
    """
    if body.get("fallbacks") and body.get("models"):
        raise ApiError(400, "fallbacks: can't be combined with models")
    more = [*(body.get("models") or ()), *(fallback["model"] for fallback in body.get("fallbacks") or ())]
    models = tuple(dict.fromkeys(model for model in (body.get("model"), *more) if model))
    if not models:
        raise ApiError(400, "No models provided: name one in model")
    return models


def length_limit(body: JsonObject, *names: str) -> int | None:
    """The first of the named limits that is given."""
    return next((int(body[name]) for name in names if body.get(name) is not None), None)


def words_to_stop_at(value: Any) -> tuple[str, ...]:
    """`stop` as a tuple, whether it was a string, a list or nothing."""
    wanted = [value] if isinstance(value, str) else value if isinstance(value, list) else []
    return tuple(word for word in wanted if isinstance(word, str) and word)


def declared_tool(declaration: Any, schema_name: str, where: str) -> Tool:
    """A tool as declared in a request.

    Raises:
        ApiError: 400 when it has no name, or a schema that is none.
    """
    if not isinstance(declaration, dict) or not isinstance(declaration.get("name"), str):
        raise ApiError(400, f"{where}: must be an object with a name")
    if len(declaration["name"]) > _LONGEST_NAME:
        raise ApiError(400, f"{where}.name: must have at most {_LONGEST_NAME} characters")
    schema = declaration.get(schema_name)
    if schema is not None and not isinstance(schema, dict):
        raise ApiError(400, f"{where}.{schema_name}: must be an object")
    return Tool(
        declaration["name"],
        str(declaration.get("description") or ""),
        schema or {},
    )
