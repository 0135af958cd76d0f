"""Makes the schemas of the further toolsets from OpenRouter's OpenAPI document: `make schemas SPEC=file`.

Of a file in `schemas/TOOLSET/`, `input_parameters` and `data.contentSchema` are made: types, limits, values, what is
required, and no word of the document's. Everything above them is written by hand and stays as it is: `by_hand` has the
parameters' descriptions, in the order in which models read them.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import yaml

from openrouter_toolkit.manifest.definitions import imported
from openrouter_toolkit.openapi.arguments import Arguments, arguments, json_type
from openrouter_toolkit.openapi.document import Document, Unsupported, WrongDocument, mapping
from openrouter_toolkit.openapi.operations import Operation, operations
from openrouter_toolkit.openapi.schemas import TooLarge, Translator

from . import scaffold

Json = dict[str, Any]
_PARTS = 5_000
# A parameter is described as deep as fits into so many characters; what is inside is open in any case.
_DEPTHS, _MOST_CHARACTERS = (1, 2, 3), 700
_ANSWER_DEPTH = 3
# A list of more values than a model should read, such as that of all providers, is left open.
_MOST_VALUES = 30
_LIMITS = (
    *("pattern", "minimum", "maximum", "exclusiveMinimum", "minLength", "maxLength", "minItems", "maxItems"),
    "maxProperties",
)


_REQUEST = re.compile(r"\b(GET|POST|PUT|PATCH|DELETE) (/[\w~./{}-]+)")


def request_of(row: Json) -> str:
    """The request of a row of the manifest, as it says, or its handler's docstring."""
    told: str = row.get("request") or imported(row["handler"]).__doc__ or ""
    found = _REQUEST.search(told)
    assert found, f"name the request, such as (GET /models): {told}"
    return found[0]


class Row(NamedTuple):
    """An action of a further toolset, as the manifest has it."""

    toolset: str
    schema: str
    request: str

    @property
    def action(self) -> str:
        """Its name: that of its file."""
        return Path(self.schema).stem


def rows(root: Path) -> Iterator[Row]:
    """The actions of the further toolsets."""
    manifest = yaml.safe_load((root / "manifest.yaml").read_text(encoding="utf-8"))
    for name, toolset in manifest.get("toolsets", {}).items():
        yield from (Row(name, row["schema"], request_of(row)) for row in toolset["actions"])


def made(document: Document, operation: Operation) -> Json:
    """What the document says of an operation: `input_parameters`, and the `contentSchema` of its answer.

    Raises:
        Unsupported: an action can't have one of its parameters.
    """
    found = arguments(document, operation, Translator(document, depth=0, budget=_PARTS), frozenset())
    deeper = [found, *(one for depth in _DEPTHS if (one := _deeper(document, operation, depth)) is not None)]
    properties = {}
    for name in found.properties:
        facts = [_facts(one.properties[name], limits=True) for one in deeper]
        short = [one for one in facts if len(json.dumps(one)) <= _MOST_CHARACTERS]
        properties[name] = (short or facts)[-1 if short else 0]
        if f"{{{name}}}" in found.path:
            properties[name] = _not_empty(properties[name])
    required = {"required": found.required} if found.required else {}
    return {
        "input_parameters": {"type": "object", "properties": properties, **required, "additionalProperties": False},
        "contentSchema": _answer(document, operation),
    }


def _deeper(document: Document, operation: Operation, depth: int) -> Arguments | None:
    """The arguments with what is inside them, None if that is too much."""
    try:
        return arguments(document, operation, Translator(document, depth=depth, budget=_PARTS), frozenset())
    except TooLarge:
        return None


def _not_empty(schema: Json) -> Json:
    """A part of a path: an empty one would be another address."""
    return {"minLength": 1, **schema} if schema.get("type") == "string" and "enum" not in schema else schema


def _answer(document: Document, operation: Operation) -> Json:
    """The fields of the answer with their types, as deep as the objects that a list has."""
    for status, raw in mapping(operation.content.get("responses")).items():
        content = mapping(document.resolved(raw).get("content"))
        media = next((media for kind, media in content.items() if json_type(str(kind))), None)
        if str(status)[:1] == "2" and media is not None:
            translator = Translator(document, depth=_ANSWER_DEPTH, budget=_PARTS)
            facts = _facts(translator.translate(mapping(media).get("schema")), limits=False)
            return facts if facts.get("type") == "object" else {"type": "object", "additionalProperties": True}
    return {"type": "object", "additionalProperties": True}


