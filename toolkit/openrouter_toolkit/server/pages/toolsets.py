"""A toolkit's further toolsets: what agents see only once an administrator has switched it on."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Request, Response

from ...manifest import LoadedToolkit
from ...store import Store
from ..error_responses import Problem
from ..state import hosted
from .cards import TOOLS, path_of
from .rendering import Form, Toolkit, redirect_after

router = APIRouter(prefix=f"{TOOLS}/{{toolkit}}/toolsets")


@router.post("/{toolset}/switch")
def switch(request: Request, toolkit: Toolkit, toolset: str, form: Form) -> Response:
    """Switch a toolset on or off, as the form's `to` says. Repeating it changes nothing."""
    slug, to = toolkit.toolkit.slug, form.get("to")
    if toolset not in toolkit.toolsets:
        raise Problem(404)
    if to not in ("on", "off"):
        raise Problem(400)
    switches = hosted(request).store.switches
    already = (toolset in switches.toolsets(slug)) == (to == "on")
    (switches.turn_on_toolset if to == "on" else switches.turn_off_toolset)(slug, toolset)
    done = f"{to}-already" if already else to
    return redirect_after(request, done, f"The toolset {toolset}", path_of(slug), at=place_of(toolset))


def place_of(toolset: str) -> str:
    """Return the id of the element that shows a toolset."""
    return f"toolset-{toolset}"


def rows(loaded: LoadedToolkit, store: Store) -> list[dict[str, Any]]:
    """Return the further toolsets as the page shows them."""
    on = store.switches.toolsets(loaded.toolkit.slug) if loaded.toolsets else {}
    fields = {field.name: field.title for field in loaded.auth.fields}
    return [
        {
            "name": one.name,
            "place": place_of(one.name),
            "description": one.description,
            "size": one.size,
            "wants": fields.get(one.credential or ""),
            "on": one.name in on,
            "path": f"{path_of(loaded.toolkit.slug)}/toolsets/{one.name}/switch",
        }
        for one in loaded.toolsets.values()
    ]
