"""Validates arguments against an action's JSON Schema, with error messages that a model can act on."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache, cached_property
from itertools import chain, islice
from typing import TYPE_CHECKING, Any, cast

from ..envelope import ActionError
from ..text.close_matches import close_matches
from ..text.sanitize import preview, short_name, shorten
from .fast_check import FastCheck, compile_fast_check
from .words import in_words

if TYPE_CHECKING:
    from jsonschema.exceptions import ValidationError
    from jsonschema.protocols import Validator

Problem = dict[str, Any]

_MAX_IN_TEXT = 8
_MAX_IN_DATA = 50
_MAX_PROBLEMS = 1_000
# References are followed this many times, so that circular ones end.
_MAX_REFERENCES = 20
# Called at each step of jsonschema (see `interruptible`); it raises when the call has timed out.
_checkpoint: ContextVar[Callable[[], None] | None] = ContextVar("openrouter_toolkit_checkpoint", default=None)


class ArgumentValidator:
    """One action's `input_parameters`, compiled once and used for every call."""

    def __init__(self, schema: Mapping[str, Any]) -> None:
        self.schema = schema

    @cached_property
    def fast_check(self) -> FastCheck:
        """A fast check: true means that the arguments are valid, false that `check` must decide."""
        return compile_fast_check(self.schema)

    @cached_property
    def _validator(self) -> Validator:
        return compile_schema(self.schema)

    def check(self, slug: str, arguments: dict[str, Any], checkpoint: Callable[[], None] | None = None) -> None:
        """Raise `ActionError` (`invalid_arguments`) with all problems at once, or return.

        `checkpoint` is called repeatedly during validation; it may raise to stop it.
        """
        try:
            if self.fast_check(arguments):
                return
            with interruptible(checkpoint):
                if self._validator.is_valid(arguments):
                    return
                problems = self.problems(arguments)
        except RecursionError:
            problems = [_problem("", "they are nested too deeply, or contain themselves")]
        except (ValueError, TypeError) as error:  # a Python value that is not a JSON value
            problems = [_problem("", f"they are not JSON values ({type(error).__name__})")]
        raise refusal(slug, problems)

    def problems(self, arguments: dict[str, Any]) -> list[Problem]:
        """Return the problems, unknown names first, up to a maximum number."""
        found: dict[str, Problem] = {}
        suggest = _Suggestions()
        errors = self._validator.iter_errors(arguments)
        for problem in islice(chain.from_iterable(_to_problems(error, suggest) for error in errors), _MAX_PROBLEMS + 1):
            found.setdefault(f"{problem['path']}: {problem['problem']}", problem)
        return sorted(found.values(), key=lambda problem: not problem["problem"].startswith("unknown"))

    def accepts(self, rule: Any, value: Any) -> bool:
        """Whether a value is valid for a part of the schema; nothing is if the part is missing."""
        try:
            # References are still resolved from the root schema.
            return rule is not None and self._validator.evolve(schema=rule).is_valid(value)
        except RecursionError:
            return False

    def resolved(self, rule: Any) -> Any:
        """Return a part of the schema, with references into the schema resolved."""
        for _ in range(_MAX_REFERENCES):
            reference = rule.get("$ref") if isinstance(rule, dict) else None
            if not isinstance(reference, str) or not reference.startswith("#/"):
                break
            rule = self.schema
            for step in reference[2:].split("/"):
                rule = rule.get(step.replace("~1", "/").replace("~0", "~")) if isinstance(rule, dict) else None
        return rule


@contextmanager
def interruptible(checkpoint: Callable[[], None] | None) -> Iterator[None]:
    """Call `checkpoint` at every step of a validation inside the block; it may raise to stop the validation."""
    token = _checkpoint.set(checkpoint)
    try:
        yield
    finally:
        _checkpoint.reset(token)


def as_object(slug: str, arguments: Any) -> dict[str, Any]:
    """Return the arguments as an object, which is empty for None. Raises `ActionError` for other types."""
    if arguments is None:
        return {}
    if isinstance(arguments, Mapping) and not isinstance(arguments, dict):
        arguments = dict(arguments)
    if not isinstance(arguments, dict):
        hint = "; a tool call's arguments are JSON text: parse them first" if isinstance(arguments, str) else ""
        raise refusal(slug, [_problem("", f"they must be an object{hint}", arguments, "a JSON object")])
    non_strings = list(islice((name for name in arguments if not isinstance(name, str)), _MAX_PROBLEMS + 1))
    if non_strings:
        raise refusal(slug, [_problem(preview(name), "a parameter's name must be a string") for name in non_strings])
    return arguments


def compile_schema(schema: Mapping[str, Any]) -> Validator:
    """Compile a JSON Schema 2020-12 validator that never fetches a `$ref` from elsewhere."""
    from referencing import Registry

    validator: Validator = _validator_class()(schema, registry=Registry())
    return validator


@cache
def _validator_class() -> Any:
    """Create jsonschema's validator class with interruptible steps and a limited number of errors in `anyOf`."""
    from jsonschema import Draft202012Validator, validators

    keywords = {**Draft202012Validator.VALIDATORS, "anyOf": _any_of}
    steps = {name: _step(check) for name, check in keywords.items()}
    return validators.extend(Draft202012Validator, steps)  # type: ignore[no-untyped-call]


