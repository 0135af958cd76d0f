"""A fast check that a JSON value is valid; if it does not pass, jsonschema decides and gives the errors.

A value that passes is valid for jsonschema too. Unknown keywords and Python types never pass.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from types import NoneType
from typing import Any, TypeAlias

FastCheck: TypeAlias = Callable[[Any], bool]

_TYPES: Mapping[str, tuple[type, ...]] = {
    "string": (str,),
    "integer": (int, float),  # 2.0 is one
    "number": (int, float),
    "boolean": (bool,),
    "null": (NoneType,),
    "array": (list,),
    "object": (dict,),
}
# Keywords that are not checked.
_ANNOTATIONS = frozenset(
    ("$comment", "default", "deprecated", "description", "examples", "format", "readOnly", "title", "writeOnly")
)
_OBJECT_KEYWORDS = frozenset(("properties", "additionalProperties", "required", "minProperties", "maxProperties"))


def compile_fast_check(schema: Any) -> FastCheck:
    """Compile a schema of draft 2020-12. The check returns True: the value is valid, or False: unknown."""
    if not isinstance(schema, dict):
        return _always if schema is True else _never
    given = {name: value for name, value in schema.items() if name not in _ANNOTATIONS and not name.startswith("x-")}
    names = given.pop("type", list(_TYPES))
    allowed = [names] if isinstance(names, str) else names
    checks: dict[type, list[FastCheck]] = {python_type: [] for name in allowed for python_type in _TYPES.get(name, ())}
    if "integer" in allowed and "number" not in allowed:
        checks[float].append(float.is_integer)
    objects = {name: given.pop(name) for name in _OBJECT_KEYWORDS & given.keys()}
    if objects and dict in checks:
        checks[dict].append(_object(objects))
    for keyword, value in given.items():
        if keyword == "anyOf":
            for type_checks in checks.values():
                type_checks.append(_any([compile_fast_check(branch) for branch in value]))
        elif keyword == "enum":
            for python_type, type_checks in checks.items():
                type_checks.append(_one_of(value) if python_type is str else _never)
        elif keyword in _KEYWORDS:
            types, make = _KEYWORDS[keyword]
            for python_type in types:
                if python_type in checks:
                    checks[python_type].append(make(value))
        else:
            return _never
    return _by_type({python_type: tuple(type_checks) for python_type, type_checks in checks.items()})


def _by_type(checks: Mapping[type, Sequence[FastCheck]]) -> FastCheck:
    if len(checks) == 1:
        ((only, type_checks),) = checks.items()
        if len(type_checks) <= 1:
            return _of_one_type(only, type_checks[0] if type_checks else None)

    def check_value(value: Any) -> bool:
        type_checks = checks.get(type(value))
        if type_checks is None:
            return False
        for check in type_checks:  # noqa: SIM110 - a generator would be slower than most checks
            if not check(value):
                return False
        return True

    return check_value


def _of_one_type(wanted: type, check: FastCheck | None) -> FastCheck:
    """The usual case, made fast: a message is an object, and its role a text."""
    if check is None:
        return lambda value: type(value) is wanted
    return lambda value: type(value) is wanted and check(value)


def _object(keywords: Mapping[str, Any]) -> FastCheck:
    rules = {name: compile_fast_check(schema) for name, schema in keywords.get("properties", {}).items()}
    others = compile_fast_check(keywords.get("additionalProperties", True))
    required = tuple(keywords.get("required", ()))
    min_count, max_count = keywords.get("minProperties", 0), keywords.get("maxProperties", float("inf"))

    if others is _always and "minProperties" not in keywords and "maxProperties" not in keywords:
        return _open_object(required, rules)

    def check_value(value: dict[Any, Any]) -> bool:
        if not min_count <= len(value) <= max_count:
            return False
        for name in required:
            if name not in value:
                return False
        for name, item in value.items():  # noqa: SIM110
            if not rules.get(name, others)(item):
                return False
        return True

    return check_value


def _open_object(required: Sequence[str], rules: Mapping[str, FastCheck]) -> FastCheck:
    """The check for an object that may have any other properties too: those are not looked at."""
    named = tuple(rules.items())

    def check_value(value: dict[Any, Any]) -> bool:
        for name in required:
            if name not in value:
                return False
        for name, rule in named:  # noqa: SIM110
            if name in value and not rule(value[name]):
                return False
        return True

    return check_value


def _items(schema: Any) -> FastCheck:
    rule = compile_fast_check(schema)

    def check_value(value: list[Any]) -> bool:
        for item in value:  # noqa: SIM110
            if not rule(item):
                return False
        return True

    return check_value


def _any(branches: Sequence[FastCheck]) -> FastCheck:
    return lambda value: any(branch(value) for branch in branches)


def _one_of(values: Sequence[Any]) -> FastCheck:
    return frozenset(value for value in values if isinstance(value, str)).__contains__


def _always(value: Any) -> bool:
    return True


def _never(value: Any) -> bool:
    return False


_NUMBERS, _STRING, _ARRAY = (int, float), (str,), (list,)
# Keywords that apply to some types: the types, and a function that creates the check.
_KEYWORDS: Mapping[str, tuple[tuple[type, ...], Callable[[Any], FastCheck]]] = {
    "minimum": (_NUMBERS, lambda limit: lambda value: value >= limit),
    "maximum": (_NUMBERS, lambda limit: lambda value: value <= limit),
    "exclusiveMinimum": (_NUMBERS, lambda limit: lambda value: value > limit),
    "exclusiveMaximum": (_NUMBERS, lambda limit: lambda value: value < limit),
    "minLength": (_STRING, lambda limit: lambda value: len(value) >= limit),
    "maxLength": (_STRING, lambda limit: lambda value: len(value) <= limit),
    "pattern": (_STRING, lambda pattern: lambda value: re.search(pattern, value) is not None),
    "minItems": (_ARRAY, lambda limit: lambda value: len(value) >= limit),
    "maxItems": (_ARRAY, lambda limit: lambda value: len(value) <= limit),
    "items": (_ARRAY, _items),
}
