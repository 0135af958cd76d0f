"""An action's definition as others want it: one function a format, from our dict to theirs."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

from .manifest import Action, Toolkit

Format = Callable[[Action, Toolkit, bool], dict[str, Any]]


def input_schema(action: Action, *, extensions: bool) -> dict[str, Any]:
    """The action's `input_parameters` without our marks; documented parameters only, unless asked for all."""
    schema = copy.deepcopy(action.definition.input_parameters)
    properties: dict[str, Any] = schema.get("properties", {})
    schema["properties"] = {
        name: {key: value for key, value in parameter.items() if key != "x-extension"}
        for name, parameter in properties.items()
        if extensions or not parameter.get("x-extension")
    }
    return schema


def openai(action: Action, _toolkit: Toolkit, extensions: bool) -> dict[str, Any]:
    """OpenAI's chat completions: an entry of `tools`."""
    return {
        "type": "function",
        "function": {
            "name": action.slug,
            "description": action.definition.description,
            "parameters": input_schema(action, extensions=extensions),
        },
    }


def composio(action: Action, toolkit: Toolkit, extensions: bool) -> dict[str, Any]:
    """Composio's definition of a tool."""
    definition = action.definition
    return {
        "slug": action.slug,
        "name": definition.name,
        "description": definition.description,
        "input_parameters": input_schema(action, extensions=extensions),
        "output_parameters": copy.deepcopy(definition.output_parameters),
        "toolkit": {"slug": toolkit.slug.lower(), "name": toolkit.name, "logo": toolkit.logo or ""},
        "version": toolkit.version,
        "available_versions": [toolkit.version],
        "tags": list(definition.tags),
        "annotations": definition.annotations.model_dump(),
    }


FORMATS: dict[str, Format] = {"openai": openai, "composio": composio}
