"""What is wrong with definitions that read well one by one: their schemas, and how they fit together."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ..envelope import ActionError
from .definitions import Action, Brief, Definition, Manifest
from .yaml_lines import line_of


def schema_problems(definition: Definition) -> Iterator[str]:
    """Each thing that makes a definition unfit: no JSON Schema, not closed, references that leave it, a wrong brief."""
    from jsonschema import Draft202012Validator  # noqa: PLC0415 - only a foreign manifest must pay for it
    from jsonschema.exceptions import SchemaError  # noqa: PLC0415

    for part in ("input_parameters", "output_parameters"):
        schema = getattr(definition, part)
        try:
            Draft202012Validator.check_schema(schema)
        except SchemaError as error:
            place = "".join(f".{step}" for step in error.absolute_path)
            yield f"{part}{place}: no valid JSON Schema: {error.message}"
            continue
        yield from (f"{part}{problem}" for problem in _reference_problems(schema, schema))
    root = definition.input_parameters
    if root.get("type") != "object" or root.get("additionalProperties") is not False:
        yield 'input_parameters: must be a closed object ("type": "object", "additionalProperties": false)'
    elif missing := set(root.get("required", ())) - set(root.get("properties", ())):
        yield f"input_parameters.required: {', '.join(sorted(missing))} is no property"
    if definition.brief is not None:
        yield from _brief_problems(definition.brief)


def _brief_problems(brief: Brief) -> Iterator[str]:
    """Expressions that are no JMESPath, or call functions that there are not, or with too many or few arguments."""
    import jmespath  # noqa: PLC0415 - only a foreign manifest must pay for it
    from jmespath.exceptions import ArityError, JMESPathTypeError, ParseError, UnknownFunctionError  # noqa: PLC0415

    from ..text.selection import OPTIONS  # noqa: PLC0415

    places = {"brief.rows": brief.rows} | {f"brief.columns.{name}": text for name, text in brief.columns.items()}
    for place, expression in places.items():
        try:
            jmespath.compile(expression).search({}, OPTIONS)
        except JMESPathTypeError:
            continue  # an empty object has not what the expression works with; an answer has
        except (ParseError, UnknownFunctionError, ArityError, ValueError) as error:
            yield f"{place}: no JMESPath expression: {' '.join(str(error).split())}"


# Under these keywords stand names, each with a schema; under those stand values, which are no schemas.
_NAMES = ("properties", "patternProperties", "$defs", "definitions", "dependentSchemas")
_VALUES = ("const", "enum", "default", "examples", "required", "dependentRequired")


def _reference_problems(node: Any, root: Any, place: str = "") -> Iterator[str]:
    """References may point inside the file only: a validator must never fetch anything."""
    if isinstance(node, list):
        for number, item in enumerate(node):
            yield from _reference_problems(item, root, f"{place}[{number}]")
    if not isinstance(node, dict):
        return
    for keyword, value in node.items():
        here = f"{place}.{keyword}"
        if keyword in _NAMES and isinstance(value, dict):
            for name, schema in value.items():
                yield from _reference_problems(schema, root, f"{here}.{name}")
        elif keyword in ("$ref", "$dynamicRef") and isinstance(value, str):
            if not value.startswith("#"):
                yield f"{here}: {value} leaves the file; only #/... is allowed"
            elif not _leads_to_a_schema(value, root):
                yield f"{here}: {value} points at nothing that is a schema"
        elif keyword == "$id" or (keyword == "$schema" and value != "https://json-schema.org/draft/2020-12/schema"):
            yield f"{here}: must be left out; schemas are JSON Schema 2020-12 and have no address"
        elif keyword not in _VALUES:
            yield from _reference_problems(value, root, here)


def _leads_to_a_schema(reference: str, root: Any) -> bool:
    from referencing import Registry  # noqa: PLC0415
    from referencing.exceptions import Unresolvable  # noqa: PLC0415
    from referencing.jsonschema import DRAFT202012  # noqa: PLC0415

    resource = DRAFT202012.create_resource(root)
    try:
        found = Registry().with_resource("", resource).resolver("").lookup(reference).contents
    except (Unresolvable, LookupError, TypeError, ValueError):
        return False
    return isinstance(found, dict | bool)


def contradictions(path: Path, lines: Any, manifest: Manifest, actions: list[Action]) -> Iterator[str]:
    """Each way in which the parts of a manifest don't fit together: names twice, or names of nothing."""
    names: dict[str, int] = {}
    fields = [field.name for field in manifest.auth.fields]
    for number, action in enumerate(actions):
        where = f"{path}:{line_of(lines, ('actions', number))}: actions[{number}]"
        for name in (action.slug, *action.aliases):
            if name in names:
                yield f"{where}: {name} is there already, in actions[{names[name]}]"
            names[name] = number
        if action.credential is not None and action.credential not in fields:
            yield f"{where}.credential: auth has no field {action.credential}"
    auth = f"{path}:{line_of(lines, ('auth',))}: auth"
    verify = next((action for action in actions if action.slug == manifest.auth.verify), None)
    if manifest.auth.verify is not None and verify is None:
        yield f"{auth}.verify: there is no action {manifest.auth.verify}"
    if verify is not None:
        yield from (f"{auth}.verify: {problem}" for problem in _wrong_arguments(verify, manifest.auth.verify_arguments))
    if manifest.auth.check is not None and manifest.auth.verify is None:
        yield f"{auth}.check: there is nothing to judge without verify"
    if manifest.auth.browser is not None and manifest.auth.scheme == "NO_AUTH":
        yield f"{auth}.browser: NO_AUTH has no login"
    if (manifest.auth.scheme == "API_KEY") != bool(fields):
        yield f"{auth}.fields: API_KEY needs at least one field, NO_AUTH none"
    if len(set(fields)) < len(fields):
        yield f"{auth}.fields: a name is there twice"
    elif manifest.auth.credential is not None and manifest.auth.credential not in fields:
        yield f"{auth}.credential: there is no field {manifest.auth.credential}"
    elif len(manifest.auth.keys) > 1:
        yield f"{auth}.credential: missing; say which field is the key: {', '.join(f.name for f in manifest.auth.keys)}"


def _wrong_arguments(verify: Action, arguments: dict[str, Any]) -> Iterator[str]:
    try:
        verify.validator.check(verify.slug, arguments)
    except ActionError as error:
        how = "with these arguments" if arguments else "without arguments"
        yield f"{verify.slug} can't be called {how}: {error.message}"
