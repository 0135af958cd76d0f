"""Requests as they must be: JSON that can be sent on, nothing that is not asked for, and what a model wrote mended."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Collection, Iterable, Mapping
from typing import Any, NoReturn

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from ...manifest import Action
from ...text.close_matches import close_matches
from ...text.sanitize import short_name
from ...tool_calling.coercion import coerce_arguments
from ...tool_calling.tool_calls import read_arguments
from ..error_responses import Problem

_MOST_DIGITS = 400
_MOST_NAMES = 5
_MOST_COMPARED = 50
_LONGEST_NAME = 40
_WANTED = {
    "user_id": "user_id: wanted a text of 1 to 255 characters.",
    "arguments": "arguments: wanted an object, or JSON text of one.",
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


def action_call(body: bytes) -> ActionCall:
    """The call that a body asks for; `Problem` 400 or 422, which repeats nothing of it but the names of its keys."""
    try:
        value = _json(body.decode())
    except UnicodeDecodeError:
        raise Problem(400, "The body is no UTF-8.") from None
    except RecursionError:
        raise Problem(400, "The body is nested too deeply.") from None
    except ValueError as error:
        raise Problem(400, f"The body is no JSON: {error}.") from None
    try:
        return ActionCall.model_validate(value)
    except ValidationError as error:
        wrong = {str(one["loc"][0]) for one in error.errors(include_input=False) if one["loc"]}
        raise Problem(422, 'The body is {"user_id": ..., "arguments": {...}}. ' + _problem_text(value, wrong)) from None


def arguments_of(call: ActionCall, slug: str, action: Action | None) -> dict[str, Any]:
    """A call's arguments. An object is taken as it is; text is what a model wrote, and is mended.

    Raises:
        ActionError: `invalid_arguments`, where text is no JSON object: the model that wrote it can mend it.
    """
    if isinstance(call.arguments, dict):
        return call.arguments
    arguments = read_arguments(slug, call.arguments, _json)
    return arguments if action is None else coerce_arguments(action.validator, arguments)


def refuse_unknown(given: Iterable[str], known: Collection[str]) -> None:
    """Raises `Problem` 422 where a query has a parameter that is not known; the one that was meant is told."""
    strange = [name for name in given if name not in known]
    if strange:
        raise Problem(422, " ".join(_unknown(name, known) for name in strange[:_MOST_NAMES]))


def wrong_value(error: Mapping[str, Any]) -> str:
    """What is wrong with a parameter's value, of one of pydantic's errors. The value itself is not repeated."""
    name = short_name(str(error["loc"][-1]), _LONGEST_NAME)
    kind = error["type"]
    if kind.startswith("bool"):
        return f"{name}: wanted true or false."
    if kind == "literal_error":
        values = re.findall(r"'([^']*)'", error["ctx"]["expected"])
        near = close_matches(str(error["input"])[:_LONGEST_NAME], values)
        hint = f" Did you mean {near[0]}?" if near else ""
        return f"{name}: wanted one of {', '.join(values)}.{hint}"
    return f"{name}: {'it is missing' if kind == 'missing' else error['msg']}."


def _unknown(name: str, known: Collection[str]) -> str:
    near = close_matches(name, known)
    hint = f"did you mean {near[0]}?" if near else f"there are {', '.join(known)}."
    return f"{short_name(name, _LONGEST_NAME)}: unknown parameter, {hint}"


def _problem_text(value: Any, wrong: Collection[str]) -> str:
    """What is wrong with a body. Of what was sent, the names alone are told, for they say where to look."""
    if not isinstance(value, dict):
        return "It must be an object."
    sentences = [words for name, words in _WANTED.items() if name in wrong]
    free = [name for name in _WANTED if name not in value]
    strange = [name for name in value if name not in _WANTED]
    meant = {name: near[0] for name in strange[:_MOST_COMPARED] if (near := close_matches(name, free))}
    sentences += [
        f"{short_name(name, _LONGEST_NAME)}: unknown key, did you mean {near}?" for name, near in meant.items()
    ]
    misplaced = [short_name(name, _LONGEST_NAME) for name in strange if name not in meant]
    if misplaced:
        more = f" and {len(misplaced) - _MOST_NAMES} more" if len(misplaced) > _MOST_NAMES else ""
        them = "it" if len(misplaced) == 1 else "them"
        sentences.append(f"{', '.join(misplaced[:_MOST_NAMES])}{more}: put {them} into arguments.")
    return " ".join(sentences)


def _json(text: str) -> Any:
    """The value of JSON text. Raises `ValueError`, whose words are the end of a sentence, or `RecursionError`."""
    try:
        value = json.loads(text, parse_constant=_refuse, parse_float=_finite, parse_int=_integer)
        if "\\u" in text:  # half a character, written as an escape, can't be sent on
            json.dumps(value, ensure_ascii=False).encode()
    except json.JSONDecodeError as error:
        raise ValueError(f"{error.msg} in line {error.lineno}") from None
    except UnicodeEncodeError:
        raise ValueError("it has half of a surrogate pair in it") from None
    return value


def _refuse(_: str) -> NoReturn:
    raise ValueError("NaN and Infinity are no numbers of JSON's")


def _finite(text: str) -> float:
    number = float(text)
    if math.isinf(number):
        raise ValueError("a number is too large")
    return number


def _integer(text: str) -> int:
    if len(text) > _MOST_DIGITS:
        raise ValueError("a number is too large")
    return int(text)
