"""Arguments held against an action's JSON Schema; what is wrong is said so that a model can mend it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from functools import cached_property
from typing import TYPE_CHECKING, Any, cast

from .envelope import ActionError
from .nearest import nearest
from .quick_validation import Judge, quick_judge
from .wording import named, shorten, shown

if TYPE_CHECKING:
    from jsonschema.exceptions import ValidationError
    from jsonschema.protocols import Validator

Problem = dict[str, Any]

_MOST_IN_TEXT = 8
_MOST_IN_DATA = 50


class ArgumentValidator:
    """One action's `input_parameters`, compiled once and used for every call."""

    def __init__(self, schema: Mapping[str, Any]) -> None:
        self._schema = schema

    @cached_property
    def _fits_surely(self) -> Judge:
        return quick_judge(self._schema)

    @cached_property
    def _validator(self) -> Validator:
        return compile_schema(self._schema)

    def check(self, slug: str, arguments: dict[str, Any]) -> None:
        """Raise `ActionError` (`invalid_arguments`) with all problems at once, or return."""
        try:
            if self._fits_surely(arguments) or self._validator.is_valid(arguments):
                return
            problems = self.problems(arguments)
        except RecursionError:
            problems = [_problem("", "they are nested too deeply, or contain themselves")]
        except (ValueError, TypeError) as error:  # a Python value that JSON does not have
            problems = [_problem("", f"they are no JSON values ({type(error).__name__})")]
        raise refusal(slug, problems)

    def problems(self, arguments: dict[str, Any]) -> list[Problem]:
        """Everything that is wrong, misspelt names first."""
        found: dict[str, Problem] = {}
        for error in self._validator.iter_errors(arguments):
            for problem in _explained(error):
                found.setdefault(f"{problem['path']}: {problem['problem']}", problem)
        return sorted(found.values(), key=lambda problem: not problem["problem"].startswith("unknown"))


def as_object(slug: str, arguments: Any) -> dict[str, Any]:
    """The arguments as an object; none at all is an empty one. Raises `ActionError` for anything else."""
    if arguments is None:
        return {}
    if not isinstance(arguments, dict):
        hint = "; a tool call's arguments are JSON text: parse them first" if isinstance(arguments, str) else ""
        raise refusal(slug, [_problem("", f"they must be an object{hint}", arguments, "a JSON object")])
    stray = [name for name in arguments if not isinstance(name, str)]
    if stray:
        raise refusal(slug, [_problem(shown(name), "a parameter's name must be a string") for name in stray])
    return arguments


def compile_schema(schema: Mapping[str, Any]) -> Validator:
    """A validator for JSON Schema 2020-12 that fetches nothing, whatever a `$ref` says."""
    from jsonschema import Draft202012Validator  # noqa: PLC0415 - its import takes longer than listing actions
    from referencing import Registry  # noqa: PLC0415

    validator: Validator = Draft202012Validator(schema, registry=Registry())
    return validator


def refusal(slug: str, problems: list[Problem]) -> ActionError:
    """The error that tells of wrong arguments, for whoever finds them: the schema or a handler."""
    told = [f"{problem['path']}: {problem['problem']}" for problem in problems]
    listing = "; ".join(told[:_MOST_IN_TEXT])
    if len(told) > _MOST_IN_TEXT:
        listing += f"; and {len(told) - _MOST_IN_TEXT} more"
    return ActionError(
        "invalid_arguments",
        "; ".join(told[:_MOST_IN_DATA]),
        f"{slug} was not called, its arguments are wrong. {listing.rstrip('.')}"
        f"{'' if listing.endswith('?') else '.'} Mend them and call again.",
        problems=problems[:_MOST_IN_DATA],
    )


def _problem(
    path: str, problem: str, given: Any = None, wanted: str | None = None, meant: str | None = None
) -> Problem:
    facts = {"given": None if given is None else shown(given), "wanted": wanted, "did_you_mean": meant}
    return {"path": path or "arguments", "problem": problem} | {k: v for k, v in facts.items() if v is not None}


