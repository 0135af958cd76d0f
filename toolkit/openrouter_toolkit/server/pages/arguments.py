"""A form made from an action's parameters, and the arguments read from it again."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from .parameters import Parameter

PREFIX = "argument."
_LEFT_OUT = object()


@dataclass(frozen=True)
class FormField:
    """A parameter's field: how it is filled in, what it holds, and why that is no argument.

    A field that is left empty is an argument that is left out.
    """

    parameter: Parameter
    value: str = ""
    problem: str | None = None

    @property
    def name(self) -> str:
        """What the form calls it; no parameter gets in the way of the form's own fields."""
        return f"{PREFIX}{self.parameter.name}"

    @property
    def id(self) -> str:
        """The same as an id of the page's."""
        return f"argument-{self.parameter.name}"

    @property
    def control(self) -> Literal["choice", "number", "text", "json"]:
        """The kind of control that it needs."""
        types = set(self.parameter.types)
        if self.parameter.choices or types == {"boolean"}:
            return "choice"
        if types and types <= {"integer", "number"}:
            return "number"
        return "text" if types == {"string"} else "json"

    @property
    def choices(self) -> list[tuple[str, str]]:
        """What may be chosen: the form's values, which are JSON, and their words."""
        values = self.parameter.choices or (True, False)
        words: dict[str, str] = {}
        for value in values:  # true and "true" look the same: the first is offered
            words.setdefault(value if isinstance(value, str) else json.dumps(value), json.dumps(value))
        return [(value, word) for word, value in words.items()]


def read(parameters: Sequence[Parameter], given: Mapping[str, str]) -> tuple[list[FormField], dict[str, Any]]:
    """The form as it was sent, and the arguments in it; where a field has a problem, they are not complete.

    Whether arguments fit the schema is not judged here: the action's own validation explains that better.
    """
    fields, arguments = [], {}
    for parameter in parameters:
        field = FormField(parameter, given.get(f"{PREFIX}{parameter.name}", ""))
        try:
            argument = _argument(field)
        except ValueError as error:
            field = FormField(parameter, field.value, str(error))
        else:
            if argument is not _LEFT_OUT:
                arguments[parameter.name] = argument
        fields.append(field)
    return fields, arguments


def _argument(field: FormField) -> Any:
    if not field.value.strip():
        return _LEFT_OUT
    if field.control == "text":
        return field.value
    try:
        value = json.loads(field.value, parse_constant=_no_number, parse_float=_finite)
        json.dumps(value, ensure_ascii=False).encode()  # half a character, written as an escape, can't be sent
    except (ValueError, RecursionError) as error:
        if field.control == "number" or "string" in field.parameter.types:
            return field.value
        reason = error.msg if isinstance(error, json.JSONDecodeError) else "it holds something that can't be sent"
        where = f" in line {error.lineno}" if isinstance(error, json.JSONDecodeError) else ""
        raise ValueError(f"This is no JSON{where}: {reason}.") from None
    return value


def _no_number(text: str) -> Any:
    raise ValueError(text)


def _finite(text: str) -> float:
    number = float(text)
    if math.isinf(number):
        raise ValueError(text)
    return number
