"""Reads the definitions of the actions, and what the tests hold them against."""

from __future__ import annotations

import json
import os
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from jsonschema import Draft202012Validator

from openrouter_toolkit.commands.show import sample
from openrouter_toolkit.manifest import DOCUMENTED

from . import operations
from .specification import Specification, load

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).resolve().parents[2]
ACTIONS = sorted(operations.ACTIONS)
FURTHER = [name for name in ACTIONS if operations.ACTIONS[name].toolset != DOCUMENTED]
FILES = {Path(row["schema"]).stem: ROOT / row["schema"] for row in operations.ROWS}

Json = dict[str, Any]


@cache
def definition(action: str) -> Json:
    """An action's whole definition: its file, with the envelope and the parameters that every action takes."""
    dumped = operations.ACTIONS[action].definition.model_dump()
    return {key: value for key, value in dumped.items() if value is not None}


def left_out(action: str) -> set[str]:
    """The parameters that an action's file leaves out by hand."""
    by_hand = json.loads(FILES[action].read_text(encoding="utf-8")).get("by_hand", {})
    return {name for name, written in by_hand.items() if written is None}


def properties(action: str) -> dict[str, Json]:
    found: dict[str, Json] = definition(action)["input_parameters"]["properties"]
    return found


def least_arguments(action: str) -> Json:
    """The required arguments of an action, with some value of their type."""
    arguments: Json = sample(definition(action)["input_parameters"])
    return arguments


def problems(action: str, arguments: Json) -> list[str]:
    """What a validator says about the arguments; nothing when they are good."""
    validator = Draft202012Validator(definition(action)["input_parameters"])
    return [f"{error.json_path}: {error.message[:200]}" for error in validator.iter_errors(arguments)]


def subschemas(schema: Any) -> Iterator[Json]:
    """The schema and every schema inside it."""
    if not isinstance(schema, dict):
        return
    yield schema
    for keyword in ("items", "additionalProperties", "contentSchema"):
        yield from subschemas(schema.get(keyword))
    for inner in (*schema.get("properties", {}).values(), *schema.get("anyOf", [])):
        yield from subschemas(inner)


@cache
def openrouter_document() -> Specification:
    """OpenRouter's own OpenAPI document; skips the test where it is absent."""
    path = Path(os.environ.get("OPENROUTER_OPENAPI", ROOT.parent / "shared/openrouter/openapi.yaml"))
    if not path.is_file():
        pytest.skip(f"OpenRouter's OpenAPI document is not at {path}; OPENROUTER_OPENAPI names it")
    return Specification(load(path))


def recorded_requests(folder: str) -> dict[str, Json]:
    """Request bodies of recorded traffic by file name; skips the test where there is none."""
    root = Path(os.environ.get("OPENROUTER_RECORDINGS", ROOT.parent / "shared/recordings"))
    files = sorted((root / folder).glob("*.json"))
    if not files:
        pytest.skip(f"no recorded traffic in {root / folder}; OPENROUTER_RECORDINGS names its folder")
    return {path.name: json.loads(path.read_text(encoding="utf-8"))["request"]["body"] for path in files}
