"""Toolkits: lists with their filters, single ones, their categories and versions."""

from __future__ import annotations

from typing import Any

from ...manifest import LoadedToolkit
from . import shapes
from .errors import TOOLKIT_NOT_FOUND, refuse
from .query import Query, shown
from .tools import version_asked, version_of

_SORT = ("usage", "alphabetically")


def list_toolkits(query: Query) -> dict[str, Any]:
    """GET /toolkits."""
    text = query.text("search")
    found = [loaded for loaded in _all(query) if _matches(loaded, query.text("category"), query.text("managed_by"))]
    found = [one for one in found if shapes.matches(text, one.toolkit.slug, one.toolkit.name, one.toolkit.description)]
    if query.one_of("sort_by", _SORT, "usage") == "alphabetically":
        found.sort(key=lambda loaded: loaded.toolkit.name.lower())
    return query.page(found, shapes.toolkit)


def list_some(query: Query) -> dict[str, Any]:
    """POST /toolkits/multi: the toolkits that the body names, or all of them."""
    named = query.field("toolkits", kind=list)
    wanted = None if named is None else {str(slug).partition(":")[0].upper() for slug in named}
    found = [loaded for loaded in _all(query) if wanted is None or loaded.toolkit.slug in wanted]
    category, managed_by = query.field("category", kind=str), query.field("managed_by", kind=str)
    return query.page([loaded for loaded in found if _matches(loaded, category, managed_by)], shapes.toolkit)


def get_toolkit(query: Query) -> dict[str, Any]:
    """GET /toolkits/{slug}."""
    loaded = find_toolkit(query, query.path("slug"))
    version = version_of(loaded, version_asked(query))
    if version is None:
        there = ", ".join(loaded.toolkit.versions())
        refuse(TOOLKIT_NOT_FOUND, f"{loaded.toolkit.name} has no such version.", f"There are {there}.")
    return shapes.toolkit(loaded, version)


def list_categories(query: Query) -> dict[str, Any]:
    """GET /toolkits/categories."""
    categories = {one["id"]: one for loaded in _all(query) for one in shapes.toolkit(loaded)["meta"]["categories"]}
    return query.page(sorted(categories.values(), key=lambda one: str(one["name"])))


def list_changes(query: Query) -> dict[str, Any]:
    """GET /toolkits/changelog: each toolkit's versions."""
    return {
        "items": [
            {
                "slug": loaded.toolkit.slug.lower(),
                "name": loaded.toolkit.name,
                "display_name": loaded.toolkit.name,
                "versions": [{"version": one, "changelog": ""} for one in loaded.toolkit.versions()],
            }
            for loaded in _all(query)
        ]
    }


def find_toolkit(query: Query, slug: str) -> LoadedToolkit:
    """Return a toolkit by its slug in any letter case. Raises `Refusal` 404 if there is none."""
    found = query.state.toolkits.get(slug.upper())
    if found is None:
        there = ", ".join(name.lower() for name in query.state.toolkits)
        refuse(TOOLKIT_NOT_FOUND, f"There is no toolkit {shown(slug)} here.", f"There are {there}.")
    return found.loaded


def _all(query: Query) -> list[LoadedToolkit]:
    return [toolkit.loaded for toolkit in query.state.toolkits.values()]


def _matches(loaded: LoadedToolkit, category: str | None, managed_by: str | None) -> bool:
    """Whether a toolkit is of a category and managed by whom a query says; none is managed by Composio here."""
    names = {value for one in shapes.toolkit(loaded)["meta"]["categories"] for value in (one["id"], one["name"])}
    return (category is None or category in names) and managed_by != "composio"