def _facts(schema: Json, *, limits: bool) -> Json:
    """A schema without words, and for answers without limits and values. Objects are open."""
    types = schema.get("type", [])
    facts: Json = {"type": types} if types else {}
    values = schema.get("enum", [schema["const"]] if "const" in schema else [])
    if limits:
        facts |= {"enum": values} if 0 < len(values) <= _MOST_VALUES else {}
        facts |= {name: schema[name] for name in _LIMITS if name in schema}
    if "object" in types:
        inner = {name: _facts(one, limits=limits) for name, one in schema.get("properties", {}).items()}
        facts |= {"properties": inner} if inner else {}
        facts |= {"required": schema["required"]} if limits and "required" in schema else {}
        others = schema.get("additionalProperties")
        facts["additionalProperties"] = (_facts(others, limits=limits) if isinstance(others, dict) else {}) or True
    if "array" in types:
        facts["items"] = _facts(schema.get("items", {}), limits=limits)
    branches: list[Json] = []
    for branch in schema.get("anyOf", ()):
        one = _facts(branch, limits=limits)
        if one not in branches:
            branches.append(one)
    if len(branches) == 1:
        return {**branches[0], **facts}
    if branches and {} not in branches and not any(map(_is_plain_object, branches)):
        facts["anyOf"] = branches
    elif branches and all(one.get("type") == "object" for one in branches):
        facts |= {"type": "object", "additionalProperties": True}
    elif branches and {} not in branches:
        facts["anyOf"] = branches
    return facts


def _is_plain_object(schema: Json) -> bool:
    return schema == {"type": "object", "additionalProperties": True}


def refreshed(document: Document, operation: Operation, row: Row, before: Json | None) -> Json:
    """A schema file's content: as it was, or begun, with what the document says today."""
    facts = made(document, operation)
    names = facts["input_parameters"]["properties"]
    if before is None:
        slug = f"OPENROUTER_{row.action.upper()}"
        before = {**scaffold.definition(slug, row.request), "tags": _tags(row), "by_hand": {}}
    by_hand = before["by_hand"] | {name: scaffold.placeholder(name) for name in names if name not in before["by_hand"]}
    own = {name: value for name, value in before.items() if name not in ("by_hand", "input_parameters", "data")}
    return {
        **own,
        "by_hand": {name: written for name, written in by_hand.items() if name in names},
        "input_parameters": facts["input_parameters"],
        "data": {"description": before["data"]["description"], "contentSchema": facts["contentSchema"]},
    }


def _tags(row: Row) -> list[str]:
    return [row.toolset, "read" if row.request.startswith("GET ") else "write"]


def printed(content: Json) -> str:
    """A schema file's text."""
    return json.dumps(content, indent=2, ensure_ascii=False) + "\n"


def make(root: Path, document: Document) -> tuple[list[str], list[str]]:
    """Write the files of all rows; return which of them changed, and what somebody has to look at."""
    by_line = {operation.line: operation for operation in operations(document)}
    changed, notes = [], []
    for row in rows(root):
        operation = by_line.get(row.request)
        if operation is None:
            notes.append(f"{row.schema}: {row.request} is not in the document")
            continue
        path = root / row.schema
        text = path.read_text(encoding="utf-8") if path.exists() else None
        before = None if text is None else json.loads(text)
        try:
            content = refreshed(document, operation, row, before)
        except (TooLarge, Unsupported) as error:
            notes.append(f"{row.schema}: {error or 'is too large'}")
            continue
        if printed(content) != text:
            changed.append(row.schema)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(printed(content), encoding="utf-8")
        gone = [] if before is None else sorted(before["by_hand"].keys() - content["by_hand"].keys())
        notes += [f"{row.schema}: {name} is gone" for name in gone]
        unwritten = [name for name, words in content["by_hand"].items() if words == scaffold.placeholder(name)]
        notes += [f"{row.schema}: write what {name} is, in by_hand" for name in unwritten]
    return changed, notes


def main(given: list[str] | None = None) -> int:
    """The command: 0 when the files are as the document wants them, 2 for a wrong file."""
    parser = argparse.ArgumentParser(prog="make schemas", usage="make schemas SPEC=openapi.yaml", description=__doc__)
    parser.add_argument("file", nargs="?", default="", help="OpenRouter's OpenAPI document, YAML or JSON")
    name = parser.parse_args(given).file
    if not name:
        print("Name OpenRouter's OpenAPI file: make schemas SPEC=openapi.yaml", file=sys.stderr)
        return 2
    try:
        document = Document.parse(Path(name).read_bytes(), name=name)
        changed, notes = make(scaffold.ROOT, document)
    except (OSError, WrongDocument) as error:
        print(f"{name}: {error}", file=sys.stderr)
        return 2
    print("\n".join([*(f"written: {file}" for file in changed), *notes]) or f"Nothing to change: {name} says the same.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
