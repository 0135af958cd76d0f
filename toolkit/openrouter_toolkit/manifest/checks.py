"""Checks of parsed definitions: whether their schemas are valid, and whether the manifest is consistent."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

from ..envelope import ActionError
from .clients import request_problem
from .declared_checks import declared_problems
from .definitions import Action, Brief, Definition, LoadedToolkit
from .file_models import ManifestFile
from .yaml_lines import YamlFile, dotted


def schema_problems(definition: Definition) -> Iterator[str]:
    """Yield a definition's problems: an invalid or open schema, references to other files, an invalid summary."""
    from jsonschema import Draft202012Validator
    from jsonschema.exceptions import SchemaError

    for part in ("input_parameters", "output_parameters"):
        schema = getattr(definition, part)
        try:
            Draft202012Validator.check_schema(schema)
        except SchemaError as error:
            place = "".join(f".{step}" for step in error.absolute_path)
            yield f"{part}{place}: not a valid JSON Schema: {error.message}"
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
    """Yield invalid JMESPath expressions, and those with unknown functions or a wrong number of arguments."""
    import jmespath
    from jmespath.exceptions import ArityError, JMESPathTypeError, ParseError, UnknownFunctionError

    from ..text.selection import OPTIONS

    places = {"brief.rows": brief.rows} | {f"brief.columns.{name}": text for name, text in brief.columns.items()}
    for place, expression in places.items():
        try:
            jmespath.compile(expression).search({}, OPTIONS)
        except JMESPathTypeError:
            continue  # an empty object lacks the values that an answer has
        except (ParseError, UnknownFunctionError, ArityError, ValueError) as error:
            yield f"{place}: no JMESPath expression: {' '.join(str(error).split())}"


# A toolset's switch is kept under the names of its toolkit and its own.
_LONGEST_SWITCH = 64
# Keywords whose value maps names to schemas, and keywords whose values are not schemas.
_SCHEMA_MAPS = ("properties", "patternProperties", "$defs", "definitions", "dependentSchemas")
_VALUE_KEYWORDS = ("const", "enum", "default", "examples", "required", "dependentRequired")


def _reference_problems(node: Any, root: Any, place: str = "") -> Iterator[str]:
    """Yield references that leave the file or resolve to no schema: a validator must never fetch anything."""
    if isinstance(node, list):
        for number, item in enumerate(node):
            yield from _reference_problems(item, root, f"{place}[{number}]")
    if not isinstance(node, dict):
        return
    for keyword, value in node.items():
        path_here = f"{place}.{keyword}"
        if keyword in _SCHEMA_MAPS and isinstance(value, dict):
            for name, schema in value.items():
                yield from _reference_problems(schema, root, f"{path_here}.{name}")
        elif keyword in ("$ref", "$dynamicRef") and isinstance(value, str):
            if not value.startswith("#"):
                yield f"{path_here}: {value} leaves the file; only #/... is allowed"
            elif not _resolves_to_schema(value, root):
                yield f"{path_here}: {value} points at nothing that is a schema"
        elif keyword == "$id" or (keyword == "$schema" and value != "https://json-schema.org/draft/2020-12/schema"):
            yield f"{path_here}: must be left out; schemas are JSON Schema 2020-12 and have no address"
        elif keyword not in _VALUE_KEYWORDS:
            yield from _reference_problems(value, root, path_here)


def _resolves_to_schema(reference: str, root: Any) -> bool:
    from referencing import Registry
    from referencing.exceptions import Unresolvable
    from referencing.jsonschema import DRAFT202012

    resource = DRAFT202012.create_resource(root)
    try:
        contents = Registry().with_resource("", resource).resolver("").lookup(reference).contents
    except (Unresolvable, LookupError, TypeError, ValueError):
        return False
    return isinstance(contents, dict | bool)


def consistency_problems(source: YamlFile, manifest: ManifestFile, loaded: LoadedToolkit) -> Iterator[str]:
    """Yield inconsistencies between the parts of a manifest, such as duplicate or unknown names."""
    names: dict[str, str] = {}
    for (steps, entry, _), action in zip(manifest.rows(), loaded.all_actions, strict=True):
        where = source.where(*steps)
        for name in (action.slug, *action.aliases):
            if name in names:
                yield f"{where}: {name} is there already, in {names[name]}"
            names[name] = dotted(steps)
        if action.credential is not None and action.credential not in [field.name for field in loaded.auth.fields]:
            yield f"{where}.credential: auth has no field {action.credential}"
        if entry.request is not None:
            problems = _request_problems(entry.request, action, loaded.client)
            yield from (f"{source.where(*steps, 'request')}: {problem}" for problem in problems)
    for name in loaded.toolsets:
        if len(f"{loaded.toolkit.slug}/{name}") > _LONGEST_SWITCH:
            yield f"{source.where('toolsets', name)}: {name} is too long a name for a toolset of {loaded.toolkit.slug}"
    yield from declared_problems(source, manifest, loaded)
    if loaded.toolkit.catalogue not in (None, *(action.slug for action in loaded.all_actions)):
        yield f"{source.where('toolkit', 'catalogue')}: there is no action {loaded.toolkit.catalogue}"
    for version, slugs in loaded.toolkit.earlier_versions.items():
        where = source.where("toolkit", "earlier_versions", version)
        yield from (f"{where}: there is no action {slug}" for slug in slugs if slug not in names)
        if version >= loaded.toolkit.version:
            yield f"{where}: is not earlier than the toolkit's version, {loaded.toolkit.version}"
    yield from (f"{source.where('auth')}.{problem}" for problem in _auth_problems(loaded))


def _request_problems(request: str, action: Action, client: Callable[..., Any] | None) -> Iterator[str]:
    if problem := request_problem(client):
        yield problem
    required = action.definition.input_parameters.get("required", ())
    for name in re.findall(r"\{(\w+)\}", request):
        if name not in required:
            yield f"{name} is no required parameter of {action.slug}"


def _auth_problems(loaded: LoadedToolkit) -> Iterator[str]:
    auth = loaded.auth
    fields = [field.name for field in auth.fields]
    verify = next((action for action in loaded.all_actions if action.slug == auth.verify), None)
    if verify is not None:
        try:
            verify.validator.check(verify.slug, auth.verify_arguments)
        except ActionError as error:
            how = "with these arguments" if auth.verify_arguments else "without arguments"
            yield f"verify: {verify.slug} can't be called {how}: {error.message}"
    elif auth.verify is not None:
        yield f"verify: there is no action {auth.verify}"
    elif auth.check is not None:
        yield "check: there is nothing to judge without verify"
    if auth.browser is not None and auth.scheme == "NO_AUTH":
        yield "browser: NO_AUTH has no login"
    if (auth.scheme == "API_KEY") != bool(fields):
        yield "fields: API_KEY needs at least one field, NO_AUTH none"
    if len(set(fields)) < len(fields):
        yield "fields: a name is there twice"
    elif auth.credential is not None and auth.credential not in fields:
        yield f"credential: there is no field {auth.credential}"
    elif len(auth.keys) > 1:
        yield f"credential: missing; say which field is the key: {', '.join(field.name for field in auth.keys)}"
