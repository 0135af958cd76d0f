"""Tool definitions of an action, with one function per vendor format."""

from __future__ import annotations

import copy
from collections.abc import Callable
from functools import partial
from typing import Any

from ..manifest import Action, Toolkit
from .schemas import input_schema, reduced_schema, strict_schema, why_not_strict

Format = Callable[[Action, Toolkit, bool, bool], dict[str, Any]]


def openai(action: Action, _toolkit: Toolkit, extensions: bool, strict: bool) -> dict[str, Any]:
    """OpenAI's chat completions: an entry of `tools`."""
    schema, is_strict = _parameters(action, extensions, strict)
    function = {"name": action.slug, "description": action.definition.description, "parameters": schema}
    return {"type": "function", "function": {**function, "strict": True} if is_strict else function}


def openai_responses(action: Action, _toolkit: Toolkit, extensions: bool, strict: bool) -> dict[str, Any]:
    """OpenAI's responses: an entry of `tools`, which always says whether it is strict."""
    schema, is_strict = _parameters(action, extensions, strict)
    return {
        "type": "function",
        "name": action.slug,
        "description": action.definition.description,
        "parameters": schema,
        "strict": is_strict,
    }


def named_schema(name: str, action: Action, _toolkit: Toolkit, extensions: bool, _strict: bool) -> dict[str, Any]:
    """A name, a description and the unchanged schema under `name`, as Anthropic's messages and Gemini take it.

    Never strict: the toolkit has more parameters with several types and more optional parameters than Anthropic's
    strict mode allows in a request (16 and 24).
    """
    schema = input_schema(action, extensions=extensions)
    return {"name": action.slug, "description": action.definition.description, name: schema}


def gemini_reduced(action: Action, _toolkit: Toolkit, extensions: bool, _strict: bool) -> dict[str, Any]:
    """Gemini: a function declaration with the reduced schema of older clients; `X-Title` is `X_Title` there."""
    schema = input_schema(action, extensions=extensions)
    schema.pop("anyOf", None)  # a declaration's top-level schema must be an object
    schema = reduced_schema(schema)
    if not schema["properties"]:
        return {"name": action.slug, "description": action.definition.description}
    return {"name": action.slug, "description": action.definition.description, "parameters": schema}


def mcp(action: Action, _toolkit: Toolkit, extensions: bool, _strict: bool) -> dict[str, Any]:
    """The Model Context Protocol: a tool of `tools/list`, with its hints and the envelope as output schema."""
    hints = action.definition.annotations.model_dump()
    costs = hints.pop("costsMoney")
    return {
        "name": action.slug,
        "title": action.definition.name,
        "description": action.definition.description,
        "inputSchema": input_schema(action, extensions=extensions),
        "outputSchema": copy.deepcopy(action.definition.output_parameters),
        "annotations": hints,
        "_meta": {"costsMoney": costs},
    }


def composio(action: Action, toolkit: Toolkit, extensions: bool, _strict: bool) -> dict[str, Any]:
    """Composio's definition of a tool, an item of its `GET /tools`; its tags include MCP's hints."""
    definition = action.definition
    logo = toolkit.logo or ""
    versions = {"version": toolkit.version, "available_versions": toolkit.versions(action.slug)}
    hints = [name for name, holds in definition.annotations.model_dump().items() if name.endswith("Hint") and holds]
    return {
        "slug": action.slug,
        "name": definition.name,
        "description": definition.description,
        "input_parameters": input_schema(action, extensions=extensions, select=False),
        "output_parameters": copy.deepcopy(definition.output_parameters),
        "toolkit": {"slug": toolkit.slug.lower(), "name": toolkit.name, "logo": logo},
        **versions,
        "tags": [*definition.tags, *hints],
        "scopes": [],
        "no_auth": False,
        "is_deprecated": False,
        "deprecated": {
            "displayName": definition.name,
            **copy.deepcopy(versions),
            "is_deprecated": False,
            "toolkit": {"logo": logo},
        },
    }


def _parameters(action: Action, extensions: bool, strict: bool) -> tuple[dict[str, Any], bool]:
    """Return the input schema, strict if requested and possible, and whether it is strict."""
    schema = input_schema(action, extensions=extensions)
    if strict and why_not_strict(schema) is None:
        return strict_schema(schema), True
    return schema, False


FORMATS: dict[str, Format] = {
    "openai": openai,
    "openai-responses": openai_responses,
    "anthropic": partial(named_schema, "input_schema"),
    "gemini": partial(named_schema, "parameters_json_schema"),
    "gemini-reduced": gemini_reduced,
    "mcp": mcp,
    "composio": composio,
}
