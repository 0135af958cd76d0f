"""An action's parameters for people, from its schema: described, and as a form from which arguments are read."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

from ...text.json_text import InvalidJson, parse_json
from ...validation import words

_PREFIX = "argument."
_MAX_CHOICES = 20
_OMITTED = object()
_OPENING = {"array": "[", "object": "{"}


@dataclass(frozen=True)
class Parameter:
    """One parameter as a person reads it.

    Attributes:
        types: the JSON Schema types that it accepts; empty for any type.
        choices: the only values that it accepts; empty for any value.
        limits: the constraints on its values as text, or empty.
        extension: whether the API accepts it beyond the documented parameters.
    """

    name: str
    description: str
    types: tuple[str, ...]
    choices: tuple[Any, ...]
    limits: str
    required: bool
    extension: bool

    @property
    def type(self) -> str:
        """Its types as text."""
        return " or ".join(self.types) if self.types else "anything"


def parameters(schema: Mapping[str, Any]) -> list[Parameter]:
    """Return the parameters in an action's `input_parameters`: required ones first, extensions last."""
    required = set(schema.get("required", ()))
    found = []
    for name, part in schema.get("properties", {}).items():
        if not isinstance(part, dict):  # a schema may be just `true`, which has nothing to show
            continue
        choices = tuple(value for value in part.get("enum", ()) if value is not None)
        found.append(
            Parameter(
                name=name,
                description=str(part.get("description", "")),
                types=_types(part),
                choices=choices,
                limits=_limits(part, choices),
                required=name in required,
                extension=part.get("x-extension") is True,
            )
        )
    return sorted(found, key=lambda parameter: (parameter.extension, not parameter.required))


def _types(part: Mapping[str, Any]) -> tuple[str, ...]:
    types: list[str] = []
    for schema in (part, *part.get("anyOf", ()), *part.get("oneOf", ())):
        declared = schema.get("type", ()) if isinstance(schema, dict) else ()
        types += [declared] if isinstance(declared, str) else declared
    return tuple(dict.fromkeys(name for name in types if name != "null"))


def _limits(part: Mapping[str, Any], choices: Sequence[Any]) -> str:
    limits = [f"{keyword} {part[keyword]}" for keyword in ("minimum", "maximum") if keyword in part]
    limits += words.limits({keyword: value for keyword, value in part.items() if keyword not in ("minimum", "maximum")})
    if choices:
        some = ", ".join(dict.fromkeys(map(_label, choices[:_MAX_CHOICES])))
        limits.insert(0, f"one of {some}{', …' if len(choices) > _MAX_CHOICES else ''}")
    text = ", ".join(limits)
    return f"{text[:1].upper()}{text[1:]}"


def _label(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)


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
        return f"{_PREFIX}{self.parameter.name}"

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
        labels: dict[str, str] = {}
        for value in self.parameter.choices or (True, False):
            labels.setdefault(_label(value), json.dumps(value))  # true and "true" look alike: the first is offered
        return [(value, label) for label, value in labels.items()]


def read(described: Sequence[Parameter], given: Mapping[str, str]) -> tuple[list[FormField], dict[str, Any]]:
    """Return the submitted form's fields and arguments. The arguments are incomplete if a field has a problem.

    It does not check the arguments against the schema: the action's own validation explains errors better.
    """
    fields, arguments = [], {}
    for parameter in described:
        field = FormField(parameter, given.get(f"{_PREFIX}{parameter.name}", ""))
        try:
            argument = _argument(field)
            if argument is not _OMITTED:
                arguments[parameter.name] = argument
        except ValueError as error:
            field = replace(field, problem=str(error))
        fields.append(field)
    return fields, arguments


def _argument(field: FormField) -> Any:
    if not field.value.strip():
        return _OMITTED
    if field.control == "text":
        return field.value
    try:
        return parse_json(field.value)
    except InvalidJson as error:
        types = field.parameter.types
        meant_as_json = field.value.lstrip()[:1] in [_OPENING[name] for name in types if name in _OPENING]
        if field.control == "number" or ("string" in types and not meant_as_json):
            return field.value
        raise ValueError(f"This is not valid JSON: {error}.") from None
