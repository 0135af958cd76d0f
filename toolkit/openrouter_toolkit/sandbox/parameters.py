"""Checks values against JSON Schemas: the bodies of completion requests (requests.yaml), and scripts."""

import math
from pathlib import Path
from typing import Any

import yaml
from jsonschema import Draft202012Validator, ValidationError, validators

from .errors import ApiError, JsonObject

_TYPES = Draft202012Validator.TYPE_CHECKER.redefine_many(
    {
        "array": lambda _, value: isinstance(value, list | tuple),
        "bytes": lambda _, value: isinstance(value, bytes),
        "number": lambda _, value: type(value) in (int, float) and math.isfinite(value),
    }
)
_SCHEMAS = yaml.safe_load(Path(__file__).with_name("requests.yaml").read_text(encoding="utf-8"))
CHAT, MESSAGES, COMPLETIONS = (_SCHEMAS[name]["properties"] for name in ("chat", "messages", "completions"))


def validator(schema: JsonObject) -> Any:
    """A validator of values read from JSON or written in Python: lists may be tuples, and numbers are finite."""
    made: Any = validators.extend(Draft202012Validator, type_checker=_TYPES)  # type: ignore[no-untyped-call]
    return made(schema)


def describe(problem: ValidationError) -> tuple[str, str]:
    """Where a value breaks its schema ("messages.0.role"), and how. A schema's title says what the value must be."""
    place = [str(step) for step in problem.absolute_path]
    schema: Any = problem.schema
    instance: Any = problem.instance
    if problem.validator == "required":
        missing = next(name for name in schema["required"] if name not in instance)
        return ".".join([*place, missing]), "required"
    return ".".join(place), f"must be {schema['title']}"


_VALIDATORS = {name: validator(_SCHEMAS[name]) for name in ("chat", "messages", "completions")}


def check_parameters(body: JsonObject, format_: str) -> JsonObject:
    """The body without nulls, which count as not given. Raises ApiError 400, which names the place of a fault."""
    given = {name: value for name, value in body.items() if value is not None}
    for problem in _VALIDATORS[format_].iter_errors(given):
        place, words = describe(problem)
        raise ApiError(400, f"{place}: {words}")
    return given