def _step(check: Callable[..., Any]) -> Callable[..., Any]:
    def step(validator: Any, value: Any, instance: Any, schema: Any) -> Any:
        checkpoint = _checkpoint.get()
        if checkpoint is not None:
            checkpoint()
        return check(validator, value, instance, schema)

    return step


def _any_of(validator: Any, branches: list[Any], instance: Any, _schema: Any) -> Iterator[ValidationError]:
    """Check `anyOf`. jsonschema's own check would collect all errors of all alternatives, and quote the full value."""
    from jsonschema.exceptions import ValidationError

    context: list[ValidationError] = []
    for number, branch in enumerate(branches):
        errors = list(islice(validator.descend(instance, branch, schema_path=number), _MAX_IN_DATA))
        if not errors:
            return
        context += errors
    yield ValidationError("fits none of the alternatives", context=context)


def refusal(slug: str, problems: list[Problem]) -> ActionError:
    """Create the error for invalid arguments, for use by the validator and by handlers and hooks."""
    lines = [f"{problem['path']}: {problem['problem']}" for problem in problems]
    listing = "; ".join(lines[:_MAX_IN_TEXT])
    if len(lines) > _MAX_PROBLEMS:
        listing += f"; and over {_MAX_PROBLEMS - _MAX_IN_TEXT} more"
    elif len(lines) > _MAX_IN_TEXT:
        listing += f"; and {len(lines) - _MAX_IN_TEXT} more"
    return ActionError(
        "invalid_arguments",
        "; ".join(lines[:_MAX_IN_DATA]),
        f"{slug} was not called, its arguments are wrong. {listing.rstrip('.')}"
        f"{'' if listing.endswith('?') else '.'} Fix them and call again.",
        problems=problems[:_MAX_IN_DATA],
    )


def _problem(
    path: str, problem: str, given: Any = None, wanted: str | None = None, suggestion: str | None = None
) -> Problem:
    facts = {"given": None if given is None else preview(given), "wanted": wanted, "did_you_mean": suggestion}
    return {"path": path or "arguments", "problem": problem} | {k: v for k, v in facts.items() if v is not None}


class _Suggestions:
    """Suggests the closest name, for a limited number of names only, because each lookup is costly."""

    def __init__(self) -> None:
        self._left = _MAX_IN_DATA

    def __call__(self, name: str, candidates: Iterable[str]) -> str | None:
        self._left -= 1
        return None if self._left < 0 else next(iter(close_matches(name, candidates)), None)


def _to_problems(error: ValidationError, suggest: _Suggestions) -> Iterator[Problem]:
    """Convert a jsonschema error to one or more problems, without its message, which may quote megabytes."""
    keyword, given, value = error.validator, cast(Any, error.instance), cast(Any, error.validator_value)
    path = _path(error.absolute_path)
    schema = error.schema if isinstance(error.schema, dict) else {}
    if keyword == "required":
        for name in value:
            if name not in given:
                wanted = in_words(schema.get("properties", {}).get(name, {}))
                yield _problem(_join(path, name), f"required ({wanted})", wanted=wanted)
    elif keyword in ("additionalProperties", "unevaluatedProperties") and isinstance(given, dict):
        known = schema.get("properties", {})
        free = [name for name in known if name not in given] or list(known)
        for name in given:
            if name not in known:
                yield _unknown_parameter(path, name, free, suggest)
    elif keyword in ("anyOf", "oneOf") and error.context:
        yield from _branch_problems(error, suggest)
    else:
        wanted = in_words(schema)
        suggestion = None
        if keyword == "enum" and isinstance(given, str):
            suggestion = suggest(given, [v for v in schema["enum"] if isinstance(v, str)])
        hint = f", did you mean {suggestion}?" if suggestion else ""
        yield _problem(path, f"given {preview(given)}, wanted {wanted}{hint}", given, wanted, suggestion)


def _unknown_parameter(path: str, name: str, known: list[str], suggest: _Suggestions) -> Problem:
    suggestion = suggest(name, known)
    shown_name = short_name(name)
    if suggestion:
        return _problem(
            _join(path, shown_name), f"unknown parameter, did you mean {suggestion}?", suggestion=suggestion
        )
    listing = shorten(", ".join(known), 300) if known else "no parameters at all"
    return _problem(_join(path, shown_name), f"unknown parameter; there are {listing}", wanted=listing)


def _branch_problems(error: ValidationError, suggest: _Suggestions) -> Iterator[Problem]:
    """Return the problems of the one alternative with the value's type; otherwise list all alternatives."""
    branches: dict[Any, list[ValidationError]] = {}
    for inner in error.context or ():
        branches.setdefault(inner.schema_path[0], []).append(inner)
    close = [inner for inner in branches.values() if not any(e.validator == "type" and not e.path for e in inner)]
    if len(close) == 1:
        for inner in close[0]:
            yield from _to_problems(inner, suggest)
        return
    wanted = " or ".join(in_words(branch) for branch in cast(Any, error.validator_value))
    yield _problem(
        _path(error.absolute_path), f"given {preview(error.instance)}, wanted {wanted}", error.instance, wanted
    )


def _path(steps: Iterable[str | int]) -> str:
    path = ""
    for step in steps:
        path = f"{path}[{step}]" if isinstance(step, int) else _join(path, short_name(step))
    return path


def _join(path: str, name: str) -> str:
    return f"{path}.{name}" if path else name
