"""A toolkit whose schemas have what composio's own models of schemas lose or stumble over."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from openrouter_toolkit import ToolRegistry

PARAMETERS: dict[str, Any] = {
    "title": "Odd",
    "type": "object",
    "properties": {
        "X-Dash": {"type": ["string", "null"], "default": None, "description": "A dash. "},
        "either": {"anyOf": [{"type": "object", "additionalProperties": True}, {"type": "null"}]},
        "shared": {"$ref": "#/$defs/shared"},
        "picked": {"enum": ["a", "b", None]},
        "upload": {"type": "string", "file_uploadable": True},
        "answer": {"description": "What is answered."},
    },
    "required": ["either"],
    "minProperties": 1,
    "examples": [{"either": None}],
    "$defs": {"shared": {"type": "object", "properties": {"n": {"type": "integer"}}, "additionalProperties": False}},
    "additionalProperties": False,
}
DESCRIPTION = "Odd. " * 300  # longer than composio's 1,024


def answer(arguments: dict[str, Any]) -> str:
    """What `answer` says, as it is when it is a text; else the arguments as they arrived."""
    told = arguments.get("answer")
    return told if isinstance(told, str) else json.dumps({"arrived": arguments})


def odd_registry(folder: Path, slug: str = "ODD_ACTION", **options: Any) -> ToolRegistry:
    """A registry of this toolkit's one action, with a registry's options."""
    output = {"type": "object", "properties": {"data": {"type": "string"}}, "additionalProperties": False}
    hints = ("readOnlyHint", "destructiveHint", "idempotentHint", "openWorldHint", "costsMoney")
    schema = {
        "slug": slug,
        "name": "Odd",
        "description": DESCRIPTION,
        "tags": ["odd"],
        "annotations": {"title": "Odd", **dict.fromkeys(hints, False)},
        "input_parameters": PARAMETERS,
        "output_parameters": output,
    }
    toolkit = {
        "slug": "ODD",
        "name": "Odd",
        "version": "20261124_00",
        "description": "Odd.",
        "categories": ["tests"],
        "links": {"website": "https://odd.example/"},
    }
    manifest = {
        "toolkit": toolkit,
        "auth": {"scheme": "NO_AUTH"},
        "actions": [{"schema": "odd.json", "handler": "composio_core.odd_toolkit:answer"}],
    }
    (folder / "odd.json").write_text(json.dumps(schema))
    (folder / "manifest.yaml").write_text(json.dumps(manifest))
    return ToolRegistry.from_manifest(folder / "manifest.yaml", **options)
