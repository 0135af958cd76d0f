"""Describes an action's parameters for people, from its schema, so that pages and schema always agree."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

_MAX_CHOICES = 20
_LIMITS = {
    "minimum": "at least {}",
    "exclusiveMinimum": "more than {}",
    "maximum": "at most {}",
    "exclusiveMaximum": "less than {}",
    "maxLength": "at most {} characters",
    "minItems": "at least {} of them",
    "maxItems": "at most {} of them",
}


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
    found = [
        Parameter(
            name=name,
            description=str(part.get("description", "")),
            types=_types(part),
            choices=tuple(value for value in part.get("enum", ()) if value is not None),
            limits=_limits(part),
            required=name in required,
            extension=part.get("x-extension") is True,
        )
        for name, part in schema.get("properties", {}).items()
        if isinstance(part, dict)  # a schema may be just `true`, which has nothing to show
    ]
    return sorted(found, key=lambda parameter: (parameter.extension, not parameter.required))


def _types(part: Mapping[str, Any]) -> tuple[str, ...]:
    types: list[str] = []
    for schema in (part, *part.get("anyOf", ()), *part.get("oneOf", ())):
        declared = schema.get("type", ()) if isinstance(schema, dict) else ()
        types += [declared] if isinstance(declared, str) else declared
    return tuple(dict.fromkeys(name for name in types if name != "null"))


def _limits(part: Mapping[str, Any]) -> str:
    choices = [value for value in part.get("enum", ()) if value is not None]
    parts = []
    if choices:
        some = ", ".join(dict.fromkeys(_value_text(value) for value in choices[:_MAX_CHOICES]))
        parts.append(f"one of {some}{', …' if len(choices) > _MAX_CHOICES else ''}")
    parts += [words.format(part[keyword]) for keyword, words in _LIMITS.items() if keyword in part]
    return ", ".join(parts)


def _value_text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)
