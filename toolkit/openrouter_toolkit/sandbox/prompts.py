"""A completion request in one form, whichever of the three formats it came in."""

from dataclasses import dataclass
from typing import Any

from .errors import ApiError, JsonObject

CHARACTERS_PER_TOKEN = 4


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
    """The ids in `model` and `models`, each once.

    Raises:
        ApiError: 400 when there is none.
    """
    more = body.get("models")
    named = [body.get("model"), *(more if isinstance(more, list) else [])]
    models = tuple(dict.fromkeys(model for model in named if isinstance(model, str) and model))
    if not models:
        raise ApiError(400, "No models provided: name one in model")
    return models


def conversation(body: JsonObject) -> list[JsonObject]:
    """The checked `messages` of a request.

    Raises:
        ApiError: 400 when they are missing, empty, or not objects with a role.
    """
    messages = body.get("messages")
    if not isinstance(messages, list) or not messages:
        raise ApiError(400, "messages: required, a list with at least one message")
    for position, message in enumerate(messages):
        if not isinstance(message, dict) or not isinstance(message.get("role"), str):
            raise ApiError(400, f"messages.{position}: must be an object with a role")
    return messages


def parts(content: Any) -> list[JsonObject]:
    """The content of a message as a list of parts, also where it is plain text or nothing."""
    if isinstance(content, str):
        return [{"type": "text", "text": content}]
    return [part for part in content if isinstance(part, dict)] if isinstance(content, list) else []


def text_of(content: Any) -> str:
    """The words of a message's content, images and files left out."""
    return " ".join(str(part["text"]) for part in parts(content) if part.get("type") == "text" and "text" in part)


def last_question(messages: list[JsonObject]) -> str:
    """The last words of the user, or of anybody where the user said nothing."""
    spoken = [(message["role"], text_of(message.get("content"))) for message in messages]
    by_user = [text for role, text in spoken if role == "user" and text.strip()]
    return by_user[-1] if by_user else spoken[-1][1]


def rounds_since_question(messages: list[JsonObject]) -> int:
    """How often tools were called since the last words of the user."""
    rounds = 0
    for message in reversed(messages):
        if message["role"] == "user" and text_of(message.get("content")).strip():
            break
        rounds += _calls_tools(message)
    return rounds


def _calls_tools(message: JsonObject) -> bool:
    """Whether a message calls tools, in either of the two formats that have them."""
    return bool(message.get("tool_calls")) or any(
        part.get("type") == "tool_use" for part in parts(message.get("content"))
    )


def positive(body: JsonObject, *names: str) -> int | None:
    """The first of the named numbers that is given.

    Raises:
        ApiError: 400 when it is not an integer above zero.
    """
    for name in names:
        value = body.get(name)
        if value is None:
            continue
        if not isinstance(value, int) or isinstance(value, bool) or value < 1:
            raise ApiError(400, f"{name}: must be an integer of at least 1")
        return value
    return None


def words_to_stop_at(value: Any) -> tuple[str, ...]:
    """`stop` as a tuple, whether it was a string, a list or nothing."""
    wanted = [value] if isinstance(value, str) else value if isinstance(value, list) else []
    return tuple(word for word in wanted if isinstance(word, str) and word)


def declared_tool(declaration: Any, schema_name: str, where: str) -> Tool:
    """A tool as declared in a request.

    Raises:
        ApiError: 400 when it has no name.
    """
    if not isinstance(declaration, dict) or not isinstance(declaration.get("name"), str):
        raise ApiError(400, f"{where}: must be an object with a name")
    schema = declaration.get(schema_name)
    return Tool(
        declaration["name"],
        str(declaration.get("description") or ""),
        schema if isinstance(schema, dict) else {},
    )
