"""Makes a form from an action's parameters, and reads the arguments from the submitted form."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from .parameters import Parameter

PREFIX = "argument."
_OMITTED = object()


@dataclass(frozen=True)
class FormField:
    """A parameter's form field: its control, its value, and why the value is not a valid argument.

    An empty field means that the argument is omitted.
    """

    parameter: Parameter
    value: str = ""
    problem: str | None = None

    @property
    def name(self) -> str:
        """The field's name in the form. The prefix keeps it apart from the form's own fields."""
        return f"{PREFIX}{self.parameter.name}"

    @property
    def id(self) -> str:
        """The field's HTML id."""
        return f"argument-{self.parameter.name}"

    @property
    def control(self) -> Literal["choice", "number", "text", "json"]:
        """The kind of form control."""
        types = set(self.parameter.types)
        if self.parameter.choices or types == {"boolean"}:
            return "choice"
        if types and types <= {"integer", "number"}:
            return "number"
        return "text" if types == {"string"} else "json"

    @property
    def choices(self) -> list[tuple[str, str]]:
        """The possible choices, as pairs of a form value, which is JSON, and its label."""
        values = self.parameter.choices or (True, False)
        labels: dict[str, str] = {}
        for value in values:  # true and "true" have the same label: only the first is offered
            labels.setdefault(value if isinstance(value, str) else json.dumps(value), json.dumps(value))
        return [(value, label) for label, value in labels.items()]


def read(parameters: Sequence[Parameter], given: Mapping[str, str]) -> tuple[list[FormField], dict[str, Any]]:
    """Return the submitted form's fields and arguments. The arguments are incomplete if a field has a problem.

    It does not check the arguments against the schema: the action's own validation explains errors better.
    """
    fields, arguments = [], {}
    for parameter in parameters:
        field = FormField(parameter, given.get(f"{PREFIX}{parameter.name}", ""))
        try:
            argument = _argument(field)
        except ValueError as error:
            field = FormField(parameter, field.value, str(error))
        else:
            if argument is not _OMITTED:
                arguments[parameter.name] = argument
        fields.append(field)
    return fields, arguments


def _argument(field: FormField) -> Any:
    if not field.value.strip():
        return _OMITTED
    if field.control == "text":
        return field.value
    try:
        value = json.loads(field.value, parse_constant=_reject_constant, parse_float=_parse_float)
        json.dumps(value, ensure_ascii=False).encode()  # an escaped lone surrogate can't be encoded and sent
    except (ValueError, RecursionError) as error:
        if field.control == "number" or "string" in field.parameter.types:
            return field.value
        reason = error.msg if isinstance(error, json.JSONDecodeError) else "it holds something that can't be sent"
        where = f" in line {error.lineno}" if isinstance(error, json.JSONDecodeError) else ""
        raise ValueError(f"This is not valid JSON{where}: {reason}.") from None
    return value


def _reject_constant(text: str) -> Any:
    raise ValueError(text)


def _parse_float(text: str) -> float:
    number = float(text)
    if math.isinf(number):
        raise ValueError(text)
    return number
