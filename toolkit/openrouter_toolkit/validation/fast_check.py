"""A judge of JSON values that is quick and may only say yes; where it does not, jsonschema decides and explains.

A yes is jsonschema's yes. Everything that this module does not know, a keyword or a Python type, is not a yes.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from types import NoneType
from typing import Any, TypeAlias

Judge: TypeAlias = Callable[[Any], bool]

_TYPES: Mapping[str, tuple[type, ...]] = {
    "string": (str,),
    "integer": (int, float),  # 2.0 is one
    "number": (int, float),
    "boolean": (bool,),
    "null": (NoneType,),
    "array": (list,),
    "object": (dict,),
}
# Keywords that judge nothing.
_NOTES = frozenset(
    ("$comment", "default", "deprecated", "description", "examples", "format", "readOnly", "title", "writeOnly")
)
_OF_OBJECTS = frozenset(("properties", "additionalProperties", "required", "minProperties", "maxProperties"))


def compile_fast_check(schema: Any) -> Judge:
    """The judge of a schema of draft 2020-12. True: the value fits. False: it is not known."""
    if not isinstance(schema, dict):
        return _yes if schema is True else _no
    given = {name: value for name, value in schema.items() if name not in _NOTES and not name.startswith("x-")}
    names = given.pop("type", list(_TYPES))
    allowed = [names] if isinstance(names, str) else names
    checks: dict[type, list[Judge]] = {kind: [] for name in allowed for kind in _TYPES.get(name, ())}
    if "integer" in allowed and "number" not in allowed:
        checks[float].append(float.is_integer)
    objects = {name: given.pop(name) for name in _OF_OBJECTS & given.keys()}
    if objects and dict in checks:
        checks[dict].append(_object(objects))
    for keyword, value in given.items():
        if keyword == "anyOf":
            for of_type in checks.values():
                of_type.append(_any([compile_fast_check(branch) for branch in value]))
        elif keyword == "enum":
            for kind, of_type in checks.items():
                of_type.append(_one_of(value) if kind is str else _no)
        elif keyword in _SIMPLE:
            kinds, make = _SIMPLE[keyword]
            for kind in kinds:
                if kind in checks:
                    checks[kind].append(make(value))
        else:
            return _no
    return _of_types({kind: tuple(of_type) for kind, of_type in checks.items()})


def _of_types(checks: Mapping[type, Sequence[Judge]]) -> Judge:
    def judge(value: Any) -> bool:
        of_type = checks.get(type(value))
        if of_type is None:
            return False
        for check in of_type:  # noqa: SIM110 - a generator would cost more than most checks
            if not check(value):
                return False
        return True

    return judge


def _object(keywords: Mapping[str, Any]) -> Judge:
    rules = {name: compile_fast_check(schema) for name, schema in keywords.get("properties", {}).items()}
    others = compile_fast_check(keywords.get("additionalProperties", True))
    required = tuple(keywords.get("required", ()))
    least, most = keywords.get("minProperties", 0), keywords.get("maxProperties", float("inf"))

    def judge(value: dict[Any, Any]) -> bool:
        if not least <= len(value) <= most:
            return False
        for name in required:
            if name not in value:
                return False
        for name, item in value.items():  # noqa: SIM110
            if not rules.get(name, others)(item):
                return False
        return True

    return judge


def _items(schema: Any) -> Judge:
    rule = compile_fast_check(schema)

    def judge(value: list[Any]) -> bool:
        for item in value:  # noqa: SIM110
            if not rule(item):
                return False
        return True

    return judge


def _any(branches: Sequence[Judge]) -> Judge:
    return lambda value: any(branch(value) for branch in branches)


def _one_of(values: Sequence[Any]) -> Judge:
    return frozenset(value for value in values if isinstance(value, str)).__contains__


def _yes(value: Any) -> bool:  # noqa: ARG001
    return True


def _no(value: Any) -> bool:  # noqa: ARG001
    return False


_NUMBERS, _STRING, _ARRAY = (int, float), (str,), (list,)
# Keywords that judge values of some types: which, and how the judge is made.
_SIMPLE: Mapping[str, tuple[tuple[type, ...], Callable[[Any], Judge]]] = {
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
