"""Reads an OpenAPI file: what OpenRouter's document says about the operation of each action."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import yaml

from .operations import OPERATIONS

Json = dict[str, Any]

_BOUNDS = (
    *("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "minLength", "maxLength", "pattern"),
    *("minItems", "maxItems", "maxProperties"),
)
_DEEPEST = 20


class WrongSpecification(Exception):
    """The file is no OpenAPI document that can be compared; the message says what to do."""


class Parameter(NamedTuple):
    """One parameter of an operation: a field of its body, or what stands in the path, query or headers."""

    schema: Json
    required: bool
    place: str


class Shape(NamedTuple):
    """What a schema takes at its top level: JSON types, the values when they are listed, bounds by keyword."""

    types: frozenset[str]
    values: frozenset[Any] | None
    bounds: Mapping[str, Any]


def load(path: Path) -> Json:
    """The OpenAPI document in a file, YAML or JSON.

    Raises:
        WrongSpecification: there is no such file, or it holds no OpenAPI 3 document.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise WrongSpecification(f"{path} can't be read ({getattr(error, 'strerror', None) or error}).") from None
    try:
        loaded = yaml.load(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))
    except (yaml.YAMLError, RecursionError) as error:
        place = getattr(error, "problem_mark", None)
        line = f", line {place.line + 1}" if place is not None else ""
        raise WrongSpecification(f"{path}{line} is neither YAML nor JSON.") from None
    version = loaded.get("openapi") if isinstance(loaded, dict) else None
    if not str(version).startswith("3.") or not isinstance(loaded.get("paths"), dict):
        raise WrongSpecification(f"{path} is no OpenAPI 3 document: it needs openapi: 3.x and paths.")
    return dict(loaded)


class Specification:
    """An OpenAPI document, with its references resolved where they are met.

    Raises `WrongSpecification` where a reference leads nowhere.
    """

    def __init__(self, document: Json) -> None:
        self._document = document

    def lines(self) -> set[str]:
        """The operations that the document has: method and path."""
        methods = ("get", "post", "put", "patch", "delete")
        return {
            f"{method.upper()} {path}"
            for path, item in self._document["paths"].items()
            for method in methods
            if method in self.resolved(item)
        }

    def operation(self, action: str) -> Json | None:
        """The operation that an action calls; None when the document does not have it."""
        method, path = OPERATIONS[action]
        paths = self._document["paths"]
        item = self.resolved(paths.get(path, paths.get(f"/api/v1{path}")))
        found = item.get(method)
        if not isinstance(found, dict):
            return None
        return {**found, "parameters": [*item.get("parameters", ()), *found.get("parameters", ())]}

    def parameters(self, action: str) -> dict[str, Parameter]:
        """The parameters of an action's operation by name: path, query, headers, and the fields of a JSON body."""
        operation = self.operation(action) or {}
        found: dict[str, Parameter] = {}
        for given in operation.get("parameters", ()):
            parameter = self.resolved(given)
            schema = self.resolved(parameter.get("schema", {}))
            found[parameter["name"]] = Parameter(schema, parameter.get("required") is True, parameter.get("in", ""))
        body = self._json(self.resolved(operation.get("requestBody", {})))
        required = body.get("required", ())
        for name, schema in body.get("properties", {}).items():
            found[name] = Parameter(self.resolved(schema), name in required, "body")
        return found

    def statuses(self, action: str) -> set[int]:
        """The statuses of failures that an action's operation can answer with."""
        statuses = {str(status) for status in (self.operation(action) or {}).get("responses", {})}
        return {int(status) for status in statuses if status.isdecimal() and int(status) >= 400}

    def answer(self, action: str) -> Json:
        """The schema of an action's answer when it succeeds; empty where the document has none."""
        answers = (self.operation(action) or {}).get("responses", {})
        return self._json(self.resolved(answers.get("200", answers.get(200, {}))))

    def resolved(self, schema: Any, depth: int = 0) -> Json:
        """A schema without a reference or an `allOf` at its top: what they hold is merged into it."""
        if not isinstance(schema, dict):
            return {}
        if depth > _DEEPEST:
            raise WrongSpecification("References lead in a circle.")
        parts = [self._target(schema["$ref"])] if "$ref" in schema else []
        parts += [part for part in schema.get("allOf", ()) if isinstance(part, dict)]
        if not parts:
            return schema
        merged: Json = {}
        own = {key: value for key, value in schema.items() if key not in ("$ref", "allOf")}
        for part in [*(self.resolved(part, depth + 1) for part in parts), own]:
            properties = {**merged.get("properties", {}), **part.get("properties", {})}
            required = [*merged.get("required", ()), *part.get("required", ())]
            merged = {**merged, **part}
            if properties:
                merged["properties"] = properties
            if required:
                merged["required"] = required
        return merged

    def shape(self, schema: Json, depth: int = 0) -> Shape:
        """What a schema takes at its top level, with its branches taken together."""
        schema = self.resolved(schema, depth)
        branches = [*schema.get("anyOf", ()), *schema.get("oneOf", ())]
        own = self._own_shape(schema)
        if not branches:
            return own
        shapes = [self.shape(branch, depth + 1) for branch in branches]
        types = own.types.union(*(shape.types for shape in shapes))
        # The list counts where every branch that takes text has one; objects may stand beside the words.
        listing = [shape.values for shape in shapes if "string" in shape.types]
        values = None if None in listing else frozenset().union(*filter(None, listing))
        bounds: Json = dict(own.bounds)
        for shape in shapes:
            bounds.update(shape.bounds)
        return Shape(types, values or None, bounds)

    def object_in(self, schema: Json) -> Json:
        """The object that a schema describes: itself, its items, or the one branch that has fields; else empty."""
        schema = self.resolved(schema)
        if "properties" in schema:
            return schema
        inner = [schema["items"]] if "items" in schema else [*schema.get("anyOf", ()), *schema.get("oneOf", ())]
        found = [each for branch in inner if "properties" in (each := self.object_in(branch))]
        return found[0] if len(found) == 1 else {}

    @staticmethod
    def _own_shape(schema: Json) -> Shape:
        types = schema.get("type", [])
        names = frozenset([types] if isinstance(types, str) else types)
        if schema.get("nullable") is True:
            names |= {"null"}
        listed = schema.get("enum", [schema["const"]] if "const" in schema else None)
        values = None if listed is None else frozenset(value for value in listed if value is not None)
        bounds = {name: schema[name] for name in _BOUNDS if name in schema}
        return Shape(names, values, bounds)

    def _json(self, holder: Json) -> Json:
        media = holder.get("content", {}).get("application/json", {})
        return self.resolved(media.get("schema", {}))

    def _target(self, reference: Any) -> Any:
        target: Any = self._document
        if not isinstance(reference, str) or not reference.startswith("#/"):
            raise WrongSpecification(f"The reference {reference!r} leaves the file; only those inside it are followed.")
        for part in reference[2:].split("/"):
            name = part.replace("~1", "/").replace("~0", "~")
            if not isinstance(target, dict) or name not in target:
                raise WrongSpecification(f"The reference {reference!r} leads nowhere.")
            target = target[name]
        return target
