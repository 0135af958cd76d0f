"""The request of each action, as the manifest or its handler's docstring says: method and path."""

from __future__ import annotations

import re

import yaml

from openrouter_toolkit import manifest

ACTIONS = {action.slug.removeprefix("OPENROUTER_").lower(): action for action in manifest.load().all_actions}
_MANIFEST = yaml.safe_load(manifest.packaged_manifest().read_text(encoding="utf-8"))
ROWS = [*_MANIFEST["actions"], *(row for toolset in _MANIFEST["toolsets"].values() for row in toolset["actions"])]
_REQUEST = re.compile(r"\b(GET|POST|PUT|PATCH|DELETE) (/[\w~./{}-]+)")


def _operation(told: str) -> tuple[str, str]:
    found = _REQUEST.search(told)
    assert found, f"name the request, such as (GET /models): {told}"
    return found[1].lower(), found[2]


# POST /completions is in no document of OpenRouter's so far; it is here to be noticed when it comes.
OPERATIONS = {
    name: _operation(row.get("request") or action.handler.__doc__ or "")
    for row, (name, action) in zip(ROWS, ACTIONS.items(), strict=True)
}