def _explained(error: ValidationError) -> Iterator[Problem]:
    """One jsonschema error as one or more problems; its own message is not used, it may quote megabytes."""
    keyword, given, value = error.validator, cast(Any, error.instance), cast(Any, error.validator_value)
    path = _path(error.absolute_path)
    schema = error.schema if isinstance(error.schema, dict) else {}
    if keyword == "required":
        for name in value:
            if name not in given:
                wanted = _wanted(schema.get("properties", {}).get(name, {}))
                yield _problem(_join(path, name), f"required ({wanted})", wanted=wanted)
    elif keyword in ("additionalProperties", "unevaluatedProperties") and isinstance(given, dict):
        known = list(schema.get("properties", {}))
        for name in given:
            if name not in known:
                yield _unknown(path, name, [other for other in known if other not in given] or known)
    elif keyword in ("anyOf", "oneOf") and error.context:
        yield from _nearest_branch(error)
    else:
        wanted = _wanted(schema)
        meant = None
        if keyword == "enum" and isinstance(given, str):
            meant = next(iter(nearest(given, [v for v in schema["enum"] if isinstance(v, str)])), None)
        hint = f", did you mean {meant}?" if meant else ""
        yield _problem(path, f"given {shown(given)}, wanted {wanted}{hint}", given, wanted, meant)


def _unknown(path: str, name: str, known: list[str]) -> Problem:
    meant = next(iter(nearest(name, known)), None)
    shown_name = named(name)
    if meant:
        return _problem(_join(path, shown_name), f"unknown parameter, did you mean {meant}?", meant=meant)
    listing = shorten(", ".join(known), 300) if known else "no parameters at all"
    return _problem(_join(path, shown_name), f"unknown parameter; there are {listing}", wanted=listing)


def _nearest_branch(error: ValidationError) -> Iterator[Problem]:
    """Problems of the alternative whose type the value has; without one, all that would be taken."""
    branches: dict[Any, list[ValidationError]] = {}
    for inner in error.context or ():
        branches.setdefault(inner.schema_path[0], []).append(inner)
    close = [inner for inner in branches.values() if not any(e.validator == "type" and not e.path for e in inner)]
    if len(close) == 1:
        for inner in close[0]:
            yield from _explained(inner)
        return
    wanted = " or ".join(_wanted(branch) for branch in cast(Any, error.validator_value))
    yield _problem(
        _path(error.absolute_path), f"given {shown(error.instance)}, wanted {wanted}", error.instance, wanted
    )


def _path(steps: Iterable[str | int]) -> str:
    path = ""
    for step in steps:
        path = f"{path}[{step}]" if isinstance(step, int) else _join(path, named(step))
    return path


def _join(path: str, name: str) -> str:
    return f"{path}.{name}" if path else name


_ARTICLES = {"array": "an array", "integer": "an integer", "object": "an object", "null": "null"}
_LIMITS = {
    "minimum": "at least {}",
    "exclusiveMinimum": "more than {}",
    "maximum": "at most {}",
    "exclusiveMaximum": "less than {}",
    "multipleOf": "a multiple of {}",
    "minLength": "at least {} characters",
    "maxLength": "at most {} characters",
    "minItems": "at least {} items",
    "maxItems": "at most {} items",
    "minProperties": "at least {} properties",
    "maxProperties": "at most {} properties",
    "pattern": "matching {}",
    "format": "in the format {}",
}


def _wanted(schema: Any) -> str:
    """What a schema wants, in words: `a number, at least 0, at most 2`."""
    if not isinstance(schema, dict):
        return "nothing" if schema is False else "anything"
    if "const" in schema:
        return shown(schema["const"])
    if "enum" in schema:
        return "one of " + shorten(", ".join(shown(value) for value in schema["enum"]), 300)
    alternatives = schema.get("anyOf") or schema.get("oneOf")
    if alternatives and "type" not in schema:
        return " or ".join(_wanted(alternative) for alternative in alternatives)
    types = schema.get("type", [])
    types = [types] if isinstance(types, str) else types
    words = " or ".join(_ARTICLES.get(name, f"a {name}") for name in types) or "a fitting value"
    limits = [_limit(keyword, schema[keyword]) for keyword in _LIMITS if keyword in schema]
    if schema.get("uniqueItems"):
        limits.append("no two alike")
    return ", ".join([words, *limits])


def _limit(keyword: str, value: Any) -> str:
    if value == 1 and keyword in ("minLength", "minItems", "minProperties"):
        return "not empty"
    return _LIMITS[keyword].format(value)
