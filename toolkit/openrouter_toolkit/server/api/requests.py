"""Parses API requests: reads the JSON strictly, refuses unknown parameters, and coerces what a model wrote."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from ...manifest import Action
from ...text.close_matches import close_matches
from ...text.json_text import InvalidJson, parse_json
from ...text.sanitize import short_name
from ...tool_calling.coercion import prepare_arguments
from ...tool_calling.tool_calls import read_arguments
from ..error_responses import Problem

_MAX_NAMES = 5
_MAX_COMPARED = 50
_MAX_NAME_LENGTH = 40
_FIELD_ERRORS = {
    "user_id": "user_id: wanted a text of 1 to 255 characters.",
    "arguments": "arguments: wanted an object, or JSON text of one.",
    "agent": "agent: wanted a text of 1 to 100 characters.",
    "session_id": "session_id: wanted a text of 1 to 255 characters.",
}


class ActionCall(BaseModel):
    """What is wanted of an action."""

    model_config = ConfigDict(extra="forbid", strict=True)

    user_id: str | None = Field(
        None,
        min_length=1,
        max_length=255,
        description="Whose connected account to use. A token that may act for one user alone needs none.",
        examples=["alice"],
    )
    arguments: dict[str, Any] | str = Field(
        default_factory=dict,
        description="The action's arguments, as its definition says; an object, or JSON text of one. Text is what a "
        "model wrote, so what models commonly get wrong in it is mended. With `stream` true, where the action has "
        "that, the answer comes as server-sent events.",
        examples=[{"model": "acme/atlas-small", "messages": [{"role": "user", "content": "What is 17 * 3?"}]}],
    )
    agent: str | None = Field(
        None, min_length=1, max_length=100, description="A label of the agent that calls, for the ledger."
    )
    session_id: str | None = Field(
        None, min_length=1, max_length=255, description="The conversation or run of the call, for the ledger."
    )


def action_call(body: bytes) -> ActionCall:
    """Parse a request body. Raises `Problem` 400 or 422, which repeats only the names of the body's keys."""
    value = parsed(body)
    try:
        return ActionCall.model_validate(value)
    except ValidationError as error:
        invalid = {str(one["loc"][0]) for one in error.errors(include_input=False) if one["loc"]}
        raise Problem(
            422, 'The body is {"user_id": ..., "arguments": {...}}. ' + _problem_text(value, invalid)
        ) from None


def parsed(body: bytes) -> Any:
    """Return the JSON of a request body. Raises `Problem` 400 if it is none."""
    try:
        return parse_json(body.decode())
    except UnicodeDecodeError:
        raise Problem(400, "The body is no UTF-8.") from None
    except InvalidJson as error:
        raise Problem(400, f"The body is not valid JSON: {error}.") from None


def written_arguments(text: str, slug: str, action: Action | None) -> dict[str, Any]:
    """Return the arguments in a text that a model wrote, coerced.

    Raises:
        ActionError: `invalid_arguments` if the text is not a JSON object, so that the model can correct it.
    """
    arguments = read_arguments(slug, text, parse_json)
    return arguments if action is None else prepare_arguments(action, arguments)


def refuse_unknown(given: Iterable[str], known: Collection[str]) -> None:
    """Raise `Problem` 422 if a query has an unknown parameter; the message suggests the closest match."""
    unknown = [name for name in given if name not in known]
    if unknown:
        raise Problem(422, " ".join(_unknown_parameter(name, known) for name in unknown[:_MAX_NAMES]))


def wrong_value(error: Mapping[str, Any]) -> str:
    """Describe a pydantic error about a parameter's value, without repeating the value."""
    names = [part for part in error["loc"] if isinstance(part, str)]  # others are positions in a list
    name = short_name(names[-1], _MAX_NAME_LENGTH)
    kind = error["type"]
    if kind.startswith("bool"):
        return f"{name}: wanted true or false."
    if kind == "literal_error":
        values = re.findall(r"'([^']*)'", error["ctx"]["expected"])
        matches = close_matches(str(error["input"])[:_MAX_NAME_LENGTH], values)
        hint = f" Did you mean {matches[0]}?" if matches else ""
        return f"{name}: wanted one of {', '.join(values)}.{hint}"
    return f"{name}: {'it is missing' if kind == 'missing' else error['msg']}."


def _unknown_parameter(name: str, known: Collection[str]) -> str:
    matches = close_matches(name, known)
    hint = f"did you mean {matches[0]}?" if matches else f"there are {', '.join(known)}."
    return f"{short_name(name, _MAX_NAME_LENGTH)}: unknown parameter, {hint}"


def _problem_text(value: Any, invalid: Collection[str]) -> str:
    """Describe what is wrong with a body. It repeats only the names of keys, which show where to look."""
    if not isinstance(value, dict):
        return "It must be an object."
    sentences = [words for name, words in _FIELD_ERRORS.items() if name in invalid]
    free = [name for name in _FIELD_ERRORS if name not in value]
    unknown = [name for name in value if name not in _FIELD_ERRORS]
    suggestions = {name: matches[0] for name in unknown[:_MAX_COMPARED] if (matches := close_matches(name, free))}
    sentences += [
        f"{short_name(name, _MAX_NAME_LENGTH)}: unknown key, did you mean {matches}?"
        for name, matches in suggestions.items()
    ]
    misplaced = [short_name(name, _MAX_NAME_LENGTH) for name in unknown if name not in suggestions]
    if misplaced:
        more = f" and {len(misplaced) - _MAX_NAMES} more" if len(misplaced) > _MAX_NAMES else ""
        them = "it" if len(misplaced) == 1 else "them"
        sentences.append(f"{', '.join(misplaced[:_MAX_NAMES])}{more}: put {them} into arguments.")
    return " ".join(sentences)
