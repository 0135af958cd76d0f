"""Bodies as they must be: JSON that can be sent on, and nothing in it that is not asked for."""

from __future__ import annotations

import json
import math
from typing import Any, NoReturn

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from pydantic_core import ErrorDetails

from ..problems import Problem

_MOST_DIGITS = 400


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
    arguments: dict[str, Any] = Field(
        default_factory=dict,
        description="The action's arguments, as its definition says. With `stream` true, where the action has that, "
        "the answer comes as server-sent events.",
        examples=[{"model": "acme/atlas-small", "messages": [{"role": "user", "content": "What is 17 * 3?"}]}],
    )


def action_call(body: bytes) -> ActionCall:
    """The call that a body asks for; `Problem` 400 or 422, which repeats nothing of it.

    Hosts whose parameters are texts alone send the arguments as JSON text; that is taken too.
    """
    value = _json(body)
    if isinstance(value, dict) and isinstance(value.get("arguments"), str):
        value["arguments"] = _json(value["arguments"].strip().encode() or b"{}")
    try:
        return ActionCall.model_validate(value)
    except ValidationError as error:
        told = "; ".join(_said(one) for one in error.errors(include_input=False)[:5])
        raise Problem(422, f"The body is {{user_id, arguments}}. {told}.") from None


def _json(body: bytes) -> Any:
    try:
        value = json.loads(body.decode(), parse_constant=_refuse, parse_float=_finite, parse_int=_integer)
        if b"\\u" in body:  # half a character, written as an escape, can't be sent on
            json.dumps(value, ensure_ascii=False).encode()
    except UnicodeDecodeError:
        raise Problem(400, "The body is no UTF-8.") from None
    except UnicodeEncodeError:
        raise Problem(400, "The body has half of a surrogate pair in it.") from None
    except json.JSONDecodeError as error:
        raise Problem(400, f"The body is no JSON: {error.msg} in line {error.lineno}.") from None
    except RecursionError:
        raise Problem(400, "The body is nested too deeply.") from None
    except ValueError as error:
        raise Problem(400, f"The body is no JSON: {error}.") from None
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


def _said(error: ErrorDetails) -> str:
    """What is wrong. A name that is not ours is not told: it is a part of what was sent."""
    if error["type"] == "extra_forbidden":
        return "There is a key in it that is neither"
    if not error["loc"]:
        return "It must be an object"
    return f"{error['loc'][0]}: {error['msg']}"
