"""The request of each action, as the manifest or its handler's docstring says: method and path."""

from __future__ import annotations

import yaml

from openrouter_toolkit import manifest

from .made import request_of

ACTIONS = {action.slug.removeprefix("OPENROUTER_").lower(): action for action in manifest.load().all_actions}
_MANIFEST = yaml.safe_load(manifest.packaged_manifest().read_text(encoding="utf-8"))
ROWS = [*_MANIFEST["actions"], *(row for toolset in _MANIFEST["toolsets"].values() for row in toolset["actions"])]


# POST /completions is in no document of OpenRouter's so far; it is here to be noticed when it comes.
OPERATIONS = {
    name: (method.lower(), path)
    for row, name in zip(ROWS, ACTIONS, strict=True)
    for method, path in [request_of(row).split(" ")]
}
