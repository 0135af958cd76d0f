"""Toolkits without code, written for a test: a manifest that describes its API, and a schema for each row."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import yaml

KEY = "key of alice/0123+456789"
FIELD = {"title": "Key", "required": True, "secret": True, "description": "Any word."}


def field(name: str, **more: Any) -> dict[str, Any]:
    """A field of the account."""
    return {"name": name, **FIELD, **more}


def schema(slug: str, parameters: dict[str, Any], required: list[str], **annotations: bool) -> dict[str, Any]:
    """The definition of an action whose answer is JSON."""
    hints = dict.fromkeys(("readOnlyHint", "destructiveHint", "idempotentHint", "openWorldHint", "costsMoney"), False)
    return {
        "slug": slug,
        "name": slug.title(),
        "description": "An action of a test.",
        "tags": ["tests"],
        "annotations": {"title": slug, **hints, **annotations},
        "input_parameters": {
            "type": "object",
            "properties": {name: {"description": name, **what} for name, what in parameters.items()},
            "required": required,
            "additionalProperties": False,
        },
        "data": {"description": "What came.", "contentSchema": {}},
    }


def write(
    folder: Path,
    client: Any,
    rows: dict[str, dict[str, Any]],
    *,
    slug: str = "WEATHER",
    fields: list[dict[str, Any]] | None = None,
    auth: dict[str, Any] | None = None,
) -> Path:
    """Write a toolkit and return its manifest's path.

    `rows` are the actions by the end of their slugs. A row is that of the manifest; its key `takes` has the parameters,
    of which those in the path are required, and `hints` the annotations that are true.
    """
    (folder / "schemas").mkdir(parents=True, exist_ok=True)
    actions = []
    for name, row in rows.items():
        takes, hints = row.get("takes", {}), row.get("hints", [])
        required = [parameter for parameter in takes if f"{{{parameter}}}" in row.get("request", "")]
        definition = schema(f"{slug}_{name}", takes, required, **dict.fromkeys(hints, True))
        (folder / "schemas" / f"{name.lower()}.json").write_text(json.dumps(definition))
        own = {key: value for key, value in row.items() if key not in ("takes", "hints")}
        actions.append({"schema": f"schemas/{name.lower()}.json", **own})
    fields = [field("api_key", environment=f"{slug}_API_KEY")] if fields is None else fields
    whole = {
        "toolkit": {
            "slug": slug,
            "name": slug.title(),
            "version": "20261130_00",
            "description": "A toolkit of a test.",
            "categories": ["tests"],
            "links": {"website": "https://weather.example/"},
            **({} if client is None else {"client": client}),
        },
        "auth": {"scheme": "API_KEY" if fields else "NO_AUTH", "fields": fields, **(auth or {})},
        "actions": actions,
    }
    path = folder / "manifest.yaml"
    path.write_text(yaml.safe_dump(whole, sort_keys=False))
    return path
