"""Tools: lists with their filters, single tools, and which version of a toolkit a request means."""

from __future__ import annotations

from typing import Any

from ...manifest import Action, LoadedToolkit
from ..state import HostedToolkit, State
from . import shapes
from .errors import TOOL_NOT_FOUND, refuse
from .query import Query, shown

_LATEST = "latest"


def list_tools(query: Query) -> dict[str, Any]:
    """GET /tools."""
    slugs = query.texts("tool_slugs")
    if slugs is not None:
        wanted = {slug.upper() for slug in slugs}
        found = [pair for pair in _all_tools(query) if wanted & {pair[0].slug, *pair[0].aliases}]
        return query.page(found, lambda pair: _show(query, *pair))
    found = _all_tools(query)
    if query.flag("important"):
        found = [(action, loaded) for action, loaded in found if action in shapes.important_actions(loaded)]
    toolkits = query.texts("toolkit_slug")
    configs = query.texts("auth_config_ids")
    if configs is not None:
        of_configs = [
            config.toolkit
            for name in configs
            if (config := query.store.auth_configs.get(name, list(query.state.toolkits))) is not None
        ]
        toolkits = [slug for slug in of_configs if toolkits is None or slug.lower() in map(str.lower, toolkits)]
    if toolkits is not None:
        allowed = {slug.upper() for slug in toolkits}
        found = [pair for pair in found if pair[1].toolkit.slug in allowed]
    tags = query.texts("tags")
    if tags is not None:
        found = [pair for pair in found if set(tags) & set(_show(query, *pair)["tags"])]
    text = query.text("query") or query.text("search")
    if text is not None:
        order = {action.slug: number for number, action in enumerate(shapes.ranked([a for a, _ in found], text))}
        found = sorted((pair for pair in found if pair[0].slug in order), key=lambda pair: order[pair[0].slug])
    return query.page(found, lambda pair: _show(query, *pair))


def get_tool(query: Query) -> dict[str, Any]:
    """GET /tools/{slug}."""
    action, toolkit, version = find_tool(query.state, query.path("slug"), version_asked(query))
    return shapes.tool(action, toolkit.loaded, version)


def list_slugs(query: Query) -> list[str]:
    """GET /tools/enum."""
    return [action.slug for action, _ in _all_tools(query)]


def version_asked(query: Query) -> dict[str, str]:
    """Return the versions that a query asks for by toolkit; under "" the one that counts for any toolkit."""
    asked = query.mapping("toolkit_versions")
    anywhere = query.text("version") or query.text("toolkit_versions")
    return {**asked, **({"": anywhere} if anywhere else {})}


def version_of(loaded: LoadedToolkit, asked: dict[str, str]) -> str | None:
    """Return the version of a toolkit that is asked for, the current one by default; None if it has no such version."""
    version = asked.get(loaded.toolkit.slug.lower(), asked.get("", _LATEST))
    if version == _LATEST:
        return loaded.toolkit.version
    return version if version in loaded.toolkit.versions() else None


def find_tool(state: State, slug: str, asked: dict[str, str]) -> tuple[Action, HostedToolkit, str]:
    """Return an action that is switched on, in the version asked for. Raises `Refusal` 404 if there is none."""
    toolkit = state.toolkit_of(slug.upper())
    action = toolkit.loaded.find(slug.upper())
    if action is None or action not in _listed(toolkit):
        refuse(TOOL_NOT_FOUND, f"There is no tool {shown(slug)}.", "GET /api/v3.1/tools lists those there are.")
    version = version_of(toolkit.loaded, asked)
    if version is None or not shapes.is_in(action, toolkit.loaded, version):
        there = ", ".join(toolkit.loaded.toolkit.versions())
        refuse(TOOL_NOT_FOUND, f"{action.slug} does not exist in that version of its toolkit.", f"There are {there}.")
    return action, toolkit, version


def _all_tools(query: Query) -> list[tuple[Action, LoadedToolkit]]:
    """Return the tools that are listed, each toolkit in the version asked for; none of an unknown version."""
    asked = version_asked(query)
    return [
        (action, toolkit.loaded)
        for toolkit in query.state.toolkits.values()
        if (version := version_of(toolkit.loaded, asked)) is not None
        for action in _listed(toolkit)
        if shapes.is_in(action, toolkit.loaded, version)
    ]


def _listed(toolkit: HostedToolkit) -> list[Action]:
    """Return a toolkit's actions that are switched on, and the withdrawn ones, which are in Composio's list too."""
    on = toolkit.registry.actions
    return [action for action in toolkit.loaded.all_actions if action.slug in on or action.withdrawn]


def _show(query: Query, action: Action, loaded: LoadedToolkit) -> dict[str, Any]:
    return shapes.tool(action, loaded, version_of(loaded, version_asked(query)) or loaded.toolkit.version)
